/**
 * A package index behind mutual TLS that behaves, request by request, as a script says: it cuts connections, lies,
 * stalls, redirects, lists late. Its ledger is honest whatever it tells its clients.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { boundaryOf, collect, readForm } from '../../demo/multipart-form.ts'
import { negotiate, normalizeName } from '../../demo/simple-index.ts'
import { type RunningServer, startServer } from './tls-servers.ts'

export interface Answer {
  readonly status: number
  /** A `location` that begins with `elsewhere:` becomes a URL of the other origin. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Retry-After as an HTTP date, so many seconds ahead (rounded up: such a date has whole seconds). */
  readonly retryAt?: number
}

/** How one request ends. An answer that is left out is the one that an honest index gives. */
export type Ending =
  /** A whole answer. The connection is kept, unless `hangUp` says how it ends. */
  | { readonly kind: 'answer'; readonly answer?: Answer; readonly hangUp?: HangUp }
  | { readonly kind: 'hang-up'; readonly how: HangUp }
  /** Nothing more is read and nothing is said. */
  | { readonly kind: 'silence' }
  /** Piece by piece, `everyMs` between two pieces of `bytes`. */
  | { readonly kind: 'drip'; readonly answer?: Answer; readonly everyMs: number; readonly bytes: number }
  /** The answer breaks off `short` bytes before its end. */
  | { readonly kind: 'broken'; readonly answer?: Answer; readonly short: number; readonly how: HangUp }
  /** Headers, or a body behind good headers, that never end. */
  | { readonly kind: 'endless'; readonly answer?: Answer; readonly part: 'headers' | 'body' }

/** `reset`: by TCP, once what was written has left; `end`: in good order, and what still comes is dropped. */
export type HangUp = 'reset' | 'end'

export interface UploadBehaviour {
  /** Bytes of the body that are read at least, before the ending. Default: all. */
  readonly reads?: number
  /** Whether a complete file is stored before the ending. Default: when all is read. */
  readonly stores?: boolean
  /** When a stored file is listed. Default: at once. */
  readonly listed?: Listed
  /** Another client stores the name first: the same bytes, or others. */
  readonly rival?: 'same' | 'other'
  /** Default: an honest answer. */
  readonly ending?: Ending
}

/** Pages are cached apart: each representation for itself. */
export interface Listed {
  readonly json: Visibility
  readonly html: Visibility
}

/** `afterLookups`: so many pages of this representation still lack the file. */
export type Visibility = 'at-once' | 'never' | { readonly afterMs: number } | { readonly afterLookups: number }

export interface LookupBehaviour {
  /** Default: the page, or 404 where nothing is listed. */
  readonly ending?: Ending
}

export interface UploadSeen {
  readonly file: string
  /** From 1, of this file. */
  readonly attempt: number
  /** From 1, of all uploads. */
  readonly number: number
  readonly project: string
}

export interface LookupSeen {
  /** `''`: the root of the simple index. */
  readonly project: string
  readonly representation: keyof Listed
  /** From 1, of this project. */
  readonly number: number
}

export interface PresentFile {
  readonly name: string
  readonly bytes: Buffer
  readonly listed?: Listed
}

export interface FaultyIndexOptions {
  /** The server's certificate and key, PEM. */
  readonly server: { readonly pem: string; readonly keyPem: string }
  /** CAs that a client's chain must reach, PEM each. */
  readonly clientAuthorities: readonly string[]
  readonly upload?: (seen: UploadSeen) => UploadBehaviour | undefined
  readonly lookup?: (seen: LookupSeen) => LookupBehaviour | undefined
  /** How the fetch of a file ends; its number counts from 1, of this file. Default: with the file. */
  readonly download?: (file: string, number: number) => Ending | undefined
  /** What becomes of a TCP connection, by its number from 1, before TLS. */
  readonly connection?: (number: number) => 'reset' | undefined
  /** What becomes of an upload whose name exists. Default `refuse`. */
  readonly existing?: 'refuse' | 'accept-same' | 'overwrite'
  /** What stands on pages beside each file. Default `sha256`. */
  readonly hashes?: 'sha256' | 'sha512' | 'md5' | 'none'
  /** What it can render. Default both. */
  readonly representations?: readonly (keyof Listed)[]
  /** Files that are there from the start. */
  readonly present?: readonly PresentFile[]
}

