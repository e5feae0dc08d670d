import { count } from '../text.ts'
import { layoutFault, limitFault } from './archive-fault.ts'
import type { OpenFile } from './open-file.ts'
import { readUInt64 } from './zip-headers.ts'

const END_BYTES = 22
const END_SIGNATURE = 0x06054b50
const LOCATOR_BYTES = 20
const LOCATOR_SIGNATURE = 0x07064b50
const ZIP64_END_BYTES = 56
const ZIP64_END_SIGNATURE = 0x06064b50

const LONGEST_DIRECTORY = 64 * 1024 ** 2
const MOST_MEMBERS = 200_000

/** How far from the end an end record is looked for, only to say what is wrong. */
const SEARCHED_BYTES = 1024 ** 2

const STRIP_HINT =
  'Build it again into an empty directory: a build tool that writes over a longer file leaves its end behind, and some steps that copy files pad them.'

/** Where the central directory stands, in bytes, and how many members it has. */
export interface DirectoryRange {
  readonly offset: number
  readonly size: number
  readonly members: number
}

/**
 * Reads the end of a zip archive: the end record must be the last 22 bytes, zip64's two records stand right before it,
 * and the central directory right before those. Readers look for these in different ways and find different archives
 * where more than one could be meant.
 *
 * @throws PublishError E_DIST_LAYOUT, E_DIST_LIMIT
 */
export function readZipEnd(file: OpenFile): DirectoryRange {
  const position = file.size - END_BYTES
  const end = position < 0 ? undefined : file.readSync(position, END_BYTES)
  if (end === undefined || end.readUInt32LE(0) !== END_SIGNATURE || end.readUInt16LE(20) !== 0) {
    throw layoutFault(file, ...describeEnd(file))
  }
  const short = {
    members: end.readUInt16LE(10),
    size: end.readUInt32LE(12),
    offset: end.readUInt32LE(16),
  }
  if (end.readUInt32LE(4) !== 0 || end.readUInt16LE(8) !== short.members)
    throw layoutFault(file, 'the zip archive spans several disks')
  const { range, start } = zip64End(file, position, short) ?? { range: short, start: position }
  const expected = range.offset + range.size
  if (expected !== start) {
    const gap = start - expected
    throw layoutFault(
      file,
      gap > 0
        ? `there is a gap of ${count(gap, 'byte')} in the zip archive: data stands before it, or between its directory and its end record at byte ${start}`
        : `the central directory of the zip archive overlaps its end record at byte ${start}`,
    )
  }
  if (range.size > LONGEST_DIRECTORY)
    throw limitFault(file, `the central directory has more than ${LONGEST_DIRECTORY} bytes`)
  if (range.members > MOST_MEMBERS) throw limitFault(file, `the archive has more than ${MOST_MEMBERS} members`)
  return range
}

/** What zip64's records say; undefined where there are none. Python reads them wherever they stand, whether needed or not. */
function zip64End(
  file: OpenFile,
  endPosition: number,
  short: DirectoryRange,
): { range: DirectoryRange; start: number } | undefined {
  const locatorPosition = endPosition - LOCATOR_BYTES
  if (locatorPosition < 0) return undefined
  const locator = file.readSync(locatorPosition, LOCATOR_BYTES)
  if (locator.readUInt32LE(0) !== LOCATOR_SIGNATURE) return undefined
  const start = locatorPosition - ZIP64_END_BYTES
  const disks = locator.readUInt32LE(4) === 0 && locator.readUInt32LE(16) === 1
  if (start < 0 || !disks || readUInt64(locator, 8) !== start) {
    throw layoutFault(file, `the zip64 locator at byte ${locatorPosition} does not point at the record right before it`)
  }
  const record = file.readSync(start, ZIP64_END_BYTES)
  // 44: the size of the record without its first twelve bytes, and without the extensible data that nobody uses.
  if (record.readUInt32LE(0) !== ZIP64_END_SIGNATURE || readUInt64(record, 4) !== ZIP64_END_BYTES - 12) {
    throw layoutFault(file, `there is no zip64 end record of 56 bytes at byte ${start}`)
  }
  const range = { members: readUInt64(record, 32), size: readUInt64(record, 40), offset: readUInt64(record, 48) }
  const oneDisk =
    record.readUInt32LE(16) === 0 && record.readUInt32LE(20) === 0 && readUInt64(record, 24) === range.members
  const agrees =
    agree(short.members, range.members, 0xffff) &&
    agree(short.size, range.size, 0xffffffff) &&
    agree(short.offset, range.offset, 0xffffffff)
  if (!oneDisk || !agrees)
    throw layoutFault(file, `the zip64 end record at byte ${start} and the end record contradict each other`)
  return { range, start }
}

function agree(short: number, long: number, seeThere: number): boolean {
  return short === long || short === seeThere
}

/** Why the last 22 bytes are no end record: the sentence, and what to do where that is known. */
function describeEnd(file: OpenFile): [found: string, hint?: string] {
  const start = Math.max(0, file.size - SEARCHED_BYTES)
  const tail = file.readSync(start, file.size - start)
  const signature = Buffer.alloc(4)
  signature.writeUInt32LE(END_SIGNATURE)
  for (let at = tail.lastIndexOf(signature); at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(signature, at - 1)) {
    const rest = tail.length - at - END_BYTES
    if (rest < 0) continue
    const comment = tail.readUInt16LE(at + 20)
    if (comment > 0)
      return [`the zip archive has a comment of ${count(comment, 'byte')}, in which a second archive could stand`]
    return [
      `the file goes on for ${count(rest, 'byte')} behind the end of the zip archive (end record at byte ${start + at}): uv will not install it and PyPI does not take it`,
      STRIP_HINT,
    ]
  }
  const begins = tail.subarray(0, 2).toString('latin1') === 'PK' || start > 0
  return [begins ? 'the zip archive is cut off: it has no end record' : 'expected a zip archive, found something else']
}
