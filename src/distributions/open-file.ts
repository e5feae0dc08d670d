import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, read, readSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { errorCodeOf, PublishError } from '../errors.ts'
import { count, printable } from '../text.ts'

/** Bytes of one chunk of an upload. */
const CHUNK_BYTES = 256 * 1024

const readLater = promisify(read)

/** What tells one state of one file from another. Times are in nanoseconds. */
type FileState = Pick<BigIntStats, 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>

/**
 * A distribution, opened once: its check, its hash and its upload all read this one descriptor, so that nobody can put
 * another file in its place in between. The descriptor stays open until `close()`.
 */
export class OpenFile {
  /** How the file is named to people: one printable line. */
  readonly shownName: string
  /** Size in bytes, as it was when the file was opened. */
  readonly size: number
  readonly #opened: FileState
  #descriptor: number | undefined

  private constructor(descriptor: number, shownName: string, opened: FileState) {
    this.#descriptor = descriptor
    this.#opened = opened
    this.shownName = shownName
    this.size = Number(opened.size)
  }

  /**
   * Opens a regular file for reading. Never waits: not for the writer of a FIFO either.
   * `noFollow` is the system's flag that refuses links; 0 where there is none (Windows): the path is then looked at
   * before, and must be what was opened.
   *
   * @throws PublishError E_DIST_LINK for a symbolic link, E_DIST_FILE for anything else that is no readable regular
   *   file, E_DIST_CHANGED when the path changed hands while it was opened
   */
  static open(path: string, shownName: string, noFollow: number = constants.O_NOFOLLOW ?? 0): OpenFile {
    const shown = printable(shownName)
    const seen = noFollow === 0 ? regularFile(shown, () => lstatSync(path, { bigint: true })) : undefined
    const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | noFollow
    const descriptor = reading(shown, () => openSync(path, flags))
    try {
      const opened = regularFile(shown, () => fstatSync(descriptor, { bigint: true }))
      if (seen !== undefined && !sameState(seen, opened)) throw changed(shown, 'another file took its place')
      return new OpenFile(descriptor, shown, opened)
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
  }

  /**
   * Takes over the descriptor of a regular file that this process wrote itself, and that need not have a path any more.
   * `close()` closes it; when this throws, the caller does.
   *
   * @throws PublishError E_DIST_FILE for anything that is no regular file
   */
  static adopt(descriptor: number, shownName: string): OpenFile {
    const shown = printable(shownName)
    const opened = regularFile(shown, () => fstatSync(descriptor, { bigint: true }))
    return new OpenFile(descriptor, shown, opened)
  }

  /**
   * Bytes `position` to `position + length`, all of them, at the start of `into`, or in a buffer of their own.
   *
   * @throws PublishError E_DIST_LAYOUT when they were never in the file (an archive that is cut off, or points past its
   *   end), E_DIST_CHANGED when the file became shorter, E_DIST_FILE when the system cannot read it
   */
  readSync(position: number, length: number, into?: Buffer): Buffer {
    // Before anything is allocated: the numbers come out of an archive.
    this.#assertInside(position, length)
    const buffer = into?.subarray(0, length) ?? Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const read = this.#readInto(buffer, filled, position + filled)
      if (read === 0) throw changed(this.shownName, SHORTER)
      filled += read
    }
    return buffer
  }

