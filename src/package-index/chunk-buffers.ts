/** Bytes of one chunk of a file. More than a socket buffers by itself (64 KiB), so that each chunk is waited for. */
export const CHUNK_BYTES = 256 * 1024

/** Buffers of one upload: one that is handed out, one that is held back, one that is read into. */
const RING_LENGTH = 3

/** What one upload reads its file into, chunk after chunk in turn. */
export type Ring = readonly Buffer[]

/**
 * Lends buffers to uploads and uses them again: a new one for each chunk costs more time than to read and encrypt it, and
 * leaves 100 MB to the garbage collector.
 */
export class ChunkBuffers {
  readonly #free: Ring[] = []

  take(): Ring {
    return this.#free.pop() ?? Array.from({ length: RING_LENGTH }, () => Buffer.allocUnsafeSlow(CHUNK_BYTES))
  }

  /** Only when the server has answered all of the request: until then a connection may still read them. */
  give(ring: Ring): void {
    this.#free.push(ring)
  }
}
