import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { Tally } from './mutations/run-cases.ts'

const CASES = 20_000
/** Of one case, in milliseconds. */
const LONGEST_CASE = 10_000
/** Of the whole process, in bytes: Node itself with the readers takes a third of it. */
const MOST_MEMORY = 300 * 1024 ** 2

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isTally = (value: unknown): value is Tally => isRecord(value) && typeof value.accepted === 'number'

/** Reads the cases `from` to `to - 1` in a process of its own; a case that takes too long ends it. */
function runCases(from: number, to: number): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const script = path.join(import.meta.dirname, 'mutations', 'run-cases.ts')
    const child = fork(script, [String(from), String(to)], {
      execArgv: ['--max-old-space-size=128'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    let errors = ''
    let number: unknown
    let tally: Tally | undefined
    const tooLong = () => {
      errors += `case ${number} took more than ${LONGEST_CASE} ms`
      child.kill('SIGKILL')
    }
    let watchdog = setTimeout(tooLong, LONGEST_CASE)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    child.on('message', (message) => {
      clearTimeout(watchdog)
      watchdog = setTimeout(tooLong, LONGEST_CASE)
      if (!isRecord(message)) return
      number = message.number
      if (isTally(message.tally)) tally = message.tally
    })
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(watchdog)
      if (code === 0 && tally !== undefined) resolve(tally)
      else reject(new Error(`the process ended with ${code} at case ${number}: ${errors}`))
    })
  })
}

describe(`${CASES} distributions of which bytes were flipped, cut out, copied and spliced`, () => {
  it('are each refused, or read as another reader reads them, within their limits of bytes, members and time', async () => {
    const processes = Math.min(2, availableParallelism())
    const share = Math.ceil(CASES / processes)
    const tallies = await Promise.all(
      Array.from({ length: processes }, (_, index) => runCases(index * share, Math.min(CASES, (index + 1) * share))),
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
