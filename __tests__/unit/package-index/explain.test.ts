import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ErrorCode } from '../../../src/errors.ts'
import type { Answer } from '../../../src/package-index/answer.ts'
import { explainAnswer, type Sending, type Verdict } from '../../../src/package-index/explain.ts'
import { Secrets } from '../../../src/text.ts'

const HTML = { 'content-type': 'text/html' }
const JSON_TYPE = { 'content-type': 'application/json' }

function answer(status: number, reason: string, text = '', headers: Record<string, string> = {}): Answer {
  return { status, reason, text, headers: new Map(Object.entries(headers)) }
}

function explain(given: Answer, sending: Partial<Sending> = {}): Verdict {
  return explainAnswer(given, {
    url: new URL('https://index.example/legacy/'),
    project: 'demo',
    contentLength: 1_600_000,
    authorized: false,
    certificateSubject: 'CN=release',
    secrets: new Secrets(),
    now: new Date('2026-11-24T08:00:00Z'),
    ...sending,
  })
}

/** Outcome, code and what ends; checks in passing that the sentences are in the form that the project has. */
function summary({ outcome, problem, ends }: Verdict): [string, ErrorCode | undefined, string] {
  if (problem !== undefined) {
    assert.match(problem.message, /^[a-z].*[^.]$/s)
    assert.match(problem.hint ?? '', /^[A-Z]/)
  }
  return [outcome, problem?.code, ends]
}

const NGINX_NO_CERTIFICATE =
  '<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<center>No required SSL certificate was sent</center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n'
const NGINX_BAD_CERTIFICATE = NGINX_NO_CERTIFICATE.replaceAll(
  'No required SSL certificate was sent',
  'The SSL certificate error',
)
const APACHE_BY_PATH =
  "<title>403 Forbidden</title><h1>Forbidden</h1><p>You don't have permission to access this resource.Reason: Cannot perform Post-Handshake Authentication.<br /></p>"

describe('a plain success', () => {
  it('is every 2xx: stored, created, taken for later (Pulp), the same bytes again (devpi)', () => {
    for (const given of [
      answer(200, 'OK'),
      answer(201, 'Created', '{"message":"201 Created"}', JSON_TYPE),
      answer(202, 'Accepted', '{"task":"/pulp/api/v3/tasks/1/"}', JSON_TYPE),
      answer(204, 'No Content'),
      answer(
        200,
        'Upload of identical file to non volatile index.',
        '<html><body>Upload of identical file</body></html>',
        HTML,
      ),
    ]) {
      assert.deepEqual(summary(explain(given)), ['published', undefined, 'file'])
    }
  })
})

describe('the number of a request', () => {
  const F5 =
    'The requested URL was rejected. Please consult with your administrator.<br>Your support ID is: <b>12345678901234567890</b>'

  it('is that of the page, of a header, or both, whatever the answer means', () => {
    for (const [given, expected] of [
      [answer(200, 'OK', F5, HTML), 'support ID 12345678901234567890'],
      [
        answer(403, 'Forbidden', F5, { ...HTML, 'x-request-id': 'r-1' }),
        'support ID 12345678901234567890, x-request-id r-1',
      ],
      [answer(403, 'Forbidden', 'error code: 1020', { 'cf-ray': '8a1b-FRA' }), 'cf-ray 8a1b-FRA'],
      [answer(500, 'Internal Server Error', 'no', { 'x-amzn-requestid': 'r-2' }), 'x-amzn-requestid r-2'],
      [answer(401, 'Unauthorized'), undefined],
    ] as const) {
      assert.equal(explain(given).requestNumber, expected)
    }
  })
})

