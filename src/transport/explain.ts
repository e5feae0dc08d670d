import { type ErrorCode, errorCodeOf, type ProblemDetails, PublishError } from '../errors.ts'
import { printable } from '../text.ts'
import { alertOf, certificateRequired, explainAlert, refused, versionFault } from './alert.ts'
import { type Attempt, ConnectionFailure } from './handshake.ts'
import type { Party } from './party.ts'
import { explainServerFault } from './server-fault.ts'

/** The reason with which an attempt ends when its time is over. */
export const SILENCE = new Error('the time for a connection is over')

const NOT_TLS: ReadonlySet<string> = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_UNKNOWN_PROTOCOL',
  'ERR_SSL_BAD_RECORD_TYPE',
])

const NO_COMMON_VERSION: ReadonlySet<string> = new Set([
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
  'ERR_SSL_WRONG_SSL_VERSION',
  'ERR_SSL_VERSION_TOO_LOW',
  'ERR_SSL_NO_PROTOCOLS_AVAILABLE',
])

/** Codes of a connection that ended without a word. */
const CLOSED: ReadonlySet<string> = new Set(['CLOSED_EARLY', 'ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET'])

/** `ETIMEDOUT`, `EHOSTUNREACH` ...: of the operating system, not of TLS. */
const SYSTEM_CODE = /^E[A-Z0-9]+$/

/** Codes of a name that was not resolved (getaddrinfo). */
const DNS = /^(ENOTFOUND|EAI_[A-Z]+|ENODATA)$/

/** What went wrong before a connection was handed over. `limit`: milliseconds that the attempt had. */
export function explainAttempt(error: unknown, attempt: Attempt, party: Party, limit: number): ProblemDetails {
  if (attempt.stage === 'proxy') return explainProxy(error, party, limit)
  if (attempt.stage === 'connect') return explainConnect(error, party, limit)
  return explainHandshake(error, attempt, party, limit)
}

function explainConnect(error: unknown, { target, host }: Party, limit: number): ProblemDetails {
  const { code, words } = connectFault(error, limit)
  if (code === 'E_NETWORK_DNS') {
    return {
      code,
      message: `the name ${printable(host)} of ${target} was not resolved (${words})`,
      hint: 'Check the host in repository-url; a name of a private network needs a runner inside that network.',
    }
  }
  return {
    code,
    message: `could not connect to ${target}: ${words}`,
    hint: 'Check host and port in repository-url, and whether this runner may reach them (firewall, VPN, https_proxy).',
  }
}

interface ConnectFault {
  readonly code: ErrorCode
  readonly words: string
}

/** All addresses of a name are told: the message of their AggregateError is empty. */
function connectFault(error: unknown, limit: number): ConnectFault {
  if (error === SILENCE) return { code: 'E_NETWORK_TIMEOUT', words: `no answer within ${seconds(limit)}` }
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
  const codes = errors.map((one) => errorCodeOf(one) ?? '')
  const words = [...new Set(errors.map(addressFault))].join(', ')
  if (codes.some((code) => DNS.test(code))) return { code: 'E_NETWORK_DNS', words }
  if (codes.includes('ECONNREFUSED')) return { code: 'E_NETWORK_REFUSED', words }
  if (codes.includes('ETIMEDOUT')) return { code: 'E_NETWORK_TIMEOUT', words }
  return { code: codes.some((code) => CLOSED.has(code)) ? 'E_NETWORK_CLOSED' : 'E_NETWORK_REFUSED', words }
}

/** `ECONNREFUSED 127.0.0.1:8443` */
function addressFault(error: unknown): string {
  const code = errorCodeOf(error) ?? 'unknown fault'
  const address = typeof error === 'object' && error !== null && 'address' in error ? String(error.address) : ''
  const port = typeof error === 'object' && error !== null && 'port' in error ? `:${String(error.port)}` : ''
  return printable(address === '' ? code : `${code} ${address}${port}`, 100)
}

function explainProxy(error: unknown, { proxy }: Party, limit: number): ProblemDetails {
  const name = `the proxy ${printable(proxy?.host ?? '')}`
  const code = 'E_PROXY_UNREACHABLE'
  const hint = 'Check https_proxy on this runner; a host that is reached directly belongs into no_proxy.'
  if (error === SILENCE) return { code, message: `${name} did not answer within ${seconds(limit)}`, hint }
  const errorCode = errorCodeOf(error) ?? ''
  if (errorCode === 'CLOSED_EARLY') return { code, message: `${name} closed the connection without an answer`, hint }
  if (SYSTEM_CODE.test(errorCode) || error instanceof AggregateError) {
    return { code, message: `could not connect to ${name}: ${connectFault(error, limit).words}`, hint }
  }
  // Its certificate, or no TLS at all: only https proxies come here.
  return { code, message: `TLS to ${name} failed: ${printable(reasonOf(error))} (${printable(errorCode, 60)})`, hint }
}

