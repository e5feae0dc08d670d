import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { runCases } from '../../support/mutation-process.ts'

const CASES = 20_000
/** Of the whole process, in bytes: Node itself with the readers takes a third of it. */
const MOST_MEMORY = 300 * 1024 ** 2

const SCRIPT = path.join(import.meta.dirname, 'mutations', 'run-cases.ts')

describe(`${CASES} distributions of which bytes were flipped, cut out, copied and spliced`, () => {
  it('are each refused, or read as another reader reads them, within their limits of bytes, members and time', async () => {
    const processes = Math.min(2, availableParallelism())
    const share = Math.ceil(CASES / processes)
    const tallies = await Promise.all(
      Array.from({ length: processes }, (_, index) =>
        runCases(SCRIPT, index * share, Math.min(CASES, (index + 1) * share)),
      ),
    )
    const accepted = tallies.reduce((sum, tally) => sum + tally.accepted, 0)
    const refused = tallies.flatMap((tally) => Object.values(tally.refused)).reduce((sum, count) => sum + count, 0)
    assert.equal(accepted + refused, CASES)
    // Mutations that all fail at the first check, or none, would prove nothing.
    assert.ok(accepted > CASES / 20 && refused > CASES / 4, `${accepted} accepted, ${refused} refused`)
    const codes = new Set(tallies.flatMap((tally) => Object.keys(tally.refused)))
    for (const code of ['E_DIST_LAYOUT', 'E_DIST_METADATA', 'E_DIST_MISMATCH']) assert.ok(codes.has(code), code)
    for (const { peakMemory } of tallies) assert.ok(peakMemory < MOST_MEMORY, `${peakMemory} bytes`)
  })
})
