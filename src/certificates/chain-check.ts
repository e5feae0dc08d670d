import type { KeyObject, X509Certificate } from 'node:crypto'
import { validityPeriod } from '../encoding/validity-period.ts'
import { subjectOf } from '../text.ts'
import { judgeConformance } from './conformance.ts'
import { type Fault, type Finding, type Member, membersOf } from './findings.ts'
import { brokenSignature, missingIssuer, type OpenEnd, openQuestion } from './issuer.ts'
import { judgeLeftovers } from './leftovers.ts'
import { judgeNameConstraints } from './name-constraints.ts'
import { anchorsInReach, buildPath, isSelfSigned, type Path } from './path.ts'
import { judgeRevocation } from './revocation.ts'
import type { RevocationList } from './revocation-list.ts'
import { type ChainCheckMode, settle, withSeverity } from './severity.ts'
import { judgeStrength } from './strength.ts'
import { judgeUsage } from './usage.ts'
import { type ExpiryLimits, judgeValidity } from './validity.ts'
import { askOpenSsl, type Verdict } from './verdict.ts'

export interface ChainCheckRequest extends ExpiryLimits {
  readonly leaf: X509Certificate
  /** What was given beside the leaf, in the order given. */
  readonly others: readonly X509Certificate[]
  /** The leaf's private key. */
  readonly key: KeyObject
  /** `client-ca-bundle`: the chain must reach it. */
  readonly clientAnchors: readonly X509Certificate[] | undefined
  /** `ca-bundle`: the server's CAs, often the client's too; that a chain does not reach them is only a guess. */
  readonly serverAnchors: readonly X509Certificate[] | undefined
  /** `client-crl` */
  readonly revocationLists?: readonly RevocationList[] | undefined
  readonly mode: ChainCheckMode
  readonly now: Date
  readonly signal?: AbortSignal | undefined
}

export interface ChainCheck {
  /** What is sent: leaf, then intermediates in order. */
  readonly chain: readonly X509Certificate[]
  /** Where the path meets the given anchors. */
  readonly anchor: X509Certificate | undefined
  /** Errors first, then warnings, then notices. */
  readonly findings: readonly Finding[]
  /** Whether a handshake can be tried: not without the right key, nor with what OpenSSL calls too weak to be loaded. */
  readonly usable: boolean
  /** The earliest end of validity in the sent chain; `now` where one cannot be read. */
  readonly expires: Date
  readonly reachesAnchor: boolean
  /** What could only be guessed about the issuer, as a sentence: the explanation should the server refuse. */
  readonly unknownIssuer: string | undefined
}

/** A path, those of its certificates that are judged, and the anchors that it was built towards. */
interface Judged {
  readonly path: Path
  readonly members: readonly [Member, ...Member[]]
  readonly anchors: readonly X509Certificate[]
  readonly bundle: OpenEnd['bundle']
}

const SEVERITIES = ['error', 'warning', 'notice'] as const

/**
 * Checks, before any connection, whether servers will accept the client's certificate: OpenSSL gives the verdict, the
 * findings say which certificate is at fault and what to do. A bad chain never throws: it has findings of severity
 * error, with E_CERT and E_CRL codes, E_KEY_MISMATCH or E_KEY_UNSUPPORTED. Rejects with the signal's reason.
 */
export async function checkChain(request: ChainCheckRequest): Promise<ChainCheck> {
  request.signal?.throwIfAborted()
  const judged = choosePath(request)
  const { path } = judged
  const open = openEnd(judged, request)
  const broken = open && brokenSignature(open)
  const missing = open && broken === undefined ? missingIssuer(open) : undefined
  const verdict = await askAbout(judged, request)
  const findings = [
    ...judge(judged, verdict, request),
    ...[broken, missing, partialAnchor(judged), endedRoot(judged, request.now)].filter((one) => one !== undefined),
    ...(request.revocationLists === undefined ? [] : judgeRevocation(path, request.revocationLists, request.now)),
    ...judgeLeftovers(request.leaf, request.others, path),
  ]
  return {
    chain: path.chain,
    anchor: path.anchor,
    findings: SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity)),
    expires: earliestEnd(path.chain, request.now),
    usable: verdict?.loads === true,
    reachesAnchor: path.anchor !== undefined,
    unknownIssuer: open && open.bundle !== 'client-ca-bundle' ? (missing?.message ?? openQuestion(open)) : undefined,
  }
}

/** A time that cannot be read is over. */
function earliestEnd(chain: readonly X509Certificate[], now: Date): Date {
  const ends = chain.map((certificate) => +validityPeriod(certificate).until)
  return new Date(Math.min(...ends.map((end) => (Number.isNaN(end) ? +now : end))))
}

