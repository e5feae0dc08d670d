/** Keys and certificates that are the same in every run and every process, so that a case's number gives its bytes again. */
import { checkPrimeSync, createECDH, createPrivateKey, createPublicKey } from 'node:crypto'
import {
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  type KeyPair,
} from '../../../../demo/certificate-authority.ts'
import { Random } from '../../distributions/mutations/random.ts'

export type SeededKind = 'ed25519' | 'ec' | 'rsa'

export function seededKeys(kind: SeededKind, seed: number): KeyPair {
  const privateKey = { ed25519, ec, rsa }[kind](seed)
  return { privateKey, publicKey: createPublicKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()) }
}

export function seededBytes(random: Random, size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => random.below(256)))
}

function ed25519(seed: number) {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
  return createPrivateKey({ key: Buffer.concat([prefix, Buffer.alloc(32, seed)]), format: 'der', type: 'pkcs8' })
}

function ec(seed: number) {
  const half = createECDH('prime256v1')
  half.setPrivateKey(Buffer.alloc(32, seed))
  const point = half.getPublicKey()
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'))
  const d = half.getPrivateKey().toString('base64url')
  return createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', d, x: x ?? '', y: y ?? '' } })
}

const EXPONENT = 65537n

function rsa(seed: number) {
  const random = new Random(seed)
  const [p, q] = [primeFrom(random), primeFrom(random)]
  const phi = (p - 1n) * (q - 1n)
  const d = inverse(EXPONENT, phi)
  const numbers = { n: p * q, e: EXPONENT, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }
  return createPrivateKey({ format: 'jwk', key: { kty: 'RSA', ...encoded(numbers) } })
}

/** Of 1,024 bits, with which a modulus of them has 2,048. */
function primeFrom(random: Random): bigint {
  const start = seededBytes(random, 128)
  start[0] = 0xc0 | (start[0] ?? 0)
  start[127] = 1 | (start[127] ?? 0)
  let candidate = BigInt(`0x${start.toString('hex')}`)
  while (candidate % EXPONENT === 1n || !checkPrimeSync(candidate)) candidate += 2n
  return candidate
}

/** By Euclid's algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [rest, next, factor, nextFactor] = [modulus, value % modulus, 0n, 1n]
  while (next !== 0n) {
    const times = rest / next
    ;[rest, next] = [next, rest - times * next]
    ;[factor, nextFactor] = [nextFactor, factor - times * nextFactor]
  }
  return factor < 0n ? factor + modulus : factor
}

function encoded(numbers: Readonly<Record<string, bigint>>): Record<string, string> {
  const entries = Object.entries(numbers).map(([name, value]): [string, string] => {
    const hex = value.toString(16)
    return [name, Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url')]
  })
  return Object.fromEntries(entries)
}

type Options = Parameters<typeof createRoot>[0]

const DATES = { notBefore: new Date('2020-01-01'), notAfter: new Date('2045-01-01') }

function seeded(kind: SeededKind, seed: number, name: string): Options {
  return { name, keys: seededKeys(kind, seed), keyKind: kind, serial: Buffer.from([0x40, seed]), ...DATES }
}

/** Signatures of RSA (PKCS#1 v1.5) and Ed25519 are the same each time; those of EC are not, so no CA has such a key. */
export function seededRoot(kind: 'ed25519' | 'rsa', seed: number, more: Partial<Options> = {}): Issued {
  return createRoot({ ...seeded(kind, seed, 'Corp Root'), organization: 'Corp', ...more })
}

export function seededIntermediate(
  issuer: Issued,
  kind: 'ed25519' | 'rsa',
  seed: number,
  more: Partial<Options> = {},
): Issued {
  return issueIntermediate(issuer, { ...seeded(kind, seed, 'Issuing'), ...more })
}

export function seededClient(issuer: Issued, kind: SeededKind, seed: number, more: Partial<Options> = {}): Issued {
  return issueClient(issuer, { ...seeded(kind, seed, `publisher ${seed}`), ...more })
}
