import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createRoot, issueClient, issueRevocationList } from '../../demo/certificate-authority.ts'
import { INPUT_NAMES, readInputs, refuseUntrustedEvent, takeSecretInputs } from '../../src/inputs.ts'
import { redact, Secrets } from '../../src/text.ts'

const workspace = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'inputs-test-')))
after(() => rmSync(workspace, { recursive: true, force: true }))

const root = createRoot({ name: 'Root' })
const client = issueClient(root, { name: 'client' })

const URL_TEXT = 'https://index.example.com/legacy/'
const DIGEST = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

type Given = Readonly<Record<string, string | undefined>>

function environment(given: Given, variables: Given): NodeJS.ProcessEnv {
  const inputs = Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])
  return { GITHUB_WORKSPACE: workspace, ...Object.fromEntries(inputs), ...variables }
}

/** Reads the inputs of a step; the required ones are there unless they are given. */
function read(given: Given, variables: Given = {}) {
  const env = environment({ 'repository-url': URL_TEXT, 'client-cert': 'none', ...given }, variables)
  const masks: string[] = []
  const secrets = new Secrets()
  const secretInputs = takeSecretInputs(env)
  const { inputs, problems, notices, warnings } = readInputs(env, secretInputs, (line) => masks.push(line), secrets)
  const found = problems.all.map(({ code, message }) => `${code} ${message}`)
  return {
    inputs,
    problems: found,
    hints: problems.all.map(({ hint }) => hint ?? ''),
    notices,
    warnings,
    masks,
    secrets,
  }
}

/** What is found with these inputs; asserts that nothing is wrong. */
function inputsOf(given: Given, variables: Given = {}) {
  const { inputs, problems } = read(given, variables)
  assert.deepEqual(problems, [])
  return inputs
}

/** The one problem with these inputs. */
function problemOf(given: Given, variables: Given = {}): string {
  const { problems } = read(given, variables)
  assert.equal(problems.length, 1, problems.join('\n'))
  return problems[0] ?? ''
}

const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['packages-dir', 'dist'],
  ['ca-bundle', 'system'],
  ['client-ca-bundle', 'none'],
  ['client-crl', 'none'],
  ['chain-check', 'enforce'],
  ['client-auth', 'required'],
  ['expiry-warning-days', '30'],
  ['expiry-error-days', '0'],
  ['tls-min-version', '1.2'],
  ['tls-max-version', '1.3'],
  ['check-url', 'auto'],
  ['skip-existing', 'false'],
  ['verify-upload', 'true'],
  ['verify-timeout-seconds', '300'],
  ['max-parallel', '6'],
  ['retries', '4'],
  ['verify-metadata', 'true'],
  ['md5-digest', 'false'],
  ['expected-projects', 'one'],
  ['expected-version', 'one'],
  ['expected-files', 'any'],
  ['expected-sha256', 'any'],
  ['idle-timeout-seconds', '300'],
  ['dry-run', 'false'],
  ['export-credentials', 'false'],
])

describe('an input that is not given', () => {
  it('has the value that action.yml documents', () => {
    const { inputs, problems, notices, warnings, masks } = read({})
    assert.deepEqual([problems, notices, warnings, masks], [[], [], [], []])
    assert.deepEqual(inputs, {
      repositoryUrl: new URL(URL_TEXT),
      packagesDir: 'dist',
      files: [],
      clientCertificate: 'none',
      clientKey: undefined,
      clientKeyPassphrase: undefined,
      clientKeyAlias: undefined,
      caBundle: 'system',
      clientCaBundle: 'none',
      clientCrl: 'none',
      chainCheck: 'enforce',
      clientAuth: 'required',
      expiryWarningDays: 30,
      expiryErrorDays: 0,
      tlsMinVersion: 'TLSv1.2',
      tlsMaxVersion: 'TLSv1.3',
      credentials: undefined,
      checkUrl: 'auto',
      skipExisting: false,
      verifyUpload: true,
      verifyTimeoutMs: 300_000,
      maxParallel: 6,
      retries: 4,
      verifyMetadata: true,
      md5Digest: false,
      expectedProjects: 'one',
      expectedVersion: 'one',
      expectedFiles: 'any',
      expectedSha256: 'any',
      idleTimeoutMs: 300_000,
      dryRun: false,
      supportContact: undefined,
      exportCredentials: false,
    })
    assert.ok(Object.isFrozen(inputs))
  })
})

