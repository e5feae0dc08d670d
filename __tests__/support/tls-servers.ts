/** TLS servers with faults that the demo's index must not have. All listen on a free port of the loopback interface. */
import { createCipheriv, createHmac } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { type SecureVersion, TLSSocket, type TlsOptions } from 'node:tls'
import type { Issued } from '../../demo/certificate-authority.ts'

export interface RunningServer {
  readonly port: number
  /** TCP connections so far. */
  readonly connections: number
  stop(): Promise<void>
}

/** A TCP server; `handle` gets each connection and its number, from 1. */
export async function startServer(handle: (socket: Socket, number: number) => void, host = '127.0.0.1') {
  const sockets = new Set<Socket>()
  let connections = 0
  const server: Server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    handle(socket, connections)
  })
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(0, host, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP port')
  return {
    port: address.port,
    get connections() {
      return connections
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  } satisfies RunningServer
}

export interface TlsServerOptions extends Omit<TlsOptions, 'cert' | 'key'> {
  readonly server: Issued
  /** PEM that is sent behind the server's certificate. */
  readonly behind?: string
}

/** The server's side of TLS on a connection. */
export function secure(socket: Socket, { server, behind = '', ...options }: TlsServerOptions): TLSSocket {
  const secured = new TLSSocket(socket, {
    isServer: true,
    cert: server.pem + behind,
    key: server.keyPem,
    ...options,
  })
  return secured.on('error', () => {})
}

/** Answers every request with 200 and the body `ok`, and keeps the connection. */
export function answer(socket: Socket): void {
  let head = ''
  socket.on('data', (chunk) => {
    head += chunk.toString('latin1')
    if (!head.includes('\r\n\r\n')) return
    head = ''
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
}

export interface AlertOptions {
  readonly server: Issued
  readonly version: SecureVersion
  /** Number of the alert (RFC 8446, 6). */
  readonly alert: number
  /** Milliseconds after the client's last flight. */
  readonly delay?: number
}

/**
 * Asks for a client certificate and, once it has it, answers with a fatal alert and the end of the connection: what
 * OpenSSL, Go and Java do with a certificate that they refuse. A Node.js server closes without an alert, so this one
 * stands between the client and a server that accepts all: from the client's last flight on it lets nothing of that
 * server through and writes the alert itself, encrypted with the server's key in TLS 1.3.
 */
export function refuse(socket: Socket, { server, version, alert, delay = 0 }: AlertOptions): void {
  const [near, far] = duplexPair()
  let secret = Buffer.alloc(0)
  new TLSSocket(far, {
    isServer: true,
    cert: server.pem,
    key: server.keyPem,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
    ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256',
  })
    .on('error', () => {})
    .on('keylog', (line: Buffer) => {
      const [, found] = /^SERVER_TRAFFIC_SECRET_0 \S+ (\S+)/.exec(line.toString('latin1')) ?? []
      if (found !== undefined) secret = Buffer.from(found, 'hex')
    })
  let refused = false
  near.on('data', (chunk) => {
    if (!refused) socket.write(chunk)
  })
  socket.on('data', (chunk) => {
    if (refused) return
    refused = chunk.includes(CHANGE_CIPHER_SPEC)
    if (!refused) near.write(chunk)
    else setTimeout(() => socket.end(version === 'TLSv1.3' ? sealed(alert, secret) : plain(alert)), delay)
  })
}

/** Stands in a client's last flight, in TLS 1.3 too (RFC 8446, D.4), and nowhere before. */
const CHANGE_CIPHER_SPEC = Buffer.from('140303000101', 'hex')

/** A fatal alert as a record of TLS 1.2 before its server has changed to encryption. */
function plain(alert: number): Buffer {
  return Buffer.from([0x15, 3, 3, 0, 2, 2, alert])
}

/** The first record that a TLS 1.3 server encrypts with its application traffic secret (RFC 8446, 5.2 and 7.3). */
function sealed(alert: number, secret: Buffer): Buffer {
  const header = Buffer.from([0x17, 3, 3, 0, 3 + 16])
  const cipher = createCipheriv('aes-128-gcm', expand(secret, 'key', 16), expand(secret, 'iv', 12)).setAAD(header)
  const body = cipher.update(Buffer.from([2, alert, 0x15]))
  return Buffer.concat([header, body, cipher.final(), cipher.getAuthTag()])
}

/** HKDF-Expand-Label with an empty context (RFC 8446, 7.1), up to 32 bytes. */
function expand(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`, 'latin1')
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])])
  return createHmac('sha256', secret).update(info).digest().subarray(0, length)
}
