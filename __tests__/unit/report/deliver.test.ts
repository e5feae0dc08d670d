import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { deliver } from '../../../src/report/deliver.ts'
import { recordRunner } from '../../support/recorded-runner.ts'
import { reportWith } from './reports.ts'

describe('outputs that cannot be written', () => {
  it('do not silence the summary, and the log says so', () => {
    const temp = mkdtempSync(path.join(tmpdir(), 'deliver-'))
    const runner = recordRunner(temp)
    const summaries: string[] = []
    deliver(reportWith(), {
      ...runner,
      setOutput: () => {
        throw Object.assign(new Error('full'), { code: 'ENOSPC' })
      },
      writeSummary: (text) => {
        summaries.push(text)
      },
    })
    rmSync(temp, { recursive: true })
    assert.equal(summaries.length, 1)
    assert.ok(runner.lines.includes('Report the outputs could not be written (ENOSPC)'), runner.lines.join('\n'))
  })
})
