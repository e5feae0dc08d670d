import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { createRoot, issueClient, issueServer } from '../../../demo/certificate-authority.ts'
import { startIndex } from '../../../demo/index-server.ts'
import { basicAuthorization } from '../../../src/credentials/basic.ts'
import type { Distribution } from '../../../src/distributions/distribution.ts'
import { PublishError } from '../../../src/errors.ts'
import { Silence } from '../../../src/package-index/exchange.ts'
import { DownloadBudget, fetchIndexFile } from '../../../src/package-index/index-file.ts'
import type { KnownServer } from '../../../src/package-index/known-server.ts'
import { type LookupOptions, lookUp } from '../../../src/package-index/lookup.ts'
import { RootProof } from '../../../src/package-index/root-proof.ts'
import {
  type Finding,
  type IndexReader,
  LookupFailure,
  type ProjectFindings,
  type SimpleIndex,
} from '../../../src/package-index/simple-index.ts'
import { uploadDistribution } from '../../../src/package-index/upload.ts'
import { Secrets } from '../../../src/text.ts'
import { openDistribution } from '../../support/open-distribution.ts'
import { type PageServer, type Reply, startPageServer } from '../../support/page-server.ts'
import { transportTo } from '../../support/transport.ts'
import { uploadTarget } from '../../support/upload-target.ts'

const NEVER = new AbortController().signal
const MB = 1_000_000
const BYTES = Buffer.from('some bytes')
const HTML = ['Content-Type: text/html']
const JSON_TYPE = ['Content-Type: application/vnd.pypi.simple.v1+json']
const GONE: Reply = { status: '404 Not Found', body: 'no such project' }

const file = openDistribution({ bytes: BYTES })
after(() => file.remove())
const WHEEL = file.distribution
const NAME = WHEEL.file

function digest(algorithm: string, bytes: Buffer = BYTES): string {
  return createHash(algorithm).update(bytes).digest('hex')
}

const SAME = `sha256=${digest('sha256')}`
const OTHER = digest('sha256', Buffer.from('other bytes'))

function page(...links: readonly string[]): Reply {
  const body = links.map((href) => `<a href="${href}">${NAME}</a><br>\n`).join('')
  return { headers: HTML, body: `<html><head><title>Links for demo</title></head><body>${body}</body></html>` }
}

function jsonPage(...files: readonly unknown[]): Reply {
  return { headers: JSON_TYPE, body: JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'demo', files }) }
}

interface Asking {
  readonly source?: SimpleIndex['source']
  readonly server?: Partial<KnownServer>
  readonly options?: Partial<LookupOptions>
  readonly reader?: Partial<IndexReader>
  readonly distributions?: readonly Distribution[]
  readonly project?: string
  /** Path of the simple index. */
  readonly root?: string
  readonly signal?: AbortSignal
}

interface Meeting {
  readonly server: PageServer
  ask(asking?: Asking): Promise<ProjectFindings>
}

const KNOWN: KnownServer = {
  name: 'Example',
  simpleRoot: undefined,
  digestIsOurWord: false,
  mayOverwrite: false,
  ownFiles: undefined,
  mergesUpstreams: false,
}

async function digestOf(distribution: Distribution, algorithm: string): Promise<string> {
  return digest(algorithm, distribution.content.readSync(0, distribution.size))
}

/** An index that answers so, and the way to ask it. */
async function meet<T>(
  reply: Parameters<typeof startPageServer>[0],
  use: (meeting: Meeting) => Promise<T>,
): Promise<T> {
  const server = await startPageServer(reply)
  const ask = (asking: Asking = {}) => {
    const index: SimpleIndex = {
      root: new URL(asking.root ?? '/simple/', server.url),
      source: asking.source ?? 'given',
      server: asking.server && { ...KNOWN, ...asking.server },
    }
    const { distributions = [WHEEL], project = 'demo', options, signal = NEVER } = asking
    return lookUp(
      project,
      distributions,
      index,
      { ...readerOf(server), ...asking.reader },
      { digestOf, ...options },
      signal,
    )
  }
  try {
    return await use({ server, ask })
  } finally {
    await server.stop()
  }
}

function readerOf({ dispatcher }: Pick<IndexReader, 'dispatcher'>): IndexReader {
  return {
    dispatcher,
    authorization: undefined,
    userAgent: 'publish-python-mtls/0',
    idleTimeoutMs: 10_000,
    secrets: new Secrets(),
    explain: () => undefined,
  }
}

/** What the index says of the wheel, when it answers the project's page with the first reply and its files with the second. */
async function finding(reply: Reply, asking: Asking = {}, fileReply: Reply = GONE): Promise<Finding | undefined> {
  return await meet(
    ({ path }) => (path.startsWith('/simple/') ? reply : fileReply),
    async ({ ask }) => (await ask(asking)).files.get(NAME),
  )
}

interface Failure {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly retry: LookupFailure['retry']
}

async function failureOf(lookup: Promise<unknown>): Promise<Failure> {
  try {
    await lookup
  } catch (error) {
    if (!(error instanceof LookupFailure)) throw error
    const { code, message, hint = '' } = error.problem
    return { code, message, hint, retry: error.retry }
  }
  throw new Error('the lookup did not fail')
}

async function failure(reply: Reply, asking: Asking = {}): Promise<Failure> {
  return await meet(
    () => reply,
    async ({ ask }) => await failureOf(ask(asking)),
  )
}

/** State, and what else tells findings apart. */
function brief(found: Finding | undefined): string {
  if (found?.state === 'same') return `same ${found.verified}`
  if (found?.state === 'other') return `other ${found.listed}${found.url === undefined ? '' : ' here'}`
  return found?.state === 'unknown' ? `unknown ${found.why}` : (found?.state ?? 'nothing')
}

