/**
 * Small, valid distributions made at run time: wheels (the binary distribution format of PyPUG) and an sdist (PEP 625).
 * The same arguments give the same bytes.
 */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, deflateRawSync, gzipSync } from 'node:zlib'

export interface SampleOptions {
  /** Project name as its core metadata has it, for example `Demo.Pkg`. */
  readonly project: string
  /** Canonical version (PEP 440), for example `1.2.0`. */
  readonly version: string
  /** Number of wheels: the first is `py3-none-any`, the others have tags of platforms. Default 1. */
  readonly wheels?: number
  /** Whether there is an sdist. Default true. */
  readonly sdist?: boolean
  /** A text that the module prints; another one makes other bytes under the same names. */
  readonly greeting?: string
}

export interface Sample {
  /** File name. */
  readonly name: string
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

interface Member {
  readonly name: string
  readonly data: Buffer
}

const PLATFORMS = ['manylinux_2_17_x86_64', 'manylinux_2_17_aarch64', 'macosx_11_0_arm64', 'win_amd64']
const OLDEST_PYTHON = 9

/** Writes the samples into `directory` (made when it is missing): the wheels in their order, then the sdist. */
export async function writeSamples(directory: string, options: SampleOptions): Promise<Sample[]> {
  const { wheels = 1, sdist = true } = options
  const files = Array.from({ length: wheels }, (_, index) => wheel(options, wheelTag(index)))
  if (sdist) files.push(sourceDistribution(options))
  await mkdir(directory, { recursive: true })
  const samples: Sample[] = []
  for (const { name, data } of files) {
    const path = join(directory, name)
    await writeFile(path, data)
    samples.push({ name, path, size: data.length, sha256: createHash('sha256').update(data).digest('hex') })
  }
  return samples
}

/** A different tag for each index. */
function wheelTag(index: number): string {
  if (index === 0) return 'py3-none-any'
  const python = `cp3${OLDEST_PYTHON + Math.floor((index - 1) / PLATFORMS.length)}`
  return `${python}-${python}-${PLATFORMS[(index - 1) % PLATFORMS.length]}`
}

/** The project's name as file names have it (PyPUG, "escaping and Unicode"). */
function fileStem({ project, version }: SampleOptions): string {
  return `${moduleName(project)}-${version}`
}

function moduleName(project: string): string {
  return project.replace(/[-_.]+/g, '_').toLowerCase()
}

function wheel(options: SampleOptions, tag: string): Member {
  const info = `${fileStem(options)}.dist-info`
  const pure = tag.endsWith('-any')
  const about = `Wheel-Version: 1.0\nGenerator: sample\nRoot-Is-Purelib: ${pure}\nTag: ${tag}\n`
  const members = [
    member(`${moduleName(options.project)}/__init__.py`, moduleSource(options)),
    member(`${info}/METADATA`, coreMetadata(options)),
    member(`${info}/WHEEL`, about),
  ]
  const lines = members.map(({ name, data }) => {
    return `${name},sha256=${createHash('sha256').update(data).digest('base64url')},${data.length}\n`
  })
  const record = member(`${info}/RECORD`, `${lines.join('')}${info}/RECORD,,\n`)
  return { name: `${fileStem(options)}-${tag}.whl`, data: zip([...members, record]) }
}

function sourceDistribution(options: SampleOptions): Member {
  const top = fileStem(options)
  const members = [
    member(`${top}/PKG-INFO`, coreMetadata(options)),
    member(`${top}/pyproject.toml`, projectTable(options)),
    member(`${top}/src/${moduleName(options.project)}/__init__.py`, moduleSource(options)),
  ]
  return { name: `${top}.tar.gz`, data: gzipSync(tar(members)) }
}

function member(name: string, text: string): Member {
  return { name, data: Buffer.from(text, 'utf8') }
}

function moduleSource({ version, greeting = 'Hello' }: SampleOptions): string {
  return `__version__ = ${JSON.stringify(version)}\n\n\ndef greet():\n    return ${JSON.stringify(greeting)}\n`
}

function coreMetadata({ project, version }: SampleOptions): string {
  return [
    'Metadata-Version: 2.4',
    `Name: ${project}`,
    `Version: ${version}`,
    'Summary: A sample distribution',
    'Keywords: sample,demo',
    'License-Expression: Apache-2.0',
    'Classifier: Programming Language :: Python :: 3',
    'Classifier: Operating System :: OS Independent',
    'Project-URL: Documentation, https://example.com/docs',
    `Requires-Python: >=3.${OLDEST_PYTHON}`,
    'Description-Content-Type: text/markdown',
    '',
    `# ${project}`,
    '',
    'Made at run time. It holds one module with one function.',
    '',
  ].join('\n')
}

function projectTable({ project, version }: SampleOptions): string {
  return [
    '[build-system]',
    'requires = ["setuptools>=77"]',
    'build-backend = "setuptools.build_meta"',
    '',
    '[project]',
    `name = ${JSON.stringify(project)}`,
    `version = ${JSON.stringify(version)}`,
    'license = "Apache-2.0"',
    `requires-python = ">=3.${OLDEST_PYTHON}"`,
    '',
  ].join('\n')
}

/** A zip archive without comments, data descriptors, extra fields or gaps (APPNOTE.TXT 4.3). */
function zip(members: readonly Member[]): Buffer {
  const local: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const { name, data } of members) {
    const deflated = deflateRawSync(data)
    // Small members do not get smaller: both methods appear in one wheel.
    const stored = deflated.length >= data.length
    const body = stored ? data : deflated
    const common = commonFields(name, data, body.length, stored)
    const header = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name)])
    local.push(header, body)
    central.push(Buffer.from('PK\x01\x02'), uint16(MADE_BY_UNIX), common, centralFields(offset), Buffer.from(name))
    offset += header.length + body.length
  }
  const directory = Buffer.concat(central)
  const end = [uint16(0, 0, members.length, members.length), uint32(directory.length, offset), uint16(0)]
  return Buffer.concat([...local, directory, Buffer.from('PK\x05\x06'), ...end])
}

