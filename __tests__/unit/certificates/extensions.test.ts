import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  createRoot,
  type Extension,
  issueClient,
  issueIntermediate,
  objectIdentifier,
  sequence,
  tlv,
} from '../../../demo/certificate-authority.ts'
import { readExtensions } from '../../../src/certificates/extensions.ts'
import { makeServerCertificate } from '../../../src/certificates/server-certificate.ts'
import { PublishError } from '../../../src/errors.ts'

const root = createRoot({ name: 'Root' })
const rsaRoot = createRoot({ name: 'RSA Root', keyKind: 'rsa' })
const bytes = (...values: number[]) => Buffer.from(values)
const bare = { keyUsage: [], purposes: [], ca: undefined } as const

function withExtension(oid: string, value: Buffer, critical = false) {
  return readExtensions(issueClient(root, { name: 'x', ...bare, extensions: [{ oid, critical, value }] }).certificate)
}

describe('what a certificate says about itself', () => {
  it('is read from a leaf', () => {
    const { keyUsage, purposes, basicConstraints, version, unknownCritical } = readExtensions(
      issueClient(root, {
        name: 'x',
        purposes: ['clientAuth', 'codeSigning'],
        keyUsage: ['digitalSignature', 'keyAgreement'],
      }).certificate,
    )
    assert.deepEqual(keyUsage, ['digitalSignature', 'keyAgreement'])
    assert.deepEqual(purposes, ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.3'])
    assert.deepEqual(basicConstraints, { ca: false, pathLength: undefined })
    assert.deepEqual([version, unknownCritical], [3, []])
  })

  for (const pathLength of [0, 3, undefined]) {
    it(`is read from a CA with path length ${pathLength}`, () => {
      const options = pathLength === undefined ? {} : { pathLength }
      const { basicConstraints, keyUsage } = readExtensions(
        issueIntermediate(root, { name: 'x', ...options }).certificate,
      )
      assert.deepEqual(basicConstraints, { ca: true, pathLength })
      assert.deepEqual(keyUsage, ['keyCertSign', 'cRLSign'])
    })
  }

  it('is undefined where an extension is absent', () => {
    const { basicConstraints, keyUsage, purposes, authorityKeyId } = readExtensions(
      issueClient(root, { name: 'x', ...bare, authorityKeyId: Buffer.alloc(0) }).certificate,
    )
    assert.deepEqual(
      [basicConstraints, keyUsage, purposes, authorityKeyId],
      [undefined, undefined, undefined, undefined],
    )
  })

  it('links a certificate to the key of its issuer', () => {
    const issued = readExtensions(issueClient(root, { name: 'x' }).certificate)
    assert.match(issued.authorityKeyId ?? '', /^[0-9a-f]{40}$/)
    assert.equal(issued.authorityKeyId, readExtensions(root.certificate).subjectKeyId)
  })

  it('has no extensions in version 1', () => {
    const { version, basicConstraints } = readExtensions(new X509Certificate(makeServerCertificate().certificate))
    assert.deepEqual([version, basicConstraints], [1, undefined])
  })

  it('holds the ninth bit of the key usage', () => {
    const { keyUsage } = withExtension('2.5.29.15', tlv(0x03, bytes(7, 0x08, 0x80)), true)
    assert.deepEqual(keyUsage, ['keyAgreement', 'decipherOnly'])
  })

  it('names critical extensions that OpenSSL does not process, and only those', () => {
    const extensions: Extension[] = [
      { oid: '1.3.6.1.4.1.99999.1', critical: true, value: sequence() },
      { oid: '1.3.6.1.4.1.99999.2', critical: false, value: sequence() },
      { oid: '2.5.29.31', critical: true, value: sequence() },
    ]
    const { unknownCritical } = readExtensions(issueClient(root, { name: 'x', extensions }).certificate)
    assert.deepEqual(unknownCritical, ['1.3.6.1.4.1.99999.1'])
  })
})

describe('the digest of the signature', () => {
  for (const [digest, weak] of [
    ['md5', 'MD5'],
    ['sha1', 'SHA-1'],
    ['sha256', undefined],
    ['sha384', undefined],
  ] as const) {
    it(`${digest} of RSA is ${weak === undefined ? 'not ' : ''}weak`, () => {
      assert.equal(readExtensions(issueClient(rsaRoot, { name: 'x', digest }).certificate).weakDigest, weak)
    })
  }

  it('sha1 of EC is weak', () => {
    assert.equal(readExtensions(issueClient(root, { name: 'x', digest: 'sha1' }).certificate).weakDigest, 'SHA-1')
  })

  it('of RSA-PSS is named by its parameters, and SHA-1 without them', () => {
    const pss = createRoot({ name: 'PSS', keyKind: 'rsa-pss' })
    assert.equal(readExtensions(pss.certificate).weakDigest, undefined)
    const sha256 = sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'), tlv(0x05))
    const hash = tlv(0xa0, sha256)
    const der = Buffer.from(pss.der)
    // Tag [0] becomes [5]: the digest is no longer among the parameters.
    for (let at = der.indexOf(hash); at >= 0; at = der.indexOf(hash, at + 1)) der[at] = 0xa5
    assert.equal(readExtensions(new X509Certificate(der)).weakDigest, 'SHA-1')
  })
})

describe('malformed extensions are never guessed at', () => {
  const purposes = '2.5.29.37'
  const constraints = '2.5.29.19'
  for (const [what, oid, value] of [
    ['nothing', purposes, Buffer.alloc(0)],
    ['a value in place of a list', purposes, tlv(0x04, bytes(1))],
    ['a list of lists', purposes, sequence(sequence())],
    ['bytes behind the end', purposes, Buffer.concat([sequence(), bytes(0)])],
    ['a length beyond the end', purposes, bytes(0x30, 0x05)],
    ['a negative path length', constraints, sequence(tlv(0x01, bytes(0xff)), tlv(0x02, bytes(0xff)))],
    ['a path length of five bytes', constraints, sequence(tlv(0x01, bytes(0xff)), tlv(0x02, bytes(1, 0, 0, 0, 0)))],
  ] as const) {
    it(what, () => {
      assert.throws(() => withExtension(oid, value), { name: 'PublishError', code: 'E_CERT_UNREADABLE' })
    })
  }

  it('one extension twice', () => {
    const twice = { oid: purposes, critical: false, value: sequence(objectIdentifier('1.3.6.1.5.5.7.3.2')) }
    const { certificate } = issueClient(root, { name: 'x', extensions: [twice] })
    assert.throws(
      () => readExtensions(certificate),
      (error) => error instanceof PublishError && /extension 2\.5\.29\.37 stands there twice/.test(error.message),
    )
  })
})
