import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Answer } from '../../../src/package-index/answer.ts'
import { entryFor, knownServer, simpleIndexFor } from '../../../src/package-index/known-server.ts'

const AWS = 'https://acme-1.d.codeartifact.eu-west-1.amazonaws.com'
const AZURE = 'https://pkgs.dev.azure.com/acme/tools/_packaging/feed/pypi'

/** Upload URL, server, root of its simple index. */
const KNOWN: readonly (readonly [string, string, string])[] = [
  ['https://h/artifactory/api/pypi/local', 'Artifactory', 'https://h/artifactory/api/pypi/local/simple/'],
  ['https://h/x/artifactory/api/pypi/local/', 'Artifactory', 'https://h/x/artifactory/api/pypi/local/simple/'],
  ['https://h:8443/repository/pypi/', 'Nexus', 'https://h:8443/repository/pypi/simple/'],
  ['https://h/nexus/repository/pypi', 'Nexus', 'https://h/nexus/repository/pypi/simple/'],
  ['https://h/api/v4/projects/7/packages/pypi', 'GitLab', 'https://h/api/v4/projects/7/packages/pypi/simple/'],
  [
    'https://h/git/api/v4/projects/a%2Fb/packages/pypi/',
    'GitLab',
    'https://h/git/api/v4/projects/a%2Fb/packages/pypi/simple/',
  ],
  ['https://h/api/packages/team/pypi', 'Gitea or Forgejo', 'https://h/api/packages/team/pypi/simple/'],
  ['https://h/pypi/prod/legacy/', 'Pulp', 'https://h/pypi/prod/simple/'],
  ['https://h/pypi/prod/simple/', 'Pulp', 'https://h/pypi/prod/simple/'],
  ['https://h/pypi/domain/a/b/legacy', 'Pulp', 'https://h/pypi/domain/a/b/simple/'],
  [`${AZURE}/upload/`, 'Azure Artifacts', `${AZURE}/simple/`],
  [
    'https://tfs.example/c/_packaging/feed/pypi/upload',
    'Azure Artifacts',
    'https://tfs.example/c/_packaging/feed/pypi/simple/',
  ],
  [`${AWS}/pypi/repo/`, 'AWS CodeArtifact', `${AWS}/pypi/repo/simple/`],
  [
    'https://a-1.d.codeartifact.eu-west-1.on.aws/pypi/r',
    'AWS CodeArtifact',
    'https://a-1.d.codeartifact.eu-west-1.on.aws/pypi/r/simple/',
  ],
  [
    'https://europe-python.pkg.dev/acme/repo/',
    'Google Artifact Registry',
    'https://europe-python.pkg.dev/acme/repo/simple/',
  ],
]

/** Upload URL and the root that has to answer as a simple index before its silence counts; undefined: none. */
const GUESSED: readonly (readonly [string, string | undefined])[] = [
  ['https://h/legacy/', 'https://h/simple/'],
  ['https://h/legacy', 'https://h/simple/'],
  ['https://h/team/legacy/', 'https://h/team/simple/'],
  ['https://h/', 'https://h/simple/'],
  ['https://h:8443', 'https://h:8443/simple/'],
  ['https://h/ci/prod/', 'https://h/ci/prod/+simple/'],
  ['https://h/devpi/ci/prod', 'https://h/devpi/ci/prod/+simple/'],
  ['https://h/api/pypi/local', 'https://h/api/pypi/local/simple/'],
  ['https://h/acme/api/pypi/local/', 'https://h/acme/api/pypi/local/simple/'],
  // A simple index in place of an upload URL: the upload says so.
  ['https://h/ci/prod/+simple/', 'https://h/ci/prod/+simple/'],
  ['https://h/simple', 'https://h/simple/'],
  ['https://h/artifactory/api/pypi/local/simple', 'https://h/artifactory/api/pypi/local/simple/'],
  ['https://h/pypi/', undefined],
  ['https://h/team/upload', undefined],
  ['https://h/artifactory/local', undefined],
  ['https://python.cloudsmith.io/acme/repo/', undefined],
]

