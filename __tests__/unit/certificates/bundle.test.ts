import assert from 'node:assert/strict'
import type { X509Certificate } from 'node:crypto'
import { tmpdir } from 'node:os'
import { describe, it } from 'node:test'
import { createRoot, issueClient, issueIntermediate } from '../../../demo/certificate-authority.ts'
import { readBundle } from '../../../src/certificates/bundle.ts'
import { readMaterial } from '../../../src/encoding/input-material.ts'
import { type ErrorCode, PublishError } from '../../../src/errors.ts'
import { MANGLINGS } from '../encoding/manglings.ts'
import {
  block,
  openSshKey,
  pkcs7,
  pkcs7Indefinite,
  pkcs12,
  request,
  revocationList,
  trusted,
} from '../encoding/sample-structures.ts'

const root = createRoot({ name: 'Corp Root', organization: 'Corp' })
const other = createRoot({ name: 'Other Root', keyKind: 'rsa' })
const issuing = issueIntermediate(root, { name: 'Issuing' })
const client = issueClient(issuing, { name: 'publisher' })

function read(value: string): readonly X509Certificate[] {
  return readBundle(readMaterial('ca-bundle', value, { workspace: tmpdir() }))
}

function subjects(value: string): string[] {
  return read(value).map(({ subject }) => subject.split('\n').at(-1) ?? '')
}

function refusal(value: string, code: ErrorCode = 'E_CA_UNREADABLE'): string {
  try {
    read(value)
  } catch (error) {
    assert.ok(error instanceof PublishError)
    assert.equal(error.code, code)
    return `${error.message}. ${error.hint ?? ''}`
  }
  return assert.fail('nothing was refused')
}

const ALL = ['CN=Corp Root', 'CN=Other Root', 'CN=Issuing']

describe('a CA bundle', () => {
  for (const { name, mangle } of MANGLINGS) {
    it(`gives every certificate in its order: ${name}`, () => {
      assert.deepEqual(subjects(mangle(root.pem + other.pem + issuing.pem)), ALL)
    })
  }

  it('gives the certificates of PKCS#7, in PEM or base64 of DER, with lengths of either kind', () => {
    const certificates = [root.der, other.der, issuing.der]
    for (const der of [pkcs7(certificates), pkcs7Indefinite(certificates)]) {
      assert.deepEqual(subjects(block('PKCS7', der)), ALL)
      assert.deepEqual(subjects(der.toString('base64')), ALL)
    }
    assert.deepEqual(subjects(root.pem + block('PKCS7', pkcs7([other.der, issuing.der]))), ALL)
  })

  it('gives the bare certificate of TRUSTED CERTIFICATE, beside the plain one in either order', () => {
    const withSettings = block('TRUSTED CERTIFICATE', trusted(root.der))
    assert.deepEqual(
      read(withSettings).map(({ raw }) => raw),
      [root.der],
    )
    assert.deepEqual(subjects(withSettings + root.pem + issuing.pem), ['CN=Corp Root', 'CN=Issuing'])
    assert.deepEqual(subjects(root.pem + withSettings), ['CN=Corp Root'])
  })

  it('gives one certificate of DER', () => {
    assert.deepEqual(subjects(other.der.toString('base64')), ['CN=Other Root'])
  })

  it('drops what stands there twice', () => {
    assert.deepEqual(subjects(root.pem + issuing.pem + root.pem + issuing.pem), ['CN=Corp Root', 'CN=Issuing'])
  })

  it('is refused where one block cannot be read, with its number', () => {
    const damaged = other.pem.replace(/(?<=-----\n)./, '*')
    assert.match(refusal(root.pem + damaged + issuing.pem), /block 2 \(CERTIFICATE\) of ca-bundle cannot be read/)
    const wrong = Buffer.from(issuing.der)
    wrong.fill(0xff, 40, 44)
    assert.match(refusal(root.pem + block('CERTIFICATE', wrong)), /block 2 \(CERTIFICATE\) of ca-bundle/)
  })

  it('is refused where a block is cut off', () => {
    const words = refusal(root.pem + other.pem.slice(0, 400), 'E_INPUT_TRUNCATED')
    assert.match(words, /block 2 \(CERTIFICATE\) of ca-bundle is cut off: its END line is missing/)
  })

  it('is refused where a private key is in it', () => {
    for (const key of [client.keyPem, block('OPENSSH PRIVATE KEY', openSshKey())]) {
      const words = refusal(root.pem + key)
      assert.match(
        words,
        /block 2 \(.*PRIVATE KEY\) of ca-bundle is a private key: a CA bundle holds certificates only/,
      )
      assert.match(words, /client-key/)
    }
  })

  it('is refused where something else is in it that would have no effect', () => {
    const spki = client.keys.publicKey.export({ type: 'spki', format: 'der' })
    assert.match(refusal(root.pem + block('X509 CRL', revocationList())), /block 2 .* is a certificate revocation list/)
    assert.match(refusal(block('PUBLIC KEY', spki)), /is a public key/)
    assert.match(refusal(block('CERTIFICATE REQUEST', request(spki))), /is a certificate request/)
    assert.match(refusal(pkcs12(200).toString('base64')), /ca-bundle is a PKCS#12 file.*openssl pkcs12 .*-nokeys/)
  })

  it('is never an empty trust store', () => {
    assert.match(refusal(block('PKCS7', pkcs7([]))), /PKCS#7 bundle without certificates/)
    const parameters = block('DH PARAMETERS', Buffer.from('3006020103020102', 'hex'))
    assert.match(refusal(parameters), /ca-bundle holds no certificate/)
  })
})
