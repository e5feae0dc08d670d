import { setImmediate as nextTurn } from 'node:timers/promises'
import { PublishError } from '../errors.ts'
import { clip, count, formatBytes, printable } from '../text.ts'
import { orCorrupt } from './archive-fault.ts'
import { type ArchiveMember, type ArchiveMembers, hashPieces } from './archive-members.ts'
import { steps } from './inflate.ts'
import type { OpenFile } from './open-file.ts'
import { readTarMembers } from './tar-members.ts'
import { readZipMembers } from './zip-members.ts'

const LONGEST_SENTENCE = 299
const LONGEST_NAME = 100

/** Characters of ` and 100000 more`. */
const ROOM_FOR_REST = 16

/** So many members that differ are told with their sizes; of more, the names are what helps. */
const MEMBERS_WITH_SIZES = 2

/** Members between two turns of the event loop. */
const MEMBERS_PER_TURN = 500

/** In what two archives with the same members differ, in the order in which it is told. */
const ASPECTS = {
  times: 'time stamps of the archive',
  permissions: 'permissions',
  owners: 'owners',
  order: 'their order',
  compression: 'how they are compressed',
  details: 'details of how the archive is written',
} as const

type Aspect = keyof typeof ASPECTS

const ORDER: readonly Aspect[] = ['times', 'permissions', 'owners', 'order', 'compression', 'details']

const TRAITS = ['times', 'permissions', 'owners', 'details'] as const

interface Pair {
  readonly ours: ArchiveMember
  readonly theirs: ArchiveMember
}

interface Comparison {
  /** Members of one path, in the order of our file. */
  readonly pairs: readonly Pair[]
  readonly differing: readonly Pair[]
  readonly onlyOurs: readonly ArchiveMember[]
  readonly onlyTheirs: readonly ArchiveMember[]
  /** Some have the same content and are compressed in another way. */
  readonly repacked: boolean
}

/** Why two archives are not compared, as a sentence. */
class Incomparable extends Error {}

/**
 * Says how the index's file of one name differs from ours, by the unpacked content of their members: the end of a
 * sentence, printable, under 300 characters. `file` is that name, which tells the format of an sdist.
 *
 * Memory, bytes and members are bounded (`archive-members.ts`). The index's bytes are foreign: whatever they are, the
 * answer is a sentence ("the index's file is no archive that can be read: ...").
 *
 * @throws the signal's reason when it is aborted, and nothing else
 */
export async function describeDifference(
  ours: OpenFile,
  theirs: OpenFile,
  kind: 'wheel' | 'sdist',
  file: string,
  signal: AbortSignal,
): Promise<string> {
  const read = kind === 'wheel' || file.endsWith('.zip') ? readZipMembers : readTarMembers
  const mine = new Side('this file', ours, signal)
  const other = new Side("the index's file", theirs, signal)
  try {
    const archives = { ours: await mine.read(read), theirs: await other.read(read) }
    const found = await compare(archives.ours, archives.theirs, mine, other)
    const isSame = found.differing.length + found.onlyOurs.length + found.onlyTheirs.length === 0
    if (!isSame) return clip(describeMembers(found, kind), LONGEST_SENTENCE)
    const aspects = await aspectsOf(archives.ours, archives.theirs, found, mine, other)
    if (aspects.size === 0 && (await sameBytes(mine, other))) return 'no byte of the two files differs'
    return describeAspects(aspects, found.pairs.length, ours.size, theirs.size)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof Incomparable) return error.message
    throw error
  }
}

/** One of the two files: whatever its bytes make a reader throw becomes a sentence that says which one it is about. */
class Side {
  readonly name: string
  readonly file: OpenFile
  readonly signal: AbortSignal

  constructor(name: string, file: OpenFile, signal: AbortSignal) {
    this.name = name
    this.file = file
    this.signal = signal
  }

