/** What becomes of a client's chain: refused before any connection, left to the server, or sent, and what of it. */
import assert from 'node:assert/strict'
import { after, describe, it, type TestContext } from 'node:test'
import type { DetailedPeerCertificate } from 'node:tls'
import {
  type CertificateOptions,
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  issueServer,
} from '../../demo/certificate-authority.ts'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { secure, startServer } from '../support/tls-servers.ts'
import { assertPublished, assertRefused, readReport, shown } from './support/assertions.ts'
import { assertNoneLeft, runBeside } from './support/beside.ts'
import { type Scene, type SceneOptions, setScene } from './support/scene.ts'
import { assertUnsent } from './support/unsent.ts'

after(assertNoneLeft)

const DAY_MS = 86_400_000

/** Validity in days from now. */
function days(from: number, to: number) {
  return { notBefore: new Date(Date.now() + from * DAY_MS), notAfter: new Date(Date.now() + to * DAY_MS) }
}

/** Takes every client certificate, as fronts do that leave dates and purpose to the index. */
const LAX: SceneOptions = { index: { acceptAnyClient: true } }

function inputsOf(client: Issued, ...above: readonly Issued[]) {
  return { 'client-cert': [client, ...above].map(({ pem }) => pem).join(''), 'client-key': client.keyPem }
}

function warnings({ annotations }: ActionRun): string[] {
  return annotations.filter(({ kind }) => kind === 'warning').map(({ message }) => message)
}

function onlyMessage(run: ActionRun): string {
  const [problem, ...more] = readReport(run).problems
  assert.deepEqual(more, [])
  return problem?.message ?? ''
}

interface Weakness {
  readonly name: string
  readonly options: Partial<CertificateOptions>
  readonly code: ErrorCode
  /** Which certificate, what is wrong, and what to do. */
  readonly says: readonly RegExp[]
}

const WHOSE = /the leaf certificate CN=weak/

const WEAKNESSES: readonly Weakness[] = [
  {
    name: 'has expired',
    options: { ...days(-20, -10), serial: Buffer.from('5a0102', 'hex') },
    code: 'E_CERT_EXPIRED',
    says: [
      WHOSE,
      /\(serial 5A0102, issued by CN=Test Issuing CA\) ended on \d{4}-\d\d-\d\d \d\d:\d\d UTC, 10 days ago/,
    ],
  },
  {
    name: 'is not yet valid',
    options: { ...days(2.5, 30), serial: Buffer.from('5a0103', 'hex') },
    code: 'E_CERT_NOT_YET_VALID',
    says: [WHOSE, /\(serial 5A0103, issued by CN=Test Issuing CA\) is valid only from .* UTC, in 2 days/],
  },
  {
    name: 'is for servers only',
    options: { purposes: ['serverAuth'] },
    code: 'E_CERT_PURPOSE',
    says: [WHOSE, /is issued for serverAuth only; a client certificate needs clientAuth/],
  },
]

async function sceneWith(test: TestContext, weak: Partial<CertificateOptions>, options?: SceneOptions) {
  const scene = await setScene(test, options)
  const client = issueClient(scene.intermediate, { name: 'weak', ...weak })
  return { scene, inputs: inputsOf(client, scene.intermediate) }
}

