/** Text that strangers choose, and the proof that it did nothing where it came out. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { ActionRun } from '../../../demo/runner/run-action.ts'
import { shown } from './assertions.ts'
import type { Scene } from './scene.ts'

/** Each would do something in a log of the runner, a terminal, Markdown, HTML or a shell. */
export const HOSTILE: readonly string[] = [
  '::error::forged',
  '::set-output name=published::99',
  '::save-state name=material::/tmp',
  '::add-mask::published',
  '::stop-commands::forged',
  '##[error]forged',
  '##[add-mask]e',
  '%0A::warning::forged',
  '\r::notice::forged',
  '\u001b[2J\u001b]0;forged\u0007\u009b31m',
  '\u202eforged\u2066\u200b\u{e0041}',
  '<script>forged()</script><img src=x onerror=forged()>',
  '&lt;b&gt;&#60;i&#62;',
  '<!-- ',
  '| forged | ![x](https://evil.example/x.png) [x](javascript:forged) |',
  '```\n# forged\n- forged\n',
  '@octocat **forged** ~~x~~ _x_ #1',
  '$(touch pwned) `touch pwned` ; touch pwned\ntouch pwned',
  `'; touch pwned; ' "; touch pwned; " \${IFS}`,
]

/** All of it in one text. */
export const ALL_HOSTILE = HOSTILE.join(' ')

const CONTROLS = /[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/u

/** Nothing of `HOSTILE` acted: not on the runner, a terminal, the summary's Markdown, or a shell that outputs are pasted into. */
export function assertHarmless(run: ActionRun, scene: Scene): void {
  for (const { name, data, properties } of run.commands) {
    if (name === 'add-mask') continue
    assert.doesNotMatch(`${data}${properties.title ?? ''}`, CONTROLS, name)
    assert.doesNotMatch(data, /^\s*(?:::|forged)/, name)
  }
  for (const line of run.log) {
    assert.doesNotMatch(line, CONTROLS, line)
    // What a person reads begins with our own word, whatever comes behind.
    assert.match(line, /^(?:Notice: |Warning: |Error: |[A-Z][a-z]{1,9} +\S)/, line)
  }
  // The runner looks for this one anywhere in a line that is no command.
  for (const line of `${run.main.stdout}\n${run.post?.stdout ?? ''}`.split(/\r\n|\r|\n/)) {
    assert.ok(line.startsWith('::') || !line.includes('##['), line)
  }
  assert.ok(!run.masks.some((mask) => mask === 'e' || mask === 'published'))
  assertPlainMarkdown(run.summary)
  assertPlainReport(readFileSync(run.outputs['report-path'] ?? '', 'utf8'))
  assertHarmlessInShell(run, scene)
}

/** A line of the chain's picture: labels hold letters, digits, blanks and `#code;` alone. */
const LABEL = '(?:[\\p{L}\\p{M}\\p{N} ]|#\\d+;|<br/>)*'
const DIAGRAM_LINE = new RegExp(
  `^(?:|flowchart TB|  accTitle: [A-Za-z ,]+|  \\w+\\["${LABEL}"\\]:::\\w+|  \\w+ [-=.>ox]+(?:\\|"${LABEL}"\\|)? \\w+|  classDef \\w+ [\\w#:, -]+)$`,
  'u',
)

/** The summary holds our own markup and nothing else that Markdown or HTML would act on. */
function assertPlainMarkdown(summary: string): void {
  assert.doesNotMatch(summary.replaceAll('\n', ''), CONTROLS)
  const [, picture = ''] = /^```mermaid\n(.*?)^```$/ms.exec(summary) ?? []
  for (const line of picture.split('\n')) assert.match(line, DIAGRAM_LINE)
  const ours = summary
    .replace(/^```mermaid\n.*?^```$/ms, '')
    .replace(/^<details(?: open)?><summary>[A-Za-z ]+<\/summary>$/gm, '')
    .replace(/^<\/?(?:pre|details)>$/gm, '')
    .replace(/<\/?code>/g, '')
    .replace(/^- \[[\w&#;]+\]\(<https:\/\/github\.com\/[\w./#-]+>\) /gm, '')
    .replace(/ <https:\/\/github\.com\/[\w./#-]+>$/gm, '')
    .replace(/^### [A-Z][A-Za-z ]+$/gm, '')
    .replace(/^- \*\*[A-Z][A-Za-z ]+\*\*: /gm, '')
    .replace(/^\*\*(.*?)\*\*/, '$1')
    .replace(/\*\*([a-z ]+)\*\* \|/g, '$1 |')
    .replace(/&#\d+;/g, '')
  assert.doesNotMatch(ours, /[<>`@[\]*_~#\\$]|^\s*[-+=]{1,2}\s*$|https?:/m)
  for (const line of ours.split('\n')) {
    const cells = line.startsWith('|') ? (line.match(/\|/g)?.length ?? 0) : 0
    assert.ok([0, 6, 8].includes(cells), line)
    if (cells === 0) assert.ok(!line.includes('|'), line)
  }
}

function assertPlainReport(json: string): void {
  JSON.parse(json, (_, value: unknown) => {
    if (typeof value === 'string') assert.doesNotMatch(value, CONTROLS)
    return value
  })
}

/** As a workflow does it: the runner pastes the text of an output into a script. */
function assertHarmlessInShell({ outputs }: ActionRun, { directory }: Scene): void {
  if (process.platform === 'win32') return
  const cwd = mkdtempSync(path.join(directory, 'shell-'))
  const lines = Object.values(outputs).flatMap((value) => [`echo ${value}`, `x="${value}"`, `echo '${value}' | cat`])
  const shell = spawnSync('/bin/sh', ['-e', '-c', lines.join('\n')], { cwd, encoding: 'utf8', env: {} })
  assert.deepEqual([shell.status, shell.stderr, readdirSync(cwd)], [0, '', []], lines.join('\n'))
}

/** The hostile text was shown, so that its harmlessness was put to the test. */
export function assertMentions(run: ActionRun, words: RegExp): void {
  assert.match(`${shown(run)}\n${run.annotations.map(({ message }) => message).join('\n')}`, words)
}
