import assert from 'node:assert/strict'
import { truncateSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Digests } from '../../../src/distributions/digest.ts'
import { FileDigests, Hasher } from '../../../src/distributions/hashing.ts'
import type { OpenFile } from '../../../src/distributions/open-file.ts'
import { withDistribution } from '../../support/archives.ts'

const NEVER = new AbortController().signal
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
const LARGE = Buffer.alloc(8 * 1024 ** 2)

describe('a hasher', () => {
  it('reads one file at a time, and who asks first comes first', async () => {
    await withDistribution(LARGE, 'large.whl', async (large) => {
      await withDistribution(Buffer.from('abc'), 'small.whl', async (small) => {
        const hasher = new Hasher(false, NEVER)
        const ended: string[] = []
        const hash = async (name: string, file: OpenFile) => {
          const { sha256 } = await hasher.hash(file)
          ended.push(name)
          return sha256
        }
        const all = await Promise.all([hash('large', large), hash('small', small), hash('again', large)])
        assert.deepEqual(ended, ['large', 'small', 'again'])
        assert.deepEqual([all[1], all[0] === all[2]], [ABC, true])
      })
    })
  })

  it('goes on behind a file that is not what was opened any more', async () => {
    await withDistribution(LARGE, 'large.whl', async (large, path) => {
      await withDistribution(Buffer.from('abc'), 'small.whl', async (small) => {
        const hasher = new Hasher(true, NEVER)
        truncateSync(path, 5)
        const refused = assert.rejects(hasher.hash(large), { code: 'E_DIST_CHANGED' })
        assert.deepEqual(await hasher.hash(small), { sha256: ABC, md5: '900150983cd24fb0d6963f7d28e17f72' })
        await refused
      })
    })
  })

  it('reads nothing once the run is cancelled, also of files that wait: they may be closed then', async (test) => {
    await withDistribution(LARGE, 'large.whl', async (large) => {
      const small = new FileDigests(() => hasher.hash(large))
      const controller = new AbortController()
      const hasher = new Hasher(false, controller.signal)
      const reason = new Error('cancelled')
      const running = assert.rejects(hasher.hash(large), reason)
      const waiting = small.settle()
      controller.abort(reason)
      await Promise.all([running, waiting])
      const read = test.mock.method(large, 'read')
      await assert.rejects(hasher.hash(large), reason)
      assert.equal(read.mock.callCount(), 0)
      large.close()
      await assert.rejects(small.get(), reason)
      assert.equal(small.known, undefined)
    })
  })
})

describe('the digests of a file', () => {
  const digests: Digests = { sha256: ABC, md5: undefined }

  it('are computed when somebody wants them, once, and are known from then on', async () => {
    let times = 0
    const file = new FileDigests(async () => {
      times += 1
      return digests
    })
    assert.deepEqual([times, file.known], [0, undefined])
    await Promise.all([file.get(), file.settle(), file.get()])
    assert.deepEqual(await file.get(), digests)
    assert.deepEqual([times, file.known], [1, digests])
  })

  it('that cannot be had are a fault for those who need them, each time, and for nobody else', async () => {
    const fault = new Error('it changed')
    const file = new FileDigests(() => Promise.reject(fault))
    await file.settle()
    await assert.rejects(file.get(), fault)
    await assert.rejects(file.get(), fault)
  })
})
