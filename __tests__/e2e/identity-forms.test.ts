import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { createRoot, type Issued } from '../../demo/certificate-authority.ts'
import { type Pkcs12Spec, writePkcs12 } from '../support/pkcs12-writer.ts'
import { assertPublished, shown, uploadsTo } from './support/assertions.ts'
import { type Scene, type SceneOptions, setScene } from './support/scene.ts'

const PASSPHRASE = 'pässphrase with blanks'

type Changes = Readonly<Record<string, string | undefined>>

interface Form {
  readonly name: string
  readonly scene?: SceneOptions
  readonly inputs: (scene: Scene) => Changes | Promise<Changes>
}

function encrypted(key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1' = 'pkcs8'): string {
  return key.export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE }).toString()
}

function base64(data: string | Buffer): string {
  return Buffer.from(data).toString('base64')
}

/** As `base64` prints it on Linux. */
function wrapped(text: string): string {
  return text.replace(/.{76}/g, '$&\n')
}

function pkcs12(client: Issued, chain: readonly Issued[], spec: Pkcs12Spec = {}): Buffer {
  return writePkcs12({
    password: PASSPHRASE,
    keys: [{ key: client.keys.privateKey, alias: 'release', id: 'a' }],
    certificates: [{ der: client.der, id: 'a' }, ...chain.map(({ der }) => ({ der }))],
    ...spec,
  })
}

const one = (text: string): Changes => ({ 'client-cert': text, 'client-key': undefined })

const FORMS: readonly Form[] = [
  { name: 'certificate with its chain, and the key beside it', inputs: () => ({}) },
  {
    name: 'leaf, chain and key in one text',
    inputs: ({ client, intermediate }) => one(client.pem + intermediate.pem + client.keyPem),
  },
  {
    name: 'one text in any order, root included',
    inputs: ({ client, intermediate, root }) => one(root.pem + client.keyPem + intermediate.pem + client.pem),
  },
  {
    name: 'an encrypted key (PKCS#8)',
    inputs: ({ client: { keys } }) => ({
      'client-key': encrypted(keys.privateKey),
      'client-key-passphrase': PASSPHRASE,
    }),
  },
  {
    name: 'an encrypted key of the old form, in the text of the certificate',
    inputs: ({ client: { pem, keys }, intermediate }) => ({
      ...one(pem + encrypted(keys.privateKey, 'sec1') + intermediate.pem),
      'client-key-passphrase': PASSPHRASE,
    }),
  },
  {
    name: 'an EC key as SEC1',
    inputs: ({ client: { keys } }) => ({
      'client-key': keys.privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
    }),
  },
  {
    name: 'an RSA key as PKCS#1',
    scene: { keyKind: 'rsa' },
    inputs: ({ client: { keys } }) => ({
      'client-key': keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    }),
  },
  { name: 'an Ed25519 key', scene: { keyKind: 'ed25519' }, inputs: () => ({}) },
  {
    name: 'base64 of PEM, in one line and wrapped',
    inputs: ({ inputs }) => ({
      'client-cert': base64(inputs['client-cert'] ?? ''),
      'client-key': wrapped(base64(inputs['client-key'] ?? '')),
    }),
  },
  {
    name: 'base64 of everything in one text',
    inputs: ({ client, intermediate }) => one(base64(client.keyPem + client.pem + intermediate.pem)),
  },
  {
    name: 'base64 of DER',
    inputs: ({ client, root }) => ({
      'client-cert': base64(client.der),
      'client-key': base64(client.keys.privateKey.export({ type: 'pkcs8', format: 'der' })),
      'ca-bundle': base64(root.der),
    }),
    // A DER certificate comes alone: the intermediate is one of the index's own.
    scene: { leafFromRoot: true },
  },
  {
    name: 'paths, relative to the workspace and absolute',
    inputs: async ({ workspace, directory, inputs }) => {
      await writeFile(path.join(workspace, 'client.pem'), inputs['client-cert'] ?? '')
      await writeFile(path.join(directory, 'key.pem'), inputs['client-key'] ?? '', { mode: 0o600 })
      await writeFile(path.join(directory, 'ca.crt'), inputs['ca-bundle'] ?? '')
      return {
        'client-cert': 'client.pem',
        'client-key': path.join(directory, 'key.pem'),
        'ca-bundle': path.join(directory, 'ca.crt'),
      }
    },
  },
  {
    name: 'one path for certificate, chain and key',
    inputs: async ({ workspace, client, intermediate }) => {
      await writeFile(path.join(workspace, 'all.pem'), client.pem + intermediate.pem + client.keyPem, { mode: 0o600 })
      return one('./all.pem')
    },
  },
  {
    name: 'a PKCS#12 file in base64, password and alias beside it',
    inputs: ({ client, intermediate, root }) => ({
      ...one(base64(pkcs12(client, [intermediate, root]))),
      'client-key-passphrase': PASSPHRASE,
      'client-key-alias': 'release',
    }),
  },
  {
    name: 'a PKCS#12 file of old ciphers as a path, its password with the line end that `echo` leaves',
    scene: { keyKind: 'rsa' },
    inputs: async ({ workspace, client, intermediate }) => {
      const old = { certificateScheme: 'rc2-40', keyScheme: '3des', mac: 'sha1' } as const
      await writeFile(path.join(workspace, 'client.pfx'), pkcs12(client, [intermediate], old), { mode: 0o600 })
      return { ...one('client.pfx'), 'client-key-passphrase': `${PASSPHRASE}\n` }
    },
  },
  {
    name: 'PEM as secret stores mangle it: literal \\n, blanks for line ends, CRLF and indentation',
    inputs: ({ inputs }) => ({
      'client-cert': (inputs['client-cert'] ?? '').replaceAll('\n', '\\n'),
      'client-key': (inputs['client-key'] ?? '').replaceAll('\n', ' '),
      'ca-bundle': (inputs['ca-bundle'] ?? '').replaceAll('\n', '\r\n    '),
    }),
  },
]

