/** One element of DER or BER (X.690, 8.1). Offsets are bytes from the start of the buffer it was read from. */
export interface DerElement {
  /** The identifier octet: class, constructed bit and number. */
  readonly tag: number
  readonly start: number
  readonly contentStart: number
  readonly contentEnd: number
  /** Where the next element begins. */
  readonly end: number
}

interface Header {
  readonly tag: number
  readonly contentStart: number
  /** Bytes; undefined: indefinite, ended by two zero bytes. */
  readonly length: number | undefined
}

export const TAG = {
  integer: 0x02,
  octetString: 0x04,
  sequence: 0x30,
  context0: 0xa0,
} as const

/** PKCS#7 of indefinite lengths nests about eight deep; a hostile file nests until the stack ends. */
const DEEPEST = 32

/** A length of five bytes announces more than 4 GiB. */
const LONGEST_LENGTH = 4

function headerAt(bytes: Buffer, at: number): Header | undefined {
  const tag = bytes[at]
  const first = bytes[at + 1]
  // Tag numbers from 31 take more bytes; nothing that is read here has one.
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined
  if (first < 0x80) return { tag, contentStart: at + 2, length: first }
  if (first === 0x80) return { tag, contentStart: at + 2, length: undefined }
  const size = first & 0x7f
  if (size > LONGEST_LENGTH || at + 2 + size > bytes.length) return undefined
  return { tag, contentStart: at + 2 + size, length: bytes.readUIntBE(at + 2, size) }
}

/** The element at `at`; undefined where none stands there or it does not end before `limit`. */
export function elementAt(bytes: Buffer, at: number, limit = bytes.length, depth = 0): DerElement | undefined {
  const header = headerAt(bytes, at)
  if (header === undefined || header.contentStart > limit) return undefined
  const { tag, contentStart, length } = header
  if (length !== undefined) {
    const end = contentStart + length
    return end > limit ? undefined : { tag, start: at, contentStart, contentEnd: end, end }
  }
  const contentEnd = endOfIndefinite(bytes, contentStart, limit, depth)
  return contentEnd === undefined ? undefined : { tag, start: at, contentStart, contentEnd, end: contentEnd + 2 }
}

function endOfIndefinite(bytes: Buffer, from: number, limit: number, depth: number): number | undefined {
  if (depth >= DEEPEST) return undefined
  let at = from
  while (at + 2 <= limit) {
    if (bytes[at] === 0 && bytes[at + 1] === 0) return at
    const inner = elementAt(bytes, at, limit, depth + 1)
    if (inner === undefined) return undefined
    at = inner.end
  }
  return undefined
}

/** What is inside a constructed element; undefined where it is not made of whole elements. */
export function childrenOf(bytes: Buffer, parent: DerElement): readonly DerElement[] | undefined {
  const children: DerElement[] = []
  for (let at = parent.contentStart; at < parent.contentEnd; ) {
    const child = elementAt(bytes, at, parent.contentEnd)
    if (child === undefined) return undefined
    children.push(child)
    at = child.end
  }
  return children
}

/** Tags of what is inside the element at `at`, as far as the bytes reach: those of a cut-off file too. */
export function tagsInside(bytes: Buffer, at: number): readonly number[] {
  const parent = headerAt(bytes, at)
  if (parent === undefined) return []
  const end = Math.min(bytes.length, parent.contentStart + (parent.length ?? bytes.length))
  const tags: number[] = []
  for (let next = parent.contentStart; next < end; ) {
    const header = headerAt(bytes, next)
    if (header === undefined || (header.tag === 0 && header.length === 0)) break
    tags.push(header.tag)
    if (header.length === undefined) break
    next = header.contentStart + header.length
  }
  return tags
}

/** Where the content of the element at `at` begins; undefined where there is none. */
export function contentStartAt(bytes: Buffer, at: number): number | undefined {
  return headerAt(bytes, at)?.contentStart
}

/**
 * Of a structure that is cut off `its first bytes announce 3,347 bytes, 768 are there`, or of one of indefinite length
 * `its end is missing, 768 bytes are there`; undefined where none are missing.
 */
export function shortage(bytes: Buffer): string | undefined {
  const header = headerAt(bytes, 0)
  if (header?.tag !== TAG.sequence) return undefined
  if (header.length === undefined) {
    if (!isUnfinished(bytes, header.contentStart)) return undefined
    return `its end is missing, ${formatNumber(bytes.length)} bytes are there`
  }
  const announced = header.contentStart + header.length
  if (announced <= bytes.length) return undefined
  return `its first bytes announce ${formatNumber(announced)} bytes, ${formatNumber(bytes.length)} are there`
}

/** Whether a structure of indefinite length, whose content begins at `start`, goes on where the bytes end. */
function isUnfinished(bytes: Buffer, start: number): boolean {
  let open = 1
  let at = start
  while (open > 0 && at < bytes.length) {
    const header = headerAt(bytes, at)
    // Either nonsense, or a header whose last bytes are missing.
    if (header === undefined) return bytes.length - at < 2 + LONGEST_LENGTH
    if (header.tag === 0 && header.length === 0) open -= 1
    if (header.length === undefined) open += 1
    at = header.contentStart + (header.length ?? 0)
  }
  return open > 0
}

/** `3,347`. */
export function formatNumber(value: number): string {
  // Not toLocaleString, which loads the data of all languages first.
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

/** The content as it stands there. */
export function contentOf(bytes: Buffer, element: DerElement): Buffer {
  return bytes.subarray(element.contentStart, element.contentEnd)
}

/** A non-negative INTEGER of at most six bytes; undefined for any other. */
export function smallInteger(bytes: Buffer, element: DerElement | undefined): number | undefined {
  if (element === undefined || element.tag !== TAG.integer) return undefined
  const content = contentOf(bytes, element)
  if (content.length === 0 || content.length > 6 || content.readInt8(0) < 0) return undefined
  return content.readUIntBE(0, content.length)
}
