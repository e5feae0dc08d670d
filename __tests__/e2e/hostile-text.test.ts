import assert from 'node:assert/strict'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createRoot, issueClient, issueIntermediate, issueServer } from '../../demo/certificate-authority.ts'
import { startIndex } from '../../demo/index-server.ts'
import { coreMetadata, makeSdist, makeWheel } from '../support/archives.ts'
import { assertPublished, shown, uploadsTo } from './support/assertions.ts'
import { annotationOf, assertEnded, lastError, readable } from './support/ending.ts'
import { ALL_HOSTILE, assertHarmless, assertMentions, HOSTILE } from './support/harmless.ts'
import { setScene } from './support/scene.ts'
import { type Answer, startAnsweringIndex } from './support/scripted-index.ts'

const FILES = [
  'demo_pkg-1.2.0-cp39-cp39-manylinux_2_17_x86_64.whl',
  'demo_pkg-1.2.0-py3-none-any.whl',
  'demo_pkg-1.2.0.tar.gz',
]
const [FIRST = ''] = FILES

/** As the bytes of a status line or header can be: one line. */
const ONE_LINE = ALL_HOSTILE.replace(/[\r\n]/g, ' ')

/** As a header can be: without control characters, which HTTP forbids there. */
const HEADER = ONE_LINE.replace(/\p{Cc}/gu, ' ')

/** Where a server puts words. */
const SPEECHES: readonly (readonly [where: string, answer: Answer])[] = [
  ['the reason phrase', (connection) => connection.answer(`400 ${ONE_LINE}`)],
  ['a plain body', (connection) => connection.answer('400 Bad', ['Content-Type: text/plain'], ALL_HOSTILE)],
  [
    'a page',
    (connection) => {
      const page = `<html><title>${ALL_HOSTILE}</title><body><p>${ALL_HOSTILE}</p></body></html>`
      connection.answer('400 Bad', ['Content-Type: text/html'], page)
    },
  ],
  [
    'a page, as character references',
    (connection) => {
      const references = [...ALL_HOSTILE].map((character) => `&#x${character.codePointAt(0)?.toString(16)};`).join('')
      connection.answer('400 Bad', ['Content-Type: text/html'], `<p>${references}</p>`)
    },
  ],
  [
    'JSON',
    (connection) => {
      const body = JSON.stringify({ errors: HOSTILE.map((text) => ({ [text]: text, message: text })) })
      connection.answer('400 Bad', ['Content-Type: application/json'], body)
    },
  ],
  [
    'headers',
    (connection) => {
      const headers = ['Server', 'X-Request-Id', 'CF-Ray', 'WWW-Authenticate', 'Retry-After', 'Content-Type']
      connection.answer(
        '413 Large',
        headers.map((name) => `${name}: ${HEADER}`),
        'forged',
      )
    },
  ],
  [
    'the target of a redirect',
    (connection) => {
      const target = `https://evil.example/${encodeURI(ONE_LINE)}?${encodeURIComponent(ONE_LINE)}#x`
      connection.answer('302 Found', [`Location: ${target}`])
    },
  ],
  ['the raw target of a redirect', (connection) => connection.answer('308 Moved', [`Location: /${HEADER}`])],
]

describe('what a server says can act as no command, no markup and no shell text: in', () => {
  for (const [where, answer] of SPEECHES) {
    it(where, async (test) => {
      const scene = await setScene(test)
      const index = await startAnsweringIndex(test, scene, answer)
      const run = await scene.run(index.inputs)
      assertHarmless(run, scene)
      assert.equal(run.main.exitCode, 1)
      assert.equal(run.outputs.published, '0')
      assertMentions(run, where.includes('redirect') ? /evil\.example|308 Moved/ : /forged/)
    })
  }

  for (const size of [8000, 17_000, 65_536]) {
    it(`a reason phrase of ${size} bytes, which is cut`, async (test) => {
      const scene = await setScene(test)
      const reason = `The field is wrong: ${ONE_LINE} ${'x'.repeat(size)}`.slice(0, size)
      const index = await startAnsweringIndex(test, scene, (connection) => connection.answer(`400 ${reason}`))
      const run = await scene.run(index.inputs)
      assertHarmless(run, scene)
      assertEnded(run, scene, {
        status: 'failed',
        files: [
          ...FILES.slice(0, 2).map((file) => [file, 'rejected', 'E_HTTP_REJECTED'] as const),
          ['demo_pkg-1.2.0.tar.gz', 'not-tried'],
        ],
      })
      // A longer one comes in several records of TLS, of which undici keeps the last.
      assert.match(annotationOf(run, FIRST), size < 16_384 ? /the index answered 400 The field is wrong/ : /400 .*xxx/)
      assert.ok(annotationOf(run, FIRST).length < 1000)
    })
  }

  it('a certificate: subject and issuer of the server', async (test) => {
    const scene = await setScene(test)
    const root = createRoot({ name: ONE_LINE, organization: ALL_HOSTILE })
    const index = await startIndex({
      server: issueServer(root, { name: ALL_HOSTILE, organization: ONE_LINE }),
      clientAuthorities: [scene.root.pem],
      directory: path.join(scene.directory, 'other-index'),
    })
    test.after(() => index.stop())
    const url = { 'repository-url': index.uploadUrl }
    const trusted = await scene.run({ ...url, 'ca-bundle': root.pem })
    assertPublished(trusted, { ...scene, index })
    assertHarmless(trusted, scene)
    const refused = await scene.run(url)
    assertHarmless(refused, scene)
    assert.equal(refused.outputs.handshake, 'failed')
    for (const run of [trusted, refused]) assertMentions(run, /CN=.*forged/)
  })
})