describe('an identity is read from', () => {
  for (const { name, scene: options, inputs } of FORMS) {
    it(name, async (test) => {
      const scene = await setScene(test, options)
      const run = await scene.run(await inputs(scene))
      assertPublished(run, scene)
      const subjects = new Set(scene.index.requests.map(({ clientSubject }) => clientSubject))
      assert.deepEqual([...subjects], ['O=Example, CN=release'], shown(run))
      assert.equal(run.outputs.handshake, 'accepted')
    })
  }
})

describe("a PKCS#12 file whose CA issued the server's certificate", () => {
  it('does not make the server trusted: nothing but ca-bundle does', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate, root } = scene
    const inputs = {
      ...one(base64(pkcs12(client, [intermediate, root]))),
      'client-key-passphrase': PASSPHRASE,
      'ca-bundle': createRoot({ name: 'Another CA' }).pem,
    }
    const run = await scene.run(inputs)
    assert.equal(run.main.exitCode, 1, shown(run))
    assert.match(shown(run), /E_TLS_SERVER_UNKNOWN_CA/)
    assert.equal(scene.index.requests.length, 0)
  })
})

describe('a certificate alone', () => {
  it('sends no Authorization header', async (test) => {
    const scene = await setScene(test)
    assertPublished(await scene.run(), scene)
    assert.equal(uploadsTo(scene.index).length, 3)
    assert.deepEqual(
      scene.index.requests.filter(({ headers }) => 'authorization' in headers),
      [],
    )
  })

  it('is not the whole identity where user and password are given: they are sent as HTTP Basic', async (test) => {
    const password = 'tokën with: colon'
    const scene = await setScene(test, { index: { users: new Map([['release', password]]) } })
    assertPublished(await scene.run({ user: 'release', password }), scene)
  })
})
