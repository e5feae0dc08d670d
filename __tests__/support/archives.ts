/**
 * Wheels and sdists made byte by byte at test time: good ones, and ones that lie in one place. Every record is written
 * as it is asked for, with no regard to whether that makes sense.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, crc32, deflateRawSync } from 'node:zlib'
import { OpenFile } from '../../src/distributions/open-file.ts'

type Bytes = string | Uint8Array

/** One member of a zip archive. What begins with `local` is in the local header only, `central` in the directory only. */
export interface ZipSpec {
  readonly name: Bytes
  readonly content?: Bytes
  /** 8 (deflated) where nothing is said. */
  readonly method?: number
  readonly flags?: number
  /** Version of the format that is needed to read it, in both headers; 20 (2.0) where nothing is said. */
  readonly version?: number
  /** Unix mode, in the external attributes. */
  readonly mode?: number
  /** MS-DOS date and time; the first day of 1980 where nothing is said. */
  readonly modified?: number
  readonly comment?: string
  readonly crc?: number
  /** Sizes that both headers announce. */
  readonly size?: number
  readonly compressedSize?: number
  /** Bytes behind the deflate stream that count as compressed data. */
  readonly surplus?: Bytes
  /** Compressed data as it is, in place of what `content` makes. */
  readonly data?: Uint8Array
  /** `signed` and `bare` are valid; `wrong` repeats another checksum. */
  readonly descriptor?: 'signed' | 'bare' | 'wide' | 'wrong'
  readonly localName?: Bytes
  readonly localFlags?: number
  readonly localMethod?: number
  readonly localCrc?: number
  readonly localSize?: number
  readonly localCompressedSize?: number
  readonly localExtra?: Uint8Array
  readonly centralExtra?: Uint8Array
  readonly centralSize?: number
  readonly centralCompressedSize?: number
  readonly centralOffset?: number
  readonly disk?: number
  /** Bytes in front of the local header that belong to nothing. */
  readonly before?: Bytes
  /** Only a local member: the directory does not list it. */
  readonly hidden?: boolean
  /** No local member: the directory lists the place of the member before. */
  readonly alias?: boolean
}

export interface ZipTweaks {
  readonly prefix?: Bytes
  /** The offsets count the prefix. */
  readonly adjusted?: boolean
  readonly suffix?: Bytes
  readonly comment?: Bytes
  readonly count?: number
  readonly directorySize?: number
  readonly directoryOffset?: number
  readonly beforeDirectory?: Bytes
  readonly beforeEnd?: Bytes
  /** Zip64's records before the end record, which then says "see there" in all fields, or has these values in them. */
  readonly zip64?: {
    readonly count?: number
    readonly size?: number
    readonly offset?: number
    readonly recordSize?: number
    readonly locator?: number
    readonly shortCount?: number
    readonly between?: Bytes
  }
}

const bytesOf = (value: Bytes): Buffer => (typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value))
const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

/** An extra field of a zip header. */
export function extraField(id: number, content: Uint8Array): Buffer {
  return Buffer.concat([u16(id), u16(content.length), content])
}

/** Zip64's extra field with these values. */
export function zip64Field(...values: number[]): Buffer {
  return extraField(1, Buffer.concat(values.map(u64)))
}

/** A zip archive of these members. */
export function makeZip(members: readonly ZipSpec[], tweaks: ZipTweaks = {}): Buffer {
  const prefix = bytesOf(tweaks.prefix ?? '')
  const base = tweaks.adjusted ? prefix.length : 0
  const local: Buffer[] = []
  const central: Buffer[] = []
  let position = 0
  let last = 0
  for (const spec of members) {
    if (!spec.alias) {
      const gap = bytesOf(spec.before ?? '')
      last = position + gap.length
      const member = localMember(spec)
      local.push(gap, member)
      position = last + member.length
    }
    if (!spec.hidden) central.push(centralHeader(spec, spec.centralOffset ?? base + last))
  }
  const gap = bytesOf(tweaks.beforeDirectory ?? '')
  const directory = Buffer.concat(central)
  const end = endRecords(central.length, directory.length, base + position + gap.length, tweaks)
  return Buffer.concat([
    prefix,
    ...local,
    gap,
    directory,
    bytesOf(tweaks.beforeEnd ?? ''),
    end,
    bytesOf(tweaks.suffix ?? ''),
  ])
}