for (const { name, options, code, says } of WEAKNESSES) {
  const assertSaid = (text: string) => {
    for (const words of says) assert.match(text, words)
  }

  describe(`a client certificate that ${name}`, { concurrency: 2 }, () => {
    for (const [server, sceneOptions] of [
      ['strict', {}],
      ['lax', LAX],
    ] as const) {
      it(`is refused before any connection, also where the server is ${server}`, async (test) => {
        const { scene, inputs } = await sceneWith(test, options, sceneOptions)
        const run = await runBeside(scene, inputs)
        assertUnsent(run, scene, { codes: [code] })
        assertSaid(onlyMessage(run))
        if (code === 'E_CERT_PURPOSE') assert.match(shown(run), /Public CAs stopped clientAuth in 2025\/26/)
      })
    }

    it('is published with under chain-check: warn where the server takes it: warnings say what it took', async (test) => {
      const { scene, inputs } = await sceneWith(test, options, LAX)
      const run = await runBeside(scene, { ...inputs, 'chain-check': 'warn' })
      assertPublished(run, scene)
      assert.equal(run.outputs.handshake, 'accepted')
      const [warning = '', ...more] = warnings(run)
      assertSaid(warning)
      assert.deepEqual(more, [])
      assert.match(run.summary, /Warning: the leaf certificate CN=weak/)
      assert.match(shown(run), /accepted it, although the leaf certificate CN=weak/)
    })

    it('is what explains the refusal of a strict server under chain-check: warn', async (test) => {
      const { scene, inputs } = await sceneWith(test, options)
      const run = await runBeside(scene, { ...inputs, 'chain-check': 'warn' })
      assertUnsent(run, scene, { codes: ['E_TLS_CLIENT_REFUSED'], handshake: 'refused' })
      assert.match(onlyMessage(run), /the likely reason: the leaf certificate CN=weak/)
      assertSaid(onlyMessage(run))
      assert.equal(warnings(run).length, 1)
    })

    it('is tried in a dry run: a server that takes it is told, and that chain-check: warn leaves it to it', async (test) => {
      const { scene, inputs } = await sceneWith(test, options, LAX)
      const run = await runBeside(scene, { ...inputs, 'dry-run': 'true' })
      assertUnsent(run, scene, { codes: [code], handshake: 'accepted' })
      assert.match(warnings(run).join('\n'), /the server took the client certificate .* with `chain-check: warn`/)
    })

    it('is tried in a dry run: a server that refuses it is told too, and nothing is offered', async (test) => {
      const { scene, inputs } = await sceneWith(test, options)
      const run = await runBeside(scene, { ...inputs, 'dry-run': 'true' })
      assertUnsent(run, scene, { codes: [code, 'E_TLS_CLIENT_REFUSED'], handshake: 'refused' })
      assert.doesNotMatch(shown(run), /chain-check: warn/)
    })
  })
}

describe('chain-check: warn relaxes dates and purpose alone', { concurrency: 2 }, () => {
  it('not the key of another certificate', async (test) => {
    const { scene, inputs } = await sceneWith(test, days(-20, -10), LAX)
    const run = await runBeside(scene, { ...inputs, 'client-key': scene.client.keyPem, 'chain-check': 'warn' })
    assertUnsent(run, scene, { codes: ['E_KEY_MISMATCH'] })
  })

  it('not a signature that an expired leaf hides: its CA was made anew under the same name', async (test) => {
    const scene = await setScene(test, LAX)
    const { root, intermediate } = scene
    // Without key identifiers the name alone leads to the issuer.
    const again = issueIntermediate(root, { name: 'Test Issuing CA' })
    const none = { authorityKeyId: Buffer.alloc(0) }
    const client = issueClient(intermediate, { name: 'weak', ...days(-20, -10), ...none })
    const run = await runBeside(scene, { ...inputsOf(client, again), 'chain-check': 'warn' })
    assertUnsent(run, scene, { codes: ['E_CERT_SIGNATURE'] })
    assert.match(onlyMessage(run), /not made with the key of CN=Test Issuing CA/)
  })

  it('not an issuer that is no CA', async (test) => {
    const scene = await setScene(test, LAX)
    const person = issueClient(scene.intermediate, { name: 'person', ...days(-30, -5) })
    const client = issueClient(person, { name: 'weak', ...days(-20, -10) })
    const run = await runBeside(scene, { ...inputsOf(client, person, scene.intermediate), 'chain-check': 'warn' })
    assertUnsent(run, scene, { codes: ['E_CERT_NOT_A_CA'] })
  })

  it('not a chain outside client-ca-bundle', async (test) => {
    const { scene, inputs } = await sceneWith(test, days(-20, -10), LAX)
    const other = createRoot({ name: 'Other CA' })
    const run = await runBeside(scene, { ...inputs, 'client-ca-bundle': other.pem, 'chain-check': 'warn' })
    assertUnsent(run, scene, { codes: ['E_CERT_UNKNOWN_ISSUER'] })
  })
})

