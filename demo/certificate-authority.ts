/**
 * A throw-away certificate authority (RFC 5280) for the demo and the tests: keys and certificates live only as long as
 * the process, so that no private key is ever committed. Everything that a certificate can get wrong is an option.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto'

export type KeyKind =
  | 'ec'
  | 'ec-p384'
  | 'ec-p521'
  | 'ec-secp256k1'
  | 'rsa'
  | 'rsa-1024'
  | 'rsa-pss'
  | 'ed25519'
  | 'ed448'

export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** Bits of the key usage extension (RFC 5280, 4.2.1.3), in their order. */
const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
] as const
export type KeyUsage = (typeof KEY_USAGES)[number]

const PURPOSES = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
} as const
export type Purpose = keyof typeof PURPOSES

export interface Extension {
  readonly oid: string
  readonly critical: boolean
  /** DER of the extension's value, without the OCTET STRING around it. */
  readonly value: Buffer
}

export interface CertificateOptions {
  /** Common name. */
  readonly name: string
  readonly organization?: string
  /** DER of a whole distinguished name, in place of the one that `name` and `organization` make. */
  readonly subject?: Buffer
  /** DER, in place of the issuer's subject. */
  readonly issuerName?: Buffer
  /** Default: 3. Version 1 has no extensions. */
  readonly version?: 1 | 3
  readonly keyKind?: KeyKind
  /** A pair that exists already: a renewal with the same key. */
  readonly keys?: KeyPair
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** `undefined`: no basic constraints at all. */
  readonly ca?: boolean | undefined
  readonly pathLength?: number
  /** Empty: no key usage extension. */
  readonly keyUsage?: readonly KeyUsage[]
  /** Empty: no extended key usage extension. */
  readonly purposes?: readonly Purpose[]
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  /** Big-endian, as it stands in the certificate. */
  readonly serial?: Buffer
  readonly digest?: 'sha256' | 'sha384' | 'sha1' | 'md5'
  /** Instead of the issuer's; empty: no authority key identifier. */
  readonly authorityKeyId?: Buffer
  readonly extensions?: readonly Extension[]
}

export interface RevokedCertificate {
  readonly certificate: Issued
  readonly date?: Date
  /** Number of the reason (RFC 5280, 5.3.1). */
  readonly reason?: number
}

export interface RevocationListOptions {
  readonly revoked?: readonly RevokedCertificate[]
  readonly thisUpdate?: Date
  /** `undefined`: the list does not say. */
  readonly nextUpdate?: Date | undefined
  /** Instead of the CA's own pair: a forgery. */
  readonly keys?: KeyPair
  readonly digest?: 'sha256' | 'sha384' | 'sha1'
  /** Instead of that of the signing key; empty: none. */
  readonly authorityKeyId?: Buffer
  readonly extensions?: readonly Extension[]
}

export interface Issued {
  readonly certificate: X509Certificate
  readonly pem: string
  readonly der: Buffer
  readonly keys: KeyPair
  /** Unencrypted PKCS#8. */
  readonly keyPem: string
}

const DAY = 86_400_000

/** Bytes; ignored by keys of other kinds. */
const PSS_SALT_LENGTH = 32

/** A self-signed root. */
export function createRoot(options: CertificateOptions): Issued {
  return make(undefined, { ca: true, keyUsage: ['keyCertSign', 'cRLSign'], ...options })
}

/** A CA below `issuer`. */
export function issueIntermediate(issuer: Issued, options: CertificateOptions): Issued {
  return make(issuer, { ca: true, keyUsage: ['keyCertSign', 'cRLSign'], ...options })
}

/** A certificate for a client (purpose clientAuth unless the options say otherwise). */
export function issueClient(issuer: Issued, options: CertificateOptions): Issued {
  return make(issuer, { ca: false, keyUsage: ['digitalSignature'], purposes: ['clientAuth'], ...options })
}

