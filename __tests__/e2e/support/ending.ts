/** How a run ended, as every channel tells it: they must all say the same. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import type { ActionRun } from '../../../demo/runner/run-action.ts'
import type { ErrorCode } from '../../../src/errors.ts'
import type { Outcome } from '../../../src/package-index/outcome.ts'
import type { Handshake } from '../../../src/transport/transport.ts'
import { readReport, shown } from './assertions.ts'
import type { Scene } from './scene.ts'

export type FileEnding = readonly [file: string, outcome: Outcome, code?: ErrorCode]

export interface Ending {
  readonly status: 'succeeded' | 'failed' | 'cancelled'
  /** Default `accepted`. */
  readonly handshake?: Handshake
  /** Every file, in the order of the upload. */
  readonly files: readonly FileEnding[]
  /** Codes of what ended the run, besides the files' own. */
  readonly problems?: readonly ErrorCode[]
}

/** Kinds of the annotations of outcomes that are no error. */
const KINDS: Readonly<Partial<Record<Outcome, 'notice' | 'warning'>>> = {
  published: 'notice',
  'already-published': 'notice',
  'would-publish': 'notice',
  skipped: 'warning',
}

const CLOSING = ['On the index', 'Run again', 'To mend', 'Whom to ask']

/** Most annotations of one kind that the runner shows of a step. */
const MOST_OF_A_KIND = 10

/**
 * Exit code, outputs, JSON report, log, summary and annotations tell one and the same ending, and of what the action
 * wrote the report alone is left.
 */
export function assertEnded(run: ActionRun, { temp }: Scene, ending: Ending): void {
  const { status, handshake = 'accepted', problems = [] } = ending
  assert.deepEqual([run.main.exitCode, run.main.signal], [status === 'succeeded' ? 0 : 1, null], shown(run))
  assert.equal(run.post?.exitCode ?? 0, 0, shown(run))
  const report = readReport(run)
  assert.equal(report.status, status)
  assert.deepEqual(
    report.problems.map(({ code }) => code),
    problems,
    shown(run),
  )
  assert.equal(run.outputs.handshake, handshake)
  assertFiles(run, ending)
  assertAnnotations(run, ending)
  assertClosing(run, ending)
  assert.deepEqual(
    readdirSync(temp).filter((name) => !/^publish-python-mtls-report-\d+-\d+\.json$/.test(name)),
    [],
  )
}

function assertFiles(run: ActionRun, { files }: Ending): void {
  const expected = files.map(([file, outcome, code]) => [file, outcome, code ?? null])
  const report = readReport(run)
  assert.deepEqual(
    report.files.map(({ file, outcome, code }) => [file, outcome, code]),
    expected,
    shown(run),
  )
  const outputs: { file: string; outcome: string; code: string }[] = JSON.parse(run.outputs.files ?? '')
  assert.deepEqual(
    outputs.map(({ file, outcome, code }) => [file, outcome, code === '' ? null : code]),
    expected,
  )
  const amount = (wanted: string) => String(files.filter(([, outcome]) => outcome === wanted).length)
  const failed = files.filter(([, outcome]) => KINDS[outcome] === undefined)
  for (const outcome of ['published', 'already-published', 'skipped'] as const) {
    assert.equal(run.outputs[outcome], amount(outcome))
  }
  assert.equal(run.outputs.failed, String(failed.length))
  const names = [...readable(run.summary).matchAll(/^\| <code>([^|]*?)<\/code> \| /gm)].map(([, name]) => name)
  const failuresFirst = [...failed, ...files.filter((file) => !failed.includes(file))]
  assert.deepEqual(
    names.filter((name) => name?.endsWith('.whl') || name?.endsWith('.tar.gz')),
    failuresFirst.map(([file]) => file),
  )
}

function assertAnnotations(run: ActionRun, { status, files, problems = [] }: Ending): void {
  const endedEarly = problems.length > 0 && files.every(([, outcome]) => outcome === 'not-tried')
  for (const kind of ['notice', 'error'] as const) {
    const found = run.annotations.filter((annotation) => annotation.kind === kind)
    const ofKind = endedEarly ? [] : files.filter(([, outcome]) => (KINDS[outcome] ?? 'error') === kind)
    const last = kind === 'error' && status !== 'succeeded' ? 1 : 0
    const told = ofKind.length > MOST_OF_A_KIND - last ? ofKind.slice(0, MOST_OF_A_KIND - last - 1) : ofKind
    const rest = ofKind.length > told.length ? 1 : 0
    assert.deepEqual(
      found.slice(0, told.length).map(({ title }) => title),
      told.map(([file]) => file),
      shown(run),
    )
    assert.equal(found.length, told.length + rest + last, shown(run))
    // None was cut off, and none was dropped by the runner.
    assert.equal(run.commands.filter(({ name }) => name === kind).length, found.length)
    assert.ok(found.every(({ message }) => message.length <= 4000 && message !== ''))
  }
}

function assertClosing(run: ActionRun, { status }: Ending): void {
  for (const label of CLOSING) {
    const [times, inSummary] = status === 'succeeded' ? [0, false] : [1, true]
    assert.equal(run.log.filter((line) => line.startsWith(`Next      ${label}: `)).length, times, shown(run))
    assert.equal(run.summary.includes(`- **${label}**: `), inSummary, run.summary)
  }
}

/** A closing line of the log, without its label. */
export function closingLine(run: ActionRun, label: string): string {
  const start = `Next      ${label}: `
  return run.log.find((line) => line.startsWith(start))?.slice(start.length) ?? ''
}

/** The summary as people read it: character references as characters. */
export function readable(summary: string): string {
  return summary.replace(/&#(\d+);/g, (_, point: string) => String.fromCodePoint(Number(point)))
}

/** How the annotation with this title says that it ended, behind warnings of the same title; `''` without one. */
export function annotationOf(run: ActionRun, title: string): string {
  return run.annotations.findLast((annotation) => annotation.title === title)?.message ?? ''
}

/** The error annotation that ends a failed step. */
export function lastError(run: ActionRun): string {
  return run.annotations.findLast(({ kind }) => kind === 'error')?.message ?? ''
}
