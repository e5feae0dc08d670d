import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { createRoot, issueClient } from '../../demo/certificate-authority.ts'
import { writeSamples } from '../../demo/sample-distributions.ts'
import type { ErrorCode } from '../../src/errors.ts'
import {
  assertPublished,
  assertRefused,
  fileOutputs,
  outcomesOf,
  readReport,
  shown,
  uploadsTo,
} from './support/assertions.ts'
import { assertEnded, readable } from './support/ending.ts'
import { type Scene, setScene } from './support/scene.ts'

const DAY_MS = 86_400_000

type Changes = Readonly<Record<string, string | undefined>>

interface Refused {
  readonly name: string
  readonly codes: readonly ErrorCode[]
  readonly inputs: (scene: Scene) => Changes | Promise<Changes>
  /** What the sentence must have, so that a person finds the fault. */
  readonly says: RegExp
}

const PASSPHRASE = 'right passphrase'

function encryptedKey({ client }: Scene): string {
  const cipher = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE } as const
  return client.keys.privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString()
}

function ended({ intermediate }: Scene): Changes {
  const [notBefore, notAfter] = [new Date(Date.now() - 9 * DAY_MS), new Date(Date.now() - 2 * DAY_MS)]
  const client = issueClient(intermediate, { name: 'ended', notBefore, notAfter })
  return { 'client-cert': client.pem + intermediate.pem, 'client-key': client.keyPem }
}

/** None of these may reach the network. */
const BEFORE_ANY_CONNECTION: readonly Refused[] = [
  {
    name: 'no certificate: the secret is empty',
    codes: ['E_INPUT_MISSING'],
    inputs: () => ({ 'client-cert': '', 'client-key': '' }),
    says: /client-cert is empty/,
  },
  {
    name: 'a key where the certificate should be',
    codes: ['E_CERT_MISSING'],
    inputs: ({ client }) => ({ 'client-cert': client.keyPem }),
    says: /client-cert/,
  },
  {
    name: 'a certificate without its key',
    codes: ['E_KEY_MISSING'],
    inputs: () => ({ 'client-key': '' }),
    says: /client-key/,
  },
  {
    name: 'the key of another certificate',
    codes: ['E_KEY_MISMATCH'],
    inputs: ({ intermediate }) => ({ 'client-key': issueClient(intermediate, { name: 'other' }).keyPem }),
    says: /CN=release/,
  },
  {
    name: 'an encrypted key with the wrong passphrase',
    codes: ['E_KEY_PASSPHRASE_WRONG'],
    inputs: (scene) => ({ 'client-key': encryptedKey(scene), 'client-key-passphrase': 'wrong passphrase' }),
    says: /client-key-passphrase/,
  },
  {
    name: 'an encrypted key without a passphrase',
    codes: ['E_KEY_PASSPHRASE_MISSING'],
    inputs: (scene) => ({ 'client-key': encryptedKey(scene) }),
    says: /client-key-passphrase/,
  },
  { name: 'an expired certificate', codes: ['E_CERT_EXPIRED'], inputs: ended, says: /CN=ended.*2 days ago/ },
  {
    name: 'a certificate of a CA that client-ca-bundle does not know',
    codes: ['E_CERT_UNKNOWN_ISSUER'],
    inputs: () => ({ 'client-ca-bundle': createRoot({ name: 'Other CA' }).pem }),
    says: /CN=Test (Issuing|Root) CA/,
  },
  {
    name: 'a chain without its intermediate, where client-ca-bundle names the root',
    codes: ['E_CERT_INCOMPLETE_CHAIN'],
    inputs: ({ client, root }) => ({ 'client-cert': client.pem, 'client-ca-bundle': root.pem }),
    says: /CN=Test Issuing CA/,
  },
  {
    name: 'http, a user name in the URL, and a CA bundle that is none: all of it at once',
    codes: ['E_INPUT_INVALID', 'E_CA_UNREADABLE'],
    inputs: ({ client }) => ({ 'repository-url': 'http://me@localhost/', 'ca-bundle': client.keyPem }),
    says: /https/,
  },
  {
    name: 'one half of HTTP Basic',
    codes: ['E_INPUT_CONFLICT'],
    inputs: () => ({ password: 'a token' }),
    says: /user/,
  },
  {
    name: 'the input of another tool',
    codes: ['E_INPUT_UNKNOWN'],
    inputs: () => ({ username: 'release' }),
    says: /`user`/,
  },
  {
    name: 'a file that is no distribution',
    codes: ['E_DIST_STRAY'],
    inputs: async ({ workspace }) => {
      await writeFile(path.join(workspace, 'dist', 'notes.txt'), 'x')
      return {}
    },
    says: /notes\.txt/,
  },
  {
    name: 'distributions of another version than the tag',
    codes: ['E_EXPECTED_VERSION'],
    inputs: () => ({ 'expected-version': 'v1.3.0' }),
    says: /1\.3\.0/,
  },
]

