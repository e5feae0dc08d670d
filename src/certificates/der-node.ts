import { childrenOf, contentOf, type DerElement, elementAt } from '../encoding/der.ts'

/**
 * One element of DER (X.690, 10.1), read where it lies: what is inside is looked at when it is asked for. All methods
 * throw a plain Error with a short reason where the bytes are no DER, or not what was asked for; the caller knows what
 * they should have been.
 */
export class DerNode {
  readonly #source: Buffer
  readonly #element: DerElement

  private constructor(source: Buffer, element: DerElement) {
    // BER's indefinite length: signed structures never have it, and two readers could see two ends.
    if (element.contentEnd !== element.end) throw new Error('a length is indefinite')
    this.#source = source
    this.#element = element
  }

  /** The one element that these bytes are. */
  static of(bytes: Buffer): DerNode {
    const element = elementAt(bytes, 0)
    if (element === undefined) throw new Error('a length is wrong')
    if (element.end !== bytes.length) throw new Error('bytes follow the end')
    return new DerNode(bytes, element)
  }

  /** The identifier octet. */
  get tag(): number {
    return this.#element.tag
  }

  /** Tag, length and content. */
  get bytes(): Buffer {
    return this.#source.subarray(this.#element.start, this.#element.end)
  }

  /** Of a primitive element. */
  get content(): Buffer {
    if ((this.tag & 0x20) !== 0) throw new Error('a structure stands where a value belongs')
    return contentOf(this.#source, this.#element)
  }

  get children(): readonly DerNode[] {
    if ((this.tag & 0x20) === 0) throw new Error('a value stands where a structure belongs')
    const children = childrenOf(this.#source, this.#element)
    if (children === undefined) throw new Error('a length is wrong')
    return children.map((child) => new DerNode(this.#source, child))
  }

  /** The content under another identifier octet: what IMPLICIT tagging took away (X.680, 31.2.7). */
  as(tag: number): DerNode {
    return new DerNode(this.#source, { ...this.#element, tag })
  }

  is(tag: number): boolean {
    return this.tag === tag
  }
}

export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** Arcs longer than this are no number that JavaScript holds exactly; real ones have two or three bytes. */
const LONGEST_ARC = 7

/** `2.5.29.37` (X.690, 8.19). */
export function objectIdentifier(node: DerNode): string {
  const { content } = node
  if (!node.is(DER.objectIdentifier) || content.length === 0) throw new Error('an object identifier is missing')
  const arcs: number[] = []
  let arc = 0
  let length = 0
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f)
    length += 1
    if (length > LONGEST_ARC) throw new Error('an object identifier is too long')
    if ((byte & 0x80) !== 0) continue
    arcs.push(arc)
    arc = 0
    length = 0
  }
  if (length > 0) throw new Error('an object identifier is cut off')
  const [joined = 0, ...rest] = arcs
  const first = Math.min(2, Math.floor(joined / 40))
  return [first, joined - first * 40, ...rest].join('.')
}

export function boolean(node: DerNode): boolean {
  if (!node.is(DER.boolean) || node.content.length !== 1) throw new Error('a truth value is malformed')
  return node.content[0] !== 0
}

/** A number from 0 to 2^31-1, INTEGER or ENUMERATED. */
export function smallNumber(node: DerNode): number {
  const { content } = node
  if (content.length === 0 || content.length > 4 || content.readInt8(0) < 0) throw new Error('a number is out of range')
  return content.readUIntBE(0, content.length)
}

/** Two's complement in hex: equal where the numbers are, since DER writes each in one way (X.690, 8.3.2). */
export function integerHex(node: DerNode): string {
  const digits = node.content.toString('hex')
  if (!node.is(DER.integer) || digits === '') throw new Error('a number is missing')
  if (/^(00[0-7]|ff[89a-f])/.test(digits)) throw new Error('a number is padded')
  return digits
}

/** UTCTime or GeneralizedTime in the one form that RFC 5280, 4.1.2.5 allows. */
export function time(node: DerNode): Date {
  const text = node.content.toString('latin1')
  const short = node.is(DER.utcTime)
  if (!(short || node.is(DER.generalizedTime)) || !(short ? /^\d{12}Z$/ : /^\d{14}Z$/).test(text)) {
    throw new Error('a time is malformed')
  }
  const full = short ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const date = new Date(full.replace(/(....)(..)(..)(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'))
  if (Number.isNaN(+date)) throw new Error('a time is malformed')
  return date
}
