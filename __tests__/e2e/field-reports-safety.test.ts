/** Trouble that people met with uploads and indexes and reported in public, each as the smallest input that brings it about. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { issueServer } from '../../demo/certificate-authority.ts'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import { coreMetadata, makeWheel } from '../support/archives.ts'
import {
  type Answer,
  type FaultyIndex,
  type FaultyIndexOptions,
  LOGIN_PAGE,
  type LookupBehaviour,
  type LookupSeen,
  startFaultyIndex,
  type UploadBehaviour,
  type UploadEntry,
} from '../support/faulty-index.ts'
import { fileOutputs, outcomesOf, shown } from './support/assertions.ts'
import { annotationOf, closingLine, lastError } from './support/ending.ts'
import { writeLargeWheel } from './support/large-wheel.ts'
import { type Inputs, type Scene, setScene } from './support/scene.ts'

type Files = Readonly<Record<string, Buffer>>

/** A scene with these files in `dist`. */
async function setFiles(test: TestContext, files: Files): Promise<Scene> {
  const scene = await setScene(test, { samples: 'none' })
  for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(scene.workspace, 'dist', name), bytes)
  return scene
}

interface Meeting {
  readonly scene: Scene
  readonly index: FaultyIndex
  readonly run: ActionRun
}

type Behaviour = Partial<Omit<FaultyIndexOptions, 'server' | 'clientAuthorities'>>

async function startIndex(test: TestContext, { root }: Scene, behaviour: Behaviour): Promise<FaultyIndex> {
  const server = issueServer(root, { name: 'localhost' })
  const index = await startFaultyIndex({ server, clientAuthorities: [root.pem], ...behaviour })
  test.after(() => index.stop())
  return index
}

/** One run against an index that behaves so. */
async function meet(test: TestContext, files: Files, behaviour: Behaviour, inputs: Inputs = {}): Promise<Meeting> {
  const scene = await setFiles(test, files)
  const index = await startIndex(test, scene, behaviour)
  const run = await scene.run({ 'repository-url': index.uploadUrl, ...inputs })
  return { scene, index, run }
}

/** How every file ended, and whether the step succeeded; the counts fit. */
function assertOutcomes(run: ActionRun, outcomes: Readonly<Record<string, string>>): void {
  assert.deepEqual(outcomesOf(run), outcomes, shown(run))
  const values = Object.values(outcomes)
  const good = values.filter((one) => ['published', 'already-published', 'skipped'].includes(one)).length
  assert.equal(run.main.exitCode, good === values.length ? 0 : 1, shown(run))
  assert.equal(run.outputs.failed, String(values.length - good))
  for (const outcome of ['published', 'already-published', 'skipped']) {
    assert.equal(run.outputs[outcome], String(values.filter((one) => one === outcome).length))
  }
}

/** The index has these files with our bytes, and no others. */
function assertStored({ index, scene }: Meeting, names: readonly string[]): void {
  assert.deepEqual([...index.stored.keys()].sort(), [...names].sort())
  for (const name of names) {
    const ours = createHash('sha256').update(readFileSync(path.join(scene.workspace, 'dist', name)))
    assert.equal(index.stored.get(name)?.sha256, ours.digest('hex'), name)
  }
}

function sendsOf({ uploads }: FaultyIndex, file: string): UploadEntry[] {
  return uploads.filter((one) => one.file === file)
}

/** Reads all of a file, does not store it, and says this. */
function refusing(answer: Answer): UploadBehaviour {
  return { stores: false, ending: { kind: 'answer', answer } }
}

const WHEEL = 'demo-1.0-py3-none-any.whl'
const ONE: Files = { [WHEEL]: makeWheel() }

/** The longest that a step waits for its index in most of these tests. */
const SHORT = { 'verify-timeout-seconds': '2' }