describe("a firewall's page in place of an answer", () => {
  const PAGES: readonly (readonly [string, Answer, RegExp])[] = [
    [
      'F5, with 200',
      answer(
        200,
        'OK',
        '<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please consult with your administrator.<br><br>Your support ID is: <b>12345678901234567890</b><br></body></html>',
        HTML,
      ),
      /F5.*support ID 12345678901234567890/,
    ],
    [
      'Cloudflare',
      answer(
        403,
        'Forbidden',
        '<title>Attention Required! | Cloudflare</title><h1>Sorry, you have been blocked</h1><span>Cloudflare Ray ID: <strong>8a1b2c3d4e5f6071</strong></span>',
        HTML,
      ),
      /Cloudflare.*Ray ID 8a1b2c3d4e5f6071/,
    ],
    [
      'Cloudflare, to programs',
      answer(403, 'Forbidden', 'error code: 1020', { 'cf-ray': '8a1b-FRA' }),
      /cf-ray 8a1b-FRA/,
    ],
    [
      'Akamai',
      answer(
        403,
        'Forbidden',
        '<H1>Access Denied</H1> You don\'t have permission to access "http&#58;&#47;&#47;index" on this server.<P>Reference&#32;&#35;18.2d351ab8.1557333295.a4e16ab',
        HTML,
      ),
      /Akamai.*Reference 18\.2d351ab8\.1557333295\.a4e16ab/,
    ],
    [
      'Imperva',
      answer(403, 'Forbidden', 'Request unsuccessful. Incapsula incident ID: 877000190132-4578', HTML),
      /Imperva.*incident ID 877000190132-4578/,
    ],
    [
      'FortiWeb',
      answer(403, 'Forbidden', '<h2>Web Page Blocked!</h2> Attack ID: 20000051', HTML),
      /Attack ID 20000051/,
    ],
    [
      'Azure',
      answer(403, 'Forbidden', 'The request is blocked.', { 'x-azure-ref': '0abc' }),
      /Azure.*x-azure-ref 0abc/,
    ],
    ['ModSecurity', answer(406, 'Not Acceptable', 'This error was generated by Mod_Security.', HTML), /ModSecurity/],
  ]
  for (const [name, page, words] of PAGES) {
    it(`${name} is a block, with its number`, () => {
      const verdict = explain(page)
      const ends = page.status === 403 ? 'project' : 'file'
      assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_BLOCKED', ends])
      assert.match(`${verdict.problem?.message} ${verdict.problem?.hint}`, words)
    })
  }

  it('may mean the client certificate, as the words of nginx, HAProxy and Envoy may: what is known of it helps', () => {
    for (const given of [
      answer(400, 'Bad Request', NGINX_BAD_CERTIFICATE, HTML),
      answer(403, 'Forbidden', '<h1>403 Forbidden</h1> Request forbidden by administrative rules.', HTML),
      answer(403, 'Forbidden', 'RBAC: access denied'),
      answer(403, 'Forbidden', 'error code: 1020'),
    ]) {
      assert.equal(explain(given).doubtsCertificate, true)
    }
    assert.equal(explain(answer(403, 'Forbidden', 'no permission')).doubtsCertificate, undefined)
  })

  it('is not seen in what an index says of itself', () => {
    for (const given of [
      answer(403, 'Forbidden', '{"message":"Access denied"}', JSON_TYPE),
      answer(403, 'Forbidden', "<p>You don't have permission to access this resource.</p>", HTML),
      answer(400, 'Bad Request', 'error code: 1020 is no version', {}),
    ]) {
      assert.notEqual(explain(given).problem?.code, 'E_HTTP_BLOCKED')
    }
  })

  it('is not seen in the same product saying that the index is down', () => {
    for (const given of [
      answer(502, 'Bad Gateway', '<center>Microsoft-Azure-Application-Gateway/v2</center>', HTML),
      answer(524, '', '<div id="cf-error-details">cloudflare: a timeout occurred</div>', HTML),
    ]) {
      assert.equal(explain(given).problem?.code, 'E_HTTP_SERVER_ERROR')
    }
  })

  it('of 64 KiB made to slow the search down takes no time', () => {
    const words = 'cloudflare support ID is: <b>Ray ID: <b>'
    const start = process.cpuUsage()
    explain(answer(403, 'Forbidden', words.repeat(1_600), HTML))
    const { user } = process.cpuUsage(start)
    assert.ok(user < 1_000_000, `${user} microseconds`)
  })
})

