import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { readMember, readZip } from '../../../src/distributions/zip.ts'
import { PublishError } from '../../../src/errors.ts'
import {
  extraField,
  makeZip,
  withDistribution,
  type ZipSpec,
  type ZipTweaks,
  zip64Field,
} from '../../support/archives.ts'
import { readByYauzl } from '../../support/independent-readers.ts'

const FILE = 'demo-1.0-py3-none-any.whl'

/** Contents and warnings, when every member is read. */
async function readAll(
  bytes: Buffer,
  verifyMetadata = true,
): Promise<{ contents: Record<string, string>; warnings: string[] }> {
  return withDistribution(bytes, FILE, async (file) => {
    const { members, warnings } = await readZip(file, { verifyMetadata })
    const contents: Record<string, string> = {}
    for (const member of members) contents[member.name] = (await readMember(file, member)).toString()
    return { contents, warnings }
  })
}

async function refusal(bytes: Buffer, verifyMetadata = true): Promise<PublishError> {
  const outcome = await readAll(bytes, verifyMetadata).catch((error: unknown) => error)
  assert.ok(outcome instanceof PublishError, `expected a refusal, found ${JSON.stringify(outcome)}`)
  return outcome
}

/** A member of ten bytes, stored, with changes. */
const member = (change: Partial<ZipSpec> = {}): ZipSpec => ({
  name: 'demo/a.py',
  content: '0123456789',
  method: 0,
  ...change,
})
const zip = (change: Partial<ZipSpec>, tweaks?: ZipTweaks) => makeZip([member(change)], tweaks)

/** "See the zip64 field." */
const THERE = 0xffffffff

