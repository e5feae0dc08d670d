import type { TLSSocket } from 'node:tls'
import type { Dispatcher } from 'undici'
import type { PublishError } from '../errors.ts'
import { type AcceptedAuthorities, createAuthorityQuestion } from './accepted-authorities.ts'
import { alertOf } from './alert.ts'
import { compare } from './comparison.ts'
import { type Company, type Connection, createConnector, partyOf, type TransportOptions } from './connector.ts'
import { explainDeath, type Seen } from './explain.ts'
import { isOpen } from './gate.ts'
import { ConnectionFailure, type Handshake, type HandshakeFacts } from './handshake.ts'
import { plainHost } from './proxy.ts'

export type { AcceptedAuthorities } from './accepted-authorities.ts'
export type { TransportOptions } from './connector.ts'
export type { Handshake, HandshakeFacts } from './handshake.ts'

export interface Probe {
  readonly handshake: Handshake
  /** Undefined when the handshake did not come to its end. */
  readonly facts: HandshakeFacts | undefined
  /** What is known all the same. */
  readonly seen: Partial<HandshakeFacts>
  /** Number of the TLS alert with which the server ended the handshake. */
  readonly alert: number | undefined
  readonly problem: PublishError | undefined
}

/** The way to one origin, for one identity and one trust. */
export interface Transport {
  /** Loaded while the probe waits for the server, or when it is first asked for. */
  readonly dispatcher: Promise<Dispatcher>
  /**
   * One bare TLS handshake, without HTTP. `soon` connections more are begun beside it, and go on to their handshakes once
   * the server has proven who it is: no certificate is refused on them before it is refused here. Rejects with the
   * signal's reason alone.
   */
  probe(signal: AbortSignal, soon?: number): Promise<Probe>
  /**
   * Begins with so many connections more, for requests that are about to come side by side. One that fails is forgotten:
   * the request that wants it makes its own, and tells of it.
   */
  prepare(count: number): void
  /**
   * What a request of the dispatcher was rejected with, explained: E_NETWORK_*, E_PROXY_*, E_TLS_*. Undefined: it is no
   * matter of the transport.
   */
  explain(error: unknown): PublishError | undefined
  /** The CAs that the server accepts, asked once by the `openssl` program. Undefined: it cannot be known. */
  askAuthorities(signal: AbortSignal): Promise<AcceptedAuthorities | undefined>
  /** What is known of them without asking: a refusal asks by itself. */
  readonly acceptedAuthorities: AcceptedAuthorities | undefined
  /**
   * Why a server that refuses the certificate in HTTP may do so, as the end of a sentence that begins with `; ` or `, `;
   * `''` where nothing is known. The CAs that it names are asked for.
   */
  likelyReason(signal: AbortSignal): Promise<string>
  /** Ends all connections, those that are in the making too. */
  close(): Promise<void>
}

/** Milliseconds that an idle connection is kept where the server does not say: many servers close after five seconds. */
const KEEP_ALIVE_TIME = 4_000

/**
 * Nothing is connected yet. All connections, the probe's and those of requests, come from one connector; a request to
 * another origin is refused, since the identity and the trust are for this one. A request whose connection fails is
 * rejected with the PublishError that explains it: nothing was sent then.
 */
