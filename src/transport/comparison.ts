import { count, formatTime, issuerOf, printable } from '../text.ts'
import type { OwnChain } from './own-chain.ts'
import type { Party } from './party.ts'

/** What a server finds fault with; `any`: it does not say. */
export type Complaint = 'date' | 'purpose' | 'revocation' | 'issuer' | 'signature' | 'any'

/** What our own knowledge adds to a server's refusal. */
export interface Comparison {
  /** Behind the sentence of the refusal; `''` where there is nothing to add. */
  readonly words: string
  /** Instead of the usual hint: what we know points elsewhere. */
  readonly hint: string | undefined
}

const NOTHING: Comparison = { words: '', hint: undefined }

const DATES = ['E_CERT_EXPIRED', 'E_CERT_NOT_YET_VALID']
const PATH = [
  'E_CERT_INCOMPLETE_CHAIN',
  'E_CERT_UNKNOWN_ISSUER',
  'E_CERT_NOT_A_CA',
  'E_CERT_PATH_LENGTH',
  'E_CERT_SIGNATURE',
]

/** Codes of findings that explain a complaint. */
const CAUSES: Record<Complaint, readonly string[]> = {
  date: DATES,
  purpose: ['E_CERT_PURPOSE', 'E_CERT_NOT_A_CA'],
  revocation: ['E_CERT_REVOKED'],
  issuer: PATH,
  signature: ['E_CERT_SIGNATURE', 'E_CERT_WEAK'],
  any: [...DATES, 'E_CERT_REVOKED', 'E_CERT_PURPOSE', 'E_CERT_WEAK', 'E_CERT_REFUSED', ...PATH],
}

const OWN_SIDE = 'So the fault is most likely on the side of the server'

/**
 * A server's complaint beside what we know of our chain. A weakness that we know explains it. A complaint that does not
 * fit what we know points at the server, and the hint then says where to look there.
 */
export function compare(complaint: Complaint, party: Party): Comparison {
  const { own } = party
  if (own === undefined) return NOTHING
  const cause = own.findings.find(({ code, severity }) => severity !== 'notice' && CAUSES[complaint].includes(code))
  if (cause !== undefined) return { words: `; the likely reason: ${cause.message}`, hint: undefined }
  switch (complaint) {
    case 'date':
      return validHere(own, party)
    case 'purpose':
      return fitHere(own)
    case 'revocation':
      return { words: named(own), hint: undefined }
    case 'issuer':
      return issuerHere(own, party, true)
    case 'signature':
      return { words: '', hint: remade(topIssuer(own)) }
    case 'any':
      return issuerHere(own, party, false)
  }
}

function validHere({ certificates }: OwnChain, { now }: Party): Comparison {
  const [leaf] = certificates
  const time = now()
  if (leaf === undefined || certificates.some((one) => one.validFromDate > time || one.validToDate < time)) {
    return NOTHING
  }
  const all = certificates.length === 1 ? 'it' : `each of the ${certificates.length} certificates that were sent`
  return {
    words: `, but ${all} is valid (the leaf until ${formatTime(leaf.validToDate)}; this runner's clock says ${formatTime(time)})`,
    hint: `${OWN_SIDE}: a CA certificate above the chain, or its copy of an intermediate, has ended there, its revocation list is out of date (OpenSSL says so with this alert), or its clock is wrong.`,
  }
}

/** `keyUsage` is Node's name of the extended key usage. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

function fitHere({ certificates: [leaf] }: OwnChain): Comparison {
  const purposes = leaf?.keyUsage
  if (leaf === undefined || (purposes !== undefined && !purposes.includes(CLIENT_AUTH))) return NOTHING
  const why = purposes === undefined ? 'no extended key usage limits it' : 'its extended key usage has clientAuth'
  return {
    words: `, but ${why}`,
    hint: `${OWN_SIDE}: one of its CA certificates above the chain may be limited to other purposes, or it does not take this kind of key.`,
  }
}

/** Which certificate a revocation list has to be searched for. */
function named({ certificates: [leaf] }: OwnChain): string {
  if (leaf === undefined) return ''
  return ` (serial ${printable(leaf.serialNumber, 64)}, issued by ${issuerOf(leaf)})`
}

/** Names of CAs in a sentence; the report has all of them. */
const MOST_NAMES = 3

/** `complains`: the server's complaint is about the issuer, and not just any. */
function issuerHere(own: OwnChain, { accepted }: Party, complains: boolean): Comparison {
  const { unknownIssuer } = own
  const guess = unknownIssuer === undefined ? '' : `; the likely reason: ${unknownIssuer}`
  if (accepted === undefined || accepted.names.length === 0) return { words: guess, hint: undefined }
  const { names, ours } = accepted
  if (ours === undefined) {
    const reasons = [unknownIssuer, notNamed(own, names)].filter((one) => one !== undefined)
    return { words: `; the likely reason: ${reasons.join('; ')}`, hint: undefined }
  }
  return {
    words: `, although it names ${ours} among the CAs that it accepts`,
    hint: complains ? remade(ours) : undefined,
  }
}

function notNamed(own: OwnChain, names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${count(names.length - MOST_NAMES, 'other')}` : ''
  const list = `${names.slice(0, MOST_NAMES).join('; ')}${more}`
  return `it names the CAs whose certificates it accepts (${list}), and the chain that was sent ends below ${topIssuer(own)}`
}

function topIssuer({ certificates }: OwnChain): string {
  const top = certificates.at(-1)
  return top === undefined ? 'its CA' : issuerOf(top)
}

/** Same name, other key: what renewing a CA without its key comes to. */
function remade(authority: string): string {
  return `${OWN_SIDE}: its copy of ${authority} may be another CA of that name (made anew with another key), it may have no revocation list of it, or follow shorter chains only. Compare the fingerprint of the CA there with that of the CA that issued this certificate.`
}
