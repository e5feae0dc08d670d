import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { createSecureContext } from 'node:tls'
import {
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  type KeyKind,
} from '../../../demo/certificate-authority.ts'
import { readMaterial } from '../../../src/encoding/input-material.ts'
import { type ErrorCode, PublishError, problemsOf } from '../../../src/errors.ts'
import { type ClientIdentity, readClientIdentity } from '../../../src/identity/client-identity.ts'
import { type Pkcs12Spec, type Scheme, writePkcs12 } from '../../support/pkcs12-writer.ts'
import { block, pkcs12 as hollowPkcs12 } from '../encoding/sample-structures.ts'

const PASSWORD = 'correct horse'

const root = createRoot({ name: 'Corp Root' })
const issuing = issueIntermediate(root, { name: 'Issuing' })
const client = issueClient(issuing, { name: 'publisher' })
const rsa = issueClient(issuing, { name: 'rsa publisher', keyKind: 'rsa' })

interface Given {
  readonly passphrase?: string | undefined
  readonly alias?: string
  readonly key?: string
  readonly signal?: AbortSignal
}

function identify(cert: string | Buffer, given: Given = {}): Promise<ClientIdentity> {
  const read = (input: string, value: string) => readMaterial(input, value, { workspace: tmpdir() })
  return readClientIdentity({
    certificate: read('client-cert', typeof cert === 'string' ? cert : cert.toString('base64')),
    key: given.key === undefined ? undefined : read('client-key', given.key),
    passphrase: given.passphrase,
    alias: given.alias,
    now: new Date(),
    signal: given.signal ?? new AbortController().signal,
  })
}

/** A file with the key of `issued`, its certificate and chain. */
function write(issued: Issued, spec: Pkcs12Spec = {}): Buffer {
  return writePkcs12({
    password: PASSWORD,
    keys: [{ key: issued.keys.privateKey, alias: 'publisher', id: 'a' }],
    certificates: [{ der: issued.der, alias: 'publisher', id: 'a' }, { der: issuing.der }],
    ...spec,
  })
}

function assertIdentity(identity: ClientIdentity, expected: Issued, others: readonly Issued[] = [issuing]): void {
  assert.equal(identity.leaf.subject, expected.certificate.subject)
  assert.ok(identity.key.equals(expected.keys.privateKey))
  assert.deepEqual(
    identity.others.map(({ subject }) => subject),
    others.map(({ certificate }) => certificate.subject),
  )
}

async function assertOpens(issued: Issued, spec: Pkcs12Spec, given: Given = { passphrase: PASSWORD }): Promise<void> {
  assertIdentity(await identify(write(issued, spec), given), issued)
}

/** The words of the one problem. */
async function problem(cert: string | Buffer, given: Given, code: ErrorCode): Promise<string> {
  const found = await identify(cert, given).then(() => assert.fail('nothing was refused'), problemsOf)
  assert.deepEqual(
    found.map((one) => one.code),
    [code],
    found.map(({ message, cause }) => `${message} ${cause}`).join(),
  )
  return `${found[0]?.message}. ${found[0]?.hint ?? ''}`
}

