import { isMistake, SERVERS, type ServerEntry, shapeOf } from './server-table.ts'

/** Paths that many servers have, and what goes wrong with them. The first that fits counts. */
const COMMON: readonly { readonly path: RegExp; readonly hint: string }[] = [
  {
    path: /\/simple\/?$/,
    hint: 'This looks like the simple index that pip reads; give the URL to which the index takes uploads.',
  },
  {
    path: /\/legacy$/,
    hint: 'The upload URL ends in a slash on PyPI, Pulp and their relatives: add it.',
  },
  {
    path: /^\/legacy\/$/,
    hint: 'Give the upload URL as the index documents it; pypiserver takes uploads at https://HOST/ and nowhere else.',
  },
  {
    path: /^\/$/,
    hint: 'The upload URL has a path on most indexes: /legacy/ on PyPI and its relatives, /USER/INDEX/ on devpi, /repository/REPOSITORY/ on Nexus.',
  },
]

/**
 * What is most likely wrong with a `repository-url` at which no upload is taken (404, 405, 415), by the shape of its path
 * and, where the answer tells it, by the server that stands there.
 */
export function uploadUrlHint(url: URL, server?: ServerEntry): string {
  if (server !== undefined) return hintOf(server, url) ?? documented(server)
  for (const entry of SERVERS) {
    const hint = shapeOf(entry, url)?.ambiguous ? undefined : hintOf(entry, url)
    if (hint !== undefined) return hint
  }
  const common = COMMON.find(({ path }) => path.test(url.pathname))
  return common?.hint ?? 'Give repository-url exactly as the index documents it for uploads; a final slash matters.'
}

/** A URL may be right for the simple index that belongs to it and wrong for uploads all the same: mistakes come first. */
function hintOf(entry: ServerEntry, url: URL): string | undefined {
  const mistake = entry.mistakes.find(({ path }) => path.test(url.pathname))
  if (mistake !== undefined) return mistake.hint ?? documented(entry)
  if (shapeOf(entry, url) !== undefined) return `${entry.check}${missingSlash(entry, url)}`
  return isMistake(entry, url) ? documented(entry) : undefined
}

function missingSlash({ uploadUrl }: ServerEntry, { pathname }: URL): string {
  return uploadUrl.endsWith('/') && !pathname.endsWith('/') ? ` Its upload URL ends in a slash: ${uploadUrl}.` : ''
}

function documented({ name, uploadUrl }: ServerEntry): string {
  return `The upload URL of ${name} is ${uploadUrl}.`
}