describe('report 7: the second 413, and a connection that is cut at the same place each time', () => {
  it('a) a 413 with its server and the size; the other file goes on', async (test) => {
    const other = 'demo-1.0-cp312-cp312-win_amd64.whl'
    const answer = { status: 413, headers: { server: 'waitress' }, body: 'exceeds max_body of 1073741824' }
    const upload = ({ file }: { file: string }) => (file === WHEEL ? refusing(answer) : undefined)
    const files = { ...ONE, [other]: makeWheel({ tags: ['cp312-cp312-win_amd64'] }) }
    const { index, run } = await meet(test, files, { upload })
    assertOutcomes(run, { [other]: 'published', [WHEEL]: 'rejected' })
    assert.equal(fileOutputs(run).get(WHEEL)?.code, 'E_HTTP_TOO_LARGE')
    assert.match(
      annotationOf(run, WHEEL),
      /413 .*exceeds max_body of 1073741824 \(Server: waitress\), to a request of \d/,
    )
    assert.equal(sendsOf(index, WHEEL).length, 1)
  })

  it('b) two deaths at one place: a size limit by another name, and no third try', async (test) => {
    const scene = await setScene(test, { samples: 'none' })
    const large = await writeLargeWheel(path.join(scene.workspace, 'dist'), 128 << 20)
    const upload = () => ({ reads: 4 << 20, ending: { kind: 'hang-up', how: 'reset' } }) as const
    const index = await startIndex(test, scene, { upload })
    const run = await scene.run({ 'repository-url': index.uploadUrl, retries: '4' })
    assertOutcomes(run, { [large.name]: 'no-answer' })
    // 4.2 MB were read. At the first try megabytes more wait in the system's buffers; the second shows the place.
    assert.match(annotationOf(run, large.name), /closed after about [4-6]\.\d MB of 134\.2 MB, twice at the same place/)
    assert.match(
      annotationOf(run, large.name),
      /limit of size is likely .*client_max_body_size of nginx, --max-request-body-size of devpi and Waitress/,
    )
    assert.equal(index.uploads.length, 2)
    assert.equal(index.stored.size, 0)
  })
})

