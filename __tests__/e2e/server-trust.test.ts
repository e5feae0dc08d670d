/** Whom the action sends files to: the servers that ca-bundle names, whatever the environment says. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, describe, it, type TestContext } from 'node:test'
import {
  type CertificateOptions,
  createRoot,
  type Issued,
  issueIntermediate,
  issueServer,
  selfSigned,
} from '../../demo/certificate-authority.ts'
import { type RunningIndex, startIndex } from '../../demo/index-server.ts'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { assertPublished, readReport, shown } from './support/assertions.ts'
import { assertNoneLeft, runBeside } from './support/beside.ts'
import { type Scene, setScene } from './support/scene.ts'
import { assertUnsent } from './support/unsent.ts'

after(assertNoneLeft)

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

function onlyMessage(run: ActionRun): string {
  const [problem, ...more] = readReport(run).problems
  assert.deepEqual(more, [])
  return problem?.message ?? ''
}

/** What people set to make a fault of the server's certificate go away. */
const UNCHECKED = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' }

/** Must not reach a server that is not the one that was meant. */
const LOGIN = { user: 'release', password: 'a token for one server' }

const ENDED = { notBefore: new Date(Date.now() - 20 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) }
const FUTURE = { notBefore: new Date(Date.now() + DAY_MS), notAfter: new Date(Date.now() + 20 * DAY_MS) }

interface Fault {
  readonly name: string
  readonly options: Partial<CertificateOptions>
  readonly code: ErrorCode
  readonly says: RegExp
}

