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
import { steps } from './inflate.ts'
import type { OpenFile } from './open-file.ts'
import { memberContent, readZip, type ZipMember } from './zip.ts'
import { readZipEnd } from './zip-end.ts'
import { CENTRAL_BYTES, extraFields, LOCAL_BYTES } from './zip-headers.ts'

/** Extra fields that hold times: of NTFS, and Info-ZIP's two. */
const TIME_FIELDS: ReadonlySet<number> = new Set([0x000a, 0x5455, 0x5855])
/** Info-ZIP's owner and group. */
const OWNER_FIELDS: ReadonlySet<number> = new Set([0x7855, 0x7875])

/**
 * Reads the members of a zip archive to compare them with those of another one. A surplus zip64 field is let pass.
 *
 * @throws PublishError E_DIST_LAYOUT, E_DIST_LIMIT; the signal's reason when it is aborted
 */
export async function readZipMembers(file: OpenFile, signal: AbortSignal): Promise<ArchiveMembers> {
  signal.throwIfAborted()
  if (readZipEnd(file).members > COMPARED_MEMBERS)
    throw limitFault(file, `the archive has more than ${COMPARED_MEMBERS} members`)
  const { members } = await readZip(file, { verifyMetadata: false, signal })
  const archive = { file, signal, unpacked: 0 }
  return { members: members.map((member) => new PackedMember(archive, member)), wrapper: undefined }
}

interface Archive {
  readonly file: OpenFile
  readonly signal: AbortSignal
  /** Bytes that were unpacked so far. */
  unpacked: number
}

class PackedMember implements ArchiveMember {
  readonly #archive: Archive
  readonly #member: ZipMember
  readonly path: string

  constructor(archive: Archive, member: ZipMember) {
    this.#archive = archive
    this.#member = member
    this.path = member.segments.join('/')
  }

  get kind(): string {
    if (this.#member.isDirectory) return 'directory'
    return this.#member.isSpecial ? 'link or device' : 'file'
  }

  get size(): number {
    return this.#member.size
  }

  async packed(): Promise<string> {
    const { file, signal } = this.#archive
    const { isStored, dataOffset, compressedSize } = this.#member
    const digest = await hashPieces(steps(file, { start: dataOffset, length: compressedSize }), signal)
    return `${isStored ? 'stored' : 'deflated'} ${digest}`
  }

  async content(): Promise<string> {
    const { file, signal } = this.#archive
    // What is announced counts, before a byte is unpacked: it is an error when more comes out.
    this.#archive.unpacked += this.#member.size
    if (this.#archive.unpacked > COMPARED_BYTES)
      throw limitFault(file, `the archive unpacks to more than ${formatBytes(COMPARED_BYTES)}`)
    return hashPieces(memberContent(file, this.#member, signal), signal)
  }

  traits(): Traits {
    const { offset, dataOffset, header, name } = this.#member
    const local = this.#archive.file.readSync(offset, dataOffset - offset)
    const extras = [
      ...fieldsOf(header, CENTRAL_BYTES + header.readUInt16LE(28), header.readUInt16LE(30)),
      ...fieldsOf(local, LOCAL_BYTES + local.readUInt16LE(26), local.readUInt16LE(28)),
    ]
    const hex = (of: (id: number) => boolean) =>
      extras.filter(([id]) => of(id)).map(([id, content]) => `${id} ${content.toString('hex')}`)
    const isOther = (id: number) => !TIME_FIELDS.has(id) && !OWNER_FIELDS.has(id)
    const numbers = [header.readUInt32LE(4), local.readUInt16LE(4), header.readUInt16LE(8), header.readUInt16LE(36)]
    return {
      times: [header.readUInt32LE(12), local.readUInt32LE(10), ...hex((id) => TIME_FIELDS.has(id))].join(),
      permissions: String(header.readUInt32LE(38)),
      owners: hex((id) => OWNER_FIELDS.has(id)).join(),
      details: [name, ...numbers, ...hex(isOther)].join(),
    }
  }
}

function fieldsOf(header: Buffer, start: number, length: number): Map<number, Buffer> {
  return extraFields(header.subarray(start, start + length))
}
