import type { KeyObject, X509Certificate } from 'node:crypto'
import type { InputMaterial } from '../encoding/input-material.ts'
import { nameOfKind } from '../encoding/kind.ts'
import { validityPeriod } from '../encoding/validity-period.ts'
import { type ProblemDetails, ProblemList, PublishError } from '../errors.ts'
import { formatDate, subjectOf } from '../text.ts'
import { type Holding, hold, whatElse } from './holding.ts'
import { type OpenedKey, signsFor } from './private-key.ts'

/** Who we are to the server. */
export interface ClientIdentity {
  readonly leaf: X509Certificate
  /** The leaf's private key, decrypted, in memory. */
  readonly key: KeyObject
  /** What was given beside the leaf, in the order given, each once. */
  readonly others: readonly X509Certificate[]
  /** Sentences for the log: what was decided or mended. */
  readonly notices: readonly string[]
}

export interface GivenIdentity {
  /** `client-cert`. */
  readonly certificate: InputMaterial
  /** `client-key`; undefined: the key is in `client-cert`. */
  readonly key: InputMaterial | undefined
  /** Untrimmed: with the line end that it may have. */
  readonly passphrase: string | undefined
  /** `client-key-alias`. */
  readonly alias: string | undefined
  readonly now: Date
  readonly signal: AbortSignal
}

/**
 * Reads certificates and key; the leaf is the certificate that the key fits, wherever it stands. Throws PublishError, or
 * PublishErrors with the independent problems of both inputs: E_INPUT_TRUNCATED, E_INPUT_FORMAT, E_CERT_MISSING,
 * E_CERT_UNREADABLE, E_KEY_MISSING, E_KEY_UNREADABLE, E_KEY_UNSUPPORTED, E_KEY_AMBIGUOUS, E_KEY_MISMATCH,
 * E_KEY_PASSPHRASE_MISSING, E_KEY_PASSPHRASE_WRONG, E_INPUT_CONFLICT. Opening a PKCS#12 file may take seconds: rejects
 * with the signal's reason once it is aborted.
 */
export async function readClientIdentity(given: GivenIdentity): Promise<ClientIdentity> {
  const { certificate, key, passphrase, alias, now, signal } = given
  const request = { passphrase, alias, hasOtherKey: key !== undefined, signal }
  const inCertificate = await hold(certificate, request)
  const inKey = key && (await hold(key, request))
  const holdings = inKey === undefined ? [inCertificate] : [inCertificate, inKey]
  const opened = requireAll(inCertificate, inKey)
  const certificates = distinct(holdings.flatMap((holding) => holding.certificates))
  const fitting = certificates.filter((one) => fits(one, opened.key))
  const [leaf, ...rivals] = fitting.toSorted((one, other) => compareLeaves(one, other, now))
  if (leaf === undefined) throw mismatch(holdings, certificates)
  if (!signsFor(leaf, opened.key)) throw damaged(holdings)
  return {
    leaf,
    key: opened.key,
    others: certificates.filter((one) => one !== leaf),
    notices: [
      ...passphraseNotices(passphrase, holdings),
      ...aliasNotices(alias, inCertificate),
      ...(rivals.length === 0 ? [] : [rivalNotice(leaf, rivals)]),
      ...holdings.flatMap(strangerNotices),
    ],
  }
}

/**
 * One input of the identity where the other one could not be read: throws what is wrong with this one by itself, and says
 * nothing of what is missing or does not fit.
 */
export async function refuseFaultsOf(
  material: InputMaterial,
  { passphrase, alias, signal }: Pick<GivenIdentity, 'passphrase' | 'alias' | 'signal'>,
): Promise<void> {
  const problems = new ProblemList()
  const holding = await hold(material, { passphrase, alias, hasOtherKey: false, signal })
  for (const problem of holding.problems) problems.add(problem)
  problems.throwIfAny()
}

/** The key, when both inputs hold what they must. Throws all that is wrong with them. */
function requireAll(inCertificate: Holding, inKey: Holding | undefined): OpenedKey {
  const problems = new ProblemList()
  for (const problem of [...inCertificate.problems, ...(inKey?.problems ?? [])]) problems.add(problem)
  const missing = [missingCertificate(inCertificate, inKey), missingKey(inCertificate, inKey)]
  for (const problem of missing) if (problem !== undefined) problems.add(problem)
  const keys = [...inCertificate.keys, ...(inKey?.keys ?? [])]
  const [first, ...more] = keys.filter(({ key }, at) => keys.findIndex((other) => other.key.equals(key)) === at)
  if (more.length > 0) problems.add(ambiguous([inCertificate, inKey], more.length + 1))
  problems.throwIfAny()
  if (first === undefined) throw new Error('no key, and no problem that says so')
  return first
}

/** Nothing is said to be missing in an input with a fault: it may stand in the part that could not be read. */
function missingCertificate(inCertificate: Holding, inKey: Holding | undefined): ProblemDetails | undefined {
  if (inCertificate.certificates.length > 0 || inCertificate.problems.length > 0) return undefined
  const swapped = inCertificate.keys.length > 0 && inKey !== undefined && inKey.certificates.length > 0
  return {
    code: 'E_CERT_MISSING',
    message: `${inCertificate.name} holds no certificate${whatElse(inCertificate)}`,
    hint: swapped
      ? 'client-key holds a certificate: the two inputs seem to be swapped.'
      : 'Give the certificate that the CA issued, with the intermediates that came with it, as client-cert.',
  }
}

