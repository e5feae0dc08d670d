import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { createRoot, issueClient, issueServer } from '../../../demo/certificate-authority.ts'
import { PublishError } from '../../../src/errors.ts'
import { secure, startServer } from '../../support/tls-servers.ts'
import { type Meeting, probe, transportTo } from '../../support/transport.ts'

const root = createRoot({ name: 'Corporate Root' })
const server = issueServer(root, { name: 'index' })
const client = issueClient(root, { name: 'publisher' })

async function listening(t: TestContext, handle: (socket: Socket) => void): Promise<number> {
  const running = await startServer(handle)
  t.after(() => running.stop())
  return running.port
}

async function meet(port: number, meeting: Partial<Meeting> = {}, host = 'localhost') {
  const result = await probe(`https://${host}:${port}/`, { client: [client], trusted: [root], ...meeting })
  const { code, message = '', hint = '' } = result.problem ?? {}
  return { handshake: result.handshake, code, message, hint }
}

/** A port on which nobody listens: one that was free a moment ago. */
async function closedPort(): Promise<number> {
  const running = await startServer(() => {})
  await running.stop()
  return running.port
}

/** A server that speaks these versions alone. */
async function speaking(
  t: TestContext,
  minVersion: 'TLSv1' | 'TLSv1.2' | 'TLSv1.3',
  maxVersion: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3',
) {
  return await listening(t, (socket) => {
    secure(socket, { server, minVersion, maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' })
  })
}

describe('a connection', () => {
  it('to a port on which nobody listens is refused, with every address that was tried', async () => {
    const port = await closedPort()
    const { handshake, code, message } = await meet(port)
    assert.equal(code, 'E_NETWORK_REFUSED')
    assert.equal(handshake, 'not-tried')
    assert.match(message, new RegExp(`^could not connect to localhost:${port}: .*ECONNREFUSED 127\\.0\\.0\\.1:${port}`))
  })

  it('to a name that does not exist is a matter of DNS', async () => {
    // A label of more than 63 characters is refused before anybody is asked (RFC 1035, 2.3.4).
    const { handshake, code, message } = await meet(443, {}, `${'a'.repeat(64)}.invalid`)
    assert.equal(code, 'E_NETWORK_DNS')
    assert.equal(handshake, 'not-tried')
    assert.match(message, /was not resolved \(E/)
  })

  it('to a port that takes it and stays silent ends after the idle time', async (t) => {
    const port = await listening(t, () => {})
    const { handshake, code, message } = await meet(port, { idleTimeoutMs: 1000 })
    assert.equal(code, 'E_NETWORK_TIMEOUT')
    assert.equal(handshake, 'failed')
    assert.match(message, /took the connection but did not answer the TLS handshake within 1 s/)
  })

  it('that is closed at once says where: before the handshake came to anything', async (t) => {
    const port = await listening(t, (socket) => socket.end())
    const { handshake, code, message } = await meet(port)
    assert.equal(code, 'E_NETWORK_CLOSED')
    assert.equal(handshake, 'failed')
    assert.match(message, /closed the connection in the middle of the TLS handshake/)
  })

  it('that is reset is told from one that is closed', async (t) => {
    const port = await listening(t, (socket) => socket.once('data', () => socket.resetAndDestroy()))
    const { code, message } = await meet(port)
    assert.equal(code, 'E_NETWORK_CLOSED')
    assert.match(message, /reset the connection/)
  })

  const GREETINGS = [
    ['plain HTTP', 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'],
    ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['SMTP', '220 mail.example ESMTP\r\n'],
  ] as const
  for (const [name, greeting] of GREETINGS) {
    it(`to a port that speaks ${name} is no TLS`, async (t) => {
      const port = await listening(t, (socket) => socket.once('data', () => socket.end(greeting)))
      const { handshake, code } = await meet(port)
      assert.equal(code, 'E_TLS_NOT_TLS')
      assert.equal(handshake, 'failed')
    })
  }

  it('to a server of TLS 1.1 has no version in common', async (t) => {
    const { handshake, code, message, hint } = await meet(await speaking(t, 'TLSv1', 'TLSv1.1'))
    assert.equal(code, 'E_TLS_VERSION')
    assert.equal(handshake, 'failed')
    assert.match(message, /TLSv1\.2 to TLSv1\.3/)
    assert.match(hint, /has to be updated/)
  })

  it('to a server of TLS 1.2 with tls-min-version 1.3 names the input', async (t) => {
    const { code, hint } = await meet(await speaking(t, 'TLSv1.2', 'TLSv1.2'), { tlsMinVersion: 'TLSv1.3' })
    assert.equal(code, 'E_TLS_VERSION')
    assert.match(hint, /tls-min-version: 1\.2/)
  })

  it('to a server of TLS 1.3 with tls-max-version 1.2 names the input', async (t) => {
    const { code, hint } = await meet(await speaking(t, 'TLSv1.3', 'TLSv1.3'), { tlsMaxVersion: 'TLSv1.2' })
    assert.equal(code, 'E_TLS_VERSION')
    assert.match(hint, /tls-max-version: 1\.3/)
  })

  it('without a common cipher is a fault of the handshake, not of the certificate', async (t) => {
    const port = await listening(t, (socket) => {
      secure(socket, { server, requestCert: true, maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' })
    })
    const { handshake, code, message } = await meet(port)
    assert.equal(code, 'E_TLS_HANDSHAKE')
    assert.equal(handshake, 'failed')
    assert.match(message, /alert 40/)
  })
})

describe('a run that is cancelled', () => {
  it('ends the probe in the handshake with its own reason, and the connection too', async (t) => {
    let closed: Promise<void> | undefined
    const arrived = Promise.withResolvers<void>()
    const port = await listening(t, (socket) => {
      closed = new Promise((resolve) => socket.on('close', () => resolve()))
      socket.once('data', () => arrived.resolve())
    })
    const transport = transportTo(`https://localhost:${port}/`, { client: [client], trusted: [root] })
    t.after(() => transport.close())
    const reason = new PublishError({ code: 'E_RUN_CANCELLED', message: 'the run was cancelled' })
    const controller = new AbortController()
    const probing = transport.probe(controller.signal)
    await arrived.promise
    controller.abort(reason)
    await assert.rejects(probing, (error) => error === reason)
    await closed
  })

  it('connects to nothing when it was cancelled before', async (t) => {
    const running = await startServer(() => {})
    t.after(() => running.stop())
    const transport = transportTo(`https://localhost:${running.port}/`, { client: [client], trusted: [root] })
    t.after(() => transport.close())
    const reason = new Error('over')
    await assert.rejects(transport.probe(AbortSignal.abort(reason)), (error) => error === reason)
    assert.equal(running.connections, 0)
  })
})
