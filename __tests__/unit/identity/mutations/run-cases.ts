/**
 * A process that reads the cases of the numbers `from` to `to - 1` of one family as a run reads its inputs:
 * `node run-cases.ts from to family`. Before each case it sends the number to its parent; at the end the count of what
 * was accepted and refused, or what went wrong.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, verify, type X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readBundle } from '../../../../src/certificates/bundle.ts'
import { checkChain } from '../../../../src/certificates/chain-check.ts'
import { type RevocationList, readRevocationLists } from '../../../../src/certificates/revocation-list.ts'
import { type InputMaterial, linesToMask, readMaterial } from '../../../../src/encoding/input-material.ts'
import { ProblemList, type PublishError, problemsOf } from '../../../../src/errors.ts'
import { type ClientIdentity, readClientIdentity, refuseFaultsOf } from '../../../../src/identity/client-identity.ts'
import { KeyDerivation } from '../../../../src/identity/derivation.ts'
import type { Tally } from '../../../support/mutation-process.ts'
import type { Case, CaseOf, Given } from './case.ts'

/** Making keys and certificates takes time, so only those of one family are made. */
const FAMILIES = new Map<string, () => Promise<{ readonly caseOf: CaseOf }>>([
  ['pem', () => import('./pem-cases.ts')],
  ['der', () => import('./der-cases.ts')],
  ['pkcs12', () => import('./pkcs12-cases.ts')],
  ['chain', () => import('./chain-cases.ts')],
])

/** Rounds of the old derivation that one PKCS#12 file may cost. */
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

const signal = new AbortController().signal
/** With it there is no handshake, which takes most of a chain check's time. */
const wrongKey = generateKeyPairSync('ed25519').privateKey
const workspace = mkdtempSync(path.join(tmpdir(), 'mutations-'))

function material(input: string, given: Given): InputMaterial {
  const file = path.join(workspace, `${input}.pem`)
  if (typeof given !== 'string') writeFileSync(file, given)
  const read = readMaterial(input, typeof given === 'string' ? given : file, { workspace })
  linesToMask(read)
  return read
}

/** Everything that is wrong with a case; its chain check's findings among it. */
async function read(mutated: Case, number: number): Promise<ProblemList> {
  const problems = new ProblemList()
  const { caBundle, clientCrl } = mutated
  const identity = await problems.collect(() => identify(mutated, problems))
  const anchors = caBundle && (await problems.collect(() => readBundle(material('ca-bundle', caBundle))))
  const lists = clientCrl && (await problems.collect(() => readRevocationLists(material('client-crl', clientCrl))))
  if (identity === undefined) return problems
  assertSound(identity, mutated)
  // The reader itself has signed with it: this is the check of that.
  if (number % 8 === 0) assertSigns(identity)
  const withHandshake = number % 50 === 0
  for (const finding of await findingsOf(identity, anchors || undefined, lists || undefined, withHandshake)) {
    assert.match(finding.message, /^[^\p{Cc}\p{Cf}]+$/u)
    if (finding.severity !== 'notice') problems.add(finding)
  }
  return problems
}

async function identify(mutated: Case, problems: ProblemList): Promise<ClientIdentity | undefined> {
  const { clientCert, clientKey, passphrase, alias } = mutated
  const certificate = await problems.collect(() => material('client-cert', clientCert))
  const key = clientKey && (await problems.collect(() => material('client-key', clientKey)))
  if (certificate !== undefined && (key !== undefined) === (clientKey !== undefined)) {
    return readClientIdentity({ certificate, key: key || undefined, passphrase, alias, now: new Date(), signal })
  }
  const half = certificate ?? key
  if (half) await refuseFaultsOf(half, { passphrase, alias, signal })
  return undefined
}

function assertSound({ leaf, key }: ClientIdentity, { keys }: Case): void {
  assert.ok(leaf.checkPrivateKey(key), 'the key does not fit the leaf')
  assert.ok(
    keys.some((one) => one.equals(key)),
    'the key is none that was written',
  )
}

