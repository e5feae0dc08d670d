import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { writePage } from '../../../demo/page/page.ts'
import { summaryOf } from '../../../src/report/summary.ts'
import { foreignReport, HOSTILE } from '../report/reports.ts'

const directory = await mkdtemp(path.join(os.tmpdir(), 'demo-page-'))
after(() => rm(directory, { recursive: true, force: true }))

/** The page's own file; scripts and styles left out of it, since they are ours. */
async function pageOf(runs: Parameters<typeof writePage>[1]): Promise<string> {
  const address = await writePage(path.join(directory, 'a b', 'demo'), runs)
  return readFileSync(fileURLToPath(address), 'utf8')
}

function content(page: string): string {
  return page.replace(/<(script|style)[\s\S]*?<\/\1>/g, '')
}

describe('the page of runs', () => {
  it('has annotations, summary and log of each run', async () => {
    const page = content(
      await pageOf([
        {
          title: 'A run',
          run: {
            annotations: [{ kind: 'error', title: 'a.whl', message: 'a.whl was rejected.' }],
            log: ['File      a.whl', 'Error: a.whl was rejected.'],
            summary: '### Files\n\n| File |\n| --- |\n| <code>a&#46;whl</code> |\n\n```mermaid\nflowchart TB\n```\n',
          },
        },
        { title: 'Another', run: { annotations: [], log: [], summary: '' } },
      ]),
    )
    assert.match(page, /<section class="run" id="run-1">\n<h1>A run<\/h1>/)
    assert.match(page, /<div class="annotation error">.*<b>a\.whl<\/b><p>a\.whl was rejected\.<\/p>/)
    assert.match(page, /<h3>Files<\/h3>\n<table>/)
    assert.match(page, /<td><code>a&#46;whl<\/code><\/td>/)
    assert.match(page, /<code class="language-mermaid">flowchart TB\n<\/code>/)
    assert.match(page, /<li class="plain">File {6}a\.whl<\/li>\n<li class="error">Error: a\.whl was rejected\.<\/li>/)
    assert.match(page, /id="run-2">\n<h1>Another<\/h1>/)
  })

  it('opens without a network: all that it loads lies beside it in the checkout', async () => {
    const page = await pageOf([])
    const loaded = [...page.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, address = '']) => address)
    assert.equal(loaded.length, 1)
    const file = fileURLToPath(new URL(loaded[0] ?? '', `file://${directory}/a%20b/demo/index.html`))
    assert.ok(existsSync(file), file)
    assert.doesNotMatch(content(page), /https?:/)
  })

  it('shows foreign text as text', async () => {
    const tags = async (text: string) => {
      const annotations = [{ kind: 'error', title: text, message: text }] as const
      const run = { annotations, log: [text], summary: summaryOf(foreignReport(text)) }
      return content(await pageOf([{ title: text, run }])).match(/<[^>]*>/g)
    }
    assert.deepEqual(await tags(HOSTILE), await tags('harmless text'))
  })
})
