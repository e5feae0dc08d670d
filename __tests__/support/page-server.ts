/** A simple index over TLS that answers each path as a test says, with every fault that a test writes by itself. */
import type { HostileConnection, HostileIndex } from './hostile-index.ts'
import { startHostileIndex } from './hostile-index.ts'

export interface PageRequest {
  /** As it was sent, query included. */
  readonly path: string
  /** Request line and headers. */
  readonly head: string
}

/** A whole answer, or what is done with the connection. */
export type Reply =
  | { readonly status?: string; readonly headers?: readonly string[]; readonly body?: string | Buffer }
  | ((connection: HostileConnection) => Promise<void>)

export interface PageServer {
  /** `https://localhost:PORT/` */
  readonly url: URL
  readonly dispatcher: HostileIndex['dispatcher']
  /** `GET /simple/demo/`, in the order in which they came. */
  readonly requests: readonly string[]
  readonly heads: readonly string[]
  stop(): Promise<void>
}

export async function startPageServer(reply: (request: PageRequest) => Reply | Promise<Reply>): Promise<PageServer> {
  const requests: string[] = []
  let heads: readonly string[] = []
  const index = await startHostileIndex(async (connection) => {
    for (;;) {
      await connection.request()
      const head = heads.at(-1) ?? ''
      const [request = '', path = ''] = /^\S+ (\S+)/.exec(head) ?? []
      requests.push(request)
      const answer = await reply({ path, head })
      if (typeof answer === 'function') return await answer(connection)
      connection.answer(answer.status ?? '200 OK', answer.headers, answer.body)
    }
  })
  heads = index.heads
  return { url: new URL('/', index.url), dispatcher: index.dispatcher, requests, heads, stop: () => index.stop() }
}
