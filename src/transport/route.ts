import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Secrets } from '../text.ts'
import { reach } from './gate.ts'
import type { Attempt } from './handshake.ts'
import { plainHost } from './proxy.ts'
import { systemAuthorities } from './trust.ts'
import { openTunnel } from './tunnel.ts'

/** Where bytes to the server go. */
export interface RouteOptions {
  readonly url: URL
  readonly proxy: URL | undefined
  readonly secrets: Secrets
  /** Milliseconds. */
  readonly idleTimeoutMs: number
}

/** Milliseconds for one address of a name. Node's own 250 are fewer than a distant server needs. */
const ADDRESS_TIME = 5_000

/** Milliseconds after which an idle connection is probed by TCP, so that firewalls keep it. */
const KEEP_ALIVE_TIME = 60_000

/**
 * A TCP connection to the server, or a tunnel through the proxy. Every socket on the way is put into `sockets`, the
 * outermost last.
 */
export async function openRoute(
  { url, proxy, secrets, idleTimeoutMs }: RouteOptions,
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

/** `host:port`, the port always there. */
export function authorityOf(url: URL): string {
  return `${url.hostname}:${url.port === '' ? '443' : url.port}`
}

/** Server name indication knows no addresses (RFC 6066, 3); then `host` is what the certificate is compared with. */
export function serverName(host: string): { host: string; servername?: string } {
  return isIP(host) === 0 ? { host, servername: host } : { host }
}

/** Whoever waits for a socket hears of its error; one that comes when nobody waits must not end the process. */
export function keep(socket: Socket, sockets: Socket[]): void {
  socket.on('error', () => {})
  sockets.push(socket)
}
