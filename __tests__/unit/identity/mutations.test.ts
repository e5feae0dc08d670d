/** Every input of the identity, altered: each is refused by an error of ours, or gives what was written. */
import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { runCases, type Tally } from '../../support/mutation-process.ts'
import type { CaseOf } from './mutations/case.ts'

interface Family {
  readonly family: 'pem' | 'der' | 'pkcs12' | 'chain'
  readonly what: string
  readonly cases: number
  /** Codes some of its cases must end in: mutations that all fail at the first check would prove nothing. */
  readonly codes: readonly string[]
}

const FAMILIES: readonly Family[] = [
  {
    family: 'pem',
    what: 'PEM texts and files: their characters, lines, labels, blocks and the bytes in them',
    cases: 30_000,
    codes: [
      'E_INPUT_FORMAT',
      'E_INPUT_TRUNCATED',
      'E_CERT_MISSING',
      'E_CERT_UNREADABLE',
      'E_KEY_MISSING',
      'E_KEY_UNREADABLE',
      'E_KEY_AMBIGUOUS',
      'E_KEY_PASSPHRASE_WRONG',
      'E_CA_UNREADABLE',
      'E_CRL_UNREADABLE',
    ],
  },
  {
    family: 'der',
    what: 'private keys in DER, plain and encrypted, and their certificates',
    cases: 26_000,
    codes: [
      'E_INPUT_FORMAT',
      'E_INPUT_TRUNCATED',
      'E_CERT_UNREADABLE',
      'E_KEY_UNREADABLE',
      'E_KEY_UNSUPPORTED',
      'E_KEY_MISMATCH',
      'E_KEY_PASSPHRASE_MISSING',
      'E_KEY_PASSPHRASE_WRONG',
    ],
  },
  {
    family: 'pkcs12',
    what: 'PKCS#12 files, outside or inside of their locks',
    cases: 20_000,
    codes: ['E_INPUT_TRUNCATED', 'E_CERT_UNREADABLE', 'E_KEY_PASSPHRASE_WRONG', 'E_KEY_AMBIGUOUS'],
  },
  {
    family: 'chain',
    what: 'certificates in each place of a chain, and revocation lists',
    cases: 24_000,
    codes: [
      'E_INPUT_TRUNCATED',
      'E_CERT_UNREADABLE',
      'E_CERT_SIGNATURE',
      'E_CERT_REVOKED',
      'E_CRL_UNREADABLE',
      'E_CRL_FORGED',
    ],
  },
]

const TOTAL = FAMILIES.reduce((sum, { cases }) => sum + cases, 0)

/** Of the whole process, in bytes: what is not on the heap (files of 1 MiB, in several forms) is not limited by the flag. */
const MOST_MEMORY = 512 * 1024 ** 2

const SCRIPT = path.join(import.meta.dirname, 'mutations', 'run-cases.ts')

async function runAll({ family, cases }: Family): Promise<readonly Tally[]> {
  const processes = Math.min(2, availableParallelism())
  const share = Math.ceil(cases / processes)
  const starts = Array.from({ length: processes }, (_, index) => index * share)
  return Promise.all(starts.map((from) => runCases(SCRIPT, from, Math.min(cases, from + share), family)))
}

describe(`${TOTAL} mutated inputs of the identity`, { timeout: 600_000 }, () => {
  it('are at least 100,000', () => assert.ok(TOTAL >= 100_000))

  for (const one of FAMILIES) {
    const { family, what, cases, codes } = one
    it(`${cases} are ${what}: refused, or as they were written, within limits of work, memory and time`, async () => {
      const tallies = await runAll(one)
      const accepted = tallies.reduce((sum, tally) => sum + tally.accepted, 0)
      const refused = tallies.flatMap((tally) => Object.values(tally.refused)).reduce((sum, count) => sum + count, 0)
      assert.equal(accepted + refused, cases)
      assert.ok(accepted > cases / 100 && refused > cases / 4, `${accepted} accepted, ${refused} refused`)
      const seen = new Set(tallies.flatMap((tally) => Object.keys(tally.refused)))
      for (const code of codes) assert.ok(seen.has(code), `${code} is not in ${[...seen]}`)
      for (const { peakMemory } of tallies) assert.ok(peakMemory < MOST_MEMORY, `${peakMemory} bytes`)
    })

    it(`of the family ${family} are the same in every run`, async () => {
      const { caseOf }: { readonly caseOf: CaseOf } = await import(`./mutations/${family}-cases.ts`)
      for (const number of [0, 50, 9999]) assert.deepEqual(caseOf(number), caseOf(number))
    })
  }
})