describe('the demo index, over the real transport', () => {
  const root = createRoot({ name: 'Example Root' })
  const identity = issueClient(root, { name: 'release' })
  const issued = issueServer(root, { name: 'localhost' })
  const scratch = mkdtempSync(join(tmpdir(), 'lookup-'))
  after(() => rmSync(scratch, { recursive: true, force: true }))

  for (const prefer of ['json', 'html'] as const) {
    it(`tells absent, same and other bytes on one connection: ${prefer}`, async () => {
      const index = await startIndex({
        server: { pem: issued.pem, keyPem: issued.keyPem },
        clientAuthorities: [root.pem],
        directory: mkdtempSync(join(scratch, 'index-')),
        users: new Map([['ci', 'secret word']]),
      })
      // Room for more connections than are needed.
      const transport = transportTo(index.url, { client: [identity], trusted: [root], connections: 6 })
      const secrets = new Secrets()
      const authorization = basicAuthorization({ user: 'ci', password: 'secret word' }, secrets)
      const { dispatcher, explain } = transport
      const common = {
        dispatcher: await dispatcher,
        explain,
        authorization,
        userAgent: 'publish-python-mtls/0',
        idleTimeoutMs: 10_000,
        secrets,
      }
      const file = 'demo-1!2.0+corp.1-py3-none-any.whl'
      const ours = openDistribution({ file, version: '1!2.0+corp.1' })
      const rebuilt = openDistribution({ file, bytes: Buffer.from('another build') })
      const next = openDistribution({ version: '1.1' })
      const simple: SimpleIndex = { root: new URL(index.simpleUrl), source: 'guessed', server: undefined }
      const ask = async ({ distribution }: { readonly distribution: Distribution }) => {
        const found = await lookUp('demo', [distribution], simple, common, { digestOf, prefer }, NEVER)
        return [found.known, brief(found.files.get(distribution.file))]
      }
      const target = uploadTarget(new URL(index.uploadUrl), common)
      try {
        assert.deepEqual(await ask(ours), [false, 'absent'])
        assert.equal((await uploadDistribution(ours.distribution, target, undefined, NEVER)).outcome, 'published')
        assert.deepEqual(await ask(ours), [true, 'same sha256'])
        assert.deepEqual(await ask(rebuilt), [true, `other sha256 ${ours.sha256} here`])
        assert.deepEqual(await ask(next), [true, 'absent'])
        assert.equal(index.connections, 1)
      } finally {
        for (const one of [ours, rebuilt, next]) one.remove()
        await transport.close()
        await index.stop()
      }
    })
  }

  it('behind a server that trusts another CA is a TLS fault, without another try', async () => {
    const index = await startIndex({
      server: { pem: issued.pem, keyPem: issued.keyPem },
      clientAuthorities: [root.pem],
      directory: mkdtempSync(join(scratch, 'index-')),
    })
    const stranger = issueClient(createRoot({ name: 'Other Root' }), { name: 'stranger' })
    const transport = transportTo(index.url, { client: [stranger], trusted: [root] })
    const simple: SimpleIndex = { root: new URL(index.simpleUrl), source: 'given', server: undefined }
    const reader = { ...readerOf({ dispatcher: await transport.dispatcher }), explain: transport.explain }
    try {
      const { code, retry } = await failureOf(lookUp('demo', [WHEEL], simple, reader, { digestOf }, NEVER))
      assert.match(code, /^E_TLS_CLIENT_/)
      assert.equal(retry, undefined)
    } finally {
      await transport.close()
      await index.stop()
    }
  })

  it('that is not there is a fault that may pass', async () => {
    const transport = transportTo('https://localhost:1/', { trusted: [root] })
    const simple: SimpleIndex = { root: new URL('https://localhost:1/simple/'), source: 'given', server: undefined }
    const reader = { ...readerOf({ dispatcher: await transport.dispatcher }), explain: transport.explain }
    const { code, retry } = await failureOf(lookUp('demo', [WHEEL], simple, reader, { digestOf }, NEVER))
    await transport.close()
    assert.equal(code, 'E_NETWORK_REFUSED')
    assert.deepEqual(retry, { afterMs: undefined })
  })
})

describe('a digest on the page', () => {
  const proven: [fragment: string, expected: string][] = [
    [SAME, 'same sha256'],
    [SAME.toUpperCase().replace('SHA256=', 'sha256-'), 'same sha256'],
    [`sha384=${digest('sha384')}`, 'same sha384'],
    [`sha512=${digest('sha512')}`, 'same sha512'],
    [`sha256=${OTHER}`, `other sha256 ${OTHER} here`],
    [`sha512=${'0'.repeat(128)}`, `other sha512 ${'0'.repeat(128)} here`],
    [`md5=${'0'.repeat(32)}`, `other md5 ${'0'.repeat(32)} here`],
  ]
  for (const [fragment, expected] of proven) {
    it(`decides: ${fragment.slice(0, 20)}, ${expected.slice(0, 12)}`, async () => {
      assert.equal(brief(await finding(page(`${NAME}#${fragment}`), {}, { body: BYTES })), expected)
    })
  }

  it('decides for a file on another host too, of which no URL is given', async () => {
    assert.equal(brief(await finding(page(`https://files.example/${NAME}#${SAME}`))), 'same sha256')
    assert.equal(brief(await finding(page(`https://files.example/${NAME}#sha256=${OTHER}`))), `other sha256 ${OTHER}`)
  })

  it('names the spelling that the index has', async () => {
    const found = await finding(page(`Demo-1.0-py3-none-any.whl#sha256=${OTHER}`))
    assert.equal(brief(found), `other sha256 ${OTHER} (as Demo-1.0-py3-none-any.whl) here`)
  })

  it('of md5 proves nothing when it fits: the file is fetched', async () => {
    const link = `/f/${NAME}#md5=${digest('md5')}`
    assert.equal(brief(await finding(page(link), {}, { body: BYTES })), 'same download')
    assert.match(
      brief(await finding(page(link), {}, { body: Buffer.from('SOME bytes') })),
      /^other sha256 [0-9a-f]{64} here$/,
    )
  })

  it('that is only our own word (GitLab) proves nothing', async () => {
    const asking = { server: { digestIsOurWord: true } }
    for (const fragment of [SAME, `sha256=${OTHER}`]) {
      assert.equal(brief(await finding(page(`/f/${NAME}#${fragment}`), asking, { body: BYTES })), 'same download')
    }
    assert.match(brief(await finding(page(`/f/${NAME}#${SAME}`), asking, { body: 'other byte' })), /^other sha256/)
  })

  it('of a file of ours that can no longer be read ends that file, and not the lookup', async () => {
    const unreadable = new PublishError({ code: 'E_DIST_CHANGED', message: 'it changed' })
    const options = { digestOf: () => Promise.reject(unreadable) }
    const link = `/f/${NAME}#sha512=${'0'.repeat(128)}`
    assert.equal(brief(await finding(page(link), { options })), 'unknown it changed')
  })

  it('that is asked for when the run is cancelled ends the lookup', async () => {
    const controller = new AbortController()
    const cancelled = new PublishError({ code: 'E_RUN_CANCELLED', message: 'cancelled' })
    const digestOf = () => {
      controller.abort(cancelled)
      return Promise.reject(cancelled)
    }
    const link = `/f/${NAME}#sha512=${'0'.repeat(128)}`
    const asking = { options: { digestOf }, signal: controller.signal }
    await assert.rejects(finding(page(link), asking), (error) => error === cancelled)
  })

  it('that this machine cannot compute does not decide', async () => {
    const options = { digestOf: async () => undefined }
    const link = `/f/${NAME}#sha512=${'0'.repeat(128)}`
    assert.equal(brief(await finding(page(link), { options }, { body: BYTES })), 'same download')
  })
})

