import { createHash, type Hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { OpenFile } from './open-file.ts'

/** Bytes between two looks at the signal: about a millisecond of hashing. */
const CHUNK_BYTES = 1024 * 1024

/** What files are read into: one chunk is hashed while the next one is read. */
export type DigestBuffers = readonly [Buffer, Buffer]

/** For many files: new buffers cost as much as hashing what is read into them. */
export function digestBuffers(): DigestBuffers {
  return [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)]
}

/** Hexadecimal, lower case. */
export interface Digests {
  readonly sha256: string
  /** Only where it was asked for: nothing but old servers read it. */
  readonly md5: string | undefined
}

export interface DigestOptions {
  readonly md5: boolean
  readonly buffers?: DigestBuffers
}

/**
 * Hashes the whole file, a chunk at a time; the event loop turns after each.
 *
 * @throws PublishError E_DIST_CHANGED when the file is not what was opened; the signal's reason when it is aborted
 */
export async function digest(
  file: OpenFile,
  { md5: wantsMd5, buffers = digestBuffers() }: DigestOptions,
  signal?: AbortSignal,
): Promise<Digests> {
  const sha256 = createHash('sha256')
  const md5 = wantsMd5 ? createHash('md5') : undefined
  await hash(file, md5 === undefined ? [sha256] : [sha256, md5], buffers, signal)
  return { sha256: sha256.digest('hex'), md5: md5?.digest('hex') }
}

/**
 * One digest of the whole file, lower-case hexadecimal; undefined where this machine cannot compute it (MD5 under FIPS).
 *
 * @throws as `digest` does
 */
export async function digestOf(file: OpenFile, algorithm: string, signal: AbortSignal): Promise<string | undefined> {
  const one = hashOf(algorithm)
  if (one === undefined) return undefined
  await hash(file, [one], digestBuffers(), signal)
  return one.digest('hex')
}

async function hash(
  file: OpenFile,
  hashes: readonly Hash[],
  buffers: DigestBuffers,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (file.size > CHUNK_BYTES) await hashReadingAhead(file, hashes, buffers, signal)
  else {
    signal?.throwIfAborted()
    // This one read is done before another thread would have begun with it.
    const whole = file.readSync(0, file.size, buffers[0])
    for (const one of hashes) one.update(whole)
    await nextTurn()
  }
  file.assertUnchanged()
}

async function hashReadingAhead(
  file: OpenFile,
  hashes: readonly Hash[],
  buffers: DigestBuffers,
  signal: AbortSignal | undefined,
): Promise<void> {
  let [into, other] = buffers
  const readAt = (position: number): Promise<Buffer> => {
    ;[into, other] = [other, into]
    return file.read(position, Math.min(CHUNK_BYTES, file.size - position), into)
  }
  let next = readAt(0)
  try {
    for (let position = 0; position < file.size; position += CHUNK_BYTES) {
      signal?.throwIfAborted()
      const chunk = await next
      if (position + CHUNK_BYTES < file.size) next = readAt(position + CHUNK_BYTES)
      for (const one of hashes) one.update(chunk)
    }
  } finally {
    // The file may be closed then, and its descriptor be another file's.
    await next.catch(() => {})
  }
}

function hashOf(algorithm: string): Hash | undefined {
  try {
    return createHash(algorithm)
  } catch {
    return undefined
  }
}
