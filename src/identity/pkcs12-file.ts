import {
  type Algorithm,
  type Asn1Node,
  algorithm,
  derOf,
  integer,
  isInteger,
  members,
  objectIdentifier,
  octetString,
  octets,
  parse,
  tagged,
  text,
} from './asn1.ts'
import { damaged, unsupported } from './pkcs12-fault.ts'

/** A PKCS#12 file (RFC 7292, 4) whose parts are still locked. */
export interface Pkcs12File {
  readonly safes: readonly Safe[]
  /** What the MAC is computed over. */
  readonly content: Buffer
  readonly mac: Mac | undefined
}

export interface Mac {
  readonly algorithm: Algorithm
  readonly digest: Buffer
  readonly salt: Buffer
  readonly iterations: number
}

/** Bytes behind a password. */
export interface Locked {
  readonly encryption: Algorithm
  readonly encrypted: Buffer
}

/** SafeContents, locked or not. */
export type Safe = Locked | { readonly data: Buffer }

interface Named {
  /** `friendlyName`: what keytool calls alias and NSS nickname. Foreign text. */
  readonly alias: string | undefined
  /** Hex; the same for a key and its certificate. */
  readonly localKeyId: string | undefined
}

/** `data`: PKCS#8. */
export type KeyBag = Named & Safe

export interface CertificateBag extends Named {
  readonly der: Buffer
}

/** What one safe holds. Lists, secrets and certificates of another kind than X.509 are left out. */
export interface Bags {
  readonly keys: readonly KeyBag[]
  readonly certificates: readonly CertificateBag[]
}

const DATA = '1.2.840.113549.1.7.1'
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6'

const KEY_BAG = '1.2.840.113549.1.12.10.1.1'
const SHROUDED_KEY_BAG = '1.2.840.113549.1.12.10.1.2'
const CERTIFICATE_BAG = '1.2.840.113549.1.12.10.1.3'
const SAFE_CONTENTS_BAG = '1.2.840.113549.1.12.10.1.6'
const X509 = '1.2.840.113549.1.9.22.1'

const FRIENDLY_NAME = '1.2.840.113549.1.9.20'
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21'

const PUBLIC_KEY_MODE = 'is locked with a certificate, not with a password'

/** Throws Pkcs12Fault `damaged` or `unsupported`. */
export function readPkcs12(bytes: Buffer): Pkcs12File {
  const [version, authenticated, mac] = members(parse(bytes))
  if (integer(version) !== 3) throw damaged('its version is not 3')
  const [type, wrapper] = members(authenticated)
  if (objectIdentifier(type) !== DATA) throw unsupported(PUBLIC_KEY_MODE)
  const content = octetString(members(wrapper)[0])
  return { safes: members(parse(content)).map(readSafe), content, mac: mac && readMac(mac) }
}

/** ContentInfo (RFC 5652, 3), and in it EncryptedData (8). */
function readSafe(node: Asn1Node): Safe {
  const [type, wrapper] = members(node)
  const kind = objectIdentifier(type)
  const [inner] = members(wrapper)
  if (kind === DATA) return { data: octetString(inner) }
  if (kind !== ENCRYPTED_DATA) throw unsupported(PUBLIC_KEY_MODE)
  const [, info] = members(inner)
  const [, encryption, encrypted] = members(info)
  return { encryption: algorithm(encryption), encrypted: octets(tagged(encrypted, 0)) }
}

function readMac(node: Asn1Node): Mac {
  const [info, salt, iterations] = members(node)
  const [digestAlgorithm, digest] = members(info)
  return {
    algorithm: algorithm(digestAlgorithm),
    digest: octetString(digest),
    salt: octetString(salt),
    iterations: iterations === undefined ? 1 : integer(iterations),
  }
}

/** Reads unlocked SafeContents. Throws Pkcs12Fault `damaged`. */
export function readBags(data: Buffer): Bags {
  const bags = { keys: [], certificates: [] }
  collectBags(parse(data), bags)
  return bags
}

interface FoundBags {
  readonly keys: KeyBag[]
  readonly certificates: CertificateBag[]
}

function collectBags(contents: Asn1Node, found: FoundBags): void {
  for (const bag of members(contents)) {
    const [type, wrapper, attributes] = members(bag)
    const kind = objectIdentifier(type)
    const [value] = members(wrapper)
    const named = readAttributes(attributes)
    if (value === undefined) throw damaged('an entry of it is empty')
    if (kind === SAFE_CONTENTS_BAG) collectBags(value, found)
    else if (kind === KEY_BAG) found.keys.push({ ...named, data: derOf(value) })
    else if (kind === SHROUDED_KEY_BAG) found.keys.push({ ...named, ...readLocked(value) })
    else if (kind === CERTIFICATE_BAG) found.certificates.push(...readCertificate(value, named))
  }
}

/** EncryptedPrivateKeyInfo (RFC 5958, 3). */
function readLocked(node: Asn1Node): Locked {
  const [encryption, encrypted] = members(node)
  return { encryption: algorithm(encryption), encrypted: octetString(encrypted) }
}

function readCertificate(node: Asn1Node, named: Named): CertificateBag[] {
  const [type, wrapper] = members(node)
  return objectIdentifier(type) === X509 ? [{ ...named, der: octetString(members(wrapper)[0]) }] : []
}

function readAttributes(node: Asn1Node | undefined): Named {
  let alias: string | undefined
  let localKeyId: string | undefined
  for (const attribute of node === undefined ? [] : members(node)) {
    const [type, values] = members(attribute)
    const kind = objectIdentifier(type)
    const [value] = members(values)
    if (kind === FRIENDLY_NAME) alias = text(value)
    if (kind === LOCAL_KEY_ID && value !== undefined) localKeyId = octets(value).toString('hex')
  }
  return { alias, localKeyId }
}

/** The parameters that PBKDF2 and the schemes of PKCS#12 begin with. */
export function saltAndIterations(fields: readonly Asn1Node[]): { readonly salt: Buffer; readonly iterations: number } {
  const [salt, iterations] = fields
  return { salt: octetString(salt), iterations: integer(iterations) }
}

/** An optional INTEGER before another field, and the rest. */
export function optionalInteger(fields: readonly Asn1Node[]): {
  readonly value: number | undefined
  readonly rest: readonly Asn1Node[]
} {
  const [first, ...rest] = fields
  return first !== undefined && isInteger(first) ? { value: integer(first), rest } : { value: undefined, rest: fields }
}
