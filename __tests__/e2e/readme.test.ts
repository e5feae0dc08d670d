import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createRoot, issueClient, issueIntermediate, issueServer } from '../../demo/certificate-authority.ts'
import { type RunningIndex, startIndex } from '../../demo/index-server.ts'
import { runAction } from '../../demo/runner/run-action.ts'
import { writeSamples } from '../../demo/sample-distributions.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const DAY_MS = 86_400_000
const organization = 'Example Corp'

/** What differs from run to run: digests, serial numbers, dates, ports, durations. */
function timeless(log: string): string {
  return log
    .replaceAll(/\b[0-9a-fA-F]{32,64}\b/g, 'HEX')
    .replaceAll(/\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?/g, 'DATE')
    .replaceAll(/localhost:\d+/g, 'localhost:PORT')
    .replaceAll(/\d+ bytes/g, 'N bytes')
    .replaceAll(/in \d+\.\d s/g, 'in N s')
}

describe('README.md', () => {
  const root = createRoot({ name: 'Demo Root CA', organization })
  const issuer = issueIntermediate(root, { name: 'Demo Issuing CA', organization })
  let directory: string
  let index: RunningIndex
  let examples: string[]

  before(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'readme-'))
    for (const name of ['workspace', 'temp']) await mkdir(path.join(directory, name))
    await writeSamples(path.join(directory, 'workspace', 'dist'), { project: 'demo-pkg', version: '1.2.0' })
    index = await startIndex({
      server: issueServer(root, { name: 'Demo index', organization }),
      clientAuthorities: [root.pem],
      directory: path.join(directory, 'index'),
    })
    const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8')
    examples = [...readme.matchAll(/^```text\n(.*?)^```$/gms)].map(([, block = '']) => block.trimEnd())
  })

  after(async () => {
    await index.stop()
    await rm(directory, { recursive: true, force: true })
  })

  async function logOf(ended: Date | undefined): Promise<string> {
    const client = issueClient(issuer, {
      name: 'release',
      organization,
      ...(ended && { notBefore: new Date(+ended - 90 * DAY_MS), notAfter: ended }),
    })
    const { log } = await runAction({
      actionDir: ROOT,
      node: process.env.ACTION_NODE ?? process.execPath,
      inputs: {
        'repository-url': index.uploadUrl,
        'client-cert': client.pem + issuer.pem,
        'client-key': client.keyPem,
        'ca-bundle': root.pem,
        'support-contact': 'platform-team@example.com',
      },
      workspace: path.join(directory, 'workspace'),
      temp: path.join(directory, 'temp'),
      post: false,
    })
    // What other runs on this machine left is swept by whoever comes first.
    return log.filter((line) => !line.startsWith('Swept')).join('\n')
  }

  it('shows the log of a run that is refused', async () => {
    const log = await logOf(new Date(Date.now() - 3 * DAY_MS))
    assert.equal(timeless(log), timeless(examples[2] ?? ''))
    assert.equal(index.connections, 0)
  })

  it('shows the log of a good run', async () => {
    assert.equal(timeless(await logOf(undefined)), timeless(examples[0] ?? ''))
  })

  it('shows the end of the log of the same run a second time', async () => {
    const again = await logOf(undefined)
    assert.equal(timeless(again.slice(again.indexOf('Index '))), timeless(examples[1] ?? ''))
  })
})
