import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Answer } from '../../../src/package-index/answer.ts'
import { requestNumber, wordsOf } from '../../../src/package-index/server-words.ts'
import { Secrets } from '../../../src/text.ts'

function answer(status: number, reason: string, text = '', headers: Record<string, string> = {}): Answer {
  return { status, reason, text, headers: new Map(Object.entries(headers)) }
}

const JSON_TYPE = { 'content-type': 'application/json' }
const HTML_TYPE = { 'content-type': 'text/html; charset=utf-8' }

function sentence(given: Answer, secrets = new Secrets()): string {
  return wordsOf(given, secrets).sentence
}

describe('the words of a server', () => {
  it('are its reason phrase, where that is all (Pulp)', () => {
    assert.equal(
      sentence(answer(400, 'Package demo.whl already exists in index')),
      '400 Package demo.whl already exists in index',
    )
  })

  it('are the standard phrase of the status when the server has none', () => {
    assert.equal(sentence(answer(503, '')), '503 Service Unavailable')
    assert.equal(sentence(answer(599, '')), '599')
  })

  const json: [string, Answer, string][] = [
    [
      'PyPI and devpi: message',
      answer(403, 'Forbidden', '{"message": "Invalid authentication", "code": "403", "title": "Forbidden"}', JSON_TYPE),
      '403 Forbidden: Invalid authentication',
    ],
    [
      'Artifactory: errors with messages',
      answer(403, 'Forbidden', '{"errors":[{"status":403,"message":"No permission"}]}', JSON_TYPE),
      '403 Forbidden: No permission',
    ],
    [
      'GitLab: message, also as an object',
      answer(400, 'Bad Request', '{"message":{"base":["File name has already been taken"]}}', JSON_TYPE),
      '400 Bad Request: base: File name has already been taken',
    ],
    [
      'Pulp: fields',
      answer(400, 'Bad Request', '{"sha256_digest":["Too short."],"name":["Missing."]}', JSON_TYPE),
      '400 Bad Request: sha256_digest: Too short.; name: Missing',
    ],
    [
      'RFC 9457: detail before title',
      answer(422, '', '{"title":"Invalid","detail":"Bad tag"}', { 'content-type': 'application/problem+json' }),
      '422 Unprocessable Entity: Bad tag',
    ],
    ['a JSON text', answer(400, 'Bad Request', '"no"', JSON_TYPE), '400 Bad Request: no'],
    ['without a type', answer(400, 'Bad Request', ' {"error": "bad name"}'), '400 Bad Request: bad name'],
    ['that is cut off', answer(400, 'Bad Request', '{"message": "lo', JSON_TYPE), '400 Bad Request: {"message": "lo'],
  ]
  for (const [name, given, expected] of json) {
    it(`are found in JSON: ${name}`, () => assert.equal(sentence(given), expected))
  }

  const html: [string, string, string][] = [
    [
      'nginx',
      '<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body></html>',
      'nginx',
    ],
    [
      'pypiserver',
      '<title>Error: 409</title><pre>Package &#x27;demo&#39; already &quot;exists&quot;!</pre>',
      'Package \'demo\' already "exists"!',
    ],
    ['a title alone', '<html><head><title>Request Rejected</title></head><body></body></html>', 'Request Rejected'],
    [
      'scripts, styles and comments are not shown',
      '<style>p{}</style><script>if (a<b) x("<p>no</p>")</script><!-- <b>no --><p>yes</p>',
      'yes',
    ],
    ['unknown entities stay', 'a &copy; b &#x110000; c <br>&lt;b&gt;', 'a &copy; b &#x110000; c <b>'],
    ['an unfinished tag', '<p>one</p><a href="', 'one'],
  ]
  for (const [name, page, expected] of html) {
    it(`are the text of a page: ${name}`, () => {
      assert.equal(
        sentence(answer(413, 'Request Entity Too Large', page, HTML_TYPE)),
        `413 Request Entity Too Large: ${expected}`,
      )
    })
  }

  it('are not said twice', () => {
    assert.equal(sentence(answer(409, 'demo already exists', 'demo already exists\n')), '409 demo already exists')
    assert.equal(sentence(answer(403, 'Forbidden', '403 Forbidden\n\nNot you.')), '403 Forbidden: Not you')
  })

  it('are one printable line, whatever the server sends', () => {
    const hostile = '\n::error::owned\r\n\x1b[31mred\x1b[0m \u202egnp.exe\u2028##[error]x\u0000\u200b'
    for (const type of [HTML_TYPE, { 'content-type': 'text/plain' }]) {
      const text = sentence(answer(400, `Bad${hostile}`, hostile, type))
      assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      assert.match(text, /^400 Bad/)
    }
    const escaped = sentence(answer(400, 'Bad', '<p>&#10;::error::x&#27;[31m&#x202e;</p>', HTML_TYPE))
    assert.equal(escaped, '400 Bad: ::error::x [31m')
  })

  it('are short: a paragraph in the reason phrase and a long body are cut', () => {
    const words = wordsOf(answer(400, 'r'.repeat(17_000), 'b'.repeat(60_000)), new Secrets())
    assert.ok(words.sentence.length < 750, String(words.sentence.length))
  })

  it('never hold a secret: as it is, encoded, or hidden by entities, tags and escapes', () => {
    const secrets = new Secrets()
    secrets.add('s3cret-p4ss')
    secrets.add(Buffer.from('ci:s3cret-p4ss').toString('base64'))
    const encoded = Buffer.from('ci:s3cret-p4ss').toString('base64')
    for (const [text, type] of [
      [`Authorization: Basic ${encoded}`, 'text/plain'],
      ['you sent s3cret-p4ss', 'text/plain'],
      ['<p>you sent s3cret&#45;p4ss</p>', 'text/html'],
      ['{"message": "you sent s3cret\\u002dp4ss"}', 'application/json'],
    ] as const) {
      const words = wordsOf(answer(400, 'you sent s3cret-p4ss', text, { 'content-type': type }), secrets)
      for (const shown of [words.sentence, words.haystack, words.status]) {
        assert.doesNotMatch(shown, /s3cret-p4ss|Y2k6czNjcmV0LXA0c3/i)
      }
      assert.match(words.sentence, /\*\*\*/)
    }
  })

  it('are read in time that grows with their length alone', () => {
    const pages = [
      '<script'.repeat(9000),
      '<!--'.repeat(16_000),
      '&#'.repeat(32_000),
      '<'.repeat(64_000),
      '['.repeat(64_000),
      `{"a":`.repeat(13_000),
    ]
    for (const page of pages) {
      for (const type of ['text/html', 'application/json']) {
        const start = performance.now()
        wordsOf(answer(400, 'Bad', page, { 'content-type': type }), new Secrets())
        assert.ok(performance.now() - start < 1000, `${page.slice(0, 8)} as ${type}`)
      }
    }
  })
})

describe('the number of a request', () => {
  it('is the one that its operators can look for', () => {
    assert.equal(requestNumber(answer(403, '', '', { 'cf-ray': '8a1b-FRA' }), new Secrets()), 'cf-ray 8a1b-FRA')
    assert.equal(requestNumber(answer(403, ''), new Secrets()), undefined)
  })
})