function assertSigns({ leaf, key }: ClientIdentity): void {
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  const sample = Buffer.from('sample')
  assert.ok(verify(digest, sample, leaf.publicKey, sign(digest, sample, key)), 'the key does not sign')
}

async function findingsOf(
  { leaf, key, others }: ClientIdentity,
  clientAnchors: readonly X509Certificate[] | undefined,
  revocationLists: readonly RevocationList[] | undefined,
  withHandshake: boolean,
) {
  const { findings } = await checkChain({
    leaf,
    others,
    key: withHandshake ? key : wrongKey,
    clientAnchors,
    serverAnchors: undefined,
    revocationLists,
    mode: 'enforce',
    expiryWarningDays: 30,
    expiryErrorDays: 0,
    now: new Date(),
    signal,
  })
  return findings.filter(({ code }) => withHandshake || code !== 'E_KEY_MISMATCH')
}

/** Anything else that is thrown, or that a refusal hides, is a fault of the reader. */
function assertOurs({ code, cause, message, hint = '' }: PublishError, secret: string): void {
  assert.match(code, /^E_(INPUT|CERT|KEY|CA|CRL)_/, `${message}: ${cause instanceof Error ? cause.stack : cause}`)
  const isDefect = cause instanceof TypeError || cause instanceof RangeError || cause instanceof ReferenceError
  assert.ok(!isDefect, `${message}: ${cause}`)
  const words = `${message}${hint}`
  assert.ok(message.length < 2000 && !/[\0-\x1f\x7f]/.test(words), message)
  const pieces = piecesOf(secret)
  for (let at = 0; at + PIECE <= words.length; at += 1) {
    assert.ok(!pieces.has(words.slice(at, at + PIECE)), `it shows a part of the key: ${words}`)
  }
}

/** Characters of a key in a row that no message may have. */
const PIECE = 10

const known = new Map<string, ReadonlySet<string>>()

function piecesOf(secret: string): ReadonlySet<string> {
  const found = known.get(secret)
  if (found !== undefined) return found
  const pieces = new Set<string>()
  for (let at = 0; at + PIECE <= secret.length; at += 1) pieces.add(secret.slice(at, at + PIECE))
  known.set(secret, pieces)
  return pieces
}

async function runCase(number: number, caseOf: CaseOf): Promise<string | undefined> {
  const mutated = caseOf(number)
  Object.assign(cost, { rounds: 0, calls: 0 })
  const problems = await read(mutated, number)
  const mostCalls = 10 + mutated.clientCert.length / 100
  assert.ok(cost.rounds <= MOST_ROUNDS && cost.calls <= mostCalls, JSON.stringify(cost))
  for (const problem of problems.all) assertOurs(problem, mutated.secret ?? '')
  return problems.all[0]?.code
}

async function run(from: number, to: number, caseOf: CaseOf): Promise<void> {
  let accepted = 0
  const refused: Record<string, number> = {}
  for (let number = from; number < to; number += 1) {
    process.send?.({ number })
    const code = await runCase(number, caseOf).catch((error: unknown) => {
      const [problem] = problemsOf(error)
      throw new Error(`case ${number}: ${problem?.cause ?? error}`, { cause: error })
    })
    if (code === undefined) accepted += 1
    else refused[code] = (refused[code] ?? 0) + 1
  }
  const peakMemory = process.resourceUsage().maxRSS * 1024
  process.send?.({ tally: { accepted, refused, peakMemory } satisfies Tally })
}

const [, , from, to, family = ''] = process.argv
try {
  const { caseOf } = await (FAMILIES.get(family) ?? assert.fail(family))()
  await run(Number(from), Number(to), caseOf)
} finally {
  rmSync(workspace, { recursive: true, force: true })
}
process.disconnect?.()
