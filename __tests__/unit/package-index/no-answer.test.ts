import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ErrorCode, PublishError } from '../../../src/errors.ts'
import type { Exchange } from '../../../src/package-index/exchange.ts'
import { explainFailure } from '../../../src/package-index/no-answer.ts'

const LENGTH = 16_000_000

function fault(code: string): Error {
  return Object.assign(new Error('a fault'), { code })
}

function explained(code: ErrorCode): PublishError {
  return new PublishError({ code, message: 'the transport says so', hint: 'Do this.' })
}

/** What a failure comes to when the transport explains it as `problem`. */
function failure(exchange: Partial<Exchange>, problem?: PublishError) {
  return explainFailure({
    exchange: { answer: undefined, error: fault('ECONNRESET'), started: true, sent: 4_000_000, ...exchange },
    contentLength: LENGTH,
    explain: () => problem,
  })
}

describe('an exchange without an answer', () => {
  it('whose connection never stood ends the run untried, in the words of the transport', () => {
    for (const code of ['E_PROXY_REFUSED', 'E_TLS_SERVER_EXPIRED', 'E_TLS_CLIENT_REVOKED'] as const) {
      const problem = explained(code)
      assert.deepEqual(failure({ started: false, sent: 0 }, problem), { outcome: 'not-tried', problem, ends: 'run' })
    }
  })

  it('whose connection never stood for a reason that may pass is worth another try', () => {
    for (const code of ['E_NETWORK_DNS', 'E_NETWORK_TIMEOUT', 'E_PROXY_UNREACHABLE', 'E_PROXY_GATEWAY'] as const) {
      const problem = explained(code)
      const { retry, ...end } = failure({ started: false, sent: 0 }, problem)
      assert.deepEqual(end, { outcome: 'not-tried', problem, ends: 'run' })
      assert.deepEqual(retry, { afterMs: undefined })
    }
  })

  it('whose connection ended with an alert of TLS ends the run, in the words of the transport', () => {
    const problem = explained('E_TLS_CLIENT_REVOKED')
    assert.deepEqual(failure({}, problem), { outcome: 'no-answer', problem, ends: 'run' })
  })

  it('whose connection died ends the file and says how far it came', () => {
    for (const code of ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']) {
      for (const problem of [undefined, explained('E_NETWORK_CLOSED')]) {
        const end = failure({ error: fault(code) }, problem)
        assert.deepEqual([end.outcome, end.problem?.code, end.ends], ['no-answer', 'E_HTTP_NO_ANSWER', 'file'])
        assert.match(end.problem?.message ?? '', /after about 4\.0 MB of 16\.0 MB$/)
      }
    }
    assert.match(failure({ sent: LENGTH }).problem?.message ?? '', /after everything had been sent$/)
  })

  it('that began with a yes, and whose body is cut off, ends the file: nobody read all of it', () => {
    const answer = { status: 200, reason: 'OK', headers: new Map<string, string>(), text: 'abc' }
    const end = failure({ answer, error: fault('UND_ERR_RES_CONTENT_LENGTH_MISMATCH') })
    assert.deepEqual([end.outcome, end.problem?.code, end.ends], ['no-answer', 'E_HTTP_NO_ANSWER', 'file'])
    assert.match(end.problem?.message ?? '', /^the index answered 200 before it had the whole file/)
  })

  it('because the file cannot be read on ends the file untried, in the words of the reader', () => {
    const problem = new PublishError({ code: 'E_DIST_FILE', message: 'demo.whl cannot be read (EIO)' })
    assert.deepEqual(failure({ error: problem }), { outcome: 'not-tried', problem, ends: 'file' })
  })

  it('because of a defect of ours is no verdict: the error passes', () => {
    for (const error of [new TypeError('x is not a function'), fault('UND_ERR_INVALID_ARG')]) {
      assert.throws(
        () => failure({ error }),
        (thrown) => thrown === error,
      )
    }
  })
})
