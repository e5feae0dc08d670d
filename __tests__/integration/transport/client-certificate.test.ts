import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createRoot, issueClient, issueServer } from '../../../demo/certificate-authority.ts'
import { type IndexOptions, type RunningIndex, startIndex } from '../../../demo/index-server.ts'
import type { ErrorCode } from '../../../src/errors.ts'
import { alertOf } from '../../../src/transport/alert.ts'
import { type RunningServer, refuse, secure, startServer } from '../../support/tls-servers.ts'
import { probe } from '../../support/transport.ts'

const root = createRoot({ name: 'Corporate Root' })
const server = issueServer(root, { name: 'index' })
const client = issueClient(root, { name: 'publisher' })
const stranger = issueClient(createRoot({ name: 'Other Root' }), { name: 'stranger' })
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

async function index(t: TestContext, options: Partial<IndexOptions> = {}): Promise<RunningIndex> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'index-'))
  const running = await startIndex({ server, clientAuthorities: [root.pem], directory, ...options })
  t.after(async () => {
    await running.stop()
    rmSync(directory, { recursive: true })
  })
  return running
}

async function refusing(t: TestContext, version: (typeof VERSIONS)[number], alert: number): Promise<RunningServer> {
  const running = await startServer((socket) => refuse(socket, { server, version, alert }))
  t.after(() => running.stop())
  return running
}

for (const version of VERSIONS) {
  describe(`a server that speaks ${version}`, () => {
    const tls = { minVersion: version, maxVersion: version }

    it('and trusts the issuer accepts the certificate; the facts say who it is', async (t) => {
      const { url } = await index(t, { tls })
      const { handshake, facts, problem } = await probe(url, { client: [client], trusted: [root] })
      assert.equal(problem, undefined)
      assert.equal(handshake, 'accepted')
      assert.equal(facts?.protocol, version)
      assert.equal(facts?.asked, true)
      assert.match(facts?.remoteAddress ?? '', /^(127\.0\.0\.1|::1)$/)
      assert.match(facts?.cipher ?? '', /^TLS_/)
      assert.deepEqual(facts?.server, {
        subject: 'CN=index',
        issuer: 'CN=Corporate Root',
        fingerprint256: server.certificate.fingerprint256,
        validTo: server.certificate.validToDate.toISOString(),
      })
    })

    it('and closes without an alert, as Node.js servers do, most likely refused the certificate', async (t) => {
      const { url } = await index(t, { tls })
      const { handshake, problem } = await probe(url, { client: [stranger], trusted: [root] })
      assert.equal(handshake, 'refused')
      assert.equal(problem?.code, 'E_TLS_CLIENT_REFUSED')
      assert.match(
        problem?.message ?? '',
        /asked for the client certificate and then closed the connection without a word/,
      )
    })

    it('and sends an alert is known all the same: address, TLS version and certificate', async (t) => {
      const { port } = await refusing(t, version, 48)
      const { seen, problem } = await probe(`https://localhost:${port}/`, { client: [client], trusted: [root] })
      assert.equal(problem?.code, 'E_TLS_CLIENT_UNKNOWN_CA')
      assert.equal(alertOf(problem?.cause), 48)
      assert.equal(seen.protocol, version)
      assert.match(seen.remoteAddress ?? '', /^(127\.0\.0\.1|::1)$/)
      assert.equal(seen.server?.fingerprint256, server.certificate.fingerprint256)
    })

    it('and requires a certificate is told from other faults when there is none', async (t) => {
      const { url } = await index(t, { tls })
      const { handshake, problem } = await probe(url, { trusted: [root] })
      assert.equal(handshake, 'refused')
      assert.equal(problem?.code, 'E_TLS_CLIENT_REQUIRED')
    })

    it('and does not ask gets nothing when the certificate is required; the facts are there', async (t) => {
      const { url } = await index(t, { tls, requestCert: false })
      const { handshake, facts, problem } = await probe(url, { client: [client], trusted: [root] })
      assert.equal(handshake, 'not-asked')
      assert.equal(problem?.code, 'E_TLS_CLIENT_NOT_ASKED')
      assert.equal(facts?.asked, false)
      assert.equal(facts?.protocol, version)
    })

    it('and does not ask is only noted when the certificate is optional', async (t) => {
      const { url } = await index(t, { tls, requestCert: false })
      const meeting = { client: [client], trusted: [root], requireClientAuth: false }
      const { handshake, problem } = await probe(url, meeting)
      assert.equal(problem, undefined)
      assert.equal(handshake, 'not-asked')
    })

    it('and does not ask accepts a run without a certificate', async (t) => {
      const { url } = await index(t, { tls, requestCert: false })
      const { handshake, problem } = await probe(url, { trusted: [root] })
      assert.equal(problem, undefined)
      assert.equal(handshake, 'accepted')
    })

    const ALERTS: readonly [alert: number, code: ErrorCode, words: RegExp][] = [
      [40, 'E_TLS_CLIENT_REFUSED', /handshake failure, alert 40/],
      [42, 'E_TLS_CLIENT_REFUSED', /bad certificate, alert 42/],
      [43, 'E_TLS_CLIENT_PURPOSE', /unsupported certificate, alert 43/],
      [44, 'E_TLS_CLIENT_REVOKED', /revoked \(alert 44\)/],
      [45, 'E_TLS_CLIENT_EXPIRED', /expired \(alert 45\)/],
      [46, 'E_TLS_CLIENT_REFUSED', /does not say why \(certificate unknown, alert 46\)/],
      [48, 'E_TLS_CLIENT_UNKNOWN_CA', /does not trust the issuer .*unknown CA, alert 48/],
      [49, 'E_TLS_CLIENT_REFUSED', /access denied, alert 49/],
      [116, 'E_TLS_CLIENT_REQUIRED', /got no client certificate \(alert 116\)/],
    ]
    for (const [alert, code, words] of ALERTS) {
      it(`and answers the certificate with alert ${alert}: ${code}`, async (t) => {
        const { port } = await refusing(t, version, alert)
        const { handshake, problem } = await probe(`https://localhost:${port}/`, { client: [client], trusted: [root] })
        assert.equal(problem?.code, code)
        assert.match(problem?.message ?? '', words)
        assert.match(problem?.message ?? '', new RegExp(`^localhost:${port} `))
        assert.equal(handshake, 'refused')
      })
    }

    for (const alert of [40, 42, 116]) {
      it(`and answers a client without a certificate with alert ${alert}: it requires one`, async (t) => {
        const { port } = await refusing(t, version, alert)
        const { problem } = await probe(`https://localhost:${port}/`, { trusted: [root] })
        assert.equal(problem?.code, 'E_TLS_CLIENT_REQUIRED')
      })
    }

    it('and ends with an alert that is not about certificates: the alert is named', async (t) => {
      const { port } = await refusing(t, version, 80)
      const { handshake, problem } = await probe(`https://localhost:${port}/`, { client: [client], trusted: [root] })
      assert.equal(problem?.code, 'E_TLS_HANDSHAKE')
      assert.match(problem?.message ?? '', /alert 80 \(internal error\)/)
      assert.equal(handshake, 'failed')
    })
  })
}

