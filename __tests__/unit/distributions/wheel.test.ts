import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseWheelFilename } from '../../../src/distributions/filename.ts'
import { readWheel, type WheelContent } from '../../../src/distributions/wheel.ts'
import { PublishError } from '../../../src/errors.ts'
import {
  coreMetadata,
  extraField,
  makeWheel,
  makeZip,
  type WheelOptions,
  wheelMembers,
  withDistribution,
  type ZipSpec,
} from '../../support/archives.ts'
import { readByYauzl } from '../../support/independent-readers.ts'

const FILE = 'demo-1.0-py3-none-any.whl'
const METADATA = 'demo-1.0.dist-info/METADATA'
const EVIL = coreMetadata({ name: 'evil' })

function read(bytes: Buffer, { file = FILE, verifyMetadata = true } = {}): Promise<WheelContent> {
  return withDistribution(bytes, file, (open) => readWheel(open, parseWheelFilename(file), { verifyMetadata }))
}

async function refusal(bytes: Buffer, file?: string): Promise<PublishError> {
  const outcome = await read(bytes, { ...(file && { file }) }).catch((error: unknown) => error)
  assert.ok(outcome instanceof PublishError, `expected a refusal, found ${String(outcome)}`)
  return outcome
}

/** A wheel in which the member of this name is changed. */
function changed(name: string, change: Partial<ZipSpec>, options: WheelOptions = {}): Buffer {
  return makeWheel({
    ...options,
    edit: (all) => all.map((member) => (member.name === name ? { ...member, ...change } : member)),
  })
}

const withMember = (...members: ZipSpec[]) => makeWheel({ members })
const behind = (...members: ZipSpec[]) => makeWheel({ edit: (all) => [...all, ...members] })

/** What the demo wheel is, and a wheel whose offsets count the bytes in front of it, as a part of a longer file. */
const GOOD = makeWheel()
const evilAt = (offset: number) =>
  makeWheel({ metadata: EVIL, zip: { prefix: Buffer.alloc(offset), adjusted: true } }).subarray(offset)

/** A local member that stands inside the content of another one, and which the directory lists too. */
function overlapping(): Buffer {
  const inner: ZipSpec = { name: 'demo/inner.py', content: 'x', method: 0 }
  const size = makeZip([inner]).readUInt32LE(makeZip([inner]).length - 6)
  const outer: ZipSpec = { name: 'demo/outer.py', content: makeZip([inner]).subarray(0, size), method: 0 }
  return withMember(outer, { ...inner, alias: true, centralOffset: 30 + 'demo/outer.py'.length })
}