describe('an answer that means that the file is there', () => {
  const known: [string, Answer][] = [
    [
      'PyPI',
      answer(
        400,
        "File already exists ('demo-1.0.tar.gz', with blake2_256 hash 'ab'). See help",
        '<html></html>',
        HTML,
      ),
    ],
    [
      'pypiserver',
      answer(
        409,
        'Conflict',
        "<pre>Package 'demo' already exists! You may start server with --overwrite option.</pre>",
        HTML,
      ),
    ],
    ['devpi', answer(409, 'demo-1.0.tar.gz already exists in non-volatile index')],
    ['Nexus', answer(400, 'Repository does not allow updating assets: pypi-releases')],
    ['Nexus, newer', answer(400, 'Bad Request', '<p>pypi/packages/demo-1.0.whl cannot be updated</p>', HTML)],
    [
      'GitLab',
      answer(400, 'Bad Request', '{"message":"Validation failed: File name has already been taken"}', JSON_TYPE),
    ],
    ['Gitea', answer(409, 'Conflict', 'package file already exists')],
    ['Gitea, older', answer(400, 'Bad Request', 'package file does exist already')],
    ['Google', answer(400, 'Bad Request', 'Requested entity already exists.')],
    [
      'Azure',
      answer(
        409,
        'Conflict',
        `{"message":"The feed 'f' already contains file 'demo.whl' in package 'demo'"}`,
        JSON_TYPE,
      ),
    ],
    ['CodeArtifact, or any other 409', answer(409, 'Conflict')],
    ['Pulp', answer(400, 'Package demo.whl already exists in index')],
    [
      'Azure in another language',
      answer(409, 'Conflict', '{"message":"?","typeKey":"PackageAlreadyExistsException"}', JSON_TYPE),
    ],
    ['pypiron', answer(409, 'Conflict', 'File already exists: demo-1.0.tar.gz')],
    ['pypiserver to another client', answer(400, 'Bad Request', "<pre>Package 'demo' already exists!</pre>", HTML)],
    ['a front that makes it a 403', answer(403, 'Forbidden', 'The file demo-1-py3-none-any.whl already exists')],
    [
      'Artifactory, older',
      answer(
        403,
        'Forbidden',
        '{"errors":[{"message":"Not enough permissions to overwrite artifact pypi:demo.whl"}]}',
        JSON_TYPE,
      ),
    ],
    [
      'Artifactory',
      answer(
        403,
        'Forbidden',
        `{"errors":[{"status":403,"message":"Not enough permissions to overwrite artifact 'pypi/demo.whl' (user 'ci' needs DELETE permission)."}]}`,
        JSON_TYPE,
      ),
    ],
    [
      'Artifactory, newer',
      answer(
        403,
        'Forbidden',
        '{"errors":[{"status":403,"message":"Not enough permissions to delete/overwrite all artifacts under demo"}]}',
        JSON_TYPE,
      ),
    ],
  ]
  for (const [server, given] of known) {
    it(`ends the file as rejected: ${server}`, () => {
      assert.deepEqual(summary(explain(given)), ['rejected', 'E_HTTP_EXISTS', 'file'])
    })
  }

  for (const [server, given] of known) {
    it(`is to be looked up: ${server}`, () => assert.equal(explain(given).exists, true))
  }

  it('is told from a conflict about something else', () => {
    const name = answer(409, "The name 'demo' conflicts with an existing project. See help")
    const policy = answer(409, 'Conflict', `{"errors":[{"message":"The repository rejected the artifact"}]}`, JSON_TYPE)
    const version = answer(
      409,
      'Conflict',
      '{"message":"The version 1.0 has been deleted and cannot be restored"}',
      JSON_TYPE,
    )
    for (const given of [name, policy, version]) {
      assert.deepEqual(summary(explain(given)), ['rejected', 'E_HTTP_REJECTED', 'file'])
      assert.equal(explain(given).exists, undefined)
    }
  })

  it('is told from a name whose file was deleted (PyPI), which takes a new version', () => {
    const words = 'This filename was previously used by a file that has since been deleted. Use a different version.'
    const verdict = explain(answer(400, words))
    assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_REJECTED', 'file'])
    assert.equal(verdict.exists, undefined)
    assert.match(verdict.problem?.hint ?? '', /never takes the name of a deleted file again: build a new version/)
  })

  it('is told from a size that is too large, which Gitea says with 403', () => {
    for (const given of [
      answer(403, 'Forbidden', 'maximum allowed package type size exceeded'),
      answer(400, "Project size too large. Limit for project 'demo' total size is 10 GB."),
    ]) {
      assert.deepEqual(summary(explain(given)), ['rejected', 'E_HTTP_TOO_LARGE', 'file'])
    }
  })

  it('is told from an index that takes nothing for now, which no permission would change', () => {
    for (const words of [
      'Read-only mode: Uploads are temporarily disabled.',
      'New project registration temporarily disabled.',
    ]) {
      const verdict = explain(answer(403, words))
      assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_REJECTED', 'project'])
      assert.match(verdict.problem?.hint ?? '', /^No permission is missing: .* Run again later\.$/)
    }
  })

  it('is told from a permission that is missing, and from metadata that is wrong', () => {
    const project = answer(403, 'Forbidden', 'A project of this name already exists and is not yours')
    assert.deepEqual(summary(explain(project)), ['rejected', 'E_HTTP_FORBIDDEN', 'project'])
    const metadata = answer(400, 'Bad Request', 'The field Name cannot be updated')
    assert.deepEqual(summary(explain(metadata)), ['rejected', 'E_HTTP_REJECTED', 'file'])
  })
})