const MADE_BY_UNIX = 0x0314
const REGULAR_FILE_0644 = 0o100644 << 16
/** 1980-01-01, the first day that a zip archive knows. */
const DOS_DATE = 0x0021

/** What the local and the central header of a member have in common: version needed ... extra field length. */
function commonFields(name: string, data: Buffer, compressedSize: number, stored: boolean): Buffer {
  return Buffer.concat([
    uint16(20, 0, stored ? 0 : 8, 0, DOS_DATE),
    uint32(crc32(data), compressedSize, data.length),
    uint16(Buffer.byteLength(name), 0),
  ])
}

/** The rest of a central header: comment length, disk, internal and external attributes, offset of the local header. */
function centralFields(offset: number): Buffer {
  return Buffer.concat([uint16(0, 0, 0), uint32(REGULAR_FILE_0644, offset)])
}

function uint16(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 2)
  values.forEach((value, index) => {
    buffer.writeUInt16LE(value, index * 2)
  })
  return buffer
}

function uint32(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => {
    buffer.writeUInt32LE(value >>> 0, index * 4)
  })
  return buffer
}

const TAR_BLOCK = 512

/** A POSIX ustar archive: 512-byte blocks, two of zeros at the end. Names must fit the 100 bytes of the header. */
function tar(members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({ name, data }) => {
    const padding = Buffer.alloc((TAR_BLOCK - (data.length % TAR_BLOCK)) % TAR_BLOCK)
    return [tarHeader(name, data.length), data, padding]
  })
  return Buffer.concat([...blocks, Buffer.alloc(2 * TAR_BLOCK)])
}

function tarHeader(name: string, size: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new Error(`${name} is too long for a ustar header`)
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`
  const header = Buffer.alloc(TAR_BLOCK)
  const fields: [number, string][] = [
    [0, name],
    [100, octal(0o644, 8)],
    [108, octal(0, 8)],
    [116, octal(0, 8)],
    [124, octal(size, 12)],
    [136, octal(0, 12)],
    // The checksum is computed over blanks in its own place.
    [148, ' '.repeat(8)],
    [156, '0'],
    [257, 'ustar\x0000'],
  ]
  for (const [offset, text] of fields) header.write(text, offset, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}
