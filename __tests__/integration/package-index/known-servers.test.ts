import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { request } from 'undici'
import { basicAuthorization } from '../../../src/credentials/basic.ts'
import type { ErrorCode } from '../../../src/errors.ts'
import { simpleIndexFor } from '../../../src/package-index/known-server.ts'
import { type UploadEnd, uploadDistribution } from '../../../src/package-index/upload.ts'
import { Secrets } from '../../../src/text.ts'
import { type KindName, type KnownIndex, type KnownIndexOptions, startKnownIndex } from '../../support/known-index.ts'
import { PUBLIC_INDEX } from '../../support/known-index-kinds.ts'
import { openDistribution } from '../../support/open-distribution.ts'
import { transportTo } from '../../support/transport.ts'
import { uploadTarget } from '../../support/upload-target.ts'

const USER = { name: 'ci', password: 'open sesame' }
const SECRETS = new Secrets()
const NEVER = new AbortController().signal

/** What becomes of an upload: the outcome, or its code, with `exists` where the words mean that the file is there. */
type Ending = 'published' | ErrorCode | 'exists'

interface Promises {
  /** The same name again, as the server comes. */
  readonly same: Ending
  readonly other: Ending
  /** Whether the server then has the other bytes. */
  readonly replaced?: true
  /** With the server's write-once rule; default as above. */
  readonly writeOnce?: { readonly same: Ending; readonly other: Ending }
  /** URLs that take no uploads: code and hint. */
  readonly wrong: Readonly<Record<string, readonly [ErrorCode, RegExp]>>
  /** Of the hint to a user without the permission. */
  readonly permission: RegExp
  /** Of the hint to a wrong password. */
  readonly credentials: RegExp
  /** Codes that are not E_HTTP_UNAUTHORIZED: to nobody, and to a wrong password. */
  readonly anonymous?: ErrorCode
  readonly wrongPassword?: ErrorCode
  /** Where it sends those who ask for a project that it does not have; default: 404. */
  readonly missing?: string
  /** Where `check-url: auto` reads; undefined: nowhere. */
  readonly auto: 'known' | 'guessed' | undefined
}

const PLACE = 'E_HTTP_NOT_FOUND'