describe('client-ca-bundle', { concurrency: 2 }, () => {
  it('that the chain does not reach refuses it before any connection, whatever ca-bundle says', async (test) => {
    const scene = await setScene(test, LAX)
    const run = await runBeside(scene, { 'client-ca-bundle': createRoot({ name: 'Other CA' }).pem })
    assertUnsent(run, scene, { codes: ['E_CERT_UNKNOWN_ISSUER'] })
    assert.match(onlyMessage(run), /CN=Test Root CA.*client-ca-bundle/)
  })

  it('that holds the client CAs of a second PKI is kept apart from ca-bundle', async (test) => {
    const clients = createRoot({ name: 'Clients Root' })
    const scene = await setScene(test, { index: { clientAuthorities: [clients.pem] } })
    const client = issueClient(clients, { name: 'release' })
    const run = await runBeside(scene, { ...inputsOf(client), 'client-ca-bundle': clients.pem })
    assertPublished(run, scene)
    assert.match(shown(run), /CN=release <- CN=Clients Root/)
    assert.deepEqual(warnings(run), [])
  })

  it('that holds the issuing CA alone is reached there, and a log line says so', async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, { 'client-ca-bundle': scene.intermediate.pem })
    assertPublished(run, scene)
    assert.match(shown(run), /client-ca-bundle holds CN=Test Issuing CA, but no root above it/)
  })
})

/** A server that knows no CA, takes everybody, and writes down which certificates came over the wire. */
async function startWitness(test: TestContext, { root }: Scene) {
  const chains: string[][] = []
  const server = issueServer(root, { name: 'witness' })
  const running = await startServer((socket) => {
    const secured = secure(socket, { server, requestCert: true, rejectUnauthorized: false })
    // The question which CAs it accepts comes without a certificate.
    secured.once('secure', () => {
      const names = namesOf(secured.getPeerCertificate(true))
      if (names.length > 0) chains.push(names)
    })
  })
  test.after(() => running.stop())
  return { url: `https://localhost:${running.port}/legacy/`, chains }
}

function namesOf(leaf: DetailedPeerCertificate): string[] {
  const names: string[] = []
  const seen = new Set<string>()
  for (let one = leaf; one?.fingerprint256 !== undefined && !seen.has(one.fingerprint256); ) {
    seen.add(one.fingerprint256)
    names.push(String(one.subject.CN))
    one = one.issuerCertificate
  }
  return names
}