const REFUSED: readonly [what: string, bytes: Buffer, code: string, message: RegExp][] = [
  [
    'duplicate central entries',
    behind({ name: METADATA, content: EVIL }),
    'E_DIST_LAYOUT',
    /METADATA at byte \d+ is refused: there is another member of this name/,
  ],
  [
    'two central entries of one local member',
    behind({ name: METADATA, content: coreMetadata(), alias: true, centralOffset: 0 }),
    'E_DIST_LAYOUT',
    /another member of this name/,
  ],
  [
    'a hidden second local entry',
    withMember({ name: METADATA, content: EVIL, hidden: true }),
    'E_DIST_LAYOUT',
    /a gap of \d+ bytes before the member demo\/__init__\.py at byte \d+/,
  ],
  [
    'a hidden local entry before the central directory',
    behind({ name: METADATA, content: EVIL, hidden: true }),
    'E_DIST_LAYOUT',
    /a gap of \d+ bytes before the central directory at byte \d+/,
  ],
  [
    'a local name that is not the central one',
    changed(METADATA, { localName: 'demo-1.0.dist-info/METADATB' }),
    'E_DIST_LAYOUT',
    /METADATA at byte \d+ is refused: its names in the local header and in the central directory differ/,
  ],
  ['a local name of another length', changed(METADATA, { localName: 'METADATA' }), 'E_DIST_LAYOUT', /names .* differ/],
  [
    'two zips concatenated',
    Buffer.concat([GOOD, makeWheel({ metadata: EVIL })]),
    'E_DIST_LAYOUT',
    /a gap of \d+ bytes in the zip archive/,
  ],
  [
    'two zips concatenated, offsets of the second adjusted',
    Buffer.concat([GOOD, evilAt(GOOD.length)]),
    'E_DIST_LAYOUT',
    /a gap of \d+ bytes before the member demo\/__init__\.py at byte \d+/,
  ],
  [
    'a zip inside the archive comment',
    makeWheel({ zip: { comment: makeWheel({ metadata: EVIL }) } }),
    'E_DIST_LAYOUT',
    /a gap of \d+ bytes in the zip archive/,
  ],
  [
    'a zip inside the archive comment, its offsets adjusted',
    makeWheel({ zip: { comment: evilAt(GOOD.length) } }),
    'E_DIST_LAYOUT',
    /a gap of \d+ bytes before the member/,
  ],
  [
    'an archive comment',
    makeWheel({ zip: { comment: 'built by hand' } }),
    'E_DIST_LAYOUT',
    /the zip archive has a comment of 13 bytes/,
  ],
  ['a member with a comment', changed(METADATA, { comment: 'c' }), 'E_DIST_LAYOUT', /it has a comment/],
  [
    'data in front, not counted',
    makeWheel({ zip: { prefix: '#!/bin/sh\n' } }),
    'E_DIST_LAYOUT',
    /a gap of 10 bytes in the zip archive/,
  ],
  [
    'data in front, counted',
    makeWheel({ zip: { prefix: '#!/bin/sh\n', adjusted: true } }),
    'E_DIST_LAYOUT',
    /a gap of 10 bytes before the member demo\/__init__\.py at byte 10/,
  ],
  [
    'data behind',
    makeWheel({ zip: { suffix: 'x' } }),
    'E_DIST_LAYOUT',
    /goes on for 1 byte behind the end of the zip archive \(end record at byte \d+\): uv will not install it/,
  ],
  [
    'data between two members',
    changed(METADATA, { before: 'gap' }),
    'E_DIST_LAYOUT',
    /a gap of 3 bytes before the member demo-1\.0\.dist-info\/METADATA/,
  ],
  [
    'data between directory and end record',
    makeWheel({ zip: { beforeEnd: 'gap' } }),
    'E_DIST_LAYOUT',
    /a gap of 3 bytes in the zip archive/,
  ],
  [
    'an Info-ZIP unicode path in the directory',
    withMember({
      name: 'demo/x.py',
      centralExtra: extraField(0x7075, Buffer.from(`\x01\0\0\0\0${METADATA}`, 'latin1')),
    }),
    'E_DIST_LAYOUT',
    /it has a second name/,
  ],
  [
    'an Info-ZIP unicode path in the local header',
    withMember({ name: 'demo/x.py', localExtra: extraField(0x7075, Buffer.from(METADATA)) }),
    'E_DIST_LAYOUT',
    /it has a second name/,
  ],
  [
    'a NUL in a name',
    withMember({ name: `${METADATA}\0.txt`, content: EVIL }),
    'E_DIST_LAYOUT',
    /its name holds a control character/,
  ],
  [
    'a backslash in the path of METADATA',
    withMember({ name: METADATA.replace('/', '\\'), content: EVIL }),
    'E_DIST_LAYOUT',
    /its name holds a backslash/,
  ],
  ['overlapping entries', overlapping(), 'E_DIST_LAYOUT', /demo\/inner\.py at byte 43 overlaps the member before it/],
  [
    'fewer entries announced',
    makeWheel({ zip: { count: 3 } }),
    'E_DIST_LAYOUT',
    /announces 3 members, the central directory has 4/,
  ],
  [
    'more entries announced',
    makeWheel({ zip: { count: 5 } }),
    'E_DIST_LAYOUT',
    /announces 5 members, the central directory has 4/,
  ],
  [
    'a wrong CRC of METADATA',
    changed(METADATA, { crc: 1 }),
    'E_DIST_LAYOUT',
    /METADATA does not fit its announced size and checksum/,
  ],
  [
    'a wrong CRC of METADATA, stored',
    changed(METADATA, { crc: 1, method: 0 }),
    'E_DIST_LAYOUT',
    /METADATA does not fit/,
  ],
  [
    'a local CRC that is not the central one',
    changed(METADATA, { localCrc: 1 }),
    'E_DIST_LAYOUT',
    /checksums .* differ/,
  ],
  ['an encrypted member', changed(METADATA, { flags: 1 }), 'E_DIST_LAYOUT', /it is encrypted/],
  ['flags that differ', changed(METADATA, { localFlags: 0x0800 }), 'E_DIST_LAYOUT', /flags .* differ/],
  ['methods that differ', changed(METADATA, { localMethod: 0 }), 'E_DIST_LAYOUT', /compression methods .* differ/],
  ['sizes that differ', changed(METADATA, { localSize: 5 }), 'E_DIST_LAYOUT', /sizes .* differ/],
  [
    'METADATA that announces 600 MB',
    changed(METADATA, { size: 600_000_000 }),
    'E_DIST_LIMIT',
    /METADATA has more than 8\.4 MB/,
  ],
  [
    'METADATA of 9 MiB',
    makeWheel({ metadata: Buffer.alloc(9 * 1024 ** 2, 'a') }),
    'E_DIST_LIMIT',
    /METADATA has more than 8\.4 MB/,
  ],
  [
    'METADATA of 9 MiB that announces 1,000 bytes',
    changed(METADATA, { content: Buffer.alloc(9 * 1024 ** 2, 'a'), size: 1000 }),
    'E_DIST_LAYOUT',
    /inflates to more than the 1000 bytes/,
  ],
  [
    'METADATA that inflates to less than it announces',
    changed(METADATA, { size: 1000 }),
    'E_DIST_LAYOUT',
    /does not fit its announced size/,
  ],
  [
    'bytes behind the deflate stream',
    changed(METADATA, { surplus: 'more' }),
    'E_DIST_LAYOUT',
    /the compressed data of the member demo-1\.0\.dist-info\/METADATA ends 4 bytes before its announced end/,
  ],
  [
    'a deflate stream that is cut off',
    changed(METADATA, { data: Buffer.from([0x4a]) }),
    'E_DIST_LAYOUT',
    /METADATA is cut off inside its compressed data/,
  ],
  [
    'a deflate stream that is none',
    changed(METADATA, { data: Buffer.alloc(40, 0xff) }),
    'E_DIST_LAYOUT',
    /the compressed data of the member .* is corrupt/,
  ],
  [
    'a .dist-info directory in another case',
    withMember({ name: 'Demo-1.0.dist-info/METADATA', content: EVIL }),
    'E_DIST_LAYOUT',
    /expected one \.dist-info directory, found 2 names: Demo-1\.0\.dist-info, demo-1\.0\.dist-info/,
  ],
  [
    'a .DIST-INFO directory',
    withMember({ name: 'demo-1.0.DIST-INFO/METADATA', content: EVIL }),
    'E_DIST_LAYOUT',
    /expected one \.dist-info directory/,
  ],
  [
    'a .dist-info directory of another version',
    withMember({ name: 'demo-0.9.dist-info/METADATA', content: EVIL }),
    'E_DIST_LAYOUT',
    /expected one \.dist-info directory/,
  ],
  [
    'METADATA in another case beside it',
    withMember({ name: 'demo-1.0.dist-info/metadata', content: EVIL }),
    'E_DIST_LAYOUT',
    /expected demo-1\.0\.dist-info\/METADATA once/,
  ],
  [
    'METADATA by a detour',
    behind({ name: 'demo-1.0.dist-info/./METADATA', content: EVIL }),
    'E_DIST_LAYOUT',
    /another member of this name/,
  ],
  [
    'METADATA by a detour only',
    changed(METADATA, { name: './demo-1.0.dist-info//METADATA' }),
    'E_DIST_LAYOUT',
    /METADATA once, found \.\/demo/,
  ],
  ['a path that climbs out', withMember({ name: 'demo/../../x.py' }), 'E_DIST_LAYOUT', /climbs out of the archive/],
  ['an absolute name', withMember({ name: '/etc/passwd' }), 'E_DIST_LAYOUT', /absolute path/],
  ['a drive letter', withMember({ name: 'C:x.py' }), 'E_DIST_LAYOUT', /drive letter/],
  ['a name that is not UTF-8', withMember({ name: Buffer.from([0x64, 0xff]) }), 'E_DIST_LAYOUT', /not UTF-8/],
  [
    'a name that is not ASCII and not marked',
    withMember({ name: 'demo/café.py' }),
    'E_DIST_LAYOUT',
    /not marked as UTF-8/,
  ],
  ['a member without a name', withMember({ name: '' }), 'E_DIST_LAYOUT', /it has no name/],
  ['a name of very many levels', withMember({ name: 'a/'.repeat(200) }), 'E_DIST_LAYOUT', /too long or too deep/],
  [
    'a zip64 count that lies',
    makeWheel({ zip: { zip64: { count: 3 } } }),
    'E_DIST_LAYOUT',
    /announces 3 members, the central directory has 4/,
  ],
  [
    'a zip64 size that lies',
    makeWheel({ zip: { zip64: { size: 1 } } }),
    'E_DIST_LAYOUT',
    /a gap of \d+ bytes in the zip archive/,
  ],
  [
    'a zip64 offset that lies',
    makeWheel({ zip: { zip64: { offset: 2 ** 53 - 1 } } }),
    'E_DIST_LAYOUT',
    /overlaps its end record/,
  ],
  ['zip64 numbers beyond 2^53', makeWheel({ zip: { zip64: { offset: 2 ** 62 } } }), 'E_DIST_LAYOUT', /corrupt/],
  [
    'a member of a newer zip format',
    changed(METADATA, { version: 64 }),
    'E_DIST_LAYOUT',
    /it needs a version of the zip format that pip does not know/,
  ],
  ['a compression method of another kind', changed(METADATA, { method: 93 }), 'E_DIST_LAYOUT', /compression method 93/],
  [
    'a stored member with two sizes',
    changed(METADATA, { method: 0, size: 3 }),
    'E_DIST_LAYOUT',
    /stored, and its two sizes differ/,
  ],
  [
    'a data descriptor that lies',
    changed(METADATA, { descriptor: 'wrong' }),
    'E_DIST_LAYOUT',
    /data descriptor is missing or wrong/,
  ],
  [
    'a data descriptor that is announced and missing',
    changed(METADATA, { flags: 8 }),
    'E_DIST_LAYOUT',
    /data descriptor is missing or wrong/,
  ],
  [
    'a stored member whose size stands only behind it',
    changed(METADATA, { method: 0, descriptor: 'signed' }),
    'E_DIST_LAYOUT',
    /its size stands only behind it/,
  ],
  ['a member on another disk', changed(METADATA, { disk: 1 }), 'E_DIST_LAYOUT', /another disk/],
  [
    'METADATA as a symbolic link',
    changed(METADATA, { mode: 0o120777 }),
    'E_DIST_LAYOUT',
    /METADATA is a symbolic link or a device/,
  ],
  [
    'WHEEL as a symbolic link',
    changed('demo-1.0.dist-info/WHEEL', { mode: 0o120777 }),
    'E_DIST_LAYOUT',
    /WHEEL is a symbolic link/,
  ],
  [
    'RECORD as a symbolic link',
    changed('demo-1.0.dist-info/RECORD', { mode: 0o120777 }),
    'E_DIST_LAYOUT',
    /RECORD is a symbolic link/,
  ],
  [
    'no METADATA',
    changed(METADATA, { name: 'demo-1.0.dist-info/OTHER' }),
    'E_DIST_METADATA',
    /expected demo-1\.0\.dist-info\/METADATA, found no such member/,
  ],
  [
    'METADATA one level too deep',
    changed(METADATA, { name: 'demo-1.0.dist-info/x/METADATA' }),
    'E_DIST_METADATA',
    /found no such member/,
  ],
  [
    'no .dist-info directory',
    makeZip([{ name: 'demo/__init__.py' }]),
    'E_DIST_METADATA',
    /expected a \.dist-info directory with METADATA, found none/,
  ],
  [
    'a .dist-info directory that is not at the top',
    makeZip(wheelMembers().map((member) => ({ ...member, name: `demo-1.0/${member.name}` }))),
    'E_DIST_METADATA',
    /found none/,
  ],
  ['no WHEEL', changed('demo-1.0.dist-info/WHEEL', { name: 'demo/x' }), 'E_DIST_LAYOUT', /WHEEL, found no such member/],
  [
    'no RECORD',
    changed('demo-1.0.dist-info/RECORD', { name: 'demo/x' }),
    'E_DIST_LAYOUT',
    /RECORD, found no such member/,
  ],
  ['an archive without members', makeZip([]), 'E_DIST_METADATA', /found none/],
  ['an empty file', Buffer.alloc(0), 'E_DIST_LAYOUT', /expected a zip archive, found something else/],
  [
    'a page of HTML',
    Buffer.from('<!DOCTYPE html><title>Sign in</title>'),
    'E_DIST_LAYOUT',
    /expected a zip archive, found something else/,
  ],
  [
    'a wheel of which the end is missing',
    GOOD.subarray(0, GOOD.length - 100),
    'E_DIST_LAYOUT',
    /cut off: it has no end record/,
  ],
]

