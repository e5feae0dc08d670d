import { type Digests, digest, digestBuffers } from './digest.ts'
import type { OpenFile } from './open-file.ts'

/** Hashes the files of one run, one at a time: the machine has no more bytes a second for two. Who asks first comes first. */
export class Hasher {
  readonly #md5: boolean
  readonly #signal: AbortSignal
  readonly #buffers = digestBuffers()
  #last: Promise<unknown> = Promise.resolve()

  /** `md5`: whether it is wanted beside sha256. Nothing is hashed once the signal is aborted. */
  constructor(md5: boolean, signal: AbortSignal) {
    this.#md5 = md5
    this.#signal = signal
  }

  /** @throws as `digest` does */
  hash(file: OpenFile): Promise<Digests> {
    const options = { md5: this.#md5, buffers: this.#buffers }
    const mine = this.#last.then(() => {
      // Before the first read: a cancelled run has a few seconds for all of its files.
      this.#signal.throwIfAborted()
      return digest(file, options, this.#signal)
    })
    this.#last = mine.catch(() => {})
    return mine
  }
}

/** The digests of one file: computed once, when somebody wants them. */
export class FileDigests {
  readonly #hash: () => Promise<Digests>
  #computed: Promise<Digests> | undefined
  #known: Digests | undefined

  constructor(hash: () => Promise<Digests>) {
    this.#hash = hash
  }

  /** Undefined until they are computed. */
  get known(): Digests | undefined {
    return this.#known
  }

  /** @throws PublishError E_DIST_CHANGED, E_DIST_FILE: the file is not what was checked; the signal's reason */
  get(): Promise<Digests> {
    this.#computed ??= this.#compute()
    return this.#computed
  }

  /** As `get`, for whoever does not need them: where they cannot be computed, those who do will hear of it. */
  async settle(): Promise<void> {
    await this.get().catch(() => {})
  }

  async #compute(): Promise<Digests> {
    this.#known = await this.#hash()
    return this.#known
  }
}
