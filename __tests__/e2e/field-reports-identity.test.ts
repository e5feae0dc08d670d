/** What people met in the field with keys, certificates and secrets, as inputs and right outcomes. */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { objectIdentifier, sequence, tlv } from '../../demo/certificate-authority.ts'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { writePkcs12 } from '../support/pkcs12-writer.ts'
import { block, openSshKey, pkcs7, pkcs7Indefinite, request, trusted } from '../unit/encoding/sample-structures.ts'
import { assertPublished, readReport, shown } from './support/assertions.ts'
import { assertNoneLeft, runBeside } from './support/beside.ts'
import { type Scene, setScene } from './support/scene.ts'
import { assertUnsent } from './support/unsent.ts'

after(assertNoneLeft)

function onlyMessage(run: ActionRun): string {
  const [problem, ...more] = readReport(run).problems
  assert.deepEqual(more, [])
  return problem?.message ?? ''
}

function base64(data: Buffer | string): string {
  return Buffer.from(data).toString('base64')
}

const SECRET = 'secret'

function encrypted({ client }: Scene, passphrase: string): string {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  return client.keys.privateKey.export(options).toString()
}

/** A PKCS#12 file of the client, as large as real ones are. */
function pkcs12({ client, intermediate, root }: Scene, password: string): Buffer {
  const others = [intermediate, root].map(({ der }) => ({ der }))
  const keys = [{ key: client.keys.privateKey, alias: 'release', id: 'a' }]
  return writePkcs12({ password, keys, certificates: [{ der: client.der, id: 'a' }, ...others] })
}

describe('a passphrase that was stored with or without a line end', { concurrency: 2 }, () => {
  for (const [name, real, given] of [
    ['as it is', SECRET, SECRET],
    ['with a newline behind it', SECRET, `${SECRET}\n`],
    ['with CRLF behind it', SECRET, `${SECRET}\r\n`],
    ['that ends in a blank on purpose', `${SECRET} `, `${SECRET} `],
    ['that begins with a blank on purpose', ` ${SECRET}`, ` ${SECRET}`],
    ['that ends in a blank on purpose, with a newline behind it', `${SECRET} `, `${SECRET} \n`],
    ['that really ends in a newline', `${SECRET}\n`, `${SECRET}\n`],
  ] as const) {
    it(`opens the key: ${name}`, async (test) => {
      const scene = await setScene(test)
      const run = await runBeside(scene, { 'client-key': encrypted(scene, real), 'client-key-passphrase': given })
      assertPublished(run, scene)
      const notices = run.log.filter((line) => /client-key-passphrase ends in a line end/.test(line))
      assert.equal(notices.length, real === given ? 0 : 1, shown(run))
      // The runner masks a line at a time: without its line end the passphrase is masked, and nothing shorter.
      const [line = ''] = given.split(/\r?\n/)
      assert.ok(run.masks.includes(line))
    })

    it(`opens the PKCS#12 file: ${name}`, async (test) => {
      const scene = await setScene(test)
      const file = base64(pkcs12(scene, real))
      const run = await runBeside(scene, { 'client-cert': file, 'client-key': '', 'client-key-passphrase': given })
      assertPublished(run, scene)
      const notices = run.log.filter((line) => /client-key-passphrase ends in a line end/.test(line))
      assert.equal(notices.length, real === given ? 0 : 1, shown(run))
      const [line = ''] = given.split(/\r?\n/)
      assert.ok(run.masks.includes(line))
    })
  }

  for (const [name, real, given] of [
    ['that is another one', 'xyzzy', 'plugh'],
    ['that lacks the blank at its end', 'xyzzy ', 'xyzzy'],
    ['that has a blank too many', 'xyzzy', 'xyzzy '],
    ['with two line ends behind it', 'xyzzy', 'xyzzy\n\n'],
  ] as const) {
    it(`does not open the key: ${name}`, async (test) => {
      const scene = await setScene(test)
      const run = await runBeside(scene, { 'client-key': encrypted(scene, real), 'client-key-passphrase': given })
      assertUnsent(run, scene, { codes: ['E_KEY_PASSPHRASE_WRONG'] })
      assert.match(
        onlyMessage(run),
        /^client-key-passphrase does not open block 1 \(ENCRYPTED PRIVATE KEY\) of client-key/,
      )
    })

    it(`does not open the PKCS#12 file: ${name}`, async (test) => {
      const scene = await setScene(test)
      const file = base64(pkcs12(scene, real))
      const run = await runBeside(scene, { 'client-cert': file, 'client-key': '', 'client-key-passphrase': given })
      assertUnsent(run, scene, { codes: ['E_KEY_PASSPHRASE_WRONG'] })
      assert.match(onlyMessage(run), /^client-key-passphrase does not open client-cert, a PKCS#12 file/)
    })
  }
})

describe('a password that was stored with or without a line end', { concurrency: 2 }, () => {
  for (const [name, real, given] of [
    ['with a newline behind it', 'a token', 'a token\n'],
    ['with CRLF behind it', 'a token', 'a token\r\n'],
    ['with blanks at both ends, on purpose', ' a token ', ' a token '],
  ] as const) {
    it(`lets in: ${name}`, async (test) => {
      const scene = await setScene(test, { index: { users: new Map([['release', real]]) } })
      const run = await runBeside(scene, { user: 'release', password: given })
      assertPublished(run, scene)
      assert.equal(/password ends in a line end/.test(shown(run)), real !== given)
      assert.ok(run.masks.includes(real))
    })
  }
})

describe('PKCS#7 is read for its certificates', { concurrency: 2 }, () => {
  const FORMS: readonly (readonly [name: string, write: (...ders: Buffer[]) => string])[] = [
    ['PEM, as `openssl crl2pkcs7 -nocrl` writes it', (...ders) => block('PKCS7', pkcs7(ders))],
    ['PEM under its long name', (...ders) => block('PKCS #7 SIGNED DATA', pkcs7(ders))],
    ['DER in base64', (...ders) => base64(pkcs7(ders))],
    ['BER of Java tools in base64', (...ders) => base64(pkcs7Indefinite(ders))],
    ['PEM in base64', (...ders) => base64(block('PKCS7', pkcs7(ders)))],
  ]
  for (const [name, write] of FORMS) {
    it(`as client-cert and as ca-bundle: ${name}`, async (test) => {
      const scene = await setScene(test)
      const { client, intermediate, root } = scene
      const inputs = { 'client-cert': write(intermediate.der, client.der), 'ca-bundle': write(root.der) }
      assertPublished(await runBeside(scene, inputs), scene)
    })
  }

  it('as files', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate, root, workspace } = scene
    await writeFile(path.join(workspace, 'chain.p7b'), pkcs7([client.der, intermediate.der]))
    await writeFile(path.join(workspace, 'ca.p7b'), block('PKCS7', pkcs7([root.der])))
    assertPublished(await runBeside(scene, { 'client-cert': 'chain.p7b', 'ca-bundle': 'ca.p7b' }), scene)
  })

  it('and without any it is an error, never an empty trust store', async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, { 'ca-bundle': block('PKCS7', pkcs7([])) })
    assertUnsent(run, scene, { codes: ['E_CA_UNREADABLE'] })
    assert.match(onlyMessage(run), /^block 1 \(PKCS7\) of ca-bundle cannot be read: .*without certificates/)
  })
})

