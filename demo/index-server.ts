/**
 * A private package index behind mutual TLS, small enough to read: the legacy upload API (`POST /legacy/`), the simple
 * index (PEP 503, PEP 691) and the files, on node:https. As strict as the strictest servers are: whoever has no
 * certificate of the right CA never reaches HTTP, digests must fit, a file that exists is never replaced.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, readFileSync, renameSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type SecureVersion, TLSSocket } from 'node:tls'
import { boundaryOf, collect, FormError, type FormPart, readForm } from './multipart-form.ts'
import { negotiate, normalizeName, projectPage, rootPage, type SimpleType, type StoredFile } from './simple-index.ts'

export interface IndexOptions {
  /** The server's certificate, PEM: the leaf first, then its intermediates; and its key, PEM. */
  readonly server: { readonly pem: string; readonly keyPem: string }
  /** CAs that a client's chain must reach, PEM each. */
  readonly clientAuthorities: readonly string[]
  /** Where the files lie: made when it is missing; must be empty. */
  readonly directory: string
  /** Passwords by user name (HTTP Basic, for everything). None: the certificate alone decides. */
  readonly users?: ReadonlyMap<string, string>
  /** Common names of the certificates that may upload; others get 403. None: every certificate may. */
  readonly uploaders?: ReadonlySet<string>
  readonly tls?: { readonly minVersion?: SecureVersion; readonly maxVersion?: SecureVersion }
  /** `false`: a server that does not ask for a certificate. */
  readonly requestCert?: boolean
  /** `true` takes every client certificate, as fronts do that leave its dates and purpose to others. */
  readonly acceptAnyClient?: boolean
  /**
   * What becomes of an upload whose name exists. `refuse` (default): 409 whatever the bytes; `accept-same`: 200 for the
   * same bytes, 409 for others (devpi, Warehouse); `overwrite`: replaced without a word (Artifactory, Nexus).
   */
  readonly existing?: 'refuse' | 'accept-same' | 'overwrite'
}

export interface RunningIndex {
  /** `https://localhost:PORT/` */
  readonly url: string
  /** Where to POST distributions: `.../legacy/`. */
  readonly uploadUrl: string
  /** The simple index: `.../simple/`. */
  readonly simpleUrl: string
  readonly port: number
  /** TCP connections so far, those included whose handshake failed. */
  readonly connections: number
  /** The latest MAX_REQUESTS requests, the oldest first. Only what passed TLS becomes a request. */
  readonly requests: readonly RecordedRequest[]
  /** Names of the stored files, sorted. */
  files(): string[]
  /** The bytes of a stored file; throws for a name that is not stored. */
  read(name: string): Buffer
  /** Ends all connections and frees the port; the files stay. */
  stop(): Promise<void>
}

export interface RecordedRequest {
  readonly method: string
  /** As it was sent, query included. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Subject of the client's certificate, for example `O=Example, CN=release`; undefined without a certificate. */
  readonly clientSubject: string | undefined
  /** For example `TLSv1.3`. */
  readonly tlsVersion: string | null
  /** Text fields of an upload in the order in which their names came first, each with all of its values. */
  readonly fields: ReadonlyMap<string, readonly string[]>
  readonly content: ReceivedContent | undefined
  /** Undefined until the answer is sent. */
  readonly status: number | undefined
}

/** The file part of an upload. */
export interface ReceivedContent {
  readonly filename: string
  readonly contentType: string | undefined
  /** Bytes. */
  readonly size: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

/** Older records are dropped, so that a server that runs for long does not grow. */
export const MAX_REQUESTS = 1000

/** Names and values of all text fields of one upload; the longest README that was seen on PyPI has 0.2 MB. */
const MAX_TEXT_BYTES = 8 * 1024 * 1024

const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.!+-]{0,254}$/

