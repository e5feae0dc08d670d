/** What people met in the field with keys, certificates and secrets, as inputs and right outcomes. */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { createRoot, issueClient } from '../../demo/certificate-authority.ts'
import { block, openSshKey, pkcs7, request, trusted } from '../unit/encoding/sample-structures.ts'
import { assertPublished, assertRefused, readReport, shown } from './support/assertions.ts'
import { type Scene, setScene } from './support/scene.ts'

const SECRET = 'secret'

function encrypted({ client }: Scene, passphrase: string): string {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  return client.keys.privateKey.export(options).toString()
}

describe('a passphrase that was stored with or without a line end', () => {
  for (const [name, real, given] of [
    ['as it is', SECRET, SECRET],
    ['with a newline behind it', SECRET, `${SECRET}\n`],
    ['with CRLF behind it', SECRET, `${SECRET}\r\n`],
    ['that ends in a blank on purpose', `${SECRET} `, `${SECRET} `],
    ['that begins with a blank on purpose', ` ${SECRET}`, ` ${SECRET}`],
    ['that really ends in a newline', `${SECRET}\n`, `${SECRET}\n`],
  ] as const) {
    it(`opens the key: ${name}`, async (test) => {
      const scene = await setScene(test)
      const run = await scene.run({ 'client-key': encrypted(scene, real), 'client-key-passphrase': given })
      assertPublished(run, scene)
      const isMended = real !== given
      assert.equal(/client-key-passphrase ends in a line end/.test(shown(run)), isMended)
    })
  }
})

describe('other blocks than CERTIFICATE', () => {
  it('PKCS#7 is read for its certificates: PEM as ca-bundle and as client-cert, DER in base64', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate, root } = scene
    const chain = pkcs7([client.der, intermediate.der])
    for (const identity of [block('PKCS7', chain), chain.toString('base64')]) {
      const run = await scene.run({
        'client-cert': identity,
        'ca-bundle': block('PKCS7', pkcs7([root.der])),
        'dry-run': 'true',
      })
      assert.equal(run.main.exitCode, 0, shown(run))
      assert.equal(run.outputs.handshake, 'accepted')
    }
  })

  it('TRUSTED CERTIFICATE is trusted whatever its settings say, alone and beside the plain root', async (test) => {
    const scene = await setScene(test)
    const withSettings = block('TRUSTED CERTIFICATE', trusted(scene.root.der))
    for (const bundle of [withSettings, withSettings + scene.root.pem, scene.root.pem + withSettings]) {
      const run = await scene.run({ 'ca-bundle': bundle, 'dry-run': 'true' })
      assert.equal(run.main.exitCode, 0, shown(run))
    }
  })

  it('something else in client-key is named for what it is, and never shown', async (test) => {
    const scene = await setScene(test)
    const spki = scene.client.keys.publicKey.export({ type: 'spki', format: 'der' })
    const digits = '00112233445566778899aabbccddeeff00112233'
    for (const [value, words] of [
      [block('OPENSSH PRIVATE KEY', openSshKey()), /OpenSSH/],
      [block('PUBLIC KEY', spki), /public key/],
      [block('CERTIFICATE REQUEST', request(spki)), /certificate request/],
      [digits, /40 hex/],
    ] as const) {
      const run = await scene.run({ 'client-key': value })
      assert.equal(run.main.exitCode, 1, shown(run))
      assert.equal(run.outputs.handshake, 'not-tried')
      const [problem] = readReport(run).problems
      assert.match(problem?.message ?? '', words)
      assert.match(problem?.message ?? '', /client-key/)
    }
    assert.equal(scene.index.connections, 0)
  })
})

describe('material that is cut off', () => {
  it('is called that: PEM without its END line, base64 of DER that announces more', async (test) => {
    const scene = await setScene(test, { keyKind: 'rsa' })
    const { client } = scene
    const der = client.der.toString('base64')
    for (const [inputs, words] of [
      [{ 'client-key': client.keyPem.slice(0, 900) }, /END line/],
      [{ 'client-cert': der.slice(0, 400) }, /300/],
      [{ 'client-cert': der.slice(0, 399) }, /cut off/],
    ] as const) {
      const run = await scene.run(inputs)
      assert.equal(run.main.exitCode, 1)
      const problem = readReport(run).problems.find(({ code }) => code === 'E_INPUT_TRUNCATED')
      assert.match(problem?.message ?? shown(run), words)
    }
    assert.equal(scene.index.connections, 0)
  })
})

describe('an environment secret that did not arrive', () => {
  it('ends with the reasons, before any connection', async (test) => {
    const scene = await setScene(test)
    const empty = { 'client-cert': '', 'client-key': '', 'client-key-passphrase': '' }
    const env = { GITHUB_WORKFLOW_REF: 'octo-org/app/.github/workflows/release.yml@refs/tags/v1.2.0' }
    const run = await scene.run(empty, { env })
    assertRefused(run, { codes: ['E_INPUT_MISSING'], handshake: 'not-tried' })
    assert.match(shown(run), /reusable workflow of another repository or owner/)
    assert.match(shown(run), /environment:/)
    assert.equal(scene.index.connections, 0)
  })
})

describe('a path', () => {
  it('of the host in a job container is called a path, with its last part', async (test) => {
    const scene = await setScene(test)
    await mkdir(path.join(scene.workspace, 'certs'))
    await writeFile(path.join(scene.workspace, 'certs', 'client.pem'), scene.client.pem + scene.intermediate.pem)
    for (const value of ['/home/runner/work/app/app/certs/client.pem', 'certs/clent.pem']) {
      const run = await scene.run({ 'client-cert': value })
      assertRefused(run, { codes: ['E_INPUT_FILE'], handshake: 'not-tried' })
      assert.ok(readReport(run).problems[0]?.message.includes(path.basename(value)))
      assert.match(shown(run), /github\.workspace.*container/)
    }
    const good = await scene.run({ 'client-cert': 'certs/client.pem' })
    assertPublished(good, scene)
  })

  it('with a backslash and an n in it stays a path', async (test) => {
    const scene = await setScene(test)
    const name = 'certs\\new.pem'
    await writeFile(path.join(scene.workspace, name), scene.client.pem + scene.intermediate.pem)
    assertPublished(await scene.run({ 'client-cert': name }), scene)
  })
})

describe('a chain of another PKI than the server', () => {
  it('is left to the handshake, and the log says so once it is accepted', async (test) => {
    const clients = createRoot({ name: 'Clients Root' })
    const client = issueClient(clients, { name: 'release' })
    const scene = await setScene(test, { index: { clientAuthorities: [clients.pem] } })
    const run = await scene.run({ 'client-cert': client.pem, 'client-key': client.keyPem })
    assertPublished(run, scene)
    assert.match(shown(run), /accepted it, although .*CN=Clients Root/)
    assert.deepEqual(
      run.annotations.filter(({ kind }) => kind === 'warning'),
      [],
    )
  })
})