function compressed(spec: ZipSpec): { content: Buffer; data: Buffer } {
  const content = bytesOf(spec.content ?? '')
  const made = spec.data ?? (spec.method === 0 ? content : deflateRawSync(content))
  return { content, data: Buffer.concat([made, bytesOf(spec.surplus ?? '')]) }
}

function localMember(spec: ZipSpec): Buffer {
  const { content, data } = compressed(spec)
  const name = bytesOf(spec.localName ?? spec.name)
  const extra = Buffer.from(spec.localExtra ?? [])
  const announced = spec.descriptor === undefined
  const size = spec.size ?? content.length
  const compressedSize = spec.compressedSize ?? data.length
  const crc = spec.crc ?? crc32(content)
  return Buffer.concat([
    u32(0x04034b50),
    u16(spec.version ?? 20),
    u16(spec.localFlags ?? flagsOf(spec)),
    u16(spec.localMethod ?? spec.method ?? 8),
    u32(spec.modified ?? 0x00210000),
    u32(spec.localCrc ?? (announced ? crc : 0)),
    u32(spec.localCompressedSize ?? (announced ? compressedSize : 0)),
    u32(spec.localSize ?? (announced ? size : 0)),
    u16(name.length),
    u16(extra.length),
    name,
    extra,
    data,
    descriptor(spec, crc, compressedSize, size),
  ])
}

function flagsOf(spec: ZipSpec): number {
  return spec.flags ?? (spec.descriptor === undefined ? 0 : 0x0008)
}

function descriptor(spec: ZipSpec, crc: number, compressedSize: number, size: number): Buffer {
  if (spec.descriptor === undefined) return Buffer.alloc(0)
  const signature = spec.descriptor === 'bare' ? Buffer.alloc(0) : u32(0x08074b50)
  const wide = spec.descriptor === 'wide' ? u64 : u32
  return Buffer.concat([signature, u32(spec.descriptor === 'wrong' ? crc ^ 1 : crc), wide(compressedSize), wide(size)])
}

function centralHeader(spec: ZipSpec, offset: number): Buffer {
  const { content, data } = compressed(spec)
  const name = bytesOf(spec.name)
  const extra = Buffer.from(spec.centralExtra ?? [])
  const comment = bytesOf(spec.comment ?? '')
  return Buffer.concat([
    u32(0x02014b50),
    u16(0x0314),
    u16(spec.version ?? 20),
    u16(flagsOf(spec)),
    u16(spec.method ?? 8),
    u32(spec.modified ?? 0x00210000),
    u32(spec.crc ?? crc32(content)),
    u32(spec.centralCompressedSize ?? spec.compressedSize ?? data.length),
    u32(spec.centralSize ?? spec.size ?? content.length),
    u16(name.length),
    u16(extra.length),
    u16(comment.length),
    u16(spec.disk ?? 0),
    u16(0),
    u32(((spec.mode ?? 0o100644) << 16) >>> 0),
    u32(offset),
    name,
    extra,
    comment,
  ])
}

function endRecords(members: number, size: number, offset: number, tweaks: ZipTweaks): Buffer {
  const comment = bytesOf(tweaks.comment ?? '')
  const { zip64 } = tweaks
  const [count, length, start] = [
    tweaks.count ?? members,
    tweaks.directorySize ?? size,
    tweaks.directoryOffset ?? offset,
  ]
  const shortCount = zip64 === undefined ? count : (zip64.shortCount ?? 0xffff)
  const end = Buffer.concat([
    u32(0x06054b50),
    u32(0),
    u16(shortCount),
    u16(shortCount),
    u32(zip64 === undefined ? length : 0xffffffff),
    u32(zip64 === undefined ? start : 0xffffffff),
    u16(comment.length),
    comment,
  ])
  if (zip64 === undefined) return end
  const total = u64(zip64.count ?? count)
  const record = Buffer.concat([
    u32(0x06064b50),
    u64(zip64.recordSize ?? 44),
    u16(45),
    u16(45),
    u32(0),
    u32(0),
    total,
    total,
    u64(zip64.size ?? length),
    u64(zip64.offset ?? start),
  ])
  const locator = Buffer.concat([u32(0x07064b50), u32(0), u64(zip64.locator ?? offset + size), u32(1)])
  return Buffer.concat([record, bytesOf(zip64.between ?? ''), locator, end])
}

