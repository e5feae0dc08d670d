import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { assertServed, fileOutputs, shown } from './support/assertions.ts'
import { startPypiserver } from './support/index-servers.ts'
import { RELEASES } from './support/releases.ts'
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

  it('refuses files that it has, and the run says so of each', async () => {
    const paths = PATHS.filter((path) => path.endsWith('.whl')).slice(0, 2)
    const run = await stage.publish(paths, ANY)
    assert.equal(run.main.exitCode, 1, shown(run))
    assert.deepEqual(
      [...fileOutputs(run).values()].map(({ outcome, code }) => [outcome, code]),
      [
        ['rejected', 'E_HTTP_EXISTS'],
        ['rejected', 'E_HTTP_EXISTS'],
      ],
      shown(run),
    )
  })
})
