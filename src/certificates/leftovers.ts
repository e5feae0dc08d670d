import type { X509Certificate } from 'node:crypto'
import { count, subjectOf } from '../text.ts'
import type { Finding } from './findings.ts'
import type { Path } from './path.ts'

/** Certificates that a sentence names. */
const MOST_NAMED = 3

/** What the sent chain leaves out or moves, compared with what was given: notices of E_CERT_UNTIDY_CHAIN. */
export function judgeLeftovers(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  path: Path,
): readonly Finding[] {
  const prints = others.map(({ fingerprint256 }) => fingerprint256)
  const distinct = new Set([leaf.fingerprint256, ...prints])
  const repeated = others.length + 1 - distinct.size
  const findings: Finding[] = []
  if (repeated > 0) {
    const whose = prints.includes(leaf.fingerprint256) ? ', the leaf among them' : ''
    findings.push(
      notice(
        leaf,
        'extra',
        `client-cert holds ${count(repeated, 'certificate')} more than once${whose}; each is sent once`,
      ),
    )
  }
  const { root, unused } = path
  if (root !== undefined && distinct.has(root.fingerprint256)) {
    findings.push(
      notice(
        root,
        'root',
        `client-cert holds the root ${subjectOf(root)}, which is not sent: servers have their own copy`,
      ),
    )
  }
  const [first] = unused
  if (first !== undefined) {
    const names = unused.slice(0, MOST_NAMED).map(subjectOf).join('; ')
    findings.push(
      notice(
        first,
        'extra',
        `client-cert holds ${count(unused.length, 'certificate')} outside the leaf's path, not sent: ${names}`,
      ),
    )
  }
  return [...findings, ...moved(path, prints), ...added(path, distinct)]
}

/** TLS 1.2 servers may insist on the order (RFC 5246, 7.4.2). */
function moved({ chain }: Path, prints: readonly string[]): Finding[] {
  const places = chain.slice(1).map(({ fingerprint256 }) => prints.indexOf(fingerprint256))
  const known = places.filter((place) => place >= 0)
  const [, first] = chain
  if (first === undefined || known.every((place, index) => index === 0 || place > (known[index - 1] ?? 0))) return []
  return [notice(first, 'intermediate 1', 'the intermediates in client-cert are not in order; they are sent in order')]
}

function added({ chain }: Path, distinct: ReadonlySet<string>): Finding[] {
  return chain.flatMap((certificate, index) =>
    distinct.has(certificate.fingerprint256)
      ? []
      : [
          notice(
            certificate,
            `intermediate ${index}`,
            `${subjectOf(certificate)} is not in client-cert; it is sent from the CA bundle`,
          ),
        ],
  )
}

function notice(certificate: X509Certificate, position: string, message: string): Finding {
  return {
    code: 'E_CERT_UNTIDY_CHAIN',
    severity: 'notice',
    position,
    subject: subjectOf(certificate),
    message,
    hint: undefined,
  }
}
