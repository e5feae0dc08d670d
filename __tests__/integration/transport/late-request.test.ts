import assert from 'node:assert/strict'
import { constants } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { request } from 'undici'
import { createRoot, issueClient, issueServer } from '../../../demo/certificate-authority.ts'
import { secure, startServer } from '../../support/tls-servers.ts'
import { type Meeting, probe, transportTo } from '../../support/transport.ts'

const root = createRoot({ name: 'Corporate Root' })
const server = issueServer(root, { name: 'index' })
const client = issueClient(root, { name: 'publisher' })
const stranger = issueClient(createRoot({ name: 'Other Root' }), { name: 'stranger' })

interface LateOptions {
  readonly asks?: boolean
  /** What follows the status line of every answer to HEAD. */
  readonly headers?: string
  readonly status?: string
  readonly version?: 'TLSv1.2' | 'TLSv1.3'
}

/** A server that asks for the certificate when it has read a request, as Apache does for a path. Notes each head. */
async function lateServer(t: TestContext, options: LateOptions = {}) {
  const { asks = true, headers = '', status = 'HTTP/1.1 200 OK', version = 'TLSv1.2' } = options
  const heads: string[] = []
  const running = await startServer((socket) => {
    const secured = secure(socket, {
      server,
      ca: root.pem,
      requestCert: false,
      minVersion: version,
      maxVersion: version,
      // As Apache has them, or the renegotiation would only resume the session.
      sessionIdContext: 'late',
      secureOptions: constants.SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION,
    })
    secured.on('data', (chunk) => {
      const head = chunk.toString('latin1')
      heads.push(head)
      const reply = () => {
        secured.write(`${status}\r\nContent-Length: 2\r\n${headers}\r\n${head.startsWith('HEAD') ? '' : 'ok'}`)
      }
      if (asks && secured.getPeerX509Certificate() === undefined) ask(secured, reply)
      else reply()
    })
  })
  t.after(() => running.stop())
  return { heads, running, url: `https://localhost:${running.port}/upload/?a=b` }
}

function ask(secured: TLSSocket, reply: () => void): void {
  secured.renegotiate({ requestCert: true, rejectUnauthorized: false }, (error) => {
    // `authorized` is what the first handshake left.
    const isOurs = secured.getPeerX509Certificate()?.verify(root.keys.publicKey) ?? false
    if (error === null && isOurs) reply()
    else secured.destroy()
  })
}

function meet(url: string, meeting: Partial<Meeting> = {}) {
  return probe(url, { client: [client], trusted: [root], tlsMaxVersion: 'TLSv1.2', ...meeting })
}

describe('a server that asks for the certificate once it sees the path', () => {
  it('is asked for the path first, with nothing that says who we are, and then has the certificate', async (t) => {
    const { url, heads } = await lateServer(t)
    const { handshake, facts, problem } = await meet(url)
    assert.equal(problem, undefined)
    assert.equal(handshake, 'accepted')
    assert.equal(facts?.asked, true)
    assert.deepEqual(heads.length, 1)
    assert.match(heads[0] ?? '', /^HEAD \/upload\/\?a=b HTTP\/1\.1\r\nHost: localhost:\d+\r\nAccept: \*\/\*\r\n\r\n$/)
  })

  it('gets the upload on the same connection', async (t) => {
    const { url, heads, running } = await lateServer(t)
    const transport = transportTo(url, { client: [client], trusted: [root], tlsMaxVersion: 'TLSv1.2' })
    t.after(() => transport.close())
    const { statusCode, body } = await request(url, {
      dispatcher: await transport.dispatcher,
      method: 'POST',
      body: 'file',
    })
    assert.equal(statusCode, 200)
    assert.equal(await body.text(), 'ok')
    assert.equal(running.connections, 1)
    assert.deepEqual(
      heads.map((head) => head.split(' ')[0]),
      ['HEAD', 'POST'],
    )
  })

  it('and refuses it then is told from one that never asks', async (t) => {
    const { url } = await lateServer(t)
    const { handshake, problem } = await meet(url, { client: [stranger] })
    assert.equal(handshake, 'refused')
    assert.equal(problem?.code, 'E_TLS_CLIENT_REFUSED')
  })

  it('and keeps no connection gets the upload on a connection of its own', async (t) => {
    for (const options of [{ headers: 'Connection: close\r\n' }, { status: 'HTTP/1.0 200 OK' }]) {
      const { url, running } = await lateServer(t, options)
      const { handshake, problem } = await meet(url)
      assert.equal(problem, undefined)
      assert.equal(handshake, 'accepted')
      assert.equal(running.connections, 2)
    }
  })

  it('cannot ask in TLS 1.3: no request is made, and the sentence says what to write', async (t) => {
    const { url, heads } = await lateServer(t, { version: 'TLSv1.3' })
    const { handshake, problem } = await meet(url, { tlsMaxVersion: 'TLSv1.3' })
    assert.equal(handshake, 'not-asked')
    assert.equal(problem?.code, 'E_TLS_CLIENT_NOT_ASKED')
    assert.match(problem?.hint ?? '', /`tls-max-version: 1\.2`/)
    assert.deepEqual(heads, [])
  })
})

describe('a server that never asks for the certificate', () => {
  it('gets nothing but that request, and the hint does not send people round in a circle', async (t) => {
    const { url, heads } = await lateServer(t, { asks: false })
    const { handshake, problem } = await meet(url)
    assert.equal(handshake, 'not-asked')
    assert.equal(problem?.code, 'E_TLS_CLIENT_NOT_ASKED')
    assert.match(problem?.message ?? '', /\(it is CN=index, issued by CN=Corporate Root\)/)
    assert.doesNotMatch(problem?.hint ?? '', /tls-max-version/)
    assert.equal(heads.length, 1)
  })

  it('gets no such request from a run without a certificate', async (t) => {
    const { url, heads } = await lateServer(t, { asks: false })
    const { handshake } = await meet(url, { client: [] })
    assert.equal(handshake, 'accepted')
    assert.deepEqual(heads, [])
  })

  it('and sends a body after HEAD cannot pass it off as the answer to the upload', async (t) => {
    const { url, running } = await lateServer(t, { asks: false, headers: '\r\nstray' })
    const meeting = { client: [client], trusted: [root], tlsMaxVersion: 'TLSv1.2', requireClientAuth: false } as const
    const transport = transportTo(url, meeting)
    t.after(() => transport.close())
    const { handshake } = await transport.probe(new AbortController().signal)
    assert.equal(handshake, 'not-asked')
    assert.equal(running.connections, 2)
  })
})

it('an inspecting proxy in place of the server is told from a server that does not ask', async (t) => {
  const inspector = createRoot({ name: 'Zscaler Intermediate Root CA', organization: 'Zscaler Inc.' })
  const shown = issueServer(inspector, { name: 'index' })
  const running = await startServer((socket) => secure(socket, { server: shown }))
  t.after(() => running.stop())
  const url = `https://localhost:${running.port}/`
  const trusting = await probe(url, { client: [client], trusted: [inspector] })
  assert.equal(trusting.problem?.code, 'E_TLS_INSPECTED')
  assert.equal(trusting.handshake, 'not-asked')
  const strict = await probe(url, { client: [client], trusted: [root] })
  assert.equal(strict.problem?.code, 'E_TLS_INSPECTED')
  assert.equal(strict.handshake, 'failed')
  assert.match(
    strict.problem?.message ?? '',
    /\(CN=index\) comes from CN=Zscaler Intermediate Root CA, O=Zscaler Inc\./,
  )
})
