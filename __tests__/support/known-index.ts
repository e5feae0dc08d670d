/** An index server that people run, played over TLS with a client certificate: its documented answers, pages and delays. */
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { connect } from 'node:net'
import { createRoot, type Issued, issueClient, issueServer } from '../../demo/certificate-authority.ts'
import { boundaryOf, collect, FormError, readForm } from '../../demo/multipart-form.ts'
import { negotiate, normalizeName, type SimpleType } from '../../demo/simple-index.ts'
import { type IndexedFile, KINDS, type Kind, type KindName, type Reply } from './known-index-kinds.ts'
import { startServer } from './tls-servers.ts'

export type { KindName } from './known-index-kinds.ts'

export interface KnownIndexOptions {
  /** CA of the server's certificate and of the clients'. Default: one of its own. */
  readonly root?: Issued
  /** Default: a client certificate is demanded, but by the services (those with a `proxyUrl`). */
  readonly clientAuth?: boolean
  /** HTTP Basic. Default: nothing is asked. */
  readonly user?: { readonly name: string; readonly password: string }
  /** Default: true. */
  readonly mayUpload?: boolean
  /** What becomes of a name that is there. Default: as the server comes. */
  readonly overwrite?: boolean
  /** Milliseconds until a file is listed; Infinity: never (a task that fails). Default: as the server has it. */
  readonly listedAfter?: number
  /** What stands behind `#` of a link. Default `sha256=`; `sha256-` is what older versions of Gitea wrote. */
  readonly digests?: 'sha256=' | 'sha256-' | 'md5=' | 'none'
  /** Files of an upstream that the pages show too, by project. */
  readonly upstream?: readonly UpstreamFile[]
}

export interface UpstreamFile {
  readonly name: string
  readonly project: string
  readonly sha256: string
}

export interface KnownRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Of an upload. */
  readonly fields: ReadonlyMap<string, string>
  readonly status: number
}

export interface KnownIndex {
  readonly kind: KindName
  /** CA to trust (`ca-bundle`). */
  readonly root: Issued
  readonly client: Issued
  /** As the server documents it. */
  readonly uploadUrl: string
  /** The root of its simple index. */
  readonly simpleUrl: string
  /** A proxy (CONNECT) by which the host names of a service lead here; undefined for `localhost`. */
  readonly proxyUrl: URL | undefined
  /** Same host, another path. */
  at(path: string): string
  /** Names of the stored files, sorted; listed or not. */
  files(): string[]
  read(name: string): Buffer
  readonly requests: readonly KnownRequest[]
  stop(): Promise<void>
}

interface StoredFile extends IndexedFile {
  readonly bytes: Buffer
  readonly listedAt: number
}

interface Upload {
  readonly fields: ReadonlyMap<string, string>
  readonly name: string
  readonly bytes: Buffer
}

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json'