describe('an empty input', () => {
  for (const [name, word] of DEFAULTS) {
    it(`is an error for ${name}, since an expression came out empty`, () => {
      for (const empty of ['', ' \n']) {
        const { problems, hints } = read({ [name]: empty })
        assert.deepEqual(problems, [
          `E_INPUT_EMPTY ${name} is empty: an expression or secret that it was set from has no value here`,
        ])
        assert.match(hints[0] ?? '', new RegExp(`the default is \`${word}\`\\.$`))
      }
    })
  }

  for (const name of [
    'files',
    'client-key',
    'client-key-passphrase',
    'client-key-alias',
    'user',
    'password',
    'support-contact',
  ]) {
    it(`is the same as none for ${name}, which has no default`, () => {
      assert.deepEqual(inputsOf({ [name]: '' }), inputsOf({}))
    })
  }

  it('is an error for repository-url and client-cert, given or not', () => {
    for (const empty of ['', ' ', undefined]) {
      const { problems, hints } = read({ 'repository-url': empty, 'client-cert': empty })
      assert.deepEqual(problems.map((problem) => problem.split(':')[0]).sort(), [
        'E_INPUT_MISSING client-cert is empty',
        'E_INPUT_MISSING repository-url is empty',
      ])
      const reasons = hints.find((hint) => hint.startsWith('Likely reasons')) ?? ''
      for (const reason of ['another name', '`environment:`', 'fork', 'Dependabot', 'by name', 'another repository'])
        assert.ok(reasons.includes(reason), reason)
    }
  })

  it('covers every input: each is in one of these tests', () => {
    const optional = [
      'files',
      'client-key',
      'client-key-passphrase',
      'client-key-alias',
      'user',
      'password',
      'support-contact',
    ]
    const tested = [...DEFAULTS.keys(), ...optional, 'repository-url', 'client-cert']
    assert.deepEqual(tested.sort(), [...INPUT_NAMES].sort())
  })
})

describe('problems', () => {
  it('are reported all together', () => {
    const { problems } = read({
      'repository-url': 'http://index.example.com/',
      'client-cert': '',
      'client-key': 'not a key',
      'ca-bundle': '',
      'chain-check': 'off',
      'dry-run': 'yes',
      'expiry-warning-days': '-1',
      'expected-files': '0',
      'expected-sha256': 'SHA256SUMS',
      'tls-min-version': '1.3',
      'tls-max-version': '1.2',
      user: 'publisher',
      token: 'x',
    })
    assert.deepEqual(problems.map((problem) => problem.split(' ').slice(0, 2).join(' ')).sort(), [
      'E_INPUT_CONFLICT tls-min-version',
      'E_INPUT_CONFLICT user',
      'E_INPUT_EMPTY ca-bundle',
      'E_INPUT_FILE expected-sha256',
      'E_INPUT_FORMAT client-key',
      'E_INPUT_INVALID chain-check',
      'E_INPUT_INVALID dry-run',
      'E_INPUT_INVALID expected-files',
      'E_INPUT_INVALID expiry-warning-days',
      'E_INPUT_INVALID repository-url',
      'E_INPUT_MISSING client-cert',
      'E_INPUT_UNKNOWN `token`',
    ])
  })

  it('leave the default behind, so that a dry run can go on and one fault does not look like two', () => {
    const given = {
      'tls-min-version': '1.3',
      'tls-max-version': '1.4',
      'idle-timeout-seconds': '0',
      'verify-metadata': '1',
    }
    const { inputs, problems } = read(given)
    assert.equal(problems.length, 3)
    assert.deepEqual([inputs.tlsMaxVersion, inputs.idleTimeoutMs, inputs.verifyMetadata], ['TLSv1.3', 300_000, true])
  })

  it('show a foreign value as one short printable line', () => {
    const problem = problemOf({ 'chain-check': `warn\n::error::forged\u001b[31m${'x'.repeat(500)}` })
    assert.match(problem, /^[\x20-\x7e…]{1,200}$/)
    assert.ok(
      problem.startsWith('E_INPUT_INVALID chain-check must be `enforce` or `warn`, but it is `warn ::error::forged'),
    )
  })
})