describe('two links of one name', () => {
  const cases: [what: string, links: readonly string[], expected: RegExp][] = [
    ['the same digest twice', [`a/${NAME}#${SAME}`, `b/${NAME}#${SAME}`], /^same sha256$/],
    ['another digest second', [`a/${NAME}#${SAME}`, `b/${NAME}#sha256=${OTHER}`], /^other sha256/],
    ['another digest first', [`a/${NAME}#sha256=${OTHER}`, `b/${NAME}#${SAME}`], /^other sha256/],
    ['one file, with and without digest', [`a/${NAME}`, `a/${NAME}#${SAME}`], /^same sha256$/],
    ['none with a digest, both ours', [`/f/1/${NAME}`, `/f/2/${NAME}`], /^same download$/],
    ['one that cannot be compared', [`a/${NAME}#${SAME}`, `https://files.example/${NAME}`], /^unknown /],
  ]
  for (const [what, links, expected] of cases) {
    it(`are compared both: ${what}`, async () => {
      assert.match(brief(await finding(page(...links), {}, { body: BYTES })), expected)
    })
  }
})

describe('a look whose time ends while files are compared', () => {
  const OTHER_NAME = 'demo-1.0-py2-none-any.whl'

  it('keeps what the page lists, and what was compared by then', async () => {
    const other = openDistribution({ file: OTHER_NAME })
    const entries = [NAME, OTHER_NAME].map((name) => ({ filename: name, url: `/f/${name}`, hashes: {} }))
    const clock = new AbortController()
    await meet(
      ({ path }) => {
        if (path === '/simple/demo/') return jsonPage(...entries)
        if (path === `/f/${NAME}`) return { body: BYTES }
        return async (connection) => {
          connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nso')
          clock.abort(new Silence(1_000))
        }
      },
      async ({ ask }) => {
        const { files } = await ask({ signal: clock.signal, distributions: [WHEEL, other.distribution] })
        assert.equal(brief(files.get(NAME)), 'same download')
        assert.match(brief(files.get(OTHER_NAME)), /^unknown the time of the lookup was over/)
      },
    )
    other.remove()
  })
})

