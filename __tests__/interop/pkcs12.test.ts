import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import {
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  type KeyKind,
} from '../../demo/certificate-authority.ts'
import { readMaterial } from '../../src/encoding/input-material.ts'
import { problemsOf } from '../../src/errors.ts'
import { type ClientIdentity, readClientIdentity } from '../../src/identity/client-identity.ts'

/** keytool takes no password of fewer than six characters. */
const PASSWORD = 'correct horse'

const directory = mkdtempSync(path.join(os.tmpdir(), 'interop-pkcs12-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const root = createRoot({ name: 'Corp Root' })
const issuing = issueIntermediate(root, { name: 'Issuing' })
const client = issueClient(issuing, { name: 'publisher' })
const rsa = issueClient(issuing, { name: 'rsa publisher', keyKind: 'rsa' })

function at(name: string): string {
  return path.join(directory, name)
}

function write(name: string, content: string): string {
  writeFileSync(at(name), content, { mode: 0o600 })
  return at(name)
}

/** Runs a program to its end; what it wrote stands in the error where it fails. */
function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  return execFileSync(program, args, {
    cwd: directory,
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', HOME: directory, LC_ALL: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
}

function isThere(program: string, ...args: string[]): boolean {
  try {
    run(program, args)
    return true
  } catch {
    return false
  }
}

const has = {
  openssl: isThere('openssl', 'version'),
  keytool: isThere('keytool', '-help'),
  gnutls: isThere('certtool', '--version'),
  nss: isThere('certutil', '-N', '-d', `sql:${directory}`, '--empty-password') && isThere('which', 'pk12util'),
}

/** A program that is missing fails the tests of its files: left out, they would look like a pass. */
function with_(program: keyof typeof has) {
  return (name: string, tests: () => void) => {
    if (has[program]) describe(name, tests)
    else it(name, () => assert.fail(`${program} is not on this machine`))
  }
}

let written = 0

/** A file made by `openssl pkcs12 -export`. */
function openssl(issued: Issued, args: readonly string[], password = PASSWORD): Buffer {
  written += 1
  const key = write(`${written}.key`, issued.keyPem)
  const chain = write(`${written}.pem`, issued.pem + issuing.pem)
  const out = at(`${written}.p12`)
  const password_ = ['-passout', `pass:${password}`]
  run('openssl', ['pkcs12', '-export', '-inkey', key, '-in', chain, '-out', out, ...password_, ...args])
  return readFileSync(out)
}

interface Given {
  readonly passphrase?: string | undefined
  readonly alias?: string
  readonly key?: string
}

function identify(file: Buffer, { passphrase, alias, key }: Given): Promise<ClientIdentity> {
  const workspace = directory
  return readClientIdentity({
    certificate: readMaterial('client-cert', file.toString('base64'), { workspace }),
    key: key === undefined ? undefined : readMaterial('client-key', key, { workspace }),
    passphrase,
    alias,
    now: new Date(),
    signal: new AbortController().signal,
  })
}

async function assertIdentity(file: Buffer, given: Given, expected: Issued): Promise<void> {
  const { leaf, key, others } = await identify(file, given)
  assert.equal(leaf.fingerprint256, expected.certificate.fingerprint256)
  assert.ok(key.equals(expected.keys.privateKey))
  assert.ok(others.some(({ fingerprint256 }) => fingerprint256 === issuing.certificate.fingerprint256))
}

/** Opens with the right password, and says of a wrong one that it is wrong. */
async function assertOpens(file: Buffer, expected: Issued, passphrase: string | undefined = PASSWORD): Promise<void> {
  await assertIdentity(file, { passphrase }, expected)
  await assertWrong(file, 'wrong horse')
}

async function assertWrong(file: Buffer, passphrase: string | undefined): Promise<void> {
  const problems = await identify(file, { passphrase }).then(() => assert.fail('nothing was refused'), problemsOf)
  const code = passphrase === undefined ? 'E_KEY_PASSPHRASE_MISSING' : 'E_KEY_PASSPHRASE_WRONG'
  assert.deepEqual(
    problems.map((problem) => problem.code),
    [code],
  )
}

with_('openssl')('a file of OpenSSL is opened', () => {
  const kinds: readonly (readonly [name: string, args: readonly string[]])[] = [
    ['its default', []],
    ['RC2, triple DES and SHA-1 (-legacy)', ['-legacy']],
    ['triple DES and SHA-1 (-legacy -descert)', ['-legacy', '-descert']],
    [
      'RC2 of 128 bits, triple DES of two keys',
      ['-legacy', '-certpbe', 'PBE-SHA1-RC2-128', '-keypbe', 'PBE-SHA1-2DES'],
    ],
    ['triple DES by PBES2', ['-certpbe', 'DES-EDE3-CBC', '-keypbe', 'DES-EDE3-CBC']],
    ['a MAC of SHA-512', ['-macalg', 'sha512']],
    ['a MAC of SHA-384', ['-macalg', 'sha384']],
    ['AES of 128 bits', ['-certpbe', 'AES-128-CBC', '-keypbe', 'AES-128-CBC']],
    ['no MAC', ['-nomac']],
    ['nothing encrypted, but a MAC', ['-certpbe', 'NONE', '-keypbe', 'NONE']],
    ['names beyond ASCII', ['-name', 'Veröffentlichung 鍵', '-caname', 'Ausstellende']],
    ['one iteration', ['-iter', '1']],
    ['600,000 iterations', ['-iter', '600000']],
    ['a million iterations', ['-iter', '1000000']],
    ['a million iterations of the old derivation throughout', ['-legacy', '-iter', '1000000']],
  ]
  for (const [name, args] of kinds) {
    it(name, () => assertOpens(openssl(rsa, args), rsa))
  }

  const keyKinds: readonly KeyKind[] = ['ec', 'ec-p384', 'ed25519', 'rsa-pss']
  for (const keyKind of keyKinds) {
    it(`with a key of the kind ${keyKind}, old or new`, async () => {
      const issued = issueClient(issuing, { name: keyKind, keyKind })
      for (const args of [[], ['-legacy']]) await assertOpens(openssl(issued, args), issued)
    })
  }

  it('nothing encrypted and no MAC: no password is needed', () =>
    assertIdentity(openssl(rsa, ['-certpbe', 'NONE', '-keypbe', 'NONE', '-nomac']), {}, rsa))

  it('with an empty password', async () => {
    for (const args of [[], ['-legacy'], ['-nomac']]) await assertIdentity(openssl(rsa, args, ''), {}, rsa)
  })

  it('with a password beyond ASCII', async () => {
    for (const args of [[], ['-legacy'], ['-nomac']])
      await assertOpens(openssl(rsa, args, 'пароль 密🔑'), rsa, 'пароль 密🔑')
  })

  it('with a password that is asked for when it is missing', () => assertWrong(openssl(rsa, []), undefined))

  it('certificates only: client-key gives the key', () =>
    assertIdentity(openssl(rsa, ['-nokeys']), { passphrase: PASSWORD, key: rsa.keyPem }, rsa))

  it('a key only: the certificate is missing', async () => {
    const out = at('key-only.p12')
    const args = ['-inkey', write('only.key', rsa.keyPem), '-nocerts', '-out', out, '-passout', `pass:${PASSWORD}`]
    run('openssl', ['pkcs12', '-export', ...args])
    const [problem] = await identify(readFileSync(out), { passphrase: PASSWORD }).then(() => assert.fail(), problemsOf)
    assert.equal(problem?.code, 'E_CERT_MISSING')
  })
})

with_('keytool')('a file of keytool is opened', () => {
  /** Two keys, and the root as a trusted certificate. */
  function keytool(name: string, ...options: string[]): Buffer {
    const out = at(name)
    for (const [alias, issued] of [
      ['Release', rsa],
      ['staging', client],
    ] as const) {
      const source = at(`${name}-${alias}.source.p12`)
      writeFileSync(source, openssl(issued, ['-name', alias]))
      const from = ['-srckeystore', source, '-srcstoretype', 'PKCS12', '-srcstorepass', PASSWORD]
      const to = ['-destkeystore', out, '-deststoretype', 'PKCS12', '-deststorepass', PASSWORD]
      run('keytool', ['-importkeystore', '-noprompt', ...from, ...to, ...options])
    }
    const trust = ['-importcert', '-noprompt', '-alias', 'corp-root', '-file', write('root.pem', root.pem)]
    run('keytool', [...trust, '-keystore', out, '-storetype', 'PKCS12', '-storepass', PASSWORD, ...options])
    return readFileSync(out)
  }

  for (const [name, options] of [
    ['its default', []],
    ['old ciphers (keystore.pkcs12.legacy)', ['-J-Dkeystore.pkcs12.legacy']],
  ] as const) {
    it(`two keys by alias, in ${name}`, async () => {
      const file = keytool(`keytool-${options.length}.p12`, ...options)
      await assertIdentity(file, { passphrase: PASSWORD, alias: 'Release' }, rsa)
      await assertIdentity(file, { passphrase: PASSWORD, alias: 'staging' }, client)
      await assertWrong(file, 'wrong horse')
      const [problem] = await identify(file, { passphrase: PASSWORD }).then(() => assert.fail(), problemsOf)
      assert.equal(problem?.code, 'E_KEY_AMBIGUOUS')
      assert.match(problem.message, /2 private keys.*`release`.*`staging`|2 private keys.*`staging`.*`release`/)
    })
  }
})

with_('gnutls')('a file of GnuTLS is opened', () => {
  function certtool(name: string, ...options: string[]): Buffer {
    const key = write('gnutls.key', rsa.keyPem)
    const chain = write('gnutls.pem', rsa.pem)
    const ca = write('gnutls-ca.pem', issuing.pem)
    const out = at(`gnutls-${name}.p12`)
    const material = ['--load-privkey', key, '--load-certificate', chain, '--load-ca-certificate', ca]
    run('certtool', ['--to-p12', ...material, '--p12-name', 'publisher', '--outder', '--outfile', out, ...options])
    return readFileSync(out)
  }

  for (const cipher of ['default', '3des-pkcs12', 'rc2-40', '3des', 'aes-128', 'aes-192', 'aes-256']) {
    it(`with the cipher ${cipher}`, async () => {
      const options = cipher === 'default' ? [] : ['--pkcs-cipher', cipher]
      await assertOpens(certtool(cipher, '--password', PASSWORD, ...options), rsa)
    })
  }

  for (const option of ['--empty-password', '--null-password']) {
    it(option, async () => {
      for (const cipher of ['aes-256', '3des-pkcs12']) {
        const file = certtool(`${option}-${cipher}`, option, '--pkcs-cipher', cipher)
        await assertIdentity(file, {}, rsa)
        await assertWrong(file, 'wrong horse')
      }
    })
  }
})

with_('nss')('a file of NSS is opened', () => {
  /** Imports a file of OpenSSL into a database and exports it again. */
  function pk12util(name: string, password: string, ...options: string[]): Buffer {
    const database = at(`nss-${name}`)
    mkdirSync(database)
    run('certutil', ['-N', '-d', `sql:${database}`, '--empty-password'])
    const source = at(`nss-${name}.source.p12`)
    writeFileSync(source, openssl(rsa, ['-name', 'publisher']))
    run('pk12util', ['-i', source, '-W', PASSWORD, '-d', `sql:${database}`])
    const out = at(`nss-${name}.p12`)
    run('pk12util', ['-o', out, '-n', 'publisher', '-W', password, '-d', `sql:${database}`, ...options])
    return readFileSync(out)
  }

  const RC2 = 'PKCS #12 V2 PBE With SHA-1 And 40 Bit RC2 CBC'
  const TRIPLE_DES = 'PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC'
  for (const [name, options] of [
    ['default', []],
    ['aes', ['-c', 'AES-256-CBC', '-C', 'AES-128-CBC', '-M', 'SHA-512']],
    ['old', ['-c', TRIPLE_DES, '-C', RC2]],
  ] as const) {
    it(`with ciphers: ${name}`, () => assertOpens(pk12util(name, PASSWORD, ...options), rsa))
  }

  it('with a password beyond ASCII', () => assertOpens(pk12util('utf8', 'pässwörd', '-C', RC2), rsa, 'pässwörd'))
})
