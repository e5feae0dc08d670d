import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import { materialIn, outcomesOf, readReport, shown } from './support/assertions.ts'
import { writeLargeWheel } from './support/large-wheel.ts'
import { type Scene, setScene } from './support/scene.ts'
import { startStallingRelay } from './support/stalling-relay.ts'

const LARGE = 64_000_000
const PASSED_ON = 1_000_000

/** The runner waits so long after SIGINT (7.5 s), then sends SIGTERM: this is well before that. */
const LIMIT_MS = 5000

interface Interrupted {
  readonly scene: Scene
  readonly run: ActionRun
  /** From the signal to the end of the main step. */
  readonly milliseconds: number
  /** Mode of the material's directory during the upload, and the names of its files. */
  readonly during: readonly string[]
  /** What was left between main and post step. */
  readonly left: readonly string[]
  readonly largeName: string
}

/** Sends `signal` in the middle of an upload that the server has stopped reading. */
async function interrupt(test: TestContext, signal: NodeJS.Signals): Promise<Interrupted> {
  const scene = await setScene(test)
  const large = await writeLargeWheel(path.join(scene.workspace, 'dist'), LARGE)
  const relay = await startStallingRelay(test, scene.index.port, PASSED_ON)
  let sent = 0
  let ended = 0
  let during: string[] = []
  let left: string[] = []
  const onStart = (child: ChildProcess) => {
    void relay.stalled.then(() => {
      during = materialIn(scene.temp).flatMap((directory) => [modeOf(directory), ...readdirSync(directory)])
      sent = performance.now()
      child.kill(signal)
    })
  }
  const betweenSteps = () => {
    ended = performance.now()
    left = materialIn(scene.temp)
  }
  const url = `https://localhost:${relay.port}/legacy/`
  const run = await scene.run({ 'repository-url': url }, { onStart, betweenSteps })
  return { scene, run, milliseconds: ended - sent, during, left, largeName: large.name }
}

function modeOf(file: string): string {
  return (statSync(file).mode & 0o777).toString(8)
}

/** Signals and a file system in memory are what Linux has. */
const onLinux = process.platform === 'linux' ? describe : () => {}

onLinux('Linux: in the middle of a large upload', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`${signal} ends the run in less than 5 s: reported, and without material`, async (test) => {
      const { scene, run, milliseconds, during, left, largeName } = await interrupt(test, signal)
      assert.ok(milliseconds < LIMIT_MS, `${milliseconds} ms`)
      assert.deepEqual([run.main.exitCode, run.main.signal], [1, null], shown(run))
      // The key never was there.
      assert.deepEqual(during, ['700', 'ca-bundle.pem', 'client-cert.pem'])
      assert.deepEqual(left, [])
      const report = readReport(run)
      assert.equal(report.status, 'cancelled')
      assert.deepEqual(
        report.problems.map(({ code }) => code),
        ['E_RUN_CANCELLED'],
      )
      assert.match(run.summary, /cancelled/)
      assert.ok(run.annotations.some(({ kind, message }) => kind === 'error' && message.includes(signal)))
      const { [largeName]: large, ...others } = outcomesOf(run)
      assert.equal(large, 'no-answer')
      // The first wheel goes alone. The index took it, and the run had no time to see it there; of the other one, which
      // goes beside the large one, the run claims no more than it knows.
      const accepted = Object.keys(others).filter((name) => others[name] === 'unconfirmed')
      const stored = scene.index.files()
      assert.ok(accepted.includes('demo_pkg-1.2.0-py3-none-any.whl'))
      assert.deepEqual(
        accepted.filter((name) => !stored.includes(name)),
        [],
      )
      for (const name of stored) assert.match(others[name] ?? '', /^(unconfirmed|no-answer)$/)
      assert.equal(others['demo_pkg-1.2.0.tar.gz'], 'not-tried')
    })
  }

  it('SIGKILL leaves material that the post step removes', async (test) => {
    const { run, left } = await interrupt(test, 'SIGKILL')
    assert.equal(run.main.signal, 'SIGKILL')
    assert.equal(left.length, 1)
    assert.equal(run.post?.exitCode, 0)
    assert.deepEqual(run.annotations, [])
  })

  it('SIGKILL, and no post step since the machine went down: the next run removes the material', async (test) => {
    const { scene, left } = await interrupt(test, 'SIGKILL')
    const [directory = ''] = left
    // As if the runner that owned it were gone and another process had its number: a start of its own.
    const abandoned = directory.replace(/^(.*?-\d+-)\d+/, '$17')
    await mkdir(abandoned)
    await writeFile(path.join(abandoned, 'client-key.pem'), 'x')
    const run = await scene.run({ 'dry-run': 'true' })
    assert.equal(run.main.exitCode, 0, shown(run))
    assert.equal(existsSync(abandoned), false)
  })
})
