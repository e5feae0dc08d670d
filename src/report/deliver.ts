import { closeSync, constants as fs, openSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { errorCodeOf } from '../errors.ts'
import type { Runner } from '../runner.ts'
import { annotationsOf } from './annotations.ts'
import { closingLines } from './closing.ts'
import { jsonReport } from './json-report.ts'
import { resultLine } from './log-lines.ts'
import { outputsOf } from './outputs.ts'
import type { RunReport } from './run-report.ts'
import { summaryOf } from './summary.ts'

/** Tells the runner and the people how the run ended. One channel that fails (a full disk) does not silence the others. */
export function deliver(finished: RunReport, runner: Runner): void {
  const reportPath = writeReport(finished, runner)
  const report = { ...finished, reportPath }
  for (const { kind, title, message } of annotationsOf(report)) runner.annotate(kind, title, message)
  runner.log('Result', resultLine(report))
  for (const line of closingLines(report)) runner.log('Next', line)
  unlessItFails(runner, 'outputs', () => {
    for (const [name, value] of outputsOf(report)) runner.setOutput(name, value)
  })
  unlessItFails(runner, 'summary', () => runner.writeSummary(summaryOf(report)))
}

function unlessItFails(runner: Runner, what: string, write: () => void): void {
  try {
    write()
  } catch (error) {
    runner.log('Report', `the ${what} could not be written (${errorCodeOf(error) ?? 'unknown error'})`)
  }
}

/** The path of the JSON report; `''` where it could not be written. */
function writeReport(report: RunReport, runner: Runner): string {
  const name = `publish-python-mtls-report-${report.startedAt.getTime()}-${process.pid}.json`
  const file = path.join(runner.facts.temp, name)
  let descriptor: number | undefined
  try {
    // Exclusive: nobody's link is followed in a directory that other steps write to.
    descriptor = openSync(file, fs.O_WRONLY | fs.O_CREAT | fs.O_EXCL | (fs.O_NOFOLLOW ?? 0), 0o644)
    writeFileSync(descriptor, jsonReport({ ...report, reportPath: file }))
    return file
  } catch (error) {
    runner.log('Report', `the JSON report could not be written (${errorCodeOf(error) ?? 'unknown error'})`)
    return ''
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