describe('numbers', () => {
  const bounds: ReadonlyMap<string, readonly [number, number]> = new Map([
    ['expiry-warning-days', [0, 3650]],
    ['expiry-error-days', [0, 3650]],
    ['idle-timeout-seconds', [1, 3600]],
    ['verify-timeout-seconds', [1, 3600]],
    ['max-parallel', [1, 16]],
    ['retries', [0, 10]],
  ])
  for (const [name, [min, max]] of bounds) {
    it(`of ${name} go from ${min} to ${max}`, () => {
      const given = { 'client-cert': client.pem + client.keyPem }
      for (const good of [min, max]) inputsOf({ ...given, [name]: String(good) })
      for (const bad of [String(min - 1), String(max + 1), '1.5', '1e3', '0x10', '+5', '१', 'many', '9'.repeat(30)])
        assert.match(
          problemOf({ ...given, [name]: bad }),
          new RegExp(`^E_INPUT_INVALID ${name} must be a whole number from ${min} to ${max}, `),
        )
    })
  }

  it('have their units', () => {
    const inputs = inputsOf({
      'client-cert': client.pem,
      'idle-timeout-seconds': '7',
      'verify-timeout-seconds': '8',
      'expiry-error-days': '12',
      'expiry-warning-days': ' 45 ',
    })
    assert.deepEqual([inputs.idleTimeoutMs, inputs.verifyTimeoutMs], [7000, 8000])
    assert.deepEqual([inputs.expiryErrorDays, inputs.expiryWarningDays], [12, 45])
  })

  it('of expected-files begin with 1', () => {
    assert.equal(inputsOf({ 'expected-files': '12' }).expectedFiles, 12)
    for (const bad of ['0', '-1', '01', '1000000', 'all'])
      assert.match(problemOf({ 'expected-files': bad }), /must be a whole number from 1, or `any`/)
  })
})

describe('check-url', () => {
  it('is a word or the URL of a simple index', () => {
    for (const word of ['auto', 'off']) assert.equal(inputsOf({ 'check-url': word }).checkUrl, word)
    const url = 'https://index.example.com/simple/'
    assert.deepEqual(inputsOf({ 'check-url': ` ${url} ` }).checkUrl, new URL(url))
  })

  it('is no URL that sends more, or to more people, than it says', () => {
    for (const url of [
      'http://index.example.com/simple/',
      'https://u:p4ss@index.example.com/',
      'simple',
      'https:///a/',
    ]) {
      const problem = problemOf({ 'check-url': url })
      assert.match(problem, /^E_INPUT_INVALID check-url must be an https URL such as /)
      assert.doesNotMatch(problem, /p4ss/)
    }
    const query = problemOf({ 'check-url': 'https://index.example.com/simple/?key=hunter2' })
    assert.match(query, /^E_INPUT_INVALID check-url must be .* without a query, but it is /)
    assert.doesNotMatch(query, /hunter2/)
  })
})

describe('booleans', () => {
  it('are those of the YAML 1.2 core schema', () => {
    for (const yes of ['true', 'True', 'TRUE', ' true\n']) assert.equal(inputsOf({ 'dry-run': yes }).dryRun, true)
    for (const no of ['false', 'False', 'FALSE'])
      assert.equal(inputsOf({ 'verify-metadata': no }).verifyMetadata, false)
    for (const bad of ['yes', 'on', '1', 'tRUE', 'null', 'true false'])
      assert.match(
        problemOf({ 'md5-digest': bad }),
        /^E_INPUT_INVALID md5-digest must be `true` or `false`, but it is /,
      )
  })
})

describe('TLS versions', () => {
  it('may be one and the same, but not the wrong way round', () => {
    const inputs = inputsOf({ 'tls-min-version': '1.3', 'tls-max-version': '1.3' })
    assert.deepEqual([inputs.tlsMinVersion, inputs.tlsMaxVersion], ['TLSv1.3', 'TLSv1.3'])
    assert.equal(
      problemOf({ 'tls-min-version': '1.3', 'tls-max-version': '1.2' }),
      'E_INPUT_CONFLICT tls-min-version is above tls-max-version: no TLS version is left',
    )
  })

  it('are 1.2 and 1.3 alone', () => {
    for (const bad of ['1.1', '1', 'TLSv1.2', '1.4'])
      assert.match(problemOf({ 'tls-min-version': bad }), /must be `1.2` or `1.3`/)
  })
})

