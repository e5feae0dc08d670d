import { isIP } from 'node:net'
import type { ErrorCode, ProblemDetails } from '../errors.ts'
import { type Complaint, compare } from './comparison.ts'
import type { Attempt } from './handshake.ts'
import type { Party } from './party.ts'

/**
 * Number of the TLS alert (RFC 8446, 6) that the other side sent, or undefined. OpenSSL names it in the message alone;
 * Node's code strings differ between versions.
 */
export function alertOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  const [, number] = /SSL alert number (\d{1,3})/.exec(error.message) ?? []
  return number === undefined ? undefined : Number(number)
}

interface Meaning {
  readonly code: ErrorCode
  readonly complaint: Complaint
  /** What the server says. */
  readonly words: string
  readonly hint: string
}

const ASK = 'Ask the team that runs the server what its log says of this certificate.'

/** What a renewed secret that seems not to work comes from. */
const QUEUED = 'If that is done already, this run was queued before: re-run it.'

/** Alerts that answer a client certificate. */
const REFUSALS: ReadonlyMap<number, Meaning> = new Map([
  [
    42,
    {
      code: 'E_TLS_CLIENT_REFUSED',
      complaint: 'any',
      words: 'rejected the client certificate (bad certificate, alert 42)',
      hint: `Some servers say so of a certificate that is not valid yet, others of any that they do not accept. ${ASK}`,
    },
  ],
  [
    43,
    {
      code: 'E_TLS_CLIENT_PURPOSE',
      complaint: 'purpose',
      words: 'does not take such a certificate from a client (unsupported certificate, alert 43)',
      hint: 'Use a certificate whose extended key usage has clientAuth. Public CAs no longer issue those: take it from a private CA.',
    },
  ],
  [
    44,
    {
      code: 'E_TLS_CLIENT_REVOKED',
      complaint: 'revocation',
      words: 'says that the client certificate is revoked (alert 44)',
      hint: `Ask for a new client certificate, and store it together with its key. ${QUEUED}`,
    },
  ],
  [
    45,
    {
      code: 'E_TLS_CLIENT_EXPIRED',
      complaint: 'date',
      words: 'says that the client certificate, or a CA certificate above it, has expired (alert 45)',
      hint: `Renew the client certificate, and store it together with its key. ${QUEUED}`,
    },
  ],
  [
    46,
    {
      code: 'E_TLS_CLIENT_REFUSED',
      complaint: 'any',
      words: 'did not accept the client certificate and does not say why (certificate unknown, alert 46)',
      hint: ASK,
    },
  ],
  [
    48,
    {
      code: 'E_TLS_CLIENT_UNKNOWN_CA',
      complaint: 'issuer',
      words: 'does not trust the issuer of the client certificate (unknown CA, alert 48)',
      hint: 'Use a client certificate from a CA that this server trusts for clients, with its intermediate certificates behind it in client-cert.',
    },
  ],
  [
    49,
    {
      code: 'E_TLS_CLIENT_REFUSED',
      complaint: 'any',
      words: 'knows the client certificate but lets it not in (access denied, alert 49)',
      hint: 'Ask the team that runs the server to let this certificate in.',
    },
  ],
  [
    51,
    {
      code: 'E_TLS_CLIENT_REFUSED',
      complaint: 'signature',
      words: 'could not verify a signature in the chain of the client certificate (decrypt error, alert 51)',
      hint: ASK,
    },
  ],
])

const HANDSHAKE_FAILURE = 40
const DECRYPT_ERROR = 51
const BAD_CERTIFICATE = 42
const CERTIFICATE_UNKNOWN = 46
const PROTOCOL_VERSION = 70
const INSUFFICIENT_SECURITY = 71
const UNRECOGNIZED_NAME = 112
const NO_APPLICATION_PROTOCOL = 120

/** `no certificate` (SSL 3, which some servers still send) and `certificate required` (TLS 1.3). */
const NO_CERTIFICATE: ReadonlySet<number> = new Set([41, 116])

/** What servers also say to a client that showed no certificate: OpenSSL in TLS 1.2, Go, Java. */
const PERHAPS_NO_CERTIFICATE: ReadonlySet<number> = new Set([HANDSHAKE_FAILURE, BAD_CERTIFICATE, CERTIFICATE_UNKNOWN])

