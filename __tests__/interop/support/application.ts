/** A web application that is no package index, but takes whatever is sent to it. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { StartIndexServer } from './index-servers.ts'
import { freePort } from './server-process.ts'

export interface Answer {
  readonly status: number
  /** HTML. */
  readonly body: string
}

/** `page` answers every GET, whatever its path; every POST gets a 200. */
export function application(page: Answer): StartIndexServer {
  return async () => {
    const port = await freePort()
    const server = createServer((request, response) => {
      const { status, body } = request.method === 'GET' ? page : { status: 200, body: 'OK' }
      request.resume()
      request.on('end', () => response.writeHead(status, { 'content-type': 'text/html' }).end(body))
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
    return {
      port,
      log: () => '',
      stop: async () => {
        server.close()
        server.closeAllConnections()
        await once(server, 'close')
      },
    }
  }
}