export interface Project {
  /** Default `demo`. */
  readonly name?: string
  /** Default `1.0`. */
  readonly version?: string
  /** The `Tag` lines of WHEEL; `py3-none-any` where nothing is said. */
  readonly tags?: readonly string[]
  /** METADATA or PKG-INFO as a whole, where the short one of name and version does not do. */
  readonly metadata?: Bytes
}

/** Core metadata, as short as it can be. */
export function coreMetadata({ name = 'demo', version = '1.0' }: Project = {}): string {
  return `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`
}

/** The members that every wheel has, METADATA first of the last three. */
export function wheelMembers(project: Project = {}): ZipSpec[] {
  const { name = 'demo', version = '1.0', tags = ['py3-none-any'], metadata = coreMetadata(project) } = project
  const module = name.replace(/[-_.]+/g, '_')
  const folder = `${module}-${version}.dist-info`
  return [
    { name: `${module}/__init__.py`, content: `"""${name}"""\nVERSION = "${version}"\n` },
    { name: `${folder}/METADATA`, content: metadata },
    {
      name: `${folder}/WHEEL`,
      content: `Wheel-Version: 1.0\nRoot-Is-Purelib: true\n${tags.map((tag) => `Tag: ${tag}\n`).join('')}`,
    },
    { name: `${folder}/RECORD`, content: `${module}/__init__.py,,\n${folder}/METADATA,,\n` },
  ]
}

export interface WheelOptions extends Project {
  /** Members before those of `wheelMembers`. */
  readonly members?: readonly ZipSpec[]
  /** Changes what `wheelMembers` gave. */
  readonly edit?: (members: ZipSpec[]) => readonly ZipSpec[]
  readonly zip?: ZipTweaks
}

/** A wheel, good where nothing is said: `{name}-{version}-py3-none-any.whl`. */
export function makeWheel({ members = [], edit = (all) => all, zip, ...project }: WheelOptions = {}): Buffer {
  return makeZip(edit([...members, ...wheelMembers(project)]), zip)
}

/** One member of a tar archive. */
export interface TarSpec {
  readonly name: string
  readonly content?: Bytes
  /** Type flag; `0` (a file) where nothing is said. */
  readonly type?: string
  readonly target?: string
  readonly prefix?: string
  /** Default `ustar` + NUL + `00`. */
  readonly magic?: string
  /** The size field as it is written: a number as octal. */
  readonly size?: number | Uint8Array
  readonly checksum?: number
  /** Text that is written over the header at these positions, before its checksum is made. */
  readonly over?: Readonly<Record<number, string>>
  /** Records of a pax header before the member, or its content as it is. */
  readonly pax?: Readonly<Record<string, string>> | Uint8Array
  /** GNU's long name before the member. */
  readonly longName?: string
}

/** What makes a header GNU's. */
export const GNU_MAGIC = 'ustar  \0'

export interface TarTweaks {
  /** Bytes behind the last member; two zero blocks where nothing is said. */
  readonly end?: Uint8Array
}

/** A tar archive of these members. */
export function makeTar(members: readonly TarSpec[], { end = Buffer.alloc(1024) }: TarTweaks = {}): Buffer {
  return Buffer.concat([...members.map(tarMember), end])
}

function tarMember(spec: TarSpec): Buffer {
  const content = bytesOf(spec.content ?? '')
  const parts: Buffer[] = []
  if (spec.pax !== undefined) {
    const records = spec.pax instanceof Uint8Array ? Buffer.from(spec.pax) : paxRecords(spec.pax)
    parts.push(tarMember({ name: 'PaxHeaders/x', type: 'x', content: records }))
  }
  if (spec.longName !== undefined) {
    parts.push(tarMember({ name: '././@LongLink', type: 'L', magic: GNU_MAGIC, content: `${spec.longName}\0` }))
  }
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512)
  return Buffer.concat([...parts, tarHeader(spec, content.length), content, padding])
}

/** Records of a pax header, each with its length. */
export function paxRecords(records: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value)))
}

