import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { comeBack, retryAfterMs } from '../../../src/package-index/retry-after.ts'

const NOW = new Date('2026-11-25T09:00:00Z')

function headers(values: Record<string, string>) {
  return { headers: new Map(Object.entries(values)) }
}

describe('Retry-After', () => {
  const cases: [value: string, ms: number | undefined, words: string | undefined][] = [
    ['0', 0, 'in 0 s'],
    ['2', 2_000, 'in 2 s'],
    [' 119 ', 119_000, 'in 119 s'],
    ['120', 120_000, 'in 2 minutes (2026-11-25T09:02:00Z)'],
    ['86400', 86_400_000, 'in 24 hours (2026-11-26T09:00:00Z)'],
    ['Wed, 25 Nov 2026 11:00:00 GMT', 7_200_000, 'in 2 hours (2026-11-25T11:00:00Z)'],
    ['Wed, 25 Nov 2026 08:00:00 GMT', 0, 'in 0 s'],
    ['', undefined, undefined],
    ['soon', undefined, undefined],
    ['-5', undefined, undefined],
    ['1.5', undefined, undefined],
    ['999999999', 99_999_999_000, 'in 27778 hours (2030-01-25T18:46:39Z)'],
    ['Sat, 13 Sep 275760 00:00:00 GMT', 99_999_999_000, 'in 27778 hours (2030-01-25T18:46:39Z)'],
    ['2026-11-25T11:00:00', undefined, undefined],
    ['\u001b[2J GMT', undefined, undefined],
  ]
  for (const [value, ms, words] of cases) {
    it(`of ${JSON.stringify(value)} is ${ms} ms`, () => {
      const answer = headers({ 'retry-after': value })
      assert.equal(retryAfterMs(answer, NOW), ms)
      assert.equal(ms === undefined ? undefined : comeBack(ms, NOW), words)
    })
  }

  it('that is missing says nothing', () => {
    assert.equal(retryAfterMs(headers({}), NOW), undefined)
  })

  it("as a date counts by the server's clock where it tells it", () => {
    const dates = { 'retry-after': 'Wed, 25 Nov 2026 11:00:30 GMT', date: 'Wed, 25 Nov 2026 11:00:00 GMT' }
    assert.equal(retryAfterMs(headers(dates), NOW), 30_000)
  })
})
