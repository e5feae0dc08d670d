import { errorCodeOf, mayPass, PublishError } from '../errors.ts'
import { formatBytes } from '../text.ts'
import type { Answer } from './answer.ts'
import { type Exchange, Silence } from './exchange.ts'
import type { Verdict } from './explain.ts'

/** An upload that got no answer that counts. */
export interface Failure {
  readonly exchange: Exchange
  /** Bytes of the whole request body. */
  readonly contentLength: number
  /** The transport's: undefined for what is no matter of the connection. */
  readonly explain: (error: unknown) => PublishError | undefined
}

/** What the end of an exchange without an answer means. Throws what is no fault of network, server or file. */
export function explainFailure(failure: Failure): Verdict {
  const { exchange, explain } = failure
  const { error, started, answer } = exchange
  if (error instanceof Silence) return silence(failure, error)
  if (answer !== undefined && (error === undefined || isMisfit(error))) return premature(failure, answer)
  const explained = explain(error)
  if (explained !== undefined && !started) {
    const verdict: Verdict = { outcome: 'not-tried', problem: explained, ends: 'run' }
    return mayPass(explained) ? { ...verdict, retry: SOON } : verdict
  }
  if (explained !== undefined && !explained.code.startsWith('E_NETWORK_')) {
    return { outcome: 'no-answer', problem: explained, ends: 'run' }
  }
  // The file itself: it changed, or cannot be read on. The server never got its last bytes.
  if (explained === undefined && error instanceof PublishError) {
    return { outcome: 'not-tried', problem: error, ends: 'file' }
  }
  if (isNotHttp(error) || isMisfit(error)) return notHttp(failure)
  if (explained !== undefined || (started && isDeath(error))) return death(failure)
  throw error
}

const SOON = { afterMs: undefined } as const

/** Whether a connection broke: by the system, or as undici says it. */
export function isDeath(error: unknown): boolean {
  return /^(?:E[A-Z]+|UND_ERR_SOCKET)$/.test(errorCodeOf(error) ?? '')
}

/** Bytes of a body where undici expected others: it was cut short, or its head could not be read to the end. */
export function isMisfit(error: unknown): boolean {
  return errorCodeOf(error) === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
}

/** What undici says of bytes that are no HTTP answer, or none to this request. */
export function isNotHttp(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = errorCodeOf(error) ?? ''
  // undici asserts what its parser does not: that a status is a possible one.
  const isImpossible = code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'ERR_ASSERTION'
  return error.name === 'HTTPParserError' || isImpossible || error.message.startsWith('bad ')
}

function notHttp({ exchange }: Failure): Verdict {
  return {
    outcome: 'no-answer',
    problem: new PublishError({
      code: 'E_HTTP_NOT_HTTP',
      message: 'expected an HTTP answer from the index and found bytes that are none',
      hint: 'Check host and port in repository-url: something other than an HTTP/1.1 server answers there.',
      cause: exchange.error,
    }),
    ends: 'run',
  }
}

function noAnswer(failure: Failure, message: string, hint = hintFor(failure)): Verdict {
  const { error: cause } = failure.exchange
  return {
    outcome: 'no-answer',
    problem: new PublishError({ code: 'E_HTTP_NO_ANSWER', message, hint, cause }),
    ends: 'file',
  }
}

function hintFor({ exchange, contentLength }: Failure): string {
  return exchange.sent === contentLength
    ? 'The file may or may not be on the index: with check-url a new run looks first and does not send it twice. Ask the team that runs it what its log says.'
    : 'A limit of size or time between here and the index is likely (client_max_body_size of nginx, --max-request-body-size of devpi): ask the team that runs it what its log says.'
}

function silence(failure: Failure, silent: Silence): Verdict {
  const time = `${silent.time} (idle-timeout-seconds)`
  const complete = failure.exchange.sent === failure.contentLength
  const message = complete
    ? `the index had everything and gave no answer within ${time}`
    : `the index took no more bytes for ${time}, ${amount(failure)}`
  return { ...noAnswer(failure, message), retry: SOON }
}

function death(failure: Failure): Verdict {
  const complete = failure.exchange.sent === failure.contentLength
  const when = complete ? 'after everything had been sent' : amount(failure)
  return { ...noAnswer(failure, `the connection ended without an answer, ${when}`), retry: SOON }
}

/** The second death of one file at one place, or the second silence. Another try would be the third. */
export function twiceAtOnePlace(exchange: Exchange, contentLength: number): Verdict {
  const { error: cause } = exchange
  const complete = exchange.sent === contentLength
  const what = cause instanceof Silence ? 'nothing moved any more' : 'the connection was closed'
  const where = complete ? 'after everything had been sent' : amount({ exchange, contentLength })
  return {
    outcome: 'no-answer',
    problem: new PublishError({
      code: 'E_HTTP_NO_ANSWER',
      message: `${what} ${where}, twice at the same place and without an answer: a limit of size${complete ? ' or time' : ''} is likely`,
      hint: 'Have the limit raised, and each of several in a row: client_max_body_size of nginx, --max-request-body-size of devpi and Waitress, the limits of a firewall.',
      cause,
    }),
    ends: 'file',
  }
}

/** A server that says yes before it can know the file: a page that takes every POST. */
function premature(failure: Failure, { status }: Answer): Verdict {
  return noAnswer(
    failure,
    `the index answered ${status} before it had the whole file, ${amount(failure)}`,
    'Check that repository-url is the upload URL of the index: what answers there does not read what it is sent.',
  )
}

function amount({ exchange, contentLength }: Pick<Failure, 'exchange' | 'contentLength'>): string {
  return `after about ${formatBytes(exchange.sent)} of ${formatBytes(contentLength)}`
}
