import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { describe, it } from 'node:test'
import { createRoot, issueClient, issueIntermediate } from '../../../demo/certificate-authority.ts'
import { readBundle } from '../../../src/certificates/bundle.ts'
import { linesToMask, readMaterial } from '../../../src/encoding/input-material.ts'
import { PublishError, PublishErrors, problemsOf } from '../../../src/errors.ts'
import { readClientIdentity } from '../../../src/identity/client-identity.ts'

const issuing = issueIntermediate(createRoot({ name: 'Root' }), { name: 'Issuing' })
const ec = issueClient(issuing, { name: 'ec' })
const rsa = issueClient(issuing, { name: 'rsa', keyKind: 'rsa' })
const locked = { format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const

const SAMPLES = [
  { owner: ec, text: ec.pem + issuing.pem + ec.keyPem },
  { owner: rsa, text: rsa.keyPem + issuing.pem + rsa.pem },
  { owner: rsa, text: rsa.pem + rsa.keys.privateKey.export({ type: 'pkcs8', ...locked }) },
  { owner: ec, text: ec.keys.privateKey.export({ type: 'sec1', ...locked }) + ec.pem },
]
const PIECES = [
  '\n',
  '\r',
  '\\n',
  ' ',
  '-',
  '-----',
  '-----BEGIN',
  '-----END ',
  '"',
  '=',
  '\0',
  '\ufeff',
  'A',
  '+',
  'é',
]

/** Numbers below `limit`, the same in every run (a linear congruential generator). */
function numbers(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

function mutate(text: string, below: (limit: number) => number): string {
  const at = below(text.length)
  const to = at + below(300)
  const piece = PIECES[below(PIECES.length)] ?? ''
  const lines = text.split('\n')
  const mutations = [
    () => text.slice(0, at) + piece + text.slice(at),
    () => text.slice(0, at) + text.slice(at + 1 + below(4)),
    () => text.slice(0, at),
    () => text.slice(at),
    () => text.slice(0, to) + text.slice(at),
    () => text.replaceAll(PIECES[below(4)] ?? '', piece),
    () => text.slice(0, at) + String.fromCharCode(32 + below(95)) + text.slice(at + 1),
    () => lines.toSpliced(below(lines.length), 1).join('\n'),
    () => Buffer.from(text).toString('base64'),
  ]
  return mutations[below(mutations.length)]?.() ?? text
}

/** Every piece of ten characters of the secret lines. */
function piecesOf(text: string): Set<string> {
  const [, key = ''] = /-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]*)-----END/.exec(text) ?? []
  const joined = key.replace(/\s/g, '')
  return new Set(Array.from({ length: Math.max(0, joined.length - 9) }, (_, at) => joined.slice(at, at + 10)))
}

describe('mutated material', () => {
  it('gives the identity or problems that show nothing of it: 600 times', { timeout: 120_000 }, async () => {
    const below = numbers(20261125)
    let identities = 0
    for (let round = 0; round < 600; round += 1) {
      const { owner, text } = SAMPLES[round % SAMPLES.length] ?? assert.fail()
      let mutated = text
      for (let left = below(4); left > 0; left -= 1) mutated = mutate(mutated, below)
      try {
        const certificate = readMaterial('client-cert', mutated, { workspace: tmpdir() })
        linesToMask(certificate)
        bundleOrProblem(mutated)
        const { leaf, key } = await readClientIdentity({
          certificate,
          key: undefined,
          passphrase: 'secret',
          alias: undefined,
          now: new Date(),
          signal: new AbortController().signal,
        })
        assert.ok(leaf.checkPrivateKey(key) && key.equals(owner.keys.privateKey))
        identities += 1
      } catch (error) {
        assert.ok(error instanceof PublishError || error instanceof PublishErrors, `round ${round}: ${error}`)
        const words = problemsOf(error).map(({ message, hint }) => `${message} ${hint}`)
        for (const piece of piecesOf(text)) assert.ok(!words.join().includes(piece), words.join())
      }
    }
    assert.ok(identities > 60, `${identities} identities`)
  })
})

function bundleOrProblem(value: string): void {
  try {
    assert.ok(readBundle(readMaterial('ca-bundle', value, { workspace: tmpdir() })).length > 0)
  } catch (error) {
    assert.ok(error instanceof PublishError, `${error}`)
  }
}
