/**
 * The answers of the index servers that people run, as their sources, their manuals and their users have them. One row a
 * server; `known-index.ts` plays them.
 */

/** One HTTP answer. Default body: none. */
export interface Reply {
  readonly status: number
  /** Reason phrase; default: the usual one. */
  readonly reason?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly type?: string
  readonly body?: string | Buffer
}

export interface IndexedFile {
  readonly name: string
  /** Normalised. */
  readonly project: string
  readonly version: string
  /** Of the bytes that arrived; lower-case hexadecimal. */
  readonly sha256: string
  readonly md5: string
  /** As the form said. */
  readonly claimedSha256: string
}

/** What becomes of a file whose name is there: an answer and nothing stored, or an answer and the new bytes stored. */
export interface Existing {
  readonly reply: Reply
  readonly replaced: boolean
}

export interface Kind {
  /** Services have a host name of their own: reached through the index's proxy. */
  readonly host?: string
  /** Paths that take uploads, the documented one first. */
  readonly uploads: readonly string[]
  /** The root of the simple index, a path; with a host of its own where it differs. */
  readonly simple: string
  readonly simpleHost?: string
  /** Whether the root itself is a page. */
  readonly hasRoot: boolean
  readonly json: boolean
  /** On every answer. */
  readonly headers?: Readonly<Record<string, string>>
  /** Reading needs the user as well. */
  readonly readsNeedUser?: true
  readonly accepted: Reply
  /** Milliseconds until a file is listed. */
  readonly listedAfter?: number
  /** As it comes, where `overwrite` is not given. */
  readonly overwrites: boolean
  readonly existing: (file: IndexedFile, same: boolean, overwrite: boolean) => Existing
  readonly anonymous: Reply
  /** Default: as `anonymous`. */
  readonly wrongPassword?: Reply
  readonly forbidden: Reply
  /** A POST to another path, by the first that fits; else 404. */
  readonly elsewhere: readonly (readonly [RegExp, Reply])[]
  /** A digest in the form that does not fit. Default: nobody looks. */
  readonly wrongDigest?: Reply
  /** Where a file lies; page-relative, root-relative or absolute (`origin` is that of the index). */
  readonly link: (file: IndexedFile, origin: string) => string
  /** The page of a project that is not there. */
  readonly missing: (project: string) => Reply
  /** A redirect to the normalised name, or undefined: both are served. */
  readonly normalises?: 301 | 302
}

/** Where servers send readers for projects that they do not have; no test goes there. */
export const PUBLIC_INDEX = 'https://public-index.example'

const html = (status: number, body: string, more: Partial<Reply> = {}): Reply => ({
  status,
  type: 'text/html',
  body,
  ...more,
})
const json = (status: number, body: unknown, more: Partial<Reply> = {}): Reply => ({
  status,
  type: 'application/json',
  body: JSON.stringify(body),
  ...more,
})
const text = (status: number, body: string, more: Partial<Reply> = {}): Reply => ({
  status,
  type: 'text/plain',
  body,
  ...more,
})
const basic = (realm: string) => ({ 'www-authenticate': `Basic realm="${realm}"` })
const OK: Reply = { status: 200 }
const refused = (reply: Reply): Existing => ({ reply, replaced: false })
const replaced = (reply: Reply = OK): Existing => ({ reply, replaced: true })
const toPublic = (project: string): Reply => ({
  status: 302,
  headers: { location: `${PUBLIC_INDEX}/simple/${project}/` },
})
const notFound = () => html(404, '<h1>404 Not Found</h1>')

const bottle = (status: number, words: string): Reply =>
  html(
    status,
    `<!DOCTYPE HTML><html><head><title>Error: ${status}</title></head><body><pre>${words}</pre></body></html>`,
  )
const jfrog = (status: number, message: string, more: Partial<Reply> = {}) =>
  json(status, { errors: [{ status, message }] }, more)
const nexusPage = (status: number, words: string, more: Partial<Reply> = {}) =>
  html(
    status,
    `<!DOCTYPE html><html><head><title>${status} - Nexus Repository Manager</title></head><body>${words}</body></html>`,
    more,
  )
const devpiError = (status: number, message: string, more: Partial<Reply> = {}) =>
  json(status, { code: `${status}`, title: message, message }, { reason: message, ...more })

const ARTIFACTORY = '/artifactory/api/pypi/python-local'
const GITLAB = '/api/v4/projects/7/packages/pypi'
const GITEA = '/api/packages/team/pypi'
const AZURE = '/acme/tools/_packaging/python/pypi'