describe('a success that stored nothing', () => {
  const page = '<!DOCTYPE html><head><meta name="pypi:repository-version" content="1.0"></head><a href="x">x</a>'
  const urls: [string, Answer, string, RegExp][] = [
    ['devpi at +simple', answer(200, 'OK'), 'https://h/ci/prod/+simple/', /devpi takes uploads at .*USER\/INDEX/],
    ['a page of the simple index', answer(200, 'OK', page, HTML), 'https://h/x/simple/', /simple index that pip reads/],
    ['one without a version', answer(200, 'OK', '<title>Simple index</title>', HTML), 'https://h/simple/', /pip reads/],
    [
      'one in JSON',
      answer(200, 'OK', '{"projects":[]}', { 'content-type': 'application/vnd.pypi.simple.v1+json' }),
      'https://h/simple/',
      /pip reads/,
    ],
  ]
  for (const [kind, given, url, hint] of urls) {
    it(`ends the run: ${kind}`, () => {
      const verdict = explain(given, { url: new URL(url) })
      assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_NOT_FOUND', 'run'])
      assert.match(verdict.problem?.message ?? '', /a page of the simple index: nothing was stored$/)
      assert.match(verdict.problem?.hint ?? '', hint)
    })
  }

  it('is not seen where Pulp takes a file at /simple/', () => {
    const taken = answer(202, 'Accepted', '{"task":"/pulp/api/v3/tasks/1/"}', JSON_TYPE)
    assert.equal(explain(taken, { url: new URL('https://h/pypi/prod/simple/') }).outcome, 'published')
  })
})

describe('a front that judges the client certificate in HTTP', () => {
  const cases: [string, Answer, ErrorCode][] = [
    [
      'nginx without a certificate',
      answer(400, 'Bad Request', NGINX_NO_CERTIFICATE, HTML),
      'E_HTTP_CLIENT_CERT_REQUIRED',
    ],
    [
      'nginx with one that it refuses',
      answer(400, 'Bad Request', NGINX_BAD_CERTIFICATE, HTML),
      'E_HTTP_CLIENT_CERT_REFUSED',
    ],
    ['496 of nginx', answer(496, ''), 'E_HTTP_CLIENT_CERT_REQUIRED'],
    ['495 of nginx', answer(495, ''), 'E_HTTP_CLIENT_CERT_REFUSED'],
    ['Apache that asks by path', answer(403, 'Forbidden', APACHE_BY_PATH, HTML), 'E_HTTP_CLIENT_CERT_REQUIRED'],
  ]
  for (const [front, given, code] of cases) {
    it(`ends the run: ${front}`, () => assert.deepEqual(summary(explain(given)), ['rejected', code, 'run']))
  }

  it('is named with the certificate that it refused', () => {
    const { problem } = explain(answer(400, 'Bad Request', NGINX_BAD_CERTIFICATE, HTML))
    assert.match(problem?.message ?? '', /answered 400 Bad Request: .*The SSL certificate error.*CN=release/)
  })

  it('of the kind of Apache is got round with TLS 1.2, which the hint says', () => {
    assert.match(explain(answer(403, 'Forbidden', APACHE_BY_PATH, HTML)).problem?.hint ?? '', /tls-max-version: 1\.2/)
  })
})

