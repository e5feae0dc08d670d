/**
 * A strict reader of `multipart/form-data` (RFC 7578) that holds one chunk at a time, so that a file of any size passes
 * in constant memory. What two readers could read differently is refused, never guessed.
 */

/** A part's headers never need more; a form that has more is not what package clients send. */
const MAX_HEADER_BYTES = 4096

export interface FormPart {
  readonly name: string
  /** Only a file part has one. */
  readonly filename: string | undefined
  readonly contentType: string | undefined
  /** Must be read to its end before the next part is asked for. */
  readonly body: AsyncIterable<Buffer>
}

/** The form breaks a rule; `status` is the HTTP status that says so. */
export class FormError extends Error {
  readonly status: number

  constructor(message: string, status = 400) {
    super(message)
    this.name = 'FormError'
    this.status = status
  }
}

/** The boundary that a Content-Type header announces (RFC 2046, 5.1.1: 1 to 70 characters). Throws FormError. */
export function boundaryOf(contentType: string | undefined): string {
  const match = /^multipart\/form-data; *boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))$/i.exec(contentType ?? '')
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) throw new FormError('Expected a body of type multipart/form-data with a boundary', 415)
  return boundary
}

/** The parts in their order. Throws FormError where the body is no well-formed form. */
export async function* readForm(source: AsyncIterable<Buffer>, boundary: string): AsyncGenerator<FormPart> {
  const reader = new ByteReader(source)
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  const preamble = await collect(reader.until(delimiter), MAX_HEADER_BYTES, 400)
  if (preamble.length > 0) throw new FormError('Bytes before the first part')
  for (;;) {
    const end = (await reader.take(2)).toString('latin1')
    if (end === '--') break
    if (end !== '\r\n') throw new FormError('A boundary must end its line')
    const headers = await collect(reader.until(Buffer.from('\r\n\r\n')), MAX_HEADER_BYTES, 400)
    yield { ...parseHeaders(headers.toString('utf8')), body: reader.until(delimiter) }
  }
  const rest = await reader.rest(2)
  if (rest.length > 0 && rest.toString('latin1') !== '\r\n') throw new FormError('Bytes after the last part')
}

/** All of a body in one buffer; FormError with `status` where it is longer than `max` bytes. */
export async function collect(body: AsyncIterable<Buffer>, max: number, status = 413): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > max) throw new FormError(`A part of the form is longer than the ${max} bytes that are read`, status)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parseHeaders(text: string): Pick<FormPart, 'name' | 'filename' | 'contentType'> {
  const headers = new Map<string, string>()
  for (const line of text.split('\r\n')) {
    const [, name, value] = /^([A-Za-z-]+): ?(.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined) throw new FormError('A line of a part is no header')
    if (headers.has(name.toLowerCase())) throw new FormError(`A part has two ${name} headers`)
    headers.set(name.toLowerCase(), value)
  }
  const disposition = headers.get('content-disposition') ?? ''
  const [, name, filename] = /^form-data; name="([^"]+)"(?:; filename="([^"]*)")?$/.exec(disposition) ?? []
  if (name === undefined) throw new FormError('A part without Content-Disposition: form-data and a quoted name')
  return { name, filename, contentType: headers.get('content-type') }
}

class ByteReader {
  readonly #source: AsyncIterator<Buffer>
  // The first boundary has no line end before it: with this one it is found like all others.
  #pending: Buffer = Buffer.from('\r\n')

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Everything before `mark`; the mark itself is swallowed. */
  async *until(mark: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#pending.indexOf(mark)
      // The last bytes of a chunk may be the beginning of the mark: they wait for the next chunk.
      const ready = this.#cut(at >= 0 ? at : Math.max(0, this.#pending.length - mark.length + 1))
      if (at >= 0) this.#cut(mark.length)
      if (ready.length > 0) yield ready
      if (at >= 0) return
      await this.#more()
    }
  }

  async take(length: number): Promise<Buffer> {
    while (this.#pending.length < length) await this.#more()
    return this.#cut(length)
  }

  /** What is left of the source, at most one chunk beyond `max` bytes of it. */
  async rest(max: number): Promise<Buffer> {
    while (this.#pending.length <= max && (await this.#next()));
    return this.#pending
  }

  #cut(length: number): Buffer {
    const head = this.#pending.subarray(0, length)
    this.#pending = this.#pending.subarray(length)
    return head
  }

  async #more(): Promise<void> {
    if (!(await this.#next())) throw new FormError('The form ends before its closing boundary')
  }

  async #next(): Promise<boolean> {
    const next = await this.#source.next()
    if (next.done === true) return false
    this.#pending = this.#pending.length === 0 ? next.value : Buffer.concat([this.#pending, next.value])
    return true
  }
}
