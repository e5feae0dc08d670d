/** Certificates and revocation lists with bytes turned, cut, repeated and exchanged: findings or a problem, never more. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  createRoot,
  generateKeys,
  type Issued,
  issueClient,
  issueIntermediate,
  issueRevocationList,
} from '../../../demo/certificate-authority.ts'
import { checkChain } from '../../../src/certificates/chain-check.ts'
import { type RevocationList, readRevocationLists } from '../../../src/certificates/revocation-list.ts'
import { PublishError } from '../../../src/errors.ts'
import { alternativeNames, constraints, GENERAL } from '../../support/profile-chains.ts'
import { distributionPoint } from '../../support/revocation-chains.ts'

/** Milliseconds that one case may take: nobody waits for a hostile file. */
const WATCHDOG = 10_000

/** Numbers below `limit`, the same in every run (a linear congruential generator). */
function numbers(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

const below = numbers(20261126)
const LENGTHS = [0x00, 0x7f, 0x80, 0x81, 0x84, 0x88, 0xff]
const TAGS = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x17, 0x18, 0x1c, 0x1e, 0x30, 0x31, 0x80, 0x81, 0xa0, 0xa3, 0x1f,
]

/** One change; more often inside of what is signed than in the signature behind it. */
function mutate(der: Buffer): Buffer {
  const at = below(der.length)
  const to = Math.min(der.length, at + 1 + below(40))
  const changed = Buffer.from(der)
  const kind = below(8)
  if (kind === 0) changed[at] = below(256)
  if (kind === 1) changed[at] = (changed[at] ?? 0) ^ (1 << below(8))
  if (kind === 2) changed[at] = TAGS[below(TAGS.length)] ?? 0
  if (kind === 3) changed[at] = LENGTHS[below(LENGTHS.length)] ?? 0
  if (kind === 4) return Buffer.concat([der.subarray(0, at), der.subarray(to)])
  if (kind === 5) return Buffer.concat([der.subarray(0, to), der.subarray(at)])
  if (kind === 6) return der.subarray(0, at)
  if (kind === 7) changed.fill(der.subarray(at, to), below(der.length))
  return changed
}

function mutated(der: Buffer): Buffer {
  let changed = mutate(der)
  for (let left = Math.max(0, below(5) - 2); left > 0 && changed.length > 0; left -= 1) changed = mutate(changed)
  return changed
}

const root = createRoot({
  name: 'Corp Root',
  organization: 'Corp',
  extensions: [constraints([], [GENERAL.dns('bad.example')])],
})
const tens = GENERAL.ip(10, 0, 0, 0, 255, 0, 0, 0)
const issuing = issueIntermediate(root, {
  name: 'Issuing',
  extensions: [constraints([GENERAL.dns('corp.example'), tens])],
})
const names = [
  GENERAL.dns('ci.corp.example'),
  GENERAL.ip(10, 1, 2, 3),
  GENERAL.uri('https://ci.corp.example/'),
  GENERAL.email('ci@corp.example'),
]
const leaf = issueClient(issuing, {
  name: 'publisher',
  extensions: [alternativeNames(...names), distributionPoint('http://crl.corp.example/1.crl')],
})
const listDers = [
  issueRevocationList(root),
  issueRevocationList(issuing, {
    revoked: [{ certificate: leaf, reason: 1 }, { certificate: root }, { certificate: issuing, reason: 6 }],
  }),
]
const lists = listDers.flatMap((der) => readLists(der))
/** A handshake takes most of a check's time; without the right key there is none. */
const wrongKey = generateKeys('ec').privateKey

function readLists(bytes: Buffer): readonly RevocationList[] {
  return readRevocationLists({ input: 'client-crl', bytes, text: undefined, origin: 'base64' })
}

interface Chain {
  readonly leaf: X509Certificate
  readonly others: readonly X509Certificate[]
  readonly anchors: readonly X509Certificate[]
}

