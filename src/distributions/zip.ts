import { setImmediate as nextTurn } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { count, formatBytes, printable } from '../text.ts'
import { layoutFault } from './archive-fault.ts'
import { segmentsOf } from './archive-path.ts'
import { inflate, steps } from './inflate.ts'
import type { OpenFile } from './open-file.ts'
import { type DirectoryRange, readZipEnd } from './zip-end.ts'
import {
  CENTRAL_BYTES,
  type CentralHeader,
  compareLocalHeader,
  descriptorLengths,
  isDescriptor,
  LOCAL_BYTES,
  type LocalHeader,
  localHeaderLength,
  parseCentralHeader,
  ZipFault,
} from './zip-headers.ts'

/** Members between two turns of the event loop: some milliseconds. */
const MEMBERS_PER_TURN = 500

/** PyPI refuses an archive that is announced to unpack to more than both. */
const LARGE_TOTAL = 64 * 1024 ** 2
const LARGE_RATIO = 50

const REGULAR_FILE = 0o100000
const DIRECTORY = 0o040000

/** One member of a zip archive, when its headers were found to agree. Sizes and positions in bytes. */
export interface ZipMember {
  readonly name: string
  /** The name's parts, without those that mean nothing. */
  readonly segments: readonly string[]
  readonly isDirectory: boolean
  /** Its Unix mode makes it a symbolic link, a device, ...: what is unpacked is not its content. */
  readonly isSpecial: boolean
  readonly isStored: boolean
  readonly crc: number
  readonly compressedSize: number
  readonly size: number
  /** Position of its local header. */
  readonly offset: number
  readonly dataOffset: number
  /** Its header in the central directory, as it is written. */
  readonly header: Buffer
}

export interface ZipContent {
  /** In the order of the central directory. */
  readonly members: readonly ZipMember[]
  /** Sentences without the file's name. */
  readonly warnings: string[]
}

/** Oddities that are told once for all members that have them. */
class Oddities {
  readonly #names = new Map<string, string[]>()

  add(sentence: string, name: string): void {
    const names = this.#names.get(sentence)
    if (names === undefined) this.#names.set(sentence, [name])
    else names.push(name)
  }

  sentences(): string[] {
    return [...this.#names].map(([sentence, [first = '', ...others]]) => {
      const more = others.length === 0 ? '' : ` (and ${count(others.length, 'other member')})`
      return `the member ${printable(first, 120)}${more} ${sentence}`
    })
  }
}

/**
 * Lists the members of a zip archive in which every byte has one meaning: the local members fill the file from its
 * first byte to the central directory, without gap or overlap, each header says what its counterpart says, and no name
 * comes twice. Whatever else an archive may be, two readers could read differently. Linear in time.
 *
 * With `verifyMetadata: false` a zip64 field that does not belong there is a warning: it hides nothing.
 *
 * @throws PublishError E_DIST_LAYOUT, E_DIST_LIMIT; the signal's reason when it is aborted
 */
export async function readZip(
  file: OpenFile,
  { verifyMetadata, signal }: { readonly verifyMetadata: boolean; readonly signal?: AbortSignal | undefined },
): Promise<ZipContent> {
  const range = readZipEnd(file)
  const headers = await readDirectory(file, range, signal)
  const oddities = new Oddities()
  const dataOffsets = new Map<CentralHeader, number>()
  const inOrder = headers.toSorted((a, b) => a.offset - b.offset)
  let end = 0
  for (const [index, central] of inOrder.entries()) {
    if (index % MEMBERS_PER_TURN === MEMBERS_PER_TURN - 1) await turn(signal)
    if (central.offset !== end) throw doesNotTile(file, central, end)
    const next = inOrder[index + 1]?.offset ?? range.offset
    const { local, dataOffset } = about(file, central, () => readLocal(file, central))
    if (central.surplusZip64 || local.surplusZip64) {
      if (verifyMetadata) throw surplusZip64(file, central)
      oddities.add('has a zip64 field that does not belong there: uv will not install this file', central.name)
    }
    const dataEnd = dataOffset + central.compressedSize
    end = central.hasDescriptor
      ? about(file, central, () => endOfDescriptor(file, central, local, dataEnd, next))
      : dataEnd
    dataOffsets.set(central, dataOffset)
    if (central.hasDescriptor)
      oddities.add('has its sizes behind its content (a data descriptor): PyPI refuses this', central.name)
  }
  if (end !== range.offset) throw layoutFault(file, gapSentence(end, range.offset, 'the central directory'))
  const members = headers.map((central) => memberOf(central, dataOffsets.get(central) ?? 0))
  for (const member of members) {
    if (member.isSpecial) oddities.add('is a symbolic link or a device: pip unpacks it as a plain file', member.name)
  }
  return { members, warnings: [...oddities.sentences(), ...ratioWarning(file, headers)] }
}

async function turn(signal: AbortSignal | undefined): Promise<void> {
  await nextTurn()
  signal?.throwIfAborted()
}

async function readDirectory(
  file: OpenFile,
  range: DirectoryRange,
  signal: AbortSignal | undefined,
): Promise<CentralHeader[]> {
  const directory = file.readSync(range.offset, range.size)
  const headers: CentralHeader[] = []
  const paths = new Set<string>()
  let position = 0
  while (position < directory.length) {
    if (headers.length % MEMBERS_PER_TURN === MEMBERS_PER_TURN - 1) await turn(signal)
    const header = parse(file, directory, position, range.offset)
    const path = segmentsOf(header.name).join('/')
    if (paths.has(path)) throw refused(file, header.name, header.offset, 'there is another member of this name')
    paths.add(path)
    headers.push(header)
    position += header.bytes.length
  }
  if (headers.length !== range.members) {
    throw layoutFault(
      file,
      `the end record announces ${count(range.members, 'member')}, the central directory has ${headers.length}`,
    )
  }
  return headers
}