/** Starts an index on a free port of the loopback interface. */
export async function startIndex(options: IndexOptions): Promise<RunningIndex> {
  await mkdir(options.directory, { recursive: true })
  const found = await readdir(options.directory)
  if (found.length > 0) throw new Error(`the index's directory is not empty: ${found.length} entries`)
  const index = new Index(options)
  const server = createServer(
    {
      cert: options.server.pem,
      key: options.server.keyPem,
      ca: [...options.clientAuthorities],
      requestCert: options.requestCert ?? true,
      rejectUnauthorized: (options.requestCert ?? true) && options.acceptAnyClient !== true,
      ...options.tls,
      // An upload may take as long as it needs.
      requestTimeout: 0,
    },
    (request, response) => void index.handle(request, response),
  )
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(portOf(server.address())))
  })
  const url = `https://localhost:${port}/`
  return {
    url,
    uploadUrl: `${url}legacy/`,
    simpleUrl: `${url}simple/`,
    port,
    get connections() {
      return connections
    },
    requests: index.requests,
    files: () => [...index.stored.keys()].sort(),
    read: (name) => readFileSync(index.pathOf(name)),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the index has no TCP port')
  return address.port
}

/** An answer other than 200, in plain words: they are the reason phrase and the body. */
class Refusal extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'Refusal'
    this.status = status
    this.headers = headers
  }
}

interface OpenRecord extends RecordedRequest {
  readonly fields: Map<string, string[]>
  content: ReceivedContent | undefined
  status: number | undefined
}

class Index {
  readonly stored = new Map<string, StoredFile>()
  readonly requests: OpenRecord[] = []
  readonly #options: IndexOptions

  constructor(options: IndexOptions) {
    this.#options = options
  }

  /** Path of a stored file. Only names that were checked when they were stored lead anywhere. */
  pathOf(name: string): string {
    if (!this.stored.has(name)) throw new Refusal(404, `There is no file ${JSON.stringify(name)}`)
    return join(this.#options.directory, name)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const record = this.#record(request)
    response.on('finish', () => {
      record.status = response.statusCode
    })
    try {
      await this.#route(request, response, record)
    } catch (error) {
      refuse(response, error)
    }
    // A client reads the answer only after it has sent its body: what is left of it is read and dropped.
    request.resume()
  }

  #record(request: IncomingMessage): OpenRecord {
    const socket = request.socket instanceof TLSSocket ? request.socket : undefined
    const record: OpenRecord = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      clientSubject: socket?.getPeerX509Certificate()?.subject.replaceAll('\n', ', '),
      tlsVersion: socket?.getProtocol() ?? null,
      fields: new Map(),
      content: undefined,
      status: undefined,
    }
    this.requests.push(record)
    if (this.requests.length > MAX_REQUESTS) this.requests.shift()
    return record
  }

  async #route(request: IncomingMessage, response: ServerResponse, record: OpenRecord): Promise<void> {
    this.#authenticate(record.headers.authorization)
    const [path = ''] = record.path.split('?')
    if (path === '/legacy/') {
      allow(record.method, ['POST'])
      this.#authorizeUpload(record.clientSubject)
      await this.#upload(request, record)
      return send(response, 200, 'text/plain; charset=utf-8', 'OK\n')
    }
    if (path === '/legacy') throw new Refusal(308, 'The upload URL ends in a slash', { location: '/legacy/' })
    const [, area, name, rest] = /^\/(simple|files)\/(?:([^/]+)(\/?))?$/.exec(path) ?? []
    if (area === undefined)
      throw new Refusal(404, 'There is nothing here: the paths are /legacy/, /simple/ and /files/')
    allow(record.method, ['GET', 'HEAD'])
    if (area === 'simple') return this.#page(response, record, name, rest)
    await this.#download(response, record.method, name ?? '')
  }

  #authenticate(authorization = ''): void {
    const { users } = this.#options
    if (users === undefined) return
    const [, encoded = ''] = /^Basic ([A-Za-z0-9+/=]+)$/.exec(authorization) ?? []
    const [, user = '', password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []
    if (password !== undefined && users.get(user) === password) return
    const message =
      authorization === '' ? 'This index asks for a user and a password' : 'The user or the password is wrong'
    throw new Refusal(401, message, { 'www-authenticate': 'Basic realm="index", charset="UTF-8"' })
  }

  #authorizeUpload(subject = ''): void {
    const [, commonName = ''] = /(?:^|, )CN=([^,]*)/.exec(subject) ?? []
    if (this.#options.uploaders?.has(commonName) === false) {
      throw new Refusal(403, `The certificate of ${JSON.stringify(commonName)} belongs to no user who may upload`)
    }
  }

  async #upload(request: IncomingMessage, record: OpenRecord): Promise<void> {
    if (record.headers['content-length'] === undefined) throw new Refusal(411, 'An upload needs a Content-Length')
    const boundary = boundaryOf(record.headers['content-type'])
    // The name that the client chose never reaches the file system before it was checked.
    const temporary = join(this.#options.directory, `.upload-${randomUUID()}`)
    try {
      // Without this option a form that is refused half-way would end the connection before the answer.
      await receive(readForm(request.iterator({ destroyOnReturn: false }), boundary), temporary, record)
      const file = await checkUpload(record, temporary)
      if (this.#mayStore(file)) {
        // No `await` between the look at the names and the rename: two uploads of one name cannot both win.
        renameSync(temporary, join(this.#options.directory, file.name))
        this.stored.set(file.name, file)
      }
    } finally {
      await rm(temporary, { force: true })
    }
  }

  #mayStore(file: StoredFile): boolean {
    const { existing = 'refuse' } = this.#options
    const known = this.stored.get(file.name)
    if (known === undefined || existing === 'overwrite') return true
    const same = known.sha256 === file.sha256
    if (same && existing === 'accept-same') return false
    const bytes = same ? 'the same bytes' : 'other bytes'
    throw new Refusal(409, `File already exists: ${file.name} (${bytes}, sha256 ${known.sha256})`)
  }

  #page(response: ServerResponse, record: RecordedRequest, name: string | undefined, slash: string | undefined): void {
    const type = negotiate(record.headers.accept)
    if (type === undefined) throw new Refusal(406, 'The simple index is HTML or application/vnd.pypi.simple.v1+json')
    const all = [...this.stored.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    const page = name === undefined ? projectList(type, all) : fileList(type, all, name, slash)
    send(response, 200, type, page, { 'cache-control': 'no-cache', vary: 'accept' })
  }

  async #download(response: ServerResponse, method: string, encoded: string): Promise<void> {
    const name = decode(encoded)
    const path = this.pathOf(name)
    const length = this.stored.get(name)?.size ?? 0
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': length })
    if (method === 'HEAD') response.end()
    else await pipeline(createReadStream(path), response)
  }
}

