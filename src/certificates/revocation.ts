import type { X509Certificate } from 'node:crypto'
import { formatTime, issuerOf, printable } from '../text.ts'
import { canonicalName } from './distinguished-name.ts'
import { type Finding, type Member, membersOf, nameMember } from './findings.ts'
import { isSelfSigned, type Path } from './path.ts'
import type { RevocationList } from './revocation-list.ts'
import { isSignatureOf } from './signature.ts'

/** A CA of the chain, and what of the chain it issued. */
interface Authority {
  /** As `canonicalName` has it. */
  readonly name: readonly string[]
  /** Printable. */
  readonly subject: string
  /** Undefined: its certificate was not given. */
  readonly member: Member | undefined
  /** What it issued of the chain, itself included where it is the root. */
  readonly issued: readonly Member[]
  /** Those of them about which a list has to tell. */
  readonly wanted: readonly Member[]
}

/**
 * What the given lists say about the chain (RFC 5280, 6.3). Revoked (E_CERT_REVOKED) and a list that the CA of its name
 * did not sign (E_CRL_FORGED) are errors, whatever `chain-check` says. For a CA without a list that could be used
 * (E_CRL_MISSING) or with none that is in force (E_CRL_OUTDATED) there is a warning, and the check goes on: the copy in a
 * secret is stale within days, and servers have their own. Indirect lists are not read.
 */
export function judgeRevocation(path: Path, lists: readonly RevocationList[], now: Date): readonly Finding[] {
  const authorities = authoritiesOf(path)
  const names = new Set(authorities.map(({ name }) => nameKey(name)))
  const strangers = lists.filter(({ issuer }) => !names.has(nameKey(issuer)))
  return [
    ...authorities.flatMap((authority) => {
      const mine = lists.filter(({ issuer }) => nameKey(issuer) === nameKey(authority.name))
      return authority.member === undefined
        ? unproven(authority, mine)
        : judgeAuthority(authority, authority.member, mine, now)
    }),
    ...strangers.slice(0, 1).map((list) => unrelated(list, strangers.length, path)),
  ]
}

function nameKey(name: readonly string[]): string {
  return name.join('\n\n')
}

/** Leaf's CA first. Nothing is said about what stands above the anchor. */
function authoritiesOf(path: Path): readonly Authority[] {
  const members = membersOf(path, true)
  const end = members.findIndex(({ certificate }) => certificate === path.anchor)
  const [leaf] = members
  if (members.length === 1 && isSelfSigned(leaf.certificate)) return [authorityOf(leaf, leaf, [], [leaf])]
  // A trusted certificate is not looked up, and a root has no CA above it.
  const issued = (end < 0 ? members : members.slice(0, end)).filter(({ certificate }) => certificate !== path.root)
  return issued.map((member, index) => {
    const issuer = members[index + 1]
    const root = issuer !== undefined && issuer.certificate === path.root ? [issuer] : []
    return authorityOf(member, issuer, [member], [member, ...root])
  })
}

function authorityOf(
  below: Member,
  member: Member | undefined,
  wanted: readonly Member[],
  issued: readonly Member[],
): Authority {
  const name = below.extensions === undefined ? [] : canonicalName(below.extensions.issuer)
  return { name, subject: issuerOf(below.certificate), member, wanted, issued }
}

function judgeAuthority(
  authority: Authority,
  ca: Member,
  lists: readonly RevocationList[],
  now: Date,
): readonly Finding[] {
  const signed = lists.map((list) => ({ list, proof: proofOf(list, ca.certificate) }))
  const genuine = signed.filter(({ proof }) => proof === true).map(({ list }) => list)
  const foreign = signed.filter(({ proof }) => proof === false).map(({ list }) => list)
  const unknown = signed.filter(({ proof }) => proof === 'unknown').map(({ list }) => list)
  const keyId = ca.extensions?.subjectKeyId
  const isNamesake = ({ authorityKeyId }: RevocationList) =>
    genuine.length > 0 && authorityKeyId !== undefined && keyId !== undefined && authorityKeyId !== keyId
  const forgery = foreign.find((list) => !isNamesake(list))
  return [
    ...authority.issued.flatMap((member) => revoked(member, authority, genuine)),
    ...(forgery === undefined ? [] : [forged(forgery, ca)]),
    ...(forgery !== undefined && genuine.length === 0 ? [] : coverage(authority, ca, genuine, unknown, now)),
  ]
}

function proofOf(list: RevocationList, { publicKey }: X509Certificate): boolean | 'unknown' {
  return isSignatureOf(list, publicKey)
}

function revoked(member: Member, { subject }: Authority, lists: readonly RevocationList[]): readonly Finding[] {
  for (const list of lists) {
    const entry = list.find(member.extensions?.serial ?? '')
    if (entry === undefined) continue
    const reason = entry.reason === undefined ? 'no reason given' : `reason: ${entry.reason}`
    const serial = printable(member.certificate.serialNumber, 64)
    return [
      {
        code: 'E_CERT_REVOKED',
        severity: 'error',
        position: member.position,
        subject: member.subject,
        message: `${nameMember(member)} (serial ${serial}) was revoked on ${formatTime(entry.date)} (${reason}), says the list of ${subject} of ${formatTime(list.thisUpdate)} in ${list.where}`,
        hint: revokedHint(member, subject, entry.reason),
      },
    ]
  }
  return []
}

