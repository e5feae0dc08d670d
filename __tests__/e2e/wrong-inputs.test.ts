/** Inputs that are empty, of another tool, or wrong, and events that strangers can start. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import { assertPublished, assertRefused, readReport, shown } from './support/assertions.ts'
import { assertNoneLeft, runBeside } from './support/beside.ts'
import { assertEnded, readable } from './support/ending.ts'
import { type Scene, setScene } from './support/scene.ts'
import { assertUnsent } from './support/unsent.ts'

after(assertNoneLeft)

function messages(run: ActionRun): string[] {
  return readReport(run).problems.map(({ message }) => message)
}

/** All inputs that have a default word: empty means that an expression or secret had no value. */
const WITH_DEFAULT = [
  'packages-dir',
  'ca-bundle',
  'client-ca-bundle',
  'client-crl',
  'chain-check',
  'client-auth',
  'expiry-warning-days',
  'expiry-error-days',
  'tls-min-version',
  'tls-max-version',
  'verify-metadata',
  'md5-digest',
  'expected-projects',
  'expected-version',
  'expected-files',
  'expected-sha256',
  'idle-timeout-seconds',
  'dry-run',
  'export-credentials',
]

/** Empty is what most of them are in most workflows. */
const OPTIONAL = ['files', 'client-key-passphrase', 'user', 'password', 'support-contact']

describe('an empty value is not the default', { concurrency: 2 }, () => {
  for (const name of WITH_DEFAULT) {
    it(name, async (test) => {
      const scene = await setScene(test)
      const run = await runBeside(scene, { [name]: '' })
      assertUnsent(run, scene, { codes: ['E_INPUT_EMPTY'] })
      assert.match(messages(run)[0] ?? '', new RegExp(`^${name} is empty: an expression or secret`))
      assert.match(shown(run), /Give a value, or leave the line out: the default is `/)
    })
  }

  it('blanks and line ends are as empty', async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, { 'client-ca-bundle': ' \n', 'expected-version': '\t' })
    assertUnsent(run, scene, { codes: ['E_INPUT_EMPTY', 'E_INPUT_EMPTY'] })
  })

  it('all of them in one run are all told', async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, Object.fromEntries(WITH_DEFAULT.map((name) => [name, ''])))
    const told = messages(run).map((message) => message.split(' ')[0])
    assert.deepEqual(told.toSorted(), WITH_DEFAULT.toSorted())
    assert.equal(scene.index.connections, 0)
  })
})

describe('an empty value is "not given"', { concurrency: 2 }, () => {
  it(`for ${OPTIONAL.join(', ')}`, async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, Object.fromEntries(OPTIONAL.map((name) => [name, ''])))
    assertPublished(run, scene)
    assert.ok(scene.index.requests.every(({ headers }) => !('authorization' in headers)))
  })

  it('for client-key where client-cert holds the key', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate } = scene
    const combined = client.pem + intermediate.pem + client.keyPem
    assertPublished(await runBeside(scene, { 'client-cert': combined, 'client-key': '' }), scene)
  })

  it('and an error for repository-url and client-cert, both told together', async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, { 'repository-url': '', 'client-cert': ' \n' })
    assertRefused(run, { codes: ['E_INPUT_MISSING', 'E_INPUT_MISSING'], handshake: 'not-tried' })
    assert.match(messages(run).join('\n'), /^client-cert is empty: .*\nrepository-url is empty: /)
    assert.equal(scene.index.connections, 0)
  })
})

/** What users of twine, uv and pypi-publish write, and what they are told to write. */
const NEIGHBOURS: readonly (readonly [name: string, ours: string])[] = [
  ['username', '`user`'],
  ['token', '`password`'],
  ['api-token', '`password`'],
  ['bearer-token', '`user` and `password`'],
  ['repository', '`repository-url`'],
  ['repository_url', '`repository-url`'],
  ['index-url', '`repository-url`'],
  ['publish-url', '`repository-url`'],
  ['url', '`repository-url`'],
  ['packages_dir', '`packages-dir`'],
  ['packages', '`packages-dir`'],
  ['dist', '`packages-dir`'],
  ['skip_existing', '`skip-existing`'],
  ['verify_metadata', '`verify-metadata`'],
  ['print_hash', 'the output `files`'],
  ['verbose', 'the log is always complete'],
  ['attestations', 'attaches no attestations'],
  ['index', '`check-url`'],
  ['cert', '`ca-bundle`'],
  ['ca-cert', '`ca-bundle`'],
  ['ca_bundle', '`ca-bundle`'],
  ['client_cert', '`client-cert`'],
  ['certificate', '`client-cert`'],
  ['client-certificate', '`client-cert`'],
  ['key', '`client-key`'],
  ['private-key', '`client-key`'],
  ['passphrase', '`client-key-passphrase`'],
]

const VARIABLES: readonly (readonly [variable: string, input: string])[] = [
  ['TWINE_REPOSITORY_URL', 'repository-url'],
  ['TWINE_REPOSITORY', 'repository-url'],
  ['TWINE_CLIENT_CERT', 'client-cert'],
]

describe('an input of another tool is an error that gives our name for it', { concurrency: 2 }, () => {
  for (const [name, ours] of NEIGHBOURS) {
    it(name, async (test) => {
      const scene = await setScene(test)
      const value = 'a value that may be secret'
      const run = await runBeside(scene, { [name]: value }, { secrets: [value] })
      assertUnsent(run, scene, { codes: ['E_INPUT_UNKNOWN'] })
      const [message = ''] = messages(run)
      assert.ok(message.startsWith(`\`${name}\` is not an input of this action: `), message)
      assert.ok(message.includes(ours), message)
    })
  }

  it('also when it is empty: the name is what is wrong', async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, { username: '', skip_existing: 'false' })
    assertUnsent(run, scene, { codes: ['E_INPUT_UNKNOWN', 'E_INPUT_UNKNOWN'] })
  })

  it('a name that nobody has is a warning, and the run goes on', async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, { colour: 'blue' })
    assertPublished(run, scene)
    assert.match(shown(run), /Warning: `colour` is not an input of this action and is ignored/)
  })

  for (const [variable, input] of VARIABLES) {
    it(`${variable} is named where ${input} is empty`, async (test) => {
      const scene = await setScene(test)
      const env = { [variable]: 'https://twine.example.com/' }
      const run = await runBeside(scene, { [input]: '' }, { env })
      assert.ok(readReport(run).problems.every(({ code }) => code === 'E_INPUT_MISSING'))
      assert.ok(messages(run).some((one) => one.startsWith(`${input} is empty`) && one.includes(variable)))
      assert.doesNotMatch(shown(run), /twine\.example/)
      assert.equal(scene.index.connections, 0)
    })
  }

  it('TWINE_USERNAME and TWINE_PASSWORD are named where user and password are empty', async (test) => {
    const scene = await setScene(test)
    const env = { TWINE_USERNAME: 'release', TWINE_PASSWORD: 'a token' }
    const run = await runBeside(scene, {}, { env, secrets: ['a token'] })
    assertUnsent(run, scene, { codes: ['E_INPUT_UNKNOWN'] })
    assert.match(messages(run)[0] ?? '', /TWINE_USERNAME and TWINE_PASSWORD are set, which this action does not read/)
  })
})

