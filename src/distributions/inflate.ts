import { Readable } from 'node:stream'
import { createInflateRaw, inflateRawSync } from 'node:zlib'
import { errorCodeOf } from '../errors.ts'
import { count } from '../text.ts'
import { layoutFault } from './archive-fault.ts'
import type { OpenFile } from './open-file.ts'

/** Bytes of one step: what is read at once, and what is inflated at once. */
const STEP_BYTES = 64 * 1024

/** Compressed bytes that are inflated in one go: they give 4 MB at most (1,032 times as many). */
const SHORT_BYTES = 4 * 1024

/** Where in a file one deflate stream stands. */
export interface DeflateRange {
  /** Position of its first byte. */
  readonly start: number
  /** Bytes that it must fill exactly. */
  readonly length: number
  /** What is compressed, for sentences: `the member demo/__init__.py`. */
  readonly what: string
  /** Says what stands behind the stream when it ends after `consumed` bytes, before the range does. */
  readonly surplus?: (consumed: number) => string
}

/**
 * Inflates one deflate stream (RFC 1951) that must fill its range to the last byte: what stands behind its end is read
 * by some readers and not by others. Memory is bounded by the step or by 4 MB, not by what comes out; counting that is up
 * to the caller.
 *
 * @throws PublishError E_DIST_LAYOUT; the signal's reason when it is aborted
 */
export async function* inflate(file: OpenFile, range: DeflateRange, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const { length, what, surplus } = range
  signal?.throwIfAborted()
  let consumed: number
  try {
    consumed = yield* length <= SHORT_BYTES ? inflateShort(file, range) : inflateLong(file, range, signal)
  } catch (error) {
    const code = errorCodeOf(error)
    if (code === 'Z_BUF_ERROR') throw layoutFault(file, `${what} is cut off inside its compressed data`)
    if (code?.startsWith('Z_')) throw layoutFault(file, `the compressed data of ${what} is corrupt`, undefined, error)
    throw error
  }
  if (consumed === length) return
  const rest =
    surplus?.(consumed) ??
    `the compressed data of ${what} ends ${count(length - consumed, 'byte')} before its announced end`
  throw layoutFault(file, rest)
}

/** An archive can have a hundred thousand members of some lines each: a stream for each would cost ten times as much. */
function* inflateShort(file: OpenFile, { start, length }: DeflateRange): Generator<Buffer, number> {
  const result: unknown = inflateRawSync(file.readSync(start, length), { info: true })
  if (!isInflated(result)) throw new Error('zlib does not say how many bytes it read')
  if (result.buffer.length > 0) yield result.buffer
  return result.engine.bytesWritten
}

/** What `info: true` makes of the answer, which the types leave out. */
function isInflated(value: unknown): value is { buffer: Buffer; engine: { bytesWritten: number } } {
  return typeof value === 'object' && value !== null && 'buffer' in value && 'engine' in value
}

async function* inflateLong(
  file: OpenFile,
  range: DeflateRange,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, number> {
  const inflater = createInflateRaw({ chunkSize: STEP_BYTES })
  const source = Readable.from(steps(file, range), { objectMode: false, highWaterMark: STEP_BYTES })
  source.on('error', (error) => inflater.destroy(error))
  source.pipe(inflater)
  try {
    for await (const chunk of inflater) {
      signal?.throwIfAborted()
      yield chunk
    }
  } finally {
    source.destroy()
    inflater.destroy()
  }
  return inflater.bytesWritten
}

/** The bytes of a range of a file, as they are, a step at a time. */
export function* steps(file: OpenFile, { start, length }: Pick<DeflateRange, 'start' | 'length'>): Generator<Buffer> {
  for (let done = 0; done < length; done += STEP_BYTES) {
    yield file.readSync(start + done, Math.min(STEP_BYTES, length - done))
  }
}
