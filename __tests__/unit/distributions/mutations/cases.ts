/** Distributions that were good once: bytes flipped, cut out, copied and spliced, by a number that gives them again. */
import {
  coreMetadata,
  extraField,
  GNU_MAGIC,
  makeGzip,
  makeSdist,
  makeTar,
  makeWheel,
  makeZip,
  paxRecords,
  sdistMembers,
  type TarSpec,
  zip64Field,
} from '../../../support/archives.ts'
import { Random } from './random.ts'

export interface Case {
  readonly file: string
  readonly bytes: Buffer
}

const WHEEL = 'demo-1.0-py3-none-any.whl'
const TAR = 'demo-1.0.tar.gz'
const ZIP = 'demo-1.0.zip'

const FULL_METADATA = `Metadata-Version: 2.4
Name: demo
Version: 1.0
Summary: A demo
Keywords: one,two
Author-email: Zoë <zoe@example.invalid>
License-Expression: MIT OR Apache-2.0
License-File: LICENSE
Classifier: Programming Language :: Python :: 3
Project-URL: Home, https://example.invalid/
Requires-Python: >=3.9
Requires-Dist: other>=1 ; extra == "test"
Provides-Extra: test
Dynamic: License
Description-Content-Type: text/markdown; charset=UTF-8; variant=GFM

# Demo

Text.
`

const OLD_METADATA = `Metadata-Version: 1.1
Name: demo
Version: 1.0
Home-page: UNKNOWN
Description: Demo
        ====
        
        Text.
Platform: UNKNOWN
`

const METADATA = [coreMetadata(), FULL_METADATA, OLD_METADATA]

const WHEELS: readonly Buffer[] = [
  makeWheel({ metadata: FULL_METADATA }),
  makeWheel({ edit: (all) => all.map((member) => ({ ...member, method: 0 })) }),
  makeWheel({ edit: (all) => all.map((member) => ({ ...member, descriptor: 'signed' })) }),
  makeWheel({ edit: (all) => all.map((member) => ({ ...member, descriptor: 'bare' })) }),
  makeWheel({ zip: { zip64: {} }, members: [{ name: 'demo/', method: 0, mode: 0o040755 }] }),
  makeWheel({ members: [{ name: 'demo/data', content: 'data', method: 0, localExtra: zip64Field(4, 4) }] }),
  makeWheel({ members: [{ name: 'demo/é.py', flags: 0x0800, localExtra: extraField(0x5455, Buffer.alloc(5)) }] }),
]

const ZIPS: readonly Buffer[] = [
  makeZip([
    { name: 'demo-1.0/', method: 0, mode: 0o040755 },
    { name: 'demo-1.0/PKG-INFO', content: FULL_METADATA },
    { name: 'demo-1.0/setup.py', content: 'x' },
  ]),
]

const LONG = `demo-1.0/${'long/'.repeat(30)}x.py`
const TARS: readonly Buffer[] = [
  makeTar(sdistMembers({ metadata: FULL_METADATA })),
  makeTar(sdistMembers().map((member) => ({ ...member, magic: GNU_MAGIC }))),
  makeTar([
    ...sdistMembers(),
    { name: 'demo-1.0/l', type: '2', target: 'PKG-INFO' },
    { name: 'demo-1.0/x', pax: { path: LONG } },
  ]),
  makeTar([
    { name: 'pax_global_header', type: 'g', content: paxRecords({ comment: 'a'.repeat(40) }) },
    ...sdistMembers().map((member): TarSpec => ({ ...member, pax: { path: member.name, mtime: '1.5' } })),
  ]),
  makeTar([{ name: 'demo-1.0/x', magic: GNU_MAGIC, longName: LONG, content: 'y'.repeat(600) }, ...sdistMembers()]),
]

const SDISTS: readonly Buffer[] = [
  makeSdist({ metadata: FULL_METADATA }),
  makeSdist({ gzip: { flags: 0x08, fields: Buffer.from('demo-1.0.tar\0') } }),
]

/** The case of this number: always the same bytes. */
export function caseOf(number: number): Case {
  // Neighbouring seeds give neighbouring first numbers: some are thrown away.
  const random = new Random(Math.imul(number + 1, 0x9e3779b1))
  const kinds = [wheel, wheel, wheel, wheelOfMetadata, zip, sdist, tar, tar, tar, sdistOfMetadata]
  return random.pick(kinds)(random)
}