const SERVERS: Readonly<Record<KindName, Promises>> = {
  warehouse: {
    same: 'published',
    other: 'exists',
    wrong: { '/simple/': [PLACE, /the simple index that pip reads/] },
    permission: /project demo; several indexes/,
    credentials: /several indexes also answer 403 to a wrong user or password/,
    anonymous: 'E_HTTP_FORBIDDEN',
    wrongPassword: 'E_HTTP_FORBIDDEN',
    auto: 'guessed',
  },
  pypiserver: {
    same: 'exists',
    other: 'exists',
    wrong: {
      '/legacy/': [PLACE, /pypiserver takes uploads at https:\/\/HOST\/ and nowhere else/],
      '/simple/': [PLACE, /the simple index that pip reads/],
    },
    permission: /project demo; several indexes/,
    credentials: /several indexes also answer 403 to a wrong user or password/,
    wrongPassword: 'E_HTTP_FORBIDDEN',
    missing: `${PUBLIC_INDEX}/simple/demo/`,
    auto: 'guessed',
  },
  pypiron: {
    same: 'exists',
    other: 'exists',
    wrong: { '/simple/': [PLACE, /the simple index that pip reads/] },
    permission: /project demo; several indexes/,
    credentials: /\(pypiron: a user with its password or token\)/,
    auto: 'guessed',
  },
  devpi: {
    same: 'published',
    other: 'published',
    replaced: true,
    writeOnce: { same: 'published', other: 'exists' },
    wrong: {
      '/ci/prod/+simple/': [PLACE, /devpi takes uploads at https:\/\/HOST\/USER\/INDEX\/ \(without \+simple\)/],
      '/ci/prdo/': [PLACE, /^Check user and index: devpi .* 404 where there is no such index/],
    },
    permission: /\(devpi: the user in acl_upload of the index\)/,
    credentials: /\(devpi: .* as Basic \(devpi takes no bearer token\)\)/,
    auto: 'guessed',
  },
  artifactory: {
    same: 'published',
    other: 'published',
    replaced: true,
    writeOnce: { same: 'exists', other: 'exists' },
    wrong: {
      '/artifactory/api/pypi/python-local/simple': [PLACE, /artifactory\/api\/pypi\/REPOSITORY \(without \/simple\)/],
      '/artifactory/python-local/': [PLACE, /artifactory\/api\/pypi\/REPOSITORY/],
      '/artifactory/api/pypi/pyton-local': [PLACE, /^Check the name of the repository; a virtual repository/],
    },
    permission: /\(Artifactory: Deploy\/Cache on the repository python-local, and Delete\/Overwrite only/,
    credentials: /\(Artifactory: the real user name \(not __token__\)/,
    auto: 'known',
  },
  nexus: {
    same: 'published',
    other: 'published',
    replaced: true,
    writeOnce: { same: 'exists', other: 'exists' },
    wrong: {
      '/repository/pypi-hosted': [PLACE, /The upload URL of Nexus ends in a slash/],
      '/repository/pypi-hosted/simple/': [PLACE, /\(a hosted repository, without simple\)/],
      '/repository/pypi-group/': [PLACE, /hosted one: Nexus takes no uploads into a group or a proxy/],
    },
    permission: /\(Nexus: the privilege nx-repository-view-pypi-pypi-hosted-add, with -edit/,
    credentials: /\(Nexus: a user with password/,
    auto: 'known',
  },
  gitlab: {
    same: 'exists',
    other: 'exists',
    wrong: {
      '/api/v4/projects/8/packages/pypi': [PLACE, /GitLab also answers 404 when the token may not see the project/],
      '/api/v4/groups/7/-/packages/pypi/simple/': [PLACE, /upload URL of GitLab is .*\/projects\/ID\/packages\/pypi/],
    },
    permission: /\(GitLab: the role Developer in the project 7 /,
    credentials: /\(GitLab: .*the scope api, a deploy token with write_package_registry/,
    missing: `${PUBLIC_INDEX}/simple/demo/`,
    auto: 'known',
  },
  gitea: {
    same: 'exists',
    other: 'exists',
    wrong: {
      '/api/packages/team/pypi/simple/': [PLACE, /https:\/\/HOST\/api\/packages\/OWNER\/pypi/],
      '/api/packages/taem/pypi': [PLACE, /^Check the name of the owner/],
    },
    permission: /\(Gitea or Forgejo: write access to the packages of team, .* write:package\)/,
    credentials: /\(Gitea or Forgejo: a token with the scope write:package/,
    auto: 'known',
  },
  pulp: {
    same: 'exists',
    other: 'exists',
    wrong: {
      '/pypi/prod/simple': ['E_HTTP_REDIRECT', /^Write https:.*\/pypi\/prod\/simple\/ as repository-url/],
      '/pypi/prod/legacy': ['E_HTTP_REDIRECT', /^Write https:.*\/pypi\/prod\/legacy\/ as repository-url/],
      '/pypi/prdo/simple/': [PLACE, /^Check the base path of the distribution/],
    },
    permission: /\(Pulp: python\.modify_pythonrepository on the repository behind prod, .* allow_uploads\)/,
    credentials: /\(Pulp: a user of Pulp/,
    auto: 'known',
  },
  codeartifact: {
    same: 'published',
    other: 'exists',
    wrong: {
      '/pypi/releases/simple/': [PLACE, /d\.codeartifact\.REGION\.amazonaws\.com\/pypi\/REPOSITORY\//],
      '/pypi/relaeses/': [PLACE, /^Check domain, account, region and repository/],
    },
    permission: /\(AWS CodeArtifact: codeartifact:PublishPackageVersion on the repository releases\)/,
    credentials: /\(AWS CodeArtifact: the user aws with a token/,
    auto: 'known',
  },
  google: {
    same: 'exists',
    other: 'exists',
    wrong: {
      '/acme/python/simple/': [PLACE, /https:\/\/REGION-python\.pkg\.dev\/PROJECT\/REPOSITORY\//],
      '/acme/pyton/': [PLACE, /^Check region, project and repository/],
    },
    permission: /\(Google Artifact Registry: roles\/artifactregistry\.writer on the repository python\)/,
    credentials: /\(Google Artifact Registry: the user oauth2accesstoken/,
    auto: 'known',
  },
  azure: {
    same: 'exists',
    other: 'exists',
    wrong: {
      '/acme/tools/_packaging/python/pypi/simple/': [PLACE, /_packaging\/FEED\/pypi\/upload\//],
      '/acme/tools/_packaging/pyton/pypi/upload/': [PLACE, /^Check the names of organization, project and feed/],
    },
    permission: /\(Azure Artifacts: the role Feed Publisher \(Contributor\) on the feed python\)/,
    credentials: /\(Azure Artifacts: any user name with a personal access token/,
    auto: 'known',
  },
  cloudsmith: {
    same: 'published',
    other: 'published',
    wrong: {
      '/acme/releases/simple/': [PLACE, /https:\/\/python\.cloudsmith\.io\/OWNER\/REPOSITORY\//],
      '/acme/relaeses/': [PLACE, /^Check owner and repository/],
    },
    permission: /\(Cloudsmith: the privilege Write on the repository releases\)/,
    credentials: /\(Cloudsmith: a user name with an API key/,
    auto: undefined,
  },
}

interface Meeting {
  readonly index: KnownIndex
  send(bytes: string, given?: { readonly url?: string; readonly user?: false }): Promise<UploadEnd>
  /** One GET with credentials. */
  get(url: string): Promise<{ readonly status: number; readonly location: unknown; readonly body: Buffer }>
}

/** A server and the way to it over the real transport, with the proxy where it has a host name of its own. */
async function meet(test: TestContext, kind: KindName, options: KnownIndexOptions = {}): Promise<Meeting> {
  const index = await startKnownIndex(kind, { user: USER, ...options })
  test.after(() => index.stop())
  const { root, client, proxyUrl: proxy, uploadUrl } = index
  const ways = new Map<string, ReturnType<typeof transportTo>>()
  const way = (url: string) => {
    const { origin } = new URL(url)
    const known = ways.get(origin)
    if (known !== undefined) return known
    const made = transportTo(url, { client: proxy === undefined ? [client] : [], trusted: [root], proxy })
    test.after(() => made.close())
    ways.set(origin, made)
    return made
  }
  const authorization = basicAuthorization({ user: USER.name, password: USER.password }, SECRETS)
  return {
    index,
    async send(bytes, { url = uploadUrl, user } = {}) {
      const { dispatcher, explain } = way(url)
      const target = uploadTarget(new URL(url), {
        dispatcher: await dispatcher,
        authorization: user === false ? undefined : authorization,
        secrets: SECRETS,
        certificateSubject: proxy === undefined ? 'CN=release' : undefined,
        explain,
      })
      const { distribution, remove } = openDistribution({ bytes: Buffer.from(bytes) })
      try {
        return await uploadDistribution(distribution, target, undefined, NEVER)
      } finally {
        remove()
      }
    },
    async get(url) {
      const { dispatcher } = way(url)
      const {
        statusCode: status,
        headers,
        body,
      } = await request(url, { dispatcher: await dispatcher, headers: { authorization } })
      return { status, location: headers.location, body: Buffer.from(await body.arrayBuffer()) }
    },
  }
}

const FILE = 'demo-1.0-py3-none-any.whl'

function ending({ outcome, problem, exists, ends }: UploadEnd): Ending {
  if (problem === undefined) {
    assert.equal(outcome, 'published')
    return 'published'
  }
  assert.match(problem.message, /^[a-z].*[^.]$/s)
  if (exists === undefined) return problem.code
  assert.deepEqual([problem.code, ends], ['E_HTTP_EXISTS', 'file'])
  return 'exists'
}

/** Waits until the project's page is there; a page of a file that is never listed fails the test. */
async function listed({ index, get }: Meeting): Promise<string> {
  const start = performance.now()
  for (;;) {
    const { status, body } = await get(`${index.simpleUrl}demo/`)
    if (status === 200) return body.toString('utf8')
    if (performance.now() - start > 5_000) throw new Error(`the page never came: ${status}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const kinds = Object.keys(SERVERS).filter((kind): kind is KindName => kind in SERVERS)

for (const kind of kinds) {
  const promises = SERVERS[kind]
  const { same, other, replaced, writeOnce, wrong, permission, credentials, missing, auto } = promises
  const { anonymous = 'E_HTTP_UNAUTHORIZED', wrongPassword = 'E_HTTP_UNAUTHORIZED' } = promises

  describe(`the fake ${kind}`, () => {
    it('takes a first file whole and lists it in its simple index', async (test) => {
      const meeting = await meet(test, kind)
      assert.equal(ending(await meeting.send('some bytes')), 'published')
      assert.deepEqual(meeting.index.files(), [FILE])
      assert.equal(meeting.index.read(FILE).toString(), 'some bytes')
      assert.match(await listed(meeting), /demo-1\.0-py3-none-any\.whl/)
    })

    it('serves the file where its page says, with its digest', async (test) => {
      const meeting = await meet(test, kind)
      await meeting.send('some bytes')
      const page = await listed(meeting)
      const [, href = '', digest] = /href="([^"#]*)#sha256=([0-9a-f]{64})"/.exec(page) ?? []
      assert.equal(digest, createHash('sha256').update('some bytes').digest('hex'))
      const url = new URL(href, `${meeting.index.simpleUrl}demo/`)
      // The public index has its files on another host.
      if (kind === 'warehouse') assert.equal(url.hostname, 'files.example')
      else assert.equal((await meeting.get(url.href)).body.toString(), 'some bytes')
    })

    it(`has no page for a project that it does not know: ${missing ?? 404}`, async (test) => {
      const { index, get } = await meet(test, kind)
      const { status, location } = await get(`${index.simpleUrl}demo/`)
      assert.deepEqual([status, location], missing === undefined ? [404, undefined] : [302, missing])
    })

    it(`says of the same bytes again: ${same}; of others: ${other}`, async (test) => {
      const { index, send } = await meet(test, kind)
      await send('some bytes')
      assert.equal(ending(await send('some bytes')), same)
      assert.equal(ending(await send('other bytes')), other)
      assert.equal(index.read(FILE).toString(), replaced ? 'other bytes' : 'some bytes')
    })

    if (writeOnce !== undefined) {
      it('with its write-once rule keeps what it has', async (test) => {
        const { index, send } = await meet(test, kind, { overwrite: false })
        await send('some bytes')
        assert.equal(ending(await send('some bytes')), writeOnce.same)
        assert.equal(ending(await send('other bytes')), writeOnce.other)
        assert.equal(index.read(FILE).toString(), 'some bytes')
      })
    }

    for (const [path, [code, hint]] of Object.entries(wrong)) {
      it(`takes nothing at ${path}: the hint says where`, async (test) => {
        const { index, send } = await meet(test, kind)
        const end = await send('some bytes', { url: index.at(path) })
        assert.deepEqual([ending(end), end.ends], [code, 'run'])
        assert.match(end.problem?.hint ?? '', hint)
        assert.deepEqual(index.files(), [])
      })
    }

    it('without permission ends the project and names the permission', async (test) => {
      const { send } = await meet(test, kind, { mayUpload: false })
      const end = await send('some bytes')
      assert.deepEqual([ending(end), end.ends], ['E_HTTP_FORBIDDEN', 'project'])
      assert.match(end.problem?.hint ?? '', permission)
    })

    it('without credentials asks for somebody who publishes', async (test) => {
      const { index, send } = await meet(test, kind)
      const { problem } = await send('some bytes', { user: false })
      assert.equal(problem?.code, anonymous)
      const certificate = index.proxyUrl === undefined
      const hint = certificate ? /^Have the index map the certificate to a user/ : /^Give user and password \(/
      assert.match(problem?.hint ?? '', hint)
    })

    it('with a wrong password says what it takes', async (test) => {
      const { index, send } = await meet(test, kind, { user: { ...USER, password: 'another' } })
      const { problem } = await send('some bytes')
      assert.equal(problem?.code, wrongPassword)
      assert.match(problem?.hint ?? '', credentials)
      assert.deepEqual(index.files(), [])
    })

    it(`is read where check-url: auto looks: ${auto ?? 'nowhere'}`, async (test) => {
      const { index, get } = await meet(test, kind)
      const found = simpleIndexFor(new URL(index.uploadUrl), 'auto')
      assert.deepEqual(
        [found?.source, found?.root.href],
        auto === undefined ? [undefined, undefined] : [auto, index.simpleUrl],
      )
      // Only a guess has to be proven by its root; the others need not have a page there (Gitea, CodeArtifact).
      if (auto === 'guessed') assert.equal((await get(index.simpleUrl)).status, 200)
    })
  })
}