describe('a PKCS#12 file is opened', () => {
  const schemes: readonly Scheme[] = [
    'none',
    'pbes2-aes-128',
    'pbes2-aes-192',
    'pbes2-aes-256',
    'pbes2-3des',
    '3des',
    '3des-2key',
    'rc2-128',
    'rc2-40',
  ]
  for (const scheme of schemes) {
    it(`whose parts are encrypted with: ${scheme}`, async () => {
      for (const issued of [client, rsa]) await assertOpens(issued, { keyScheme: scheme, certificateScheme: scheme })
    })
  }

  for (const mac of ['none', 'sha1', 'sha256', 'sha384', 'sha512', 'pbmac1-sha256', 'pbmac1-sha512'] as const) {
    it(`whose MAC is: ${mac}`, () => assertOpens(client, { mac }))
  }

  for (const prf of ['sha1', 'sha256', 'sha512'] as const) {
    it(`whose keys are derived by PBKDF2 with ${prf}`, () => assertOpens(client, { prf }))
  }

  it('as old programs wrote it: RC2 around the certificates, triple DES around the key, a MAC of SHA-1', () =>
    assertOpens(rsa, { certificateScheme: 'rc2-40', keyScheme: '3des', mac: 'sha1', macIterations: 1 }))

  const kinds: readonly KeyKind[] = ['ec', 'ec-p384', 'rsa', 'rsa-pss', 'ed25519']
  for (const keyKind of kinds) {
    it(`with a key of the kind ${keyKind}, locked or not`, async () => {
      const issued = issueClient(issuing, { name: keyKind, keyKind })
      for (const keyScheme of ['none', '3des', 'pbes2-aes-256'] as const) await assertOpens(issued, { keyScheme })
    })
  }

  for (const indefinite of [false, true]) {
    it(`with its parts in any order, lengths ${indefinite ? 'indefinite' : 'definite'}`, async () => {
      for (const certificatesFirst of [false, true]) {
        for (const scheme of ['none', 'rc2-40', 'pbes2-aes-256'] as const) {
          const spec = { keyScheme: scheme, certificateScheme: scheme, indefinite, certificatesFirst }
          await assertOpens(rsa, spec)
        }
      }
    })
  }

  it('with the CA first and the leaf last', async () => {
    const certificates = [{ der: root.der }, { der: issuing.der }, { der: client.der, id: 'a' }]
    assertIdentity(await identify(write(client, { certificates }), { passphrase: PASSWORD }), client, [root, issuing])
  })

  it('in PEM under any label, as a path, beside other blocks', async (test) => {
    const file = write(client, { certificates: [{ der: client.der }] })
    const directory = mkdtempSync(path.join(tmpdir(), 'pkcs12-'))
    test.after(() => rmSync(directory, { recursive: true }))
    writeFileSync(path.join(directory, 'client.pfx'), file)
    const given = { passphrase: PASSWORD }
    assertIdentity(await identify(path.join(directory, 'client.pfx'), given), client, [])
    assertIdentity(await identify(block('PKCS12', file), given), client, [])
    assertIdentity(await identify(block('CERTIFICATE', file), given), client, [])
    assertIdentity(await identify(block('CERTIFICATE', file) + issuing.pem, given), client)
  })

  it('as Node.js opens it, where Node.js can: the files of these tests are real ones', () => {
    for (const mac of ['none', 'sha1', 'sha512', 'pbmac1-sha256'] as const) {
      for (const scheme of ['none', '3des', 'pbes2-aes-256'] as const) {
        for (const indefinite of [false, true]) {
          const pfx = write(rsa, { mac, keyScheme: scheme, certificateScheme: scheme, indefinite })
          createSecureContext({ pfx, passphrase: PASSWORD })
          if (mac !== 'none') assert.throws(() => createSecureContext({ pfx, passphrase: 'x' }), /mac verify failure/)
        }
      }
    }
  })
})