describe('a page or a redirect that asks to log in', () => {
  const page = (form: string) => answer(200, 'OK', `<!doctype html><form action="/x">${form}</form>`, HTML)
  const to = (location: string, status = 302) => answer(status, 'Found', '', { location })
  const logins: [string, Answer][] = [
    ['a password field', page('<input name=p type="password">')],
    ['a password field without quotes', page('<INPUT TYPE=password>')],
    ['a SAML form that posts itself', page('<input type="hidden" name="SAMLRequest" value="x">')],
    ['F5 APM', to('/my.policy')],
    ['a login on the same host', to('/users/login?next=%2Flegacy%2F')],
    ['another host that is named for it', to('https://sso.example.com/start')],
    ['OAuth', to('https://corp.example.com/oauth2/authorize?client_id=x', 303)],
    ['even by a 307', to('https://login.corp.example/x', 307)],
  ]
  for (const [kind, given] of logins) {
    it(`is no success and ends the run: ${kind}`, () => {
      assert.deepEqual(summary(explain(given)), ['rejected', 'E_HTTP_LOGIN_PAGE', 'run'])
    })
  }

  it('is not seen where an index only speaks of passwords', () => {
    const text = answer(200, 'OK', 'type=password is fine here', { 'content-type': 'text/plain' })
    assert.equal(explain(text).outcome, 'published')
  })
})

describe('another redirect', () => {
  it('ends the run and says where it points, without query and secrets', () => {
    const secrets = new Secrets()
    secrets.add('s3cret-token')
    const location = 'https://u:p@other.example/s3cret-token/pypi?token=abc#x'
    const { problem, ...rest } = explain(answer(302, 'Found', '', { location }), { secrets })
    assert.deepEqual(summary({ problem, ...rest }), ['rejected', 'E_HTTP_REDIRECT', 'run'])
    assert.match(problem?.message ?? '', /points to https:\/\/other\.example\/\*\*\*\/pypi,/)
  })

  it('of the same origin (a missing slash) is given as the repository-url to write', () => {
    const url = new URL('https://index.example/pypi/prod/legacy')
    const { problem } = explain(answer(301, 'Moved Permanently', '', { location: '/pypi/prod/legacy/' }), { url })
    assert.match(problem?.hint ?? '', /^Write https:\/\/index\.example\/pypi\/prod\/legacy\/ as repository-url/)
  })

  it('that leads nowhere is one too', () => {
    for (const location of ['http://', 'javascript:alert(1)', '']) {
      const given = answer(302, 'Found', '', location === '' ? {} : { location })
      assert.deepEqual(summary(explain(given)), ['rejected', 'E_HTTP_REDIRECT', 'run'])
    }
  })
})

describe('401', () => {
  it('ends the run; with a certificate alone it says whom the server met', () => {
    const verdict = explain(answer(401, 'Unauthorized', 'no user'))
    assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_UNAUTHORIZED', 'run'])
    assert.equal(
      verdict.problem?.message,
      'the handshake was accepted as CN=release, but the index maps it to no user with upload permission: the index answered 401 Unauthorized: no user',
    )
    assert.match(verdict.problem?.hint ?? '', /map the certificate to a user .*, or give user and password/)
  })

  it('with credentials points at them', () => {
    const { problem } = explain(answer(401, 'Unauthorized'), { authorized: true })
    assert.match(problem?.message ?? '', /accepted as CN=release, but the index does not take the credentials/)
    assert.match(problem?.hint ?? '', /^Check user and password/)
  })

  it('without a certificate is just what the index answered', () => {
    const { problem } = explain(answer(401, 'Unauthorized'), { certificateSubject: undefined })
    assert.equal(problem?.message, 'the index answered 401 Unauthorized')
    assert.match(problem?.hint ?? '', /^Give user and password: nothing was sent that says who publishes/)
  })
})