/** One upload whose file name was read. */
export interface UploadEntry extends UploadSeen, ExchangeEntry {
  /** Bytes of the whole body, as announced; and those that were read of it. */
  readonly length: number
  readonly read: number
  /** Of the file, once the whole body came: lower-case hex. */
  readonly sha256: string | undefined
  readonly stored: 'new' | 'same-again' | 'overwritten' | 'no'
  /** Milliseconds (`performance.now()`): nothing more of it was read, and it was stored or not. */
  readonly decidedAt: number | undefined
}

export interface LookupEntry extends LookupSeen, ExchangeEntry {
  /** Of the request. */
  readonly headers: IncomingHttpHeaders
  /** What the page lists: sha256 by file name. Undefined where no page was sent. */
  readonly listed: ReadonlyMap<string, string> | undefined
}

export interface ExchangeEntry {
  /** Number of its connection, from 1. */
  readonly connection: number
  /** Milliseconds (`performance.now()`): the head of the request came; the end of what the server did about it. */
  readonly startedAt: number
  readonly endedAt: number | undefined
  /** Of the answer, once its head has left. */
  readonly status: number | undefined
  /** Whether a client that reads on gets all of that answer. */
  readonly whole: boolean
  /** Milliseconds (`performance.now()`): Retry-After of the answer. */
  readonly comeBackAt: number | undefined
  /** Body of the answer. */
  readonly answeredWith: string | undefined
}

export interface StoredFile {
  readonly name: string
  readonly project: string
  readonly bytes: Buffer
  readonly sha256: string
  /** Whether somebody else stored it: it was there from the start, or a rival came first. */
  readonly foreign: boolean
}

export interface FaultyIndex {
  /** `https://localhost:PORT/legacy/` */
  readonly uploadUrl: string
  /** `https://localhost:PORT/simple/` */
  readonly simpleUrl: string
  readonly port: number
  /** Another origin, for redirects: whatever comes there is counted and not answered. */
  readonly elsewhere: { readonly url: string; readonly connections: number }
  readonly uploads: readonly UploadEntry[]
  readonly lookups: readonly LookupEntry[]
  /** Names of files that were fetched. */
  readonly downloads: readonly string[]
  readonly stored: ReadonlyMap<string, StoredFile>
  /** Whether pages of a representation that it renders listed the file at this time (`performance.now()`). */
  wasListed(file: string, at: number): boolean
  /** TCP connections so far. */
  readonly connections: number
  /** Requests to paths that an index does not have. */
  readonly strays: readonly string[]
  stop(): Promise<void>
}

/** What a session manager in front of an index answers to everything. */
export const LOGIN_PAGE: Answer = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<html><body><form action="/login"><input name="user"><input type="password" name="pw"></form></body></html>',
}

