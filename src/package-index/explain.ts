import { type ErrorCode, PublishError } from '../errors.ts'
import { formatBytes, printable, redact, type Secrets, shownUrl } from '../text.ts'
import { type Answer, isHtml } from './answer.ts'
import { blockPageOf } from './block-page.ts'
import { meansExists } from './exists.ts'
import { entryFor, filled } from './known-server.ts'
import { leadsToLogin, redirectTarget } from './redirect.ts'
import { comeBack, retryAfterMs } from './retry-after.ts'
import { requestNumber, type ServerWords, wordsOf } from './server-words.ts'
import { uploadUrlHint } from './upload-url.ts'

/** What an upload came to, and what ends with it: this file, the rest of its project, or the run. */
export interface Verdict {
  readonly outcome: 'published' | 'rejected' | 'no-answer' | 'not-tried'
  /** Undefined for `published`. */
  readonly problem: PublishError | undefined
  readonly ends: 'file' | 'project' | 'run'
  /** Whether the client certificate may be what is found fault with, and the answer does not say why. */
  readonly doubtsCertificate?: true
  /** The words mean that the index has a file of this name: which bytes, only a lookup can tell. */
  readonly exists?: true
  /** Under what the operators of a front or of the index find the request (`cf-ray 8a1b-FRA`). Printable. */
  readonly requestNumber?: string
  /** The same request may succeed later; `afterMs`: not before, as the server asks. */
  readonly retry?: { readonly afterMs: number | undefined }
}

/** What is known of a request, to explain its answer with. */
export interface Sending {
  readonly url: URL
  /** Normalised project name. */
  readonly project: string
  /** Bytes of the whole request body. */
  readonly contentLength: number
  /** Whether an Authorization header was sent. */
  readonly authorized: boolean
  /** Printable; undefined without a client certificate. */
  readonly certificateSubject: string | undefined
  readonly secrets: Secrets
  readonly now: Date
}

interface Situation extends Sending {
  readonly answer: Answer
  readonly words: ServerWords
  /** Milliseconds that the server asks to wait. */
  readonly waitMs: number | undefined
  /** `the index answered 403 Forbidden: ...` */
  readonly said: string
}

/** What the answer to a complete upload means. Every answer but a plain success becomes a problem that quotes it. */
export function explainAnswer(answer: Answer, sending: Sending): Verdict {
  const number = requestNumber(answer, sending.secrets)
  const incident = blockPageOf(answer, sending.secrets)?.incident
  const numbers = [incident, number].filter((one) => one !== undefined).join(', ')
  const verdict = meaningOf(answer, sending, number)
  return numbers === '' ? verdict : { ...verdict, requestNumber: numbers }
}

function meaningOf(answer: Answer, sending: Sending, number: string | undefined): Verdict {
  const words = wordsOf(answer, sending.secrets)
  const said = `the index answered ${words.sentence}${number === undefined ? '' : ` (${number})`}`
  const waitMs = retryAfterMs(answer, sending.now)
  const situation: Situation = { ...sending, answer, words, said, waitMs }
  const blocked = blockPage(situation)
  if (blocked !== undefined) return blocked
  if (answer.status < 300) {
    if (asksToLogIn(answer)) return loginPage(`${said}, which is a page to log in`)
    if (isSimpleIndex(answer, sending.url)) return storedNothing(situation)
    return { outcome: 'published', problem: undefined, ends: 'file' }
  }
  if (answer.status < 400) return redirected(situation)
  return clientCertificate(situation) ?? exists(situation) ?? byStatus(situation)
}

function rejected(ends: Verdict['ends'], code: ErrorCode, message: string, hint: string): Verdict {
  return { outcome: 'rejected', problem: new PublishError({ code, message, hint }), ends }
}