/** `length key=value\n`, whose length counts its own digits. */
export function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`, 'utf8')
  let length = rest.length
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function tarHeader(spec: TarSpec, length: number): Buffer {
  const header = Buffer.alloc(512)
  header.write(spec.name, 0, 100, 'utf8')
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  const size = spec.size ?? length
  if (typeof size === 'number') header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  else header.set(size, 124)
  header.write('00000000000\0', 136)
  header.write(spec.type ?? '0', 156, 1, 'latin1')
  header.write(spec.target ?? '', 157, 100, 'utf8')
  header.write(spec.magic ?? 'ustar\x0000', 257, 8, 'latin1')
  header.write(spec.prefix ?? '', 345, 155, 'utf8')
  for (const [position, text] of Object.entries(spec.over ?? {})) header.write(text, Number(position), 'latin1')
  header.fill(' ', 148, 156)
  const sum = spec.checksum ?? header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

export interface GzipTweaks {
  /** The flags of the header, and what stands behind its fixed part. */
  readonly flags?: number
  readonly fields?: Uint8Array
  readonly crc?: number
  readonly length?: number
  readonly suffix?: Uint8Array
  /** Of zlib; 6 where nothing is said. */
  readonly level?: number
  /** The deflate stream as it is, in place of what `content` makes. */
  readonly data?: Uint8Array
}

/** One gzip member. */
export function makeGzip(
  content: Uint8Array,
  { flags = 0, fields, crc, length, suffix, level = 6, data }: GzipTweaks = {},
): Buffer {
  return Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255]),
    fields ?? Buffer.alloc(0),
    data ?? deflateRawSync(content, { level }),
    u32(crc ?? crc32(content)),
    u32(length ?? content.length),
    suffix ?? Buffer.alloc(0),
  ])
}

/** The members that every sdist has, PKG-INFO last. */
export function sdistMembers(project: Project = {}): TarSpec[] {
  const { name = 'demo', version = '1.0', metadata = coreMetadata(project) } = project
  const root = `${name}-${version}`
  return [
    { name: `${root}/`, type: '5' },
    { name: `${root}/pyproject.toml`, content: `[project]\nname = "${name}"\nversion = "${version}"\n` },
    { name: `${root}/PKG-INFO`, content: metadata },
  ]
}

export interface SdistOptions extends Project {
  /** Members behind those of `sdistMembers`. */
  readonly members?: readonly TarSpec[]
  /** Changes what `sdistMembers` gave. */
  readonly edit?: (members: TarSpec[]) => readonly TarSpec[]
  readonly tar?: TarTweaks
  readonly gzip?: GzipTweaks
}

/** An sdist, good where nothing is said: `{name}-{version}.tar.gz`. */
export function makeSdist({ members = [], edit = (all) => all, tar, gzip, ...project }: SdistOptions = {}): Buffer {
  return makeGzip(makeTar(edit([...sdistMembers(project), ...members]), tar), gzip)
}

/** Runs `use` with these bytes as an opened file of this name, in a directory of its own that is gone afterwards. */
export async function withDistribution<T>(
  bytes: Uint8Array,
  name: string,
  use: (file: OpenFile, path: string) => T | Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'distribution-'))
  try {
    const path = join(directory, name)
    writeFileSync(path, bytes)
    const file = OpenFile.open(path, name)
    try {
      return await use(file, path)
    } finally {
      file.close()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Zeros that are deflated to a thousandth of their size, without ever being there at once. */
export interface DeflatedZeros {
  /** A deflate stream (RFC 1951). */
  readonly data: Buffer
  /** CRC32 of what it inflates to: `start`, and `mebibytes` MiB of zeros. */
  readonly crc: number
  /** Bytes that it inflates to. */
  readonly size: number
}

/** A bomb: `start` and so many MiB of zeros behind it. */
export function deflatedZeros(mebibytes: number, start: Uint8Array = Buffer.alloc(0)): DeflatedZeros {
  const zeros = Buffer.alloc(1024 ** 2)
  // A full flush ends at a byte and forgets what was before: one such piece can follow another.
  const flush = { finishFlush: constants.Z_FULL_FLUSH, level: 9 }
  const piece = deflateRawSync(zeros, flush)
  let crc = crc32(start)
  for (let index = 0; index < mebibytes; index += 1) crc = crc32(zeros, crc)
  const pieces = Array.from({ length: mebibytes }, () => piece)
  const data = Buffer.concat([deflateRawSync(start, flush), ...pieces, deflateRawSync(Buffer.alloc(0))])
  return { data, crc, size: start.length + mebibytes * zeros.length }
}
