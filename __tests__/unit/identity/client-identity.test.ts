import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { tmpdir } from 'node:os'
import { describe, it } from 'node:test'
import forge from 'node-forge'
import {
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  type KeyKind,
  selfSigned,
} from '../../../demo/certificate-authority.ts'
import { childrenOf, elementAt } from '../../../src/encoding/der.ts'
import { readMaterial } from '../../../src/encoding/input-material.ts'
import { type ErrorCode, type PublishError, problemsOf } from '../../../src/errors.ts'
import { type ClientIdentity, readClientIdentity } from '../../../src/identity/client-identity.ts'
import { MANGLINGS } from '../encoding/manglings.ts'
import {
  block,
  encryptedKey,
  oldEncryptedKey,
  openSshKey,
  pbkdf2,
  pkcs7,
  pkcs7Indefinite,
  request,
  revocationList,
  scrypt,
  trusted,
} from '../encoding/sample-structures.ts'

const NOW = new Date()
const PASSPHRASE = 'correct horse'
const day = (days: number) => new Date(NOW.getTime() + days * 86_400_000)

const root = createRoot({ name: 'Corp Root', organization: 'Corp' })
const issuing = issueIntermediate(root, { name: 'Issuing' })
const client = issueClient(issuing, { name: 'publisher', organization: 'Corp' })
const rsa = issueClient(issuing, { name: 'rsa publisher', keyKind: 'rsa' })
const stranger = issueClient(issuing, { name: 'stranger' })

/** The public half of the example key in RFC 8410, 10.3, and that key encrypted by `openssl pkcs8 -topk8 -v1`, passphrase "secret". */
const EXAMPLE_PUBLIC_KEY = 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE='
const EXAMPLE_KEY = {
  'PBE-MD5-DES':
    'MFcwGwYJKoZIhvcNAQUDMA4ECNVd/KSFfpmnAgIIAAQ4El4IUD9xF104jyd0oF/Z6qkKDOJAWCZIpnxqiWhBKNI53QdOdautw+9o7v4o/+3+5A99VykrfFQ=',
  'PBE-SHA1-DES':
    'MFcwGwYJKoZIhvcNAQUKMA4ECAoCT8yCkWH4AgIIAAQ4OpqkaniV9hWC2cYnUGIofdj4wPdjbBs27tTvBzt6MxISlsqSW0mtYIQPEvMiGxT+YuDk7iIK2B8=',
}
const EXAMPLE_KEY_RC2 =
  'MFgwHAYKKoZIhvcNAQwBBjAOBAiNKxe3r/5mHwICCAAEOAO+pt8D/n9QunkEEhGezw67bb14f4pVNbhaVcBBntB2c7hL4HjpbyjO5YZCYYNIIq78iZJ5H3iO'

interface Given {
  readonly cert: string
  readonly key?: string | undefined
  readonly passphrase?: string | undefined
}

