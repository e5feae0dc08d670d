import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Distribution } from '../../../src/distributions/distribution.ts'
import { PublishError } from '../../../src/errors.ts'
import type { FileResult } from '../../../src/package-index/outcome.ts'
import { notTried, uploadInOrder, wouldPublish } from '../../../src/package-index/sequence.ts'
import type { UploadEnd } from '../../../src/package-index/upload.ts'
import { openDistribution } from '../../support/open-distribution.ts'

const opened: { remove(): void }[] = []
after(() => {
  for (const one of opened) one.remove()
})

function distribution(file: string): Distribution {
  const [, project = '', version = ''] = /^([a-z]+)-([0-9.]+[0-9])/.exec(file) ?? []
  const one = openDistribution({ file, project, version })
  opened.push(one)
  return one.distribution
}

const FILES = [
  'demo-1.0-cp312-cp312-linux_x86_64.whl',
  'demo-1.0-py3-none-any.whl',
  'demo-1.0.tar.gz',
  'demo-2.0-py3-none-any.whl',
  'demo-2.0.tar.gz',
  'other-1.0-py3-none-any.whl',
  'other-1.0.tar.gz',
]

const problem = new PublishError({ code: 'E_HTTP_REJECTED', message: 'the index answered 400 no', hint: 'Mend it.' })
const done: UploadEnd = { outcome: 'published', problem: undefined, ends: 'file', attempts: 1, milliseconds: 12 }

function failing(ends: UploadEnd['ends'], outcome: UploadEnd['outcome'] = 'rejected'): UploadEnd {
  return { outcome, problem, ends, attempts: 1, milliseconds: 34 }
}

interface Run {
  readonly results: FileResult[]
  readonly sent: string[]
  readonly ended: PublishError | undefined
}

async function run(ends: Readonly<Record<string, UploadEnd>>, files = FILES): Promise<Run> {
  const results: FileResult[] = []
  const sent: string[] = []
  const upload = async ({ file }: Distribution) => {
    sent.push(file)
    return ends[file] ?? done
  }
  const ended = await uploadInOrder(files.map(distribution), upload, (result) => results.push(result))
  assert.deepEqual(
    results.map(({ file }) => file),
    files,
    'every file has one result, in order',
  )
  return { results, sent, ended }
}

function outcomes({ results }: Run): string[] {
  return results.map(({ outcome }) => outcome)
}

const WHEEL = 'demo-1.0-py3-none-any.whl'

describe('uploads in order', () => {
  it('send every file, one after the other', async () => {
    let running = 0
    const upload = async () => {
      running += 1
      assert.equal(running, 1)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return done
    }
    const results: FileResult[] = []
    assert.equal(await uploadInOrder(FILES.map(distribution), upload, (result) => results.push(result)), undefined)
    assert.deepEqual(new Set(results.map(({ outcome }) => outcome)), new Set(['published']))
  })

  it('say of a published file what was sent and how long it took, and nothing else', async () => {
    const [result] = (await run({}, [WHEEL])).results
    const { sha256, size } = distribution(WHEEL)
    assert.deepEqual(result, {
      file: WHEEL,
      project: 'demo',
      version: '1.0',
      kind: 'wheel',
      sha256,
      size,
      outcome: 'published',
      verified: 'no',
      attempts: 1,
      milliseconds: 12,
      code: undefined,
      message: undefined,
      hint: undefined,
    })
  })

  for (const outcome of ['rejected', 'no-answer', 'not-tried'] as const) {
    it(`hold back the sdist of a version whose wheel is ${outcome}, and no other file`, async () => {
      const result = await run({ [WHEEL]: failing('file', outcome) })
      assert.deepEqual(outcomes(result), ['published', outcome, 'not-tried', ...Array(4).fill('published')])
      assert.equal(result.ended, undefined)
      assert.ok(!result.sent.includes('demo-1.0.tar.gz'))
    })
  }

  it('name the wheel and the line that excludes it', async () => {
    const { results } = await run({ [WHEEL]: failing('file') })
    assert.equal(results[1]?.message, 'the index answered 400 no')
    assert.match(results[2]?.message ?? '', /because the wheel demo-1\.0-py3-none-any\.whl of the same version did not/)
    assert.match(results[2]?.hint ?? '', /exclude the wheel there: !dist\/demo-1\.0-py3-none-any\.whl$/)
  })

  it('count the other wheels of that version that failed', async () => {
    const first = 'demo-1.0-cp312-cp312-linux_x86_64.whl'
    const { results } = await run({ [first]: failing('file'), [WHEEL]: failing('file') })
    assert.match(results[2]?.message ?? '', /linux_x86_64\.whl and 1 more of the same version/)
    assert.match(results[2]?.hint ?? '', /!dist\/demo-1\.0-cp312\S+ !dist\/demo-1\.0-py3/)
  })

  it('go on after an sdist that failed', async () => {
    const result = await run({ 'demo-1.0.tar.gz': failing('file') })
    assert.deepEqual(outcomes(result).slice(2), ['rejected', 'published', 'published', 'published', 'published'])
  })

  it('end a project with all of its versions, and send the other projects', async () => {
    const result = await run({ [FILES[0] ?? '']: failing('project') })
    const rest = Array(4).fill('not-tried')
    assert.deepEqual(outcomes(result), ['rejected', ...rest, 'published', 'published'])
    assert.equal(result.ended, undefined)
    assert.equal(result.results[3]?.message, 'not sent, because of an earlier fault')
    assert.equal(result.results[3]?.code, 'E_HTTP_REJECTED')
    assert.equal(result.results[3]?.attempts, 0)
  })

  it('end the run with everything that is left, and return what ended it', async () => {
    const result = await run({ [WHEEL]: failing('run') })
    assert.deepEqual(outcomes(result), ['published', 'rejected', ...Array(5).fill('not-tried')])
    assert.equal(result.ended, problem)
    assert.deepEqual(result.sent, FILES.slice(0, 2))
    assert.equal(result.results[6]?.message, 'not sent, because of an earlier fault')
  })

  it('that are cancelled say that the file in flight may be there, and pass the reason on', async () => {
    const reason = new PublishError({ code: 'E_RUN_CANCELLED', message: 'the run was cancelled' })
    const results: FileResult[] = []
    const upload = async ({ file }: Distribution) => {
      if (file === WHEEL) throw reason
      return done
    }
    const running = uploadInOrder(FILES.map(distribution), upload, (result) => results.push(result))
    await assert.rejects(running, (error) => error === reason)
    assert.deepEqual(
      results.map(({ outcome, code }) => [outcome, code]),
      [['published', undefined], ['no-answer', 'E_RUN_CANCELLED'], ...Array(5).fill(['not-tried', 'E_RUN_CANCELLED'])],
    )
    assert.match(results[1]?.message ?? '', /may or may not be on the index: the run was cancelled$/)
  })
})

describe('a file without an upload', () => {
  it('is not tried, with the reason where there is one', () => {
    const { outcome, message, code } = notTried(distribution(WHEEL), problem)
    assert.deepEqual([outcome, message, code], ['not-tried', 'not sent, because of an earlier fault', problem.code])
    assert.equal(notTried(distribution(WHEEL), undefined).message, 'not sent: the run ended before its turn')
  })

  it('would be published in a dry run', () => {
    const { outcome, message, attempts } = wouldPublish(distribution(WHEEL))
    assert.deepEqual([outcome, message, attempts], ['would-publish', undefined, 0])
  })
})