describe('the password of a PKCS#12 file', () => {
  const schemes = ['rc2-40', '3des', 'pbes2-aes-256'] as const

  it('may be empty or absent, in either way to write that', async () => {
    for (const password of ['', null]) {
      for (const scheme of schemes) {
        for (const mac of ['none', 'sha1', 'pbmac1-sha256'] as const) {
          await assertOpens(client, { password, mac, keyScheme: scheme, certificateScheme: scheme }, {})
        }
      }
    }
  })

  it('is given beyond ASCII: accents, other scripts, characters of two units', async () => {
    for (const password of ['pässwörd', 'пароль', '密码🔑']) {
      for (const scheme of schemes) {
        for (const mac of ['none', 'sha256', 'pbmac1-sha512'] as const) {
          await assertOpens(
            client,
            { password, mac, keyScheme: scheme, certificateScheme: scheme },
            { passphrase: password },
          )
        }
      }
    }
  })

  it('is tried without its line end, and a notice says so', async () => {
    for (const end of ['\n', '\r\n', '\r']) {
      for (const mac of ['none', 'sha256'] as const) {
        const { notices } = await identify(write(client, { mac }), { passphrase: PASSWORD + end })
        assert.deepEqual(notices, ['client-key-passphrase ends in a line end; it is used without it'])
      }
    }
    const { notices } = await identify(write(client, { password: '' }), { passphrase: '\n' })
    assert.match(notices.join(), /ends in a line end/)
  })

  it('is used as given where that works: blanks and line ends may belong to it', async () => {
    for (const password of ['secret ', ' secret', 'secret\n', 'secret\r\n']) {
      const { notices } = await identify(write(client, { password }), { passphrase: password })
      assert.deepEqual(notices, [])
    }
  })

  it('that is wrong is called wrong, whatever the file is protected with', { timeout: 60_000 }, async () => {
    for (const mac of ['none', 'sha1', 'sha256', 'pbmac1-sha256'] as const) {
      for (const scheme of schemes) {
        const file = write(rsa, { mac, keyScheme: scheme, certificateScheme: scheme })
        for (const passphrase of ['Correct horse', `${PASSWORD} `, `${PASSWORD}\n\n`]) {
          const words = await problem(file, { passphrase }, 'E_KEY_PASSPHRASE_WRONG')
          assert.match(words, /client-key-passphrase does not open client-cert, a PKCS#12 file.*openssl pkcs12/)
        }
      }
    }
  })

  it('that is wrong is called wrong even where its padding comes out right, once in 256 times', async () => {
    const file = write(client, { mac: 'none', iterations: 1, certificateScheme: 'none', keyScheme: '3des' })
    const locked = write(client, { mac: 'none', iterations: 1 })
    for (let round = 0; round < 1500; round += 1) {
      const given = { passphrase: `wrong ${round}` }
      await problem(round % 2 === 0 ? file : locked, given, 'E_KEY_PASSPHRASE_WRONG')
    }
  })

  it('that is missing is asked for', async () => {
    for (const mac of ['none', 'sha256', 'pbmac1-sha256'] as const) {
      const words = await problem(write(client, { mac }), {}, 'E_KEY_PASSPHRASE_MISSING')
      assert.match(words, /client-cert is a PKCS#12 file with a password, but client-key-passphrase is empty/)
    }
  })

  it('of the file may not be that of the key: that is said', async () => {
    for (const [keyScheme, certificateScheme] of [
      ['3des', 'none'],
      ['none', 'rc2-40'],
    ] as const) {
      const file = write(client, { keyScheme, certificateScheme, innerPassword: 'other' })
      const words = await problem(file, { passphrase: PASSWORD }, 'E_KEY_PASSPHRASE_WRONG')
      assert.match(words, /is the password of client-cert, but not of what is locked inside/)
    }
  })

  it('is not used where nothing is protected, and a notice says so', async () => {
    const file = write(client, { mac: 'none', keyScheme: 'none', certificateScheme: 'none' })
    assert.deepEqual((await identify(file)).notices, [])
    assert.match((await identify(file, { passphrase: 'x' })).notices.join(), /client-key-passphrase is given, but/)
  })
})

describe('of several private keys', () => {
  const two = (first?: string, second?: string, ids: readonly [string?, string?] = ['a', 'b']) => {
    const entry = (alias: string | undefined, id: string | undefined) => ({
      ...(alias === undefined ? {} : { alias }),
      ...(id === undefined ? {} : { id }),
    })
    return writePkcs12({
      password: PASSWORD,
      keys: [
        { key: client.keys.privateKey, ...entry(first, ids[0]) },
        { key: rsa.keys.privateKey, ...entry(second, ids[1]) },
      ],
      certificates: [
        { der: client.der, ...entry(undefined, ids[0]) },
        { der: rsa.der, ...entry(undefined, ids[1]) },
        { der: issuing.der },
      ],
    })
  }
  const given = (alias: string) => ({ passphrase: PASSWORD, alias })

  it('the one is used that client-key-alias names; the other one and its certificate are left out', async () => {
    const file = two('release', 'staging')
    assertIdentity(await identify(file, given('release')), client)
    assertIdentity(await identify(file, given('staging')), rsa)
    assert.deepEqual((await identify(file, given('staging'))).notices, [])
  })

  it('an alias is found whatever its case, as keytool makes it small, unless two differ in case alone', async () => {
    assertIdentity(await identify(two('release', 'staging'), given('Staging')), rsa)
    assertIdentity(await identify(two('Release', 'release'), given('release')), rsa)
    const words = await problem(two('Release', 'release'), given('RELEASE'), 'E_KEY_AMBIGUOUS')
    assert.match(words, /client-key-alias names several .* in client-cert: `Release`, `release`/)
  })

  it('without client-key-alias all aliases are listed, printable', async () => {
    const words = await problem(two('release\n::error::x', 'prod\u202e'), { passphrase: PASSWORD }, 'E_KEY_AMBIGUOUS')
    assert.match(words, /client-cert is a PKCS#12 file with 2 private keys.*`release ::error::x`, `prod`/)
    const some = await problem(two('release'), { passphrase: PASSWORD }, 'E_KEY_AMBIGUOUS')
    assert.match(some, /names none of them: `release`, 1 without an alias/)
  })

  it('an alias that none has is answered with those that there are', async () => {
    const words = await problem(two('release', 'staging'), given('prod'), 'E_KEY_MISSING')
    assert.match(
      words,
      /client-key-alias is `prod`, but the private keys in client-cert have the alias `release`, `staging`/,
    )
    const one = await problem(write(client), given('prod'), 'E_KEY_MISSING')
    assert.match(one, /but the private key in client-cert has the alias `publisher`/)
  })

  it('the alias may be the name of the certificate, as Windows writes it', async () => {
    const file = writePkcs12({
      password: PASSWORD,
      keys: [
        { key: client.keys.privateKey, alias: 'te-8c1a', id: 'a' },
        { key: rsa.keys.privateKey, alias: 'te-77f0', id: 'b' },
      ],
      certificates: [
        { der: client.der, alias: 'Release 2026', id: 'a' },
        { der: rsa.der, alias: 'Staging', id: 'b' },
        { der: issuing.der },
      ],
    })
    assertIdentity(await identify(file, given('Release 2026')), client)
  })

  it('none has an alias: the sentence says so', async () => {
    const words = await problem(two(undefined, undefined, []), { passphrase: PASSWORD }, 'E_KEY_AMBIGUOUS')
    assert.match(words, /2 without an alias/)
  })

  it('client-key-alias has nothing to do with PEM: a notice', async () => {
    const { notices } = await identify(client.pem + client.keyPem, { alias: 'release' })
    assert.match(notices.join(), /client-key-alias is given, but no key of a PKCS#12 file is used/)
  })
})

describe('a PKCS#12 file in part', () => {
  const chain = [{ der: client.der }, { der: issuing.der }]

  it('with certificates only takes its key from client-key', async () => {
    const file = writePkcs12({ password: PASSWORD, certificates: chain })
    const identity = await identify(file, { passphrase: PASSWORD, key: client.keyPem })
    assertIdentity(identity, client)
    assert.deepEqual(identity.notices, [])
    const words = await problem(file, { passphrase: PASSWORD }, 'E_KEY_MISSING')
    assert.match(words, /client-key is empty, and client-cert holds none\. Export the PKCS#12 file again together with/)
  })

  it('with a key only lacks the certificate', async () => {
    const file = write(client, { certificates: [] })
    const words = await problem(file, { passphrase: PASSWORD }, 'E_CERT_MISSING')
    assert.match(words, /client-cert holds no certificate, but a private key/)
    assertIdentity(await identify(block('PKCS12', file) + client.pem, { passphrase: PASSWORD }), client, [])
  })

  it('that holds its key conflicts with a client-key, even the same one', async () => {
    const given = { passphrase: PASSWORD, key: client.keyPem }
    const words = await problem(write(client), given, 'E_INPUT_CONFLICT')
    assert.match(words, /client-key is given, but client-cert is a PKCS#12 file that holds its own private key/)
  })

  it('given as client-key belongs into client-cert', async () => {
    const key = write(client).toString('base64')
    const words = await problem(client.pem, { passphrase: PASSWORD, key }, 'E_INPUT_FORMAT')
    assert.match(words, /client-key is a PKCS#12 file, which is read from client-cert only/)
  })

  it('with the key of another certificate does not match', async () => {
    await problem(write(client, { certificates: [{ der: rsa.der }] }), { passphrase: PASSWORD }, 'E_KEY_MISMATCH')
  })
})

describe('a PKCS#12 file that cannot be read', () => {
  it('is cut off: the bytes announced against those that are there, even in the middle of four characters', async () => {
    const base64 = write(rsa).toString('base64')
    for (const length of [1024, base64.length - 5, base64.length - 6, base64.length - 7]) {
      const cut = base64.slice(0, length)
      assert.throws(
        () => readMaterial('client-cert', cut, { workspace: tmpdir() }),
        (error) => {
          assert.ok(error instanceof PublishError && error.code === 'E_INPUT_TRUNCATED', `${length}: ${error}`)
          const words = /client-cert is cut off \(a PKCS#12 file\): its first bytes announce \d,\d{3} bytes, [\d,]+ are/
          assert.match(error.message, words)
          return true
        },
      )
    }
    const words = await problem(block('PKCS12', write(rsa).subarray(0, 700)), {}, 'E_INPUT_TRUNCATED')
    assert.match(words, /block 1 \(PKCS12\) of client-cert is cut off: .* 700 are there/)
  })

  it('is cut off where its lengths are indefinite: wherever the cut is', () => {
    const file = write(rsa, { indefinite: true })
    for (let length = 64; length < file.length; length += 7) {
      const cut = file.subarray(0, length).toString('base64')
      assert.throws(
        () => readMaterial('client-cert', cut, { workspace: tmpdir() }),
        /client-cert is cut off \(a PKCS#12 file\): its end is missing, [\d,]+ bytes are there/,
      )
    }
  })

  it('is damaged', async () => {
    assert.match(
      await problem(hollowPkcs12(200), {}, 'E_CERT_UNREADABLE'),
      /a PKCS#12 file that cannot be read: it is no/,
    )
    const other = write(client)
    other[other.indexOf(Buffer.from('020103', 'hex')) + 2] = 4
    assert.match(await problem(other, {}, 'E_CERT_UNREADABLE'), /its version is not 3/)
  })

  it('is encrypted with a cipher that is missing here: it says how to convert it', async () => {
    const words = await problem(write(client, { keyScheme: 'rc4-128' }), { passphrase: PASSWORD }, 'E_KEY_UNSUPPORTED')
    assert.match(words, /client-cert is a PKCS#12 file that is encrypted with a cipher.*12\.1\.1.*openssl pkcs12 -in/)
  })
})

describe('the key derivation of a PKCS#12 file', { timeout: 120_000 }, () => {
  it('has a million iterations, or five million of PBKDF2, and no more', async () => {
    await assertOpens(client, { macIterations: 1_000_000, mac: 'sha1' })
    await assertOpens(client, { macIterations: 5_000_000, mac: 'pbmac1-sha256' })
    for (const [spec, words] of [
      [{ claimedMacIterations: 1_000_001 }, /asks for 1,000,001 rounds of key derivation, more than 1,000,000/],
      [
        { claimedMacIterations: 5_000_001, mac: 'pbmac1-sha256' },
        /5,000,001 rounds of key derivation, more than 5,000,000/,
      ],
    ] satisfies [Pkcs12Spec, RegExp][]) {
      assert.match(await problem(write(client, spec), { passphrase: PASSWORD }, 'E_KEY_UNSUPPORTED'), words)
    }
  })

  it('asks for no more in all than one file with the most iterations', async () => {
    const most = { iterations: 5_000_000, mac: 'none' } as const
    const certificates = Array.from({ length: 5 }, () => ({ der: client.der }))
    const file = write(client, { ...most, certificates, apart: true })
    const words = await problem(file, { passphrase: PASSWORD }, 'E_KEY_UNSUPPORTED')
    assert.match(words, /asks for more key derivation than any program writes/)
  })

  for (const spec of [
    { claimedMacIterations: 1_000_000 },
    { claimedMacIterations: 5_000_000, mac: 'pbmac1-sha512' },
  ] as const) {
    it(`ends when the run is cancelled: ${JSON.stringify(spec)}`, async () => {
      const file = write(client, spec)
      const controller = new AbortController()
      const reason = new PublishError({ code: 'E_RUN_CANCELLED', message: 'cancelled' })
      const timer = setTimeout(() => controller.abort(reason), 20)
      const started = performance.now()
      await assert.rejects(
        identify(file, { passphrase: PASSWORD, signal: controller.signal }),
        (error) => error === reason,
      )
      clearTimeout(timer)
      assert.ok(performance.now() - started < 2000)
    })
  }
})
