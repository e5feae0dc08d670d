import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { type Fill, withDownloaded } from '../../../src/distributions/downloaded-file.ts'
import type { OpenFile } from '../../../src/distributions/open-file.ts'
import { PublishError } from '../../../src/errors.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'downloaded-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const WINDOWS = process.platform === 'win32'
const OPTIONS = { directory, shownName: "the index's file" }

/** Writes these texts. */
function filling(texts: readonly string[], end: boolean | Error = true): Fill {
  return async (write) => {
    for (const text of texts) write(new Uint8Array(Buffer.from(text)))
    if (end instanceof Error) throw end
    return end
  }
}

const nothingIsLeft = () => assert.deepEqual(readdirSync(directory), [])

describe('a downloaded file', () => {
  it('has the bytes that came, and its size', async () => {
    const result = await withDownloaded(filling(['01234', '', '56789']), OPTIONS, async (file) => {
      assert.equal(file.size, 10)
      file.assertUnchanged()
      return file.readSync(0, file.size).toString()
    })
    assert.equal(result, '0123456789')
    nothingIsLeft()
  })

  it('may be empty', async () => {
    assert.equal(await withDownloaded(filling([]), OPTIONS, async ({ size }) => size), 0)
    nothingIsLeft()
  })

  it('is given up when its bytes are of no use', async () => {
    const used = await withDownloaded(filling(['0123456789'], false), OPTIONS, async () => 'used')
    assert.equal(used, undefined)
    nothingIsLeft()
  })

  it('has no name that anybody could open, from before its first byte', { skip: WINDOWS }, async () => {
    const fill: Fill = async (write) => {
      nothingIsLeft()
      write(Buffer.from('0'))
      nothingIsLeft()
      return true
    }
    await withDownloaded(fill, OPTIONS, async () => nothingIsLeft())
  })

  it('is closed and gone when what uses it fails', async () => {
    const failure = new Error('no')
    let kept: OpenFile | undefined
    const use = async (file: OpenFile) => {
      kept = file
      throw failure
    }
    await assert.rejects(withDownloaded(filling(['0']), OPTIONS, use), failure)
    assert.throws(() => kept?.readSync(0, 1), /closed/)
    nothingIsLeft()
  })

  it('is gone when the connection fails, with its error', async () => {
    const failure = new Error('reset')
    await assert.rejects(
      withDownloaded(filling(['0'], failure), OPTIONS, async () => assert.fail()),
      failure,
    )
    nothingIsLeft()
  })

  it('may be closed by what uses it', async () => {
    await withDownloaded(filling(['0']), OPTIONS, async (file) => file.close())
    nothingIsLeft()
  })

  it('is an error that says why where the directory takes none', async () => {
    const missing = { ...OPTIONS, directory: path.join(directory, 'missing') }
    await assert.rejects(
      withDownloaded(
        async () => assert.fail(),
        missing,
        async () => assert.fail(),
      ),
      (error: unknown) =>
        error instanceof PublishError &&
        error.code === 'E_DIST_FILE' &&
        error.message === "the index's file cannot be kept in the runner's temporary directory (ENOENT)",
    )
  })

  it('leaves no descriptor behind', { skip: !statSync('/proc/self/fd', { throwIfNoEntry: false }) }, async () => {
    const before = readdirSync('/proc/self/fd').length
    for (let index = 0; index < 20; index += 1) {
      await withDownloaded(filling(['0']), OPTIONS, async () => {})
      await withDownloaded(filling(['0'], false), OPTIONS, async () => {})
    }
    assert.equal(readdirSync('/proc/self/fd').length, before)
  })
})
