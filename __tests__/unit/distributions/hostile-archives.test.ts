/**
 * Archives that readers of the field read in different ways, made here, one row a trick: each is refused with its code
 * before anything is sent, or it is one that all readers read alike, and then they are asked.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkDistributions } from '../../../src/distributions/check.ts'
import { type ErrorCode, ProblemList } from '../../../src/errors.ts'
import {
  coreMetadata,
  deflatedZeros,
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
  wheelMembers,
  withDistribution,
  type ZipSpec,
} from '../../support/archives.ts'
import { readByTarStream, readByYauzl } from '../../support/independent-readers.ts'

const WHEEL = 'demo-1.0-py3-none-any.whl'
const METADATA = 'demo-1.0.dist-info/METADATA'
const SDIST = 'demo-1.0.tar.gz'
const PKG_INFO = 'demo-1.0/PKG-INFO'
const EVIL = coreMetadata({ name: 'evil' })

/** A trick, the archive that plays it, and how it ends: with a code, or accepted with warnings. */
type Row = readonly [trick: string, make: () => Buffer, end: ErrorCode | readonly RegExp[]]

interface End {
  readonly codes: readonly ErrorCode[]
  readonly warnings: readonly string[]
  readonly project: string | undefined
}

/** The whole check of one file, as a run does it. */
async function check(bytes: Buffer, file: string): Promise<End> {
  return withDistribution(bytes, file, async (_, path) => {
    const problems = new ProblemList()
    const options = { verifyMetadata: true, md5: false, signal: new AbortController().signal }
    const [distribution] = await checkDistributions([{ path, shown: file, file }], options, problems)
    distribution?.content.close()
    const codes = problems.all.map(({ code }) => code)
    return { codes, warnings: distribution?.warnings ?? [], project: distribution?.project }
  })
}

async function assertEnd(bytes: Buffer, file: string, end: Row[2], peer: () => Promise<Buffer[]>): Promise<void> {
  const { codes, warnings, project } = await check(bytes, file)
  if (typeof end === 'string') {
    assert.deepEqual(codes, [end])
    return
  }
  assert.deepEqual(codes, [])
  assert.equal(project, 'demo')
  const told = warnings.filter((warning) => !warning.includes('Description'))
  assert.equal(told.length, end.length, told.join('\n'))
  for (const [index, warning] of end.entries()) assert.match(told[index] ?? '', warning)
  assert.deepEqual((await peer()).map(String), [coreMetadata()])
}

const GOOD = makeWheel()
/** A wheel of another project whose offsets count `offset` bytes in front of it. */
const evilAt = (offset: number) =>
  makeWheel({ metadata: EVIL, zip: { prefix: Buffer.alloc(offset), adjusted: true } }).subarray(offset)
const changed = (name: string, change: Partial<ZipSpec>) =>
  makeWheel({ edit: (all) => all.map((member) => (member.name === name ? { ...member, ...change } : member)) })
const before = (...members: ZipSpec[]) => makeWheel({ members })
const behind = (...members: ZipSpec[]) => makeWheel({ edit: (all) => [...all, ...members] })

function overlapping(): Buffer {
  const inner: ZipSpec = { name: 'demo/inner.py', content: 'x', method: 0 }
  const alone = makeZip([inner])
  const local = alone.subarray(0, alone.readUInt32LE(alone.length - 6))
  const outer: ZipSpec = { name: 'demo/outer.py', content: local, method: 0 }
  return before(outer, { ...inner, alias: true, centralOffset: 30 + 'demo/outer.py'.length })
}

const unicodePath = extraField(0x7075, Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), Buffer.from(METADATA)]))

