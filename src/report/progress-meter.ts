import type { Distribution } from '../distributions/distribution.ts'
import { count, formatBytes } from '../text.ts'

/** Milliseconds without a byte after which a file is told of. */
const STALLED_AFTER = 20_000

interface OnItsWay {
  sent: number
  movedAt: number
  /** Whether its silence was told already. */
  told: boolean
}

/** How far a run's uploads are, for lines in the log. Times are those of `monotonicNow()`, in milliseconds. */
export class ProgressMeter {
  #startedAt = 0
  readonly #onTheirWay = new Map<Distribution, OnItsWay>()
  /** Undefined: the lookups are not done. */
  #files: number | undefined
  #bytes = 0
  #ended = 0
  #sent = 0

  /** What is to be sent in all, from now on. */
  expect(distributions: readonly Distribution[], now: number): void {
    this.#startedAt = now
    this.#files = distributions.length
    this.#bytes = distributions.reduce((sum, { size }) => sum + size, 0)
  }

  /** So many bytes of a file have gone, in the try that is on its way. */
  sent(distribution: Distribution, bytes: number, now: number): void {
    this.#onTheirWay.set(distribution, { sent: bytes, movedAt: now, told: false })
  }

  ended(distribution: Distribution): void {
    this.#onTheirWay.delete(distribution)
    this.#ended += 1
    this.#sent += distribution.size
  }

  /** What there is to say now: one line of the run, and one for each file that stands still. */
  lines(now: number): readonly string[] {
    const files = this.#files
    if (files === undefined) return ['waiting for the simple index']
    if (files === 0) return []
    if (this.#ended === files) return ['everything is sent; waiting for the index to list it']
    const stalled = [...this.#onTheirWay].filter(([, { movedAt, told }]) => !told && now - movedAt >= STALLED_AFTER)
    for (const [, one] of stalled) one.told = true
    return [this.#line(files, now), ...stalled.map(([{ file, size }, one]) => stallLine(file, size, one, now))]
  }

  #line(files: number, now: number): string {
    const under = [...this.#onTheirWay].map(([{ size }, { sent }]) => Math.min(size, sent))
    const sent = Math.min(
      this.#bytes,
      under.reduce((sum, bytes) => sum + bytes, this.#sent),
    )
    const seconds = (now - this.#startedAt) / 1000
    const rate = seconds > 0 ? sent / seconds : 0
    const parts = [
      `${this.#ended} of ${count(files, 'file')}`,
      `${formatBytes(sent)} of ${formatBytes(this.#bytes)}`,
      ...(rate > 0 ? [`${formatBytes(Math.round(rate))}/s`, timeLeft((this.#bytes - sent) / rate)] : []),
    ]
    return parts.join(', ')
  }
}

function stallLine(file: string, size: number, { sent, movedAt }: OnItsWay, now: number): string {
  const seconds = Math.round((now - movedAt) / 1000)
  return sent < size
    ? `${file}: nothing moved for ${seconds} s, after ${formatBytes(sent)} of ${formatBytes(size)}`
    : `${file}: everything was sent, and the index has not answered for ${seconds} s`
}

function timeLeft(seconds: number): string {
  if (seconds < 90) return `about ${Math.ceil(seconds)} s left`
  return seconds < 5400 ? `about ${Math.round(seconds / 60)} min left` : `about ${Math.round(seconds / 3600)} h left`
}
