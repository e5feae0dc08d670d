/**
 * The server of the benchmarks: nginx that demands a client certificate (TLS 1.3, HTTP/1.1), with an index behind it.
 *
 * nginx itself writes each upload to a file in memory and hands the index the file's name only. That costs the server
 * less than passing the bytes on, so that it is the client that is measured; forms are taken apart and hashed after the
 * run. Until then the index lists the digest that the form announces.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, watch } from 'node:fs'
import { mkdir, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createRoot, issueClient, issueIntermediate, issueServer } from '../demo/certificate-authority.ts'
import { portOf } from './way.ts'
import { digestOf, PROJECT, type Wheel } from './wheels.ts'

export const USER = 'ci'
export const PASSWORD = 'bench-password'

/** Files that a client needs, and what the server counts. */
export interface BenchServer {
  readonly port: number
  /** PEM files. `clientPem` holds the chain and the key. */
  readonly caFile: string
  readonly clientPem: string
  readonly clientChain: string
  readonly clientKey: string
  readonly counts: { posts: number; gets: number }
  /**
   * Forgets all uploads; the project's page lists `others` files that were there before. The bytes stay until those of
   * the next upload come: memory that is free for a second goes back to the host of a virtual machine, and whoever hashes
   * before it sends would pay for getting it back.
   */
  reset(others: number): void
  /** Takes apart and hashes what was stored. @throws Error when it is not each of these wheels, once, byte for byte */
  verify(wheels: readonly Wheel[]): Promise<void>
  stop(): Promise<void>
}

interface Stored {
  readonly bodyFile: string
  readonly contentStart: number
  readonly contentEnd: number
  readonly filename: string
  readonly announced: string
}

