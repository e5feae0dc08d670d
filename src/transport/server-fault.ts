import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { ProblemDetails } from '../errors.ts'
import { formatTime, issuerOf, printable, subjectOf } from '../text.ts'
import type { Attempt } from './handshake.ts'
import { inspected } from './inspection.ts'
import type { Party } from './party.ts'
import { findVoucher, holdsNamesake } from './voucher.ts'

/** Characters of a list of names in a sentence. */
const LONGEST_LIST = 300

/** Codes of OpenSSL's verification that say: nobody whom we trust issued this. */
const UNKNOWN_ISSUER: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_UNTRUSTED',
])

/** What was wrong with the server's certificate (`code`: OpenSSL's or Node's name of it): E_TLS_SERVER_*. */
export function explainServerFault(code: string, words: string, attempt: Attempt, party: Party): ProblemDetails {
  const [own] = attempt.certificates
  if (own !== undefined) {
    if (code === 'CERT_HAS_EXPIRED') return expired(attempt.certificates, party)
    if (code === 'CERT_NOT_YET_VALID') return notYetValid(attempt.certificates, party)
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return otherName(own, party)
    if (UNKNOWN_ISSUER.has(code)) return unknownIssuer(own, attempt.certificates, party)
  }
  const whose = own === undefined ? '' : ` (${subjectOf(own)}, issued by ${issuerOf(own)})`
  return {
    code: 'E_TLS_SERVER_REFUSED',
    message: `the certificate of ${party.target}${whose} was not accepted: ${printable(words)} (${printable(code, 60)})`,
    hint: 'Ask the team that runs the server for a certificate that current TLS clients accept.',
  }
}

function expired(chain: readonly X509Certificate[], party: Party): ProblemDetails {
  const { target, now } = party
  const culprit = chain.find((certificate) => certificate.validToDate < now())
  return {
    code: 'E_TLS_SERVER_EXPIRED',
    message: `${whose(culprit, chain, party)} has expired: ${period(culprit, now())}`,
    hint: `Ask the team that runs ${target} to renew it. Nothing was sent.`,
  }
}

function notYetValid(chain: readonly X509Certificate[], party: Party): ProblemDetails {
  const { now, target } = party
  const culprit = chain.find((certificate) => certificate.validFromDate > now())
  return {
    code: 'E_TLS_SERVER_NOT_YET_VALID',
    message: `${whose(culprit, chain, party)} is not valid yet: ${period(culprit, now())}`,
    hint: `Check the clock of this runner; if it is right, tell the team that runs ${target}.`,
  }
}

/** Which certificate is meant: the server's own, one that it sends with it, or a trusted one above. */
function whose(
  culprit: X509Certificate | undefined,
  [own]: readonly X509Certificate[],
  { target, trust }: Party,
): string {
  if (culprit === undefined) return `a CA certificate in ${trust.source} above the certificate of ${target}`
  const name = `(${subjectOf(culprit)}, issued by ${issuerOf(culprit)})`
  return culprit === own ? `the certificate of ${target} ${name}` : `a CA certificate that ${target} sends ${name}`
}

function period(certificate: X509Certificate | undefined, now: Date): string {
  const clock = `the runner's clock says ${formatTime(now)}`
  if (certificate === undefined) return clock
  const { validFromDate, validToDate } = certificate
  return `it is valid from ${formatTime(validFromDate)} to ${formatTime(validToDate)}, and ${clock}`
}

function otherName(own: X509Certificate, { target, host }: Party): ProblemDetails {
  const names = printable(own.subjectAltName ?? '', LONGEST_LIST)
  const found = names === '' ? 'no names at all (no subject alternative name)' : names
  const address =
    isIP(host) === 0
      ? ''
      : ' TLS settings are chosen by host name: use the name instead of the address in repository-url.'
  return {
    code: 'E_TLS_SERVER_NAME',
    message: `the certificate of ${target} is for another name: expected ${printable(host)}, found ${found} (${subjectOf(own)}, issued by ${issuerOf(own)})`,
    hint: `Use a name from the certificate in repository-url, or ask the team that runs the server for a certificate with this name.${address}`,
  }
}

function unknownIssuer(own: X509Certificate, chain: readonly X509Certificate[], party: Party): ProblemDetails {
  const inspection = inspected(chain, party.target)
  if (inspection !== undefined) return inspection
  const top = chain.at(-1) ?? own
  const voucher = findVoucher(chain, party)
  // A root seldom issues servers' certificates: one that comes alone most likely lacks its intermediate.
  const isIncomplete = top === own && !isSelfSigned(own) && !/\broot\b/i.test(own.issuer) && !holdsNamesake(own, party)
  if (voucher === undefined && isIncomplete) return incomplete(own, party)
  return {
    code: 'E_TLS_SERVER_UNKNOWN_CA',
    message: `the certificate of ${party.target} (${subjectOf(own)}) ${missingAuthority(own, top, party)}`,
    hint: voucher ?? addHint(isSelfSigned(top) ? subjectOf(top) : issuerOf(top), party),
  }
}

function missingAuthority(own: X509Certificate, top: X509Certificate, party: Party): string {
  const missing = party.trust.source === 'system' ? 'neither Node.js nor this system trusts' : 'ca-bundle does not hold'
  if (isSelfSigned(own)) return `is self-signed, and ${missing} it`
  const below = top === own ? '' : `, below ${issuerOf(top)}`
  const leads = isSelfSigned(top) ? `leads to ${subjectOf(top)}` : `was issued by ${issuerOf(own)}${below}`
  if (holdsNamesake(top, party)) return `${leads}: ${party.trust.source} holds a CA of that name with another key`
  return `${leads}, which ${missing}`
}

function isSelfSigned({ subject, issuer }: X509Certificate): boolean {
  return subject === issuer
}

function incomplete(own: X509Certificate, { target, trust }: Party): ProblemDetails {
  const bundle = trust.source === 'system' ? 'what Node.js and this system trust' : 'ca-bundle'
  const issuer = issuerOf(own)
  return {
    code: 'E_TLS_SERVER_INCOMPLETE_CHAIN',
    message: `${target} sends its certificate (${subjectOf(own)}) alone, without the certificate of ${issuer} that issued it, and ${bundle} does not hold that either`,
    hint: `If ${issuer} is an intermediate, have the server send it, or add it to ca-bundle (browsers keep copies, so a page may open there all the same). If it is a root of your company, add it to ca-bundle.`,
  }
}

function addHint(name: string, { trust }: Party): string {
  const [verb, place] = trust.source === 'system' ? ['Give', 'as ca-bundle'] : ['Add', 'to ca-bundle']
  return `${verb} the certificate of ${name} ${place} if it is a CA of your company. If nobody knows it, something between this runner and the server breaks TLS open.`
}
