import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** An error that names what ended the connection is told by the socket; this one says that it told nothing. */
export class ClosedEarly extends Error {
  readonly code = 'CLOSED_EARLY'

  constructor() {
    super('the connection was closed')
    this.name = 'ClosedEarly'
  }
}

/** Resolves at the event; rejects with the socket's error, with ClosedEarly, or with the signal's reason. */
export async function reach(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (socket.destroyed) throw socket.errored ?? new ClosedEarly()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const reached = () => resolve()
  const closed = () => reject(new ClosedEarly())
  const aborted = () => reject(signal.reason)
  socket.on(event, reached).on('error', reject).on('close', closed)
  signal.addEventListener('abort', aborted)
  try {
    await promise
  } finally {
    socket.off(event, reached).off('error', reject).off('close', closed)
    signal.removeEventListener('abort', aborted)
  }
}

/** Milliseconds. Of all servers that were measured one alone sends no ticket; it costs that much once a connection. */
const GATE_TIME = 1000

/**
 * In TLS 1.3 the client is done before the server has looked at the client's certificate (RFC 8446, 4.4). The refusal
 * comes later, and an HTTP client that has begun to write by then sees a broken pipe and loses the alert that names the
 * cause. A session ticket comes only when the server is through with its handshake.
 *
 * Resolves when the connection can be handed over: a ticket came, or nothing did for GATE_TIME or until `ends` was
 * aborted. Rejects with the server's alert, or with ClosedEarly when it closed without one. TLS 1.2 needs no gate: there
 * the handshake itself ends with the server's word. `ticket` is to be made before the handshake, since a ticket may come
 * in the same turn as its end.
 */
export async function passGate(socket: TLSSocket, ticket: Promise<void>, ends: AbortSignal): Promise<void> {
  if (socket.getProtocol() !== 'TLSv1.3') return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const done = () => resolve()
  const closed = () => reject(new ClosedEarly())
  const timer = setTimeout(done, GATE_TIME)
  ticket.then(done)
  socket.on('error', reject).on('close', closed)
  ends.addEventListener('abort', done)
  try {
    await promise
  } finally {
    clearTimeout(timer)
    socket.off('error', reject).off('close', closed)
    ends.removeEventListener('abort', done)
  }
  if (!isOpen(socket)) throw socket.errored ?? new ClosedEarly()
}

/** Resolves when the first session ticket came. Writing inside that event corrupts the TLS stream: OpenSSL still reads. */
export function firstTicket(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('session', () => setImmediate(resolve))
  })
}

/** Whether a request could still be sent and answered. */
export function isOpen(socket: Socket): boolean {
  return !socket.destroyed && !socket.readableEnded && socket.writable
}
