import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import { writeSamples } from '../../../demo/sample-distributions.ts'
import { describeDifference } from '../../../src/distributions/members.ts'
import {
  deflatedZeros,
  extraField,
  makeGzip,
  makeSdist,
  makeTar,
  makeWheel,
  makeZip,
  sdistMembers,
  type TarSpec,
  withDistribution,
  type ZipSpec,
} from '../../support/archives.ts'

const WHEEL = 'demo-1.0-py3-none-any.whl'
const SDIST = 'demo-1.0.tar.gz'
const INFO = 'demo-1.0.dist-info'

/** What is said of two files of one name; in every case it must be fit for a log line. */
async function difference(
  ours: Uint8Array,
  theirs: Uint8Array,
  file = WHEEL,
  signal = new AbortController().signal,
): Promise<string> {
  const kind = file.endsWith('.whl') ? 'wheel' : 'sdist'
  const sentence = await withDistribution(ours, file, (mine) =>
    withDistribution(theirs, file, (other) => describeDifference(mine, other, kind, file, signal)),
  )
  assert.ok(sentence.length > 0 && sentence.length < 300, `${sentence.length} characters`)
  assert.doesNotMatch(sentence, /[\p{Cc}\p{Cf}\p{Cs}]/u)
  return sentence
}

/** A wheel in which every member was changed in one way. */
const wheelOf = (change: (member: ZipSpec, index: number) => ZipSpec) => makeWheel({ edit: (all) => all.map(change) })
const sdistOf = (change: (member: TarSpec, index: number) => TarSpec) => makeSdist({ edit: (all) => all.map(change) })

/** A wheel in which the members of these names hold something else. */
const wheelWith = (contents: Readonly<Record<string, string>>) =>
  wheelOf((member) => ({ ...member, content: contents[String(member.name)] ?? member.content ?? '' }))

describe('two wheels with the same members', () => {
  const rows: readonly (readonly [what: string, theirs: Buffer, said: string])[] = [
    [
      'their time stamps',
      wheelOf((member) => ({ ...member, modified: 0x5b6a7c21 })),
      'time stamps of the archive differ',
    ],
    [
      "Info-ZIP's time stamps",
      wheelOf((member) => ({ ...member, localExtra: extraField(0x5455, Buffer.alloc(5, 1)) })),
      'time stamps of the archive differ',
    ],
    ['their permissions', wheelOf((member) => ({ ...member, mode: 0o100755 })), 'permissions differ'],
    [
      'their owners',
      wheelOf((member) => ({ ...member, centralExtra: extraField(0x7875, Buffer.alloc(11, 1)) })),
      'owners differ',
    ],
    ['their order', makeWheel({ edit: (all) => all.toReversed() }), 'their order differs'],
    [
      'what stands in other headers',
      wheelOf((member) => ({ ...member, version: 45 })),
      'details of how the archive is written differ',
    ],
    ['what no reader looks at', makeWheel({ zip: { zip64: {} } }), 'details of how the archive is written differ'],
    [
      'several of these',
      makeWheel({
        edit: (all) => all.toReversed().map((member) => ({ ...member, modified: 0x5b6a7c21, mode: 0o100755 })),
      }),
      'time stamps of the archive, permissions and their order differ',
    ],
  ]
  for (const [what, theirs, said] of rows) {
    it(`differ in ${what}`, async () => {
      assert.equal(await difference(makeWheel(), theirs), `the same 4 members, only ${said}`)
    })
  }

  it('differ in how they are compressed, with the sizes of both files', async () => {
    const content = 'a line of the module\n'.repeat(5000)
    const long = (spec: Partial<ZipSpec>) => makeWheel({ members: [{ name: 'demo/long.py', content, ...spec }] })
    const stored = await difference(long({}), long({ method: 0 }))
    assert.equal(
      stored,
      'the same 5 members, only how they are compressed differs (1.1 kB here, 105.8 kB on the index)',
    )
    const level = await difference(long({}), long({ data: deflateRawSync(content, { level: 1 }) }))
    assert.match(level, /^the same 5 members, only how they are compressed differs \(.+ here, .+ on the index\)$/)
  })

  it('differ in not a byte', async () => {
    assert.equal(await difference(makeWheel(), makeWheel()), 'no byte of the two files differs')
  })
})

