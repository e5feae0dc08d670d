import type { Dispatcher } from 'undici'
import { monotonicNow } from '../clock.ts'
import type { Distribution } from '../distributions/distribution.ts'
import { PublishError } from '../errors.ts'
import type { Secrets } from '../text.ts'
import { CHUNK_BYTES, type ChunkBuffers } from './chunk-buffers.ts'
import { type Care, type Exchange, post } from './exchange.ts'
import { explainAnswer, type Verdict } from './explain.ts'
import { formFields } from './form.ts'
import { type MultipartForm, multipartForm } from './multipart.ts'
import { explainFailure, twiceAtOnePlace } from './no-answer.ts'
import type { Pace, Turn } from './pace.ts'
import { repeatableTarget } from './redirect.ts'
import { LONGEST_WAIT } from './retry-after.ts'
import { type Finding, isListed } from './simple-index.ts'

/** Where uploads go, and how. */
export interface UploadTarget {
  /** Keeps to HTTP/1.1: HTTP/2 has no reason phrase. */
  readonly dispatcher: Dispatcher
  /** The upload URL exactly as the index documents it. */
  readonly url: URL
  /** Value of the Authorization header; undefined: the certificate alone says who we are, and no header is sent. */
  readonly authorization: string | undefined
  readonly userAgent: string
  /** Milliseconds: the longest silence in either direction, and for the whole answer after the last byte. */
  readonly idleTimeoutMs: number
  readonly secrets: Secrets
  readonly buffers: ChunkBuffers
  /** Printable; undefined without a client certificate. */
  readonly certificateSubject: string | undefined
  /** The transport's account of a connection that failed or died; undefined for what is no matter of the connection. */
  readonly explain: (error: unknown) => PublishError | undefined
  /** What is known of the reasons of a server that refuses the certificate and does not say why: ends a sentence. */
  readonly likelyReason: (signal: AbortSignal) => Promise<string>
  /** How fast this server is asked. */
  readonly pace: Pace
  /** Times that one file is sent again. */
  readonly retries: number
  /** Milliseconds for which a second try waits for a refusal before it sends the file. */
  readonly holdBackMs: number
  /** Told of the bytes that go out, those of a second try too. */
  readonly onSent: (distribution: Distribution, bytes: number) => void
  readonly now: () => Date
}

/**
 * What the index has of a file; both resolve with undefined when it does not say, and reject with the signal's reason.
 * Undefined in place of them: nobody looks (`check-url: off`).
 */
export interface Looks {
  now(distribution: Distribution, signal: AbortSignal): Promise<Finding | undefined>
  /** Not asked again where that was a moment ago. */
  recent(distribution: Distribution, signal: AbortSignal): Promise<Finding | undefined>
}

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
}

/** One try: a request, and its repetition where a redirect asked for one. */
interface Try {
  readonly verdict: Verdict
  readonly exchange: Exchange
  /** What the index had when a redirect asked for the repetition; undefined: nobody asked, or it did not say. */
  readonly found: Finding | undefined
  /** Requests that carried the file. */
  readonly sends: number
  /** Whether the server's pace leaves room for another. */
  readonly mayRepeat: boolean
}

/** One upload: what does not change from try to try. */
interface Upload {
  readonly distribution: Distribution
  readonly form: MultipartForm
  readonly target: UploadTarget
  readonly looks: Looks | undefined
  readonly signal: AbortSignal
}

/** The tries of one file so far. */
interface Tries {
  attempts: number
  uncertain: boolean
  /** The try before, where its connection died. */
  died: Exchange | undefined
}

/**
 * Sends one distribution with the legacy upload API (PyPI's "file_upload", which private indexes copy), and sends it
 * again where that may help: never before the index was asked whether it has the file after all, never against an answer
 * that is final, and not a third time where the connection died twice at one place. `first`: the turn in which the file
 * was looked up; undefined: none was taken.
 *
 * @throws the signal's reason when the run is cancelled
 */
