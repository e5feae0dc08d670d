import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createRoot, issueClient } from '../../demo/certificate-authority.ts'
import { writeSamples } from '../../demo/sample-distributions.ts'
import { daysFromNow, ended } from '../support/chains.ts'
import { readReport, shown, uploadsTo } from './support/assertions.ts'
import { assertEnded, closingLine, type FileEnding, lastError, readable } from './support/ending.ts'
import { type Inputs, type Scene, setScene } from './support/scene.ts'
import { type ScriptedIndex, startAnsweringIndex } from './support/scripted-index.ts'

const FILES = [
  'demo_pkg-1.2.0-cp39-cp39-manylinux_2_17_x86_64.whl',
  'demo_pkg-1.2.0-py3-none-any.whl',
  'demo_pkg-1.2.0.tar.gz',
]
const DRY = { 'dry-run': 'true' }
const TAKEN_ALL_THE_SAME = /Dry run failed: 1 problem on the way to .*, but the server takes the client certificate/
const CONTACT = 'platform-team@example.com, #releases'

function expired({ intermediate }: Scene): Inputs {
  const client = issueClient(intermediate, { name: 'release', organization: 'Example', ...ended() })
  return { 'client-cert': client.pem + intermediate.pem, 'client-key': client.keyPem }
}

function forServers({ intermediate }: Scene): Inputs {
  const client = issueClient(intermediate, { name: 'release', organization: 'Example', purposes: ['serverAuth'] })
  return { 'client-cert': client.pem + intermediate.pem, 'client-key': client.keyPem }
}

/** A front that leaves dates and purpose of client certificates to others. */
function startLaxIndex(test: TestContext, scene: Scene): Promise<ScriptedIndex> {
  return startAnsweringIndex(test, scene, (connection) => connection.answer('200 OK'), { lax: true })
}

/**
 * Whatever it looked at, it sent nothing: one connection for the handshake, and one more where the machine has the
 * `openssl` program, which asks for the CAs that the server accepts. All that was asked is what the index has.
 */
function assertNothingSent({ index }: Scene, connections: readonly number[] = [1, 2]): void {
  assert.deepEqual(uploadsTo(index), [])
  assert.ok(connections.includes(index.connections), `${index.connections} connections`)
  assert.deepEqual(index.files(), [])
}

