import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JsonPage } from '../../../src/package-index/json-page.ts'
import { PageFault } from '../../../src/package-index/page-fault.ts'

interface Read {
  readonly elements: unknown[]
  readonly rest: Record<string, unknown>
}

/** The page, read in chunks of so many bytes. */
function read(text: string, chunk: number): Read {
  const elements: unknown[] = []
  const page = new JsonPage((list, value) => elements.push([list, value]))
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += chunk) page.write(bytes.subarray(at, at + chunk))
  return { elements, rest: Object.fromEntries(page.end()) }
}

/** However it is cut into chunks. */
function readAll(text: string): Read {
  const whole = read(text, text.length * 4)
  for (const chunk of [1, 2, 3, 7]) assert.deepEqual(read(text, chunk), whole)
  return whole
}

describe('a page in JSON', () => {
  const VALUES: unknown[] = [
    { filename: 'a' },
    { filename: 'quote " and \\ and \\" and ] } [ {', nested: { files: [{ a: [1, [2]] }] } },
    { filename: '\\', hashes: {} },
    { filename: '\\\\', url: 'ends in a backslash \\' },
    { filename: 'ü€😀\u2028' },
    {},
  ]

  for (const indent of [undefined, 2]) {
    it(`gives what JSON.parse gives, element by element, indented by ${indent}`, () => {
      const page = { meta: { 'api-version': '1.1', x: '"files": [' }, files: VALUES, versions: ['1', '"'], name: 'ä' }
      const { elements, rest } = readAll(JSON.stringify(page, undefined, indent))
      assert.deepEqual(
        elements,
        VALUES.map((value) => ['files', value]),
      )
      assert.deepEqual(rest, { ...page, files: [] })
    })
  }

  it('gives projects too, and lists of other names or in other places not', () => {
    const page = {
      projects: [{ name: 'a' }],
      files: [{ filename: 'b' }],
      others: [{ c: 1 }],
      deep: { files: [{ d: 1 }] },
    }
    assert.deepEqual(readAll(JSON.stringify(page)).elements, [
      ['projects', { name: 'a' }],
      ['files', { filename: 'b' }],
    ])
  })

  it('gives the files of a list whose name is written with escapes, and of one that comes twice', () => {
    const text = '{"files":[{"a":1}],"\\u0066iles":[{"b":2}]}'
    assert.deepEqual(readAll(text).elements, [
      ['files', { a: 1 }],
      ['files', { b: 2 }],
    ])
  })

  it('costs the memory of one element, at any length', () => {
    const element = `${JSON.stringify({ filename: 'x'.repeat(1000) })},`.repeat(60)
    let count = 0
    const page = new JsonPage(() => {
      count += 1
    })
    page.write(Buffer.from('{"files":['))
    const before = process.memoryUsage().rss
    for (let sent = 0; sent < 64 * 1024 * 1024; sent += element.length) page.write(Buffer.from(element))
    assert.ok(count > 60_000)
    assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024)
  })

  const broken: [what: string, text: string, truncated: boolean][] = [
    ['cut off in the list', '{"files":[{"a":1},', true],
    ['cut off in an element', '{"files":[{"a":1', true],
    ['cut off in a string', '{"meta":"', true],
    ['cut off behind the list', '{"files":[{"a":1}]', true],
    ['text', 'hello', false],
    ['two documents', '{"files":[]}{"files":[]}', false],
    ['closed too often', '{"files":[]}}', false],
    ['an element that is none', '{"files":[{"a":}]}', false],
    ['brackets that do not match', '{"files":[{"a":1]}]}', false],
    ['a list of words', '{"files":["a"]}', false],
    ['a comma at the end', '{"files":[{},]}', false],
    ['a list of lists', '{"files":[[]]}', false],
    ['a list of words and objects', '{"files":[{}, null, {}]}', false],
  ]
  for (const [what, text, truncated] of broken) {
    it(`is refused: ${what}`, () => {
      for (const chunk of [1, 1000]) {
        assert.throws(
          () => read(text, chunk),
          (error) => error instanceof PageFault && error.truncated === truncated,
        )
      }
    })
  }

  it('with very many small lists is read in no long time', { timeout: 20_000 }, () => {
    const text = `{"files":[{"a":1}]${',"x":[]'.repeat(400_000)},"projects":[{"b":2}]}`
    assert.equal(read(text, 64 * 1024).elements.length, 2)
  })

  for (const [what, start] of [
    ['an element', '{"files":[{"a":"'],
    ['something beside the files', '{"x":"'],
    ['depth', '{"files":[{"a":'],
  ] as const) {
    it(`is refused when it has no end: ${what}`, () => {
      const page = new JsonPage(() => {})
      page.write(Buffer.from(start))
      const more = Buffer.from((what === 'depth' ? '[' : 'x').repeat(64 * 1024))
      assert.throws(() => {
        for (let sent = 0; sent < 16 * 1024 * 1024; sent += more.length) page.write(more)
      }, PageFault)
    })
  }
})
