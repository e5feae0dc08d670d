import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32, gzipSync } from 'node:zlib'
import { gunzip } from '../../../src/distributions/gzip.ts'
import { PublishError } from '../../../src/errors.ts'
import { type GzipTweaks, makeGzip, withDistribution } from '../../support/archives.ts'

const FILE = 'demo-1.0.tar.gz'
const CONTENT = Buffer.from('the content of an archive\n'.repeat(100))
const GOOD = makeGzip(CONTENT)

async function inflated(bytes: Buffer, signal?: AbortSignal): Promise<Buffer> {
  return withDistribution(bytes, FILE, async (file) => {
    const chunks: Buffer[] = []
    for await (const chunk of gunzip(file, signal)) chunks.push(chunk)
    return Buffer.concat(chunks)
  })
}

async function refusal(bytes: Buffer): Promise<PublishError> {
  const outcome = await inflated(bytes).catch((error: unknown) => error)
  assert.ok(outcome instanceof PublishError, `expected a refusal, found ${String(outcome).slice(0, 100)}`)
  return outcome
}

const crcOfHeader = (header: Buffer): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(crc32(header) & 0xffff)
  return bytes
}

describe('a gzip file', () => {
  it('is inflated whole: empty ones, large ones, and what zlib itself writes', async () => {
    const large = Buffer.alloc(3_000_000, 'abcdefg')
    for (const [content, bytes] of [
      [CONTENT, GOOD],
      [Buffer.alloc(0), makeGzip(Buffer.alloc(0))],
      [large, makeGzip(large)],
      [large, makeGzip(large, { level: 0 })],
      [CONTENT, gzipSync(CONTENT)],
    ] as const) {
      assert.ok((await inflated(bytes)).equals(content))
    }
  })

  it('may have every field that a header can have', async () => {
    const extra = Buffer.from([3, 0, 1, 2, 3])
    const fields = Buffer.concat([extra, Buffer.from('demo.tar\0'), Buffer.from('a comment\0')])
    const withCrc = Buffer.from([0x1f, 0x8b, 8, 0x02, 0, 0, 0, 0, 0, 255])
    const HEADERS: readonly GzipTweaks[] = [
      { flags: 0x08, fields: Buffer.from('demo-1.0.tar\0') },
      { flags: 0x1c, fields },
      { flags: 0x01 },
      { flags: 0x02, fields: crcOfHeader(withCrc) },
    ]
    for (const tweaks of HEADERS) assert.deepEqual(await inflated(makeGzip(CONTENT, tweaks)), CONTENT)
  })

  const REFUSED: readonly (readonly [what: string, bytes: Buffer, message: RegExp])[] = [
    ['a second member', Buffer.concat([GOOD, makeGzip(CONTENT)]), /a second gzip member begins at byte \d+/],
    [
      'a second member of many megabytes',
      Buffer.concat([GOOD, makeGzip(Buffer.alloc(3_000_000), { level: 0 })]),
      /a second gzip member begins at byte/,
    ],
    [
      'zeros behind it',
      Buffer.concat([GOOD, Buffer.alloc(512)]),
      /goes on for 512 bytes behind the end of its gzip member/,
    ],
    ['a byte behind it', Buffer.concat([GOOD, Buffer.from('x')]), /goes on for 1 byte behind/],
    ['another checksum', makeGzip(CONTENT, { crc: 1 }), /the gzip checksum does not fit the content/],
    ['another length', makeGzip(CONTENT, { length: 1 }), /the gzip length does not fit the content/],
    ['its last byte missing', GOOD.subarray(0, -1), /cut off/],
    ['its trailer missing', GOOD.subarray(0, -8), /cut off/],
    ['half of its data missing', GOOD.subarray(0, 40), /cut off/],
    ['nothing but a header', GOOD.subarray(0, 10), /cut off/],
    ['half a header', GOOD.subarray(0, 5), /expected a gzip file \(\.tar\.gz\), found something else/],
    [
      'a header without end',
      makeGzip(CONTENT, { flags: 0x08, fields: Buffer.alloc(140_000, 'x') }),
      /header does not end/,
    ],
    [
      'an extra field that is longer than the file',
      makeGzip(Buffer.alloc(0), { flags: 0x04, fields: Buffer.from([0xff, 0xff]) }),
      /header does not end/,
    ],
    ['a wrong header checksum', makeGzip(CONTENT, { flags: 0x02, fields: Buffer.from([1, 2]) }), /header does not end/],
    ['reserved flags', makeGzip(CONTENT, { flags: 0x80 }), /not of the only kind there is/],
    ['another method', Buffer.from([0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 255, 3, 0]), /not of the only kind there is/],
    ['corrupt data', makeGzip(CONTENT).fill(0xff, 12, 30), /the compressed data of the archive is corrupt/],
    ['no bytes', Buffer.alloc(0), /found an empty file/],
    ['a zip file in it', Buffer.from('PK\x03\x04..........'), /found a zip file/],
    ['bzip2 in it', Buffer.from('BZh91AY&SY......'), /found a bzip2 file/],
    ['xz in it', Buffer.from('\xfd7zXZ\0..........', 'latin1'), /found an xz file/],
    [
      'a bare tar in it',
      Buffer.concat([Buffer.alloc(257), Buffer.from('ustar'), Buffer.alloc(250)]),
      /found a tar file that is not compressed/,
    ],
  ]
  for (const [what, bytes, message] of REFUSED) {
    it(`is refused with ${what}`, async () => {
      const error = await refusal(bytes)
      assert.equal(error.code, 'E_DIST_LAYOUT', error.message)
      assert.match(error.message, message)
      assert.match(error.message, /^demo-1\.0\.tar\.gz: /)
    })
  }

  it('that inflates to more than 256 MiB and 100 times its size is a bomb, and is read no further', async () => {
    const error = await refusal(makeGzip(Buffer.alloc(300 * 1024 ** 2), { level: 1 }))
    assert.equal(error.code, 'E_DIST_LIMIT')
    assert.match(error.message, /inflates to more than 268\.4 MB/)
  })

  it('is read no further when the signal is aborted', async () => {
    const reason = new Error('cancelled')
    const large = makeGzip(Buffer.alloc(50_000_000, 'abcdefg'))
    await withDistribution(large, FILE, async (file) => {
      const controller = new AbortController()
      let received = 0
      await assert.rejects(async () => {
        for await (const chunk of gunzip(file, controller.signal)) {
          received += chunk.length
          controller.abort(reason)
        }
      }, reason)
      assert.ok(received < 200_000, `${received} bytes`)
    })
  })
})
