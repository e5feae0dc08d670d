import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import {
  type CertificateOptions,
  createRoot,
  type Issued,
  issueIntermediate,
  issueServer,
} from '../../demo/certificate-authority.ts'
import { type RunningIndex, startIndex } from '../../demo/index-server.ts'
import { assertPublished, assertRefused, readReport, shown } from './support/assertions.ts'
import { type Scene, setScene } from './support/scene.ts'

const DAY_MS = 86_400_000

/** Another index beside the scene's, with a server certificate of the test's choice. */
async function indexWith(
  test: TestContext,
  scene: Scene,
  server: Pick<Issued, 'pem' | 'keyPem'>,
): Promise<RunningIndex> {
  const directory = path.join(scene.directory, 'other-index')
  const index = await startIndex({ server, clientAuthorities: [scene.root.pem], directory })
  test.after(() => index.stop())
  return index
}

const ENDED = { notBefore: new Date(Date.now() - 20 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) }
const FUTURE = { notBefore: new Date(Date.now() + DAY_MS), notAfter: new Date(Date.now() + 20 * DAY_MS) }

interface Fault {
  readonly name: string
  readonly options: Partial<CertificateOptions>
  readonly code: string
}

const FAULTS: readonly Fault[] = [
  { name: 'has expired', options: ENDED, code: 'E_TLS_SERVER_EXPIRED' },
  { name: 'is not yet valid', options: FUTURE, code: 'E_TLS_SERVER_NOT_YET_VALID' },
  { name: 'is of another name', options: { dnsNames: ['index.example.com'] }, code: 'E_TLS_SERVER_NAME' },
]

describe('a server certificate that', () => {
  for (const { name, options, code } of FAULTS) {
    it(`${name} gets nothing, whatever the environment says`, async (test) => {
      const scene = await setScene(test)
      const index = await indexWith(test, scene, issueServer(scene.root, { name: 'faulty', ...options }))
      const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' }
      const run = await scene.run({ 'repository-url': index.uploadUrl, user: 'release', password: 'a token' }, { env })
      assertRefused(run, { codes: [code], handshake: 'failed' })
      assert.match(readReport(run).problems[0]?.message ?? '', /CN=faulty|index\.example\.com/)
      assert.equal(index.requests.length, 0)
    })
  }

  it('comes without its intermediate is called that, and helped by ca-bundle', async (test) => {
    const scene = await setScene(test)
    const issuing = issueIntermediate(scene.root, { name: 'Server CA' })
    const index = await indexWith(test, scene, issueServer(issuing, { name: 'lonely' }))
    const inputs = { 'repository-url': index.uploadUrl }
    const run = await scene.run(inputs)
    assertRefused(run, { codes: ['E_TLS_SERVER_INCOMPLETE_CHAIN'], handshake: 'failed' })
    assert.match(shown(run), /CN=Server CA/)
    const helped = await scene.run({ ...inputs, 'ca-bundle': scene.root.pem + issuing.pem })
    assert.equal(helped.outputs.published, String(scene.samples.length), shown(helped))
  })

  it('is itself in ca-bundle, or whose issuing CA alone is, is trusted: the user named it', async (test) => {
    const scene = await setScene(test)
    const issuing = issueIntermediate(scene.root, { name: 'Server CA' })
    const server = issueServer(issuing, { name: 'named' })
    const index = await indexWith(test, scene, { pem: server.pem + issuing.pem, keyPem: server.keyPem })
    for (const bundle of [issuing.pem, server.pem]) {
      const run = await scene.run({ 'repository-url': index.uploadUrl, 'ca-bundle': bundle, 'dry-run': 'true' })
      assert.equal(run.main.exitCode, 0, shown(run))
      assert.equal(run.outputs.handshake, 'accepted')
    }
  })

  it('is of a CA that only the environment names is refused, and the sentence gives the file', async (test) => {
    const scene = await setScene(test)
    const file = path.join(scene.directory, 'company-ca.pem')
    await writeFile(file, scene.root.pem)
    for (const variable of ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS']) {
      const other = createRoot({ name: 'Other CA' }).pem
      const run = await scene.run({ 'ca-bundle': other }, { env: { [variable]: file } })
      assertRefused(run, { codes: ['E_TLS_SERVER_UNKNOWN_CA'], handshake: 'failed' })
      assert.ok(shown(run).includes(`ca-bundle: ${file}`), shown(run))
      assert.equal(scene.index.requests.length, 0)
    }
  })
})

describe('ca-bundle: system', () => {
  it('trusts what Node.js trusts, and the log names what the environment adds', async (test) => {
    const scene = await setScene(test)
    const file = path.join(scene.directory, 'company-ca.pem')
    await writeFile(file, scene.root.pem)
    const run = await scene.run({ 'ca-bundle': 'system' }, { env: { NODE_EXTRA_CA_CERTS: file } })
    assertPublished(run, scene)
    assert.match(shown(run), /1 of them from NODE_EXTRA_CA_CERTS/)
    assert.equal(run.outputs['ca-bundle-path'], '')
  })

  it('refuses a company CA, and says which one to give', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({ 'ca-bundle': undefined })
    assertRefused(run, { codes: ['E_TLS_SERVER_UNKNOWN_CA'], handshake: 'failed' })
    assert.match(shown(run), /CN=Test Root CA/)
    assert.match(shown(run), /ca-bundle/)
    assert.equal(scene.index.requests.length, 0)
  })
})

describe('a server that does not ask for the certificate', () => {
  it('is published to under client-auth: optional, with a warning', async (test) => {
    const scene = await setScene(test, { index: { requestCert: false } })
    const run = await scene.run({ 'client-auth': 'optional' })
    assertPublished(run, scene)
    assert.equal(run.outputs.handshake, 'not-asked')
    assert.ok(run.annotations.some(({ kind, message }) => kind === 'warning' && /did not ask/.test(message)))
  })
})

describe('TLS versions', () => {
  it('are those between tls-min-version and tls-max-version', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({ 'tls-max-version': '1.2' })
    assertPublished(run, scene)
    assert.deepEqual(new Set(scene.index.requests.map(({ tlsVersion }) => tlsVersion)), new Set(['TLSv1.2']))
  })

  it('that the server does not speak are an error that says so', async (test) => {
    const scene = await setScene(test, { index: { tls: { maxVersion: 'TLSv1.2' } } })
    const run = await scene.run({ 'tls-min-version': '1.3' })
    assertRefused(run, { codes: ['E_TLS_VERSION'], handshake: 'failed' })
    assert.match(shown(run), /tls-min-version/)
  })
})