describe('a file without a digest', () => {
  const link = `/f/${NAME}`

  it('of another size is other bytes, and is not fetched', async () => {
    await meet(
      ({ path }) =>
        path === '/simple/demo/' ? jsonPage({ filename: NAME, url: link, hashes: {}, size: 11 }) : { body: BYTES },
      async ({ server, ask }) => {
        assert.equal(brief((await ask()).files.get(NAME)), 'other size 11 here')
        assert.deepEqual(server.requests, ['GET /simple/demo/'])
      },
    )
  })

  it('of the same size, on a host that is not asked, proves no more than the size', async () => {
    for (const [size, fits] of [
      [BYTES.length, true],
      [undefined, false],
    ] as const) {
      const entry = { filename: NAME, url: `https://files.example/${NAME}`, hashes: {}, ...(size && { size }) }
      const found = await finding(jsonPage(entry))
      assert.ok(found?.state === 'unknown')
      assert.equal(found.sizeFits, fits)
    }
  })

  it('is fetched, on this connection, with these credentials, and compared', async () => {
    const authorization = 'Bearer abcdef'
    await meet(
      ({ path }) => (path === '/simple/demo/' ? page(link) : { body: BYTES }),
      async ({ server, ask }) => {
        assert.equal(brief((await ask({ reader: { authorization } })).files.get(NAME)), 'same download')
        assert.deepEqual(server.requests, ['GET /simple/demo/', `GET ${link}`])
        for (const head of server.heads) assert.match(head, /^authorization: Bearer abcdef\r$/im)
        assert.match(server.heads[1] ?? '', /^accept-encoding: identity\r$/im)
      },
    )
  })

  const files: [what: string, reply: Reply, expected: RegExp][] = [
    ['other bytes', { body: 'SOME bytes' }, /^other sha256 [0-9a-f]{64} here$/],
    ['fewer bytes', { body: 'some' }, /^other size 4 here$/],
    ['more bytes', { body: Buffer.alloc(100) }, /^other size over 10 here$/],
    ['nothing', { body: '' }, /^unknown .* nothing comes in place of its file/],
    [
      'a page to log in',
      { headers: HTML, body: '<input type=password>' },
      /^unknown .* a page \(text\/html\) comes in place of its file/,
    ],
    ['a long page', { headers: HTML, body: Buffer.alloc(100) }, /^unknown .* a page \(text\/html\)/],
    [
      'a fault in JSON, told with 200',
      { headers: ['Content-Type: application/problem+json'], body: '{}' },
      /^unknown .* a page \(application\/problem\+json\)/,
    ],
    ['the right bytes, said to be a page', { headers: HTML, body: BYTES }, /^same download$/],
    ['not there', GONE, /^unknown .* 404 Not Found/],
    ['not for us', { status: '403 Forbidden' }, /^unknown .* 403 Forbidden/],
    ['elsewhere', { status: '302 Found', headers: ['Location: https://files.example/x'] }, /^unknown .* 302 Found/],
    ['the right bytes, said to be gzip', { headers: ['Content-Encoding: x-gzip'], body: BYTES }, /^same download$/],
    ['compressed', { headers: ['Content-Encoding: gzip'], body: gzipSync(BYTES) }, /^unknown .* compressed/],
  ]
  for (const [what, reply, expected] of files) {
    it(`is told by what is fetched: ${what}`, async () => {
      assert.match(brief(await finding(page(link), {}, reply)), expected)
    })
  }

  it('is fetched behind redirects on the same origin', async () => {
    await meet(
      ({ path }) => {
        if (path === '/simple/demo/') return page(link)
        return path === link ? { status: '303 See Other', headers: ['Location: /blob?x=1'] } : { body: BYTES }
      },
      async ({ ask }) => assert.equal(brief((await ask()).files.get(NAME)), 'same download'),
    )
  })

  it('on another origin is not asked for: unknown', async () => {
    const other = await startPageServer(() => ({ body: BYTES }))
    const found = await finding(page(new URL(link, other.url).href))
    assert.match(
      brief(found),
      /^unknown the index gives no digest .* another host \(localhost:\d+\), which is not asked$/,
    )
    assert.deepEqual(other.requests, [])
    await other.stop()
  })

  it('is never read beyond the size of ours', { timeout: 20_000 }, async () => {
    let sent = 0
    const endless: Reply = async (connection) => {
      connection.write('HTTP/1.1 200 OK\r\n\r\n')
      for (;;) {
        connection.write(Buffer.alloc(100_000))
        sent += 100_000
        await sleep(1)
      }
    }
    assert.equal(brief(await finding(page(link), {}, endless)), 'other size over 10 here')
    assert.ok(sent < 50 * MB)
  })

  it('is unknown when it does not come in time, and the lookup ends', { timeout: 20_000 }, async () => {
    const drip: Reply = async (connection) => {
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n')
      for (;;) {
        connection.write('s')
        await sleep(200)
      }
    }
    const found = await finding(page(link), { reader: { idleTimeoutMs: 500 } }, drip)
    assert.match(brief(found), /^unknown .* within 0\.5 s \(idle-timeout-seconds\)$/)
  })

  it('whose connection dies may be asked for again', async () => {
    const dead: Reply = async (connection) => connection.end()
    const { code, retry } = await failureOf(finding(page(link), {}, dead))
    assert.equal(code, 'E_HTTP_NO_ANSWER')
    assert.deepEqual(retry, { afterMs: undefined })
  })

  it('are not fetched any more in a run, once one did not come in time', async () => {
    const download = new DownloadBudget()
    const asking = { options: { download }, reader: { idleTimeoutMs: 200 } }
    assert.match(brief(await finding(page(link), asking, async () => {})), /^unknown .*cannot be fetched: /)
    assert.match(
      brief(await finding(page(link), asking, { body: BYTES })),
      /^unknown .* a file that was fetched to compare did not come in time$/,
    )
  })

  it('is fetched only as long as the run has not fetched too much', async () => {
    const download = new DownloadBudget(25)
    for (const expected of [/^same/, /^same/, /^unknown .* limit/]) {
      assert.match(brief(await finding(page(link), { options: { download } }, { body: BYTES })), expected)
    }
    // A file that was not fetched costs nothing.
    const spared = new DownloadBudget(10)
    await finding(page(link), { options: { download: spared } }, GONE)
    assert.match(brief(await finding(page(link), { options: { download: spared } }, { body: BYTES })), /^same/)
  })
})

describe('an index that does not know the project', () => {
  it('answers 404 or 405: absent, where it is given or known', async () => {
    for (const source of ['given', 'known'] as const) {
      for (const status of ['404 Not Found', '405 Method Not Allowed']) {
        assert.equal(brief(await finding({ status }, { source })), 'absent')
      }
    }
  })

  const roots: [what: string, reply: Reply][] = [
    ['HTML', { headers: HTML, body: '<html><head><title>Simple index</title></head><body></body></html>' }],
    [
      'HTML without a title',
      { headers: HTML, body: '<html><body><a href="a/">a</a><a href="/simple/b-c/">B.C</a></body></html>' },
    ],
    ['JSON', { headers: JSON_TYPE, body: '{"meta":{"api-version":"1.0"},"projects":[{"name":"a"}]}' }],
  ]
  for (const [what, reply] of roots) {
    it(`and is a guess is proven by its root: ${what}`, async () => {
      await meet(
        ({ path }) => (path === '/simple/' ? reply : GONE),
        async ({ ask }) => assert.equal(brief((await ask({ source: 'guessed' })).files.get(NAME)), 'absent'),
      )
    })
  }

  const others: [what: string, reply: Reply, found: RegExp][] = [
    ['404', GONE, /it answered 404 Not Found$/],
    ['403', { status: '403 Forbidden' }, /it answered 403 Forbidden$/],
    [
      'a page of something else',
      { headers: HTML, body: '<html><body><a href="/x/">Home</a></body></html>' },
      /no list of projects$/,
    ],
    [
      'a page of something else with one link that could be a project',
      { headers: HTML, body: '<html><body><a href="/docs/">Docs</a><a href="/x/">Home</a></body></html>' },
      /no list of projects$/,
    ],
    ['an app', { headers: HTML, body: '<html><body><div id=app></div></body></html>' }, /no list of projects$/],
    ['JSON of something else', { body: '{"ok":true}' }, /JSON of another kind/],
    [
      'a redirect',
      { status: '302 Found', headers: ['Location: https://else.example/'] },
      /it points to else\.example$/,
    ],
  ]
  for (const [what, reply, found] of others) {
    it(`and is a guess is not proven by its root: ${what}`, async () => {
      await meet(
        ({ path }) => (path === '/simple/' ? reply : GONE),
        async ({ server, ask }) => {
          const { code, message, hint, retry } = await failureOf(ask({ source: 'guessed' }))
          assert.equal(code, 'E_INDEX_UNPROVEN')
          assert.match(message, found)
          assert.ok(hint.includes(`check-url: ${server.url}simple/ `) && hint.includes('check-url: off'), hint)
          assert.equal(retry, undefined)
        },
      )
    })
  }

  it('and whose root has a fault that may pass is asked again another time', async () => {
    let healthy = false
    const proof = new RootProof()
    await meet(
      ({ path }) => {
        if (path !== '/simple/') return GONE
        return healthy
          ? { headers: JSON_TYPE, body: '{"meta":{"api-version":"1.0"},"projects":[]}' }
          : { status: '503 Busy' }
      },
      async ({ ask }) => {
        const failed = await failureOf(ask({ source: 'guessed', options: { proof } }))
        assert.deepEqual([failed.code, failed.retry], ['E_HTTP_SERVER_ERROR', { afterMs: undefined }])
        healthy = true
        assert.equal(brief((await ask({ source: 'guessed', options: { proof } })).files.get(NAME)), 'absent')
      },
    )
  })

  it('is asked for its root once by lookups of many projects at once', async () => {
    const proof = new RootProof()
    await meet(
      async ({ path }) => {
        await sleep(50)
        return path === '/simple/' ? { headers: JSON_TYPE, body: '{"meta":{"api-version":"1.0"},"projects":[]}' } : GONE
      },
      async ({ server, ask }) => {
        const projects = ['demo', 'b', 'c', 'd', 'e']
        await Promise.all(projects.map((project) => ask({ project, source: 'guessed', options: { proof } })))
        await ask({ source: 'guessed', options: { proof } })
        assert.equal(server.requests.filter((request) => request === 'GET /simple/').length, 1)
        assert.equal(server.requests.length, 7)
      },
    )
  })

  it('is proven by a page of the project itself', async () => {
    assert.equal(brief(await finding(page(), { source: 'guessed' })), 'absent')
    assert.equal(brief(await finding(page(`${NAME}#${SAME}`), { source: 'guessed' })), 'same sha256')
  })
})