/** Alerts about something else. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [HANDSHAKE_FAILURE, 'handshake failure'],
  [10, 'unexpected message'],
  [20, 'bad record MAC'],
  [22, 'record overflow'],
  [47, 'illegal parameter'],
  [50, 'decode error'],
  [DECRYPT_ERROR, 'decrypt error'],
  [INSUFFICIENT_SECURITY, 'insufficient security'],
  [80, 'internal error'],
  [86, 'inappropriate fallback'],
  [109, 'missing extension'],
  [110, 'unsupported extension'],
  [UNRECOGNIZED_NAME, 'unrecognized name'],
  [NO_APPLICATION_PROTOCOL, 'no application protocol'],
])

type Asked = Pick<Attempt, 'asked'>

/** What an alert of the server means for this client: E_TLS_CLIENT_*, E_TLS_VERSION or E_TLS_HANDSHAKE. */
export function explainAlert(alert: number, seen: Asked, party: Party): ProblemDetails {
  if (alert === PROTOCOL_VERSION) return versionFault('protocol version, alert 70', party)
  return party.own !== undefined ? refusal(alert, seen, party) : missing(alert, seen, party)
}

function missing(alert: number, { asked }: Asked, party: Party): ProblemDetails {
  if (NO_CERTIFICATE.has(alert) || (asked && PERHAPS_NO_CERTIFICATE.has(alert))) {
    return certificateRequired(`alert ${alert}`, party)
  }
  return otherAlert(alert, party)
}

function refusal(alert: number, { asked }: Asked, party: Party): ProblemDetails {
  const meaning = REFUSALS.get(alert)
  // Also said of our keys in the handshake: then the certificate was not looked at yet.
  if (meaning !== undefined && (asked || alert !== DECRYPT_ERROR)) return refused(meaning, party)
  if (NO_CERTIFICATE.has(alert)) {
    return {
      code: 'E_TLS_CLIENT_REQUIRED',
      message: `${party.target} says that it got no client certificate (alert ${alert}): none of the signature algorithms that it accepts fits the key in client-key`,
      hint: 'Ask the team that runs the server which kinds of keys (RSA, EC) it accepts.',
    }
  }
  if (alert !== HANDSHAKE_FAILURE || !asked) return otherAlert(alert, party)
  return refused(
    {
      code: 'E_TLS_CLIENT_REFUSED',
      complaint: 'any',
      words: 'asked for the client certificate and then ended the handshake (handshake failure, alert 40)',
      hint: `${ASK} It may also accept other kinds of keys only (RSA, EC).`,
    },
    party,
  )
}

/** A refusal beside what is known of the certificate: E_TLS_CLIENT_*. */
export function refused({ code, complaint, words, hint }: Meaning, party: Party): ProblemDetails {
  const comparison = compare(complaint, party)
  return { code, message: `${party.target} ${words}${comparison.words}`, hint: comparison.hint ?? hint }
}

function otherAlert(alert: number, { target, host }: Party): ProblemDetails {
  const name = NAMES.get(alert)
  const hint = 'Ask the team that runs the server what its log says.'
  const address = isIP(host) === 0 ? '' : ' For an address no name is sent: write the name instead.'
  const hints = new Map([
    [HANDSHAKE_FAILURE, `Client and server may have no cipher in common, or it wants a client certificate. ${hint}`],
    [INSUFFICIENT_SECURITY, `Client and server have no cipher in common that is strong enough for it. ${hint}`],
    [UNRECOGNIZED_NAME, `The server does not know the host name in repository-url: check it.${address}`],
    [NO_APPLICATION_PROTOCOL, 'The server does not take HTTP/1.1, which uploads need: have it switched on there.'],
  ])
  return {
    code: 'E_TLS_HANDSHAKE',
    message: `${target} ended the TLS connection with alert ${alert}${name === undefined ? '' : ` (${name})`}`,
    hint: hints.get(alert) ?? hint,
  }
}

/** A server wants a client certificate and the run has none: E_TLS_CLIENT_REQUIRED. `how` says what showed it. */
export function certificateRequired(how: string, { target }: Party): ProblemDetails {
  return {
    code: 'E_TLS_CLIENT_REQUIRED',
    message: `${target} requires a client certificate, and \`client-cert: none\` shows none (${how})`,
    hint: 'Give client-cert and client-key.',
  }
}

/** Client and server have no version in common: E_TLS_VERSION. `how` says what showed it. */
export function versionFault(how: string, { target, tlsMinVersion, tlsMaxVersion }: Party): ProblemDetails {
  const offered = tlsMinVersion === tlsMaxVersion ? `${tlsMinVersion} alone` : `${tlsMinVersion} to ${tlsMaxVersion}`
  const wider = tlsMinVersion === 'TLSv1.3' ? 'tls-min-version: 1.2' : 'tls-max-version: 1.3'
  return {
    code: 'E_TLS_VERSION',
    message: `${target} speaks no TLS version that was offered: ${offered} (${how})`,
    hint:
      tlsMinVersion === tlsMaxVersion
        ? `Write \`${wider}\`, unless the server must not be met that way.`
        : 'The server speaks TLS 1.1 or older alone: it has to be updated.',
  }
}
