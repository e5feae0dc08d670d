import type { Care, Exchange } from './exchange.ts'
import type { MultipartForm } from './multipart.ts'

/** Bytes of a body that is in the buffers of two machines as a whole before anything dies: its place is not known. */
const SMALL = 6 * 1024 * 1024

/** Bytes. So much less than was sent may have arrived at a connection that died at full speed. */
const IN_BUFFERS = 8 * 1024 * 1024

/** Bytes. How exactly the place is known where the form was sent slowly, as at every try that follows a death. */
const EXACTNESS = 1024 * 1024

/**
 * Whether two connections in a row died at one place of the body, as at a limit of its size. A limit of time is met at
 * about one place too: hence the tenth.
 */
export function isSamePlace(before: Exchange | undefined, now: Exchange, { contentLength }: MultipartForm): boolean {
  if (before === undefined || contentLength <= SMALL) return false
  const tenth = contentLength / 10
  const isFurther = now.sent > before.sent
  return Math.abs(now.sent - before.sent) <= Math.max(isFurther ? EXACTNESS : IN_BUFFERS, tenth)
}

/** How the next attempt is sent, so that the place of a second death is known. `holdBackMs`: see `Care`. */
export function careAfter({ sent }: Exchange, holdBackMs: number): Care {
  return { holdBackMs, slowFrom: sent - IN_BUFFERS - EXACTNESS, slowTo: sent + EXACTNESS }
}
