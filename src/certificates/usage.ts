import { count, issuerOf } from '../text.ts'
import { canonicalName } from './distinguished-name.ts'
import { type Fault, type Member, nameMember } from './findings.ts'

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

const PURPOSE_NAMES = new Map([
  ['2.5.29.37.0', 'any purpose (anyExtendedKeyUsage)'],
  [SERVER_AUTH, 'serverAuth'],
  [CLIENT_AUTH, 'clientAuth'],
  ['1.3.6.1.5.5.7.3.3', 'codeSigning'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
  ['1.3.6.1.5.5.7.3.9', 'OCSPSigning'],
  ['1.3.6.1.4.1.311.20.2.2', 'smart card logon'],
])

/** Purposes that a sentence names; a certificate may list thousands. */
const MOST_PURPOSES = 4

/**
 * Whether the members may be used for what they are used for, as OpenSSL's `sslclient` purpose sees it (RFC 5280,
 * 4.2.1.3, 4.2.1.9 and 4.2.1.12): E_CERT_PURPOSE for the purposes and key usage of the leaf and the purposes that a CA
 * passes on; E_CERT_NOT_A_CA, E_CERT_PATH_LENGTH and, for an issuer that is named by another key's identifier or an
 * extension that OpenSSL does not process, E_CERT_REFUSED; E_CERT_UNREADABLE.
 */
export function judgeUsage(members: readonly Member[]): readonly Fault[] {
  return members.flatMap((member, index) => [
    ...unreadable(member),
    ...unknownCritical(member),
    ...purposes(member),
    ...(index === 0 ? leafKeyUsage(member) : [...authority(member), ...pathLength(members, index)]),
    ...keyIdentifiers(member, members[index + 1]),
  ])
}

function fault(member: Member, details: Pick<Fault, 'code' | 'kind' | 'message' | 'hint'>): Fault[] {
  return [{ ...details, position: member.position, subject: member.subject }]
}

function unreadable(member: Member): Fault[] {
  if (member.unreadable === undefined) return []
  return fault(member, {
    code: 'E_CERT_UNREADABLE',
    kind: 'structure',
    message: `${nameMember(member)} is malformed: ${member.unreadable}`,
    hint: `Ask the team that runs ${issuerOf(member.certificate)} for a well-formed certificate.`,
  })
}

function unknownCritical(member: Member): Fault[] {
  const [oid] = member.extensions?.unknownCritical ?? []
  if (oid === undefined) return []
  return fault(member, {
    code: 'E_CERT_REFUSED',
    kind: 'structure',
    message: `${nameMember(member)} has the critical extension ${oid}, which OpenSSL does not process: it must refuse the certificate`,
    hint: `Ask the team that runs ${issuerOf(member.certificate)} for a certificate without it, or with the extension not critical.`,
  })
}

function purposes(member: Member): Fault[] {
  const listed = member.extensions?.purposes
  if (listed === undefined || listed.includes(CLIENT_AUTH)) return []
  const names = listed.slice(0, MOST_PURPOSES).map((oid) => PURPOSE_NAMES.get(oid) ?? oid)
  const more = listed.length > names.length ? ` and ${listed.length - names.length} more` : ''
  const shown = names.length === 0 ? 'no purpose' : `${names.join(', ')}${more}`
  const leaf = member.position === 'leaf'
  const what = leaf ? `is issued for ${shown} only` : `lets the certificates below it be used for ${shown} only`
  return fault(member, {
    code: 'E_CERT_PURPOSE',
    kind: 'purpose',
    message: `${nameMember(member)} ${what}; a client certificate needs clientAuth (extended key usage)`,
    hint: leaf ? leafPurposeHint(listed) : 'Ask for a client certificate from a CA that may issue for clientAuth.',
  })
}

function leafPurposeHint(listed: readonly string[]): string {
  const ask = 'Ask the CA for a certificate with the purpose clientAuth.'
  if (!listed.includes(SERVER_AUTH)) return ask
  return `${ask} Public CAs stopped clientAuth in 2025/26: if it was just renewed, take the next one from a private CA.`
}

/** The handshake is signed: OpenSSL asks for digitalSignature or keyAgreement, other servers for the first alone. */
function leafKeyUsage(member: Member): Fault[] {
  const usage = member.extensions?.keyUsage
  if (usage === undefined || usage.includes('digitalSignature')) return []
  return fault(member, {
    code: 'E_CERT_PURPOSE',
    kind: 'purpose',
    message: `${nameMember(member)} allows its key only for ${usage.join(', ') || 'nothing'}; a client certificate needs digitalSignature (key usage)`,
    hint: 'Ask the CA for a certificate whose key usage holds digitalSignature.',
  })
}

function authority(member: Member): Fault[] {
  const { extensions } = member
  if (extensions === undefined) return []
  const { basicConstraints, keyUsage, version } = extensions
  const reasons = [
    // Version 1 has no extensions: such a root is a CA because somebody trusts it.
    ...(basicConstraints === undefined && version >= 3 ? ['has no basic constraints'] : []),
    ...(version < 3 && member.position !== 'root'
      ? [`is a certificate of version ${version}, which cannot say that it is a CA`]
      : []),
    ...(basicConstraints?.ca === false ? ['says that it is no CA (basic constraints)'] : []),
    ...(keyUsage?.includes('keyCertSign') === false
      ? ['may not sign certificates (no keyCertSign in its key usage)']
      : []),
  ]
  if (reasons.length === 0) return []
  return fault(member, {
    code: 'E_CERT_NOT_A_CA',
    kind: 'structure',
    message: `${nameMember(member)} signed the certificate below it, but ${reasons.join(' and ')}`,
    hint: 'Take the certificate from a CA: one that was issued for a server or a person cannot issue others.',
  })
}

/** Self-issued certificates are not counted (RFC 5280, 4.2.1.9), and the leaf is not. */
function pathLength(members: readonly Member[], index: number): Fault[] {
  const member = members[index]
  const limit = member?.extensions?.basicConstraints?.pathLength
  if (member === undefined || limit === undefined) return []
  const below = members.slice(1, index).filter(({ certificate }) => certificate.subject !== certificate.issuer).length
  if (below <= limit) return []
  return fault(member, {
    code: 'E_CERT_PATH_LENGTH',
    kind: 'structure',
    message: `${nameMember(member)} allows ${count(limit, 'CA')} below it (path length), this chain has ${below}`,
    hint: `Ask the team that runs ${member.subject} for a chain with fewer CAs, or for a CA certificate with a greater path length.`,
  })
}

function keyIdentifiers(member: Member, issuer: Member | undefined): Fault[] {
  const named = member.extensions
  const found = issuer?.extensions
  if (issuer === undefined || named === undefined || found === undefined) return []
  const { authorityKeyId, authorityCertificate } = named
  const otherKey = authorityKeyId !== undefined && (found.subjectKeyId ?? authorityKeyId) !== authorityKeyId
  const otherCertificate =
    (authorityCertificate.serial ?? found.serial) !== found.serial ||
    (authorityCertificate.issuer !== undefined &&
      authorityCertificate.issuer.join('\n\n') !== canonicalName(found.issuer).join('\n\n'))
  if (!otherKey && !otherCertificate) return []
  const what = otherKey ? 'another key identifier than its issuer' : 'another certificate of its issuer than'
  return fault(member, {
    code: 'E_CERT_REFUSED',
    kind: 'structure',
    message: `${nameMember(member)} names ${what} ${issuer.subject} has, though that key signed it; servers that use OpenSSL refuse it`,
    hint: `Use the certificate of ${issuer.subject} that the CA hands out now, or ask for a new client certificate.`,
  })
}