function revokedHint({ position }: Member, issuer: string, reason: string | undefined): string {
  if (position !== 'leaf')
    return `The team that runs ${issuer} has to say which CA replaces it; ask for a client certificate from that one.`
  const again =
    'ask for a new client certificate with a new key, then replace client-cert and client-key together. If that is done already, this run was queued before: re-run it.'
  if (reason === 'certificateHold')
    return `It is on hold: ask the team that runs ${issuer} whether it will be released; else ${again}`
  return `A${again.slice(1)}`
}

function forged(list: RevocationList, ca: Member): Finding {
  return {
    code: 'E_CRL_FORGED',
    severity: 'error',
    position: ca.position,
    subject: ca.subject,
    message: `${list.where} bears the name of ${ca.subject}, but that CA's key did not sign it: the list was altered, or it is from another CA of this name`,
    hint: `Take the list anew from the team that runs ${ca.subject}, and find out where this one came from.`,
  }
}

/** Whether the lists tell of everything that the CA issued here, and of today. */
function coverage(
  authority: Authority,
  ca: Member,
  genuine: readonly RevocationList[],
  unknown: readonly RevocationList[],
  now: Date,
): readonly Finding[] {
  const { wanted } = authority
  if (wanted.length === 0) return []
  const gaps = genuine.map((list) => gapOf(list, ca, wanted))
  const complete = genuine.filter((_, index) => gaps[index] === undefined)
  if (complete.length === 0) {
    const [gap = unknown.length > 0 ? 'its signature algorithm is not read here' : undefined] = gaps
    const list = genuine[0] ?? unknown[0]
    return [missing(authority, list === undefined ? undefined : `${list.where} cannot tell, since ${gap}`)]
  }
  if (complete.some((list) => list.thisUpdate <= now && (list.nextUpdate === undefined || now <= list.nextUpdate)))
    return []
  return [outdated(authority, complete, now)]
}

/** Why this list does not tell whether each of them was revoked; undefined: it does. */
function gapOf({ scope }: RevocationList, ca: Member, issued: readonly Member[]): string | undefined {
  const { partial, of, distributionPoints } = scope
  if (partial !== undefined) return partial
  if (ca.extensions?.keyUsage?.includes('cRLSign') === false)
    return `the certificate of ${ca.subject} does not allow it to sign lists (no cRLSign in its key usage)`
  const isCa = ({ extensions }: Member) => extensions?.basicConstraints?.ca === true
  if (of !== 'all' && issued.some((member) => isCa(member) !== (of === 'CAs'))) return `it is about ${of} only`
  const isElsewhere = ({ extensions }: Member) =>
    !distributionPoints.some((point) => extensions?.distributionPoints.some((own) => own.equals(point)))
  if (distributionPoints.length > 0 && issued.some(isElsewhere))
    return 'it is about certificates that name another place for their list'
  return undefined
}

function warning(
  authority: Authority,
  code: 'E_CRL_MISSING' | 'E_CRL_OUTDATED',
  message: string,
  hint: string,
): Finding {
  const [first] = authority.issued
  const { subject, member } = authority
  return { code, severity: 'warning', position: (member ?? first)?.position ?? 'leaf', subject, message, hint }
}

function missing(authority: Authority, why: string | undefined): Finding {
  const { subject, issued } = authority
  const [first] = issued
  const what = first === undefined ? '' : ` whether ${nameMember(first)} was revoked is not known`
  const start = why === undefined ? `client-crl holds no list of ${subject}` : why
  return warning(
    authority,
    'E_CRL_MISSING',
    `${start}:${what}`,
    `Add the current list of ${subject} to client-crl; servers that have lists need one for each CA of the chain.`,
  )
}

function outdated(authority: Authority, lists: readonly RevocationList[], now: Date): Finding {
  const { subject } = authority
  const newest = lists.reduce((a, b) => (b.thisUpdate > a.thisUpdate ? b : a))
  const isEarly = newest.thisUpdate > now
  const when = isEarly
    ? `is in force only from ${formatTime(newest.thisUpdate)}`
    : `is out of date since ${formatTime(newest.nextUpdate ?? newest.thisUpdate)}`
  return warning(
    authority,
    'E_CRL_OUTDATED',
    `the list of ${subject} in ${newest.where} ${when}: a later revocation is not known`,
    isEarly
      ? `Check the runner's clock, which says ${formatTime(now)}.`
      : `Put the current list of ${subject} into client-crl.`,
  )
}

/** The chain ends below its CA, so that no signature can be checked. */
function unproven(authority: Authority, lists: readonly RevocationList[]): readonly Finding[] {
  const [list] = lists
  if (list === undefined) return [missing(authority, undefined)]
  const revoking = lists.find((one) =>
    authority.issued.some(({ extensions }) => one.find(extensions?.serial ?? '') !== undefined),
  )
  const says = revoking === undefined ? '' : ', though it names the certificate as revoked'
  return [
    missing(
      authority,
      `${(revoking ?? list).where} cannot be proven${says}, since the certificate of ${authority.subject} was not given`,
    ),
  ]
}

function unrelated(list: RevocationList, amount: number, { chain }: Path): Finding {
  const [leaf] = chain
  const more = amount > 1 ? ` and ${amount - 1} more` : ''
  return {
    code: 'E_CRL_MISSING',
    severity: 'notice',
    position: 'extra',
    subject: list.shownIssuer,
    message: `${list.where} is a list of ${list.shownIssuer}${more}, which issued no certificate in the chain of ${issuerOf({ issuer: leaf.subject })}`,
    hint: undefined,
  }
}
