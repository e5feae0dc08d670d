import type { X509Certificate } from 'node:crypto'
import { PublishError } from '../errors.ts'
import { printable } from '../text.ts'
import { boolean, DER, DerNode, integerHex, objectIdentifier, smallNumber } from './der-node.ts'
import {
  canonicalName,
  directoryName,
  GENERAL_NAME,
  type GeneralName,
  generalName,
  generalNames,
} from './distinguished-name.ts'

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
  /** Its number in two's complement, hex. */
  readonly serial: string
  readonly issuer: DerNode
  readonly subject: DerNode
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
  /** Of the issuer's own certificate, where the authority key identifier names it: who issued that, and its number. */
  readonly authorityCertificate: { readonly issuer: readonly string[] | undefined; readonly serial: string | undefined }
  readonly alternativeNames: { readonly critical: boolean; readonly names: readonly GeneralName[] } | undefined
  readonly nameConstraints: NameConstraints | undefined
  /** Object identifiers of the certificate policies; undefined: the extension is absent. */
  readonly policies: readonly string[] | undefined
  /** How many certificates later each one needs a policy (RFC 5280, 4.2.1.11); undefined: never. */
  readonly explicitPolicyAfter: number | undefined
  /** Whether it maps policies of one organisation to those of another (RFC 5280, 4.2.1.5). */
  readonly mapsPolicies: boolean
  /** Full names of the places where its revocation list lies, each as DER. */
  readonly distributionPoints: readonly Buffer[]
  /** Object identifiers of critical extensions that OpenSSL does not process: it refuses the certificate (RFC 5280, 4.2). */
  readonly unknownCritical: readonly string[]
}

/** RFC 5280, 4.2.1.10. */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[]
  readonly excluded: readonly GeneralName[]
}

export interface Extension {
  readonly critical: boolean
  /** Without the OCTET STRING around it. */
  readonly value: Buffer
}

const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternativeNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  distributionPoints: '2.5.29.31',
  policies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  policyConstraints: '2.5.29.36',
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
  OID.alternativeNames,
  OID.nameConstraints,
  OID.distributionPoints,
  OID.policies,
  OID.policyMappings,
  OID.policyConstraints,
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
    return read(certificate.raw)
  } catch (cause) {
    throw new PublishError({
      code: 'E_CERT_UNREADABLE',
      message: `its extensions cannot be read (${printable(cause instanceof Error ? cause.message : '', 120)})`,
      hint: 'Ask the CA that issued it for a certificate with well-formed extensions.',
      cause,
    })
  }
}

function read(der: Buffer): CertificateExtensions {
  const [tbs, algorithm] = DerNode.of(der).children
  if (tbs === undefined || algorithm === undefined) throw new Error('it is no certificate')
  const fields = tbs.children
  const [first] = fields
  const version = first?.is(0xa0) ? first : undefined
  const [serial, , issuer, , subject] = version === undefined ? fields : fields.slice(1)
  if (serial === undefined || issuer === undefined || subject === undefined) throw new Error('it is no certificate')
  // Whoever looks into the names later meets no fault.
  for (const name of [issuer, subject]) canonicalName(name)
  const extensions = extensionsOf(fields)
  return {
    version: versionOf(version),
    serial: integerHex(serial),
    issuer,
    subject,
    weakDigest: weakDigest(algorithm),
    ...identifiers(extensions),
    ...usage(extensions),
    ...names(extensions),
    ...policies(extensions),
    unknownCritical: [...extensions]
      .filter(([oid, { critical }]) => critical && !PROCESSED.has(oid))
      .map(([oid]) => oid),
  }
}

type Extensions = ReadonlyMap<string, Extension>

function readOne<T>(
  extensions: Extensions,
  oid: string,
  reader: (value: DerNode, critical: boolean) => T,
): T | undefined {
  const extension = extensions.get(oid)
  return extension && reader(DerNode.of(extension.value), extension.critical)
}

function identifiers(extensions: Extensions) {
  const authority = readOne(extensions, OID.authorityKeyId, ({ children }) => children) ?? []
  const [keyId, issuer, serial] = [0x80, 0xa1, 0x82].map((tag) => authority.find((node) => node.is(tag)))
  const [name] = issuer === undefined ? [] : generalNames(issuer).filter(({ kind }) => kind === GENERAL_NAME.directory)
  return {
    subjectKeyId: readOne(extensions, OID.subjectKeyId, ({ content }) => content.toString('hex')),
    authorityKeyId: keyId?.content.toString('hex'),
    authorityCertificate: {
      issuer: name && canonicalName(directoryName(name)),
      serial: serial && integerHex(serial.as(DER.integer)),
    },
  }
}

