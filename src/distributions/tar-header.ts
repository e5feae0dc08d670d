import { pathFault } from './archive-path.ts'

/** Bytes of a header, and the unit that content is padded to. */
export const BLOCK_BYTES = 512

/** Sizes from here on do not fit into a header's octal field (POSIX): pax or base-256 holds them. */
const OCTAL_END = 8 ** 11

/** Mode, owner, group, time and device: what nobody needs here, but Python stops reading where one is no number. */
const OTHER_NUMBERS: readonly (readonly [start: number, end: number])[] = [
  [100, 108],
  [108, 116],
  [116, 124],
  [136, 148],
  [329, 337],
  [337, 345],
]

/** One header of a tar archive (POSIX ustar or GNU), as it is written. */
export interface TarHeader {
  /** The type flag: one character, `\0` as `0`. */
  readonly type: string
  readonly name: string
  readonly target: string
  /** Bytes of content. */
  readonly size: number
  /** The block that all this is read from. */
  readonly block: Buffer
}

/** What a pax extended header says of the member behind it. */
export interface PaxRecords {
  readonly path?: string
  readonly linkpath?: string
  readonly size?: number
}

/** A phrase that says why a header is refused. */
export class TarFault extends Error {}

/**
 * Reads one header block (POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar's "Basic Tar Format").
 *
 * @throws TarFault
 */
export function parseTarHeader(block: Buffer): TarHeader {
  const magic = block.toString('latin1', 257, 265)
  const gnu = magic === 'ustar  \0'
  if (!gnu && magic !== 'ustar\x0000')
    throw new TarFault('it is no tar header of a kind that is in use (ustar, GNU, pax)')
  if (checksumOf(block) !== octal(block.subarray(148, 156))) throw new TarFault('its checksum is wrong')
  // Python takes these bytes for the first part of the name, GNU tar for times and sparse maps.
  if (gnu && block.subarray(345, 500).some((byte) => byte !== 0)) {
    throw new TarFault('it has GNU fields (access times, a sparse map) that readers take for a part of the name')
  }
  if (!OTHER_NUMBERS.every(([start, end]) => isNumber(block.subarray(start, end)))) {
    throw new TarFault('one of its numbers (mode, owner, time, device) is none, where Python ends the archive')
  }
  const prefix = gnu ? '' : textOf(block.subarray(345, 500))
  const name = textOf(block.subarray(0, 100))
  const type = String.fromCharCode(block.readUInt8(156))
  return {
    type: type === '\0' ? '0' : type,
    name: prefix === '' ? name : `${prefix}/${name}`,
    target: textOf(block.subarray(157, 257)),
    size: sizeOf(block.subarray(124, 136)),
    block,
  }
}

/** The sum of all bytes, those of the checksum itself counted as blanks. */
function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20
  for (let index = 0; index < BLOCK_BYTES; index += 1) {
    if (index < 148 || index >= 156) sum += block.readUInt8(index)
  }
  return sum
}

function sizeOf(field: Buffer): number {
  if (field.readUInt8(0) < 0x80) return octal(field)
  // GNU's base-256 for large files: the first byte is a mark, 0xff that of a negative number.
  const high = field.readUInt32BE(1)
  const middle = field.readUInt32BE(5)
  const low = field.readUIntBE(9, 3)
  const size = (middle & 0x1fffffff) * 2 ** 24 + low
  if (field.readUInt8(0) !== 0x80 || high !== 0 || middle > 0x1fffffff)
    throw new TarFault('its size is negative or beyond all bounds')
  return size
}

/** Whether CPython's tarfile reads a field: octal up to a NUL, nothing at all, or GNU's base-256. */
function isNumber(field: Buffer): boolean {
  const [first] = field
  const end = field.indexOf(0)
  return (
    first === 0x80 || first === 0xff || /^ *[0-7]* *$/.test(field.toString('latin1', 0, end < 0 ? field.length : end))
  )
}

function octal(field: Buffer): number {
  const digits = /^ *([0-7]+)[ \0]*$/.exec(field.toString('latin1'))?.[1]
  if (digits === undefined) throw new TarFault('one of its numbers is no octal number')
  return Number.parseInt(digits, 8)
}