describe('two wheels with other members', () => {
  it('are told by the members that differ, RECORD last, with sizes where one or two differ', async () => {
    const theirs = wheelWith({ [`${INFO}/RECORD`]: 'other', 'demo/__init__.py': 'x' })
    const moved = makeWheel({ edit: (all) => all.toReversed() })
    assert.equal(
      await difference(moved, theirs),
      `2 of 4 members differ: demo/__init__.py (27 bytes here, 1 byte on the index), ${INFO}/RECORD`,
    )
  })

  it('have names only where three or more differ', async () => {
    const theirs = wheelWith({ 'demo/__init__.py': 'x', [`${INFO}/METADATA`]: 'y', [`${INFO}/WHEEL`]: 'z' })
    assert.equal(
      await difference(makeWheel(), theirs),
      `3 of 4 members differ: demo/__init__.py, ${INFO}/METADATA, ${INFO}/WHEEL`,
    )
  })

  it('may differ in one, be it RECORD', async () => {
    const record = `${INFO}/RECORD`
    assert.equal(await difference(makeWheel(), wheelWith({ [record]: 'x' })), `1 of 4 members differs: ${record}`)
  })

  it('are found though size and CRC32 of the member are the same', async () => {
    const [one, two] = sameChecksum()
    assert.equal(crc32(one), crc32(two))
    const [ours, theirs] = [one, two].map((content) => wheelWith({ 'demo/__init__.py': content }))
    assert.ok(ours !== undefined && theirs !== undefined)
    assert.equal(await difference(ours, theirs), '1 of 4 members differs: demo/__init__.py')
  })

  it('are found though the bytes of the member are the same, stored in one and deflated in the other', async () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz'
    const texts = [3, 4, 5, 6].map((again) => letters + letters.slice(0, again))
    const content = texts.find((text) => deflateRawSync(text).length === text.length)
    assert.ok(content !== undefined)
    const wheel = (spec: Partial<ZipSpec>) => makeWheel({ members: [{ name: 'demo/a', ...spec }] })
    assert.equal(
      await difference(wheel({ content }), wheel({ content: deflateRawSync(content), method: 0 })),
      '1 of 5 members differs: demo/a',
    )
  })

  it('say which members only one of the two has', async () => {
    const one = makeWheel({ members: [{ name: 'demo/a.py' }, { name: 'demo/b.py' }] })
    const two = makeWheel({ members: [{ name: 'demo/b.py' }, { name: 'demo/c.py' }, { name: 'demo/d/', method: 0 }] })
    assert.equal(
      await difference(one, two),
      '1 member only in this file: demo/a.py; 2 only on the index: demo/c.py, demo/d; the other 5 are the same',
    )
    assert.equal(
      await difference(one, makeWheel({ members: [{ name: 'demo/b.py' }] })),
      '1 member only in this file: demo/a.py; the other 5 are the same',
    )
    assert.equal(
      await difference(makeWheel({ members: [{ name: 'demo/b.py' }] }), two),
      '2 members only on the index: demo/c.py, demo/d; the other 5 are the same',
    )
  })

  it('say so after those that differ', async () => {
    const one = makeWheel({ members: [{ name: 'demo/a.py' }, { name: 'demo/b.py', content: '1' }] })
    const two = makeWheel({ members: [{ name: 'demo/b.py', content: '2' }, { name: 'demo/c.py' }] })
    assert.equal(
      await difference(one, two),
      '1 of 5 members differs: demo/b.py; 1 only in this file: demo/a.py; 1 only on the index: demo/c.py',
    )
  })

  it('count the names for which there is no room', async () => {
    const many = (content: string, add: string) =>
      makeWheel({
        members: Array.from({ length: 500 }, (_, index) => [
          { name: `demo/${'deep/'.repeat(8)}module_${index}.py`, content },
          { name: `demo/${add}/${'deep/'.repeat(30)}module_${index}.py` },
        ]).flat(),
      })
    const sentence = await difference(many('1', 'ours'), many('2', 'theirs'))
    assert.match(
      sentence,
      /^500 of 504 members differ: demo\/deep.+ and 499 more; 500 only in this file: demo\/ours.+ and 499 more; 500 only on the index: demo\/theirs.+ and 499 more$/,
    )
  })

  it('tell a file from a link of the same content', async () => {
    const link = makeWheel({ members: [{ name: 'demo/l', content: 'x', mode: 0o120777 }] })
    assert.equal(
      await difference(makeWheel({ members: [{ name: 'demo/l', content: 'x' }] }), link),
      '1 of 5 members differs: demo/l (file here, link or device on the index)',
    )
  })
})

