/** Takes bytes by count from a stream of chunks of any size. */
export class ByteReader {
  readonly #source: AsyncIterator<Buffer>
  #chunk: Buffer = Buffer.alloc(0)
  /** Bytes taken or skipped so far. */
  position = 0

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** The next `length` bytes; fewer only at the end of the stream. */
  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.pieces(length)) parts.push(part)
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  }

  /** The next `length` bytes as they come; fewer only at the end of the stream. */
  async *pieces(length: number): AsyncGenerator<Buffer> {
    let missing = length
    while (missing > 0 && (await this.#fill())) {
      const part = this.#advance(missing)
      missing -= part.length
      yield part
    }
  }

  /** Whether there were `length` bytes more to skip. */
  async skip(length: number): Promise<boolean> {
    let missing = length
    while (missing > 0 && (await this.#fill())) missing -= this.#advance(missing).length
    return missing === 0
  }

  /** What is left, chunk by chunk. */
  async *rest(): AsyncGenerator<Buffer> {
    while (await this.#fill()) yield this.#advance(this.#chunk.length)
  }

  /** Whether there is at least one byte; waits for it. */
  async #fill(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next()
      if (next.done) return false
      this.#chunk = next.value
    }
    return true
  }

  #advance(most: number): Buffer {
    const part = this.#chunk.subarray(0, most)
    this.#chunk = this.#chunk.subarray(part.length)
    this.position += part.length
    return part
  }

  /** Tells the source that nothing more is wanted. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }
}
