import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createRoot, issueClient, issueServer } from '../../demo/certificate-authority.ts'
import { type RunningIndex, startIndex } from '../../demo/index-server.ts'
import { writeSamples } from '../../demo/sample-distributions.ts'
import { runWorkflow, type WorkflowResult } from './support/act.ts'

const authority = createRoot({ name: 'Example CA' })
const client = issueClient(authority, { name: 'release' })
const passphrase = 'correct horse battery staple'

describe('a runner (act)', () => {
  let directory: string
  let index: RunningIndex

  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'interop-act-'))
    await writeSamples(path.join(directory, 'dist'), { project: 'demo-pkg', version: '1.2.0' })
    index = await startIndex({
      server: issueServer(authority, { name: 'index' }),
      clientAuthorities: [authority.pem],
      directory: path.join(directory, 'index'),
    })
  })

  afterEach(async () => {
    await index.stop()
    await rm(directory, { recursive: true, force: true })
  })

  async function release(lastStep: string): Promise<WorkflowResult> {
    const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
    return runWorkflow({
      directory,
      workflow: 'release.yml',
      inputs: { 'repository-url': index.uploadUrl, 'index-url': index.simpleUrl, 'last-step': lastStep },
      secrets: {
        CLIENT_CERT: client.pem,
        CLIENT_KEY: client.keys.privateKey.export(cipher).toString(),
        CLIENT_KEY_PASSPHRASE: passphrase,
      },
      variables: { CA_BUNDLE: authority.pem },
    })
  }

  /** Where the later step found certificate and key. */
  function exportedPath({ log }: WorkflowResult): string {
    return /client-pem-path=(\/\S+)/.exec(log)?.[1] ?? assert.fail(log)
  }

  it('publishes, and hands outputs to later steps and jobs', async () => {
    const result = await release('0')
    assert.equal(result.exitCode, 0, result.log)
    assert.deepEqual(index.files(), ['demo_pkg-1.2.0-py3-none-any.whl', 'demo_pkg-1.2.0.tar.gz'])
    assert.match(result.log, /announced 2 files of 1\.2\.0/, result.log)
  })

  it('lets a later step use the exported credentials, and removes them in the post step', async () => {
    const result = await release('0')
    assert.match(result.log, /fetched the same bytes/, result.log)
    assert.ok(!existsSync(exportedPath(result)))
  })

  it('removes the exported credentials when a later step fails, too', async () => {
    const result = await release('3')
    assert.equal(result.exitCode, 1, result.log)
    assert.match(result.log, /fetched the same bytes/, result.log)
    assert.ok(!existsSync(exportedPath(result)))
  })
})
