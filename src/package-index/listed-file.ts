import { membersOf } from './json-page.ts'

/** Digests that a simple index gives, the one that decides first. md5 decides nothing: it can only prove a difference. */
export const ALGORITHMS = ['sha256', 'sha512', 'sha384', 'md5'] as const

export type Algorithm = (typeof ALGORITHMS)[number]

/** Characters of a digest in hexadecimal. */
const LENGTHS: Readonly<Record<Algorithm, number>> = { sha256: 64, sha512: 128, sha384: 96, md5: 32 }

/** One entry of a project's page. Foreign text, all of it. */
export interface ListedFile {
  /** Percent-decoded. */
  readonly name: string
  /** As the page has it: relative, or absolute; `''` where it has none. */
  readonly href: string
  /** Lower-case hexadecimal, of the right length. */
  readonly digests: ReadonlyMap<Algorithm, string>
  /** Bytes. */
  readonly size: number | undefined
}

/** What indexes have held in all their years. */
const DISTRIBUTION = /\.(?:whl|tar\.gz|zip|egg|tgz|tar\.(?:bz2|xz|z)|exe|msi|rpm|deb)$/i

function isDistribution(name: string): boolean {
  return DISTRIBUTION.test(name)
}

/**
 * The name of the file that a link leads to (PEP 503): the last part of its path. The text that people see stands in for
 * it only where the path ends in none. Undefined: no distribution.
 */
export function linkName(href: string, text: string): string | undefined {
  const name = lastSegment(href)
  if (isDistribution(name)) return name
  return isDistribution(text) ? text : undefined
}

/** What a link says of its file. */
export function linkedFile(name: string, href: string): ListedFile {
  return { name, href, digests: fragmentDigests(href), size: undefined }
}

/** The name of an element of `files` (PEP 691). Undefined: no distribution. */
export function elementName(value: unknown): string | undefined {
  const filename = typeof value === 'object' && value !== null && 'filename' in value ? value.filename : undefined
  const name = typeof filename === 'string' && filename !== '' ? filename : lastSegment(elementHref(value))
  return isDistribution(name) ? name : undefined
}

export function elementHref(value: unknown): string {
  const url = typeof value === 'object' && value !== null && 'url' in value ? value.url : undefined
  return typeof url === 'string' ? url : ''
}

/** What an element of `files` says of its file (`size`: PEP 700). */
export function elementFile(name: string, value: unknown): ListedFile {
  const members = membersOf(value)
  const size = members.get('size')
  return {
    name,
    href: elementHref(value),
    digests: hashDigests(membersOf(members.get('hashes'))),
    size: typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined,
  }
}

/** The last part of a path, without query and fragment, as a URL parser would see it: `\` is `/`, line ends are nothing. */
export function lastSegment(href: string): string {
  const end = href.search(/[?#]/)
  const path = (end < 0 ? href : href.slice(0, end)).replace(/[\t\r\n]/g, '')
  return decoded(path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1).trim())
}

function decoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** `#sha256=...` (PEP 503), or `#sha256-...` as Gitea wrote it for years. */
function fragmentDigests(href: string): ReadonlyMap<Algorithm, string> {
  const hash = href.indexOf('#')
  if (hash < 0) return new Map()
  const parts = decoded(href.slice(hash + 1)).split('&')
  return digestsOf(parts.map((part) => /^([^=-]*)[=-](.*)$/s.exec(part) ?? []).map(([, name, hex]) => [name, hex]))
}

function hashDigests(hashes: ReadonlyMap<string, unknown>): ReadonlyMap<Algorithm, string> {
  return digestsOf(ALGORITHMS.map((algorithm) => [algorithm, hashes.get(algorithm)]))
}

/** What is no digest counts as none. */
function digestsOf(pairs: readonly (readonly [name: unknown, hex: unknown])[]): ReadonlyMap<Algorithm, string> {
  const digests = new Map<Algorithm, string>()
  for (const [name, hex] of pairs) {
    const algorithm = ALGORITHMS.find((one) => typeof name === 'string' && one === name.trim().toLowerCase())
    if (algorithm === undefined || typeof hex !== 'string') continue
    const digest = hex.trim().toLowerCase()
    if (digest.length === LENGTHS[algorithm] && /^[0-9a-f]+$/.test(digest)) digests.set(algorithm, digest)
  }
  return digests
}