describe('report 8: 429 for new projects', () => {
  const NEW = ['newa', 'newb', 'newc', 'newd', 'newe', 'newf']
  const KNOWN = ['olda', 'oldb']
  const wheelOf = (name: string) => `${name}-1.0-py3-none-any.whl`
  const FILES = Object.fromEntries([...NEW, ...KNOWN].map((name) => [wheelOf(name), makeWheel({ name })]))
  const PRESENT = KNOWN.map((name) => ({ name: `${name}-0.9-py3-none-any.whl`, bytes: Buffer.from(name) }))
  const INPUTS = { 'expected-projects': 'any', 'max-parallel': '6' }

  /** Takes files of four new projects; what becomes of the others, `busy` says. */
  function fourADay(busy: (now: number) => Answer | undefined): Behaviour {
    const taken = new Set<string>()
    const upload = ({ project }: { project: string }) => {
      if (KNOWN.includes(project) || taken.has(project) || taken.size < 4) {
        taken.add(project)
        return undefined
      }
      const answer = busy(performance.now())
      return answer && refusing(answer)
    }
    return { upload, present: PRESENT }
  }

  const refusedBy = ({ uploads }: FaultyIndex) => uploads.filter(({ status }) => status === 429)

  it('a) without Retry-After: patience in common, not for each file', async (test) => {
    const behaviour = fourADay(() => ({ status: 429, body: 'too many new projects' }))
    const { index, run } = await meet(test, FILES, behaviour, { ...INPUTS, retries: '4' })
    const outcomes = Object.values(outcomesOf(run))
    assert.deepEqual(outcomes.filter((one) => one !== 'published').sort(), ['rejected', 'rejected'], shown(run))
    assert.equal(run.outputs.published, '6')
    // Five tries of each file would be ten.
    assert.ok(refusedBy(index).length <= 8, `${refusedBy(index).length} refusals`)
    assert.equal(run.main.exitCode, 1)
  })

  it('b) with a Retry-After of 2 s: nothing is sent before, then everything', async (test) => {
    let openFrom = Number.POSITIVE_INFINITY
    const behaviour = fourADay((now) => {
      if (now >= openFrom) return undefined
      openFrom = Math.min(openFrom, now + 1_900)
      return { status: 429, headers: { 'retry-after': '2' }, body: 'slow down' }
    })
    const { scene, index, run } = await meet(test, FILES, behaviour, INPUTS)
    assertOutcomes(run, Object.fromEntries(Object.keys(FILES).map((name) => [name, 'published'])))
    const [first] = refusedBy(index)
    assert.ok(first?.comeBackAt !== undefined && first.endedAt !== undefined)
    // What was on its way when the answer came had begun before.
    const { comeBackAt, endedAt } = first
    const early = index.uploads.filter(({ startedAt }) => startedAt > endedAt + 500 && startedAt < comeBackAt - 5)
    assert.deepEqual(early, [])
    assert.ok(refusedBy(index).length <= 2)
    assert.equal(index.stored.size, Object.keys(FILES).length + PRESENT.length)
    assert.equal(scene.index.connections, 0)
  })

  for (const [name, answer, time] of [
    ['c) with a Retry-After of a day', { headers: { 'retry-after': '86400' } }, /in 24 hours/],
    ['d) with a date two hours ahead', { retryAt: 7200 }, /in [23] hours \(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)/],
  ] as const) {
    it(`${name}: no waiting; known projects go on, new ones stay`, async (test) => {
      const behaviour = fourADay(() => ({ status: 429, body: 'four new projects a day', ...answer }))
      const { index, run } = await meet(test, FILES, behaviour, INPUTS)
      const outcomes = outcomesOf(run)
      const ends = NEW.map((project) => outcomes[wheelOf(project)])
      assert.equal(ends.filter((one) => one === 'published').length, 4, shown(run))
      const refused = NEW.filter((project) => outcomes[wheelOf(project)] === 'rejected').map(wheelOf)
      const untried = ends.filter((one) => one === 'not-tried').length
      assert.ok(refused.length >= 1 && refused.length + untried === 2, shown(run))
      for (const project of KNOWN) assert.equal(outcomes[wheelOf(project)], 'published')
      for (const file of refused) {
        assert.equal(sendsOf(index, file).length, 1)
        assert.match(annotationOf(run, file), /four new projects a day/)
        assert.match(annotationOf(run, file), time)
        assert.match(annotationOf(run, file), /What is published stays; run again in \d+ hours/)
      }
      assert.equal(run.main.exitCode, 1)
      assert.match(closingLine(run, 'Run again'), /not before \d{4}-\d\d-\d\d \d\d:\d\d UTC, as the index asks/)
    })
  }

  it('c) with one file at a time: what was not tried yet is not tried', async (test) => {
    const answer = { status: 429, headers: { 'retry-after': '86400' }, body: 'four new projects a day' }
    const { index, run } = await meet(
      test,
      FILES,
      fourADay(() => answer),
      { ...INPUTS, 'max-parallel': '1' },
    )
    const outcomes = outcomesOf(run)
    const ends = NEW.map((project) => outcomes[wheelOf(project)])
    assert.deepEqual(ends.toSorted(), ['not-tried', ...Array(4).fill('published'), 'rejected'], shown(run))
    for (const project of KNOWN) assert.equal(outcomes[wheelOf(project)], 'published')
    assert.equal(index.uploads.length, 7)
  })
})

