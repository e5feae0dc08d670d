import type { Dispatcher } from 'undici'
import type { Digests } from '../distributions/digest.ts'
import type { Distribution } from '../distributions/distribution.ts'
import { PublishError } from '../errors.ts'
import { printable, redact, type Secrets, shownUrl } from '../text.ts'
import { CHUNK_BYTES, type ChunkBuffers } from './chunk-buffers.ts'
import { type Exchange, post } from './exchange.ts'
import { explainAnswer, type Verdict } from './explain.ts'
import { formFields } from './form.ts'
import { type MultipartForm, multipartForm } from './multipart.ts'
import { explainFailure } from './no-answer.ts'
import type { Pace } from './pace.ts'
import { repeatableTarget } from './redirect.ts'
import { careAfter } from './same-place.ts'
import type { Finding, PageFormat } from './simple-index.ts'

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
  /** Told of each request when its first bytes go. */
  readonly onBegin?: (distribution: Distribution) => void
  /** Told how many bytes of the form have gone, as they go; a second try begins anew. */
  readonly onSent: (distribution: Distribution, bytes: number) => void
  /**
   * Told of each try after which another one follows, unless the index turns out to have the file: why, and in how many
   * milliseconds at the earliest.
   */
  readonly onRetry: (distribution: Distribution, problem: PublishError, waitMs: number) => void
  readonly now: () => Date
}

/**
 * What the index has of a file; both resolve with undefined when it does not say, and reject with the signal's reason.
 * Undefined in place of them: nobody looks (`check-url: off`).
 */
export interface Looks {
  now(distribution: Distribution, prefer: PageFormat): Promise<Finding | undefined>
  /** Not asked again where that was a moment ago. */
  recent(distribution: Distribution): Promise<Finding | undefined>
}

/** One upload: what does not change from attempt to attempt. */
export interface Upload {
  readonly distribution: Distribution
  readonly form: MultipartForm
  readonly target: UploadTarget
  readonly looks: Looks | undefined
  readonly signal: AbortSignal
}

/** A request, and its repetition where a redirect asked for one. */
export interface Attempt {
  readonly verdict: Verdict
  readonly exchange: Exchange
  /** What the index had when a redirect asked for the repetition; undefined: nobody asked, or it did not say. */
  readonly found: Finding | undefined
  /** Requests that carried the file. */
  readonly sends: number
  /** Whether a redirect asked for the repetition, and there was none: the index did not say whether it has the file. */
  readonly withheld: boolean
}

/** The form of a distribution, read from its open file at each attempt. */
export function formOf(distribution: Distribution, digests: Digests): MultipartForm {
  return multipartForm(formFields(distribution, digests), {
    filename: distribution.file,
    size: distribution.size,
    content: (signal, ring) => distribution.content.content(CHUNK_BYTES, signal, ring),
    readWhole: (into) => distribution.content.readWhole(into),
  })
}

/** Whether a file may be sent as far as is known: nobody looks, or the index has just said that it does not have it. */
export function isMissing(finding: Finding | undefined, looks: Looks | undefined): boolean {
  return looks === undefined || finding?.state === 'absent'
}

/**
 * Sends the file once. `died`: the attempt before, where its connection died; this one then learns more of why.
 *
 * @throws the signal's reason when the run is cancelled
 */
export async function attempt(upload: Upload, died: Exchange | undefined): Promise<Attempt> {
  const { distribution, target, looks, signal } = upload
  let { url } = target
  let exchange = await send(upload, died, url)
  let sends = exchange.started ? 1 : 0
  const repeated = exchange.answer && repeatableTarget(exchange.answer, url)
  // The server may have taken its time to say where, and others the same time to publish.
  const found = repeated && (await looks?.now(distribution, 'json'))
  if (repeated !== undefined && isMissing(found, looks)) {
    url = repeated
    exchange = await send(upload, died, url)
    if (exchange.started) sends += 1
  } else if (repeated !== undefined && found === undefined) {
    return { verdict: notRepeated(exchange, repeated, target.secrets), exchange, found, sends, withheld: true }
  }
  const verdict = await withReason(judge(exchange, upload, url), target, signal)
  return { verdict, exchange, found, sends, withheld: false }
}

/** The index does not say whether it has the file: a second request may be one too many. */
function notRepeated({ answer }: Exchange, target: URL, secrets: Secrets): Verdict {
  const shown = printable(redact(shownUrl(target), secrets), 200)
  const problem = new PublishError({
    code: 'E_INDEX_LOOKUP',
    message: `the index answered ${answer?.status} and points to ${shown}; the file was not sent there, since the simple index did not say whether it is there already`,
    hint: 'Run again when the simple index answers, or give that URL as repository-url.',
  })
  return { outcome: 'rejected', problem, ends: 'file' }
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
  let hasBegun = false
  const onSent = (bytes: number) => {
    if (!hasBegun) target.onBegin?.(distribution)
    hasBegun = true
    target.onSent(distribution, bytes)
  }
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