describe('a redirect', () => {
  const to = (location: string, status = '302 Found'): Reply => ({ status, headers: [`Location: ${location}`] })

  it('on the same origin is followed, and links are relative to its end', async () => {
    await meet(
      ({ path }) => {
        if (path === '/simple/demo/') return to('/simple/Demo/', '301 Moved')
        if (path === '/simple/Demo/') return to('../../other/place/demo/?x=1', '308 Permanent')
        return path === '/other/place/demo/?x=1' ? page(`../f/${NAME}`) : { body: BYTES }
      },
      async ({ server, ask }) => {
        assert.equal(brief((await ask()).files.get(NAME)), 'same download')
        assert.equal(server.requests.at(-1), `GET /other/place/f/${NAME}`)
      },
    )
  })

  it('whose Location cannot be read ends the lookup, and names no other index', async () => {
    await meet(
      () => to('http://'),
      async ({ ask }) => {
        await assert.rejects(ask(), ({ problem }: LookupFailure) => {
          assert.match(problem.message, /answered 302 \w+ without a Location that can be read$/)
          return problem.code === 'E_HTTP_REDIRECT'
        })
      },
    )
  })

  it('is followed five times, and no more', async () => {
    for (const [most, expected] of [
      [5, 'absent'],
      [6, 'E_HTTP_REDIRECT'],
    ] as const) {
      let count = 0
      await meet(
        () => {
          count += 1
          return count <= most ? to(`/simple/demo/?${count}`) : GONE
        },
        async ({ server, ask }) => {
          const result = await ask().then(
            ({ files }) => brief(files.get(NAME)),
            (error) => error.problem.code,
          )
          assert.equal(result, expected)
          assert.equal(server.requests.length, 6)
        },
      )
    }
  })

  it('to the page of the project on another host is absent; nothing is sent there', async () => {
    const other = await startPageServer(() => page(`${NAME}#${SAME}`))
    const location = `https://127.0.0.1:${other.url.port}/simple/demo`
    for (const end of ['', '/']) {
      await meet(
        ({ path }) => (path === '/simple/' ? GONE : to(`${location}${end}`)),
        async ({ ask }) => assert.equal(brief((await ask()).files.get(NAME)), 'absent'),
      )
    }
    assert.deepEqual(other.requests, [])
    await other.stop()
  })

  it('to such a page is no proof of an index that is a guess', async () => {
    const asking: Asking = { source: 'guessed' }
    await meet(
      ({ path }) => (path === '/simple/' ? GONE : to('https://else.example/simple/demo/')),
      async ({ ask }) => assert.equal((await failureOf(ask(asking))).code, 'E_INDEX_UNPROVEN'),
    )
    await meet(
      ({ path }) =>
        path === '/simple/'
          ? { headers: HTML, body: '<title>Simple index</title><br>' }
          : to('https://else.example/simple/demo/'),
      async ({ ask }) => assert.equal(brief((await ask(asking)).files.get(NAME)), 'absent'),
    )
  })

  it('of an index that has moved as a whole is not "absent"', async () => {
    await meet(
      ({ path }) => to(`https://new.example${path}`),
      async ({ ask }) => {
        assert.equal((await failureOf(ask())).code, 'E_HTTP_REDIRECT')
        assert.equal((await failureOf(ask({ source: 'guessed' }))).code, 'E_INDEX_UNPROVEN')
      },
    )
  })

  it('of a known server is absent without a question to its root', async () => {
    await meet(
      ({ path }) => to(`https://else.example${path}`),
      async ({ server, ask }) => {
        assert.equal(brief((await ask({ source: 'known' })).files.get(NAME)), 'absent')
        assert.equal(server.requests.length, 1)
      },
    )
  })

  const elsewhere: [location: string, code: string][] = [
    ['https://else.example/simple/other/', 'E_HTTP_REDIRECT'],
    ['https://else.example/simple/demo/index.html', 'E_HTTP_REDIRECT'],
    ['https://else.example/', 'E_HTTP_REDIRECT'],
    ['https://else.example/xsimple/demo/', 'E_HTTP_REDIRECT'],
    ['http://localhost/simple/demo/', 'E_HTTP_REDIRECT'],
    ['https://localhost:1/simple/demo/', 'E_HTTP_REDIRECT'],
    ['https://sso.else.example/simple/demo/', 'E_HTTP_LOGIN_PAGE'],
    ['https://else.example/oauth2/authorize?x=1', 'E_HTTP_LOGIN_PAGE'],
    ['/login?next=/simple/demo/', 'E_HTTP_LOGIN_PAGE'],
    ['ftp://else.example/simple/demo/', 'E_HTTP_REDIRECT'],
  ]
  for (const [location, code] of elsewhere) {
    it(`ends the lookup: ${location}`, async () => {
      const failed = await failure(to(location))
      assert.equal(failed.code, code)
      assert.equal(failed.retry, undefined)
    })
  }

  it('to a project that is called like a login is none', async () => {
    await meet(
      ({ path }) => (path === '/simple/oauth2/' ? GONE : to('/simple/oauth2/')),
      async ({ ask }) => {
        const local = openDistribution({ project: 'oauth2' })
        const { files } = await ask({ project: 'oauth2', distributions: [local.distribution] })
        assert.equal(brief([...files.values()][0]), 'absent')
        local.remove()
      },
    )
  })

  it('inside an index that lies below a path like a login is none', async () => {
    await meet(
      ({ path }) => (path === '/sso/simple/Demo/' ? GONE : to('/sso/simple/Demo/')),
      async ({ ask }) => assert.equal(brief((await ask({ root: '/sso/simple/' })).files.get(NAME)), 'absent'),
    )
  })

  it('shows no secret and nothing unprintable of where it leads', async () => {
    const secrets = new Secrets()
    secrets.add('correct-horse')
    const { message } = await failure(to('https://user:pw@else.example/correct-horse/%1b?token=abc'), {
      reader: { secrets },
    })
    assert.match(message, /points to https:\/\/else\.example\/\*\*\*\/%1b, and/)
  })
})