const KINDS_TABLE = {
  /** PyPI's own software: the same bytes are a success, 403 in place of 401, words in the reason phrase. */
  warehouse: {
    uploads: ['/legacy/'],
    simple: '/simple/',
    hasRoot: true,
    json: true,
    accepted: OK,
    overwrites: false,
    existing: ({ name }, same) =>
      same
        ? refused(OK)
        : refused(html(400, '', { reason: `File already exists ('${name}', with blake2_256 hash 'ab'). See help` })),
    anonymous: html(403, '', { reason: 'Invalid or non-existent authentication information. See help' }),
    forbidden: html(403, '', { reason: "The user 'ci' isn't allowed to upload to project 'demo-pkg'. See help" }),
    elsewhere: [
      [/^\/legacy$/, { status: 308, headers: { location: '/legacy/' } }],
      [/^\/simple\//, html(405, '405 Method Not Allowed')],
    ],
    wrongDigest: html(400, '', {
      reason: 'The digest supplied does not match a digest calculated from the uploaded file.',
    }),
    link: ({ name, sha256 }) => `https://files.example/packages/${sha256.slice(0, 2)}/${name}`,
    missing: notFound,
    normalises: 301,
  },
  pypiserver: {
    uploads: ['/'],
    simple: '/simple/',
    hasRoot: true,
    json: false,
    accepted: OK,
    overwrites: false,
    existing: ({ project }, _, overwrite) =>
      overwrite
        ? replaced()
        : refused(bottle(409, `Package '${project}' already exists! You may start server with --overwrite option.`)),
    anonymous: { ...bottle(401, 'Unauthorized'), headers: basic('pypi') },
    wrongPassword: bottle(403, 'Forbidden'),
    forbidden: bottle(403, 'Forbidden'),
    elsewhere: [[/^\/(?:legacy|simple)\/?$/, bottle(405, 'Method not allowed.')]],
    link: ({ name }) => `/packages/${name}`,
    missing: toPublic,
    normalises: 301,
  },
  pypiron: {
    uploads: ['/legacy/', '/legacy', '/'],
    simple: '/simple/',
    hasRoot: true,
    json: true,
    accepted: text(200, 'OK'),
    listedAfter: 30,
    overwrites: false,
    existing: ({ name }) => refused(text(409, `File already exists: ${name}`)),
    anonymous: text(401, 'unauthorized', { headers: basic('PypIron') }),
    forbidden: text(403, 'forbidden'),
    elsewhere: [[/^\/simple\//, text(405, '')]],
    wrongDigest: text(400, 'sha256_digest mismatch: form says 00, file is ab'),
    link: ({ name }) => `/files/${name}`,
    missing: () => text(404, 'not found'),
    normalises: 301,
  },
  /** `overwrite`: a volatile index, which is what a new one is. */
  devpi: {
    uploads: ['/ci/prod/', '/ci/prod'],
    simple: '/ci/prod/+simple/',
    hasRoot: true,
    json: true,
    headers: { 'x-devpi-serial': '12' },
    accepted: OK,
    overwrites: true,
    existing: ({ name }, same, overwrite) => {
      if (overwrite) return replaced()
      if (same)
        return refused(
          html(200, 'Upload of identical file', { reason: 'Upload of identical file to non volatile index.' }),
        )
      return refused(devpiError(409, `${name} already exists in non-volatile index`))
    },
    anonymous: devpiError(401, 'Unauthorized', { headers: basic('pypi') }),
    forbidden: devpiError(403, 'no permission to submit'),
    elsewhere: [
      // What servers before 6 said: 200, and nothing was stored.
      [/\/\+simple\/$/, html(200, '<html><head><title>ci/prod: simple list</title></head><body></body></html>')],
      [/^\/ci\/[^/]+\/?$/, devpiError(404, 'The stage ci/prdo could not be found.')],
      [/./, devpiError(404, 'predicate mismatch for view submit')],
    ],
    link: ({ name, sha256 }) => `../../+f/${sha256.slice(0, 3)}/${sha256.slice(3, 16)}/${name}`,
    missing: () => devpiError(404, 'The project does not exist.'),
    normalises: 302,
  },
  /** `overwrite`: the user may delete. */
  artifactory: {
    uploads: [ARTIFACTORY, `${ARTIFACTORY}/`],
    simple: `${ARTIFACTORY}/simple/`,
    hasRoot: true,
    json: false,
    headers: { 'x-artifactory-id': 'ab12', 'x-jfrog-version': 'Artifactory/7.77.5' },
    readsNeedUser: true,
    accepted: OK,
    listedAfter: 150,
    overwrites: true,
    existing: ({ project }, _, overwrite) =>
      overwrite
        ? replaced()
        : refused(
            jfrog(
              403,
              `Not enough permissions to delete/overwrite all artifacts under 'python-local/${project}' (user 'ci' needs DELETE permission).`,
            ),
          ),
    anonymous: jfrog(401, 'Authentication is required', { headers: basic('Artifactory Realm') }),
    wrongPassword: jfrog(401, 'Bad credentials', { headers: basic('Artifactory Realm') }),
    forbidden: jfrog(403, "Not enough permissions to deploy artifact 'python-local:demo-pkg/1.0' (user: ci)"),
    elsewhere: [
      [/\/simple\/?$/, jfrog(415, 'Unsupported Media Type')],
      [/^\/artifactory\/api\/pypi\//, jfrog(404, 'Could not find repository')],
      [/^\/artifactory\//, jfrog(405, 'Method Not Allowed')],
    ],
    link: ({ name, project, version }) => `../../${project}/${version}/${name}`,
    missing: () => jfrog(404, 'Not Found'),
  },
  /** `overwrite`: the deployment policy "Allow redeploy". */
  nexus: {
    uploads: ['/repository/pypi-hosted/'],
    simple: '/repository/pypi-hosted/simple/',
    hasRoot: true,
    json: false,
    headers: { server: 'Nexus/3.61.0-02 (OSS)' },
    accepted: OK,
    overwrites: true,
    existing: ({ name, project, version }, _, overwrite) =>
      overwrite
        ? replaced()
        : refused(nexusPage(400, `pypi-hosted/packages/${project}/${version}/${name} cannot be updated`)),
    anonymous: { status: 401, headers: { 'www-authenticate': 'BASIC realm="Sonatype Nexus Repository Manager"' } },
    forbidden: { status: 403 },
    elsewhere: [
      [
        /^\/repository\/[^/]+$/,
        nexusPage(400, '', { reason: "Repository path must have another '/' after initial '/'" }),
      ],
      [/^\/repository\/pypi-hosted\/simple/, nexusPage(404, 'Not Found')],
      [/^\/repository\/pypi-group\/$/, nexusPage(405, 'Method Not Allowed')],
    ],
    link: ({ name, project, version }) => `../../packages/${project}/${version}/${name}`,
    missing: () => nexusPage(404, 'Not Found'),
  },
  /** The digest on the page is the one of the form. */
  gitlab: {
    uploads: [GITLAB, `${GITLAB}/`],
    simple: `${GITLAB}/simple/`,
    hasRoot: true,
    json: false,
    headers: { 'x-gitlab-meta': '{"correlation_id":"01","version":"1"}' },
    readsNeedUser: true,
    accepted: json(201, { message: '201 Created' }),
    overwrites: false,
    existing: () => refused(json(400, { message: 'Validation failed: File name has already been taken' })),
    anonymous: json(401, { message: '401 Unauthorized' }, { headers: basic('GitLab Packages Registry') }),
    forbidden: json(403, { message: '403 Forbidden' }),
    elsewhere: [
      [/^\/api\/v4\/projects\/\d+\/packages\/pypi\/?$/, json(404, { message: '404 Project Not Found' })],
      [/^\/api\/v4\//, json(405, { error: '405 Not Allowed' })],
    ],
    link: ({ name, sha256 }, origin) => `${origin}${GITLAB}/files/${sha256}/${name}`,
    missing: toPublic,
  },
  gitea: {
    uploads: [GITEA, `${GITEA}/`],
    simple: `${GITEA}/simple/`,
    hasRoot: false,
    json: false,
    readsNeedUser: true,
    accepted: { status: 201 },
    overwrites: false,
    existing: () => refused(text(409, 'package file already exists')),
    anonymous: text(401, 'authGroup.Verify', { headers: basic('Gitea Package API') }),
    forbidden: text(403, 'user should have specific permission or be a site admin'),
    elsewhere: [
      [/\/pypi\/simple/, text(405, '')],
      [/./, text(404, 'Not found.')],
    ],
    wrongDigest: text(400, 'hash mismatch'),
    link: ({ name, project, version }, origin) => `${origin}${GITEA}/files/${project}/${version}/${name}`,
    missing: () => text(404, 'package does not exist'),
  },
  pulp: {
    uploads: ['/pypi/prod/simple/', '/pypi/prod/legacy/'],
    simple: '/pypi/prod/simple/',
    hasRoot: true,
    json: true,
    accepted: json(202, { task: '/pulp/api/v3/tasks/018f2c00/' }),
    listedAfter: 150,
    overwrites: false,
    // The words stand in the reason phrase alone.
    existing: ({ name }) => refused({ status: 400, reason: `Package ${name} already exists in index` }),
    anonymous: json(401, { detail: 'Authentication credentials were not provided.' }, { headers: basic('api') }),
    wrongPassword: json(401, { detail: 'Invalid username/password.' }, { headers: basic('api') }),
    forbidden: json(403, { detail: 'You do not have permission to perform this action.' }),
    elsewhere: [
      [/^\/pypi\/prod\/simple$/, { status: 301, headers: { location: '/pypi/prod/simple/' } }],
      [/^\/pypi\/prod\/legacy$/, { status: 301, headers: { location: '/pypi/prod/legacy/' } }],
      [/^\/pypi\/prod\/$/, json(405, { detail: 'Method "POST" not allowed.' })],
    ],
    wrongDigest: html(500, '<h1>Server Error (500)</h1>'),
    link: ({ name }, origin) => `${origin}/pulp/content/prod/${name}`,
    missing: (project) => html(404, `${project} does not exist.`),
  },
  codeartifact: {
    host: 'acme-111122223333.d.codeartifact.eu-west-1.amazonaws.com',
    uploads: ['/pypi/releases/', '/pypi/releases'],
    simple: '/pypi/releases/simple/',
    hasRoot: false,
    json: true,
    headers: { 'x-amzn-requestid': '7d1c' },
    readsNeedUser: true,
    accepted: OK,
    listedAfter: 100,
    overwrites: false,
    existing: (_, same) => (same ? refused(OK) : refused(json(409, { message: 'Conflict' }))),
    anonymous: json(401, { message: 'Unauthorized' }, { headers: basic('codeartifact') }),
    forbidden: json(403, { message: 'User is not authorized to perform this action' }),
    elsewhere: [[/./, json(404, { message: 'Not Found' })]],
    link: ({ name, project, version }) => `../../simple/${project}/${version}/${name}`,
    missing: () => json(404, { message: 'Package not found' }),
  },
  google: {
    host: 'europe-west1-python.pkg.dev',
    uploads: ['/acme/python/', '/acme/python'],
    simple: '/acme/python/simple/',
    hasRoot: true,
    json: false,
    readsNeedUser: true,
    accepted: OK,
    overwrites: false,
    existing: () => refused(text(400, 'Requested entity already exists.\n')),
    anonymous: text(401, 'Unauthenticated request.', { headers: basic('') }),
    forbidden: text(403, 'Permission "artifactregistry.repositories.uploadArtifacts" denied on resource'),
    elsewhere: [[/./, text(404, 'Requested entity was not found.')]],
    link: ({ name, project }) => `../../${project}/${name}`,
    missing: () => text(404, 'Requested entity was not found.'),
  },
  azure: {
    host: 'pkgs.dev.azure.com',
    uploads: [`${AZURE}/upload/`, `${AZURE}/upload`],
    simple: `${AZURE}/simple/`,
    hasRoot: true,
    json: false,
    headers: { 'x-tfs-processid': 'b1f2', 'x-vss-e2eid': 'c3d4' },
    readsNeedUser: true,
    accepted: { status: 202 },
    overwrites: false,
    existing: ({ name, project }) =>
      refused(
        json(409, {
          $id: '1',
          message: `The feed 'python' already contains file '${name}' in package '${project}'.`,
          typeKey: 'PackageAlreadyExistsException',
        }),
      ),
    anonymous: json(
      401,
      { message: 'TF400813: The user is not authorized to access this resource.' },
      { headers: basic('azure') },
    ),
    forbidden: json(403, {
      message: "User 'ci' lacks permission to complete this action. You need to have 'AddPackage'.",
      typeKey: 'FeedNeedsPermissionsException',
    }),
    elsewhere: [
      [/\/pypi\/simple\/?$/, json(405, { message: 'The requested resource does not support http method POST.' })],
      [/./, json(404, { message: "The feed with ID 'pyton' doesn't exist.", typeKey: 'FeedIdNotFoundException' })],
    ],
    link: ({ name, project, version }, origin) => `${origin}${AZURE}/download/${project}/${version}/${name}`,
    missing: () => json(404, { message: 'Package not found', typeKey: 'PackageNotFoundException' }),
  },
  /** Files are taken, and judged in the background: a duplicate is an answer of 200 and no more. */
  cloudsmith: {
    host: 'python.cloudsmith.io',
    uploads: ['/acme/releases/', '/acme/releases'],
    simpleHost: 'dl.cloudsmith.io',
    simple: '/basic/acme/releases/python/simple/',
    hasRoot: true,
    json: false,
    readsNeedUser: true,
    accepted: OK,
    listedAfter: 200,
    overwrites: false,
    existing: (_, __, overwrite) => (overwrite ? replaced() : refused(OK)),
    anonymous: json(401, { detail: 'Authentication credentials were not provided.' }, { headers: basic('api') }),
    forbidden: json(403, { detail: 'You do not have permission to perform this action.' }),
    elsewhere: [[/./, json(404, { detail: 'Not found.' })]],
    link: ({ name }) => `../../${name}`,
    missing: () => json(404, { detail: 'Not found.' }),
  },
} as const satisfies Record<string, Kind>

export type KindName = keyof typeof KINDS_TABLE
export const KINDS: Readonly<Record<KindName, Kind>> = KINDS_TABLE
