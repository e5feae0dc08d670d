import type { Distribution } from '../distributions/distribution.ts'
import type { ErrorCode, PublishError } from '../errors.ts'

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

/** What was really compared: the index's digest (sha256 also of its file itself), or no more than its size. */
export type Verified = 'sha256' | 'sha384' | 'sha512' | 'size' | 'no'

/** The end of one file, for annotations, summary, outputs and the JSON report. */
export interface FileResult {
  /** Base name, checked: `^[A-Za-z0-9][A-Za-z0-9_.!+-]*$`. */
  readonly file: string
  /** Normalised project name (PEP 503). */
  readonly project: string
  /** Normalised version (PEP 440). */
  readonly version: string
  readonly kind: 'wheel' | 'sdist'
  /** Lower-case hex; undefined where the file could not be hashed, or the run was over before. */
  readonly sha256: string | undefined
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
  /** Under what the operators of a front or of the index find the last request in their logs. Printable. */
  readonly requestNumber?: string
  /** When the server, which wants fewer requests, asks to come back. */
  readonly notBefore?: Date
  /** What the index has under the name of a file that was not put there by this run, as far as it is known. */
  readonly there?: There
}

/**
 * `other` bytes, `unknown` ones that cannot be compared; or either after the server has `taken` this file as well, or has
 * `perhaps-taken` it.
 */
export type There = 'other' | 'unknown' | 'taken' | 'perhaps-taken'

/** Whether a file with this outcome makes the step fail. */
export function failsStep(outcome: Outcome): boolean {
  return ['conflict', 'rejected', 'unconfirmed', 'no-answer', 'not-tried'].includes(outcome)
}

/** What is to be said of a file besides what it is. */
type Story = Pick<FileResult, 'outcome'> & Partial<Omit<FileResult, 'outcome'>>

export function resultOf({ file, project, version, kind, digests, size }: Distribution, story: Story): FileResult {
  const what = { file, project, version, kind, sha256: digests.known?.sha256, size }
  const nothing = { verified: 'no', attempts: 0, milliseconds: 0 } as const
  return { ...what, ...nothing, code: undefined, message: undefined, hint: undefined, ...story }
}

/** The words of a problem, as a file's. */
export function wordsOfProblem(problem: PublishError | undefined): Pick<FileResult, 'code' | 'message' | 'hint'> {
  return { code: problem?.code, message: problem?.message, hint: problem?.hint }
}

/**
 * A file that is not sent because of `problem`. It is told where it happened: repeated for each file, it would be the
 * whole log. Undefined: the run ended before its turn.
 */
export function notTried(distribution: Distribution, problem: PublishError | undefined): FileResult {
  return resultOf(distribution, {
    outcome: 'not-tried',
    code: problem?.code,
    message:
      problem === undefined ? 'not sent: the run ended before its turn' : 'not sent, because of an earlier fault',
  })
}