/** Starts an index on a free port of the loopback interface. */
export async function startFaultyIndex(options: FaultyIndexOptions): Promise<FaultyIndex> {
  const elsewhere = await startServer(() => {})
  const wires = new Wires()
  const origin = `https://localhost:${elsewhere.port}/`
  const index = new Index(options)
  const server = createServer(
    {
      cert: options.server.pem,
      key: options.server.keyPem,
      ca: [...options.clientAuthorities],
      requestCert: true,
      rejectUnauthorized: true,
    },
    // A client that goes away ends its own request alone.
    (request, response) => {
      const wire = wires.below(request.socket)
      if (wire === undefined) request.socket.destroy()
      else index.handle(new Exchange({ request, response, wire, elsewhere: origin })).catch(() => {})
    },
  )
  server.on('connection', (socket: Socket) => {
    wires.add(socket)
    if (options.connection?.(wires.count) === 'reset') socket.resetAndDestroy()
  })
  server.on('secureConnection', (secured) => wires.secure(secured))
  const port = await listen(server)
  return {
    uploadUrl: `https://localhost:${port}/legacy/`,
    simpleUrl: `https://localhost:${port}/simple/`,
    port,
    elsewhere: {
      url: origin,
      get connections() {
        return elsewhere.connections
      },
    },
    uploads: index.uploads,
    lookups: index.lookups,
    downloads: index.downloads,
    stored: index.stored,
    wasListed: (file, at) => index.wasListed(file, at),
    get connections() {
      return wires.count
    },
    strays: index.strays,
    stop: () => stop(server, wires, elsewhere),
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the index has no TCP port')
  return address.port
}

async function stop(server: Server, wires: Wires, elsewhere: RunningServer): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  wires.cut()
  await Promise.all([closed, elsewhere.stop()])
}

/** The TCP connection below TLS: only there can it be reset. */
interface Wire {
  readonly socket: Socket
  readonly number: number
}

class Wires {
  count = 0
  readonly #byPort = new Map<number, Wire>()
  readonly #bySecured = new WeakMap<Socket, Wire>()

  add(socket: Socket): void {
    this.count += 1
    const port = socket.remotePort ?? 0
    this.#byPort.set(port, { socket, number: this.count })
    socket.on('error', () => {}).on('close', () => this.#byPort.delete(port))
  }

  /** TLS stands on one of them. */
  secure(secured: Socket): void {
    const wire = this.#byPort.get(secured.remotePort ?? 0)
    if (wire !== undefined) this.#bySecured.set(secured, wire)
    secured.on('error', () => {})
  }

  below(secured: Socket): Wire | undefined {
    return this.#bySecured.get(secured)
  }

  cut(): void {
    for (const { socket } of this.#byPort.values()) socket.destroy()
  }
}

interface OpenEntry extends ExchangeEntry {
  endedAt: number | undefined
  status: number | undefined
  whole: boolean
  comeBackAt: number | undefined
  answeredWith: string | undefined
}

interface OpenUpload extends UploadEntry, OpenEntry {
  read: number
  sha256: string | undefined
  stored: UploadEntry['stored']
  decidedAt: number | undefined
  endedAt: number | undefined
  status: number | undefined
  whole: boolean
  comeBackAt: number | undefined
  answeredWith: string | undefined
}

interface OpenLookup extends LookupEntry, OpenEntry {
  listed: ReadonlyMap<string, string> | undefined
  endedAt: number | undefined
  status: number | undefined
  whole: boolean
  comeBackAt: number | undefined
  answeredWith: string | undefined
}

interface Shelved extends StoredFile {
  readonly listed: Listed
  readonly at: number
  /** Pages that lacked it. */
  readonly missed: { json: number; html: number }
}

/** Stands behind the text fields, before the file's bytes. */
const FILE_NAME = /name="content"; filename="([^"]+)"/

const LONGEST_FIELD = 1 << 20
const LARGEST_FILE = 1 << 26

const BOTH = ['json', 'html'] as const

const AT_ONCE: Listed = { json: 'at-once', html: 'at-once' }

class Index {
  readonly uploads: OpenUpload[] = []
  readonly lookups: OpenLookup[] = []
  readonly downloads: string[] = []
  readonly strays: string[] = []
  readonly stored = new Map<string, Shelved>()
  readonly #options: FaultyIndexOptions

  constructor(options: FaultyIndexOptions) {
    this.#options = options
    for (const { name, bytes, listed = AT_ONCE } of options.present ?? []) this.#shelve(name, bytes, listed, true)
  }