describe('one half of HTTP Basic', { concurrency: 2 }, () => {
  for (const [given, value, reason] of [
    ['user', 'release', /password is empty: most likely the secret does not exist in this job/],
    ['password', 'a token', /user is empty: HTTP Basic needs both/],
  ] as const) {
    it(`${given} alone is an error that names the likely reason`, async (test) => {
      const scene = await setScene(test)
      const run = await runBeside(scene, { [given]: value })
      assertUnsent(run, scene, { codes: ['E_INPUT_CONFLICT'] })
      assert.match(messages(run)[0] ?? '', reason)
    })
  }
})

/** Faults of inputs, identity and files: as many as the codes, in the order of the report. */
const MANY = {
  username: 'release',
  'dry-run': 'maybe',
  'expected-files': '0',
  'idle-timeout-seconds': '0',
  'tls-min-version': '1.1',
  'chain-check': 'off',
  'client-key': '',
}

describe('problems of one run', { concurrency: 2 }, () => {
  it('are reported together: five in log and annotation, all in summary and report', async (test) => {
    const scene = await setScene(test)
    await writeFile(path.join(scene.workspace, 'dist', 'notes.txt'), 'x')
    const run = await runBeside(scene, MANY)
    const codes = ['E_INPUT_UNKNOWN', ...Array(5).fill('E_INPUT_INVALID'), 'E_KEY_MISSING', 'E_DIST_STRAY']
    assert.deepEqual(
      readReport(run).problems.map(({ code }) => code),
      codes,
    )
    assert.equal(run.main.exitCode, 1)
    const errors = run.annotations.filter(({ kind }) => kind === 'error')
    assert.equal(errors.length, 1)
    const told = [errors[0]?.message ?? '', run.log.filter((line) => line.startsWith('Error')).join('\n')]
    for (const text of told) {
      assert.equal(messages(run).filter((message) => text.includes(message)).length, 5, text)
      assert.match(text, /3 more in the summary/)
    }
    const summary = readable(run.summary)
    for (const code of codes) assert.ok(summary.includes(code), code)
    for (const input of ['username', 'dry-run', 'expected-files', 'idle-timeout-seconds', 'notes.txt']) {
      assert.ok(summary.includes(input), input)
    }
    assert.equal(scene.index.connections, 0)
  })

  it('that are five are all in the annotation', async (test) => {
    const scene = await setScene(test)
    const { username: _, 'client-key': __, ...five } = MANY
    const run = await runBeside(scene, five)
    assert.equal(readReport(run).problems.length, 5)
    const [error] = run.annotations.filter(({ kind }) => kind === 'error')
    for (const message of messages(run)) assert.ok(error?.message.includes(message), error?.message)
    assert.doesNotMatch(error?.message ?? '', /more in the summary/)
  })

  it('of inputs, identity, CA bundles and distributions are found in one run', async (test) => {
    const scene = await setScene(test)
    const run = await runBeside(scene, {
      'ca-bundle': scene.client.keyPem,
      'client-key': scene.root.keyPem,
      'expected-version': 'v2.0.0',
      'expected-files': '7',
      password: 'a token',
    })
    assertUnsent(run, scene, {
      codes: ['E_INPUT_CONFLICT', 'E_CA_UNREADABLE', 'E_KEY_MISMATCH', 'E_EXPECTED_VERSION', 'E_EXPECTED_FILES'],
    })
  })
})

