/** An index of the scene's CA whose every answer the test writes itself, down to the bytes and the end of the connection. */
import { createHash } from 'node:crypto'
import type { TestContext } from 'node:test'
import { issueServer } from '../../../demo/certificate-authority.ts'
import { boundaryOf, collect, readForm } from '../../../demo/multipart-form.ts'
import { normalizeName, projectPage, rootPage, type StoredFile } from '../../../demo/simple-index.ts'
import { HostileConnection, type Script } from '../../support/hostile-index.ts'
import { secure, startServer } from '../../support/tls-servers.ts'
import type { Inputs, Scene } from './scene.ts'

/** One complete upload, as it came over the wire. */
export interface Upload {
  /** From 1, over all connections. */
  readonly number: number
  /** Request line and headers. */
  readonly head: string
  /** Value of the Authorization header; `''` without one. */
  readonly authorization: string
  readonly fields: ReadonlyMap<string, readonly string[]>
  readonly filename: string
  readonly content: Buffer
}

export interface ScriptedIndex {
  /** Its URL, `https://localhost:PORT/legacy/`, and ONE_BY_ONE: it knows what is answered to an upload and nothing else. */
  readonly inputs: Inputs
  /** Heads of all requests so far. */
  readonly heads: readonly string[]
  /** Uploads that came completely, in their order. */
  readonly uploads: readonly Upload[]
  /** TCP connections so far. */
  readonly connections: number
}

export interface ScriptedOptions {
  /** Whoever has no certificate that fits is let in all the same. */
  readonly lax?: boolean
}

/** For a test of one answer: nobody looks before or after, nothing is sent again, and one file goes after the other. */
export const ONE_BY_ONE: Inputs = { 'check-url': 'off', retries: '0', 'max-parallel': '1' }

export type Answer = (connection: HostileConnection, upload: Upload) => void | Promise<void>

const LONGEST_FIELD = 1 << 20
const LARGEST_FILE = 1 << 26

/** Starts an index that does with each connection what `script` says. It ends with the test. */
export async function startScriptedIndex(
  test: TestContext,
  scene: Scene,
  script: Script,
  options: ScriptedOptions = {},
): Promise<ScriptedIndex> {
  return startIndex(test, scene, { script, heads: [], uploads: [], ...options })
}

/** Starts an index that reads each upload to its end and then does what `answer` says. */
export async function startAnsweringIndex(
  test: TestContext,
  scene: Scene,
  answer: Answer,
  options: ScriptedOptions = {},
): Promise<ScriptedIndex> {
  const uploads: Upload[] = []
  const script: Script = async (connection) => {
    for (;;) await answer(connection, await takeUpload(connection, await connection.head(), uploads))
  }
  return startIndex(test, scene, { script, heads: [], uploads, ...options })
}

/** As `Answer`; `store` puts the file on the simple index. */
export type StoringAnswer = (connection: HostileConnection, upload: Upload, store: () => void) => void | Promise<void>

export interface ListingIndex extends ScriptedIndex {
  /** Names of what was stored, in its order, each time that it was. */
  readonly stored: readonly string[]
}

/** As `startAnsweringIndex`, with a simple index beside it: a run with the defaults looks there before and after. */
export async function startListingIndex(test: TestContext, scene: Scene, answer: StoringAnswer): Promise<ListingIndex> {
  const uploads: Upload[] = []
  const stored: string[] = []
  const files: StoredFile[] = []
  const script: Script = async (connection) => {
    for (;;) {
      const length = await connection.head()
      const [, page] = /^GET \/simple\/(\S*) /.exec(connection.lastHead) ?? []
      if (page !== undefined) answerPage(connection, page, files)
      else {
        const upload = await takeUpload(connection, length, uploads)
        await answer(connection, upload, () => {
          stored.push(upload.filename)
          files.push(storedFile(upload))
        })
      }
    }
  }
  const index = await startIndex(test, scene, { script, heads: [], uploads })
  const { 'repository-url': url = '' } = index.inputs
  return Object.assign(index, { inputs: { 'repository-url': url }, stored })
}

function answerPage(connection: HostileConnection, page: string, files: readonly StoredFile[]): void {
  const json = ['Content-Type: application/vnd.pypi.simple.v1+json']
  const ofProject = files.filter(({ project }) => `${project}/` === page)
  if (page === '') connection.answer('200 OK', json, rootPage(JSON_PAGE, []))
  else if (ofProject.length === 0) connection.answer('404 Not Found')
  else connection.answer('200 OK', json, projectPage(JSON_PAGE, page.slice(0, -1), ofProject))
}

const JSON_PAGE = 'application/vnd.pypi.simple.v1+json'

function storedFile({ filename, fields, content }: Upload): StoredFile {
  return {
    name: filename,
    project: normalizeName(fields.get('name')?.[0] ?? ''),
    version: fields.get('version')?.[0] ?? '',
    requiresPython: '',
    sha256: createHash('sha256').update(content).digest('hex'),
    size: content.length,
  }
}

interface Behaviour extends ScriptedOptions {
  readonly script: Script
  readonly heads: string[]
  readonly uploads: readonly Upload[]
}

async function startIndex(
  test: TestContext,
  { root }: Scene,
  { script, heads, uploads, lax = false }: Behaviour,
): Promise<ScriptedIndex> {
  const server = issueServer(root, { name: 'scripted index' })
  const running = await startServer((socket) => {
    const secured = secure(socket, { server, ca: root.pem, requestCert: true, rejectUnauthorized: !lax })
    // The client may end a connection at any time.
    const run = () => script(new HostileConnection(socket, secured, heads)).catch(() => socket.destroy())
    secured.once('secure', () => void run())
  })
  test.after(() => running.stop())
  return {
    inputs: { ...ONE_BY_ONE, 'repository-url': `https://localhost:${running.port}/legacy/` },
    heads,
    uploads,
    get connections() {
      return running.connections
    },
  }
}

async function takeUpload(connection: HostileConnection, length: number, uploads: Upload[]): Promise<Upload> {
  const { lastHead } = connection
  const upload = await readUpload(await connection.take(length), lastHead, uploads.length + 1)
  uploads.push(upload)
  return upload
}

async function readUpload(body: Buffer, head: string, number: number): Promise<Upload> {
  const header = (name: string) => new RegExp(`^${name}: (.*)\r$`, 'im').exec(head)?.[1] ?? ''
  const fields = new Map<string, string[]>()
  const file = { filename: '', content: Buffer.alloc(0) }
  for await (const part of readForm(chunksOf(body), boundaryOf(header('content-type')))) {
    const value = await collect(part.body, part.filename === undefined ? LONGEST_FIELD : LARGEST_FILE)
    if (part.filename === undefined) fields.set(part.name, [...(fields.get(part.name) ?? []), value.toString('utf8')])
    else Object.assign(file, { filename: part.filename, content: value })
  }
  return { number, head, authorization: header('authorization'), fields, ...file }
}

async function* chunksOf(body: Buffer): AsyncGenerator<Buffer> {
  yield body
}
