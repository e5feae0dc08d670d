import { Readable } from 'node:stream'
import { createInflateRaw } from 'node:zlib'
import { errorCodeOf } from '../errors.ts'
import { count } from '../text.ts'
import { layoutFault } from './archive-fault.ts'
import type { OpenFile } from './open-file.ts'

/** Bytes of one step: what is read at once, and what is inflated at once. */
const STEP_BYTES = 64 * 1024

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
 * by some readers and not by others. Memory is bounded by the step, not by what comes out; counting that is up to the caller.
 *
 * @throws PublishError E_DIST_LAYOUT; the signal's reason when it is aborted
 */
export async function* inflate(
  file: OpenFile,
  { start, length, what, surplus }: DeflateRange,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const inflater = createInflateRaw({ chunkSize: STEP_BYTES })
  const source = Readable.from(steps(file, start, length), { objectMode: false, highWaterMark: STEP_BYTES })
  source.on('error', (error) => inflater.destroy(error))
  source.pipe(inflater)
  try {
    for await (const chunk of inflater) {
      signal?.throwIfAborted()
      yield chunk
    }
  } catch (error) {
    const code = errorCodeOf(error)
    if (code === 'Z_BUF_ERROR') throw layoutFault(file, `${what} is cut off inside its compressed data`)
    if (code?.startsWith('Z_')) throw layoutFault(file, `the compressed data of ${what} is corrupt`, undefined, error)
    throw error
  } finally {
    source.destroy()
    inflater.destroy()
  }
  const consumed = inflater.bytesWritten
  if (consumed === length) return
  const rest =
    surplus?.(consumed) ??
    `the compressed data of ${what} ends ${count(length - consumed, 'byte')} before its announced end`
  throw layoutFault(file, rest)
}

function* steps(file: OpenFile, start: number, length: number): Generator<Buffer> {
  for (let done = 0; done < length; done += STEP_BYTES) {
    yield file.readSync(start + done, Math.min(STEP_BYTES, length - done))
  }
}