/** As `openssl x509 -trustout` writes it: the certificate, then settings that may be empty. */
const TRUSTED: readonly (readonly [name: string, write: (der: Buffer) => Buffer])[] = [
  ['without settings', (der) => Buffer.concat([der, sequence()])],
  ['trusted for clientAuth', (der) => Buffer.concat([der, sequence(sequence(objectIdentifier('1.3.6.1.5.5.7.3.2')))])],
  ['with serverAuth rejected', trusted],
  ['with an alias', (der) => Buffer.concat([der, sequence(tlv(0x0c, Buffer.from('company')))])],
]

describe('TRUSTED CERTIFICATE is trusted whatever its settings say', { concurrency: 2 }, () => {
  for (const [name, write] of TRUSTED) {
    it(`${name}: alone, and beside the plain root in both orders`, async (test) => {
      const scene = await setScene(test)
      const { root } = scene
      const withSettings = block('TRUSTED CERTIFICATE', write(root.der))
      for (const bundle of [withSettings, withSettings + root.pem, root.pem + withSettings]) {
        const run = await runBeside(scene, { 'ca-bundle': bundle, 'dry-run': 'true' })
        assert.equal(run.main.exitCode, 0, shown(run))
        assert.equal(run.outputs.handshake, 'accepted')
      }
    })
  }

  it('as client-cert and client-ca-bundle too', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate, root } = scene
    const write = (der: Buffer) => block('TRUSTED CERTIFICATE', trusted(der))
    const chain = write(client.der) + write(intermediate.der)
    const run = await runBeside(scene, { 'client-cert': chain, 'client-ca-bundle': write(root.der) })
    assertPublished(run, scene)
  })
})

/** Forty digits of nobody's. */
const DIGITS = '00112233445566778899aabbccddeeff00112233'

interface SomethingElse {
  readonly name: string
  readonly value: (spki: Buffer) => string
  readonly code: ErrorCode
  readonly says: RegExp
}