function answer(headers: Record<string, string>, text = '', reason = ''): Answer {
  return { status: 403, reason, text, headers: new Map(Object.entries(headers)) }
}

describe('a server that is known by its upload URL', () => {
  for (const [url, name, root] of KNOWN) {
    it(`has its simple index: ${url}`, () => {
      assert.equal(knownServer(new URL(url))?.name, name)
      const index = simpleIndexFor(new URL(url), 'auto')
      assert.deepEqual([index?.source, index?.root.href, index?.server?.name], ['known', root, name])
    })
  }

  it('is asked on the origin of the upload URL alone, without its query', () => {
    for (const [url] of [...KNOWN, ...GUESSED]) {
      const root = simpleIndexFor(new URL(`${url}?token=x#y`), 'auto')?.root
      if (root === undefined) continue
      assert.deepEqual([root.origin, root.search, root.hash], [new URL(url).origin, '', ''])
      assert.match(root.pathname, /\/$/)
    }
  })

  it('has the traits that decide what its answers are worth', () => {
    const traits = (url: string) => {
      const { digestIsOurWord, mayOverwrite, mergesUpstreams, ownFiles } =
        simpleIndexFor(new URL(url), 'auto')?.server ?? assert.fail(url)
      const named = Object.entries({ digestIsOurWord, mayOverwrite, mergesUpstreams })
      return [...named.filter(([, value]) => value).map(([name]) => name), ...(ownFiles ? [ownFiles.href] : [])]
    }
    assert.deepEqual(traits('https://h/artifactory/api/pypi/r'), ['mayOverwrite', 'mergesUpstreams'])
    assert.deepEqual(traits('https://h/repository/r/'), ['mayOverwrite', 'mergesUpstreams'])
    assert.deepEqual(traits('https://h/api/v4/projects/7/packages/pypi'), ['digestIsOurWord'])
    assert.deepEqual(traits('https://h/api/packages/team/pypi'), [])
    assert.deepEqual(traits('https://h/pypi/prod/legacy/'), ['mergesUpstreams'])
    assert.deepEqual(traits('https://h/ci/prod/'), ['mayOverwrite', 'https://h/ci/prod/+f/'])
    assert.deepEqual(traits(`${AZURE}/upload/`), ['mergesUpstreams'])
  })
})

describe('a URL that may be that of several servers', () => {
  for (const [url, root] of GUESSED) {
    it(`proves nothing by itself: ${url}`, () => {
      const index = simpleIndexFor(new URL(url), 'auto')
      assert.deepEqual(
        [index?.source, index?.root.href],
        root === undefined ? [undefined, undefined] : ['guessed', root],
      )
    })
  }

  it('is named for no server', () => {
    for (const url of ['https://h/', 'https://h/legacy/', 'https://h/ci/prod/', 'https://h/api/pypi/local']) {
      assert.equal(knownServer(new URL(url)), undefined)
    }
  })

  it('is a known one without a simple index where that is on another host', () => {
    const { name, simpleRoot } = knownServer(new URL('https://python.cloudsmith.io/acme/repo/')) ?? assert.fail()
    assert.deepEqual([name, simpleRoot], ['Cloudsmith', undefined])
  })

  it('of another host that only looks like a service is none of it', () => {
    for (const host of [
      'python.cloudsmith.io.example',
      'x-python.pkg.dev.example',
      'codeartifact.amazonaws.com.example',
    ]) {
      const index = simpleIndexFor(new URL(`https://${host}/pypi/repo/`), 'auto')
      assert.deepEqual([index?.source, index?.server?.name], ['guessed', 'devpi'])
    }
  })
})

