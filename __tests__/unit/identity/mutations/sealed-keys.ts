/** Encrypted private keys of every form that is read, with salts and vectors of the caller's choice. */
import { createCipheriv, createHash, type KeyObject, pbkdf2Sync, scryptSync } from 'node:crypto'
import { objectIdentifier, sequence, tlv } from '../../../../demo/certificate-authority.ts'
import { block } from '../../encoding/sample-structures.ts'

/** Gives as many bytes as it is asked for. */
type Source = (size: number) => Buffer

export interface Sealing {
  readonly key: KeyObject
  readonly passphrase: string
  readonly bytes: Source
}

const octets = (content: Buffer) => tlv(0x04, content)
const small = (value: number) => tlv(0x02, Buffer.from([value >> 8, value & 0xff]).subarray(value > 0x7f ? 0 : 1))

function encrypt(cipher: string, key: Buffer, iv: Buffer, plain: Buffer): Buffer {
  const cipherer = createCipheriv(cipher, key, iv)
  return Buffer.concat([cipherer.update(plain), cipherer.final()])
}

/** PBES2 with PBKDF2 (RFC 8018, 6.2). */
export function sealPbkdf2({ key, passphrase, bytes }: Sealing): Buffer {
  const [salt, iv] = [bytes(16), bytes(16)]
  const hmac = sequence(objectIdentifier('1.2.840.113549.2.9'), tlv(0x05))
  const parameters = sequence(octets(salt), small(8), hmac)
  const derivation = sequence(objectIdentifier('1.2.840.113549.1.5.12'), parameters)
  return pbes2(derivation, iv, pbkdf2Sync(passphrase, salt, 8, 32, 'sha256'), key)
}

/** PBES2 with scrypt (RFC 7914, 7). */
export function sealScrypt({ key, passphrase, bytes }: Sealing): Buffer {
  const [salt, iv] = [bytes(16), bytes(16)]
  const costs = [16, 2, 1].map(small)
  const derivation = sequence(objectIdentifier('1.3.6.1.4.1.11591.4.11'), sequence(octets(salt), ...costs))
  return pbes2(derivation, iv, scryptSync(passphrase, salt, 32, { N: 16, r: 2, p: 1 }), key)
}

function pbes2(derivation: Buffer, iv: Buffer, derived: Buffer, key: KeyObject): Buffer {
  const scheme = sequence(objectIdentifier('2.16.840.1.101.3.4.1.42'), octets(iv))
  const algorithm = sequence(objectIdentifier('1.2.840.113549.1.5.13'), sequence(derivation, scheme))
  const plain = key.export({ type: 'pkcs8', format: 'der' })
  return sequence(algorithm, octets(encrypt('aes-256-cbc', derived, iv, plain)))
}

/** PBES1 with DES (RFC 8018, 6.1). */
export function sealPbes1({ key, passphrase, bytes }: Sealing, digest: 'md5' | 'sha1'): Buffer {
  const salt = bytes(8)
  let derived = createHash(digest).update(passphrase).update(salt).digest()
  for (let round = 1; round < 8; round += 1) derived = createHash(digest).update(derived).digest()
  const plain = key.export({ type: 'pkcs8', format: 'der' })
  const encrypted = des(derived.subarray(0, 8), derived.subarray(8, 16), plain)
  const scheme = objectIdentifier(`1.2.840.113549.1.5.${digest === 'md5' ? 3 : 10}`)
  return sequence(sequence(scheme, sequence(octets(salt), small(8))), octets(encrypted))
}

/** OpenSSL 3 writes no single DES; three times the same key is one. */
function des(key: Buffer, iv: Buffer, plain: Buffer): Buffer {
  return encrypt('des-ede3-cbc', Buffer.concat([key, key, key]), iv, plain)
}

/** PEM with RFC 1421 headers, its key made by OpenSSL's EVP_BytesToKey. */
export function sealPem(
  { key, passphrase, bytes }: Sealing,
  cipher: 'AES-128-CBC' | 'DES-EDE3-CBC' | 'DES-CBC',
): string {
  const isAes = cipher.startsWith('AES')
  const iv = bytes(isAes ? 16 : 8)
  const size = { 'AES-128-CBC': 16, 'DES-EDE3-CBC': 24, 'DES-CBC': 8 }[cipher]
  let derived: Buffer = Buffer.alloc(0)
  let last: Buffer = Buffer.alloc(0)
  while (derived.length < size) {
    last = createHash('md5').update(last).update(passphrase).update(iv.subarray(0, 8)).digest()
    derived = Buffer.concat([derived, last])
  }
  const isRsa = key.asymmetricKeyType === 'rsa'
  const plain = isRsa ? key.export({ type: 'pkcs1', format: 'der' }) : key.export({ type: 'sec1', format: 'der' })
  const secret = derived.subarray(0, size)
  const sealed = cipher === 'DES-CBC' ? des(secret, iv, plain) : encrypt(cipher.toLowerCase(), secret, iv, plain)
  const headers = `Proc-Type: 4,ENCRYPTED\nDEK-Info: ${cipher},${iv.toString('hex').toUpperCase()}\n\n`
  return block(isRsa ? 'RSA PRIVATE KEY' : 'EC PRIVATE KEY', sealed, headers)
}
