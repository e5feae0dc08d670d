import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import { writeSamples } from '../../demo/sample-distributions.ts'
import { writePkcs12 } from '../support/pkcs12-writer.ts'
import { startServer } from '../support/tls-servers.ts'
import { materialIn, shown } from './support/assertions.ts'
import { annotationOf, assertEnded, closingLine, readable } from './support/ending.ts'
import { writeLargeWheel } from './support/large-wheel.ts'
import { type Inputs, type Scene, setScene } from './support/scene.ts'
import { startScriptedIndex } from './support/scripted-index.ts'

const GIGABYTE = 1_000_000_000
const PASSED_ON = 100_000_000

/** The runner gives a cancelled step 7.5 s before it sends SIGTERM. */
const LIMIT_MS = 5000

/** Windows has no signals that a process can handle. */
const onUnix = process.platform === 'win32' ? () => {} : describe

interface Cancelled {
  readonly run: ActionRun
  /** From the first signal to the end of the main step. */
  readonly milliseconds: number
  /** When the first signal was sent, as `performance.now()` has it. */
  readonly sent: number
  /** Material between main and post step. */
  readonly left: readonly string[]
}

/** Runs, and sends these signals to the main step when `moment` has come. */
async function cancel(
  scene: Scene,
  inputs: Inputs,
  moment: (child: ChildProcess) => Promise<unknown>,
  signals: readonly NodeJS.Signals[] = ['SIGINT'],
): Promise<Cancelled> {
  const times = { sent: 0, ended: 0 }
  let left: string[] = ['not looked at']
  const onStart = (child: ChildProcess) => {
    void moment(child).then(() => {
      times.sent = performance.now()
      for (const signal of signals) child.kill(signal)
    })
  }
  const betweenSteps = () => {
    times.ended = performance.now()
    left = materialIn(scene.temp)
  }
  const run = await scene.run(inputs, { onStart, betweenSteps })
  assert.notEqual(times.sent, 0, `the moment never came:\n${shown(run)}`)
  return { run, milliseconds: times.ended - times.sent, sent: times.sent, left }
}

/** Resolves when the step has printed this. */
function printed(child: ChildProcess, words: RegExp): Promise<void> {
  return new Promise((resolve) => {
    let text = ''
    child.stdout?.on('data', (chunk: string) => {
      text += chunk
      if (words.test(text)) resolve()
    })
  })
}

function assertInTime({ run, milliseconds, left }: Cancelled, test: TestContext): void {
  test.diagnostic(`${Math.round(milliseconds)} ms`)
  assert.ok(milliseconds < LIMIT_MS, `${milliseconds} ms\n${shown(run)}`)
  assert.deepEqual(left, [])
}

