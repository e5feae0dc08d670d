import { ProblemList } from '../errors.ts'
import { count, formatBytes, printable } from '../text.ts'
import { layoutFault, limitFault, metadataFault, orCorrupt } from './archive-fault.ts'
import { mismatches, normalizeName, tagSet, type WheelFilename } from './filename.ts'
import { parseCoreMetadata } from './metadata.ts'
import type { OpenFile } from './open-file.ts'
import type { ArchiveOptions } from './sdist.ts'
import { sameVersion } from './version.ts'
import { readMember, readZip, type ZipMember } from './zip.ts'

/** Bytes of the members that a wheel must have. */
const LIMITS = { METADATA: 8 * 1024 ** 2, WHEEL: 8 * 1024 ** 2, RECORD: 64 * 1024 ** 2 } as const

const EXTENSION = '.dist-info'

export interface WheelContent {
  /** METADATA, byte for byte. */
  readonly metadata: Buffer
  /** Sentences without the file's name. */
  readonly warnings: string[]
}

/**
 * Reads the core metadata of a wheel (binary distribution format): its one `.dist-info` directory must be that of the
 * file's name and hold METADATA, WHEEL and RECORD. Nothing is unpacked.
 *
 * @throws PublishError E_DIST_LAYOUT for an archive that is broken or that two readers could read differently,
 *   E_DIST_METADATA without METADATA, E_DIST_MISMATCH for a file that was renamed, E_DIST_LIMIT; the signal's reason
 *   when it is aborted
 */
export async function readWheel(
  file: OpenFile,
  filename: WheelFilename,
  options: ArchiveOptions,
): Promise<WheelContent> {
  return orCorrupt(file, options.signal, async () => {
    const { members, warnings } = await readZip(file, options)
    const folder = distInfo(file, members)
    const metadata = requiredMember(file, members, folder, 'METADATA')
    const wheel = requiredMember(file, members, folder, 'WHEEL')
    requiredMember(file, members, folder, 'RECORD')
    const bytes = await readMember(file, metadata, options.signal)
    if (!belongsTo(folder, filename)) throwMisnamed(file, folder, filename, bytes)
    const tags = tagWarnings(await readMember(file, wheel, options.signal), filename)
    return { metadata: bytes, warnings: [...warnings, ...tags] }
  })
}

/** The one `.dist-info` directory, as it is written. Installers take the first, the last, or the one that they expect. */
function distInfo(file: OpenFile, members: readonly ZipMember[]): string {
  const folders = new Set<string>()
  for (const { segments } of members) {
    if (segments[0]?.toLowerCase().endsWith(EXTENSION)) folders.add(segments[0])
  }
  const [folder, ...others] = folders
  if (folder === undefined) throw metadataFault(file, 'expected a .dist-info directory with METADATA, found none')
  if (others.length > 0) {
    const names = [folder, ...others].slice(0, 5).map((name) => printable(name, 120))
    throw layoutFault(
      file,
      `expected one .dist-info directory, found ${count(folders.size, 'name')}: ${names.join(', ')}`,
    )
  }
  return folder
}

/** A member of the directory that may be there once only, also for file systems that ignore case. */
function requiredMember(
  file: OpenFile,
  members: readonly ZipMember[],
  folder: string,
  name: keyof typeof LIMITS,
): ZipMember {
  const shown = `${printable(folder, 120)}/${name}`
  const [member, second] = members.filter(
    ({ segments }) => segments[0] === folder && segments.length === 2 && segments[1]?.toUpperCase() === name,
  )
  if (member === undefined) {
    const fault = name === 'METADATA' ? metadataFault : layoutFault
    throw fault(file, `expected ${shown}, found no such member: installers refuse a wheel without it`)
  }
  if (second !== undefined || member.name !== `${folder}/${name}`) {
    const other = second?.name ?? member.name
    throw layoutFault(
      file,
      `expected ${shown} once, found ${printable(other, 120)}, which not all systems tell from it`,
    )
  }
  if (member.isSpecial) throw layoutFault(file, `${shown} is a symbolic link or a device, and must be a file`)
  if (member.size > LIMITS[name]) throw limitFault(file, `${shown} has more than ${formatBytes(LIMITS[name])}`)
  return member
}

/** Installers choose a wheel by the tags of its name; those in WHEEL (PEP 427) say what was built. */
function tagWarnings(wheel: Buffer, { pythonTag, abiTag, platformTag }: WheelFilename): string[] {
  const built = [new Set<string>(), new Set<string>(), new Set<string>()]
  const lines = wheel.toString('utf8').matchAll(/^Tag:[ \t]*([^-\s]+)-([^-\s]+)-([^-\s]+)[ \t]*$/gim)
  for (const [, ...tags] of lines) for (const [index, tag] of tags.entries()) built[index]?.add(tag)
  const named = [pythonTag, abiTag, platformTag]
  const isSame = built.every((tags, index) => tags.size === 0 || tagSet(tags) === tagSet([named[index] ?? '']))
  if (isSame) return []
  const found = built.map((tags) => printable(tagSet(tags), 80)).join('-')
  return [`its WHEEL file says that it was built for ${found}, and its name says something else`]
}

/** Whether a directory is `{name}-{version}.dist-info` of the file's name, however the two are spelled. */
function belongsTo(folder: string, { name, version }: WheelFilename): boolean {
  if (!folder.endsWith(EXTENSION)) return false
  const words = folder.slice(0, -EXTENSION.length).split('-')
  return words.some((_, index) => {
    const [left, right] = [words.slice(0, index).join('-'), words.slice(index).join('-')]
    return (
      normalizeName(left) === normalizeName(name) &&
      sameVersion(right.replaceAll('_', '-'), version.replaceAll('_', '-'))
    )
  })
}

/** A renamed file differs in its metadata too, and that says more than the directory's name does. */
function throwMisnamed(file: OpenFile, folder: string, filename: WheelFilename, metadata: Buffer): never {
  const problems = new ProblemList()
  const read = parseCoreMetadata(metadata, `METADATA of ${file.shownName}`)
  for (const problem of mismatches(filename, read)) problems.add(problem)
  problems.throwIfAny()
  const expected = `${filename.name}-${filename.version}${EXTENSION}`
  throw layoutFault(file, `expected the directory ${expected}, found ${printable(folder, 120)}`)
}
