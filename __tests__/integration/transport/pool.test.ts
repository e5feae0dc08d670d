import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { request } from 'undici'
import { createRoot, issueClient, issueServer } from '../../../demo/certificate-authority.ts'
import { PublishError } from '../../../src/errors.ts'
import type { Transport } from '../../../src/transport/transport.ts'
import { answer, type RunningServer, refuse, secure, startServer } from '../../support/tls-servers.ts'
import { type Meeting, transportTo } from '../../support/transport.ts'

const root = createRoot({ name: 'Corporate Root' })
const server = issueServer(root, { name: 'index' })
const client = issueClient(root, { name: 'publisher' })

async function pool(
  t: TestContext,
  handle: (socket: Socket, number: number) => void,
  meeting: Partial<Meeting> = {},
): Promise<{ transport: Transport; running: RunningServer; url: string }> {
  const running = await startServer(handle)
  const url = `https://localhost:${running.port}/`
  const transport = transportTo(url, { client: [client], trusted: [root], ...meeting })
  t.after(async () => {
    await transport.close()
    await running.stop()
  })
  return { transport, running, url }
}

function serve(socket: Socket, options: { requestCert?: boolean; maxVersion?: 'TLSv1.2' } = {}) {
  const secured = secure(socket, { server, ca: root.pem, requestCert: true, rejectUnauthorized: true, ...options })
  secured.on('secure', () => answer(secured))
  return secured
}

async function probed(transport: Transport, soon = 0): Promise<void> {
  const { problem } = await transport.probe(new AbortController().signal, soon)
  assert.equal(problem, undefined)
}

async function get(url: string, { dispatcher }: Transport): Promise<string> {
  const { body } = await request(url, { dispatcher: await dispatcher })
  return await body.text()
}

/** What a request is rejected with, and its explanation. */
async function failing(pending: Promise<unknown>, transport: Transport) {
  const error = await pending.then(
    () => assert.fail('expected the request to fail'),
    (reason: unknown) => reason,
  )
  return { error, problem: transport.explain(error) }
}

