/** Real servers that demand a client certificate, each in its own way of saying no. All lead to one plain HTTP server. */

import { mkdir, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Server } from 'node:net'
import path from 'node:path'
import type { Issued } from '../../../demo/certificate-authority.ts'
import { apache, apacheModules, haproxy, nginx, openssl, stunnel } from './programs.ts'
import { freePort, startServer } from './server-process.ts'

export interface FrontMaterial {
  /** Made here. */
  readonly directory: string
  readonly server: Issued
  /** PEM: the CA that clients' chains must reach. */
  readonly authority: string
  /** PEM: the revocation lists of all CAs. */
  readonly revocations: string
  /** PEM: the same, out of date. */
  readonly oldRevocations: string
}

export interface Fronts {
  /** Ports by name. */
  readonly ports: ReadonlyMap<FrontName, number>
  log(): string
  stop(): Promise<void>
}

export type FrontName =
  | 'nginx'
  | 'Apache'
  | 'Apache by path'
  | 'HAProxy'
  | 'stunnel'
  | 's_server'
  | 's_server with old lists'
  | 'Node.js'

interface Running {
  log?(): string
  stop(): Promise<void>
}

interface Place extends FrontMaterial {
  /** Port of the plain HTTP server. */
  readonly sink: number
}

/** Reads the whole body and says how long it was. */
const swallow: RequestListener = (request, response) => {
  let length = 0
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
  })
  request.on('end', () => response.end(`${length} bytes`))
}