describe('the members of a zip archive', () => {
  it('are read in the order of the directory, deflated and stored, empty ones too', async () => {
    const { contents, warnings } = await readAll(
      makeZip([
        member(),
        { name: 'b', content: 'x'.repeat(100_000) },
        { name: 'empty', content: '' },
        { name: 'c/', method: 0 },
      ]),
    )
    assert.deepEqual(contents, { 'demo/a.py': '0123456789', b: 'x'.repeat(100_000), empty: '', 'c/': '' })
    assert.deepEqual(warnings, [])
  })

  it('may have zip64 fields where their headers ask for one, in either header', async () => {
    const archives = [
      zip({ centralSize: THERE, centralExtra: zip64Field(10) }),
      zip({ centralCompressedSize: THERE, centralExtra: zip64Field(10) }),
      zip({ centralSize: THERE, centralCompressedSize: THERE, centralExtra: zip64Field(10, 10) }),
      zip({ centralOffset: THERE, centralExtra: zip64Field(0) }),
      // As Python writes a member whose size it did not know, with `force_zip64`.
      zip({ localSize: THERE, localCompressedSize: THERE, localExtra: zip64Field(10, 10) }),
      makeZip([
        {
          name: 'demo/a.py',
          content: '0123456789',
          descriptor: 'wide',
          localSize: THERE,
          localCompressedSize: THERE,
          localExtra: zip64Field(0, 0),
        },
      ]),
    ]
    for (const [index, archive] of archives.entries()) {
      assert.deepEqual((await readAll(archive)).contents, { 'demo/a.py': '0123456789' }, `archive ${index}`)
      assert.deepEqual((await readByYauzl(archive, 'demo/a.py')).map(String), ['0123456789'], `archive ${index}`)
    }
  })

  it('may have a zip64 field that repeats the sizes of their local header, as Bazel has Python write it', async () => {
    const archive = makeZip([
      member({ localExtra: zip64Field(10, 10) }),
      { name: 'b', content: 'x'.repeat(1000), localExtra: zip64Field(1000, deflateRawSync('x'.repeat(1000)).length) },
      { name: 'empty', content: '', method: 0, localExtra: zip64Field(0, 0) },
    ])
    const { contents, warnings } = await readAll(archive)
    assert.deepEqual(contents, { 'demo/a.py': '0123456789', b: 'x'.repeat(1000), empty: '' })
    assert.deepEqual(warnings, [])
    assert.deepEqual((await readByYauzl(archive, 'demo/a.py')).map(String), ['0123456789'])
  })

  it('may have other extra fields, such as times', async () => {
    const times = extraField(0x5455, Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0]))
    const archive = zip({
      centralExtra: Buffer.concat([times, extraField(0x7875, Buffer.alloc(11))]),
      localExtra: times,
    })
    assert.deepEqual((await readAll(archive)).contents, { 'demo/a.py': '0123456789' })
  })

  const FAULTS: readonly [what: string, bytes: Buffer, message: RegExp][] = [
    [
      'a zip64 field that is too short',
      zip({ centralSize: THERE, centralCompressedSize: THERE, centralExtra: zip64Field(10) }),
      /its zip64 field has 8 bytes where 16 must be/,
    ],
    [
      'a zip64 field that is too long',
      zip({ centralOffset: THERE, centralExtra: zip64Field(0, 0, 0) }),
      /its zip64 field has 24 bytes where 8 must be/,
    ],
    [
      'no zip64 field where one is asked for',
      zip({ centralSize: THERE }),
      /its zip64 field has 0 bytes where 8 must be/,
    ],
    [
      'no zip64 field where the local header asks for one',
      zip({ localSize: THERE, localCompressedSize: THERE }),
      /its zip64 field has 0 bytes where 16 must be/,
    ],
    [
      'two zip64 fields',
      zip({ centralOffset: THERE, centralExtra: Buffer.concat([zip64Field(0), zip64Field(99)]) }),
      /two zip64 fields/,
    ],
    ['a zip64 size beyond 2^53', zip({ centralSize: THERE, centralExtra: zip64Field(2 ** 60) }), /beyond all bounds/],
    [
      'a zip64 size that its local header does not have',
      zip({ centralSize: THERE, centralCompressedSize: THERE, centralExtra: zip64Field(2 ** 40, 2 ** 40) }),
      /sizes .* differ/,
    ],
    ['an offset behind the end of the file', zip({ centralOffset: 5_000_000 }), /a gap of 5000000 bytes/],
    [
      'an offset at which there is no header',
      zip({}, { prefix: Buffer.alloc(60), adjusted: true, directoryOffset: 0 }),
      /gap/,
    ],
    [
      'extra fields that run over their end',
      zip({ centralExtra: Buffer.from([0x55, 0x54, 0xff, 0, 1]) }),
      /extra fields are corrupt/,
    ],
    ['half an extra field', zip({ localExtra: Buffer.from([0x55]) }), /extra fields are corrupt/],
    ['flags of a patched file', zip({ flags: 0x0020 }), /flags that installers do not know/],
    ['masked headers', zip({ flags: 0x2000 }), /encrypted/],
    [
      'a zip64 end record with extensible data',
      zip({}, { zip64: { recordSize: 60 } }),
      /no zip64 end record of 56 bytes/,
    ],
    [
      'a zip64 locator that points elsewhere',
      zip({}, { zip64: { locator: 0 } }),
      /locator at byte \d+ does not point at the record right before it/,
    ],
    ['data between zip64 record and locator', zip({}, { zip64: { between: 'gap' } }), /does not point at the record/],
    ['zip64 and end record that contradict each other', zip({}, { zip64: { shortCount: 7 } }), /contradict each other/],
    [
      'a directory that begins somewhere else',
      zip({}, { directoryOffset: 3 }),
      /a gap of \d+ bytes in the zip archive/,
    ],
    [
      'a directory with data before it',
      zip({}, { beforeDirectory: 'gap' }),
      /a gap of 3 bytes before the central directory/,
    ],
    [
      'a directory that ends inside a header',
      makeZip([member()], { directoryOffset: 50, directorySize: 54 }),
      /the central directory (is corrupt|ends inside a header)/,
    ],
  ]
  for (const [what, bytes, message] of FAULTS) {
    it(`are refused with ${what}`, async () => {
      const error = await refusal(bytes)
      assert.equal(error.code, 'E_DIST_LAYOUT', error.message)
      assert.match(error.message, message)
    })
  }

  it('of an archive that announces a comment which is not there are refused', async () => {
    const bytes = zip({})
    bytes.writeUInt16LE(5, bytes.length - 2)
    assert.match((await refusal(bytes)).message, /the zip archive has a comment of 5 bytes/)
  })

  it('of an archive with a local header at the wrong place are refused', async () => {
    const bytes = zip({})
    bytes.write('PK\x07\x08', 0, 'latin1')
    assert.match((await refusal(bytes)).message, /demo\/a\.py at byte 0 is refused: there is no local header/)
  })
})

