import type { X509Certificate } from 'node:crypto'
import { issuerOf, subjectOf } from '../text.ts'
import { type Finding, type Member, nameMember } from './findings.ts'
import { buildPath, isSelfSigned, isSignedBy, type Path, sameName } from './path.ts'

/** A path that ends below every anchor, and what it was built from. */
export interface OpenEnd {
  readonly path: Path
  /** The highest certificate that is judged. */
  readonly top: Member
  readonly others: readonly X509Certificate[]
  readonly anchors: readonly X509Certificate[]
  /** The input that the anchors come from; undefined: neither was given. */
  readonly bundle: 'client-ca-bundle' | 'ca-bundle' | undefined
  readonly now: Date
}

type Explanation = Pick<Finding, 'code' | 'message' | 'hint'>

/** Certificates of the issuer's name that are looked at, and unused CAs whose own paths are built. */
const MOST_LOOKED_AT = 16

/**
 * A certificate that names its issuer rightly (name and, where both have one, key identifier) but was not signed by that
 * issuer's key: one of the two was altered. Where the identifiers are missing it can also be a CA that was made anew,
 * which is as good a reason not to send the chain that was put together. E_CERT_SIGNATURE, always an error.
 */
export function brokenSignature({ path, top, others, anchors }: OpenEnd): Finding | undefined {
  // A root of the user's file above the top: its signature was verified.
  if (path.root !== undefined) return undefined
  const { certificate, extensions } = top
  const identified = extensions?.authorityKeyId !== undefined
  const issuer = [certificate, ...others, ...(identified ? anchors : [])]
    .filter((candidate) => sameName(candidate.subject, certificate.issuer))
    .slice(0, MOST_LOOKED_AT)
    .find((candidate) => namesAsIssuer(top, candidate) && !isSignedBy(certificate, candidate))
  if (issuer === undefined) return undefined
  return {
    code: 'E_CERT_SIGNATURE',
    severity: 'error',
    position: top.position,
    subject: top.subject,
    message: `the signature of ${nameMember(top)} was not made with the key of ${subjectOf(issuer)}: one of the two was altered, or the CA was made anew under the same name`,
    hint: `Take the certificate and its CA's certificate anew from the team that runs ${issuerOf(certificate)}.`,
  }
}

/** `checkIssued` asks for keyCertSign too, which a self-signed leaf does not need. */
function namesAsIssuer({ certificate, extensions }: Member, candidate: X509Certificate): boolean {
  if (candidate !== certificate) return certificate.checkIssued(candidate)
  return extensions?.authorityKeyId === extensions?.subjectKeyId
}

/**
 * Why the path does not reach the bundle: E_CERT_UNKNOWN_ISSUER, or E_CERT_INCOMPLETE_CHAIN where a link seems to be
 * missing. An error with `client-ca-bundle`; with `ca-bundle`, which is about the server, a guess and a notice, since many
 * companies use two PKIs.
 */
export function missingIssuer(end: OpenEnd): Finding | undefined {
  const { top, bundle } = end
  if (bundle === undefined) return undefined
  const severity = bundle === 'ca-bundle' ? 'notice' : 'error'
  return { ...explain(end, bundle), severity, position: top.position, subject: top.subject }
}

/** What to tell when a server refuses a chain that could be compared with no bundle. */
export function openQuestion({ path, top }: OpenEnd): string {
  const issuer = issuerOf(top.certificate)
  if (path.chain.length === 1 && path.root === undefined && !isSelfSigned(top.certificate)) {
    return `client-cert holds ${nameMember(top)} alone: a server that does not have the certificate of its issuer ${issuer} cannot accept it`
  }
  return `client-ca-bundle was not given, so nothing could be said about whether the server trusts ${issuer}, where the chain ends`
}

function explain(end: OpenEnd, bundle: string): Explanation {
  const { path, top, anchors } = end
  const highest = path.root ?? top.certificate
  const name = issuerOf(highest)
  if (anchors.some((anchor) => sameName(anchor.subject, highest.issuer))) {
    return {
      code: 'E_CERT_UNKNOWN_ISSUER',
      message: `${bundle} holds a CA named ${name}, but with another key than the one that signed ${nameMember(top)}: it was made anew under the same name`,
      hint: `Ask the team that runs ${name} which of its certificates the server trusts, and for a client certificate from that one.`,
    }
  }
  if (path.root !== undefined || isSelfSigned(highest)) {
    const where = path.root === undefined ? 'is self-signed and not' : 'is not'
    return {
      code: 'E_CERT_UNKNOWN_ISSUER',
      message: `the chain ends at ${subjectOf(highest)}, which ${where} in ${bundle}`,
      hint: `Use a client certificate that a CA in ${bundle} issued, or put the CA that the server trusts for clients into ${bundle}.`,
    }
  }
  return isGap(end) || hasNamesake(end) ? missingLink(end, bundle) : unknownIssuer(name, top, bundle)
}

function missingLink(end: OpenEnd, bundle: string): Explanation {
  const { path, top } = end
  const name = issuerOf(top.certificate)
  if (hasNamesake(end)) {
    return {
      code: 'E_CERT_INCOMPLETE_CHAIN',
      message: `client-cert holds a CA named ${name}, but with another key than the one that signed ${nameMember(top)}: it was made anew under the same name, and the certificate of the CA that signed is missing`,
      hint: `Take ${nameMember(top)} and the certificate of ${name} from one delivery of the team that runs it, and store them together.`,
    }
  }
  const alone = path.chain.length === 1 ? 'client-cert holds the leaf without it' : 'client-cert has a gap there'
  return {
    code: 'E_CERT_INCOMPLETE_CHAIN',
    message: `the certificate of ${name}, which issued ${nameMember(top)}, is missing: ${alone}, and ${bundle} does not hold it either`,
    hint: `Append the intermediate certificate of ${name} to client-cert. Should it be a root, ${bundle} belongs to another PKI.`,
  }
}

function unknownIssuer(name: string, top: Member, bundle: string): Explanation {
  return {
    code: 'E_CERT_UNKNOWN_ISSUER',
    message: `${name}, the issuer of ${nameMember(top)}, is neither in client-cert nor in ${bundle}`,
    hint: `Use a client certificate that a CA in ${bundle} issued; or, if ${name} is an intermediate of such a CA, append its certificate to client-cert.`,
  }
}

function hasNamesake({ others, top }: OpenEnd): boolean {
  return others.some(({ subject }) => sameName(subject, top.certificate.issuer))
}

/**
 * Whether a link in the middle is missing rather than the end. Proof: a CA that was given lies outside the path and
 * reaches an anchor by itself. Likely: the leaf stands alone and its issuer does not call itself a root; roots seldom
 * issue leaves.
 */
function isGap({ path, others, anchors, now }: OpenEnd): boolean {
  const [leaf, issuer] = path.chain
  if (leaf !== undefined && issuer === undefined && !/\broot\b/i.test(leaf.issuer)) return true
  const authorities = path.unused.filter(({ ca }) => ca).slice(0, MOST_LOOKED_AT)
  return authorities.some((authority) => buildPath(authority, others, anchors, now).anchor !== undefined)
}