export async function uploadDistribution(
  distribution: Distribution,
  target: UploadTarget,
  looks: Looks | undefined,
  signal: AbortSignal,
  first?: Turn,
): Promise<UploadEnd> {
  const start = monotonicNow()
  const { pace } = target
  const form = formOf(distribution)
  const upload: Upload = { distribution, form, target, looks, signal }
  const tries: Tries = { attempts: 0, uncertain: false, died: undefined }
  let turn = first ?? (await pace.turn(signal))
  for (let left = target.retries; ; left -= 1) {
    const attempt = await inTurn(turn, upload, tries)
    const { verdict, exchange, mayRepeat } = attempt
    const isOpen = exchange.started && (exchange.answer === undefined || verdict.retry !== undefined)
    tries.uncertain ||= isOpen && exchange.sent === form.contentLength
    const asks = isOpen || (tries.uncertain && verdict.outcome !== 'published')
    const found = asks ? await looks?.now(distribution, signal) : attempt.found
    const isThere = isListed(found)
    const isBlind = looks !== undefined && found === undefined
    const isDeath = exchange.started && exchange.answer === undefined
    const twice = isDeath && isSamePlace(tries.died, exchange, form)
    const last = twice && !isThere ? twiceAtOnePlace(exchange, form.contentLength) : afterTries(verdict, tries)
    const { attempts, uncertain } = tries
    const milliseconds = Math.round(monotonicNow() - start)
    const notBefore = laterThanThisRun(verdict, target.now())
    const end = { ...last, attempts, milliseconds, status: exchange.answer?.status, found, notBefore, uncertain }
    if (!mayRepeat || left === 0 || isThere || (isOpen && isBlind) || twice) return end
    tries.died = isDeath ? exchange : undefined
    turn = await pace.turn(signal)
    // The others may have shown meanwhile that it is of no use; or the wait was what a slow index needed to list the file.
    const late = pace.isOver ? undefined : await looks?.[asks ? 'now' : 'recent'](distribution, signal)
    if (!pace.isOver && isMissing(late, looks)) continue
    pace.left(turn)
    return { ...end, found: late ?? found }
  }
}

/** Whether a file may be sent as far as is known: nobody looks, or the index has just said that it does not have it. */
function isMissing(finding: Finding | undefined, looks: Looks | undefined): boolean {
  return looks === undefined || finding?.state === 'absent'
}

function laterThanThisRun({ retry }: Verdict, now: Date): Date | undefined {
  const wait = retry?.afterMs ?? 0
  return wait > LONGEST_WAIT ? new Date(now.getTime() + wait) : undefined
}

/** A file of which something was sent was tried, also where the last connection never stood. */
function afterTries(verdict: Verdict, { attempts }: Tries): Verdict {
  return verdict.outcome === 'not-tried' && verdict.ends === 'run' && attempts > 0
    ? { ...verdict, outcome: 'no-answer' }
    : verdict
}

async function inTurn(turn: Turn, upload: Upload, tries: Tries): Promise<Try> {
  const { pace } = upload.target
  try {
    const one = await tryOnce(upload, tries.died)
    tries.attempts += one.sends
    const { retry } = one.verdict
    const mayRepeat = retry !== undefined && (retry.afterMs ?? 0) <= LONGEST_WAIT
    if (mayRepeat) return { ...one, mayRepeat: pace.failed(turn, retry.afterMs) }
    if (one.exchange.answer !== undefined) pace.answered(turn)
    return { ...one, mayRepeat }
  } finally {
    pace.left(turn)
  }
}

/** Bytes of a body that is in the buffers of two machines as a whole before anything dies: its place is not known. */
const SMALL = 6 * 1024 * 1024

/** Bytes. So much less than was sent may have arrived at a connection that died at full speed. */
const IN_BUFFERS = 8 * 1024 * 1024