describe('an answer that is neither page nor "not there"', () => {
  const answers: [status: string, code: string, retry: boolean][] = [
    ['401 Unauthorized', 'E_HTTP_UNAUTHORIZED', false],
    ['403 Forbidden', 'E_HTTP_FORBIDDEN', false],
    ['406 Not Acceptable', 'E_INDEX_LOOKUP', false],
    ['410 Gone', 'E_INDEX_LOOKUP', false],
    ['204 No Content', 'E_INDEX_LOOKUP', false],
    ['206 Partial Content', 'E_INDEX_LOOKUP', false],
    ['304 Not Modified', 'E_INDEX_LOOKUP', false],
    ['421 Misdirected Request', 'E_HTTP_MISDIRECTED', false],
    ['495 SSL Certificate Error', 'E_HTTP_CLIENT_CERT_REFUSED', false],
    ['496 SSL Certificate Required', 'E_HTTP_CLIENT_CERT_REQUIRED', false],
    ['408 Request Timeout', 'E_HTTP_SERVER_ERROR', true],
    ['425 Too Early', 'E_HTTP_SERVER_ERROR', true],
    ['429 Too Many Requests', 'E_HTTP_TOO_MANY_REQUESTS', true],
    ['500 Internal Server Error', 'E_HTTP_SERVER_ERROR', true],
    ['502 Bad Gateway', 'E_HTTP_SERVER_ERROR', true],
    ['503 Service Unavailable', 'E_HTTP_SERVER_ERROR', true],
    ['504 Gateway Timeout', 'E_HTTP_SERVER_ERROR', true],
  ]
  for (const [status, code, retry] of answers) {
    it(`ends the lookup: ${status}`, async () => {
      const failed = await failure({ status })
      assert.equal(failed.code, code)
      assert.deepEqual(failed.retry, retry ? { afterMs: undefined } : undefined)
      assert.ok(failed.message.includes(status), failed.message)
    })
  }

  it('says when to come back', async () => {
    const reply: Reply = { status: '429 Slow down', headers: ['Retry-After: 7'] }
    assert.deepEqual((await failure(reply)).retry, { afterMs: 7000 })
    const date: Reply = { status: '503 Busy', headers: ['Retry-After: Wed, 25 Nov 2026 09:00:30 GMT'] }
    const options = { now: () => new Date('2026-11-25T09:00:00Z') }
    assert.deepEqual((await failure(date, { options })).retry, { afterMs: 30_000 })
  })

  it('names check-url: off where an account may upload and not read', async () => {
    for (const status of ['401 Unauthorized', '403 Forbidden']) {
      assert.match((await failure({ status })).hint, /check-url: off/)
    }
  })

  it('is a firewall where its page says so, with 405 and with 200 too', async () => {
    const body =
      '<html><body>The requested URL was rejected. Please consult with your administrator. Your support ID is: 123456789</body></html>'
    for (const status of ['200 OK', '405 Not Allowed', '403 Forbidden']) {
      const { code, message } = await failure({ status, headers: HTML, body })
      assert.equal(code, 'E_HTTP_BLOCKED')
      assert.match(message, /support ID 123456789/)
    }
  })

  it('is a login where a page with 200 asks for a password', async () => {
    const body = '<html><head><title>Sign in</title></head><body><form><input type="password"></form></body></html>'
    const failed = await failure({ headers: HTML, body })
    assert.equal(failed.code, 'E_HTTP_LOGIN_PAGE')
    assert.equal(failed.retry, undefined)
  })

  const bodies: [what: string, reply: Reply, retry: boolean][] = [
    ['the shell of an app', { headers: HTML, body: '<html><body><div id=app></div></body></html>' }, false],
    ['JSON of another kind', { headers: ['Content-Type: application/json'], body: '{"message":"hello"}' }, false],
    ['an empty body', { headers: HTML }, false],
    ['JSON that is cut off', { headers: JSON_TYPE, body: '{"meta":{"api-version":"1.0"},"files":[' }, true],
    ['HTML that is cut off', { headers: HTML, body: `<html><body><a href="demo-0.1.zip">x</a><a hr` }, true],
    [
      'gzip that is cut off',
      { headers: [...HTML, 'Content-Encoding: gzip'], body: gzipSync(Buffer.alloc(5000)).subarray(0, 20) },
      true,
    ],
    ['no gzip', { headers: [...HTML, 'Content-Encoding: gzip'], body: 'hello' }, false],
    ['an unknown encoding', { headers: [...HTML, 'Content-Encoding: zstd'], body: 'hello' }, false],
  ]
  for (const [what, reply, retry] of bodies) {
    it(`is no page, and never "absent": ${what}`, async () => {
      const failed = await failure(reply)
      assert.equal(failed.code, 'E_INDEX_LOOKUP')
      assert.deepEqual(failed.retry, retry ? { afterMs: undefined } : undefined)
      assert.match(failed.hint, /check-url/)
    })
  }

  it('with hostile words becomes one printable line without secrets', async () => {
    const secrets = new Secrets()
    secrets.add('correct horse')
    const body = '\n::error::owned\r##[error]x\u001b[2J\u202e correct horse'
    for (const status of ['403 correct horse', '200 correct horse']) {
      const { message, hint } = await failure(
        { status, headers: ['Content-Type: text/plain'], body },
        { reader: { secrets } },
      )
      assert.doesNotMatch(message + hint, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|horse/u)
      assert.ok(message.length < 1000)
    }
  })
})

