/** Shows runs on one HTML page as people see them on github.com: annotations, job summary with its diagrams, log. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { Marked } from 'marked'
import type { Annotation } from '../runner/commands.ts'
import type { ActionRun } from '../runner/run-action.ts'

export interface ShownRun {
  readonly title: string
  readonly run: Pick<ActionRun, 'annotations' | 'log' | 'summary'>
}

const markdown = new Marked({ gfm: true, async: false })

const SYMBOLS = { notice: 'ℹ', warning: '⚠', error: '✖' } as const

/**
 * Writes `index.html` into `directory` and gives back its `file:` address. It opens without a network: Mermaid comes from
 * the installed package, by a relative path. Nothing sanitizes the summary's HTML as GitHub would: what passes here has to
 * be harmless by itself.
 */
export async function writePage(directory: string, runs: readonly ShownRun[]): Promise<URL> {
  await mkdir(directory, { recursive: true })
  const file = path.join(directory, 'index.html')
  await writeFile(file, await pageOf(directory, runs))
  return pathToFileURL(file)
}

async function pageOf(directory: string, runs: readonly ShownRun[]): Promise<string> {
  const beside = (name: string) => readFile(path.join(import.meta.dirname, name), 'utf8')
  const mermaid = createRequire(import.meta.url).resolve('@mermaid-js/tiny')
  const address = path.relative(directory, mermaid).split(path.sep).map(encodeURIComponent).join('/')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>What a run looks like</title>
<style>
${await beside('page.css')}</style>
<main>
${runs.map((shown, index) => showRun(shown, index + 1)).join('\n')}
</main>
<script src="${address}"></script>
<script type="module">
${await beside('diagrams.mjs')}</script>
</html>
`
}

/** `#run-2` at the end of the page's address shows the second run alone. */
function showRun({ title, run }: ShownRun, number: number): string {
  const { annotations, summary, log } = run
  return `<section class="run" id="run-${number}">
<h1>${html(title)}</h1>
<div class="box"><h2>Annotations <span class="count">${annotations.length}</span></h2>
${annotations.map(showAnnotation).join('\n')}
</div>
<div class="box summary"><h2>publish summary</h2>
<article>
${markdown.parse(summary, { async: false })}
</article>
</div>
<div class="box log"><h2>publish</h2>
<ol>
${log.map(showLine).join('\n')}
</ol>
</div>
</section>`
}

function showAnnotation({ kind, title, message }: Annotation): string {
  const head = title === '' ? 'publish' : title
  return `<div class="annotation ${kind}"><span class="symbol">${SYMBOLS[kind]}</span><div><b>${html(head)}</b><p>${html(message)}</p></div></div>`
}

function showLine(line: string): string {
  const [, kind = 'plain'] = /^(Notice|Warning|Error): /.exec(line) ?? []
  return `<li class="${kind.toLowerCase()}">${html(line)}</li>`
}

function html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