describe('a wheel is refused, before any reader could take it for another one, that has', () => {
  for (const [what, bytes, code, message] of REFUSED) {
    it(what, async () => {
      const error = await refusal(bytes)
      assert.equal(error.code, code, error.message)
      assert.match(error.message, message)
      assert.match(error.message, /^demo-1\.0-py3-none-any\.whl: /)
      assert.match(error.hint ?? '', /^[A-Z].*\.$/)
      // No option lets such a fault pass.
      await assert.rejects(read(bytes, { verifyMetadata: false }), { code })
    })
  }
})

const DESCRIPTOR = /has its sizes behind its content \(a data descriptor\): PyPI refuses this$/

const ACCEPTED: readonly [what: string, bytes: Buffer, warnings: readonly RegExp[]][] = [
  ['nothing unusual', GOOD, []],
  ['stored members', makeWheel({ edit: (all) => all.map((member) => ({ ...member, method: 0 })) }), []],
  ['a name in UTF-8 that is marked', withMember({ name: 'demo/café.py', flags: 0x0800 }), []],
  [
    'entries of directories',
    withMember({ name: 'demo/', method: 0, mode: 0o040755 }, { name: 'demo-1.0.dist-info/', method: 0 }),
    [],
  ],
  ['members of any case beside the required ones', withMember({ name: 'demo-1.0.dist-info/Licenses/METADATA' }), []],
  [
    'a central directory in another order than its members',
    makeWheel({
      edit: (all) => {
        const [first, ...others] = all
        return [
          { ...first, name: first?.name ?? '', hidden: true },
          ...others,
          { ...first, name: first?.name ?? '', alias: true, centralOffset: 0 },
        ]
      },
    }),
    [],
  ],
  ['zip64 end records that agree', makeWheel({ zip: { zip64: {} } }), []],
  ['a data descriptor with signature', changed(METADATA, { descriptor: 'signed' }), [DESCRIPTOR]],
  ['a data descriptor without signature', changed(METADATA, { descriptor: 'bare' }), [DESCRIPTOR]],
  [
    'several data descriptors',
    makeWheel({ edit: (all) => all.map((member) => ({ ...member, descriptor: 'signed' })) }),
    [/^the member demo\/__init__\.py \(and 3 other members\) has its sizes/],
  ],
  [
    'a symbolic link elsewhere',
    withMember({ name: 'demo/lib.so', content: 'lib.so.1', mode: 0o120777 }),
    [/^the member demo\/lib\.so is a symbolic link or a device/],
  ],
  [
    '80 MB of zeros',
    withMember({ name: 'demo/zeros', content: Buffer.alloc(80_000_000) }),
    [/^it unpacks to 80\.0 MB, more than 50 times its size: PyPI refuses this$/],
  ],
]