export async function startKnownIndex(kind: KindName, options: KnownIndexOptions = {}): Promise<KnownIndex> {
  const { root = createRoot({ name: 'Known Root' }) } = options
  const { host, simpleHost, uploads, simple }: Kind = KINDS[kind]
  const names = ['localhost', host, simpleHost].filter((name) => name !== undefined)
  const { pem: cert, keyPem: key } = issueServer(root, { name: 'index', dnsNames: names })
  const requestCert = options.clientAuth ?? host === undefined
  const player = new Player(KINDS[kind], options)
  const server = createServer(
    { cert, key, ca: root.pem, requestCert, rejectUnauthorized: requestCert },
    (...exchange) => {
      player.play(...exchange).catch(() => exchange[1].destroy())
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the index has no TCP port')
  const proxy = host === undefined ? undefined : await startProxy(address.port)
  const origin = (name = host) => (name === undefined ? `https://localhost:${address.port}` : `https://${name}`)
  return {
    kind,
    root,
    client: issueClient(root, { name: 'release' }),
    uploadUrl: `${origin()}${uploads[0]}`,
    simpleUrl: `${origin(simpleHost ?? host)}${simple}`,
    proxyUrl: proxy && new URL(`http://127.0.0.1:${proxy.port}`),
    at: (path) => `${origin()}${path}`,
    files: () => [...player.stored.keys()].sort(),
    read: (name) => player.bytesOf(name),
    requests: player.requests,
    async stop() {
      await proxy?.stop()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

/** Every name leads to the index. */
function startProxy(port: number) {
  return startServer((socket) => {
    socket.once('data', () => {
      const onward = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        socket.pipe(onward).pipe(socket)
      })
      onward.on('error', () => socket.destroy())
      socket.on('close', () => onward.destroy())
    })
  })
}

class Player {
  readonly stored = new Map<string, StoredFile>()
  readonly requests: KnownRequest[] = []
  readonly #kind: Kind
  readonly #options: KnownIndexOptions

  constructor(kind: Kind, options: KnownIndexOptions) {
    this.#kind = kind
    this.#options = options
  }

  bytesOf(name: string): Buffer {
    const file = this.stored.get(name)
    if (file === undefined) throw new Error(`the index has no ${name}`)
    return file.bytes
  }

  async play(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    const [path = ''] = url.split('?')
    const upload = method === 'POST' ? await receive(request) : undefined
    const reply = upload === undefined ? this.#get(path, headers) : this.#post(path, headers, upload)
    this.requests.push({ method, path: url, headers, fields: upload?.fields ?? new Map(), status: reply.status })
    const body = Buffer.isBuffer(reply.body) ? reply.body : Buffer.from(reply.body ?? '')
    const type = reply.type === undefined ? {} : { 'content-type': reply.type }
    const all = { ...this.#kind.headers, ...type, ...reply.headers, 'content-length': body.length }
    if (reply.reason === undefined) response.writeHead(reply.status, all)
    else response.writeHead(reply.status, reply.reason, all)
    response.end(method === 'HEAD' ? undefined : body)
  }

  /** What the server says to whoever is nobody to it, or the wrong one. */
  #refusal({ authorization }: IncomingHttpHeaders): Reply | undefined {
    const { user } = this.#options
    if (user === undefined) return undefined
    if (authorization === undefined) return this.#kind.anonymous
    const expected = `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`
    return authorization === expected ? undefined : (this.#kind.wrongPassword ?? this.#kind.anonymous)
  }

  #post(path: string, headers: IncomingHttpHeaders, upload: Upload | FormError): Reply {
    const { uploads, elsewhere, accepted, forbidden, wrongDigest, overwrites, existing } = this.#kind
    const refusal = this.#refusal(headers)
    if (refusal !== undefined) return refusal
    if (!uploads.includes(path)) return elsewhere.find(([shape]) => shape.test(path))?.[1] ?? { status: 404 }
    if (this.#options.mayUpload === false) return forbidden
    if (upload instanceof FormError) return { status: upload.status, body: upload.message }
    const file = this.#file(upload)
    if (wrongDigest !== undefined && file.claimedSha256 !== file.sha256) return wrongDigest
    const known = this.stored.get(file.name)
    if (known !== undefined) {
      const same = known.sha256 === file.sha256
      const { reply, replaced } = existing(file, same, this.#options.overwrite ?? overwrites)
      if (replaced) this.stored.set(file.name, file)
      return reply
    }
    this.stored.set(file.name, file)
    return accepted
  }

  #file({ fields, name, bytes }: Upload): StoredFile {
    const delay = this.#options.listedAfter ?? this.#kind.listedAfter ?? 0
    const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex')
    return {
      name,
      project: normalizeName(fields.get('name') ?? ''),
      version: fields.get('version') ?? '',
      sha256: digest('sha256'),
      md5: digest('md5'),
      claimedSha256: fields.get('sha256_digest') ?? '',
      bytes,
      listedAt: performance.now() + delay,
    }
  }

  #get(path: string, headers: IncomingHttpHeaders): Reply {
    const { simple, hasRoot, readsNeedUser, normalises } = this.#kind
    const refusal = readsNeedUser === true ? this.#refusal(headers) : undefined
    if (refusal !== undefined) return refusal
    const [, name, slash] = path.startsWith(simple) ? (/^([^/]*)(\/?)$/.exec(path.slice(simple.length)) ?? []) : []
    if (name === undefined) return this.#download(path, headers)
    const type = this.#kind.json ? (negotiate(headers.accept) ?? 'text/html') : 'text/html'
    if (name === '') return hasRoot ? this.#root(type) : { status: 404 }
    const project = normalizeName(decodeURIComponent(name))
    if (normalises !== undefined && (project !== name || slash === '')) {
      return { status: normalises, headers: { location: `${simple}${project}/` } }
    }
    return this.#page(project, type, headers)
  }

  #listed(): StoredFile[] {
    return [...this.stored.values()].filter(({ listedAt }) => listedAt <= performance.now())
  }

  #root(type: SimpleType): Reply {
    const projects = [...new Set(this.#listed().map(({ project }) => project))]
    if (type === JSON_TYPE) {
      const all = projects.map((name) => ({ name }))
      return { status: 200, type, body: JSON.stringify({ meta: { 'api-version': '1.0' }, projects: all }) }
    }
    const links = projects.map((name) => `<a href="${name}/">${name}</a><br/>`)
    return { status: 200, type, body: `<!DOCTYPE html><title>Simple index</title>\n${links.join('\n')}` }
  }

  #page(project: string, type: SimpleType, { host = '' }: IncomingHttpHeaders): Reply {
    const own = this.#listed().filter((file) => file.project === project)
    const upstream = (this.#options.upstream ?? []).filter((file) => file.project === project)
    if (own.length + upstream.length === 0) return this.#kind.missing(project)
    const links = [
      ...own.map((file) => this.#link(file, this.#kind.link(file, `https://${host}`))),
      ...upstream.map((file) => this.#link(file, `../../../../root/pypi/+f/ab/${file.name}`)),
    ]
    if (type === JSON_TYPE) {
      const files = links.map(({ name, href, hashes }) => ({ filename: name, url: href, hashes }))
      return { status: 200, type, body: JSON.stringify({ meta: { 'api-version': '1.0' }, name: project, files }) }
    }
    const anchors = links.map(({ name, href, fragment }) => `<a href="${href}${fragment}">${name}</a><br/>`)
    return { status: 200, type, body: `<!DOCTYPE html><title>Links for ${project}</title>\n${anchors.join('\n')}` }
  }

  #link(file: UpstreamFile & Partial<IndexedFile>, href: string) {
    const { digests = 'sha256=' } = this.#options
    const sha256 = this.#kind === KINDS.gitlab ? (file.claimedSha256 ?? file.sha256) : file.sha256
    const { name, md5 = '' } = file
    if (digests === 'none') return { name, href, hashes: {}, fragment: '' }
    if (digests === 'md5=') return { name, href, hashes: { md5 }, fragment: `#md5=${md5}` }
    return { name, href, hashes: { sha256 }, fragment: `#${digests}${sha256}` }
  }

  /** A file lies where the pages say, and nowhere else. */
  #download(path: string, { host = '' }: IncomingHttpHeaders): Reply {
    const file = [...this.stored.values()].find(({ name }) => path.endsWith(`/${name}`))
    if (file === undefined) return { status: 404 }
    const page = `https://${host}${this.#kind.simple}${file.project}/`
    const place = new URL(this.#kind.link(file, `https://${host}`), page).pathname
    return place === path ? { status: 200, type: 'application/octet-stream', body: file.bytes } : { status: 404 }
  }
}

async function receive(request: IncomingMessage): Promise<Upload | (FormError & { readonly fields?: undefined })> {
  const fields = new Map<string, string>()
  let name = ''
  let bytes = Buffer.alloc(0)
  try {
    for await (const part of readForm(
      request.iterator({ destroyOnReturn: false }),
      boundaryOf(request.headers['content-type']),
    )) {
      const value = await collect(part.body, 64 * 1024 * 1024)
      if (part.name === 'content') {
        name = part.filename ?? ''
        bytes = Buffer.from(value)
      } else fields.set(part.name, value.toString('utf8'))
    }
    return { fields, name, bytes }
  } catch (error) {
    if (!(error instanceof FormError)) throw error
    request.resume()
    return error
  }
}
