import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { writeSamples } from '../../demo/sample-distributions.ts'
import { assertRun, assertServed, assertWarned, fileOutputs, shown } from './support/assertions.ts'
import { DEVPI, startDevpi } from './support/index-servers.ts'
import { RELEASES } from './support/releases.ts'
import { testReruns } from './support/reruns.ts'
import { type Stage, startStage } from './support/stage.ts'

const WHEEL = 'demo_pkg-2.0.0-py3-none-any.whl'
const ACCOUNT = { user: DEVPI.user, password: DEVPI.password, 'expected-projects': 'any' }
const ANSWER_ALONE = { ...ACCOUNT, 'check-url': 'off' }

describe('devpi behind nginx, with user and password beside the certificate', () => {
  let stage: Stage
  let directory: string

  before(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'interop-samples-'))
    stage = await startStage({ index: startDevpi, uploadPath: `${DEVPI.index}/` })
  })
  after(async () => {
    await stage.stop()
    await rm(directory, { recursive: true, force: true })
  })
  afterEach((context) => {
    if ('passed' in context && !context.passed) console.error(stage.log())
  })

  /** The same names for every greeting, other bytes for each. */
  async function samples(greeting: string, version = '2.0.0'): Promise<string[]> {
    const options = { project: 'demo-pkg', version, greeting }
    const files = await writeSamples(path.join(directory, `${greeting}-${version}`), options)
    return files.map((file) => file.path)
  }

  it('takes wheels and sdists of ten build back ends, and serves the same bytes to pip', async () => {
    const run = await stage.publish(
      RELEASES.map((file) => file.path),
      ACCOUNT,
    )
    assert.equal(run.main.exitCode, 0, shown(run))
    assert.equal(run.outputs.published, String(RELEASES.length))
    await assertServed(stage, `${DEVPI.index}/+simple/`, RELEASES)
  })

  for (const index of [DEVPI.index, DEVPI.volatile]) {
    describe(`${index}, run after run`, () => {
      testReruns(() => ({
        stage,
        inputs: { ...ACCOUNT, 'repository-url': `${stage.front.url}${index}/` },
        simplePath: `${index}/+simple/`,
      }))
    })
  }

  it('takes the same bytes twice, where it is not asked before', async () => {
    const files = await samples('hello')
    for (const run of [await stage.publish(files, ANSWER_ALONE), await stage.publish(files, ANSWER_ALONE)]) {
      assert.equal(run.main.exitCode, 0, shown(run))
      assert.equal(run.outputs.published, '2')
    }
  })

  it('refuses other bytes under the name of a file that it has, where it is not asked before', async () => {
    await stage.publish(await samples('hello'), ANSWER_ALONE)
    const run = await stage.publish(await samples('goodbye'), ANSWER_ALONE)
    assert.equal(run.main.exitCode, 1, shown(run))
    const outputs = fileOutputs(run)
    assert.deepEqual(
      new Map([...outputs].map(([file, { outcome }]) => [file, outcome])),
      new Map([
        [WHEEL, 'rejected'],
        ['demo_pkg-2.0.0.tar.gz', 'not-tried'],
      ]),
      shown(run),
    )
    assert.equal(outputs.get(WHEEL)?.code, 'E_HTTP_EXISTS', shown(run))
  })

  it('replaces it on the volatile index, where it is not asked before: what the warning is about', async () => {
    const inputs = { ...ANSWER_ALONE, 'repository-url': `${stage.front.url}${DEVPI.volatile}/` }
    for (const greeting of ['hello', 'goodbye']) {
      const run = await stage.publish(await samples(greeting), inputs)
      assertRun(run, 0, { [WHEEL]: { outcome: 'published', verified: 'no' } })
      assertWarned(run, 'may replace')
    }
    const looks = await stage.publish(await samples('goodbye'), { ...inputs, 'check-url': 'auto' })
    assertRun(looks, 0, { [WHEEL]: { outcome: 'already-published', verified: 'sha256' } })
  })

  it('refuses a wrong password, and no password, before the first file', async () => {
    const files = await samples('hello', '3.0.0')
    const wrong = await stage.publish(files, { ...ACCOUNT, password: 'wrong' })
    const none = await stage.publish(files, { 'expected-projects': 'any' })
    for (const run of [wrong, none]) {
      assert.equal(run.main.exitCode, 1, shown(run))
      assert.equal(run.outputs.handshake, 'accepted')
      const errors = run.annotations.filter(({ message }) => message.includes('E_HTTP_UNAUTHORIZED'))
      assert.ok(errors.length > 0, shown(run))
    }
  })
})
