import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import { type Answer, answerText, MAX_ANSWER_BYTES } from './answer.ts'
import type { Ring } from './chunk-buffers.ts'
import type { MultipartForm } from './multipart.ts'

/** What became of one POST. */
export interface Exchange {
  /** Undefined when the connection failed, died or stayed silent before an answer began. */
  readonly answer: Answer | undefined
  /** What ended it instead of an answer. */
  readonly error: unknown
  /** Whether a connection stood and the request began. */
  readonly started: boolean
  /** Bytes of the form that were handed to the connection. The last ones may still lie in this machine's buffers. */
  readonly sent: number
}

/** Nothing moved for so long; `limit` in milliseconds. */
export class Silence extends Error {
  readonly limit: number

  constructor(limit: number) {
    super(`nothing moved for ${limit} ms`)
    this.name = 'Silence'
    this.limit = limit
  }

  /** The limit in seconds, for people: `1.5 s`. */
  get time(): string {
    return `${Math.round(this.limit / 100) / 10} s`
  }
}

export interface PostRequest {
  readonly dispatcher: Dispatcher
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly form: MultipartForm
  /** What the file is read into; undefined: new buffers. */
  readonly ring?: Ring
  /** Milliseconds: the longest pause between two chunks that the connection takes; after the last, for all of the answer. */
  readonly idleTimeoutMs: number
  /** Given where the connection of the try before died. */
  readonly care?: Care | undefined
  /** Told at each chunk that the connection takes how many bytes of the form have gone so far. */
  readonly onSent?: (bytes: number) => void
}

/** What is done to learn more than that the connection died again. */
export interface Care {
  /**
   * Milliseconds for which the file is held back behind the form's fields, or until an answer begins: a server that has
   * refused by then is heard before a write to its closed socket fails.
   */
  readonly holdBackMs: number
  /**
   * Bytes of the form between which it is sent slowly. A connection that dies there has given the server almost all of
   * `sent`; at full speed megabytes of it wait in the buffers of two machines.
   */
  readonly slowFrom: number
  readonly slowTo: number
}

/** undici takes every async iterable for a body; its types know streams only. */
interface IterableDispatcher {
  dispatch(options: IterableOptions, handler: Dispatcher.DispatchHandler): boolean
}

interface IterableOptions extends Omit<Dispatcher.DispatchOptions, 'body'> {
  body?: Dispatcher.DispatchOptions['body'] | AsyncIterable<Buffer>
}

/**
 * Sends a form and waits for the answer, with no redirect and no second try. An answer that comes while the form is
 * still being sent counts, even when the connection breaks right behind it. Faults are part of the result.
 *
 * @throws the signal's reason when it is aborted, at once
 */
export async function post(request: PostRequest, signal: AbortSignal): Promise<Exchange> {
  signal.throwIfAborted()
  const { url, headers, form } = request
  const conversation = new Conversation(request, signal)
  const dispatcher: IterableDispatcher = request.dispatcher
  const options: IterableOptions = {
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: 'POST',
    headers: {
      ...headers,
      'content-type': form.contentType,
      'content-length': String(form.contentLength),
      'accept-encoding': 'identity',
    },
    body: conversation.body(),
    // The watch below counts both directions; undici's own would end a slow upload whose last bytes are in the kernel.
    headersTimeout: 0,
    bodyTimeout: 0,
  }
  dispatcher.dispatch(options, conversation)
  const exchange = await conversation.end
  await connectionFree()
  return exchange
}

/**
 * A connection is free again one turn of the event loop after its answer (undici): a request that comes before opens
 * another one, with a handshake that nobody needs. Behind an answer and not before a request: the first one of all finds
 * handshakes of other connections in that turn.
 */
export async function connectionFree(): Promise<void> {
  await nextTurn()
}

/** Milliseconds after a chunk that is sent slowly: time for a server that is not far away to read it. */
const SLOW_MS = 20

function slowness({ slowFrom, slowTo }: Care, sent: number): number {
  return slowFrom <= sent && sent < slowTo ? SLOW_MS : 0
}

