/** One shape of URL that an index documents, and what goes wrong with it. */
interface Shape {
  readonly looksLike: RegExp
  readonly hint: string
}

/** The first that fits counts. Paths are matched, never hosts: private indexes have any name. */
const SHAPES: readonly Shape[] = [
  {
    looksLike: /\/\+simple\/?$/,
    hint: 'This is the simple index that pip reads; devpi takes uploads at https://HOST/USER/INDEX/ (without +simple).',
  },
  {
    looksLike: /\/artifactory\/(?!api\/pypi\/[^/]+\/?$)/,
    hint: 'The upload URL of Artifactory is https://HOST/artifactory/api/pypi/REPOSITORY (without /simple).',
  },
  {
    looksLike: /\/artifactory\/api\/pypi\//,
    hint: 'Check the name of the repository; a virtual repository takes uploads only when it has a default deployment repository.',
  },
  {
    looksLike: /\/repository\/[^/]+(?:\/simple\/?)?$/,
    hint: 'The upload URL of Nexus ends in a slash: https://HOST/repository/REPOSITORY/ (a hosted repository, without simple).',
  },
  {
    looksLike: /\/api\/v4\/(?:projects|groups)\//,
    hint: 'The upload URL of GitLab is https://HOST/api/v4/projects/ID/packages/pypi; GitLab also answers 404 when the token may not see the project.',
  },
  {
    looksLike: /\/api\/packages\//,
    hint: 'The upload URL of Gitea and Forgejo is https://HOST/api/packages/OWNER/pypi.',
  },
  {
    looksLike: /\/simple\/?$/,
    hint: 'This looks like the simple index that pip reads; give the URL to which the index takes uploads.',
  },
  {
    looksLike: /\/legacy$/,
    hint: 'The upload URL ends in a slash on PyPI, Pulp and their relatives: add it.',
  },
  {
    looksLike: /^\/legacy\/$/,
    hint: 'Give the upload URL as the index documents it; pypiserver takes uploads at https://HOST/ and nowhere else.',
  },
  {
    looksLike: /^\/$/,
    hint: 'The upload URL has a path on most indexes: /legacy/ on PyPI and its relatives, /USER/INDEX/ on devpi, /repository/REPOSITORY/ on Nexus.',
  },
]

/** What is most likely wrong with a `repository-url` at which no upload is taken (404, 405), by the shape of its path. */
export function uploadUrlHint({ pathname }: URL): string {
  const shape = SHAPES.find(({ looksLike }) => looksLike.test(pathname))
  return shape?.hint ?? 'Give repository-url exactly as the index documents it for uploads; a final slash matters.'
}
