import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createRoot, type Issued, issueClient, issueServer } from '../../demo/certificate-authority.ts'
import { type RunningIndex, startIndex } from '../../demo/index-server.ts'
import { writeSamples } from '../../demo/sample-distributions.ts'
import { runWorkflow, type WorkflowResult } from './support/act.ts'

const authority = createRoot({ name: 'Example CA' })
const client = issueClient(authority, { name: 'release' })
const stranger = issueClient(createRoot({ name: 'Other CA' }), { name: 'stranger' })
const passphrase = 'correct horse battery staple'
const FILES = ['demo_pkg-1.2.0-py3-none-any.whl', 'demo_pkg-1.2.0.tar.gz']

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
    return runWorkflow({
      directory,
      workflows: ['__tests__/interop/act/release.yml'],
      inputs: { 'repository-url': index.uploadUrl, 'index-url': index.simpleUrl, 'last-step': lastStep },
      secrets: {
        CLIENT_CERT: client.pem,
        CLIENT_KEY: encryptedKey(client),
        CLIENT_KEY_PASSPHRASE: passphrase,
      },
      variables: { CA_BUNDLE: authority.pem },
    })
  }

  async function refused(): Promise<WorkflowResult> {
    return runWorkflow({
      directory,
      workflows: ['__tests__/interop/act/refused.yml'],
      inputs: { 'repository-url': index.uploadUrl },
      secrets: { CLIENT_CERT: stranger.pem, CLIENT_KEY: stranger.keyPem },
      variables: { CA_BUNDLE: authority.pem },
    })
  }

  it('publishes, and hands outputs to later steps and jobs', async () => {
    const { exitCode, log, said } = await release('0')
    assert.equal(exitCode, 0, log)
    assert.deepEqual(index.files(), FILES, log)
    assert.match(said, /^announced 2 files of 1\.2\.0$/m, log)
  })

  it('gets a job summary that names every file', async () => {
    const { log } = await release('0')
    const markdown = /Summary - ([\s\S]*?)\n\[/.exec(log)?.[1] ?? assert.fail(log)
    // What is punctuation in Markdown stands there as a character reference.
    const summary = markdown.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    for (const file of FILES) assert.ok(summary.includes(file), log)
  })

  it('shows neither the key nor its passphrase', async () => {
    const { log } = await release('0')
    const lines = [encryptedKey(client), client.keyPem].flatMap((pem) =>
      pem.split('\n').filter((line) => line.length > 16),
    )
    const bodies = lines.filter((line) => !line.startsWith('-----'))
    assert.ok(bodies.length > 4)
    for (const secret of [passphrase, ...bodies]) assert.ok(!log.includes(secret), log)
  })

  it('lets a later step use the exported credentials, and removes them in the post step', async () => {
    const { exitCode, log, said } = await release('0')
    assert.equal(exitCode, 0, log)
    assert.match(said, /^fetched the same bytes$/m, log)
    assert.ok(!existsSync(exportedPath(said)), log)
  })

  it('removes the exported credentials when a later step fails, too', async () => {
    const { exitCode, log, said } = await release('3')
    assert.equal(exitCode, 1, log)
    assert.match(said, /^fetched the same bytes$/m, log)
    assert.ok(!existsSync(exportedPath(said)), log)
  })

  it('goes on after a refused certificate where the workflow says so, with outputs and a report', async () => {
    const { exitCode, log, said } = await refused()
    assert.equal(exitCode, 0, log)
    assert.deepEqual(index.files(), [], log)
    assert.match(said, /^outcome failure, 2 files failed, report of [1-9]\d+ bytes$/m, log)
    assert.match(said, /^E_TLS_CLIENT_REFUSED$/m, log)
  })
})

function encryptedKey({ keys }: Issued): string {
  return keys.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString()
}

/** Where the later step found certificate and key. */
function exportedPath(said: string): string {
  return /^client-pem-path=(\/\S+)$/m.exec(said)?.[1] ?? assert.fail(said)
}
