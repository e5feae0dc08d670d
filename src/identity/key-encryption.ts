import type { DerElement } from '../encoding/der.ts'
import { childrenOf, contentOf, elementAt, smallInteger, TAG } from '../encoding/der.ts'
import { type Pbes1Parameters, pbes1Digest } from './old-cipher.ts'

/** How an EncryptedPrivateKeyInfo (RFC 5958, 3) is encrypted, as far as it matters here. */
export interface KeyEncryption {
  /** Set where node:crypto cannot open it and `old-cipher.ts` can. */
  readonly pbes1: Pbes1Parameters | undefined
  readonly encrypted: Buffer
  /** Whether deriving the key takes seconds at most: a hostile or damaged file can ask for days. */
  readonly affordable: boolean
}

/** Object identifiers as DER holds them, in hex. */
const PBES2 = '2a864886f70d01050d'
const PBKDF2 = '2a864886f70d01050c'
const SCRYPT = '2b06010401da47040b'

/** Large files in the field have one million. */
const MOST_ITERATIONS = 10_000_000

/** N times r times p: 128 times what OpenSSL writes, about six seconds. */
const MOST_SCRYPT_WORK = 2 ** 24

/** Undefined where the structure is no such thing. */
export function readKeyEncryption(der: Buffer): KeyEncryption | undefined {
  const outer = elementAt(der, 0)
  const [algorithm, encrypted] = (outer && childrenOf(der, outer)) ?? []
  const [oid, parameters] = (algorithm && childrenOf(der, algorithm)) ?? []
  const fields = parameters && childrenOf(der, parameters)
  if (encrypted === undefined || oid === undefined || fields === undefined) return undefined
  const scheme = hex(der, oid)
  const body = contentOf(der, encrypted)
  if (scheme === PBES2) return { pbes1: undefined, encrypted: body, affordable: isAffordable(der, fields[0]) }
  return readPbes1(der, scheme, fields, body)
}

/** PBES1 and the schemes of PKCS#12 have the same parameters: salt and iterations. */
function readPbes1(
  der: Buffer,
  scheme: string,
  [salt, count]: readonly DerElement[],
  encrypted: Buffer,
): KeyEncryption | undefined {
  const iterations = smallInteger(der, count)
  if (salt?.tag !== TAG.octetString || iterations === undefined) return undefined
  const digest = pbes1Digest(scheme)
  const pbes1 = digest === undefined ? undefined : { digest, salt: contentOf(der, salt), iterations }
  return { pbes1, encrypted, affordable: iterations <= MOST_ITERATIONS }
}

function isAffordable(der: Buffer, derivation: DerElement | undefined): boolean {
  const [oid, parameters] = (derivation && childrenOf(der, derivation)) ?? []
  const fields = parameters && childrenOf(der, parameters)
  if (oid === undefined || fields === undefined) return false
  const name = hex(der, oid)
  const [first = Number.NaN, ...rest] = fields.slice(1).map((field) => smallInteger(der, field) ?? Number.NaN)
  if (name === PBKDF2) return first <= MOST_ITERATIONS
  // Of any other OpenSSL says at once that it does not know it.
  if (name !== SCRYPT) return true
  const [blockSize = Number.NaN, parallel = Number.NaN] = rest
  return first * blockSize * parallel <= MOST_SCRYPT_WORK
}

function hex(der: Buffer, element: DerElement): string {
  return contentOf(der, element).toString('hex')
}