/** A distribution of this name that was not changed; by the number one of several. */
export function originalOf(file: string, number: number): Buffer {
  const random = new Random(number)
  if (file === WHEEL) return random.pick(WHEELS)
  return random.pick(file === ZIP ? ZIPS : [...SDISTS, ...TARS.map((bytes) => makeGzip(bytes, { level: 1 }))])
}

function wheel(random: Random): Case {
  return { file: WHEEL, bytes: mutate(random.pick(WHEELS), random, WHEELS) }
}

function wheelOfMetadata(random: Random): Case {
  return { file: WHEEL, bytes: makeWheel({ metadata: mutatedMetadata(random) }) }
}

function zip(random: Random): Case {
  return { file: ZIP, bytes: mutate(random.pick(ZIPS), random, [...ZIPS, ...WHEELS]) }
}

function sdist(random: Random): Case {
  return { file: TAR, bytes: mutate(random.pick(SDISTS), random, SDISTS) }
}

function sdistOfMetadata(random: Random): Case {
  return { file: TAR, bytes: makeSdist({ metadata: mutatedMetadata(random) }) }
}

/** A tar archive that was changed before it was compressed: what a checksum of gzip would hide from the tar reader. */
function tar(random: Random): Case {
  const bytes = mutate(random.pick(TARS), random, TARS)
  if (!random.once(4)) mendChecksums(bytes)
  return { file: TAR, bytes: makeGzip(bytes, { level: 1 }) }
}

function mendChecksums(bytes: Buffer): void {
  for (let start = 0; start + 512 <= bytes.length; start += 512) {
    const header = bytes.subarray(start, start + 512)
    if (header.toString('latin1', 257, 262) !== 'ustar') continue
    header.fill(' ', 148, 156)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  }
}

function mutatedMetadata(random: Random): Buffer {
  const from = METADATA.map((text) => Buffer.from(text))
  return mutate(random.pick(from), random, from)
}

function mutate(original: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  let bytes: Buffer = Buffer.from(original)
  const changes = 1 + random.below(random.once(3) ? 8 : 2)
  for (let change = 0; change < changes; change += 1) bytes = random.pick(MUTATIONS)(bytes, random, others)
  return bytes
}

type Mutation = (bytes: Buffer, random: Random, others: readonly Buffer[]) => Buffer

/** Numbers at which arithmetic breaks. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]

const MUTATIONS: readonly Mutation[] = [flip, flip, replace, edge, edge, truncate, cut, copy, splice, insert]

/** Anywhere, but more often in the last part: that is where zip archives have their directory. */
function place(bytes: Buffer, random: Random): number {
  const length = Math.max(1, bytes.length)
  return random.once(3) ? Math.max(0, length - 1 - random.below(Math.min(length, 400))) : random.below(length)
}

function part(bytes: Buffer, random: Random): Buffer {
  const start = place(bytes, random)
  return bytes.subarray(start, start + 1 + random.below(random.once(4) ? 600 : 24))
}

function flip(bytes: Buffer, random: Random): Buffer {
  const at = place(bytes, random)
  if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
  return bytes
}

function replace(bytes: Buffer, random: Random): Buffer {
  const at = place(bytes, random)
  if (at < bytes.length) bytes[at] = random.below(256)
  return bytes
}

function edge(bytes: Buffer, random: Random): Buffer {
  const at = place(bytes, random)
  const value = random.pick(EDGES)
  if (at + 4 > bytes.length) return bytes
  if (random.once(2)) bytes.writeUInt16LE(value & 0xffff, at)
  else bytes.writeUInt32LE(value, at)
  return bytes
}

function truncate(bytes: Buffer, random: Random): Buffer {
  return random.once(3) ? bytes.subarray(0, place(bytes, random)) : bytes
}

function cut(bytes: Buffer, random: Random): Buffer {
  const at = place(bytes, random)
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(40))])
}

function copy(bytes: Buffer, random: Random): Buffer {
  part(bytes, random).copy(bytes, place(bytes, random))
  return bytes
}

function splice(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  part(random.pick(others), random).copy(bytes, place(bytes, random))
  return bytes
}

function insert(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  const at = place(bytes, random)
  return Buffer.concat([bytes.subarray(0, at), part(random.pick(others), random), bytes.subarray(at)])
}
