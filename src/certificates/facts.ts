import type { X509Certificate } from 'node:crypto'
import { validityPeriod } from '../encoding/validity-period.ts'
import type { CertificateFacts } from '../report/run-report.ts'
import { issuerOf, printable, subjectOf } from '../text.ts'

/** What a certificate may be used for (RFC 5280, 4.2.1.12), by the names that OpenSSL's configuration has for it. */
const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['2.5.29.37.0', 'anyExtendedKeyUsage'],
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
  ['1.3.6.1.5.5.7.3.3', 'codeSigning'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
  ['1.3.6.1.5.5.7.3.9', 'OCSPSigning'],
])

/** Characters of the names of one certificate: those of a service mesh are long, those of a public front many. */
const LONGEST_NAMES = 500

const MS_PER_DAY = 24 * 60 * 60 * 1000

/** What reports and tickets say about the certificates that are sent: leaf first. */
export function certificateFacts(chain: readonly X509Certificate[]): readonly CertificateFacts[] {
  return chain.map((certificate, index) => ({
    position: index === 0 ? 'leaf' : `intermediate ${index}`,
    subject: subjectOf(certificate),
    issuer: issuerOf(certificate),
    serial: certificate.serialNumber,
    fingerprint256: certificate.fingerprint256,
    notBefore: validityPeriod(certificate).from,
    notAfter: validityPeriod(certificate).until,
    names: printable(certificate.subjectAltName ?? '', LONGEST_NAMES),
    purposes: purposesOf(certificate),
  }))
}

/** Node calls the extended key usage `keyUsage`, and leaves it undefined where there is none. */
function purposesOf({ keyUsage }: { readonly keyUsage: readonly string[] | undefined }): readonly string[] | undefined {
  return keyUsage?.map((oid) => PURPOSES.get(oid) ?? oid)
}

/** Whole days from `now` until `expires`; negative when it is over. */
export function daysLeft(expires: Date, now: Date): number {
  return Math.floor((expires.getTime() - now.getTime()) / MS_PER_DAY)
}
