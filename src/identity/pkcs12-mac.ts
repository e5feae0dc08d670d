import { createHmac } from 'node:crypto'
import { algorithm, members } from './asn1.ts'
import { digestOfHmac, type KeyDerivation, type OldDerivation, type Password } from './derivation.ts'
import { unsupported } from './pkcs12-fault.ts'
import type { Mac } from './pkcs12-file.ts'

const PBMAC1 = '1.2.840.113549.1.5.14'

interface Digest {
  readonly name: OldDerivation['digest']
  /** Bytes. */
  readonly length: number
}

const DIGESTS: ReadonlyMap<string, Digest> = new Map([
  ['1.2.840.113549.2.5', { name: 'md5', length: 16 }],
  ['1.3.14.3.2.26', { name: 'sha1', length: 20 }],
  ['2.16.840.1.101.3.4.2.4', { name: 'sha224', length: 28 }],
  ['2.16.840.1.101.3.4.2.1', { name: 'sha256', length: 32 }],
  ['2.16.840.1.101.3.4.2.2', { name: 'sha384', length: 48 }],
  ['2.16.840.1.101.3.4.2.3', { name: 'sha512', length: 64 }],
])

/**
 * Whether the file was made with this password and is unaltered: RFC 7292, 5.1 step 4, or PBMAC1 (RFC 9579, 4). Throws
 * Pkcs12Fault `damaged` or `unsupported`.
 */
export async function isMacRight(
  mac: Mac,
  content: Buffer,
  password: Password,
  derivation: KeyDerivation,
): Promise<boolean> {
  const { digest, key } = await macKey(mac, password, derivation)
  return createHmac(digest, key).update(content).digest().equals(mac.digest)
}

async function macKey(
  { algorithm: given, salt, iterations }: Mac,
  password: Password,
  derivation: KeyDerivation,
): Promise<{ readonly digest: string; readonly key: Buffer }> {
  if (given.oid === PBMAC1) {
    const [function_, scheme] = members(given.parameters)
    const digest = digestOfHmac(algorithm(scheme).oid)
    return { digest, key: await derivation.pbkdf2(password, algorithm(function_), undefined) }
  }
  const digest = DIGESTS.get(given.oid)
  if (digest === undefined) throw unsupported(`is protected by a digest that this action does not have (${given.oid})`)
  const { name, length } = digest
  return { digest: name, key: await derivation.old(password, { digest: name, purpose: 3, salt, iterations, length }) }
}