function projectList(type: SimpleType, all: readonly StoredFile[]): string {
  return rootPage(type, [...new Set(all.map(({ project }) => project))].sort())
}

function fileList(type: SimpleType, all: readonly StoredFile[], name: string, slash: string | undefined): string {
  const project = normalizeName(name)
  if (project !== name || slash === '') throw new Refusal(301, 'See there', { location: `/simple/${project}/` })
  const files = all.filter((file) => file.project === project)
  if (files.length === 0) throw new Refusal(404, `There is no project ${JSON.stringify(project)}`)
  return projectPage(type, project, files)
}

/** Reads the form: text fields into the record, the one file part to `path`. */
async function receive(form: AsyncIterable<FormPart>, path: string, record: OpenRecord): Promise<void> {
  let left = MAX_TEXT_BYTES
  for await (const part of form) {
    if (part.name === 'content') {
      if (record.content !== undefined) throw new Refusal(400, 'The form has two files named content')
      if (part.filename === undefined) throw new Refusal(400, 'content must be a file part, with a file name')
      const digest = createHash('sha256')
      const received = { filename: part.filename, contentType: part.contentType, size: 0, sha256: '' }
      await pipeline(measure(part.body, digest, received), createWriteStream(path, { flags: 'wx', mode: 0o600 }))
      record.content = { ...received, sha256: digest.digest('hex') }
    } else {
      if (part.filename !== undefined) throw new Refusal(400, `${part.name} must be a text field, not a file`)
      const value = await collect(part.body, left)
      left -= value.length + part.name.length
      record.fields.set(part.name, [...(record.fields.get(part.name) ?? []), text(part.name, value)])
    }
  }
}

