import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { createRoot, issueClient } from '../../demo/certificate-authority.ts'
import { assertServed, outcomesOf } from './support/assertions.ts'
import { startPypiserver } from './support/index-servers.ts'
import { RELEASES } from './support/releases.ts'
import { type Stage, startStage } from './support/stage.ts'

const ANY = { 'expected-projects': 'any' }

describe('pypiserver behind nginx, with the certificate as the only identity', () => {
  let stage: Stage

  before(async () => {
    stage = await startStage({ index: startPypiserver, uploadPath: '' })
  })
  after(() => stage.stop())
  afterEach(({ passed }) => {
    if (!passed) console.error(stage.log())
  })

  it('takes wheels and sdists of several projects, and serves the same bytes to pip', async () => {
    const run = await stage.publish(
      RELEASES.map(({ path }) => path),
      ANY,
    )
    assert.equal(run.main.exitCode, 0, run.main.stdout)
    assert.equal(run.outputs.published, String(RELEASES.length))
    await assertServed(stage, 'simple/')
  })

  it('has seen the certificate on every request', async () => {
    const uploads = (await stage.front.requests()).filter(({ request }) => request.startsWith('POST '))
    assert.equal(uploads.length, RELEASES.length)
    for (const { verdict, subject, status } of uploads) {
      assert.deepEqual({ verdict, subject, status }, { verdict: 'SUCCESS', subject: 'CN=release', status: 200 })
    }
  })
})
