/** A TLS server of Node on a socket: whom does it serve? */
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { createRoot, issueServer } from '../../demo/certificate-authority.ts'
import { errorCodeOf } from '../../src/errors.ts'
import type { SampleChain } from './chains.ts'
import { listsPem } from './check-sample.ts'

const root = createRoot({ name: 'Server Root' })
const server = issueServer(root, { name: 'localhost' })

/** Whether a server that has the sample's bundle and lists serves a client that sends this chain (PEM). */
export async function isServed({ anchors, lists, leaf }: SampleChain, chain: string): Promise<boolean> {
  const listener = createServer(
    {
      cert: server.pem,
      key: server.keyPem,
      ca: anchors.map(({ pem }) => pem),
      ...(lists === undefined ? {} : { crl: lists.map((list) => listsPem([list])) }),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => socket.end('served'),
  )
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const sockets: (Socket | TLSSocket)[] = []
  listener.on('connection', (socket) => sockets.push(socket))
  try {
    return (await read(portOf(listener.address()), chain, leaf.keyPem)) === 'served'
  } finally {
    for (const socket of sockets) socket.destroy()
    listener.close()
  }
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('expected a TCP port')
  return address.port
}

/** What the server says, or the code of the error that it or our own side ends with. */
async function read(port: number, cert: string, key: string): Promise<string> {
  try {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', cert, key, ca: root.pem })
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  } catch (error) {
    return errorCodeOf(error) ?? 'no code'
  }
}
