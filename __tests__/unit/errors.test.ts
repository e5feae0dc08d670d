import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ERROR_CODES, errorCodeOf, ProblemList, PublishError, PublishErrors, problemsOf } from '../../src/errors.ts'

const expired = new PublishError({ code: 'E_CERT_EXPIRED', message: 'the certificate ended' })
const empty = new PublishError({ code: 'E_INPUT_EMPTY', message: 'dry-run is empty', hint: 'Give a value.' })

describe('error codes', () => {
  it('say area and fault, each once', () => {
    assert.equal(new Set(ERROR_CODES).size, ERROR_CODES.length)
    for (const code of ERROR_CODES)
      assert.match(
        code,
        /^E_(INPUT|RUN|MATERIAL|CERT|KEY|CA|CRL|DIST|EXPECTED|NETWORK|PROXY|TLS|HTTP|INDEX)_[A-Z0-9]+(_[A-Z0-9]+)*$/,
      )
  })

  it('of one area stand together', () => {
    const areas = ERROR_CODES.map((code) => code.split('_')[1])
    const changes = areas.filter((area, index) => area !== areas[index - 1])
    assert.equal(changes.length, new Set(areas).size)
  })
})

describe('a problem', () => {
  it('keeps code, message, hint and cause', () => {
    const cause = new Error('below')
    const problem = new PublishError({ code: 'E_NETWORK_CLOSED', message: 'closed', hint: 'Run again.', cause })
    assert.ok(problem instanceof Error)
    assert.deepEqual(
      [problem.name, problem.code, problem.message, problem.hint, problem.cause],
      ['PublishError', 'E_NETWORK_CLOSED', 'closed', 'Run again.', cause],
    )
  })
})

describe('a list of problems', () => {
  it('takes problems and their details, in order', () => {
    const list = new ProblemList()
    list.add(expired)
    list.add({ code: 'E_INPUT_MISSING', message: 'client-cert is empty' })
    assert.equal(list.length, 2)
    assert.equal(list.all[0], expired)
    assert.deepEqual(
      list.all.map(({ code }) => code),
      ['E_CERT_EXPIRED', 'E_INPUT_MISSING'],
    )
  })

  it('throws nothing when there is nothing, one problem as it is, several together', () => {
    const list = new ProblemList()
    list.throwIfAny()
    list.add(expired)
    assert.throws(() => list.throwIfAny(), expired)
    list.add(empty)
    assert.throws(
      () => list.throwIfAny(),
      (error) => error instanceof PublishErrors && error.problems[0] === expired && error.problems[1] === empty,
    )
  })

  it('keeps what a check throws or rejects with, and gives what it returns', async () => {
    const list = new ProblemList()
    assert.equal(await list.collect(() => 7), 7)
    assert.equal(await list.collect(async () => 8), 8)
    const throwing = () => {
      throw expired
    }
    assert.equal(await list.collect(throwing), undefined)
    assert.equal(await list.collect(() => Promise.reject(new PublishErrors([empty, expired]))), undefined)
    assert.deepEqual(list.all, [expired, empty, expired])
  })

  it('hides no defect of our own: it passes on', async () => {
    const list = new ProblemList()
    const defect = new TypeError('undefined is not a function')
    await assert.rejects(
      list.collect(() => Promise.reject(defect)),
      (error) => error === defect,
    )
    assert.equal(list.length, 0)
  })
})

describe('what a catch clause got', () => {
  it('is one problem, or several', () => {
    assert.deepEqual(problemsOf(expired), [expired])
    assert.deepEqual(problemsOf(new PublishErrors([expired, empty])), [expired, empty])
  })

  it('else is a fault of this action, whose words are not shown: they may hold anything', () => {
    for (const thrown of [new TypeError('password is hunter2'), 'hunter2', undefined, { message: 'hunter2' }]) {
      const [problem, ...rest] = problemsOf(thrown)
      assert.ok(problem)
      assert.equal(rest.length, 0)
      assert.equal(problem.code, 'E_RUN_INTERNAL')
      assert.equal(problem.cause, thrown)
      assert.doesNotMatch(`${problem.message} ${problem.hint}`, /hunter2/)
    }
    assert.match(problemsOf(new RangeError('x'))[0]?.message ?? '', /\(RangeError\)$/)
  })
})

describe('the code of a system error', () => {
  it('is found where it is a word', () => {
    assert.equal(errorCodeOf(Object.assign(new Error('x'), { code: 'ECONNRESET' })), 'ECONNRESET')
    for (const other of [new Error('x'), { code: 7 }, null, undefined, 'ECONNRESET'])
      assert.equal(errorCodeOf(other), undefined)
  })
})
