import type { X509Certificate } from 'node:crypto'
import { type ValidityPeriod, validityPeriod } from '../encoding/validity-period.ts'

/** The way from a certificate up to whom a server trusts. */
export interface Path {
  /** Leaf first, then its intermediates in order; no root: what is sent. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]]
  /** The self-signed certificate above the chain, where there is one. It is not sent. */
  readonly root: X509Certificate | undefined
  /** The highest certificate of the path that is among the given anchors: a root, an intermediate or the leaf itself. */
  readonly anchor: X509Certificate | undefined
  /** What was given beside the leaf and is no part of the path; each once. */
  readonly unused: readonly X509Certificate[]
}

/** Certificates of one name that are looked at as somebody's issuer; renewals and cross certificates are a handful. */
const MOST_OF_ONE_NAME = 64

/** Links that are tried, each at the cost of a signature, before the best path so far is taken. */
const MOST_LINKS = 200

/**
 * Builds the path leaf -> intermediates -> anchor (RFC 4158) from the given certificates in any order: each is followed
 * by one whose name it names as issuer and whose key verifies its signature. Of several paths it takes, in this order,
 * one that reaches an anchor, one whose members are valid now, are CAs and name each other rightly, one that ends at a
 * root, the shortest. Cycles and cross certificates cost bounded work.
 */
export function buildPath(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  now: Date,
): Path {
  const pool = new Pool(leaf, others, anchors)
  const members = new Search(pool, now).best(pool.leaf)
  const top = members.at(-1)
  const root = members.length > 1 && top?.isRoot() ? top : undefined
  const used = new Set(members)
  const intermediates = members.slice(1).filter((member) => member !== root)
  return {
    chain: [leaf, ...intermediates.map(({ certificate }) => certificate)],
    root: root?.certificate,
    anchor: members.findLast(({ trusted }) => trusted)?.certificate,
    unused: pool.given.filter((candidate) => !used.has(candidate)).map(({ certificate }) => certificate),
  }
}

/**
 * Names as OpenSSL compares them: case and runs of blanks do not count (RFC 5280, 7.1). A little wider than its rule,
 * since `checkIssued` decides.
 */
export function sameName(a: string | undefined, b: string | undefined): boolean {
  return normalised(a) === normalised(b)
}

/** Whether it names itself as issuer and its own key made its signature: a root, or a leaf that vouches for itself. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return sameName(certificate.subject, certificate.issuer) && isSignedBy(certificate, certificate)
}

/** Whether `issuer`'s key made the signature of `certificate`; a key that cannot be decoded made none. */
export function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey)
  } catch {
    return false
  }
}

/**
 * The anchors that can play a part in the verification of this path: an issuer is only ever looked up by its name, so
 * all others change nothing (and hundreds of them would not fit into a handshake).
 */
export function anchorsInReach(path: Path, anchors: readonly X509Certificate[]): readonly X509Certificate[] {
  const byName = Map.groupBy(anchors, ({ subject }) => normalised(subject))
  const found = new Set<X509Certificate>(path.anchor === undefined ? [] : [path.anchor])
  const names = path.chain.flatMap(({ subject, issuer }) => [normalised(subject), normalised(issuer)])
  for (const name of new Set(names)) climbNames(name, byName, found)
  return [...found]
}

function climbNames(
  name: string,
  byName: ReadonlyMap<string, readonly X509Certificate[]>,
  found: Set<X509Certificate>,
): void {
  for (const anchor of byName.get(name) ?? []) {
    if (found.size >= MOST_OF_ONE_NAME) return
    if (found.has(anchor)) continue
    found.add(anchor)
    climbNames(normalised(anchor.issuer), byName, found)
  }
}

function normalised(name: string | undefined): string {
  return (name ?? '')
    .toLowerCase()
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .trim()
}

class Candidate {
  readonly certificate: X509Certificate
  /** Whether it is among the anchors. */
  readonly trusted: boolean
  readonly #verified = new Map<Candidate, boolean>()

  constructor(certificate: X509Certificate, trusted: boolean) {
    this.certificate = certificate
    this.trusted = trusted
  }

  /** Self-signed. Of an anchor the signature may be anything: it is trusted by name and key. */
  isRoot(): boolean {
    const { certificate, trusted } = this
    if (!sameName(certificate.subject, certificate.issuer)) return false
    return this.isSignedBy(this) || (trusted && certificate.checkIssued(certificate))
  }

  isSignedBy(issuer: Candidate): boolean {
    const known = this.#verified.get(issuer)
    if (known !== undefined) return known
    const verified = isSignedBy(this.certificate, issuer.certificate)
    this.#verified.set(issuer, verified)
    return verified
  }

  /** One name and one key are one CA, however many certificates it has: it cannot stand twice in a path (RFC 4158, 5.2). */
  isSameEntity(other: Candidate): boolean {
    if (this === other) return true
    if (!sameName(this.certificate.subject, other.certificate.subject)) return false
    try {
      return this.certificate.publicKey.equals(other.certificate.publicKey)
    } catch {
      return false
    }
  }