describe('two sdists', () => {
  const over = (fields: Readonly<Record<number, string>>) => sdistOf((member) => ({ ...member, over: fields }))
  const stamped = makeSdist()
  stamped.writeUInt32LE(1_700_000_000, 4)
  const rows: readonly (readonly [what: string, theirs: Buffer, said: string])[] = [
    ['the time stamp of gzip', stamped, 'time stamps of the archive differ'],
    ['the times of their members', over({ 136: '14712345670' }), 'time stamps of the archive differ'],
    [
      'times of pax',
      sdistOf((member) => ({ ...member, pax: { mtime: '1700000000.25' } })),
      'time stamps of the archive differ',
    ],
    ['users and groups', over({ 108: '0001750', 265: 'builder' }), 'owners differ'],
    ['users of pax', sdistOf((member) => ({ ...member, pax: { uname: 'Zoë' } })), 'owners differ'],
    ['permissions', over({ 100: '0000755' }), 'permissions differ'],
    ['their order', makeSdist({ edit: (all) => all.toReversed() }), 'their order differs'],
    [
      'the file name of gzip',
      makeSdist({ gzip: { flags: 0x08, fields: Buffer.from('demo-1.0.tar\0') } }),
      'details of how the archive is written differ',
    ],
    [
      'zeros at the end',
      makeSdist({ tar: { end: Buffer.alloc(10_240) } }),
      'details of how the archive is written differ',
    ],
    [
      'how they are compressed',
      makeSdist({ gzip: { level: 0 } }),
      'how they are compressed differs (218 bytes here, 3.6 kB on the index)',
    ],
    [
      'the file name of gzip, and users',
      makeSdist({
        edit: (all) => all.map((member) => ({ ...member, over: { 108: '0001750' } })),
        gzip: { flags: 0x08, fields: Buffer.from('demo-1.0.tar\0') },
      }),
      'owners and details of how the archive is written differ',
    ],
    ['times and owners', over({ 108: '0001750', 136: '14712345670' }), 'time stamps of the archive and owners differ'],
  ]
  for (const [what, theirs, said] of rows) {
    it(`with the same members differ in ${what}`, async () => {
      assert.equal(await difference(makeSdist(), theirs, SDIST), `the same 3 members, only ${said}`)
    })
  }

  it('take a number for the same whatever stands behind it', async () => {
    const theirs = over({ 100: '000644 ', 116: '      0' })
    assert.equal(
      await difference(makeSdist(), theirs, SDIST),
      'the same 3 members, only details of how the archive is written differ',
    )
  })

  it('are told by the members that differ, and by those that only one has', async () => {
    const ours = makeSdist({ members: [{ name: 'demo-1.0/a.py', content: 'one' }, { name: 'demo-1.0/b.py' }] })
    const theirs = makeSdist({ members: [{ name: 'demo-1.0/c.py' }, { name: './demo-1.0//a.py', content: 'other' }] })
    assert.equal(
      await difference(ours, theirs, SDIST),
      '1 of 4 members differs: demo-1.0/a.py (3 bytes here, 5 bytes on the index); 1 only in this file: demo-1.0/b.py; 1 only on the index: demo-1.0/c.py',
    )
  })

  it('compare where a link points, and each of two members of one name', async () => {
    const link = (target: string) => makeSdist({ members: [{ name: 'demo-1.0/l', type: '2', target }] })
    assert.equal(
      await difference(link('PKG-INFO'), link('setup.py'), SDIST),
      '1 of 4 members differs: demo-1.0/l (symbolic link to PKG-INFO here, symbolic link to setup.py on the index)',
    )
    const twice = (content: string) =>
      makeSdist({
        members: [
          { name: 'demo-1.0/a', content: '1' },
          { name: 'demo-1.0/a', content },
        ],
      })
    assert.equal(await difference(twice('2'), twice('3'), SDIST), '1 of 5 members differs: demo-1.0/a')
  })

  it('may be zip archives', async () => {
    const zip = (content: string) => makeZip([{ name: 'demo-1.0/PKG-INFO', content }])
    assert.equal(await difference(zip('1'), zip('2'), 'demo-1.0.zip'), '1 of 1 member differs: demo-1.0/PKG-INFO')
  })
})