describe('repository-url', () => {
  const good = [
    'https://index.example.com/legacy/',
    'https://index.example.com/legacy',
    'https://index.example.com:8443/artifactory/api/pypi/python-local',
    'https://[2001:db8::1]:8443/simple/',
    'https://192.0.2.1/',
    'https://index.example.com/@scope/upload?repository=1',
  ]
  for (const url of good) {
    it(`is used unchanged: ${url}`, () => {
      assert.equal(inputsOf({ 'repository-url': url }).repositoryUrl?.href, url)
    })
  }

  const bad: ReadonlyMap<string, RegExp> = new Map([
    ['http://index.example.com/', /its scheme is `http`/],
    ['ftp://index.example.com/', /its scheme is `ftp`/],
    ['index.example.com/legacy/', /it does not begin with `https:\/\/`/],
    ['localhost:8080/legacy/', /it does not begin with `https:\/\/`/],
    ['https:/index.example.com/', /it does not begin with `https:\/\/`/],
    ['https:///legacy/', /it names no host/],
    ['https://', /it names no host/],
    ['https://user:hunter2@index.example.com/', /it holds a user name or password: give them as `user` and `password`/],
    ['https://@index.example.com/', /it holds a user name or password/],
    ['https://hunter2@index.example.com', /it holds a user name or password/],
    ['https://index.example.com/#legacy', /it has a fragment/],
    ['https://index.example.com/#', /it has a fragment/],
    ['https://index.example.com/a b', /it holds a blank/],
    ['https://index.exa\nmple.com/', /a line end/],
    ['https://index.example.com\\legacy\\', /a backslash/],
    ['https://index.example.com:99999/', /it is not a URL/],
    ['https://[::1/', /it is not a URL/],
  ])
  for (const [url, reason] of bad) {
    it(`is refused with its reason: ${JSON.stringify(url)}`, () => {
      const problem = problemOf({ 'repository-url': url })
      assert.match(problem, reason)
      assert.doesNotMatch(problem, /hunter2/)
      assert.equal(read({ 'repository-url': url }).inputs.repositoryUrl, undefined)
    })
  }

  it('may have blanks and line ends around it', () => {
    assert.equal(inputsOf({ 'repository-url': ` ${URL_TEXT}\n` }).repositoryUrl?.href, URL_TEXT)
  })
})

describe('names of other tools', () => {
  const renamed: ReadonlyMap<string, RegExp> = new Map([
    ['username', /: this action calls it `user`$/],
    ['repository_url', /: this action calls it `repository-url`$/],
    ['repository', /`repository-url`/],
    ['publish-url', /`repository-url`/],
    ['index_url', /`repository-url`/],
    ['packages_dir', /: this action calls it `packages-dir`$/],
    ['verify_metadata', /: this action calls it `verify-metadata`$/],
    ['token', /`password`/],
    ['api_token', /`password`/],
    ['cert', /`ca-bundle` here, the client certificate is `client-cert`/],
    ['client_cert', /: this action calls it `client-cert`$/],
    ['client_key', /: this action calls it `client-key`$/],
    ['ca_cert', /`ca-bundle`/],
    ['skip_existing', /: this action calls it `skip-existing`$/],
    ['index', /`check-url` here/],
    ['attestations', /no attestations/],
    ['verbose', /remove the input/],
    ['print_hash', /remove the input/],
  ])
  for (const [name, advice] of renamed) {
    it(`give an error with advice: ${name}`, () => {
      const problem = problemOf({ [name]: 'some value' })
      assert.ok(problem.startsWith(`E_INPUT_UNKNOWN \`${name}\` is not an input of this action: `))
      assert.match(problem, advice)
      assert.doesNotMatch(problem, /some value/)
    })
  }

  it('count also with an empty value', () => {
    assert.match(problemOf({ username: '' }), /^E_INPUT_UNKNOWN/)
  })

  it('that nobody has are ignored, with a warning', () => {
    const { problems, warnings } = read({ 'pakages-dir': 'x' }, { INPUTRC: '/etc/inputrc' })
    assert.deepEqual(problems, [])
    assert.deepEqual(warnings, ['`pakages-dir` is not an input of this action and is ignored'])
  })
})

