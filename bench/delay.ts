/**
 * A longer way to a server: `delay.ts TARGET_PORT MILLISECONDS` relays TCP connections to 127.0.0.1:TARGET_PORT and hands
 * every byte on half a round trip after it came, in both directions. Prints the port it listens on.
 *
 * What it models: propagation delay, and the round trip of TCP's own handshake (the first bytes of a connection wait a
 * whole one longer). What it does not: bandwidth, loss, and slow start, since a relay ends TCP. Each direction of each
 * connection has a queue of its own, so nothing waits for the bytes of others.
 */
import { connect, createServer, type Socket } from 'node:net'
import { argv } from 'node:process'
import { portOf } from './way.ts'

const [targetPort = 0, roundTripMs = 0] = argv.slice(2).map(Number)

/** A timer of Node.js counts whole milliseconds and fires late, by so much on the average. */
const LATE_MS = 0.8

/** Hands bytes from one socket to the other, `roundTripMs / 2` after they came and not before `notBefore`. */
function relay(from: Socket, to: Socket, notBefore: number): void {
  const queue: { readonly due: number; readonly bytes: Buffer | undefined }[] = []
  const wait = (now: number) => {
    const [next] = queue
    if (next !== undefined) setTimeout(flush, next.due - now)
  }
  const flush = () => {
    const now = performance.now()
    const due = queue.findIndex((one) => one.due > now)
    const ripe = queue.splice(0, due < 0 ? queue.length : due)
    to.cork()
    for (const { bytes } of ripe) {
      if (bytes === undefined) to.end()
      else to.write(bytes)
    }
    to.uncork()
    wait(now)
  }
  const add = (bytes: Buffer | undefined) => {
    const now = performance.now()
    queue.push({ due: Math.max(now, notBefore) + roundTripMs / 2 - LATE_MS, bytes })
    if (queue.length === 1) wait(now)
  }
  from.on('data', add)
  from.on('end', () => add(undefined))
  // What breaks on one side breaks on the other.
  from.on('error', () => to.destroy())
  from.on('close', () => setTimeout(() => to.destroy(), roundTripMs * 2))
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const target = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  relay(client, target, performance.now() + roundTripMs)
  relay(target, client, 0)
})
server.listen(0, '127.0.0.1', () => console.log(portOf(server)))
