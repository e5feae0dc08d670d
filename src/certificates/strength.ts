import { issuerOf } from '../text.ts'
import { type Fault, type Member, nameMember } from './findings.ts'

/** What OpenSSL's security level 2 asks for (112 bits): bits of the modulus, bits of the curve. */
const SHORTEST_MODULUS = 2048
const SHORTEST_CURVE = 224

/** Keys and digests that OpenSSL's default level calls too weak: E_CERT_WEAK. A root's own signature proves nothing and is not judged. */
export function judgeStrength(members: readonly Member[]): readonly Fault[] {
  return members.flatMap((member) => {
    const { position, subject, extensions, certificate } = member
    const digest = position === 'root' ? undefined : extensions?.weakDigest
    const reasons = [weakKey(member), digest === undefined ? undefined : `is signed with ${digest}`].filter(
      (reason) => reason !== undefined,
    )
    if (reasons.length === 0) return []
    return [
      {
        code: 'E_CERT_WEAK',
        kind: 'structure',
        position,
        subject,
        message: `${nameMember(member)} ${reasons.join(' and ')}, too weak for servers with a current OpenSSL`,
        hint: `Ask the team that runs ${issuerOf(certificate)} for a certificate with an RSA key of at least 2048 bits or an EC key, signed with SHA-256 or better.`,
      },
    ]
  })
}

function weakKey({ certificate, unreadable }: Member): string | undefined {
  if (unreadable !== undefined) return undefined
  const { asymmetricKeyType: type, asymmetricKeyDetails = {} } = certificate.publicKey
  const { modulusLength, namedCurve } = asymmetricKeyDetails
  if (modulusLength !== undefined && modulusLength < SHORTEST_MODULUS) {
    return `has an ${type?.toUpperCase()} key of ${modulusLength} bits`
  }
  if (type !== 'ec') return undefined
  // Every curve carries its size in its name, but for a few that nobody should use.
  const bits = Number(/\d{3}/.exec(namedCurve ?? '')?.[0] ?? 0)
  return bits < SHORTEST_CURVE ? `has an EC key on ${namedCurve ?? 'a curve without a name'}` : undefined
}
