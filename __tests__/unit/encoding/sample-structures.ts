import { objectIdentifier, sequence, tlv } from '../../../demo/certificate-authority.ts'

/** Structures that a certificate authority's tools write, made of certificates and keys that the tests have. */

const ZERO = tlv(0x02, Buffer.from([0]))

/** `block('CERTIFICATE', der)` in lines of 64 characters. */
export function block(label: string, der: Buffer, headers = ''): string {
  const body = (der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')
  return `-----BEGIN ${label}-----\n${headers}${body}\n-----END ${label}-----\n`
}

/** A PKCS#7 bundle of certificates without signatures (RFC 2315, 9.1), as `openssl crl2pkcs7 -nocrl` makes it. */
export function pkcs7(certificates: readonly Buffer[]): Buffer {
  const data = sequence(objectIdentifier('1.2.840.113549.1.7.1'))
  const version = tlv(0x02, Buffer.from([1]))
  const signedData = sequence(version, tlv(0x31), data, tlv(0xa0, ...certificates), tlv(0x31))
  return sequence(objectIdentifier('1.2.840.113549.1.7.2'), tlv(0xa0, signedData))
}

/** The same with indefinite lengths (BER), as Java's and NSS's tools write it. */
export function pkcs7Indefinite(certificates: readonly Buffer[]): Buffer {
  const open = (tag: number, ...contents: Buffer[]) =>
    Buffer.concat([Buffer.from([tag, 0x80]), ...contents, Buffer.from([0, 0])])
  const data = open(0x30, objectIdentifier('1.2.840.113549.1.7.1'))
  const version = tlv(0x02, Buffer.from([1]))
  const signedData = open(0x30, version, tlv(0x31), data, open(0xa0, ...certificates), tlv(0x31))
  return open(0x30, objectIdentifier('1.2.840.113549.1.7.2'), open(0xa0, signedData))
}

/** OpenSSL's TRUSTED CERTIFICATE: the certificate, then what it is trusted and rejected for. */
export function trusted(certificate: Buffer): Buffer {
  const serverAuth = objectIdentifier('1.3.6.1.5.5.7.3.1')
  return Buffer.concat([certificate, sequence(tlv(0xa0, serverAuth))])
}

/** A certificate request (RFC 2986) whose signature nobody checks. */
export function request(spki: Buffer): Buffer {
  const algorithm = sequence(objectIdentifier('1.2.840.10045.4.3.2'))
  return sequence(sequence(ZERO, sequence(), spki, tlv(0xa0)), algorithm, tlv(0x03, Buffer.alloc(9)))
}

/** A revocation list (RFC 5280, 5.1) that names nothing, with a signature nobody checks. */
export function revocationList(): Buffer {
  const algorithm = sequence(objectIdentifier('1.2.840.10045.4.3.2'))
  const time = tlv(0x17, Buffer.from('260101000000Z'))
  return sequence(
    sequence(tlv(0x02, Buffer.from([1])), algorithm, sequence(), time),
    algorithm,
    tlv(0x03, Buffer.alloc(9)),
  )
}

/** The outer structure of a PKCS#12 file (RFC 7292, 4) around `size` bytes. */
export function pkcs12(size: number): Buffer {
  const content = tlv(0xa0, tlv(0x04, Buffer.alloc(size, 7)))
  return sequence(tlv(0x02, Buffer.from([3])), sequence(objectIdentifier('1.2.840.113549.1.7.1'), content))
}

/** The beginning of OpenSSH's own key format. */
export function openSshKey(): Buffer {
  return Buffer.concat([Buffer.from('openssh-key-v1\0', 'latin1'), Buffer.alloc(120, 5)])
}

/** An EncryptedPrivateKeyInfo (RFC 5958, 3) with PBES2 and AES, whose key no passphrase opens. */
export function encryptedKey(derivation: Buffer): Buffer {
  const cipher = sequence(objectIdentifier('2.16.840.1.101.3.4.1.42'), tlv(0x04, Buffer.alloc(16)))
  const algorithm = sequence(objectIdentifier('1.2.840.113549.1.5.13'), sequence(derivation, cipher))
  return sequence(algorithm, tlv(0x04, Buffer.alloc(48, 9)))
}

/** Parameters of RFC 8018, A.2. */
export function pbkdf2(iterations: number): Buffer {
  return sequence(objectIdentifier('1.2.840.113549.1.5.12'), sequence(SALT, integer(iterations)))
}

/** Parameters of RFC 7914, 7.1: cost, block size, parallelization. */
export function scrypt(...costs: readonly number[]): Buffer {
  return sequence(objectIdentifier('1.3.6.1.4.1.11591.4.11'), sequence(SALT, ...costs.map(integer)))
}

/** An EncryptedPrivateKeyInfo with PBES1 and DES (RFC 8018, A.3), whose key no passphrase opens. */
export function oldEncryptedKey(iterations: number): Buffer {
  const algorithm = sequence(objectIdentifier('1.2.840.113549.1.5.10'), sequence(SALT, integer(iterations)))
  return sequence(algorithm, tlv(0x04, Buffer.alloc(48, 9)))
}

const SALT = tlv(0x04, Buffer.alloc(8, 1))

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes.writeUInt32BE(value, 1)
  return tlv(0x02, bytes)
}
