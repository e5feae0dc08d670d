import type { ErrorCode } from '../errors.ts'

/** What can become of one file. The last five fail the step. */
export const OUTCOMES = [
  'published',
  'already-published',
  'skipped',
  'would-publish',
  'conflict',
  'rejected',
  'unconfirmed',
  'no-answer',
  'not-tried',
] as const

export type Outcome = (typeof OUTCOMES)[number]

/** What was really compared after the upload. */
export type Verified = 'sha256' | 'size' | 'no'

/** The end of one file, for annotations, summary, outputs and the JSON report. */
export interface FileResult {
  /** Base name, checked: `^[A-Za-z0-9][A-Za-z0-9_.!+-]*$`. */
  readonly file: string
  /** Normalised project name (PEP 503). */
  readonly project: string
  /** Normalised version (PEP 440). */
  readonly version: string
  readonly kind: 'wheel' | 'sdist'
  /** Lower-case hex. */
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  readonly outcome: Outcome
  readonly verified: Verified
  /** Requests that carried the file, 0 when none was sent. */
  readonly attempts: number
  /** From the start of the first attempt to the last answer. */
  readonly milliseconds: number
  readonly code: ErrorCode | undefined
  /** One sentence for people (redacted, printable); undefined for a plain success. */
  readonly message: string | undefined
  readonly hint: string | undefined
}

/** Whether a file with this outcome makes the step fail. */
export function failsStep(outcome: Outcome): boolean {
  return ['conflict', 'rejected', 'unconfirmed', 'no-answer', 'not-tried'].includes(outcome)
}