  async read<T>(reader: (file: OpenFile, signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await orCorrupt(this.file, this.signal, () => reader(this.file, this.signal))
    } catch (error) {
      if (this.signal.aborted || !(error instanceof PublishError)) throw error
      const prefix = `${this.file.shownName}: `
      const reason = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message
      const verdict =
        error.code === 'E_DIST_LIMIT' ? 'is not compared member by member' : 'is no archive that can be read'
      throw new Incomparable(clip(`${this.name} ${verdict}: ${printable(reason)}`, LONGEST_SENTENCE))
    }
  }
}

async function compare(ours: ArchiveMembers, theirs: ArchiveMembers, mine: Side, other: Side): Promise<Comparison> {
  const left = new Map(theirs.members.map((member) => [member.path, member]))
  const pairs: Pair[] = []
  const differing: Pair[] = []
  const onlyOurs: ArchiveMember[] = []
  let repacked = false
  for (const [index, member] of ours.members.entries()) {
    if (index % MEMBERS_PER_TURN === 0) await turn(mine.signal)
    const counterpart = left.get(member.path)
    left.delete(member.path)
    if (counterpart === undefined) {
      onlyOurs.push(member)
      continue
    }
    const pair = { ours: member, theirs: counterpart }
    pairs.push(pair)
    const result = await comparePair(pair, mine, other)
    if (result === 'other') differing.push(pair)
    if (result === 'repacked') repacked = true
  }
  return { pairs, differing, onlyOurs, onlyTheirs: [...left.values()], repacked }
}

/** The costly answer last: two deflate streams of the same bytes need not be unpacked. */
async function comparePair({ ours, theirs }: Pair, mine: Side, other: Side): Promise<'same' | 'repacked' | 'other'> {
  if (ours.kind !== theirs.kind || ours.size !== theirs.size) return 'other'
  const ourPacked = await mine.read(() => ours.packed())
  if (ourPacked !== undefined && ourPacked === (await other.read(() => theirs.packed()))) return 'same'
  const content = await mine.read(() => ours.content())
  if (content !== (await other.read(() => theirs.content()))) return 'other'
  return ourPacked === undefined ? 'same' : 'repacked'
}

async function turn(signal: AbortSignal): Promise<void> {
  await nextTurn()
  signal.throwIfAborted()
}

/** What differs in archives whose members are all the same. */
async function aspectsOf(
  ours: ArchiveMembers,
  theirs: ArchiveMembers,
  { pairs, repacked }: Comparison,
  mine: Side,
  other: Side,
): Promise<ReadonlySet<Aspect>> {
  const found = new Set<Aspect>()
  if (repacked) found.add('compression')
  for (const [index, pair] of pairs.entries()) {
    if (index % MEMBERS_PER_TURN === 0) await turn(mine.signal)
    if (ours.members[index]?.path !== theirs.members[index]?.path) found.add('order')
    const left = await mine.read(async () => pair.ours.traits())
    const right = await other.read(async () => pair.theirs.traits())
    for (const trait of TRAITS) if (left[trait] !== right[trait]) found.add(trait)
  }
  const [left, right] = [ours.wrapper, theirs.wrapper]
  if (left?.times !== right?.times) found.add('times')
  if (left?.details !== right?.details) found.add('details')
  if (left?.content === right?.content && left?.packed !== right?.packed) found.add('compression')
  return found
}

async function sameBytes(mine: Side, other: Side): Promise<boolean> {
  const digest = (file: OpenFile, signal: AbortSignal) =>
    hashPieces(steps(file, { start: 0, length: file.size }), signal)
  return (await mine.read(digest)) === (await other.read(digest))
}

