import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { boundaryOf, collect, readForm } from '../../../demo/multipart-form.ts'
import { type MultipartForm, multipartForm } from '../../../src/package-index/multipart.ts'

const NEVER = new AbortController().signal

function fileOf(...chunks: string[]) {
  const buffers = chunks.map((chunk) => Buffer.from(chunk))
  return {
    filename: 'demo-1.0-py3-none-any.whl',
    size: Buffer.concat(buffers).length,
    async *content() {
      yield* buffers
    },
    readWhole: (into: Buffer) => void Buffer.concat(buffers).copy(into),
  }
}

async function bytesOf(form: MultipartForm): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of form.body(NEVER)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** What an independent, strict reader finds: name, file name, type, value. */
async function read(form: MultipartForm): Promise<unknown[]> {
  const parts: unknown[] = []
  for await (const { name, filename, contentType, body } of readForm(form.body(NEVER), boundaryOf(form.contentType))) {
    parts.push([name, filename, contentType, (await collect(body, 1e6)).toString('utf8')])
  }
  return parts
}

describe('a multipart form', () => {
  it('has the text fields in their order, without file name and type, and the file as content at the end', async () => {
    const form = multipartForm(
      [
        ['name', 'demo'],
        ['classifiers', 'a'],
        ['classifiers', 'b'],
      ],
      fileOf('PK', '\x03\x04'),
    )
    assert.deepEqual(await read(form), [
      ['name', undefined, undefined, 'demo'],
      ['classifiers', undefined, undefined, 'a'],
      ['classifiers', undefined, undefined, 'b'],
      ['content', 'demo-1.0-py3-none-any.whl', 'application/octet-stream', 'PK\x03\x04'],
    ])
  })

  it('keeps every byte of a value: LF, CRLF, CR, none at the end, blanks, two dashes, any script', async () => {
    for (const value of ['a\nb\n', 'a\r\nb\r\n', 'a\rb', '', ' a ', '--\r\n--', 'Grüße, 你好 🎉', '\r\n\r\n']) {
      const [part] = await read(multipartForm([['description', value]], fileOf('x')))
      assert.deepEqual(part, ['description', undefined, undefined, value])
    }
  })

  it('announces exactly as many bytes as it has', async () => {
    for (const file of [fileOf(''), fileOf('x'), fileOf('x'.repeat(70_000), 'yz')]) {
      const form = multipartForm(
        [
          ['description', 'Grüße\n'],
          ['requires_python', ''],
        ],
        file,
      )
      assert.equal(form.contentLength, (await bytesOf(form)).length)
    }
  })

  it('can be read again from its start', async () => {
    const form = multipartForm([['name', 'demo']], fileOf('a', 'b'))
    assert.deepEqual(await bytesOf(form), await bytesOf(form))
  })

  it('gets a boundary of its own each time, of 122 random bits', () => {
    const boundaries = Array.from({ length: 100 }, () => boundaryOf(multipartForm([], fileOf('x')).contentType))
    assert.equal(new Set(boundaries).size, 100)
    for (const boundary of boundaries) assert.match(boundary, /^form-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  })

  it('lets no name break out of its header', async () => {
    const text = (await bytesOf(multipartForm([['a"; filename="x"\r\nX-Y: 1', 'v']], fileOf('x')))).toString('latin1')
    assert.match(text, /name="a%22; filename=%22x%22%0D%0AX-Y: 1"\r\n\r\nv\r\n/)
  })

  it('hands the file on chunk by chunk, as it comes', async () => {
    const chunks: number[] = []
    for await (const chunk of multipartForm([], fileOf('aa', 'bbb')).body(NEVER)) chunks.push(chunk.length)
    assert.deepEqual(chunks.slice(1, -1), [2, 3])
  })

  it('is one chunk where all of it fits into one buffer to the last byte', async () => {
    const form = multipartForm([['name', 'demo']], fileOf('a', 'bc'))
    const bytes = await bytesOf(form)
    const end = `\r\n--${boundaryOf(form.contentType)}--\r\n`.length
    const inParts = [bytes.length - end - 3, 1, 2, end]
    for (const [room, fieldsFirst, chunks] of [
      [bytes.length, false, [bytes.length]],
      [bytes.length + 100, false, [bytes.length]],
      [bytes.length - 1, false, inParts],
      [bytes.length, true, inParts],
    ] as const) {
      const found: Buffer[] = []
      for await (const chunk of form.body(NEVER, [Buffer.alloc(room, 'x')], fieldsFirst)) found.push(chunk)
      assert.deepEqual(
        found.map(({ length }) => length),
        chunks,
      )
      assert.deepEqual(Buffer.concat(found), bytes)
    }
  })
})
