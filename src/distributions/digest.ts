import { createHash, type Hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { OpenFile } from './open-file.ts'

/** Bytes between two looks at the signal: about a millisecond of hashing. */
export const DIGEST_CHUNK_BYTES = 1024 * 1024

/** Hexadecimal, lower case. */
export interface Digests {
  readonly sha256: string
  /** Only where it was asked for: nothing but old servers read it. */
  readonly md5: string | undefined
}

export interface DigestOptions {
  readonly md5: boolean
  /** DIGEST_CHUNK_BYTES bytes to read into, for many files: a new buffer costs as much as hashing what is read into it. */
  readonly buffer?: Buffer
}

/**
 * Hashes the whole file, a chunk at a time; the event loop turns after each.
 *
 * @throws PublishError E_DIST_CHANGED when the file is not what was opened; the signal's reason when it is aborted
 */
export async function digest(
  file: OpenFile,
  { md5: wantsMd5, buffer = Buffer.allocUnsafeSlow(DIGEST_CHUNK_BYTES) }: DigestOptions,
  signal?: AbortSignal,
): Promise<Digests> {
  const sha256 = createHash('sha256')
  const md5 = wantsMd5 ? createHash('md5') : undefined
  for (let position = 0; position < file.size; position += DIGEST_CHUNK_BYTES) {
    signal?.throwIfAborted()
    const chunk = file.readSync(position, Math.min(DIGEST_CHUNK_BYTES, file.size - position), buffer)
    sha256.update(chunk)
    md5?.update(chunk)
    await nextTurn()
  }
  file.assertUnchanged()
  return { sha256: sha256.digest('hex'), md5: md5?.digest('hex') }
}

/**
 * One digest of the whole file, lower-case hexadecimal; undefined where this machine cannot compute it (MD5 under FIPS).
 *
 * @throws as `digest` does
 */
export async function digestOf(file: OpenFile, algorithm: string, signal: AbortSignal): Promise<string | undefined> {
  const hash = hashOf(algorithm)
  if (hash === undefined) return undefined
  const buffer = Buffer.allocUnsafeSlow(DIGEST_CHUNK_BYTES)
  for (let position = 0; position < file.size; position += DIGEST_CHUNK_BYTES) {
    signal.throwIfAborted()
    hash.update(file.readSync(position, Math.min(DIGEST_CHUNK_BYTES, file.size - position), buffer))
    await nextTurn()
  }
  file.assertUnchanged()
  return hash.digest('hex')
}

function hashOf(algorithm: string): Hash | undefined {
  try {
    return createHash(algorithm)
  } catch {
    return undefined
  }
}
