import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { request } from 'undici'
import { createRoot, issueClient, issueServer } from '../../../demo/certificate-authority.ts'
import { redact, Secrets } from '../../../src/text.ts'
import { answer, type RunningServer, secure, startServer } from '../../support/tls-servers.ts'
import { type Meeting, probe, transportTo } from '../../support/transport.ts'

const root = createRoot({ name: 'Corporate Root' })
const server = issueServer(root, { name: 'index' })
const client = issueClient(root, { name: 'publisher' })

async function running(t: TestContext, handle: (socket: Socket) => void): Promise<RunningServer> {
  const started = await startServer(handle)
  t.after(() => started.stop())
  return started
}

async function index(t: TestContext): Promise<RunningServer> {
  return await running(t, (socket) => {
    const secured = secure(socket, { server, ca: root.pem, requestCert: true, rejectUnauthorized: true })
    secured.on('secure', () => answer(secured))
  })
}

/** A proxy: `head` of its answer; after a 200 it leads to the server that was asked for. Notes what it was asked. */
async function proxy(t: TestContext, head = 'HTTP/1.1 200 Connection established\r\n\r\n') {
  const heads: string[] = []
  const started = await running(t, (socket) => {
    socket.once('data', (chunk) => {
      heads.push(chunk.toString('latin1'))
      const [, port] = /^CONNECT [^:]+:(\d+) /.exec(chunk.toString('latin1')) ?? []
      if (!head.startsWith('HTTP/1.1 200') || port === undefined) {
        socket.end(head)
        return
      }
      const onward = connect(Number(port), '127.0.0.1', () => {
        socket.write(head, 'latin1')
        socket.pipe(onward).pipe(socket)
      })
      onward.on('error', () => socket.destroy())
      socket.on('close', () => onward.destroy())
    })
  })
  return { started, heads, url: new URL(`http://localhost:${started.port}`) }
}

async function meet(proxyUrl: URL, port: number, meeting: Partial<Meeting> = {}) {
  const url = `https://localhost:${port}/`
  const result = await probe(url, { client: [client], trusted: [root], proxy: proxyUrl, ...meeting })
  const { code, message = '', hint = '' } = result.problem ?? {}
  return { handshake: result.handshake, code, message, hint }
}

describe('through a proxy', () => {
  it('the handshake is with the server, and the request takes the same tunnel', async (t) => {
    const target = await index(t)
    const { heads, url: proxyUrl, started } = await proxy(t)
    const url = `https://localhost:${target.port}/`
    const transport = transportTo(url, { client: [client], trusted: [root], proxy: proxyUrl })
    t.after(() => transport.close())
    const { handshake, facts } = await transport.probe(new AbortController().signal)
    assert.equal(handshake, 'accepted')
    assert.equal(facts?.server.subject, 'CN=index')
    const { body } = await request(url, { dispatcher: await transport.dispatcher })
    assert.equal(await body.text(), 'ok')
    assert.deepEqual(heads, [`CONNECT localhost:${target.port} HTTP/1.1\r\nHost: localhost:${target.port}\r\n\r\n`])
    assert.equal(started.connections, 1)
    assert.equal(target.connections, 1)
  })

  it('user and password of its URL go to the proxy, decoded, and become secrets', async (t) => {
    const { port } = await index(t)
    const { heads, url } = await proxy(t)
    url.username = 'me'
    url.password = encodeURIComponent('pa:ss%wörd')
    const secrets = new Secrets()
    const { handshake } = await meet(url, port, { secrets })
    assert.equal(handshake, 'accepted')
    const token = Buffer.from('me:pa:ss%wörd').toString('base64')
    assert.match(heads[0] ?? '', new RegExp(`\r\nProxy-Authorization: Basic ${token}\r\n`))
    assert.equal(redact(`got ${token} and pa:ss%wörd`, secrets), 'got *** and ***')
  })

  it('a server certificate is judged as without one', async (t) => {
    const { port } = await index(t)
    const { url } = await proxy(t)
    const { handshake, code } = await meet(url, port, { trusted: [client] })
    assert.match(code ?? '', /^E_TLS_SERVER_/)
    assert.equal(handshake, 'failed')
  })
})

