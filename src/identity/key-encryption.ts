import type { DerElement } from '../encoding/der.ts'
import { childrenOf, contentOf, elementAt, smallInteger, TAG } from '../encoding/der.ts'
import { type Pbes1Parameters, pbes1Digest } from './old-cipher.ts'

/** How an EncryptedPrivateKeyInfo (RFC 5958, 3) is encrypted, as far as it matters here. */
export interface KeyEncryption {
  /** Set where node:crypto cannot open it and `old-cipher.ts` can. */
  readonly pbes1: Pbes1Parameters | undefined
  readonly encrypted: Buffer
  /**
   * What deriving the key costs, in rounds of PKCS#12's own function, of which a second has about a million. Infinity:
   * more than any tool writes; a hostile or damaged file can ask for days.
   */
  readonly rounds: number
}

/** Object identifiers as DER holds them, in hex. */
const PBES2 = '2a864886f70d01050d'
const PBKDF2 = '2a864886f70d01050c'
const SCRYPT = '2b06010401da47040b'

/** Large files in the field have one million. */
const MOST_PBKDF2_ITERATIONS = 5_000_000
const MOST_PBES1_ITERATIONS = 1_000_000

/** N times r times p: 32 times what OpenSSL writes. */
const MOST_SCRYPT_WORK = 2 ** 22

/** What one iteration of PBKDF2 costs in these rounds, and one unit of scrypt's work. */
const COST = 0.4

/** Undefined where the structure is no such thing. */
export function readKeyEncryption(der: Buffer): KeyEncryption | undefined {
  const outer = elementAt(der, 0)
  const [algorithm, encrypted] = (outer && childrenOf(der, outer)) ?? []
  const [oid, parameters] = (algorithm && childrenOf(der, algorithm)) ?? []
  const fields = parameters && childrenOf(der, parameters)
  if (encrypted === undefined || oid === undefined || fields === undefined) return undefined
  const scheme = hex(der, oid)
  const body = contentOf(der, encrypted)
  if (scheme === PBES2) return { pbes1: undefined, encrypted: body, rounds: roundsOf(der, fields[0]) }
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
  return { pbes1, encrypted, rounds: within(iterations, MOST_PBES1_ITERATIONS) }
}

function within(work: number, most: number): number {
  return work <= most ? work : Number.POSITIVE_INFINITY
}

function roundsOf(der: Buffer, derivation: DerElement | undefined): number {
  const [oid, parameters] = (derivation && childrenOf(der, derivation)) ?? []
  const fields = parameters && childrenOf(der, parameters)
  if (oid === undefined || fields === undefined) return Number.POSITIVE_INFINITY
  const name = hex(der, oid)
  const [first = Number.NaN, ...rest] = fields.slice(1).map((field) => smallInteger(der, field) ?? Number.NaN)
  if (name === PBKDF2) return COST * within(first, MOST_PBKDF2_ITERATIONS)
  // Of any other OpenSSL says at once that it does not know it.
  if (name !== SCRYPT) return 0
  const [blockSize = Number.NaN, parallel = Number.NaN] = rest
  return COST * within(first * blockSize * parallel, MOST_SCRYPT_WORK)
}

function hex(der: Buffer, element: DerElement): string {
  return contentOf(der, element).toString('hex')
}