async function check(
  { leaf: own, others, anchors }: Chain,
  revocationLists: readonly RevocationList[],
  handshake: boolean,
) {
  const start = performance.now()
  const { findings } = await checkChain({
    leaf: own,
    others,
    key: handshake ? leaf.keys.privateKey : wrongKey,
    clientAnchors: anchors,
    serverAnchors: undefined,
    revocationLists,
    mode: 'enforce',
    expiryWarningDays: 30,
    expiryErrorDays: 0,
    now: new Date(),
  })
  assert.ok(performance.now() - start < WATCHDOG)
  for (const { message } of findings) assert.match(message, /^[^\p{Cc}\p{Cf}]+$/u)
  return findings
}

/** Undefined where Node itself does not read it: such a certificate never comes so far. */
function parse(der: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(der)
  } catch {
    return undefined
  }
}

const sound: Chain = { leaf: leaf.certificate, others: [issuing.certificate], anchors: [root.certificate] }

/** The chain with one of its certificates exchanged. */
function exchange(original: Issued, by: X509Certificate): Chain {
  if (original === leaf) return { ...sound, leaf: by }
  return original === issuing ? { ...sound, others: [by] } : { ...sound, anchors: [by] }
}

describe('mutated certificates', () => {
  it('give findings: 14,000 of them, in each place of the chain', { timeout: 300_000 }, async () => {
    const seen = new Set<string>()
    let read = 0
    for (let round = 0; round < 14_000; round += 1) {
      const original = [leaf, issuing, root][round % 3] ?? leaf
      const certificate = parse(mutated(original.der))
      if (certificate === undefined) continue
      read += 1
      const findings = await check(exchange(original, certificate), lists, read % 16 === 0)
      for (const { code } of findings) seen.add(code)
    }
    // As many kinds of findings as can be told apart by a turned byte: a mutator that breaks everything has three.
    assert.ok(read > 3_000, `${read} could be read`)
    assert.ok(seen.size >= 10, [...seen].join())
  })
})

describe('mutated revocation lists', () => {
  it('give findings or E_CRL_UNREADABLE: 14,000 of them', { timeout: 300_000 }, async () => {
    const seen = new Set<string>()
    for (let round = 0; round < 14_000; round += 1) {
      const which = round % 2
      const other = lists[1 - which] ?? assert.fail()
      try {
        const changed = readLists(mutated(listDers[which] ?? assert.fail()))
        for (const { code } of await check(sound, [...changed, other], false)) seen.add(code)
      } catch (error) {
        assert.ok(
          error instanceof PublishError && /^E_(CRL_UNREADABLE|INPUT_TRUNCATED)$/.test(error.code),
          `round ${round}: ${error}`,
        )
        seen.add(error.code)
      }
    }
    for (const code of ['E_CRL_UNREADABLE', 'E_INPUT_TRUNCATED', 'E_CRL_FORGED', 'E_CRL_MISSING', 'E_CERT_REVOKED']) {
      assert.ok(seen.has(code), `${code} in ${[...seen]}`)
    }
  })

  it('of the largest size that is read cost bounded work', { timeout: 60_000 }, async () => {
    const many = Array.from({ length: 24_000 }, (_, index) => ({
      certificate: issueClientNumber(index),
    }))
    const large = issueRevocationList(issuing, { revoked: many })
    assert.ok(large.length > 700_000, `${large.length}`)
    const findings = await check(sound, [...readLists(large), ...lists.slice(0, 1)], false)
    assert.deepEqual(
      findings.filter(({ code }) => code === 'E_CERT_REVOKED'),
      [],
    )
    const small = issueRevocationList(createRoot({ name: 'x', keyKind: 'ed448' }))
    assert.throws(
      () => readRevocationLists({ input: 'client-crl', bytes: small, text: pem(small).repeat(900), origin: 'text' }),
      { code: 'E_CRL_UNREADABLE' },
    )
  })
})

/** Only its number counts. */
function issueClientNumber(index: number): Issued {
  const der = Buffer.from(leaf.der)
  const at = der.indexOf(Buffer.from(leaf.certificate.serialNumber, 'hex'))
  der.writeUInt32BE(index, at + 8)
  return { ...leaf, der }
}

function pem(der: Buffer): string {
  return `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----\n`
}