describe('a page', () => {
  const compressed: [encoding: string, compress: (bytes: Buffer) => Buffer][] = [
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', (bytes) => bytes],
  ]
  for (const [encoding, compress] of compressed) {
    it(`is read as ${encoding}`, async () => {
      const body = Buffer.from(`<html><body>${'<p>x</p>'.repeat(50_000)}<a href="${NAME}#${SAME}">x</a></body></html>`)
      const reply = { headers: [...HTML, `Content-Encoding: ${encoding}`], body: compress(body) }
      assert.equal(brief(await finding(reply)), 'same sha256')
    })
  }

  it('is asked for as JSON or as HTML, never from a cache, with what says who asks', async () => {
    await meet(
      () => GONE,
      async ({ server, ask }) => {
        await ask()
        await ask({ options: { prefer: 'html' }, reader: { authorization: 'Basic abcd' } })
        const [first = '', second = ''] = server.heads
        assert.match(
          first,
          /^accept: application\/vnd\.pypi\.simple\.v1\+json, application\/vnd\.pypi\.simple\.v1\+html;q=0\.2, text\/html;q=0\.01\r$/im,
        )
        assert.match(second, /^accept: text\/html, application\/vnd\.pypi\.simple\.v1\+html;q=0\.2\r$/im)
        for (const head of [first, second]) {
          assert.match(head, /^cache-control: no-cache\r$/im)
          assert.match(head, /^accept-encoding: gzip\r$/im)
          assert.match(head, /^user-agent: publish-python-mtls\/0\r$/im)
        }
        assert.doesNotMatch(first, /^authorization:/im)
        assert.match(second, /^authorization: Basic abcd\r$/im)
      },
    )
  })

  it('of 20,000 files is read in both forms, also compressed', async () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `demo-0.${i}-py3-none-any.whl`)
    const files = [...names, NAME].map((filename) => ({
      filename,
      url: filename,
      hashes: { sha256: digest('sha256') },
    }))
    const body = JSON.stringify({ meta: { 'api-version': '1.1' }, files })
    const links = [...names, NAME].map((name) => `<a href="${name}#${SAME}">${name}</a>`).join('\n')
    const replies: Reply[] = [
      { headers: JSON_TYPE, body },
      { headers: [...JSON_TYPE, 'Content-Encoding: gzip'], body: gzipSync(body) },
      { headers: HTML, body: `<html><body>${links}</body></html>` },
    ]
    for (const reply of replies) {
      const { known, files: found } = await meet(
        () => reply,
        ({ ask }) => ask(),
      )
      assert.deepEqual([known, brief(found.get(NAME))], [true, 'same sha256'])
    }
  })

  it('without an end is read to its limit, in little memory', { timeout: 120_000 }, async () => {
    const endless: Reply = async (connection) => {
      connection.write('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n')
      // A bomb: a few kilobytes on the wire are a megabyte of page.
      const member = gzipSync('<a href="demo-0.1.zip">x</a>\n'.padEnd(64 * 1024).repeat(16))
      for (;;) {
        connection.write(member)
        await sleep(1)
      }
    }
    const before = process.memoryUsage().rss
    const failed = await failure(endless, { reader: { idleTimeoutMs: 60_000 } })
    assert.equal(failed.code, 'E_INDEX_LOOKUP')
    assert.match(failed.message, /more than/)
    assert.equal(failed.retry, undefined)
    assert.ok(process.memoryUsage().rss - before < 150 * MB)
  })

  it('whose bytes come one by one ends with its time', { timeout: 20_000 }, async () => {
    const drip: Reply = async (connection) => {
      connection.write('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body>')
      for (;;) {
        connection.write(' ')
        await sleep(100)
      }
    }
    const failed = await failure(drip, { reader: { idleTimeoutMs: 700 } })
    assert.equal(failed.code, 'E_HTTP_NO_ANSWER')
    assert.deepEqual(failed.retry, { afterMs: undefined })
    assert.match(failed.message, /within 0\.7 s/)
  })

  it('whose redirects each take their time ends with the one time of the lookup', { timeout: 20_000 }, async () => {
    await meet(
      async ({ path }) => {
        await sleep(300)
        return { status: '302 Found', headers: [`Location: ${path}x`] }
      },
      async ({ server, ask }) => {
        const failed = await failureOf(ask({ reader: { idleTimeoutMs: 800 } }))
        assert.equal(failed.code, 'E_HTTP_NO_ANSWER')
        assert.ok(server.requests.length < 5)
      },
    )
  })

  it('that never comes ends with its time', { timeout: 20_000 }, async () => {
    const silent: Reply = async () => {}
    assert.equal((await failure(silent, { reader: { idleTimeoutMs: 300 } })).code, 'E_HTTP_NO_ANSWER')
  })

  const deaths: [what: string, reply: Reply][] = [
    ['before an answer', async (connection) => connection.end()],
    ['by a reset', (connection) => connection.reset()],
    [
      'inside the page',
      async (connection) => {
        connection.write(
          `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 10000\r\n\r\n<html><body><a href="${NAME}">x</a></body></html>`,
        )
        connection.end()
      },
    ],
  ]
  for (const [what, reply] of deaths) {
    it(`whose connection dies may be asked for again: ${what}`, async () => {
      const failed = await failure(reply)
      assert.equal(failed.code, 'E_HTTP_NO_ANSWER')
      assert.deepEqual(failed.retry, { afterMs: undefined })
    })
  }

  it('that is no HTTP is not asked for again', async () => {
    for (const bytes of [
      'SSH-2.0-OpenSSH_9.2\r\n',
      'HTTP/1.1 101 Switching Protocols\r\n\r\n',
      'HTTP/1.1 099 Odd\r\n\r\n',
    ]) {
      const failed = await failure(async (connection) => connection.write(bytes))
      assert.equal(failed.code, 'E_HTTP_NOT_HTTP', bytes)
      assert.equal(failed.retry, undefined)
    }
  })

  it('of an error has an end: what is behind its first bytes is not read', { timeout: 20_000 }, async () => {
    const endless: Reply = async (connection) => {
      connection.write('HTTP/1.1 403 Forbidden\r\n\r\nno, ')
      for (;;) {
        connection.write('never '.repeat(10_000))
        await sleep(1)
      }
    }
    const failed = await failure(endless)
    assert.equal(failed.code, 'E_HTTP_FORBIDDEN')
    assert.match(failed.message, /403 Forbidden: no, never/)
  })
})

