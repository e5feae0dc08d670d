import { constants, type KeyObject, verify } from 'node:crypto'
import { type DerNode, objectIdentifier, smallNumber } from './der-node.ts'

/** Digest of each signature algorithm (RFC 3279, 5758, 8410) but for RSASSA-PSS, which has parameters; null: the key's own. */
const ALGORITHMS: ReadonlyMap<string, string | null> = new Map([
  ['1.2.840.113549.1.1.4', 'md5'],
  ['1.2.840.113549.1.1.5', 'sha1'],
  ['1.2.840.113549.1.1.14', 'sha224'],
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10045.4.1', 'sha1'],
  ['1.2.840.10045.4.3.1', 'sha224'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.3.101.112', null],
  ['1.3.101.113', null],
])

const RSASSA_PSS = '1.2.840.113549.1.1.10'

const DIGESTS: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.4', 'sha224'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])

export interface Signed {
  /** What was signed. */
  readonly content: Buffer
  /** An AlgorithmIdentifier. */
  readonly algorithm: DerNode
  readonly signature: Buffer
}

/**
 * Whether this key made the signature; `unknown` for an algorithm that is not read here. A key of another kind than the
 * algorithm's makes no difference: its owner has signed, or not. Never throws.
 */
export function isSignatureOf({ content, algorithm, signature }: Signed, key: KeyObject): boolean | 'unknown' {
  try {
    const [id, parameters] = algorithm.children
    const oid = id === undefined ? '' : objectIdentifier(id)
    if (oid === RSASSA_PSS) return verifyPss(content, signature, key, parameters)
    const digest = ALGORITHMS.get(oid)
    return digest === undefined ? 'unknown' : verify(digest, content, key, signature)
  } catch {
    return false
  }
}

/** RFC 4055, 3.1. Node makes the mask with the digest of the message: another one is not read. */
function verifyPss(content: Buffer, signature: Buffer, key: KeyObject, parameters: DerNode | undefined) {
  const inside = (tag: number) => parameters?.children.find((node) => node.is(tag))?.children[0]
  const digest = digestOf(inside(0xa0))
  const mask = digestOf(inside(0xa1)?.children[1])
  if (digest === undefined || mask !== digest) return 'unknown'
  const salt = inside(0xa2)
  const saltLength = salt === undefined ? 20 : smallNumber(salt)
  return verify(digest, content, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature)
}

function digestOf(algorithm: DerNode | undefined): string | undefined {
  const id = algorithm?.children[0]
  return id === undefined ? 'sha1' : DIGESTS.get(objectIdentifier(id))
}
