import { createDecipheriv, createHash, hash } from 'node:crypto'

/** PBES1 schemes of PKCS#5 (RFC 8018, A.3) with DES: what `openssl pkcs8 -topk8` wrote until version 1.1. By the OID's DER in hex. */
const PBES1_DES: ReadonlyMap<string, string> = new Map([
  ['2a864886f70d010503', 'md5'],
  ['2a864886f70d01050a', 'sha1'],
])

/** The digest of a PBES1 scheme that this file can open; undefined for all others. */
export function pbes1Digest(scheme: string): string | undefined {
  return PBES1_DES.get(scheme)
}

/** PBKDF1 (RFC 8018, 5.1): eight bytes of key, eight of initialisation vector. Throws when the padding is wrong. */
export function openPbes1(encrypted: Buffer, passphrase: string, parameters: Pbes1Parameters): Buffer {
  const { digest, salt, iterations } = parameters
  let derived = createHash(digest).update(passphrase, 'utf8').update(salt).digest()
  for (let round = 1; round < iterations; round += 1) derived = hash(digest, derived, 'buffer')
  return decryptDes(encrypted, derived.subarray(0, 8), derived.subarray(8, 16))
}

export interface Pbes1Parameters {
  readonly digest: string
  readonly salt: Buffer
  readonly iterations: number
}

/** A PEM key with `DEK-Info: DES-CBC`: one round of MD5 over passphrase and vector (OpenSSL's EVP_BytesToKey). */
export function openDesPem(encrypted: Buffer, passphrase: string, iv: Buffer): Buffer {
  const derived = createHash('md5').update(passphrase, 'utf8').update(iv).digest()
  return decryptDes(encrypted, derived.subarray(0, 8), iv)
}

/** OpenSSL 3 has no DES without its legacy module. Triple DES with one key three times is the same. */
function decryptDes(encrypted: Buffer, key: Buffer, iv: Buffer): Buffer {
  const decipher = createDecipheriv('des-ede3-cbc', Buffer.concat([key, key, key]), iv)
  return Buffer.concat([decipher.update(encrypted), decipher.final()])
}
