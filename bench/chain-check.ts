/**
 * How long the chain check of a three-certificate chain takes: leaf, intermediate and root, with a revocation list of
 * each CA, by kind of key. The limit is 30 ms. A busy machine stretches the times by the clock, so what counts is the
 * time that the check itself used; the first check of a process, which loads code, is shown by itself.
 */
import { tmpdir } from 'node:os'
import {
  createRoot,
  issueClient,
  issueIntermediate,
  issueRevocationList,
  type KeyKind,
} from '../demo/certificate-authority.ts'
import { checkChain } from '../src/certificates/chain-check.ts'
import { readRevocationLists } from '../src/certificates/revocation-list.ts'
import { readMaterial } from '../src/encoding/input-material.ts'

const KINDS: readonly KeyKind[] = ['rsa', 'rsa-pss', 'ec', 'ec-p384', 'ed25519']
const ROUNDS = 60
const LIMIT_MS = 30

function prepare(keyKind: KeyKind): () => Promise<unknown> {
  const root = createRoot({ name: 'Root', keyKind })
  const issuing = issueIntermediate(root, { name: 'Issuing', keyKind })
  const leaf = issueClient(issuing, { name: 'publisher', keyKind })
  const lists = [root, issuing].map((ca) => issueRevocationList(ca).toString('base64'))
  return async () => {
    const { findings } = await checkChain({
      leaf: leaf.certificate,
      others: [issuing.certificate],
      key: leaf.keys.privateKey,
      clientAnchors: [root.certificate],
      serverAnchors: undefined,
      revocationLists: lists.flatMap((list) =>
        readRevocationLists(readMaterial('client-crl', list, { workspace: tmpdir() })),
      ),
      mode: 'enforce',
      expiryWarningDays: 30,
      expiryErrorDays: 0,
      now: new Date(),
    })
    if (findings.some(({ severity }) => severity === 'error')) throw new Error(`${keyKind}: the chain is refused`)
  }
}

interface Times {
  /** Milliseconds by the clock, of each round. */
  readonly rounds: readonly number[]
  /** Milliseconds of processor time, on the average. */
  readonly used: number
}

async function measure(check: () => Promise<unknown>): Promise<Times> {
  const times: number[] = []
  const before = process.cpuUsage()
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now()
    await check()
    times.push(performance.now() - start)
  }
  const { user, system } = process.cpuUsage(before)
  return { rounds: times, used: (user + system) / 1000 / ROUNDS }
}

const quantile = (times: readonly number[], part: number) =>
  [...times].sort((a, b) => a - b)[Math.floor((times.length - 1) * part)] ?? Number.NaN
const shown = (milliseconds: number) => milliseconds.toFixed(1).padStart(8)

console.log(`chain check, leaf + intermediate + root, two revocation lists, ${ROUNDS} rounds; milliseconds`)
console.log('keys         first  median     95%    used')
let slowest = 0
for (const kind of KINDS) {
  const { rounds, used } = await measure(prepare(kind))
  const columns = [rounds[0] ?? Number.NaN, quantile(rounds, 0.5), quantile(rounds, 0.95), used]
  console.log(kind.padEnd(8) + columns.map(shown).join(''))
  slowest = Math.max(slowest, used)
}
console.log(`${slowest < LIMIT_MS ? 'within' : 'OVER'} the limit of ${LIMIT_MS} ms`)
process.exitCode = slowest < LIMIT_MS ? 0 : 1
