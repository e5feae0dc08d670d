import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type TarMember, tarMembers } from '../../../src/distributions/tar.ts'
import { PublishError } from '../../../src/errors.ts'
import {
  GNU_MAGIC,
  makeTar,
  paxRecord,
  paxRecords,
  type TarSpec,
  type TarTweaks,
  withDistribution,
} from '../../support/archives.ts'

const FILE = 'demo-1.0.tar.gz'

type Read = Omit<TarMember, 'content' | 'offset'> & { readonly content: string }

/** The members of a tar archive that arrives in chunks of `step` bytes. */
async function members(bytes: Buffer, { step = 1000, read = true } = {}): Promise<Read[]> {
  async function* chunks() {
    for (let start = 0; start < bytes.length; start += step) yield bytes.subarray(start, start + step)
  }
  return withDistribution(Buffer.alloc(0), FILE, async (file) => {
    const found: Read[] = []
    for await (const { content, offset: _, ...member } of tarMembers(file, chunks())) {
      found.push({ ...member, content: read ? (await content()).toString() : '' })
    }
    return found
  })
}

const tar = (member: Partial<TarSpec> = {}, tweaks?: TarTweaks) =>
  makeTar([{ name: 'demo/a', content: 'abc', ...member }], tweaks)

async function refusal(bytes: Buffer): Promise<PublishError> {
  const outcome = await members(bytes).catch((error: unknown) => error)
  assert.ok(outcome instanceof PublishError, `expected a refusal, found ${JSON.stringify(outcome)}`)
  return outcome
}

const base256 = (...bytes: number[]) => Buffer.concat([Buffer.from(bytes), Buffer.alloc(12 - bytes.length)])