describe('the chain that is sent', { concurrency: 2 }, () => {
  it('is leaf and intermediates in order, however the file has them', async (test) => {
    const scene = await setScene(test)
    const { intermediate: stranger, root } = scene
    const upper = issueIntermediate(root, { name: 'Upper CA' })
    const lower = issueIntermediate(upper, { name: 'Lower CA' })
    const leaf = issueClient(lower, { name: 'deep' })
    const shuffled = [root, upper, leaf, stranger, lower, upper].map(({ pem }) => pem).join('')
    const run = await runBeside(scene, { 'client-cert': shuffled, 'client-key': leaf.keyPem })
    assertPublished(run, scene)
    assert.deepEqual(
      readReport(run).chain.map(({ subject }) => subject),
      ['CN=deep', 'CN=Lower CA', 'CN=Upper CA'],
    )
    for (const words of [/holds the root CN=Test Root CA, which is not sent/, /outside the leaf's path.*Issuing CA/]) {
      assert.match(shown(run), words)
    }
  })

  it('reaches the server without the root, without strangers, and each certificate once', async (test) => {
    const scene = await setScene(test)
    const witness = await startWitness(test, scene)
    const { client, intermediate, root } = scene
    const stranger = issueIntermediate(root, { name: 'Stranger CA' })
    for (const file of [
      [client, intermediate],
      [root, stranger, intermediate, client],
      [intermediate, client, root, intermediate, client],
    ]) {
      const cert = file.map(({ pem }) => pem).join('')
      const run = await runBeside(scene, {
        'repository-url': witness.url,
        'check-url': 'off',
        'client-cert': cert,
        'dry-run': 'true',
      })
      assert.equal(run.main.exitCode, 0, shown(run))
    }
    assert.deepEqual(witness.chains, Array(3).fill(['release', 'Test Issuing CA']))
  })

  it('is the leaf alone where nothing else is given, and a strict server refuses that', async (test) => {
    const scene = await setScene(test)
    const witness = await startWitness(test, scene)
    const alone = { 'client-cert': scene.client.pem }
    await runBeside(scene, { ...alone, 'repository-url': witness.url, 'check-url': 'off', 'dry-run': 'true' })
    assert.deepEqual(witness.chains, [['release']])
    const run = await runBeside(scene, alone)
    assertUnsent(run, scene, { codes: ['E_TLS_CLIENT_REFUSED'], handshake: 'refused' })
    assert.match(onlyMessage(run), /likely reason: the certificate of CN=Test Issuing CA, .* is missing/)
  })

  it('is refused before any connection without its intermediate, where client-ca-bundle names the root', async (test) => {
    const scene = await setScene(test, LAX)
    const run = await runBeside(scene, { 'client-cert': scene.client.pem, 'client-ca-bundle': scene.root.pem })
    assertUnsent(run, scene, { codes: ['E_CERT_INCOMPLETE_CHAIN'] })
    assert.match(onlyMessage(run), /the certificate of CN=Test Issuing CA, .* is missing/)
  })

  it('takes a missing intermediate from ca-bundle', async (test) => {
    const scene = await setScene(test)
    const { client, root, intermediate } = scene
    const run = await runBeside(scene, { 'client-cert': client.pem, 'ca-bundle': root.pem + intermediate.pem })
    assertPublished(run, scene)
    assert.match(shown(run), /CN=Test Issuing CA is not in client-cert; it is sent from the CA bundle/)
  })
})

describe('an intermediate that has expired', { concurrency: 2 }, () => {
  const old = (issuer: Issued) => issueIntermediate(issuer, { name: 'Old CA', ...days(-800, -3) })

  for (const [name, rootOf] of [
    ['below the root of ca-bundle', ({ root }: Scene) => root],
    ['below a root that nobody knows', () => createRoot({ name: 'Unknown Root' })],
  ] as const) {
    it(`${name} refuses the chain before any connection`, async (test) => {
      const scene = await setScene(test, LAX)
      const issuer = old(rootOf(scene))
      const run = await runBeside(scene, inputsOf(issueClient(issuer, { name: 'release' }), issuer))
      assertUnsent(run, scene, { codes: ['E_CERT_EXPIRED'] })
      assert.match(onlyMessage(run), /the intermediate CN=Old CA .* ended on .*, 3 days ago/)
    })
  }
})

describe('the dates of a chain that is valid', { concurrency: 2 }, () => {
  it('are outputs: those of the certificate that ends first', async (test) => {
    const scene = await setScene(test)
    const { notBefore, notAfter } = days(-10, 99.5)
    const issuer = issueIntermediate(scene.root, { name: 'Short CA', notBefore, notAfter })
    const run = await runBeside(scene, inputsOf(issueClient(issuer, { name: 'release' }), issuer))
    assertPublished(run, scene)
    notAfter.setMilliseconds(0)
    assert.equal(run.outputs['certificate-expires'], notAfter.toISOString())
    assert.equal(run.outputs['certificate-days-left'], '99')
  })

  const CASES: readonly (readonly [name: string, from: number, to: number, days: string, warns: boolean])[] = [
    ['20 days and less than a third of the lifetime left', -200, 20.5, '30', true],
    ['20 days, but more than a third of the lifetime left', -30, 20.5, '30', false],
    ['20 days left, where expiry-warning-days is 20', -200, 20.5, '20', false],
    ['less than a third of the lifetime left, but 40 days', -200, 40.5, '30', false],
    ['an hour left, where expiry-warning-days is 0', -200, 0.05, '0', false],
  ]
  for (const [name, from, to, limit, warns] of CASES) {
    it(`${name}: ${warns ? 'a warning' : 'no warning'}`, async (test) => {
      const scene = await setScene(test)
      const client = issueClient(scene.intermediate, { name: 'soon', ...days(from, to) })
      const inputs = { ...inputsOf(client, scene.intermediate), 'expiry-warning-days': limit }
      const run = await runBeside(scene, inputs)
      assertPublished(run, scene)
      assert.equal(run.outputs['certificate-days-left'], String(Math.floor(to)))
      const expected = warns ? [/the leaf certificate CN=soon .* ends on .*: 20 days left/] : []
      assert.equal(warnings(run).length, expected.length, shown(run))
      for (const [at, words] of expected.entries()) assert.match(warnings(run)[at] ?? '', words)
    })
  }
})

describe('expiry-error-days', { concurrency: 2 }, () => {
  for (const mode of ['enforce', 'warn']) {
    it(`refuses a certificate that ends sooner, with chain-check: ${mode}`, async (test) => {
      const { scene, inputs } = await sceneWith(test, days(-10, 20.5))
      const limits = { 'expiry-error-days': '21', 'chain-check': mode }
      const run = await runBeside(scene, { ...inputs, ...limits })
      assertUnsent(run, scene, { codes: ['E_CERT_EXPIRES_SOON'] })
      assert.match(onlyMessage(run), /20 days left, and expiry-error-days asks for 21/)
    })
  }

  it('refuses a certificate that has ended although chain-check: warn would let it pass', async (test) => {
    const { scene, inputs } = await sceneWith(test, days(-20, -10), LAX)
    const run = await runBeside(scene, { ...inputs, 'expiry-error-days': '1', 'chain-check': 'warn' })
    assertUnsent(run, scene, { codes: ['E_CERT_EXPIRED'] })
  })

  it('looks at the intermediates too', async (test) => {
    const scene = await setScene(test)
    const issuer = issueIntermediate(scene.root, { name: 'Short CA', ...days(-800, 5.5) })
    const inputs = inputsOf(issueClient(issuer, { name: 'release' }), issuer)
    const run = await runBeside(scene, { ...inputs, 'expiry-error-days': '10' })
    assertUnsent(run, scene, { codes: ['E_CERT_EXPIRES_SOON'] })
    assert.match(onlyMessage(run), /the intermediate CN=Short CA/)
  })

  it('does its work in a scheduled dry run without distributions: the handshake is tried all the same', async (test) => {
    const scene = await setScene(test, { samples: 'none' })
    const client = issueClient(scene.intermediate, { name: 'soon', ...days(-200, 20.5) })
    const inputs = { ...inputsOf(client, scene.intermediate), 'dry-run': 'true' }
    const failing = await runBeside(scene, { ...inputs, 'expiry-error-days': '21' })
    assertRefused(failing, { codes: ['E_CERT_EXPIRES_SOON'], handshake: 'accepted' })
    const passing = await runBeside(scene, { ...inputs, 'expiry-error-days': '20' })
    assert.equal(passing.main.exitCode, 0, shown(passing))
    assert.deepEqual(scene.index.requests, [])
  })
})

describe('two certificates that one key fits', { concurrency: 2 }, () => {
  it('are a renewal and its predecessor: the one that is valid is sent, with a notice', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate } = scene
    const before = issueClient(intermediate, { name: 'before', keys: client.keys, ...days(-400, -5) })
    const run = await runBeside(scene, inputsOf(before, client, intermediate))
    assertPublished(run, scene)
    assert.match(shown(run), /fits 2 certificates: CN=release, O=Example, serial [0-9A-F]+, valid until .*, is used/)
    assert.ok(scene.index.requests.every(({ clientSubject }) => clientSubject === 'O=Example, CN=release'))
  })

  it('are a certificate and a renewal that is not valid yet: the older one is sent', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate } = scene
    const next = issueClient(intermediate, { name: 'next', keys: client.keys, ...days(2, 400) })
    const run = await runBeside(scene, inputsOf(next, client, intermediate))
    assertPublished(run, scene)
    assert.ok(scene.index.requests.every(({ clientSubject }) => clientSubject === 'O=Example, CN=release'))
  })

  it('are both valid: the newer one is sent', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate } = scene
    const older = issueClient(intermediate, { name: 'older', keys: client.keys, ...days(-100, 400) })
    const run = await runBeside(scene, inputsOf(older, client, intermediate))
    assertPublished(run, scene)
    assert.ok(scene.index.requests.every(({ clientSubject }) => clientSubject === 'O=Example, CN=release'))
  })

  it('have both expired: that is the fault, of the newer one', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate } = scene
    const [older, newer] = [
      issueClient(intermediate, { name: 'older', keys: client.keys, ...days(-400, -50) }),
      issueClient(intermediate, { name: 'newer', keys: client.keys, ...days(-100, -5) }),
    ]
    const run = await runBeside(scene, { ...inputsOf(older, newer, intermediate), 'client-key': client.keyPem })
    assertUnsent(run, scene, { codes: ['E_CERT_EXPIRED'] })
    assert.match(onlyMessage(run), /CN=newer/)
  })
})

