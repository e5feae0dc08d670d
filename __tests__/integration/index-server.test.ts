import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import os from 'node:os'
import path from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { createRoot, type Issued, issueClient, issueServer } from '../../demo/certificate-authority.ts'
import { type IndexOptions, type RunningIndex, startIndex } from '../../demo/index-server.ts'
import { type Sample, writeSamples } from '../../demo/sample-distributions.ts'

interface Answer {
  readonly status: number
  readonly reason: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Fields = readonly (readonly [name: string, value: string | Buffer, filename?: string])[]

const authority = createRoot({ name: 'Index CA' })
const server = issueServer(authority, { name: 'index' })
const client = issueClient(authority, { name: 'release', organization: 'Example' })
const BOUNDARY = 'b0undary'

let directory: string
let samples: Sample[]
let index: RunningIndex
const agents: Agent[] = []

before(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'index-server-'))
  samples = await writeSamples(path.join(directory, 'dist'), { project: 'Demo.Pkg', version: '1.2.0', wheels: 2 })
})

after(() => rm(directory, { recursive: true, force: true }))

async function start(options: Partial<IndexOptions> = {}): Promise<RunningIndex> {
  const files = await mkdtemp(path.join(directory, 'files-'))
  const identity = { pem: server.pem, keyPem: server.keyPem }
  index = await startIndex({ server: identity, clientAuthorities: [authority.pem], directory: files, ...options })
  return index
}

afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy()
  await index.stop()
})

interface Wish {
  readonly path: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  readonly identity?: Issued | undefined
}