const WHEELS: readonly Row[] = [
  ['duplicate central entries, the bad one last', () => behind({ name: METADATA, content: EVIL }), 'E_DIST_LAYOUT'],
  ['duplicate central entries, the bad one first', () => before({ name: METADATA, content: EVIL }), 'E_DIST_LAYOUT'],
  ['a hidden second local entry', () => behind({ name: METADATA, content: EVIL, hidden: true }), 'E_DIST_LAYOUT'],
  ['a local name that is not the central one', () => changed(METADATA, { localName: 'x' }), 'E_DIST_LAYOUT'],
  ['two zips concatenated', () => Buffer.concat([GOOD, makeWheel({ metadata: EVIL })]), 'E_DIST_LAYOUT'],
  ['two zips concatenated, offsets adjusted', () => Buffer.concat([GOOD, evilAt(GOOD.length)]), 'E_DIST_LAYOUT'],
  [
    'a zip inside the archive comment',
    () => makeWheel({ zip: { comment: makeWheel({ metadata: EVIL }) } }),
    'E_DIST_LAYOUT',
  ],
  [
    'a zip inside the archive comment that points at itself',
    () => makeWheel({ zip: { comment: evilAt(GOOD.length) } }),
    'E_DIST_LAYOUT',
  ],
  ['a harmless archive comment', () => makeWheel({ zip: { comment: 'x' } }), 'E_DIST_LAYOUT'],
  ['a prefix, as self-extracting archives have it', () => makeWheel({ zip: { prefix: 'MZ' } }), 'E_DIST_LAYOUT'],
  ['a prefix, offsets adjusted', () => makeWheel({ zip: { prefix: 'MZ', adjusted: true } }), 'E_DIST_LAYOUT'],
  ['trailing data', () => makeWheel({ zip: { suffix: 'x' } }), 'E_DIST_LAYOUT'],
  ['an Info-ZIP unicode path', () => before({ name: 'x', content: EVIL, centralExtra: unicodePath }), 'E_DIST_LAYOUT'],
  ['a NUL in a name', () => before({ name: `${METADATA}\0x`, content: EVIL }), 'E_DIST_LAYOUT'],
  ['a backslash in the path', () => before({ name: METADATA.replace('/', '\\'), content: EVIL }), 'E_DIST_LAYOUT'],
  ['overlapping entries', overlapping, 'E_DIST_LAYOUT'],
  ['too few entries announced', () => makeWheel({ zip: { count: 1 } }), 'E_DIST_LAYOUT'],
  ['too many entries announced', () => makeWheel({ zip: { count: 9 } }), 'E_DIST_LAYOUT'],
  ['a bad CRC', () => changed(METADATA, { crc: 7 }), 'E_DIST_LAYOUT'],
  ['an encrypted member', () => changed(METADATA, { flags: 1 }), 'E_DIST_LAYOUT'],
  ['METADATA of 600 MiB in 600 KB', () => changed(METADATA, deflatedZeros(600)), 'E_DIST_LIMIT'],
  [
    'METADATA of 600 MiB of which the headers say 1,000 bytes',
    () => changed(METADATA, { ...deflatedZeros(600), size: 1000 }),
    'E_DIST_LAYOUT',
  ],
  ['bytes behind the deflate stream', () => changed(METADATA, { surplus: 'more' }), 'E_DIST_LAYOUT'],
  [
    'a .dist-info directory in another case',
    () => before({ name: 'Demo-1.0.dist-info/METADATA', content: EVIL }),
    'E_DIST_LAYOUT',
  ],
  ['a path that climbs out', () => before({ name: '../x' }), 'E_DIST_LAYOUT'],
  ['an absolute path', () => before({ name: '/x' }), 'E_DIST_LAYOUT'],
  ['a zip64 count that lies', () => makeWheel({ zip: { zip64: { count: 1 } } }), 'E_DIST_LAYOUT'],
  ['a zip64 size that lies', () => makeWheel({ zip: { zip64: { size: 1 } } }), 'E_DIST_LAYOUT'],
  ['a zip64 record that nobody needs, and that agrees', () => makeWheel({ zip: { zip64: {} } }), []],
  ['a valid data descriptor', () => changed(METADATA, { descriptor: 'signed' }), [/PyPI refuses this/]],
  ['a WHEEL of more than 8 MiB', () => changed('demo-1.0.dist-info/WHEEL', { size: 9_000_000 }), 'E_DIST_LIMIT'],
  ['a RECORD of more than 64 MiB', () => changed('demo-1.0.dist-info/RECORD', { size: 70_000_000 }), 'E_DIST_LIMIT'],
  ['more than 200,000 members', () => makeWheel({ zip: { zip64: { count: 200_001 } } }), 'E_DIST_LIMIT'],
  ['a link as METADATA', () => changed(METADATA, { mode: 0o120777 }), 'E_DIST_LAYOUT'],
  ['a link as another member', () => before({ name: 'demo/x', mode: 0o120777 }), [/is a symbolic link or a device/]],
  [
    'an announced total over 64 MiB and 50 times the file',
    () => before({ name: 'demo/zeros', ...deflatedZeros(80) }),
    [/more than 50 times its size: PyPI refuses this/],
  ],
  ['nothing unusual', () => makeZip(wheelMembers()), []],
]