  get period(): ValidityPeriod {
    return validityPeriod(this.certificate)
  }

  isValidAt(time: Date): boolean {
    const { from, until } = this.period
    return from <= time && time <= until
  }
}

/** All given certificates, each once, with the anchors first among those of one name. */
class Pool {
  readonly leaf: Candidate
  readonly given: readonly Candidate[]
  readonly #byName: ReadonlyMap<string, readonly Candidate[]>

  constructor(leaf: X509Certificate, others: readonly X509Certificate[], anchors: readonly X509Certificate[]) {
    const all = new Map<string, Candidate>()
    for (const anchor of anchors) all.set(anchor.fingerprint256, new Candidate(anchor, true))
    const add = (certificate: X509Certificate) => {
      const candidate = all.get(certificate.fingerprint256) ?? new Candidate(certificate, false)
      all.set(certificate.fingerprint256, candidate)
      return candidate
    }
    this.leaf = add(leaf)
    this.given = [...new Set(others.map(add))].filter((candidate) => candidate !== this.leaf)
    this.#byName = Map.groupBy(all.values(), ({ certificate }) => normalised(certificate.subject))
  }

  named(name: string): readonly Candidate[] {
    return (this.#byName.get(normalised(name)) ?? []).slice(0, MOST_OF_ONE_NAME)
  }
}

/** Depth first with a budget: hostile bundles (cycles, everybody signs everybody) have more paths than can be walked. */
class Search {
  readonly #pool: Pool
  readonly #now: Date
  readonly #issuers = new Map<Candidate, readonly Candidate[]>()
  #best: readonly Candidate[] = []
  #bestRank: readonly number[] = []
  #links = 0

  constructor(pool: Pool, now: Date) {
    this.#pool = pool
    this.#now = now
  }

  best(leaf: Candidate): readonly Candidate[] {
    this.#climb([leaf])
    return this.#best
  }

  /** Walks all paths that begin like this one. True: the search is over. */
  #climb(path: readonly Candidate[]): boolean {
    const top = path.at(-1)
    if (top === undefined) return true
    let climbed = false
    const issuers = top.isRoot() ? [] : this.#issuersOf(top)
    for (const issuer of issuers) {
      if (path.some((member) => member.isSameEntity(issuer)) || !this.#signed(top, issuer)) continue
      climbed = true
      if (this.#climb([...path, issuer])) return true
    }
    return !climbed && this.#offer(path)
  }

  #signed(top: Candidate, issuer: Candidate): boolean {
    this.#links += 1
    return this.#links <= MOST_LINKS && top.isSignedBy(issuer)
  }

  /** The likeliest first, so that a good path is met before the budget ends. */
  #issuersOf(top: Candidate): readonly Candidate[] {
    const known = this.#issuers.get(top)
    if (known !== undefined) return known
    const ranked = this.#pool
      .named(top.certificate.issuer)
      .map((issuer) => ({ issuer, rank: [this.#linkFaults(top, issuer), this.#distance(issuer)] }))
      .sort((a, b) => compare(a.rank, b.rank) || +b.issuer.period.until - +a.issuer.period.until)
    const issuers = ranked.map(({ issuer }) => issuer)
    this.#issuers.set(top, issuers)
    return issuers
  }

  /** 0: an anchor; 1: names one as its issuer; 2: farther away. */
  #distance(issuer: Candidate): number {
    if (issuer.trusted) return 0
    return this.#pool.named(issuer.certificate.issuer).some(({ trusted }) => trusted) ? 1 : 2
  }

  /** What a server will not like about this issuer. It stays a candidate: the finding has to name it. */
  #linkFaults(top: Candidate, issuer: Candidate): number {
    const faults = [
      !top.certificate.checkIssued(issuer.certificate),
      !issuer.certificate.ca,
      !issuer.isValidAt(this.#now),
    ]
    return faults.filter(Boolean).length
  }

  /** Keeps the path if it is the best so far. True: none can be better. */
  #offer(path: readonly Candidate[]): boolean {
    const rank = this.#rank(path)
    if (this.#best.length === 0 || compare(rank, this.#bestRank) < 0) {
      this.#best = path
      this.#bestRank = rank
    }
    const [reached, faults, end] = rank
    return reached === 0 && faults === 0 && end === 0
  }

  #rank(path: readonly Candidate[]): readonly number[] {
    const top = path.at(-1)
    const reached = path.some(({ trusted }) => trusted)
    const atRoot = top?.isRoot() === true && (top.trusted || !reached)
    let faults = 0
    for (const [index, member] of path.entries()) {
      const below = path[index - 1]
      if (below !== undefined) faults += this.#linkFaults(below, member)
    }
    return [reached ? 0 : 1, faults, atRoot ? 0 : 1, path.length]
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