const NO_KEYS: readonly SomethingElse[] = [
  {
    name: 'an OpenSSH key',
    value: () => block('OPENSSH PRIVATE KEY', openSshKey()),
    code: 'E_KEY_UNSUPPORTED',
    says: /of client-key is an OpenSSH private key, but TLS needs PKCS#8, PKCS#1 or SEC1/,
  },
  {
    name: 'a public key',
    value: (spki) => block('PUBLIC KEY', spki),
    code: 'E_KEY_MISSING',
    says: /^client-key holds no private key, but a public key/,
  },
  {
    name: 'a certificate request',
    value: (spki) => block('CERTIFICATE REQUEST', request(spki)),
    code: 'E_KEY_MISSING',
    says: /^client-key holds no private key, but a certificate request/,
  },
  {
    name: '40 hex digits',
    value: () => DIGITS,
    code: 'E_INPUT_FORMAT',
    says: /^client-key is 40 hexadecimal digits, maybe an app's client secret/,
  },
]

describe('something else in client-key is named for what it is, and never shown', { concurrency: 2 }, () => {
  for (const { name, value, code, says } of NO_KEYS) {
    it(name, async (test) => {
      const scene = await setScene(test)
      const spki = scene.client.keys.publicKey.export({ type: 'spki', format: 'der' })
      const given = value(spki)
      const body = given.replace(/-----.*-----|\n/g, '')
      const run = await runBeside(scene, { 'client-key': given }, { secrets: [body] })
      assertUnsent(run, scene, { codes: [code] })
      assert.match(onlyMessage(run), says)
    })
  }

  it('and in client-cert', async (test) => {
    const scene = await setScene(test)
    const spki = scene.client.keys.publicKey.export({ type: 'spki', format: 'der' })
    const run = await runBeside(scene, { 'client-cert': block('CERTIFICATE REQUEST', request(spki)) })
    assertUnsent(run, scene, { codes: ['E_CERT_MISSING'] })
    assert.match(onlyMessage(run), /^client-cert holds no certificate, but a certificate request/)
  })

  it('and certificate and key in each other’s input', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate } = scene
    const run = await runBeside(scene, { 'client-cert': client.keyPem, 'client-key': client.pem + intermediate.pem })
    assertUnsent(run, scene, { codes: ['E_CERT_MISSING'] })
    assert.match(shown(run), /the two inputs seem to be swapped/)
  })
})

describe('where one of client-cert and client-key cannot be read at all', { concurrency: 2 }, () => {
  it('the other one is not said to be empty, and its own faults are told beside it', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate } = scene
    const damaged = client.pem + intermediate.pem.replace(/-----END.*\n/, '')
    const run = await runBeside(scene, { 'client-cert': damaged, 'client-key': DIGITS })
    assertUnsent(run, scene, { codes: ['E_INPUT_FORMAT', 'E_INPUT_TRUNCATED'] })
    const sealed = { 'client-key': encrypted(scene, 'xyzzy'), 'client-key-passphrase': 'plugh' }
    const reverse = await runBeside(scene, { 'client-cert': 'no/such.pem', ...sealed })
    assertUnsent(reverse, scene, { codes: ['E_INPUT_FILE', 'E_KEY_PASSPHRASE_WRONG'] })
    for (const each of [run, reverse]) assert.doesNotMatch(shown(each), /is empty|holds no/)
  })
})

describe('material that is cut off is called that', { concurrency: 2 }, () => {
  it('a PEM key without its END line', async (test) => {
    const scene = await setScene(test, { keyKind: 'rsa' })
    const run = await runBeside(scene, { 'client-key': scene.client.keyPem.slice(0, 900) })
    assertUnsent(run, scene, { codes: ['E_INPUT_TRUNCATED'] })
    assert.match(onlyMessage(run), /^block 1 \(PRIVATE KEY\) of client-key is cut off: its END line is missing/)
    const whole = scene.client.keyPem.replace(/-----END.*\n/, '')
    const withoutEnd = await runBeside(scene, { 'client-key': whole })
    assertUnsent(withoutEnd, scene, { codes: ['E_INPUT_TRUNCATED'] })
    assert.match(onlyMessage(withoutEnd), /its END line is missing/)
  })

  for (const characters of [1024, 4095]) {
    it(`base64 of a PKCS#12 file after ${characters} characters, whatever the passphrase is`, async (test) => {
      const scene = await setScene(test, { keyKind: 'rsa' })
      const file = pkcs12(scene, 'xyzzy')
      const announced = file.length.toLocaleString('en-US')
      const [bytes, given] = [Math.floor((characters * 3) / 4), characters].map((one) => one.toLocaleString('en-US'))
      assert.ok(base64(file).length > 4095, announced)
      for (const passphrase of ['xyzzy', 'plugh', '']) {
        const cut = { 'client-cert': base64(file).slice(0, characters), 'client-key-passphrase': passphrase }
        const run = await runBeside(scene, { ...cut, 'client-key': '' })
        assertUnsent(run, scene, { codes: ['E_INPUT_TRUNCATED'] })
        const words = `client-cert is cut off (a PKCS#12 file): its first bytes announce ${announced} bytes, ${bytes} are there (${given} characters of base64)`
        assert.equal(onlyMessage(run), words)
        assert.match(shown(run), /Store the value again from a file/)
        assert.doesNotMatch(shown(run), /wrong|does not open|neither PEM nor base64/)
      }
    })
  }

  for (const characters of [400, 399, 398, 397]) {
    it(`base64 of DER after ${characters} characters, whatever is left of the last group`, async (test) => {
      const scene = await setScene(test, { keyKind: 'rsa' })
      const { der } = scene.client
      const run = await runBeside(scene, { 'client-cert': base64(der).slice(0, characters) })
      assertUnsent(run, scene, { codes: ['E_INPUT_TRUNCATED'] })
      const bytes = Math.floor((characters * 3) / 4)
      const announced = der.length.toLocaleString('en-US')
      const words = `client-cert is cut off (a certificate): its first bytes announce ${announced} bytes, ${bytes} are there (${characters} characters of base64)`
      assert.equal(onlyMessage(run), words)
    })
  }
})