function explainHandshake(error: unknown, attempt: Attempt, party: Party, limit: number): ProblemDetails {
  const { target } = party
  if (error === SILENCE) {
    return {
      code: 'E_NETWORK_TIMEOUT',
      message: `${target} took the connection but did not answer the TLS handshake within ${seconds(limit)}`,
      hint: 'Check that repository-url has the port of an https server, and what stands between it and this runner.',
    }
  }
  const alert = alertOf(error)
  if (alert !== undefined) return explainAlert(alert, attempt, party)
  const code = errorCodeOf(error) ?? ''
  if (CLOSED.has(code)) return closedInHandshake(error, attempt, party)
  if (!attempt.keysAgreed && NOT_TLS.has(code)) return notTls(party)
  if (NO_COMMON_VERSION.has(code)) return versionFault(code, party)
  if (SYSTEM_CODE.test(code)) return explainConnect(error, party, limit)
  if (isVerdict(code)) return explainServerFault(code, reasonOf(error), attempt, party)
  return {
    code: 'E_TLS_HANDSHAKE',
    message: `the TLS handshake with ${target} failed: ${printable(reasonOf(error))} (${printable(code, 60)})`,
    hint: 'Ask the team that runs the server what its log says.',
  }
}

/** Codes of the certificate's verification have no prefix; those of everything else in TLS do. */
function isVerdict(code: string): boolean {
  return code === 'ERR_TLS_CERT_ALTNAME_INVALID' || (code !== '' && !code.startsWith('ERR_'))
}

/** OpenSSL's reason where there is one: the message around it names source files. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown fault'
  return 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message
}

function notTls({ target }: Party): ProblemDetails {
  return {
    code: 'E_TLS_NOT_TLS',
    message: `${target} does not speak TLS: expected an https server, found something else (plain HTTP?) on that port`,
    hint: 'Check the port in repository-url; port 80 is plain HTTP and port 443 or 8443 https on most servers.',
  }
}

/** Without an alert the moment alone tells: keys are agreed on before the server looks at the client's certificate. */
function closedInHandshake(error: unknown, attempt: Attempt, party: Party): ProblemDetails {
  const { target, own } = party
  // Node gives the code of a reset to a proper end too; only the reset comes from a system call.
  const how = error instanceof Error && 'syscall' in error ? 'reset' : 'closed'
  if (attempt.keysAgreed && attempt.asked) {
    if (own === undefined) return certificateRequired(`it ${how} the connection after it had asked for one`, party)
    return refused(
      {
        code: 'E_TLS_CLIENT_REFUSED',
        complaint: 'any',
        words: `asked for the client certificate and then ${how} the connection without a word: most likely it refused the certificate`,
        hint: 'Ask the team that runs the server what its log says: which CAs it trusts for clients, and whether the certificate is revoked.',
      },
      party,
    )
  }
  return {
    code: 'E_NETWORK_CLOSED',
    message: `${target} ${how} the connection in the middle of the TLS handshake`,
    hint: 'Check host and port in repository-url; a firewall, or a front that does not know the host name, also ends connections so.',
  }
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`
}

/** What the connections that were handed over have shown. */
export interface Seen {
  /** Whether the server asked for a client certificate. */
  asked: boolean
  /** Number of an alert that came when a request was under way already. */
  alert: number | undefined
}

/**
 * What an HTTP client rejects with when a connection fails or dies, explained. What is already explained passes as it
 * is. Undefined: it is no matter of the connection (a PublishError of other origin, an abort, an answer that is no HTTP).
 */
export function explainDeath(error: unknown, seen: Seen, party: Party): PublishError | undefined {
  if (error instanceof ConnectionFailure) return error
  if (error instanceof PublishError) return undefined
  const details = deathOf(error, seen, party)
  return details && new PublishError({ ...details, cause: error })
}

function deathOf(error: unknown, seen: Seen, party: Party): ProblemDetails | undefined {
  const { target, idleTimeoutMs } = party
  const code = errorCodeOf(error) ?? ''
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT' || code === 'ETIMEDOUT') {
    return {
      code: 'E_NETWORK_TIMEOUT',
      message: `${target} stayed silent for ${seconds(idleTimeoutMs)} (idle-timeout-seconds)`,
      hint: 'Raise idle-timeout-seconds if the server needs longer for such a file; else ask the team that runs it.',
    }
  }
  // undici says so of an answer that it cannot read: no matter of the connection.
  if (error instanceof Error && error.message.startsWith('bad ')) return undefined
  if (!CLOSED.has(code) && !code.startsWith('ERR_SSL_')) return undefined
  // undici tells that the connection was closed even where an alert said why.
  const alert = alertOf(error) ?? seen.alert
  if (alert !== undefined) return explainAlert(alert, seen, party)
  return {
    code: 'E_NETWORK_CLOSED',
    message: `the connection to ${target} broke without an answer (${printable(reasonOf(error))})`,
    hint: 'Run again; if it happens each time, ask the team that runs the server or the front before it (size limits, time limits, a certificate that is refused late).',
  }
}