function choosePath({ leaf, others, clientAnchors, serverAnchors, now }: ChainCheckRequest): Judged {
  const anchors = clientAnchors ?? serverAnchors ?? []
  const path = buildPath(leaf, others, anchors, now)
  const bundle = serverAnchors === undefined ? undefined : 'ca-bundle'
  return {
    path,
    members: membersOf(path, isRootJudged(path, now)),
    anchors,
    bundle: clientAnchors === undefined ? bundle : 'client-ca-bundle',
  }
}

/**
 * A root that is the anchor, always. Another root of the user's file, as the end of the path, unless its time is over:
 * it is not sent, and servers may have it renewed with the same key.
 */
function isRootJudged({ root, anchor }: Path, now: Date): boolean {
  if (root === undefined) return false
  const { from, until } = validityPeriod(root)
  return anchor === undefined ? from <= now && now <= until : root === anchor
}

function openEnd({ path, members, anchors, bundle }: Judged, { others, now }: ChainCheckRequest): OpenEnd | undefined {
  if (path.anchor !== undefined) return undefined
  return { path, top: members.at(-1) ?? members[0], others, anchors, bundle, now }
}

/** `verdict`: undefined without the right key. */
function judge({ members }: Judged, verdict: Verdict | undefined, request: ChainCheckRequest): readonly Finding[] {
  const [leaf] = members
  const dates = members.map((member) => judgeValidity(member, request, request.now))
  const found = [
    ...dates.filter((date) => date !== undefined),
    ...judgeUsage(members),
    ...judgeNameConstraints(members),
    ...judgeStrength(members),
    ...judgeConformance(members),
  ]
  const faults = found.filter(isFault)
  const findings = found.filter(isFinding)
  return [
    ...(verdict === undefined ? [keyMismatch(leaf)] : []),
    ...settle(faults, verdict, leaf, request.mode),
    ...findings,
  ]
}

function isFault(one: Fault | Finding): one is Fault {
  return 'kind' in one
}

function isFinding(one: Fault | Finding): one is Finding {
  return 'severity' in one
}

/**
 * With an anchor: against all anchors, and one that is no root ends the chain where the bundle has nothing above it.
 * Without: as if the server trusted the top of the path, so that the missing anchor alone falls away. Undefined: without
 * the right key there is no handshake.
 */
async function askAbout(
  { path, members, anchors }: Judged,
  { leaf, key, signal }: ChainCheckRequest,
): Promise<Verdict | undefined> {
  if (!leaf.checkPrivateKey(key)) return undefined
  const { chain, anchor } = path
  if (anchor !== undefined) {
    return askOpenSsl({
      chain,
      key,
      anchors: anchorsInReach(path, anchors),
      partial: !endsAtRoot(path, anchor),
      signal,
    })
  }
  const top = members.at(-1) ?? members[0]
  return askOpenSsl({ chain, key, anchors: [top.certificate], partial: true, signal })
}

function endsAtRoot({ root }: Path, anchor: X509Certificate): boolean {
  return anchor === root || isSelfSigned(anchor)
}

function keyMismatch({ subject }: Member): Finding {
  return {
    code: 'E_KEY_MISMATCH',
    severity: 'error',
    position: 'leaf',
    subject,
    message: `client-key does not belong to the certificate ${subject} in client-cert`,
    hint: 'Store certificate and key again, both from one request: a renewal often replaces only one of them. If both are new already, this run was queued before, or between the two: re-run it.',
  }
}

/** Companies hand out the issuing CA alone; curl takes it as an anchor, servers with OpenSSL only when told to. */
function partialAnchor({ path, bundle }: Judged): Finding | undefined {
  const { anchor } = path
  if (anchor === undefined || endsAtRoot(path, anchor)) return undefined
  const subject = subjectOf(anchor)
  const position = path.chain.indexOf(anchor)
  return {
    code: 'E_CERT_INCOMPLETE_CHAIN',
    severity: 'notice',
    position: position > 0 ? `intermediate ${position}` : 'leaf',
    subject,
    message: `${bundle} holds ${subject}, but no root above it: the chain was checked up to there`,
    hint: undefined,
  }
}

/** The root of the user's file that `isRootJudged` leaves out. */
function endedRoot({ path, members }: Judged, now: Date): Finding | undefined {
  if (path.root === undefined || path.anchor !== undefined || members.length > path.chain.length) return undefined
  const [root] = membersOf(path, true).slice(-1)
  const fault = root && judgeValidity(root, { expiryWarningDays: 0, expiryErrorDays: 0 }, now)
  if (fault === undefined || !isFault(fault)) return undefined
  return { ...withSeverity(fault, 'warning'), hint: 'It is not sent; that the server has a newer one decides.' }
}
