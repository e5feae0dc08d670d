import { contentStartAt, elementAt, TAG, tagsInside } from './der.ts'

/** What bytes are, whatever their label says. */
export type Kind =
  | 'certificate'
  | 'pkcs7'
  | 'pkcs12'
  | 'pkcs8'
  | 'pkcs1'
  | 'sec1'
  | 'dsa'
  | 'encrypted-pkcs8'
  | 'encrypted-pem'
  | 'openssh'
  | 'pgp'
  | 'public-key'
  | 'request'
  | 'crl'
  | 'parameters'
  | 'unknown'

export type KeyKind = 'pkcs8' | 'pkcs1' | 'sec1' | 'dsa' | 'encrypted-pkcs8' | 'encrypted-pem'

const NAMES: Readonly<Record<Kind, string>> = {
  certificate: 'a certificate',
  pkcs7: 'a PKCS#7 bundle',
  pkcs12: 'a PKCS#12 file',
  pkcs8: 'a private key',
  pkcs1: 'a private key',
  sec1: 'a private key',
  dsa: 'a DSA private key',
  'encrypted-pkcs8': 'an encrypted private key',
  'encrypted-pem': 'an encrypted private key',
  openssh: 'an OpenSSH private key',
  pgp: 'a PGP block',
  'public-key': 'a public key',
  request: 'a certificate request',
  crl: 'a certificate revocation list',
  parameters: 'key parameters',
  unknown: 'data of an unknown kind',
}

/** `a certificate request`: with its article. */
export function nameOfKind(kind: Kind): string {
  return NAMES[kind]
}

export function isKeyKind(kind: Kind): kind is KeyKind {
  return /^(pkcs8|pkcs1|sec1|dsa|encrypted-pkcs8|encrypted-pem)$/.test(kind)
}

/** Whether these bytes begin as DER or BER of a structure does, and are not text that begins with a `0`. */
export function beginsAsDer(bytes: Buffer): boolean {
  return bytes[0] === TAG.sequence && contentStartAt(bytes, 0) !== undefined && !isText(bytes)
}

function isText(bytes: Buffer): boolean {
  return bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d))
}

/** By the shape of the outermost structures (RFC 5280, 5958, 8017, 5915, 2315, 7292, 2986); of cut-off bytes as far as they reach. */
export function kindOfDer(bytes: Buffer): Kind {
  if (bytes[0] !== TAG.sequence) return 'unknown'
  const tags = tagsInside(bytes, 0)
  const inner = contentStartAt(bytes, 0) ?? bytes.length
  const shape = Buffer.from(tags).toString('hex')
  if (shape.startsWith('06a0')) return 'pkcs7'
  if (shape.startsWith('3003')) return 'public-key'
  if (shape === '3004') return 'encrypted-pkcs8'
  if (shape.startsWith('023004')) return 'pkcs8'
  if (shape.startsWith('0230')) return 'pkcs12'
  if (shape.startsWith('0204')) return 'sec1'
  if (shape === '02'.repeat(9)) return 'pkcs1'
  if (shape === '02'.repeat(6)) return 'dsa'
  if (shape === '0202') return 'public-key'
  return shape === '30' || shape.startsWith('3030') ? signedKind(bytes, inner) : 'unknown'
}

/** Certificates, requests and revocation lists are all "to be signed, algorithm, signature". */
function signedKind(bytes: Buffer, at: number): Kind {
  const shape = Buffer.from(tagsInside(bytes, at)).toString('hex')
  if (/^(02)?3030(17|18)/.test(shape)) return 'crl'
  if (/^023030(a0|$)/.test(shape)) return 'request'
  if (/^(a0)?02303030/.test(shape) || (shape.startsWith('a0') && elementAt(bytes, 0) === undefined))
    return 'certificate'
  return 'unknown'
}
