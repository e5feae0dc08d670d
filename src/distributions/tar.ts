import { formatBytes, printable } from '../text.ts'
import { layoutFault, limitFault } from './archive-fault.ts'
import { ByteReader } from './byte-reader.ts'
import type { OpenFile } from './open-file.ts'
import {
  applyExtensions,
  BLOCK_BYTES,
  type PaxRecords,
  parseLongName,
  parsePax,
  parseTarHeader,
  TarFault,
  type TarHeader,
} from './tar-header.ts'

const MOST_HEADERS = 200_000

/** Bytes of a pax header or a long name. */
const LONGEST_EXTENSION = 1024 ** 2

const ZERO_CHUNK = Buffer.alloc(64 * 1024)

/** By type flag, what is read. All else (FIFO, device, sparse, multi-volume, unknown) has no place in an sdist. */
const KINDS = new Map<string, TarMember['kind']>([
  ['0', 'file'],
  ['1', 'hard link'],
  ['2', 'symbolic link'],
  ['5', 'directory'],
])

export interface TarMember {
  readonly kind: 'file' | 'directory' | 'hard link' | 'symbolic link'
  readonly name: string
  /** Where a link points; empty for the others. */
  readonly target: string
  /** Bytes of content. */
  readonly size: number
  /** Position of the member's header in the tar archive. */
  readonly offset: number
  /** The content, which must be asked for before the next member is. The caller compares `size` with a limit first. */
  content(): Promise<Buffer>
  /** The same in pieces: what is cut off is told behind the last one. */
  pieces(): AsyncGenerator<Buffer>
  /** Its header block, as it is written. */
  readonly block: Buffer
  /** The content of the pax header before it; empty where there is none. */
  readonly pax: Buffer
}

/** What extended headers said of the member that follows them. */
interface Extensions {
  pax?: PaxRecords
  paxContent?: Buffer
  longName?: string
  longTarget?: string
}

/**
 * Walks over a whole tar archive, header by header, to the last byte: which of two members of one name counts, and what
 * stands behind the end, differs from reader to reader, so nothing may be left unseen. Linear in time; memory is that of
 * one extended header.
 *
 * @throws PublishError E_DIST_LAYOUT, E_DIST_LIMIT
 */
export async function* tarMembers(file: OpenFile, bytes: AsyncIterable<Buffer>): AsyncGenerator<TarMember> {
  const reader = new ByteReader(bytes)
  try {
    let extensions: Extensions = {}
    for (let headers = 0; ; headers += 1) {
      if (headers > MOST_HEADERS) throw limitFault(file, `the archive has more than ${MOST_HEADERS} members`)
      const offset = reader.position
      const block = await reader.take(BLOCK_BYTES)
      if (block.length < BLOCK_BYTES)
        throw layoutFault(file, `the tar archive ends without its two end blocks at byte ${offset}`)
      if (isZero(block)) {
        if (Object.keys(extensions).length > 0)
          throw layoutFault(file, 'the tar archive ends behind an extended header')
        return await readEnd(file, reader)
      }
      const header = atOffset(file, offset, () => parseTarHeader(block))
      const extended = await readExtension(file, reader, header, offset, extensions)
      if (extended !== undefined) {
        extensions = extended
        continue
      }
      yield* oneMember(file, reader, header, offset, extensions)
      extensions = {}
    }
  } finally {
    await reader.close()
  }
}

/** Says which member a fault is about. */
function atOffset<T>(file: OpenFile, offset: number, parse: () => T, name?: string): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof TarFault)) throw error
    const member = name === undefined ? 'the tar member' : `the tar member ${printable(name, 120)}`
    throw layoutFault(file, `${member} at byte ${offset} of the archive is refused: ${error.message}`)
  }
}

