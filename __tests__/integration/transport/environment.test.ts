import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { createRoot, type Issued, issueClient, issueServer } from '../../../demo/certificate-authority.ts'
import type { ProbeOrder, ProbeReport } from '../../support/probe-process.ts'
import { type RunningServer, secure, startServer } from '../../support/tls-servers.ts'

const root = createRoot({ name: 'Corporate Root' })
const otherRoot = createRoot({ name: 'Other Root' })
const server = issueServer(root, { name: 'index' })
const client = issueClient(root, { name: 'publisher' })
const PROGRAM = path.join(import.meta.dirname, '../../support/probe-process.ts')

/** Without what this machine itself says about trust. */
const { NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, SSL_CERT_DIR, NODE_OPTIONS, ...CLEAN } = process.env

const directory = mkdtempSync(path.join(os.tmpdir(), 'environment-'))
after(() => rmSync(directory, { recursive: true }))
const rootFile = path.join(directory, 'root.pem')
writeFileSync(rootFile, root.pem)

async function running(t: TestContext, handle: (socket: Socket) => void): Promise<RunningServer> {
  const started = await startServer(handle)
  t.after(() => started.stop())
  return started
}

async function index(t: TestContext): Promise<string> {
  const { port } = await running(t, (socket) => {
    secure(socket, { server, ca: root.pem, requestCert: true, rejectUnauthorized: true })
  })
  return `https://localhost:${port}/`
}

/** Probes from a process with these variables. */
async function probe(
  env: Readonly<Record<string, string>>,
  order: Pick<ProbeOrder, 'url' | 'proxy'>,
  trusted: readonly Issued[] | 'system',
): Promise<ProbeReport> {
  const pems = trusted === 'system' ? 'system' : trusted.map(({ pem }) => pem)
  const whole: ProbeOrder = { ...order, trusted: pems, chainPem: client.pem, keyPem: client.keyPem }
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, JSON.stringify(whole)], {
    env: { ...CLEAN, ...env },
    timeout: 60_000,
  })
  const report: ProbeReport = JSON.parse(stdout)
  return report
}

describe('with a ca-bundle', () => {
  it('NODE_TLS_REJECT_UNAUTHORIZED=0 does not let an unknown server pass', async (t) => {
    const { code, handshake } = await probe({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, { url: await index(t) }, [otherRoot])
    assert.equal(code, 'E_TLS_SERVER_UNKNOWN_CA')
    assert.equal(handshake, 'failed')
  })

  for (const variable of ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE']) {
    it(`${variable} adds nothing to it`, async (t) => {
      const env = { [variable]: rootFile, NODE_OPTIONS: '--use-system-ca' }
      const { code, handshake } = await probe(env, { url: await index(t) }, [otherRoot])
      assert.equal(code, 'E_TLS_SERVER_UNKNOWN_CA')
      assert.equal(handshake, 'failed')
    })
  }

  it('a server that the system would trust says what to write', async (t) => {
    const { hint } = await probe({ NODE_EXTRA_CA_CERTS: rootFile }, { url: await index(t) }, [otherRoot])
    assert.match(hint ?? '', /write `ca-bundle: system`/)
  })
})

describe('with the system as trust', () => {
  it('what NODE_EXTRA_CA_CERTS names is trusted, and counted', async (t) => {
    const { handshake, added } = await probe({ NODE_EXTRA_CA_CERTS: rootFile }, { url: await index(t) }, 'system')
    assert.equal(handshake, 'accepted')
    assert.equal(added, 1)
  })

  it('NODE_TLS_REJECT_UNAUTHORIZED=0 does not let an unknown server pass', async (t) => {
    const { code, added } = await probe({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, { url: await index(t) }, 'system')
    assert.equal(code, 'E_TLS_SERVER_UNKNOWN_CA')
    assert.equal(added, 0)
  })
})

describe('an https proxy', () => {
  /** Leads to the server that was asked for; notes who came. */
  async function httpsProxy(t: TestContext) {
    const met: { readonly subject: string | undefined; readonly head: string }[] = []
    const { port } = await running(t, (socket) => {
      const secured: TLSSocket = secure(socket, { server, requestCert: true, rejectUnauthorized: false })
      secured.once('data', (chunk: Buffer) => {
        const head = chunk.toString('latin1')
        met.push({ subject: secured.getPeerX509Certificate()?.subject, head })
        const [, target] = /^CONNECT [^:]+:(\d+) /.exec(head) ?? []
        const onward = connect(Number(target), '127.0.0.1', () => {
          secured.write('HTTP/1.1 200 OK\r\n\r\n')
          secured.pipe(onward).pipe(secured)
        })
        onward.on('error', () => secured.destroy())
        secured.on('close', () => onward.destroy())
      })
    })
    return { met, proxy: `https://me:password@localhost:${port}` }
  }

  it('is trusted by the system, and never sees the client certificate', async (t) => {
    const { met, proxy } = await httpsProxy(t)
    const url = await index(t)
    const { handshake, message } = await probe({ NODE_EXTRA_CA_CERTS: rootFile }, { url, proxy }, [root])
    assert.equal(message, undefined)
    assert.equal(handshake, 'accepted')
    assert.equal(met.length, 1)
    assert.equal(met[0]?.subject, undefined)
    assert.match(met[0]?.head ?? '', /Proxy-Authorization: Basic /)
  })

  it('is not trusted by ca-bundle, and NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing', async (t) => {
    const { met, proxy } = await httpsProxy(t)
    const url = await index(t)
    const { code } = await probe({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, { url, proxy }, [root])
    assert.equal(code, 'E_PROXY_UNREACHABLE')
    assert.deepEqual(met, [])
  })
})