describe('check-url', () => {
  const given = (repository: string, check: string) => simpleIndexFor(new URL(repository), new URL(check))

  it('is the root, with a final slash, whatever the upload URL is', () => {
    for (const repository of ['https://h/', 'https://h/x/y', 'https://h/repository/r/']) {
      const index = given(repository, 'https://read.example/all/simple')
      assert.deepEqual([index?.source, index?.root.href], ['given', 'https://read.example/all/simple/'])
    }
  })

  it('that is the upload URL once more has to prove that it is one, but for Pulp, which has both there', () => {
    assert.equal(given('https://h/legacy/', 'https://h/legacy')?.source, 'guessed')
    assert.equal(given('https://h/ci/prod/', 'https://h/ci/prod/')?.source, 'guessed')
    assert.equal(given('https://h/pypi/prod/simple/', 'https://h/pypi/prod/simple/')?.source, 'given')
  })

  it('leaves the traits of a server that is known by its upload URL', () => {
    assert.equal(
      given('https://h/api/v4/projects/7/packages/pypi', 'https://h/all/simple/')?.server?.digestIsOurWord,
      true,
    )
    assert.equal(
      given('https://python.cloudsmith.io/a/r/', 'https://dl.cloudsmith.io/basic/a/r/python/simple/')?.server?.name,
      'Cloudsmith',
    )
  })

  it('tells the server where the upload URL does not', () => {
    const gitlab = given('https://h/uploads/', 'https://h/api/v4/groups/5/-/packages/pypi/simple')
    assert.deepEqual([gitlab?.server?.name, gitlab?.server?.digestIsOurWord], ['GitLab', true])
    assert.equal(given('https://h/legacy/', 'https://h/repository/all/simple/')?.server?.name, 'Nexus')
    assert.equal(given('https://h/legacy/', 'https://h/simple/')?.server, undefined)
  })

  it('of devpi shows only own files where it is the index of the upload URL', () => {
    const own = given('https://h/ci/prod/', 'https://h/ci/prod/+simple/')
    assert.deepEqual([own?.server?.ownFiles?.href, own?.server?.mergesUpstreams], ['https://h/ci/prod/+f/', false])
    for (const other of ['https://h/ci/all/+simple/', 'https://read.example/ci/prod/+simple/']) {
      const { server } = given('https://h/ci/prod/', other) ?? {}
      assert.deepEqual([server?.name, server?.ownFiles, server?.mergesUpstreams], ['devpi', undefined, true])
    }
  })

  it('that is not of devpi makes no devpi of two segments', () => {
    assert.equal(given('https://h/team/uploads/', 'https://h/team/simple/')?.server, undefined)
  })
})

describe('a server that is known by its answer', () => {
  const answers: readonly (readonly [string | undefined, Answer])[] = [
    ['devpi', answer({ 'x-devpi-serial': '12' })],
    ['Artifactory', answer({ 'x-artifactory-id': 'ab' })],
    ['Artifactory', answer({ server: 'Artifactory/7.77.5' })],
    ['Nexus', answer({ server: 'Nexus/3.61.0-02 (OSS)' })],
    ['GitLab', answer({ 'www-authenticate': 'Basic realm="GitLab Packages Registry"' })],
    ['Gitea or Forgejo', answer({ 'www-authenticate': 'Basic realm="Gitea Package API"' })],
    ['pypiron', answer({ 'www-authenticate': 'Basic realm="PypIron"' })],
    ['Azure Artifacts', answer({}, '{"typeKey":"FeedIdNotFoundException"}')],
    ['Pulp', answer({}, '{"task":"/pulp/api/v3/tasks/1/"}')],
    ['Pulp', answer({}, '', 'Index is not allowing uploads')],
    ['pypiserver', answer({}, 'You may start server with --overwrite option.')],
    [undefined, answer({ server: 'nginx/1.22.1', 'www-authenticate': 'Basic realm="pypi"' }, '<h1>403 Forbidden</h1>')],
  ]
  for (const [name, given] of answers) {
    it(`${name ?? 'none: a front'}: ${[...given.headers].join() || given.reason || given.text}`, () => {
      // Of such a URL nothing is known.
      assert.equal(entryFor(given, new URL('https://h/uploads/of/a/company'))?.name, name)
    })
  }
})