function parse(file: OpenFile, directory: Buffer, position: number, start: number): CentralHeader {
  try {
    return parseCentralHeader(directory, position)
  } catch (error) {
    if (!(error instanceof ZipFault)) throw error
    const raw = directory.subarray(position)
    const name =
      raw.length < CENTRAL_BYTES ? '' : raw.toString('utf8', CENTRAL_BYTES, CENTRAL_BYTES + raw.readUInt16LE(28))
    throw refused(file, name, start + position, error.message)
  }
}

function readLocal(file: OpenFile, central: CentralHeader): { local: LocalHeader; dataOffset: number } {
  const fixed = file.readSync(central.offset, LOCAL_BYTES)
  const { nameLength, extraLength } = localHeaderLength(fixed)
  const rest = file.readSync(central.offset + LOCAL_BYTES, nameLength + extraLength)
  const local = compareLocalHeader(fixed, rest.subarray(0, nameLength), rest.subarray(nameLength), central)
  return { local, dataOffset: central.offset + LOCAL_BYTES + rest.length }
}

/** Where the descriptor behind a member's content ends: where the next member begins, or it is not one. */
function endOfDescriptor(
  file: OpenFile,
  central: CentralHeader,
  local: LocalHeader,
  start: number,
  next: number,
): number {
  const wide = local.wideDescriptor
  const length = descriptorLengths(wide).find((bytes) => start + bytes === next)
  if (length === undefined || !isDescriptor(file.readSync(start, length), wide, central)) {
    throw new ZipFault('its data descriptor is missing or wrong')
  }
  return start + length
}

/** Runs a check of one member; what it finds is told with the member's name and place. */
function about<T>(file: OpenFile, central: CentralHeader, check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof ZipFault)) throw error
    throw refused(file, central.name, central.offset, error.message)
  }
}

function refused(file: OpenFile, name: string, offset: number, phrase: string): Error {
  return layoutFault(file, `the member ${printable(name, 120)} at byte ${offset} is refused: ${phrase}`)
}

function doesNotTile(file: OpenFile, central: CentralHeader, end: number): Error {
  return layoutFault(file, gapSentence(end, central.offset, `the member ${printable(central.name, 120)}`))
}

function gapSentence(end: number, start: number, what: string): string {
  return start > end
    ? `there is a gap of ${count(start - end, 'byte')} before ${what} at byte ${start}: data that some readers see and others do not`
    : `${what} at byte ${start} overlaps the member before it`
}

function surplusZip64(file: OpenFile, central: CentralHeader): Error {
  return layoutFault(
    file,
    `the member ${printable(central.name, 120)} at byte ${central.offset} has a zip64 field that does not belong there: uv will not install this file`,
    'Usually `wheel tags` or `wheel pack` (wheel 0.47.0 and older) writes this for files over 4 GB: repack it with a newer `wheel` or with `auditwheel`. With `verify-metadata: false` it is sent as it is, with a warning.',
  )
}

function memberOf(central: CentralHeader, dataOffset: number): ZipMember {
  const { name, unixType, method, crc, compressedSize, size, offset } = central
  return {
    name,
    segments: segmentsOf(name),
    isDirectory: name.endsWith('/'),
    isSpecial: unixType !== 0 && unixType !== REGULAR_FILE && unixType !== DIRECTORY,
    isStored: method === 0,
    crc,
    compressedSize,
    size,
    offset,
    dataOffset,
    header: central.bytes,
  }
}

function ratioWarning(file: OpenFile, headers: readonly CentralHeader[]): string[] {
  const total = headers.reduce((sum, { size }) => sum + size, 0)
  if (total <= LARGE_TOTAL || total <= LARGE_RATIO * file.size) return []
  return [`it unpacks to ${formatBytes(total)}, more than ${LARGE_RATIO} times its size: PyPI refuses this`]
}

/**
 * The content of one member. The caller compares `member.size` with a limit first: so many bytes are held, and never
 * more.
 *
 * @throws PublishError E_DIST_LAYOUT; the signal's reason when it is aborted
 */
export async function readMember(file: OpenFile, member: ZipMember, signal?: AbortSignal): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of memberContent(file, member, signal)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/**
 * The content of one member in pieces, checked by length and CRC32, with not a byte behind its compressed data. What is
 * handed out is proven only when the last piece was: never more than `member.size` and one step.
 *
 * @throws PublishError E_DIST_LAYOUT; the signal's reason when it is aborted
 */
export async function* memberContent(file: OpenFile, member: ZipMember, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const what = `the member ${printable(member.name, 120)}`
  const range = { start: member.dataOffset, length: member.compressedSize, what }
  let total = 0
  let checksum = 0
  for await (const chunk of member.isStored ? steps(file, range) : inflate(file, range, signal)) {
    signal?.throwIfAborted()
    total += chunk.length
    if (total > member.size)
      throw layoutFault(file, `${what} inflates to more than the ${member.size} bytes that it announces`)
    checksum = crc32(chunk, checksum)
    yield chunk
  }
  if (total !== member.size || checksum !== member.crc)
    throw layoutFault(file, `the content of ${what} does not fit its announced size and checksum`)
}
