import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { createRoot, issueClient } from '../../demo/certificate-authority.ts'
import { readInputs, takeSecretInputs } from '../../src/inputs.ts'
import { simpleIndexFor } from '../../src/package-index/known-server.ts'
import { SERVERS } from '../../src/package-index/server-table.ts'
import { Secrets } from '../../src/text.ts'

const PAGE = readFileSync(path.resolve(import.meta.dirname, '../../docs/private-indexes.md'), 'utf8')

/** What may stand in a cell for "none". */
const NONE = '–'

interface Row {
  readonly name: string
  readonly uploadUrl: string
  readonly simpleUrl: string
}

const ROWS: readonly Row[] = [...PAGE.matchAll(/^\| ([^|`]+) \| `(https:[^`]+)` \| `?([^|`]+)`? \|/gm)].map(
  ([, name = '', uploadUrl = '', simpleUrl = '']) => ({ name, uploadUrl, simpleUrl: simpleUrl.trim() }),
)

type Step = Readonly<{ uses?: string; with?: Readonly<Record<string, string>> }>

/** The inputs of the one step of ours below a heading. */
function inputsBelow(heading: string): Readonly<Record<string, string>> {
  const [, section = ''] = PAGE.split(new RegExp(`^### ${heading}$`, 'm'))
  const [, block = ''] = /^```yaml\n(.*?)^```$/ms.exec(section.split(/^##/m)[0] ?? '') ?? []
  const steps: Step[] = parse(block)
  const [step, ...others] = steps.filter(({ uses = '' }) => uses.startsWith('octo-org/'))
  assert.equal(others.length, 0)
  return step?.with ?? assert.fail(`no step for ${heading}`)
}

const { pem, keyPem } = issueClient(createRoot({ name: 'Example Root' }), { name: 'release' })

/** What stands behind the expressions of the blocks. */
const VALUES = new Map([
  ['CLIENT_CERT', pem],
  ['CLIENT_KEY', keyPem],
  ['CA_BUNDLE', pem],
])

/** Services that have no client certificates, by their fixed hosts. */
const SERVICES = SERVERS.filter(({ shapes }) => shapes.some(({ host }) => host !== undefined)).map(({ name }) => name)

describe('docs/private-indexes.md', () => {
  it('has a row and a block for each server that is known, and no others', () => {
    const known = SERVERS.map(({ name }) => name).sort()
    assert.deepEqual(ROWS.map(({ name }) => name).sort(), known)
    assert.deepEqual([...PAGE.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading).sort(), known)
  })

  for (const { name, uploadUrl, simpleUrl } of ROWS) {
    describe(name, () => {
      it('has the upload URL that the advice gives', () => {
        assert.equal(SERVERS.find((server) => server.name === name)?.uploadUrl, uploadUrl)
      })

      it('has the simple index that `auto` reads', () => {
        const found = simpleIndexFor(new URL(uploadUrl), 'auto')
        assert.equal(found?.root.href, simpleUrl === NONE ? undefined : new URL(simpleUrl).href)
      })

      it('has a block with a URL of that shape, a certificate or none, and a simple index or off', () => {
        const inputs = inputsBelow(name)
        const url = new URL(inputs['repository-url'] ?? '')
        const found = simpleIndexFor(url, 'auto')
        if (found?.server !== undefined) assert.equal(found.server.name, name)
        assert.equal(inputs['check-url'], found === undefined ? 'off' : undefined)
        assert.equal(inputs['client-cert'] === 'none', SERVICES.includes(name) || name === 'Azure Artifacts')
      })

      it('has a block that the action reads without a complaint', () => {
        const filled = Object.entries(inputsBelow(name)).map(([input, value]) => [
          `INPUT_${input.toUpperCase()}`,
          value.replace(/\$\{\{ \w+\.(.+) \}\}/, (_, secret: string) => VALUES.get(secret) ?? 'a value'),
        ])
        const env: NodeJS.ProcessEnv = Object.fromEntries(filled)
        const { problems } = readInputs(env, takeSecretInputs(env), () => {}, new Secrets())
        assert.deepEqual(problems.all, [])
      })
    })
  }
})
