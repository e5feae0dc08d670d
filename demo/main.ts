/**
 * The action at work, without GitHub: a throw-away CA, a package index behind mutual TLS, a run that publishes, one that
 * is refused because its certificate has ended, and a dry run that asks what the index says to the certificate of
 * another CA. Writes what people would see of them to one HTML page. Exits with 0 only when all ended as they should.
 */
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { request } from 'node:https'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { createRoot, type Issued, issueClient, issueIntermediate, issueServer } from './certificate-authority.ts'
import { type RunningIndex, startIndex } from './index-server.ts'
import { type ShownRun, writePage } from './page/page.ts'
import { type ActionRun, runAction } from './runner/run-action.ts'
import { showRun, showTitle } from './runner/show.ts'
import { type Sample, writeSamples } from './sample-distributions.ts'

const PASSPHRASE = 'correct horse battery staple'
const PROJECT = 'demo-pkg'
const VERSION = '1.2.0'
const DAY_MS = 86_400_000

interface Scene {
  readonly directory: string
  readonly root: Issued
  readonly intermediate: Issued
  readonly index: RunningIndex
  readonly samples: readonly Sample[]
  /** What was shown so far. */
  readonly shown: ShownRun[]
}

const directory = await mkdtemp(path.join(os.tmpdir(), 'publish-demo-'))
// Also after Ctrl-C, and when nobody reads the output any more.
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => process.exit(1))

const scene = await setUp(directory)
const failed = [...(await publishes(scene)), ...(await isRefused(scene)), ...(await isUnknown(scene))]
await scene.index.stop()
const page = await writePage(path.resolve(import.meta.dirname, '..', '.cache', 'demo'), scene.shown)
console.log(`The same as a page: ${page}`)
for (const promise of failed) console.error(`Not kept: ${promise}`)
console.log(failed.length === 0 ? 'All runs ended as they should.' : 'The demo did not end as it should.')
process.exitCode = failed.length === 0 ? 0 : 1

async function setUp(directory: string): Promise<Scene> {
  for (const name of ['workspace', 'temp']) await mkdir(path.join(directory, name))
  const samples = await writeSamples(path.join(directory, 'workspace', 'dist'), {
    project: PROJECT,
    version: VERSION,
    wheels: 2,
  })
  const root = createRoot({ name: 'Demo Root CA', organization: 'Example Corp' })
  const intermediate = issueIntermediate(root, { name: 'Demo Issuing CA', organization: 'Example Corp' })
  const server = issueServer(root, { name: 'Demo index', organization: 'Example Corp' })
  const index = await startIndex({
    server: { pem: server.pem, keyPem: server.keyPem },
    clientAuthorities: [root.pem],
    directory: path.join(directory, 'index'),
  })
  return { directory, root, intermediate, index, samples, shown: [] }
}

/** Runs the action with leaf and intermediate in one text, and the key encrypted in another; shows what it said. */
async function run(scene: Scene, title: string, client: Issued, inputs: Inputs = {}): Promise<ActionRun> {
  const result = await runWith(scene, client, inputs)
  scene.shown.push({ title, run: result })
  console.log(showTitle(title))
  console.log(showRun(result))
  return result
}

type Inputs = Readonly<Record<string, string>>

function runWith({ directory, root, intermediate, index }: Scene, client: Issued, inputs: Inputs): Promise<ActionRun> {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE } as const
  const key = client.keys.privateKey.export(options).toString()
  return runAction({
    actionDir: path.resolve(import.meta.dirname, '..'),
    node: process.execPath,
    inputs: {
      'repository-url': index.uploadUrl,
      'client-cert': client.pem + intermediate.pem,
      'client-key': key,
      'client-key-passphrase': PASSPHRASE,
      'ca-bundle': root.pem,
      'support-contact': 'platform-team@example.com',
      ...inputs,
    },
    env: { GITHUB_REF: `refs/tags/v${VERSION}`, GITHUB_REF_NAME: `v${VERSION}`, GITHUB_REF_TYPE: 'tag' },
    secrets: [key, PASSPHRASE],
    workspace: path.join(directory, 'workspace'),
    temp: path.join(directory, 'temp'),
  })
}

/** What was promised and not kept. */
function broken(promises: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(promises).flatMap(([promise, kept]) => (kept ? [] : [promise]))
}

async function publishes(scene: Scene): Promise<string[]> {
  const client = issueClient(scene.intermediate, { name: 'release', organization: 'Example Corp' })
  const result = await run(scene, `${scene.samples.length} distributions, published with a client certificate`, client)
  const listed = await listFiles(scene, client)
  console.log(showTitle(`What ${scene.index.simpleUrl}${PROJECT}/ lists now`))
  for (const [name, sha256] of listed) console.log(`${name}  sha256 ${sha256}`)
  console.log()
  return broken({
    'the first run succeeds': result.main.exitCode === 0 && result.post?.exitCode === 0,
    'it publishes all distributions': result.outputs.published === String(scene.samples.length),
    'the index lists them with the digests of the files that were built':
      listed.size === scene.samples.length && scene.samples.every(({ name, sha256 }) => listed.get(name) === sha256),
  })
}

async function isRefused(scene: Scene): Promise<string[]> {
  const { index, intermediate } = scene
  const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS)
  const dates = { notBefore: daysAgo(60), notAfter: daysAgo(3) }
  const client = issueClient(intermediate, { name: 'release', organization: 'Example Corp', ...dates })
  const before = { connections: index.connections, requests: index.requests.length }
  const result = await run(scene, 'The same with a certificate that ended three days ago', client)
  return broken({
    'the second run fails': result.main.exitCode === 1,
    'its error names E_CERT_EXPIRED': result.annotations.some(
      ({ kind, title, message }) => kind === 'error' && `${title} ${message}`.includes('E_CERT_EXPIRED'),
    ),
    'the index sees no connection':
      index.connections === before.connections && index.requests.length === before.requests,
  })
}

async function isUnknown(scene: Scene): Promise<string[]> {
  const other = issueIntermediate(createRoot({ name: 'Other Root CA' }), { name: 'Other Issuing CA' })
  const client = issueClient(other, { name: 'release', organization: 'Example Corp' })
  const inputs = { 'client-cert': client.pem + other.pem, 'dry-run': 'true' }
  const result = await run(scene, 'A dry run with a certificate of another CA', client, inputs)
  return broken({
    'the dry run fails': result.main.exitCode === 1,
    'the index refuses its certificate': result.outputs.handshake === 'refused',
  })
}

interface SimplePage {
  readonly files: readonly { readonly filename: string; readonly hashes: { readonly sha256: string } }[]
}

/** Digests by file name, as the simple index (PEP 691) has them. */
async function listFiles({ index, root, intermediate }: Scene, client: Issued): Promise<ReadonlyMap<string, string>> {
  const asked = request(`${index.simpleUrl}${PROJECT}/`, {
    ca: root.pem,
    cert: client.pem + intermediate.pem,
    key: client.keyPem,
    headers: { accept: 'application/vnd.pypi.simple.v1+json' },
  }).end()
  const [response] = await once(asked, 'response')
  if (response.statusCode !== 200) return new Map()
  const page: SimplePage = JSON.parse(await text(response))
  return new Map(page.files.map((file) => [file.filename, file.hashes.sha256]))
}