describe('an environment secret that did not arrive', { concurrency: 2 }, () => {
  const CALLER = { GITHUB_WORKFLOW_REF: 'octo-org/app/.github/workflows/release.yml@refs/tags/v1.2.0' }

  const EMPTY = { 'client-cert': '', 'client-key': '', 'client-key-passphrase': '' }
  const CASES: readonly (readonly [name: string, also: Record<string, string>, codes: [ErrorCode, ...ErrorCode[]]])[] =
    [
      ['no identity', {}, ['E_INPUT_MISSING']],
      ['nor user and password', { user: '', password: '' }, ['E_INPUT_MISSING']],
      ['nor a password for the user', { user: 'release', password: '' }, ['E_INPUT_CONFLICT', 'E_INPUT_MISSING']],
    ]
  for (const [name, also, codes] of CASES) {
    it(`ends with the reasons before any connection: ${name}`, async (test) => {
      const scene = await setScene(test)
      const run = await runBeside(scene, { ...EMPTY, ...also }, { env: CALLER })
      assertUnsent(run, scene, { codes })
      for (const words of [
        /client-cert is empty: expected a client certificate, or the word `none`/,
        /an environment secret was expected in a reusable workflow of another repository or owner, where it never arrives/,
        /a reusable workflow was not given the secret by name/,
        /pass repository or organisation secrets by name, or use this action as a step in a job of your own with `environment:`/,
      ]) {
        assert.match(shown(run), words)
      }
    })
  }

  it('is also said where the certificate is there and the key is not', async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, { 'client-key': '' }, { env: CALLER })
    assertUnsent(run, scene, { codes: ['E_KEY_MISSING'] })
    assert.match(shown(run), /If client-key is set from a secret, that secret has no value in this job/)
  })
})

describe('a path', { concurrency: 2 }, () => {
  const withCertificate = async ({ workspace, client, intermediate }: Scene, name: string) => {
    const file = path.join(workspace, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, client.pem + intermediate.pem)
  }

  for (const [name, value] of [
    ['of the host, in a job container', '/home/runner/work/app/app/certs/client.pem'],
    ['with a typing error', 'certs/clent.pem'],
    ['of a Windows host', 'C:\\actions\\work\\app\\certs\\new.pem'],
  ] as const) {
    it(`${name} is called a path, by its last part alone`, async (test) => {
      const scene = await setScene(test)
      await withCertificate(scene, 'certs/client.pem')
      const run = await runBeside(scene, { 'client-cert': value })
      assertUnsent(run, scene, { codes: ['E_INPUT_FILE'] })
      const last = value.split(/[\\/]/).at(-1)
      assert.equal(
        onlyMessage(run),
        `client-cert looks like a path (it ends in .pem), and there is no such file: ${last}`,
      )
      assert.match(
        shown(run),
        /relative to the workspace; in a container job `github\.workspace` is the path on the host/,
      )
      assert.doesNotMatch(shown(run), /base64|home\/runner|actions\\work/)
    })
  }

  it('relative to the workspace is read', async (test) => {
    const scene = await setScene(test)
    await withCertificate(scene, 'certs/client.pem')
    assertPublished(await runBeside(scene, { 'client-cert': 'certs/client.pem' }), scene)
  })

  it('with a backslash and an n in it stays a path', async (test) => {
    const scene = await setScene(test)
    await withCertificate(scene, 'certs\\new.pem')
    assertPublished(await runBeside(scene, { 'client-cert': 'certs\\new.pem' }), scene)
  })
})