  async handle(exchange: Exchange): Promise<void> {
    const { method = '', url = '' } = exchange.request
    const [, area, name] = /^\/(legacy|simple|files)\/(?:([^/?]*)\/?)?$/.exec(url) ?? []
    if (method === 'POST' && area === 'legacy') return this.#upload(exchange)
    if (method === 'GET' && area === 'simple') return this.#lookUp(exchange, name ?? '')
    if (method === 'GET' && area === 'files') return this.#download(exchange, decodeURIComponent(name ?? ''))
    this.strays.push(`${method} ${url}`)
    await exchange.end({ kind: 'answer' }, { status: 404, body: 'nothing is here' })
  }

  wasListed(name: string, at: number): boolean {
    const file = this.stored.get(name)
    const { representations = BOTH } = this.#options
    return file !== undefined && representations.some((one) => listedSince(file, one) <= at)
  }

  async #upload(exchange: Exchange): Promise<void> {
    const body = new Body(exchange.request)
    const file = await body.fileName()
    const attempt = this.uploads.filter((one) => one.file === file).length + 1
    const seen = { file, attempt, number: this.uploads.length + 1, project: projectOf(file) }
    const entry: OpenUpload = {
      ...seen,
      ...exchange.entry(),
      length: body.announced,
      read: 0,
      sha256: undefined,
      stored: 'no',
      decidedAt: undefined,
    }
    this.uploads.push(entry)
    const behaviour = this.#options.upload?.(seen) ?? {}
    const { reads, stores = reads === undefined, listed = AT_ONCE, rival, ending } = behaviour
    await body.readOn(reads ?? body.announced, entry)
    const content = body.complete ? await body.content() : undefined
    if (content !== undefined) entry.sha256 = sha256(content)
    if (content !== undefined && rival !== undefined) this.#interfere(file, content, rival)
    const taken = content === undefined || this.#mayTake(file, sha256(content))
    if (content !== undefined && stores && taken) entry.stored = this.#store(file, content, listed)
    entry.decidedAt = performance.now()
    const honest = taken ? { status: 200, body: 'OK' } : { status: 409, body: 'File already exists' }
    if (ending?.kind !== 'silence') await body.release()
    await exchange.end(ending ?? { kind: 'answer' }, honest, entry)
  }

  #mayTake(file: string, digest: string): boolean {
    const { existing = 'refuse' } = this.#options
    const there = this.stored.get(file)
    if (there === undefined || existing === 'overwrite') return true
    return existing === 'accept-same' && there.sha256 === digest
  }

  #store(file: string, bytes: Buffer, listed: Listed): UploadEntry['stored'] {
    const there = this.stored.get(file)
    if (there?.sha256 === sha256(bytes)) return 'same-again'
    this.#shelve(file, bytes, listed, false)
    return there === undefined ? 'new' : 'overwritten'
  }

  #interfere(file: string, bytes: Buffer, rival: 'same' | 'other'): void {
    if (this.stored.has(file)) return
    const [first = 0] = bytes
    this.#shelve(
      file,
      rival === 'same' ? bytes : Buffer.concat([Buffer.of(first ^ 1), bytes.subarray(1)]),
      AT_ONCE,
      true,
    )
  }

  #shelve(name: string, bytes: Buffer, listed: Listed, foreign: boolean): void {
    const file = { name, project: projectOf(name), bytes, sha256: sha256(bytes), foreign, listed }
    this.stored.set(name, { ...file, at: performance.now(), missed: { json: 0, html: 0 } })
  }

  async #lookUp(exchange: Exchange, project: string): Promise<void> {
    const { representations = BOTH } = this.#options
    const wanted = negotiate(exchange.request.headers.accept)?.endsWith('json') ? 'json' : 'html'
    const [only = wanted] = representations
    const representation = representations.includes(wanted) ? wanted : only
    const number = this.lookups.filter((one) => one.project === project).length + 1
    const seen = { project, representation, number }
    const { headers } = exchange.request
    const entry: OpenLookup = { ...seen, ...exchange.entry(), headers, listed: undefined }
    this.lookups.push(entry)
    const ending = this.#options.lookup?.(seen)?.ending ?? { kind: 'answer' }
    // A page that breaks off or drips counts as sent: what of it arrived, the client knows.
    const files = isHonest(ending) ? this.#listed(project, representation) : []
    if (isHonest(ending)) entry.listed = new Map(files.map((file) => [file.name, file.sha256]))
    await exchange.end(ending, this.#page(project, representation, files), entry)
  }

  #listed(project: string, representation: keyof Listed): StoredFile[] {
    const all = [...this.stored.values()]
    if (project === '') return all
    return all.filter((file) => file.project === project && isListed(file, representation))
  }

  #page(project: string, representation: keyof Listed, files: readonly StoredFile[]): Answer {
    const { hashes = 'sha256' } = this.#options
    if (project === '') return rootPage(representation, [...new Set(files.map((file) => file.project))])
    if (files.length === 0) return { status: 404, body: 'no such project' }
    return representation === 'json' ? jsonPage(project, files, hashes) : htmlPage(files, hashes)
  }

  async #download(exchange: Exchange, name: string): Promise<void> {
    this.downloads.push(name)
    const file = this.stored.get(name)
    const number = this.downloads.filter((one) => one === name).length
    const ending = this.#options.download?.(name, number)
    if (file === undefined || ending !== undefined) return exchange.end(ending ?? { kind: 'answer' }, { status: 404 })
    const { response } = exchange
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': file.bytes.length })
    response.end(file.bytes)
  }
}

