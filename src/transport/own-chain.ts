import type { X509Certificate } from 'node:crypto'
import type { Finding } from '../certificates/findings.ts'

/** What is known of the certificate that we show: what a server says of it is compared with this. */
export interface OwnChain {
  /** As it is sent: leaf first. */
  readonly certificates: readonly X509Certificate[]
  /** The chain check's: errors first. */
  readonly findings: readonly Pick<Finding, 'code' | 'severity' | 'message'>[]
  /** What the chain check could only guess about the issuer, as a sentence. */
  readonly unknownIssuer: string | undefined
}
