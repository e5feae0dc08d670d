import type { X509Certificate } from 'node:crypto'
import type { ProblemDetails } from '../errors.ts'
import { issuerOf, subjectOf } from '../text.ts'

/** Names that products which break TLS open put into their CAs, and what companies call such CAs. */
const INSPECTORS =
  /zscaler|netskope|goskope|palo alto|fortinet|fortigate|forcepoint|websense|blue ?coat|mcafee web|skyhigh|umbrella|sophos|check ?point|barracuda|watchguard|sonicwall|menlo security|iboss|(?:ssl|tls|https|traffic)[ -]?(?:inspect|intercept|decrypt|proxy)|\bdecryption\b|mitmproxy/i

/**
 * E_TLS_INSPECTED where the server's certificate was made by something on the way that breaks TLS open; undefined where
 * no name says so. Behind it the server would never see the client certificate.
 */
export function inspected(certificates: readonly X509Certificate[], target: string): ProblemDetails | undefined {
  const [own] = certificates
  const culprit = certificates.find(({ issuer }) => INSPECTORS.test(issuer))
  if (own === undefined || culprit === undefined) return undefined
  return {
    code: 'E_TLS_INSPECTED',
    message: `a proxy between this runner and ${target} seems to break TLS open: the certificate shown (${subjectOf(own)}) comes from ${issuerOf(culprit)}`,
    hint: 'A client certificate cannot pass such a proxy: ask the team that runs it to except this host from inspection. To trust its CA would not help.',
  }
}
