import { isUtf8 } from 'node:buffer'
import { pathFault } from './archive-path.ts'

/** APPNOTE.TXT 6.3: signatures, and bytes of each record's fixed part. */
export const CENTRAL_BYTES = 46
export const LOCAL_BYTES = 30
const CENTRAL_SIGNATURE = 0x02014b50
const LOCAL_SIGNATURE = 0x04034b50
const DESCRIPTOR_SIGNATURE = 0x08074b50

/** "See the zip64 field". */
const IN_ZIP64 = 0xffffffff

const ZIP64_FIELD = 0x0001
/** Info-ZIP's second name for a member, which some readers take and some do not. */
const UNICODE_PATH_FIELD = 0x7075

const FLAG = {
  encrypted: 0x0001,
  descriptor: 0x0008,
  patch: 0x0020,
  strong: 0x0040,
  utf8: 0x0800,
  masked: 0x2000,
} as const
/** Hints of the compressor, a descriptor behind the data, a name in UTF-8. */
const KNOWN_FLAGS = 0x0006 | FLAG.descriptor | FLAG.utf8

/** 6.3, the newest version of the format that Python takes for readable; it looks at the lower byte alone. */
const NEWEST_VERSION = 63

const STORED = 0
const DEFLATED = 8

/** A phrase that says why a record is refused. */
export class ZipFault extends Error {}

/** What the central directory says of one member. Sizes and positions in bytes. */
export interface CentralHeader {
  readonly name: string
  readonly rawName: Buffer
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressedSize: number
  readonly size: number
  /** Position of the local header. */
  readonly offset: number
  /** The file type bits of a Unix mode; 0 where the archive has none. */
  readonly unixType: number
  readonly hasDescriptor: boolean
  readonly surplusZip64: boolean
  /** This header, as it is written. */
  readonly bytes: Buffer
}

/**
 * Reads the central header at `position`.
 *
 * @throws ZipFault
 */
export function parseCentralHeader(directory: Buffer, position: number): CentralHeader {
  const header = directory.subarray(position)
  if (header.length < CENTRAL_BYTES || header.readUInt32LE(0) !== CENTRAL_SIGNATURE) {
    throw new ZipFault('the central directory is corrupt: there is no header where one must be')
  }
  const nameEnd = CENTRAL_BYTES + header.readUInt16LE(28)
  const extraEnd = nameEnd + header.readUInt16LE(30)
  if (extraEnd > header.length) throw new ZipFault('the central directory ends inside a header')
  if (header.readUInt16LE(32) !== 0) throw new ZipFault('it has a comment')
  if (header.readUInt16LE(34) !== 0) throw new ZipFault('it is said to be on another disk')
  if (header.readUInt8(6) > NEWEST_VERSION)
    throw new ZipFault('it needs a version of the zip format that pip does not know')
  const flags = header.readUInt16LE(8)
  const [compressed, uncompressed, offset32] = [
    header.readUInt32LE(20),
    header.readUInt32LE(24),
    header.readUInt32LE(42),
  ]
  const zip64 = zip64Values(header.subarray(nameEnd, extraEnd), [uncompressed, compressed, offset32])
  const [size = 0, compressedSize = 0, offset = 0] = zip64.values
  const rawName = header.subarray(CENTRAL_BYTES, nameEnd)
  return {
    name: nameOf(rawName, flags),
    rawName,
    flags,
    method: methodOf(header.readUInt16LE(10), flags, size, compressedSize),
    crc: header.readUInt32LE(16),
    compressedSize,
    size,
    offset,
    unixType: (header.readUInt32LE(38) >>> 16) & 0o170000,
    hasDescriptor: (flags & FLAG.descriptor) !== 0,
    surplusZip64: zip64.surplus !== undefined,
    bytes: header.subarray(0, extraEnd),
  }
}

function nameOf(raw: Buffer, flags: number): string {
  if (!isUtf8(raw)) throw new ZipFault('its name is not UTF-8')
  const name = raw.toString('utf8')
  if (name === '') throw new ZipFault('it has no name')
  if ((flags & FLAG.utf8) === 0 && raw.some((byte) => byte > 0x7f)) {
    throw new ZipFault('its name is not ASCII and not marked as UTF-8, so that pip unpacks it under another name')
  }
  if (name.includes('\\')) throw new ZipFault('its name holds a backslash')
  const fault = pathFault(name)
  if (fault !== undefined) throw new ZipFault(fault)
  return name
}

function methodOf(method: number, flags: number, size: number, compressedSize: number): number {
  if ((flags & (FLAG.encrypted | FLAG.strong | FLAG.masked)) !== 0) throw new ZipFault('it is encrypted')
  if ((flags & ~KNOWN_FLAGS) !== 0) throw new ZipFault('it has flags that installers do not know')
  if (method !== STORED && method !== DEFLATED)
    throw new ZipFault(`its compression method ${method} is not one that installers know`)
  if (method === STORED && size !== compressedSize) throw new ZipFault('it is stored, and its two sizes differ')
  return method
}

/**
 * The values as the zip64 field completes them (APPNOTE 4.5.3): one of eight bytes for each that says "see there", in
 * order, and nothing else. A field that no value asks for is `surplus`.
 */
