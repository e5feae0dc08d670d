/** What a server's URLs look like. */
export interface ServerShape {
  /** For services whose host names are fixed; private servers have any name. */
  readonly host?: RegExp
  /** Paths of upload URLs. Named groups fill the places in sentences. */
  readonly upload: RegExp
  /** Its simple index, relative to the upload URL with a final slash; undefined where it is on another origin. */
  readonly simple: string | undefined
  /** Other servers have URLs like it: the simple index is proven only when its root answers as one. */
  readonly ambiguous?: true
}

/** All that is known of one kind of index server. */
export interface ServerEntry {
  /** As its makers write it. */
  readonly name: string
  readonly shapes: readonly ServerShape[]
  /** Paths of its URLs at which no upload is taken; with a sentence of its own where `uploadUrl` does not say it all. */
  readonly mistakes: readonly { readonly path: RegExp; readonly hint?: string }[]
  /** As its makers document it. */
  readonly uploadUrl: string
  /** What to look at when its upload URL is right in shape and takes nothing all the same; a full sentence. */
  readonly check: string
  /** What it calls the right to upload; `{name}` is a group of the shape. */
  readonly permission: string
  /** What it takes as credentials, and what it does not. */
  readonly credentials: string
  /** Headers (the value must fit) and words, of the reason phrase or the body as it came, that no other server sends. */
  readonly marks: { readonly headers?: Readonly<Record<string, RegExp>>; readonly text?: RegExp }
  /** Words with which it says that a file of this name exists, in lower case, and the statuses that it says it with. */
  readonly exists?: { readonly statuses: readonly number[]; readonly words: RegExp }
  readonly digestIsOurWord?: true
  readonly mayOverwrite?: true
  readonly mergesUpstreams?: true
  /** Where its own files lie, relative to the upload URL with a final slash: other links are those of upstreams. */
  readonly ownFiles?: string
}

const REALM = 'www-authenticate'

/**
 * The first that fits counts. Facts are from the servers' sources and manuals; of the clouds from their manuals and from
 * reports of users.
 */
