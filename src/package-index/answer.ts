import { type BrotliOptions, brotliDecompressSync, gunzipSync, inflateSync, type ZlibOptions } from 'node:zlib'

/** Bytes of an answer that are read, before and after decoding: more is not needed to say what a server means. */
export const MAX_ANSWER_BYTES = 64 * 1024

/** What a server answered. Everything in it is foreign text. */
export interface Answer {
  readonly status: number
  /** Reason phrase of the status line: some indexes say only there what is wrong. */
  readonly reason: string
  /** Names in lower case; of a header that came twice the first value. */
  readonly headers: ReadonlyMap<string, string>
  /** At most MAX_ANSWER_BYTES; `''` where there is none or it cannot be decoded. */
  readonly text: string
}

/** The text of an answer's body, of which the first bytes count. */
export function answerText(body: Buffer, headers: ReadonlyMap<string, string>): string {
  return decoded(body.subarray(0, MAX_ANSWER_BYTES), headers.get('content-encoding') ?? 'identity').toString('utf8')
}

export function isHtml({ headers, text }: Answer): boolean {
  const type = headers.get('content-type') ?? ''
  return type === '' ? /^\s*<(?:!doctype|html)/i.test(text) : /\bhtml\b/i.test(type)
}

type Decoder = (bytes: Buffer, options: ZlibOptions & BrotliOptions) => Buffer

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateSync],
  ['br', brotliDecompressSync],
  ['identity', (bytes) => bytes],
])

/** Some fronts compress although nobody asked. What cannot be decoded within the limit (a bomb) counts as no text. */
function decoded(bytes: Buffer, encoding: string): Buffer {
  const decode = DECODERS.get(encoding.trim().toLowerCase())
  if (decode === undefined || bytes.length === 0) return Buffer.alloc(0)
  try {
    return decode(bytes, { maxOutputLength: MAX_ANSWER_BYTES })
  } catch {
    return Buffer.alloc(0)
  }
}
