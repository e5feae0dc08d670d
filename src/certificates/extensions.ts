import type { X509Certificate } from 'node:crypto'
import asn1, { type Asn1Node } from 'node-forge/lib/asn1.js'
import { PublishError } from '../errors.ts'
import { printable } from '../text.ts'

/** Bits of the key usage extension (RFC 5280, 4.2.1.3), in their order. */
const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const
export type KeyUsage = (typeof KEY_USAGES)[number]

/** What a certificate says about itself and `X509Certificate` does not show. */
export interface CertificateExtensions {
  /** 1 to 3. Only 3 has extensions. */
  readonly version: number
  /** The digest of its signature, where that is one which servers no longer accept. */
  readonly weakDigest: string | undefined
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | undefined } | undefined
  readonly keyUsage: readonly KeyUsage[] | undefined
  /** Object identifiers of the extended key usage extension. */
  readonly purposes: readonly string[] | undefined
  /** Hex. */
  readonly subjectKeyId: string | undefined
  /** Hex. */
  readonly authorityKeyId: string | undefined
  /** Object identifiers of critical extensions that OpenSSL does not process: it refuses the certificate (RFC 5280, 4.2). */
  readonly unknownCritical: readonly string[]
}

interface Extension {
  readonly critical: boolean
  /** One character a byte, without the OCTET STRING around it. */
  readonly value: string
}

const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  rsaPss: '1.2.840.113549.1.1.10',
} as const

/** What OpenSSL processes beside them: alternative and constrained names, policies, CRL locations, OCSP without check, IP and AS resources, Netscape's type. */
const PROCESSED = new Set<string>([
  OID.subjectKeyId,
  OID.keyUsage,
  OID.basicConstraints,
  OID.authorityKeyId,
  OID.extendedKeyUsage,
  '2.5.29.17',
  '2.5.29.30',
  '2.5.29.31',
  '2.5.29.32',
  '2.5.29.33',
  '2.5.29.36',
  '2.5.29.54',
  '1.3.6.1.5.5.7.1.7',
  '1.3.6.1.5.5.7.1.8',
  '1.3.6.1.5.5.7.48.1.5',
  '2.16.840.1.113730.1.1',
])

/** Signature and digest algorithms whose collisions can be made, so that a signature proves nothing. */
const WEAK_DIGESTS = new Map([
  ['1.2.840.113549.1.1.2', 'MD2'],
  ['1.2.840.113549.1.1.3', 'MD4'],
  ['1.2.840.113549.1.1.4', 'MD5'],
  ['1.2.840.113549.1.1.5', 'SHA-1'],
  ['1.3.14.3.2.29', 'SHA-1'],
  ['1.2.840.10040.4.3', 'SHA-1'],
  ['1.2.840.10045.4.1', 'SHA-1'],
  ['1.2.840.113549.2.5', 'MD5'],
  ['1.3.14.3.2.26', 'SHA-1'],
])

/**
 * Reads the extensions from the certificate's bytes (RFC 5280, 4.1 and 4.2), as strictly as OpenSSL does: what is
 * malformed or stands there twice is not guessed at. Throws PublishError E_CERT_UNREADABLE.
 */
export function readExtensions(certificate: X509Certificate): CertificateExtensions {
  try {
    return read(certificate.raw.toString('latin1'))
  } catch (cause) {
    throw new PublishError({
      code: 'E_CERT_UNREADABLE',
      message: `its extensions cannot be read (${printable(cause instanceof Error ? cause.message : '', 120)})`,
      hint: 'Ask the CA that issued it for a certificate with well-formed extensions.',
      cause,
    })
  }
}

function read(der: string): CertificateExtensions {
  const [tbs, algorithm] = children(parse(der))
  if (tbs === undefined || algorithm === undefined) throw new Error('it is no certificate')
  const fields = children(tbs)
  const extensions = extensionsOf(fields)
  const value = (oid: string) => extensions.get(oid)?.value
  return {
    version: versionOf(fields[0]),
    weakDigest: weakDigest(algorithm),
    basicConstraints: optional(value(OID.basicConstraints), basicConstraints),
    keyUsage: optional(value(OID.keyUsage), keyUsage),
    purposes: optional(value(OID.extendedKeyUsage), (bytes) => children(parse(bytes)).map(objectIdentifier)),
    subjectKeyId: optional(value(OID.subjectKeyId), (bytes) => hex(contents(parse(bytes)))),
    authorityKeyId: optional(value(OID.authorityKeyId), authorityKeyId),
    unknownCritical: [...extensions]
      .filter(([oid, { critical }]) => critical && !PROCESSED.has(oid))
      .map(([oid]) => oid),
  }
}