describe("twine's variables", () => {
  it('are named where our input is empty', () => {
    assert.match(
      problemOf({ 'repository-url': '' }, { TWINE_REPOSITORY_URL: URL_TEXT }),
      /\(TWINE_REPOSITORY_URL is set, which this action does not read\)$/,
    )
    assert.match(problemOf({ 'client-cert': '' }, { TWINE_CLIENT_CERT: '/x.pem' }), /\(TWINE_CLIENT_CERT is set, /)
    assert.equal(
      problemOf({}, { TWINE_USERNAME: 'u', TWINE_PASSWORD: 'hunter2' }),
      'E_INPUT_UNKNOWN user and password are empty (TWINE_USERNAME and TWINE_PASSWORD are set, which this action does not read)',
    )
    assert.match(
      problemOf({ user: 'u' }, { TWINE_PASSWORD: 'hunter2' }),
      /password is empty: .* \(TWINE_PASSWORD is set, /,
    )
    assert.match(problemOf({ password: 'p' }, { TWINE_USERNAME: 'u' }), /user is empty: .* \(TWINE_USERNAME is set, /)
  })

  it('do not matter where our input has a value, or they have none', () => {
    const variables = { TWINE_REPOSITORY_URL: 'x', TWINE_USERNAME: 'x', TWINE_PASSWORD: 'x', TWINE_CLIENT_CERT: 'x' }
    inputsOf({ user: 'u', password: 'p' }, variables)
    inputsOf({}, { TWINE_USERNAME: '', TWINE_PASSWORD: '' })
  })
})

describe('user and password', () => {
  it('come together or not at all', () => {
    assert.deepEqual(inputsOf({ user: 'publisher', password: 'p' }).credentials, { user: 'publisher', password: 'p' })
    const withoutPassword = read({ user: 'publisher' })
    assert.match(
      withoutPassword.problems.join(),
      /^E_INPUT_CONFLICT user is given, but password is empty: most likely the secret does not exist/,
    )
    assert.match(withoutPassword.hints.join(), /^Likely reasons: /)
    assert.match(
      problemOf({ password: 'p' }),
      /^E_INPUT_CONFLICT password is given, but user is empty: HTTP Basic needs both$/,
    )
    assert.equal(withoutPassword.inputs.credentials, undefined)
  })

  it('are used without the line end that a file or `echo` left, and a notice says so', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const { inputs, notices, problems } = read({ user: `publisher${end}`, password: `secret${end}` })
      assert.deepEqual(problems, [])
      assert.deepEqual(inputs.credentials, { user: 'publisher', password: 'secret' })
      assert.deepEqual(notices, [
        'user ends in a line end; it is used without it',
        'password ends in a line end; it is used without it',
      ])
    }
  })

  it('keep the blanks of a password, which may be part of it', () => {
    assert.equal(inputsOf({ user: 'u', password: ' secret ' }).credentials?.password, ' secret ')
  })

  it('that only hold a line end are empty', () => {
    assert.deepEqual(read({ user: '\n', password: '\n' }).notices, [])
    assert.equal(inputsOf({ user: '\n', password: '\n' }).credentials, undefined)
  })

  it('that HTTP Basic cannot carry are refused by name, without their value', () => {
    for (const [given, message] of [
      [{ user: 'u', password: 'hunter2\nhunter3' }, /^E_INPUT_INVALID password holds a control character/],
      [{ user: 'u', password: 'hunter2\n\n' }, /^E_INPUT_INVALID password holds a control character/],
      [{ user: 'hun\tter2', password: 'p' }, /^E_INPUT_INVALID user holds a control character/],
      [{ user: 'me:hunter2', password: 'p' }, /^E_INPUT_INVALID user holds a colon/],
    ] as const) {
      assert.match(problemOf(given), message)
      assert.doesNotMatch(problemOf(given), /hunter|ter2/)
    }
    inputsOf({ user: '__token__', password: 'a:b ü' })
  })
})

const encoded = (text: string | Buffer) => Buffer.from(text).toString('base64')

describe('client-cert, client-key and bundles', () => {
  mkdirSync(path.join(workspace, 'certs'))
  writeFileSync(path.join(workspace, 'certs/client.pem'), client.pem)

  it('are PEM text, base64 of it, base64 of DER, or a path', () => {
    for (const value of [client.pem, encoded(client.pem), encoded(client.der), 'certs/client.pem']) {
      const { clientCertificate } = inputsOf({ 'client-cert': value })
      assert.ok(clientCertificate !== 'none' && clientCertificate !== undefined)
      assert.equal(clientCertificate.input, 'client-cert')
      assert.ok(clientCertificate.bytes.length > 100)
    }
  })

  it('are words where words are documented, also with blanks around them', () => {
    const inputs = inputsOf({ 'client-cert': ' none\n', 'ca-bundle': 'system\n', 'client-ca-bundle': ' none ' })
    assert.deepEqual([inputs.clientCertificate, inputs.caBundle, inputs.clientCaBundle], ['none', 'system', 'none'])
  })

  it('each have a problem of their own when they cannot be read', () => {
    const given = {
      'client-cert': '?',
      'client-key': '?',
      'ca-bundle': '?',
      'client-ca-bundle': '?',
      'client-crl': '?',
    }
    const { inputs, problems } = read(given)
    assert.deepEqual(
      problems.map((problem) => problem.split(' ').slice(0, 2).join(' ')),
      Object.keys(given).map((name) => `E_INPUT_FORMAT ${name}`),
    )
    const { clientCertificate, clientKey, caBundle, clientCaBundle, clientCrl } = inputs
    assert.deepEqual(
      [clientCertificate, clientKey, caBundle, clientCaBundle, clientCrl],
      [undefined, 'unreadable', undefined, undefined, undefined],
    )
  })

  it('that only a client certificate gives a meaning are refused beside `client-cert: none`', () => {
    for (const [name, value] of [
      ['client-key', client.keyPem],
      ['client-key', '?'],
      ['client-key-passphrase', 'secret'],
      ['client-key-alias', 'release'],
      ['client-ca-bundle', root.pem],
      ['client-crl', issueRevocationList(root).toString('base64')],
      ['expiry-error-days', '14'],
      ['export-credentials', 'true'],
    ] as const) {
      const conflicts = read({ [name]: value }).problems.filter((problem) => problem.startsWith('E_INPUT_CONFLICT'))
      assert.deepEqual(conflicts, [
        `E_INPUT_CONFLICT client-cert is \`none\`, but ${name} is given: without a client certificate there is nothing to use that for`,
      ])
      const withCertificate = read({ 'client-cert': client.pem, [name]: value }).problems
      assert.deepEqual(
        withCertificate.filter((problem) => problem.startsWith('E_INPUT_CONFLICT')),
        [],
      )
    }
    assert.match(
      problemOf({ 'client-key': client.keyPem, 'export-credentials': 'true' }),
      /client-key, export-credentials are given/,
    )
  })

  it('leave the passphrase as it was given: its blanks and line ends may belong to it', () => {
    for (const passphrase of [' secret ', 'secret\n', '\n'])
      assert.equal(
        inputsOf({ 'client-cert': client.pem, 'client-key-passphrase': passphrase }).clientKeyPassphrase,
        passphrase,
      )
  })
})

/** The body of a PEM block, without BEGIN and END. */
function bodyLines(pem: string): string[] {
  return pem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'))
}

describe('masks', () => {
  const certificate = { 'client-cert': client.pem }

  it('hide each line of the key, whatever form it was given in', () => {
    for (const value of [
      client.keyPem,
      encoded(client.keyPem),
      encoded(encoded(client.keyPem)),
      client.keyPem.replaceAll('\n', '\\n'),
    ]) {
      const { masks } = read({ ...certificate, 'client-key': value })
      for (const line of [...bodyLines(client.keyPem), bodyLines(client.keyPem).join('')])
        if (line.length >= 16) assert.ok(masks.includes(line), line.length.toString())
    }
  })

  it('hide the base64 as it was given, which the runner knows only where it is a secret', () => {
    const value = encoded(client.keyPem)
    const lines = value.match(/.{1,76}/g) ?? []
    const { masks } = read({ ...certificate, 'client-key': lines.join('\n') })
    assert.deepEqual(
      lines.filter((line) => line.length >= 16 && !masks.includes(line)),
      [],
    )
  })

  it('hide the key of a certificate input that holds both', () => {
    const { masks } = read({ 'client-cert': encoded(client.pem + client.keyPem) })
    assert.deepEqual(
      bodyLines(client.keyPem).filter((line) => line.length >= 16 && !masks.includes(line)),
      [],
    )
  })

  it('hide password and passphrase whole', () => {
    const { masks } = read({
      ...certificate,
      user: 'u',
      password: 'open sesame',
      'client-key-passphrase': 'secret\r\n',
    })
    assert.ok(masks.includes('open sesame'))
    assert.ok(masks.includes('secret'))
  })

  it('are one line each, never a BEGIN, END or header line, nor a short one', () => {
    const shortest = `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n`
    const key = client.keyPem.replace('KEY-----\n', `KEY-----\n${shortest}`)
    const { masks } = read({
      'client-cert': `Bag Attributes\n    friendlyName: release\n${client.pem}`,
      'client-key': key,
    })
    assert.ok(masks.length > 5)
    assert.deepEqual(
      masks.filter((line) => !/^[A-Za-z0-9+/=_-]{16,}$/.test(line) || line.startsWith('-----')),
      [],
    )
  })

  it('hide no path, no user name, no URL, no contact: the runner would blank them everywhere', () => {
    writeFileSync(path.join(workspace, 'certs/a-client-certificate.pem'), client.pem)
    const { masks, secrets } = read({
      'client-cert': 'certs/a-client-certificate.pem',
      user: 'publisher-account-name',
      password: 'secret',
      'support-contact': 'platform-team@example.com',
    })
    const all = [...masks, ...secrets.forms(Number.POSITIVE_INFINITY)].join('\n')
    assert.doesNotMatch(all, /certs|publisher|index|platform/)
  })

  it('come also where another input is wrong', () => {
    const { masks } = read({
      'repository-url': '',
      'client-cert': '',
      user: '',
      password: 'open sesame',
      'client-key': client.keyPem,
    })
    assert.ok(masks.includes('open sesame'))
    assert.ok(masks.includes(bodyLines(client.keyPem)[0] ?? ''))
  })

  it('are given before anything is parsed: also for a key that nothing can read', () => {
    const { masks } = read({ ...certificate, 'client-key': client.keyPem.replace(/-----END.*/s, '') })
    assert.ok(masks.includes(bodyLines(client.keyPem)[0] ?? ''))
  })
})

describe('redaction', () => {
  it('knows password, passphrase and every line of the key', () => {
    const { secrets } = read({
      'client-cert': client.pem,
      'client-key': encoded(client.keyPem),
      user: 'publisher',
      password: 'open/sesame',
      'client-key-passphrase': 'top secret\n',
    })
    const [line = ''] = bodyLines(client.keyPem)
    const echo = `${line} open%2Fsesame open\\/sesame top secret ${encoded('publisher:open/sesame')} publisher`
    const redacted = redact(echo, secrets)
    assert.doesNotMatch(redacted, /sesame|top|c2VzYW1l|zZXNhbW|2VzYW1l/)
    assert.ok(!redacted.includes(line))
    assert.ok(redacted.endsWith(' publisher'))
  })

  it('does not stop a run when a secret is shorter than what is searched for', () => {
    const { secrets } = read({ user: 'u', password: 'abc' })
    assert.equal(redact('abc', secrets), 'abc')
  })
})

describe('secret inputs', () => {
  it('are gone from the environment of this process and of its children, once they were taken', () => {
    const names = ['INPUT_CLIENT-CERT', 'INPUT_CLIENT-KEY', 'INPUT_CLIENT-KEY-PASSPHRASE', 'INPUT_PASSWORD']
    try {
      for (const name of names) process.env[name] = ` ${name} hunter2 `
      const secrets = takeSecretInputs(process.env)
      assert.deepEqual(
        [...secrets.values()],
        names.map((name) => ` ${name} hunter2 `),
      )
      const child = execFileSync(process.execPath, ['-p', 'JSON.stringify(process.env)'], { encoding: 'utf8' })
      assert.doesNotMatch(`${child}${JSON.stringify(process.env)}`, /hunter2/)
    } finally {
      for (const name of names) delete process.env[name]
    }
  })

  it('are read from what was taken', () => {
    assert.equal(inputsOf({ user: 'u', password: 'p' }).credentials?.password, 'p')
  })
})

describe('expected-projects', () => {
  it('is a word, or names between blanks, commas and line ends', () => {
    assert.equal(inputsOf({ 'expected-projects': 'any' }).expectedProjects, 'any')
    assert.deepEqual(inputsOf({ 'expected-projects': ' Demo, demo.other\n\tthird ,' }).expectedProjects, [
      'Demo',
      'demo.other',
      'third',
    ])
  })

  it('with nothing between its commas is an error: it would allow nothing', () => {
    assert.match(problemOf({ 'expected-projects': ' , ,' }), /^E_INPUT_INVALID expected-projects must be names/)
  })
})

describe('expected-sha256', () => {
  const text = `${DIGEST}  demo-1.0.tar.gz`

  it('is the text itself where it begins as a line of digests or has several lines', () => {
    for (const value of [
      text,
      `${DIGEST} *demo-1.0.tar.gz`,
      `\\${text}`,
      `SHA256 (demo-1.0.tar.gz) = ${DIGEST}`,
      `SHA2-256(demo-1.0.tar.gz)= ${DIGEST}`,
      `# list\n${text}`,
      DIGEST,
    ])
      assert.equal(inputsOf({ 'expected-sha256': `${value}\n` }).expectedSha256, value)
  })

  it('is else the path of a file, relative to the workspace or not', () => {
    writeFileSync(path.join(workspace, 'SHA256SUMS'), `${text}\n`)
    for (const value of ['SHA256SUMS', './SHA256SUMS', path.join(workspace, 'SHA256SUMS')])
      assert.equal(inputsOf({ 'expected-sha256': value }).expectedSha256, `${text}\n`)
  })

  it('is read as PowerShell writes it, too', () => {
    writeFileSync(path.join(workspace, 'utf16'), Buffer.from(`\ufeff${text}\r\n`, 'utf16le'))
    assert.equal(inputsOf({ 'expected-sha256': 'utf16' }).expectedSha256, `${text}\r\n`)
  })

  it('that is no file, a directory or too large is an error which shows the last part of the path', () => {
    writeFileSync(path.join(workspace, 'large'), Buffer.alloc(1024 * 1024 + 1, 0x61))
    for (const value of ['missing/SUMS\u202e', 'certs', 'large'])
      assert.match(
        problemOf({ 'expected-sha256': value }),
        /^E_INPUT_FILE expected-sha256 is neither lines of digests nor a readable file of at most 1 MiB: `(SUMS|certs|large)`$/,
      )
    writeFileSync(path.join(workspace, 'large'), Buffer.alloc(1024 * 1024, 0x61))
    assert.equal(inputsOf({ 'expected-sha256': 'large' }).expectedSha256.length, 1024 * 1024)
  })
})

if (process.platform !== 'win32') {
  describe('a FIFO (POSIX)', () => {
    for (const name of ['expected-sha256', 'client-cert', 'ca-bundle']) {
      it(`as ${name} is an error at once, and does not wait for somebody to write`, () => {
        const fifo = path.join(workspace, `fifo-${name}`)
        execFileSync('mkfifo', [fifo])
        const source = pathToFileURL(path.resolve(import.meta.dirname, '../../src')).href
        const script = `
          const { readInputs } = await import(${JSON.stringify(`${source}/inputs.ts`)})
          const { Secrets } = await import(${JSON.stringify(`${source}/text.ts`)})
          const { problems } = readInputs(process.env, new Map(), () => {}, new Secrets())
          console.log(JSON.stringify(problems.all.map(({ code, message }) => code + ' ' + message)))`
        const given = { 'repository-url': URL_TEXT, 'client-cert': 'none', [name]: fifo }
        const { stdout, error } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
          env: environment(given, {}),
          timeout: 20_000,
          encoding: 'utf8',
        })
        assert.equal(error, undefined)
        assert.match(stdout, new RegExp(`^\\["E_INPUT_FILE ${name} `))
      })
    }
  })
}