async function* measure(body: AsyncIterable<Buffer>, digest: Hash, counter: { size: number }) {
  for await (const chunk of body) {
    digest.update(chunk)
    counter.size += chunk.length
    yield chunk
  }
}

function text(name: string, value: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value)
  } catch {
    throw new Refusal(400, `${name} is not UTF-8`)
  }
}

/** The upload as a file to store; throws the Refusal that says which rule it breaks. */
async function checkUpload({ fields, content }: RecordedRequest, path: string): Promise<StoredFile> {
  const one = (field: string): string => {
    const values = fields.get(field) ?? []
    if (values.length > 1) throw new Refusal(400, `${field} is there ${values.length} times`)
    return values[0] ?? ''
  }
  const required = (field: string): string => {
    const value = one(field)
    if (value === '') throw new Refusal(400, `The field ${field} is missing or empty`)
    return value
  }
  if (required(':action') !== 'file_upload') throw new Refusal(400, 'The only :action is file_upload')
  if (required('protocol_version') !== '1') throw new Refusal(400, 'The only protocol_version is 1')
  if (content === undefined) throw new Refusal(400, 'The form has no file named content')
  const project = normalizeName(required('name'))
  checkFileName(content.filename, project, required('filetype'), required('pyversion'))
  if (required('sha256_digest') !== content.sha256) throw differs('sha256_digest', one('sha256_digest'), content.sha256)
  const md5 = fields.has('md5_digest') ? await md5Of(path) : undefined
  if (md5 !== undefined && one('md5_digest') !== md5) throw differs('md5_digest', one('md5_digest'), md5)
  const { filename: name, sha256, size } = content
  return { name, project, version: required('version'), requiresPython: one('requires_python'), sha256, size }
}

function checkFileName(name: string, project: string, filetype: string, pyversion: string): void {
  if (!FILE_NAME.test(name)) throw new Refusal(400, `${JSON.stringify(name)} is no file name of a distribution`)
  const expected = name.endsWith('.whl') ? 'bdist_wheel' : name.endsWith('.tar.gz') ? 'sdist' : undefined
  if (expected === undefined) throw new Refusal(400, `${name} is neither a wheel (.whl) nor an sdist (.tar.gz)`)
  if (filetype !== expected)
    throw new Refusal(400, `${name} is of filetype ${expected}, not ${JSON.stringify(filetype)}`)
  if ((pyversion === 'source') !== (expected === 'sdist')) {
    throw new Refusal(400, 'pyversion is source for an sdist, and the Python tag of the file name for a wheel')
  }
  const first = expected === 'sdist' ? name.slice(0, name.lastIndexOf('-')) : name.slice(0, name.indexOf('-'))
  if (normalizeName(first) !== project) throw new Refusal(400, `${name} is no file of the project ${project}`)
}

function differs(field: string, sent: string, computed: string): Refusal {
  return new Refusal(400, `${field} is ${JSON.stringify(sent)}, but the file that arrived has ${computed}`)
}

async function md5Of(path: string): Promise<string> {
  const digest = createHash('md5')
  for await (const chunk of createReadStream(path)) digest.update(chunk)
  return digest.digest('hex')
}

function allow(method: string, methods: readonly string[]): void {
  if (methods.includes(method)) return
  throw new Refusal(405, `${method} is not possible here, only ${methods.join(' and ')}`, { allow: methods.join(', ') })
}

function decode(component: string): string {
  try {
    return decodeURIComponent(component)
  } catch {
    throw new Refusal(400, 'The path is not well percent-encoded')
  }
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const length = Buffer.byteLength(body)
  response.writeHead(status, { 'content-type': type, 'content-length': length, ...headers }).end(body)
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent || !(error instanceof Refusal || error instanceof FormError)) {
    // The client has gone, or the disk is full: nobody can be told in HTTP what happened.
    response.destroy()
    return
  }
  // A reason phrase is one line of visible ASCII.
  response.statusMessage = error.message.replace(/[^ -~]/g, '?').slice(0, 500)
  const headers = error instanceof Refusal ? error.headers : {}
  send(response, error.status, 'text/plain; charset=utf-8', `${error.message}\n`, headers)
}
