import { crc32 } from 'node:zlib'
import { count, formatBytes } from '../text.ts'
import { layoutFault, limitFault } from './archive-fault.ts'
import { inflate } from './inflate.ts'
import type { OpenFile } from './open-file.ts'

/** Bytes of the fixed part of a gzip header, and of the trailer (CRC32, ISIZE). */
const HEADER_BYTES = 10
const TRAILER_BYTES = 8

/** No known writer needs more for its extra field, file name and comment. */
const LONGEST_HEADER = 128 * 1024

const FLAG = { headerCrc: 0x02, extra: 0x04, name: 0x08, comment: 0x10, reserved: 0xe0 } as const

/** Inflated bytes that are read: more than 100 times the file is a bomb, unless it is small. */
const LEAST_INFLATED = 256 * 1024 ** 2
const MOST_INFLATED = 16 * 1024 ** 3
const MOST_RATIO = 100

/**
 * Inflates a file that is exactly one gzip member (RFC 1952), and checks the member's CRC32 and length at the end. The
 * header is read here and not by zlib's gunzip, which goes on with a second member in silence; uv decodes the first alone.
 *
 * @throws PublishError E_DIST_LAYOUT, E_DIST_LIMIT for a bomb; the signal's reason when it is aborted
 */
export async function* gunzip(file: OpenFile, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const start = gzipHeaderLength(file)
  const length = file.size - start - TRAILER_BYTES
  if (length < 0) throw layoutFault(file, 'the gzip file is cut off')
  const range = { start, length, what: 'the archive', surplus: (used: number) => describeRest(file, start + used) }
  const limit = Math.min(MOST_INFLATED, Math.max(LEAST_INFLATED, MOST_RATIO * file.size))
  let checksum = 0
  let total = 0
  for await (const chunk of inflate(file, range, signal)) {
    total += chunk.length
    if (total > limit) throw limitFault(file, `the archive inflates to more than ${formatBytes(limit)}`)
    checksum = crc32(chunk, checksum)
    yield chunk
  }
  const trailer = file.readSync(file.size - TRAILER_BYTES, TRAILER_BYTES)
  if (trailer.readUInt32LE(0) !== checksum) throw layoutFault(file, 'the gzip checksum does not fit the content')
  if (trailer.readUInt32LE(4) !== total % 2 ** 32) throw layoutFault(file, 'the gzip length does not fit the content')
}

/**
 * Where the compressed data of a gzip file begins, in bytes.
 *
 * @throws PublishError E_DIST_LAYOUT
 */
export function gzipHeaderLength(file: OpenFile): number {
  const bytes = file.readSync(0, Math.min(LONGEST_HEADER, file.size))
  if (bytes.length < HEADER_BYTES || bytes.readUInt16BE(0) !== 0x1f8b) {
    throw layoutFault(file, `expected a gzip file (.tar.gz), found ${kindOf(bytes)}`)
  }
  const flags = bytes.readUInt8(3)
  if (bytes.readUInt8(2) !== 8 || (flags & FLAG.reserved) !== 0) {
    throw layoutFault(file, 'the gzip header is not of the only kind there is (deflate, no reserved flags)')
  }
  const end = endOfFields(bytes, flags)
  if (end === undefined) throw layoutFault(file, 'the gzip header does not end')
  return end
}

/** The fields that stand behind the fixed part, in RFC 1952's order; undefined when one of them runs past the bytes. */
function endOfFields(bytes: Buffer, flags: number): number | undefined {
  let end = HEADER_BYTES
  if (flags & FLAG.extra) {
    if (end + 2 > bytes.length) return undefined
    end += 2 + bytes.readUInt16LE(end)
  }
  for (const text of [FLAG.name, FLAG.comment]) {
    if ((flags & text) === 0) continue
    const zero = end < bytes.length ? bytes.indexOf(0, end) : -1
    if (zero < 0) return undefined
    end = zero + 1
  }
  if (flags & FLAG.headerCrc) {
    if (end + 2 > bytes.length || bytes.readUInt16LE(end) !== (crc32(bytes.subarray(0, end)) & 0xffff)) return undefined
    end += 2
  }
  return end <= bytes.length ? end : undefined
}

/** The compressed data ended before the file did: says what follows. */
function describeRest(file: OpenFile, dataEnd: number): string {
  const memberEnd = dataEnd + TRAILER_BYTES
  const surplus = file.size - memberEnd
  if (surplus <= 0) return 'the gzip file is cut off'
  const second = surplus >= 2 && file.readSync(memberEnd, 2).readUInt16BE(0) === 0x1f8b
  return second
    ? `a second gzip member begins at byte ${memberEnd}, which some installers read and others do not`
    : `the file goes on for ${count(surplus, 'byte')} behind the end of its gzip member at byte ${memberEnd}`
}

function kindOf(bytes: Buffer): string {
  const start = bytes.toString('latin1', 0, 6)
  if (bytes.toString('latin1', 257, 262) === 'ustar') return 'a tar file that is not compressed'
  if (start.startsWith('PK')) return 'a zip file'
  if (start.startsWith('BZh')) return 'a bzip2 file'
  if (start.startsWith('\xfd7zXZ')) return 'an xz file'
  return bytes.length === 0 ? 'an empty file' : 'something else'
}
