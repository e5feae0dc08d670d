import { base64Lines, decodeBase64, withoutFilling } from './base64.ts'

/** One block as it stands in the text (RFC 7468; RFC 1421 for encrypted keys of old). */
export type PemBlock = {
  /** From 1, in the order of the BEGIN lines. */
  readonly number: number
  /** In the canonical spelling; undefined where it is none that we know: a damaged line can hold part of a key, and is never shown. */
  readonly label: string | undefined
} & (PemContent | { readonly fault: PemFault })

interface PemContent {
  /** What the base64 gives: never empty. */
  readonly bytes: Buffer
  /** Of `Proc-Type: 4,ENCRYPTED`: how the bytes are encrypted. */
  readonly encryption: PemEncryption | undefined
  readonly fault?: undefined
}

export interface PemEncryption {
  /** OpenSSL's name, such as `DES-EDE3-CBC`; undefined: none that we know. */
  readonly cipher: string | undefined
  /** Hex. */
  readonly iv: string
}

export interface PemFault {
  /** Something is missing at the end (or the beginning): the value was cut off, not altered. */
  readonly cutOff: boolean
  /** `its END line is missing`. */
  readonly what: string
}

const LABELS = [
  'CERTIFICATE',
  'X509 CERTIFICATE',
  'TRUSTED CERTIFICATE',
  'PKCS7',
  'PKCS #7 SIGNED DATA',
  'CMS',
  'PKCS12',
  'PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'RSA PRIVATE KEY',
  'EC PRIVATE KEY',
  'DSA PRIVATE KEY',
  'ANY PRIVATE KEY',
  'OPENSSH PRIVATE KEY',
  'PUBLIC KEY',
  'RSA PUBLIC KEY',
  'DSA PUBLIC KEY',
  'CERTIFICATE REQUEST',
  'NEW CERTIFICATE REQUEST',
  'X509 CRL',
  'EC PARAMETERS',
  'DH PARAMETERS',
  'X9.42 DH PARAMETERS',
  'DSA PARAMETERS',
  'TSS2 PRIVATE KEY',
  'ENCRYPTED COSIGN PRIVATE KEY',
  'ENCRYPTED SIGSTORE PRIVATE KEY',
  'AGE ENCRYPTED FILE',
  'PGP PRIVATE KEY BLOCK',
  'PGP PUBLIC KEY BLOCK',
  'PGP MESSAGE',
]

/** By its characters without blanks: what takes line ends out of a secret often takes the blanks too. */
const CANONICAL: ReadonlyMap<string, string> = new Map(LABELS.map((label) => [label.replaceAll(' ', ''), label]))

const LONGEST_LABEL = 60

/** Hex digits of the initialisation vector: its length is known, so that even one long line can be read. */
const IV_DIGITS: ReadonlyMap<string, number> = new Map([
  ['DES-CBC', 16],
  ['DES-EDE3-CBC', 16],
  ['AES-128-CBC', 32],
  ['AES-192-CBC', 32],
  ['AES-256-CBC', 32],
])

/** Whether a text holds PEM, even a part of it. */
export function isPem(text: string): boolean {
  return /-----(BEGIN|END)/.test(text)
}

/**
 * PEM as secret stores, terminals and JSON hand it on, with plain line ends again. Only for text that holds PEM: in a
 * Windows path a backslash is a backslash.
 */
export function repairPem(text: string): string {
  return text
    .replace(/[\0\ufeff]/g, '')
    .replace(/\\+[rnt]?|%0[AaDd]/g, '\n')
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
}

/** Every block of a repaired text, in order: one for each BEGIN line, readable or not. */
export function readPem(text: string): readonly PemBlock[] {
  return segmentsOf(text).map((segment, index) => readSegment(segment, index + 1))
}

/** From one BEGIN line to the next; what stands before the first one is one too where it holds an END line. */
function segmentsOf(text: string): string[] {
  const [before = '', ...segments] = text.split(/(?=-----BEGIN)/)
  if (before.startsWith('-----BEGIN')) return [before, ...segments]
  return before.includes('-----END') ? [before, ...segments] : segments
}