/** undici's side of one exchange, and the watch over it. Settled once; what comes later is ignored. */
class Conversation implements Dispatcher.DispatchHandler {
  readonly end: Promise<Exchange>
  readonly #request: PostRequest
  readonly #signal: AbortSignal
  readonly #resolve: (exchange: Exchange) => void
  readonly #reject: (reason: unknown) => void
  readonly #chunks: Buffer[] = []
  #received = 0
  #sent = 0
  #head: Omit<Answer, 'text'> | undefined
  #controller: Dispatcher.DispatchController | undefined
  #timer: NodeJS.Timeout | undefined
  /** Whether the time runs for the rest of the exchange and not for the next chunk. */
  #lastWait = false
  #settled = false
  #onAnswer: () => void = () => {}

  constructor(request: PostRequest, signal: AbortSignal) {
    const { promise, resolve, reject } = Promise.withResolvers<Exchange>()
    this.end = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#request = request
    this.#signal = signal
    signal.addEventListener('abort', this.#cancel)
  }

  /** undici asks for the next chunk when the connection has taken the one before: that is the progress of the upload. */
  async *body(): AsyncGenerator<Buffer> {
    const { form, ring, onSent, care } = this.#request
    for await (const chunk of form.body(this.#signal, ring, care !== undefined)) {
      const isFirst = this.#sent === 0
      this.#sent += chunk.length
      // A connection may ask on behind an early answer: whoever was told of the end hears no more.
      if (!this.#settled) onSent?.(this.#sent)
      this.#moved()
      yield chunk
      if (this.#sent === form.contentLength) this.#allTaken()
      else if (care !== undefined) await this.#answerWithin(isFirst ? care.holdBackMs : slowness(care, this.#sent))
    }
  }

  /** Resolves when an answer begins or the exchange ends, and after `limit` milliseconds at the latest. */
  async #answerWithin(limit: number): Promise<void> {
    if (limit === 0 || this.#settled || this.#head !== undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, limit)
    this.#onAnswer = resolve
    await promise
    clearTimeout(timer)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#settled) controller.abort(new Error('the request was given up before it began'))
    else this.#moved()
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    reason = '',
  ): void {
    // 1xx is no answer yet.
    if (status < 200) return
    this.#moved()
    this.#lastWait = true
    this.#head = { status, reason, headers: firstValues(headers) }
    this.#onAnswer()
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#received += chunk.length
    this.#chunks.push(chunk)
    if (this.#received >= MAX_ANSWER_BYTES) this.#give(undefined)
  }

  onResponseEnd(): void {
    this.#finish(undefined)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish(error)
  }

  /** Something moved: the time begins anew, unless it is the one time for all of the answer. */
  #moved(): void {
    if (this.#settled || this.#lastWait) return
    this.#lastWait = this.#sent === this.#request.form.contentLength
    clearTimeout(this.#timer)
    const { idleTimeoutMs } = this.#request
    this.#timer = setTimeout(() => this.#give(new Silence(idleTimeoutMs)), idleTimeoutMs)
  }

  /** The time for the answer begins here: until now it was the last chunk's, which can be all of a small form. */
  #allTaken(): void {
    if (this.#head !== undefined) return
    this.#lastWait = false
    this.#moved()
  }

  readonly #cancel = (): void => {
    this.#stop()
    this.#reject(this.#signal.reason)
    this.#hangUp()
  }

  #give(error: unknown): void {
    this.#finish(error)
    this.#hangUp()
  }

  #hangUp(): void {
    this.#controller?.abort(new Error('the exchange is over'))
  }

  #finish(error: unknown): void {
    if (this.#settled) return
    this.#stop()
    const answer = this.#head && { ...this.#head, text: answerText(Buffer.concat(this.#chunks), this.#head.headers) }
    this.#resolve({ answer, error, started: this.#controller !== undefined, sent: this.#sent })
  }

  #stop(): void {
    this.#settled = true
    this.#onAnswer()
    clearTimeout(this.#timer)
    this.#signal.removeEventListener('abort', this.#cancel)
  }
}

/** Header fields by their names in lower case; of one that came twice the first value. */
export function firstValues(headers: Record<string, string | string[] | undefined>): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) {
    const [first] = typeof value === 'string' ? [value] : (value ?? [])
    if (first !== undefined) values.set(name.toLowerCase(), first)
  }
  return values
}
