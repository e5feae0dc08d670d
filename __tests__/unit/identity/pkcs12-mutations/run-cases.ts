/**
 * A process that reads the cases of the numbers `from` to `to - 1`: `node run-cases.ts from to`. Before each case it
 * sends the number to its parent; at the end the count of what was accepted and refused, or what went wrong.
 */
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { linesToMask, readMaterial } from '../../../../src/encoding/input-material.ts'
import { problemsOf } from '../../../../src/errors.ts'
import { readClientIdentity } from '../../../../src/identity/client-identity.ts'
import { KeyDerivation } from '../../../../src/identity/derivation.ts'
import type { Tally } from '../../../support/mutation-process.ts'
import { type Case, caseOf, KEYS } from './cases.ts'

/** Rounds of the old derivation that one file may cost. */
const MOST_ROUNDS = 8_000_000

const cost = { rounds: 0, calls: 0 }
const { old, pbkdf2 } = KeyDerivation.prototype
KeyDerivation.prototype.old = async function counted(password, options) {
  const key = await old.call(this, password, options)
  cost.rounds += options.iterations
  cost.calls += 1
  return key
}
KeyDerivation.prototype.pbkdf2 = async function counted(password, algorithm, length) {
  cost.calls += 1
  return pbkdf2.call(this, password, algorithm, length)
}

/** Reads a case as a run does; the codes of what is refused. */
async function read({ bytes, passphrase, alias }: Case): Promise<readonly string[]> {
  try {
    const certificate = readMaterial('client-cert', bytes.toString('base64'), { workspace: tmpdir() })
    linesToMask(certificate)
    const signal = new AbortController().signal
    const given = { certificate, key: undefined, passphrase, alias, now: new Date(), signal }
    const { leaf, key } = await readClientIdentity(given)
    assert.ok(leaf.checkPrivateKey(key), 'the key does not fit the leaf')
    assert.ok(
      KEYS.some((one) => one.equals(key)),
      'the key is none that was written',
    )
    return []
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
    return codesOf(error)
  }
}

/** Anything else that is thrown, or that a refusal hides, is a fault of the reader. */
function codesOf(error: unknown): readonly string[] {
  return problemsOf(error).map(({ code, cause, message, hint }) => {
    assert.match(code, /^E_(INPUT|CERT|KEY)_/, `${message}: ${cause instanceof Error ? cause.stack : cause}`)
    const isDefect = cause instanceof TypeError || cause instanceof RangeError || cause instanceof ReferenceError
    assert.ok(!isDefect, `${message}: ${cause}`)
    assert.ok(message.length < 2000 && !/[\0-\x1f\x7f]/.test(`${message}${hint}`), message)
    return code
  })
}

async function run(from: number, to: number): Promise<void> {
  let accepted = 0
  const refused: Record<string, number> = {}
  for (let number = from; number < to; number += 1) {
    process.send?.({ number })
    cost.rounds = 0
    cost.calls = 0
    const mutated = caseOf(number)
    const [code] = await read(mutated).catch((error: unknown) => {
      throw new Error(`case ${number}: ${error}`)
    })
    const mostCalls = 10 + mutated.bytes.length / 100
    assert.ok(cost.rounds <= MOST_ROUNDS && cost.calls <= mostCalls, `case ${number}: ${JSON.stringify(cost)}`)
    if (code === undefined) accepted += 1
    else refused[code] = (refused[code] ?? 0) + 1
  }
  const peakMemory = process.resourceUsage().maxRSS * 1024
  process.send?.({ tally: { accepted, refused, peakMemory } satisfies Tally })
}

await run(Number(process.argv[2]), Number(process.argv[3]))
process.disconnect?.()