export async function startBenchServer(nginx: string): Promise<BenchServer> {
  const directory = await mkdtemp(path.join(existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'bench-server-'))
  const bodies = path.join(directory, 'bodies')
  await mkdir(bodies)
  const files = await writeCertificates(directory)
  const index = new Index()
  const bodyWatch = watch(bodies, (_event, name) => index.bodyBegins(path.join(bodies, name ?? '')))
  const socket = path.join(directory, 'index.sock')
  const http = createServer((request, response) => index.answer(request, response)).listen(socket)
  // Connections of nginx are kept for the whole run.
  http.keepAliveTimeout = 600_000
  await once(http, 'listening')
  const port = await freePort()
  await writeFile(path.join(directory, 'nginx.conf'), configuration(port, socket))
  const child = spawn(nginx, ['-p', `${directory}/`, '-c', 'nginx.conf'], { stdio: ['ignore', 'inherit', 'inherit'] })
  await untilListening(child, port)
  return {
    port,
    ...files,
    counts: index.counts,
    reset: (others) => index.reset(others),
    verify: (wheels) => index.verify(wheels),
    stop: async () => {
      bodyWatch.close()
      child.kill('SIGTERM')
      await once(child, 'exit')
      http.close()
      http.closeAllConnections()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function writeCertificates(directory: string) {
  const root = createRoot({ name: 'Bench Root' })
  const server = issueServer(root, { name: 'localhost' })
  const issuing = issueIntermediate(root, { name: 'Bench Issuing' })
  const client = issueClient(issuing, { name: 'publisher' })
  const write = async (name: string, text: string) => {
    await writeFile(path.join(directory, name), text, { mode: 0o600 })
    return path.join(directory, name)
  }
  await write('server.pem', server.pem)
  await write('server.key', server.keyPem)
  return {
    caFile: await write('ca.pem', root.pem),
    clientPem: await write('client.pem', `${client.pem}${issuing.pem}${client.keyPem}`),
    clientChain: await write('client-chain.pem', `${client.pem}${issuing.pem}`),
    clientKey: await write('client.key', client.keyPem),
  }
}

function configuration(port: number, socket: string): string {
  return `# One process, so that one pid is all there is to end.
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events {}
http {
  access_log off;
  client_body_temp_path bodies;
  upstream index {
    server unix:${socket};
    keepalive 32;
  }
  server {
    listen 127.0.0.1:${port} ssl;
    server_name localhost;
    ssl_certificate server.pem;
    ssl_certificate_key server.key;
    ssl_protocols TLSv1.3;
    ssl_client_certificate ca.pem;
    ssl_verify_client on;
    ssl_verify_depth 3;
    client_max_body_size 0;
    client_body_buffer_size 1m;
    client_body_in_file_only on;
    location / {
      proxy_pass http://index;
      proxy_http_version 1.1;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Body-File $request_body_file;
      proxy_max_temp_file_size 0;
      proxy_buffers 64 64k;
    }
  }
}
`
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  return port
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`)
    const socket = connect(port, '127.0.0.1')
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (connected) return
    await delay(50)
  }
  throw new Error('nginx does not listen')
}

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json'
const AUTHORIZATION = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`

/** Takes uploads at /legacy/ and lists them at /simple/ (PEP 503, PEP 691). */
class Index {
  readonly counts = { posts: 0, gets: 0 }
  readonly #stored: Stored[] = []
  readonly #pending = new Set<string>()
  /** Bodies of the run before. */
  readonly #spent = new Set<string>()
  #others: readonly string[] = []
  #otherJson = ''
  #otherHtml = ''

  answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', 'http://index')
    if (request.method === 'POST' && pathname === '/legacy/') {
      this.counts.posts += 1
      this.#store(request).then(
        (status) => response.writeHead(status, { 'content-type': 'text/plain' }).end(String(status)),
        (error) => response.writeHead(400, { 'content-type': 'text/plain' }).end(String(error)),
      )
      return
    }
    this.counts.gets += 1
    const json = request.headers.accept?.includes(JSON_TYPE) ?? false
    const page = this.#page(pathname, json)
    const type = json ? JSON_TYPE : 'text/html'
    if (page === undefined) response.writeHead(404, { 'content-type': 'text/plain' }).end('not found')
    else response.writeHead(200, { 'content-type': type }).end(page)
  }

  #page(pathname: string, json: boolean): string | undefined {
    if (pathname === '/simple/') {
      const names = this.#isEmpty() ? [] : [PROJECT]
      if (json) return JSON.stringify({ meta: { 'api-version': '1.0' }, projects: names.map((name) => ({ name })) })
      return `<!DOCTYPE html><html><body>${names.map((name) => `<a href="${name}/">${name}</a>`).join('')}</body></html>`
    }
    if (pathname !== `/simple/${PROJECT}/` || this.#isEmpty()) return undefined
    const own = this.#stored.map(({ filename, announced, contentStart, contentEnd }) => {
      return { filename, sha256: announced, size: contentEnd - contentStart }
    })
    if (!json) return `<!DOCTYPE html><html><body>\n${this.#otherHtml}${own.map(htmlOf).join('')}</body></html>`
    const files = [this.#otherJson, ...own.map(jsonOf)].filter((text) => text !== '').join(',')
    return `{"meta":{"api-version":"1.0"},"name":"${PROJECT}","files":[${files}]}`
  }

  #isEmpty(): boolean {
    return this.#stored.length === 0 && this.#others.length === 0
  }

  async #store(request: IncomingMessage): Promise<number> {
    const bodyFile = request.headers['x-body-file']
    if (typeof bodyFile !== 'string') throw new Error('no body')
    this.#pending.add(bodyFile)
    if (request.headers.authorization !== AUTHORIZATION) return 401
    const boundary = /boundary="?([^";]+)/.exec(request.headers['content-type'] ?? '')?.[1]
    if (boundary === undefined) throw new Error('no boundary')
    this.#stored.push(await readForm(bodyFile, boundary))
    return 200
  }

  /** nginx has made this file, or removed it. */
  bodyBegins(file: string): void {
    if (this.#spent.has(file)) return
    for (const old of this.#spent) rmSync(old)
    this.#spent.clear()
  }

  reset(others: number): void {
    for (const file of this.#pending) this.#spent.add(file)
    this.#pending.clear()
    this.#stored.length = 0
    this.counts.posts = 0
    this.counts.gets = 0
    if (others === this.#others.length) return
    this.#others = Array.from({ length: others }, (_, index) => `bench_demo-0.${index}.0-py3-none-any.whl`)
    const entries = this.#others.map((filename, index) => {
      return { filename, sha256: index.toString(16).padStart(64, '0'), size: 1_000_000 + index }
    })
    this.#otherJson = entries.map(jsonOf).join(',')
    this.#otherHtml = entries.map(htmlOf).join('')
  }

  async verify(wheels: readonly Wheel[]): Promise<void> {
    if (this.#stored.length !== wheels.length || this.#pending.size !== wheels.length) {
      throw new Error(`${this.#stored.length} of ${wheels.length} files were stored, in ${this.#pending.size} requests`)
    }
    const found = new Map<string, string>()
    for (const { bodyFile, contentStart, contentEnd, filename } of this.#stored) {
      found.set(filename, (await digestOf(bodyFile, contentStart, contentEnd)).sha256)
    }
    for (const { file, sha256 } of wheels) {
      if (found.get(file) !== sha256) throw new Error(`${file} was not stored as it is`)
    }
  }
}

interface Entry {
  readonly filename: string
  readonly sha256: string
  readonly size: number
}

function jsonOf({ filename, sha256, size }: Entry): string {
  return JSON.stringify({
    filename,
    url: `/files/${filename}`,
    hashes: { sha256 },
    size,
    'requires-python': '>=3.10',
    yanked: false,
  })
}

function htmlOf({ filename, sha256 }: Entry): string {
  return `<a href="/files/${filename}#sha256=${sha256}" data-requires-python="&gt;=3.10">${filename}</a><br>\n`
}

/** Bytes at both ends of a form in which its fields are looked for: the file's content stands between. */
const END_BYTES = 64 * 1024

/** Finds the content part of a `multipart/form-data` body and the fields around it, without reading the content. */
async function readForm(bodyFile: string, boundary: string): Promise<Stored> {
  const { size } = await stat(bodyFile)
  const handle = await open(bodyFile)
  try {
    const read = async (start: number, end: number) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), 0, end - start, start)
      return buffer.toString('latin1', 0, bytesRead)
    }
    const head = await read(0, Math.min(END_BYTES, size))
    const part = /name="content"; ?filename="?([^"\r\n]+)"?[\s\S]*?\r\n\r\n/.exec(head)
    if (part === null) throw new Error('no content part')
    const contentStart = part.index + part[0].length
    const tailStart = Math.max(contentStart, size - END_BYTES)
    const tail = await read(tailStart, size)
    const end = tail.indexOf(`\r\n--${boundary}`)
    if (end < 0) throw new Error('the content part has no end')
    const fields = head.slice(0, part.index) + tail.slice(end)
    const announced = /name="sha256_digest"[\s\S]*?\r\n\r\n([0-9a-f]{64})\r\n/.exec(fields)?.[1] ?? ''
    return { bodyFile, contentStart, contentEnd: tailStart + end, filename: part[1] ?? '', announced }
  } finally {
    await handle.close()
  }
}
