/**
 * The only way by which foreign text (a server's words, a file name, metadata, a certificate's subject) reaches a log,
 * a file, an annotation or a command line.
 */

/** What can move the cursor, reorder text or hide in it: C0, C1, zero width, bidi, tags. Line ends are white space. */
const UNPRINTABLE = unicodePattern('\\p{Cc}|\\p{Cf}|\\p{Cs}|\\p{Co}|\\p{Default_Ignorable_Code_Point}', 'gu')

/**
 * A pattern with classes of Unicode, built when it is first asked for. V8 reads their tables for each such literal already
 * when it reads the program, whether the code ever runs or not: a millisecond at every start.
 */
export function unicodePattern(source: string, flags = 'u'): () => RegExp {
  let pattern: RegExp | undefined
  return () => {
    pattern ??= new RegExp(source, flags)
    return pattern
  }
}

/** What is one printable line as it is. Nearly every text is, and the tables of Unicode take a millisecond to load. */
const PLAIN = /^[!-~]+(?: [!-~]+)*$/

/** Foreign text as one printable line of at most `max` characters: controls become blanks, runs of blanks one. */
export function printable(text: string, max = 300): string {
  if (text.length <= max && PLAIN.test(text)) return text
  // Clipped before the regular expressions too: a 64 KiB answer must not cost more than what is shown of it.
  const start = text.slice(0, max * 8)
  const line = start.replace(UNPRINTABLE(), ' ').replace(/\s+/g, ' ').trim()
  return clip(start.length < text.length ? `${line}…` : line, max)
}

/** At most `max` characters, with an ellipsis where something was cut. Never splits a surrogate pair. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text
  const cut = text.slice(0, Math.max(0, max - 1))
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`
}

/** The runner reads `##[command]` anywhere in a plain log line: broken up, it is only text. */
export function defuse(line: string): string {
  return line.replaceAll('##[', '# #[')
}

/** One word of a shell command that we print for people to paste (POSIX shells). */
export function shellWord(text: string): string {
  return `'${printable(text, 4096).replaceAll("'", `'\\''`)}'`
}

/**
 * Foreign text for a Markdown document: every character but plain ones as a numeric entity, which CommonMark never
 * takes for structure, inside `<code>`, where GitHub links no mentions.
 */
export function markdownCode(text: string, max = 300): string {
  return `<code>${entities(printable(text, max))}</code>`
}

/** Foreign text inside a Markdown sentence or table cell, without `<code>`. */
export function markdownText(text: string, max = 1000): string {
  return entities(printable(text, max))
}

/**
 * Lines for a Markdown document as one block that is shown as it is and can be copied. Entities inside `<pre>`, and no
 * fence: nothing in the lines can end it, whatever they hold.
 */
export function markdownBlock(lines: readonly string[]): string {
  const shown = lines.map((line) => entities(line.replace(UNPRINTABLE(), ' ')))
  return `<pre>\n${shown.join('\n')}\n</pre>\n`
}

/**
 * Foreign text for a quoted label of a Mermaid diagram: every character but plain ones as `#code;`, so that it can end no
 * label, make no node, link or style, and is no HTML. Mermaid turns the codes back before its later steps look for
 * formulas (`$$`), icons (`fa:fa-`), Markdown and its own placeholders: a zero-width non-joiner behind each sign keeps those
 * apart.
 */
export function mermaidText(text: string, max = 140): string {
  return printable(text, max).replace(/[^A-Za-z0-9 ]/gu, (character) => {
    const isSign = character <= '~' || !LETTER().test(character) || character === MERMAID_PLACEHOLDER
    return `#${character.codePointAt(0)};${isSign ? '#8204;' : ''}`
  })
}

const LETTER = unicodePattern('[\\p{L}\\p{M}\\p{N}]')

/** With which Mermaid begins what stands for a `#code;` while it parses. */
const MERMAID_PLACEHOLDER = '\ufb02'

/** `-`, `+` and `=` make lists and headings, but only where a line begins. */
function entities(text: string): string {
  return text.replace(/^[+=-]|[^A-Za-z0-9 ,;+=-]/gu, (character) => `&#${character.codePointAt(0)};`)
}

/** Shortest value that is searched for: a shorter one would blank half of every text. */
const SHORTEST_SECRET = 4

/** A line of a PEM body has 64 characters or 76; shorter lines of a secret are ordinary words too often. */
const SHORTEST_LINE = 16

/** Fewer base64 characters than these are in too many innocent texts. */
const SHORTEST_BASE64 = 6

/** A form has at least a quarter of its value's characters: four of Latin-1 that are read as UTF-8 become one, of two units. */
const SHORTENED_BY = 4

/** Append-only: every value that must never be shown, in all forms in which a server could send it back. */
export class Secrets {
  /** Those whose forms nobody needed yet: no text was long enough for them. */
  readonly #values = new Set<string>()
  readonly #forms = new Set<string>()
  #longestFirst: readonly string[] = []

  /** A whole secret: its value, its lines, and what base64, percent-encoding and JSON make of them. */
  add(value: string): void {
    const whole = value.trim()
    if (whole.length >= SHORTEST_SECRET) for (const one of [value, whole]) this.#values.add(one)
    for (const line of whole.split(/[\r\n]+/)) {
      const trimmed = line.trim()
      if (trimmed.length >= SHORTEST_LINE && !trimmed.startsWith('-----')) this.#values.add(trimmed)
    }
  }

  /** All that a text of `length` characters can hold. Longest first, so that a secret that contains another one goes as a whole. */
  forms(length: number): readonly string[] {
    const before = this.#forms.size
    for (const value of this.#values) {
      if (value.length > length * SHORTENED_BY) continue
      this.#values.delete(value)
      for (const form of formsOf(value)) this.#forms.add(form)
    }
    if (this.#forms.size > before) this.#longestFirst = [...this.#forms].sort((a, b) => b.length - a.length)
    return this.#longestFirst
  }
}

function formsOf(value: string): string[] {
  return [value, ...misread(value), ...percentForms(value), ...jsonForms(value), ...base64Forms(value)]
}

/** UTF-8 read as Latin-1, as header fields are (undici), and Latin-1 read as UTF-8, as bodies and reason phrases are. */
function misread(value: string): string[] {
  return [Buffer.from(value, 'utf8').toString('latin1'), Buffer.from(value, 'latin1').toString('utf8')]
}

/** As browsers do it and as RFC 3986 has it, with `+` for blanks as forms have it, hex digits in either case. */
function percentForms(value: string): string[] {
  const loose = encodeURIComponent(value.toWellFormed())
  const strict = loose.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  const upper = [loose, strict].flatMap((form) => [form, form.replaceAll('%20', '+')])
  return [...upper, ...upper.map((form) => form.replace(/%../g, (escaped) => escaped.toLowerCase()))]
}

/** The shortest form; with `\uXXXX` for what is not ASCII (Python) and what is special in HTML (Go); with `\/` (PHP). */
function jsonForms(value: string): string[] {
  const quoted = JSON.stringify(value).slice(1, -1)
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  const ascii = quoted.replace(/[\u007f-\uffff]/g, escaped)
  return [quoted, ascii, quoted.replace(/[<>&]/g, escaped), ascii.replaceAll('/', '\\/')]
}

/** The base64 of a text that holds `value` somewhere has one of three alignments; both alphabets. */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8')
  const forms = [bytes.toString('base64')]
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    // A character that also holds bits of what stands before or behind differs from text to text: 6 bits of 8 a byte.
    forms.push(encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6)))
  }
  return forms
    .filter((form) => form.length >= SHORTEST_BASE64)
    .flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')])
}

