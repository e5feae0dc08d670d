import assert from 'node:assert/strict'
import os from 'node:os'
import { describe, it } from 'node:test'
import { Explaining } from '../../src/difference.ts'
import { DownloadBudget } from '../../src/package-index/index-file.ts'
import type { IndexReader } from '../../src/package-index/simple-index.ts'
import { Secrets } from '../../src/text.ts'
import { type HostileIndex, startHostileIndex } from '../support/hostile-index.ts'
import { openDistribution } from '../support/open-distribution.ts'

function readerOf({ dispatcher }: HostileIndex): IndexReader {
  return {
    dispatcher,
    explain: () => undefined,
    authorization: undefined,
    userAgent: 'test',
    idleTimeoutMs: 20_000,
    secrets: new Secrets(),
  }
}

describe('the explanations of conflicts', () => {
  it('say where there is no difference: the index hands out these very bytes', async () => {
    const { distribution, remove } = openDistribution()
    const bodies = ['some bytes', 'SOME bytes']
    const index = await startHostileIndex(async (connection) => {
      for (;;) {
        await connection.request()
        connection.answer('200 OK', [], bodies.shift())
      }
    })
    const explaining = new Explaining({ reader: readerOf(index), download: new DownloadBudget(), temp: os.tmpdir() })
    try {
      const { signal } = new AbortController()
      assert.equal((await explaining.differenceOf(distribution, index.url, signal)).isNone, true)
      assert.equal((await explaining.differenceOf(distribution, index.url, signal)).isNone, false)
    } finally {
      remove()
      await index.stop()
    }
  })

  it('have a time for all of a run: behind a file that comes too slowly no other one is asked for', async () => {
    const index = await startHostileIndex(async (connection) => {
      await connection.request()
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome')
    })
    const { distribution, remove } = openDistribution()
    const explaining = new Explaining(
      { reader: readerOf(index), download: new DownloadBudget(), temp: os.tmpdir() },
      300,
    )
    try {
      const { signal } = new AbortController()
      for (let time = 0; time < 2; time += 1) {
        const nothing = { isNone: false, words: '' }
        assert.deepEqual(await explaining.differenceOf(distribution, index.url, signal), nothing)
      }
      assert.equal(index.heads.length, 1)
    } finally {
      remove()
      await index.stop()
    }
  })
})
