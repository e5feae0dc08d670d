import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import path from 'node:path'
import { describe, it } from 'node:test'
import { assertPublished, materialIn, shown } from './support/assertions.ts'
import { setScene } from './support/scene.ts'

const PATHS = ['client-cert-path', 'client-key-path', 'client-pem-path', 'ca-bundle-path'] as const
const PASSPHRASE = 'a passphrase'

describe('export-credentials', () => {
  it('gives later steps certificate and decrypted key until the post step takes them away', async (test) => {
    const scene = await setScene(test)
    const { client, index, intermediate, root } = scene
    const cipher = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE } as const
    const key = client.keys.privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString()
    const inputs = { 'client-key': key, 'client-key-passphrase': PASSPHRASE, 'export-credentials': 'true' }
    let files: string[] = []
    const betweenSteps = async (_: unknown, outputs: Readonly<Record<string, string>>) => {
      files = PATHS.map((name) => outputs[name] ?? '')
      const [certificate = '', bareKey = '', both = '', ca = ''] = files.map((file) => readFileSync(file, 'utf8'))
      assert.equal(certificate, client.pem + intermediate.pem)
      assert.ok(createPrivateKey(bareKey).equals(client.keys.privateKey))
      assert.equal(both, certificate + bareKey)
      assert.equal(new X509Certificate(ca).fingerprint256, root.certificate.fingerprint256)
      if (process.platform !== 'win32') {
        assert.deepEqual(new Set(files.map((file) => statSync(file).mode & 0o777)), new Set([0o600]))
        assert.equal(statSync(path.dirname(files[0] ?? '')).mode & 0o777, 0o700)
      }
      // As pip and uv use it: one file for certificate and key.
      const [response] = await once(get(index.simpleUrl, { ca, cert: both, key: both }), 'response')
      assert.equal(response.statusCode, 200)
      response.resume()
    }
    const run = await scene.run(inputs, { betweenSteps, secrets: [PASSPHRASE] })
    assertPublished(run, scene)
    assert.equal(files.length, PATHS.length)
    assert.deepEqual(
      files.filter((file) => existsSync(file)),
      [],
    )
    assert.equal(new Set(files.map((file) => path.dirname(file))).size, 1)
    if (process.platform === 'linux') assert.match(files[0] ?? '', /^\/(dev\/shm|run\/user)\//)
  })

  it('masks the key that it decrypted, line by line, before it writes it', async (test) => {
    const scene = await setScene(test, { keyKind: 'rsa' })
    const { client } = scene
    const cipher = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE } as const
    const key = client.keys.privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString()
    const inputs = { 'client-key': key, 'client-key-passphrase': PASSPHRASE, 'export-credentials': 'true' }
    const run = await scene.run(inputs)
    assertPublished(run, scene)
    const lines = client.keyPem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'))
    assert.deepEqual(
      lines.filter((line) => !run.masks.includes(line)),
      [],
      shown(run),
    )
    assert.ok(run.masks.every((mask) => !mask.includes('\n') && !mask.startsWith('-----')))
  })

  it('exports nothing when the run failed', async (test) => {
    const scene = await setScene(test, { index: { uploaders: new Set(['somebody']) } })
    let left: string[] = ['not looked at']
    const betweenSteps = () => {
      left = materialIn(scene.temp)
    }
    const run = await scene.run({ 'export-credentials': 'true' }, { betweenSteps })
    assert.equal(run.main.exitCode, 1)
    assert.deepEqual(
      PATHS.map((name) => run.outputs[name]),
      ['', '', '', ''],
    )
    assert.deepEqual(left, [])
  })

  it('without it nothing is left after the main step, and the key was never written', async (test) => {
    const scene = await setScene(test)
    let left: string[] = ['not looked at']
    const betweenSteps = () => {
      left = materialIn(scene.temp)
    }
    assertPublished(await scene.run({}, { betweenSteps }), scene)
    assert.deepEqual(left, [])
  })

  it('names no CA file where the CAs of the system are trusted', async (test) => {
    const scene = await setScene(test)
    const extra = path.join(scene.directory, 'ca.pem')
    await writeFile(extra, scene.root.pem)
    const inputs = { 'ca-bundle': 'system', 'export-credentials': 'true' }
    const run = await scene.run(inputs, { env: { NODE_EXTRA_CA_CERTS: extra } })
    assertPublished(run, scene)
    assert.equal(run.outputs['ca-bundle-path'], '')
    assert.match(run.outputs['client-pem-path'] ?? '', /client\.pem$/)
  })
})
