/** Wheels of a wanted size: random bytes, stored uncompressed, so that what is said of sizes is true. */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import path from 'node:path'
import { crc32 } from 'node:zlib'

export const PROJECT = 'bench-demo'
export const VERSION = '1.0.0'
const FOLDER = `bench_demo-${VERSION}.dist-info`

export interface Wheel {
  readonly file: string
  readonly path: string
  readonly pythonTag: string
  /** Bytes. */
  readonly size: number
  readonly sha256: string
}

/** One release as projects with compiled code have it: the same version for interpreters and platforms. */
const INTERPRETERS = ['cp310', 'cp311', 'cp312', 'cp313', 'cp314']
const PLATFORMS = [
  ...['x86_64', 'aarch64', 'i686', 'ppc64le', 's390x', 'armv7l', 'riscv64'].flatMap((machine) => [
    `manylinux_2_28_${machine}`,
    `musllinux_1_2_${machine}`,
  ]),
  'macosx_11_0_arm64',
  'macosx_10_13_x86_64',
  'win_amd64',
  'win_arm64',
  'win32',
  'ios_13_0_arm64_iphoneos',
]

/** As many wheels of one release as wanted (100 at most), each with `payload` random bytes and some metadata. */
export async function writeWheels(folder: string, count: number, payload: number): Promise<Wheel[]> {
  await mkdir(folder, { recursive: true })
  const tags = INTERPRETERS.flatMap((python) => PLATFORMS.map((platform) => ({ python, platform })))
  const wheels: Wheel[] = []
  for (const { python, platform } of tags.slice(0, count)) {
    const tag = `${python}-${python}-${platform}`
    const file = `bench_demo-${VERSION}-${tag}.whl`
    const target = path.join(folder, file)
    await writeWheel(target, tag, payload)
    wheels.push({ file, path: target, pythonTag: python, ...(await digestOf(target)) })
  }
  return wheels
}

const BLOCK_BYTES = 4 * 1024 * 1024

async function writeWheel(target: string, tag: string, payload: number): Promise<void> {
  const handle = await open(target, 'w')
  try {
    const archive: Buffer[] = []
    let position = 0
    const append = async (bytes: Buffer) => {
      await handle.write(bytes, 0, bytes.length, position)
      position += bytes.length
    }
    const add = async (name: string, content: AsyncIterable<Buffer> | Iterable<Buffer>) => {
      const offset = position
      await append(localHeader(name, 0, 0))
      const hash = createHash('sha256')
      let [crc, size] = [0, 0]
      for await (const block of content) {
        hash.update(block)
        crc = crc32(block, crc)
        size += block.length
        await append(block)
      }
      const header = localHeader(name, crc, size)
      await handle.write(header, 0, header.length, offset)
      archive.push(centralHeader(name, crc, size, offset))
      return `${name},sha256=${hash.digest('base64url')},${size}\n`
    }
    const metadata = `Metadata-Version: 2.1\nName: ${PROJECT}\nVersion: ${VERSION}\nSummary: Random bytes\n`
    const wheel = `Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: false\nTag: ${tag}\n`
    const record = [
      await add('bench_demo/data.bin', randomBlocks(payload)),
      await add(`${FOLDER}/METADATA`, [Buffer.from(metadata)]),
      await add(`${FOLDER}/WHEEL`, [Buffer.from(wheel)]),
    ]
    const name = `${FOLDER}/RECORD`
    await add(name, [Buffer.from(`${record.join('')}${name},,\n`)])
    const directory = Buffer.concat(archive)
    const start = position
    await append(directory)
    await append(endRecord(archive.length, directory.length, start))
  } finally {
    await handle.close()
  }
}

function* randomBlocks(total: number): Generator<Buffer> {
  for (let done = 0; done < total; done += BLOCK_BYTES) yield randomBytes(Math.min(BLOCK_BYTES, total - done))
}

/** 1 January 2026, as MS-DOS writes it. */
const DATE = ((2026 - 1980) << 9) | (1 << 5) | 1

/** What both headers of a member say of it (APPNOTE 4.3.7 and 4.3.12): stored, with its name in UTF-8. */
function common(name: string, crc: number, size: number): Buffer {
  const header = Buffer.alloc(26)
  header.writeUInt16LE(20, 0)
  header.writeUInt16LE(DATE, 8)
  header.writeUInt32LE(crc, 10)
  header.writeUInt32LE(size, 14)
  header.writeUInt32LE(size, 18)
  header.writeUInt16LE(Buffer.byteLength(name), 22)
  return header
}

function localHeader(name: string, crc: number, size: number): Buffer {
  return Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common(name, crc, size), Buffer.from(name)])
}

function centralHeader(name: string, crc: number, size: number, offset: number): Buffer {
  const rest = Buffer.alloc(14)
  rest.writeUInt32LE((0o100644 << 16) >>> 0, 6)
  rest.writeUInt32LE(offset, 10)
  const made = Buffer.from([20, 3])
  return Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), made, common(name, crc, size), rest, Buffer.from(name)])
}

function endRecord(members: number, length: number, start: number): Buffer {
  const record = Buffer.alloc(22)
  record.write('PK\x05\x06', 'latin1')
  record.writeUInt16LE(members, 8)
  record.writeUInt16LE(members, 10)
  record.writeUInt32LE(length, 12)
  record.writeUInt32LE(start, 16)
  return record
}

/** Size and digest of part of a file; reading it also puts it into the page cache. `end` is not part of it. */
export async function digestOf(file: string, start = 0, end?: number): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  if (end === undefined || end > start) {
    const range = end === undefined ? { start } : { start, end: end - 1 }
    for await (const chunk of createReadStream(file, { ...range, highWaterMark: 1024 * 1024 })) {
      hash.update(chunk)
      size += chunk.length
    }
  }
  return { size, sha256: hash.digest('hex') }
}
