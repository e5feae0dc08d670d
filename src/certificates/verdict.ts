import type { KeyObject, X509Certificate } from 'node:crypto'
import { duplexPair } from 'node:stream'
import { connect, createSecureContext, createServer, type SecureContext, type TLSSocket } from 'node:tls'
import { errorCodeOf } from '../errors.ts'
import { makeServerCertificate } from './server-certificate.ts'

export interface VerdictRequest {
  /** Leaf first, as it will be sent. */
  readonly chain: readonly X509Certificate[]
  /** The leaf's private key: the handshake proves that it signs. */
  readonly key: KeyObject
  /** What the server side trusts. At most some hundreds: a server announces their names in a message of 64 KiB. */
  readonly anchors: readonly X509Certificate[]
  /** Whether an anchor that is no root ends the chain (OpenSSL's partial chain). */
  readonly partial: boolean
  readonly signal?: AbortSignal | undefined
}

export interface Verdict {
  readonly accepted: boolean
  /** OpenSSL's name of what it refuses (`CERT_HAS_EXPIRED`), Node's code of an error (`ERR_SSL_EE_KEY_TOO_SMALL`), or `NOT_SENT`. */
  readonly code: string | undefined
  /** Whether OpenSSL loads certificate and key at all: what it calls too weak no client of Node.js can send. */
  readonly loads: boolean
}

/** Milliseconds. A handshake in memory takes five: this is only reached when the process itself stands still. */
const TIME_LIMIT = 10_000

/** Anything that is no address: the server side may pick its trust by name (see `serverFor`). */
const SERVER_NAME = 'verdict.invalid'

/**
 * What a server built on OpenSSL says to this client certificate: one TLS handshake inside the process, without a
 * network. Rejects with the signal's reason, and with an Error when the handshake does not end in time; a chain that is
 * refused is an answer, not an error.
 */
export async function askOpenSsl(request: VerdictRequest): Promise<Verdict> {
  request.signal?.throwIfAborted()
  const client = clientContext(request)
  return typeof client === 'string' ? { accepted: false, code: client, loads: false } : await handshake(client, request)
}

/** The client's side, or the code with which OpenSSL refuses to load such a certificate at all (weak keys). */
function clientContext({ chain, key }: VerdictRequest): SecureContext | string {
  try {
    return createSecureContext({
      cert: pem(chain).join(''),
      key: key.export({ type: 'pkcs8', format: 'pem' }),
      // An empty list: without one Node would read its own roots, and complete the chain from them.
      ca: [],
    })
  } catch (error) {
    const code = errorCodeOf(error)
    if (code === undefined) throw error
    return code
  }
}

function serverFor({ anchors, partial }: VerdictRequest) {
  const { certificate: cert, key } = makeServerCertificate()
  const trust = { cert, key, ca: pem(anchors) }
  const rules = { requestCert: true, rejectUnauthorized: false, handshakeTimeout: TIME_LIMIT }
  if (!partial) return createServer({ ...trust, ...rules })
  const context = createSecureContext({ ...trust, allowPartialTrustChain: true })
  // `createServer` drops allowPartialTrustChain in silence; a context that is chosen by name keeps it.
  return createServer({ ca: [], ...rules, SNICallback: (_name, callback) => callback(null, context) })
}

async function handshake(client: SecureContext, request: VerdictRequest): Promise<Verdict> {
  const { promise, resolve, reject } = Promise.withResolvers<Verdict>()
  const [clientEnd, serverEnd] = duplexPair()
  const server = serverFor(request)
  server.on('secureConnection', (socket) => resolve(readVerdict(socket)))
  // Deferred: where the client's side gave up, its own error names the cause and arrives in the same turn.
  server.on('tlsClientError', (error) => setImmediate(() => resolve(refusal(error))))
  server.emit('connection', serverEnd)
  const socket = connect({
    socket: clientEnd,
    secureContext: client,
    ...(request.partial && { servername: SERVER_NAME }),
    // The peer is this very process, on a stream that nothing else can reach: there is nobody to authenticate.
    rejectUnauthorized: false,
  })
  socket.on('error', (error) => resolve(refusal(error)))
  const timer = setTimeout(() => reject(new Error('the handshake in memory did not end')), TIME_LIMIT)
  const abort = () => reject(request.signal?.reason)
  request.signal?.addEventListener('abort', abort, { once: true })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    request.signal?.removeEventListener('abort', abort)
    for (const stream of [socket, clientEnd, serverEnd]) stream.destroy()
  }
}

function readVerdict(socket: TLSSocket): Verdict {
  socket.on('error', () => {})
  // A client whose key fits no signature scheme of the handshake sends no certificate, and no error either.
  const sent = socket.getPeerX509Certificate() !== undefined
  const verdict = socket.authorized
    ? { accepted: true, code: undefined, loads: true }
    : { accepted: false, code: sent ? String(socket.authorizationError) : 'NOT_SENT', loads: true }
  socket.destroy()
  return verdict
}

function refusal(error: Error): Verdict {
  return { accepted: false, code: errorCodeOf(error) ?? error.name, loads: true }
}

function pem(certificates: readonly X509Certificate[]): string[] {
  return certificates.map((certificate) => certificate.toString())
}
