import { createHash } from 'node:crypto'
import { formatBytes } from '../text.ts'
import { limitFault } from './archive-fault.ts'
import {
  type ArchiveMember,
  type ArchiveMembers,
  COMPARED_BYTES,
  COMPARED_MEMBERS,
  hashPieces,
  type Traits,
} from './archive-members.ts'
import { segmentsOf } from './archive-path.ts'
import { gunzip, gzipHeaderLength } from './gzip.ts'
import { steps } from './inflate.ts'
import type { OpenFile } from './open-file.ts'
import { type TarMember, tarMembers } from './tar.ts'
import { paxRecords } from './tar-header.ts'

/** Where a header block holds what: first and last byte, the last one not included. */
const FIELDS = {
  mode: [100, 108],
  owner: [108, 116],
  group: [116, 124],
  time: [136, 148],
  checksum: [148, 156],
  ownerName: [265, 297],
  groupName: [297, 329],
} as const

const PAX_TIMES: ReadonlySet<string> = new Set(['mtime', 'atime', 'ctime'])
const PAX_OWNERS: ReadonlySet<string> = new Set(['uid', 'gid', 'uname', 'gname'])
/** What is compared as the member's own path and kind. */
const PAX_NAMES: ReadonlySet<string> = new Set(['path', 'linkpath', 'size'])

/**
 * Reads the members of a `.tar.gz` to compare them with those of another one; all of it is unpacked once, in pieces.
 *
 * @throws PublishError E_DIST_LAYOUT, E_DIST_LIMIT; the signal's reason when it is aborted
 */
export async function readTarMembers(file: OpenFile, signal: AbortSignal): Promise<ArchiveMembers> {
  const whole = createHash('sha256')
  const members: ArchiveMember[] = []
  const earlier = new Map<string, number>()
  for await (const member of tarMembers(file, unpacked(file, signal, whole))) {
    if (members.length >= COMPARED_MEMBERS)
      throw limitFault(file, `the archive has more than ${COMPARED_MEMBERS} members`)
    const place = segmentsOf(member.name).join('/')
    const times = earlier.get(place) ?? 0
    earlier.set(place, times + 1)
    // The last of several is what stays; a NUL stands in no name.
    members.push(await unpackedMember(member, times === 0 ? place : `${place}\0${times}`, signal))
  }
  return { members, wrapper: { ...gzipTraits(file), content: whole.digest('hex'), packed: await packed(file, signal) } }
}

/** The tar archive, of which no more than is compared comes out. */
async function* unpacked(
  file: OpenFile,
  signal: AbortSignal,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Buffer> {
  let total = 0
  for await (const chunk of gunzip(file, signal)) {
    total += chunk.length
    if (total > COMPARED_BYTES)
      throw limitFault(file, `the archive unpacks to more than ${formatBytes(COMPARED_BYTES)}`)
    hash.update(chunk)
    yield chunk
  }
}

async function unpackedMember(member: TarMember, path: string, signal: AbortSignal): Promise<ArchiveMember> {
  const digest = await hashPieces(member.pieces(), signal)
  const traits = traitsOf(member)
  return {
    path,
    kind: member.target === '' ? member.kind : `${member.kind} to ${member.target}`,
    size: member.size,
    packed: async () => undefined,
    content: async () => digest,
    traits: () => traits,
  }
}

function traitsOf({ name, block, pax }: TarMember): Traits {
  const field = ([start, end]: readonly [number, number]) => block.toString('latin1', start, end)
  // `0000644` with a NUL or a blank behind it is one number.
  const numbers = (...fields: readonly (readonly [number, number])[]) =>
    fields.map((place) => field(place).replace(/[\0 ]/g, '').replace(/^0+/, '')).join()
  const records = [...paxRecords(pax)].sort(([a], [b]) => (a < b ? -1 : 1))
  const hex = (of: (key: string) => boolean) =>
    records.filter(([key]) => of(key)).map(([key, value]) => `${key}=${value.toString('hex')}`)
  const rest = Buffer.from(block)
  for (const [start, end] of Object.values(FIELDS)) rest.fill(0, start, end)
  const isOther = (key: string) => !PAX_TIMES.has(key) && !PAX_OWNERS.has(key) && !PAX_NAMES.has(key)
  const details = createHash('sha256')
    .update(rest)
    .update(JSON.stringify([name, hex(isOther)]))
  const names = [FIELDS.ownerName, FIELDS.groupName].map(field)
  return {
    times: [numbers(FIELDS.time), ...hex((key) => PAX_TIMES.has(key))].join(),
    permissions: numbers(FIELDS.mode),
    owners: [numbers(FIELDS.owner, FIELDS.group), ...names, ...hex((key) => PAX_OWNERS.has(key))].join(),
    details: details.digest('base64'),
  }
}

/** RFC 1952: bytes 4 to 7 are a time; flags, effort, system and a file name say nothing of the content. */
function gzipTraits(file: OpenFile): { times: string; details: string } {
  const header = file.readSync(0, gzipHeaderLength(file))
  const times = header.toString('hex', 4, 8)
  header.fill(0, 4, 8)
  return { times, details: header.toString('hex') }
}

function packed(file: OpenFile, signal: AbortSignal): Promise<string> {
  const start = gzipHeaderLength(file)
  return hashPieces(steps(file, { start, length: file.size - start }), signal)
}
