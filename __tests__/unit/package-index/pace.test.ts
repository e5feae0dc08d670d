import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pace, pauseAfter, type Turn } from '../../../src/package-index/pace.ts'

const NEVER = new AbortController().signal

function pace(retries: number, firstPauseMs = 20): Pace {
  return new Pace({ retries, firstPauseMs, random: () => 1 })
}

/** Whether a turn was given by now. */
async function isGiven(turn: Promise<Turn>): Promise<boolean> {
  return await Promise.race([turn.then(() => true), sleep(5).then(() => false)])
}

describe('the pace of a server', () => {
  it('lets everybody go while nothing fails', async () => {
    const one = pace(4)
    const turns = await Promise.all([one.turn(NEVER), one.turn(NEVER), one.turn(NEVER)])
    assert.equal(turns.length, 3)
  })

  it('pauses everybody after a failure, and lets one go first', async () => {
    const one = pace(4)
    assert.equal(one.failed(await one.turn(NEVER), undefined), true)
    const [first, second, third] = [one.turn(NEVER), one.turn(NEVER), one.turn(NEVER)]
    assert.equal(await isGiven(first), false, 'during the pause')
    const turn = await first
    assert.equal(await isGiven(second), false, 'while the first is under way')
    one.answered(turn)
    await Promise.all([second, third])
  })

  it('never asks before the time that the server gave', async () => {
    const one = pace(4, 1)
    const start = performance.now()
    one.failed(await one.turn(NEVER), 150)
    one.answered(await one.turn(NEVER))
    assert.ok(performance.now() - start >= 149)
  })

  it('keeps that time also for requests that succeed meanwhile', async () => {
    const one = pace(4, 1)
    const [failing, other] = [await one.turn(NEVER), await one.turn(NEVER)]
    const start = performance.now()
    one.failed(failing, 150)
    one.answered(other)
    await one.turn(NEVER)
    assert.ok(performance.now() - start >= 149)
  })

  it('keeps that time also where another request fails and the server says nothing of time', async () => {
    const pause = { until: 0 }
    const options = { retries: 1, firstPauseMs: 1, random: () => 1, pause }
    const [uploads, lookups] = [new Pace(options), new Pace(options)]
    const underWay = await lookups.turn(NEVER)
    const start = performance.now()
    uploads.failed(await uploads.turn(NEVER), 150)
    lookups.failed(underWay, undefined)
    lookups.failed(await lookups.turn(NEVER), undefined)
    assert.ok(performance.now() - start >= 149, 'a pause of its own')
    uploads.answered(await uploads.turn(NEVER))
    assert.ok(performance.now() - start >= 149)
  })

  it('counts failures of requests that were under way together once', async () => {
    const one = pace(1, 1)
    const turns = await Promise.all([one.turn(NEVER), one.turn(NEVER), one.turn(NEVER)])
    assert.deepEqual(
      turns.map((turn) => one.failed(turn, undefined)),
      [true, true, true],
    )
    assert.equal(one.failed(await one.turn(NEVER), undefined), false, 'the second in a row')
  })

  it('gives up after so many failures in a row, and lets the rest have its one try without a pause', async () => {
    const one = pace(2, 10_000)
    const fail = async () => one.failed(await one.turn(NEVER), 1)
    assert.deepEqual([await fail(), await fail(), await fail(), await fail()], [true, true, false, false])
  })

  it('begins anew after a success', async () => {
    const one = pace(1, 1)
    one.failed(await one.turn(NEVER), undefined)
    one.answered(await one.turn(NEVER))
    assert.equal(one.failed(await one.turn(NEVER), undefined), true)
  })

  it('learns nothing from the success of what began before the failure', async () => {
    const one = pace(1, 1)
    const [failing, other] = [await one.turn(NEVER), await one.turn(NEVER)]
    one.failed(failing, undefined)
    one.answered(other)
    assert.equal(one.failed(await one.turn(NEVER), undefined), false, 'the second in a row')
  })

  it('passes the first place on when its owner leaves', async () => {
    const one = pace(4, 1)
    one.failed(await one.turn(NEVER), undefined)
    const second = one.turn(NEVER)
    const third = one.turn(NEVER)
    one.left(await second)
    await third
  })

  it('lets nobody wait whose run is cancelled, and forgets him', async () => {
    const one = pace(4, 50)
    one.failed(await one.turn(NEVER), undefined)
    const controller = new AbortController()
    const reason = new Error('cancelled')
    const cancelled = one.turn(controller.signal)
    const other = one.turn(NEVER)
    controller.abort(reason)
    await assert.rejects(cancelled, (error) => error === reason)
    await other
    await assert.rejects(one.turn(controller.signal), (error) => error === reason)
  })

  it('doubles its pauses up to half a minute, and draws each by lot', () => {
    const pauses = (part: number) =>
      [1, 2, 3, 6, 40].map((n) => pauseAfter(n, { firstPauseMs: 1_000, random: () => part }))
    assert.deepEqual(pauses(1), [1_000, 2_000, 4_000, 30_000, 30_000])
    assert.deepEqual(pauses(0.5), [500, 1_000, 2_000, 15_000, 15_000])
    assert.deepEqual(pauses(0), [0, 0, 0, 0, 0])
  })
})
