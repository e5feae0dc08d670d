import type { Dispatcher } from 'undici'
import type { Distribution } from '../distributions/distribution.ts'
import { PublishError } from '../errors.ts'
import type { Secrets } from '../text.ts'
import { type Exchange, post } from './exchange.ts'
import { explainAnswer, type Verdict } from './explain.ts'
import { formFields } from './form.ts'
import { type MultipartForm, multipartForm } from './multipart.ts'
import { explainFailure } from './no-answer.ts'
import { repeatableTarget } from './redirect.ts'

/** Bytes of one chunk of the file. */
const CHUNK_BYTES = 256 * 1024

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
  /** Printable; undefined without a client certificate. */
  readonly certificateSubject: string | undefined
  /** The transport's account of a connection that failed or died; undefined for what is no matter of the connection. */
  readonly explain: (error: unknown) => PublishError | undefined
  /** What is known of the reasons of a server that refuses the certificate and does not say why: ends a sentence. */
  readonly likelyReason: (signal: AbortSignal) => Promise<string>
}

/** What became of one upload, and what ends with it. */
export interface UploadEnd extends Verdict {
  /** Requests that carried the file, 0 when none was sent. */
  readonly attempts: number
  /** From the start of the first attempt to the last answer. */
  readonly milliseconds: number
}

/**
 * Sends one distribution with the legacy upload API (PyPI's "file_upload", which private indexes copy). What the server
 * or the network makes of it is the result; nothing is tried again, but for one redirect with 307 or 308 on the same
 * origin.
 *
 * @throws the signal's reason when the run is cancelled
 */
export async function uploadDistribution(
  distribution: Distribution,
  target: UploadTarget,
  signal: AbortSignal,
): Promise<UploadEnd> {
  const start = performance.now()
  const form = formOf(distribution)
  let url = target.url
  let exchange = await send(form, url, target, signal)
  let attempts = exchange.started ? 1 : 0
  const repeated = exchange.answer && repeatableTarget(exchange.answer, url)
  if (repeated !== undefined) {
    url = repeated
    exchange = await send(form, url, target, signal)
    if (exchange.started) attempts += 1
  }
  const milliseconds = Math.round(performance.now() - start)
  const verdict = await withReason(judge(exchange, form, url, distribution, target), target, signal)
  return { ...verdict, attempts, milliseconds }
}

function formOf(distribution: Distribution): MultipartForm {
  return multipartForm(formFields(distribution), {
    filename: distribution.file,
    size: distribution.size,
    content: (signal) => distribution.content.content(CHUNK_BYTES, signal),
  })
}

function send(form: MultipartForm, url: URL, target: UploadTarget, signal: AbortSignal): Promise<Exchange> {
  const { dispatcher, authorization, userAgent, idleTimeoutMs } = target
  const headers = {
    // JSON first: PyPI's relatives and devpi then put their words where they are easiest to read.
    accept: 'application/json, text/plain;q=0.9, text/html;q=0.8, */*;q=0.1',
    'user-agent': userAgent,
    ...(authorization === undefined ? {} : { authorization }),
  }
  return post({ dispatcher, url, headers, form, idleTimeoutMs }, signal)
}

/** A refusal counts whenever it comes; a success only once the whole form was sent. */
function judge(
  exchange: Exchange,
  { contentLength }: MultipartForm,
  url: URL,
  { project }: Distribution,
  target: UploadTarget,
): Verdict {
  const { answer, sent } = exchange
  const { authorization, certificateSubject, secrets, explain } = target
  if (answer === undefined || (answer.status < 300 && sent < contentLength)) {
    return explainFailure({ exchange, contentLength, explain })
  }
  const authorized = authorization !== undefined
  return explainAnswer(answer, { url, project, contentLength, authorized, certificateSubject, secrets })
}

/** Fronts say of every certificate that they refuse the same. */
async function withReason(verdict: Verdict, { likelyReason }: UploadTarget, signal: AbortSignal): Promise<Verdict> {
  const { problem, doubtsCertificate } = verdict
  if (problem === undefined || doubtsCertificate === undefined) return verdict
  const { code, message, hint } = problem
  const reason = await likelyReason(signal)
  return { ...verdict, problem: new PublishError({ code, message: `${message}${reason}`, hint }) }
}