async function identify({ cert, key, passphrase }: Given): Promise<ClientIdentity> {
  const read = (input: string, value: string) => readMaterial(input, value, { workspace: tmpdir() })
  return readClientIdentity({
    certificate: read('client-cert', cert),
    key: key === undefined ? undefined : read('client-key', key),
    passphrase,
    alias: undefined,
    now: NOW,
    signal: new AbortController().signal,
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

/** The problems, in none of which a part of a key's base64 stands. */
async function problems(given: Given): Promise<readonly PublishError[]> {
  try {
    await identify(given)
  } catch (error) {
    const found = problemsOf(error)
    const words = found.map(({ message, hint }) => `${message} ${hint}`).join(' ')
    const secrets = (given.cert + (given.key ?? '')).match(/[A-Za-z0-9+/]{20,}/g) ?? []
    for (const secret of secrets) assert.ok(!words.includes(secret.slice(0, 10)), words)
    return found
  }
  return assert.fail('nothing was refused')
}

async function problem(given: Given, code: ErrorCode): Promise<string> {
  const found = await problems(given)
  assert.deepEqual(
    found.map((one) => one.code),
    [code],
  )
  return `${found[0]?.message}. ${found[0]?.hint ?? ''}`
}

function encrypted(key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1', cipher: string, passphrase = PASSPHRASE): string {
  return key.export({ type, format: 'pem', cipher, passphrase }).toString()
}

const SHAPES: readonly [name: string, given: Given, expected: Issued][] = [
  ['chain and key in one', { cert: client.pem + issuing.pem + client.keyPem }, client],
  ['the leaf last, the key in the middle', { cert: issuing.pem + rsa.keyPem + rsa.pem }, rsa],
  ['chain and key apart', { cert: issuing.pem + client.pem, key: client.keyPem }, client],
  [
    'an encrypted key apart',
    {
      cert: rsa.pem + issuing.pem,
      key: encrypted(rsa.keys.privateKey, 'pkcs8', 'aes-256-cbc'),
      passphrase: PASSPHRASE,
    },
    rsa,
  ],
  [
    'an encrypted key of old in one file with its chain',
    { cert: encrypted(rsa.keys.privateKey, 'pkcs1', 'des-ede3-cbc') + rsa.pem + issuing.pem, passphrase: PASSPHRASE },
    rsa,
  ],
]

describe('the same identity comes out of', () => {
  for (const { name, mangle } of MANGLINGS) {
    it(`${name}`, async () => {
      for (const [, { cert, key, passphrase }, expected] of SHAPES) {
        assertIdentity(await identify({ cert: mangle(cert), key: key && mangle(key), passphrase }), expected)
      }
    })
  }

  for (const [name, given, expected] of SHAPES) {
    it(name, async () => assertIdentity(await identify(given), expected))
  }

  it('base64 of DER, certificate and key apart', async () => {
    const der = client.keys.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
    assertIdentity(await identify({ cert: client.der.toString('base64'), key: der }), client, [])
  })

  it('PKCS#7, in PEM or base64 of DER, with lengths of either kind', async () => {
    const certificates = [issuing.der, client.der]
    for (const der of [pkcs7(certificates), pkcs7Indefinite(certificates)]) {
      for (const cert of [block('PKCS7', der), block('CERTIFICATE', der), der.toString('base64')]) {
        assertIdentity(await identify({ cert, key: client.keyPem }), client)
      }
    }
  })

  it('TRUSTED CERTIFICATE, whose settings are dropped', async () => {
    const cert = block('TRUSTED CERTIFICATE', trusted(client.der))
    const identity = await identify({ cert, key: client.keyPem })
    assertIdentity(identity, client, [])
    assert.deepEqual(identity.leaf.raw, client.der)
  })

  it('blocks with the wrong label, since the bytes decide', async () => {
    const key = client.keyPem.replaceAll('PRIVATE KEY', 'RSA PRIVATE KEY')
    assertIdentity(await identify({ cert: client.pem.replaceAll('CERTIFICATE', 'X509 CERTIFICATE') + key }), client, [])
  })

  it('the same certificate or key given twice', async () => {
    const cert = client.pem + client.pem + client.keyPem
    assertIdentity(await identify({ cert, key: client.pem + client.keyPem }), client, [])
  })
})

describe('a private key', () => {
  const kinds: readonly KeyKind[] = ['ec', 'ec-p384', 'ec-p521', 'rsa', 'rsa-pss', 'ed25519', 'ed448']
  for (const keyKind of kinds) {
    it(`is read in PKCS#8, encrypted or not: ${keyKind}`, async () => {
      const issued = issueClient(root, { name: keyKind, keyKind })
      assertIdentity(await identify({ cert: issued.pem, key: issued.keyPem }), issued, [])
      const key = encrypted(issued.keys.privateKey, 'pkcs8', 'aes-128-cbc')
      assertIdentity(await identify({ cert: issued.pem, key, passphrase: PASSPHRASE }), issued, [])
    })
  }

  it('is read in PKCS#1 and SEC1', async () => {
    const pkcs1 = rsa.keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    assertIdentity(await identify({ cert: rsa.pem, key: pkcs1 }), rsa, [])
    const sec1 = client.keys.privateKey.export({ type: 'sec1', format: 'pem' }).toString()
    assertIdentity(await identify({ cert: client.pem, key: sec1 }), client, [])
  })

  for (const cipher of ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des-ede3-cbc']) {
    it(`is read in encrypted PEM of old: ${cipher}`, async () => {
      const sec1 = encrypted(client.keys.privateKey, 'sec1', cipher)
      assertIdentity(await identify({ cert: client.pem, key: sec1, passphrase: PASSPHRASE }), client, [])
      const pkcs1 = encrypted(rsa.keys.privateKey, 'pkcs1', cipher)
      assertIdentity(await identify({ cert: rsa.pem, key: pkcs1, passphrase: PASSPHRASE }), rsa, [])
    })
  }

  it('is read in PEM encrypted with DES, which OpenSSL 3 has put aside', async () => {
    const pem = rsa.keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    // The types of node-forge know neither word.
    const options: forge.pki.EncryptionOptions = JSON.parse('{ "algorithm": "des", "legacy": true }')
    const key = forge.pki.encryptRsaPrivateKey(forge.pki.privateKeyFromPem(pem), PASSPHRASE, options)
    assert.match(key, /DEK-Info: DES-CBC/)
    assertIdentity(await identify({ cert: rsa.pem, key, passphrase: PASSPHRASE }), rsa, [])
    assert.match(await problem({ cert: rsa.pem, key, passphrase: 'wrong' }, 'E_KEY_PASSPHRASE_WRONG'), /client-key/)
  })

  it('is read in PKCS#8 encrypted with the ciphers of PKCS#12', async () => {
    const pem = rsa.keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    const key = forge.pki.encryptRsaPrivateKey(forge.pki.privateKeyFromPem(pem), PASSPHRASE, { algorithm: '3des' })
    assertIdentity(await identify({ cert: rsa.pem, key, passphrase: PASSPHRASE }), rsa, [])
  })

  for (const [scheme, key] of Object.entries(EXAMPLE_KEY)) {
    it(`is read in PKCS#8 encrypted with ${scheme}`, async () => {
      const publicKey = createPublicKey(block('PUBLIC KEY', Buffer.from(EXAMPLE_PUBLIC_KEY, 'base64')))
      const leaf = issueClient(root, { name: 'example', keys: { publicKey, privateKey: root.keys.privateKey } })
      const given = { cert: leaf.pem, key: block('ENCRYPTED PRIVATE KEY', Buffer.from(key, 'base64')) }
      assert.equal((await identify({ ...given, passphrase: 'secret' })).leaf.subject, leaf.certificate.subject)
      await problem({ ...given, passphrase: 'Secret' }, 'E_KEY_PASSPHRASE_WRONG')
    })
  }

  it('encrypted with RC2 is refused with the command that converts it', async () => {
    const key = block('ENCRYPTED PRIVATE KEY', Buffer.from(EXAMPLE_KEY_RC2, 'base64'))
    const words = await problem({ cert: client.pem, key, passphrase: 'secret' }, 'E_KEY_UNSUPPORTED')
    assert.match(words, /cipher that this action does not have.*openssl pkcs8 -topk8/)
  })

  it('that asks for more key derivation than any tool writes is refused at once', { timeout: 20_000 }, async () => {
    const costly = [pbkdf2(0x7fffffff), pbkdf2(5_000_001), scrypt(2 ** 14, 8, 2 ** 12)].map(encryptedKey)
    for (const der of [...costly, oldEncryptedKey(1_000_001)]) {
      const key = block('ENCRYPTED PRIVATE KEY', der)
      assert.match(
        await problem({ cert: client.pem, key, passphrase: 'x' }, 'E_KEY_UNSUPPORTED'),
        /more key derivation/,
      )
    }
    const key = block('ENCRYPTED PRIVATE KEY', encryptedKey(pbkdf2(2048)))
    await problem({ cert: client.pem, key, passphrase: 'x' }, 'E_KEY_PASSPHRASE_WRONG')
  })

  it('that is one of many has its share of the key derivation that is done for one input', async () => {
    const key = block('ENCRYPTED PRIVATE KEY', oldEncryptedKey(1_000_000)).repeat(10)
    const found = await problems({ cert: client.pem, key, passphrase: 'x' })
    const codes = found.map(({ code }) => code)
    assert.deepEqual(codes, [...Array(8).fill('E_KEY_PASSPHRASE_WRONG'), ...Array(2).fill('E_KEY_UNSUPPORTED')])
  })

  it('whose private half is damaged is called that: OpenSSL compares the public halves alone', async () => {
    const pkcs1 = rsa.keys.privateKey.export({ type: 'pkcs1', format: 'der' })
    const outer = elementAt(pkcs1, 0) ?? assert.fail()
    const [, , , exponent, , , first] = childrenOf(pkcs1, outer) ?? []
    // One number alone would not do: OpenSSL has two ways to sign.
    for (const number of [exponent, first]) {
      const at = (number?.end ?? 0) - 9
      pkcs1.writeUInt8((pkcs1[at] ?? 0) ^ 1, at)
    }
    const ec = client.keys.privateKey.export({ type: 'sec1', format: 'der' })
    ec.writeUInt8((ec[20] ?? 0) ^ 1, 20)
    for (const [issued, key] of [
      [rsa, block('RSA PRIVATE KEY', pkcs1)],
      [client, block('EC PRIVATE KEY', ec)],
    ] as const) {
      assert.match(
        await problem({ cert: issued.pem, key }, 'E_KEY_UNREADABLE'),
        /in client-key is damaged: what it signs/,
      )
    }
  })

  it('bound to one digest signs with that', async () => {
    const keys = generateKeyPairSync('rsa-pss', {
      modulusLength: 2048,
      hashAlgorithm: 'sha512',
      mgf1HashAlgorithm: 'sha512',
    })
    const issued = issueClient(root, { name: 'pss', keyKind: 'rsa-pss', keys })
    assertIdentity(await identify({ cert: issued.pem, key: issued.keyPem }), issued, [])
  })
})

describe('a certificate that does not belong to the key', () => {
  it('is told as what it is: another one, one of two, or a CA alone', async () => {
    const both = 'E_KEY_MISMATCH'
    assert.match(
      await problem({ cert: stranger.pem, key: client.keyPem }, both),
      /CN=stranger\..*both from one request.*this run was queued before, or between the two/,
    )
    const two = { cert: stranger.pem + issuing.pem, key: client.keyPem }
    assert.match(await problem(two, both), /CN=stranger, nor to the other one given/)
    const three = { cert: stranger.pem + issuing.pem + root.pem, key: client.keyPem }
    assert.match(await problem(three, both), /nor to the 2 others given.*both from one request/)
    const authorities = { cert: issuing.pem + root.pem, key: client.keyPem }
    assert.match(await problem(authorities, both), /CN=Issuing, .*Only certificates of CAs are given: add the client/)
  })
})

describe('a block of a kind that is not read', () => {
  for (const label of ['TSS2 PRIVATE KEY', 'AGE ENCRYPTED FILE', 'ENCRYPTED COSIGN PRIVATE KEY']) {
    it(`is named: ${label}`, async () => {
      const key = block(label, Buffer.from('no structure of ours'))
      const words = await problem({ cert: client.pem, key }, 'E_KEY_UNREADABLE')
      assert.match(
        words,
        new RegExp(
          `block 1 \\(${label}\\) of client-key cannot be read: what it holds is of an unknown kind.*convert or decrypt it first`,
        ),
      )
    })
  }
})

describe('an input of more blocks than anybody needs', () => {
  it('is one problem, however many of them are damaged, and no key of it is opened', async () => {
    for (const one of ['-----BEGIN', client.keyPem, client.pem, block('CERTIFICATE', Buffer.alloc(9))]) {
      const cert = one.repeat(501)
      assert.match(
        await problem({ cert, key: client.keyPem }, 'E_INPUT_FORMAT'),
        /^client-cert holds 501 blocks, and at most 500 are read/,
      )
    }
    assertIdentity(await identify({ cert: client.pem.repeat(499) + issuing.pem, key: client.keyPem }), client)
  })
})

describe('the leaf', () => {
  const renewed = (options: { notBefore?: Date; notAfter?: Date; name?: string }) =>
    issueClient(issuing, { name: 'publisher', keys: client.keys, ...options })

  it('is the one valid now of two that the key fits, with a notice, wherever it stands', async () => {
    const old = renewed({ notBefore: day(-400), notAfter: day(-1) })
    const next = renewed({ notBefore: day(1), notAfter: day(400) })
    for (const cert of [old.pem + client.pem + next.pem, next.pem + client.pem + old.pem]) {
      const { leaf, others, notices } = await identify({ cert, key: client.keyPem })
      assert.equal(leaf.serialNumber, client.certificate.serialNumber)
      assert.equal(others.length, 2)
      assert.match(notices.join(), new RegExp(`fits 3 certificates: .*CN=publisher.*${leaf.serialNumber}.*is used`))
    }
  })

  it('is the newest where several are valid', async () => {
    const newer = renewed({ notBefore: new Date(NOW.getTime() - 1000) })
    assert.equal(
      (await identify({ cert: client.pem + newer.pem, key: client.keyPem })).leaf.serialNumber,
      newer.certificate.serialNumber,
    )
  })

  it('is the one that a CA issued, not the self-signed one made with the same key', async () => {
    const own = selfSigned({ name: 'publisher', keys: client.keys })
    const { leaf } = await identify({ cert: own.pem + client.pem, key: client.keyPem })
    assert.equal(leaf.serialNumber, client.certificate.serialNumber)
  })

  it('is found even where none is valid: the chain check says the rest', async () => {
    const old = renewed({ notBefore: day(-400), notAfter: day(-1) })
    assert.equal(
      (await identify({ cert: old.pem, key: client.keyPem })).leaf.serialNumber,
      old.certificate.serialNumber,
    )
  })
})

describe('the passphrase', () => {
  const key = (passphrase: string) => encrypted(client.keys.privateKey, 'pkcs8', 'aes-256-cbc', passphrase)
  const notices = async (stored: string, given: string) =>
    (await identify({ cert: client.pem, key: key(stored), passphrase: given })).notices

  for (const end of ['\n', '\r\n', '\r']) {
    it(`is tried without its line end (${JSON.stringify(end)}), and a notice says so`, async () => {
      assert.match((await notices('secret', `secret${end}`)).join(), /client-key-passphrase ends in a line end/)
    })
  }

  it('is used as given where that works: blanks and line ends may belong to it', async () => {
    for (const passphrase of ['secret ', ' secret', 'secret\n', 'pässwörd', 'secret']) {
      assert.deepEqual(await notices(passphrase, passphrase), [])
    }
  })

  it('loses one line end and nothing else', async () => {
    for (const passphrase of ['secret\n\n', 'secret ', ' secret', 'Secret', 'wrong']) {
      const words = await problem({ cert: client.pem, key: key('secret'), passphrase }, 'E_KEY_PASSPHRASE_WRONG')
      assert.match(words, /client-key-passphrase does not open block 1 \(ENCRYPTED PRIVATE KEY\) of client-key/)
    }
  })

  it('that is missing is asked for', async () => {
    const words = await problem({ cert: client.pem, key: key('secret') }, 'E_KEY_PASSPHRASE_MISSING')
    assert.match(words, /encrypted private key, but client-key-passphrase is empty/)
  })

  it('that no key needs is a notice', async () => {
    const { notices } = await identify({ cert: client.pem, key: client.keyPem, passphrase: 'secret' })
    assert.match(notices.join(), /client-key-passphrase is given, but the private key is not encrypted/)
  })
})

describe('what is missing or does not belong together', () => {
  it('no key at all: client-key is empty', async () => {
    assert.match(
      await problem({ cert: client.pem }, 'E_KEY_MISSING'),
      /no private key: client-key is empty, and client-cert holds none/,
    )
  })

  const notKeys: readonly [what: string, value: string, words: RegExp][] = [
    ['a public key', client.keys.publicKey.export({ type: 'spki', format: 'pem' }).toString(), /but a public key/],
    [
      'a certificate request',
      block('CERTIFICATE REQUEST', request(client.keys.publicKey.export({ type: 'spki', format: 'der' }))),
      /but a certificate request/,
    ],
    ['the certificate again', client.pem, /but a certificate/],
    ['a revocation list', block('X509 CRL', revocationList()), /but a certificate revocation list/],
    ['parameters alone', block('EC PARAMETERS', Buffer.from('06082a8648ce3d030107', 'hex')), /holds no private key/],
    [
      'a PGP key',
      '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF=\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----',
      /but a PGP block/,
    ],
  ]
  for (const [what, key, words] of notKeys) {
    it(`no key, but ${what} in client-key`, async () => {
      assert.match(await problem({ cert: client.pem, key }, 'E_KEY_MISSING'), words)
    })
  }

  it('an OpenSSH key is named, with what TLS needs', async () => {
    const words = await problem(
      { cert: client.pem, key: block('OPENSSH PRIVATE KEY', openSshKey()) },
      'E_KEY_UNSUPPORTED',
    )
    assert.match(words, /an OpenSSH private key, but TLS needs PKCS#8, PKCS#1 or SEC1.*ssh-keygen/)
  })

  it('keys that TLS cannot sign with', async () => {
    const x25519 = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    assert.match(await problem({ cert: client.pem, key: x25519 }, 'E_KEY_UNSUPPORTED'), /x25519/)
    const dsa = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey
    const pem = dsa.export({ type: 'pkcs8', format: 'pem' }).toString()
    assert.match(await problem({ cert: client.pem, key: pem }, 'E_KEY_UNSUPPORTED'), /dsa/)
  })

  it('a key of an algorithm that Node.js does not know', async () => {
    const der = client.keys.privateKey.export({ type: 'pkcs8', format: 'der' })
    der.set([0x29], der.indexOf(Buffer.from('2a8648ce3d0201', 'hex')))
    assert.match(
      await problem({ cert: client.pem, key: block('PRIVATE KEY', der) }, 'E_KEY_UNSUPPORTED'),
      /does not know/,
    )
  })

  it('no certificate, and the inputs are swapped', async () => {
    const words = await problem({ cert: client.keyPem, key: client.pem }, 'E_CERT_MISSING')
    assert.match(words, /client-cert holds no certificate, but a private key.*seem to be swapped/)
  })

  it('no certificate, but a request', async () => {
    const cert = block('CERTIFICATE REQUEST', request(client.keys.publicKey.export({ type: 'spki', format: 'der' })))
    assert.match(await problem({ cert, key: client.keyPem }, 'E_CERT_MISSING'), /but a certificate request/)
  })

  it('a key of another certificate: the subject is named', async () => {
    const words = await problem({ cert: issuing.pem + client.pem, key: stranger.keyPem }, 'E_KEY_MISMATCH')
    assert.match(
      words,
      /private key in client-key does not belong to the certificate CN=publisher, O=Corp, nor to the other one given/,
    )
    assert.match(
      await problem({ cert: client.pem + rsa.keyPem }, 'E_KEY_MISMATCH'),
      /private key in client-cert does not/,
    )
  })

  it('different keys in both inputs, or in one', async () => {
    const both = await problem({ cert: client.pem + client.keyPem, key: stranger.keyPem }, 'E_KEY_AMBIGUOUS')
    assert.match(both, /client-cert and client-key hold 2 different private keys/)
    const one = await problem(
      { cert: client.pem, key: client.keyPem + stranger.keyPem + rsa.keyPem },
      'E_KEY_AMBIGUOUS',
    )
    assert.match(one, /client-key holds 3 different private keys/)
  })

  it('problems of both inputs are told together', async () => {
    const key = encrypted(client.keys.privateKey, 'pkcs8', 'aes-256-cbc')
    const found = await problems({ cert: client.pem.replace('M', '*'), key, passphrase: 'wrong' })
    assert.deepEqual(
      found.map(({ code }) => code),
      ['E_CERT_UNREADABLE', 'E_KEY_PASSPHRASE_WRONG'],
    )
    const missing = await problems({ cert: client.keyPem, key: block('OPENSSH PRIVATE KEY', openSshKey()) })
    assert.deepEqual(
      missing.map(({ code }) => code),
      ['E_CERT_MISSING'],
    )
  })
})

describe('what cannot be read', () => {
  it('is told by the number of its block', async () => {
    const damaged = issuing.pem.replace(/(?<=-----\n)./, '*')
    const words = await problem({ cert: client.pem + damaged, key: client.keyPem }, 'E_CERT_UNREADABLE')
    assert.match(words, /block 2 \(CERTIFICATE\) of client-cert cannot be read: a character in it is no base64/)
  })

  it('is never left out: a block that is no certificate, one that is empty, one of unknown bytes', async () => {
    for (const [der, what] of [
      [Buffer.from('3003020101', 'hex'), /block 2/],
      [Buffer.alloc(0), /it is empty/],
      [Buffer.from('hello world', 'latin1'), /block 2 \(CERTIFICATE\) of client-cert cannot be read/],
      [Buffer.concat([issuing.der, Buffer.from([1])]), /bytes follow its end/],
      [pkcs7([]), /PKCS#7 bundle without certificates/],
    ] satisfies [Buffer, RegExp][]) {
      const cert = client.pem + block('CERTIFICATE', der)
      const found = await problems({ cert, key: client.keyPem })
      assert.equal(found[0]?.code, 'E_CERT_UNREADABLE')
      assert.match(found[0]?.message ?? '', what)
    }
  })

  it('is a certificate whose inside is damaged', async () => {
    const der = Buffer.from(client.der)
    der.fill(0xff, 40, 44)
    const [first] = await problems({ cert: block('CERTIFICATE', der), key: client.keyPem })
    assert.equal(first?.code, 'E_CERT_UNREADABLE')
  })

  it('is a key whose inside is damaged, even one that Node.js loads', async () => {
    const der = client.keys.privateKey.export({ type: 'pkcs8', format: 'der' })
    const loads = Buffer.from(der)
    loads.set([(loads[40] ?? 0) ^ 0x55], 40)
    assert.match(
      await problem({ cert: client.pem, key: block('PRIVATE KEY', loads) }, 'E_KEY_UNREADABLE'),
      /is damaged/,
    )
    const fails = Buffer.from(der)
    fails.set([(fails[30] ?? 0) ^ 0x55], 30)
    assert.match(
      await problem({ cert: client.pem, key: block('PRIVATE KEY', fails) }, 'E_KEY_UNREADABLE'),
      /block 1.*is damaged/,
    )
  })

  it('is a block that ends as another thing than it began', async () => {
    const key = client.keyPem.replace('END PRIVATE', 'END RSA PRIVATE')
    assert.match(
      await problem({ cert: client.pem, key }, 'E_KEY_UNREADABLE'),
      /BEGIN and END lines name different things/,
    )
  })

  it('is cut off where the END line is missing, not whole, or without its BEGIN line', async () => {
    const text = client.keyPem.trimEnd()
    for (const [key, words] of [
      [text.slice(0, 150), /block 1 \(PRIVATE KEY\) of client-key is cut off: its END line is missing/],
      [text.slice(0, -2), /its END line is not whole/],
      [text.slice(40), /its BEGIN line is missing/],
      [`${text.slice(40)}\n${text}`, /block 1 of client-key is cut off: its BEGIN line is missing/],
      [`${text}\n${text.slice(40)}`, /an END line follows whose BEGIN line is missing/],
    ] satisfies [string, RegExp][]) {
      assert.match(await problem({ cert: client.pem, key }, 'E_INPUT_TRUNCATED'), words)
    }
  })

  it('is cut off where its first bytes announce more', async () => {
    const lines = rsa.keyPem.split('\n')
    const key = [...lines.slice(0, 10), ...lines.slice(12)].join('\n')
    const words = await problem({ cert: rsa.pem, key }, 'E_INPUT_TRUNCATED')
    assert.match(words, /its first bytes announce 1,\d{3} bytes, 1,\d{3} are there/)
  })

  it('never shows a label that it does not know: a damaged line can hold the key', async () => {
    const ed = issueClient(root, { name: 'ed', keyKind: 'ed25519' })
    const [, body = ''] = ed.keyPem.split('\n')
    const key = ed.keyPem.replace('PRIVATE KEY-----\n', '').replace('\n-----END', '-----END')
    assert.ok(key.includes(body))
    for (const { message } of await problems({ cert: ed.pem, key })) assert.ok(!message.includes(body.slice(4, 12)))
  })
})

describe('what stands beside certificates and key', () => {
  it('is not used, and a notice says so', async () => {
    const csr = block('CERTIFICATE REQUEST', request(client.keys.publicKey.export({ type: 'spki', format: 'der' })))
    const { notices } = await identify({
      cert: csr + client.pem + block('X509 CRL', revocationList()),
      key: client.keyPem,
    })
    assert.deepEqual(notices, [
      'block 1 (CERTIFICATE REQUEST) of client-cert is a certificate request; it is not used',
      'block 3 (X509 CRL) of client-cert is a certificate revocation list; it is not used',
    ])
  })
})
