import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Distribution } from '../../../src/distributions/distribution.ts'
import { PublishError } from '../../../src/errors.ts'
import { type FileResult, notTried } from '../../../src/package-index/outcome.ts'
import { type SendEnd, sendInOrder } from '../../../src/package-index/sequence.ts'
import { openDistribution } from '../../support/open-distribution.ts'

const opened: { remove(): void }[] = []
after(() => {
  for (const one of opened) one.remove()
})

function distribution(file: string, bytes = 10): Distribution {
  const [, project = '', version = ''] = /^([a-z]+)-([0-9.]+[0-9])/.exec(file) ?? []
  const one = openDistribution({ file, project, version, bytes: Buffer.alloc(bytes) })
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
const DONE: SendEnd = { failed: false, problem: undefined, ends: 'file' }

function failing(ends: SendEnd['ends']): SendEnd {
  return { failed: true, problem, ends }
}

interface Options {
  readonly files?: readonly Distribution[]
  readonly known?: readonly string[]
  readonly failedWheels?: readonly Distribution[]
  readonly maxParallel?: number
  /** Rejects in place of an end. */
  readonly throws?: { readonly file: string; readonly error: Error; readonly begun: boolean }
}

interface Run {
  /** In the order in which they began. */
  readonly sent: readonly string[]
  /** Files that were on their way together with each file. */
  readonly together: ReadonlyMap<string, readonly string[]>
  /** Results of the files that were not sent. */
  readonly untried: ReadonlyMap<string, FileResult>
  readonly ended: PublishError | undefined
}

/** Sends files that take a moment each. Every one must have its end or its result, and only one of both. */
async function run(ends: Readonly<Record<string, SendEnd>> = {}, options: Options = {}): Promise<Run> {
  const { files = FILES.map((file) => distribution(file)), known = ['demo', 'other'] } = options
  const { failedWheels = [], maxParallel = 16, throws } = options
  const sent: string[] = []
  const together = new Map<string, string[]>()
  const untried = new Map<string, FileResult>()
  const ended: string[] = []
  const underWay = new Set<string>()
  const problemOfRun = await sendInOrder<SendEnd>({
    distributions: files,
    known: new Set(known),
    failedWheels,
    maxParallel,
    send: async ({ file }) => {
      sent.push(file)
      for (const other of underWay) together.get(other)?.push(file)
      together.set(file, [...underWay])
      underWay.add(file)
      await new Promise((resolve) => setTimeout(resolve, 5))
      underWay.delete(file)
      if (throws?.file === file) throw throws.error
      return ends[file] ?? DONE
    },
    attemptsOf: () => (throws?.begun ? 1 : 0),
    onEnd: ({ file }) => ended.push(file),
    onResult: (_one, result) => untried.set(result.file, result),
  })
  assert.deepEqual([...ended, ...untried.keys()].toSorted(), files.map(({ file }) => file).toSorted())
  return { sent, together, untried, ended: problemOfRun }
}

const [FIRST = '', WHEEL = '', SDIST = ''] = FILES

describe('files in order', () => {
  it('go side by side: the wheels of all projects first, each sdist after the wheels of its project', async () => {
    const { sent, together } = await run()
    assert.deepEqual(new Set(sent.slice(0, 4)), new Set(FILES.filter((file) => file.endsWith('.whl'))))
    assert.deepEqual(together.get(FIRST)?.toSorted(), [WHEEL, FILES[3], FILES[5]].toSorted())
    assert.ok(sent.indexOf('other-1.0.tar.gz') > sent.indexOf('other-1.0-py3-none-any.whl'))
    for (const sdist of ['demo-1.0.tar.gz', 'demo-2.0.tar.gz']) {
      for (const wheel of [FIRST, WHEEL, FILES[3] ?? '']) assert.ok(!together.get(sdist)?.includes(wheel))
    }
  })

  it('are never more at once than max-parallel', async () => {
    for (const maxParallel of [1, 2, 3]) {
      const { together, sent } = await run({}, { maxParallel })
      assert.equal(sent.length, FILES.length)
      // Of all that met a file on its way, fewer than the limit were there when it began.
      const widest = Math.max(
        ...[...together.keys()].map(
          (file) => (together.get(file) ?? []).filter((other) => sent.indexOf(other) < sent.indexOf(file)).length,
        ),
      )
      assert.equal(widest, maxParallel - 1)
    }
  })

  it('of a project that the index does not know begin with its smallest wheel, alone', async () => {
    const files = [distribution(FIRST, 300), distribution(WHEEL, 20), distribution('demo-2.0-py3-none-any.whl', 100)]
    const { sent, together } = await run({}, { files, known: [] })
    assert.equal(sent[0], WHEEL)
    assert.deepEqual(together.get(WHEEL), [])
    assert.deepEqual(together.get(FIRST), ['demo-2.0-py3-none-any.whl'])
  })

  it('of such a project go on one by one until one has succeeded', async () => {
    const files = [distribution(FIRST, 300), distribution(WHEEL, 20), distribution('demo-2.0-py3-none-any.whl', 100)]
    const { sent, together } = await run({ [WHEEL]: failing('file') }, { files, known: [] })
    assert.deepEqual(sent, [WHEEL, 'demo-2.0-py3-none-any.whl', FIRST])
    assert.deepEqual([...together.values()], [[], [], []])
  })

  it('hold back the sdist of a version whose wheel failed, and no other file', async () => {
    const { sent, untried, ended } = await run({ [WHEEL]: failing('file') })
    assert.deepEqual([...untried.keys()], [SDIST])
    assert.equal(sent.length, FILES.length - 1)
    assert.equal(ended, undefined)
    const { outcome, message, hint } = untried.get(SDIST) ?? {}
    assert.equal(outcome, 'not-tried')
    assert.match(message ?? '', /because the wheel demo-1\.0-py3-none-any\.whl of the same version did not/)
    assert.match(hint ?? '', /add to `files`, after its patterns: !dist\/demo-1\.0-py3-none-any\.whl$/)
  })

  it('hold it back also for a wheel that failed before anything was sent, and count the others', async () => {
    const wheel = distribution('demo-1.0-cp313-cp313-linux_x86_64.whl')
    const { untried } = await run({ [WHEEL]: failing('file') }, { failedWheels: [wheel] })
    assert.match(untried.get(SDIST)?.message ?? '', /cp313\S+\.whl and 1 more of the same version/)
    assert.match(untried.get(SDIST)?.hint ?? '', /!dist\/demo-1\.0-cp313\S+ !dist\/demo-1\.0-py3/)
    const others = [10, 11, 12].map((minor) => distribution(`demo-1.0-cp3${minor}-cp3${minor}-linux_x86_64.whl`))
    const many = await run({ [WHEEL]: failing('file') }, { failedWheels: [wheel, ...others] })
    assert.match(many.untried.get(SDIST)?.hint ?? '', /\.whl and so on for 2 more$/)
  })

  it('go on after an sdist that failed', async () => {
    const { untried } = await run({ [SDIST]: failing('file') })
    assert.equal(untried.size, 0)
  })

  it('end a project with all of its versions, and send the other projects', async () => {
    const { untried, ended } = await run({ [FIRST]: failing('project') }, { maxParallel: 1 })
    assert.deepEqual([...untried.keys()].toSorted(), FILES.slice(1, 5).toSorted())
    assert.equal(ended, undefined)
    const { message, code, attempts } = untried.get('demo-2.0.tar.gz') ?? {}
    assert.deepEqual([message, code, attempts], ['not sent, because of an earlier fault', 'E_HTTP_REJECTED', 0])
  })

  it('end the run with everything that has not begun, and return what ended it', async () => {
    const { untried, sent, ended } = await run({ [FIRST]: failing('run') }, { maxParallel: 1 })
    assert.deepEqual(sent, [FIRST])
    assert.deepEqual(new Set([...untried.values()].map(({ outcome }) => outcome)), new Set(['not-tried']))
    assert.equal(ended, problem)
  })

  it('leave new projects alone once the index takes no more of them, and send those that it knows', async () => {
    const files = ['aaa', 'bbb', 'ccc', 'ddd'].map((name) => distribution(`${name}-1.0-py3-none-any.whl`))
    const ends = { 'aaa-1.0-py3-none-any.whl': { ...failing('file'), refusesNewProjects: true as const } }
    const { untried, sent, ended } = await run(ends, { files, known: ['ddd'], maxParallel: 1 })
    assert.deepEqual([...untried.keys()], ['bbb-1.0-py3-none-any.whl', 'ccc-1.0-py3-none-any.whl'])
    assert.deepEqual(sent, ['aaa-1.0-py3-none-any.whl', 'ddd-1.0-py3-none-any.whl'])
    assert.equal(ended, undefined)
  })

  for (const [begun, outcome] of [
    [true, 'no-answer'],
    [false, 'not-tried'],
  ] as const) {
    it(`that are cancelled pass the reason on; a file that ${begun ? 'is on its way is' : 'has not begun is'} ${outcome}`, async () => {
      const error = new PublishError({ code: 'E_RUN_CANCELLED', message: 'the run was cancelled' })
      const results = new Map<string, FileResult>()
      const running = sendInOrder<SendEnd>({
        distributions: FILES.map((file) => distribution(file)),
        known: new Set(['demo', 'other']),
        failedWheels: [],
        maxParallel: 1,
        send: async ({ file }) => {
          if (file === WHEEL) throw error
          return DONE
        },
        attemptsOf: () => (begun ? 3 : 0),
        onEnd: () => {},
        onResult: (_one, result) => results.set(result.file, result),
      })
      await assert.rejects(running, (thrown) => thrown === error)
      const result = results.get(WHEEL)
      assert.deepEqual([result?.outcome, result?.code, result?.attempts], [outcome, 'E_RUN_CANCELLED', begun ? 3 : 0])
      if (begun)
        assert.match(
          results.get(WHEEL)?.message ?? '',
          /before the last word of the index on it, so it may or may not be there: the run was cancelled$/,
        )
      assert.equal(results.get(SDIST)?.outcome, 'not-tried')
    })
  }
})

describe('a file without an upload', () => {
  it('is not tried, with the reason where there is one', () => {
    const { outcome, message, code } = notTried(distribution(WHEEL), problem)
    assert.deepEqual([outcome, message, code], ['not-tried', 'not sent, because of an earlier fault', problem.code])
    assert.equal(notTried(distribution(WHEEL), undefined).message, 'not sent: the run ended before its turn')
  })
})
