import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import type { ActionRun } from '../../../demo/runner/run-action.ts'
import { showMarkdown, showRun } from '../../../demo/runner/show.ts'

const step = { exitCode: 0, signal: null, stdout: '', stderr: '' }

const run: ActionRun = {
  main: step,
  post: step,
  commands: [],
  annotations: [
    { kind: 'error', title: 'a.whl', message: 'first\nsecond' },
    { kind: 'notice', title: '', message: 'done' },
  ],
  outputs: { published: '2', files: 'x'.repeat(500), version: '' },
  state: {},
  summary: '# Done\n',
  masks: [],
  log: ['Upload    a.whl', 'Error: first'],
  peakMemoryBytes: undefined,
}

const markdown = (text: string) => stripVTControlCharacters(showMarkdown(text))

describe('a run in the terminal', () => {
  it('has log, annotations with their titles, summary and outputs', () => {
    const lines = stripVTControlCharacters(showRun(run)).split('\n')
    const shown = lines.map((line) => line.replace(/─+$/, '─')).filter((line) => line !== '')
    assert.deepEqual(shown, [
      '── Log ─',
      'Upload    a.whl',
      'Error: first',
      '── Annotations ─',
      'Error: a.whl',
      '  first',
      '  second',
      'Notice',
      '  done',
      '── Job summary ─',
      'Done',
      '── Outputs ─',
      'published = 2',
      `files = ${'x'.repeat(159)}…`,
      'version = (empty)',
    ])
  })

  it('says where there is nothing', () => {
    const shown = stripVTControlCharacters(showRun({ ...run, annotations: [] }))
    assert.match(shown, /── Annotations ─+\n\(none\)\n/)
  })

  it('has Markdown without its marks: entities decoded, tags and addresses behind words left out', () => {
    assert.equal(markdown('**Bold** `code` <code>a&#46;b&lt;c</code>'), 'Bold code a.b<c')
    assert.equal(
      markdown('- [<code>E&#95;X</code>](<https://example.com/>) see <https://example.com/a>'),
      '- E_X see https://example.com/a',
    )
  })

  it('never takes what an entity stands for as a tag, or lets it reach the terminal as a control character', () => {
    assert.equal(
      markdown('&#60;b&#62; &#27;[31m &#155; &#999999999; &amp;#60;'),
      '<b> \ufffd[31m \ufffd &#999999999; &#60;',
    )
  })

  it('has the columns of a table in line, and leaves code as it is', () => {
    const text = '| File | Size |\n| --- | --- |\n| <code>a</code> | 10 kB |\n\n```sh\n| **x** | &lt; |\n```\n'
    assert.equal(markdown(text), 'File  Size\n────  ─────\na     10 kB\n\n    | **x** | &lt; |')
  })
})