const tarBehind = (...members: TarSpec[]) => makeSdist({ members })
const pkgInfo = (change: Partial<TarSpec>) =>
  makeSdist({ edit: (all) => all.map((member) => (member.name === PKG_INFO ? { ...member, ...change } : member)) })
const TAR = makeTar(sdistMembers())
const EVIL_TAR = makeTar(sdistMembers({ metadata: EVIL }))
const NOT_THERE = 8 ** 11 - 1

function tarBomb(): Buffer {
  const mebibytes = 5 * 1024
  const header = makeTar([{ name: 'demo-1.0/zeros', size: mebibytes * 1024 ** 2 }], { end: Buffer.alloc(0) })
  const { data, crc, size } = deflatedZeros(mebibytes, header)
  return makeGzip(Buffer.alloc(0), { data, crc, length: size % 2 ** 32 })
}

const SDISTS: readonly Row[] = [
  ['two PKG-INFO, the bad one last', () => tarBehind({ name: PKG_INFO, content: EVIL }), 'E_DIST_LAYOUT'],
  [
    'two PKG-INFO, the bad one first',
    () => makeSdist({ edit: (all) => [{ name: PKG_INFO, content: EVIL }, ...all] }),
    'E_DIST_LAYOUT',
  ],
  ['a second gzip member with another tar', () => Buffer.concat([makeGzip(TAR), makeGzip(EVIL_TAR)]), 'E_DIST_LAYOUT'],
  [
    'one tar over two gzip members',
    () => Buffer.concat([makeGzip(TAR.subarray(0, 1024)), makeGzip(TAR.subarray(1024))]),
    'E_DIST_LAYOUT',
  ],
  ['a tar behind the end blocks', () => makeGzip(Buffer.concat([TAR, EVIL_TAR])), 'E_DIST_LAYOUT'],
  [
    'a tar behind one zero block',
    () => makeSdist({ tar: { end: Buffer.concat([Buffer.alloc(512), EVIL_TAR]) } }),
    'E_DIST_LAYOUT',
  ],
  ['zeros behind the gzip member', () => makeSdist({ gzip: { suffix: Buffer.alloc(512) } }), 'E_DIST_LAYOUT'],
  ['a bad gzip CRC', () => makeSdist({ gzip: { crc: 7 } }), 'E_DIST_LAYOUT'],
  ['a bad gzip length', () => makeSdist({ gzip: { length: 7 } }), 'E_DIST_LAYOUT'],
  [
    'a NUL in a pax path',
    () => tarBehind({ name: 'demo-1.0/x', pax: { path: `${PKG_INFO}\0.txt` }, content: EVIL }),
    'E_DIST_LAYOUT',
  ],
  ['a pax path in place of the name, which is legal', () => pkgInfo({ name: 'x', pax: { path: PKG_INFO } }), []],
  [
    'a pax path that makes a second PKG-INFO',
    () => tarBehind({ name: 'demo-1.0/x', pax: { path: PKG_INFO }, content: EVIL }),
    'E_DIST_LAYOUT',
  ],
  ['a sparse file of GNU', () => tarBehind({ name: 'demo-1.0/x', type: 'S', magic: GNU_MAGIC }), 'E_DIST_LAYOUT'],
  [
    'a sparse file of pax',
    () => tarBehind({ name: 'demo-1.0/x', pax: { 'GNU.sparse.name': PKG_INFO, 'GNU.sparse.major': '1' } }),
    'E_DIST_LAYOUT',
  ],
  ['a negative size', () => tarBehind({ name: 'demo-1.0/x', size: Buffer.alloc(12, 0xff) }), 'E_DIST_LAYOUT'],
  ['a huge size', () => tarBehind({ name: 'demo-1.0/x', size: NOT_THERE }), 'E_DIST_LAYOUT'],
  ['garbage for a size', () => tarBehind({ name: 'demo-1.0/x', size: Buffer.from('12 34 56 78\0') }), 'E_DIST_LAYOUT'],
  [
    'a GNU long name of 8 GB',
    () => tarBehind({ name: '././@LongLink', type: 'L', magic: GNU_MAGIC, size: NOT_THERE }),
    'E_DIST_LIMIT',
  ],
  ['a symbolic link as PKG-INFO', () => pkgInfo({ type: '2', target: 'x', content: '' }), 'E_DIST_LAYOUT'],
  ['a hard link as PKG-INFO', () => pkgInfo({ type: '1', target: 'demo-1.0/x', content: '' }), 'E_DIST_LAYOUT'],
  ['a FIFO', () => tarBehind({ name: 'demo-1.0/x', type: '6' }), 'E_DIST_LAYOUT'],
  ['a device', () => tarBehind({ name: 'demo-1.0/x', type: '4' }), 'E_DIST_LAYOUT'],
  ['a path that climbs out', () => tarBehind({ name: 'demo-1.0/../../x' }), 'E_DIST_LAYOUT'],
  ['an absolute path', () => tarBehind({ name: '/demo-1.0/x' }), 'E_DIST_LAYOUT'],
  ['two roots', () => tarBehind({ name: 'evil-1.0/PKG-INFO', content: EVIL }), 'E_DIST_LAYOUT'],
  ['a file beside the root', () => tarBehind({ name: 'PKG-INFO', content: EVIL }), 'E_DIST_LAYOUT'],
  [
    '`./` before every name',
    () => makeSdist({ edit: (all) => all.map((member) => ({ ...member, name: `./${member.name}` })) }),
    [],
  ],
  ['5 GiB of zeros in 5 MB', tarBomb, 'E_DIST_LIMIT'],
  ['a gzip file that is cut off', () => makeSdist().subarray(0, -20), 'E_DIST_LAYOUT'],
  ['a plain tar', () => TAR, 'E_DIST_LAYOUT'],
  [
    'a pax header of more than 1 MiB',
    () => tarBehind({ name: 'demo-1.0/x', pax: paxRecords({ comment: 'x'.repeat(1024 ** 2) }) }),
    'E_DIST_LIMIT',
  ],
  ['nothing unusual', () => makeSdist(), []],
]

