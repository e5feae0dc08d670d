/** One nginx that plays many servers: each name has CAs and revocation lists of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { connect } from 'node:tls'
import { createRoot, issueServer } from '../../../demo/certificate-authority.ts'
import { errorCodeOf } from '../../../src/errors.ts'
import type { SampleChain } from '../../support/chains.ts'
import { listsPem } from '../../support/check-sample.ts'
import { nginx } from './programs.ts'
import { freePort, startServer } from './server-process.ts'

/** What a client sends. */
export interface ClientChain {
  /** PEM, leaf first. */
  readonly cert: string
  readonly key: string
}

export interface VerifyingNginx {
  /** `accepted`, `refused` (its 400 page or an alert), `not sent`, or what else happened. */
  ask(sample: SampleChain, client: ClientChain): Promise<string>
  log(): string
  stop(): Promise<void>
}

const root = createRoot({ name: 'Server Root' })
const server = issueServer(root, { name: 'nginx' })
const TIME_LIMIT_MS = 20_000

export async function startVerifyingNginx(samples: readonly SampleChain[]): Promise<VerifyingNginx> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'interop-chains-'))
  const port = await freePort()
  const write = (name: string, text: string) => writeFile(path.join(directory, name), text, { mode: 0o600 })
  await write('server.pem', server.pem)
  await write('server.key', server.keyPem)
  for (const [index, { anchors, lists }] of samples.entries()) {
    await write(`${index}.ca`, anchors.map(({ pem }) => pem).join(''))
    if (lists !== undefined) await write(`${index}.crl`, listsPem(lists))
  }
  await write('nginx.conf', configuration(port, samples))
  const args = ['-p', `${directory}/`, '-c', 'nginx.conf']
  const child = await startServer({ name: 'nginx', program: nginx, args, port, directory, startMs: 20_000 })
  return {
    ask: (sample, client) => ask(port, `c${samples.indexOf(sample)}.test`, client),
    log: () => child.log(),
    stop: async () => {
      await child.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function configuration(port: number, samples: readonly SampleChain[]): string {
  const servers = samples.map(
    ({ lists }, index) => `  server {
    listen 127.0.0.1:${port} ssl;
    server_name c${index}.test;
    ssl_client_certificate ${index}.ca;
    ${lists === undefined ? '' : `ssl_crl ${index}.crl;`}
    return 200;
  }`,
  )
  return `# One process, so that one pid is all there is to end.
daemon off;
master_process off;
pid nginx.pid;
error_log stderr info;
events {}
http {
  access_log off;
  server_names_hash_max_size 4096;
  ssl_certificate server.pem;
  ssl_certificate_key server.key;
  ssl_verify_client on;
  ssl_verify_depth 10;
  ssl_session_cache off;
  ssl_session_tickets off;
${servers.join('\n')}
}
`
}

/** Level 0: it is the server's OpenSSL that shall judge weak keys and digests. */
function ask(port: number, name: string, { cert, key }: ClientChain): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const options = { host: '127.0.0.1', port, servername: name, ca: root.pem, checkServerIdentity: () => undefined }
  try {
    const socket = connect({ ...options, cert, key, ciphers: 'DEFAULT@SECLEVEL=0' })
    socket.setTimeout(TIME_LIMIT_MS, () => socket.destroy(new Error('no answer')))
    socket.write(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`)
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', (error) => resolve(/alert/i.test(errorCodeOf(error) ?? '') ? 'refused' : String(error)))
    socket.on('close', () => resolve(verdictOf(answer)))
  } catch (error) {
    resolve(errorCodeOf(error) ?? String(error))
  }
  return promise
}

function verdictOf(answer: string): string {
  if (answer.startsWith('HTTP/1.1 200')) return 'accepted'
  if (answer.includes('No required SSL certificate was sent')) return 'not sent'
  return answer.includes('The SSL certificate error') ? 'refused' : answer.slice(0, 300)
}