describe('what a client certificate says can act as nothing either: subject and issuers', () => {
  it('of a chain that is accepted, one that is refused, and one that has ended', async (test) => {
    const scene = await setScene(test)
    const issuer = issueIntermediate(scene.root, { name: ALL_HOSTILE, organization: ONE_LINE })
    const stranger = createRoot({ name: ONE_LINE })
    const client = (parent: typeof issuer, options = {}) => {
      const issued = issueClient(parent, { name: ALL_HOSTILE, organization: '+x=1,CN=admin', ...options })
      return { 'client-cert': issued.pem + parent.pem, 'client-key': issued.keyPem }
    }
    const accepted = await scene.run(client(issuer))
    assertPublished(accepted, scene)
    const refused = await scene.run(client(stranger))
    assert.equal(refused.outputs.handshake, 'refused')
    const past = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') }
    const ended = await scene.run(client(issuer, past))
    assert.match(lastError(ended), /E_CERT_EXPIRED/)
    for (const run of [accepted, refused, ended]) {
      assertHarmless(run, scene)
      assertMentions(run, /CN=.*forged/)
      assert.match(readable(run.summary), /CN=.*forged/)
    }
  })
})

/** Windows takes few of these names, and macOS no bytes that are no text. */
const onLinux = process.platform === 'linux' ? describe : () => {}

