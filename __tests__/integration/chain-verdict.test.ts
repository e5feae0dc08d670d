/** The check in memory against what it stands for: a TLS server on a socket that has the same CA bundle. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { describe, it } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { createRoot, issueServer } from '../../demo/certificate-authority.ts'
import { checkChain } from '../../src/certificates/chain-check.ts'
import { errorCodeOf } from '../../src/errors.ts'
import { makeChains, type SampleChain } from '../support/chains.ts'

const serverRoot = createRoot({ name: 'Server Root' })
const server = issueServer(serverRoot, { name: 'localhost' })

/** Whether a server that trusts the bundle serves a client that sends this chain. */
async function isServed({ anchors, leaf }: SampleChain, chain: readonly { toString(): string }[]): Promise<boolean> {
  const listener = createServer(
    {
      cert: server.pem,
      key: server.keyPem,
      ca: anchors.map(({ pem }) => pem),
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
    return (await read(portOf(listener.address()), chain.join(''), leaf.keyPem)) === 'served'
  } finally {
    for (const socket of sockets) socket.destroy()
    listener.close()
  }
}

function portOf(address: AddressInfo | string | null): number {
  assert.ok(address !== null && typeof address === 'object')
  return address.port
}

/** What the server says, or the code of the error that it or our own side ends with. */
async function read(port: number, cert: string, key: string): Promise<string> {
  try {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', cert, key, ca: serverRoot.pem })
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  } catch (error) {
    return errorCodeOf(error) ?? 'no code'
  }
}

describe('the chain check and a server on a socket agree', () => {
  for (const sample of makeChains()) {
    it(sample.name, async () => {
      const { leaf, others, anchors } = sample
      const { chain, findings } = await checkChain({
        leaf: leaf.certificate,
        others: others.map(({ certificate }) => certificate),
        key: leaf.keys.privateKey,
        clientAnchors: anchors.map(({ certificate }) => certificate),
        serverAnchors: undefined,
        mode: 'enforce',
        expiryWarningDays: 30,
        expiryErrorDays: 0,
        now: new Date(),
      })
      const refused = findings.some(({ severity }) => severity === 'error')
      assert.equal(await isServed(sample, chain), !refused)
    })
  }
})
