import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import type { ErrorCode } from '../../src/errors.ts'
import { FILE_MANGLINGS, MANGLINGS, type Mangling } from '../unit/encoding/manglings.ts'
import { assertPublished, readReport } from './support/assertions.ts'
import { assertNoneLeft, runBeside } from './support/beside.ts'
import { setScene } from './support/scene.ts'
import { assertUnsent } from './support/unsent.ts'

after(assertNoneLeft)

/** What two tools did one after the other. */
const TWICE: readonly Mangling[] = [
  { name: 'literal \\n in quotes', mangle: (pem) => `"${pem.replaceAll('\n', '\\n')}"\n` },
  { name: 'base64 of literal \\n', mangle: (pem) => Buffer.from(pem.replaceAll('\n', '\\n')).toString('base64') },
  { name: 'CRLF, indentation and a byte order mark', mangle: (pem) => `\ufeff  ${pem.replaceAll('\n', '\r\n  ')}` },
]

/** No environment variable can hold a NUL, so no input can. */
const POSSIBLE = [...MANGLINGS, ...TWICE].filter(({ mangle }) => !mangle('-----BEGIN').includes('\0'))

const ONE_WHEEL = { wheels: 1, sdist: false }

/** The index knows the root alone: who comes without the intermediate is not let in. A key may stand in both inputs. */
describe('certificate, chain and key in client-cert, key in client-key, root in ca-bundle are read through', {
  concurrency: 2,
}, () => {
  for (const { name, mangle } of POSSIBLE) {
    it(name, async (test) => {
      const scene = await setScene(test, { samples: ONE_WHEEL })
      const { client, intermediate, root } = scene
      const inputs = {
        'client-cert': mangle(client.pem + intermediate.pem + client.keyPem),
        'client-key': mangle(client.keyPem),
        'ca-bundle': mangle(root.pem),
      }
      const run = await runBeside(scene, inputs)
      assertPublished(run, scene)
      assert.equal(run.outputs.handshake, 'accepted')
    })
  }
})

/** Without client-key the one in client-cert is used: the same reading, so that few cases tell. */
describe('everything in client-cert alone is read through', { concurrency: 2 }, () => {
  for (const { name, mangle } of POSSIBLE.filter((_, at) => at % 6 === 3)) {
    it(name, async (test) => {
      const scene = await setScene(test, { samples: ONE_WHEEL })
      const { client, intermediate } = scene
      const combined = mangle(client.keyPem + client.pem + intermediate.pem)
      assertPublished(await runBeside(scene, { 'client-cert': combined, 'client-key': undefined }), scene)
    })
  }
})

describe('a file with all three is read when it is', { concurrency: 2 }, () => {
  for (const { name, write } of FILE_MANGLINGS) {
    it(name, async (test) => {
      const scene = await setScene(test, { samples: ONE_WHEEL })
      const { client, intermediate, workspace } = scene
      await writeFile(path.join(workspace, 'client.pem'), write(client.keyPem + client.pem + intermediate.pem))
      const run = await runBeside(scene, { 'client-cert': 'client.pem', 'client-key': undefined })
      assertPublished(run, scene)
    })
  }
})

/** What a block can suffer on its way. */
interface Damage {
  readonly name: string
  readonly code: ErrorCode
  readonly damage: (block: string) => string
  readonly says: RegExp
}

const DAMAGES: readonly Damage[] = [
  {
    name: 'has no END line',
    code: 'E_INPUT_TRUNCATED',
    damage: (block) => block.replace(/-----END.*\n/, ''),
    says: /cut off: its END line is missing/,
  },
  {
    name: 'ends in the middle of its END line',
    code: 'E_INPUT_TRUNCATED',
    damage: (block) => block.replace('-----END CERTIFICATE-----', '-----END CERT'),
    says: /cut off: its END line is not whole/,
  },
  {
    name: 'lacks a line in the middle',
    code: 'E_INPUT_TRUNCATED',
    damage: (block) => lines(block).toSpliced(4, 1).join('\n'),
    says: /cut off: its first bytes announce [\d,]+ bytes, [\d,]+ are there/,
  },
  {
    name: 'holds a character that is no base64',
    code: 'E_CERT_UNREADABLE',
    damage: (block) => lines(block).with(3, 'MIIB*').join('\n'),
    says: /cannot be read: a character in it is no base64/,
  },
  {
    name: 'is empty',
    code: 'E_CERT_UNREADABLE',
    damage: (block) => [lines(block).at(0), lines(block).at(-2), ''].join('\n'),
    says: /cannot be read: it is empty/,
  },
  {
    name: 'ends under another name than it began',
    code: 'E_CERT_UNREADABLE',
    damage: (block) => block.replace('-----END CERTIFICATE', '-----END PRIVATE KEY'),
    says: /cannot be read: its BEGIN and END lines name different things/,
  },
]