describe('a wheel is accepted, and read as another reader reads it, that has', () => {
  for (const [what, bytes, warnings] of ACCEPTED) {
    it(what, async () => {
      const found = await read(bytes)
      assert.equal(found.metadata.toString(), coreMetadata())
      assert.deepEqual(await readByYauzl(bytes, METADATA), [found.metadata])
      assert.equal(found.warnings.length, warnings.length, found.warnings.join('\n'))
      for (const [index, warning] of warnings.entries()) assert.match(found.warnings[index] ?? '', warning)
    })
  }
})

describe('the .dist-info directory of a wheel', () => {
  it('may be spelled otherwise than in the file name, as long as it means the same', async () => {
    const names: readonly [file: string, folder: string][] = [
      ['demo-1.0-py3-none-any.whl', 'Demo-1.0.0'],
      ['my_demo-1.0.post1-py3-none-any.whl', 'my.demo-1.0-1'],
      ['my_demo-1.0+ubuntu.1-py3-none-any.whl', 'my-demo-1.0+ubuntu_1'],
      ['zope.interface-5-py3-none-any.whl', 'zope.interface-5'],
    ]
    for (const [file, folder] of names) {
      const members = wheelMembers().map((member) => ({
        ...member,
        name: String(member.name).replace('demo-1.0', folder),
      }))
      assert.equal((await read(makeZip(members), { file })).metadata.toString(), coreMetadata(), file)
    }
  })

  it('of a renamed file is told by what METADATA says', async () => {
    const version = await refusal(GOOD, 'demo-1.1-py3-none-any.whl')
    assert.equal(version.code, 'E_DIST_MISMATCH')
    assert.match(version.message, /says version 1\.1; its METADATA says version 1\.0/)
    const project = await refusal(GOOD, 'other-1.0-py3-none-any.whl')
    assert.equal(project.code, 'E_DIST_MISMATCH')
    assert.match(project.message, /says project other; its METADATA says demo/)
  })

  it('is refused by itself where METADATA agrees with the file name', async () => {
    const members = wheelMembers().map((member) => ({
      ...member,
      name: String(member.name).replace('demo-1.0', 'demo-1.1'),
    }))
    const error = await refusal(makeZip(members))
    assert.equal(error.code, 'E_DIST_LAYOUT')
    assert.match(error.message, /expected the directory demo-1\.0\.dist-info, found demo-1\.1\.dist-info/)
  })

  it('of a post release that became a build tag gets the sentence on build tags', async () => {
    const metadata = coreMetadata({ name: 'leo', version: '6.7.8-9' })
    const error = await refusal(
      makeWheel({ name: 'leo', version: '6.7.8-9', metadata }),
      'leo-6.7.8-9-py3-none-any.whl',
    )
    assert.equal(error.code, 'E_DIST_MISMATCH')
    assert.match(error.message, /version 6\.7\.8, build tag 9; its METADATA says version 6\.7\.8\.post9/)
  })
})

describe('the tags in WHEEL', () => {
  const warnings = async (file: string, ...tags: string[]) => (await read(makeWheel({ tags }), { file })).warnings

  it('may come in any order, one by one or in sets, and may be missing', async () => {
    const linux = 'demo-1.0-cp312.cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl'
    const each = ['cp311', 'cp312'].flatMap((python) =>
      ['manylinux2014_x86_64', 'manylinux_2_17_x86_64'].map((platform) => `${python}-abi3-${platform}`),
    )
    assert.deepEqual(await warnings(linux, ...each), [])
    assert.deepEqual(await warnings(linux, 'cp311.cp312-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64'), [])
    assert.deepEqual(await warnings(linux), [])
  })

  it('that are not those of the file name are a warning that names them', async () => {
    assert.deepEqual(
      await warnings('demo-1.0-py3-none-any.whl', 'cp312-cp312-linux_x86_64', 'cp311-cp311-linux_x86_64'),
      [
        'its WHEEL file says that it was built for cp311.cp312-cp311.cp312-linux_x86_64, and its name says something else',
      ],
    )
    assert.equal((await warnings('demo-1.0-py3-none-win_amd64.whl', 'py3-none-any')).length, 1)
  })
})
