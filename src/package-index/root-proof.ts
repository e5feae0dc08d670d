import { printable } from '../text.ts'
import type { Answer } from './answer.ts'
import { type AnswerHead, get, isRedirect, within } from './fetch.ts'
import type { Link } from './html-page.ts'
import { ACCEPT, IndexPage, MOST_PAGE_BYTES } from './index-page.ts'
import { lastSegment } from './listed-file.ts'
import { answerFailure, explained } from './lookup-answer.ts'
import { PageFault } from './page-fault.ts'
import { normalized } from './project-page.ts'
import { redirectTarget } from './redirect.ts'
import { wordsOf } from './server-words.ts'
import { type IndexReader, LookupFailure, type SimpleIndex } from './simple-index.ts'

/** What the root of a simple index answered. */
export interface RootAnswer {
  /** It is the list of an index's projects. */
  readonly isIndex: boolean
  /** It points to another origin: the whole index has moved. */
  readonly elsewhere: boolean
  /** What it was instead of such a list: end of a sentence, printable. */
  readonly found: string
}

/** What is known of the root in a run: asked once, by whichever lookup needs it first. One for each simple index. */
export class RootProof {
  #answer: Promise<RootAnswer> | undefined

  /**
   * The answer, asked for by `ask` where nobody has it yet. A failure is not kept: the next one who asks tries again.
   *
   * @throws what `ask` throws; the signal's reason, at once
   */
  async get(ask: () => Promise<RootAnswer>, signal: AbortSignal): Promise<RootAnswer> {
    for (;;) {
      const own = this.#answer === undefined
      this.#answer ??= ask()
      const answer = this.#answer
      try {
        return await unlessAborted(answer, signal)
      } catch (error) {
        if (this.#answer === answer) this.#answer = undefined
        // The one who asked may have been cancelled alone: then this one asks.
        if (own || signal.aborted || error instanceof LookupFailure) throw error
      }
    }
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/**
 * Asks for the root page, in the reader's time.
 *
 * @throws LookupFailure for faults of network and server, which prove nothing either way; the signal's reason
 */
export async function askRoot(
  { root }: SimpleIndex,
  reader: IndexReader,
  now: () => Date,
  signal: AbortSignal,
): Promise<RootAnswer> {
  return await explained({ url: root, reader, now }, signal, async () => {
    let page: RootPageReader | undefined
    const open = ({ status, headers }: AnswerHead) => {
      page = status === 200 ? new RootPageReader(headers.get('content-type') ?? '') : undefined
      return page && ((chunk: Buffer) => page?.write(chunk))
    }
    const request = {
      url: root,
      reader,
      accept: ACCEPT.json,
      encoding: 'gzip',
      limitBytes: MOST_PAGE_BYTES,
      open,
    } as const
    try {
      const { answer, url } = await within(reader.idleTimeoutMs, signal, (timed) => get(request, timed))
      if (page === undefined) return otherAnswer(answer, url, reader, now)
      page.end()
      return { isIndex: true, elsewhere: false, found: '' }
    } catch (error) {
      if (!(error instanceof PageFault)) throw error
      return { isIndex: false, elsewhere: false, found: `it answered 200 with ${error.found}` }
    }
  })
}

function otherAnswer(answer: Answer, url: URL, reader: IndexReader, now: () => Date): RootAnswer {
  const failure = answerFailure(answer, { url, reader, now })
  if (failure.retry !== undefined) throw failure
  const target = isRedirect(answer) ? redirectTarget(answer, url) : undefined
  const elsewhere = target !== undefined && target.origin !== url.origin
  const found = elsewhere
    ? `it points to ${printable(target.host, 100)}`
    : `it answered ${wordsOf(answer, reader.secrets).status}`
  return { isIndex: false, elsewhere, found }
}

/** The list of all projects (PEP 503, PEP 691): links whose text and last part of the path are one name. */
class RootPageReader {
  readonly #page: IndexPage
  #projects = 0
  #others = 0

  constructor(contentType: string) {
    this.#page = new IndexPage(contentType, {
      link: (link) => {
        if (isProject(link)) this.#projects += 1
        else this.#others += 1
      },
      entry: () => {},
    })
  }

  write(chunk: Buffer): void {
    this.#page.write(chunk)
  }

  end(): void {
    const end = this.#page.end()
    if (end.form === 'json') {
      if (!Array.isArray(end.members.get('projects'))) throw new PageFault('JSON without a list of projects')
      return
    }
    if (end.marked || (this.#projects > 0 && this.#others === 0)) return
    throw new PageFault('a page that is no list of projects')
  }
}

function isProject({ href, text }: Link): boolean {
  const name = lastSegment(href.replace(/\/+(?=$|[?#])/, ''))
  return name !== '' && normalized(name) === normalized(text.replace(/\/$/, ''))
}