describe('before any connection, a run is refused for', () => {
  for (const { name, codes, inputs, says } of BEFORE_ANY_CONNECTION) {
    it(name, async (test) => {
      const scene = await setScene(test)
      const run = await scene.run(await inputs(scene))
      assertRefused(run, { codes, handshake: 'not-tried' })
      assert.match(
        readReport(run)
          .problems.map(({ message }) => message)
          .join('\n'),
        says,
      )
      assert.equal(scene.index.connections, 0)
      assert.equal(run.outputs.published, '0')
    })
  }

  it('an empty dist/', async (test) => {
    const scene = await setScene(test, { samples: 'none' })
    const run = await scene.run()
    assertRefused(run, { codes: ['E_DIST_NONE'], handshake: 'not-tried' })
    assert.equal(scene.index.connections, 0)
    assert.equal(run.outputs.files, '[]')
  })

  it('an event that runs code of strangers: no identity is even read', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({}, { env: { GITHUB_EVENT_NAME: 'pull_request_target' } })
    assertRefused(run, { codes: ['E_RUN_UNTRUSTED_EVENT'], handshake: 'not-tried' })
    assert.equal(scene.index.connections, 0)
  })
})

describe('in the handshake, a run is refused for', () => {
  it('a server of a CA that ca-bundle does not name', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({ 'ca-bundle': createRoot({ name: 'Other CA' }).pem })
    assertRefused(run, { codes: ['E_TLS_SERVER_UNKNOWN_CA'], handshake: 'failed' })
    assert.equal(scene.index.requests.length, 0)
  })

  it('the same with NODE_TLS_REJECT_UNAUTHORIZED=0: the environment decides nothing', async (test) => {
    const scene = await setScene(test)
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' }
    const run = await scene.run({ 'ca-bundle': createRoot({ name: 'Other CA' }).pem }, { env })
    assertRefused(run, { codes: ['E_TLS_SERVER_UNKNOWN_CA'], handshake: 'failed' })
    assert.equal(scene.index.requests.length, 0)
  })

  it('a server with another name', async (test) => {
    const scene = await setScene(test, { serverNames: ['index.example.com'] })
    const run = await scene.run()
    assertRefused(run, { codes: ['E_TLS_SERVER_NAME'], handshake: 'failed' })
    assert.match(shown(run), /index\.example\.com/)
    assert.equal(scene.index.requests.length, 0)
  })

  it('a client certificate of a CA that the server does not know', async (test) => {
    const scene = await setScene(test, { index: { clientAuthorities: [createRoot({ name: 'Other CA' }).pem] } })
    const run = await scene.run()
    assertRefused(run, { codes: ['E_TLS_CLIENT_REFUSED'], handshake: 'refused' })
    assert.equal(scene.index.requests.length, 0)
  })

  it('a chain without its intermediate, which the sentence gives as the likely reason', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({ 'client-cert': scene.client.pem })
    assertRefused(run, { codes: ['E_TLS_CLIENT_REFUSED'], handshake: 'refused' })
    assert.match(readReport(run).problems[0]?.message ?? '', /CN=Test Issuing CA.* is missing/)
  })

  it('a server that does not ask who comes: it gets neither file nor password', async (test) => {
    const scene = await setScene(test, { index: { requestCert: false } })
    const run = await scene.run({ user: 'release', password: 'a token' })
    assertRefused(run, { codes: ['E_TLS_CLIENT_NOT_ASKED'], handshake: 'not-asked' })
    assert.equal(scene.index.requests.length, 0)
  })

  it('a server that is not there', async (test) => {
    const scene = await setScene(test)
    await scene.index.stop()
    assertRefused(await scene.run(), { codes: ['E_NETWORK_REFUSED'], handshake: 'not-tried' })
  })
})

