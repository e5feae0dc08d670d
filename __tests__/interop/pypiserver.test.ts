import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { writeSamples } from '../../demo/sample-distributions.ts'
import { assertRun, assertServed, assertWarned, shown } from './support/assertions.ts'
import { pypiserverWithFallback, startPypiserver } from './support/index-servers.ts'
import { type Listener, startListener } from './support/listener.ts'
import { RELEASES } from './support/releases.ts'
import { testReruns, uploadsOf } from './support/reruns.ts'
import { type Stage, startStage } from './support/stage.ts'

const PATHS = RELEASES.map(({ path }) => path)
const ANY = { 'expected-projects': 'any' }

describe('pypiserver behind nginx, with the certificate as the only identity', () => {
  let stage: Stage

  before(async () => {
    stage = await startStage({ index: startPypiserver, uploadPath: '' })
  })
  after(() => stage.stop())
  afterEach((context) => {
    if ('passed' in context && !context.passed) console.error(stage.log())
  })

  it('takes wheels and sdists of ten build back ends, and serves the same bytes to pip', async () => {
    const run = await stage.publish(PATHS, ANY)
    assert.equal(run.main.exitCode, 0, shown(run))
    assert.equal(run.outputs.published, String(RELEASES.length))
    await assertServed(stage, 'simple/', RELEASES)
  })

  it('has got every file with the certificate of the run, over TLS 1.3', async () => {
    const uploads = (await stage.front.requests()).filter(({ request }) => request.startsWith('POST '))
    assert.equal(uploads.length, RELEASES.length)
    for (const { verdict, subject, protocol, status } of uploads) {
      assert.deepEqual([verdict, subject, protocol, status], ['SUCCESS', 'CN=release', 'TLSv1.3', 200])
    }
  })

  it('refuses files that it has, where it is not asked before, and the run says so of each', async () => {
    const paths = PATHS.filter((path) => path.endsWith('.whl')).slice(0, 2)
    const run = await stage.publish(paths, { ...ANY, 'check-url': 'off' })
    const exists = { outcome: 'rejected', code: 'E_HTTP_EXISTS' }
    assertRun(run, 1, Object.fromEntries(paths.map((file) => [path.basename(file), exists])))
    assertWarned(run, 'check-url')
  })
})

describe('pypiserver behind nginx, run after run', () => {
  let stage: Stage

  before(async () => {
    stage = await startStage({ index: startPypiserver, uploadPath: '' })
  })
  after(() => stage.stop())
  afterEach((context) => {
    if ('passed' in context && !context.passed) console.error(stage.log())
  })

  testReruns(() => ({ stage, inputs: {}, simplePath: 'simple/' }))
})

describe('pypiserver that sends whoever asks for a project that it lacks to another index', () => {
  let stage: Stage
  let elsewhere: Listener

  before(async () => {
    elsewhere = await startListener()
    stage = await startStage({ index: pypiserverWithFallback(`${elsewhere.url}simple/`), uploadPath: '' })
  })
  after(async () => {
    await stage.stop()
    await elsewhere.stop()
  })
  afterEach((context) => {
    if ('passed' in context && !context.passed) console.error(stage.log())
  })

  it('has none of a new project there: it is published, found again, and nobody goes to the other index', async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'interop-samples-'))
    try {
      const files = await writeSamples(directory, { project: 'Demo.Pkg', version: '1.2.0' })
      for (const outcome of ['published', 'already-published']) {
        const run = await stage.publish(files.map((file) => file.path))
        assertRun(run, 0, Object.fromEntries(files.map(({ name }) => [name, { outcome, verified: 'sha256' }])))
      }
      assert.equal(await uploadsOf(stage), 2)
      assert.equal(elsewhere.connections(), 0)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
})
