import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createRoot, issueClient, issueServer } from '../../demo/certificate-authority.ts'
import { type RecordedRequest, type RunningIndex, startIndex } from '../../demo/index-server.ts'
import { shown } from './support/assertions.ts'
import { cleanEnvironment } from './support/environment.ts'
import { python } from './support/programs.ts'
import { publish } from './support/publish.ts'
import { RELEASES } from './support/releases.ts'
import { mustRun } from './support/run-program.ts'
import { compare, unexplained } from './support/twine-differences.ts'

const authority = createRoot({ name: 'Example CA' })
const client = issueClient(authority, { name: 'release' })
const PATHS = RELEASES.map((file) => file.path)

describe('what a server gets from this action, beside what it gets from twine', () => {
  let directory: string
  let ours: ReadonlyMap<string, RecordedRequest>
  let twine: ReadonlyMap<string, RecordedRequest>

  before(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'interop-requests-'))
    ours = await uploadsOf('action', async (folder, { uploadUrl }) => {
      const identity = { 'client-cert': client.pem, 'client-key': client.keyPem, 'ca-bundle': authority.pem }
      const inputs = { 'repository-url': uploadUrl, 'expected-projects': 'any', 'check-url': 'off', ...identity }
      const run = await publish(folder, PATHS, inputs)
      assert.equal(run.main.exitCode, 0, shown(run))
    })
    twine = await uploadsOf('twine', async (folder, { uploadUrl }) => {
      const [caBundle, clientPem] = [path.join(folder, 'ca.pem'), path.join(folder, 'client.pem')]
      await writeFile(caBundle, authority.pem)
      await writeFile(clientPem, client.pem + client.keyPem, { mode: 0o600 })
      const tls = ['--cert', caBundle, '--client-cert', clientPem]
      // twine insists on a user; this index looks at the certificate alone.
      const args = ['--non-interactive', '--disable-progress-bar', '--username', 'release', '--password', 'unused']
      const command = ['-m', 'twine', 'upload', '--repository-url', uploadUrl, ...tls, ...args, ...PATHS]
      await mustRun(python, command, { cwd: folder, env: cleanEnvironment(folder), limitMs: 60_000 })
    })
  })
  after(() => rm(directory, { recursive: true, force: true }))

  /** The requests that an index got from `upload`, by the name of the file that they carried. */
  async function uploadsOf(
    name: string,
    upload: (folder: string, index: RunningIndex) => Promise<void>,
  ): Promise<ReadonlyMap<string, RecordedRequest>> {
    const folder = path.join(directory, name)
    await mkdir(folder)
    const index = await startIndex({
      server: issueServer(authority, { name: 'index' }),
      clientAuthorities: [authority.pem],
      directory: path.join(folder, 'index'),
    })
    try {
      await upload(folder, index)
      return new Map(index.requests.map((request) => [request.content?.filename ?? request.path, request]))
    } finally {
      await index.stop()
    }
  }

  it('is one request a file, with the same name, type and bytes', () => {
    const contents = (requests: typeof ours) => new Map([...requests].map(([name, { content }]) => [name, content]))
    assert.deepEqual([...ours.keys()].sort(), RELEASES.map(({ name }) => name).sort())
    assert.deepEqual(contents(ours), contents(twine))
  })

  it('has the same text fields, but for the rules', () => {
    const differences = [...ours].flatMap(([name, { fields }]) =>
      compare(name, fields, twine.get(name)?.fields ?? new Map()),
    )
    assert.deepEqual(unexplained(differences), [])
  })

  it('comes from a client with a name of its own, since pypiserver answers twine differently', () => {
    for (const { headers } of ours.values()) assert.match(headers['user-agent'] ?? '', /^publish-python-mtls\/[\d.]+$/)
  })
})