/** A firewall in front judges the request: by its path, its sender, or the bytes of the file. */
function blockPage({ answer, said, secrets }: Situation): Verdict | undefined {
  const page = blockPageOf(answer, secrets)
  if (page === undefined) return undefined
  const { product, incident } = page
  const verdict = rejected(
    answer.status === 403 ? 'project' : 'file',
    'E_HTTP_BLOCKED',
    `a firewall in front of the index blocked the upload, and the index never saw it (it looks like a page of ${product}): ${said.replace('the index', 'it')}`,
    `Ask the team that runs it which rule it was${incident === undefined ? '' : ` (${incident})`}: a client certificate that is not let in, the size or the bytes of a file, or a client without a browser.`,
  )
  return answer.status === 403 ? { ...verdict, doubtsCertificate: true } : verdict
}

/** A field for a password, or the form that carries a request to an identity provider (SAML). */
export function asksToLogIn(answer: Answer): boolean {
  if (!isHtml(answer)) return false
  return /type\s?=\s?["']?password\b|name\s?=\s?["']?SAMLRequest\b/i.test(answer.text)
}

function loginPage(found: string): Verdict {
  return rejected(
    'run',
    'E_HTTP_LOGIN_PAGE',
    `expected the index and found a login: ${found}`,
    'Something in front of the index asks people to log in (single sign-on); ask the team that runs it for an upload URL that a client certificate or a token opens.',
  )
}

function redirected({ answer, words, said, url, secrets }: Situation): Verdict {
  const target = redirectTarget(answer, url)
  if (target === undefined) return rejected('run', 'E_HTTP_REDIRECT', said, uploadUrlHint(url))
  const shown = printable(redact(shownUrl(target), secrets), 200)
  const pointer = `the index answered ${words.status} and points to ${shown}`
  if (leadsToLogin(target, url)) return loginPage(pointer)
  const hint =
    target.origin === url.origin
      ? `Write ${shown} as repository-url if the index takes uploads there.`
      : 'Nothing was sent there; give the upload URL of the index itself as repository-url.'
  return rejected('run', 'E_HTTP_REDIRECT', `${pointer}, and an upload goes to repository-url alone`, hint)
}

const REQUIRED_HINT =
  'Check that client-cert has the certificate for this index, and that nothing between here and the index ends TLS (a proxy that inspects sends no client certificate).'

/** Fronts that let every handshake pass and judge the certificate in HTTP. */
export function clientCertificate(
  situation: Pick<Situation, 'answer' | 'words' | 'said' | 'certificateSubject'>,
): Verdict | undefined {
  const { answer, words, said, certificateSubject } = situation
  const { haystack } = words
  const { status } = answer
  if (haystack.includes('post-handshake authentication')) {
    return rejected(
      'run',
      'E_HTTP_CLIENT_CERT_REQUIRED',
      `${said}: the server asks for the client certificate by path, which no client of this kind can answer in TLS 1.3`,
      'Set tls-max-version: 1.2, or have SSLVerifyClient moved to the virtual host.',
    )
  }
  if (status === 496 || haystack.includes('no required ssl certificate was sent')) {
    return rejected('run', 'E_HTTP_CLIENT_CERT_REQUIRED', `${said}: no client certificate reached it`, REQUIRED_HINT)
  }
  if (status === 495 || haystack.includes('the ssl certificate error')) {
    const who =
      certificateSubject === undefined ? 'the client certificate' : `the client certificate ${certificateSubject}`
    const verdict = rejected(
      'run',
      'E_HTTP_CLIENT_CERT_REFUSED',
      `${said}: it refuses ${who}, and such a server never says why`,
      'Compare with the CAs that the server trusts for clients: an unknown issuer, a missing intermediate, dates, revocation and a purpose other than clientAuth all end so; its error log has the reason.',
    )
    return { ...verdict, doubtsCertificate: true }
  }
  return undefined
}

function exists({ answer, words: { haystack }, said }: Situation): Verdict | undefined {
  if (!meansExists(answer, haystack)) return undefined
  const verdict = rejected(
    'file',
    'E_HTTP_EXISTS',
    `the index has a file of this name: ${said.replace('the index', 'it')}`,
    'Compare the digest on the index with that of this file: the same bytes are published already; other bytes need a new version.',
  )
  return { ...verdict, exists: true }
}

function byStatus(situation: Situation): Verdict {
  const { answer, said, words } = situation
  const { status } = answer
  if (status === 401) return unauthorized(situation)
  if (isWrongPlace(situation)) return rejected('run', 'E_HTTP_NOT_FOUND', said, placeHint(situation))
  if (status === 413 || (status < 500 && TOO_LARGE.test(words.haystack))) return tooLarge(situation)
  if (status === 403) return forbidden(situation)
  if (status === 404) return hidden(situation)
  if (status === 421) return misdirected(situation)
  if (status === 429) return tooMany(situation)
  if (status >= 500 || status === 408 || status === 425) return serverError(situation)
  const hint = /previously used by a file/.test(words.haystack)
    ? 'An index of this kind never takes the name of a deleted file again: build a new version.'
    : 'The words are those of the index; what they ask for has to be mended.'
  return rejected('file', 'E_HTTP_REJECTED', said, hint)
}

/** PyPI and GitLab say it with 400, Gitea with 403. */
const TOO_LARGE = /\b(?:file|project size) (?:is )?too large|\bpackage (?:type )?size exceeded/

/** A page of the simple index in answer to an upload: the server took it for a question. devpi answers so at /+simple/. */
function isSimpleIndex(answer: Answer, { pathname }: URL): boolean {
  if (/\/\+simple\/?$/.test(pathname)) return true
  if (/\bvnd\.pypi\.simple\b/i.test(answer.headers.get('content-type') ?? '')) return true
  return (
    isHtml(answer) &&
    /name\s?=\s?["']?pypi:repository-version|<title>\s?(?:simple index|links for) ?/i.test(answer.text)
  )
}

function storedNothing(situation: Situation): Verdict {
  const message = `${situation.said}, which is a page of the simple index: nothing was stored`
  return rejected('run', 'E_HTTP_NOT_FOUND', message, placeHint(situation))
}

function placeHint({ answer, url }: Situation): string {
  return uploadUrlHint(url, entryFor(answer, url))
}

/** What Nexus says of a URL without its final slash, devpi of one that takes no forms, Artifactory of a virtual repository. */
const WRONG_PLACE = /must have another '\/' after|could not decode json|default deployment repository/

/** 405: no POST here; 415: none with a form (Artifactory's /simple). 404 is for `hidden` to judge. */
function isWrongPlace({ answer: { status }, words: { haystack } }: Situation): boolean {
  return status === 405 || status === 415 || (status < 500 && WRONG_PLACE.test(haystack))
}

/** A 404: no upload URL, or the repository is there and Artifactory is set to hide what a user may not see. */
function hidden(situation: Situation): Verdict {
  const { said, words } = situation
  if (!words.haystack.includes('could not locate artifact')) {
    return rejected('run', 'E_HTTP_NOT_FOUND', said, placeHint(situation))
  }
  const message = acceptedAs(situation, 'the index hides what the user may not do')
  const hint = `Ask for permission to upload to the project ${situation.project}${permission(situation)}; a file of this name may be there, which the user may not replace.`
  return rejected('project', 'E_HTTP_FORBIDDEN', message, hint)
}

/** What the server calls the right to upload, where it is known: ` (Nexus: the privilege ...)`. */
function permission(situation: Situation): string {
  return inItsWords(situation, 'permission')
}

function inItsWords({ answer, url, secrets }: Situation, what: 'permission' | 'credentials'): string {
  const entry = entryFor(answer, url)
  if (entry === undefined) return ''
  return ` (${entry.name}: ${printable(redact(filled(entry[what], entry, url), secrets), 300)})`
}

/** Whom the server met, where the certificate cannot be the fault: it passed the handshake. */
function acceptedAs({ certificateSubject, said }: Situation, but: string): string {
  if (certificateSubject === undefined) return said
  return `the handshake was accepted as ${certificateSubject}, but ${but}: ${said}`
}

function unauthorized(situation: Situation): Verdict {
  if (!situation.authorized) {
    const message = acceptedAs(situation, 'the index maps it to no user with upload permission')
    return rejected('run', 'E_HTTP_UNAUTHORIZED', message, anonymousHint(situation))
  }
  return rejected(
    'run',
    'E_HTTP_UNAUTHORIZED',
    acceptedAs(situation, 'the index does not take the credentials'),
    `Check user and password${inItsWords(situation, 'credentials')}: whether the token is valid still, whether it may upload (Gitea answers 401 to a token without that scope), and whether the secret has a stray character.`,
  )
}

function forbidden(situation: Situation): Verdict {
  const { authorized, project, words } = situation
  if (/forbidden by administrative rules|rbac: access denied/.test(words.haystack)) {
    const verdict = rejected(
      'project',
      'E_HTTP_FORBIDDEN',
      acceptedAs(situation, 'a rule of the front forbids the request'),
      'The words are those of HAProxy or Envoy, not of the index: ask the team that runs it which rule it was; a client certificate that it does not trust is a common one.',
    )
    return { ...verdict, doubtsCertificate: true }
  }
  if (/(?:uploads|registration)(?: are)? temporarily disabled|read-only mode/.test(words.haystack)) {
    const hint = 'No permission is missing: the index takes nothing of this kind at the moment. Run again later.'
    return rejected('project', 'E_HTTP_REJECTED', situation.said, hint)
  }
  if (!authorized) {
    const message = acceptedAs(situation, 'the index maps it to no user with upload permission')
    return rejected('project', 'E_HTTP_FORBIDDEN', message, anonymousHint(situation))
  }
  return rejected(
    'project',
    'E_HTTP_FORBIDDEN',
    acceptedAs(situation, 'the index forbids the upload'),
    `Ask for permission to upload to the project ${project}${permission(situation)}; several indexes also answer 403 to a wrong user or password.`,
  )
}

function anonymousHint(situation: Situation): string {
  const { certificateSubject, project } = situation
  if (certificateSubject === undefined) {
    return `Give user and password${inItsWords(situation, 'credentials')}: nothing was sent that says who publishes.`
  }
  return `Have the index map the certificate to a user who may upload to the project ${project}${permission(situation)}, or give user and password beside it.`
}

function tooLarge({ answer, said, contentLength, secrets }: Situation): Verdict {
  const server = printable(redact(answer.headers.get('server') ?? '', secrets), 60)
  const who = server === '' ? '' : ` (Server: ${server})`
  return rejected(
    'file',
    'E_HTTP_TOO_LARGE',
    `${said}${who}, to a request of ${formatBytes(contentLength)}`,
    'Have the limit raised, and each of several in a row: client_max_body_size of nginx, LimitRequestBody and SSLRenegBufferSize of Apache, --max-request-body-size of devpi and Waitress, the quota of the index.',
  )
}

function misdirected({ said, url }: Situation): Verdict {
  return rejected(
    'run',
    'E_HTTP_MISDIRECTED',
    said,
    `Its TLS settings are chosen by host name, and ${url.hostname} is none that it serves here: give repository-url with the name for which clients with certificates are set up.`,
  )
}

function tooMany({ said, waitMs, now }: Situation): Verdict {
  const verdict = rejected(
    'file',
    'E_HTTP_TOO_MANY_REQUESTS',
    `${said}${askedToWait(waitMs, now)}`,
    `What is published stays; run again ${waitMs === undefined ? 'later' : comeBack(waitMs, now)}.`,
  )
  return { ...verdict, retry: { afterMs: waitMs } }
}

function serverError({ said, answer, waitMs, now }: Situation): Verdict {
  const gateway = answer.status === 502 || answer.status === 504
  const verdict = rejected(
    'file',
    'E_HTTP_SERVER_ERROR',
    `${said}${askedToWait(waitMs, now)}`,
    gateway
      ? "The front got no answer from the index behind it; an index that refuses while the file is still coming looks like this too, so look into the index's own log."
      : 'Run again; if it happens each time, ask the team that runs the index what its log says of this minute.',
  )
  return RETRYABLE.has(answer.status) ? { ...verdict, retry: { afterMs: waitMs } } : verdict
}

/** Answers to a request that may succeed later. 501 and 505 to 511 say that it never will. */
const RETRYABLE: ReadonlySet<number> = new Set([408, 425, 500, 502, 503, 504])

function askedToWait(waitMs: number | undefined, now: Date): string {
  return waitMs === undefined ? '' : `; it asks to come back ${comeBack(waitMs, now)}`
}
