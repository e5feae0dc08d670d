import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { ErrorCode } from '../../src/errors.ts'
import { annotationOf, assertEnded, closingLine, lastError } from './support/ending.ts'
import { writeLargeWheel } from './support/large-wheel.ts'
import { setScene } from './support/scene.ts'
import { type Answer, startAnsweringIndex, startScriptedIndex } from './support/scripted-index.ts'

/** It is the smaller one, and so it is sent first: nobody knows whether the index has the project. */
const WHEEL = 'demo_pkg-1.2.0-py3-none-any.whl'
const OTHER_WHEEL = 'demo_pkg-1.2.0-cp39-cp39-manylinux_2_17_x86_64.whl'
const SDIST = 'demo_pkg-1.2.0.tar.gz'

/** A page of nginx, byte for byte. */
function nginxPage(title: string, sentence: string): string {
  return [
    '<html>',
    `<head><title>400 ${title}</title></head>`,
    '<body>',
    '<center><h1>400 Bad Request</h1></center>',
    `<center>${sentence}</center>`,
    '<hr><center>nginx/1.22.1</center>',
    '</body>',
    '</html>',
    '',
  ].join('\r\n')
}

function nginx(sentence: string): Answer {
  return (connection) => {
    const headers = ['Server: nginx/1.22.1', 'Content-Type: text/html', 'Connection: close']
    connection.answer('400 Bad Request', headers, nginxPage(sentence, sentence))
    connection.end()
  }
}

function html(statusLine: string, body: string, headers: readonly string[] = []): Answer {
  return (connection) => connection.answer(statusLine, ['Content-Type: text/html', ...headers], body)
}

interface Refusal {
  readonly name: string
  readonly answer: Answer
  readonly code: ErrorCode
  readonly inputs?: Readonly<Record<string, string>>
  /** What stands in the sentence that ends the step. */
  readonly says: readonly RegExp[]
}

const BASIC = { user: 'release', password: 'a-token-of-some-length' }
const LOGIN_FORM = '<html><body><form><input name="j_username"><input type="password" name="j_pw"></form></body></html>'

/** All of them are about every file: the first upload is the last. */
const ENDS_THE_RUN: readonly Refusal[] = [
  {
    name: "nginx's 400 without a certificate",
    answer: nginx('No required SSL certificate was sent'),
    code: 'E_HTTP_CLIENT_CERT_REQUIRED',
    says: [/400 Bad Request: No required SSL certificate was sent nginx\/1\.22\.1/, /no client certificate reached it/],
  },
  {
    name: "nginx's 400 for a certificate that it refuses",
    answer: nginx('The SSL certificate error'),
    code: 'E_HTTP_CLIENT_CERT_REFUSED',
    says: [
      /it refuses the client certificate CN=release, O=Example/,
      /an unknown issuer, a missing intermediate, dates/,
    ],
  },
  {
    name: '401 to the certificate alone',
    answer: html('401 Unauthorized', 'Authentication is required', ['WWW-Authenticate: Basic realm="x"']),
    code: 'E_HTTP_UNAUTHORIZED',
    says: [
      /the handshake was accepted as CN=release, O=Example, but the index maps it to no user with upload permission/,
    ],
  },
  {
    name: '401 to a password',
    answer: html('401 Invalid token', '', ['WWW-Authenticate: Basic realm="x"']),
    code: 'E_HTTP_UNAUTHORIZED',
    inputs: BASIC,
    says: [/the index does not take the credentials: the index answered 401 Invalid token/, /Check user and password/],
  },
  {
    name: '404: the URL is wrong',
    answer: html('404 Not Found', '<h1>Not here</h1>'),
    code: 'E_HTTP_NOT_FOUND',
    says: [/404 Not Found: Not here/, /Give the upload URL as the index documents it/],
  },
  {
    name: '405: the URL takes no uploads',
    answer: html('405 Method Not Allowed', '', ['Allow: GET']),
    code: 'E_HTTP_NOT_FOUND',
    says: [/405 Method Not Allowed/],
  },
  {
    name: '421: TLS settings of another name',
    answer: html('421 Misdirected Request', 'The client needs a new connection for this request.'),
    code: 'E_HTTP_MISDIRECTED',
    says: [/421 Misdirected Request/, /chosen by host name, and localhost is none/],
  },
  {
    name: 'a redirect to a login page',
    answer: html('302 Found', '', ['Location: https://sso.example.com/login?back=https%3A%2F%2Fx%2F%3Fsecret']),
    code: 'E_HTTP_LOGIN_PAGE',
    says: [
      /expected the index and found a login: the index answered 302 Found and points to https:\/\/sso\.example\.com\/login/,
    ],
  },
  {
    name: 'a redirect to somewhere else',
    answer: html('308 Permanent Redirect', '', ['Location: https://other.example.com/legacy/']),
    code: 'E_HTTP_REDIRECT',
    says: [/points to https:\/\/other\.example\.com\/legacy\/, and an upload goes to repository-url alone/],
  },
  {
    name: 'a login page with 200',
    answer: html('200 OK', LOGIN_FORM),
    code: 'E_HTTP_LOGIN_PAGE',
    says: [/expected the index and found a login: the index answered 200 OK, which is a page to log in/],
  },
]

