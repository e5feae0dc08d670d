import { printable } from '../text.ts'
import { DER, type DerNode, objectIdentifier } from './der-node.ts'

const SHORT_NAMES = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['1.2.840.113549.1.9.1', 'emailAddress'],
])

interface Attribute {
  readonly oid: string
  readonly value: DerNode
}

/**
 * The relative distinguished names, each in a form in which those that OpenSSL takes for equal are equal: case, runs of
 * blanks and the kind of string do not count (RFC 5280, 7.1; OpenSSL's `x509_name_canon`). Throws an Error.
 */
export function canonicalName(name: DerNode): readonly string[] {
  return name.children.map((rdn) =>
    attributesOf(rdn)
      .map(({ oid, value }) => `${oid}=${canonicalValue(value)}`)
      .sort()
      .join('\n'),
  )
}

/** The values of one attribute. Throws an Error. */
export function attributeValues(name: DerNode, oid: string): readonly string[] {
  const found = name.children.flatMap(attributesOf).filter((attribute) => attribute.oid === oid)
  return found.map(({ value }) => textOf(value) ?? '')
}

/** `CN=Issuing CA, O=Example`: printable, the most specific part first. Throws an Error. */
export function shownName(name: DerNode): string {
  const parts = name.children
    .flatMap(attributesOf)
    .map(({ oid, value }) => `${SHORT_NAMES.get(oid) ?? oid}=${textOf(value) ?? '(unreadable)'}`)
  return printable(parts.reverse().join(', '), 160) || '(no name)'
}

function attributesOf(rdn: DerNode): readonly Attribute[] {
  return rdn.children.map((attribute) => {
    const [id, value] = attribute.children
    if (id === undefined || value === undefined) throw new Error('a name has no value')
    return { oid: objectIdentifier(id), value }
  })
}

function canonicalValue(value: DerNode): string {
  const text = textOf(value)
  if (text === undefined) return `#${value.bytes.toString('hex')}`
  return text
    .replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
    .replace(/[ \t-\r]+/g, ' ')
    .replace(/^ | $/g, '')
}

/** Undefined for what is no string (X.690, 8.23). */
function textOf(value: DerNode): string | undefined {
  switch (value.tag) {
    case 0x0c:
      return value.content.toString('utf8')
    case 0x13:
    case 0x14:
    case 0x16:
    case 0x1a:
      return value.content.toString('latin1')
    case 0x1e:
      return value.content.length % 2 === 0 ? Buffer.from(value.content).swap16().toString('utf16le') : undefined
    case 0x1c:
      return universalString(value.content)
    default:
      return undefined
  }
}

function universalString(content: Buffer): string | undefined {
  if (content.length % 4 !== 0) return undefined
  const units = Array.from({ length: content.length / 4 }, (_, index) => content.readUInt32BE(index * 4))
  return units.every((unit) => unit <= 0x10ffff) ? String.fromCodePoint(...units) : undefined
}

/** One GeneralName (RFC 5280, 4.2.1.6): the number of its kind, and what stands in it. */
export interface GeneralName {
  readonly kind: number
  readonly node: DerNode
}

export const GENERAL_NAME = { email: 1, dns: 2, directory: 4, uri: 6, ip: 7 } as const

const TEXT_OR_ADDRESS = new Set<number>([GENERAL_NAME.email, GENERAL_NAME.dns, GENERAL_NAME.uri, GENERAL_NAME.ip])

/** Whole inside too: whoever looks into it later meets no fault. Throws an Error. */
export function generalName(node: DerNode): GeneralName {
  if ((node.tag & 0xc0) !== 0x80) throw new Error('a name is of no known kind')
  const name = { kind: node.tag & 0x1f, node }
  if (TEXT_OR_ADDRESS.has(name.kind) && (node.tag & 0x20) !== 0) throw new Error('a name is malformed')
  if (name.kind === GENERAL_NAME.directory) canonicalName(directoryName(name))
  return name
}

/** Of a SEQUENCE, or of what stands for one under an implicit tag. Throws an Error. */
export function generalNames(list: DerNode): readonly GeneralName[] {
  return list.children.map(generalName)
}

/** The name inside a directoryName, which is tagged explicitly. Throws an Error. */
export function directoryName({ node }: GeneralName): DerNode {
  const [name] = node.children
  if (name === undefined || !name.is(DER.sequence)) throw new Error('a directory name is empty')
  return name
}