describe('the members of a tar archive', () => {
  const several: readonly TarSpec[] = [
    { name: 'demo/', type: '5' },
    { name: 'demo/a', content: 'a'.repeat(1500) },
    { name: 'demo/empty' },
    { name: 'demo/exact', content: 'b'.repeat(512) },
    { name: 'demo/hard', type: '1', target: 'demo/a' },
    { name: 'demo/soft', type: '2', target: 'a' },
  ]

  it('are read in their order, whatever the chunks are, and whether their content is taken or not', async () => {
    const archive = makeTar(several)
    const expected = several.map(({ name, content = '', target = '' }) => [name, String(content), target])
    for (const step of [1, 7, 511, 512, 513, 100_000]) {
      const found = await members(archive, { step })
      assert.deepEqual(
        found.map(({ name, content, target }) => [name, content, target]),
        expected,
        `${step}`,
      )
    }
    const skipped = await members(archive, { read: false })
    assert.deepEqual(
      skipped.map(({ kind, size }) => [kind, size]),
      [
        ['directory', 0],
        ['file', 1500],
        ['file', 0],
        ['file', 512],
        ['hard link', 0],
        ['symbolic link', 0],
      ],
    )
  })

  it('have long names in three ways: prefix, pax and GNU', async () => {
    const name = `demo/${'d'.repeat(60)}/${'f'.repeat(80)}`
    const long = `demo/${'ü'.repeat(300)}`
    const cases: readonly (readonly [TarSpec, string])[] = [
      [{ name: 'f'.repeat(100), prefix: 'demo' }, `demo/${'f'.repeat(100)}`],
      [{ name: 'demo/short', pax: { path: name, mtime: '1.5' } }, name],
      [{ name: 'demo/short', pax: { path: long, hdrcharset: 'ISO-IR 10646 2000 UTF-8' } }, long],
      [{ name: 'demo/short', longName: long, magic: GNU_MAGIC }, long],
    ]
    for (const [spec, expected] of cases) {
      assert.deepEqual(
        (await members(makeTar([spec]))).map(({ name: found }) => found),
        [expected],
      )
    }
  })

  it('have sizes in three ways: octal, GNU base-256 and pax', async () => {
    const size = Buffer.alloc(12)
    size.writeUInt8(0x80)
    size.writeUInt8(3, 11)
    for (const spec of [
      { size: 3 },
      { size: Buffer.from('        3 \0\0') },
      { size, magic: GNU_MAGIC },
      { pax: { size: '3' } },
    ]) {
      assert.deepEqual(
        (await members(tar(spec))).map(({ content }) => content),
        ['abc'],
      )
    }
  })

  it('may have numbers in base-256 and empty ones where nobody needs them', async () => {
    const over = {
      100: '\0'.repeat(8),
      108: '\x80\0\0\0\x7f\xff\xff\xff',
      136: '\xff'.repeat(12),
      329: '\0'.repeat(16),
    }
    assert.deepEqual(
      (await members(tar({ magic: GNU_MAGIC, over }))).map(({ content }) => content),
      ['abc'],
    )
  })

  it('may follow the header that `git archive` writes', async () => {
    const global: TarSpec = { name: 'pax_global_header', type: 'g', content: paxRecords({ comment: 'a'.repeat(40) }) }
    assert.deepEqual((await members(makeTar([global, ...several]))).length, several.length)
  })

  it('may be of type NUL, and be followed by zeros to the end of the last record', async () => {
    const [found] = await members(tar({ type: '\0' }, { end: Buffer.alloc(10_240) }))
    assert.deepEqual([found?.kind, found?.content], ['file', 'abc'])
  })

  it('may be none', async () => {
    assert.deepEqual(await members(makeTar([])), [])
  })

  const LAYOUT: readonly (readonly [what: string, bytes: Buffer, message: RegExp])[] = [
    ['an empty archive', Buffer.alloc(0), /ends without its two end blocks at byte 0/],
    ['no end blocks', tar({}, { end: Buffer.alloc(0) }), /ends without its two end blocks at byte 1024/],
    ['one end block', tar({}, { end: Buffer.alloc(512) }), /has one end block where two must be/],
    ['half an end block', tar({}, { end: Buffer.alloc(700) }), /has one end block where two must be/],
    [
      'data behind one end block',
      tar({}, { end: Buffer.concat([Buffer.alloc(512), tar()]) }),
      /data stands behind the end/,
    ],
    [
      'an empty member behind one end block',
      tar({}, { end: Buffer.concat([Buffer.alloc(512), makeTar([{ name: 'demo/b' }])]) }),
      /data stands behind the end/,
    ],
    ['data behind the end', Buffer.concat([tar(), tar()]), /data stands behind the end of the tar archive/],
    [
      'a byte behind the end',
      Buffer.concat([tar(), Buffer.alloc(8704), Buffer.from('x')]),
      /data stands behind the end/,
    ],
    ['half a block of zeros at the end', tar({}, { end: Buffer.alloc(1300) }), /ends 276 bytes into a block of 512/],
    ['a cut in a header', tar().subarray(0, 300), /ends without its two end blocks at byte 0/],
    ['a cut in the content', tar().subarray(0, 514), /is cut off inside the member at byte 0/],
    ['a cut in the padding', tar().subarray(0, 520), /is cut off inside the member at byte 0/],
    [
      'a wrong checksum',
      tar({ checksum: 1 }),
      /the tar member at byte 0 of the archive is refused: its checksum is wrong/,
    ],
    ['a checksum that is no number', tar().fill('x', 148, 154), /no octal number/],
    ['a header of another kind', tar({ magic: '\0'.repeat(8) }), /no tar header of a kind that is in use/],
    ['text in place of a header', Buffer.alloc(2048, 'x'), /no tar header of a kind that is in use/],
    ['GNU fields that others take for a name', tar({ magic: GNU_MAGIC, prefix: '00000000' }), /GNU fields/],
    ['a size that is no number', tar({ size: Buffer.from('zzzzzzzzzzz\0') }), /no octal number/],
    ['a negative size', tar({ size: Buffer.alloc(12, 0xff) }), /its size is negative or beyond all bounds/],
    ['a negative size in octal', tar({ size: Buffer.from('-0000000003\0') }), /no octal number/],
    ['a size beyond all bounds', tar({ size: base256(0x80, 0xff, 0xff) }), /negative or beyond all bounds/],
    ['a size that the archive does not have', tar({ size: 8 ** 11 - 1 }), /is cut off inside the member/],
    ['a mode that is no number', tar({ over: { 100: '00006x4' } }), /one of its numbers .* is none, where Python ends/],
    ['an owner that is no number', tar({ over: { 108: '0080000' } }), /one of its numbers/],
    ['a group that is no number', tar({ over: { 116: '000000\xff\xff' } }), /one of its numbers/],
    ['a time that is no number', tar({ over: { 136: '00000000000\x02' } }), /one of its numbers/],
    ['a device that is no number', tar({ over: { 329: 'x' } }), /one of its numbers/],
    ['a second device number that is none', tar({ over: { 337: '-1' } }), /one of its numbers/],
    ['no name', tar({ name: '' }), /it has no name/],
    ['a FIFO', tar({ type: '6', content: '' }), /neither file, directory nor link \(type 6\)/],
    ['a device', tar({ type: '3', content: '' }), /neither file/],
    ['a sparse file of GNU', tar({ type: 'S' }), /neither file, directory nor link \(type S\)/],
    ['a volume header', tar({ type: 'V' }), /neither file/],
    ['a type that is a control character', tar({ type: '\x1b' }), /\(type \)/],
    ['a directory with content', tar({ type: '5' }), /it is a directory with content/],
    ['a link with content', tar({ type: '2', target: 'x' }), /it is a symbolic link with content/],
    ['a file whose name ends in a slash', tar({ name: 'demo/a/' }), /a file to some readers and a directory to others/],
    ['a path that climbs out', tar({ name: 'demo/../../x' }), /climbs out of the archive/],
    ['an absolute path', tar({ name: '/etc/passwd' }), /is an absolute path/],
    ['a path of Windows', tar({ name: 'demo\\..\\x' }), /climbs out/],
    ['a drive letter', tar({ name: 'C:x' }), /drive letter/],
    ['a line end in a name', tar({ name: 'demo/a\nb' }), /control character/],
    [
      'a pax header at the end',
      makeTar([{ name: 'x', type: 'x', content: paxRecords({ path: 'a' }) }]),
      /ends behind an extended header/,
    ],
    [
      'two pax headers',
      makeTar([
        { name: 'x', type: 'x', content: paxRecords({ path: 'a' }) },
        { name: 'b', pax: { path: 'c' } },
      ]),
      /two extended headers of one kind/,
    ],
    [
      'two long names',
      makeTar([
        { name: 'x', type: 'L', magic: GNU_MAGIC, content: 'a\0' },
        { name: 'b', longName: 'c', magic: GNU_MAGIC },
      ]),
      /two extended headers of one kind/,
    ],
    [
      'pax path and long name',
      tar({ pax: { path: 'demo/x' }, longName: 'demo/y', magic: GNU_MAGIC }),
      /a pax path and a GNU long name/,
    ],
    ['a pax header that is none', tar({ pax: Buffer.from('path=x\n') }), /its pax header is corrupt/],
    ['a pax record that is too long', tar({ pax: Buffer.from('99 path=x\n') }), /its pax header is corrupt/],
    ['a pax record that ends elsewhere', tar({ pax: Buffer.from('9 path=xy\n') }), /its pax header is corrupt/],
    ['a pax record of length 0', tar({ pax: Buffer.from('0 path=x\n') }), /its pax header is corrupt/],
    ['a pax record that overlaps itself', tar({ pax: Buffer.from('1 a=b\n') }), /its pax header is corrupt/],
    ['a pax record without a value', tar({ pax: Buffer.from('8 abcde\n') }), /its pax header is corrupt/],
    [
      'pax records of one key',
      tar({ pax: Buffer.concat([paxRecord('path', 'demo/x'), paxRecord('path', 'demo/y')]) }),
      /has path twice/,
    ],
    ['a NUL in a pax path', tar({ pax: { path: 'demo/x\0y' } }), /its pax path holds a NUL/],
    ['an empty pax path', tar({ pax: { path: '' } }), /its pax path is empty/],
    ['a pax path that is not UTF-8', tar({ pax: Buffer.from('10 path=\xff\n', 'latin1') }), /not UTF-8/],
    ['a pax header in another charset', tar({ pax: { hdrcharset: 'BINARY' } }), /pax header is not in UTF-8/],
    ['a sparse file of pax', tar({ pax: { 'GNU.sparse.major': '1' } }), /a sparse file/],
    [
      'a pax size that is not the size',
      tar({ pax: { size: '2' } }),
      /its size is 3 in the header and 2 in the pax header/,
    ],
    ['a pax size that is no number', tar({ pax: { size: '-1' } }), /its pax size is no number/],
    ['a pax path that climbs out', tar({ pax: { path: '../x' } }), /climbs out/],
    ['a long name that goes on behind a NUL', tar({ longName: 'demo/x\0y', magic: GNU_MAGIC }), /goes on behind a NUL/],
    ['an empty long name', tar({ longName: '', magic: GNU_MAGIC }), /its long name is empty/],
    [
      'a path for all members',
      makeTar([{ name: 'g', type: 'g', content: paxRecords({ path: 'demo/x' }) }, { name: 'demo/a' }]),
      /it sets path or size for all members/,
    ],
  ]
  for (const [what, bytes, message] of LAYOUT) {
    it(`are refused with ${what}`, async () => {
      const error = await refusal(bytes)
      assert.equal(error.code, 'E_DIST_LAYOUT', error.message)
      assert.match(error.message, message)
    })
  }

  it('say where the fault is, and in which member', async () => {
    const archive = makeTar([
      { name: 'demo/good', content: 'x' },
      { name: 'demo/pipe', type: '6' },
    ])
    assert.equal(
      (await refusal(archive)).message,
      'demo-1.0.tar.gz: the tar member demo/pipe at byte 1024 of the archive is refused: it is neither file, directory nor link (type 6)',
    )
  })
})

