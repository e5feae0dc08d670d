import { issuerOf } from '../text.ts'
import type { Fault, Finding, Member } from './findings.ts'
import type { Verdict } from './verdict.ts'

/** `chain-check` */
export type ChainCheckMode = 'enforce' | 'warn'

/** Codes by which OpenSSL names what `chain-check: warn` relaxes, and the kind of the fault that explains them. */
const RELAXED = new Map<string, Fault['kind']>([
  ['CERT_HAS_EXPIRED', 'date'],
  ['CERT_NOT_YET_VALID', 'date'],
  ['INVALID_PURPOSE', 'purpose'],
])

const WEAK_CODES = new Set(['ERR_SSL_EE_KEY_TOO_SMALL', 'ERR_SSL_CA_KEY_TOO_SMALL', 'ERR_SSL_CA_MD_TOO_WEAK'])

/**
 * Puts verdict and faults together. Accepted: only other servers may mind, except that dates are judged by the clock
 * that was given. Refused: the faults are the cause. Refused for something that no fault explains: OpenSSL's own code is
 * shown (E_CERT_REFUSED, E_CERT_WEAK or E_KEY_UNSUPPORTED). Without a verdict all faults count.
 */
export function settle(
  faults: readonly Fault[],
  verdict: Verdict | undefined,
  leaf: Member,
  mode: ChainCheckMode,
): readonly Finding[] {
  const settled = faults.map((fault) => withSeverity(fault, isTolerated(fault, verdict, mode) ? 'warning' : 'error'))
  return verdict === undefined || isExplained(verdict, faults) ? settled : [...settled, refused(verdict, leaf)]
}

export function withSeverity({ kind: _, enforced: __, ...fault }: Fault, severity: 'error' | 'warning'): Finding {
  return { ...fault, severity }
}

function isTolerated({ kind, enforced }: Fault, verdict: Verdict | undefined, mode: ChainCheckMode): boolean {
  if (kind !== 'date' && verdict?.accepted) return true
  return mode === 'warn' && kind !== 'structure' && enforced !== true
}

/**
 * OpenSSL gives one code, the last one that it came across, in this order: critical extensions, CA flags, purposes and
 * path lengths; strength; signatures and dates; name constraints. So a code of dates or purposes may hide a fault of
 * structure, which our own findings have to show (and then it is an error), but never a name outside the constraints,
 * which would have come later and is not looked at here.
 */
function isExplained({ accepted, code = '' }: Verdict, faults: readonly Fault[]): boolean {
  return accepted || faults.some(({ kind }) => kind === 'structure' || kind === RELAXED.get(code))
}

function refused({ code = 'no code' }: Verdict, { subject, certificate }: Member): Finding {
  const common = { severity: 'error', position: 'leaf', subject } as const
  const issuer = issuerOf(certificate)
  if (code === 'NOT_SENT') {
    return {
      ...common,
      code: 'E_KEY_UNSUPPORTED',
      message: `TLS has no signature for the kind of key that ${subject} has: the certificate would not be sent`,
      hint: `Ask the team that runs ${issuer} for a certificate with an RSA, P-256, P-384 or Ed25519 key.`,
    }
  }
  return {
    ...common,
    code: WEAK_CODES.has(code) ? 'E_CERT_WEAK' : 'E_CERT_REFUSED',
    message: `OpenSSL refuses the chain of ${subject} (${code}), and so will servers that use it`,
    hint: `Show the chain to the team that runs ${issuer}; \`openssl verify -purpose sslclient\` tells more about it.`,
  }
}
