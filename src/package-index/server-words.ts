import { clip, printable, redact, type Secrets } from '../text.ts'
import type { Answer } from './answer.ts'

/** Characters of a server's words in one sentence. */
const MAX_WORDS = 400
/** Characters of a reason phrase: Warehouse and its relatives write whole paragraphs there. */
const MAX_REASON = 300

/** What a server said, fit to be shown: redacted, printable, clipped. */
export interface ServerWords {
  /** `403 Forbidden`, or the status with the server's own reason phrase. */
  readonly status: string
  /** `403 Forbidden: You may not upload here` */
  readonly sentence: string
  /** Everything that it said, redacted and in lower case, to look for phrases in. Not to be shown. */
  readonly haystack: string
}

/**
 * Reads the server's words where servers put them: reason phrase, JSON (`message`, `detail`, `errors` ..., RFC 9457),
 * HTML, plain text. Secrets are taken out of the raw answer, and again of what was taken out of HTML or JSON, where
 * escapes can hide them.
 */
export function wordsOf({ status, reason, headers, text }: Answer, secrets: Secrets): ServerWords {
  const said = redact(textOf(redact(text, secrets), headers.get('content-type') ?? ''), secrets)
  const phrase = redact(reason, secrets)
  const statusLine = `${status} ${unended(printable(phrase, MAX_REASON)) || usualReason(status)}`.trim()
  const body = unended(beyond(printable(said, MAX_WORDS), statusLine))
  return {
    status: statusLine,
    sentence: body === '' ? statusLine : `${statusLine}: ${body}`,
    haystack: `${phrase}\n${said}`.replace(/\s+/g, ' ').toLowerCase(),
  }
}

/** Node.js' own HTTP client is loaded for its words alone, and only where a server says none. */
function usualReason(status: number): string {
  return process.getBuiltinModule('node:http').STATUS_CODES[status] ?? ''
}

/** Words that stand in a sentence of ours, which goes on or has an end of its own. */
function unended(words: string): string {
  return words.replace(/([^.])\.$/, '$1')
}

/** Many pages begin with their own status line, and many servers say the same in the reason phrase and in the body. */
function beyond(body: string, statusLine: string): string {
  const phrase = statusLine.replace(/^\d+ /, '')
  for (const known of [statusLine, `Error: ${statusLine}`, phrase]) {
    if (known !== '' && body.startsWith(known)) return body.slice(known.length).replace(/^[\s.:,-]+/, '')
  }
  return body
}

/** Cloudflare, Azure, CloudFront, Akamai; then what many servers use. */
const REQUEST_NUMBERS = [
  'cf-ray',
  'x-azure-ref',
  'x-amz-cf-id',
  'x-akamai-request-id',
  'x-request-id',
  'x-amzn-requestid',
  'x-correlation-id',
]

/** The request number of a front or of the index, which its operators need to find the request in their log. */
export function requestNumber({ headers }: Answer, secrets: Secrets): string | undefined {
  for (const name of REQUEST_NUMBERS) {
    const value = printable(redact(headers.get(name) ?? '', secrets), 80)
    if (value !== '') return `${name} ${value}`
  }
  return undefined
}

/** What a body says to people. */
function textOf(body: string, contentType: string): string {
  const start = body.trimStart()
  if (/\bjson\b/i.test(contentType) || start.startsWith('{') || start.startsWith('[')) {
    const messages = jsonMessages(body)
    if (messages !== undefined) return messages
  }
  return /\bhtml\b/i.test(contentType) || start.startsWith('<') ? htmlText(body) : body
}

/** Keys under which servers put a sentence, the best first: what has one often repeats the status under another. */
const MESSAGE_KEYS = [
  'message',
  'detail',
  'msg',
  'errors',
  'error_description',
  'description',
  'error',
  'title',
  'reason',
]

const MAX_DEPTH = 6
const MAX_MESSAGES = 10

/** Undefined when the text is no JSON. */
function jsonMessages(body: string): string | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return undefined
  }
  const found = new Set<string>()
  collect(parsed, found, MAX_DEPTH)
  return [...found].join('; ')
}

function collect(value: unknown, found: Set<string>, depth: number): void {
  if (depth === 0 || found.size >= MAX_MESSAGES) return
  if (typeof value === 'string') {
    if (value.trim() !== '') found.add(value.trim())
  } else if (Array.isArray(value)) {
    for (const one of value) collect(one, found, depth - 1)
  } else if (typeof value === 'object' && value !== null) {
    collectMembers(new Map<string, unknown>(Object.entries(value)), found, depth)
  }
}

/** The first member that has a message; of an object without any (Django's `{field: [...]}`) all, with their names. */
function collectMembers(members: ReadonlyMap<string, unknown>, found: Set<string>, depth: number): void {
  const before = found.size
  for (const key of MESSAGE_KEYS) {
    collect(members.get(key), found, depth - 1)
    if (found.size > before) return
  }
  for (const [key, value] of members) {
    const own = new Set<string>()
    collect(value, own, depth - 1)
    for (const message of own) if (found.size < MAX_MESSAGES) found.add(`${clip(key, 60)}: ${message}`)
  }
}

/** Elements whose text nobody sees. */
const INVISIBLE = new Set(['script', 'style', 'template', 'svg'])

/** The visible text of a page: of its body, or its title where the body has none. One pass, whatever the page holds. */
function htmlText(html: string): string {
  let hidden: string | undefined
  let inTitle = false
  const title: string[] = []
  const visible: string[] = []
  const [before = '', ...pieces] = html.replace(/<!--/g, '<comment>').replace(/-->/g, '</comment>').split('<')
  visible.push(before)
  for (const piece of pieces) {
    const end = piece.indexOf('>')
    const [, slash, name = ''] = /^(\/?)([a-z][a-z0-9]*)/i.exec(piece) ?? []
    const tag = name.toLowerCase()
    if (hidden === undefined && slash === '' && (INVISIBLE.has(tag) || tag === 'comment')) hidden = tag
    else if (hidden === tag && slash === '/') hidden = undefined
    if (tag === 'title') inTitle = slash === ''
    const text = end < 0 ? '' : piece.slice(end + 1)
    if (hidden === undefined) (inTitle ? title : visible).push(text)
  }
  const words = (parts: string[]) => entities(parts.join(' ')).replace(/\s+/g, ' ').trim()
  return words(visible) || words(title)
}

const NAMED = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
])

/** Numeric entities and those of NAMED; others stay as they are. */
function entities(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([a-z]{2,5}));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return NAMED.get(String(name).toLowerCase()) ?? whole
    const point = hex === undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16)
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}