function usage(extensions: Extensions) {
  return {
    basicConstraints: readOne(extensions, OID.basicConstraints, basicConstraints),
    keyUsage: readOne(extensions, OID.keyUsage, keyUsage),
    purposes: readOne(extensions, OID.extendedKeyUsage, ({ children }) => children.map(objectIdentifier)),
  }
}

function names(extensions: Extensions) {
  return {
    alternativeNames: readOne(extensions, OID.alternativeNames, (list, critical) => ({
      critical,
      names: generalNames(list),
    })),
    nameConstraints: readOne(extensions, OID.nameConstraints, ({ children }) => ({
      permitted: subtrees(children.find((node) => node.is(0xa0))),
      excluded: subtrees(children.find((node) => node.is(0xa1))),
    })),
    distributionPoints:
      readOne(extensions, OID.distributionPoints, ({ children }) => children.flatMap(fullNames)) ?? [],
  }
}

function subtrees(list: DerNode | undefined): readonly GeneralName[] {
  return (list?.children ?? []).map(({ children: [base] }) => {
    if (base === undefined) throw new Error('a name constraint is empty')
    return generalName(base)
  })
}

/** The names of a DistributionPoint or an IssuingDistributionPoint: in both they stand under the same tags. */
export function fullNames(point: DerNode): readonly Buffer[] {
  const [name] = point.children.filter((node) => node.is(0xa0)).flatMap(({ children }) => children)
  return name?.is(0xa0) ? name.children.map(({ bytes }) => bytes) : []
}

function policies(extensions: Extensions) {
  const constraints = readOne(extensions, OID.policyConstraints, ({ children }) => children) ?? []
  const explicit = constraints.find((node) => node.is(0x80))
  return {
    policies: readOne(extensions, OID.policies, ({ children }) =>
      children.map(({ children: [id] }) => {
        if (id === undefined) throw new Error('a policy is empty')
        return objectIdentifier(id)
      }),
    ),
    explicitPolicyAfter: explicit && smallNumber(explicit),
    mapsPolicies: extensions.has(OID.policyMappings),
  }
}

function versionOf(field: DerNode | undefined): number {
  const [version] = field?.children ?? []
  return version === undefined ? 1 : smallNumber(version) + 1
}

function extensionsOf(fields: readonly DerNode[]): Extensions {
  const [list] = fields.find((node) => node.is(0xa3))?.children ?? []
  return readExtensionList(list)
}

/** The extensions of a certificate, a revocation list or one of its entries, by object identifier. Throws an Error. */
export function readExtensionList(list: DerNode | undefined): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>()
  for (const node of list?.children ?? []) {
    const [id, ...rest] = node.children
    const value = rest.at(-1)
    const flag = rest.length === 2 ? rest[0] : undefined
    if (id === undefined || value === undefined || rest.length > 2) throw new Error('an extension has no value')
    const oid = objectIdentifier(id)
    // Two readers could take one each: RFC 5280, 4.2 forbids it, and OpenSSL refuses the certificate.
    if (extensions.has(oid)) throw new Error(`extension ${oid} stands there twice`)
    extensions.set(oid, { critical: flag !== undefined && boolean(flag), value: value.content })
  }
  return extensions
}

function weakDigest({ children: [id, parameters] }: DerNode): string | undefined {
  if (id === undefined) throw new Error('the signature has no algorithm')
  const oid = objectIdentifier(id)
  return WEAK_DIGESTS.get(oid === OID.rsaPss ? pssDigest(parameters) : oid)
}

/** RFC 4055, 3.1: without a digest among the parameters it is SHA-1. */
function pssDigest(parameters: DerNode | undefined): string {
  const [digest] = parameters?.children.find((node) => node.is(0xa0))?.children ?? []
  const [id] = digest?.children ?? []
  return id === undefined ? '1.3.14.3.2.26' : objectIdentifier(id)
}

function basicConstraints({ children: [first, second] }: DerNode): { ca: boolean; pathLength: number | undefined } {
  const flag = first?.is(DER.boolean) ? first : undefined
  const limit = flag === undefined ? first : second
  return { ca: flag !== undefined && boolean(flag), pathLength: limit && smallNumber(limit) }
}

function keyUsage({ content }: DerNode): readonly KeyUsage[] {
  const bits = content.subarray(1)
  return KEY_USAGES.filter((_, bit) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0)
}
