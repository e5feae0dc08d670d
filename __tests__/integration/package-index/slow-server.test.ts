import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, type TLSSocket } from 'node:tls'
import { createRoot, issueClient, issueServer } from '../../../demo/certificate-authority.ts'
import { uploadDistribution } from '../../../src/package-index/upload.ts'
import { openDistribution } from '../../support/open-distribution.ts'
import { transportTo } from '../../support/transport.ts'
import { uploadTarget } from '../../support/upload-target.ts'

const root = createRoot({ name: 'Slow Root' })
const server = issueServer(root, { name: 'localhost' })
const client = issueClient(root, { name: 'release' })
const NEVER = new AbortController().signal

/** More than the buffers of a connection hold. */
const FILE_BYTES = 16_000_000

/** Takes forms a little at a time, so that the client's buffers are always full; gives SHA-256 of each file. */
async function takeSlowly(socket: TLSSocket, onForm: (sha256: string) => void): Promise<void> {
  let parts: Buffer[] = []
  let missing = 0
  for await (const chunk of socket) {
    const bytes: Buffer = chunk
    if (parts.length === 0) {
      const head = bytes.toString('latin1')
      missing = head.indexOf('\r\n\r\n') + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1])
    }
    parts.push(bytes)
    missing -= bytes.length
    if (parts.length % 50 === 0) await sleep(2)
    if (missing > 0) continue
    const form = Buffer.concat(parts)
    const content = form.indexOf('\r\n\r\n', form.indexOf('name="content"')) + 4
    const end = form.lastIndexOf('\r\n--', form.length - 5)
    onForm(createHash('sha256').update(form.subarray(content, end)).digest('hex'))
    parts = []
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  }
}

describe('a server that reads slowly', () => {
  it('gets every byte of files that go side by side and one after the other, whose buffers are used again', async () => {
    const received: string[] = []
    const options = { key: server.keyPem, cert: server.pem, ca: root.pem, requestCert: true }
    const listening = createServer(options, (socket) => {
      void takeSlowly(socket, (sha256) => received.push(sha256)).catch(() => socket.destroy())
    }).listen(0, 'localhost')
    await once(listening, 'listening')
    const address: AddressInfo | string | null = listening.address()
    assert.ok(typeof address === 'object' && address !== null)
    const url = `https://localhost:${address.port}/legacy/`
    const transport = transportTo(url, { client: [client], trusted: [root], connections: 3 })
    const target = uploadTarget(new URL(url), { ...transport, dispatcher: await transport.dispatcher })
    const files = Array.from({ length: 6 }, (_, index) =>
      openDistribution({ project: `demo${index}`, bytes: randomBytes(FILE_BYTES + index * 1001) }),
    )
    try {
      for (const half of [files.slice(0, 3), files.slice(3)]) {
        const ends = await Promise.all(
          half.map(({ distribution }) => uploadDistribution(distribution, target, undefined, NEVER)),
        )
        for (const { outcome } of ends) assert.equal(outcome, 'published')
      }
      assert.deepEqual(received.toSorted(), files.map(({ sha256 }) => sha256).toSorted())
    } finally {
      for (const { remove } of files) remove()
      await transport.close()
      listening.close()
    }
  })
})