const FAULTS: readonly Fault[] = [
  {
    name: 'has expired',
    options: ENDED,
    code: 'E_TLS_SERVER_EXPIRED',
    says: /\(CN=faulty, issued by CN=Test Root CA\) has expired: it is valid from .* to .* the runner's clock says/,
  },
  {
    name: 'is not yet valid',
    options: FUTURE,
    code: 'E_TLS_SERVER_NOT_YET_VALID',
    says: /\(CN=faulty, issued by CN=Test Root CA\) is not valid yet: it is valid from/,
  },
  {
    name: 'is of another name',
    options: { dnsNames: ['index.example.com'] },
    code: 'E_TLS_SERVER_NAME',
    says: /is for another name: expected localhost, found DNS:index\.example\.com \(CN=faulty/,
  },
  {
    name: 'is for clients only',
    options: { purposes: ['clientAuth'] },
    code: 'E_TLS_SERVER_REFUSED',
    says: /\(CN=faulty, issued by CN=Test Root CA\) was not accepted: .*purpose.* \(INVALID_PURPOSE\)/,
  },
]

describe('a server certificate that', { concurrency: 2 }, () => {
  for (const { name, options, code, says } of FAULTS) {
    for (const [setting, env] of [
      ['', {}],
      [', also with NODE_TLS_REJECT_UNAUTHORIZED=0', UNCHECKED],
    ] as const) {
      it(`${name} gets neither file nor password${setting}`, async (test) => {
        const scene = await setScene(test)
        const index = await indexWith(test, scene, issueServer(scene.root, { name: 'faulty', ...options }))
        const run = await runBeside(scene, { 'repository-url': index.uploadUrl, ...LOGIN }, { env })
        assertUnsent(run, scene, { codes: [code], handshake: 'failed', index })
        assert.match(onlyMessage(run), says)
      })
    }
  }

  it('is self-signed is refused, and trusted once ca-bundle holds it', async (test) => {
    const scene = await setScene(test)
    const server = selfSigned({ name: 'alone', dnsNames: ['localhost'], purposes: ['serverAuth'] })
    const index = await indexWith(test, scene, server)
    const inputs = { 'repository-url': index.uploadUrl, ...LOGIN }
    const run = await runBeside(scene, inputs, { env: UNCHECKED })
    assertUnsent(run, scene, { codes: ['E_TLS_SERVER_UNKNOWN_CA'], handshake: 'failed', index })
    assert.match(onlyMessage(run), /\(CN=alone\) is self-signed, and ca-bundle does not hold it/)
    assertPublished(await runBeside(scene, { ...inputs, 'ca-bundle': server.pem }), { ...scene, index })
  })
})

/** Field report 6: companies hand out their issuing CA alone, and servers forget their intermediate. */
describe('a server certificate below an issuing CA', { concurrency: 2 }, () => {
  const setting = async (test: TestContext) => {
    const scene = await setScene(test)
    const issuing = issueIntermediate(scene.root, { name: 'Server CA' })
    return { scene, issuing, server: issueServer(issuing, { name: 'below' }) }
  }

  it('that is sent with it is trusted where ca-bundle is the issuing CA alone', async (test) => {
    const { scene, issuing, server } = await setting(test)
    const index = await indexWith(test, scene, { ...server, pem: server.pem + issuing.pem })
    const run = await runBeside(scene, { 'repository-url': index.uploadUrl, 'ca-bundle': issuing.pem })
    assertPublished(run, { ...scene, index })
  })

  for (const env of [{}, UNCHECKED]) {
    it(`that the server does not send is what is said to be missing${env === UNCHECKED ? ', unchecked or not' : ''}`, async (test) => {
      const { scene, server } = await setting(test)
      const index = await indexWith(test, scene, server)
      const run = await runBeside(scene, { 'repository-url': index.uploadUrl, ...LOGIN }, { env })
      assertUnsent(run, scene, { codes: ['E_TLS_SERVER_INCOMPLETE_CHAIN'], handshake: 'failed', index })
      assert.match(onlyMessage(run), /\(CN=below\) alone, without the certificate of CN=Server CA that issued it/)
      assert.match(shown(run), /have the server send it, or add it to ca-bundle \(browsers keep copies/)
    })
  }

  it('that the server does not send can stand in ca-bundle beside the root', async (test) => {
    const { scene, issuing, server } = await setting(test)
    const index = await indexWith(test, scene, server)
    const bundle = scene.root.pem + issuing.pem
    const run = await runBeside(scene, { 'repository-url': index.uploadUrl, 'ca-bundle': bundle })
    assertPublished(run, { ...scene, index })
  })

  it('is trusted where ca-bundle is the server certificate itself', async (test) => {
    const { scene, server } = await setting(test)
    const index = await indexWith(test, scene, server)
    const run = await runBeside(scene, { 'repository-url': index.uploadUrl, 'ca-bundle': server.pem })
    assertPublished(run, { ...scene, index })
  })

  it('that has expired is refused as that, though it is in ca-bundle', async (test) => {
    const { scene } = await setting(test)
    const issuing = issueIntermediate(scene.root, { name: 'Old CA', ...ENDED })
    const server = issueServer(issuing, { name: 'below' })
    const index = await indexWith(test, scene, { ...server, pem: server.pem + issuing.pem })
    const bundle = scene.root.pem + issuing.pem
    const run = await runBeside(scene, { 'repository-url': index.uploadUrl, 'ca-bundle': bundle })
    assertUnsent(run, scene, { codes: ['E_TLS_SERVER_EXPIRED'], handshake: 'failed', index })
    assert.match(onlyMessage(run), /a CA certificate that localhost:\d+ sends \(CN=Old CA/)
  })
})

describe('a server of another CA than ca-bundle names', { concurrency: 2 }, () => {
  const OTHER = createRoot({ name: 'Other CA' })

  it('is refused, with NODE_TLS_REJECT_UNAUTHORIZED=0 too', async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, { 'ca-bundle': OTHER.pem, ...LOGIN }, { env: UNCHECKED })
    assertUnsent(run, scene, { codes: ['E_TLS_SERVER_UNKNOWN_CA'], handshake: 'failed' })
    assert.match(onlyMessage(run), /\(CN=index\) leads to CN=Test Root CA, which ca-bundle does not hold/)
  })

  it('is refused where ca-bundle has a CA of the same name with another key, and that is said', async (test) => {
    const scene = await setScene(test)
    const namesake = createRoot({ name: 'Test Root CA' })
    const run = await runBeside(scene, { 'ca-bundle': namesake.pem })
    assertUnsent(run, scene, { codes: ['E_TLS_SERVER_UNKNOWN_CA'], handshake: 'failed' })
    assert.match(onlyMessage(run), /ca-bundle holds a CA of that name with another key/)
  })

  for (const variable of ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'TWINE_CERT']) {
    it(`is refused although ${variable} would vouch for it, and the sentence gives that file`, async (test) => {
      const scene = await setScene(test)
      const file = path.join(scene.directory, 'company-ca.pem')
      await writeFile(file, scene.root.pem)
      const env = { [variable]: file, ...UNCHECKED }
      const run = await runBeside(scene, { 'ca-bundle': OTHER.pem, ...LOGIN }, { env })
      assertUnsent(run, scene, { codes: ['E_TLS_SERVER_UNKNOWN_CA'], handshake: 'failed' })
      assert.ok(shown(run).includes(`write \`ca-bundle: ${file}\` if that is meant`), shown(run))
      assertPublished(await runBeside(scene, { 'ca-bundle': file }), scene)
    })
  }

  it('is refused although Node.js itself is told to take its CAs from SSL_CERT_FILE', async (test) => {
    const scene = await setScene(test)
    const file = path.join(scene.directory, 'company-ca.pem')
    await writeFile(file, scene.root.pem)
    for (const option of ['--use-openssl-ca', '--use-system-ca']) {
      const env = { SSL_CERT_FILE: file, NODE_OPTIONS: option }
      const run = await runBeside(scene, { 'ca-bundle': OTHER.pem }, { env })
      assert.equal(run.outputs.handshake, 'failed', option)
      assert.equal(readReport(run).problems[0]?.code, 'E_TLS_SERVER_UNKNOWN_CA', option)
    }
    assert.deepEqual(scene.index.requests, [])
  })

  it('is published to once the right bundle is given, whatever else the environment names', async (test) => {
    const scene = await setScene(test)
    const file = path.join(scene.directory, 'other-ca.pem')
    await writeFile(file, OTHER.pem)
    const env = { SSL_CERT_FILE: file, NODE_EXTRA_CA_CERTS: file, REQUESTS_CA_BUNDLE: file }
    const run = await runBeside(scene, {}, { env })
    assertPublished(run, scene)
    assert.match(shown(run), /the server must chain to ca-bundle \(1 CA\), nothing else is trusted/)
  })
})