describe('the pool', () => {
  for (const maxVersion of [undefined, 'TLSv1.2'] as const) {
    it(`sends the first request on the connection of the probe (${maxVersion ?? 'TLSv1.3'})`, async (t) => {
      const { transport, running, url } = await pool(t, (socket) => serve(socket, maxVersion && { maxVersion }))
      await probed(transport)
      assert.equal(await get(url, transport), 'ok')
      assert.equal(await get(url, transport), 'ok')
      assert.equal(running.connections, 1)
    })
  }

  for (const maxVersion of [undefined, 'TLSv1.2'] as const) {
    it(`works without a probe (${maxVersion ?? 'TLSv1.3'})`, async (t) => {
      const { transport, url } = await pool(t, (socket) => serve(socket, maxVersion && { maxVersion }))
      assert.equal(await get(url, transport), 'ok')
    })
  }

  it("makes a new connection without a word when the probe's has died in between", async (t) => {
    const closed = Promise.withResolvers<void>()
    const { transport, running, url } = await pool(t, (socket, number) => {
      const secured = serve(socket)
      if (number === 1) secured.on('secure', () => setTimeout(() => secured.end(), 50))
      socket.on('close', () => closed.resolve())
    })
    await probed(transport)
    await closed.promise
    assert.equal(await get(url, transport), 'ok')
    assert.equal(running.connections, 2)
  })

  const soon: readonly (readonly [string, (transport: Transport) => Promise<void>])[] = [
    [
      'prepared after the probe',
      async (transport) => {
        await probed(transport)
        transport.prepare(2)
      },
    ],
    ['begun while the probe waits for the word of the server', (transport) => probed(transport, 2)],
  ]
  for (const [when, begin] of soon) {
    it(`uses the connections for requests side by side that were ${when}, and makes no more`, async (t) => {
      const made = Promise.withResolvers<void>()
      const { transport, running, url } = await pool(
        t,
        (socket, number) => {
          serve(socket)
          if (number === 3) made.resolve()
        },
        { connections: 3 },
      )
      await begin(transport)
      // Before any request asks for them.
      await made.promise
      assert.deepEqual(await Promise.all([1, 2, 3].map(() => get(url, transport))), ['ok', 'ok', 'ok'])
      assert.equal(running.connections, 3)
    })
  }

  it('connects beside the probe, and says nothing there before the server has proven who it is', async (t) => {
    const said: boolean[] = []
    let isServed = false
    const all = Promise.withResolvers<void>()
    const { transport, url, running } = await pool(
      t,
      async (socket, number) => {
        if (number === 3) all.resolve()
        if (number > 1) {
          socket.once('data', (chunk) => {
            said.push(isServed)
            socket.pause().unshift(chunk)
            serve(socket)
          })
          return
        }
        // The probe gets no word before the others are there, and had time to say something.
        await all.promise
        await new Promise((resolve) => setTimeout(resolve, 100))
        isServed = true
        serve(socket)
      },
      { connections: 3 },
    )
    await probed(transport, 2)
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => get(url, transport))), ['ok', 'ok', 'ok'])
    assert.deepEqual(said, [true, true])
    assert.equal(running.connections, 3)
  })

  it('shows a certificate that is refused once, however many connections will be needed soon', async (t) => {
    let shown = 0
    const { transport } = await pool(t, (socket) => {
      const secured = secure(socket, { server, ca: root.pem, requestCert: true })
      secured.on('secure', () => {
        if (secured.getPeerX509Certificate() !== undefined) shown += 1
        secured.destroy()
      })
    })
    const { handshake, problem } = await transport.probe(new AbortController().signal, 5)
    assert.equal(handshake, 'refused')
    assert.equal(problem?.code, 'E_TLS_CLIENT_REFUSED')
    assert.equal(shown, 1)
  })

  it('replaces prepared connections that failed or died, without a word', async (t) => {
    const closed = Promise.withResolvers<void>()
    const { transport, running, url } = await pool(t, (socket, number) => {
      if (number > 1) return serve(socket)
      socket.on('close', () => closed.resolve())
      return socket.resetAndDestroy()
    })
    transport.prepare(1)
    await closed.promise
    assert.equal(await get(url, transport), 'ok')
    assert.equal(running.connections, 2)
  })

  it('does not take words that came without a request for the first answer', async (t) => {
    const sent = Promise.withResolvers<void>()
    const { transport, running, url } = await pool(t, (socket, number) => {
      const secured = serve(socket)
      if (number > 1) return
      secured.on('secure', () => {
        const late = 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nlate'
        setTimeout(() => secured.write(late, () => sent.resolve()), 50)
      })
    })
    await probed(transport)
    await sent.promise
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.equal(await get(url, transport), 'ok')
    assert.equal(running.connections, 2)
  })

  it('refuses a request to another origin, and shows it no certificate', async (t) => {
    const { transport } = await pool(t, (socket) => serve(socket))
    const other = await startServer((socket) => serve(socket))
    t.after(() => other.stop())
    const { problem } = await failing(get(`https://localhost:${other.port}/`, transport), transport)
    assert.equal(problem, undefined)
    assert.equal(other.connections, 0)
  })

  it("ends its connections when it is closed, the probe's too", async (t) => {
    const closed = Promise.withResolvers<void>()
    const { transport } = await pool(t, (socket) => {
      serve(socket)
      socket.on('close', () => closed.resolve())
    })
    await probed(transport)
    await transport.close()
    await closed.promise
  })
})