describe('by the index, a run is refused with', () => {
  it('403: its words from the status line stand beside the certificate that it got', async (test) => {
    const scene = await setScene(test, { index: { uploaders: new Set(['somebody']) } })
    const run = await scene.run()
    assert.equal(run.main.exitCode, 1)
    assert.equal(run.outputs.handshake, 'accepted')
    const { samples, index } = scene
    assert.deepEqual(
      [...fileOutputs(run).values()].map(({ outcome, code }) => [outcome, code]),
      // The smallest wheel goes first.
      samples.map((_, place) => [place === 1 ? 'rejected' : 'not-tried', 'E_HTTP_FORBIDDEN']),
    )
    const [, error] = run.annotations.filter(({ kind }) => kind === 'error')
    assert.match(error?.message ?? '', /The certificate of "release" belongs to no user who may upload/)
    assert.match(error?.message ?? '', /CN=release, O=Example/)
    assert.deepEqual(index.files(), [])
    // Permission is a matter of the project: nothing else of it is sent.
    assert.equal(uploadsTo(index).length, 1)
  })

  it('401: the password is wrong', async (test) => {
    const scene = await setScene(test, { index: { users: new Map([['release', 'right']]) } })
    const run = await scene.run({ user: 'release', password: 'wrong token' })
    assertRefused(run, { codes: ['E_HTTP_UNAUTHORIZED'], handshake: 'accepted' })
    assert.match(shown(run), /The user or the password is wrong/)
    // The first question is the last one.
    assert.deepEqual(
      scene.index.requests.map(({ method, path: asked }) => [method, asked]),
      [['GET', '/simple/demo-pkg/']],
    )
  })

  it('other bytes of one wheel: they stay, the other wheel is published, the sdist is not tried', async (test) => {
    const scene = await setScene(test)
    const [wheel, other, sdist] = scene.samples
    assert.ok(wheel && other && sdist)
    const before = await replaceOnIndex(scene, wheel.name)
    const run = await scene.run()
    assert.equal(run.main.exitCode, 1)
    assert.deepEqual(outcomesOf(run), {
      [wheel.name]: 'conflict',
      [other.name]: 'published',
      [sdist.name]: 'not-tried',
    })
    assert.deepEqual([run.outputs.published, run.outputs.failed], ['1', '2'])
    assert.equal(fileOutputs(run).get(wheel.name)?.code, 'E_INDEX_CONFLICT')
    assert.deepEqual(scene.index.files(), [wheel.name, other.name].sort())
    assert.ok(scene.index.read(wheel.name).equals(before))
    const errors = new Map(run.annotations.map(({ title, message }) => [title, message]))
    const conflict = errors.get(wheel.name) ?? ''
    for (const digest of [sha256(before), wheel.sha256]) assert.ok(conflict.includes(digest), conflict)
    // What differs: the greeting in the module.
    assert.match(conflict, /__init__\.py/)
    assert.match(errors.get(sdist.name) ?? '', new RegExp(`!dist/${wheel.name}`))
  })

  it('other bytes of the sdist: they stay, and both wheels are published', async (test) => {
    const scene = await setScene(test)
    const [wheel, other, sdist] = scene.samples
    assert.ok(wheel && other && sdist)
    const before = await replaceOnIndex(scene, sdist.name)
    const run = await scene.run()
    assert.equal(run.main.exitCode, 1)
    assert.deepEqual(outcomesOf(run), {
      [wheel.name]: 'published',
      [other.name]: 'published',
      [sdist.name]: 'conflict',
    })
    assert.deepEqual([run.outputs.published, run.outputs.failed], ['2', '1'])
    assert.ok(scene.index.read(sdist.name).equals(before))
  })

  it('other bytes with skip-existing: they stay, with warnings, the first one about the mixture of builds', async (test) => {
    const scene = await setScene(test)
    const [wheel, other, sdist] = scene.samples
    assert.ok(wheel && other && sdist)
    const before = await replaceOnIndex(scene, wheel.name)
    const run = await scene.run({ 'skip-existing': 'true' })
    const files = [other.name, wheel.name, sdist.name].toSorted()
    assertEnded(run, scene, {
      status: 'succeeded',
      files: files.map((name) => (name === wheel.name ? [name, 'skipped', 'E_INDEX_CONFLICT'] : [name, 'published'])),
    })
    assert.ok(scene.index.read(wheel.name).equals(before))
    const warning = run.annotations.find(({ kind, title }) => kind === 'warning' && title === wheel.name)
    for (const digest of [sha256(before), wheel.sha256]) assert.ok(warning?.message.includes(digest), shown(run))
    const [first = ''] = readable(run.summary).split('\n')
    assert.match(first, /demo-pkg 1\.2\.0 on the index becomes a mixture of two builds/)
  })

  it('other bytes that an index would replace: it is not asked to', async (test) => {
    const scene = await setScene(test, { index: { existing: 'overwrite' } })
    const [wheel] = scene.samples
    assert.ok(wheel)
    const before = await replaceOnIndex(scene, wheel.name)
    const run = await scene.run()
    assert.equal(outcomesOf(run)[wheel.name], 'conflict')
    assert.ok(scene.index.read(wheel.name).equals(before))
  })

  it('nothing: what it refused before, it takes when the fault is mended', async (test) => {
    const scene = await setScene(test)
    await writeFile(path.join(scene.workspace, 'dist', 'notes.txt'), 'x')
    assert.equal((await scene.run()).main.exitCode, 1)
    await rm(path.join(scene.workspace, 'dist', 'notes.txt'))
    assertPublished(await scene.run(), scene)
  })
})

/** Publishes another file under this name, and returns its bytes. */
async function replaceOnIndex({ workspace, index, run }: Scene, name: string): Promise<Buffer> {
  const options = { project: 'Demo.Pkg', version: '1.2.0', wheels: 2, greeting: 'Hej' }
  await writeSamples(path.join(workspace, 'before'), options)
  const first = await run({ files: `before/${name}` })
  assert.equal(first.main.exitCode, 0, shown(first))
  return index.read(name)
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
