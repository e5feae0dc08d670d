import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** The connection ended, and nothing said why. */
export class ClosedEarly extends Error {
  readonly code = 'CLOSED_EARLY'

  constructor() {
    super('the connection was closed')
    this.name = 'ClosedEarly'
  }
}

/**
 * Resolves after the event, in a turn of its own: a TLS socket emits some events while OpenSSL is still inside its read
 * function, and whoever writes to it or destroys it there corrupts the stream or brings down the process. Rejects with
 * the socket's error, with ClosedEarly, or with the signal's reason.
 */
export async function reach(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (socket.destroyed) throw socket.errored ?? new ClosedEarly()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const reached = () => setImmediate(resolve)
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
 * What the server says once it is through with the handshake: resolves with its first session ticket, rejects with its
 * alert, or with ClosedEarly. To be made before the handshake, since all of that can come in the turn in which it ends.
 */
export function lastWord(socket: TLSSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket
    .once('session', () => setImmediate(resolve))
    .on('error', reject)
    .on('close', () => reject(new ClosedEarly()))
  // A handshake that fails is told by `reach`, and this promise then has nobody who waits.
  promise.catch(() => {})
  return promise
}

/**
 * In TLS 1.3 the client is done before the server has looked at the client's certificate (RFC 8446, 4.4). The refusal
 * comes later, and an HTTP client that has begun to write by then sees a broken pipe and loses the alert that names the
 * cause. A session ticket comes only when the server is content. In TLS 1.2 the handshake itself ends with its word.
 *
 * Resolves when the connection can be handed over: the ticket came, or nothing did for GATE_TIME or until `ends` was
 * aborted. Rejects as `word` does.
 */
export async function passGate(socket: TLSSocket, word: Promise<void>, ends: AbortSignal): Promise<void> {
  if (socket.getProtocol() === 'TLSv1.3') await Promise.race([word, silence(ends)])
  if (!isOpen(socket)) throw socket.errored ?? new ClosedEarly()
}

/** Resolves after GATE_TIME, or at once when the signal is aborted. */
async function silence(ends: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, GATE_TIME).unref()
  ends.addEventListener('abort', () => resolve(), { once: true })
  await promise
  clearTimeout(timer)
}

/** Whether a request could still be sent and answered. */
export function isOpen(socket: Socket): boolean {
  return !socket.destroyed && !socket.readableEnded && socket.writable
}
