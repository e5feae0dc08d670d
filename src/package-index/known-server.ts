import type { Answer } from './answer.ts'
import { isMistake, SERVERS, type ServerEntry, type ServerShape, shapeOf } from './server-table.ts'
import type { SimpleIndex } from './simple-index.ts'

/** What is known of an index server, beyond the upload API that all of them copy. */
export interface KnownServer {
  /** As its makers write it: `devpi`, `Artifactory`, `Gitea or Forgejo`. */
  readonly name: string
  /** The simple index that belongs to the upload URL, ending in a slash; undefined where none can be derived. */
  readonly simpleRoot: URL | undefined
  /** The digest on a project's page is what the client said, not what the server saw: it proves nothing. */
  readonly digestIsOurWord: boolean
  /** An upload may replace a file without a word. */
  readonly mayOverwrite: boolean
  /** Only links below it are this index's own; undefined: all of them. */
  readonly ownFiles: URL | undefined
  /** Repositories that show an upstream's files too. */
  readonly mergesUpstreams: boolean
}

/** A URL and the row of the table that it belongs to; `shape`: as an upload URL, undefined: as one that takes no upload. */
interface Recognised {
  readonly entry: ServerEntry
  readonly shape: ServerShape | undefined
}

/**
 * The server that has URLs like this one and no other has: undefined where a URL may be that of several. A URL of such a
 * server at which it takes no uploads gives the server without a simple index.
 */
export function knownServer(repositoryUrl: URL): KnownServer | undefined {
  const found = recognise(repositoryUrl)
  return found === undefined || found.shape?.ambiguous ? undefined : describe(found, repositoryUrl)
}

/**
 * The simple index for a run: `check-url`, else the one that the shape of the upload URL tells, always on its origin.
 * Undefined where `auto` finds none.
 */
export function simpleIndexFor(repositoryUrl: URL, checkUrl: URL | 'auto'): SimpleIndex | undefined {
  const found = recognise(repositoryUrl)
  const server = found && describe(found, repositoryUrl)
  if (checkUrl !== 'auto') {
    const root = directory(checkUrl)
    const same = server?.simpleRoot?.href === root.href || !found?.shape?.ambiguous
    // The upload URL once more: a mistake, unless the server is one that has both there, or proves it.
    const source =
      root.href === directory(repositoryUrl).href && server?.simpleRoot?.href !== root.href ? 'guessed' : 'given'
    const isUploadUrl = source === 'guessed'
    return { root, source, server: (same ? server : undefined) ?? readServer(root), isUploadUrl }
  }
  if (server?.simpleRoot !== undefined) {
    return { root: server.simpleRoot, source: found?.shape?.ambiguous ? 'guessed' : 'known', server }
  }
  const root = guessedRoot(repositoryUrl)
  return root && { root, source: 'guessed', server, isUploadUrl: root.href === directory(repositoryUrl).href }
}

/** The row of the table that an answer belongs to: what it says of itself, else what the URL tells for certain. */
export function entryFor(answer: Answer, url: URL): ServerEntry | undefined {
  const spoken = speakerOf(answer)
  if (spoken !== undefined) return spoken
  const found = recognise(url)
  return found?.shape?.ambiguous ? undefined : found?.entry
}

/** A sentence of the table with its places filled from the URL; a place that the URL does not fill stays a word. */
export function filled(sentence: string, entry: ServerEntry, url: URL): string {
  const groups = shapeOf(entry, url)?.upload.exec(url.pathname)?.groups ?? {}
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => groups[name] ?? name.toUpperCase())
}

/** The row of the table that an answer names itself, by headers or words that no other server sends. */
export function speakerOf({ headers, reason, text }: Answer): ServerEntry | undefined {
  const words = `${reason}\n${text}`
  return SERVERS.find(({ marks }) => {
    const speaks = Object.entries(marks.headers ?? {}).some(([name, value]) => value.test(headers.get(name) ?? ''))
    return speaks || marks.text?.test(words) === true
  })
}

/** What a URL tells for certain comes before what it may be as well. */
function recognise(url: URL): Recognised | undefined {
  let guess: Recognised | undefined
  for (const entry of SERVERS) {
    const shape = shapeOf(entry, url)
    if (shape?.ambiguous) guess ??= { entry, shape }
    else if (shape !== undefined || isMistake(entry, url)) return { entry, shape }
  }
  return guess
}

function describe({ entry, shape }: Recognised, url: URL): KnownServer {
  const base = directory(url)
  const ownFiles = shape && entry.ownFiles && new URL(entry.ownFiles, base)
  return {
    name: entry.name,
    simpleRoot: shape?.simple === undefined ? undefined : new URL(shape.simple, base),
    digestIsOurWord: entry.digestIsOurWord === true,
    mayOverwrite: entry.mayOverwrite === true,
    ownFiles: ownFiles || undefined,
    mergesUpstreams: entry.mergesUpstreams === true && !ownFiles,
  }
}

/**
 * The server of a simple index that was given and that is not the upload URL's own. No link is left out there: files of
 * any index that it shows are what the user asks about.
 */
function readServer(root: URL): KnownServer | undefined {
  const found = recognise(root)
  return found === undefined || found.shape?.ambiguous
    ? undefined
    : describe({ entry: found.entry, shape: undefined }, root)
}

/** `/simple/` beside `/legacy/` (PyPI and its relatives) or at `/` (pypiserver); a simple index that was given for the upload URL. */
function guessedRoot(url: URL): URL | undefined {
  const base = directory(url)
  if (base.pathname.endsWith('/legacy/')) return new URL('../simple/', base)
  if (base.pathname === '/') return new URL('simple/', base)
  return /\/\+?simple\/$/.test(base.pathname) ? base : undefined
}

/** The URL with a final slash, without query and fragment: what is below it can be resolved against it. */
function directory(url: URL): URL {
  const base = new URL(url)
  base.search = ''
  base.hash = ''
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  return base
}
