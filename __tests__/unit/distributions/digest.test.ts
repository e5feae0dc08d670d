import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, truncateSync } from 'node:fs'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { digest, digestBuffers } from '../../../src/distributions/digest.ts'
import { withDistribution } from '../../support/archives.ts'

const NAME = 'demo-1.0-py3-none-any.whl'

describe('the digest of a distribution', () => {
  it('is that of known texts', async () => {
    await withDistribution(Buffer.from('abc'), NAME, async (file) => {
      assert.deepEqual(await digest(file, { md5: true }), {
        sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
        md5: '900150983cd24fb0d6963f7d28e17f72',
      })
    })
    await withDistribution(Buffer.alloc(0), NAME, async (file) => {
      const { sha256 } = await digest(file, { md5: false })
      assert.equal(sha256, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    })
  })

  it('is of every byte of a file of several chunks and a rest', async () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024 + 17, 'distribution')
    await withDistribution(bytes, NAME, async (file) => {
      const { sha256 } = await digest(file, { md5: false })
      assert.equal(sha256, createHash('sha256').update(bytes).digest('hex'))
    })
  })

  it('is of bytes that nothing reads over while they are hashed', async (test) => {
    const bytes = Buffer.concat([1, 2, 3].map((byte) => Buffer.alloc(1024 * 1024, byte)))
    await withDistribution(bytes, NAME, async (file) => {
      // Each read is done at once: before the chunk in front of it is hashed.
      const early = async (...where: Parameters<typeof file.read>) => file.readSync(...where)
      test.mock.method(file, 'read', early)
      const { sha256 } = await digest(file, { md5: false })
      assert.equal(sha256, createHash('sha256').update(bytes).digest('hex'))
    })
  })

  it('has no md5 unless it is asked for', async () => {
    await withDistribution(Buffer.from('abc'), NAME, async (file) => {
      assert.equal((await digest(file, { md5: false })).md5, undefined)
    })
  })

  it('is refused for a file that changed since it was opened', async () => {
    await withDistribution(Buffer.from('abc'), NAME, async (file, path) => {
      await sleep(30)
      appendFileSync(path, 'd')
      await assert.rejects(digest(file, { md5: false }), { code: 'E_DIST_CHANGED' })
    })
  })

  it('is refused for a large file that was cut off since', async () => {
    await withDistribution(Buffer.alloc(3 * 1024 * 1024), NAME, async (file, path) => {
      truncateSync(path, 2 * 1024 * 1024)
      await assert.rejects(digest(file, { md5: false }), { code: 'E_DIST_CHANGED', message: /became shorter/ })
    })
  })

  it('obeys a signal that comes while a large file is hashed', async () => {
    await withDistribution(Buffer.alloc(64 * 1024 * 1024), NAME, async (file) => {
      const controller = new AbortController()
      const reason = new Error('cancelled')
      setTimeout(() => controller.abort(reason), 1)
      await assert.rejects(digest(file, { md5: true }, controller.signal), reason)
    })
  })

  it('leaves no read behind when it ends early: the file is closed then', async () => {
    await withDistribution(Buffer.alloc(4 * 1024 * 1024, 1), NAME, async (file) => {
      const buffers = digestBuffers()
      const reason = new Error('cancelled')
      await assert.rejects(digest(file, { md5: false, buffers }, AbortSignal.abort(reason)), reason)
      for (const buffer of buffers) buffer.fill(0)
      await sleep(50)
      for (const buffer of buffers) assert.ok(buffer.every((byte) => byte === 0))
    })
  })
})