describe('a wheel with', () => {
  for (const [trick, make, end] of WHEELS) {
    it(`${trick} is ${typeof end === 'string' ? `refused: ${end}` : 'accepted, and yauzl reads the same'}`, async () => {
      const bytes = make()
      await assertEnd(bytes, WHEEL, end, () => readByYauzl(bytes, METADATA))
    })
  }
})

describe('an sdist with', () => {
  for (const [trick, make, end] of SDISTS) {
    it(`${trick} is ${typeof end === 'string' ? `refused: ${end}` : 'accepted, and tar-stream reads the same'}`, async () => {
      const bytes = make()
      await assertEnd(bytes, SDIST, end, () => readByTarStream(bytes, PKG_INFO))
    })
  }
})

/** Bytes by which this process grows at most while something runs. */
async function growth(run: () => Promise<void>): Promise<number> {
  const start = process.memoryUsage.rss()
  let peak = start
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 1)
  await run()
  clearInterval(timer)
  return Math.max(peak, process.memoryUsage.rss()) - start
}

describe('bombs', () => {
  const BOMBS: readonly (readonly [what: string, file: string, make: () => Buffer])[] = [
    ['METADATA of 600 MiB', WHEEL, () => changed(METADATA, deflatedZeros(600))],
    ['METADATA that is said to be short', WHEEL, () => changed(METADATA, { ...deflatedZeros(600), size: 1000 })],
    ['a tar of 5 GiB', SDIST, tarBomb],
  ]
  for (const [what, file, make] of BOMBS) {
    it(`are refused without the memory that they would fill: ${what}`, async () => {
      const bytes = make()
      const grown = await growth(async () => assert.equal((await check(bytes, file)).codes.length, 1))
      assert.ok(grown < 200 * 1024 ** 2, `${grown} bytes`)
    })
  }
})