export function createTransport(options: TransportOptions): Transport {
  const question = createAuthorityQuestion(options, options.identity?.own.certificates ?? [])
  const connect = createConnector(options, question)
  const life = new AbortController()
  const seen: Seen = { asked: false, alert: undefined }
  /** Connections that no request has yet, those in the making among them. */
  const spares: Promise<TLSSocket | undefined>[] = []

  const open = async (signal: AbortSignal, company?: Company): Promise<Connection> => {
    const connection = await connect(signal, company)
    seen.asked = connection.facts.asked
    seen.alert = undefined
    connection.socket.on('error', (error) => {
      seen.alert = alertOf(error) ?? seen.alert
    })
    return connection
  }
  const prepare = (count: number, signal = life.signal, company?: Company): void => {
    const made = () =>
      open(signal, company).then(
        ({ socket }) => socket,
        () => undefined,
      )
    spares.push(...Array.from({ length: count }, made))
  }
  /** Those that requests have. */
  const taken = new Set<TLSSocket>()
  const take = (socket: TLSSocket): TLSSocket => {
    taken.add(socket)
    return socket.once('close', () => taken.delete(socket))
  }
  const next = async (): Promise<TLSSocket> => {
    for (let kept = spares.shift(); kept !== undefined; kept = spares.shift()) {
      const socket = await kept
      if (socket !== undefined && isOpen(socket)) return take(socket)
    }
    return take((await open(life.signal)).socket)
  }
  let loading: Promise<Dispatcher> | undefined
  const load = (): Promise<Dispatcher> => {
    loading ??= createAgent(options, next)
    return loading
  }
  return {
    get dispatcher() {
      return load()
    },
    async probe(signal, soon = 0) {
      const beside = new AbortController()
      const { promise: permission, resolve: permit } = Promise.withResolvers<void>()
      const company: Company = {
        greeted() {
          prepare(soon, AbortSignal.any([life.signal, beside.signal]), { permission })
          void load()
        },
        proven: permit,
        failed() {
          // Before their handshakes end: one refusal is enough for the server's log.
          beside.abort(new Error('the probe failed'))
          permit()
        },
      }
      try {
        const { socket, facts } = await open(AbortSignal.any([signal, life.signal]), company)
        spares.unshift(Promise.resolve(socket))
        return { handshake: verdict(options, facts), facts, seen: facts, alert: undefined, problem: undefined }
      } catch (error) {
        if (!(error instanceof ConnectionFailure)) throw error
        const { handshake, facts, seen, alert } = error
        return { handshake, facts, seen, alert, problem: error }
      }
    },
    prepare: (count) => prepare(count),
    explain: (error) => explainDeath(error, seen, partyOf(options, question)),
    askAuthorities: (signal) => question.ask(signal),
    get acceptedAuthorities() {
      return question.answer
    },
    async likelyReason(signal) {
      if (options.identity !== undefined) await question.ask(signal)
      return compare('any', partyOf(options, question)).words
    },
    async close() {
      life.abort(new Error('the transport was closed'))
      for (const spare of spares) void spare.then((socket) => socket?.destroy())
      // Not by undici: with its error for a reason a stack trace is made, for which the whole bundle is searched for lines.
      for (const socket of taken) socket.destroy()
      await (await loading)?.destroy()
    },
  }
}

async function createAgent(
  { url, connections, idleTimeoutMs }: TransportOptions,
  next: () => Promise<TLSSocket>,
): Promise<Dispatcher> {
  // In the one file of the bundle all the same: another costs five milliseconds to find.
  const { default: Agent } = await import(/* webpackMode: 'eager' */ 'undici/lib/dispatcher/agent.js')
  return new Agent({
    // HTTP/2 uploads wait for the server every 64 KB on nginx and HAProxy.
    allowH2: false,
    connections,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_TIME,
    headersTimeout: idleTimeoutMs,
    bodyTimeout: idleTimeoutMs,
    connect({ protocol, hostname, port }, callback) {
      if (!isSameOrigin(url, protocol, hostname, port)) {
        callback(new Error('a request to another origin than the transport was made for'), null)
        return
      }
      next().then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, null),
      )
    },
  })
}

function verdict({ identity }: TransportOptions, { asked }: HandshakeFacts): Handshake {
  return identity === undefined || asked ? 'accepted' : 'not-asked'
}

function isSameOrigin(url: URL, protocol: string, hostname: string, port: string): boolean {
  return (
    protocol === 'https:' && plainHost(hostname) === plainHost(url.hostname) && (port || '443') === (url.port || '443')
  )
}
