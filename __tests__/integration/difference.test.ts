import assert from 'node:assert/strict'
import os from 'node:os'
import { describe, it } from 'node:test'
import { Explaining } from '../../src/difference.ts'
import { DownloadBudget } from '../../src/package-index/index-file.ts'
import { Secrets } from '../../src/text.ts'
import { startHostileIndex } from '../support/hostile-index.ts'
import { openDistribution } from '../support/open-distribution.ts'

describe('the explanations of conflicts', () => {
  it('have a time for all of a run: behind a file that comes too slowly no other one is asked for', async () => {
    const index = await startHostileIndex(async (connection) => {
      await connection.request()
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome')
    })
    const reader = {
      dispatcher: index.dispatcher,
      explain: () => undefined,
      authorization: undefined,
      userAgent: 'test',
      idleTimeoutMs: 20_000,
      secrets: new Secrets(),
    }
    const { distribution, remove } = openDistribution()
    const explaining = new Explaining({ reader, download: new DownloadBudget(), temp: os.tmpdir() }, 300)
    try {
      const { signal } = new AbortController()
      assert.equal(await explaining.differenceOf(distribution, index.url, signal), '')
      assert.equal(await explaining.differenceOf(distribution, index.url, signal), '')
      assert.equal(index.heads.length, 1)
    } finally {
      remove()
      await index.stop()
    }
  })
})