describe('client-cert: none', { concurrency: 2 }, () => {
  const NONE = { 'client-cert': 'none', 'client-key': undefined }

  it('publishes to an index that asks for no certificate, and client-auth does not apply', async (test) => {
    const scene = await setScene(test, { index: { requestCert: false } })
    const run = await runBeside(scene, { ...NONE, 'client-auth': 'required' })
    assertPublished(run, scene)
    assert.deepEqual(
      ['handshake', 'certificate-expires', 'certificate-days-left'].map((name) => run.outputs[name]),
      ['accepted', '', ''],
    )
    assert.ok(scene.index.requests.every(({ clientSubject }) => clientSubject === undefined))
  })

  it('publishes with user and password', async (test) => {
    const users = new Map([['release', 'a token']])
    const scene = await setScene(test, { index: { requestCert: false, users } })
    assertPublished(await runBeside(scene, { ...NONE, user: 'release', password: 'a token' }), scene)
  })

  it('is refused by an index that asks for one, in words that say what is missing', async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, NONE)
    assertUnsent(run, scene, { codes: ['E_TLS_CLIENT_REQUIRED'], handshake: 'refused' })
    assert.match(onlyMessage(run), /requires a client certificate, and `client-cert: none` shows none/)
  })

  it('contradicts a key, a passphrase and all else that is about the certificate', async (test) => {
    const scene = await setScene(test)
    const also = { 'client-key-passphrase': 'a passphrase', 'client-ca-bundle': scene.root.pem }
    const run = await runBeside(scene, { 'client-cert': 'none', ...also, 'expiry-error-days': '5' })
    assertUnsent(run, scene, { codes: ['E_INPUT_CONFLICT'] })
    assert.match(onlyMessage(run), /client-key, client-key-passphrase, client-ca-bundle, expiry-error-days are given/)
  })
})

describe('a chain of another PKI than the server', { concurrency: 2 }, () => {
  const PKI = async (test: TestContext, known: boolean) => {
    const clients = createRoot({ name: 'Clients Root' })
    const client = issueClient(clients, { name: 'release' })
    const scene = await setScene(test, known ? { index: { clientAuthorities: [clients.pem] } } : {})
    return { scene, run: await runBeside(scene, inputsOf(client)) }
  }

  it('is left to the handshake, and a log line says so once it is accepted', async (test) => {
    const { scene, run } = await PKI(test, true)
    assertPublished(run, scene)
    assert.match(shown(run), /accepted it, although .*CN=Clients Root/)
    assert.deepEqual(warnings(run), [])
  })

  it('is the explanation where the handshake is refused', async (test) => {
    const { scene, run } = await PKI(test, false)
    assertUnsent(run, scene, { codes: ['E_TLS_CLIENT_REFUSED'], handshake: 'refused' })
    assert.match(onlyMessage(run), /the likely reason: .*CN=Clients Root.*ca-bundle/)
  })
})
