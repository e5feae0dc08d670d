import type { KeyObject } from 'node:crypto'
import type { Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { PublishError } from '../errors.ts'
import { issuerOf, type Secrets, subjectOf } from '../text.ts'
import type { AuthorityQuestion } from './accepted-authorities.ts'
import { alertOf } from './alert.ts'
import { explainAttempt, SILENCE } from './explain.ts'
import { lastWord, passGate, reach } from './gate.ts'
import {
  type Attempt,
  ConnectionFailure,
  type HandshakeFacts,
  newAttempt,
  readFacts,
  sentCertificates,
} from './handshake.ts'
import { inspected } from './inspection.ts'
import { requestEarly } from './late-request.ts'
import type { OwnChain } from './own-chain.ts'
import type { Party, TlsVersion } from './party.ts'
import { plainHost } from './proxy.ts'
import { authorityOf, keep, openRoute, serverName } from './route.ts'
import type { ServerTrust } from './trust.ts'

/** The origin, who we are to it, and whom we trust there. */
export interface TransportOptions {
  readonly url: URL
  readonly identity:
    | {
        readonly chainPem: string
        readonly key: KeyObject
        readonly own: OwnChain
      }
    | undefined
  readonly trust: ServerTrust
  readonly proxy: URL | undefined
  readonly tlsMinVersion: TlsVersion
  readonly tlsMaxVersion: TlsVersion
  /** Whether a connection whose server does not ask for the certificate is ended before anything is sent. */
  readonly requireClientAuth: boolean
  /** Connections at the same time. */
  readonly connections: number
  /** Milliseconds. */
  readonly idleTimeoutMs: number
  readonly trustHints: readonly string[]
  readonly secrets: Secrets
  readonly now: () => Date
}

export interface Connection {
  readonly socket: TLSSocket
  readonly facts: HandshakeFacts
}

/** How a connection in the making is tied to others. */
export interface Company {
  /** For the handshake, which begins when this resolves: until then the way stands, and nothing is said on it. */
  readonly permission?: Promise<void>
  /** The first handshake has begun, and the server's answer is on its way. */
  greeted?(): void
  /** The server has proven who it is; what it thinks of us is not known yet. */
  proven?(): void
  /** There is no connection; what follows is the search for words. */
  failed?(): void
}

/** A new connection to the origin; rejects with ConnectionFailure, or with the signal's reason. */
export type Connect = (signal: AbortSignal, company?: Company) => Promise<Connection>

/** Milliseconds for the name, the connection, the proxy's answer, the handshake and the gate together. */
const CONNECT_TIME = 30_000

/**
 * Makes connections to one origin with one identity and one trust. Certificate, key and CAs are loaded once: with a key
 * in hardware every loading costs a signature. The question is put when the server refuses the certificate.
 */
export function createConnector(options: TransportOptions, question: AuthorityQuestion): Connect {
  const context = secureContext(options)
  const limit = Math.min(CONNECT_TIME, options.idleTimeoutMs)
  return async (signal, company = {}) => {
    const attempt = newAttempt()
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(SILENCE), limit)
    const sockets: Socket[] = []
    try {
      const ends = AbortSignal.any([signal, deadline.signal])
      const connection = await open(options, context, { attempt, sockets, signal: ends, company })
      signal.throwIfAborted()
      return connection
    } catch (error) {
      company.failed?.()
      // The outermost alone: it takes those below it along. Destroyed before it, they would pull OpenSSL from under it.
      sockets.at(-1)?.destroy()
      // The caller's own end is no fault of the network.
      signal.throwIfAborted()
      if (error instanceof PublishError) throw new ConnectionFailure(error, attempt)
      const explain = () => explainAttempt(error, attempt, partyOf(options, question), limit)
      if (options.identity !== undefined && explain().code.startsWith('E_TLS_CLIENT_')) await question.ask(signal)
      signal.throwIfAborted()
      throw new ConnectionFailure({ ...explain(), cause: error }, attempt, alertOf(error))
    } finally {
      clearTimeout(timer)
    }
  }
}

/** What a sentence about a connection has to know. */
export function partyOf(options: TransportOptions, { answer }: AuthorityQuestion): Party {
  const { url, identity, ...rest } = options
  return { ...rest, host: plainHost(url.hostname), target: authorityOf(url), own: identity?.own, accepted: answer }
}

function secureContext({ identity, trust, tlsMinVersion, tlsMaxVersion }: TransportOptions): SecureContext {
  return createSecureContext({
    // Never as `pfx`: Node would add the file's CAs to what a server may chain to.
    ...(identity && { cert: identity.chainPem, key: identity.key.export({ type: 'pkcs8', format: 'pem' }) }),
    ca: [...trust.ca],
    allowPartialTrustChain: trust.partial,
    minVersion: tlsMinVersion,
    maxVersion: tlsMaxVersion,
  })
}

