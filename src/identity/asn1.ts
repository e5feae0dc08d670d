import asn1, { type Asn1Node } from 'node-forge/lib/asn1.js'
import { damaged } from './pkcs12-fault.ts'

export type { Asn1Node }

const UNIVERSAL = 0x00
const CONTEXT = 0x80
const INTEGER = 2
const OCTET_STRING = 4
const OBJECT_IDENTIFIER = 6
const UTF8_STRING = 12
const BMP_STRING = 30

/** Longest INTEGER that is read as a number, in bytes: what a double holds exactly. */
const LONGEST_INTEGER = 6

/** An algorithm and its parameters (RFC 5280, 4.1.1.2). */
export interface Algorithm {
  readonly oid: string
  readonly parameters: Asn1Node | undefined
}

/** DER, or BER with indefinite lengths and strings in pieces, which NSS and Java write. Throws Pkcs12Fault `damaged`. */
export function parse(bytes: Buffer): Asn1Node {
  try {
    const options = { strict: true, parseAllBytes: true, decodeBitStrings: false } as const
    return asn1.fromDer(bytes.toString('latin1'), options)
  } catch {
    throw damaged('it is no well-formed ASN.1')
  }
}

/** What is inside. */
export function members(node: Asn1Node | undefined): readonly Asn1Node[] {
  if (node === undefined || typeof node.value === 'string') throw damaged('a part of it is missing')
  return node.value
}

export function isOctetString({ tagClass, type }: Asn1Node): boolean {
  return tagClass === UNIVERSAL && type === OCTET_STRING
}

export function isInteger({ tagClass, type }: Asn1Node): boolean {
  return tagClass === UNIVERSAL && type === INTEGER
}

/** What stands in `[number]`; undefined where another tag stands there. */
export function tagged(node: Asn1Node | undefined, number: number): Asn1Node | undefined {
  return node?.tagClass === CONTEXT && node.type === number ? node : undefined
}

/** The bytes of a string, whose pieces are put together. */
export function octets(node: Asn1Node | undefined): Buffer {
  if (node === undefined) throw damaged('a string in it is missing')
  return typeof node.value === 'string' ? Buffer.from(node.value, 'latin1') : Buffer.concat(node.value.map(octets))
}

export function octetString(node: Asn1Node | undefined): Buffer {
  if (node === undefined || !isOctetString(node)) throw damaged('a string in it is missing')
  return octets(node)
}

export function objectIdentifier(node: Asn1Node | undefined): string {
  if (node === undefined || node.type !== OBJECT_IDENTIFIER || typeof node.value !== 'string' || node.value === '') {
    throw damaged('an object identifier in it is missing')
  }
  return asn1.derToOid(node.value)
}

/** Not negative. */
export function integer(node: Asn1Node | undefined): number {
  if (node === undefined || !isInteger(node)) throw damaged('a number in it is missing')
  const bytes = octets(node)
  if (bytes.length === 0 || bytes.length > LONGEST_INTEGER || bytes.readInt8(0) < 0) {
    throw damaged('a number in it makes no sense')
  }
  return bytes.readUIntBE(0, bytes.length)
}

export function algorithm(node: Asn1Node | undefined): Algorithm {
  const [oid, parameters] = members(node)
  return { oid: objectIdentifier(oid), parameters }
}

/** BMPString, which the reader has decoded, or UTF8String; undefined for any other. */
export function text(node: Asn1Node | undefined): string | undefined {
  if (node?.tagClass !== UNIVERSAL || typeof node.value !== 'string') return undefined
  if (node.type === BMP_STRING) return node.value
  return node.type === UTF8_STRING ? octets(node).toString('utf8') : undefined
}

/** The element as DER, whatever it was written in. */
export function derOf(node: Asn1Node): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1')
}