/** A certificate for a server on this machine: `localhost`, 127.0.0.1 and ::1 unless the options say otherwise. */
export function issueServer(issuer: Issued, options: CertificateOptions): Issued {
  const names = options.dnsNames === undefined && options.ipAddresses === undefined
  return make(issuer, {
    ca: false,
    keyUsage: ['digitalSignature'],
    purposes: ['serverAuth'],
    ...(names ? { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'] } : {}),
    ...options,
  })
}

/** A self-signed certificate that is no CA. */
export function selfSigned(options: CertificateOptions): Issued {
  return make(undefined, { ca: false, keyUsage: ['digitalSignature'], ...options })
}

/** DER of a certificate revocation list of this CA (RFC 5280, 5), a week long unless the options say otherwise. */
export function issueRevocationList(issuer: Issued, options: RevocationListOptions = {}): Buffer {
  const { privateKey, publicKey } = options.keys ?? issuer.keys
  const algorithm = signatureAlgorithm(privateKey, options.digest ?? 'sha256')
  const thisUpdate = options.thisUpdate ?? new Date(Date.now() - DAY)
  const nextUpdate = 'nextUpdate' in options ? options.nextUpdate : new Date(Date.now() + 6 * DAY)
  const keyId = options.authorityKeyId ?? keyIdentifier(publicKey.export({ type: 'spki', format: 'der' }))
  const authority = { oid: '2.5.29.35', critical: false, value: sequence(tlv(0x80, keyId)) }
  const number = { oid: '2.5.29.20', critical: false, value: integer(Buffer.from([1])) }
  const extensions = [...(keyId.length > 0 ? [authority] : []), number, ...(options.extensions ?? [])]
  const revoked = options.revoked ?? []
  const tbs = sequence(
    integer(Buffer.from([1])),
    algorithm.identifier,
    subjectOf(issuer),
    time(thisUpdate),
    ...(nextUpdate === undefined ? [] : [time(nextUpdate)]),
    ...(revoked.length > 0 ? [sequence(...revoked.map(revokedEntry))] : []),
    tlv(0xa0, sequence(...extensions.map(extension))),
  )
  return signed(tbs, algorithm, privateKey)
}

function revokedEntry({ certificate, date, reason }: RevokedCertificate): Buffer {
  const extensions =
    reason === undefined
      ? []
      : [sequence(extension({ oid: '2.5.29.21', critical: false, value: tlv(0x0a, Buffer.from([reason])) }))]
  return sequence(serialOf(certificate), time(date ?? new Date(Date.now() - 2 * DAY)), ...extensions)
}

export function generateKeys(kind: KeyKind): KeyPair {
  switch (kind) {
    case 'ec':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    case 'ec-p384':
      return generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
    case 'ec-p521':
      return generateKeyPairSync('ec', { namedCurve: 'secp521r1' })
    case 'ec-secp256k1':
      return generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
    case 'rsa-1024':
      return generateKeyPairSync('rsa', { modulusLength: 1024 })
    case 'rsa-pss':
      return generateKeyPairSync('rsa-pss', {
        modulusLength: 2048,
        hashAlgorithm: 'sha256',
        mgf1HashAlgorithm: 'sha256',
      })
    case 'ed25519':
      return generateKeyPairSync('ed25519')
    case 'ed448':
      return generateKeyPairSync('ed448')
  }
}

function make(issuer: Issued | undefined, options: CertificateOptions): Issued {
  const keys = options.keys ?? generateKeys(options.keyKind ?? 'ec')
  const signer = issuer?.keys.privateKey ?? keys.privateKey
  const algorithm = signatureAlgorithm(signer, options.digest ?? 'sha256')
  const der = signed(toBeSigned(issuer, options, keys, algorithm), algorithm, signer)
  const certificate = new X509Certificate(der)
  const keyPem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { certificate, pem: certificate.toString(), der, keys, keyPem }
}

function signed(tbs: Buffer, algorithm: SignatureAlgorithm, key: KeyObject): Buffer {
  const signature = sign(algorithm.digest, tbs, { key, saltLength: PSS_SALT_LENGTH })
  return sequence(tbs, algorithm.identifier, tlv(0x03, Buffer.from([0]), signature))
}

function toBeSigned(
  issuer: Issued | undefined,
  options: CertificateOptions,
  keys: KeyPair,
  algorithm: SignatureAlgorithm,
): Buffer {
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' })
  const subject = options.subject ?? distinguishedName(options)
  const now = Date.now()
  // A certificate starts before it is made: clocks of two machines differ.
  const notBefore = options.notBefore ?? new Date(now - DAY)
  const notAfter = options.notAfter ?? new Date(now + 365 * DAY)
  const authority = issuer === undefined ? keyIdentifier(spki) : keyIdentifierOf(issuer)
  const isBare = options.version === 1
  return sequence(
    ...(isBare ? [] : [tlv(0xa0, integer(Buffer.from([2])))]),
    integer(options.serial ?? positive(randomBytes(16))),
    algorithm.identifier,
    options.issuerName ?? (issuer === undefined ? subject : subjectOf(issuer)),
    sequence(time(notBefore), time(notAfter)),
    subject,
    spki,
    ...(isBare ? [] : [tlv(0xa3, sequence(...extensions(options, keyIdentifier(spki), authority)))]),
  )
}

function extensions(options: CertificateOptions, own: Buffer, authority: Buffer): Buffer[] {
  const { ca, pathLength, keyUsage = [], purposes = [], dnsNames = [], ipAddresses = [] } = options
  const { authorityKeyId = authority } = options
  const list: Extension[] = [{ oid: '2.5.29.14', critical: false, value: tlv(0x04, own) }]
  if (authorityKeyId.length > 0) {
    list.push({ oid: '2.5.29.35', critical: false, value: sequence(tlv(0x80, authorityKeyId)) })
  }
  if (ca !== undefined) {
    const limit = pathLength === undefined ? [] : [integer(Buffer.from([pathLength]))]
    const value = ca ? sequence(tlv(0x01, Buffer.from([0xff])), ...limit) : sequence()
    list.push({ oid: '2.5.29.19', critical: true, value })
  }
  if (keyUsage.length > 0) list.push({ oid: '2.5.29.15', critical: true, value: keyUsageBits(keyUsage) })
  if (purposes.length > 0) {
    const value = sequence(...purposes.map((purpose) => objectIdentifier(PURPOSES[purpose])))
    list.push({ oid: '2.5.29.37', critical: false, value })
  }
  const names = [
    ...dnsNames.map((name) => tlv(0x82, Buffer.from(name, 'latin1'))),
    ...ipAddresses.map((address) => tlv(0x87, ipBytes(address))),
  ]
  if (names.length > 0) list.push({ oid: '2.5.29.17', critical: false, value: sequence(...names) })
  return [...list, ...(options.extensions ?? [])].map(extension)
}

function extension({ oid, critical, value }: Extension): Buffer {
  const flag = critical ? [tlv(0x01, Buffer.from([0xff]))] : []
  return sequence(objectIdentifier(oid), ...flag, tlv(0x04, value))
}

function keyUsageBits(usages: readonly KeyUsage[]): Buffer {
  const bits = usages.reduce((byte, usage) => byte | (0x80 >> KEY_USAGES.indexOf(usage)), 0)
  // DER: trailing zero bits are not counted.
  const unused = bits === 0 ? 0 : 31 - Math.clz32(bits & -bits)
  return tlv(0x03, Buffer.from([unused, bits]))
}

function ipBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail = ''] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const before = groups(head)
  const after = groups(tail)
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}