onLinux('Linux: what files are called, and what is in them, can act as nothing:', () => {
  const PIECES = [
    '::error::forged',
    '##[error]forged',
    '\n::error::forged',
    '\r##[warning]forged',
    '\u001b[2Jforged',
    '\u202eforged',
    '<img src=x onerror=forged>',
    '[x](javascript:forged)',
    '| forged |',
    '`touch pwned`',
    '$(touch pwned)',
    "'; touch pwned; '",
    '@octocat',
    'démo',
    '%0A::error::forged',
  ]

  it('distributions: each is refused by its name, all together', async (test) => {
    const scene = await setScene(test, { samples: 'none' })
    const dist = path.join(scene.workspace, 'dist')
    const names = PIECES.map((piece, index) => (index % 2 ? `${piece}-1.0.tar.gz` : `${piece}-1.0-py3-none-any.whl`))
    for (const name of names) writeFileSync(path.join(dist, name), 'x')
    const run = await scene.run()
    assertHarmless(run, scene)
    assertEnded(run, scene, {
      status: 'failed',
      handshake: 'not-tried',
      files: [],
      problems: names.map(() => 'E_DIST_NAME' as const),
    })
    assert.match(lastError(run), /And 10 more in the summary/)
    assert.equal(scene.index.connections, 0)
  })

  it('a distribution whose name is no text at all is refused by name', async (test) => {
    const scene = await setScene(test)
    const bytes = [
      Buffer.from(path.join(scene.workspace, 'dist/')),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('-1.0.tar.gz'),
    ]
    writeFileSync(Buffer.concat(bytes), 'x')
    const run = await scene.run()
    assertHarmless(run, scene)
    assert.match(lastError(run), /E_DIST_\w+: .*\ufffd\ufffd-1\.0\.tar\.gz/)
    assert.equal(scene.index.connections, 0)
  })

  it('stray files: one error lists them', async (test) => {
    const scene = await setScene(test)
    for (const piece of PIECES) writeFileSync(path.join(scene.workspace, 'dist', piece), 'x')
    const run = await scene.run()
    assertHarmless(run, scene)
    assert.match(lastError(run), /^E_DIST_STRAY: /)
    assertMentions(run, /::error::forged/)
  })

  it('folders, in the lines about files and in the exclude line', async (test) => {
    const scene = await setScene(test)
    const dist = path.join(scene.workspace, 'dist')
    for (const [place, name] of FILES.entries()) {
      const folder = path.join(scene.workspace, `${PIECES[place * 5]}`)
      mkdirSync(folder)
      renameSync(path.join(dist, name), path.join(folder, name))
    }
    const index = await startAnsweringIndex(test, scene, (connection) => connection.answer('400 No'))
    const run = await scene.run({ files: '*/demo*', ...index.inputs })
    assertHarmless(run, scene)
    assert.equal(index.uploads.length, 2)
    assertMentions(run, /after its patterns: !\S+ !::error::forged\/demo_pkg/)
  })

  it('core metadata, wrong in many ways: refused, and with verify-metadata: false told in warnings', async (test) => {
    const scene = await setScene(test, { samples: 'none' })
    const dist = path.join(scene.workspace, 'dist')
    const fields = HOSTILE.map((text) => text.replace(/[\r\n]/g, ' '))
    const metadata = [
      'Metadata-Version: 2.4',
      'Name: demo',
      'Version: 1.0',
      ...fields.map((text) => `Classifier: ${text}`),
      ...fields.map((text) => `Requires-Dist: ${text}`),
      ...fields.map((text) => `Project-URL: ${text}`),
      `Requires-Python: ${ONE_LINE}`,
      `License-Expression: ${ONE_LINE}`,
      `Author-Email: ${ONE_LINE}`,
      `Description-Content-Type: ${ONE_LINE}`,
      `Dynamic: ${ONE_LINE}`,
      '',
      ALL_HOSTILE,
    ].join('\n')
    writeFileSync(path.join(dist, 'demo-1.0-py3-none-any.whl'), makeWheel({ metadata }))
    const strict = await scene.run()
    assertHarmless(strict, scene)
    assert.match(lastError(strict), /E_DIST_METADATA/)
    const lenient = await scene.run({ 'verify-metadata': 'false' })
    assertHarmless(lenient, scene)
    assertEnded(lenient, scene, { status: 'succeeded', files: [['demo-1.0-py3-none-any.whl', 'published']] })
    for (const run of [strict, lenient]) assertMentions(run, /forged/)
    // The index gets the text as it is.
    const [request] = uploadsTo(scene.index)
    assert.deepEqual(request?.fields.get('description'), [ALL_HOSTILE])
  })

  it('the name, the version and the members of an archive', async (test) => {
    const scene = await setScene(test, { samples: 'none' })
    const dist = path.join(scene.workspace, 'dist')
    const hostileName = coreMetadata({ name: ONE_LINE })
    const hostileVersion = coreMetadata({ version: ONE_LINE })
    const files = {
      'demo-1.0-py3-none-any.whl': makeWheel({ metadata: hostileName }),
      'demo-1.0-1-py3-none-any.whl': makeWheel({ metadata: hostileVersion }),
      'demo-1.0-2-py3-none-any.whl': makeWheel({ members: [{ name: `../${ALL_HOSTILE}`, content: 'x' }] }),
      'demo-1.0.tar.gz': makeSdist({ members: [{ name: `../${ONE_LINE}`.slice(0, 60), content: 'x' }] }),
      'other-1.0.tar.gz': makeSdist({ name: 'other', metadata: hostileVersion }),
    }
    for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(dist, name), bytes)
    const run = await scene.run()
    assertHarmless(run, scene)
    assert.equal(run.main.exitCode, 1)
    for (const name of Object.keys(files)) assert.ok(lastError(run).includes(name), `${name}\n${shown(run)}`)
    assert.equal(scene.index.connections, 0)
  })

  it('lines of SHA256SUMS, tags, branches, actors and workflows', async (test) => {
    const scene = await setScene(test)
    const env = {
      GITHUB_REF: `refs/tags/v2.0${ONE_LINE}`,
      GITHUB_REF_NAME: `v2.0+${ONE_LINE}`,
      GITHUB_REF_TYPE: 'tag',
      GITHUB_ACTOR: ALL_HOSTILE,
      GITHUB_WORKFLOW: ALL_HOSTILE,
      GITHUB_JOB: ALL_HOSTILE,
      GITHUB_REPOSITORY: ALL_HOSTILE,
      GITHUB_SHA: ALL_HOSTILE,
      GITHUB_RUN_ID: ALL_HOSTILE,
    }
    const sums = `${HOSTILE.map((text) => `${'0'.repeat(64)}  ${text}`).join('\n')}\n${ALL_HOSTILE}`
    const run = await scene.run(
      { 'expected-sha256': sums, 'expected-version': ONE_LINE, 'support-contact': ONE_LINE },
      { env },
    )
    assertHarmless(run, scene)
    assert.match(lastError(run), /E_EXPECTED_VERSION: .*E_EXPECTED_SHA256: /)
    assertMentions(run, /forged/)
  })
})

