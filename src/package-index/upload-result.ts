import type { Distribution } from '../distributions/distribution.ts'
import type { PublishError } from '../errors.ts'
import type { Confirmation } from './confirm.ts'
import { NO_FINAL_ANSWER, type OurFile } from './existing.ts'
import { type FileResult, resultOf, wordsOfProblem } from './outcome.ts'
import type { UploadEnd } from './upload.ts'

/** What a wait for the index came to that did not list the file. */
type Missing = Extract<Confirmation, { state: 'missing' }>

/** What every result of a file that was sent has. */
export function sentOf(end: UploadEnd): Pick<FileResult, 'attempts' | 'milliseconds' | 'requestNumber'> {
  const { attempts, milliseconds, requestNumber } = end
  return { attempts, milliseconds, ...(requestNumber !== undefined && { requestNumber }) }
}

/** Whether the server may have stored the file without a yes. */
export function mayBeStored({ uncertain, odd }: UploadEnd): boolean {
  return uncertain || odd
}

/** Whether that is likely: not behind a redirect, a page to log in, or a 429 alone. */
export function isLikelyStored({ likelyStored, status = 0 }: UploadEnd): boolean {
  return likelyStored || status >= 500
}

/** What became of our file where the index has other bytes. */
export function oursOf(end: UploadEnd | undefined): OurFile {
  if (end?.outcome === 'published') return 'taken'
  return end !== undefined && mayBeStored(end) ? 'perhaps-taken' : 'not-sent'
}

/** Whether the index said what it has, when it was asked last; `off`: nobody asks it. */
export type LastLook = 'answered' | 'blind' | 'off'

/**
 * What the last answer, or its absence, says. But a no, or a file that cannot be read any more, says nothing about a try
 * before it that may have stored the file.
 */
export function refused(distribution: Distribution, end: UploadEnd, look: LastLook): FileResult {
  const { outcome, problem, notBefore, retry, uncertain, likelyStored, status } = end
  const time = notBefore === undefined ? {} : { notBefore }
  const isNo = outcome === 'not-tried' || (outcome === 'rejected' && retry === undefined)
  const words = problem?.message ?? 'no'
  if ((uncertain && isNo) || (likelyStored && status === 429)) {
    const why = `${NO_FINAL_ANSWER}; then ${words}`
    return { ...unconfirmed(distribution, end, why, look), ...time }
  }
  if (look === 'blind' && outcome === 'rejected') {
    const why = `${words}; and the simple index did not say whether it has the file`
    return { ...unconfirmed(distribution, end, why), ...time }
  }
  return resultOf(distribution, { ...sentOf(end), outcome, ...wordsOfProblem(problem), ...time })
}

/** A file that cannot be sent: it is not what was checked any more. */
export function withdrawn(distribution: Distribution, problem: PublishError): FileResult {
  return resultOf(distribution, { outcome: 'not-tried', ...wordsOfProblem(problem) })
}

/** The server took it, or says that it has it, and the index did not list it in time. */
export function unlisted(distribution: Distribution, end: UploadEnd, missing: Missing): FileResult {
  const result = unconfirmed(distribution, end, `${yesOf(end)}, but ${notListed(missing)}`)
  return isStrange(missing) ? { ...result, hint: `${OTHER_INDEX} ${RE_RUN}` } : result
}

/** An index that answers and has never heard of the project may be another one than files are sent to. */
function isStrange({ why, knowsProject }: Missing): boolean {
  return why === undefined && !knowsProject
}

const OTHER_INDEX = 'Check that `check-url` is the index that `repository-url` publishes to.'

/** The run was cancelled while the index was waited for. */
export function abandoned(distribution: Distribution, end: UploadEnd): FileResult {
  return unconfirmed(distribution, end, `${yesOf(end)}, but the run ended before the index listed it`)
}

function yesOf({ exists, status }: UploadEnd): string {
  return exists ? 'it says that the file exists' : `accepted (${status})`
}

const UNSEEN_HINT =
  'Set `check-url` to the simple index, and the bytes are compared: the same ones count as published, others need a new version.'

/** The server says that the file exists, and the index does not show which bytes. `missing`: undefined where nobody looks. */
export function notComparable(
  distribution: Distribution,
  end: UploadEnd,
  missing: Missing | undefined,
  skipExisting: boolean,
): FileResult {
  const look = missing === undefined ? 'off' : 'answered'
  if (end.uncertain) return unconfirmed(distribution, end, NO_FINAL_ANSWER, look)
  const { code, message } = wordsOfProblem(end.problem)
  const why = missing === undefined ? '' : `; ${notListed(missing)}, so its bytes cannot be compared`
  // Only where nobody looks is the server's word enough to leave it at that.
  const isSkipped = skipExisting && missing === undefined
  return resultOf(distribution, {
    ...sentOf(end),
    outcome: isSkipped ? 'skipped' : 'rejected',
    code,
    message: `${message}${why}`,
    hint: isSkipped ? undefined : adviceOn(missing),
  })
}

function adviceOn(missing: Missing | undefined): string {
  if (missing === undefined) return UNSEEN_HINT
  return isStrange(missing) ? `${OTHER_INDEX} ${RE_RUN}` : RE_RUN
}

function notListed(missing: Missing): string {
  const { waitedMs, why } = missing
  const strange = isStrange(missing) ? ' (it has no file of the project at all)' : ''
  const reason = why === undefined ? strange : ` (${why})`
  return `the index did not list it within ${Math.max(1, Math.round(waitedMs / 1000))} s${reason}`
}

const RE_RUN = 'Do not build again: "Re-run failed jobs" sends the same file, and one that is there is recognised.'

const LOOK_YOURSELF =
  'Do not build again. Look whether the index has it, or set `check-url`, before "Re-run failed jobs" sends it once more.'

/** It may well be there: a new build would have other bytes, and then be in conflict. */
function unconfirmed(distribution: Distribution, end: UploadEnd, why: string, look: LastLook = 'answered'): FileResult {
  return resultOf(distribution, {
    ...sentOf(end),
    outcome: 'unconfirmed',
    code: 'E_INDEX_UNCONFIRMED',
    message: why,
    hint: look === 'off' ? LOOK_YOURSELF : RE_RUN,
  })
}