function optional<T>(value: string | undefined, reader: (bytes: string) => T): T | undefined {
  return value === undefined ? undefined : reader(value)
}

function versionOf(field: Asn1Node | undefined): number {
  const [version] = field !== undefined && isContext(field, 0) ? children(field) : []
  return version === undefined ? 1 : smallInteger(version) + 1
}

function extensionsOf(fields: readonly Asn1Node[]): ReadonlyMap<string, Extension> {
  const field = fields.find((candidate) => isContext(candidate, 3))
  const [list] = field === undefined ? [] : children(field)
  const extensions = new Map<string, Extension>()
  for (const node of list === undefined ? [] : children(list)) {
    const [id, ...rest] = children(node)
    const value = rest.at(-1)
    const flag = rest.length === 2 ? rest[0] : undefined
    if (id === undefined || value === undefined || rest.length > 2) throw new Error('an extension has no value')
    const oid = objectIdentifier(id)
    // Two readers could take one each: RFC 5280, 4.2 forbids it, and OpenSSL refuses the certificate.
    if (extensions.has(oid)) throw new Error(`extension ${oid} stands there twice`)
    extensions.set(oid, { critical: flag !== undefined && boolean(flag), value: contents(value) })
  }
  return extensions
}

function weakDigest(algorithm: Asn1Node): string | undefined {
  const [id, parameters] = children(algorithm)
  if (id === undefined) throw new Error('the signature has no algorithm')
  const oid = objectIdentifier(id)
  return WEAK_DIGESTS.get(oid === OID.rsaPss ? pssDigest(parameters) : oid)
}

/** RFC 4055, 3.1: without a digest among the parameters it is SHA-1. */
function pssDigest(parameters: Asn1Node | undefined): string {
  const field = parameters === undefined ? undefined : children(parameters).find((node) => isContext(node, 0))
  const [digest] = field === undefined ? [] : children(field)
  const [id] = digest === undefined ? [] : children(digest)
  return id === undefined ? '1.3.14.3.2.26' : objectIdentifier(id)
}

function basicConstraints(bytes: string): { ca: boolean; pathLength: number | undefined } {
  const fields = children(parse(bytes))
  const [first, second] = fields
  const ca = first !== undefined && first.type === 1 && boolean(first)
  const limit = first?.type === 1 ? second : first
  return { ca, pathLength: limit === undefined ? undefined : smallInteger(limit) }
}

function keyUsage(bytes: string): readonly KeyUsage[] {
  const bits = Buffer.from(contents(parse(bytes)), 'latin1').subarray(1)
  return KEY_USAGES.filter((_, bit) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0)
}

function authorityKeyId(bytes: string): string | undefined {
  const id = children(parse(bytes)).find((node) => isContext(node, 0))
  return id === undefined ? undefined : hex(contents(id))
}

function parse(bytes: string): Asn1Node {
  return asn1.fromDer(bytes, { strict: true, parseAllBytes: true, decodeBitStrings: false })
}

function isContext(node: Asn1Node, tag: number): boolean {
  return node.tagClass === 0x80 && node.type === tag
}

function children(node: Asn1Node): readonly Asn1Node[] {
  if (typeof node.value === 'string') throw new Error('a value stands where a structure belongs')
  return node.value
}

function contents(node: Asn1Node): string {
  if (typeof node.value !== 'string') throw new Error('a structure stands where a value belongs')
  return node.value
}

function objectIdentifier(node: Asn1Node): string {
  return asn1.derToOid(contents(node))
}

function boolean(node: Asn1Node): boolean {
  return contents(node) !== '\0'
}

function hex(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('hex')
}

function smallInteger(node: Asn1Node): number {
  const bytes = Buffer.from(contents(node), 'latin1')
  if (bytes.length === 0 || bytes.length > 4 || bytes.readInt8(0) < 0) throw new Error('a number is out of range')
  return bytes.readUIntBE(0, bytes.length)
}
