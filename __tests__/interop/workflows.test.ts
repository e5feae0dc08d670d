import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createRoot, issueClient, issueServer } from '../../demo/certificate-authority.ts'
import { type RunningIndex, startIndex } from '../../demo/index-server.ts'
import { writeSamples } from '../../demo/sample-distributions.ts'
import { runWorkflow } from './support/act.ts'

const DAY_MS = 86_400_000
const FILES = ['demo_pkg-1.2.0-py3-none-any.whl', 'demo_pkg-1.2.0.tar.gz']

/** The upload URL that the examples show. */
const EXAMPLE_URL = 'https://example.com/artifactory/api/pypi/python-local'

/** Where the caller finds it. */
const CENTRAL = `octo-org/workflows/.github/workflows/central-publish.yml@${'0'.repeat(40)}`

const authority = createRoot({ name: 'Example CA' })
const variables = { CA_BUNDLE: authority.pem }

function secretsOf(daysLeft: number): Record<string, string> {
  const client = issueClient(authority, { name: 'release', notAfter: new Date(Date.now() + daysLeft * DAY_MS) })
  return { CLIENT_CERT: client.pem, CLIENT_KEY: client.keyPem }
}

describe('the workflows to use or to copy, in a runner (act)', () => {
  let directory: string
  let index: RunningIndex

  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'interop-workflows-'))
    const samples = { project: 'demo-pkg', version: '1.2.0' }
    await writeSamples(path.join(directory, 'artifacts', 'distributions'), samples)
    await writeSamples(path.join(directory, 'dist'), samples)
    index = await startIndex({
      server: issueServer(authority, { name: 'index' }),
      clientAuthorities: [authority.pem],
      directory: path.join(directory, 'index'),
    })
  })

  afterEach(async () => {
    await index.stop()
    await rm(directory, { recursive: true, force: true })
  })

  /** One for each environment, artifact and index of a run. */
  function reportName(environment: string): string {
    const place = `${environment}-distributions-${index.uploadUrl.replace('https://', '')}`
    return `publish-report-${place.replace(/[^A-Za-z0-9.]/g, '-')}-1`
  }

  /** Names of the artifacts of the run. */
  async function artifacts(): Promise<string[]> {
    return (await readdir(path.join(directory, 'artifacts'))).sort()
  }

  it('publish-python.yml publishes the artifacts of a run, and keeps the report as one', async () => {
    const { exitCode, log } = await runWorkflow({
      directory,
      workflows: ['.github/workflows/publish-python.yml'],
      // act does not know the word for "this repository at this commit".
      replace: { 'uses: $/': 'uses: octo/publish@v1' },
      inputs: { 'repository-url': index.uploadUrl, environment: 'release', build: 'false' },
      secrets: secretsOf(365),
      variables,
    })
    assert.equal(exitCode, 0, log)
    assert.deepEqual(index.files(), FILES, log)
    assert.deepEqual(await artifacts(), ['distributions', reportName('release')], log)
  })

  it('publish-python.yml refuses to run without an environment', async () => {
    const { exitCode, log } = await runWorkflow({
      directory,
      workflows: ['.github/workflows/publish-python.yml'],
      replace: { 'uses: $/': 'uses: octo/publish@v1' },
      inputs: { 'repository-url': index.uploadUrl, environment: '', build: 'false' },
      secrets: secretsOf(365),
      variables,
    })
    assert.equal(exitCode, 1, log)
    // What the step says is lost now and then: it ends before the runner has read it.
    assert.match(log, /Failure - Main Refuse an empty environment/, log)
    assert.deepEqual(index.files(), [], log)
  })

  it('central-publish.yml publishes for a project that calls it, with secrets by name', async () => {
    const { exitCode, log } = await runWorkflow({
      directory,
      workflows: ['examples/central-publish-caller.yml', 'examples/central-publish.yml'],
      replace: { [CENTRAL]: './.github/workflows/central-publish.yml', [EXAMPLE_URL]: index.uploadUrl },
      inputs: {},
      secrets: secretsOf(365),
      variables,
    })
    assert.equal(exitCode, 0, log)
    assert.deepEqual(index.files(), FILES, log)
    assert.deepEqual(await artifacts(), ['distributions', reportName('release')], log)
  })

  for (const [daysLeft, exit] of [
    [30, 0],
    [20, 1],
  ] as const) {
    it(`check-certificate.yml ends with ${exit} when the certificate has ${daysLeft} days left, and sends nothing`, async () => {
      const { exitCode, log } = await runWorkflow({
        directory,
        workflows: ['examples/check-certificate.yml'],
        replace: { [EXAMPLE_URL]: index.uploadUrl },
        inputs: {},
        secrets: secretsOf(daysLeft),
        variables,
      })
      assert.equal(exitCode, exit, log)
      assert.ok(index.connections > 0, log)
      assert.deepEqual(index.requests, [], log)
    })
  }
})