describe('two builds of a project', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'members-'))
  after(() => rmSync(directory, { recursive: true, force: true }))

  it('with another line in its module differ in that and in what lists it', async () => {
    const build = (greeting: string) =>
      writeSamples(path.join(directory, greeting), { project: 'demo', version: '1.0', greeting })
    const [wheel, sdist] = await build('Hello')
    const [otherWheel, otherSdist] = await build('Hi')
    const read = (file: string | undefined) => readFileSync(file ?? '')
    assert.equal(
      await difference(read(wheel?.path), read(otherWheel?.path)),
      `2 of 4 members differ: demo/__init__.py (54 bytes here, 51 bytes on the index), ${INFO}/RECORD`,
    )
    assert.equal(
      await difference(read(sdist?.path), read(otherSdist?.path), SDIST),
      '1 of 3 members differs: demo-1.0/src/demo/__init__.py (54 bytes here, 51 bytes on the index)',
    )
  })
})

describe("the index's file", () => {
  it('is no archive when it is cut off at any place', async () => {
    for (const [file, whole] of [
      [WHEEL, makeWheel()],
      [SDIST, makeSdist()],
    ] as const) {
      for (let length = 0; length < whole.length; length += 7) {
        const said = await difference(whole, whole.subarray(0, length), file)
        assert.match(said, /^the index's file is no archive that can be read: ./, `${length} bytes`)
      }
    }
  })

  it('may be something else', async () => {
    const page = Buffer.from('<html><body>Please log in</body></html>'.repeat(20))
    assert.equal(
      await difference(makeWheel(), page),
      "the index's file is no archive that can be read: expected a zip archive, found something else",
    )
    assert.equal(
      await difference(makeSdist(), page, SDIST),
      "the index's file is no archive that can be read: expected a gzip file (.tar.gz), found something else",
    )
  })

  it('is not believed: a member that unpacks to more than it announces ends the comparison', async () => {
    const { data } = deflatedZeros(300)
    const ours = makeWheel({ members: [{ name: 'demo/zeros', content: '0123456789' }] })
    const theirs = makeWheel({ members: [{ name: 'demo/zeros', data, size: 10, crc: crc32('0123456789') }] })
    assert.equal(
      await difference(ours, theirs),
      "the index's file is no archive that can be read: the member demo/zeros inflates to more than the 10 bytes that it announces",
    )
  })

  it('is no archive when a member does not fit its checksum', async () => {
    assert.equal(
      await difference(
        makeWheel(),
        wheelOf((member) => ({ ...member, method: 0, crc: 1 })),
      ),
      "the index's file is no archive that can be read: the content of the member demo/__init__.py does not fit its announced size and checksum",
    )
  })

  it('is not unpacked where the announced size differs already', async () => {
    const ours = makeWheel({ members: [{ name: 'demo/zeros', content: '0' }] })
    const theirs = makeWheel({ members: [{ name: 'demo/zeros', size: 4_000_000_000 }] })
    assert.equal(
      await difference(ours, theirs),
      '1 of 5 members differs: demo/zeros (1 byte here, 4.0 GB on the index)',
    )
  })

  it('is not unpacked beyond 200 MB', async () => {
    const { data, crc, size } = deflatedZeros(210)
    const wheel = (spec: Partial<ZipSpec>) => makeWheel({ members: [{ name: 'demo/zeros', data, crc, size, ...spec }] })
    const again = deflatedZeros(209, Buffer.alloc(1024 ** 2))
    assert.equal(
      await difference(wheel({}), wheel({ data: again.data })),
      'this file is not compared member by member: the archive unpacks to more than 200.0 MB',
    )
    assert.match(await difference(wheel({}), wheel({ modified: 1 })), /^the same 5 members, only time stamps/)
  })

  it('is not unpacked beyond 200 MB as an sdist either', async () => {
    const start = makeTar([...sdistMembers(), { name: 'demo-1.0/zeros', size: 300 * 1024 ** 2 }], {
      end: Buffer.alloc(0),
    })
    const { data, crc, size } = deflatedZeros(301, start)
    const bomb = makeGzip(Buffer.alloc(0), { data, crc, length: size })
    assert.ok(bomb.length < 500_000)
    assert.equal(
      await difference(makeSdist(), bomb, SDIST),
      "the index's file is not compared member by member: the archive unpacks to more than 200.0 MB",
    )
  })

  it('is not compared with more than 100,000 members', async () => {
    const name = (index: number) => `demo-1.0/${index}`
    const files = Array.from({ length: 100_001 }, (_, index) => ({ name: name(index), method: 0 }))
    const said = "the index's file is not compared member by member: the archive has more than 100000 members"
    assert.equal(await difference(makeWheel(), makeZip(files, { zip64: {} })), said)
    const [header] = [makeTar([{ name: 'demo-1.0/x' }], { end: Buffer.alloc(0) })]
    const tar = Buffer.concat([...Array.from({ length: 100_001 }, () => header), Buffer.alloc(1024)])
    assert.equal(await difference(makeSdist(), makeGzip(tar, { level: 1 }), SDIST), said)
  })

  it('has names that cannot act as anything but text', async () => {
    const names = [
      '::error::x',
      '<script>alert(1)</script>',
      '##[error]x',
      '\u202egnp.exe',
      '\u200b',
      '\u2028::warning::',
      '|`$(id)`|',
    ]
    for (const name of names) {
      const theirs = makeWheel({ members: [{ name, flags: 0x0800, content: 'x' }] })
      const said = await difference(makeWheel(), theirs)
      const shown = name === '\u200b' ? '(unprintable name)' : name.replace(/[\u202e\u2028]/g, '')
      assert.equal(said, `1 member only on the index: ${shown}; the other 4 are the same`)
    }
    const lines = makeWheel({ members: [{ name: 'a\n::error::b' }] })
    assert.match(
      await difference(makeWheel(), lines),
      /^the index's file is no archive that can be read: the member a ::error::b at byte \d+ is refused: its name holds/,
    )
    const long = makeSdist({ members: [{ name: 'x', pax: { path: `demo-1.0/${'\u{1f40d}'.repeat(900)}` } }] })
    assert.match(
      await difference(makeSdist(), long, SDIST),
      /^1 member only on the index: demo-1\.0\/.+…; the other 3 are the same$/u,
    )
    const target = makeSdist({ members: [{ name: 'demo-1.0/l', type: '2', target: '\n::error::'.repeat(9) }] })
    assert.match(
      await difference(makeSdist({ members: [{ name: 'demo-1.0/l' }] }), target, SDIST),
      /^1 of 4 members differs: demo-1\.0\/l \(file here, symbolic link to ::error:: .* on the index\)$/,
    )
    assert.match(
      await difference(target, makeSdist({ members: [{ name: 'demo-1.0/l' }] }), SDIST),
      /^1 of 4 members differs: demo-1\.0\/l \(symbolic link to ::error:: .* here, file on the index\)$/,
    )
  })
})

describe('a comparison', () => {
  it('says when our own file is what cannot be read', async () => {
    assert.match(
      await difference(makeWheel().subarray(0, 100), makeWheel()),
      /^this file is no archive that can be read: the zip archive is cut off/,
    )
  })

  it('ends with the reason of its signal, before it begins and in between', async () => {
    const reason = new Error('cancelled')
    await assert.rejects(difference(makeWheel(), makeWheel(), WHEEL, AbortSignal.abort(reason)), reason)
    await assert.rejects(difference(makeSdist(), makeSdist(), SDIST, AbortSignal.abort(reason)), reason)
    const many = Array.from({ length: 20_000 }, (_, index) => ({
      name: `demo/${index}`,
      content: String(index),
      method: 0,
    }))
    const controller = new AbortController()
    setImmediate(() => setImmediate(() => controller.abort(reason)))
    await assert.rejects(difference(makeZip(many), makeZip(many), WHEEL, controller.signal), reason)
  })
})

/** Two texts of one length and one CRC32, by the birthday paradox: the same ones each time. */
function sameChecksum(): readonly [string, string] {
  const seen = new Map<number, string>()
  for (let number = 0; number < 1_000_000; number += 1) {
    const text = createHash('sha256').update(String(number)).digest('base64')
    const earlier = seen.get(crc32(text))
    if (earlier !== undefined) return [earlier, text]
    seen.set(crc32(text), text)
  }
  throw new Error('no two texts have the same checksum')
}