describe('a dry run', () => {
  it('of a good release says what would be published, and sends nothing', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({ ...DRY, user: 'release', password: 'a-token-of-some-length' })
    assertEnded(run, scene, { status: 'succeeded', files: FILES.map((file) => [file, 'would-publish']) })
    assertNothingSent(scene)
    assert.equal(run.outputs.version, '1.2.0')
    assert.match(run.outputs['certificate-expires'] ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.ok(Number(run.outputs['certificate-days-left']) > 300)
    const sentence =
      /Dry run: 3 files would be published to https:\/\/localhost:\d+\/legacy\/, and the server takes the client certificate; nothing was sent/
    assert.match(shown(run), sentence)
    assert.match(readable(run.summary), sentence)
    assert.ok(
      run.annotations.every(({ kind, message }) => kind === 'notice' && message.endsWith('would be published.')),
    )
  })

  it('says which files are there already, and which are in conflict', async (test) => {
    const scene = await setScene(test)
    const [wheel = '', other = '', sdist = ''] = FILES
    assert.equal((await scene.run({ files: `dist/${wheel}` })).main.exitCode, 0)
    const run = await scene.run(DRY)
    const files: FileEnding[] = [
      [wheel, 'already-published'],
      [other, 'would-publish'],
      [sdist, 'would-publish'],
    ]
    assertEnded(run, scene, { status: 'succeeded', files })
    assert.match(
      shown(run),
      /Dry run: 2 files would be published to \S+, 1 there before with the same bytes, and .*; nothing was sent/,
    )
    await rm(path.join(scene.workspace, 'dist', wheel))
    const before = { project: 'Demo.Pkg', version: '1.2.0', wheels: 2, sdist: false, greeting: 'Hej' }
    await writeSamples(path.join(scene.workspace, 'dist'), before)
    const changed = await scene.run(DRY)
    assertEnded(changed, scene, {
      status: 'failed',
      files: [
        [wheel, 'conflict', 'E_INDEX_CONFLICT'],
        [other, 'would-publish'],
        [sdist, 'not-tried'],
      ],
    })
    assert.match(shown(changed), /Dry run failed: 2 of 3 files would not be published to \S+, but the server takes/)
    assert.equal(uploadsTo(scene.index).length, 1)
  })

  it('without a distribution tests the certificate: a notice, and exit 0', async (test) => {
    for (const prepare of [async () => {}, (dist: string) => rm(dist, { recursive: true })]) {
      const scene = await setScene(test, { samples: 'none' })
      await prepare(path.join(scene.workspace, 'dist'))
      const run = await scene.run(DRY)
      assertEnded(run, scene, { status: 'succeeded', files: [] })
      assertNothingSent(scene)
      assert.match(shown(run), /Files {5}there is nothing to publish: packages-dir dist/)
      assert.match(
        shown(run),
        /Dry run: there is no file to publish to .*, and the server takes the client certificate/,
      )
      assert.deepEqual(run.annotations, [])
    }
  })

  it('with a key that no handshake can be made with says that alone, and is no fault of the action', async (test) => {
    const scene = await setScene(test)
    const client = issueClient(scene.intermediate, { name: 'release', keyKind: 'rsa-1024' })
    const weak = { 'client-cert': client.pem + scene.intermediate.pem, 'client-key': client.keyPem }
    // With the OpenSSL of Node.js 24.0 such a key still makes handshakes.
    const run = await scene.run({ ...DRY, ...weak }, { node: process.execPath })
    assertEnded(run, scene, {
      status: 'failed',
      files: FILES.map((file) => [file, 'not-tried', 'E_CERT_WEAK']),
      problems: ['E_CERT_WEAK'],
      handshake: 'not-tried',
    })
    assertNothingSent(scene, [0])
  })

  it('with a certificate that has ended asks the server all the same: a strict one refuses it', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({ ...DRY, ...expired(scene), 'support-contact': CONTACT })
    assertEnded(run, scene, {
      status: 'failed',
      handshake: 'refused',
      files: FILES.map((file) => [file, 'not-tried', 'E_CERT_EXPIRED']),
      problems: ['E_CERT_EXPIRED', 'E_TLS_CLIENT_REFUSED'],
    })
    assertNothingSent(scene)
    assert.doesNotMatch(`${shown(run)}${run.summary}`, /chain-check: warn/)
    assert.ok(closingLine(run, 'Whom to ask').startsWith(`${CONTACT} - about E_CERT_EXPIRED: https://`))
  })

  for (const [name, inputs, code] of [
    ['that has ended', expired, 'E_CERT_EXPIRED'],
    ['for servers', forServers, 'E_CERT_PURPOSE'],
  ] as const) {
    it(`with a certificate ${name}, which the server takes, offers chain-check: warn, and with it passes`, async (test) => {
      const scene = await setScene(test)
      const index = await startLaxIndex(test, scene)
      const url = { ...DRY, ...index.inputs }
      const run = await scene.run({ ...url, ...inputs(scene) })
      assertEnded(run, scene, {
        status: 'failed',
        files: FILES.map((file) => [file, 'not-tried', code]),
        problems: [code],
      })
      assert.match(readable(run.summary), /the server took the client certificate .*`chain-check: warn`/)
      assert.ok(
        run.annotations.some(({ kind, message }) => kind === 'warning' && message.includes('chain-check: warn')),
      )
      assert.match(shown(run), TAKEN_ALL_THE_SAME)
      assert.match(readable(run.summary), TAKEN_ALL_THE_SAME)
      const lenient = await scene.run({ ...url, ...inputs(scene), 'chain-check': 'warn' })
      assertEnded(lenient, scene, { status: 'succeeded', files: FILES.map((file) => [file, 'would-publish']) })
      assert.equal(index.heads.length, 0)
    })
  }

  it('with a chain that misses client-ca-bundle asks the server all the same', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({ ...DRY, 'client-ca-bundle': createRoot({ name: 'Other CA' }).pem })
    assertEnded(run, scene, {
      status: 'failed',
      files: FILES.map((file) => [file, 'not-tried', 'E_CERT_UNKNOWN_ISSUER']),
      problems: ['E_CERT_UNKNOWN_ISSUER'],
    })
    assertNothingSent(scene)
    // That is no matter of chain-check.
    assert.doesNotMatch(`${shown(run)}${run.summary}`, /chain-check: warn/)
  })

  it('with the key of another certificate has nothing to ask the server with', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({ ...DRY, 'client-key': issueClient(scene.intermediate, { name: 'other' }).keyPem })
    assertEnded(run, scene, {
      status: 'failed',
      handshake: 'not-tried',
      files: FILES.map((file) => [file, 'not-tried', 'E_KEY_MISMATCH']),
      problems: ['E_KEY_MISMATCH'],
    })
    assertNothingSent(scene, [0])
  })

  it('with a pattern that matches nothing says so, and what the server thinks of the certificate', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({ ...DRY, files: 'dist/*.whl\nbuild/*.whl' })
    assertEnded(run, scene, {
      status: 'failed',
      files: FILES.slice(0, 2).map((file) => [file, 'not-tried', 'E_DIST_PATTERN']),
      problems: ['E_DIST_PATTERN'],
    })
    assertNothingSent(scene)
    assert.match(lastError(run), /the pattern build\/\*\.whl of files matches no file/)
    assert.match(shown(run), TAKEN_ALL_THE_SAME)
  })

  it('with a stray file, an expectation that is not met and a stranger to the server tells all of it', async (test) => {
    const scene = await setScene(test)
    await writeFile(path.join(scene.workspace, 'dist', 'notes.txt'), 'x')
    const stranger = issueClient(createRoot({ name: 'Other CA' }), { name: 'stranger' })
    const identity = { 'client-cert': stranger.pem, 'client-key': stranger.keyPem }
    const run = await scene.run({ ...DRY, ...identity, 'expected-files': '4' })
    assertEnded(run, scene, {
      status: 'failed',
      handshake: 'refused',
      files: FILES.map((file) => [file, 'not-tried', 'E_DIST_STRAY']),
      problems: ['E_DIST_STRAY', 'E_EXPECTED_FILES', 'E_TLS_CLIENT_REFUSED'],
    })
    assertNothingSent(scene)
  })

  it('against a server that does not ask for the certificate fails as the real run would', async (test) => {
    const scene = await setScene(test, { index: { requestCert: false } })
    const run = await scene.run(DRY)
    assertEnded(run, scene, {
      status: 'failed',
      handshake: 'not-asked',
      files: FILES.map((file) => [file, 'not-tried', 'E_TLS_CLIENT_NOT_ASKED']),
      problems: ['E_TLS_CLIENT_NOT_ASKED'],
    })
    assertNothingSent(scene)
  })

  it('fails where the certificate ends before expiry-error-days, and says how many days are left', async (test) => {
    const scene = await setScene(test)
    const client = issueClient(scene.intermediate, { name: 'release', notAfter: daysFromNow(10.5) })
    const identity = { 'client-cert': client.pem + scene.intermediate.pem, 'client-key': client.keyPem }
    const run = await scene.run({ ...DRY, ...identity, 'expiry-error-days': '14' })
    assertEnded(run, scene, {
      status: 'failed',
      files: FILES.map((file) => [file, 'not-tried', 'E_CERT_EXPIRES_SOON']),
      problems: ['E_CERT_EXPIRES_SOON'],
    })
    assert.equal(run.outputs['certificate-days-left'], '10')
    assertNothingSent(scene)
  })
})

describe('the four closing lines', () => {
  it('name support-contact, an address as a link, in log, summary and report', async (test) => {
    const scene = await setScene(test)
    await writeSamples(path.join(scene.workspace, 'dist'), { project: 'other', version: '1.0' })
    const contact = 'https://example.com/help?team=platform&x=1'
    const run = await scene.run({ 'support-contact': `  ${contact}\n` })
    const start = `${contact} - about E_EXPECTED_PROJECTS:`
    assert.ok(closingLine(run, 'Whom to ask').startsWith(start), shown(run))
    assert.ok(readable(run.summary).includes(`- **Whom to ask**: ${start} <https://github.com/`), run.summary)
    const { nextSteps } = readReport(run)
    assert.ok(nextSteps.some(({ label, text }) => label === 'Whom to ask' && text === start))
  })

  it('name nobody in particular without it', async (test) => {
    const scene = await setScene(test, { samples: 'none' })
    const run = await scene.run()
    assert.match(closingLine(run, 'Whom to ask'), /^the team that runs the index - about E_DIST_NONE: https:/)
  })
})
