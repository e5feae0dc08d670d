import type { Answer } from './answer.ts'

/** Milliseconds: a server that asks to come back later than this gets no second try in this run. */
export const LONGEST_WAIT = 120_000

/** More than three years: beyond it nobody comes back, and dates end. */
const MOST_SECONDS = 99_999_999

/**
 * How long a server asks to wait (Retry-After; RFC 9110, 10.2.3: seconds or a date), in milliseconds, 0 for a time that
 * has passed; undefined: it does not say, or nobody can read it.
 */
export function retryAfterMs({ headers }: Pick<Answer, 'headers'>, now: Date): number | undefined {
  const text = headers.get('retry-after')?.trim() ?? ''
  const bounded = (milliseconds: number) => Math.min(Math.max(0, milliseconds), MOST_SECONDS * 1000)
  if (/^\d+$/.test(text)) return bounded(Number(text) * 1000)
  const date = httpDate(text)
  // Both dates of one clock: this machine's may be wrong.
  const clock = httpDate(headers.get('date') ?? '') ?? now
  return date && bounded(date.getTime() - clock.getTime())
}

function httpDate(value: string): Date | undefined {
  const date = new Date(/ GMT$/.test(value) ? value : '')
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** `in 90 s`, `in 5 minutes (2026-11-27T03:35:00Z)`: when to come back, for people. */
export function comeBack(waitMs: number, now: Date): string {
  const seconds = Math.ceil(waitMs / 1000)
  if (seconds < 120) return `in ${seconds} s`
  const time = new Date(now.getTime() + waitMs).toISOString().slice(0, 19)
  const amount = seconds < 7200 ? `${Math.ceil(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`
  return `in ${amount} (${time}Z)`
}
