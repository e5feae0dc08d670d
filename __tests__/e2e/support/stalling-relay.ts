/** A TCP relay in front of a server that stops taking bytes: an upload through it never ends. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface StallingRelay {
  readonly port: number
  /** Resolves when it has stopped. */
  readonly stalled: Promise<void>
}

/** Passes `bytes` of each connection on to `port`, then reads no more of it. Answers always pass. */
export async function startStallingRelay(test: TestContext, port: number, bytes: number): Promise<StallingRelay> {
  const { promise: stalled, resolve } = Promise.withResolvers<void>()
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
    upstream.pipe(client)
    let left = bytes
    client.on('data', (chunk) => {
      upstream.write(chunk)
      left -= chunk.length
      if (left > 0) return
      client.pause()
      resolve()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the relay has no TCP port')
  return { port: address.port, stalled }
}
