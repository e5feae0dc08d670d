import { hash, pbkdf2 } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { formatNumber } from '../encoding/der.ts'
import { type Algorithm, algorithm, members } from './asn1.ts'
import type { DerivationBudget } from './derivation-budget.ts'
import { damaged, unsupported } from './pkcs12-fault.ts'
import { optionalInteger, saltAndIterations } from './pkcs12-file.ts'

/** A password in the two forms that PKCS#12 files derive keys from. */
export interface Password {
  /** UTF-16, big-endian, with two zero bytes behind it (RFC 7292, B.1); nothing at all where there is no password. */
  readonly bmp: Buffer
  readonly utf8: Buffer
}

/** Of one derivation. Programs write 2,048 to 600,000, some a million. */
const MOST_OLD_ITERATIONS = 1_000_000
const MOST_PBKDF2_ITERATIONS = 5_000_000

/** What an iteration of PBKDF2 costs in these rounds: OpenSSL does it without leaving for JavaScript each time. */
const PBKDF2_COST = 0.4

/** Rounds between two looks at the signal: about ten milliseconds. */
const SLICE = 10_000

const PBKDF2 = '1.2.840.113549.1.5.12'

const HMACS: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  ['1.2.840.113549.2.8', 'sha224'],
  ['1.2.840.113549.2.9', 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
])

const HMAC_SHA1 = '1.2.840.113549.2.7'

/** The digest of an HMAC (RFC 8018, B.1). Throws Pkcs12Fault `unsupported`. */
export function digestOfHmac(oid: string): string {
  const digest = HMACS.get(oid)
  if (digest === undefined) throw unsupported(`uses an HMAC that this action does not have (${oid})`)
  return digest
}

/** Bytes that the old function works on at once: the digests' block size (RFC 7292, B.2). */
function blockSize(digest: string): number {
  return digest === 'sha384' || digest === 'sha512' ? 128 : 64
}

export interface OldDerivation {
  readonly digest: 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512'
  /** What the key is for: 1 encryption, 2 initialisation vector, 3 MAC (RFC 7292, B.3). */
  readonly purpose: 1 | 2 | 3
  readonly salt: Buffer
  readonly iterations: number
  /** Bytes. */
  readonly length: number
}

/**
 * Derives the keys of one file within the bounds of its input. Every promise rejects with
 * Pkcs12Fault `damaged` or `unsupported`, or the signal's reason once it is aborted.
 */
export class KeyDerivation {
  readonly #signal: AbortSignal
  readonly #budget: DerivationBudget

  constructor(signal: AbortSignal, budget: DerivationBudget) {
    this.#signal = signal
    this.#budget = budget
  }

  /** The derivation of PKCS#12 itself (RFC 7292, B.2). */
  async old(password: Password, options: OldDerivation): Promise<Buffer> {
    const { digest, purpose, salt, iterations, length } = options
    const block = blockSize(digest)
    const diversifier = Buffer.alloc(block, purpose)
    const input = Buffer.concat([repeated(salt, block), repeated(password.bmp, block)])
    const parts: Buffer[] = []
    for (let have = 0; have < length; have += parts.at(-1)?.length ?? length) {
      this.#spend(iterations, MOST_OLD_ITERATIONS, 1)
      const derived = await this.#hashed(digest, Buffer.concat([diversifier, input]), iterations)
      parts.push(derived)
      addToBlocks(input, repeated(derived, block).subarray(0, block))
    }
    return Buffer.concat(parts).subarray(0, length)
  }

  async #hashed(digest: string, start: Buffer, iterations: number): Promise<Buffer> {
    let derived = start
    for (let round = 0; round < iterations; round += 1) {
      if (round % SLICE === 0) {
        await setImmediate()
        this.#signal.throwIfAborted()
      }
      derived = hash(digest, derived, 'buffer')
    }
    return derived
  }

  /**
   * PBKDF2 by its algorithm identifier (RFC 8018, A.2). `length` in bytes: what the cipher needs; undefined: what the
   * parameters must say themselves (RFC 9579, 4).
   */
  async pbkdf2(password: Password, { oid, parameters }: Algorithm, length: number | undefined): Promise<Buffer> {
    if (oid !== PBKDF2) throw unsupported(`derives its key in a way that this action does not have (${oid})`)
    const fields = members(parameters)
    const { salt, iterations } = saltAndIterations(fields)
    const { value: stated, rest } = optionalInteger(fields.slice(2))
    const bytes = length ?? stated ?? 0
    if (bytes < 1 || bytes > 64 || (stated ?? bytes) !== bytes) throw damaged('the length of a key in it is wrong')
    const digest = digestOfHmac(rest[0] === undefined ? HMAC_SHA1 : algorithm(rest[0]).oid)
    this.#spend(iterations, MOST_PBKDF2_ITERATIONS, PBKDF2_COST)
    return this.#unlessAborted((done) => pbkdf2(password.utf8, salt, iterations, bytes, digest, done))
  }

  /** A thread of Node's pool goes on to its end, but nobody waits for it. */
  #unlessAborted(start: (done: (error: Error | null, key: Buffer) => void) => void): Promise<Buffer> {
    const signal = this.#signal
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      start((error, key) => {
        signal.removeEventListener('abort', abort)
        if (error === null) resolve(key)
        else reject(error)
      })
    })
  }

  #spend(iterations: number, most: number, cost: number): void {
    if (iterations < 1) throw damaged('a number of iterations in it is 0')
    if (iterations > most) {
      throw unsupported(
        `asks for ${formatNumber(iterations)} rounds of key derivation, more than ${formatNumber(most)}`,
      )
    }
    if (!this.#budget.afford(iterations * cost))
      throw unsupported('asks for more key derivation than any program writes')
  }
}

/** Whole blocks of `bytes`, over and over; none of nothing. */
function repeated(bytes: Buffer, block: number): Buffer {
  return Buffer.alloc(block * Math.ceil(bytes.length / block), bytes)
}

/** Each block of `input`, a big-endian number, plus `addend` plus one; what is carried out of the block is lost. */
function addToBlocks(input: Buffer, addend: Buffer): void {
  for (let start = 0; start < input.length; start += addend.length) {
    let carry = 1
    for (let at = addend.length - 1; at >= 0; at -= 1) {
      carry += (input[start + at] ?? 0) + (addend[at] ?? 0)
      input[start + at] = carry & 0xff
      carry >>= 8
    }
  }
}
