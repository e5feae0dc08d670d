import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { type ErrorCode, type ProblemDetails, PublishError } from '../errors.ts'
import { issuerOf, printable, subjectOf } from '../text.ts'

/**
 * How far the proof of identity came: `accepted` (the server asked for the client certificate and took it; without one:
 * TLS stands), `refused` (it asked and would not have it), `not-asked`, `failed` (TLS did not come to stand for another
 * reason), `not-tried` (no TLS handshake could begin).
 */
export type Handshake = 'accepted' | 'refused' | 'not-asked' | 'failed' | 'not-tried'

/** What a finished handshake showed. All texts are printable. */
export interface HandshakeFacts {
  /** For example `TLSv1.3`. */
  readonly protocol: string
  readonly cipher: string
  /** IP address of the server, or of the proxy in front of it. */
  readonly remoteAddress: string
  /** Whether the server asked for a client certificate. */
  readonly asked: boolean
  readonly server: {
    readonly subject: string
    readonly issuer: string
    /** Hexadecimal pairs with colons, as OpenSSL prints them. */
    readonly fingerprint256: string
    /** ISO 8601, UTC. */
    readonly validTo: string
  }
}

/** What one attempt has shown so far: filled in as it goes on, read when it fails. */
export interface Attempt {
  stage: 'connect' | 'proxy' | 'handshake' | 'gate'
  remoteAddress: string
  /** `''` until keys are agreed on. */
  protocol: string
  /** Whether the server's certificate request was seen. */
  asked: boolean
  /** Whether both sides had agreed on version, cipher and keys. */
  keysAgreed: boolean
  /** Whether a first request was made, since the server may ask late. */
  early: boolean
  /** As the server sent them: its own first. */
  certificates: readonly X509Certificate[]
  facts: HandshakeFacts | undefined
}

export function newAttempt(): Attempt {
  return {
    stage: 'connect',
    remoteAddress: '',
    protocol: '',
    asked: false,
    keysAgreed: false,
    early: false,
    certificates: [],
    facts: undefined,
  }
}

/** A connection that was never handed over: nothing of a request was sent on it. */
export class ConnectionFailure extends PublishError {
  readonly handshake: Handshake
  readonly facts: HandshakeFacts | undefined
  /** What is known without a handshake that came to its end. */
  readonly seen: Partial<HandshakeFacts>
  /** Number of the alert with which the server ended it. */
  readonly alert: number | undefined

  constructor(details: ProblemDetails, attempt: Attempt, alert?: number) {
    super(details)
    this.alert = alert
    this.handshake = handshakeOf(details.code, attempt)
    // It may have asked after the facts were read.
    this.facts = attempt.facts && { ...attempt.facts, asked: attempt.asked }
    this.seen = this.facts ?? seenIn(attempt)
  }
}

function seenIn({ remoteAddress, protocol, certificates }: Attempt): Partial<HandshakeFacts> {
  return {
    ...(remoteAddress !== '' && { remoteAddress: printable(remoteAddress) }),
    ...(protocol !== '' && { protocol: printable(protocol) }),
    ...(certificates.length > 0 && { server: serverFacts(certificates) }),
  }
}

function handshakeOf(code: ErrorCode, { stage, facts }: Attempt): Handshake {
  if (code === 'E_TLS_CLIENT_NOT_ASKED') return 'not-asked'
  if (code === 'E_TLS_INSPECTED' && facts !== undefined) return 'not-asked'
  if (code.startsWith('E_TLS_CLIENT_')) return 'refused'
  return stage === 'connect' || stage === 'proxy' ? 'not-tried' : 'failed'
}

/** Certificates of a chain that are looked at: real ones have two to five. */
const MOST_CERTIFICATES = 16

/** The certificates that the server sent, its own first. */
export function sentCertificates(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let next = socket.getPeerX509Certificate()
  while (next !== undefined && chain.length < MOST_CERTIFICATES) {
    chain.push(next)
    next = next.issuerCertificate
  }
  return chain
}

/** Facts of a connection that stands. */
export function readFacts(socket: TLSSocket, { remoteAddress, asked, certificates }: Attempt): HandshakeFacts {
  return {
    protocol: printable(socket.getProtocol() ?? ''),
    cipher: printable(socket.getCipher()?.standardName ?? ''),
    remoteAddress: printable(remoteAddress),
    asked,
    server: serverFacts(certificates),
  }
}

function serverFacts([own]: readonly X509Certificate[]): HandshakeFacts['server'] {
  return {
    subject: own === undefined ? '' : subjectOf(own),
    issuer: own === undefined ? '' : issuerOf(own),
    fingerprint256: own?.fingerprint256 ?? '',
    validTo: isoDate(own?.validToDate),
  }
}

function isoDate(date: Date | undefined): string {
  return date === undefined || Number.isNaN(date.getTime()) ? '' : date.toISOString()
}