export function distinguishedName({ name, organization }: Pick<CertificateOptions, 'name' | 'organization'>): Buffer {
  const attribute = (oid: string, value: string) =>
    tlv(0x31, sequence(objectIdentifier(oid), tlv(0x0c, Buffer.from(value, 'utf8'))))
  return sequence(
    ...(organization === undefined ? [] : [attribute('2.5.4.10', organization)]),
    attribute('2.5.4.3', name),
  )
}

/** The issuer's subject exactly as it stands in its certificate. */
function subjectOf(issuer: Issued): Buffer {
  return fieldsOf(issuer)[4] ?? Buffer.alloc(0)
}

function serialOf(issued: Issued): Buffer {
  return fieldsOf(issued)[0] ?? Buffer.alloc(0)
}

/** From the serial number on. */
function fieldsOf({ der }: Issued): Buffer[] {
  const fields = children(children(der)[0] ?? Buffer.alloc(0))
  return fields[0]?.[0] === 0xa0 ? fields.slice(1) : fields
}

function keyIdentifierOf(issuer: Issued): Buffer {
  return keyIdentifier(issuer.keys.publicKey.export({ type: 'spki', format: 'der' }))
}

function keyIdentifier(spki: Buffer): Buffer {
  return createHash('sha1').update(spki).digest()
}