/** Raw foreign text with every secret replaced by `***`. Runs before clipping and escaping: a cut secret would not be found. */
export function redact(text: string, secrets: Secrets): string {
  let result = text
  for (const form of secrets.forms(text.length)) if (result.includes(form)) result = result.replaceAll(form, '***')
  return result
}

/** `1 file`, `3 files`. */
export function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}

/** Bytes for people: `417 bytes`, `1.3 MB` (powers of ten, as package indexes show them). */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return count(bytes, 'byte')
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes / 1000
  let unit = 0
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${value.toFixed(1)} ${units[unit]}`
}

/** `2026-11-25` of a point in time, UTC; `(unreadable)` for an invalid one, which a certificate can hold. */
export function formatDate(date: Date): string {
  return Number.isNaN(date.getTime()) ? '(unreadable)' : date.toISOString().slice(0, 10)
}

/** A URL as it may be shown: scheme, host, port and path; never user, password, query or fragment. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

/** Characters of a certificate's name in a sentence: company names with four or five parts fit. */
const LONGEST_NAME = 160

/** A certificate's subject as one printable line, the most specific part first: `CN=Issuing CA, O=Example`. */
export function subjectOf({ subject }: { readonly subject: string | undefined }): string {
  return nameLine(subject)
}

/** A certificate's issuer, as `subjectOf` shows a subject. */
export function issuerOf({ issuer }: { readonly issuer: string | undefined }): string {
  return nameLine(issuer)
}

/** Node writes one part of a name a line, the most general first; nothing at all where it is empty. */
function nameLine(name: string | undefined): string {
  const parts = (name ?? '').split('\n').reverse()
  return printable(parts.join(', '), LONGEST_NAME) || '(no name)'
}

/** A point in time for people, UTC: `2026-11-25 09:30 UTC`; `(unreadable)` for an invalid one. */
export function formatTime(time: Date): string {
  return Number.isNaN(time.getTime()) ? '(unreadable)' : `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
