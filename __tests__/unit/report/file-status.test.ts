import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failsStep, OUTCOMES } from '../../../src/package-index/outcome.ts'
import { failuresFirst, finished, isFailure, listWithin } from '../../../src/report/file-status.ts'
import { fileWith } from './reports.ts'

describe('the status of a file', () => {
  it('fails the step for exactly those outcomes for which the exit code does', () => {
    assert.deepEqual(
      OUTCOMES.filter((outcome) => isFailure(fileWith('sdist', outcome))),
      OUTCOMES.filter(failsStep),
    )
  })

  it('puts failures first and keeps the order otherwise', () => {
    const outcomes = ['published', 'rejected', 'skipped', 'not-tried'] as const
    const sorted = failuresFirst(outcomes.map((outcome) => fileWith('sdist', outcome)))
    assert.deepEqual(
      sorted.map(({ outcome }) => outcome),
      ['rejected', 'not-tried', 'published', 'skipped'],
    )
  })
})

describe('a list with a limit', () => {
  it('has all items where they fit', () => {
    assert.equal(listWithin(['a', 'b', 'c'], 7), 'a, b, c')
    assert.equal(listWithin([], 7), '')
  })

  it('never passes the limit, and counts what it leaves out', () => {
    const items = Array.from({ length: 100 }, (_, index) => `item-${index}`)
    for (let max = 30; max < 900; max += 1) {
      const text = listWithin(items, max)
      assert.ok(text.length <= max)
      const [, shown = '', left = '0'] = /^(.*?)(?: and (\d+) more)?$/.exec(text) ?? []
      assert.equal(shown.split(', ').length + Number(left), 100)
    }
  })

  it('shows a part of an item that is too long alone', () => {
    const text = listWithin(['a'.repeat(50), 'b'], 40)
    assert.match(text, /^a+… and 1 more$/)
    assert.ok(text.length <= 40)
  })
})

describe('a sentence', () => {
  it('gets the full stop that it lacks', () => {
    assert.deepEqual(['a', 'b.', 'c!', 'd?', 'e…', 'f)'].map(finished), ['a.', 'b.', 'c!', 'd?', 'e…', 'f).'])
  })
})
