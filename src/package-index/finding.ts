import { createHash } from 'node:crypto'
import type { Distribution } from '../distributions/distribution.ts'
import { PublishError } from '../errors.ts'
import { printable, redact } from '../text.ts'
import { Silence } from './exchange.ts'
import { type DownloadBudget, fetchIndexFile } from './index-file.ts'
import { ALGORITHMS, type Algorithm } from './listed-file.ts'
import { shown } from './lookup-answer.ts'
import type { Entry } from './project-page.ts'
import { type Finding, type IndexReader, LookupFailure } from './simple-index.ts'

/** Lower-case hexadecimal of a file of ours; undefined where this machine cannot compute it (md5 under FIPS). */
export type DigestOf = (
  distribution: Distribution,
  algorithm: 'sha384' | 'sha512' | 'md5',
  signal: AbortSignal,
) => Promise<string | undefined>

/** With what entries are compared. */
export interface Comparison {
  /** URL of the page: files are fetched from its origin alone. */
  readonly page: URL
  readonly reader: IndexReader
  readonly budget: DownloadBudget
  readonly digestOf: DigestOf
  /** Digests on the page are what the client said (GitLab): they prove nothing. */
  readonly digestIsOurWord: boolean
}

/**
 * What the entries of a file's name say of its bytes: digests first, then the size, then the index's own file. Entries
 * that contradict each other are other bytes. A signal whose reason is Silence ends the comparison, not the lookup.
 *
 * @throws LookupFailure for faults of network and server that may pass; the signal's reason
 */
export async function findingOf(
  distribution: Distribution,
  entries: readonly Entry[],
  comparison: Comparison,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    return await judge(distribution, entries, comparison, signal)
  } catch (error) {
    // The time of a look: what the page lists is listed all the same, and what was compared before counts.
    if (signal.reason instanceof Silence) return { state: 'unknown', why: OUT_OF_TIME, url: undefined }
    // Our own file: it changed, or cannot be read any more. That ends this file, and not the lookup of the others.
    if (signal.aborted || !(error instanceof PublishError)) throw error
    return { state: 'unknown', why: error.message, url: undefined }
  }
}

const OUT_OF_TIME = 'the time of the lookup was over before it could be compared'

async function judge(
  distribution: Distribution,
  entries: readonly Entry[],
  comparison: Comparison,
  signal: AbortSignal,
): Promise<Finding> {
  const findings: Finding[] = []
  const open: Entry[] = []
  const proven = new Set<string>()
  for (const entry of entries) {
    const finding = await byListing(distribution, entry, comparison, signal)
    if (finding?.state === 'other') return finding
    if (finding === undefined) open.push(entry)
    else {
      findings.push(finding)
      if (entry.url !== undefined) proven.add(entry.url.href)
    }
  }
  for (const entry of open) {
    if (entry.url !== undefined && proven.has(entry.url.href)) continue
    const finding = await byContent(distribution, entry, comparison, signal)
    if (finding.state === 'other') return finding
    findings.push(finding)
  }
  return findings.find(({ state }) => state === 'unknown') ?? findings[0] ?? { state: 'absent' }
}

/** Undefined: the page alone does not tell. */
async function byListing(
  distribution: Distribution,
  entry: Entry,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const other = (listed: string) => otherBytes(distribution, entry, comparison, listed)
  const digests: ReadonlyMap<Algorithm, string> = comparison.digestIsOurWord ? new Map() : entry.digests
  for (const algorithm of ALGORITHMS) {
    const theirs = digests.get(algorithm)
    const ours = theirs && (await digestOf(distribution, algorithm, comparison, signal))
    if (theirs === undefined || ours === undefined) continue
    if (theirs !== ours) return other(`${algorithm} ${theirs}`)
    // md5 can be made to fit.
    if (algorithm !== 'md5') return { state: 'same', verified: algorithm }
  }
  if (entry.size !== undefined && entry.size !== distribution.size) return other(`size ${entry.size}`)
  return undefined
}

async function digestOf(
  distribution: Distribution,
  algorithm: Algorithm,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (algorithm === 'sha256') return (await distribution.digests.get()).sha256
  const known = algorithm === 'md5' ? (await distribution.digests.get()).md5 : undefined
  return known ?? (await comparison.digestOf(distribution, algorithm, signal))
}

const NO_DIGEST = 'the index gives no digest that proves it, and'

async function byContent(
  distribution: Distribution,
  entry: Entry,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<Finding> {
  const { page, reader, budget } = comparison
  const sizeFits = entry.size === distribution.size
  const url = ownUrl(entry, page)
  const unknown = (why: string): Finding => ({ state: 'unknown', why: `${NO_DIGEST} ${why}`, url, sizeFits })
  if (entry.url === undefined) return unknown('its page has no URL of the file that can be read')
  if (entry.url.origin !== page.origin) {
    const host = printable(redact(entry.url.host, reader.secrets), 100)
    return unknown(`its file is on another host (${host}), which is not asked`)
  }
  if (!budget.reserve(distribution.size)) return unknown(budget.why)
  let left = distribution.size
  try {
    return await fetched(distribution, entry, entry.url, comparison, signal, (bytes) => {
      left -= bytes
    })
  } catch (error) {
    if (!(error instanceof LookupFailure)) throw error
    // Not the time: a file that is too slow once is too slow each time.
    const isSlow = error.problem.cause instanceof Silence
    if (error.retry !== undefined && !isSlow) throw error
    if (isSlow) budget.spendTime()
    return unknown(`its file cannot be fetched: ${error.problem.message}`)
  } finally {
    budget.giveBack(left)
  }
}

async function fetched(
  distribution: Distribution,
  entry: Entry,
  url: URL,
  comparison: Comparison,
  signal: AbortSignal,
  spend: (bytes: number) => void,
): Promise<Finding> {
  const { reader } = comparison
  const { size, digests } = distribution
  const other = (listed: string) => otherBytes(distribution, entry, comparison, listed)
  const hash = createHash('sha256')
  const { bytes, complete, encoded, pageType } = await fetchIndexFile(url, size, reader, signal, (chunk) => {
    spend(chunk.length)
    hash.update(chunk)
  })
  const theirs = hash.digest('hex')
  if (complete && bytes === size && theirs === (await digests.get()).sha256)
    return { state: 'same', verified: 'download' }
  const oddity = oddityOf(encoded, pageType, complete && bytes === 0)
  if (oddity !== undefined) return { state: 'unknown', why: `${NO_DIGEST} ${oddity} (${shown({ url, reader })})`, url }
  if (!complete) return other(`size over ${size}`)
  return other(bytes === size ? `sha256 ${theirs}` : `size ${bytes}`)
}

/** What a server sent that is no word about its file: a page to log in, a fault told with 200, nothing at all. */
function oddityOf(encoded: boolean, pageType: string | undefined, isEmpty: boolean): string | undefined {
  if (encoded) return 'its file comes compressed, though that was not asked for'
  if (pageType !== undefined) return `a page (${pageType}) comes in place of its file`
  return isEmpty ? 'nothing comes in place of its file' : undefined
}

function otherBytes({ file }: Distribution, entry: Entry, { page, reader }: Comparison, listed: string): Finding {
  const spelled = entry.name === file ? '' : ` (as ${printable(redact(entry.name, reader.secrets), 100)})`
  return { state: 'other', listed: `${listed}${spelled}`, url: ownUrl(entry, page) }
}

/** Files on another origin are not asked for. */
function ownUrl({ url }: Entry, page: URL): URL | undefined {
  return url?.origin === page.origin ? url : undefined
}
