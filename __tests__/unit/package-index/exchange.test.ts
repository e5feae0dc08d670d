import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Dispatcher } from 'undici'
import { post, Silence } from '../../../src/package-index/exchange.ts'
import { multipartForm } from '../../../src/package-index/multipart.ts'

const BYTES = Buffer.from('some bytes')
const IDLE = 1_500

const CONTROLLER: Dispatcher.DispatchController = {
  aborted: false,
  paused: false,
  reason: null,
  abort: () => {},
  pause: () => {},
  resume: () => {},
}

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
    handler.onRequestStart?.(CONTROLLER, {})
    for await (const chunk of body) if (chunk.length > 0) await sleep(this.#takesMs)
    await sleep(this.#answersMs)
    handler.onResponseStart?.(CONTROLLER, 200, {}, 'OK')
    handler.onResponseEnd?.(CONTROLLER, {})
  }
}

/** A connection that hands on the answer after the first chunk, and asks for the others all the same. */
class EagerWay extends Dispatcher {
  readonly #onTaken: () => void

  constructor(onTaken: () => void) {
    super()
    this.#onTaken = onTaken
  }

  override dispatch({ body }: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    void this.#converse(body, handler)
    return true
  }

  async #converse(body: unknown, handler: Dispatcher.DispatchHandler): Promise<void> {
    assert.ok(isChunks(body))
    handler.onRequestStart?.(CONTROLLER, {})
    let taken = 0
    for await (const _chunk of body) {
      taken += 1
      if (taken > 1) continue
      handler.onResponseStart?.(CONTROLLER, 413, {}, 'Too Large')
      handler.onResponseEnd?.(CONTROLLER, {})
    }
    this.#onTaken()
  }
}

function smallForm() {
  return multipartForm([], {
    filename: 'demo-1.0-py3-none-any.whl',
    size: BYTES.length,
    async *content() {
      yield BYTES
    },
    readWhole: (into) => BYTES.copy(into),
  })
}

/** A form in one chunk, over such a connection. */
async function send(takesMs: number, answersMs: number) {
  const form = smallForm()
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

describe('the progress of an exchange', () => {
  it('ends with it, also where the connection asks for more of the form behind an early answer', async () => {
    const taken = Promise.withResolvers<void>()
    const told: number[] = []
    const { answer } = await post(
      {
        dispatcher: new EagerWay(taken.resolve),
        url: new URL('https://index.example/legacy/'),
        headers: {},
        form: smallForm(),
        idleTimeoutMs: IDLE,
        onSent: (bytes) => told.push(bytes),
      },
      new AbortController().signal,
    )
    assert.equal(answer?.status, 413)
    await taken.promise
    assert.equal(told.length, 1)
  })
})
