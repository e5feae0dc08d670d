/** What every index keeps when the action runs again: the promises of a re-run, asked of a real server. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, it } from 'node:test'
import type { ActionRun } from '../../../demo/runner/run-action.ts'
import { type Sample, type SampleOptions, writeSamples } from '../../../demo/sample-distributions.ts'
import { assertKept, assertRun, assertServed, fileOutputs, shown } from './assertions.ts'
import type { Stage } from './stage.ts'
import { installWithUv } from './uv.ts'

/** An index of a server that runs. */
export interface Place {
  readonly stage: Stage
  /** Inputs beside the stage's own. */
  readonly inputs: Readonly<Record<string, string>>
  /** Path of the simple index, without the slash in front. */
  readonly simplePath: string
}

/** The name as people write it: the index and its file names have it normalised, each in its own way. */
const PROJECT = 'Demo.Pkg'
const WHEEL = 'demo_pkg-1.2.0-py3-none-any.whl'
const OTHER_WHEEL = 'demo_pkg-1.2.0-cp39-cp39-manylinux_2_17_x86_64.whl'
const SDIST = 'demo_pkg-1.2.0.tar.gz'

/** Milliseconds behind the line that says what the index has: the first file goes, the others go, they are waited for. */
const MOMENTS = [0, 10, 20, 30, 60, 120, 240]