const PASSWORD = `pass"word\\ä<&>'/+ %41 ::error::x`
const USER = 'release-bot'

type EchoingAnswer = readonly [statusLine: string, headers?: readonly string[], body?: string | Buffer]

describe('a front that gives the whole request back', () => {
  const entities = (text: string) => [...text].map((character) => `&#${character.codePointAt(0)};`).join('')
  const escapes = (text: string) =>
    text.replace(/[^\w]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const base64 = (text: string) => Buffer.from(text).toString('base64')

  /** By form: what is done to the echo before it is sent. */
  const ECHOES: readonly (readonly [form: string, answer: (echo: string) => EchoingAnswer])[] = [
    ['as text', (echo) => ['400 Bad', ['Content-Type: text/plain'], echo]],
    ['as text in Latin-1', (echo) => ['400 Bad', ['Content-Type: text/plain'], Buffer.from(echo, 'latin1')]],
    ['in the reason phrase', (echo) => [`400 ${echo.replace(/[\r\n]+/g, ' ')}`]],
    [
      'in headers',
      (echo) => {
        const line = echo.replace(/[\r\n]+/g, ' ')
        return ['413 Large', ['Server', 'X-Request-Id', 'CF-Ray', 'WWW-Authenticate'].map((name) => `${name}: ${line}`)]
      },
    ],
    [
      'in the target of a redirect',
      (echo) => [
        '302 Found',
        [`Location: https://sso.example.com/${encodeURIComponent(PASSWORD)}/?${encodeURIComponent(echo)}`],
      ],
    ],
    ['as JSON', (echo) => ['400 Bad', ['Content-Type: application/json'], JSON.stringify({ detail: echo })]],
    [
      'as JSON with escapes for all that is special',
      (echo) => ['400 Bad', ['Content-Type: application/json'], `{"detail":"${escapes(echo)}"}`],
    ],
    [
      'as HTML',
      (echo) => [
        '400 Bad',
        ['Content-Type: text/html'],
        `<pre>${echo.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</pre>`,
      ],
    ],
    [
      'as HTML, each character a reference',
      (echo) => ['400 Bad', ['Content-Type: text/html'], `<pre>${entities(echo)}</pre>`],
    ],
    ['percent-encoded', (echo) => ['400 Bad', ['Content-Type: text/plain'], encodeURIComponent(echo)]],
    [
      'in base64',
      (echo) => [
        '400 Bad',
        ['Content-Type: text/plain'],
        `${base64(echo)} ${base64(`x${echo}`)} ${base64(`xy${echo}`)}`,
      ],
    ],
    ['compressed', (echo) => ['400 Bad', ['Content-Type: text/plain', 'Content-Encoding: gzip'], gzipSync(echo)]],
    [
      'on a page to log in',
      (echo) => [
        '200 OK',
        ['Content-Type: text/html'],
        `<p>${entities(echo)}</p><input type="password" value="${entities(PASSWORD)}">`,
      ],
    ],
    ['where the words are cut off', (echo) => ['400 Bad', ['Content-Type: text/plain'], `${'x'.repeat(390)}${echo}`]],
  ]
  for (const [form, answerOf] of ECHOES) {
    it(`${form} gets the password to be seen nowhere`, async (test) => {
      const scene = await setScene(test)
      let echoed = ''
      const index = await startAnsweringIndex(test, scene, (connection, { head, authorization, fields }) => {
        const plain = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()
        const values = [...fields].map(([name, all]) => `${name}=${all.join(',')}`)
        echoed = [PASSWORD, plain, authorization, head, ...values].join('\n')
        connection.answer(...answerOf(echoed))
      })
      // That the password and the header are nowhere, in any form, is asserted of every run.
      const header = Buffer.from(`${USER}:${PASSWORD}`).toString('base64')
      const misread = [Buffer.from(PASSWORD).toString('latin1'), Buffer.from(PASSWORD, 'latin1').toString()]
      const inputs = { ...index.inputs, user: USER, password: PASSWORD }
      const run = await scene.run(inputs, { secrets: [header, `${USER}:${PASSWORD}`, ...misread] })
      assert.equal(run.main.exitCode, 1)
      assert.ok(echoed.includes(`Basic ${header}`))
      assertMentions(run, /answered .*\*\*\*/)
      assertHarmless(run, scene)
    })
  }
})
