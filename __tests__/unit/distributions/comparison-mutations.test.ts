import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { runCases } from '../../support/mutation-process.ts'

const CASES = 2000
/** Of the whole process, in bytes. */
const MOST_MEMORY = 300 * 1024 ** 2

const SCRIPT = path.join(import.meta.dirname, 'mutations', 'run-comparisons.ts')

describe(`${CASES} files of an index of which bytes were flipped, cut out, copied and spliced`, () => {
  it('are each told from ours in a sentence that another reader confirms, or that says why not', async () => {
    const { accepted, refused, peakMemory } = await runCases(SCRIPT, 0, CASES)
    const refusals = Object.values(refused).reduce((sum, count) => sum + count, 0)
    assert.equal(accepted + refusals, CASES)
    // Mutations that all fail at the first check, or none, would prove nothing.
    assert.ok(accepted > CASES / 20 && refusals > CASES / 4, `${accepted} compared, ${refusals} refused`)
    assert.ok(peakMemory < MOST_MEMORY, `${peakMemory} bytes`)
  })
})
