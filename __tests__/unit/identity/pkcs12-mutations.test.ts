import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { runCases } from '../../support/mutation-process.ts'
import { caseOf } from './pkcs12-mutations/cases.ts'

const CASES = 20_000
/** Of the whole process, in bytes: what is not on the heap (files of 1 MiB, in several forms) is not limited by the flag. */
const MOST_MEMORY = 512 * 1024 ** 2

const SCRIPT = path.join(import.meta.dirname, 'pkcs12-mutations', 'run-cases.ts')

describe(`${CASES} PKCS#12 files of which bytes were altered, outside or inside of their locks`, () => {
  it('are the same in every run', () => {
    for (const number of [0, 9, 19_999]) assert.deepEqual(caseOf(number), caseOf(number))
  })

  it('are each refused by one of our errors or give the key that was written, within limits of work, memory and time', async () => {
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
    assert.ok(accepted > CASES / 50 && refused > CASES / 4, `${accepted} accepted, ${refused} refused`)
    const codes = new Set(tallies.flatMap((tally) => Object.keys(tally.refused)))
    const expected = ['E_INPUT_TRUNCATED', 'E_CERT_UNREADABLE', 'E_KEY_PASSPHRASE_WRONG', 'E_KEY_AMBIGUOUS']
    for (const code of expected) assert.ok(codes.has(code), code)
    for (const { peakMemory } of tallies) assert.ok(peakMemory < MOST_MEMORY, `${peakMemory} bytes`)
  })
})
