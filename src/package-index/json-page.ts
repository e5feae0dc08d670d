import { PageFault } from './page-fault.ts'

/** The arrays of a page whose elements are handed out one by one (PEP 691). */
export type PageList = 'files' | 'projects'

/** Bytes of one element; the largest of PyPI have a few hundred. */
const MOST_ELEMENT_BYTES = 1024 * 1024

/** Bytes of everything beside the elements: `meta`, and the list of versions. */
const MOST_REST_BYTES = 8 * 1024 * 1024

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/**
 * A page in JSON, read as it comes. This only finds where each element of `files` or `projects` begins and ends; what is
 * in it, `JSON.parse` reads. So a page of any length costs the memory of one element, at twice the time of `JSON.parse`
 * over a whole page; a general streaming parser took four times.
 */
export class JsonPage {
  readonly #element: (list: PageList, value: unknown) => void
  #depth = 0
  #inString = false
  /** Of a string that goes on in the next chunk: 1 where a backslash before its end escapes what comes next. */
  #backslashes = 0
  /** The list that is being read. */
  #list: PageList | undefined
  /** Pieces of an element that began in an earlier chunk. */
  #pieces: Buffer[] = []
  #pieceBytes = 0
  /** The page without those elements, a character a byte. */
  #rest = ''

  constructor(element: (list: PageList, value: unknown) => void) {
    this.#element = element
  }

  /** @throws PageFault */
  write(chunk: Buffer): void {
    // A character a byte: searching in it is many times faster than a loop over the bytes.
    const text = chunk.toString('latin1')
    let from = 0
    let at = this.#inString ? this.#afterString(text, 0) : 0
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) at = this.#afterString(text, at + 1) - 1
      else if (code === OPEN_BRACE || code === OPEN_BRACKET) from = this.#open(chunk, from, at)
      else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) from = this.#close(chunk, from, at)
    }
    const left = chunk.subarray(from)
    if (this.#list === undefined) this.#addRest(left)
    else if (this.#depth > 2) this.#addPiece(left)
    else this.#checkGap(left)
  }

  /**
   * The page without the elements that were handed out, as `JSON.parse` reads it.
   *
   * @throws PageFault
   */
  end(): ReadonlyMap<string, unknown> {
    if (this.#depth > 0 || this.#inString) throw new PageFault('JSON that is cut off', true)
    const rest = membersOf(parse(Buffer.from(this.#rest, 'latin1').toString('utf8')))
    // Names written with escapes: no server does, but then its files must not be overlooked.
    for (const list of ['files', 'projects'] as const) {
      const left = rest.get(list)
      if (Array.isArray(left)) for (const one of left) this.#element(list, one)
    }
    return rest
  }

  /** Where a string ends that goes on at `at`: behind its quote, or with the chunk. */
  #afterString(text: string, at: number): number {
    let from = at
    for (;;) {
      const quote = text.indexOf('"', from)
      const end = quote < 0 ? text.length : quote
      // A quote behind an odd number of backslashes is part of the string.
      let backslashes = 0
      while (end - backslashes > at && text.charCodeAt(end - backslashes - 1) === BACKSLASH) backslashes += 1
      const before = end - backslashes === at ? this.#backslashes : 0
      this.#backslashes = 0
      const escaped = (backslashes + before) % 2 === 1
      if (quote < 0) {
        this.#inString = true
        this.#backslashes = escaped ? 1 : 0
        return end
      }
      if (!escaped) {
        this.#inString = false
        return quote + 1
      }
      from = quote + 1
    }
  }

  /** Returns where the piece that is being read begins. */
  #open(chunk: Buffer, from: number, at: number): number {
    this.#depth += 1
    if (this.#list === undefined) {
      if (this.#depth !== 2 || chunk[at] !== OPEN_BRACKET) return from
      this.#addRest(chunk.subarray(from, at + 1))
      const [, name] = /"(files|projects)"\s{0,99}:\s{0,99}\[$/.exec(this.#rest.slice(-250)) ?? []
      this.#list = name === 'files' || name === 'projects' ? name : undefined
      return at + 1
    }
    if (this.#depth !== 3) return from
    this.#checkGap(chunk.subarray(from, at))
    return at
  }

  #close(chunk: Buffer, from: number, at: number): number {
    this.#depth -= 1
    if (this.#list === undefined || this.#depth > 2) return from
    if (this.#depth === 2) {
      this.#addPiece(chunk.subarray(from, at + 1))
      const text = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces)
      this.#pieces = []
      this.#pieceBytes = 0
      this.#element(this.#list, parse(text?.toString('utf8') ?? ''))
      return at + 1
    }
    this.#checkGap(chunk.subarray(from, at))
    this.#list = undefined
    return at
  }

  #addPiece(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#pieceBytes += piece.length
    if (this.#pieceBytes > MOST_ELEMENT_BYTES) throw new PageFault('JSON with an entry of more than 1 MiB')
  }

  #addRest(piece: Buffer): void {
    this.#rest += piece.toString('latin1')
    if (this.#rest.length > MOST_REST_BYTES) throw new PageFault('JSON with more than 8 MiB beside its files')
  }

  /** Between elements stand commas and white space alone: a list of anything but objects is no simple index. */
  #checkGap(gap: Buffer): void {
    if (!/^[\s,]*$/.test(gap.toString('latin1'))) throw new PageFault('JSON whose list of files holds something else')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new PageFault('text that is no JSON')
  }
}

/** Members of a JSON object; none of anything else. */
export function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return new Map<string, unknown>(isObject ? Object.entries(value) : [])
}