async function ask({ path: target, method = 'GET', headers = {}, body, identity = client }: Wish): Promise<Answer> {
  const agent = new Agent({ keepAlive: true, ca: authority.pem, cert: identity.pem, key: identity.keyPem })
  agents.push(agent)
  const request = httpsRequest(new URL(target, index.url), { method, headers, agent })
  request.end(body)
  const [response] = await once(request, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const { statusCode: status, statusMessage: reason } = response
  return { status, reason, headers: response.headers, body: Buffer.concat(chunks).toString() }
}

function form(fields: Fields): Buffer {
  const parts = fields.flatMap(([name, value, filename]) => {
    const file = filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: application/octet-stream`
    return [`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`, value, '\r\n']
  })
  return Buffer.concat([...parts, `--${BOUNDARY}--\r\n`].map((part) => Buffer.from(part)))
}

/** The fields of a sample's upload, with some of them replaced or (undefined) left out. */
async function fieldsOf(sample: Sample, changes: Readonly<Record<string, string | undefined>> = {}): Promise<Fields> {
  const sdist = sample.name.endsWith('.tar.gz')
  const fields = {
    ':action': 'file_upload',
    protocol_version: '1',
    metadata_version: '2.4',
    name: 'Demo.Pkg',
    version: '1.2.0',
    filetype: sdist ? 'sdist' : 'bdist_wheel',
    pyversion: sdist ? 'source' : 'py3',
    sha256_digest: sample.sha256,
    requires_python: '>=3.9',
    ...changes,
  }
  const text = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  return [...text, ['content', await readFile(sample.path), sample.name]]
}

function post(fields: Fields, headers: Readonly<Record<string, string>> = {}, identity?: Issued): Promise<Answer> {
  const body = form(fields)
  const type = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'content-length': String(body.length) }
  return ask({ path: '/legacy/', method: 'POST', headers: { ...type, ...headers }, body, identity })
}

function sampleAt(position: number): Sample {
  const sample = samples.at(position)
  assert.ok(sample !== undefined)
  return sample
}

/** How a bare connection ends: with a status line, with an error's code, or `closed`. */
async function talk(identity: Issued | undefined): Promise<string> {
  const pair = identity === undefined ? {} : { cert: identity.pem, key: identity.keyPem }
  const socket = connect({ port: index.port, host: '127.0.0.1', servername: 'localhost', ca: authority.pem, ...pair })
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('close', () => resolve('closed'))
    socket.on('data', (data) => {
      resolve(data.toString().split('\r\n')[0] ?? '')
      socket.destroy()
    })
    socket.write('GET /simple/ HTTP/1.1\r\nHost: localhost\r\n\r\n')
  })
}

describe('the demo index: who reaches it', () => {
  it('only a client with a certificate of its CA; others end in TLS and are no request', async () => {
    await start()
    const stranger = issueClient(createRoot({ name: 'Index CA' }), { name: 'release' })
    const ended = issueClient(authority, { name: 'ended', notAfter: new Date(Date.now() - 1000) })
    assert.equal(await talk(client), 'HTTP/1.1 200 OK')
    assert.equal(await talk(undefined), 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')
    // A server on Node.js does not say why.
    assert.equal(await talk(stranger), 'closed')
    assert.equal(await talk(ended), 'closed')
    assert.equal(index.requests.length, 1)
    assert.equal(index.connections, 4)
    assert.equal(index.requests[0]?.clientSubject, 'O=Example, CN=release')
  })

  it('everybody, where it is told not to ask for a certificate', async () => {
    await start({ requestCert: false })
    assert.equal(await talk(undefined), 'HTTP/1.1 200 OK')
    assert.equal(index.requests[0]?.clientSubject, undefined)
  })

  it('only the right user with the right password, where it has users', async () => {
    await start({ users: new Map([['release', 'päss:word']]) })
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
    const status = async (headers: Readonly<Record<string, string>>) =>
      (await ask({ path: '/simple/', headers })).status
    assert.equal(await status(basic('release:päss:word')), 200)
    assert.equal(await status(basic('release:other')), 401)
    assert.equal(await status(basic('nobody:päss:word')), 401)
    assert.equal(await status({ authorization: 'Bearer x' }), 401)
    const { headers, reason } = await ask({ path: '/simple/' })
    assert.match(headers['www-authenticate'] ?? '', /^Basic realm=/)
    assert.equal(reason, 'This index asks for a user and a password')
  })

  it('uploads only from certificates that may: others get 403 with the reason in the status line', async () => {
    await start({ uploaders: new Set(['release']) })
    const reader = issueClient(authority, { name: 'reader' })
    const refused = await post(await fieldsOf(sampleAt(0)), {}, reader)
    assert.equal(refused.status, 403)
    assert.match(refused.reason, /"reader" belongs to no user who may upload/)
    assert.equal((await post(await fieldsOf(sampleAt(0)))).status, 200)
    assert.equal((await ask({ path: '/simple/', identity: reader })).status, 200)
  })
})

describe('the demo index: uploads', () => {
  beforeEach(() => start())

  it('keeps the bytes, lists them with their digest and serves them', async () => {
    for (const sample of samples) assert.equal((await post(await fieldsOf(sample))).status, 200)
    assert.deepEqual(index.files(), samples.map(({ name }) => name).sort())
    for (const { name, path: file, sha256, size } of samples) {
      assert.deepEqual(index.read(name), await readFile(file))
      const { body, headers } = await ask({ path: `/files/${encodeURIComponent(name)}`, method: 'HEAD' })
      assert.deepEqual([body, headers['content-length']], ['', String(size)])
      const record = index.requests.find(({ content }) => content?.filename === name)
      assert.equal(record?.content?.sha256, sha256)
      assert.deepEqual(record?.fields.get('name'), ['Demo.Pkg'])
    }
  })

  it('refuses what does not fit together, in words, and keeps nothing of it', async () => {
    const [wheel, sdist] = [sampleAt(0), sampleAt(-1)]
    const cases: [RegExp, Fields][] = [
      [/sha256_digest is missing|sha256_digest is/, await fieldsOf(wheel, { sha256_digest: undefined })],
      [/but the file that arrived has/, await fieldsOf(wheel, { sha256_digest: sdist.sha256 })],
      [/md5_digest is "00"/, await fieldsOf(wheel, { md5_digest: '00' })],
      [/only :action is file_upload/, await fieldsOf(wheel, { ':action': 'submit' })],
      [/only protocol_version is 1/, await fieldsOf(wheel, { protocol_version: '2' })],
      [/field name is missing/, await fieldsOf(wheel, { name: '' })],
      [/field version is missing/, await fieldsOf(wheel, { version: undefined })],
      [/is of filetype bdist_wheel, not "sdist"/, await fieldsOf(wheel, { filetype: 'sdist' })],
      [/pyversion is source for an sdist/, await fieldsOf(sdist, { pyversion: 'py3' })],
      [/no file of the project other/, await fieldsOf(wheel, { name: 'other' })],
      [/version is there 2 times/, [...(await fieldsOf(wheel)), ['version', '1.2.0']]],
      [/two files named content/, [...(await fieldsOf(wheel)), ['content', 'x', wheel.name]]],
      [/must be a file part/, [['content', 'x']]],
      [/must be a text field/, [['name', 'x', 'name.txt']]],
      [/name is not UTF-8/, [['name', Buffer.from([0xff])]]],
      [/no file named content/, (await fieldsOf(wheel)).filter(([name]) => name !== 'content')],
      [/no file name of a distribution/, [...(await fieldsOf(wheel)).slice(0, -1), ['content', 'x', '../x.whl']]],
    ]
    for (const [words, fields] of cases) {
      const { status, reason, body } = await post(fields)
      assert.equal(status, 400, String(words))
      assert.match(reason, words)
      assert.equal(body, `${reason}\n`)
    }
    assert.deepEqual(index.files(), [])
  })

  it('checks an MD5 digest where one is sent', async () => {
    const wheel = sampleAt(0)
    const md5 = createHash('md5')
      .update(await readFile(wheel.path))
      .digest('hex')
    assert.equal((await post(await fieldsOf(wheel, { md5_digest: md5 }))).status, 200)
  })

  it('answers a refused upload of many bytes after it has read them', async () => {
    const { status } = await post([
      ['name', 'x', 'first.txt'],
      ['content', Buffer.alloc(8_000_000), 'x.whl'],
    ])
    assert.equal(status, 400)
    assert.equal((await post(await fieldsOf(sampleAt(0)))).status, 200)
  })

  it('wants a form with a length, at the right address', async () => {
    const fields = await fieldsOf(sampleAt(0))
    assert.equal((await post(fields, { 'content-type': 'application/json' })).status, 415)
    const body = Buffer.concat([form(fields), Buffer.from('more')])
    const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
    const chunked = { ...headers, 'transfer-encoding': 'chunked' }
    assert.equal((await ask({ path: '/legacy/', method: 'POST', headers: chunked, body })).status, 411)
    const long = { ...headers, 'content-length': String(body.length) }
    const after = await ask({ path: '/legacy/', method: 'POST', headers: long, body })
    assert.deepEqual([after.status, after.reason], [400, 'Bytes after the last part'])
    const { status, headers: answer } = await ask({ path: '/legacy', method: 'POST', headers: long, body })
    assert.deepEqual([status, answer.location], [308, '/legacy/'])
    assert.equal((await ask({ path: '/legacy/' })).status, 405)
    assert.equal((await ask({ path: '/upload' })).status, 404)
    assert.deepEqual(index.files(), [])
  })

  it('keeps nothing of an upload that breaks off', async () => {
    const body = form(await fieldsOf(sampleAt(0)))
    const agent = new Agent({ ca: authority.pem, cert: client.pem, key: client.keyPem })
    agents.push(agent)
    const headers = {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'content-length': String(body.length),
    }
    const request = httpsRequest(index.uploadUrl, { method: 'POST', headers, agent })
    request.on('error', () => {})
    request.write(body.subarray(0, -20), () => setTimeout(() => request.destroy(), 50))
    await new Promise((resolve) => request.on('close', resolve))
    assert.equal((await ask({ path: '/simple/' })).status, 200)
    assert.deepEqual(index.files(), [])
    assert.equal(index.requests[0]?.status, undefined)
  })
})

describe('the demo index: a name that exists', () => {
  let other: Sample

  before(async () => {
    const options = { project: 'Demo.Pkg', version: '1.2.0', sdist: false, greeting: 'Hej' }
    const [sample] = await writeSamples(path.join(directory, 'other'), options)
    assert.ok(sample !== undefined)
    other = sample
  })

  /** Statuses of: the file, the same file again, another file of that name. */
  async function thrice(): Promise<number[]> {
    assert.equal(other.name, sampleAt(0).name)
    const answers = []
    for (const sample of [sampleAt(0), sampleAt(0), other]) answers.push((await post(await fieldsOf(sample))).status)
    return answers
  }

  it('is refused, whatever the bytes', async () => {
    await start()
    assert.deepEqual(await thrice(), [200, 409, 409])
    const { reason } = await post(await fieldsOf(other))
    assert.match(reason, /^File already exists: demo_pkg-1\.2\.0-py3-none-any\.whl \(other bytes, sha256 /)
  })

  it('or accepted with the same bytes', async () => {
    await start({ existing: 'accept-same' })
    assert.deepEqual(await thrice(), [200, 200, 409])
    assert.deepEqual(index.read(other.name), await readFile(sampleAt(0).path))
  })

  it('or replaced without a word', async () => {
    await start({ existing: 'overwrite' })
    assert.deepEqual(await thrice(), [200, 200, 200])
    assert.deepEqual(index.read(other.name), await readFile(other.path))
  })
})

describe('the demo index: the simple index', () => {
  const JSON_TYPE = 'application/vnd.pypi.simple.v1+json'
  const page = (target: string, accept?: string) =>
    ask({ path: target, headers: accept === undefined ? {} : { accept } })

  beforeEach(async () => {
    await start()
    for (const sample of samples) await post(await fieldsOf(sample))
  })

  it('lists projects and files in JSON (PEP 691)', async () => {
    const root = await page('/simple/', JSON_TYPE)
    assert.equal(root.headers['content-type'], JSON_TYPE)
    assert.deepEqual(JSON.parse(root.body).projects, [{ name: 'demo-pkg' }])
    const project = JSON.parse((await page('/simple/demo-pkg/', `text/html;q=0.1, ${JSON_TYPE}`)).body)
    assert.deepEqual([project.name, project.versions, project.meta], ['demo-pkg', ['1.2.0'], { 'api-version': '1.1' }])
    const sorted = samples.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    assert.deepEqual(
      project.files,
      sorted.map(({ name, sha256, size }) => ({
        filename: name,
        url: `../../files/${name}`,
        hashes: { sha256 },
        size,
        'requires-python': '>=3.9',
      })),
    )
  })

  it('and in HTML, for who asks for nothing else (PEP 503): links lead to the bytes', async () => {
    const { headers, body } = await page('/simple/demo-pkg/')
    assert.equal(headers['content-type'], 'text/html')
    const links = [...body.matchAll(/<a href="([^"#]+)#sha256=([0-9a-f]{64})" data-requires-python="&#62;=3.9">/g)]
    assert.equal(links.length, samples.length)
    for (const [, href = '', digest] of links) {
      const target = new URL(href, `${index.simpleUrl}demo-pkg/`)
      const { body: bytes, status } = await ask({ path: target.pathname })
      assert.equal(status, 200)
      assert.ok(samples.some(({ name, sha256 }) => sha256 === digest && href.endsWith(name)))
      assert.ok(bytes.length > 0)
    }
    assert.match((await page('/simple/')).body, /<a href="demo-pkg\/">demo-pkg<\/a>/)
  })

  it('has one address a project, and none for a project without files', async () => {
    const { status, headers } = await page('/simple/Demo.Pkg/')
    assert.deepEqual([status, headers.location], [301, '/simple/demo-pkg/'])
    assert.equal((await page('/simple/demo-pkg')).status, 301)
    assert.equal((await page('/simple/nothing/')).status, 404)
    assert.equal((await page('/files/nothing-1.0.tar.gz')).status, 404)
    assert.equal((await page('/files/%E0%A4%A')).status, 400)
    assert.equal((await page('/simple/', 'image/png')).status, 406)
  })

  it('never leads out of its folder', async () => {
    await writeFile(path.join(directory, 'secret.txt'), 'x')
    assert.equal((await ask({ path: '/files/..%2Fsecret.txt' })).status, 404)
  })
})

it('the demo index starts in an empty folder only, and leaves no unfinished files there', async () => {
  const files = path.join(directory, 'mine')
  await mkdir(files)
  await start({ directory: files })
  await post(await fieldsOf(sampleAt(0)))
  await post(await fieldsOf(sampleAt(1), { sha256_digest: 'f'.repeat(64) }))
  assert.deepEqual(await readdir(files), [sampleAt(0).name])
  const identity = { pem: server.pem, keyPem: server.keyPem }
  await assert.rejects(
    startIndex({ server: identity, clientAuthorities: [], directory: files }),
    /not empty: 1 entries/,
  )
})