function missingKey(inCertificate: Holding, inKey: Holding | undefined): ProblemDetails | undefined {
  const expected = inKey ?? inCertificate
  if (inCertificate.keys.length > 0 || expected.keys.length > 0 || expected.problems.length > 0) return undefined
  const openSsh = expected.strangers.find(({ kind }) => kind === 'openssh')
  if (openSsh !== undefined) {
    return {
      code: 'E_KEY_UNSUPPORTED',
      message: `${openSsh.where} is an OpenSSH private key, but TLS needs PKCS#8, PKCS#1 or SEC1`,
      hint: 'Give the key that the certificate was requested with; if it is this one, convert a copy with `ssh-keygen -p -m PKCS8 -f copy.key`.',
    }
  }
  if (inKey !== undefined) {
    return {
      code: 'E_KEY_MISSING',
      message: `${inKey.name} holds no private key${whatElse(inKey)}`,
      hint: 'Give the private key that the certificate was requested with (PKCS#8, PKCS#1 or SEC1).',
    }
  }
  return {
    code: 'E_KEY_MISSING',
    message: `there is no private key: client-key is empty, and ${inCertificate.name} holds none`,
    hint: inCertificate.isPkcs12
      ? 'Export the PKCS#12 file again together with its private key, or give the key as client-key.'
      : 'Give the private key as client-key, or in one file with its certificate as client-cert. If client-key is set from a secret, that secret has no value in this job.',
  }
}

function ambiguous(holdings: readonly (Holding | undefined)[], amount: number): ProblemDetails {
  const names = holdings.filter((holding) => holding !== undefined && holding.keys.length > 0).map((one) => one?.name)
  return {
    code: 'E_KEY_AMBIGUOUS',
    message: `${names.join(' and ')} ${names.length === 1 ? 'holds' : 'hold'} ${amount} different private keys`,
    hint: 'Give one private key: the one that the certificate was issued for.',
  }
}

function distinct(certificates: readonly X509Certificate[]): X509Certificate[] {
  return [...new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate])).values()]
}

/** A certificate whose public key OpenSSL cannot decode fits no key. */
function fits(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key)
  } catch {
    return false
  }
}

/** Valid now before not valid; issued by a CA before self-signed; then the newest. */
function compareLeaves(one: X509Certificate, other: X509Certificate, now: Date): number {
  return rank(other, now) - rank(one, now) || Number(validityPeriod(other).from) - Number(validityPeriod(one).from) || 0
}

function rank(certificate: X509Certificate, now: Date): number {
  const { from, until } = validityPeriod(certificate)
  const isValid = from <= now && now <= until
  return (isValid ? 2 : 0) + (certificate.subject === certificate.issuer ? 0 : 1)
}

function keyHolder(holdings: readonly Holding[]): string {
  return holdings.findLast(({ keys }) => keys.length > 0)?.name ?? 'client-key'
}

function damaged(holdings: readonly Holding[]): PublishError {
  return new PublishError({
    code: 'E_KEY_UNREADABLE',
    message: `the private key in ${keyHolder(holdings)} is damaged: what it signs does not verify with its own public key`,
    hint: 'Store the key again from its file, unchanged.',
  })
}

function mismatch(holdings: readonly Holding[], certificates: readonly X509Certificate[]): PublishError {
  const named = certificates.find(({ ca }) => !ca) ?? certificates[0]
  const others = certificates.length - 1
  const rest = others === 0 ? '' : `, nor to the ${others === 1 ? 'other one' : `${others} others`} given`
  return new PublishError({
    code: 'E_KEY_MISMATCH',
    message: `the private key in ${keyHolder(holdings)} does not belong to the certificate ${named === undefined ? '' : subjectOf(named)}${rest}`,
    hint: certificates.every(({ ca }) => ca)
      ? 'Only certificates of CAs are given: add the client certificate itself, which a CA issued for this key.'
      : 'Store certificate and key again, both from one request: a renewal often replaces only one of them. If both are new already, this run was queued before, or between the two: re-run it.',
  })
}

function passphraseNotices(passphrase: string | undefined, holdings: readonly Holding[]): string[] {
  if (passphrase === undefined) return []
  const uses = holdings.flatMap(({ passphraseUses }) => passphraseUses)
  if (uses.includes('without its line end')) {
    return ['client-key-passphrase ends in a line end; it is used without it']
  }
  return uses.includes('as given')
    ? []
    : ['client-key-passphrase is given, but the private key is not encrypted; it is not used']
}

function aliasNotices(alias: string | undefined, { isPkcs12, keys }: Holding): string[] {
  if (alias === undefined || (isPkcs12 && keys.length > 0)) return []
  return ['client-key-alias is given, but no key of a PKCS#12 file is used; it is not used']
}

function rivalNotice(leaf: X509Certificate, rivals: readonly X509Certificate[]): string {
  const { serialNumber } = leaf
  const { until: end } = validityPeriod(leaf)
  const until = Number.isNaN(Number(end)) ? 'an unreadable date' : formatDate(end)
  return `the private key fits ${rivals.length + 1} certificates: ${subjectOf(leaf)}, serial ${serialNumber}, valid until ${until}, is used`
}

function strangerNotices({ strangers }: Holding): string[] {
  return strangers.map(({ where, kind }) => `${where} is ${nameOfKind(kind)}; it is not used`)
}
