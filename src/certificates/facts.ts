import type { X509Certificate } from 'node:crypto'
import type { CertificateFacts } from '../report/run-report.ts'
import { issuerOf, subjectOf } from '../text.ts'

const MS_PER_DAY = 24 * 60 * 60 * 1000

/** What reports and tickets say about the certificates that are sent: leaf first. */
export function certificateFacts(chain: readonly X509Certificate[]): readonly CertificateFacts[] {
  return chain.map((certificate, index) => ({
    position: index === 0 ? 'leaf' : `intermediate ${index}`,
    subject: subjectOf(certificate),
    issuer: issuerOf(certificate),
    serial: certificate.serialNumber,
    fingerprint256: certificate.fingerprint256,
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
  }))
}

/** Whole days from `now` until `expires`; negative when it is over. */
export function daysLeft(expires: Date, now: Date): number {
  return Math.floor((expires.getTime() - now.getTime()) / MS_PER_DAY)
}
