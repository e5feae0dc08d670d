import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { mixtureWarning, occupied, UNKNOWN_DIFFERENCE } from '../../../src/package-index/existing.ts'
import { resultOf, type There } from '../../../src/package-index/outcome.ts'
import { openDistribution } from '../../support/open-distribution.ts'

const wheel = openDistribution()
const sdist = openDistribution({ file: 'demo-1.0.tar.gz' })
after(() => {
  wheel.remove()
  sdist.remove()
})

function warning(there?: There): string | undefined {
  const published = resultOf(sdist.distribution, { outcome: 'published' })
  return mixtureWarning([resultOf(wheel.distribution, { outcome: 'skipped', ...(there && { there }) }), published])
}

describe('a file that the index lists with other bytes, while it hands out these very ones', () => {
  const finding = { state: 'other', listed: 'sha256 ab12', url: new URL('https://localhost/file') } as const
  const policy = {
    skipExisting: false,
    mergesUpstreams: false,
    runAttempt: 1,
    difference: async () => ({ isNone: true, words: 'no byte of the two files differs' }),
  }
  const never = new AbortController().signal

  it('is neither in conflict nor there: unconfirmed, and a second run of the same file decides', async () => {
    for (const [ours, there] of [
      ['not-sent', 'unknown'],
      ['taken', undefined],
    ] as const) {
      const result = await occupied(wheel.distribution, finding, { ...policy, ours }, {}, never)
      assert.deepEqual([result.outcome, result.code, result.there], ['unconfirmed', 'E_INDEX_UNCONFIRMED', there])
      assert.match(result.message ?? '', /other bytes: sha256 ab12.*; a moment later it handed out these very bytes$/)
      assert.match(result.hint ?? '', /^Do not build again: "Re-run failed jobs" sends the same file/)
    }
  })

  it('is left alone with skip-existing', async () => {
    const skipping = { ...policy, skipExisting: true, ours: 'not-sent' } as const
    assert.equal((await occupied(wheel.distribution, finding, skipping, {}, never)).outcome, 'skipped')
  })
})

describe('a file whose bytes on the index cannot be compared', () => {
  const finding = { state: 'unknown', why: 'its file cannot be fetched', url: undefined } as const
  const policy = {
    skipExisting: false,
    mergesUpstreams: false,
    runAttempt: 1,
    difference: async () => UNKNOWN_DIFFERENCE,
  }

  it('is in conflict, but unconfirmed where a try of this run may have put it there', async () => {
    const never = new AbortController().signal
    for (const [ours, outcome] of [
      ['not-sent', 'conflict'],
      ['perhaps-taken', 'unconfirmed'],
    ] as const) {
      assert.equal((await occupied(wheel.distribution, finding, { ...policy, ours }, {}, never)).outcome, outcome)
    }
  })
})

describe('the warning about a mixture of two builds', () => {
  it('is for a file that was skipped because of other bytes, beside one that was added', () => {
    assert.match(
      warning('other') ?? '',
      /^demo 1\.0 on the index becomes a mixture of two builds: demo-1\.0-py3-none-any\.whl/,
    )
  })

  it('is not for one that nobody compared: it may be of the same build', () => {
    for (const there of ['unknown', undefined] as const) assert.equal(warning(there), undefined)
  })
})