describe('files, packages-dir and support-contact', () => {
  it('are taken line by line', () => {
    assert.deepEqual(inputsOf({ files: ' dist/*.whl \r\n\n\t!dist/*-win32.whl\rdist/a b.tar.gz' }).files, [
      'dist/*.whl',
      '!dist/*-win32.whl',
      'dist/a b.tar.gz',
    ])
    assert.equal(inputsOf({ 'packages-dir': ' out/dist\n' }).packagesDir, 'out/dist')
  })

  it('make a contact one printable line', () => {
    const contact = 'Platform team\n::error::forged\u202e <pki@example.com>'
    assert.equal(
      inputsOf({ 'support-contact': contact }).supportContact,
      'Platform team ::error::forged <pki@example.com>',
    )
    assert.equal(inputsOf({ 'support-contact': 'x'.repeat(500) }).supportContact?.length, 200)
    assert.equal(inputsOf({ 'support-contact': '\u200b\n' }).supportContact, undefined)
  })
})

/** What happens on an event with this payload. */
function eventOf(name: string, payload?: unknown, repository: string | undefined = 'octo-org/demo'): string {
  const file = path.join(workspace, 'event.json')
  writeFileSync(file, typeof payload === 'string' ? payload : JSON.stringify(payload ?? {}))
  try {
    refuseUntrustedEvent({ GITHUB_EVENT_NAME: name, GITHUB_EVENT_PATH: file, GITHUB_REPOSITORY: repository })
    return 'goes on'
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error)
    return `${error.code}`
  }
}

