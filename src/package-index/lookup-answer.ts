import { type ErrorCode, mayPass, PublishError } from '../errors.ts'
import { clip, printable, redact, shownUrl } from '../text.ts'
import type { Answer } from './answer.ts'
import { blockPageOf } from './block-page.ts'
import { Silence } from './exchange.ts'
import { asksToLogIn, clientCertificate } from './explain.ts'
import { BodyLimit } from './fetch.ts'
import { isDeath, isMisfit, isNotHttp } from './no-answer.ts'
import { PageFault } from './page-fault.ts'
import { comeBack, retryAfterMs } from './retry-after.ts'
import { requestNumber, wordsOf } from './server-words.ts'
import { type IndexReader, LookupFailure, type Retry } from './simple-index.ts'

/** A request for a page or a file of the index, to explain what came of it. */
export interface Asked {
  readonly url: URL
  readonly reader: IndexReader
  readonly now: () => Date
  /** A file was asked for, not a page. */
  readonly file?: true
}

const CHECK_URL_HINT =
  'Give the index URL that your pip uses as check-url (the part before the name of a project); check-url: off publishes without looking.'

const WRITE_ONLY_HINT =
  'An account or certificate that may upload and not read needs check-url: off, with which nobody looks what an upload may replace.'

/** An answer that is neither a page nor "not there". */
export function answerFailure(answer: Answer, asked: Asked): LookupFailure {
  const { reader, now } = asked
  const { status } = answer
  const words = wordsOf(answer, reader.secrets)
  const number = requestNumber(answer, reader.secrets)
  const said = `${shown(asked)} answered ${words.sentence}${number === undefined ? '' : ` (${number})`}`
  const certificate = clientCertificate({ answer, words, said, certificateSubject: undefined })?.problem
  const special = blocked(answer, said, asked) ?? (certificate && new LookupFailure(certificate))
  if (special !== undefined) return special
  const unread = `${asked.file ? 'a file of the index' : 'the simple index'} may not be read: ${said}`
  if (status === 401) return failure('E_HTTP_UNAUTHORIZED', unread, unauthorizedHint(asked))
  if (status === 403) return failure('E_HTTP_FORBIDDEN', unread, WRITE_ONLY_HINT)
  if (status === 421)
    return failure('E_HTTP_MISDIRECTED', said, 'Give the URL with the host name that the server has TLS settings for.')
  const afterMs = retryAfterMs(answer, now())
  const later = afterMs === undefined ? said : `${said}; it asks to come back ${comeBack(afterMs, now())}`
  const retry = { afterMs }
  if (status === 429)
    return failure('E_HTTP_TOO_MANY_REQUESTS', later, 'Run again later: it limits how often it is asked.', retry)
  if (status >= 500 || status === 408 || status === 425) {
    const hint =
      'Run again; if it happens each time, ask the team that runs the index what its log says of this minute.'
    return failure('E_HTTP_SERVER_ERROR', later, hint, retry)
  }
  const expected = asked.file ? 'a file of the index' : 'a page of the simple index'
  return failure('E_INDEX_LOOKUP', `expected ${expected}: ${said}`, CHECK_URL_HINT)
}

/** A firewall's page in place of the index's. */
function blocked(answer: Answer, said: string, { reader }: Asked): LookupFailure | undefined {
  const page = blockPageOf(answer, reader.secrets)
  if (page === undefined) return undefined
  const incident = page.incident === undefined ? '' : `, ${page.incident}`
  return failure(
    'E_HTTP_BLOCKED',
    `a firewall in front of the index blocked the lookup (it looks like a page of ${page.product}${incident}): ${said}`,
    `Ask the team that runs it which rule it was; check-url: off publishes without looking.`,
  )
}

function unauthorizedHint({ reader }: Asked): string {
  return reader.authorization === undefined
    ? `Give user and password, which go to the origin of repository-url alone, or have the index map the certificate to a user who may read. ${WRITE_ONLY_HINT}`
    : `Check user and password. ${WRITE_ONLY_HINT}`
}

