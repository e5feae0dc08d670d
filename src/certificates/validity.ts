import { validityPeriod } from '../encoding/validity-period.ts'
import { count, formatTime, issuerOf, printable } from '../text.ts'
import { type Fault, type Finding, type Member, nameMember } from './findings.ts'

export interface ExpiryLimits {
  /** A warning below so many days that are also less than a third of the lifetime. */
  readonly expiryWarningDays: number
  /** An error below so many days; 0: no such limit. */
  readonly expiryErrorDays: number
}

const DAY = 86_400_000
const HOUR = 3_600_000

/**
 * What the dates of one certificate say (RFC 5280, 4.1.2.5): E_CERT_EXPIRED and E_CERT_NOT_YET_VALID as faults,
 * E_CERT_EXPIRES_SOON as a finding.
 */
export function judgeValidity(member: Member, limits: ExpiryLimits, now: Date): Fault | Finding | undefined {
  if (member.unreadable !== undefined) return undefined
  const { from, until } = validityPeriod(member.certificate)
  if (until < now) return expired(member, limits, now)
  if (from > now) return notYetValid(member, now)
  return expiresSoon(member, limits, now)
}

function expired(member: Member, { expiryErrorDays }: ExpiryLimits, now: Date): Fault {
  const { until: end } = validityPeriod(member.certificate)
  return {
    code: 'E_CERT_EXPIRED',
    kind: 'date',
    enforced: expiryErrorDays > 0,
    position: member.position,
    subject: member.subject,
    message: `${identify(member)} ended on ${formatTime(end)}, ${span(+now - +end)} ago`,
    hint: member.position === 'root' ? whoseTurn(member) : `${whoseTurn(member)} ${QUEUED}`,
  }
}

/** GitHub reads the secrets of repository and organisation when a run is queued, those of an environment when its job starts. */
const QUEUED = 'If that is done already, this run was queued before: re-run it.'

function notYetValid(member: Member, now: Date): Fault {
  const { from: start } = validityPeriod(member.certificate)
  return {
    code: 'E_CERT_NOT_YET_VALID',
    kind: 'date',
    position: member.position,
    subject: member.subject,
    message: `${identify(member)} is valid only from ${formatTime(start)}, in ${span(+start - +now)}`,
    hint: `Wait until then, or correct the runner's clock, which says ${formatTime(now)}.`,
  }
}

function expiresSoon(member: Member, limits: ExpiryLimits, now: Date): Finding | undefined {
  const { from, until } = validityPeriod(member.certificate)
  const left = +until - +now
  const forbidden = left < limits.expiryErrorDays * DAY
  // A third of the lifetime: short-lived certificates would otherwise warn from their first hour on.
  const near = left < limits.expiryWarningDays * DAY && left < (+until - +from) / 3
  if (!forbidden && !near) return undefined
  const limit = forbidden ? `, and expiry-error-days asks for ${limits.expiryErrorDays}` : ''
  return {
    code: 'E_CERT_EXPIRES_SOON',
    severity: forbidden ? 'error' : 'warning',
    position: member.position,
    subject: member.subject,
    message: `${identify(member)} ends on ${formatTime(until)}: ${span(left)} left${limit}`,
    hint: whoseTurn(member),
  }
}

function identify(member: Member): string {
  const { certificate } = member
  const issuer = member.position === 'root' ? 'self-signed' : `issued by ${issuerOf(certificate)}`
  return `${nameMember(member)} (serial ${printable(certificate.serialNumber, 64)}, ${issuer})`
}

function whoseTurn({ position, certificate }: Member): string {
  const issuer = issuerOf(certificate)
  if (position === 'leaf') {
    return `Ask the team that runs ${issuer} for a new client certificate, then replace client-cert and client-key together.`
  }
  if (position === 'root')
    return 'The team that runs this root has to renew it; the servers that trust it need the new one too.'
  return `The team that runs ${issuer} has to renew this CA's certificate; then put the new one into client-cert instead.`
}

/** `12 days`, `3 hours`: rounded down, so that what is left is never overstated. */
function span(milliseconds: number): string {
  if (milliseconds >= DAY) return count(Math.floor(milliseconds / DAY), 'day')
  return milliseconds >= HOUR ? count(Math.floor(milliseconds / HOUR), 'hour') : 'less than an hour'
}