describe('a zip64 field that does not belong there', () => {
  const SURPLUS: readonly [where: string, bytes: Buffer][] = [
    ['in both headers, as Python copies it', zip({ centralExtra: zip64Field(77), localExtra: zip64Field(77) })],
    ['in the local header', zip({ localExtra: zip64Field(77) })],
    ['with another size', zip({ localExtra: zip64Field(11, 10) })],
    ['with another compressed size', zip({ localExtra: zip64Field(10, 11) })],
    ['with one size of two', zip({ localExtra: zip64Field(10) })],
    ['that repeats the sizes in the central header', zip({ centralExtra: zip64Field(10, 10) })],
    ['in the central header', zip({ centralExtra: zip64Field(77) })],
    ['without content', zip({ centralExtra: zip64Field() })],
  ]
  for (const [where, bytes] of SURPLUS) {
    it(`is an error ${where}, which verify-metadata: false makes a warning`, async () => {
      const error = await refusal(bytes)
      assert.equal(error.code, 'E_DIST_LAYOUT')
      assert.match(
        error.message,
        /^demo-1\.0-py3-none-any\.whl: the member demo\/a\.py at byte 0 has a zip64 field that does not belong there: uv will not install this file$/,
      )
      assert.match(error.hint ?? '', /`wheel tags` or `wheel pack` \(wheel 0\.47\.0 and older\)/)
      const { contents, warnings } = await readAll(bytes, false)
      assert.deepEqual(contents, { 'demo/a.py': '0123456789' })
      assert.equal(warnings.length, 1)
      assert.match(
        warnings[0] ?? '',
        /^the member demo\/a\.py has a zip64 field that does not belong there: uv will not install this file$/,
      )
    })
  }
})

describe('bytes behind the archive', () => {
  for (const surplus of [1, 16, 70_000]) {
    it(`never pass, whatever verify-metadata says: ${surplus} zero bytes`, async () => {
      const archive = zip({})
      for (const verifyMetadata of [true, false]) {
        const error = await refusal(Buffer.concat([archive, Buffer.alloc(surplus)]), verifyMetadata)
        assert.equal(error.code, 'E_DIST_LAYOUT')
        const end = archive.length - 22
        assert.ok(error.message.includes(`the file goes on for ${surplus} byte`), error.message)
        assert.ok(error.message.includes(`(end record at byte ${end}): uv will not install it`), error.message)
        assert.match(error.hint ?? '', /a build tool that writes over a longer file/)
      }
    })
  }
})

describe('the limits of a zip archive', () => {
  it('are 200,000 members', async () => {
    const error = await refusal(zip({}, { zip64: { count: 200_001 } }))
    assert.equal(error.code, 'E_DIST_LIMIT')
    assert.match(error.message, /more than 200000 members/)
  })

  it('are 64 MiB of central directory, which are not read', async () => {
    const bytes = Buffer.concat([
      Buffer.alloc(65 * 1024 ** 2),
      zip({}, { directoryOffset: 0, directorySize: 65 * 1024 ** 2 }).subarray(-22),
    ])
    const error = await refusal(bytes)
    assert.equal(error.code, 'E_DIST_LIMIT')
    assert.match(error.message, /the central directory has more than/)
  })
})

describe('reading a zip archive with very many members', () => {
  const many = makeZip(Array.from({ length: 20_000 }, (_, index) => ({ name: `demo/${index}`, method: 0 })))

  it('lets the event loop turn', async () => {
    await withDistribution(many, FILE, async (file) => {
      let turns = 0
      const timer = setInterval(() => {
        turns += 1
      }, 0)
      assert.equal((await readZip(file, { verifyMetadata: true })).members.length, 20_000)
      clearInterval(timer)
      assert.ok(turns > 5, `${turns} turns`)
    })
  })

  it('ends with the reason of its signal', async () => {
    await withDistribution(many, FILE, async (file) => {
      const controller = new AbortController()
      const reason = new Error('cancelled')
      setImmediate(() => controller.abort(reason))
      await assert.rejects(readZip(file, { verifyMetadata: true, signal: controller.signal }), reason)
    })
  })
})
