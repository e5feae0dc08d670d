import type { TLSSocket } from 'node:tls'
import { isOpen } from './gate.ts'
import { readHead } from './http-head.ts'

/**
 * Some servers ask for the client certificate only when they see which path is meant (Apache: SSLVerifyClient in
 * <Location>; IIS), by a renegotiation, which TLS 1.2 has and TLS 1.3 has not. Before they ask they keep at most 128 KiB
 * of a request's body, so that an upload has to come second. This is the first request: no body, no credentials, and
 * HEAD, since where its answer ends is never in doubt. Whether the server asks for the certificate then is seen on the
 * socket (OpenSSL answers by itself), and its alert ends this with the socket's error.
 *
 * @returns whether the connection can take another request
 */
export async function requestEarly(socket: TLSSocket, url: URL, signal: AbortSignal): Promise<boolean> {
  socket.write(`HEAD ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nAccept: */*\r\n\r\n`)
  const head = await readHead(socket, signal)
  if (head === undefined || !head.startsWith('HTTP/1.1 ') || /^connection:.*\bclose\b/im.test(head)) return false
  // Some servers send a body all the same: it would be taken for the answer to the next request.
  return isOpen(socket) && socket.readableLength === 0
}
