import { type HtmlEnd, HtmlPage, type Link } from './html-page.ts'
import { JsonPage, membersOf, type PageList } from './json-page.ts'
import { PageFault } from './page-fault.ts'

/** Bytes of a page after decoding. */
export const MOST_PAGE_BYTES = 256 * 1024 * 1024

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json'
const HTML_TYPE = 'application/vnd.pypi.simple.v1+html'

/** The representation that is liked best; devpi answers to HTML_TYPE alone with a broken type. */
export const ACCEPT = {
  json: `${JSON_TYPE}, ${HTML_TYPE};q=0.2, text/html;q=0.01`,
  html: `text/html, ${HTML_TYPE};q=0.2`,
} as const

export interface PageListener {
  /** A link of a page in HTML. */
  link(link: Link): void
  /** An entry of a page in JSON. */
  entry(list: PageList, value: unknown): void
}

/** The end of a page. `marked`: it says itself that it is one of a simple index. */
export type PageEnd =
  | ({ readonly form: 'html' } & HtmlEnd)
  | { readonly form: 'json'; readonly members: ReadonlyMap<string, unknown> }

type Representation =
  | { readonly form: 'html'; readonly page: HtmlPage }
  | { readonly form: 'json'; readonly page: JsonPage }

/** A page of a simple index in either representation, read as it comes. */
export class IndexPage {
  readonly #type: string
  readonly #listener: PageListener
  #page: Representation | undefined

  /** `contentType`: as the header has it. It decides only where the first byte does not: some servers give a wrong one. */
  constructor(contentType: string, listener: PageListener) {
    this.#type = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
    this.#listener = listener
  }

  /** @throws PageFault */
  write(chunk: Buffer): void {
    let body = chunk
    if (this.#page === undefined) {
      // White space before the first byte that tells; a byte order mark, which JSON.parse does not take.
      const at = chunk.findIndex((byte) => ![0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf].includes(byte))
      if (at < 0) return
      body = chunk.subarray(at)
      this.#page = this.#begin(String.fromCharCode(body[0] ?? 0))
    }
    this.#page.page.write(body)
  }

  /** @throws PageFault */
  end(): PageEnd {
    if (this.#page === undefined) throw new PageFault('an empty answer')
    if (this.#page.form === 'html') {
      const { marked, base } = this.#page.page.end()
      return { form: 'html', marked: marked || this.#type === HTML_TYPE, base }
    }
    const members = this.#page.page.end()
    const version = membersOf(members.get('meta')).get('api-version')
    if (!/^1(?:\.|$)/.test(String(version))) throw new PageFault('JSON of another kind, without meta.api-version 1')
    return { form: 'json', members }
  }

  #begin(first: string): Representation {
    const { link, entry } = this.#listener
    // `text_html`: devpi.
    const html = this.#type === HTML_TYPE || /^text[/_]x?html$/.test(this.#type)
    if (first === '{') return { form: 'json', page: new JsonPage(entry) }
    if (first === '<' || html) return { form: 'html', page: new HtmlPage(link) }
    throw new PageFault('neither HTML nor JSON')
  }
}
