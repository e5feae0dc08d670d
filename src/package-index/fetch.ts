import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { type Answer, MAX_ANSWER_BYTES } from './answer.ts'
import { connectionFree, firstValues, Silence } from './exchange.ts'
import { PageFault } from './page-fault.ts'
import { redirectTarget } from './redirect.ts'
import type { IndexReader } from './simple-index.ts'

export type AnswerHead = Omit<Answer, 'text'>

/** Gets a body piece by piece, decoded. What it throws ends the request. */
export type BodyConsumer = (chunk: Buffer) => void

export interface GetRequest {
  /** Of the origin that the reader's dispatcher is bound to. */
  readonly url: URL
  readonly reader: IndexReader
  readonly accept: string
  /** `gzip`: what comes compressed is decoded. `identity`: the bytes as they come, whatever the server says of them. */
  readonly encoding: 'gzip' | 'identity'
  /** Bytes of the body, after decoding: the next one is a BodyLimit. */
  readonly limitBytes: number
  /** Who gets the body behind this head; undefined: nobody, and what follows its first bytes is not read. */
  readonly open: (head: AnswerHead, url: URL) => BodyConsumer | undefined
  /** Whether to follow a redirect on the same origin; undefined: all of them. */
  readonly follows?: (target: URL) => boolean
}

/** An answer, and the URL that gave it after all redirects. */
export interface Fetched {
  /** `text`: the first bytes of the body, whoever else got it. */
  readonly answer: Answer
  readonly url: URL
}

/** A body that is longer than asked for. */
export class BodyLimit extends Error {
  constructor(limit: number) {
    super(`the body has more than ${limit} bytes`)
    this.name = 'BodyLimit'
  }
}

/** Redirects that a GET follows. */
const MOST_REDIRECTS = 5

/**
 * Gives work a time in all, in milliseconds: a server that sends a byte now and then would hold it for ever.
 *
 * @throws Silence when the time is over, at once
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const clock = new AbortController()
  const timer = setTimeout(() => clock.abort(new Silence(ms)), ms)
  try {
    return await work(AbortSignal.any([signal, clock.signal]))
  } finally {
    clearTimeout(timer)
  }
}

/**
 * One GET and at most five redirects on the same origin. Any other redirect is the answer, and so is the sixth.
 *
 * @throws BodyLimit, PageFault (a body that cannot be decoded), undici's errors, what the consumer throws, the signal's
 *   reason, at once
 */
export async function get(request: GetRequest, signal: AbortSignal): Promise<Fetched> {
  let url = request.url
  for (let redirects = 0; ; redirects += 1) {
    const answer = await getOnce({ ...request, url }, signal)
    const target = isRedirect(answer) ? redirectTarget(answer, url) : undefined
    const followed = target !== undefined && target.origin === url.origin && (request.follows?.(target) ?? true)
    if (!followed || redirects === MOST_REDIRECTS) return { answer, url }
    url = target
  }
}

/** 300 and 304 point nowhere that a client goes by itself. */
export function isRedirect({ status }: Pick<Answer, 'status'>): boolean {
  return [301, 302, 303, 307, 308].includes(status)
}

async function getOnce(request: GetRequest, signal: AbortSignal): Promise<Answer> {
  signal.throwIfAborted()
  const { url, reader, accept, encoding } = request
  const { dispatcher, authorization, userAgent } = reader
  const retrieval = new Retrieval(request, signal)
  dispatcher.dispatch(
    {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'GET',
      headers: {
        accept,
        'accept-encoding': encoding,
        'cache-control': 'no-cache',
        'user-agent': userAgent,
        ...(authorization === undefined ? {} : { authorization }),
      },
      // The signal has the time for the whole of it.
      headersTimeout: 0,
      bodyTimeout: 0,
    },
    retrieval,
  )
  const answer = await retrieval.end
  await connectionFree()
  return answer
}

type Decoder = ReturnType<typeof createGunzip>

const CHUNK = { chunkSize: 64 * 1024 }

