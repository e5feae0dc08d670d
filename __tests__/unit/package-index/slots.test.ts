import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Slots } from '../../../src/package-index/slots.ts'

const NEVER = new AbortController().signal

/** Work that ends when it is told to. */
function work() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const one = {
    begun: false,
    end: resolve,
    run: async () => {
      one.begun = true
      await promise
    },
  }
  return one
}

describe('slots', () => {
  it('let so many run at once, and the next in the order of asking', async () => {
    const slots = new Slots(2)
    const all = [work(), work(), work(), work()]
    const ends = all.map(({ run }) => slots.use(run, NEVER))
    await nextTurn()
    assert.deepEqual(
      all.map(({ begun }) => begun),
      [true, true, false, false],
    )
    all[1]?.end()
    await nextTurn()
    assert.deepEqual(
      all.map(({ begun }) => begun),
      [true, true, true, false],
    )
    for (const { end } of all) end()
    await Promise.all(ends)
  })

  it('are free again behind work that failed', async () => {
    const slots = new Slots(1)
    const failure = new Error('no')
    await assert.rejects(
      slots.use(() => Promise.reject(failure), NEVER),
      failure,
    )
    assert.equal(await slots.use(async () => 'ran', NEVER), 'ran')
  })

  it('are not waited for by a run that is cancelled, and are not lost with it', async () => {
    const slots = new Slots(1)
    const [first, cancelled, last] = [work(), work(), work()]
    const controller = new AbortController()
    const reason = new Error('cancelled')
    const running = slots.use(first.run, NEVER)
    const waiting = slots.use(cancelled.run, controller.signal)
    const next = slots.use(last.run, NEVER)
    controller.abort(reason)
    await assert.rejects(waiting, (error) => error === reason)
    first.end()
    await running
    last.end()
    await next
    assert.deepEqual([cancelled.begun, last.begun], [false, true])
  })
})