describe('report 9: the index lags', () => {
  const later = (afterMs: number) => ({ json: { afterMs }, html: { afterMs } })
  const EXISTS = { status: 400, body: 'File already exists. See the help of this index.' }

  function assertFresh({ lookups }: FaultyIndex): void {
    assert.ok(lookups.length > 0)
    for (const { headers } of lookups) assert.equal(headers['cache-control'], 'no-cache')
  }

  it('a) listed after 3 s: published', async (test) => {
    const { index, run, scene } = await meet(test, ONE, { upload: () => ({ listed: later(3_000) }) })
    assertOutcomes(run, { [WHEEL]: 'published' })
    assert.equal(fileOutputs(run).get(WHEEL)?.verified, 'sha256')
    assertStored({ index, run, scene }, [WHEEL])
    assert.equal(index.uploads.length, 1)
    assertFresh(index)
  })

  it('b) listed in HTML at once and in JSON never: published', async (test) => {
    const upload = () => ({ listed: { json: 'never', html: 'at-once' } }) as const
    const { index, run } = await meet(test, ONE, { upload }, { 'verify-timeout-seconds': '10' })
    assertOutcomes(run, { [WHEEL]: 'published' })
    assert.equal(fileOutputs(run).get(WHEEL)?.verified, 'sha256')
    assert.ok(index.lookups.some(({ representation }) => representation === 'html'))
    assertFresh(index)
  })

  it('c) "exists", and listed with the same bytes after 5 s: already-published', async (test) => {
    const upload = () => ({ stores: true, listed: later(5_000), ending: { kind: 'answer', answer: EXISTS } }) as const
    const { index, run } = await meet(test, ONE, { upload }, { 'verify-timeout-seconds': '30' })
    assertOutcomes(run, { [WHEEL]: 'already-published' })
    assert.equal(fileOutputs(run).get(WHEEL)?.verified, 'sha256')
    assert.equal(index.uploads.length, 1)
  })

  for (const [label, status] of [
    ['d)', 200],
    ['e)', 202],
  ] as const) {
    it(`${label} accepted with ${status}, and never listed: unconfirmed`, async (test) => {
      const { index, run } = await meet(test, ONE, { upload: () => refusing({ status, body: 'OK' }) }, SHORT)
      assertOutcomes(run, { [WHEEL]: 'unconfirmed' })
      assert.equal(fileOutputs(run).get(WHEEL)?.code, 'E_INDEX_UNCONFIRMED')
      assert.equal(fileOutputs(run).get(WHEEL)?.verified, 'no')
      assert.match(annotationOf(run, WHEEL), new RegExp(`accepted \\(${status}\\), but .*not list it within \\d s`))
      assert.match(annotationOf(run, WHEEL), /Do not (?:re)?build.*Re-run failed jobs/)
      assert.equal(index.uploads.length, 1)
      const asked = new Set(index.lookups.map(({ representation }) => representation))
      assert.deepEqual([...asked].sort(), ['html', 'json'])
    })
  }
})

describe('the wait for the index', () => {
  /** Behaviour of the lookups of the project that come after the first, which finds nothing. */
  const afterwards = (behave: (seen: LookupSeen) => LookupBehaviour | undefined) => (seen: LookupSeen) =>
    seen.number === 1 ? undefined : behave(seen)

  it('asks for the other representation where one is silent', async (test) => {
    const lookup = afterwards(({ representation }): LookupBehaviour | undefined =>
      representation === 'json' ? { ending: { kind: 'silence' } } : undefined,
    )
    const { index, run } = await meet(test, ONE, { lookup }, { 'verify-timeout-seconds': '4' })
    assertOutcomes(run, { [WHEEL]: 'published' })
    assert.equal(fileOutputs(run).get(WHEEL)?.verified, 'sha256')
    assert.equal(index.uploads.length, 1)
  })

  it('is no longer than verify-timeout-seconds, whatever the index asks for', { timeout: 30_000 }, async (test) => {
    const busy = { status: 429, headers: { 'retry-after': '60' }, body: 'slow down' }
    for (const ending of [{ kind: 'answer', answer: busy }, { kind: 'silence' }] as const) {
      const { run } = await meet(test, ONE, { lookup: afterwards(() => ({ ending })) }, SHORT)
      assertOutcomes(run, { [WHEEL]: 'unconfirmed' })
    }
  })

  it('goes on where a page for people stands in place of the index for a time', async (test) => {
    const page = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html><p>Maintenance</p></html>' }
    const lookup = ({ number }: LookupSeen) =>
      number === 2 ? ({ ending: { kind: 'answer', answer: page } } as const) : undefined
    const { run } = await meet(test, ONE, { lookup }, { 'verify-timeout-seconds': '10' })
    assertOutcomes(run, { [WHEEL]: 'published' })
  })
})

