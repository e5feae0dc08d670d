import { issuerOf } from '../text.ts'
import { type Finding, type Member, nameMember } from './findings.ts'

/** Bytes (RFC 5280, 4.1.2.2). */
const LONGEST_SERIAL = 20

const ANY_POLICY = '2.5.29.32.0'

/** Libraries that are stricter than OpenSSL, by what people know them from. */
const GO = 'servers written in Go (Caddy, Traefik)'
const RUSTLS = 'servers that use rustls'
const GO_AND_RUSTLS = `${GO} or with rustls`
const JAVA = 'servers written in Java'

/**
 * What OpenSSL takes and other servers refuse, which are named: E_CERT_PROFILE, never an error. RFC 5280's profile of
 * certificates, and kinds of keys that not every library knows.
 */
export function judgeConformance(members: readonly Member[]): readonly Finding[] {
  const [leaf] = members
  return [
    ...members.flatMap((member, index) => [...serial(member), ...spelling(member, members[index + 1])]),
    ...(leaf === undefined ? [] : leafProfile(leaf)),
    ...rareKey(members),
    ...policies(members),
  ]
}

function finding(member: Member, what: string, who?: string): Finding {
  return {
    code: 'E_CERT_PROFILE',
    severity: who === undefined ? 'notice' : 'warning',
    position: member.position,
    subject: member.subject,
    message: `${nameMember(member)} ${what}${who === undefined ? '' : `; ${who} refuse that`}`,
    hint:
      who === undefined
        ? undefined
        : `Should the server refuse it, ask the team that runs ${issuerOf(member.certificate)} for another certificate.`,
  }
}

/** Two's complement: a first digit from 8 on is a negative number, and positive ones have a zero byte there. */
function serial(member: Member): Finding[] {
  const { serial: digits = '' } = member.extensions ?? {}
  if (/^[89a-f]/.test(digits)) return [finding(member, 'has a negative serial number', GO)]
  const bytes = digits.length / 2
  if (bytes <= LONGEST_SERIAL) return []
  return [finding(member, `has a serial number of ${bytes} bytes, where RFC 5280 allows ${LONGEST_SERIAL}`)]
}

/** OpenSSL compares names without regard to case and kind of string; others compare bytes. */
function spelling(member: Member, issuer: Member | undefined): Finding[] {
  const named = member.extensions?.issuer
  const found = issuer?.extensions?.subject
  if (named === undefined || found === undefined || named.bytes.equals(found.bytes)) return []
  return [finding(member, 'spells the name of its issuer in another way than that CA itself does', GO_AND_RUSTLS)]
}

function leafProfile(leaf: Member): Finding[] {
  const { extensions } = leaf
  if (extensions === undefined) return []
  const { version, basicConstraints, subject, alternativeNames } = extensions
  return [
    ...(version < 3 ? [finding(leaf, `is a certificate of version ${version}`, RUSTLS)] : []),
    ...(basicConstraints?.ca === true ? [finding(leaf, 'says that it is a CA', RUSTLS)] : []),
    ...(subject.children.length === 0 && alternativeNames?.critical === false
      ? [finding(leaf, 'has no subject, and its alternative names are not critical', JAVA)]
      : []),
  ]
}

/** The first of them: the keys of a chain are mostly of one kind. */
function rareKey(members: readonly Member[]): Finding[] {
  for (const member of members) {
    if (member.unreadable !== undefined) continue
    const { asymmetricKeyType: type } = member.certificate.publicKey
    if (type === 'ed448') return [finding(member, 'has an Ed448 key', GO_AND_RUSTLS)]
    if (type === 'rsa-pss') return [finding(member, 'has a key for RSA-PSS alone', GO_AND_RUSTLS)]
  }
  return []
}

/**
 * A CA may demand that everything below it is issued under a policy that all agree on (RFC 5280, 6.1; without mappings,
 * which would need the whole of it). OpenSSL looks only when it is told to. A trusted root has no say.
 */
function policies(members: readonly Member[]): Finding[] {
  if (members.some(({ extensions }) => extensions?.mapsPolicies)) return []
  let valid: ReadonlySet<string> | 'any' = 'any'
  let explicitAfter = Infinity
  let culprit: Member | undefined
  for (const member of members.filter(({ position }) => position !== 'root').toReversed()) {
    valid = intersection(valid, member.extensions?.policies)
    if (valid !== 'any' && valid.size === 0) culprit ??= member
    explicitAfter = nextLimit(explicitAfter, member)
  }
  if (culprit === undefined || explicitAfter > 0) return []
  const what = 'has no certificate policy that the CAs above it agree on, and one of them demands that'
  return [finding(culprit, what, GO_AND_RUSTLS)]
}

/** RFC 5280, 6.1.4 (h) and (i), and 6.1.5 (a) and (b): the leaf counts even where it is self-issued. */
function nextLimit(before: number, { position, certificate, extensions }: Member): number {
  const isCounted = position === 'leaf' || certificate.subject !== certificate.issuer
  const left = isCounted ? Math.max(0, before - 1) : before
  const own = extensions?.explicitPolicyAfter ?? Infinity
  return position === 'leaf' && own > 0 ? left : Math.min(left, own)
}

function intersection(
  valid: ReadonlySet<string> | 'any',
  own: readonly string[] | undefined,
): ReadonlySet<string> | 'any' {
  if (own === undefined) return new Set()
  if (own.includes(ANY_POLICY)) return valid
  return new Set(valid === 'any' ? own : own.filter((policy) => valid.has(policy)))
}