/** Bytes. How exactly the place is known where the form was sent slowly, as at every try that follows a death. */
const EXACTNESS = 1024 * 1024

/** A limit of time is met at about one place too: hence the tenth. */
function isSamePlace(before: Exchange | undefined, now: Exchange, { contentLength }: MultipartForm): boolean {
  if (before === undefined || contentLength <= SMALL) return false
  const tenth = contentLength / 10
  const isFurther = now.sent > before.sent
  return Math.abs(now.sent - before.sent) <= Math.max(isFurther ? EXACTNESS : IN_BUFFERS, tenth)
}

function careAfter({ sent }: Exchange, holdBackMs: number): Care {
  return { holdBackMs, slowFrom: sent - IN_BUFFERS - EXACTNESS, slowTo: sent + EXACTNESS }
}

function formOf(distribution: Distribution): MultipartForm {
  return multipartForm(formFields(distribution), {
    filename: distribution.file,
    size: distribution.size,
    content: (signal, ring) => distribution.content.content(CHUNK_BYTES, signal, ring),
    readWhole: (into) => distribution.content.readWhole(into),
  })
}

async function tryOnce(upload: Upload, died: Exchange | undefined): Promise<Omit<Try, 'mayRepeat'>> {
  const { distribution, target, looks, signal } = upload
  let { url } = target
  let exchange = await send(upload, died, url)
  let sends = exchange.started ? 1 : 0
  const repeated = exchange.answer && repeatableTarget(exchange.answer, url)
  // The server may have taken its time to say where.
  const found = repeated && (await looks?.recent(distribution, signal))
  if (repeated !== undefined && isMissing(found, looks)) {
    url = repeated
    exchange = await send(upload, died, url)
    if (exchange.started) sends += 1
  }
  const verdict = await withReason(judge(exchange, upload, url), target, signal)
  return { verdict, exchange, found, sends }
}

async function send(
  { form, distribution, target, signal }: Upload,
  died: Exchange | undefined,
  url: URL,
): Promise<Exchange> {
  const { dispatcher, authorization, userAgent, idleTimeoutMs, holdBackMs: longest, buffers } = target
  const headers = {
    // JSON first: PyPI's relatives and devpi then put their words where they are easiest to read.
    accept: 'application/json, text/plain;q=0.9, text/html;q=0.8, */*;q=0.1',
    'user-agent': userAgent,
    ...(authorization === undefined ? {} : { authorization }),
  }
  const care = died && careAfter(died, Math.min(longest, idleTimeoutMs / 2))
  const onSent = (bytes: number) => target.onSent(distribution, bytes)
  const ring = buffers.take()
  const exchange = await post({ dispatcher, url, headers, form, ring, idleTimeoutMs, onSent, care }, signal)
  if (exchange.answer !== undefined && exchange.sent === form.contentLength) buffers.give(ring)
  return exchange
}

/** A refusal counts whenever it comes; a success only once the whole form was sent. */
function judge(exchange: Exchange, { distribution: { project }, form, target }: Upload, url: URL): Verdict {
  const { answer, sent } = exchange
  const { contentLength } = form
  const { authorization, certificateSubject, secrets, explain } = target
  if (answer === undefined || (answer.status < 300 && sent < contentLength)) {
    return explainFailure({ exchange, contentLength, explain })
  }
  const authorized = authorization !== undefined
  const now = target.now()
  return explainAnswer(answer, { url, project, contentLength, authorized, certificateSubject, secrets, now })
}

/** Fronts say of every certificate that they refuse the same. */
async function withReason(verdict: Verdict, { likelyReason }: UploadTarget, signal: AbortSignal): Promise<Verdict> {
  const { problem, doubtsCertificate } = verdict
  if (problem === undefined || doubtsCertificate === undefined) return verdict
  const { code, message, hint } = problem
  const reason = await likelyReason(signal)
  return { ...verdict, problem: new PublishError({ code, message: `${message}${reason}`, hint }) }
}
