import { monotonicNow } from '../clock.ts'

/** One request's place in the pace of its server. */
export interface Turn {
  /** The number of pauses before it. */
  readonly pauses: number
}

export interface PaceOptions {
  /** Failures in a row, of all requests together, after which nobody tries again. */
  readonly retries: number
  /** Milliseconds: the longest first pause; each further one may be twice as long, up to LONGEST_PAUSE. */
  readonly firstPauseMs: number
  /** From 0 to below 1. */
  readonly random: () => number
  /** The server's, where uploads and lookups have a pace each. */
  readonly pause?: Pause
}

/** How long one server is left alone, by all that ask it. */
export interface Pause {
  /** In the time of `monotonicNow()`, milliseconds. */
  until: number
}

/** Milliseconds. */
const LONGEST_PAUSE = 30_000

interface Waiter {
  readonly resolve: (turn: Turn) => void
}

/**
 * How fast one server is asked, by all requests of one kind together: a lookup that succeeds says nothing about uploads. A
 * failure that may pass pauses all of them, for a time chosen at random from a range that doubles (full jitter), or for as
 * long as the server asks. After a pause one request goes first, the one that waited longest; the others follow when it
 * succeeds. So a server in trouble gets one request at a time, and not each file's tries at once.
 */
export class Pace {
  readonly #options: PaceOptions
  readonly #queue: Waiter[] = []
  #failures = 0
  #pauses = 0
  readonly #pause: Pause
  #first: Turn | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: PaceOptions) {
    this.#options = options
    this.#pause = options.pause ?? { until: 0 }
  }

  /** Waits until a request may begin. Each turn ends with `answered`, `failed` or `left`. Rejects with the signal's reason. */
  async turn(signal: AbortSignal): Promise<Turn> {
    signal.throwIfAborted()
    if (this.#failures === 0 && this.#pause.until <= monotonicNow()) return { pauses: this.#pauses }
    const { promise, resolve, reject } = Promise.withResolvers<Turn>()
    const waiter = { resolve }
    const cancel = () => {
      const place = this.#queue.indexOf(waiter)
      if (place >= 0) this.#queue.splice(place, 1)
      if (this.#queue.length === 0) clearTimeout(this.#timer)
      reject(signal.reason)
    }
    this.#queue.push(waiter)
    signal.addEventListener('abort', cancel, { once: true })
    this.#release()
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  /** The server is well, whatever it said; what began before the last failure says nothing about the time since. */
  answered(turn: Turn): void {
    if (turn.pauses === this.#pauses) this.#failures = 0
    this.left(turn)
  }

  /** The request came to an end that says nothing about the server. */
  left(turn: Turn): void {
    if (this.#first === turn) this.#first = undefined
    this.#release()
  }

  /**
   * The server was busy, or the connection died. `afterMs`: not before, as the server asks.
   *
   * @returns whether another try is worth while
   */
  failed(turn: Turn, afterMs: number | undefined): boolean {
    const now = monotonicNow()
    // Requests that were under way together fail together: they count once.
    const isFirst = turn.pauses === this.#pauses
    if (isFirst) {
      this.#pauses += 1
      this.#failures += 1
    }
    const pause = isFirst && !this.isOver ? pauseAfter(this.#failures, this.#options) : 0
    // Never before the time that an earlier answer asked for.
    this.#pause.until = Math.max(this.#pause.until, now + (afterMs ?? pause))
    this.left(turn)
    return !this.isOver
  }

  /** There were so many failures in a row that nobody should try anything a second time. */
  get isOver(): boolean {
    return this.#failures > this.#options.retries
  }

  /** Milliseconds before which no request begins. */
  get waitMs(): number {
    return Math.max(0, this.#pause.until - monotonicNow())
  }

  #release(): void {
    clearTimeout(this.#timer)
    if (this.#queue.length === 0) return
    const wait = this.#pause.until - monotonicNow()
    if (wait > 0) this.#timer = setTimeout(() => this.#release(), Math.ceil(wait))
    else if (this.#failures === 0) for (const { resolve } of this.#queue.splice(0)) resolve({ pauses: this.#pauses })
    else if (this.#first === undefined) {
      this.#first = { pauses: this.#pauses }
      this.#queue.shift()?.resolve(this.#first)
    }
  }
}

/** Milliseconds: a random part ("full jitter") of a time that doubles with each failure in a row, up to LONGEST_PAUSE. */
export function pauseAfter(
  failures: number,
  { firstPauseMs, random }: Pick<PaceOptions, 'firstPauseMs' | 'random'>,
): number {
  return random() * Math.min(LONGEST_PAUSE, firstPauseMs * 2 ** (failures - 1))
}