describe('ca-bundle: system', { concurrency: 2 }, () => {
  for (const [name, inputs] of [
    ['as it stands in action.yml', { 'ca-bundle': undefined }],
    ['as a word', { 'ca-bundle': 'system' }],
  ] as const) {
    it(`${name} refuses a company's CA, names it, and says which input to set`, async (test) => {
      const scene = await setScene(test)
      const run = await runBeside(scene, { ...inputs, ...LOGIN }, { env: UNCHECKED })
      assertUnsent(run, scene, { codes: ['E_TLS_SERVER_UNKNOWN_CA'], handshake: 'failed' })
      assert.match(
        onlyMessage(run),
        /\(CN=index\) leads to CN=Test Root CA, which neither Node\.js nor this system trusts/,
      )
      assert.match(shown(run), /Give the certificate of CN=Test Root CA as ca-bundle if it is a CA of your company/)
    })
  }

  for (const variable of ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE']) {
    it(`trusts what ${variable} adds, and the log names it`, async (test) => {
      const scene = await setScene(test)
      const file = path.join(scene.directory, 'company-ca.pem')
      await writeFile(file, scene.root.pem)
      const run = await runBeside(scene, { 'ca-bundle': 'system' }, { env: { [variable]: file } })
      assertPublished(run, scene)
      assert.match(shown(run), new RegExp(`a CA of Node\\.js or the system \\(\\d+ CAs, .*${variable}`))
      assert.equal(run.outputs['ca-bundle-path'], '')
    })
  }

  it('exports no CA bundle: later steps have the same system', async (test) => {
    const scene = await setScene(test)
    const file = path.join(scene.directory, 'company-ca.pem')
    await writeFile(file, scene.root.pem)
    const inputs = { 'ca-bundle': 'system', 'export-credentials': 'true' }
    const seen: string[] = []
    const run = await runBeside(scene, inputs, {
      post: true,
      env: { NODE_EXTRA_CA_CERTS: file },
      betweenSteps: (_, outputs) => {
        seen.push(outputs['ca-bundle-path'] ?? '', readFileSync(outputs['client-cert-path'] ?? '', 'latin1'))
      },
    })
    assertPublished(run, scene)
    assert.deepEqual(seen, ['', scene.client.pem + scene.intermediate.pem])
  })
})

