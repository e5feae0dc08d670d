import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { Dispatcher } from 'undici'
import { get } from '../../../src/package-index/fetch.ts'
import { Secrets } from '../../../src/text.ts'

/** A connection that is faster than everything behind it: it sends as long as it is not told to pause. */
class FastDispatcher extends Dispatcher {
  readonly #body: Buffer
  /** Bytes that were sent at the first pause. */
  firstPause: number | undefined

  constructor(body: Buffer) {
    super()
    this.#body = body
  }

  override dispatch(_options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    void this.#send(handler)
    return true
  }

  async #send(handler: Dispatcher.DispatchHandler): Promise<void> {
    let paused = false
    let sent = 0
    const controller: Dispatcher.DispatchController = {
      aborted: false,
      reason: null,
      rawHeaders: null,
      rawTrailers: null,
      get paused() {
        return paused
      },
      pause: () => {
        paused = true
        this.firstPause ??= sent
      },
      resume: () => {
        paused = false
      },
      abort: () => {},
    }
    handler.onRequestStart?.(controller, {})
    handler.onResponseStart?.(controller, 200, { 'content-encoding': 'gzip' }, 'OK')
    while (sent < this.#body.length) {
      if (paused) await nextTurn()
      else {
        handler.onResponseData?.(controller, this.#body.subarray(sent, sent + 64 * 1024))
        sent += 64 * 1024
      }
    }
    handler.onResponseEnd?.(controller, {})
  }
}

describe('a compressed body', () => {
  it('that comes faster than it is decoded makes the connection wait, is read whole, and leaves nothing behind', {
    timeout: 20_000,
  }, async () => {
    const bytes = randomBytes(8 * 1024 * 1024)
    const dispatcher = new FastDispatcher(gzipSync(bytes, { level: 1 }))
    const reader = {
      dispatcher,
      authorization: undefined,
      userAgent: 'publish-python-mtls/0',
      idleTimeoutMs: 10_000,
      secrets: new Secrets(),
      explain: () => undefined,
    }
    const chunks: Buffer[] = []
    const request = {
      url: new URL('https://index.example/simple/demo/'),
      reader,
      accept: 'text/html',
      encoding: 'gzip',
      limitBytes: bytes.length,
      open: () => (chunk: Buffer) => chunks.push(chunk),
    } as const
    const { signal } = new AbortController()
    await get(request, signal)
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
    assert.ok(Buffer.concat(chunks).equals(bytes))
    assert.ok((dispatcher.firstPause ?? Number.POSITIVE_INFINITY) <= 1024 * 1024)
  })
})
