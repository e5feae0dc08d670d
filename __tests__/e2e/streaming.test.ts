import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { outcomesOf, shown, uploadsTo } from './support/assertions.ts'
import { writeLargeWheel } from './support/large-wheel.ts'
import { setScene } from './support/scene.ts'
import { startScriptedIndex } from './support/scripted-index.ts'

const GIGABYTE = 1_000_000_000
const MEMORY_LIMIT = 300_000_000

/** Bytes that a process has read so far, of files too. Only Linux tells. */
function bytesReadBy({ pid }: ChildProcess): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
}

const onLinux = process.platform === 'linux' ? it : () => {}

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

  onLinux(
    'is hashed while smaller ones are on their way, of its project too: they do not wait for it',
    async (test) => {
      const scene = await setScene(test)
      const { size } = await writeLargeWheel(path.join(scene.workspace, 'dist'), GIGABYTE)
      const read: { readonly length: number; readonly bytes: number }[] = []
      let step: ChildProcess | undefined
      const index = await startScriptedIndex(test, scene, async (connection) => {
        for (;;) {
          const length = await connection.head()
          if (step !== undefined) read.push({ length, bytes: bytesReadBy(step) })
          await connection.take(length)
          connection.answer('200 OK')
        }
      })
      const onStart = (child: ChildProcess) => {
        step = child
      }
      const run = await scene.run(index.inputs, { onStart })
      assert.equal(run.main.exitCode, 0, shown(run))
      const [first] = read
      const large = read.find(({ length }) => length > size)
      assert.ok(first && large)
      test.diagnostic(`${first.bytes} bytes read before the first file, ${large.bytes} before the large one`)
      assert.ok(first.bytes < size && large.bytes >= size, shown(run))
      assert.equal(read.length, 4)
    },
  )
})