interface SignatureAlgorithm {
  readonly identifier: Buffer
  readonly digest: string | null
}

const RSA_DIGESTS = {
  md5: '1.2.840.113549.1.1.4',
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
}
const EC_DIGESTS = {
  md5: undefined,
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
}

function signatureAlgorithm(key: KeyObject, digest: 'sha256' | 'sha384' | 'sha1' | 'md5'): SignatureAlgorithm {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return { identifier: sequence(objectIdentifier(RSA_DIGESTS[digest]), tlv(0x05)), digest }
    case 'rsa-pss':
      return { identifier: pssIdentifier(), digest: 'sha256' }
    case 'ed25519':
      return { identifier: sequence(objectIdentifier('1.3.101.112')), digest: null }
    case 'ed448':
      return { identifier: sequence(objectIdentifier('1.3.101.113')), digest: null }
    default: {
      const oid = EC_DIGESTS[digest]
      if (oid === undefined) throw new Error(`no EC signature with ${digest}`)
      return { identifier: sequence(objectIdentifier(oid)), digest }
    }
  }
}

/** RSASSA-PSS with SHA-256, MGF1 of SHA-256 and a salt of 32 bytes (RFC 4055). */
function pssIdentifier(): Buffer {
  const sha256 = sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'), tlv(0x05))
  const mgf1 = sequence(objectIdentifier('1.2.840.113549.1.1.8'), sha256)
  const parameters = sequence(tlv(0xa0, sha256), tlv(0xa1, mgf1), tlv(0xa2, integer(Buffer.from([PSS_SALT_LENGTH]))))
  return sequence(objectIdentifier('1.2.840.113549.1.1.10'), parameters)
}

/** One DER element: tag, length, contents. */
export function tlv(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents)
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body])
  const length = Buffer.from(body.length.toString(16).padStart(8, '0'), 'hex')
  const significant = length.subarray(length.findIndex((byte) => byte !== 0))
  return Buffer.concat([Buffer.from([tag, 0x80 | significant.length]), significant, body])
}

export function sequence(...items: Buffer[]): Buffer {
  return tlv(0x30, ...items)
}

function integer(bytes: Buffer): Buffer {
  return tlv(0x02, bytes)
}

/** Twenty bits less than a serial may have, and never negative. */
function positive(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy[0] = ((copy[0] ?? 0) & 0x3f) | 0x40
  return copy
}

export function objectIdentifier(oid: string): Buffer {
  const [first = 0, second = 0, ...rest] = oid.split('.').map(Number)
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left & 0x7f) | 0x80)
    return groups
  })
  return tlv(0x06, Buffer.from(bytes))
}

/** UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5). */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(0, 14)
  const short = date.getUTCFullYear() < 2050
  return tlv(short ? 0x17 : 0x18, Buffer.from(`${short ? digits.slice(2) : digits}Z`, 'latin1'))
}

/** The elements inside a constructed DER element. */
function children(der: Buffer): Buffer[] {
  const items: Buffer[] = []
  const end = headerOf(der, 0)
  for (let at = end.start; at < end.end; ) {
    const { end: next } = headerOf(der, at)
    items.push(der.subarray(at, next))
    at = next
  }
  return items
}

function headerOf(der: Buffer, at: number): { start: number; end: number } {
  const first = der[at + 1] ?? 0
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const bytes = first & 0x7f
  const start = at + 2 + bytes
  return { start, end: start + der.readUIntBE(at + 2, bytes) }
}
