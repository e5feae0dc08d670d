import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { monotonicNow } from '../../../src/clock.ts'
import { PublishError } from '../../../src/errors.ts'
import { type Confirmation, confirm } from '../../../src/package-index/confirm.ts'
import { Pace } from '../../../src/package-index/pace.ts'
import { type Ask, type Finding, LookupFailure, type PageFormat } from '../../../src/package-index/simple-index.ts'
import { Slots } from '../../../src/package-index/slots.ts'
import { openDistribution } from '../../support/open-distribution.ts'
import { quickPace } from '../../support/upload-target.ts'

const SAME: Finding = { state: 'same', verified: 'sha256' }
const NEVER = new AbortController().signal

function accessTo(ask: Ask) {
  return { ask, pace: quickPace(0), retries: 0, slots: new Slots(1), onRetry: () => {} }
}

describe('the wait for the index', () => {
  it('looks for the other files while one is still being told of', async () => {
    const files = [openDistribution(), openDistribution({ file: 'demo-1.0-py2-none-any.whl' })]
    const [slow, other] = files.map(({ distribution }) => distribution)
    assert.ok(slow && other)
    const asked: PageFormat[] = []
    const ask: Ask = async (_project, wanted, prefer) => {
      asked.push(prefer)
      const listed = asked.length === 1 ? [slow] : [slow, other]
      return {
        known: true,
        files: new Map(listed.filter((one) => wanted.includes(one)).map(({ file }) => [file, SAME])),
      }
    }
    const told: [string, Confirmation['state']][] = []
    const onEnd = async ({ file }: { file: string }, { state }: Confirmation) => {
      // Longer than all the time that there is.
      if (file === slow.file) await delay(2_500)
      told.push([file, state])
    }
    await confirm([slow, other], accessTo(ask), 1_000, onEnd, NEVER)
    for (const file of files) file.remove()
    assert.deepEqual(asked, ['json', 'html'])
    assert.deepEqual(told, [
      [slow.file, 'same'],
      [other.file, 'same'],
    ])
  })

  it('says what the last look met, where a pause then left no time for another one', async () => {
    const file = openDistribution()
    const pause = { until: 0 }
    const pace = new Pace({ retries: 0, firstPauseMs: 1, random: Math.random, pause })
    const ask: Ask = async () => {
      pause.until = monotonicNow() + 60_000
      throw new LookupFailure(new PublishError({ code: 'E_NETWORK_CLOSED', message: 'was reset' }), {
        afterMs: undefined,
      })
    }
    const ends: Confirmation[] = []
    const onEnd = async (_one: unknown, end: Confirmation) => void ends.push(end)
    await confirm([file.distribution], { ...accessTo(ask), pace }, 500, onEnd, NEVER)
    file.remove()
    assert.deepEqual(
      ends.map((end) => end.state === 'missing' && end.why),
      ['was reset'],
    )
  })

  it('ends at once where the index asks for a pause that is longer: it is not asked again', async () => {
    const file = openDistribution()
    let asked = 0
    const ask: Ask = async () => {
      asked += 1
      const problem = new PublishError({ code: 'E_HTTP_TOO_MANY_REQUESTS', message: 'answered 429', hint: 'Wait.' })
      throw new LookupFailure(problem, { afterMs: 3_600_000 })
    }
    const ends: Confirmation[] = []
    await confirm([file.distribution], accessTo(ask), 5_000, async (_one, end) => void ends.push(end), NEVER)
    file.remove()
    assert.equal(asked, 1)
    assert.deepEqual(
      ends.map((end) => end.state === 'missing' && end.why),
      ['answered 429'],
    )
  })
})