describe('403', () => {
  it('ends the project and names it', () => {
    const verdict = explain(answer(403, "The user 'ci' isn't allowed to upload to project 'demo'"), {
      authorized: true,
    })
    assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_FORBIDDEN', 'project'])
    assert.match(verdict.problem?.message ?? '', /answered 403 The user 'ci' isn't allowed/)
    assert.match(verdict.problem?.hint ?? '', /project demo; .*wrong user or password/)
  })

  it('to a certificate alone asks for a user of it', () => {
    const { problem } = explain(answer(403, 'Forbidden'))
    assert.match(problem?.message ?? '', /accepted as CN=release, but the index maps it to no user/)
    assert.match(problem?.hint ?? '', /upload to the project demo, or give user and password/)
  })

  it('of a front is told from one of the index', () => {
    for (const words of ['Request forbidden by administrative rules.', 'RBAC: access denied']) {
      const verdict = explain(answer(403, 'Forbidden', words))
      assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_FORBIDDEN', 'project'])
      assert.match(verdict.problem?.hint ?? '', /HAProxy or Envoy/)
    }
  })

  it('of a web application firewall keeps the number to ask with', () => {
    const { problem } = explain(answer(403, 'Forbidden', 'Blocked', { 'cf-ray': '8a1b-FRA' }))
    assert.match(problem?.message ?? '', /Blocked \(cf-ray 8a1b-FRA\)$/)
    const f5 = '<html><body>The requested URL was rejected. Your support ID is: 1234567890</body></html>'
    assert.match(explain(answer(403, 'Forbidden', f5, HTML)).problem?.message ?? '', /support ID is: 1234567890$/)
  })
})

describe('404, 405 and 415', () => {
  const urls: [string, RegExp][] = [
    ['https://h/artifactory/pypi-local/', /artifactory\/api\/pypi\/REPOSITORY/],
    ['https://h/artifactory/api/pypi/local/simple', /without \/simple/],
    ['https://h/artifactory/api/pypi/local', /default deployment repository/],
    ['https://h/repository/pypi', /ends in a slash/],
    ['https://h/repository/pypi/simple/', /Nexus/],
    ['https://h/api/v4/projects/7/packages/pypi', /GitLab also answers 404/],
    ['https://h/api/packages/team/pypi/simple', /OWNER\/pypi/],
    ['https://h/ci/prod/+simple/', /devpi takes uploads/],
    ['https://h/some/simple/', /simple index that pip reads/],
    ['https://h/pypi/prod/legacy', /ends in a slash/],
    ['https://h/legacy/', /pypiserver takes uploads at https:\/\/HOST\//],
    ['https://h/', /has a path on most indexes/],
    ['https://h/team/upload', /a final slash matters/],
    ['https://pkgs.example/acme/_packaging/releases/pypi/upload', /ends in a slash: https:\/\/pkgs\.dev\.azure\.com\//],
    ['https://python.cloudsmith.io/acme/releases', /ends in a slash: https:\/\/python\.cloudsmith\.io\//],
  ]
  for (const [url, hint] of urls) {
    it(`end the run, with a hint for a URL like ${url}`, () => {
      for (const status of [404, 405, 415]) {
        const verdict = explain(answer(status, ''), { url: new URL(url) })
        assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_NOT_FOUND', 'run'])
        assert.match(verdict.problem?.hint ?? '', hint)
      }
    })
  }
})

describe('a server that is known by its answer', () => {
  it('is advised on whatever the URL looks like', () => {
    const devpi = answer(404, 'Not Found', '', { 'x-devpi-serial': '7' })
    assert.match(explain(devpi).problem?.hint ?? '', /^The upload URL of devpi is https:\/\/HOST\/USER\/INDEX\/\.$/)
    const nexus = answer(403, 'Forbidden', '', { server: 'Nexus/3.61.0-02 (OSS)' })
    const { problem } = explain(nexus, { authorized: true })
    assert.match(problem?.hint ?? '', /\(Nexus: the privilege nx-repository-view-pypi-REPOSITORY-add, /)
  })

  it('says with a 400 or a 403 that nothing is taken here, which ends the run', () => {
    const slash = answer(400, "Repository path must have another '/' after initial '/'")
    const json = answer(400, 'Bad Request', 'Bad request: could not decode json', { 'x-devpi-serial': '7' })
    const virtual = answer(403, 'Forbidden', '{"errors":[{"message":"No default deployment repository"}]}', JSON_TYPE)
    for (const given of [slash, json, virtual]) {
      assert.deepEqual(summary(explain(given)), ['rejected', 'E_HTTP_NOT_FOUND', 'run'])
    }
  })

  it('that hides what a user may not see (Artifactory) is asked for the permission', () => {
    const hidden = `{"errors":[{"status":404,"message":"Could not locate artifact 'pypi:demo/1.0/demo-1.0.whl'"}]}`
    const url = new URL('https://h/artifactory/api/pypi/pypi')
    const verdict = explain(answer(404, 'Not Found', hidden, JSON_TYPE), { url, authorized: true })
    assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_FORBIDDEN', 'project'])
    assert.match(
      verdict.problem?.hint ?? '',
      /Deploy\/Cache on the repository pypi, .*a file of this name may be there/,
    )
  })

  it('never brings a secret of the URL into its advice', () => {
    const secrets = new Secrets()
    secrets.add('s3cret-token')
    const url = new URL('https://h/repository/s3cret-token/')
    const { problem } = explain(answer(403, 'Forbidden'), { url, secrets, authorized: true })
    assert.match(problem?.hint ?? '', /nx-repository-view-pypi-\*\*\*-add/)
  })
})

describe('a file that is too large', () => {
  it('ends the file, with its size and the server that minds', () => {
    const verdict = explain(answer(413, 'Request Entity Too Large', '', { server: 'waitress' }))
    assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_TOO_LARGE', 'file'])
    assert.match(verdict.problem?.message ?? '', /\(Server: waitress\), to a request of 1\.6 MB$/)
    assert.match(verdict.problem?.hint ?? '', /client_max_body_size/)
  })

  it('is also said with a 400', () => {
    const pypi = answer(400, "File too large. Limit for project 'demo' is 100 MB. See help")
    const gitlab = answer(400, 'Bad Request', '{"message":"File is too large"}', JSON_TYPE)
    for (const given of [pypi, gitlab]) {
      assert.deepEqual(summary(explain(given)), ['rejected', 'E_HTTP_TOO_LARGE', 'file'])
    }
  })
})

describe('421', () => {
  it('ends the run and names the host', () => {
    const verdict = explain(answer(421, 'Misdirected Request'), { url: new URL('https://10.1.2.3/legacy/') })
    assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_MISDIRECTED', 'run'])
    assert.match(verdict.problem?.hint ?? '', /10\.1\.2\.3/)
  })
})

describe('an answer for later', () => {
  const times: [string, RegExp][] = [
    ['2', /; it asks to come back in 2 s$/],
    ['600', /; it asks to come back in 10 minutes \(2026-11-24T08:10:00Z\)$/],
    ['86400', /; it asks to come back in 24 hours \(2026-11-25T08:00:00Z\)$/],
    ['Tue, 24 Nov 2026 10:00:00 GMT', /; it asks to come back in 2 hours \(2026-11-24T10:00:00Z\)$/],
    ['soon', /429 Too Many Requests$/],
    ['99999999999999999999', /; it asks to come back in 27778 hours \(2030-01-24T17:46:39Z\)$/],
  ]
  for (const [value, message] of times) {
    it(`says when: Retry-After: ${value}`, () => {
      const verdict = explain(answer(429, 'Too Many Requests', '', { 'retry-after': value }))
      assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_TOO_MANY_REQUESTS', 'file'])
      assert.match(verdict.problem?.message ?? '', message)
    })
  }

  it('is any 5xx, 408 and 425: the server did answer', () => {
    for (const status of [408, 425, 500, 502, 503, 504, 599]) {
      assert.deepEqual(summary(explain(answer(status, ''))), ['rejected', 'E_HTTP_SERVER_ERROR', 'file'])
    }
    const { problem } = explain(answer(503, '', '', { 'retry-after': '30' }))
    assert.match(problem?.message ?? '', /503 Service Unavailable; it asks to come back in 30 s/)
  })
})

describe('another refusal', () => {
  it('ends the file with the words of the index', () => {
    const gitea = answer(400, 'Bad Request', 'hash mismatch')
    const verdict = explain(gitea)
    assert.deepEqual(summary(verdict), ['rejected', 'E_HTTP_REJECTED', 'file'])
    assert.equal(verdict.problem?.message, 'the index answered 400 Bad Request: hash mismatch')
    for (const status of [400, 402, 406, 410, 411, 422, 451]) {
      assert.deepEqual(summary(explain(answer(status, ''))), ['rejected', 'E_HTTP_REJECTED', 'file'])
    }
  })
})