describe('report 10: a 500 that comes every time, and 400 for a local version', () => {
  const EPOCH = 'demo-1!2.0-py3-none-any.whl'
  const LOCAL = 'demo-1.0+corp.1-py3-none-any.whl'
  const FILES: Files = {
    [EPOCH]: makeWheel({ version: '1!2.0' }),
    [LOCAL]: makeWheel({ version: '1.0+corp.1' }),
    ...ONE,
  }
  const ANY = { 'expected-version': 'any' }

  it('each file ends as the index says, and none disturbs the others', async (test) => {
    const upload = ({ file }: { file: string }) => {
      if (file === EPOCH) return refusing({ status: 500, body: 'internal server error: epoch' })
      if (file === LOCAL) return refusing({ status: 400, body: 'invalid name or version' })
      return { ending: { kind: 'answer', answer: { status: 201 } } } as const
    }
    const { index, run } = await meet(test, FILES, { upload }, { ...ANY, retries: '1' })
    assertOutcomes(run, { [EPOCH]: 'rejected', [LOCAL]: 'rejected', [WHEEL]: 'published' })
    assert.match(annotationOf(run, EPOCH), /500 .*internal server error: epoch/)
    assert.match(annotationOf(run, LOCAL), /400 .*invalid name or version/)
    assert.deepEqual(
      [sendsOf(index, EPOCH).length, sendsOf(index, LOCAL).length, sendsOf(index, WHEEL).length],
      [2, 1, 1],
    )
  })

  it('links with %21 and %2B are the files that they name', async (test) => {
    const present = Object.entries(FILES).map(([name, bytes]) => ({ name, bytes }))
    for (const representations of [['json'], ['html']] as const) {
      const { index, run } = await meet(test, FILES, { present, representations }, ANY)
      assertOutcomes(run, Object.fromEntries(Object.keys(FILES).map((name) => [name, 'already-published'])))
      assert.equal(index.uploads.length, 0)
    }
  })
})

describe('an index that does not tell the truth', () => {
  it('redirects elsewhere: nothing is sent there', async (test) => {
    for (const status of [301, 302, 303, 307, 308]) {
      const answer = { status, headers: { location: 'elsewhere:legacy/' } }
      const { index, run } = await meet(test, ONE, { upload: () => refusing(answer) })
      assertOutcomes(run, { [WHEEL]: 'rejected' })
      assert.equal(fileOutputs(run).get(WHEEL)?.code, 'E_HTTP_REDIRECT')
      assert.match(lastError(run), /an upload goes to repository-url alone/)
      assert.equal(index.elsewhere.connections, 0)
      assert.equal(index.uploads.length, 1)
    }
  })

  it('redirects with 307 on its own origin: followed once', async (test) => {
    const answer = { status: 307, headers: { location: '/legacy/moved/' } }
    const upload = ({ attempt }: { attempt: number }) => (attempt === 1 ? refusing(answer) : undefined)
    const met = await meet(test, ONE, { upload })
    assertOutcomes(met.run, { [WHEEL]: 'published' })
    assertStored(met, [WHEEL])
    assert.equal(met.index.uploads.length, 2)
  })

  it('answers 200 with a page to log in: not a success', async (test) => {
    const { index, run } = await meet(test, ONE, { upload: () => refusing(LOGIN_PAGE) })
    assertOutcomes(run, { [WHEEL]: 'rejected' })
    assert.equal(fileOutputs(run).get(WHEEL)?.code, 'E_HTTP_LOGIN_PAGE')
    assert.equal(index.uploads.length, 1)
  })

  for (const skip of ['false', 'true']) {
    it(`says that a file exists, and lists none (skip-existing: ${skip}): not a success`, async (test) => {
      const upload = () => refusing({ status: 409, body: 'File already exists' })
      const { index, run } = await meet(test, ONE, { upload }, { ...SHORT, 'skip-existing': skip })
      assertOutcomes(run, { [WHEEL]: 'rejected' })
      assert.equal(fileOutputs(run).get(WHEEL)?.code, 'E_HTTP_EXISTS')
      assert.match(annotationOf(run, WHEEL), /409 .*File already exists.*did not list it within \d s/)
      assert.equal(index.uploads.length, 1)
    })
  }

  it('stores a file and fails: it is found there, and not sent again', async (test) => {
    const upload = () => ({ stores: true, ending: { kind: 'answer', answer: { status: 500, body: 'oops' } } }) as const
    const met = await meet(test, ONE, { upload })
    assertOutcomes(met.run, { [WHEEL]: 'published' })
    assertStored(met, [WHEEL])
    assert.equal(met.index.uploads.length, 1)
  })

  it('gives no sha256, and breaks off each file once: what was compared is not fetched again', async (test) => {
    const other = 'demo-1.0-cp312-cp312-win_amd64.whl'
    const files = { ...ONE, [other]: makeWheel({ tags: ['cp312-cp312-win_amd64'] }) }
    const present = Object.entries(files).map(([name, bytes]) => ({ name, bytes }))
    const download = (_: string, number: number) =>
      number === 1 ? ({ kind: 'hang-up', how: 'reset' } as const) : undefined
    const { index, run } = await meet(test, files, { present, hashes: 'md5', download })
    assertOutcomes(run, { [other]: 'already-published', [WHEEL]: 'already-published' })
    assert.deepEqual(index.downloads.toSorted(), [other, other, WHEEL, WHEEL])
    assert.equal(index.uploads.length, 0)
  })
})

