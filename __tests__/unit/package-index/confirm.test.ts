import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { monotonicNow } from '../../../src/clock.ts'
import { PublishError } from '../../../src/errors.ts'
import { type Confirmation, confirm } from '../../../src/package-index/confirm.ts'
import { Pace } from '../../../src/package-index/pace.ts'
import { type Ask, type Finding, LookupFailure, type PageFormat } from '../../../src/package-index/simple-index.ts'
import { openDistribution } from '../../support/open-distribution.ts'
import { accessTo } from '../../support/upload-target.ts'

const SAME: Finding = { state: 'same', verified: 'sha256' }
const NEVER = new AbortController().signal

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

  it('goes on behind a refusal, a login or another address: the index has answered before', async () => {
    for (const code of ['E_HTTP_FORBIDDEN', 'E_HTTP_LOGIN_PAGE', 'E_HTTP_REDIRECT', 'E_HTTP_NOT_HTTP'] as const) {
      const file = openDistribution()
      let asked = 0
      const ask: Ask = async () => {
        asked += 1
        if (asked === 2) throw new LookupFailure(new PublishError({ code, message: 'for a moment' }))
        const files = new Map<string, Finding>(asked < 2 ? [] : [[file.distribution.file, SAME]])
        return { known: true, files }
      }
      const ends: string[] = []
      await confirm([file.distribution], accessTo(ask), 5_000, async (_one, { state }) => void ends.push(state), NEVER)
      file.remove()
      assert.deepEqual([asked, ends], [3, ['same']])
    }
  })

  it('says that nothing answered, and not that the index has no file of the project', async () => {
    const file = openDistribution()
    const ask: Ask = (_project, _files, _prefer, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const ends: Confirmation[] = []
    await confirm([file.distribution], accessTo(ask), 100, async (_one, end) => void ends.push(end), NEVER)
    file.remove()
    const [end] = ends
    assert.ok(end?.state === 'missing')
    assert.match(end.why ?? '', /^the simple index gave no whole answer/)
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