describe('events', () => {
  it('of trusted kinds let the run go on', () => {
    for (const name of ['push', 'release', 'workflow_dispatch', 'schedule', 'pull_request', ''])
      assert.equal(eventOf(name), 'goes on')
  })

  it('of pull_request_target end it before any identity is read', () => {
    assert.equal(eventOf('pull_request_target'), 'E_RUN_UNTRUSTED_EVENT')
  })

  it('of workflow_run end it unless the other run is of this repository', () => {
    const from = (full_name: unknown) => ({ workflow_run: { head_repository: { full_name } } })
    assert.equal(eventOf('workflow_run', from('octo-org/demo')), 'goes on')
    assert.equal(eventOf('workflow_run', from('stranger/demo')), 'E_RUN_UNTRUSTED_EVENT')
  })

  it('of workflow_run end it where the other repository cannot be known: a deleted fork, a broken payload', () => {
    const unknown = [
      {},
      null,
      7,
      [],
      '',
      '{',
      { workflow_run: null },
      { workflow_run: { head_repository: null } },
      { workflow_run: { head_repository: { full_name: 7 } } },
      { workflow_run: { head_repository: { full_name: '' } } },
    ]
    for (const payload of unknown)
      for (const repository of ['octo-org/demo', ''])
        assert.equal(eventOf('workflow_run', payload, repository), 'E_RUN_UNTRUSTED_EVENT')
    assert.throws(() => refuseUntrustedEvent({ GITHUB_EVENT_NAME: 'workflow_run' }), { code: 'E_RUN_UNTRUSTED_EVENT' })
  })
})