function zip64Values(extra: Buffer, values: readonly number[]): { values: number[]; surplus: Buffer | undefined } {
  const fields = extraFields(extra)
  if (fields.has(UNICODE_PATH_FIELD)) throw new ZipFault('it has a second name (Info-ZIP unicode path)')
  const field = fields.get(ZIP64_FIELD)
  const wanted = values.filter((value) => value === IN_ZIP64).length
  if (wanted === 0) return { values: [...values], surplus: field }
  if (field?.length !== wanted * 8) {
    throw new ZipFault(`its zip64 field has ${field?.length ?? 0} bytes where ${wanted * 8} must be`)
  }
  let position = 0
  const completed = values.map((value) => {
    if (value !== IN_ZIP64) return value
    position += 8
    return readUInt64(field, position - 8)
  })
  return { values: completed, surplus: undefined }
}

/**
 * The extra fields of a header by their id; of two with one id the last.
 *
 * @throws ZipFault
 */
export function extraFields(extra: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>()
  for (let position = 0; position < extra.length; ) {
    const start = position + 4
    const end = start <= extra.length ? start + extra.readUInt16LE(position + 2) : start
    if (end > extra.length) throw new ZipFault('its extra fields are corrupt')
    const id = extra.readUInt16LE(position)
    if (id === ZIP64_FIELD && fields.has(id)) throw new ZipFault('it has two zip64 fields')
    fields.set(id, extra.subarray(start, end))
    position = end
  }
  return fields
}

/** @throws ZipFault for a number that no file has bytes for */
export function readUInt64(bytes: Buffer, position: number): number {
  const value = bytes.readUInt32LE(position + 4) * 2 ** 32 + bytes.readUInt32LE(position)
  if (!Number.isSafeInteger(value)) throw new ZipFault('one of its sizes is beyond all bounds')
  return value
}

/** Bytes of the two parts that follow the fixed part of a local header. */
export function localHeaderLength(fixed: Buffer): { nameLength: number; extraLength: number } {
  if (fixed.readUInt32LE(0) !== LOCAL_SIGNATURE)
    throw new ZipFault('there is no local header where the central directory says')
  return { nameLength: fixed.readUInt16LE(26), extraLength: fixed.readUInt16LE(28) }
}

/** What only the local header says of a member. */
export interface LocalHeader {
  readonly surplusZip64: boolean
  /** The sizes of a descriptor have eight bytes each. */
  readonly wideDescriptor: boolean
}

/**
 * Compares a member's local header (its fixed part, its name, its extra fields) with the central one: readers go by
 * either, so they must be equal.
 *
 * @throws ZipFault
 */
export function compareLocalHeader(fixed: Buffer, name: Buffer, extra: Buffer, central: CentralHeader): LocalHeader {
  if (!name.equals(central.rawName)) throw differs('names')
  if (fixed.readUInt16LE(6) !== central.flags) throw differs('flags')
  if (fixed.readUInt16LE(8) !== central.method) throw differs('compression methods')
  const [compressed, uncompressed] = [fixed.readUInt32LE(18), fixed.readUInt32LE(22)]
  const zip64 = zip64Values(extra, [uncompressed, compressed])
  const [size = 0, compressedSize = 0] = zip64.values
  const known = (local: number, value: number) => local === value || (central.hasDescriptor && local === 0)
  if (!known(fixed.readUInt32LE(14), central.crc)) throw differs('checksums')
  if (!known(size, central.size) || !known(compressedSize, central.compressedSize)) throw differs('sizes')
  // A reader that goes through the file from its start would have to guess where the content ends.
  if (central.method === STORED && compressedSize !== central.compressedSize) {
    throw new ZipFault('it is stored, and its size stands only behind it')
  }
  const wideDescriptor = uncompressed === IN_ZIP64 || central.size >= IN_ZIP64 || central.compressedSize >= IN_ZIP64
  const isSurplus = zip64.surplus !== undefined && !repeatsSizes(zip64.surplus, size, compressedSize)
  return { surplusZip64: isSurplus, wideDescriptor }
}

/**
 * Whether a zip64 field says again what the header says. CPython writes one into each local header with `force_zip64`,
 * which Bazel's py_wheel always asks for: no reader can be misled, and pip, uv and PyPI take such wheels.
 */
function repeatsSizes(field: Buffer, size: number, compressedSize: number): boolean {
  return field.length === 16 && readUInt64(field, 0) === size && readUInt64(field, 8) === compressedSize
}

function differs(what: string): ZipFault {
  return new ZipFault(`its ${what} in the local header and in the central directory differ`)
}

/** Bytes that a data descriptor can have: with its signature or without. */
export function descriptorLengths(wide: boolean): readonly number[] {
  return wide ? [24, 20] : [16, 12]
}

/** Whether the bytes behind a member's content repeat its checksum and sizes, as a data descriptor must (APPNOTE 4.3.9). */
export function isDescriptor(bytes: Buffer, wide: boolean, { crc, compressedSize, size }: CentralHeader): boolean {
  const signed = bytes.length === (wide ? 24 : 16)
  if (signed && bytes.readUInt32LE(0) !== DESCRIPTOR_SIGNATURE) return false
  const start = signed ? 4 : 0
  const read = (index: number) =>
    wide ? readUInt64(bytes, start + 4 + index * 8) : bytes.readUInt32LE(start + 4 + index * 4)
  return bytes.readUInt32LE(start) === crc && read(0) === compressedSize && read(1) === size
}
