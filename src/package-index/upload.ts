import { monotonicNow } from '../clock.ts'
import type { Distribution } from '../distributions/distribution.ts'
import { type Attempt, attempt, formOf, isMissing, type Looks, type Upload, type UploadTarget } from './attempt.ts'
import type { Exchange } from './exchange.ts'
import type { Verdict } from './explain.ts'
import { twiceAtOnePlace } from './no-answer.ts'
import type { Turn } from './pace.ts'
import { LONGEST_WAIT } from './retry-after.ts'
import { isSamePlace } from './same-place.ts'
import { type Finding, isListed } from './simple-index.ts'

/** What became of one upload, and what ends with it. */
export interface UploadEnd extends Verdict {
  /** Requests that carried the file, 0 when none was sent. */
  readonly attempts: number
  /** From the start of the first attempt to the last answer. */
  readonly milliseconds: number
  /** Of the last answer; undefined: there was none. */
  readonly status: number | undefined
  /** What the index had when it was asked after a try whose end nobody knows. */
  readonly found: Finding | undefined
  /** When the server asks to come back, where that is after this run. */
  readonly notBefore: Date | undefined
  /** Whether a try that was not answered for good, the last one too, may have stored the file. */
  readonly uncertain: boolean
  /** Whether a whole form got a last answer that is neither a yes nor a plain no. */
  readonly odd: boolean
  /** As `uncertain`, a 429 not counted: a server that wants fewer requests has hardly stored one. */
  readonly likelyStored: boolean
}

/** The attempts of one file so far. */
interface Tries {
  /** Milliseconds of `monotonicNow()`. */
  readonly start: number
  /** Requests that carried the file. */
  attempts: number
  /** Whether one that was not answered for good may have stored it. */
  uncertain: boolean
  /** The same, a 429 not counted. */
  likelyStored: boolean
  /** The last one, where its connection died. */
  died: Exchange | undefined
  /** Whether the last two died at one place. */
  diedTwice: boolean
}

/**
 * Sends one distribution with the legacy upload API (PyPI's "file_upload", which private indexes copy), and sends it
 * again where that may help: never before the index was asked whether it has the file after all, never against an answer
 * that is final, and not a third time where the connection died twice at one place. `first`: the turn in which the file
 * was looked up; undefined: none was taken.
 *
 * @throws PublishError E_DIST_CHANGED, E_DIST_FILE where the file cannot be hashed; the signal's reason when the run is
 * cancelled
 */
export async function uploadDistribution(
  distribution: Distribution,
  target: UploadTarget,
  looks: Looks | undefined,
  signal: AbortSignal,
  first?: Turn,
): Promise<UploadEnd> {
  const { pace } = target
  const upload: Upload = {
    distribution,
    form: formOf(distribution, await distribution.digests.get()),
    target,
    looks,
    signal,
  }
  const start = monotonicNow()
  const tries: Tries = { start, attempts: 0, uncertain: false, likelyStored: false, died: undefined, diedTwice: false }
  let turn = first ?? (await pace.turn(signal))
  for (let left = target.retries; ; left -= 1) {
    const last = await inTurn(turn, upload, tries)
    const mayFollow = last.mayRepeat && left > 0 && !tries.diedTwice
    // Before the index is asked, which waits as well: a log that is silent for minutes says why.
    if (mayFollow && last.verdict.problem !== undefined) target.onRetry(distribution, last.verdict.problem, pace.waitMs)
    const asks = isOpen(last) || isOdd(last, upload) || (tries.uncertain && last.verdict.outcome !== 'published')
    const answeredAt = monotonicNow()
    const found = asks && !isListed(last.found) ? await looks?.now(distribution, 'json') : last.found
    const end = endOf(last, found, upload, tries, answeredAt)
    const isBlind = isOpen(last) && looks !== undefined && found === undefined
    if (!mayFollow || isListed(found) || isBlind) return end
    turn = await pace.turn(signal)
    const late = await lateLook(upload, turn, asks)
    if (!pace.isOver && isMissing(late, looks)) continue
    pace.left(turn)
    return { ...end, found: late ?? found }
  }
}

