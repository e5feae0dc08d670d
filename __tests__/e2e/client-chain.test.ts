import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type CertificateOptions,
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
} from '../../demo/certificate-authority.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { assertPublished, assertRefused, readReport, shown } from './support/assertions.ts'
import { type SceneOptions, setScene } from './support/scene.ts'

const DAY_MS = 86_400_000

function days(from: number, to: number) {
  return { notBefore: new Date(Date.now() + from * DAY_MS), notAfter: new Date(Date.now() + to * DAY_MS) }
}

/** Takes every client certificate, as fronts do that leave dates and purpose to the index. */
const LAX: SceneOptions = { index: { acceptAnyClient: true } }

function inputsOf(client: Issued, ...above: readonly Issued[]) {
  return { 'client-cert': [client, ...above].map(({ pem }) => pem).join(''), 'client-key': client.keyPem }
}

interface Weakness {
  readonly name: string
  readonly options: Partial<CertificateOptions>
  readonly code: ErrorCode
}

const WEAKNESSES: readonly Weakness[] = [
  { name: 'has expired', options: days(-20, -10), code: 'E_CERT_EXPIRED' },
  { name: 'is not yet valid', options: days(2, 30), code: 'E_CERT_NOT_YET_VALID' },
  { name: 'is for servers only', options: { purposes: ['serverAuth'] }, code: 'E_CERT_PURPOSE' },
]

describe('a client certificate that', () => {
  for (const { name, options, code } of WEAKNESSES) {
    it(`${name} is refused before any connection, by its subject`, async (test) => {
      const scene = await setScene(test, LAX)
      const client = issueClient(scene.intermediate, { name: 'weak', ...options })
      const run = await scene.run(inputsOf(client, scene.intermediate))
      assertRefused(run, { codes: [code], handshake: 'not-tried' })
      assert.match(readReport(run).problems[0]?.message ?? '', /CN=weak/)
      assert.equal(scene.index.connections, 0)
    })

    it(`${name} is published with under chain-check: warn, where the server takes it`, async (test) => {
      const scene = await setScene(test, LAX)
      const client = issueClient(scene.intermediate, { name: 'weak', ...options })
      const run = await scene.run({ ...inputsOf(client, scene.intermediate), 'chain-check': 'warn' })
      assertPublished(run, scene)
      assert.ok(run.annotations.some(({ kind, message }) => kind === 'warning' && message.includes('CN=weak')))
    })

    it(`${name} is what explains a strict server's refusal under chain-check: warn`, async (test) => {
      const scene = await setScene(test)
      const client = issueClient(scene.intermediate, { name: 'weak', ...options })
      const run = await scene.run({ ...inputsOf(client, scene.intermediate), 'chain-check': 'warn' })
      assertRefused(run, { codes: ['E_TLS_CLIENT_REFUSED'], handshake: 'refused' })
      assert.ok(run.annotations.some(({ kind, message }) => kind === 'warning' && message.includes('CN=weak')))
      assert.equal(scene.index.requests.length, 0)
    })

    it(`${name} is tried in a dry run: the server says what it thinks, and the step fails`, async (test) => {
      const scene = await setScene(test, LAX)
      const client = issueClient(scene.intermediate, { name: 'weak', ...options })
      const run = await scene.run({ ...inputsOf(client, scene.intermediate), 'dry-run': 'true' })
      assertRefused(run, { codes: [code], handshake: 'accepted' })
      assert.match(shown(run), /chain-check: warn/)
      assert.equal(scene.index.requests.length, 0)
    })
  }

  it('ends soon is a warning by default, and an error below expiry-error-days', async (test) => {
    const scene = await setScene(test)
    const client = issueClient(scene.intermediate, { name: 'soon', ...days(-200, 20) })
    const run = await scene.run(inputsOf(client, scene.intermediate))
    assertPublished(run, scene)
    assert.ok(run.annotations.some(({ kind, message }) => kind === 'warning' && message.includes('CN=soon')))
    assert.equal(run.outputs['certificate-days-left'], '19')
    const inputs = { ...inputsOf(client, scene.intermediate), 'expiry-error-days': '21', 'chain-check': 'warn' }
    const strict = await scene.run({ ...inputs, 'dry-run': 'true' })
    assert.deepEqual(
      readReport(strict).problems.map(({ code }) => code),
      ['E_CERT_EXPIRES_SOON'],
    )
  })

  it('was renewed beside its predecessor, with the same key, is found', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate } = scene
    const before = issueClient(intermediate, { name: 'release', keys: client.keys, ...days(-400, -5) })
    const run = await scene.run(inputsOf(before, client, intermediate))
    assertPublished(run, scene)
    assert.match(shown(run), /fits 2 certificates/)
  })
})

describe('the chain that is sent', () => {
  it('is leaf and intermediates in order, without the root, however the file has them', async (test) => {
    // The index knows the root alone, so that it takes the leaf only with both intermediates behind it.
    const scene = await setScene(test)
    const { intermediate: stranger, root } = scene
    const upper = issueIntermediate(root, { name: 'Upper CA' })
    const lower = issueIntermediate(upper, { name: 'Lower CA' })
    const leaf = issueClient(lower, { name: 'deep' })
    const shuffled = [root, upper, leaf, stranger, lower].map(({ pem }) => pem).join('')
    const run = await scene.run({ 'client-cert': shuffled, 'client-key': leaf.keyPem })
    assertPublished(run, scene)
    const { chain } = readReport(run)
    assert.deepEqual(
      chain.map(({ subject }) => subject),
      ['CN=deep', 'CN=Lower CA', 'CN=Upper CA'],
    )
  })

  it('is refused for an intermediate that has expired, also below a root that nobody knows', async (test) => {
    const scene = await setScene(test)
    const unknown = createRoot({ name: 'Unknown Root' })
    const old = issueIntermediate(unknown, { name: 'Old CA', ...days(-800, -3) })
    const run = await scene.run(inputsOf(issueClient(old, { name: 'release' }), old))
    assertRefused(run, { codes: ['E_CERT_EXPIRED'], handshake: 'not-tried' })
    assert.match(readReport(run).problems[0]?.message ?? '', /intermediate CN=Old CA/)
    assert.equal(scene.index.connections, 0)
  })
})

describe('client-cert: none', () => {
  it('publishes to an index that asks for no certificate', async (test) => {
    const scene = await setScene(test, { index: { requestCert: false } })
    const run = await scene.run({ 'client-cert': 'none', 'client-key': undefined })
    assertPublished(run, scene)
    assert.equal(run.outputs.handshake, 'accepted')
    assert.equal(run.outputs['certificate-expires'], '')
  })

  it('is refused by an index that asks for one', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({ 'client-cert': 'none', 'client-key': undefined })
    assert.equal(run.main.exitCode, 1)
    assert.equal(scene.index.requests.length, 0)
  })
})
