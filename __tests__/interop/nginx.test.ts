import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { createRoot, issueClient } from '../../demo/certificate-authority.ts'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import { writeSamples } from '../../demo/sample-distributions.ts'
import { fileOutputs, shown } from './support/assertions.ts'
import { startPypiserver } from './support/index-servers.ts'
import { type Stage, startStage } from './support/stage.ts'

const stranger = issueClient(createRoot({ name: 'Other CA' }), { name: 'stranger' })

for (const protocol of ['TLSv1.2', 'TLSv1.3'] as const) {
  describe(`nginx that demands a client certificate over ${protocol}`, () => {
    let stage: Stage
    let directory: string
    let files: string[]

    before(async () => {
      directory = await mkdtemp(path.join(os.tmpdir(), 'interop-samples-'))
      const samples = await writeSamples(directory, { project: 'demo-pkg', version: '1.2.0' })
      files = samples.map((file) => file.path)
      stage = await startStage({
        index: startPypiserver,
        uploadPath: '',
        front: { protocols: protocol, maxBody: '1k' },
      })
    })
    after(async () => {
      await stage.stop()
      await rm(directory, { recursive: true, force: true })
    })
    afterEach((context) => {
      if ('passed' in context && !context.passed) console.error(stage.log())
    })

    async function refused(inputs: Readonly<Record<string, string>>): Promise<ActionRun> {
      const run = await stage.publish(files, inputs)
      assert.equal(run.main.exitCode, 1, shown(run))
      assert.equal(run.outputs.published, '0')
      return run
    }

    it('answers 400 to the certificate of a stranger, and the run says what that means', async () => {
      const run = await refused({ 'client-cert': stranger.pem, 'client-key': stranger.keyPem })
      assertCode(run, 'E_HTTP_CLIENT_CERT_REFUSED')
    })

    it('answers 400 without a certificate, and the run says what that means', async () => {
      const run = await refused({ 'client-cert': 'none', 'client-key': '' })
      assertCode(run, 'E_HTTP_CLIENT_CERT_REQUIRED')
    })

    it('answers 413 to a file over its limit, and the run says so of that file', async () => {
      const run = await refused({})
      assert.equal(fileOutputs(run).get('demo_pkg-1.2.0-py3-none-any.whl')?.code, 'E_HTTP_TOO_LARGE', shown(run))
    })

    it('has spoken no other version', async () => {
      const versions = new Set((await stage.front.requests()).map((request) => request.protocol))
      assert.deepEqual(versions, new Set([protocol]))
    })
  })
}

function assertCode(run: ActionRun, code: string): void {
  const errors = run.annotations.filter(({ message }) => message.includes(code))
  assert.ok(errors.length > 0, shown(run))
}
