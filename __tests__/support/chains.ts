/** Client chains with one fault each, and sound ones in untidy form, with what has to be said about them. */
import { X509Certificate } from 'node:crypto'
import {
  type CertificateOptions,
  createRoot,
  generateKeys,
  type Issued,
  issueClient,
  issueIntermediate,
  selfSigned,
  sequence,
  tlv,
} from '../../demo/certificate-authority.ts'
import type { ErrorCode } from '../../src/errors.ts'

export interface SampleChain {
  readonly name: string
  readonly leaf: Issued
  /** What stands beside the leaf in the file. */
  readonly others: readonly Issued[]
  /** The bundle. */
  readonly anchors: readonly Issued[]
  /** DER of the revocation lists that are given. */
  readonly lists?: readonly Buffer[]
  /** Code and position of the one error or warning; undefined: there is none. */
  readonly finding?: readonly [ErrorCode, string]
  /** Some servers mind, OpenSSL does not: a warning. */
  readonly tolerated?: true
  /** What else is said, as `severity code position`. */
  readonly also?: readonly string[]
  /** Older versions of Node accept it: a warning there. */
  readonly dependsOnNode?: true
  /** Why a server that has the same bundle and lists decides otherwise than we do: nginx, Node, or both. */
  readonly differs?: { readonly nginx?: string; readonly node?: string }
}

/** `error E_CERT_EXPIRED leaf`, sorted: all errors and warnings that a sample is expected to have. */
export function expectedFindings({ finding, tolerated, also = [] }: SampleChain): readonly string[] {
  const own = finding === undefined ? [] : [`${tolerated === true ? 'warning' : 'error'} ${finding.join(' ')}`]
  return [...own, ...also].sort()
}

const DAY = 86_400_000

export function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * DAY)
}

/** Ended ten days ago. */
export function ended(): Pick<CertificateOptions, 'notBefore' | 'notAfter'> {
  return { notBefore: daysFromNow(-40), notAfter: daysFromNow(-10) }
}

/** Begins in ten days. */
export function notBegun(): Pick<CertificateOptions, 'notBefore' | 'notAfter'> {
  return { notBefore: daysFromNow(10), notAfter: daysFromNow(40) }
}

/** The same certificate with one bit of its serial turned: the signature no longer fits. */
export function altered(issued: Issued): Issued {
  const der = Buffer.from(issued.der)
  const at = der.indexOf(Buffer.from(issued.certificate.serialNumber, 'hex')) + 8
  der[at] = (der[at] ?? 0) ^ 1
  const certificate = new X509Certificate(der)
  return { ...issued, der, certificate, pem: certificate.toString() }
}

/** Only DNS names below this domain (RFC 5280, 4.2.1.10). */
export function permittedDomain(domain: string) {
  const subtree = sequence(tlv(0x82, Buffer.from(domain, 'latin1')))
  return { oid: '2.5.29.30', critical: true, value: sequence(tlv(0xa0, subtree)) }
}

const PRIVATE_CRITICAL = { oid: '1.3.6.1.4.1.99999.1', critical: true, value: sequence() }

export function makeChains(): readonly SampleChain[] {
  const root = createRoot({ name: 'Sample Root', organization: 'Sample' })
  const issuing = issueIntermediate(root, { name: 'Sample Issuing' })
  const world = { root, issuing }
  return [...soundChains(world), ...leafFaults(world), ...authorityFaults(world), ...pathFaults(world)]
}

interface World {
  readonly root: Issued
  readonly issuing: Issued
}

function soundChains({ root, issuing }: World): SampleChain[] {
  const anchors = [root]
  const leaf = issueClient(issuing, { name: 'publisher' })
  const second = issueIntermediate(issuing, { name: 'Second' })
  const limited = issueIntermediate(root, { name: 'Limited', pathLength: 0 })
  const constrained = issueIntermediate(root, { name: 'Constrained', extensions: [permittedDomain('corp.example')] })
  const lone = selfSigned({ name: 'lone', purposes: ['clientAuth'] })
  const renewed = issueIntermediate(root, { name: 'Renewed', ...ended() })
  const renewal = issueIntermediate(root, { name: 'Renewed', keys: renewed.keys })
  return [
    ...(['ec', 'ec-p384', 'rsa', 'rsa-pss', 'ed25519'] as const).map((keyKind) => chainOf(keyKind)),
    { name: 'leaf issued by the root', leaf: issueClient(root, { name: 'direct' }), others: [], anchors },
    { name: 'two intermediates', leaf: issueClient(second, { name: 'deep' }), others: [second, issuing], anchors },
    {
      name: 'any order, root too',
      leaf: issueClient(second, { name: 'deep' }),
      others: [root, issuing, second],
      anchors,
    },
    { name: 'leaf twice', leaf, others: [leaf, issuing], anchors },
    { name: 'an unrelated certificate', leaf, others: [issuing, lone], anchors },
    { name: 'intermediate in the bundle only', leaf, others: [], anchors: [root, issuing] },
    { name: 'path length kept', leaf: issueClient(limited, { name: 'limited' }), others: [limited], anchors },
    {
      name: 'no key usage, no purposes',
      leaf: issueClient(issuing, { name: 'bare', keyUsage: [], purposes: [] }),
      others: [issuing],
      anchors,
    },
    {
      name: 'names within constraints',
      leaf: issueClient(constrained, { name: 'in', dnsNames: ['ci.corp.example'] }),
      others: [constrained],
      anchors,
    },
    { name: 'self-signed leaf in the bundle', leaf: lone, others: [], anchors: [lone] },
    {
      name: 'renewed intermediate beside the ended one',
      leaf: issueClient(renewal, { name: 'renewal' }),
      others: [renewed, renewal],
      anchors,
    },
    {
      name: 'key agreement only',
      leaf: issueClient(issuing, { name: 'agreement', keyUsage: ['keyAgreement'] }),
      others: [issuing],
      anchors,
      finding: ['E_CERT_PURPOSE', 'leaf'],
      tolerated: true,
    },
  ]
}

