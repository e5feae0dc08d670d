import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { RecordedRequest, RunningIndex } from '../../../demo/index-server.ts'
import type { ActionRun } from '../../../demo/runner/run-action.ts'
import type { Scene } from './scene.ts'

/** One row of the output `files`. */
export interface FileOutput {
  readonly file: string
  readonly outcome: string
  readonly verified: string
  /** Requests that carried it. */
  readonly attempts: number
  readonly code: string | null
}

/** The output `files` by file name. */
export function fileOutputs(run: ActionRun): ReadonlyMap<string, FileOutput> {
  const rows: FileOutput[] = JSON.parse(run.outputs.files ?? '[]')
  return new Map(rows.map((row) => [row.file, row]))
}

/** Outcome by file name. */
export function outcomesOf(run: ActionRun): Readonly<Record<string, string>> {
  return Object.fromEntries([...fileOutputs(run)].map(([file, { outcome }]) => [file, outcome]))
}

/** What was sent to the index, besides the questions what it has. */
export function uploadsTo({ requests }: Pick<RunningIndex, 'requests'>): RecordedRequest[] {
  return requests.filter(({ method }) => method === 'POST')
}

/** What a person sees, for the message of a failed assertion. */
export function shown(run: ActionRun): string {
  return run.log.join('\n')
}

/** Everything that leaves a run and can be read by people, later steps or machines, by where it stands. */
function channelsOf({ main, post, outputs, state, summary }: ActionRun): ReadonlyMap<string, string> {
  const report = outputs['report-path'] ?? ''
  const printed = [main, post].flatMap((step) => (step === undefined ? [] : step.stdout.split(/\r\n|\r|\n/)))
  return new Map([
    // The one place where a secret must stand: the runner swallows these lines.
    ['stdout', printed.filter((line) => !line.startsWith('::add-mask::')).join('\n')],
    ['stderr', main.stderr + (post?.stderr ?? '')],
    ['outputs', JSON.stringify(outputs)],
    ['state', JSON.stringify(state)],
    ['summary', summary],
    ['report', existsSync(report) ? readFileSync(report, 'utf8') : ''],
  ])
}

/** No channel holds any of these texts. The message does not show the secret either. */
export function assertNoSecrets(run: ActionRun, secrets: ReadonlySet<string>): void {
  assert.ok(secrets.size > 0, 'there is no secret to look for')
  for (const [channel, text] of channelsOf(run)) {
    for (const secret of secrets) {
      const at = text.indexOf(secret)
      assert.ok(
        at < 0,
        `a secret of ${secret.length} characters stands in ${channel} behind: ${text.slice(at - 80, at)}`,
      )
    }
  }
}

/** After the post step no certificate material of this process's runs is left, in memory or on disk. */
export function assertNothingLeft(temp: string): void {
  assert.deepEqual(materialIn(temp), [])
}

/** Directories that a run of this process made for its material: the runner stand-in is their owner. */
export function materialIn(temp: string): string[] {
  const places = ['/dev/shm', `/run/user/${process.getuid?.() ?? 0}`, temp].filter((place) => existsSync(place))
  return places.flatMap((place) =>
    readdirSync(place)
      .filter((name) => name.startsWith(`publish-python-mtls-${process.pid}-`))
      .map((name) => path.join(place, name)),
  )
}

/** Nothing of the machinery shows: no stack, no fault of our own, no warning of Node.js, no forged command. */
export function assertOrderly(run: ActionRun): void {
  assert.doesNotMatch(`${shown(run)}\n${run.summary}`, /E_RUN_INTERNAL|^\s+at .*[:)]\d+\)?$/m)
  assert.equal(run.main.stderr + (run.post?.stderr ?? ''), '')
  const commands = new Set(run.commands.map(({ name }) => name))
  const expected = ['add-mask', 'debug', 'notice', 'warning', 'error']
  assert.deepEqual(
    [...commands].filter((name) => !expected.includes(name)),
    [],
  )
}

/** The run succeeded, the index has exactly these bytes of all samples, and the run has seen that it has. */
export function assertPublished(run: ActionRun, { index, samples }: Scene): void {
  assert.equal(run.main.exitCode, 0, shown(run))
  assert.equal(run.post?.exitCode ?? 0, 0, shown(run))
  assert.equal(run.outputs.published, String(samples.length))
  for (const { file, verified } of fileOutputs(run).values()) assert.equal(verified, 'sha256', file)
  assert.deepEqual(index.files(), samples.map(({ name }) => name).sort())
  for (const { name, path: file } of samples) assert.ok(index.read(name).equals(readFileSync(file)), name)
}

export interface Refusal {
  /** In the order of the report. */
  readonly codes: readonly string[]
  readonly handshake: string
}

/**
 * The run failed for these reasons and nothing else, said so in annotation, log, summary and report, and told what to
 * do now.
 */
export function assertRefused(run: ActionRun, { codes, handshake }: Refusal): void {
  assert.equal(run.main.exitCode, 1, shown(run))
  assert.equal(run.post?.exitCode ?? 0, 0, shown(run))
  const report = readReport(run)
  assert.deepEqual(
    report.problems.map(({ code }) => code),
    codes,
    shown(run),
  )
  assert.equal(report.status, 'failed')
  assert.equal(run.outputs.handshake, handshake)
  const errors = run.annotations.filter(({ kind }) => kind === 'error')
  for (const code of codes) {
    assert.ok(
      errors.some(({ message }) => message.includes(code)),
      shown(run),
    )
    assert.ok(
      run.log.some((line) => line.includes(code)),
      shown(run),
    )
  }
  for (const label of ['On the index', 'Run again', 'To mend', 'Whom to ask']) {
    assert.equal(run.log.filter((line) => line.includes(`${label}: `)).length, 1, shown(run))
    assert.ok(run.summary.includes(`**${label}**`), run.summary)
  }
}

export interface JsonReport {
  readonly warnings: readonly string[]
  readonly status: string
  readonly problems: readonly { readonly code: string; readonly message: string }[]
  readonly chain: readonly { readonly subject: string }[]
  readonly files: readonly {
    readonly file: string
    readonly sha256: string | null
    readonly outcome: string
    readonly code: string | null
  }[]
  readonly nextSteps: readonly { readonly label: string; readonly text: string }[]
}

/** The JSON report, kept for later steps. */
export function readReport(run: ActionRun): JsonReport {
  return JSON.parse(readFileSync(run.outputs['report-path'] ?? '', 'utf8'))
}