const DECODERS: ReadonlyMap<string, () => Decoder> = new Map([
  ['gzip', () => createGunzip(CHUNK)],
  ['x-gzip', () => createGunzip(CHUNK)],
  ['deflate', () => createInflate(CHUNK)],
  ['br', () => createBrotliDecompress(CHUNK)],
])

/** undici's side of one GET. Settled once; what comes later is ignored. */
class Retrieval implements Dispatcher.DispatchHandler {
  readonly end: Promise<Answer>
  readonly #request: GetRequest
  readonly #signal: AbortSignal
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (reason: unknown) => void
  /** The first bytes of the body. */
  readonly #start: Buffer[] = []
  #received = 0
  #head: AnswerHead | undefined
  #consumer: BodyConsumer | undefined
  #decoder: Decoder | undefined
  #controller: Dispatcher.DispatchController | undefined
  #settled = false

  constructor(request: GetRequest, signal: AbortSignal) {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.end = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#request = request
    this.#signal = signal
    signal.addEventListener('abort', this.#cancel)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#settled) this.#hangUp()
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    reason = '',
  ): void {
    // 1xx is no answer yet.
    if (status < 200 || this.#settled) return
    const head: AnswerHead = { status, reason, headers: firstValues(headers) }
    this.#head = head
    this.#attempt(() => {
      this.#consumer = this.#request.open(head, this.#request.url)
      if (this.#request.encoding === 'gzip') this.#decode(head, controller)
    })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return
    if (this.#decoder === undefined) this.#take(chunk)
    else if (!this.#decoder.write(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#decoder === undefined) this.#finish()
    else this.#decoder.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error)
  }

  /** Some fronts compress in ways that nobody asked for. */
  #decode({ headers }: AnswerHead, controller: Dispatcher.DispatchController): void {
    const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? ''
    if (encoding === '' || encoding === 'identity') return
    const create = DECODERS.get(encoding)
    if (create === undefined) throw new PageFault('an encoding of the body that nobody asked for (Content-Encoding)')
    this.#decoder = create()
      .on('data', (chunk: Buffer) => this.#take(chunk))
      .on('drain', () => controller.resume())
      .on('end', () => this.#finish())
      .on('error', (error: NodeJS.ErrnoException) => {
        // Cut off, or no such encoding at all.
        const truncated = error.code === 'Z_BUF_ERROR'
        this.#fail(
          new PageFault(truncated ? 'a compressed page that is cut off' : 'a broken compressed page', truncated),
        )
      })
  }

  #take(chunk: Buffer): void {
    if (this.#settled) return
    if (this.#received < MAX_ANSWER_BYTES) this.#start.push(chunk.subarray(0, MAX_ANSWER_BYTES - this.#received))
    this.#received += chunk.length
    if (this.#consumer === undefined) {
      if (this.#received >= MAX_ANSWER_BYTES) this.#finish()
    } else if (this.#received > this.#request.limitBytes)
      this.#end(() => this.#reject(new BodyLimit(this.#request.limitBytes)))
    else this.#attempt(() => this.#consumer?.(chunk))
  }

  #attempt(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#end(() => this.#reject(error))
    }
  }

  readonly #cancel = (): void => {
    this.#end(() => this.#reject(this.#signal.reason))
  }

  #finish(): void {
    const head = this.#head
    if (head === undefined) return
    this.#end(() => this.#resolve({ ...head, text: Buffer.concat(this.#start).toString('utf8') }))
  }

  /** An answer that nobody reads to its end counts with what is there of it. A page that breaks off does not. */
  #fail(error: unknown): void {
    if (this.#head !== undefined && this.#consumer === undefined) this.#finish()
    else this.#end(() => this.#reject(error))
  }

  #end(settle: () => void): void {
    if (this.#settled) return
    this.#settled = true
    this.#signal.removeEventListener('abort', this.#cancel)
    this.#decoder?.destroy()
    settle()
    this.#hangUp()
  }

  /** undici keeps the connection of an answer that came to its end. */
  #hangUp(): void {
    this.#controller?.abort(new Error('the request is over'))
  }
}