/** Whether the index's own page is what is sent. */
function isHonest(ending: Ending): boolean {
  return ending.kind !== 'silence' && ending.kind !== 'hang-up' && ending.answer === undefined
}

/** Project of a distribution's file name. */
function projectOf(file: string): string {
  return normalizeName(file.split('-')[0] ?? '')
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function isListed({ listed, at, missed }: Shelved, representation: keyof Listed): boolean {
  const visibility = listed[representation]
  if (typeof visibility === 'string') return visibility === 'at-once'
  if ('afterMs' in visibility) return performance.now() - at >= visibility.afterMs
  if (missed[representation] >= visibility.afterLookups) return true
  missed[representation] += 1
  return false
}

/** Milliseconds (`performance.now()`). What waits for lookups counts from the lookup that would show it: never by itself. */
function listedSince({ listed, at, missed }: Shelved, representation: keyof Listed): number {
  const visibility = listed[representation]
  if (visibility === 'at-once') return at
  if (visibility === 'never') return Number.POSITIVE_INFINITY
  if ('afterMs' in visibility) return at + visibility.afterMs
  return missed[representation] >= visibility.afterLookups ? at : Number.POSITIVE_INFINITY
}

type Hashes = NonNullable<FaultyIndexOptions['hashes']>

const JSON_HEADERS = { 'content-type': 'application/vnd.pypi.simple.v1+json' }
const HTML_HEADERS = { 'content-type': 'text/html; charset=utf-8' }
const META = { 'api-version': '1.1' }

function rootPage(representation: keyof Listed, projects: readonly string[]): Answer {
  if (representation === 'json') {
    const page = { meta: META, projects: projects.map((name) => ({ name })) }
    return { status: 200, headers: JSON_HEADERS, body: JSON.stringify(page) }
  }
  return html(projects.map((name) => `<a href="/simple/${name}/">${name}</a>`))
}

function jsonPage(name: string, stored: readonly StoredFile[], hashes: Hashes): Answer {
  const files = stored.map((file) => ({
    filename: file.name,
    url: urlOf(file),
    hashes: hashes === 'none' ? {} : { [hashes]: digest(file, hashes) },
    size: file.bytes.length,
  }))
  const page = { meta: META, name, versions: [], files }
  return { status: 200, headers: JSON_HEADERS, body: JSON.stringify(page) }
}

function htmlPage(stored: readonly StoredFile[], hashes: Hashes): Answer {
  return html(
    stored.map((file) => {
      const fragment = hashes === 'none' ? '' : `#${hashes}=${digest(file, hashes)}`
      return `<a href="${urlOf(file)}${fragment}">${file.name}</a>`
    }),
  )
}

function html(links: readonly string[]): Answer {
  const head = '<meta name="pypi:repository-version" content="1.1"><title>Simple index</title>'
  return {
    status: 200,
    headers: HTML_HEADERS,
    body: `<!DOCTYPE html><html><head>${head}</head><body>${links.join('<br>\n')}</body></html>`,
  }
}

function digest({ bytes }: StoredFile, kind: Exclude<Hashes, 'none'>): string {
  return createHash(kind).update(bytes).digest('hex')
}

/** `!` and `+` as several indexes write them. */
function urlOf({ name }: StoredFile): string {
  return `../../files/${encodeURIComponent(name).replaceAll('!', '%21')}`
}

/** The body of an upload, read as far as the script wants. */
class Body {
  readonly announced: number
  readonly #chunks: AsyncIterator<Buffer>
  readonly #contentType: string | undefined
  #read: Buffer[] = []
  #length = 0

  constructor(request: IncomingMessage) {
    this.announced = Number(request.headers['content-length'] ?? -1)
    this.#contentType = request.headers['content-type']
    this.#chunks = request.iterator({ destroyOnReturn: false })
  }

  get complete(): boolean {
    return this.#length === this.announced
  }

  /** Reads the text fields: the file's name stands behind them. */
  async fileName(): Promise<string> {
    for (;;) {
      await this.#more()
      const [, name] = FILE_NAME.exec(Buffer.concat(this.#read).toString('latin1')) ?? []
      if (name !== undefined) return name
    }
  }

  /** Reads until there are so many bytes of the body. */
  async readOn(bytes: number, entry: OpenUpload): Promise<void> {
    entry.read = this.#length
    while (this.#length < Math.min(bytes, this.announced)) {
      await this.#more()
      entry.read = this.#length
    }
  }

  /** What is left may be dropped by others: they cannot while this reads. */
  async release(): Promise<void> {
    await this.#chunks.return?.()
  }

  /** The file of a complete form. */
  async content(): Promise<Buffer> {
    for await (const part of readForm(chunksOf(this.#read), boundaryOf(this.#contentType))) {
      const value = await collect(part.body, part.filename === undefined ? LONGEST_FIELD : LARGEST_FILE)
      if (part.filename !== undefined) return value
    }
    throw new Error('the form has no file')
  }

  async #more(): Promise<void> {
    const next = await this.#chunks.next()
    if (next.done === true) throw new Error('the form ended early')
    this.#read.push(next.value)
    this.#length += next.value.length
  }
}

async function* chunksOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield Buffer.concat(chunks)
}

interface ExchangeParts {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly wire: Wire
  readonly elsewhere: string
}

/** One request, and the ways to end it. */
class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly #wire: Wire
  readonly #elsewhere: string

  constructor({ request, response, wire, elsewhere }: ExchangeParts) {
    this.request = request
    this.response = response
    this.#wire = wire
    this.#elsewhere = elsewhere
  }

  entry(): OpenEntry {
    const { number } = this.#wire
    const open = { endedAt: undefined, status: undefined, whole: false, comeBackAt: undefined, answeredWith: undefined }
    return { connection: number, startedAt: performance.now(), ...open }
  }

  async end(ending: Ending, honest: Answer, entry: OpenEntry = this.entry()): Promise<void> {
    try {
      await this.#act(ending, honest, entry)
    } finally {
      entry.endedAt = performance.now()
    }
  }

  async #act(ending: Ending, honest: Answer, entry: OpenEntry): Promise<void> {
    if (ending.kind === 'silence') return
    if (ending.kind === 'hang-up') return this.#hangUp(ending.how)
    const answer = this.#complete(ending.answer ?? honest, entry)
    if (ending.kind === 'endless') return this.#endless(ending.part, answer, entry)
    if (ending.kind === 'drip') return this.#drip(answer, ending, entry)
    if (ending.kind === 'broken') return this.#broken(answer, ending, entry)
    if (ending.hangUp === undefined) return this.#answer(answer, entry)
    this.#write(rendered(answer))
    entry.status = answer.status
    // A reset may overtake what was written before it.
    entry.whole = ending.hangUp === 'end'
    await this.#hangUp(ending.hangUp)
  }

  #complete(answer: Answer, entry: OpenEntry): Answer {
    const { retryAt, headers = {} } = answer
    const seconds = retryAt === undefined ? Number(headers['retry-after'] ?? Number.NaN) : retryAt
    entry.answeredWith = answer.body
    if (!Number.isNaN(seconds)) entry.comeBackAt = performance.now() + seconds * 1000
    const location = headers.location?.replace(/^elsewhere:/, this.#elsewhere)
    const date = retryAt === undefined ? undefined : httpDate(retryAt)
    const added = { ...(location && { location }), ...(date && { 'retry-after': date }) }
    return { ...answer, headers: { ...headers, ...added } }
  }

  async #drip(answer: Answer, { everyMs, bytes: step }: { everyMs: number; bytes: number }, entry: OpenEntry) {
    const bytes = rendered(answer)
    for (let at = 0; at < bytes.length; at += step) {
      if (at > 0) await sleep(everyMs)
      this.#write(bytes.subarray(at, at + step))
      if (at + step >= headLength(bytes)) entry.status = answer.status
    }
    entry.whole = true
    await this.#hangUp('end')
  }

  async #broken(answer: Answer, { short, how }: { short: number; how: HangUp }, entry: OpenEntry) {
    const bytes = rendered(answer)
    const part = bytes.subarray(0, Math.max(0, bytes.length - short))
    this.#write(part)
    if (part.length >= headLength(bytes)) entry.status = answer.status
    await this.#hangUp(how)
  }

  /** Keeps the connection: what is left of the request is read and dropped. */
  async #answer({ status, headers = {}, body = '' }: Answer, entry: OpenEntry): Promise<void> {
    entry.status = status
    entry.whole = true
    this.response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
    this.response.end(body)
    this.request.resume()
  }

  async #endless(part: 'headers' | 'body', { status, headers = {} }: Answer, entry: OpenEntry): Promise<void> {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    this.#write(`HTTP/1.1 ${status} Status\r\n${lines.join('')}`)
    if (part === 'body') {
      this.#write('connection: close\r\n\r\n')
      entry.status = status
    }
    const piece = part === 'headers' ? `x-filler: ${'x'.repeat(1000)}\r\n` : ' '.repeat(16_384)
    for (;;) {
      if (!this.#write(piece)) await Promise.race([once(this.#tls, 'drain'), once(this.#tls, 'close')])
      await sleep(1)
    }
  }

  get #tls(): Socket {
    return this.request.socket
  }

  #write(bytes: string | Buffer): boolean {
    if (this.#tls.destroyed) throw new Error('the client ended the connection')
    return this.#tls.write(bytes)
  }

  async #hangUp(how: HangUp): Promise<void> {
    const { socket } = this.#wire
    if (how === 'end') {
      this.#tls.end()
      this.request.resume()
      return
    }
    while (this.#tls.writableLength > 0 && !this.#tls.destroyed) await sleep(1)
    socket.resetAndDestroy()
  }
}

function httpDate(seconds: number): string {
  return new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000).toUTCString()
}

function headLength(answer: Buffer): number {
  return answer.indexOf('\r\n\r\n') + 4
}

/** The bytes of an answer. */
function rendered({ status, headers = {}, body = '' }: Answer): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = `content-length: ${Buffer.byteLength(body)}\r\n`
  return Buffer.from(`HTTP/1.1 ${status} Status\r\n${lines.join('')}${length}connection: close\r\n\r\n${body}`)
}