/** A connection in the making: what is noted of it, what has to be destroyed if it fails, and what it waits for. */
interface Making {
  readonly attempt: Attempt
  readonly sockets: Socket[]
  readonly signal: AbortSignal
  readonly company: Company
}

async function open(options: TransportOptions, context: SecureContext, making: Making): Promise<Connection> {
  const { attempt, sockets, signal, company } = making
  const path = await openRoute(options, attempt, sockets, signal)
  await company.permission
  signal.throwIfAborted()
  attempt.stage = 'handshake'
  const socket = connectTls({
    socket: path,
    secureContext: context,
    ...serverName(plainHost(options.url.hostname)),
    ALPNProtocols: ['http/1.1'],
    // In words, since NODE_TLS_REJECT_UNAUTHORIZED would switch the default off.
    rejectUnauthorized: true,
  })
  keep(socket, sockets)
  if (!attempt.early) setImmediate(() => company.greeted?.())
  const endWatch = watch(socket, attempt)
  const word = lastWord(socket)
  await reach(socket, 'secureConnect', signal)
  attempt.asked ||= socket.getSharedSigalgs().length > 0
  attempt.certificates = sentCertificates(socket)
  attempt.facts = readFacts(socket, attempt)
  const usedUp = mayAskLate(socket, options, attempt) && !(await askByRequest(socket, options, attempt, signal))
  endWatch()
  if (options.requireClientAuth && !attempt.asked) throw notAsked(options, attempt)
  if (usedUp) {
    socket.destroy()
    return open(options, context, making)
  }
  company.proven?.()
  attempt.stage = 'gate'
  await passGate(socket, word, signal)
  return { socket, facts: { ...attempt.facts, asked: attempt.asked } }
}

/** In TLS 1.2 a server may ask again once it sees the path; in TLS 1.3 no client of Node.js can answer that. */
function mayAskLate(socket: TLSSocket, { identity }: TransportOptions, attempt: Attempt): boolean {
  return identity !== undefined && !attempt.asked && !attempt.early && socket.getProtocol() === 'TLSv1.2'
}

/** Milliseconds for a request that may be answered slowly and that nobody asked for. */
const EARLY_REQUEST_TIME = 10_000

/** Whether the connection can be used after it. What goes wrong counts only where the server has asked by then. */
async function askByRequest(
  socket: TLSSocket,
  { url }: TransportOptions,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<boolean> {
  attempt.early = true
  try {
    const isUsable = await requestEarly(socket, url, AbortSignal.any([signal, AbortSignal.timeout(EARLY_REQUEST_TIME)]))
    attempt.asked ||= socket.getSharedSigalgs().length > 0
    return isUsable
  } catch (error) {
    signal.throwIfAborted()
    if (attempt.asked) throw error
    return false
  }
}

/** Notes what can no longer be asked once the handshake has failed. Returns the function that ends the watch. */
function watch(socket: TLSSocket, attempt: Attempt): () => void {
  const note = () => {
    attempt.keysAgreed = true
    // Not documented for clients: filled by the server's certificate request, and empty without one.
    attempt.asked ||= socket.getSharedSigalgs().length > 0
  }
  socket.on('keylog', note)
  // A certificate that is refused goes with the socket; and asked for any earlier, before Node's own check of its names,
  // it would be missing there.
  const destroy = socket.destroy.bind(socket)
  socket.destroy = (error) => {
    if (!socket.destroyed) {
      if (attempt.certificates.length === 0) attempt.certificates = sentCertificates(socket)
      if (attempt.keysAgreed) attempt.protocol = socket.getProtocol() ?? ''
    }
    return destroy(error)
  }
  return () => {
    socket.off('keylog', note)
    socket.destroy = destroy
  }
}

function notAsked(options: TransportOptions, { certificates }: Attempt): PublishError {
  const { url } = options
  const target = authorityOf(url)
  const inspection = inspected(certificates, target)
  if (inspection !== undefined) return new PublishError(inspection)
  const [own] = certificates
  const who = own === undefined ? '' : ` (it is ${subjectOf(own)}, issued by ${issuerOf(own)})`
  const late =
    options.tlsMaxVersion === 'TLSv1.3'
      ? ' If this server asks for some paths only (Apache: SSLVerifyClient inside <Location>; IIS), write `tls-max-version: 1.2`: in TLS 1.3 it cannot ask then.'
      : ''
  return new PublishError({
    code: 'E_TLS_CLIENT_NOT_ASKED',
    message: `${target} did not ask for the client certificate${who}, so it cannot know who publishes: expected a certificate request in the TLS handshake`,
    hint: `Check that repository-url names the host and port behind mutual TLS, and that nothing on the way breaks TLS open.${late} If it asks nobody on purpose, write \`client-auth: optional\`.`,
  })
}