describe('a server that does not ask for the certificate', { concurrency: 2 }, () => {
  const SILENT = { index: { requestCert: false } }

  for (const version of ['1.2', '1.3']) {
    it(`gets neither file nor password, and at most a look at the path (TLS ${version})`, async (test) => {
      const scene = await setScene(test, SILENT)
      const run = await runBeside(scene, { ...LOGIN, 'tls-min-version': version, 'tls-max-version': version })
      assertUnsent(run, scene, { codes: ['E_TLS_CLIENT_NOT_ASKED'], handshake: 'not-asked' })
      assert.match(shown(run), /client-auth/)
    })
  }

  it('fails a dry run too, in which nothing would be sent', async (test) => {
    const scene = await setScene(test, SILENT)
    const run = await runBeside(scene, { 'dry-run': 'true' })
    assertUnsent(run, scene, { codes: ['E_TLS_CLIENT_NOT_ASKED'], handshake: 'not-asked' })
  })

  it('is published to under client-auth: optional, with a warning', async (test) => {
    const scene = await setScene(test, {
      index: { requestCert: false, users: new Map([[LOGIN.user, LOGIN.password]]) },
    })
    const run = await runBeside(scene, { ...LOGIN, 'client-auth': 'optional' })
    assertPublished(run, scene)
    assert.equal(run.outputs.handshake, 'not-asked')
    const warnings = run.annotations.filter(({ kind }) => kind === 'warning').map(({ message }) => message)
    assert.deepEqual(warnings, [
      `localhost:${scene.index.port} did not ask for the client certificate: it does not know who publishes.`,
    ])
  })
})

describe('TLS versions', { concurrency: 2 }, () => {
  for (const [min, max, spoken] of [
    ['1.2', '1.3', 'TLSv1.3'],
    ['1.2', '1.2', 'TLSv1.2'],
    ['1.3', '1.3', 'TLSv1.3'],
  ] as const) {
    it(`${min} to ${max}: ${spoken} is spoken`, async (test) => {
      const scene = await setScene(test)
      const run = await runBeside(scene, { 'tls-min-version': min, 'tls-max-version': max })
      assertPublished(run, scene)
      assert.deepEqual(new Set(scene.index.requests.map(({ tlsVersion }) => tlsVersion)), new Set([spoken]))
    })
  }

  for (const [name, server, inputs, offer] of [
    ['lower', { maxVersion: 'TLSv1.2' }, { 'tls-min-version': '1.3' }, 'tls-min-version: 1.2'],
    ['higher', { minVersion: 'TLSv1.3' }, { 'tls-max-version': '1.2' }, 'tls-max-version: 1.3'],
  ] as const) {
    it(`of a server that speaks only ${name} ones: the sentence gives the line to write`, async (test) => {
      const scene = await setScene(test, { index: { tls: server } })
      const run = await runBeside(scene, inputs)
      assertUnsent(run, scene, { codes: ['E_TLS_VERSION'], handshake: 'failed' })
      assert.ok(shown(run).includes(`Write \`${offer}\``), shown(run))
    })
  }

  it('of which none is left are an error before any connection', async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, { 'tls-min-version': '1.3', 'tls-max-version': '1.2' })
    assertUnsent(run, scene, { codes: ['E_INPUT_CONFLICT'] })
  })
})