function chainOf(keyKind: 'ec' | 'ec-p384' | 'rsa' | 'rsa-pss' | 'ed25519'): SampleChain {
  const root = createRoot({ name: `Root ${keyKind}`, keyKind })
  const issuing = issueIntermediate(root, { name: `Issuing ${keyKind}`, keyKind })
  const leaf = issueClient(issuing, { name: `publisher ${keyKind}`, keyKind })
  const rare = keyKind === 'rsa-pss' ? ({ finding: ['E_CERT_PROFILE', 'leaf'], tolerated: true } as const) : {}
  return { name: `${keyKind} keys throughout`, leaf, others: [issuing], anchors: [root], ...rare }
}

function leafFaults({ root, issuing }: World): SampleChain[] {
  const fault = (name: string, code: ErrorCode, options: Omit<CertificateOptions, 'name'>): SampleChain => ({
    name,
    leaf: issueClient(issuing, { name: 'publisher', ...options }),
    others: [issuing],
    anchors: [root],
    finding: [code, 'leaf'],
  })
  const keyUsage = { oid: '2.5.29.15', critical: true, value: tlv(0x03, Buffer.from([7, 0x80])) }
  return [
    fault('leaf ended', 'E_CERT_EXPIRED', ended()),
    fault('leaf not begun', 'E_CERT_NOT_YET_VALID', notBegun()),
    fault('leaf for serverAuth only', 'E_CERT_PURPOSE', { purposes: ['serverAuth'] }),
    fault('leaf for any purpose', 'E_CERT_PURPOSE', { purposes: ['any'] }),
    fault('leaf for key encipherment only', 'E_CERT_PURPOSE', { keyUsage: ['keyEncipherment'] }),
    fault('leaf with an unknown critical extension', 'E_CERT_REFUSED', { extensions: [PRIVATE_CRITICAL] }),
    fault('leaf with an extension twice', 'E_CERT_UNREADABLE', { extensions: [keyUsage] }),
    fault('leaf that names another key as its issuer', 'E_CERT_REFUSED', { authorityKeyId: Buffer.alloc(20, 7) }),
    fault('leaf with a key that TLS cannot use', 'E_KEY_UNSUPPORTED', { keyKind: 'ec-secp256k1' }),
    { ...fault('leaf with 1024 bits', 'E_CERT_WEAK', { keyKind: 'rsa-1024' }), dependsOnNode: true },
    fault('leaf signed with SHA-1', 'E_CERT_WEAK', { digest: 'sha1' }),
  ]
}

function authorityFaults({ root }: World): SampleChain[] {
  const fault = (
    name: string,
    code: ErrorCode,
    options: Omit<CertificateOptions, 'name'>,
    below: Omit<CertificateOptions, 'name'> = {},
  ): SampleChain => {
    const intermediate = issueIntermediate(root, { name: 'Faulty', ...options })
    const leaf = issueClient(intermediate, { name: 'publisher', ...below })
    return { name, leaf, others: [intermediate], anchors: [root], finding: [code, 'intermediate 1'] }
  }
  const constraints = { extensions: [permittedDomain('corp.example')] }
  const outside = fault('name outside constraints', 'E_CERT_REFUSED', constraints, { dnsNames: ['ci.other.example'] })
  return [
    fault('intermediate ended', 'E_CERT_EXPIRED', ended()),
    fault('intermediate not begun', 'E_CERT_NOT_YET_VALID', notBegun()),
    fault('intermediate for serverAuth only', 'E_CERT_PURPOSE', { purposes: ['serverAuth'] }),
    fault('intermediate that is no CA', 'E_CERT_NOT_A_CA', { ca: false }),
    fault('intermediate without basic constraints', 'E_CERT_NOT_A_CA', { ca: undefined, keyUsage: [] }),
    fault('intermediate that may not sign', 'E_CERT_NOT_A_CA', { keyUsage: ['digitalSignature'] }),
    fault('intermediate with an unknown critical extension', 'E_CERT_REFUSED', { extensions: [PRIVATE_CRITICAL] }),
    { ...fault('intermediate with 1024 bits', 'E_CERT_WEAK', { keyKind: 'rsa-1024' }), dependsOnNode: true },
    { ...outside, finding: ['E_CERT_REFUSED', 'leaf'] },
    md5Chain(),
    endedRoot(),
    ...pathLengths(),
  ]
}