export async function startFronts(material: FrontMaterial): Promise<Fronts> {
  const { directory, server, authority, revocations, oldRevocations } = material
  await mkdir(directory, { recursive: true })
  const write = (name: string, text: string) => writeFile(path.join(directory, name), text, { mode: 0o600 })
  await write('server.pem', server.pem)
  await write('server.key', server.keyPem)
  await write('both.pem', server.pem + server.keyPem)
  await write('ca.pem', authority)
  await write('crl.pem', revocations)
  await write('ca-and-crl.pem', authority + revocations)
  await write('ca-and-old-crl.pem', authority + oldRevocations)
  const running: Running[] = []
  const ports = new Map<FrontName, number>()
  const stop = async () => {
    for (const one of running.toReversed()) await one.stop()
  }
  try {
    const sink = createHttpServer(swallow)
    running.push({ stop: () => close(sink) })
    const place = { ...material, sink: await listen(sink) }
    for (const start of [startNginx, startApache, startHaproxy, startStunnel, startSServer, startOldSServer]) {
      running.push(await start(place, ports))
    }
    running.push(await startNode(place, ports))
    return { ports, log: () => running.map((one) => one.log?.() ?? '').join('\n'), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function listen(server: Server): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.on('error', reject).listen(0, '127.0.0.1', resolve)
  await promise
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a TCP port')
  return address.port
}

async function close(server: Server & { closeAllConnections(): void }): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeAllConnections()
  await promise
}

type Ports = Map<FrontName, number>

async function launch(
  { directory }: Place,
  name: string,
  program: string,
  port: number,
  configuration: string,
  args: readonly string[],
): Promise<Running> {
  await writeFile(path.join(directory, `${name}.conf`), configuration, { mode: 0o600 })
  return startServer({ name, program, args, port, directory, startMs: 10_000 })
}

async function startNginx(place: Place, ports: Ports): Promise<Running> {
  const port = await freePort()
  ports.set('nginx', port)
  const configuration = `daemon off;
master_process off;
pid nginx.pid;
error_log stderr info;
events {}
http {
  access_log off;
  client_max_body_size 0;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate server.pem;
    ssl_certificate_key server.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_client_certificate ca.pem;
    ssl_crl crl.pem;
    ssl_verify_client on;
    ssl_verify_depth 10;
    location / { proxy_pass http://127.0.0.1:${place.sink}; }
  }
}
`
  return launch(place, 'nginx', nginx, port, configuration, ['-p', `${place.directory}/`, '-c', 'nginx.conf'])
}

/** Two virtual hosts: one demands the certificate in the handshake, the other only for a path. */
async function startApache(place: Place, ports: Ports): Promise<Running> {
  const { directory, sink } = place
  const port = await freePort()
  const byPath = await freePort()
  ports.set('Apache', port)
  ports.set('Apache by path', byPath)
  const modules = ['mpm_event', 'authz_core', 'ssl', 'proxy', 'proxy_http']
  const verify = `SSLVerifyClient require
  SSLVerifyDepth 10`
  const host = (listens: number, rules: string) => `Listen 127.0.0.1:${listens}
<VirtualHost 127.0.0.1:${listens}>
  SSLEngine on
  SSLProtocol -all +TLSv1.2 +TLSv1.3
  SSLCertificateFile ${directory}/server.pem
  SSLCertificateKeyFile ${directory}/server.key
  SSLCACertificateFile ${directory}/ca.pem
  SSLCARevocationFile ${directory}/crl.pem
  SSLCARevocationCheck chain
  ${rules}
  ProxyPass / http://127.0.0.1:${sink}/
</VirtualHost>
`
  const configuration = `${modules.map((name) => `LoadModule ${name}_module ${apacheModules}/mod_${name}.so`).join('\n')}
ServerRoot ${directory}
ServerName localhost
PidFile ${directory}/apache.pid
DefaultRuntimeDir ${directory}
Mutex posixsem
ErrorLog /dev/stderr
LogLevel ssl:info
${host(port, verify)}
${host(byPath, `<Location /upload/>\n  ${verify}\n  </Location>`)}
`
  const args = ['-X', '-d', directory, '-f', `${directory}/apache.conf`]
  return launch(place, 'apache', apache, port, configuration, args)
}

async function startHaproxy(place: Place, ports: Ports): Promise<Running> {
  const port = await freePort()
  ports.set('HAProxy', port)
  const configuration = `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend front
  bind 127.0.0.1:${port} ssl crt both.pem ca-file ca.pem crl-file crl.pem verify required
  default_backend sink
backend sink
  server sink 127.0.0.1:${place.sink}
`
  return launch(place, 'haproxy', haproxy, port, configuration, ['-f', 'haproxy.conf', '-db'])
}

async function startStunnel(place: Place, ports: Ports): Promise<Running> {
  const port = await freePort()
  ports.set('stunnel', port)
  const configuration = `foreground = yes
pid =
[front]
accept = 127.0.0.1:${port}
connect = 127.0.0.1:${place.sink}
cert = both.pem
CAfile = ca.pem
CRLfile = crl.pem
verifyChain = yes
requireCert = yes
`
  return launch(place, 'stunnel', stunnel, port, configuration, ['stunnel.conf'])
}

const startSServer = (place: Place, ports: Ports) => startTool(place, ports, 's_server', 'ca-and-crl.pem')
const startOldSServer = (place: Place, ports: Ports) =>
  startTool(place, ports, 's_server with old lists', 'ca-and-old-crl.pem')

/** It speaks no HTTP to speak of: only its handshakes are of use. */
async function startTool(place: Place, ports: Ports, name: FrontName, trusted: string): Promise<Running> {
  const port = await freePort()
  ports.set(name, port)
  const files = ['-cert', 'server.pem', '-key', 'server.key', '-CAfile', trusted]
  const checks = ['-Verify', '10', '-verify_return_error', '-crl_check', '-crl_check_all']
  const args = ['s_server', '-accept', `127.0.0.1:${port}`, ...files, ...checks, '-www', '-quiet']
  return launch(place, name.replaceAll(' ', '-'), openssl, port, '', args)
}

async function startNode({ server, authority, revocations, sink }: Place, ports: Ports): Promise<Running> {
  const options = {
    cert: server.pem,
    key: server.keyPem,
    ca: authority,
    // One list for each element: of several in one text Node reads the first alone.
    crl: revocations.split(/(?<=END X509 CRL-----\n)(?=.)/),
    requestCert: true,
    rejectUnauthorized: true,
  }
  const front = createHttpsServer(options, swallow)
  ports.set('Node.js', await listen(front))
  return { stop: () => close(front), log: () => `Node.js beside ${sink}` }
}
