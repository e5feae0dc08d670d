import { formatBytes, printable } from '../text.ts'
import { limitFault, orCorrupt } from './archive-fault.ts'
import { gunzip } from './gzip.ts'
import type { OpenFile } from './open-file.ts'
import { SourceTree } from './source-tree.ts'
import { tarMembers } from './tar.ts'
import { readMember, readZip, type ZipMember } from './zip.ts'

/** Bytes of PKG-INFO. */
const LONGEST_METADATA = 8 * 1024 ** 2

export interface SdistContent {
  /** PKG-INFO, byte for byte. */
  readonly metadata: Buffer
  /** The one directory that holds all; whether it fits the file's name is for the caller to say. */
  readonly root: string
  /** Sentences without the file's name. */
  readonly warnings: string[]
}

export interface ArchiveOptions {
  /** False: a surplus zip64 field is a warning. Everything else is refused whatever it says. */
  readonly verifyMetadata: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads the core metadata of an sdist: `.tar.gz` (PEP 625), or `.zip` by its extension. The whole archive is scanned,
 * since PKG-INFO may be its last member; nothing is unpacked.
 *
 * @throws PublishError E_DIST_LAYOUT for an archive that is broken or that two readers could read differently,
 *   E_DIST_METADATA without `{root}/PKG-INFO`, E_DIST_LIMIT for a bomb; the signal's reason when it is aborted
 */
export async function readSdist(file: OpenFile, options: ArchiveOptions): Promise<SdistContent> {
  return orCorrupt(file, options.signal, () =>
    file.shownName.endsWith('.zip') ? readZipSdist(file, options) : readTarSdist(file, options.signal),
  )
}

async function readTarSdist(file: OpenFile, signal: AbortSignal | undefined): Promise<SdistContent> {
  const tree = new SourceTree(file)
  let metadata: Buffer = Buffer.alloc(0)
  for await (const member of tarMembers(file, gunzip(file, signal))) {
    if (!tree.add(member)) continue
    if (member.size > LONGEST_METADATA) throw tooLong(file, member.name)
    metadata = await member.content()
  }
  return { metadata, ...tree.finish() }
}

async function readZipSdist(file: OpenFile, options: ArchiveOptions): Promise<SdistContent> {
  const { members, warnings } = await readZip(file, options)
  const tree = new SourceTree(file)
  const found = members.filter((member) => tree.add({ kind: kindOf(member), name: member.name, target: '' }))
  const { root, warnings: ofTree } = tree.finish()
  const [pkgInfo] = found
  if (pkgInfo === undefined) throw new Error('a tree with PKG-INFO has none')
  if (pkgInfo.size > LONGEST_METADATA) throw tooLong(file, pkgInfo.name)
  const metadata = await readMember(file, pkgInfo, options.signal)
  return { metadata, root, warnings: [...warnings, ...ofTree] }
}

function kindOf(member: ZipMember): 'file' | 'directory' | 'symbolic link' {
  if (member.isDirectory) return 'directory'
  return member.isSpecial ? 'symbolic link' : 'file'
}

function tooLong(file: OpenFile, name: string): Error {
  return limitFault(file, `${printable(name, 120)} has more than ${formatBytes(LONGEST_METADATA)}`)
}
