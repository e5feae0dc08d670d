import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  issueServer,
} from '../../demo/certificate-authority.ts'
import { type RunningIndex, startIndex } from '../../demo/index-server.ts'
import { type ShownRun, writePage } from '../../demo/page/page.ts'
import { type ActionRun, runAction } from '../../demo/runner/run-action.ts'
import { summaryOf } from '../../src/report/summary.ts'
import { printable } from '../../src/text.ts'
import { certificate, finding, foreignReport, HOSTILE } from '../unit/report/reports.ts'
import { diagramsOf, loadPage, type Scheme, shapeOf, textOf } from './support/chromium.ts'
import { cleanEnvironment } from './support/environment.ts'
import { actionDir } from './support/programs.ts'
import { mustRun, runProgram } from './support/run-program.ts'

/** Subjects that try to end a label, make nodes, links, styles or HTML, to be Markdown or mathematics. */
const SUBJECTS = [
  HOSTILE,
  'x"] --> pwned["y"]',
  'x"]:::error; click c0 href "https://evil.example" "tip"',
  'x\n  pwned["node"]\n  c0 --> pwned',
  '`markdown **bold** [link](https://evil.example)`',
  '1. list',
  '- list',
  '# heading',
  '$$\\href{javascript:alert(1)}{x}$$',
  '<img src=x onerror="document.title=1"><a href="https://evil.example">x</a><script>alert(1)</script>',
  '&lt;img src=x onerror=alert(1)&gt; &#60;b&#62; #60;b#62; #quot;] #35;60;',
  '%%{init: {"theme": "forest", "securityLevel": "loose"}}%%',
  '---\nconfig:\n  theme: forest\n---',
  'end subgraph x style c0 fill:#000; classDef good fill:#000',
  'ﬂ°°60¶ß ﬂ°lt¶ß',
  'https://evil.example/?a=b@octocat #1 fa:fa-car',
  '\u202e\u0000\u001b]8;;https://evil.example\u0007x',
  '𝕏 日本語 éü 👩‍👩‍👧 \ud800',
]

const root = createRoot({ name: 'Example Root' })
let directory: string
let index: RunningIndex
/** With harmless names first: one that the index takes and one that has ended, by turns. */
let dryRuns: readonly ShownRun[]

before(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'interop-page-'))
  for (const name of ['workspace', 'temp']) await mkdir(path.join(directory, name))
  index = await startIndex({
    server: issueServer(root, { name: 'index' }),
    clientAuthorities: [root.pem],
    directory: path.join(directory, 'index'),
  })
  dryRuns = await runWithNames('harmless', SUBJECTS.slice(1, 4).join(' '), SUBJECTS.slice(8, 12).join(' '))
})

after(async () => {
  await index.stop()
  await rm(directory, { recursive: true, force: true })
})

/** A dry run of the action: what a person starts to test a certificate. */
function dryRun(client: Issued, chain: string): Promise<ActionRun> {
  return runAction({
    actionDir,
    inputs: {
      'repository-url': index.uploadUrl,
      'client-cert': client.pem + chain,
      'client-key': client.keyPem,
      'ca-bundle': root.pem,
      'dry-run': 'true',
    },
    workspace: path.join(directory, 'workspace'),
    temp: path.join(directory, 'temp'),
  })
}

async function runWithNames(...names: readonly string[]): Promise<ShownRun[]> {
  const runs: ShownRun[] = []
  const ended = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') }
  for (const name of names) {
    const authority = issueIntermediate(root, { name, organization: name })
    const good = await dryRun(issueClient(authority, { name, organization: name }), authority.pem)
    const bad = await dryRun(issueClient(authority, { name, ...ended }), authority.pem)
    assert.equal(good.outputs.handshake, 'accepted', good.log.join('\n'))
    assert.equal(bad.main.exitCode, 1)
    runs.push({ title: name, run: good }, { title: name, run: bad })
  }
  return runs
}

async function draw(name: string, runs: readonly ShownRun[], scheme: Scheme) {
  const page = await writePage(path.join(directory, name), runs)
  const document = await loadPage(page, scheme, directory)
  assert.match(document, /<html [^>]*data-diagrams="done"/)
  assert.match(document, /<title>What a run looks like<\/title>/)
  return diagramsOf(document)
}