  #readInto(buffer: Buffer, offset: number, position: number): number {
    const descriptor = this.#open()
    return reading(this.shownName, () => readSync(descriptor, buffer, offset, buffer.length - offset, position))
  }

  /**
   * As `readSync`, but that this thread goes on meanwhile. The file must stay open until it ends.
   *
   * @throws PublishError as `readSync` does
   */
  async read(position: number, length: number, into: Buffer): Promise<Buffer> {
    this.#assertInside(position, length)
    const descriptor = this.#open()
    const buffer = into.subarray(0, length)
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await readLater(descriptor, buffer, filled, length - filled, position + filled).catch(
        (error: unknown) => {
          throw readFault(this.shownName, error)
        },
      )
      if (bytesRead === 0) throw changed(this.shownName, SHORTER)
      filled += bytesRead
    }
    return buffer
  }

  #assertInside(position: number, length: number): void {
    const end = position + length
    if (position >= 0 && length >= 0 && end <= this.size) return
    throw new PublishError({
      code: 'E_DIST_LAYOUT',
      message: `${this.shownName}: the archive is cut off or corrupt: it has ${count(this.size, 'byte')} and points at byte ${end}`,
      hint: 'Build the distribution again, and compare its size with that of the file where it was built.',
    })
  }

  /** @throws PublishError E_DIST_CHANGED when the file is not what it was when it was opened */
  assertUnchanged(): void {
    const descriptor = this.#open()
    const now = reading(this.shownName, () => fstatSync(descriptor, { bigint: true }))
    if (sameState(this.#opened, now)) return
    const before = this.#opened.size
    const found =
      now.size === before ? 'its content or its inode was written to' : `it had ${before} bytes and has ${now.size}`
    throw changed(this.shownName, found)
  }

  /**
   * The whole file from its start, in chunks of `chunkBytes` bytes; each attempt of an upload takes a stream of its own.
   * A chunk is handed out only after the next one was read and the file was seen unchanged, so the last one is held
   * back until everything is known to be what was hashed: a server never completes a file that changed.
   *
   * With a `ring` of three or more buffers of `chunkBytes` bytes, chunks lie in them in turn: the one that was handed out
   * stays as it is until the next but one is asked for. Without it each has a buffer of its own.
   *
   * @throws PublishError E_DIST_CHANGED; the signal's reason when it is aborted
   */
  async *content(
    chunkBytes: number = CHUNK_BYTES,
    signal?: AbortSignal,
    ring?: readonly Buffer[],
  ): AsyncGenerator<Buffer> {
    let held: Buffer | undefined
    let turn = 0
    for (let position = 0; position < this.size; position += chunkBytes) {
      signal?.throwIfAborted()
      const into = ring?.[turn % ring.length]
      turn += 1
      const chunk = this.readSync(position, Math.min(chunkBytes, this.size - position), into)
      this.assertUnchanged()
      if (held !== undefined) yield held
      held = chunk
      // Reading is synchronous: a fast consumer must not keep timers, signals and other uploads waiting.
      await nextTurn()
    }
    signal?.throwIfAborted()
    this.assertUnchanged()
    if (held !== undefined) yield held
  }

  /**
   * The whole file at the start of `into`, seen unchanged.
   *
   * @throws PublishError E_DIST_CHANGED
   */
  readWhole(into: Buffer): void {
    this.readSync(0, this.size, into)
    this.assertUnchanged()
  }

  /** Gives the descriptor back. May be called again; every other method is a programming error afterwards. */
  close(): void {
    const descriptor = this.#descriptor
    this.#descriptor = undefined
    if (descriptor !== undefined) closeSync(descriptor)
  }

  #open(): number {
    if (this.#descriptor === undefined) throw new Error('a closed distribution was read')
    return this.#descriptor
  }
}

const SHORTER = 'it became shorter while it was read'

function sameState(a: FileState, b: FileState): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}

function changed(shownName: string, found: string): PublishError {
  return new PublishError({
    code: 'E_DIST_CHANGED',
    message: `${shownName} changed while it was checked and sent: ${found}`,
    hint: 'Let the build finish before this step, and let no other process write to the directory of the distributions.',
  })
}

/** The state of what must be a regular file. */
function regularFile(shownName: string, look: () => BigIntStats): BigIntStats {
  const stats = reading(shownName, look)
  if (stats.isSymbolicLink()) throw linkFault(shownName)
  if (!stats.isFile()) throw notAFile(shownName, `is ${kindOf(stats)}, not a regular file`)
  return stats
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a FIFO'
  if (stats.isSocket()) return 'a socket'
  return 'a device'
}

/** Runs one system call; its failure becomes a sentence. */
function reading<T>(shownName: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw readFault(shownName, error)
  }
}

function readFault(shownName: string, error: unknown): PublishError {
  const code = errorCodeOf(error)
  // What O_NOFOLLOW answers for a link: ELOOP on Linux and macOS, EMLINK on FreeBSD.
  if (code === 'ELOOP' || code === 'EMLINK') return linkFault(shownName)
  if (code === 'ENXIO') return notAFile(shownName, 'is a socket or a device, not a regular file')
  return notAFile(shownName, `cannot be read (${code ?? 'unknown error'})`, error)
}

/** E_DIST_LINK for a path that must not be one. */
export function linkFault(shownName: string): PublishError {
  return new PublishError({
    code: 'E_DIST_LINK',
    message: `${shownName} is a symbolic link, and only regular files are published`,
    hint: 'Copy the file itself to this place: what a link points to can be another file by the time it is sent.',
  })
}

/** E_DIST_FILE for what is no regular file that can be read; `found` goes on with the sentence. */
export function notAFile(shownName: string, found: string, cause?: unknown): PublishError {
  return new PublishError({
    code: 'E_DIST_FILE',
    message: `${shownName} ${found}`,
    hint: 'A distribution must be a regular file that the user of this job may read.',
    cause,
  })
}