/** A redirect that is not followed; `target`: where it leads, undefined where that cannot be read. */
export function redirectFailure(answer: Answer, target: URL | undefined, login: boolean, asked: Asked): LookupFailure {
  const { status } = wordsOf(answer, asked.reader.secrets)
  if (target === undefined) {
    const message = `${shown(asked)} answered ${status} without a Location that can be read`
    return failure('E_HTTP_REDIRECT', message, 'Ask the team that runs the index, or its front.')
  }
  const pointer = `${shown(asked)} answered ${status} and points to ${shown({ ...asked, url: target })}`
  if (login) return loginFailure(pointer)
  const same = target.origin === asked.url.origin
  return failure(
    'E_HTTP_REDIRECT',
    same ? `${pointer}, after five redirects already` : `${pointer}, and a lookup goes to no other origin`,
    same
      ? 'The index or its front redirects in a circle: ask the team that runs it.'
      : 'If the simple index is there, give its URL as check-url; check-url: off publishes without looking.',
  )
}

function loginFailure(found: string): LookupFailure {
  return failure(
    'E_HTTP_LOGIN_PAGE',
    `expected the simple index and found a login: ${found}`,
    'Something in front of the index asks people to log in (single sign-on); ask the team that runs it for a URL that a client certificate or a token opens, and give it as check-url.',
  )
}

/** A 200 whose body is no page of a simple index. */
export function pageFailure(fault: PageFault, answer: Answer, asked: Asked): LookupFailure {
  const words = clip(wordsOf(answer, asked.reader.secrets).sentence, 200)
  const firewall = blocked(answer, `${shown(asked)} answered ${words}`, asked)
  if (firewall !== undefined) return firewall
  if (asksToLogIn(answer)) return loginFailure(`${shown(asked)} answered ${words}`)
  return faultOfPage(fault, asked, ` (${words})`)
}

function faultOfPage({ found, truncated }: PageFault, asked: Asked, words = ''): LookupFailure {
  const message = `expected a page of the simple index at ${shown(asked)} and found ${found}${words}`
  return failure('E_INDEX_LOOKUP', message, CHECK_URL_HINT, truncated ? { afterMs: undefined } : undefined)
}

/** What ended a request in place of an answer. Undefined: no fault of network, server or page. */
function faultFailure(error: unknown, asked: Asked): LookupFailure | undefined {
  if (error instanceof LookupFailure) return error
  if (error instanceof PageFault) return faultOfPage(error, asked)
  if (error instanceof BodyLimit) return faultOfPage(new PageFault('more than any index has to say'), asked)
  if (error instanceof Silence) return silence(error, asked)
  const explained = asked.reader.explain(error)
  if (explained !== undefined)
    return new LookupFailure(explained, mayPass(explained) ? { afterMs: undefined } : undefined)
  if (isNotHttp(error)) {
    const message = `expected an HTTP answer from ${shown(asked)} and found bytes that are none`
    return failure('E_HTTP_NOT_HTTP', message, CHECK_URL_HINT)
  }
  if (!isDeath(error) && !isMisfit(error)) return undefined
  return failure(
    'E_HTTP_NO_ANSWER',
    `the connection ended before ${shown(asked)} had answered`,
    'Run again; if it happens each time, ask the team that runs the index what its log says.',
    { afterMs: undefined },
  )
}

function silence(cause: Silence, asked: Asked): LookupFailure {
  const problem = new PublishError({
    code: 'E_HTTP_NO_ANSWER',
    message: `${shown(asked)} gave no whole answer within ${cause.time} (idle-timeout-seconds)`,
    hint: 'Raise idle-timeout-seconds if the page is that large; else ask the team that runs the index.',
    cause,
  })
  return new LookupFailure(problem, { afterMs: undefined })
}

function failure(code: ErrorCode, message: string, hint: string, retry?: Retry): LookupFailure {
  return new LookupFailure(new PublishError({ code, message, hint }), retry)
}

/** The URL as it may be shown: a page's links and redirects choose it. */
export function shown({ url, reader }: Pick<Asked, 'url' | 'reader'>): string {
  return printable(redact(shownUrl(url), reader.secrets), 200)
}

/** Runs a request whose faults become a LookupFailure. Errors of our own code, and the signal's reason, pass. */
export async function explained<T>(asked: Asked, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw faultFailure(error, asked) ?? error
  }
}