function readSegment(segment: string, number: number): PemBlock {
  if (!segment.startsWith('-----BEGIN')) return { number, label: undefined, ...cutOff('its BEGIN line is missing') }
  const begin = BEGIN_LINE.exec(segment)
  if (begin === null) return { number, label: undefined, ...damaged('its BEGIN line is damaged') }
  const label = CANONICAL.get(compact(begin[1]))
  const rest = segment.slice(begin[0].length)
  const end = rest.indexOf('-----END')
  if (end < 0) return { number, label, ...cutOff('its END line is missing') }
  if (rest.includes('-----END', end + 1))
    return { number, label, ...cutOff('an END line follows whose BEGIN line is missing') }
  const endLine = END_LINE.exec(rest.slice(end))
  if (endLine === null) return { number, label, ...cutOff('its END line is not whole') }
  if (compact(begin[1]) !== compact(endLine[1])) {
    return { number, label, ...damaged('its BEGIN and END lines name different things') }
  }
  return { number, label, ...readBody(rest.slice(0, end), label) }
}

function cutOff(what: string): { readonly fault: PemFault } {
  return { fault: { cutOff: true, what } }
}

function damaged(what: string): { readonly fault: PemFault } {
  return { fault: { cutOff: false, what } }
}

const BEGIN_LINE = new RegExp(`^-----BEGIN([^-]{0,${LONGEST_LABEL}})-----`)
const END_LINE = new RegExp(`^-----END([^-]{0,${LONGEST_LABEL}})-----`)

function compact(label = ''): string {
  return withoutFilling(label).toUpperCase()
}

function readBody(body: string, label: string | undefined): PemContent | { readonly fault: PemFault } {
  // Its last line is a checksum of its own; nothing here reads it.
  if (label?.startsWith('PGP')) return { bytes: Buffer.from(body), encryption: undefined }
  const { encryption, base64 } = splitHeaders(body)
  const bytes = decodeBase64(base64)
  if (bytes === undefined) return damaged('a character in it is no base64')
  return bytes.length === 0 ? damaged('it is empty') : { bytes, encryption }
}

interface Body {
  readonly encryption: PemEncryption | undefined
  readonly base64: string
}

/** RFC 1421 headers before the base64, which may have lost their line ends and blanks. */
function splitHeaders(text: string): Body {
  // Where BEGIN and END lines have more than five hyphens, the surplus stands here.
  const body = withoutHyphens(text)
  const header = /^\s*Proc-Type:\s*4,\s*ENCRYPTED\s*DEK-Info:\s*([A-Z0-9-]{1,20}),\s*/.exec(body)
  if (header === null) return { encryption: undefined, base64: withoutHeaderLines(body) }
  const cipher = header[1] ?? ''
  const rest = body.slice(header[0].length)
  const digits = IV_DIGITS.get(cipher) ?? 0
  const iv = rest.slice(0, digits)
  if (digits > 0 && /^[0-9A-Fa-f]*$/.test(iv)) return { encryption: { cipher, iv }, base64: rest.slice(digits) }
  return { encryption: { cipher: undefined, iv: '' }, base64: rest.replace(/^[0-9A-Fa-f]+\s/, '') }
}

/** Character by character: a regular expression tries every hyphen of a long row as the first one. */
function withoutHyphens(text: string): string {
  let start = 0
  let end = text.length
  while (text[start] === '-') start += 1
  while (end > start && text[end - 1] === '-') end -= 1
  return text.slice(start, end)
}

function withoutHeaderLines(body: string): string {
  const lines = body.split('\n')
  const first = lines.findIndex((line) => line.trim() !== '' && !/^\s*[A-Za-z][A-Za-z0-9-]*: /.test(line))
  return lines.slice(Math.max(first, 0)).join('\n')
}

/** The base64 of each block as it stands there, whole or damaged, without BEGIN, END and header lines. */
export function pemBodies(text: string): readonly string[] {
  return segmentsOf(text).map((segment) => {
    const end = segment.indexOf('-----END')
    const body = (end < 0 ? segment : segment.slice(0, end)).replace(BEGIN_LINE, '').replace('-----BEGIN', '')
    return splitHeaders(body).base64 || body
  })
}

/** An encrypted key as OpenSSL writes it. */
export function writeEncryptedPem(label: string, bytes: Buffer, { cipher, iv }: PemEncryption): string {
  const lines = ['Proc-Type: 4,ENCRYPTED', `DEK-Info: ${cipher},${iv}`, '', ...base64Lines(bytes.toString('base64'))]
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
