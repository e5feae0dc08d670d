import { PageFault } from './page-fault.ts'

/** The arrays of a page whose elements are handed out one by one (PEP 691). */
export type PageList = 'files' | 'projects'

/** Bytes of one element; the largest of PyPI have a few hundred. */
const MOST_ELEMENT_BYTES = 1024 * 1024

/** Bytes of everything beside the elements: `meta`, and the list of versions. */
const MOST_REST_BYTES = 8 * 1024 * 1024

/** A list of anything but objects is no simple index. */
const NOT_OBJECTS = 'JSON whose list of files holds something else'

/** Characters in which the name of a list stands, with white space up to its bracket. */
const MOST_NAME = 250

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/**
 * A page in JSON, read as it comes. This only finds where the elements of `files` or `projects` end; what is in them,
 * `JSON.parse` reads, those of one chunk at a time. So a page of any length costs the memory of a chunk and an element,
 * at less than twice the time of `JSON.parse` over a whole page; a general streaming parser took four times.
 */
export class JsonPage {
  readonly #element: (list: PageList, value: unknown) => void
  #depth = 0
  #inString = false
  /** Of a string that goes on in the next chunk: 1 where a backslash before its end escapes what comes next. */
  #backslashes = 0
  /** The list that is being read. */
  #list: PageList | undefined
  /** What came of the list and is not handed out: the start of an element. */
  #pieces: Buffer[] = []
  #pieceBytes = 0
  /** Where the last element ends in the chunk that is being read; 0: none does. */
  #elementEnd = 0
  /** Pieces of the page without those elements, a character a byte. */
  readonly #rest: string[] = []
  #restLength = 0
  /** The end of them. */
  #tail = ''

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
    if (this.#list === undefined) this.#addRest(chunk.subarray(from))
    else this.#addPiece(chunk.subarray(this.#handOut(chunk, from, this.#list)))
  }

  /**
   * The page without the elements that were handed out, as `JSON.parse` reads it.
   *
   * @throws PageFault
   */
  end(): ReadonlyMap<string, unknown> {
    if (this.#depth > 0 || this.#inString) throw new PageFault('JSON that is cut off', true)
    const rest = membersOf(parse(Buffer.from(this.#rest.join(''), 'latin1').toString('utf8')))
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
    if (this.#list !== undefined || this.#depth !== 2 || chunk[at] !== OPEN_BRACKET) return from
    this.#addRest(chunk.subarray(from, at + 1))
    const [, name] = /"(files|projects)"\s{0,99}:\s{0,99}\[$/.exec(this.#tail) ?? []
    this.#list = name === 'files' || name === 'projects' ? name : undefined
    return at + 1
  }

  #close(chunk: Buffer, from: number, at: number): number {
    this.#depth -= 1
    if (this.#list === undefined || this.#depth > 2) return from
    if (this.#depth === 2) {
      this.#elementEnd = at + 1
      return from
    }
    this.#addPiece(chunk.subarray(this.#handOut(chunk, from, this.#list), at))
    if (/\S/.test(this.#takePieces())) throw new PageFault(NOT_OBJECTS)
    this.#list = undefined
    return at
  }

  /** Hands out the elements that ended in this chunk, and returns where the last of them does: one call of JSON.parse for all. */
  #handOut(chunk: Buffer, from: number, list: PageList): number {
    const end = this.#elementEnd
    if (end === 0) return from
    this.#elementEnd = 0
    this.#pieces.push(chunk.subarray(from, end))
    const elements = parse(`[${this.#takePieces().replace(/^\s*,/, '')}]`)
    for (const element of Array.isArray(elements) ? elements : []) {
      if (typeof element !== 'object' || element === null || Array.isArray(element)) throw new PageFault(NOT_OBJECTS)
      this.#element(list, element)
    }
    return end
  }

  #takePieces(): string {
    const text = Buffer.concat(this.#pieces).toString('utf8')
    this.#pieces = []
    this.#pieceBytes = 0
    return text
  }

  #addPiece(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#pieceBytes += piece.length
    if (this.#pieceBytes > MOST_ELEMENT_BYTES) throw new PageFault('JSON with an entry of more than 1 MiB')
  }

  #addRest(piece: Buffer): void {
    const text = piece.toString('latin1')
    this.#rest.push(text)
    this.#restLength += text.length
    this.#tail = (this.#tail + text.slice(-MOST_NAME)).slice(-MOST_NAME)
    if (this.#restLength > MOST_REST_BYTES) throw new PageFault('JSON with more than 8 MiB beside its files')
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