for (const scheme of ['light', 'dark'] as const) {
  describe(`the page of runs in Chromium, ${scheme}`, () => {
    it('has the diagram of every run, drawn without an error, whatever the subjects of its certificates are', async () => {
      const [good, bad, ...hostile] = (await draw(`runs-${scheme}`, dryRuns, scheme)).map(shapeOf)
      // Chain, server, and the CAs that it accepts: openssl is here.
      assert.deepEqual(good, { nodes: 5, edges: 4, acting: [] })
      assert.deepEqual(bad, { nodes: 6, edges: 5, acting: [] })
      assert.deepEqual(hostile, [good, bad, good, bad])
    })

    it('has as many nodes and links as with harmless text, and nothing to click, for text of every kind everywhere', async () => {
      const shown = (text: string): ShownRun => ({
        title: text,
        run: {
          annotations: [{ kind: 'error', title: text, message: text }],
          log: [text],
          summary: summaryOf(foreignReport(text)),
        },
      })
      const diagrams = await draw(`text-${scheme}`, ['harmless', ...SUBJECTS].map(shown), scheme)
      const [harmless, ...others] = diagrams.map(shapeOf)
      assert.deepEqual(harmless, { nodes: 9, edges: 8, acting: [] })
      assert.equal(others.length, SUBJECTS.length)
      for (const [at, other] of others.entries()) assert.deepEqual(other, harmless, SUBJECTS[at])
      for (const [at, subject] of SUBJECTS.entries()) {
        const words = printable(subject, 100).replace(/…$/, '').replace(/\s+/g, '')
        const text = textOf(diagrams[at + 1] ?? { state: '', content: '' })
        // Anchor, two certificates, server: as it is, not as Markdown, an icon or a formula.
        assert.ok(text.split(words).length > 4, `${words} in ${text}`)
      }
    })

    it('draws the largest diagram that there is', async () => {
      const wide = '\uffee'.repeat(300)
      const report = {
        ...foreignReport(wide),
        chain: Array.from({ length: 50 }, (_, at) => certificate({ position: `intermediate ${at}`, subject: wide })),
        findings: Array(50).fill(finding({ message: wide })),
      }
      const run = { annotations: [], log: [], summary: summaryOf(report) }
      const [largest] = (await draw(`large-${scheme}`, [{ title: 'large', run }], scheme)).map(shapeOf)
      assert.deepEqual(largest, { nodes: 15, edges: 14, acting: [] })
    })
  })
}

describe('the commands of a ticket, pasted into a shell', () => {
  it('show the server, verify the chain and repeat the handshake', async () => {
    const client = issueClient(root, { name: "it's; $(id)" })
    const { summary, outputs } = await dryRun(client, '')
    assert.equal(outputs.handshake, 'accepted')
    const [, block = ''] = /<pre>\n([\s\S]*?)<\/pre>/.exec(summary) ?? []
    const text = block.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    const commands = text.match(/^ {2}(?:openssl|curl) .*$/gm) ?? []
    assert.equal(commands.length, 3)
    const folder = await mkdtemp(path.join(directory, 'ticket-'))
    const files = { 'client.pem': client.pem, 'client-key.pem': client.keyPem, 'client-ca.pem': root.pem }
    for (const [name, pem] of Object.entries({ ...files, 'server-ca.pem': root.pem })) {
      await writeFile(path.join(folder, name), pem, { mode: 0o600 })
    }
    const options = { cwd: folder, env: cleanEnvironment(folder), limitMs: 30_000 }
    const [asked = '', verified = '', repeated = ''] = commands
    // It ends with the server's alert, as it has no certificate.
    const { stdout } = await runProgram('sh', ['-c', asked], options)
    assert.match(stdout, /Acceptable client certificate CA names\n.*Example Root/)
    assert.match(await mustRun('sh', ['-c', verified], options), /client\.pem: OK\nChain:/)
    await mustRun('sh', ['-c', repeated], options)
  })
})
