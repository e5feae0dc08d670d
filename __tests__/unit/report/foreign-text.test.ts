import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { Masker, readFileCommand, readStep } from '../../../demo/runner/commands.ts'
import { annotationsOf } from '../../../src/report/annotations.ts'
import { outputsOf } from '../../../src/report/outputs.ts'
import { foreignReport, HOSTILE } from './reports.ts'

const temp = mkdtempSync(path.join(os.tmpdir(), 'report-test-'))
after(() => rmSync(temp, { recursive: true, force: true }))

/** A process of its own that delivers the report of a hostile run to the real toolkit, as the main step does. */
const STEP = `
  import { deliver } from '../../../src/report/deliver.ts'
  import { fileLine } from '../../../src/report/log-lines.ts'
  import { createRunner } from '../../../src/runner.ts'
  import { foreignReport, HOSTILE } from './reports.ts'
  const runner = createRunner(process.env, process.env.RUNNER_TEMP, process.env.RUNNER_TEMP)
  const report = foreignReport(HOSTILE)
  for (const file of report.files) runner.log('Upload', fileLine(file))
  await deliver(report, runner)
`

function runStep() {
  const [output, summary] = ['output', 'summary'].map((name) => path.join(temp, name))
  assert(output !== undefined && summary !== undefined)
  for (const file of [output, summary]) writeFileSync(file, '')
  const env = { RUNNER_TEMP: temp, GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary }
  const options = { cwd: import.meta.dirname, env, encoding: 'utf8', timeout: 60_000 } as const
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', STEP], options)
  assert.equal(status, 0, stderr)
  // As the runner reads lines: each kind of line end ends one.
  const step = readStep(stdout.split(/\r\n|\r|\n/), new Masker())
  return { step, outputs: readFileCommand(readFileSync(output, 'utf8')), summary: readFileSync(summary, 'utf8') }
}

describe('foreign text in what the runner reads', () => {
  const { step, outputs, summary } = runStep()
  const report = foreignReport(HOSTILE)

  it('is never a command: the runner sees our annotations and nothing else', () => {
    const expected = annotationsOf(report).map(({ kind }) => kind)
    assert.deepEqual(
      step.commands.map(({ name }) => name),
      expected,
    )
    assert.equal(step.annotations.length, expected.length)
  })

  it('stands in one line of each annotation, whole and printable', () => {
    for (const { title, message } of step.annotations) {
      assert.doesNotMatch(`${title}${message}`, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    }
    assert.equal(
      step.annotations.filter(({ message }) => message.includes('::error::owned')).length,
      expectedMentions(),
    )
  })

  it('never begins a line of the log, where each line has a word of ours', () => {
    const words = /^(?:Upload|Problem|Result|Next|Report) {2,}\S|^(?:Notice|Warning|Error): /
    for (const line of step.log.filter((text) => text !== '')) assert.match(line, words)
    assert.ok(step.log.some((line) => line.includes('owned')))
  })

  it('sets no output', () => {
    const ours = outputsOf(report)
    assert.deepEqual([...outputs.keys()], [...ours.keys()])
    assert.equal(outputs.get('published'), '1')
  })

  it('is in the summary as text alone', () => {
    const [before = '', diagram = '', after = ''] = summary.split(/^```(?:mermaid)?\n/m)
    assert.match(before, /owned/)
    assert.match(diagram, /owned/)
    assert.doesNotMatch(diagram, /`|<(?!br\/>)|evil\.example|%%|click c0 "/)
    assert.doesNotMatch(before + after, /::|<img|<!--|javascript:|evil\.example|\[link\]|@|```/)
  })

  /** Two files, five warnings and the end of the step quote it. */
  function expectedMentions(): number {
    return report.files.filter(({ message }) => message !== undefined).length + report.warnings.length + 1
  }
})