export const SERVERS: readonly ServerEntry[] = [
  {
    name: 'Artifactory',
    shapes: [
      { upload: /\/artifactory\/api\/pypi\/(?<repository>[^/]+)\/?$/, simple: 'simple/' },
      // Fronts rewrite the context path.
      { upload: /\/api\/pypi\/(?<repository>[^/]+)\/?$/, simple: 'simple/', ambiguous: true },
    ],
    mistakes: [
      {
        path: /\/artifactory\/(?!api\/pypi\/[^/]+\/?$)/,
        hint: 'The upload URL of Artifactory is https://HOST/artifactory/api/pypi/REPOSITORY (without /simple).',
      },
    ],
    uploadUrl: 'https://HOST/artifactory/api/pypi/REPOSITORY',
    check:
      'Check the name of the repository; a virtual repository takes uploads only when it has a default deployment repository.',
    permission: 'Deploy/Cache on the repository {repository}, and Delete/Overwrite only for whoever may replace files',
    credentials: 'the real user name (not __token__) with a password or token, or a bearer token',
    marks: {
      headers: {
        'x-artifactory-id': /./,
        'x-artifactory-node-id': /./,
        'x-jfrog-version': /./,
        server: /^artifactory/i,
        [REALM]: /realm="artifactory/i,
      },
    },
    exists: { statuses: [400, 403, 409], words: /overwrite (?:all )?artifact|needs delete permission/ },
    mayOverwrite: true,
    mergesUpstreams: true,
  },
  {
    name: 'Nexus',
    shapes: [{ upload: /\/repository\/(?<repository>[^/]+)\/?$/, simple: 'simple/' }],
    mistakes: [
      {
        path: /\/repository\/[^/]+(?:\/simple\/?)?$/,
        hint: 'The upload URL of Nexus ends in a slash: https://HOST/repository/REPOSITORY/ (a hosted repository, without simple).',
      },
    ],
    uploadUrl: 'https://HOST/repository/REPOSITORY/',
    check:
      'Check the name of the repository and that it is a hosted one: Nexus takes no uploads into a group or a proxy.',
    permission: 'the privilege nx-repository-view-pypi-{repository}-add, with -edit for whoever may replace files',
    credentials: 'a user with password, or both halves of a user token',
    marks: { headers: { server: /^nexus\//i, [REALM]: /realm="sonatype nexus/i } },
    exists: {
      statuses: [400],
      words: /does not allow updating assets?\b|updating asset\b|\.(?:whl|tar\.gz|zip) cannot be updated/,
    },
    mayOverwrite: true,
    mergesUpstreams: true,
  },
  {
    name: 'GitLab',
    shapes: [{ upload: /\/api\/v4\/projects\/(?<project>[^/]+)\/packages\/pypi\/?$/, simple: 'simple/' }],
    mistakes: [{ path: /\/api\/v4\/(?:projects|groups)\/(?!.+\/packages\/pypi\/?$)/ }],
    uploadUrl: 'https://HOST/api/v4/projects/ID/packages/pypi',
    check: 'Check the ID of the project; GitLab also answers 404 when the token may not see the project.',
    permission: 'the role Developer in the project {project} (a protected package may ask for Maintainer)',
    credentials:
      'a personal, project or group token with the scope api, a deploy token with write_package_registry, or a job token as gitlab-ci-token',
    marks: { headers: { 'x-gitlab-meta': /./, [REALM]: /realm="gitlab/i } },
    exists: { statuses: [400], words: /already been taken/ },
    digestIsOurWord: true,
  },
  {
    name: 'Gitea or Forgejo',
    shapes: [{ upload: /\/api\/packages\/(?<owner>[^/]+)\/pypi\/?$/, simple: 'simple/' }],
    mistakes: [
      {
        path: /\/api\/packages\/(?![^/]+\/pypi\/?$)/,
        hint: 'The upload URL of Gitea and Forgejo is https://HOST/api/packages/OWNER/pypi.',
      },
    ],
    uploadUrl: 'https://HOST/api/packages/OWNER/pypi',
    check: 'Check the name of the owner, and that packages are switched on there.',
    permission: 'write access to the packages of {owner}, with a token of the scope write:package',
    credentials: 'a token with the scope write:package (a token without it gets 401 too)',
    marks: { headers: { [REALM]: /realm="(?:gitea|forgejo)/i } },
    exists: { statuses: [400, 409], words: /file (?:already exists|does exist already)/ },
  },
  {
    name: 'Azure Artifacts',
    shapes: [{ upload: /\/_packaging\/(?<feed>[^/]+)\/pypi\/upload\/?$/, simple: '../simple/' }],
    mistakes: [{ path: /\/_packaging\/(?![^/]+\/pypi\/upload\/?$)/ }],
    uploadUrl: 'https://pkgs.dev.azure.com/ORGANIZATION/PROJECT/_packaging/FEED/pypi/upload/',
    check: 'Check the names of organization, project and feed.',
    permission: 'the role Feed Publisher (Contributor) on the feed {feed}',
    credentials: 'any user name with a personal access token that has Packaging (read and write), or an Entra token',
    marks: { headers: { 'x-tfs-processid': /./, 'x-vss-e2eid': /./ }, text: /"typeKey"\s*:\s*"\w+Exception"/ },
    exists: { statuses: [409], words: /already contains file/ },
    mergesUpstreams: true,
  },
  {
    name: 'AWS CodeArtifact',
    shapes: [
      {
        host: /\.d\.codeartifact\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$/,
        upload: /^\/pypi\/(?<repository>[^/]+)\/?$/,
        simple: 'simple/',
      },
    ],
    mistakes: [],
    uploadUrl: 'https://DOMAIN-ACCOUNT.d.codeartifact.REGION.amazonaws.com/pypi/REPOSITORY/',
    check: 'Check domain, account, region and repository.',
    permission: 'codeartifact:PublishPackageVersion on the repository {repository}',
    credentials: 'the user aws with a token of GetAuthorizationToken, which ends after 12 hours at most',
    marks: {},
    mergesUpstreams: true,
  },
  {
    name: 'Google Artifact Registry',
    shapes: [
      {
        host: /-python\.pkg\.dev$/,
        upload: /^\/(?<project>[^/]+)\/(?<repository>[^/]+)\/?$/,
        simple: 'simple/',
      },
    ],
    mistakes: [],
    uploadUrl: 'https://REGION-python.pkg.dev/PROJECT/REPOSITORY/',
    check: 'Check region, project and repository: a standard repository of the format Python.',
    permission: 'roles/artifactregistry.writer on the repository {repository}',
    credentials: 'the user oauth2accesstoken with an access token, or _json_key_base64 with a key of a service account',
    marks: {},
    exists: { statuses: [400, 409], words: /requested entity already exists/ },
    mergesUpstreams: true,
  },
  {
    name: 'Cloudsmith',
    shapes: [
      {
        host: /^python\.cloudsmith\.io$/,
        upload: /^\/(?<owner>[^/]+)\/(?<repository>[^/]+)\/?$/,
        simple: undefined,
      },
    ],
    mistakes: [],
    uploadUrl: 'https://python.cloudsmith.io/OWNER/REPOSITORY/',
    check: 'Check owner and repository.',
    permission: 'the privilege Write on the repository {repository}',
    credentials: 'a user name with an API key, or the user token with a token from its OpenID Connect exchange',
    marks: {},
    mayOverwrite: true,
    mergesUpstreams: true,
  },
  {
    name: 'Pulp',
    shapes: [{ upload: /\/pypi\/(?<base>.+)\/(?:legacy|simple)\/?$/, simple: '../simple/' }],
    mistakes: [
      {
        path: /\/pypi\/.+\/(?:legacy|simple)$/,
        hint: 'The upload URL ends in a slash on PyPI, Pulp and their relatives: add it.',
      },
    ],
    uploadUrl: 'https://HOST/pypi/DISTRIBUTION/simple/',
    check: 'Check the base path of the distribution; Pulp takes uploads at /legacy/ and /simple/ below it.',
    permission:
      'python.modify_pythonrepository on the repository behind {base}, whose distribution must have allow_uploads',
    credentials: 'a user of Pulp with its password, or what its REMOTE_USER is made of',
    marks: {
      headers: { [REALM]: /realm="pulp/i },
      text: /\/pulp\/(?:[^"\s]{1,80}\/)?api\/v3\/|^index is not (?:allowing uploads|pointing to a rep)/im,
    },
    exists: { statuses: [400], words: /package \S+ already exists in index/ },
    mergesUpstreams: true,
  },
  {
    name: 'pypiron',
    shapes: [],
    mistakes: [],
    uploadUrl: 'https://HOST/legacy/',
    check: 'pypiron takes uploads at https://HOST/legacy/.',
    permission: 'a user who may upload',
    credentials: 'a user with its password or token',
    marks: { headers: { [REALM]: /realm="pypiron"/i } },
  },
  {
    name: 'devpi',
    shapes: [
      {
        upload: /\/(?<user>[\w.-]+)\/(?<index>(?!(?:simple|legacy|upload)\/?$)[\w.-]+)\/?$/,
        simple: '+simple/',
        ambiguous: true,
      },
    ],
    mistakes: [
      {
        path: /\/\+(?:simple|f|e|doc)(?:\/|$)/,
        hint: 'This is the simple index that pip reads; devpi takes uploads at https://HOST/USER/INDEX/ (without +simple).',
      },
    ],
    uploadUrl: 'https://HOST/USER/INDEX/',
    check:
      'Check user and index: devpi takes uploads at https://HOST/USER/INDEX/ and answers 404 where there is no such index.',
    permission: 'the user in acl_upload of the index',
    credentials: 'a user with its password or a token of devpi login, as Basic (devpi takes no bearer token)',
    marks: { headers: { 'x-devpi-serial': /./, 'x-devpi-server-version': /./ } },
    exists: { statuses: [409], words: /already exists in non-volatile index/ },
    mayOverwrite: true,
    mergesUpstreams: true,
    ownFiles: '+f/',
  },
  {
    name: 'pypiserver',
    shapes: [],
    mistakes: [],
    uploadUrl: 'https://HOST/',
    check: 'pypiserver takes uploads at https://HOST/ and nowhere else.',
    permission: 'a user of its password file (-P), while -a has update; -P . -a . leaves it to the front',
    credentials: 'a user of its password file (-P)',
    marks: { text: /may start server with --overwrite|missing ':action' field/i },
    exists: { statuses: [400, 409], words: /package '[^']{1,300}' already exists!/ },
  },
]

/** The shape that an upload URL has, if it is one of this server's. */
export function shapeOf({ shapes }: ServerEntry, { hostname, pathname }: URL): ServerShape | undefined {
  return shapes.find(({ host, upload }) => upload.test(pathname) && (host?.test(hostname) ?? true))
}

/** Whether a URL is one of this server's at which no upload is taken. */
export function isMistake({ mistakes, shapes }: ServerEntry, { hostname, pathname }: URL): boolean {
  return mistakes.some(({ path }) => path.test(pathname)) || shapes.some(({ host }) => host?.test(hostname) === true)
}
