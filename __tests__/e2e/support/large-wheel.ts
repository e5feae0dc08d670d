/** A wheel of any size that takes no room on the disk: one member is a hole in a sparse file. */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import type { Sample } from '../../../demo/sample-distributions.ts'

const NAME = 'demo_pkg-1.2.0-cp312-cp312-manylinux_2_17_x86_64'
const INFO = 'demo_pkg-1.2.0.dist-info'
const METADATA = 'Metadata-Version: 2.4\nName: Demo.Pkg\nVersion: 1.2.0\n'
const WHEEL = 'Wheel-Version: 1.0\nGenerator: sample\nRoot-Is-Purelib: false\nTag: cp312-cp312-manylinux_2_17_x86_64\n'
const ZEROS = Buffer.alloc(1 << 20)

interface Member {
  readonly name: string
  /** A number: so many zero bytes. */
  readonly data: Buffer | number
}

/** Writes a wheel with one member of `bytes` zeros (below 4 GiB) into `directory`. */
export async function writeLargeWheel(directory: string, bytes: number): Promise<Sample> {
  const file = path.join(directory, `${NAME}.whl`)
  const handle = await open(file, 'wx')
  try {
    const size = await writeMembers(handle, membersOf(bytes))
    return { name: path.basename(file), path: file, size, sha256: await digestOf(file) }
  } finally {
    await handle.close()
  }
}

function membersOf(bytes: number): Member[] {
  const members: Member[] = [
    { name: 'demo_pkg/weights.bin', data: bytes },
    { name: `${INFO}/METADATA`, data: Buffer.from(METADATA) },
    { name: `${INFO}/WHEEL`, data: Buffer.from(WHEEL) },
  ]
  const record = [...members.map(({ name }) => name), `${INFO}/RECORD`].map((name) => `${name},,\n`)
  return [...members, { name: `${INFO}/RECORD`, data: Buffer.from(record.join('')) }]
}

/** Writes all but the zeros; returns the size of the file. */
async function writeMembers(handle: FileHandle, members: readonly Member[]): Promise<number> {
  let offset = 0
  const central: Buffer[] = []
  for (const member of members) {
    const name = Buffer.from(member.name)
    const size = sizeOf(member)
    const fields = commonFields(member, size)
    central.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), fields, centralFields(offset), name)
    const header = Buffer.concat([Buffer.from('PK\x03\x04'), fields, name])
    await handle.write(header, 0, header.length, offset)
    offset += header.length
    if (typeof member.data !== 'number') await handle.write(member.data, 0, size, offset)
    offset += size
  }
  const list = Buffer.concat(central)
  const end = Buffer.concat([list, endOf(members.length, list.length, offset)])
  await handle.write(end, 0, end.length, offset)
  return offset + end.length
}

function sizeOf({ data }: Member): number {
  return typeof data === 'number' ? data : data.length
}

/** Version needed ... extra field length (APPNOTE.TXT 4.3.7); stored, not compressed. */
function commonFields({ name, data }: Member, size: number): Buffer {
  const fields = Buffer.alloc(26)
  fields.writeUInt16LE(20, 0)
  fields.writeUInt16LE(0x21, 8)
  fields.writeUInt32LE(typeof data === 'number' ? crcOfZeros(data) : crc32(data), 10)
  fields.writeUInt32LE(size, 14)
  fields.writeUInt32LE(size, 18)
  fields.writeUInt16LE(Buffer.byteLength(name), 22)
  return fields
}

function centralFields(offset: number): Buffer {
  const fields = Buffer.alloc(14)
  fields.writeUInt32LE((0o100644 << 16) >>> 0, 6)
  fields.writeUInt32LE(offset, 10)
  return fields
}

function endOf(members: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(members, 8)
  end.writeUInt16LE(members, 10)
  end.writeUInt32LE(size, 12)
  end.writeUInt32LE(offset, 16)
  return end
}

function crcOfZeros(bytes: number): number {
  let value = 0
  for (let left = bytes; left > 0; left -= ZEROS.length)
    value = crc32(ZEROS.subarray(0, Math.min(left, ZEROS.length)), value)
  return value
}

async function digestOf(file: string): Promise<string> {
  const digest = createHash('sha256')
  const handle = await open(file)
  for await (const chunk of handle.createReadStream({ highWaterMark: ZEROS.length })) digest.update(chunk)
  return digest.digest('hex')
}