describe('a second run', () => {
  it('of the same files sends nothing', async (test) => {
    const scene = await setFiles(test, ONE)
    const index = await startIndex(test, scene, { existing: 'overwrite' })
    const inputs = { 'repository-url': index.uploadUrl }
    assertOutcomes(await scene.run(inputs), { [WHEEL]: 'published' })
    const again = await scene.run(inputs)
    assertOutcomes(again, { [WHEEL]: 'already-published' })
    assert.equal(fileOutputs(again).get(WHEEL)?.verified, 'sha256')
    assert.equal(index.uploads.length, 1)
  })

  it('of other bytes under the same name is a conflict, and the index keeps the first ones', async (test) => {
    const scene = await setFiles(test, ONE)
    const index = await startIndex(test, scene, { existing: 'overwrite' })
    const inputs = { 'repository-url': index.uploadUrl }
    assertOutcomes(await scene.run(inputs), { [WHEEL]: 'published' })
    const first = index.stored.get(WHEEL)?.sha256 ?? ''
    await writeFile(
      path.join(scene.workspace, 'dist', WHEEL),
      makeWheel({ metadata: `${coreMetadata()}Summary: built again\n` }),
    )
    const again = await scene.run(inputs)
    assertOutcomes(again, { [WHEEL]: 'conflict' })
    assert.ok(annotationOf(again, WHEEL).includes(first), annotationOf(again, WHEEL))
    const skipping = await scene.run({ ...inputs, 'skip-existing': 'true' })
    assertOutcomes(skipping, { [WHEEL]: 'skipped' })
    assert.equal(index.uploads.length, 1)
    assert.equal(index.stored.get(WHEEL)?.sha256, first)
  })
})

describe('a file that is sent long after it was looked up', () => {
  const OTHERS = { name: WHEEL, bytes: Buffer.from('of somebody else') }
  /** Not there when the run looks first, and there ten seconds later. */
  const LATE = { ...OTHERS, listed: { json: { afterMs: 6_000 }, html: { afterMs: 6_000 } } }

  function assertKept({ run, index }: Meeting): void {
    assert.equal(outcomesOf(run)[WHEEL], 'conflict', shown(run))
    assert.ok(index.stored.get(WHEEL)?.bytes.equals(OTHERS.bytes))
  }

  it('since the server asked to wait meanwhile, is looked up again: nothing is replaced', async (test) => {
    const [busy, slow] = ['abusy-1.0-py3-none-any.whl', 'aslow-1.0-py3-none-any.whl']
    const files = { [busy]: makeWheel({ name: 'abusy' }), [slow]: makeWheel({ name: 'aslow' }), ...ONE }
    const later = { status: 503, headers: { 'retry-after': '11' }, body: 'come back later' }
    const upload = ({ file, attempt }: { file: string; attempt: number }) => {
      if (file === busy && attempt === 1) return refusing(later)
      return file === slow ? ({ ending: { kind: 'drip', everyMs: 400, bytes: 100 } } as const) : undefined
    }
    const behaviour = { upload, present: [LATE], existing: 'overwrite' } as const
    const met = await meet(test, files, behaviour, { 'expected-projects': 'any', 'max-parallel': '2' })
    assertKept(met)
    assert.deepEqual(sendsOf(met.index, WHEEL), [])
    assert.equal(outcomesOf(met.run)[busy], 'published')
  })

  it('since a redirect took its time, is looked up again: nothing is replaced', async (test) => {
    const answer = { status: 307, headers: { location: '/legacy/moved/' } }
    const upload = ({ attempt }: { attempt: number }) =>
      attempt === 1
        ? ({ stores: false, ending: { kind: 'drip', answer, everyMs: 10_500, bytes: 60 } } as const)
        : undefined
    const met = await meet(test, ONE, { upload, present: [LATE], existing: 'overwrite' })
    assertKept(met)
    assert.equal(met.index.uploads.length, 1)
  })
})
