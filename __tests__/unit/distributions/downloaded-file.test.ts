import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { withDownloaded } from '../../../src/distributions/downloaded-file.ts'
import type { OpenFile } from '../../../src/distributions/open-file.ts'
import { PublishError } from '../../../src/errors.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'downloaded-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const WINDOWS = process.platform === 'win32'
const OPTIONS = { limit: 10, directory, shownName: "the index's file" }

interface Source {
  /** Chunks that were asked for. */
  asked: number
  ended: boolean
}

/** Chunks of these texts, and what became of them. */
function source(texts: readonly string[], failure?: Error): { chunks: AsyncGenerator<Uint8Array>; seen: Source } {
  const seen: Source = { asked: 0, ended: false }
  async function* chunks() {
    try {
      for (const text of texts) {
        seen.asked += 1
        yield new Uint8Array(Buffer.from(text))
      }
      if (failure !== undefined) throw failure
    } finally {
      seen.ended = true
    }
  }
  return { chunks: chunks(), seen }
}

const nothingIsLeft = () => assert.deepEqual(readdirSync(directory), [])

describe('a downloaded file', () => {
  it('has the bytes that came, and its size', async () => {
    const { chunks, seen } = source(['01234', '', '56789'])
    const result = await withDownloaded(chunks, OPTIONS, async (file) => {
      assert.equal(file.size, 10)
      file.assertUnchanged()
      return file.readSync(0, file.size).toString()
    })
    assert.equal(result, '0123456789')
    assert.ok(seen.ended)
    nothingIsLeft()
  })

  it('may be empty', async () => {
    assert.equal(await withDownloaded(source([]).chunks, OPTIONS, async ({ size }) => size), 0)
    nothingIsLeft()
  })

  it('is given up with the first byte over the limit, and no more is asked for', async () => {
    const { chunks, seen } = source(['0123456789', 'x', 'y', 'z'])
    const used = await withDownloaded(chunks, OPTIONS, async () => 'used')
    assert.equal(used, undefined)
    assert.deepEqual(seen, { asked: 2, ended: true })
    nothingIsLeft()
  })

  it('has no name that anybody could open, from before its first byte', { skip: WINDOWS }, async () => {
    async function* chunks() {
      nothingIsLeft()
      yield Buffer.from('0')
      nothingIsLeft()
    }
    await withDownloaded(chunks(), OPTIONS, async () => nothingIsLeft())
  })

  it('is closed and gone when what uses it fails', async () => {
    const failure = new Error('no')
    let kept: OpenFile | undefined
    const use = async (file: OpenFile) => {
      kept = file
      throw failure
    }
    await assert.rejects(withDownloaded(source(['0']).chunks, OPTIONS, use), failure)
    assert.throws(() => kept?.readSync(0, 1), /closed/)
    nothingIsLeft()
  })

  it('is gone when the connection fails, with its error', async () => {
    const failure = new Error('reset')
    const { chunks } = source(['0'], failure)
    await assert.rejects(
      withDownloaded(chunks, OPTIONS, async () => assert.fail()),
      failure,
    )
    nothingIsLeft()
  })

  it('may be closed by what uses it', async () => {
    await withDownloaded(source(['0']).chunks, OPTIONS, async (file) => file.close())
    nothingIsLeft()
  })

  it('is an error that says why where the directory takes none', async () => {
    const missing = { ...OPTIONS, directory: path.join(directory, 'missing') }
    const { chunks, seen } = source(['0'])
    await assert.rejects(
      withDownloaded(chunks, missing, async () => assert.fail()),
      (error: unknown) =>
        error instanceof PublishError &&
        error.code === 'E_DIST_FILE' &&
        error.message === "the index's file cannot be kept in the runner's temporary directory (ENOENT)",
    )
    assert.equal(seen.asked, 0)
  })

  it('leaves no descriptor behind', { skip: !statSync('/proc/self/fd', { throwIfNoEntry: false }) }, async () => {
    const before = readdirSync('/proc/self/fd').length
    for (let index = 0; index < 20; index += 1) {
      await withDownloaded(source(['0']).chunks, OPTIONS, async () => {})
      await withDownloaded(source(['0123456789x']).chunks, OPTIONS, async () => {})
    }
    assert.equal(readdirSync('/proc/self/fd').length, before)
  })
})
