import { Parser } from 'htmlparser2'
import { PageFault } from './page-fault.ts'

/** A link of a page, entities decoded. */
export interface Link {
  readonly href: string
  /** What people see; at most MOST_TEXT characters of it. */
  readonly text: string
}

/** What a page says beside its links. */
export interface HtmlEnd {
  /** Whether it says itself that it is a page of a simple index: by its meta element (PEP 629), title or heading. */
  readonly marked: boolean
  /** `<base href>`: what relative links are relative to. */
  readonly base: string | undefined
}

/** Characters without the end of a tag, and of all attributes of one tag: the parser holds them. */
const MOST_PENDING = 1024 * 1024

/** Elements inside each other: each end tag is looked for among all of them. */
const MOST_DEPTH = 1000

/** Characters of a link's text, of a title. */
const MOST_TEXT = 500

/** Titles and headings of simple indexes, and of directory listings. */
const MARK = /\blinks for\b|\bsimple (?:package )?index\b|^index of \//i

/** A page in HTML, read as it comes (PEP 503): memory stays bounded, whatever the page holds. */
export class HtmlPage {
  readonly #onLink: (link: Link) => void
  readonly #parser: Parser
  readonly #decoder = new TextDecoder()
  #written = 0
  #depth = 0
  #tag = ''
  /** Characters of its attributes. */
  #tagLength = 0
  /** Attributes of the meta element that is open. */
  readonly #meta = new Map<string, string>()
  #href: string | undefined
  #text = ''
  /** Title or heading that is open. */
  #heading: string | undefined
  #base: string | undefined
  #marked = false
  /** Whether html or body was opened, and whether one of them was closed. */
  #opened = false
  #closed = false
  #last = ''

  constructor(onLink: (link: Link) => void) {
    this.#onLink = onLink
    this.#parser = new Parser({
      onopentagname: (name) => this.#open(name),
      onattribute: (name, value) => this.#attribute(name, value),
      ontext: (text) => this.#addText(text),
      onclosetag: (name, implied) => this.#close(name, implied),
    })
  }

  /** @throws PageFault */
  write(chunk: Buffer): void {
    this.#feed(this.#decoder.decode(chunk, { stream: true }))
  }

  /** @throws PageFault when the page breaks off */
  end(): HtmlEnd {
    this.#feed(this.#decoder.decode())
    const openLink = this.#href !== undefined
    this.#parser.end()
    this.#endLink()
    // The end tags may be left out (HTML 5); a page that has the one and not the other, or ends in a tag, breaks off.
    const breaksOff = openLink || (this.#opened ? !this.#closed : !/>\s*$/.test(this.#last))
    if (breaksOff) throw new PageFault('HTML that is cut off', true)
    return { marked: this.#marked, base: this.#base }
  }

  #feed(text: string): void {
    if (text === '') return
    this.#written += text.length
    this.#last = (this.#last + text.slice(-200)).slice(-200)
    this.#parser.write(text)
    if (this.#written - this.#parser.startIndex > MOST_PENDING)
      throw new PageFault('HTML with a tag of more than 1 MiB')
  }

  #open(tag: string): void {
    this.#tag = tag
    this.#tagLength = 0
    this.#depth += 1
    if (this.#depth > MOST_DEPTH) throw new PageFault('HTML whose elements are never closed')
    if (tag === 'a') this.#endLink()
    else if (tag === 'meta') this.#meta.clear()
    else if (tag === 'html' || tag === 'body') this.#opened = true
    else if (tag === 'title' || tag === 'h1') this.#heading = ''
  }

  /** Of an attribute that comes twice the first one counts (HTML 5). */
  #attribute(name: string, value: string): void {
    this.#tagLength += name.length + value.length
    if (this.#tagLength > MOST_PENDING) throw new PageFault('HTML with a tag of more than 1 MiB')
    if (this.#tag === 'meta') this.#readMeta(name, value)
    else if (name === 'href' && this.#tag === 'a') this.#href ??= value
    else if (name === 'href' && this.#tag === 'base') this.#base ??= value
  }

  /** Names of the version of the API: PEP 629; Artifactory. */
  #readMeta(attribute: string, value: string): void {
    if (attribute !== 'name' && attribute !== 'content') return
    if (!this.#meta.has(attribute)) this.#meta.set(attribute, value)
    const name = this.#meta.get('name')?.toLowerCase()
    this.#marked ||= name === 'pypi:repository-version' || name === 'api-version'
    const isLater = /^\s*(?:[2-9]|\d\d)/.test(this.#meta.get('content') ?? '')
    if (name === 'pypi:repository-version' && isLater) throw new PageFault('a page of a later version of the API')
  }

  #addText(text: string): void {
    if (this.#href !== undefined && this.#text.length < MOST_TEXT) this.#text += text.slice(0, MOST_TEXT)
    if (this.#heading !== undefined && this.#heading.length < MOST_TEXT) this.#heading += text.slice(0, MOST_TEXT)
  }

  #close(tag: string, implied: boolean): void {
    this.#depth -= 1
    if (tag === 'a') this.#endLink()
    else if (tag === 'html' || tag === 'body') this.#closed ||= !implied
    else if (tag === 'title' || tag === 'h1') {
      this.#marked ||= MARK.test((this.#heading ?? '').trim())
      this.#heading = undefined
    }
  }

  #endLink(): void {
    if (this.#href === undefined) return
    const link = { href: this.#href, text: this.#text.trim() }
    this.#href = undefined
    this.#text = ''
    this.#onLink(link)
  }
}
