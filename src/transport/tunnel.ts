import type { Socket } from 'node:net'
import { type ProblemDetails, PublishError } from '../errors.ts'
import { printable, redact, type Secrets } from '../text.ts'
import { readHead } from './http-head.ts'

/** Characters of a proxy's reason phrase in a sentence. */
const LONGEST_REASON = 200

/** A tunnel to ask for. */
export interface TunnelRequest {
  /** `host:port` of the server. */
  readonly authority: string
  readonly proxy: URL
  readonly secrets: Secrets
}

/**
 * Asks a proxy for a tunnel (CONNECT, RFC 9110, 9.3.6) on a socket to it; after that the socket leads to the server.
 * E_PROXY_REFUSED (E_PROXY_GATEWAY: it cannot reach the server) with the proxy's words when its answer is no, cannot be read, or is longer than 64 KiB. Rejects with
 * the socket's error or the signal's reason.
 */
export async function openTunnel(socket: Socket, request: TunnelRequest, signal: AbortSignal): Promise<void> {
  const { authority, proxy, secrets } = request
  const authorization = proxyAuthorization(proxy, secrets)
  const credentials = authorization === undefined ? '' : `Proxy-Authorization: ${authorization}\r\n`
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`)
  const head = await readHead(socket, signal)
  if (head === undefined) throw refused(request, 'answered CONNECT with a head of more than 64 KiB', undefined)
  const [, status = '', reason = ''] = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?\r\n/.exec(head) ?? []
  if (status === '') throw refused(request, 'answered CONNECT with something that is not HTTP', undefined)
  if (status.startsWith('2')) return
  const words = printable(redact(reason, secrets), LONGEST_REASON)
  throw refused(request, `answered CONNECT ${authority} with ${`${status} ${words}`.trim()}`, status)
}

/** A front that echoes the header must not bring it into a log: it becomes a secret, its password too. */
function proxyAuthorization(proxy: URL, secrets: Secrets): string | undefined {
  if (proxy.username === '' && proxy.password === '') return undefined
  const password = decodeURIComponent(proxy.password)
  const token = Buffer.from(`${decodeURIComponent(proxy.username)}:${password}`, 'utf8').toString('base64')
  secrets.add(password)
  secrets.add(token)
  return `Basic ${token}`
}

function refused({ proxy }: TunnelRequest, message: string, status: string | undefined): PublishError {
  const details: ProblemDetails = {
    code: isGateway(status) ? 'E_PROXY_GATEWAY' : 'E_PROXY_REFUSED',
    message: `the proxy ${printable(proxy.host)} ${message}`,
    hint: status === undefined ? 'Check https_proxy: does it lead to a proxy?' : hintFor(status, proxy),
  }
  return new PublishError(details)
}

/** The proxy lets the host pass, but does not reach it. */
function isGateway(status: string | undefined): boolean {
  return status !== undefined && ['502', '503', '504'].includes(status)
}

function hintFor(status: string, proxy: URL): string {
  if (isGateway(status)) {
    return 'The proxy could not reach the server: check the host in repository-url, or name it in no_proxy if it is reached directly.'
  }
  if (status !== '407') {
    return 'Ask the team that runs the proxy to let this host and port through, or name the host in no_proxy if it is reached directly.'
  }
  return proxy.username === ''
    ? 'The proxy asks for a user and a password: put them into https_proxy (http://user:password@host:port), percent-encoded.'
    : 'The proxy does not take the user and the password in https_proxy: check both, and that they are percent-encoded. Only Basic is spoken here.'
}
