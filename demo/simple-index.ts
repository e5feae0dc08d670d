/** The pages of a simple repository: HTML (PEP 503) and JSON (PEP 691, 700). */

export interface StoredFile {
  /** File name, for example `demo_pkg-1.0-py3-none-any.whl`. */
  readonly name: string
  /** Normalised project name. */
  readonly project: string
  readonly version: string
  /** Version specifier, or '' for none. */
  readonly requiresPython: string
  /** Lower-case hexadecimal. */
  readonly sha256: string
  /** Bytes. */
  readonly size: number
}

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json'
const TYPES = [JSON_TYPE, 'application/vnd.pypi.simple.v1+html', 'text/html'] as const
export type SimpleType = (typeof TYPES)[number]

/** One spelling for every project name (PEP 503). */
export function normalizeName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase()
}

/** The representation that an Accept header likes best; undefined where it takes none of them (406). */
export function negotiate(accept = '*/*'): SimpleType | undefined {
  const wishes = accept.split(',').map((wish) => {
    const [type = '', ...parameters] = wish.split(';').map((part) => part.trim().toLowerCase())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) }
  })
  const wanted = wishes.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality)
  for (const { type } of wanted) {
    const exact = TYPES.find((known) => known === type)
    if (exact !== undefined) return exact
    // PEP 691: who names no representation gets the one that old clients read.
    if (type === '*/*' || type === 'text/*') return 'text/html'
  }
  return undefined
}

/** `/simple/`: the projects that have files. */
export function rootPage(type: SimpleType, projects: readonly string[]): string {
  if (type === JSON_TYPE) {
    return JSON.stringify({ meta: { 'api-version': '1.1' }, projects: projects.map((name) => ({ name })) })
  }
  return htmlPage(
    'Simple index',
    projects.map((name) => `<a href="${name}/">${name}</a>`),
  )
}

/** `/simple/<project>/`: the files of one project, with digests; the links are relative to that page. */
export function projectPage(type: SimpleType, project: string, files: readonly StoredFile[]): string {
  if (type === JSON_TYPE) {
    const versions = [...new Set(files.map(({ version }) => version))]
    const meta = { 'api-version': '1.1' }
    return JSON.stringify({ meta, name: project, versions, files: files.map(jsonFile) })
  }
  return htmlPage(`Links for ${project}`, files.map(htmlLink))
}

function jsonFile(file: StoredFile) {
  return {
    filename: file.name,
    url: fileUrl(file),
    hashes: { sha256: file.sha256 },
    size: file.size,
    ...(file.requiresPython === '' ? {} : { 'requires-python': file.requiresPython }),
  }
}

function htmlLink(file: StoredFile): string {
  const python = file.requiresPython === '' ? '' : ` data-requires-python="${escapeHtml(file.requiresPython)}"`
  return `<a href="${fileUrl(file)}#sha256=${file.sha256}"${python}>${escapeHtml(file.name)}</a>`
}

function fileUrl(file: StoredFile): string {
  return `../../files/${encodeURIComponent(file.name)}`
}

function htmlPage(title: string, links: readonly string[]): string {
  const head = `<meta name="pypi:repository-version" content="1.1"><title>${escapeHtml(title)}</title>`
  const body = links.map((link) => `    ${link}<br>\n`).join('')
  return `<!DOCTYPE html>\n<html>\n  <head>${head}</head>\n  <body>\n${body}  </body>\n</html>\n`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)
}