describe('a proxy that', () => {
  const REFUSALS = [
    ['403 Access violation', /with 403 Access violation$/, /let this host and port through/],
    ['407 Proxy Authentication Required', /with 407 Proxy Authentication Required$/, /asks for a user and a password/],
    ['500', /with 500$/, /let this host/],
  ] as const
  for (const [status, words, advice] of REFUSALS) {
    it(`answers ${status} is told with its words`, async (t) => {
      const { url } = await proxy(t, `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
      const { handshake, code, message, hint } = await meet(url, 443)
      assert.equal(code, 'E_PROXY_REFUSED')
      assert.equal(handshake, 'not-tried')
      assert.match(message, words)
      assert.match(hint, advice)
    })
  }

  // They may pass.
  for (const status of ['502 Bad Gateway', '503 Service Unavailable', '504 Gateway Timeout']) {
    it(`answers ${status} has a code of its own`, async (t) => {
      const { url } = await proxy(t, `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
      const { handshake, code, message, hint } = await meet(url, 443)
      assert.equal(code, 'E_PROXY_GATEWAY')
      assert.equal(handshake, 'not-tried')
      assert.ok(message.endsWith(`with ${status}`), message)
      assert.match(hint, /could not reach the server/)
    })
  }

  it('does not take the password is told so', async (t) => {
    const { url } = await proxy(t, 'HTTP/1.1 407 No\r\n\r\n')
    url.username = 'me'
    url.password = 'wrong-password'
    const { code, message, hint } = await meet(url, 443)
    assert.equal(code, 'E_PROXY_REFUSED')
    assert.match(hint, /does not take the user and the password/)
    assert.doesNotMatch(`${message}${hint}`, /wrong-password/)
  })

  it('echoes the password, with controls and at length, shows one clipped line without it', async (t) => {
    const reason = `no \u001b[2J##[error]me:s3cret-word ${'x'.repeat(5000)}`
    const { url } = await proxy(t, `HTTP/1.1 403 ${reason}\r\n\r\n`)
    url.username = 'me'
    url.password = 's3cret-word'
    const { code, message } = await meet(url, 443)
    assert.equal(code, 'E_PROXY_REFUSED')
    assert.ok(message.length < 400, `${message.length} characters`)
    assert.doesNotMatch(message, /s3cret|\u001b/)
    assert.match(message, /me:\*\*\*/)
  })

  it('is no HTTP server is told so', async (t) => {
    const { url } = await proxy(t, 'SSH-2.0-OpenSSH_9.2\r\n\r\n')
    const { handshake, code, message } = await meet(url, 443)
    assert.equal(code, 'E_PROXY_REFUSED')
    assert.equal(handshake, 'not-tried')
    assert.match(message, /not HTTP/)
  })

  it('answers without an end is cut off after 64 KiB', async (t) => {
    const { port } = await running(t, (socket) => {
      socket.once('data', () => {
        const line = `X-Filler: ${'y'.repeat(1000)}\r\n`
        const fill = () => {
          while (socket.write(line));
        }
        socket.write('HTTP/1.1 200 OK\r\n')
        socket.on('drain', fill)
        fill()
      })
    })
    const { code, message } = await meet(new URL(`http://localhost:${port}`), 443)
    assert.equal(code, 'E_PROXY_REFUSED')
    assert.match(message, /more than 64 KiB/)
  })

  it('sends bytes of its own after its 200 cannot pass them off as the server', async (t) => {
    const { port } = await index(t)
    const { url } = await proxy(t, 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\nforged')
    const { code } = await meet(url, port)
    assert.equal(code, 'E_TLS_NOT_TLS')
  })

  it('closes without an answer cannot be used', async (t) => {
    const { port } = await running(t, (socket) => socket.once('data', () => socket.end()))
    const { handshake, code, message } = await meet(new URL(`http://localhost:${port}`), 443)
    assert.equal(code, 'E_PROXY_UNREACHABLE')
    assert.equal(handshake, 'not-tried')
    assert.match(message, /closed the connection without an answer/)
  })

  it('closes in the middle of its answer cannot be used', async (t) => {
    const { url } = await proxy(t, 'HTTP/1.1 403 Forb')
    assert.equal((await meet(url, 443)).code, 'E_PROXY_UNREACHABLE')
  })

  it('takes the connection and stays silent ends after the idle time', async (t) => {
    const { port } = await running(t, () => {})
    const { handshake, code, message } = await meet(new URL(`http://localhost:${port}`), 443, { idleTimeoutMs: 1000 })
    assert.equal(code, 'E_PROXY_UNREACHABLE')
    assert.equal(handshake, 'not-tried')
    assert.match(message, /did not answer within 1 s/)
  })

  it('is not there is told apart from the server', async () => {
    const gone = await startServer(() => {})
    await gone.stop()
    const { handshake, code, message } = await meet(new URL(`http://localhost:${gone.port}`), 443)
    assert.equal(code, 'E_PROXY_UNREACHABLE')
    assert.equal(handshake, 'not-tried')
    assert.match(message, new RegExp(`could not connect to the proxy localhost:${gone.port}: .*ECONNREFUSED`))
  })

  it('is met with https but has a certificate that this system does not trust gets nothing', async (t) => {
    const asked: string[] = []
    const { port } = await running(t, (socket) => {
      secure(socket, { server, requestCert: true, rejectUnauthorized: false }).on('data', (chunk: Buffer) => {
        asked.push(chunk.toString('latin1'))
      })
    })
    const { handshake, code, message } = await meet(new URL(`https://me:password@localhost:${port}`), 443)
    assert.equal(code, 'E_PROXY_UNREACHABLE')
    assert.equal(handshake, 'not-tried')
    assert.match(message, /TLS to the proxy localhost:\d+ failed/)
    assert.deepEqual(asked, [])
  })
})