it('what the chain check guessed stands in the sentence of a refusal', async (t) => {
  const { port } = await refusing(t, 'TLSv1.3', 48)
  const { problem } = await probe(`https://localhost:${port}/`, {
    client: [client],
    trusted: [root],
    unknownIssuer: 'CN=Corporate Root is not in ca-bundle',
  })
  assert.match(problem?.message ?? '', /the likely reason: CN=Corporate Root is not in ca-bundle$/)
})

it('a session ticket opens the gate at once: no timer has to go off', async (t) => {
  const { url } = await index(t, { tls: { minVersion: 'TLSv1.3' } })
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { handshake } = await probe(url, { client: [client], trusted: [root] })
  assert.equal(handshake, 'accepted')
})

it('a server without session tickets gets the connection after the gate has waited for it', async (t) => {
  // It says nothing after the handshake for three seconds: longer than the gate waits.
  const running = await startServer((socket) => refuse(socket, { server, version: 'TLSv1.3', alert: 48, delay: 3000 }))
  t.after(() => running.stop())
  const { handshake } = await probe(`https://localhost:${running.port}/`, { client: [client], trusted: [root] })
  assert.equal(handshake, 'accepted')
})

it('a server whose signature algorithms do not fit the key is told from one that does not ask', async (t) => {
  const running = await startServer((socket) =>
    secure(socket, {
      server: issueServer(root, { name: 'index', keyKind: 'rsa' }),
      requestCert: true,
      rejectUnauthorized: true,
      ca: root.pem,
      minVersion: 'TLSv1.3',
      sigalgs: 'rsa_pss_rsae_sha256',
    }),
  )
  t.after(() => running.stop())
  const { handshake, problem } = await probe(`https://localhost:${running.port}/`, {
    client: [client],
    trusted: [root],
  })
  assert.equal(handshake, 'refused')
  assert.equal(problem?.code, 'E_TLS_CLIENT_REQUIRED')
  assert.match(problem?.message ?? '', /none of the signature algorithms .* fits the key/)
})
