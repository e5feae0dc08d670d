import type { Socket } from 'node:net'
import { reach } from './gate.ts'

/** Bytes of an answer's head, up to the empty line. */
const MOST_BYTES = 64 * 1024

/**
 * The head of an HTTP/1 answer, status line and headers with the empty line; what follows it goes back into the socket.
 * Undefined: it is longer than 64 KiB. Rejects with the socket's error, ClosedEarly or the signal's reason.
 */
export async function readHead(socket: Socket, signal: AbortSignal): Promise<string | undefined> {
  let received = Buffer.alloc(0)
  while (received.length <= MOST_BYTES) {
    const chunk: Buffer | null = socket.read()
    if (chunk === null) {
      await reach(socket, 'readable', signal)
      continue
    }
    received = Buffer.concat([received, chunk])
    const end = received.indexOf('\r\n\r\n')
    if (end < 0) continue
    const rest = received.subarray(end + 4)
    if (rest.length > 0) socket.unshift(rest)
    return received.toString('latin1', 0, end + 4)
  }
  return undefined
}
