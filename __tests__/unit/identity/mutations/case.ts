import type { KeyObject } from 'node:crypto'
import { Random } from '../../distributions/mutations/random.ts'

/** The value of an input; bytes: the path of a file that holds them. */
export type Given = string | Buffer

/** What one run is given. */
export interface Case {
  readonly clientCert: Given
  readonly clientKey?: Given
  readonly passphrase?: string | undefined
  readonly alias?: string | undefined
  readonly caBundle?: Given
  readonly clientCrl?: Given
  /** What an accepted identity must hold one of. */
  readonly keys: readonly KeyObject[]
  /** Text that no message may show ten characters of. */
  readonly secret?: string
}

/** Gives the case of a number: always the same bytes. */
export type CaseOf = (number: number) => Case

/** For one case: neighbouring seeds give neighbouring first numbers. */
export function randomOf(number: number): Random {
  return new Random(Math.imul(number + 1, 0x9e3779b1))
}