describe('a run ends at its first upload with', () => {
  for (const { name, answer, code, inputs = {}, says } of ENDS_THE_RUN) {
    it(name, async (test) => {
      const scene = await setScene(test)
      const index = await startAnsweringIndex(test, scene, answer)
      const run = await scene.run({ ...index.inputs, ...inputs })
      assertEnded(run, scene, {
        status: 'failed',
        files: [
          [OTHER_WHEEL, 'not-tried', code],
          [WHEEL, 'rejected', code],
          [SDIST, 'not-tried', code],
        ],
        problems: [code],
      })
      for (const words of says) assert.match(`${annotationOf(run, WHEEL)}\n${lastError(run)}`, words)
      assert.equal(index.uploads.length, 1)
      assert.equal(index.uploads[0]?.authorization.startsWith('Basic '), 'user' in inputs)
      assert.match(closingLine(run, 'On the index'), /^0 of 3 files by this run/)
      assert.match(closingLine(run, 'Run again'), /^safe, since the index took no file/)
      assert.match(closingLine(run, 'Whom to ask'), new RegExp(`troubleshooting\\.md#${code.toLowerCase()}$`))
    })
  }

  it("nginx's 400 where no certificate was given", async (test) => {
    const scene = await setScene(test)
    const answer = nginx('No required SSL certificate was sent')
    const index = await startAnsweringIndex(test, scene, answer, { lax: true })
    const inputs = { ...index.inputs, 'client-cert': 'none', 'client-key': undefined }
    const run = await scene.run(inputs)
    const code = 'E_HTTP_CLIENT_CERT_REQUIRED'
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [OTHER_WHEEL, 'not-tried', code],
        [WHEEL, 'rejected', code],
        [SDIST, 'not-tried', code],
      ],
      problems: [code],
    })
  })
})

interface FileRefusal {
  readonly name: string
  readonly answer: Answer
  readonly code: ErrorCode
  readonly says: readonly RegExp[]
}

/** Of the first file only: the other wheel is published, and the sdist waits for its wheel. */
const ENDS_THE_FILE: readonly FileRefusal[] = [
  {
    name: '400 with words in the status line',
    answer: html('400 Invalid classifier "Foo :: Bar"', '<h1>400 Invalid classifier "Foo :: Bar"</h1>'),
    code: 'E_HTTP_REJECTED',
    says: [/the index answered 400 Invalid classifier "Foo :: Bar" \(E_HTTP_REJECTED\)/],
  },
  {
    name: '409 since the name is taken',
    answer: html('409 Conflict', 'File already exists'),
    code: 'E_HTTP_EXISTS',
    says: [/the index has a file of this name: it answered 409 Conflict: File already exists/],
  },
  {
    name: '413',
    answer: html('413 Request Entity Too Large', 'exceeds max request body', ['Server: waitress']),
    code: 'E_HTTP_TOO_LARGE',
    says: [/413 Request Entity Too Large: exceeds max request body \(Server: waitress\), to a request of 3\.\d kB/],
  },
  {
    name: '429',
    answer: html('429 Too Many Requests', 'Slow down', ['Retry-After: 1']),
    code: 'E_HTTP_TOO_MANY_REQUESTS',
    says: [/429 Too Many Requests: Slow down; it asks to come back in 1 s/],
  },
  {
    name: '500',
    answer: html('500 Internal Server Error', '<h1>Oops</h1>', ['X-Request-Id: 4711']),
    code: 'E_HTTP_SERVER_ERROR',
    says: [/500 Internal Server Error: Oops \(x-request-id 4711\)/],
  },
]

describe('of several files, the first one alone is refused with', () => {
  for (const { name, answer, code, says } of ENDS_THE_FILE) {
    it(name, async (test) => {
      const scene = await setScene(test)
      const index = await startAnsweringIndex(test, scene, (connection, upload) =>
        upload.number === 1 ? answer(connection, upload) : connection.answer('200 OK'),
      )
      const run = await scene.run(index.inputs)
      assertEnded(run, scene, {
        status: 'failed',
        files: [
          [OTHER_WHEEL, 'published'],
          [WHEEL, 'rejected', code],
          [SDIST, 'not-tried'],
        ],
      })
      for (const words of says) assert.match(annotationOf(run, WHEEL), words)
      const [, sample] = index.uploads
      assert.ok(sample?.content.equals(readFileSync(path.join(scene.workspace, 'dist', OTHER_WHEEL))))
      assert.equal(index.connections, 1)
    })
  }
})

describe('429 of a server that takes no new projects today', () => {
  it('ends the project: nothing more of it is sent, and the sentence says when to come back', async (test) => {
    const scene = await setScene(test)
    const answer = html('429 Too Many Requests', 'New projects: come back', ['Retry-After: 86400'])
    const index = await startAnsweringIndex(test, scene, answer)
    // It is no matter of retries.
    const run = await scene.run({ ...index.inputs, retries: '4' })
    const code = 'E_HTTP_TOO_MANY_REQUESTS'
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [OTHER_WHEEL, 'not-tried', code],
        [WHEEL, 'rejected', code],
        [SDIST, 'not-tried', code],
      ],
    })
    assert.match(annotationOf(run, WHEEL), /it asks to come back in 24 hours/)
    assert.equal(index.uploads.length, 1)
  })
})

