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

/** A connection as a test plays it: what it takes of the form, and when it answers. */
class PlayedWay extends Dispatcher {
  readonly #play: (form: AsyncIterable<Buffer>, answer: (status: number) => void) => Promise<void>

  constructor(play: (form: AsyncIterable<Buffer>, answer: (status: number) => void) => Promise<void>) {
    super()
    this.#play = play
  }

  override dispatch({ body }: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    assert.ok(isChunks(body))
    handler.onRequestStart?.(CONTROLLER, {})
    void this.#play(body, (status) => {
      handler.onResponseStart?.(CONTROLLER, status, {}, '')
      handler.onResponseEnd?.(CONTROLLER, {})
    })
    return true
  }
}

/** Takes the whole form after `takesMs` and answers `answersMs` later: buffers of a slow way. */
function slowWay(takesMs: number, answersMs: number): Dispatcher {
  return new PlayedWay(async (form, answer) => {
    for await (const chunk of form) if (chunk.length > 0) await sleep(takesMs)
    await sleep(answersMs)
    answer(200)
  })
}

/** Hands on the answer after the first chunk, and asks for the others all the same. */
function eagerWay(onTaken: () => void): Dispatcher {
  return new PlayedWay(async (form, answer) => {
    let taken = 0
    for await (const _chunk of form) {
      taken += 1
      if (taken === 1) answer(413)
    }
    onTaken()
  })
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
    dispatcher: slowWay(takesMs, answersMs),
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
        dispatcher: eagerWay(taken.resolve),
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
