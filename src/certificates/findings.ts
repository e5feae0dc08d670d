import type { X509Certificate } from 'node:crypto'
import { validityPeriod } from '../encoding/validity-period.ts'
import { type ErrorCode, PublishError } from '../errors.ts'
import { subjectOf } from '../text.ts'
import { type CertificateExtensions, readExtensions } from './extensions.ts'
import type { Path } from './path.ts'

/** One thing that the chain check has to say about one certificate. */
export interface Finding {
  readonly code: ErrorCode
  /** error: nothing is sent; warning: the server may refuse it; notice: for the log. */
  readonly severity: 'error' | 'warning' | 'notice'
  /** `leaf`, `intermediate 1` (the leaf's issuer), `root`, or `extra` for a certificate outside the path. */
  readonly position: string
  /** Printable. */
  readonly subject: string
  /** Lower-case start, no final period. */
  readonly message: string
  readonly hint: string | undefined
}

/**
 * A finding whose severity depends on the verdict and on `chain-check`. `date` and `purpose` are what `chain-check: warn`
 * relaxes; `structure` is all else that OpenSSL judges.
 */
export interface Fault extends Omit<Finding, 'severity'> {
  readonly kind: 'date' | 'purpose' | 'structure'
  /** Set where another input forbids what `chain-check: warn` would let pass. */
  readonly enforced?: boolean
}

/** One certificate of the path that is judged, with what its bytes say. */
export interface Member {
  readonly certificate: X509Certificate
  readonly position: string
  /** `CN=Issuing CA, O=Example`: printable. */
  readonly subject: string
  readonly extensions: CertificateExtensions | undefined
  /** Set where its dates, its key or its extensions cannot be read: then nothing else is said about it. */
  readonly unreadable: string | undefined
}

/** The chain and, where `withRoot` says so, the root above it. */
export function membersOf({ chain, root }: Path, withRoot: boolean): readonly [Member, ...Member[]] {
  const [leaf, ...intermediates] = chain
  return [
    memberOf(leaf, 'leaf'),
    ...intermediates.map((certificate, index) => memberOf(certificate, `intermediate ${index + 1}`)),
    ...(withRoot && root !== undefined ? [memberOf(root, 'root')] : []),
  ]
}

function memberOf(certificate: X509Certificate, position: string): Member {
  const member = { certificate, position, subject: subjectOf(certificate), extensions: undefined }
  const part = undecodable(certificate)
  if (part !== undefined) return { ...member, unreadable: `its ${part} cannot be read` }
  try {
    return { ...member, extensions: readExtensions(certificate), unreadable: undefined }
  } catch (error) {
    if (!(error instanceof PublishError)) throw error
    return { ...member, unreadable: error.message }
  }
}

/** Node decodes these only when they are asked for, so that a certificate can be loaded without them. */
function undecodable(certificate: X509Certificate): string | undefined {
  const { from, until } = validityPeriod(certificate)
  if (Number.isNaN(+from) || Number.isNaN(+until)) return 'period of validity'
  try {
    return certificate.publicKey.type === 'public' ? undefined : 'public key'
  } catch {
    return 'public key'
  }
}

/** `the leaf certificate CN=publisher`, `the intermediate CN=Issuing CA`, `the root CN=Corporate Root`. */
export function nameMember({ position, subject }: Pick<Member, 'position' | 'subject'>): string {
  if (position === 'leaf') return `the leaf certificate ${subject}`
  return position === 'root' ? `the root ${subject}` : `the intermediate ${subject}`
}