describe('the limits of a tar archive', () => {
  it('are 1 MiB of an extended header, which is not read', async () => {
    for (const type of ['x', 'g', 'L', 'K']) {
      const error = await refusal(tar({ type, content: '', size: 8 ** 11 - 1 }))
      assert.equal(error.code, 'E_DIST_LIMIT')
      assert.match(error.message, /the extended header at byte 0 of the archive has more than 1\.0 MB/)
    }
  })

  it('are 200,000 headers, those of extended headers counted', async () => {
    const global: TarSpec = { name: 'g', type: 'g', content: paxRecords({ comment: 'x' }) }
    const pair = makeTar([global, { name: 'demo/a' }], { end: Buffer.alloc(0) })
    async function* endless() {
      const many = Buffer.concat(Array.from({ length: 50 }, () => pair))
      for (let headers = 0; headers < 200_200; headers += 100) yield many
    }
    await withDistribution(Buffer.alloc(0), FILE, async (file) => {
      let seen = 0
      await assert.rejects(
        async () => {
          for await (const { kind } of tarMembers(file, endless())) seen += kind === 'file' ? 1 : 0
        },
        { code: 'E_DIST_LIMIT', message: /more than 200000 members/ },
      )
      assert.equal(seen, 100_000)
    })
  })
})
