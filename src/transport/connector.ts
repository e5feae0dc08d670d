import type { KeyObject } from 'node:crypto'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { PublishError } from '../errors.ts'
import type { Secrets } from '../text.ts'
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
import type { Party, TlsVersion } from './party.ts'
import { plainHost } from './proxy.ts'
import { type ServerTrust, systemAuthorities } from './trust.ts'
import { openTunnel } from './tunnel.ts'

/** The origin, who we are to it, and whom we trust there. */
export interface TransportOptions {
  readonly url: URL
  readonly identity: { readonly chainPem: string; readonly key: KeyObject } | undefined
  readonly trust: ServerTrust
  readonly proxy: URL | undefined
  readonly tlsMinVersion: TlsVersion
  readonly tlsMaxVersion: TlsVersion
  /** Whether a connection whose server does not ask for the certificate is ended before anything is sent. */
  readonly requireClientAuth: boolean
  /** Milliseconds. */
  readonly idleTimeoutMs: number
  readonly trustHints: readonly string[]
  /** What the chain check holds against the client's certificate: the likely reason of a refusal. */
  readonly doubt: string | undefined
  readonly secrets: Secrets
  readonly now: () => Date
}

export interface Connection {
  readonly socket: TLSSocket
  readonly facts: HandshakeFacts
}

/** A new connection to the origin; rejects with ConnectionFailure, or with the signal's reason. */
export type Connect = (signal: AbortSignal) => Promise<Connection>

/** Milliseconds for the name, the connection, the proxy's answer, the handshake and the gate together. */
const CONNECT_TIME = 30_000

/** Milliseconds for one address of a name. Node's own 250 are fewer than a distant server needs. */
const ADDRESS_TIME = 5_000

/** Milliseconds after which an idle connection is probed by TCP, so that firewalls keep it. */
const KEEP_ALIVE_TIME = 60_000

/**
 * Makes connections to one origin with one identity and one trust. Certificate, key and CAs are loaded once: with a key
 * in hardware every loading costs a signature.
 */
export function createConnector(options: TransportOptions): Connect {
  const context = secureContext(options)
  const limit = Math.min(CONNECT_TIME, options.idleTimeoutMs)
  return async (signal) => {
    const attempt = newAttempt()
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(SILENCE), limit)
    const sockets: Socket[] = []
    try {
      const connection = await open(options, context, attempt, sockets, AbortSignal.any([signal, deadline.signal]))
      signal.throwIfAborted()
      return connection
    } catch (error) {
      // The outermost alone: it takes those below it along. Destroyed before it, they would pull OpenSSL from under it.
      sockets.at(-1)?.destroy()
      // The caller's own end is no fault of the network.
      signal.throwIfAborted()
      throw failure(error, options, attempt, limit)
    } finally {
      clearTimeout(timer)
    }
  }
}

function failure(error: unknown, options: TransportOptions, attempt: Attempt, limit: number): ConnectionFailure {
  if (error instanceof PublishError) return new ConnectionFailure(error, attempt)
  const details = explainAttempt(error, attempt, partyOf(options), limit)
  return new ConnectionFailure({ ...details, cause: error }, attempt)
}

/** What a sentence about a connection has to know. */
export function partyOf(options: TransportOptions): Party {
  const { url, identity, ...rest } = options
  return { ...rest, host: plainHost(url.hostname), target: authorityOf(url), hasIdentity: identity !== undefined }
}

/** `host:port`, the port always there. */
function authorityOf(url: URL): string {
  return `${url.hostname}:${url.port === '' ? '443' : url.port}`
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

async function open(
  options: TransportOptions,
  context: SecureContext,
  attempt: Attempt,
  sockets: Socket[],
  signal: AbortSignal,
): Promise<Connection> {
  const path = await openPath(options, attempt, sockets, signal)
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
  const endWatch = watch(socket, attempt)
  const word = lastWord(socket)
  await reach(socket, 'secureConnect', signal)
  endWatch()
  attempt.asked ||= socket.getSharedSigalgs().length > 0
  attempt.facts = readFacts(socket, attempt)
  if (options.requireClientAuth && !attempt.asked) throw notAsked(options)
  attempt.stage = 'gate'
  await passGate(socket, word, signal)
  return { socket, facts: attempt.facts }
}

/** A TCP connection to the server, or a tunnel through the proxy. */
async function openPath(
  { url, proxy, secrets, idleTimeoutMs }: TransportOptions,
  attempt: Attempt,
  sockets: Socket[],
  signal: AbortSignal,
): Promise<Socket> {
  const { hostname, port } = proxy ?? url
  if (proxy !== undefined) attempt.stage = 'proxy'
  const tcp = connectTcp({
    host: plainHost(hostname),
    port: Number(port || (proxy?.protocol === 'http:' ? 80 : 443)),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.min(ADDRESS_TIME, Math.ceil(idleTimeoutMs / 3)),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_TIME,
  })
  keep(tcp, sockets)
  await reach(tcp, 'connect', signal)
  attempt.remoteAddress = tcp.remoteAddress ?? ''
  if (proxy === undefined) return tcp
  const path = proxy.protocol === 'https:' ? await secureProxy(tcp, proxy, sockets, signal) : tcp
  await openTunnel(path, { authority: authorityOf(url), proxy, secrets }, signal)
  return path
}

/** TLS to the proxy itself: with the system's trust, and never with the client certificate. */
async function secureProxy(tcp: Socket, proxy: URL, sockets: Socket[], signal: AbortSignal): Promise<Socket> {
  const socket = connectTls({
    socket: tcp,
    ...serverName(plainHost(proxy.hostname)),
    ca: [...systemAuthorities()],
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true,
  })
  keep(socket, sockets)
  await reach(socket, 'secureConnect', signal)
  return socket
}

/** Server name indication knows no addresses (RFC 6066, 3); then `host` is what the certificate is compared with. */
function serverName(host: string): { host: string; servername?: string } {
  return isIP(host) === 0 ? { host, servername: host } : { host }
}

/** Whoever waits for a socket hears of its error; one that comes when nobody waits must not end the process. */
function keep(socket: Socket, sockets: Socket[]): void {
  socket.on('error', () => {})
  sockets.push(socket)
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
      attempt.certificates = sentCertificates(socket)
      if (attempt.keysAgreed) attempt.protocol = socket.getProtocol() ?? ''
    }
    return destroy(error)
  }
  return () => {
    attempt.certificates = sentCertificates(socket)
    socket.off('keylog', note)
    socket.destroy = destroy
  }
}

function notAsked({ url }: TransportOptions): PublishError {
  return new PublishError({
    code: 'E_TLS_CLIENT_NOT_ASKED',
    message: `${authorityOf(url)} did not ask for the client certificate, so it cannot know who publishes: expected a certificate request in the TLS handshake`,
    hint: 'Check that repository-url names the host and port behind mutual TLS. If this server asks later, for some paths only (Apache: SSLVerifyClient inside <Location>), or asks nobody on purpose, write `client-auth: optional`.',
  })
}