/** What is known after an extended header; undefined when this is the header of a member itself. */
async function readExtension(
  file: OpenFile,
  reader: ByteReader,
  header: TarHeader,
  offset: number,
  before: Extensions,
): Promise<Extensions | undefined> {
  if (!['x', 'g', 'L', 'K'].includes(header.type)) return undefined
  if (header.size > LONGEST_EXTENSION) {
    throw limitFault(
      file,
      `the extended header at byte ${offset} of the archive has more than ${formatBytes(LONGEST_EXTENSION)}`,
    )
  }
  const content = await reader.take(header.size)
  if (content.length < header.size) throw cutOff(file, offset)
  await skipPadding(file, reader, header.size, offset)
  return atOffset(file, offset, () => extend(header.type, content, before))
}

function extend(type: string, content: Buffer, before: Extensions): Extensions {
  if (type === 'g') {
    // `git archive` writes its commit there. What would rename or resize every member behind it is nobody's honest work.
    if (Object.keys(parsePax(content)).length > 0) throw new TarFault('it sets path or size for all members')
    return before
  }
  const key = type === 'x' ? 'pax' : type === 'L' ? 'longName' : 'longTarget'
  if (before[key] !== undefined) throw new TarFault('it has two extended headers of one kind')
  if (type === 'x') return { ...before, pax: parsePax(content), paxContent: content }
  return { ...before, [key]: parseLongName(content) }
}

async function* oneMember(
  file: OpenFile,
  reader: ByteReader,
  header: TarHeader,
  offset: number,
  { pax = {}, paxContent = Buffer.alloc(0), longName, longTarget }: Extensions,
): AsyncGenerator<TarMember> {
  const { type, name, target, size } = atOffset(file, offset, () => applyExtensions(header, pax, longName, longTarget))
  const kind = atOffset(file, offset, () => kindOf(type, name, size), name)
  const start = reader.position
  const content = async () => {
    const bytes = await reader.take(size)
    if (bytes.length < size) throw cutOff(file, offset)
    return bytes
  }
  async function* pieces() {
    yield* reader.pieces(size)
    if (reader.position < start + size) throw cutOff(file, offset)
  }
  yield { kind, name, target, size, offset, content, pieces, block: header.block, pax: paxContent }
  if (!(await reader.skip(start + size - reader.position))) throw cutOff(file, offset)
  await skipPadding(file, reader, size, offset)
}

function kindOf(type: string, name: string, size: number): TarMember['kind'] {
  const kind = KINDS.get(type)
  if (kind === undefined) throw new TarFault(`it is neither file, directory nor link (type ${printable(type)})`)
  if (name === '') throw new TarFault('it has no name')
  if (kind === 'file' && name.endsWith('/'))
    throw new TarFault('it is a file to some readers and a directory to others')
  // Python goes on right behind such a header, others skip the content that it announces.
  if (kind !== 'file' && size !== 0) throw new TarFault(`it is a ${kind} with content`)
  return kind
}

async function skipPadding(file: OpenFile, reader: ByteReader, size: number, offset: number): Promise<void> {
  const padding = (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES
  if (!(await reader.skip(padding))) throw cutOff(file, offset)
}

/** Behind the first end block: a second one, and nothing but zero blocks, the last one whole. */
async function readEnd(file: OpenFile, reader: ByteReader): Promise<void> {
  const second = await reader.take(BLOCK_BYTES)
  if (second.length < BLOCK_BYTES) throw layoutFault(file, 'the tar archive has one end block where two must be')
  if (!isZero(second)) throw behindEnd(file)
  for await (const chunk of reader.rest()) if (!isZero(chunk)) throw behindEnd(file)
  const rest = reader.position % BLOCK_BYTES
  if (rest !== 0) throw layoutFault(file, `the tar archive ends ${rest} bytes into a block of ${BLOCK_BYTES}`)
}

function behindEnd(file: OpenFile): Error {
  return layoutFault(
    file,
    'data stands behind the end of the tar archive, which some installers read and others do not',
  )
}

function cutOff(file: OpenFile, offset: number): Error {
  return layoutFault(file, `the tar archive is cut off inside the member at byte ${offset}`)
}

function isZero(bytes: Buffer): boolean {
  for (let start = 0; start < bytes.length; start += ZERO_CHUNK.length) {
    const part = bytes.subarray(start, start + ZERO_CHUNK.length)
    if (!part.equals(ZERO_CHUNK.subarray(0, part.length))) return false
  }
  return true
}