function describeAspects(found: ReadonlySet<Aspect>, members: number, ours: number, theirs: number): string {
  const aspects: Aspect[] = found.size === 0 ? ['details'] : ORDER.filter((aspect) => found.has(aspect))
  const words = aspects.map((aspect) => ASPECTS[aspect])
  const last = words.pop()
  const list = words.length === 0 ? last : `${words.join(', ')} and ${last}`
  const isSingular = aspects.length === 1 && (found.has('order') || found.has('compression'))
  const sizes = found.has('compression') && ours !== theirs ? ` (${bothSizes(ours, theirs)})` : ''
  return `the same ${count(members, 'member')}, only ${list} ${isSingular ? 'differs' : 'differ'}${sizes}`
}

function bothSizes(ours: number, theirs: number): string {
  const [left, right] = [formatBytes(ours), formatBytes(theirs)]
  // Two large sizes can look the same.
  return left === right
    ? `${count(ours, 'byte')} here, ${count(theirs, 'byte')} on the index`
    : `${left} here, ${right} on the index`
}

/** A part of the sentence: how many members, and their names. */
interface Group {
  readonly head: string
  readonly names: readonly string[]
}

function describeMembers({ pairs, differing, onlyOurs, onlyTheirs }: Comparison, kind: 'wheel' | 'sdist'): string {
  const same = pairs.length - differing.length
  const added = [
    { members: onlyOurs, where: 'only in this file' },
    { members: onlyTheirs, where: 'only on the index' },
  ].filter(({ members }) => members.length > 0)
  const groups: Group[] = added.map(({ members, where }, index) => {
    const isFirst = differing.length === 0 && index === 0
    return {
      head: `${isFirst ? count(members.length, 'member') : members.length} ${where}`,
      names: members.map(nameOf),
    }
  })
  if (differing.length > 0) groups.unshift(describeDiffering(differing, pairs.length, kind))
  const end = differing.length === 0 && same > 0 ? `; the other ${same} are the same` : ''
  let room = LONGEST_SENTENCE - end.length
  const parts = groups.map(({ head, names }, index) => {
    const part = `${head}: ${listNames(names, Math.floor(room / (groups.length - index)) - head.length - 4)}`
    room -= part.length + 2
    return part
  })
  return parts.join('; ') + end
}

function describeDiffering(differing: readonly Pair[], total: number, kind: 'wheel' | 'sdist'): Group {
  // RECORD holds the digest of each member: that it differs says nothing more.
  const isRecord = ({ ours }: Pair) => kind === 'wheel' && /^[^/]+\.dist-info\/RECORD$/.test(ours.path)
  const [records, others] = [differing.filter(isRecord), differing.filter((pair) => !isRecord(pair))]
  const named =
    others.length <= MEMBERS_WITH_SIZES ? others.map(nameWithDifference) : others.map(({ ours }) => nameOf(ours))
  const verb = differing.length === 1 ? 'differs' : 'differ'
  return {
    head: `${differing.length} of ${count(total, 'member')} ${verb}`,
    names: [...named, ...records.map(({ ours }) => nameOf(ours))],
  }
}

function nameWithDifference({ ours, theirs }: Pair): string {
  const name = nameOf(ours)
  if (ours.kind !== theirs.kind)
    return `${name} (${printable(ours.kind, 40)} here, ${printable(theirs.kind, 40)} on the index)`
  return ours.size === theirs.size ? name : `${name} (${bothSizes(ours.size, theirs.size)})`
}

function nameOf({ path }: ArchiveMember): string {
  const [name = ''] = path.split('\0')
  return printable(name, LONGEST_NAME) || '(unprintable name)'
}

/** As many names as there is room for, at least the first, and how many more there are. */
function listNames(names: readonly string[], room: number): string {
  const [first = ''] = names
  let list = clip(first, room - ROOM_FOR_REST)
  let shown = 1
  for (const name of names.slice(1)) {
    const longer = `${list}, ${name}`
    if (longer.length > room - (shown + 1 === names.length ? 0 : ROOM_FOR_REST)) break
    list = longer
    shown += 1
  }
  return shown === names.length ? list : `${list} and ${names.length - shown} more`
}
