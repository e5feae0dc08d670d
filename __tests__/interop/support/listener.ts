/** An address that nobody should come to, on another host than the front: 127.0.0.1, not localhost. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { freePort } from './server-process.ts'

export interface Listener {
  readonly url: string
  /** How often somebody came. */
  connections(): number
  stop(): Promise<void>
}

export async function startListener(): Promise<Listener> {
  const port = await freePort()
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://127.0.0.1:${port}/`,
    connections: () => connections,
    stop: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}
