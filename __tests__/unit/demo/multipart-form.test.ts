import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { boundaryOf, collect, FormError, readForm } from '../../../demo/multipart-form.ts'

const BOUNDARY = 'b0undary'

interface Part {
  readonly name: string
  readonly filename: string | undefined
  readonly contentType: string | undefined
  readonly body: string
}

/** Reads a body that arrives in pieces of `size` bytes. */
async function read(body: string, size = body.length): Promise<Part[]> {
  const bytes = Buffer.from(body, 'latin1')
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  const parts: Part[] = []
  for await (const { body: content, ...head } of readForm(pieces(), BOUNDARY)) {
    parts.push({ ...head, body: (await collect(content, 1000)).toString('latin1') })
  }
  return parts
}

const head = (name: string, more = '') =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`
const END = `\r\n--${BOUNDARY}--\r\n`

describe('a form', () => {
  it('reads the same in pieces of any size, with boundaries that are nearly there in its contents', async () => {
    const tricky = `\r\n--b0undar\r\n-\r\r\n--${BOUNDARY.slice(1)}\r`
    const type = '; filename="x.whl"\r\nContent-Type: application/octet-stream'
    const form = `${head('name')}${tricky}\r\n${head('empty')}\r\n${head('content', type)}\0\xff${END}`
    const whole = await read(form)
    assert.deepEqual(whole, [
      { name: 'name', filename: undefined, contentType: undefined, body: tricky },
      { name: 'empty', filename: undefined, contentType: undefined, body: '' },
      { name: 'content', filename: 'x.whl', contentType: 'application/octet-stream', body: '\0\xff' },
    ])
    for (const size of [1, 2, 3, 7, 64]) assert.deepEqual(await read(form, size), whole)
  })

  it('may end without the last line end, and may have no parts', async () => {
    assert.equal((await read(`${head('a')}x${END.trimEnd()}`)).length, 1)
    assert.deepEqual(await read(`--${BOUNDARY}--\r\n`), [])
  })

  it('is refused where two readers could read it differently', async () => {
    const cases = [
      ['ends before its closing boundary', `${head('a')}x`],
      ['ends before its closing boundary', ''],
      ['Bytes before the first part', `preamble\r\n${head('a')}x${END}`],
      ['Bytes after the last part', `${head('a')}x${END}more`],
      ['must end its line', `${head('a')}x\r\n--${BOUNDARY}  \r\n\r\nx${END}`],
      ['without Content-Disposition', `--${BOUNDARY}\r\nContent-Type: text/plain\r\n\r\nx${END}`],
      ['quoted name', `--${BOUNDARY}\r\nContent-Disposition: form-data; name=a\r\n\r\nx${END}`],
      ['quoted name', `${head('a', '; filename="x"; filename*=UTF-8\'\'y')}x${END}`],
      ['two content-disposition', `${head('a', '\r\ncontent-disposition: form-data; name="b"')}x${END}`],
      ['is no header', `${head('a', '\r\nno header')}x${END}`],
      ['longer than the', `${head('a', `\r\nX: ${'x'.repeat(5000)}`)}x${END}`],
    ] as const
    for (const [words, form] of cases) {
      await assert.rejects(read(form), (error) => error instanceof FormError && error.message.includes(words), words)
    }
  })

  it('has a boundary in its Content-Type', () => {
    assert.equal(boundaryOf('multipart/form-data; boundary=abc'), 'abc')
    assert.equal(boundaryOf('Multipart/Form-Data;boundary="a b"'), 'a b')
    for (const type of [
      undefined,
      'multipart/form-data',
      'text/plain; boundary=abc',
      `multipart/form-data; boundary=${'x'.repeat(71)}`,
    ]) {
      assert.throws(() => boundaryOf(type), FormError)
    }
  })
})
