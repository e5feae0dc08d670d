import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { assertRefused, readReport, shown } from './support/assertions.ts'
import { setScene } from './support/scene.ts'

/** All inputs that have a default word: empty means that an expression or secret had no value. */
const WITH_DEFAULT = [
  'packages-dir',
  'ca-bundle',
  'client-ca-bundle',
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

/** What users of twine, uv and pypi-publish write, and a part of what we call it. */
const NEIGHBOURS: readonly (readonly [name: string, ours: string])[] = [
  ['username', '`user`'],
  ['token', '`password`'],
  ['packages_dir', '`packages-dir`'],
  ['repository_url', '`repository-url`'],
  ['skip_existing', '`skip-existing`'],
  ['skip-existing', '`skip-existing`'],
  ['verify_metadata', '`verify-metadata`'],
  ['cert', '`ca-bundle`'],
  ['client_cert', '`client-cert`'],
  ['passphrase', '`client-key-passphrase`'],
  ['publish-url', '`repository-url`'],
  ['attestations', 'attestations'],
  ['verbose', 'log'],
]

describe('an empty value is not the default', () => {
  for (const name of WITH_DEFAULT) {
    it(name, async (test) => {
      const scene = await setScene(test)
      const run = await scene.run({ [name]: '' })
      assertRefused(run, { codes: ['E_INPUT_EMPTY'], handshake: 'not-tried' })
      assert.match(readReport(run).problems[0]?.message ?? '', new RegExp(`^${name} is empty`))
      assert.equal(scene.index.connections, 0)
    })
  }
})

describe('an input of another tool is an error that gives our name for it', () => {
  for (const [name, ours] of NEIGHBOURS) {
    it(name, async (test) => {
      const scene = await setScene(test)
      const run = await scene.run({ [name]: 'x' })
      assertRefused(run, { codes: ['E_INPUT_UNKNOWN'], handshake: 'not-tried' })
      assert.ok(readReport(run).problems[0]?.message.includes(ours), shown(run))
      assert.equal(scene.index.connections, 0)
    })
  }

  it('a variable of twine, where our input is empty', async (test) => {
    const scene = await setScene(test)
    const env = { TWINE_USERNAME: 'release', TWINE_PASSWORD: 'a token' }
    const run = await scene.run({}, { env, secrets: ['a token'] })
    assertRefused(run, { codes: ['E_INPUT_UNKNOWN'], handshake: 'not-tried' })
    assert.match(shown(run), /TWINE_PASSWORD/)
  })
})

describe('problems of one run', () => {
  it('are reported together: five in the annotation, all in the summary', async (test) => {
    const scene = await setScene(test)
    await writeFile(path.join(scene.workspace, 'dist', 'notes.txt'), 'x')
    const run = await scene.run({
      'dry-run': 'maybe',
      'expected-files': '0',
      'idle-timeout-seconds': '0',
      'tls-min-version': '1.1',
      'chain-check': 'off',
      'client-key': '',
      username: 'release',
    })
    assert.equal(run.main.exitCode, 1)
    const { problems } = readReport(run)
    assert.equal(problems.length, 8, shown(run))
    const errors = run.annotations.filter(({ kind }) => kind === 'error')
    assert.equal(errors.length, 1)
    assert.match(errors[0]?.message ?? '', /5\).*And 3 more in the summary/s)
    // Markdown's own characters stand as entities there.
    const summary = run.summary.replaceAll('&#95;', '_')
    for (const { code } of problems) assert.ok(summary.includes(code), code)
    assert.equal(scene.index.connections, 0)
  })
})

describe('a run that strangers can start', () => {
  it('by workflow_run of a fork ends before any identity is read', async (test) => {
    const scene = await setScene(test)
    const event = path.join(scene.directory, 'event.json')
    const of = (full_name: string) => JSON.stringify({ workflow_run: { head_repository: { full_name } } })
    const env = { GITHUB_EVENT_NAME: 'workflow_run', GITHUB_EVENT_PATH: event, GITHUB_REPOSITORY: 'octo-org/demo' }
    await writeFile(event, of('stranger/demo'))
    const run = await scene.run({}, { env })
    assertRefused(run, { codes: ['E_RUN_UNTRUSTED_EVENT'], handshake: 'not-tried' })
    assert.doesNotMatch(shown(run), /CN=release/)
    assert.equal(scene.index.connections, 0)
    await writeFile(event, of('octo-org/demo'))
    const own = await scene.run({}, { env })
    assert.equal(own.main.exitCode, 0, shown(own))
  })
})
