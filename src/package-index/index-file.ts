import { type AnswerHead, type BodyConsumer, BodyLimit, get, within } from './fetch.ts'
import { answerFailure, explained } from './lookup-answer.ts'
import type { IndexReader } from './simple-index.ts'

/** Bytes of files that a run fetches from the index to compare them. */
const MOST_BYTES_A_RUN = 100_000_000

/** What a run may still fetch, shared by all of its lookups. */
export class DownloadBudget {
  #left: number
  #isSlow = false

  constructor(bytes = MOST_BYTES_A_RUN) {
    this.#left = bytes
  }

  /** Sets bytes aside; false, and nothing is set aside, where they are no longer there. */
  reserve(bytes: number): boolean {
    if (this.#isSlow || bytes > this.#left) return false
    this.#left -= bytes
    return true
  }

  /** A file did not come in its time. Each further one would cost the run as much. */
  spendTime(): void {
    this.#isSlow = true
  }

  /** Why nothing more is fetched: end of a sentence. */
  get why(): string {
    return this.#isSlow
      ? 'a file that was fetched to compare did not come in time'
      : 'the limit of what a run fetches to compare is reached'
  }

  /** Gives back what was set aside and not fetched. */
  giveBack(bytes: number): void {
    this.#left += bytes
  }
}

/** What came of a file. */
export interface FetchedFile {
  /** Bytes that were handed out. */
  readonly bytes: number
  /** False: the file has more bytes than the limit, and not all of them were handed out. */
  readonly complete: boolean
  /** The server says that these bytes are an encoding of the file (Content-Encoding), though none was asked for. */
  readonly encoded: boolean
  /** Its type, where that is the type of a page for people or programs (HTML, JSON); no distribution has it. */
  readonly pageType: string | undefined
}

/**
 * Fetches a file that the index lists, from the index's own origin, as the bytes come: at most `limitBytes` are handed
 * to `onChunk`, in at most the reader's time. A length that is announced and too large ends it before the first byte.
 *
 * @throws LookupFailure; the signal's reason; what `onChunk` throws
 */
export async function fetchIndexFile(
  url: URL,
  limitBytes: number,
  reader: IndexReader,
  signal: AbortSignal,
  onChunk: BodyConsumer,
): Promise<FetchedFile> {
  let bytes = 0
  let encoded = false
  let pageType: string | undefined
  const take = (chunk: Buffer): void => {
    bytes += chunk.length
    onChunk(chunk)
  }
  const now = () => new Date()
  const open = ({ status, headers }: AnswerHead) => {
    if (status !== 200) return undefined
    encoded = !/^(?:identity)?$/i.test(headers.get('content-encoding')?.trim() ?? '')
    pageType = /^\s*(?:text\/html|application\/(?:[\w.-]+\+)?json)\b/i
      .exec(headers.get('content-type') ?? '')?.[0]
      .trim()
    if (Number(headers.get('content-length') ?? 0) > limitBytes) throw new BodyLimit(limitBytes)
    return take
  }
  const request = { url, reader, accept: '*/*', encoding: 'identity', limitBytes, open } as const
  return await explained({ url, reader, now }, signal, async () => {
    try {
      const { answer, url: final } = await within(reader.idleTimeoutMs, signal, (timed) => get(request, timed))
      if (answer.status !== 200) throw answerFailure(answer, { url: final, reader, now, file: true })
      return { bytes, complete: true, encoded, pageType }
    } catch (error) {
      if (error instanceof BodyLimit) return { bytes, complete: false, encoded, pageType }
      throw error
    }
  })
}
