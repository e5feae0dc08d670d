import type { Link } from './html-page.ts'
import { IndexPage } from './index-page.ts'
import type { PageList } from './json-page.ts'
import { elementFile, elementHref, elementName, type ListedFile, linkedFile, linkName } from './listed-file.ts'
import { PageFault } from './page-fault.ts'

/** An entry for a file of ours. */
export interface Entry extends ListedFile {
  /** Where the file is, without fragment and user; undefined where that cannot be read. */
  readonly url: URL | undefined
}

/** What a project's page says of our files. */
export interface ProjectPage {
  /** Where it came from, after all redirects. */
  readonly url: URL
  /** Files on it; of those below `ownFiles` alone where that is given. */
  readonly listed: number
  /** By our file name: its different entries; none where it is not listed. */
  readonly entries: ReadonlyMap<string, readonly Entry[]>
}

export interface PageRequest {
  /** Normalised project name. */
  readonly project: string
  /** Our file names. */
  readonly files: readonly string[]
  readonly url: URL
  readonly contentType: string
  /** Links elsewhere are another index's (devpi's bases). */
  readonly ownFiles: URL | undefined
}

/** Different entries of one file: an index has one or two. */
const MOST_ENTRIES = 100

/** Our file, and what the page has of it. An index that lists the exact name beside another spelling keeps both. */
interface Wanted {
  readonly exact: Map<string, ListedFile>
  readonly spelled: Map<string, ListedFile>
}

/** Reads the page of a project, of which only the entries of our files are kept. */
export class ProjectPageReader {
  readonly #request: PageRequest
  readonly #page: IndexPage
  readonly #keyOf: (file: string) => string | undefined
  readonly #byName = new Map<string, Wanted>()
  readonly #byKey = new Map<string, Wanted[]>()
  #listed = 0
  /** Entries that are this project's by their name. */
  #ofProject = 0

  constructor(request: PageRequest) {
    this.#request = request
    this.#keyOf = fileKey(request.project)
    for (const file of request.files) {
      const wanted: Wanted = { exact: new Map(), spelled: new Map() }
      const key = this.#keyOf(file) ?? file
      this.#byName.set(file, wanted)
      this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), wanted])
    }
    this.#page = new IndexPage(request.contentType, {
      link: ({ href, text }: Link) => {
        const name = linkName(href, text)
        if (name !== undefined) this.#add(name, href, () => linkedFile(name, href))
      },
      entry: (list: PageList, value: unknown) => {
        const name = list === 'files' ? elementName(value) : undefined
        if (name !== undefined) this.#add(name, elementHref(value), () => elementFile(name, value))
      },
    })
  }

  /** @throws PageFault */
  write(chunk: Buffer): void {
    this.#page.write(chunk)
  }

  /** @throws PageFault when that was no whole page of the project */
  end(): ProjectPage {
    const end = this.#page.end()
    const { url, project } = this.#request
    if (end.form === 'json') {
      const name = end.members.get('name')
      if (!Array.isArray(end.members.get('files'))) throw new PageFault('JSON of another kind, without a list of files')
      if (typeof name === 'string' && normalized(name) !== project) throw new PageFault('the page of another project')
    } else if (!end.marked && this.#ofProject === 0)
      throw new PageFault('a page without a link to a file of the project')
    const base = (end.form === 'html' && end.base !== undefined && resolved(end.base, url)) || url
    const entries = [...this.#byName].map(([file, { exact, spelled }]) => {
      const own = this.#ownEntries(exact, base)
      return [file, own.length > 0 ? own : this.#ownEntries(spelled, base)] as const
    })
    return { url, listed: this.#listed, entries: new Map(entries) }
  }

  /** `details`: most entries are of other files, and are counted only. */
  #add(name: string, href: string, details: () => ListedFile): void {
    const { ownFiles, url } = this.#request
    const key = this.#keyOf(name)
    if (key !== undefined) this.#ofProject += 1
    if (ownFiles === undefined || this.#isOwn(resolved(href, url))) this.#listed += 1
    const exact = this.#byName.get(name)
    if (exact !== undefined) keep(exact.exact, details())
    if (key === undefined) return
    for (const wanted of this.#byKey.get(key) ?? []) if (wanted !== exact) keep(wanted.spelled, details())
  }

  #ownEntries(listed: ReadonlyMap<string, ListedFile>, base: URL): Entry[] {
    const entries = [...listed.values()].map((file) => ({
      ...file,
      url: file.href === '' ? undefined : resolved(file.href, base),
    }))
    return entries.filter(({ url }) => this.#isOwn(url))
  }

  #isOwn(url: URL | undefined): boolean {
    const { ownFiles } = this.#request
    return ownFiles === undefined || url?.href.startsWith(ownFiles.href) === true
  }
}

function keep(entries: Map<string, ListedFile>, file: ListedFile): void {
  entries.set(`${file.href}\n${[...file.digests.values()].join()}\n${file.size}`, file)
  if (entries.size > MOST_ENTRIES) throw new PageFault('a page that lists one file more than 100 times')
}

/**
 * One text for all spellings of a file's name that indexes keep in one place: the project's part normalised (PEP 503),
 * the rest in lower case. The project is known, so that its end is found in names with more dashes than parts. Undefined:
 * a file of another project.
 */
export function fileKey(project: string): (file: string) => string | undefined {
  const pattern = new RegExp(`^${project.split('-').join('[-_.]+')}-(.+)$`, 'is')
  return (file) => pattern.exec(file)?.[1]?.toLowerCase()
}

/** PEP 503. */
export function normalized(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase()
}

/** Undefined for what is no https URL in the end. */
function resolved(href: string, base: URL): URL | undefined {
  if (!URL.canParse(href, base.href)) return undefined
  const url = new URL(href, base)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined
  url.hash = ''
  url.username = ''
  url.password = ''
  return url
}