interface StrangerEvent {
  readonly name: string
  readonly event: string
  /** What the event's file holds; undefined: there is none. */
  readonly payload?: string
}

const run = (full_name: unknown) => JSON.stringify({ workflow_run: { head_repository: { full_name } } })

const STRANGERS: readonly StrangerEvent[] = [
  { name: 'pull_request_target', event: 'pull_request_target', payload: '{}' },
  { name: 'workflow_run of a fork', event: 'workflow_run', payload: run('stranger/demo-pkg') },
  {
    name: 'workflow_run of a fork that is gone',
    event: 'workflow_run',
    payload: '{"workflow_run":{"head_repository":null}}',
  },
  { name: 'workflow_run whose event names no repository', event: 'workflow_run', payload: run('') },
  { name: 'workflow_run whose event cannot be read', event: 'workflow_run', payload: '{"workflow_run":' },
  { name: 'workflow_run without its event', event: 'workflow_run' },
]

async function environmentOf({ directory }: Scene, { event, payload }: StrangerEvent) {
  const file = path.join(directory, 'event.json')
  if (payload !== undefined) await writeFile(file, payload)
  return { GITHUB_EVENT_NAME: event, GITHUB_EVENT_PATH: file, GITHUB_REPOSITORY: 'octo-org/demo-pkg' }
}

describe('a run that strangers can start ends before any identity is read', { concurrency: 2 }, () => {
  for (const stranger of STRANGERS) {
    it(stranger.name, async (test) => {
      const scene = await setScene(test)
      const env = await environmentOf(scene, stranger)
      // None of these problems is found, since nothing is looked at.
      const inputs = { 'client-key': 'no/such.pem', 'dry-run': 'maybe', username: 'x', 'packages-dir': 'nowhere' }
      const run = await runBeside(scene, { ...inputs, user: 'release', password: 'a token' }, { env })
      assertRefused(run, { codes: ['E_RUN_UNTRUSTED_EVENT'], handshake: 'not-tried' })
      assertEnded(run, scene, {
        status: 'failed',
        handshake: 'not-tried',
        files: [],
        problems: ['E_RUN_UNTRUSTED_EVENT'],
      })
      assert.deepEqual([run.outputs.files, run.outputs['certificate-expires']], ['[]', ''])
      // What was read is masked.
      assert.deepEqual(run.masks, [])
      assert.deepEqual(run.state, { started: 'true' })
      assert.doesNotMatch(`${shown(run)}${run.summary}`, /CN=|such\.pem|nowhere/)
      assert.equal(scene.index.connections, 0)
    })
  }

  it('but not workflow_run of the repository itself', async (test) => {
    const scene = await setScene(test)
    const own = { name: 'own', event: 'workflow_run', payload: run('octo-org/demo-pkg') }
    assertPublished(await runBeside(scene, {}, { env: await environmentOf(scene, own) }), scene)
  })

  it('and a pull request of a fork, which gets no secrets, ends with the reasons for that', async (test) => {
    const scene = await setScene(test)
    const env = { GITHUB_EVENT_NAME: 'pull_request' }
    const run = await runBeside(scene, { 'client-cert': '', 'client-key': '' }, { env })
    assertUnsent(run, scene, { codes: ['E_INPUT_MISSING'] })
    assert.match(shown(run), /the run comes from a fork or from Dependabot, which get no secrets/)
  })
})
