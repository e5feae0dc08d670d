import { randomUUID } from 'node:crypto'
import type { Ring } from './chunk-buffers.ts'

/** The one file of a form. `content` gives exactly `size` bytes, from the start at each call. */
export interface FormFile {
  readonly filename: string
  /** Bytes. */
  readonly size: number
  content(signal: AbortSignal, ring: Ring | undefined): AsyncIterable<Buffer>
  /** All of it at once, at the start of `into`. */
  readWhole(into: Buffer): void
}

/** A `multipart/form-data` body (RFC 7578) that is read chunk by chunk; the file is never in memory as a whole. */
export interface MultipartForm {
  /** Value of the Content-Type header. */
  readonly contentType: string
  /** Bytes of the whole body: servers of the WSGI kind refuse or lose a body of unknown length. */
  readonly contentLength: number
  /**
   * The body from its start; each attempt takes one of its own, and may lend buffers for the file. A form that fits into
   * the first of these comes as one chunk, which costs one write instead of three, unless the fields shall go first.
   */
  body(signal: AbortSignal, ring?: Ring, fieldsFirst?: boolean): AsyncGenerator<Buffer>
}

/**
 * Text fields in their order, then the file as `content`. Values go out byte for byte: a browser's encoder would turn
 * each LF of a description into CRLF, and a digest over it would no longer fit.
 */
export function multipartForm(fields: readonly (readonly [string, string])[], file: FormFile): MultipartForm {
  // 122 random bits: neither a field nor the file can be made to contain it.
  const boundary = `form-${randomUUID()}`
  const parts = fields.map(([name, value]) => `${disposition(boundary, name)}\r\n\r\n${value}\r\n`)
  const start = `${disposition(boundary, 'content')}; filename="${quoted(file.filename)}"`
  const head = Buffer.from(`${parts.join('')}${start}\r\nContent-Type: application/octet-stream\r\n\r\n`, 'utf8')
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1')
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    contentLength: head.length + file.size + tail.length,
    async *body(signal, ring, fieldsFirst = false) {
      const whole = fieldsFirst ? undefined : inOne(head, file, tail, ring)
      if (whole !== undefined) {
        yield whole
        return
      }
      yield head
      yield* file.content(signal, ring)
      yield tail
    },
  }
}

function inOne(head: Buffer, file: FormFile, tail: Buffer, ring: Ring | undefined): Buffer | undefined {
  const [buffer] = ring ?? []
  const end = head.length + file.size
  if (buffer === undefined || end + tail.length > buffer.length) return undefined
  head.copy(buffer)
  file.readWhole(buffer.subarray(head.length, end))
  tail.copy(buffer, end)
  return buffer.subarray(0, end + tail.length)
}

/** A text part has no file name and no type: several indexes take whatever has one for a file. */
function disposition(boundary: string, name: string): string {
  return `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"`
}

/** What would end the quoted text or the line, as browsers write it (HTML, "multipart/form-data encoding algorithm"). */
function quoted(text: string): string {
  return text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}
