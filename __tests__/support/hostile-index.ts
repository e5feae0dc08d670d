/** An index over TLS that does with each connection what a script says, down to the reset of its TCP connection. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Agent } from 'undici'
import { createRoot, issueClient, issueServer } from '../../demo/certificate-authority.ts'
import { secure, startServer } from './tls-servers.ts'

const root = createRoot({ name: 'Hostile Root' })
const server = issueServer(root, { name: 'localhost' })
const client = issueClient(root, { name: 'release' })

/** What a script does with one connection. */
export type Script = (connection: HostileConnection) => Promise<void>

export interface HostileIndex {
  /** `https://localhost:PORT/legacy/` */
  readonly url: URL
  readonly dispatcher: Agent
  /** Heads of the requests so far: request line and headers. */
  readonly heads: readonly string[]
  stop(): Promise<void>
}

/** Starts an index and a dispatcher that trusts it and has a certificate for it. */
export async function startHostileIndex(script: Script): Promise<HostileIndex> {
  const heads: string[] = []
  const running = await startServer((socket) => {
    const secured = secure(socket, { server, ca: root.pem, requestCert: true, rejectUnauthorized: true })
    // The client may end a connection at any time: that is what is tested.
    secured.once(
      'secure',
      () => void script(new HostileConnection(socket, secured, heads)).catch(() => socket.destroy()),
    )
  })
  const dispatcher = new Agent({
    allowH2: false,
    connect: { ca: root.pem, cert: client.pem, key: client.keyPem, rejectUnauthorized: true },
  })
  return {
    url: new URL(`https://localhost:${running.port}/legacy/`),
    dispatcher,
    heads,
    async stop() {
      await dispatcher.destroy()
      await running.stop()
    },
  }
}

export class HostileConnection {
  /** What `head` read last. */
  lastHead = ''
  readonly #raw: Socket
  readonly #socket: TLSSocket
  readonly #heads: string[]
  #pending: Buffer = Buffer.alloc(0)

  constructor(raw: Socket, socket: TLSSocket, heads: string[]) {
    this.#raw = raw
    this.#socket = socket
    this.#heads = heads
  }

  /** Reads the next request's head and returns the length of its body. */
  async head(): Promise<number> {
    let end = this.#pending.indexOf('\r\n\r\n')
    while (end < 0) {
      await this.#more()
      end = this.#pending.indexOf('\r\n\r\n')
    }
    const head = this.#cut(end + 4).toString('latin1')
    this.#heads.push(head)
    this.lastHead = head
    return Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0)
  }

  /** Reads so many bytes of the body. */
  async take(bytes: number): Promise<Buffer> {
    const chunks: Buffer[] = []
    let left = bytes
    while (left > 0) {
      if (this.#pending.length === 0) await this.#more()
      const chunk = this.#cut(Math.min(left, this.#pending.length))
      left -= chunk.length
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }

  /** Reads a whole request and returns its body. */
  async request(): Promise<Buffer> {
    return this.take(await this.head())
  }

  /** A whole answer: headers as lines, and a Content-Length for the body. */
  answer(statusLine: string, headers: readonly string[] = [], body: string | Buffer = ''): void {
    const lines = [`HTTP/1.1 ${statusLine}`, ...headers, `Content-Length: ${Buffer.byteLength(body)}`]
    this.write(`${lines.join('\r\n')}\r\n\r\n`)
    this.write(body)
  }

  /** Throws once the client is gone, so that a script without an end has one. */
  write(bytes: string | Buffer): void {
    if (this.#socket.destroyed) throw new Error('the client ended the connection')
    this.#socket.write(bytes)
  }

  /** Reads and drops what still comes, so that the client never meets a broken pipe. */
  drain(): void {
    this.#socket.resume()
  }

  /** Ends the connection in good order. */
  end(): void {
    this.#socket.end()
  }

  /** Ends it with a TCP reset, once what was written has left. */
  async reset(): Promise<void> {
    while (this.#raw.writableLength > 0 || this.#socket.writableLength > 0) await once(this.#raw, 'drain')
    this.#raw.resetAndDestroy()
  }

  #cut(length: number): Buffer {
    const head = this.#pending.subarray(0, length)
    this.#pending = this.#pending.subarray(length)
    return head
  }

  async #more(): Promise<void> {
    for (;;) {
      const chunk: unknown = this.#socket.read()
      if (Buffer.isBuffer(chunk)) {
        this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
        return
      }
      if (this.#socket.readableEnded || this.#socket.destroyed) throw new Error('the client ended the connection')
      await this.#wake()
    }
  }

  /** Resolves when there is something to read, or never will be. */
  #wake(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#socket.off('readable', wake).off('close', wake)
        resolve()
      }
      this.#socket.on('readable', wake).on('close', wake)
    })
  }
}