describe('a cancelled run', () => {
  const reason = new PublishError({ code: 'E_RUN_CANCELLED', message: 'the run was cancelled' })
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n'
  const moments: [moment: string, reply: Reply, fileReply: Reply][] = [
    ['before an answer', async () => {}, GONE],
    ['inside the page', async (connection) => connection.write(`${head}<html>`), GONE],
    ['inside a file', page(`/f/${NAME}`), async (connection) => connection.write(`${head}some`)],
  ]
  for (const [moment, reply, fileReply] of moments) {
    it(`ends a lookup at once with its reason: ${moment}`, { timeout: 10_000 }, async () => {
      const controller = new AbortController()
      setTimeout(() => controller.abort(reason), 300)
      const start = performance.now()
      await assert.rejects(finding(reply, { signal: controller.signal }, fileReply), (error) => error === reason)
      assert.ok(performance.now() - start < 2000)
    })
  }

  it('before the lookup asks nothing', async () => {
    await meet(
      () => GONE,
      async ({ server, ask }) => {
        await assert.rejects(ask({ signal: AbortSignal.abort(reason) }), (error) => error === reason)
        assert.deepEqual(server.requests, [])
      },
    )
  })

  it('while the connection is made sends nothing', async () => {
    const controller = new AbortController()
    await meet(
      () => GONE,
      async ({ server, ask }) => {
        const asking = ask({ signal: controller.signal })
        controller.abort(reason)
        await assert.rejects(asking, (error) => error === reason)
        await sleep(300)
        assert.deepEqual(server.requests, [])
      },
    )
  })

  it('while another lookup asks for the root ends this one alone', { timeout: 20_000 }, async () => {
    const proof = new RootProof()
    const controller = new AbortController()
    let roots = 0
    await meet(
      ({ path }) => {
        if (path !== '/simple/') return GONE
        roots += 1
        // The first question is never answered.
        if (roots === 1) return async () => {}
        return { headers: JSON_TYPE, body: '{"meta":{"api-version":"1.0"},"projects":[]}' }
      },
      async ({ server, ask }) => {
        const asking: Asking = { source: 'guessed', options: { proof } }
        const cancelled = ask({ ...asking, signal: controller.signal })
        while (roots === 0) await sleep(10)
        const other = ask(asking)
        while (server.requests.length < 3) await sleep(10)
        // Time for its 404, behind which it waits for the root.
        await sleep(300)
        controller.abort(reason)
        await assert.rejects(cancelled, (error) => error === reason)
        assert.equal(brief((await other).files.get(NAME)), 'absent')
        assert.equal(roots, 2)
      },
    )
  })

  it('is waited for only while something is asked', async () => {
    const { signal } = new AbortController()
    await finding(page(`/f/${NAME}`), { signal }, { body: BYTES })
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
  })
})

describe('a file of the index', () => {
  async function fetchFile(reply: Reply, limit: number): Promise<[string, unknown]> {
    const server = await startPageServer(() => reply)
    const chunks: Buffer[] = []
    try {
      const end = await fetchIndexFile(new URL('/f/x.whl', server.url), limit, readerOf(server), NEVER, (chunk) =>
        chunks.push(chunk),
      )
      return [Buffer.concat(chunks).toString(), end]
    } finally {
      await server.stop()
    }
  }

  it('is handed out as it comes', async () => {
    assert.deepEqual(await fetchFile({ body: BYTES }, 10), [
      'some bytes',
      { bytes: 10, complete: true, encoded: false, pageType: undefined },
    ])
  })

  it('that is announced as too long is not read', async () => {
    assert.deepEqual(await fetchFile({ body: BYTES }, 9), [
      '',
      { bytes: 0, complete: false, encoded: false, pageType: undefined },
    ])
  })

  it('that is too long without a word is cut', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsome \r\n5\r\nbytes\r\n0\r\n\r\n'
    const [text, end] = await fetchFile(async (connection) => connection.write(chunked), 7)
    assert.ok(text.length <= 7)
    assert.deepEqual(end, { bytes: text.length, complete: false, encoded: false, pageType: undefined })
  })

  it('that is not there is a LookupFailure', async () => {
    assert.equal((await failureOf(fetchFile(GONE, 10))).code, 'E_INDEX_LOOKUP')
  })

  it('ends with what its reader throws', async () => {
    const server = await startPageServer(() => ({ body: BYTES }))
    const fault = new Error('no more')
    const fetching = fetchIndexFile(new URL('/f/x', server.url), 10, readerOf(server), NEVER, () => {
      throw fault
    })
    await assert.rejects(fetching, (error) => error === fault)
    await server.stop()
  })
})
