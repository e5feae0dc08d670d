import { createHash } from 'node:crypto'
import { monotonicNow } from './clock.ts'
import type { Distribution } from './distributions/distribution.ts'
import { withDownloaded } from './distributions/downloaded-file.ts'
import type { OpenFile } from './distributions/open-file.ts'
import { PublishError } from './errors.ts'
import { type Difference, UNKNOWN_DIFFERENCE } from './package-index/existing.ts'
import { type DownloadBudget, fetchIndexFile } from './package-index/index-file.ts'
import { type IndexReader, LookupFailure } from './package-index/simple-index.ts'

/** With what a file of the index is fetched. */
export interface Fetching {
  readonly reader: IndexReader
  readonly download: DownloadBudget
  /** Directory for a temporary file. */
  readonly temp: string
}

/** Milliseconds for one explanation, and for all of a run: the index's bytes decide how much work it is. */
const COMPARE_TIME = 20_000
const COMPARE_TIME_A_RUN = 60_000

/** Bytes by which the index's file may be larger than twice ours and still be fetched. */
const ROOM = 64 * 1024

/** The explanations of one run, which share their time. */
export class Explaining {
  readonly #fetching: Fetching
  #leftMs: number

  constructor(fetching: Fetching, timeMs = COMPARE_TIME_A_RUN) {
    this.#fetching = fetching
    this.#leftMs = timeMs
  }

  /**
   * How the index's file differs from ours: fetched within the run's limits of bytes and time, then compared member by
   * member. Without words where that cannot be known: it only explains.
   *
   * @throws the signal's reason
   */
  async differenceOf(distribution: Distribution, url: URL, signal: AbortSignal): Promise<Difference> {
    const start = monotonicNow()
    try {
      const limit = Math.min(COMPARE_TIME, this.#leftMs)
      return limit <= 0 ? UNKNOWN_DIFFERENCE : await differenceOf(distribution, url, this.#fetching, limit, signal)
    } finally {
      this.#leftMs -= monotonicNow() - start
    }
  }
}

async function differenceOf(
  { file, kind, size, content, digests }: Distribution,
  url: URL,
  { reader, download, temp }: Fetching,
  limitMs: number,
  signal: AbortSignal,
): Promise<Difference> {
  const limit = size * 2 + ROOM
  const time = AbortSignal.timeout(Math.ceil(limitMs))
  const ends = AbortSignal.any([signal, time])
  if (!download.reserve(limit)) return UNKNOWN_DIFFERENCE
  let fetched = 0
  const hash = createHash('sha256')
  const fill = async (write: (chunk: Uint8Array) => void) => {
    const { complete, encoded } = await fetchIndexFile(url, limit, reader, ends, (chunk) => {
      fetched += chunk.length
      hash.update(chunk)
      write(chunk)
    })
    return complete && !encoded
  }
  try {
    const options = { directory: temp, shownName: "the index's file" }
    // Loaded here alone: most runs meet no conflict.
    const { describeDifference } = await import('./distributions/members.ts')
    const use = async (theirs: OpenFile) => ({
      isNone: hash.digest('hex') === (await digests.get()).sha256,
      words: await describeDifference(content, theirs, kind, file, ends),
    })
    return (await withDownloaded(fill, options, use)) ?? UNKNOWN_DIFFERENCE
  } catch (error) {
    // It only explains: a conflict is one without it.
    signal.throwIfAborted()
    if (time.aborted || error instanceof LookupFailure || error instanceof PublishError) return UNKNOWN_DIFFERENCE
    throw error
  } finally {
    download.giveBack(limit - fetched)
  }
}