describe('a connection of the pool that fails', () => {
  it('rejects the request with the very error that explains it', async (t) => {
    const { transport, url } = await pool(t, (socket) => refuse(socket, { server, version: 'TLSv1.3', alert: 48 }))
    const { error, problem } = await failing(get(url, transport), transport)
    assert(error instanceof PublishError)
    assert.equal(problem, error)
    assert.equal(problem.code, 'E_TLS_CLIENT_UNKNOWN_CA')
  })

  it('tells the alert of a later connection whose certificate the server no longer takes', async (t) => {
    const { transport, url } = await pool(t, (socket, number) => {
      if (number === 1) serve(socket).on('secure', () => setTimeout(() => socket.destroy(), 50))
      else refuse(socket, { server, version: 'TLSv1.3', alert: 44 })
    })
    await probed(transport)
    await new Promise((resolve) => setTimeout(resolve, 150))
    const { problem } = await failing(get(url, transport), transport)
    assert.equal(problem?.code, 'E_TLS_CLIENT_REVOKED')
  })

  it('is ended before a byte is sent when a later server does not ask for the certificate', async (t) => {
    let received = 0
    const { transport, url } = await pool(t, (socket, number) => {
      const secured = serve(socket, { requestCert: number === 1 })
      secured.on('data', (chunk: Buffer) => {
        received += chunk.length
      })
      if (number === 1) secured.on('secure', () => setTimeout(() => socket.destroy(), 50))
    })
    await probed(transport)
    await new Promise((resolve) => setTimeout(resolve, 150))
    const { problem } = await failing(get(url, transport), transport)
    assert.equal(problem?.code, 'E_TLS_CLIENT_NOT_ASKED')
    assert.equal(received, 0)
  })

  it("tells the server's certificate as the probe does", async (t) => {
    const stranger = issueServer(createRoot({ name: 'Other Root' }), { name: 'index' })
    const { transport, url } = await pool(t, (socket) => {
      secure(socket, { server: stranger, requestCert: true, rejectUnauthorized: false })
    })
    const { problem } = await transport.probe(new AbortController().signal)
    const later = await failing(get(url, transport), transport)
    assert.equal(problem?.code, 'E_TLS_SERVER_UNKNOWN_CA')
    assert.equal(later.problem?.code, problem?.code)
    assert.equal(later.problem?.message, problem?.message)
  })

  it('names an alert that comes after the gate, when the request is under way', async (t) => {
    const { transport, url } = await pool(t, (socket) =>
      refuse(socket, { server, version: 'TLSv1.3', alert: 48, delay: 1300 }),
    )
    const { error, problem } = await failing(get(url, transport), transport)
    assert(!(error instanceof PublishError))
    assert.equal(problem?.code, 'E_TLS_CLIENT_UNKNOWN_CA')
  })

  it('that closes without an answer is told from one that never stood', async (t) => {
    const { transport, url } = await pool(t, (socket) => {
      const secured = secure(socket, { server, ca: root.pem, requestCert: true })
      secured.once('data', () => secured.end())
    })
    const { error, problem } = await failing(get(url, transport), transport)
    assert(!(error instanceof PublishError))
    assert.equal(problem?.code, 'E_NETWORK_CLOSED')
    assert.match(problem?.message ?? '', /broke without an answer/)
  })

  it('that is reset in the middle of a request is closed too', async (t) => {
    const { transport, url } = await pool(t, (socket) => {
      const secured = secure(socket, { server, ca: root.pem, requestCert: true })
      secured.once('data', () => socket.resetAndDestroy())
    })
    const body = Buffer.alloc(4_000_000)
    const { problem } = await failing(
      request(url, { dispatcher: await transport.dispatcher, method: 'POST', body }),
      transport,
    )
    assert.equal(problem?.code, 'E_NETWORK_CLOSED')
  })

  it('that stays silent is a time-out, with the input that says how long', async (t) => {
    const { transport, url } = await pool(t, (socket) => secure(socket, { server, ca: root.pem, requestCert: true }), {
      idleTimeoutMs: 1000,
    })
    const { problem } = await failing(get(url, transport), transport)
    assert.equal(problem?.code, 'E_NETWORK_TIMEOUT')
    assert.match(problem?.message ?? '', /silent for 1 s \(idle-timeout-seconds\)/)
  })

  it('is no matter of the transport when the server answered, but not in HTTP', async (t) => {
    const { transport, url } = await pool(t, (socket) => {
      const secured = secure(socket, { server, ca: root.pem, requestCert: true })
      secured.once('data', () => secured.end('this is not HTTP\r\n\r\n'))
    })
    const { problem } = await failing(get(url, transport), transport)
    assert.equal(problem, undefined)
  })

  it('is no matter of the transport when the caller ended the request', async (t) => {
    const { transport, url } = await pool(t, (socket) => secure(socket, { server, ca: root.pem, requestCert: true }))
    const pending = request(url, { dispatcher: await transport.dispatcher, signal: AbortSignal.timeout(300) })
    const { problem } = await failing(pending, transport)
    assert.equal(problem, undefined)
  })
})