function md5Chain(): SampleChain {
  const root = createRoot({ name: 'RSA Root', keyKind: 'rsa' })
  const leaf = issueClient(root, { name: 'publisher', digest: 'md5' })
  return { name: 'leaf signed with MD5', leaf, others: [], anchors: [root], finding: ['E_CERT_WEAK', 'leaf'] }
}

function endedRoot(): SampleChain {
  const root = createRoot({ name: 'Ended Root', ...ended() })
  const leaf = issueClient(root, { name: 'publisher' })
  return { name: 'root ended', leaf, others: [], anchors: [root], finding: ['E_CERT_EXPIRED', 'root'] }
}

function pathLengths(): SampleChain[] {
  const root = createRoot({ name: 'Root 1', pathLength: 1 })
  const upper = issueIntermediate(root, { name: 'Upper', pathLength: 5 })
  const lower = issueIntermediate(upper, { name: 'Lower' })
  const free = createRoot({ name: 'Free Root' })
  const narrow = issueIntermediate(free, { name: 'Narrow', pathLength: 0 })
  const below = issueIntermediate(narrow, { name: 'Below' })
  return [
    {
      name: 'path longer than the root allows',
      leaf: issueClient(lower, { name: 'publisher' }),
      others: [lower, upper],
      anchors: [root],
      finding: ['E_CERT_PATH_LENGTH', 'root'],
    },
    {
      name: 'path longer than an intermediate allows',
      leaf: issueClient(below, { name: 'publisher' }),
      others: [below, narrow],
      anchors: [free],
      finding: ['E_CERT_PATH_LENGTH', 'intermediate 2'],
    },
  ]
}

function pathFaults({ root, issuing }: World): SampleChain[] {
  const leaf = issueClient(issuing, { name: 'publisher' })
  const anew = createRoot({ name: 'Sample Root', organization: 'Sample' })
  const other = createRoot({ name: 'Other Root' })
  const upper = issueIntermediate(root, { name: 'Upper' })
  const lower = issueIntermediate(upper, { name: 'Lower' })
  const lowest = issueIntermediate(lower, { name: 'Lowest' })
  const deep = issueClient(lowest, { name: 'deep' })
  const strangers = [issueIntermediate(other, { name: 'Strange' })] as const
  const lone = selfSigned({ name: 'lone', keys: generateKeys('ec') })
  const anchors = [root]
  return [
    { name: 'leaf alone', leaf, others: [], anchors, finding: ['E_CERT_INCOMPLETE_CHAIN', 'leaf'] },
    {
      name: 'leaf and root without the link',
      leaf,
      others: [root],
      anchors,
      finding: ['E_CERT_INCOMPLETE_CHAIN', 'leaf'],
    },
    {
      name: 'gap in the middle',
      leaf: deep,
      others: [lowest, upper],
      anchors,
      finding: ['E_CERT_INCOMPLETE_CHAIN', 'intermediate 1'],
    },
    {
      name: 'another CA',
      leaf: issueClient(strangers[0], { name: 'stranger' }),
      others: strangers,
      anchors,
      finding: ['E_CERT_UNKNOWN_ISSUER', 'intermediate 1'],
    },
    {
      name: 'another root issued the leaf itself',
      leaf: issueClient(other, { name: 'stranger' }),
      others: [],
      anchors,
      finding: ['E_CERT_UNKNOWN_ISSUER', 'leaf'],
    },
    {
      name: 'CA made anew',
      leaf,
      others: [issuing],
      anchors: [anew],
      finding: ['E_CERT_UNKNOWN_ISSUER', 'intermediate 1'],
    },
    { name: 'self-signed leaf', leaf: lone, others: [], anchors, finding: ['E_CERT_UNKNOWN_ISSUER', 'leaf'] },
    { name: 'altered leaf', leaf: altered(leaf), others: [issuing], anchors, finding: ['E_CERT_SIGNATURE', 'leaf'] },
    {
      name: 'altered intermediate',
      leaf,
      others: [altered(issuing)],
      anchors,
      finding: ['E_CERT_SIGNATURE', 'intermediate 1'],
    },
  ]
}