describe('a connection', () => {
  const LARGE = 20_000_000
  const TAKEN = 2_000_000

  it('that answers 413 in the middle of the body and is reset: the answer counts', async (test) => {
    const scene = await setScene(test)
    const large = await writeLargeWheel(path.join(scene.workspace, 'dist'), LARGE)
    const index = await startScriptedIndex(test, scene, async (connection) => {
      for (;;) {
        const length = await connection.head()
        if (length < LARGE) {
          await connection.take(length)
          connection.answer('200 OK')
        } else {
          await connection.take(TAKEN)
          connection.answer('413 Request Entity Too Large', ['Server: nginx'], 'too large')
          await connection.reset()
        }
      }
    })
    const run = await scene.run(index.inputs)
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [large.name, 'rejected', 'E_HTTP_TOO_LARGE'],
        [OTHER_WHEEL, 'published'],
        [WHEEL, 'published'],
        [SDIST, 'not-tried'],
      ],
    })
    assert.match(annotationOf(run, large.name), /too large \(Server: nginx\), to a request of 20\.0 MB/)
  })

  it('that dies in the middle of the body: how far it came, and the next file has a new one', async (test) => {
    const scene = await setScene(test)
    const large = await writeLargeWheel(path.join(scene.workspace, 'dist'), LARGE)
    const index = await startScriptedIndex(test, scene, async (connection) => {
      for (;;) {
        const length = await connection.head()
        await connection.take(Math.min(length, TAKEN))
        if (length < LARGE) connection.answer('200 OK')
        else await connection.reset()
      }
    })
    const run = await scene.run(index.inputs)
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [large.name, 'no-answer', 'E_HTTP_NO_ANSWER'],
        [OTHER_WHEEL, 'published'],
        [WHEEL, 'published'],
        [SDIST, 'not-tried'],
      ],
    })
    assert.match(
      annotationOf(run, large.name),
      /the connection ended without an answer, after about \d+\.\d MB of 20\.0 MB/,
    )
    assert.match(closingLine(run, 'On the index'), /sent, but nobody knows whether it is there: demo_pkg-1\.2\.0-cp312/)
    assert.equal(index.connections, 2)
  })

  it('that dies after the last byte: the file may be there', async (test) => {
    const scene = await setScene(test)
    const index = await startAnsweringIndex(test, scene, (connection, { number }) =>
      number === 2 ? connection.reset() : connection.answer('200 OK'),
    )
    const run = await scene.run(index.inputs)
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [OTHER_WHEEL, 'no-answer', 'E_HTTP_NO_ANSWER'],
        [WHEEL, 'published'],
        [SDIST, 'not-tried'],
      ],
    })
    assert.match(annotationOf(run, OTHER_WHEEL), /after everything had been sent/)
    assert.match(annotationOf(run, OTHER_WHEEL), /with check-url a new run looks first/)
  })

  it('that stays silent longer than idle-timeout-seconds', async (test) => {
    const scene = await setScene(test)
    const index = await startAnsweringIndex(test, scene, (connection, { number }) => {
      if (number !== 1) connection.answer('200 OK')
    })
    const run = await scene.run({ ...index.inputs, 'idle-timeout-seconds': '1' })
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [OTHER_WHEEL, 'published'],
        [WHEEL, 'no-answer', 'E_HTTP_NO_ANSWER'],
        [SDIST, 'not-tried'],
      ],
    })
    assert.match(annotationOf(run, WHEEL), /gave no answer within 1 s \(idle-timeout-seconds\)/)
  })

  it('that stops reading for longer than idle-timeout-seconds', async (test) => {
    const scene = await setScene(test, { samples: 'none' })
    const large = await writeLargeWheel(path.join(scene.workspace, 'dist'), 64_000_000)
    const index = await startScriptedIndex(test, scene, async (connection) => {
      await connection.head()
      await connection.take(TAKEN)
    })
    const run = await scene.run({ ...index.inputs, 'idle-timeout-seconds': '1' })
    assertEnded(run, scene, { status: 'failed', files: [[large.name, 'no-answer', 'E_HTTP_NO_ANSWER']] })
    assert.match(annotationOf(run, large.name), /the index took no more bytes for 1 s/)
  })

  it('that the server ends behind each answer: each file gets a new one', async (test) => {
    const scene = await setScene(test)
    const index = await startAnsweringIndex(test, scene, (connection) => {
      connection.answer('200 OK', ['Connection: close'])
      connection.end()
    })
    const run = await scene.run(index.inputs)
    const files = [OTHER_WHEEL, WHEEL, SDIST].map((name) => [name, 'published'] as const)
    assertEnded(run, scene, { status: 'succeeded', files })
    assert.equal(index.connections, 3)
  })
})