onUnix('Linux and macOS: a run that is cancelled', () => {
  it('by SIGINT in the middle of 1 GB ends within 5 s, without material, and says what is published', async (test) => {
    const scene = await setScene(test)
    const dist = path.join(scene.workspace, 'dist')
    await writeSamples(dist, { project: 'alpha', version: '1.0.0' })
    const large = await writeLargeWheel(dist, GIGABYTE)
    const underway = Promise.withResolvers<void>()
    const index = await startScriptedIndex(test, scene, async (connection) => {
      for (;;) {
        const length = await connection.head()
        const isLarge = length > GIGABYTE
        await connection.take(isLarge ? PASSED_ON : length)
        if (isLarge) break
        connection.answer('200 OK')
      }
      underway.resolve()
      // It reads on: what ends the upload is the signal.
      connection.drain()
    })
    const inputs = { ...index.inputs, 'expected-projects': 'any' }
    const cancelled = await cancel(scene, inputs, () => underway.promise)
    assertInTime(cancelled, test)
    const { run } = cancelled
    assertEnded(run, scene, {
      status: 'cancelled',
      files: [
        ['alpha-1.0.0-py3-none-any.whl', 'published'],
        ['alpha-1.0.0.tar.gz', 'published'],
        [large.name, 'no-answer', 'E_RUN_CANCELLED'],
        ['demo_pkg-1.2.0-cp39-cp39-manylinux_2_17_x86_64.whl', 'not-tried', 'E_RUN_CANCELLED'],
        // The smallest one of its project went first.
        ['demo_pkg-1.2.0-py3-none-any.whl', 'published'],
        ['demo_pkg-1.2.0.tar.gz', 'not-tried', 'E_RUN_CANCELLED'],
      ],
      problems: ['E_RUN_CANCELLED'],
    })
    assert.match(annotationOf(run, large.name), /so it may or may not be there: the run was cancelled \(SIGINT\)/)
    assert.match(readable(run.summary), /^\*\*Publishing cancelled: published 3 of 6 files to/)
    assert.match(
      closingLine(run, 'On the index'),
      /^3 of 6 files by this run: alpha-1\.0\.0-py3-none-any\.whl, alpha-1\.0\.0\.tar\.gz, demo_pkg-1\.2\.0-py3-none-any\.whl; sent, but nobody knows .*: demo_pkg-1\.2\.0-cp312.*; not published: /,
    )
    assert.match(closingLine(run, 'Run again'), /!\*\*\/alpha-1\.0\.0-py3-none-any\.whl !\*\*\/alpha-1\.0\.0\.tar\.gz/)
  })

  it('while a wheel of 1 GB is hashed for expected-sha256, before any connection', async (test) => {
    const scene = await setScene(test)
    const large = await writeLargeWheel(path.join(scene.workspace, 'dist'), GIGABYTE)
    const samples = [large, ...scene.samples]
    const inputs = { 'expected-sha256': samples.map(({ name, sha256 }) => `${sha256}  ${name}`).join('\n') }
    const cancelled = await cancel(scene, inputs, (child) => printed(child, /^File /m))
    assertInTime(cancelled, test)
    assertEnded(cancelled.run, scene, {
      status: 'cancelled',
      handshake: 'not-tried',
      // In this order a wheel comes before the sdist of its version.
      files: samples
        .map(({ name }) => name)
        .sort()
        .map((name) => [name, 'not-tried', 'E_RUN_CANCELLED']),
      problems: ['E_RUN_CANCELLED'],
    })
    assert.equal(scene.index.connections, 0)
  })

  it('while the key of a PKCS#12 file is derived, in 4,000,000 rounds of PBKDF2 or a million of the old function', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate } = scene
    for (const spec of [
      { mac: 'pbmac1-sha512', claimedMacIterations: 4_000_000 },
      { mac: 'sha512', claimedMacIterations: 1_000_000 },
    ] as const) {
      const file = writePkcs12({
        password: 'a password of the file',
        keys: [{ key: client.keys.privateKey, id: 'a' }],
        certificates: [{ der: client.der, id: 'a' }, { der: intermediate.der }],
        ...spec,
      })
      const inputs = {
        'client-cert': file.toString('base64'),
        'client-key': '',
        // Tried twice: as it is, and without its line end.
        'client-key-passphrase': 'a password of the file\n',
      }
      let told = 0
      // Inputs are masked before the file is opened.
      const opening = async (child: ChildProcess) => {
        void printed(child, /E_RUN_CANCELLED/).then(() => {
          told = performance.now()
        })
        await printed(child, /::add-mask::/)
        await setTimeout(100)
      }
      const cancelled = await cancel(scene, inputs, opening)
      // The process ends when a thread has finished what it was at: it has a second or two of work left at most.
      const milliseconds = told - cancelled.sent
      assertInTime({ ...cancelled, milliseconds }, test)
      assertEnded(cancelled.run, scene, {
        status: 'cancelled',
        handshake: 'not-tried',
        files: [],
        problems: ['E_RUN_CANCELLED'],
      })
    }
    assert.equal(scene.index.connections, 0)
  })

  it('in a handshake that the server leaves without an answer', async (test) => {
    const scene = await setScene(test)
    const connected = Promise.withResolvers<void>()
    const server = await startServer(() => connected.resolve())
    test.after(() => server.stop())
    const url = { 'repository-url': `https://localhost:${server.port}/legacy/` }
    const cancelled = await cancel(scene, url, () => connected.promise)
    assertInTime(cancelled, test)
    assertEnded(cancelled.run, scene, {
      status: 'cancelled',
      handshake: 'not-tried',
      files: scene.samples
        .map(({ name }) => name)
        .sort()
        .map((name) => [name, 'not-tried', 'E_RUN_CANCELLED']),
      problems: ['E_RUN_CANCELLED'],
    })
  })

  it('while the index thinks about its answer, by a SIGINT and the SIGTERM that follows', async (test) => {
    const scene = await setScene(test)
    const sent = Promise.withResolvers<void>()
    const index = await startScriptedIndex(test, scene, async (connection) => {
      await connection.request()
      sent.resolve()
    })
    const cancelled = await cancel(scene, index.inputs, () => sent.promise, ['SIGINT', 'SIGTERM', 'SIGINT'])
    assertInTime(cancelled, test)
    const [other = '', first = '', sdist = ''] = scene.samples.map(({ name }) => name).sort()
    assertEnded(cancelled.run, scene, {
      status: 'cancelled',
      files: [
        [other, 'not-tried', 'E_RUN_CANCELLED'],
        [first, 'no-answer', 'E_RUN_CANCELLED'],
        [sdist, 'not-tried', 'E_RUN_CANCELLED'],
      ],
      problems: ['E_RUN_CANCELLED'],
    })
    // Sent at one moment, they arrive in any order.
    assert.match(shown(cancelled.run), /cancelled \(SIG(INT|TERM)\)/)
  })

  it('with export-credentials exports nothing', async (test) => {
    const scene = await setScene(test)
    const sent = Promise.withResolvers<void>()
    const index = await startScriptedIndex(test, scene, async (connection) => {
      await connection.request()
      sent.resolve()
    })
    const inputs = { ...index.inputs, 'export-credentials': 'true' }
    const { run, left } = await cancel(scene, inputs, () => sent.promise, ['SIGTERM'])
    assert.equal(run.main.exitCode, 1)
    assert.deepEqual([run.outputs['client-key-path'], left], ['', []])
  })

  it('behind its last file has published all of them', async (test) => {
    const scene = await setScene(test)
    const { run } = await cancel(scene, {}, (child) => printed(child, /^Result /m))
    assert.equal(run.main.exitCode, 0)
    for (const { name, path: file } of scene.samples) assert.ok(scene.index.read(name).equals(readFileSync(file)))
  })
})