/**
 * The others may have shown meanwhile that another try is of no use; or the wait was what a slow index needed to list the
 * file, and its page in HTML may be fresher than the one in JSON.
 */
async function lateLook(
  { distribution, target, looks }: Upload,
  turn: Turn,
  asks: boolean,
): Promise<Finding | undefined> {
  const { pace } = target
  try {
    if (pace.isOver) return undefined
    return asks ? await looks?.now(distribution, 'html') : await looks?.recent(distribution)
  } catch (error) {
    pace.left(turn)
    throw error
  }
}

/** One attempt, and whether the server's pace leaves room for another. */
async function inTurn(turn: Turn, upload: Upload, tries: Tries): Promise<Attempt & { readonly mayRepeat: boolean }> {
  const { pace } = upload.target
  try {
    const one = await attempt(upload, tries.died)
    note(one, upload, tries)
    const { retry } = one.verdict
    const mayRepeat = retry !== undefined && (retry.afterMs ?? 0) <= LONGEST_WAIT
    if (mayRepeat) return { ...one, mayRepeat: pace.failed(turn, retry.afterMs) }
    if (one.exchange.answer !== undefined) pace.answered(turn)
    return { ...one, mayRepeat }
  } finally {
    pace.left(turn)
  }
}

/** Whether nobody knows what became of the file: no answer, or one that is not the last word. */
function isOpen({ exchange, verdict }: Attempt): boolean {
  return exchange.started && (exchange.answer === undefined || verdict.retry !== undefined)
}

/** Whether a whole form got an answer that is neither a yes nor a plain no: the index may have stored it all the same. */
function isOdd({ exchange, verdict }: Attempt, { form }: Upload): boolean {
  const status = exchange.answer?.status
  if (status === undefined || exchange.sent < form.contentLength || verdict.outcome === 'published') return false
  return status < 400 || status === 499 || status >= 500
}

function note(one: Attempt, { form }: Upload, tries: Tries): void {
  const { exchange, sends } = one
  const isDeath = exchange.started && exchange.answer === undefined
  tries.attempts += sends
  const isUncertain = isOpen(one) && exchange.sent === form.contentLength
  tries.uncertain ||= isUncertain
  tries.likelyStored ||= isUncertain && exchange.answer?.status !== 429
  tries.diedTwice = isDeath && isSamePlace(tries.died, exchange, form)
  tries.died = isDeath ? exchange : undefined
}

function endOf(last: Attempt, found: Finding | undefined, upload: Upload, tries: Tries, answeredAt: number): UploadEnd {
  const { exchange, verdict } = last
  const { target, form } = upload
  const { start, attempts, uncertain, likelyStored, diedTwice } = tries
  const isLimit = diedTwice && !isListed(found)
  return {
    ...(isLimit ? twiceAtOnePlace(exchange, form.contentLength) : afterTries(verdict, attempts)),
    attempts,
    milliseconds: Math.round(answeredAt - start),
    status: exchange.answer?.status,
    found,
    notBefore: laterThanThisRun(verdict, target.now()),
    uncertain,
    // Who asks for the file again has not stored it.
    odd: isOdd(last, upload) && !last.withheld,
    likelyStored,
  }
}

/** A file of which something was sent was tried, also where the last connection never stood. */
function afterTries(verdict: Verdict, attempts: number): Verdict {
  return verdict.outcome === 'not-tried' && verdict.ends === 'run' && attempts > 0
    ? { ...verdict, outcome: 'no-answer' }
    : verdict
}

function laterThanThisRun({ retry }: Verdict, now: Date): Date | undefined {
  const wait = retry?.afterMs ?? 0
  return wait > LONGEST_WAIT ? new Date(now.getTime() + wait) : undefined
}
