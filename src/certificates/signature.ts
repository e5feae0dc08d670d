import { constants, type KeyObject, verify } from 'node:crypto'
import { type DerNode, objectIdentifier, smallNumber } from './der-node.ts'

interface Scheme {
  /** `asymmetricKeyType`s that can have made such a signature. */
  readonly keys: readonly string[]
  readonly digest: string | null
}

const RSA = ['rsa']
const EC = ['ec']

/** Signature algorithms (RFC 3279, 4055, 5758, 8410) but for RSASSA-PSS, which has parameters. */
const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['1.2.840.113549.1.1.4', { keys: RSA, digest: 'md5' }],
  ['1.2.840.113549.1.1.5', { keys: RSA, digest: 'sha1' }],
  ['1.2.840.113549.1.1.14', { keys: RSA, digest: 'sha224' }],
  ['1.2.840.113549.1.1.11', { keys: RSA, digest: 'sha256' }],
  ['1.2.840.113549.1.1.12', { keys: RSA, digest: 'sha384' }],
  ['1.2.840.113549.1.1.13', { keys: RSA, digest: 'sha512' }],
  ['1.2.840.10045.4.1', { keys: EC, digest: 'sha1' }],
  ['1.2.840.10045.4.3.1', { keys: EC, digest: 'sha224' }],
  ['1.2.840.10045.4.3.2', { keys: EC, digest: 'sha256' }],
  ['1.2.840.10045.4.3.3', { keys: EC, digest: 'sha384' }],
  ['1.2.840.10045.4.3.4', { keys: EC, digest: 'sha512' }],
  ['1.3.101.112', { keys: ['ed25519'], digest: null }],
  ['1.3.101.113', { keys: ['ed448'], digest: null }],
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

/** Whether this key made the signature; `unknown` for an algorithm that is not read here. Never throws. */
export function isSignatureOf({ content, algorithm, signature }: Signed, key: KeyObject): boolean | 'unknown' {
  try {
    const [id, parameters] = algorithm.children
    const oid = id === undefined ? '' : objectIdentifier(id)
    if (oid === RSASSA_PSS) return verifyPss(content, signature, key, parameters)
    const scheme = SCHEMES.get(oid)
    if (scheme === undefined) return 'unknown'
    return scheme.keys.includes(key.asymmetricKeyType ?? '') && verify(scheme.digest, content, key, signature)
  } catch {
    return false
  }
}

/** RFC 4055, 3.1. Node makes the mask with the digest of the message: another one is not read. */
function verifyPss(content: Buffer, signature: Buffer, key: KeyObject, parameters: DerNode | undefined) {
  if (key.asymmetricKeyType !== 'rsa' && key.asymmetricKeyType !== 'rsa-pss') return false
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
