import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { outcomesOf, shown, uploadsTo } from './support/assertions.ts'
import { writeLargeWheel } from './support/large-wheel.ts'
import { setScene } from './support/scene.ts'

const GIGABYTE = 1_000_000_000
const MEMORY_LIMIT = 300_000_000

describe('a wheel of 1 GB', () => {
  it('is hashed and sent as it is read: the action never holds it in memory', async (test) => {
    const scene = await setScene(test, { samples: 'none' })
    const wheel = await writeLargeWheel(path.join(scene.workspace, 'dist'), GIGABYTE)
    const run = await scene.run()
    assert.equal(run.main.exitCode, 0, shown(run))
    assert.deepEqual(outcomesOf(run), { [wheel.name]: 'published' })
    const [request] = uploadsTo(scene.index)
    assert.equal(request?.content?.size, wheel.size)
    assert.equal(request?.content?.sha256, wheel.sha256)
    test.diagnostic(`peak memory ${run.peakMemoryBytes} bytes`)
    // Only Linux tells.
    if (process.platform === 'linux')
      assert.ok((run.peakMemoryBytes ?? Infinity) < MEMORY_LIMIT, String(run.peakMemoryBytes))
  })
})
