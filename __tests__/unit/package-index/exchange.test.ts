import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Dispatcher } from 'undici'
import { post, Silence } from '../../../src/package-index/exchange.ts'
import { multipartForm } from '../../../src/package-index/multipart.ts'

const BYTES = Buffer.from('some bytes')
const IDLE = 1_500

function isChunks(body: unknown): body is AsyncIterable<Buffer> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}

/** A connection that takes the whole form after `takesMs` and answers `answersMs` later: buffers of a slow way. */
class SlowWay extends Dispatcher {
  readonly #takesMs: number
  readonly #answersMs: number

  constructor(takesMs: number, answersMs: number) {
    super()
    this.#takesMs = takesMs
    this.#answersMs = answersMs
  }

  override dispatch({ body }: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    void this.#converse(body, handler)
    return true
  }

  async #converse(body: unknown, handler: Dispatcher.DispatchHandler): Promise<void> {
    assert.ok(isChunks(body))
    const controller: Dispatcher.DispatchController = {
      aborted: false,
      paused: false,
      reason: null,
      abort: () => {},
      pause: () => {},
      resume: () => {},
    }
    handler.onRequestStart?.(controller, {})
    for await (const chunk of body) if (chunk.length > 0) await sleep(this.#takesMs)
    await sleep(this.#answersMs)
    handler.onResponseStart?.(controller, 200, {}, 'OK')
    handler.onResponseEnd?.(controller, {})
  }
}

/** A form in one chunk, over such a connection. */
async function send(takesMs: number, answersMs: number) {
  const form = multipartForm([], {
    filename: 'demo-1.0-py3-none-any.whl',
    size: BYTES.length,
    async *content() {
      yield BYTES
    },
    readWhole: (into) => BYTES.copy(into),
  })
  const request = {
    dispatcher: new SlowWay(takesMs, answersMs),
    url: new URL('https://index.example/legacy/'),
    headers: {},
    form,
    ring: [Buffer.alloc(1024)],
    idleTimeoutMs: IDLE,
  }
  return await post(request, new AbortController().signal)
}

describe('the time of an exchange', () => {
  it('begins anew for the answer when the connection has taken the last of the form', async () => {
    const { answer, error } = await send(IDLE * 0.6, IDLE * 0.6)
    assert.equal(error, undefined)
    assert.equal(answer?.status, 200)
  })

  it('is over for a connection that takes nothing, and for an answer that does not come', async () => {
    for (const [takesMs, answersMs] of [
      [IDLE * 2, 0],
      [0, IDLE * 2],
    ] as const) {
      const { answer, error } = await send(takesMs, answersMs)
      assert.equal(answer, undefined)
      assert.ok(error instanceof Silence)
      assert.equal(error.time, '1.5 s')
    }
  })
})