/** Text up to the first NUL. Bytes that are no UTF-8 (names of old test data) become U+FFFD. */
function textOf(field: Buffer): string {
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? field.length : end)
}

/**
 * Reads GNU's long name or long link name: text that one NUL ends.
 *
 * @throws TarFault
 */
export function parseLongName(content: Buffer): string {
  const end = content.indexOf(0)
  const text = end < 0 ? content : content.subarray(0, end)
  if (end >= 0 && content.subarray(end).some((byte) => byte !== 0))
    throw new TarFault('its long name goes on behind a NUL')
  if (text.length === 0) throw new TarFault('its long name is empty')
  return text.toString('utf8')
}

/**
 * Reads the records of a pax extended header: `length key=value\n`, each once.
 *
 * @throws TarFault, also for what other readers leave out or read in their own way: sparse files, NUL, other charsets
 */
export function parsePax(content: Buffer): PaxRecords {
  const records = paxRecords(content)
  const charset = records.get('hdrcharset')?.toString('latin1')
  if (charset !== undefined && charset !== 'ISO-IR 10646 2000 UTF-8')
    throw new TarFault('its pax header is not in UTF-8')
  const path = paxText(records, 'path')
  const linkpath = paxText(records, 'linkpath')
  const size = paxText(records, 'size')
  if (size !== undefined && !/^[0-9]{1,15}$/.test(size)) throw new TarFault('its pax size is no number')
  return {
    ...(path !== undefined && { path }),
    ...(linkpath !== undefined && { linkpath }),
    ...(size !== undefined && { size: Number(size) }),
  }
}

/**
 * The records of a pax extended header by their keys.
 *
 * @throws TarFault
 */
export function paxRecords(content: Buffer): ReadonlyMap<string, Buffer> {
  const records = new Map<string, Buffer>()
  for (let position = 0; position < content.length; ) {
    const { key, value, end } = paxRecord(content, position)
    if (records.has(key)) throw new TarFault(`its pax header has ${key} twice`)
    if (key.startsWith('GNU.sparse')) throw new TarFault('it is a sparse file, which readers do not read alike')
    records.set(key, value)
    position = end
  }
  return records
}

function paxRecord(content: Buffer, start: number): { key: string; value: Buffer; end: number } {
  const broken = new TarFault('its pax header is corrupt')
  const blank = content.indexOf(0x20, start)
  const digits = blank < 0 || blank - start > 8 ? '' : content.toString('latin1', start, blank)
  if (!/^[1-9][0-9]*$/.test(digits)) throw broken
  const end = start + Number(digits)
  const equals = content.indexOf(0x3d, blank)
  if (end > content.length || end <= blank || content[end - 1] !== 0x0a || equals < 0 || equals >= end) throw broken
  return { key: content.toString('latin1', blank + 1, equals), value: content.subarray(equals + 1, end - 1), end }
}

function paxText(records: ReadonlyMap<string, Buffer>, key: string): string | undefined {
  const value = records.get(key)
  if (value === undefined) return undefined
  if (value.length === 0) throw new TarFault(`its pax ${key} is empty`)
  if (value.includes(0)) throw new TarFault(`its pax ${key} holds a NUL, where some readers cut it`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value)
  } catch {
    throw new TarFault(`its pax ${key} is not UTF-8`)
  }
}

/**
 * The header as the extended headers before it change it.
 *
 * @throws TarFault where they contradict it, so that readers which know them and readers which do not see two archives
 */
export function applyExtensions(header: TarHeader, pax: PaxRecords, longName?: string, longTarget?: string): TarHeader {
  if (pax.path !== undefined && longName !== undefined) throw new TarFault('it has a pax path and a GNU long name')
  if (pax.linkpath !== undefined && longTarget !== undefined)
    throw new TarFault('it has a pax linkpath and a GNU long link')
  if (pax.size !== undefined && pax.size !== header.size && pax.size < OCTAL_END) {
    throw new TarFault(`its size is ${header.size} in the header and ${pax.size} in the pax header`)
  }
  const changed = {
    ...header,
    name: pax.path ?? longName ?? header.name,
    target: pax.linkpath ?? longTarget ?? header.target,
    size: pax.size ?? header.size,
  }
  const fault = pathFault(changed.name)
  if (fault !== undefined) throw new TarFault(fault)
  return changed
}