function lines(block: string): string[] {
  return block.split('\n')
}

/** OpenSSL and Node.js drop a bad block and everything behind it without a word. */
describe('no block is left out in silence: one that', { concurrency: 2 }, () => {
  for (const { name, code, damage, says } of DAMAGES) {
    it(`${name} is an error that gives its number, in text, base64 and a file`, async (test) => {
      const scene = await setScene(test)
      const { client, intermediate, root, workspace } = scene
      const damaged = client.pem + damage(intermediate.pem) + root.pem
      await writeFile(path.join(workspace, 'chain.pem'), damaged)
      const forms: readonly (readonly [value: string, where: string])[] = [
        [damaged, 'block 2 (CERTIFICATE) of client-cert '],
        [Buffer.from(damaged).toString('base64'), 'block 2 (CERTIFICATE) of client-cert '],
        ['chain.pem', 'block 2 (CERTIFICATE) of client-cert (chain.pem) '],
      ]
      for (const [value, where] of forms) {
        const run = await scene.run({ 'client-cert': value })
        assertUnsent(run, scene, { codes: [code] })
        const [problem] = readReport(run).problems
        assert.ok(problem?.message.startsWith(where), problem?.message)
        assert.match(problem?.message ?? '', says)
      }
    })

    it(`${name} refuses ca-bundle and client-ca-bundle too, both in one run`, async (test) => {
      const scene = await setScene(test)
      const bundle = scene.root.pem + damage(scene.intermediate.pem)
      const run = await scene.run({ 'ca-bundle': bundle, 'client-ca-bundle': bundle })
      const codeOfBundle = code === 'E_CERT_UNREADABLE' ? 'E_CA_UNREADABLE' : code
      assertUnsent(run, scene, { codes: [codeOfBundle, codeOfBundle] })
      const { problems } = readReport(run)
      for (const [at, input] of ['ca-bundle', 'client-ca-bundle'].entries()) {
        const { message = '' } = problems[at] ?? {}
        assert.ok(message.startsWith(`block 2 (CERTIFICATE) of ${input} `), message)
        assert.match(message, says)
      }
    })
  }

  it('begins in the middle, behind the cut of the first one, is told from it', async (test) => {
    const scene = await setScene(test)
    const { client, intermediate } = scene
    const run = await scene.run({ 'client-cert': client.pem.slice(200) + intermediate.pem })
    assertUnsent(run, scene, { codes: ['E_INPUT_TRUNCATED'] })
    assert.match(readReport(run).problems[0]?.message ?? '', /^block 1 of client-cert is cut off: its BEGIN line is/)
  })
})

const NO_CERTIFICATES: readonly (readonly [name: string, value: string, says: RegExp])[] = [
  ['a sentence', 'The certificate, as agreed!', /^client-cert is text of 27 characters that is neither PEM nor base64/],
  ['random base64', Buffer.alloc(90, 7).toString('base64'), /^client-cert .* no PEM; as base64 it gives 90 bytes/],
  ['a masked log', '***', /^client-cert is a row of asterisks/],
]

describe('what is no certificate at all', { concurrency: 2 }, () => {
  for (const [name, value, says] of NO_CERTIFICATES) {
    it(`${name}: the error gives length and kind, never the value`, async (test) => {
      const scene = await setScene(test)
      const run = await scene.run({ 'client-cert': value }, { secrets: [value] })
      assertUnsent(run, scene, { codes: ['E_INPUT_FORMAT'] })
      assert.match(readReport(run).problems[0]?.message ?? '', says)
    })
  }
})