/** Registers the tests of one index. Each kind of run comes on top of the same first run, and changes nothing. */
export function testReruns(place: () => Place): void {
  let directory: string
  let first: Sample[]
  let changed: Sample[]
  let firstRun: ActionRun

  /** Also how many uploads the front has seen of it. */
  async function publish(files: readonly Sample[], inputs: Readonly<Record<string, string>> = {}) {
    const { stage, inputs: own } = place()
    const before = await uploadsOf(stage)
    const paths = files.map((file) => file.path)
    const run = await stage.publish(paths, { ...own, ...inputs })
    return { run, uploads: (await uploadsOf(stage)) - before }
  }

  function samples(folder: string, options: Partial<SampleOptions>): Promise<Sample[]> {
    return writeSamples(path.join(directory, folder), { project: PROJECT, version: '1.2.0', wheels: 2, ...options })
  }

  before(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'interop-samples-'))
    first = await samples('first', {})
    changed = await samples('changed', { greeting: 'Goodbye' })
    firstRun = (await publish(first)).run
  })
  after(() => rm(directory, { recursive: true, force: true }))

  it('publishes two wheels and an sdist, each verified by its sha256, and serves them to pip and uv', async () => {
    const published = { outcome: 'published', verified: 'sha256' }
    assertRun(firstRun, 0, { [WHEEL]: published, [OTHER_WHEEL]: published, [SDIST]: published })
    assert.equal(firstRun.outputs.published, '3', shown(firstRun))
    const { stage, simplePath } = place()
    await assertServed(stage, simplePath, first)
    const module = await installWithUv(await stage.pipAccess(simplePath), 'demo-pkg==1.2.0', 'demo_pkg/__init__.py')
    assert.match(module, /Hello/)
  })

  it('sends nothing the second time, and says that each file is there', async () => {
    const { run, uploads } = await publish(first)
    const there = { outcome: 'already-published', verified: 'sha256' }
    assertRun(run, 0, { [WHEEL]: there, [OTHER_WHEEL]: there, [SDIST]: there })
    assert.deepEqual([run.outputs.published, run.outputs['already-published'], uploads], ['0', '3', 0], shown(run))
  })

  it('never sends other bytes under names that are there: a conflict, with both digests', async () => {
    const { run, uploads } = await publish(changed)
    const conflict = { outcome: 'conflict', code: 'E_INDEX_CONFLICT' }
    assertRun(run, 1, { [WHEEL]: conflict, [OTHER_WHEEL]: conflict, [SDIST]: conflict })
    assert.equal(uploads, 0)
    assertDigests(run, 'error', first, changed)
    await assertKept(place().stage, place().simplePath, first)
  })

  it('leaves them as they are with skip-existing, and warns with both digests', async () => {
    const { run, uploads } = await publish(changed, { 'skip-existing': 'true' })
    const skipped = { outcome: 'skipped' }
    assertRun(run, 0, { [WHEEL]: skipped, [OTHER_WHEEL]: skipped, [SDIST]: skipped })
    assert.deepEqual([run.outputs.skipped, uploads], ['3', 0], shown(run))
    assertDigests(run, 'warning', first, changed)
    await assertKept(place().stage, place().simplePath, first)
  })

  it('tells a new, an unchanged and a changed file apart; a dry run sends none of them', async () => {
    const [same, old, sdist] = await samples('mix', { version: '1.3.0' })
    const [, other] = await samples('mix-changed', { version: '1.3.0', greeting: 'Goodbye' })
    assert.ok(same && old && sdist && other)
    const published = { outcome: 'published', verified: 'sha256' }
    assertRun((await publish([same, old])).run, 0, { [same.name]: published, [old.name]: published })
    const mix = [same, other, sdist]
    const rows = (...outcomes: string[]) =>
      Object.fromEntries(outcomes.map((outcome, index) => [mix[index]?.name, { outcome }]))
    const dry = await publish(mix, { 'dry-run': 'true' })
    assertRun(dry.run, 1, rows('already-published', 'conflict', 'not-tried'))
    const drySkip = await publish(mix, { 'dry-run': 'true', 'skip-existing': 'true' })
    assertRun(drySkip.run, 0, rows('already-published', 'skipped', 'would-publish'))
    const skip = await publish(mix, { 'skip-existing': 'true' })
    assertRun(skip.run, 0, rows('already-published', 'skipped', 'published'))
    assert.match(skip.run.summary, /mixture of two builds/)
    assert.deepEqual([dry.uploads, drySkip.uploads, skip.uploads], [0, 0, 1])
    await assertKept(place().stage, place().simplePath, [same, old, sdist])
  })

  it('finishes what a run has begun that was killed, at whatever moment: each file is there once, with its bytes', async () => {
    const { stage, inputs, simplePath } = place()
    let kills = 0
    for (const [number, moment] of MOMENTS.entries()) {
      const files = await samples(`killed-${number}`, { project: 'demo-killed', version: `1.${number}`, wheels: 4 })
      const paths = files.map((file) => file.path)
      const killed = await stage.publish(paths, inputs, killAt(moment))
      if (killed.main.signal === 'SIGKILL') kills += 1
      const { run } = await publish(files)
      const outcomes = [...fileOutputs(run).values()].map(({ outcome, verified }) => `${outcome} ${verified}`)
      const there = /^(?:already-)?published sha256$/
      assert.deepEqual([outcomes.length, run.main.exitCode], [files.length, 0], `${shown(killed)}\n${shown(run)}`)
      for (const outcome of outcomes) assert.match(outcome, there, `${shown(killed)}\n${shown(run)}`)
      await assertKept(stage, simplePath, files)
    }
    // A fast index may be through with the files before the later moments.
    assert.ok(kills > 1, `${kills} runs were killed`)
  })

  it('succeeds twice where two jobs publish the same files at the same moment', async () => {
    const { stage, inputs, simplePath } = place()
    const files = await samples('at-once', { project: 'demo-at-once', version: '1.0', wheels: 4 })
    const paths = files.map((file) => file.path)
    const runs = await Promise.all([stage.publish(paths, inputs), stage.publish(paths, inputs)])
    for (const run of runs) {
      assert.equal(run.main.exitCode, 0, shown(run))
      const { published, 'already-published': there } = run.outputs
      assert.equal(Number(published) + Number(there), files.length, shown(run))
    }
    await assertKept(stage, simplePath, files)
  })

  it('finds a local version and an epoch again, whose names URLs write in other ways', async () => {
    const files = [
      ...(await samples('local', { project: 'demo-versions', version: '1.0+corp.1', wheels: 1 })),
      ...(await samples('epoch', { project: 'demo-versions', version: '1!2.0', wheels: 1 })),
    ]
    const any = { 'expected-version': 'any' }
    const outcomes = (outcome: string) =>
      Object.fromEntries(files.map(({ name }) => [name, { outcome, verified: 'sha256' }]))
    assertRun((await publish(files, any)).run, 0, outcomes('published'))
    const again = await publish(files, any)
    assertRun(again.run, 0, outcomes('already-published'))
    assert.equal(again.uploads, 0)
  })
}

/** Kills a run so many milliseconds after it has said what the index has. */
function killAt(moment: number): (child: ChildProcess) => void {
  return (child) => {
    child.stdout?.on('data', (text: string | Buffer) => {
      if (/^Index /m.test(String(text))) setTimeout(() => child.kill('SIGKILL'), moment)
    })
  }
}

/** Uploads that came to the front. */
export async function uploadsOf(stage: Stage): Promise<number> {
  return (await stage.front.requests()).filter(({ request }) => request.startsWith('POST ')).length
}

/** Each file's annotation names what the index has and what the file has. */
function assertDigests(run: ActionRun, kind: string, index: readonly Sample[], ours: readonly Sample[]): void {
  for (const [place, { name, sha256 }] of ours.entries()) {
    const annotation = run.annotations.find((one) => one.kind === kind && one.title.includes(name))
    assert.ok(annotation, `${name}: no ${kind}\n${shown(run)}`)
    for (const digest of [sha256, index[place]?.sha256 ?? '']) {
      assert.ok(annotation.message.includes(digest.slice(0, 12)), `${name}: ${annotation.message} lacks ${digest}`)
    }
  }
}
