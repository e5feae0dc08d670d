import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { ActionRun } from '../../../demo/runner/run-action.ts'
import { downloadWheels, fetchFiles } from './pip.ts'
import type { ReleaseFile } from './releases.ts'
import type { Stage } from './stage.ts'

/** What the output `files` says of one file. */
export interface FileOutput {
  readonly file: string
  readonly outcome: string
  /** Empty: there is none. */
  readonly code: string
  /** What was compared with the index: `sha256`, `size` or `no`. */
  readonly verified: string
}

/** The output `files` of a run: one row a file, by the file's name. */
export function fileOutputs(run: ActionRun): ReadonlyMap<string, FileOutput> {
  const rows: FileOutput[] = JSON.parse(run.outputs.files ?? '[]')
  return new Map(rows.map((row) => [row.file, row]))
}

/** Everything that a person sees of a run, for the message of a failed assertion. */
export function shown(run: ActionRun): string {
  return run.log.join('\n')
}

/** How a run ended, and what it says of each file; `rows` need not be complete. */
export function assertRun(
  run: ActionRun,
  exitCode: 0 | 1,
  rows: Readonly<Record<string, Readonly<Partial<FileOutput>>>>,
): void {
  const outputs = fileOutputs(run)
  for (const [name, expected] of Object.entries(rows)) {
    assert.deepEqual({ ...outputs.get(name), ...expected }, outputs.get(name), `${name}\n${shown(run)}`)
  }
  assert.equal(run.main.exitCode, exitCode, shown(run))
}

/** Some warning has this text. */
export function assertWarned(run: ActionRun, text: string): void {
  const warnings = run.annotations.filter(({ kind }) => kind === 'warning')
  assert.ok(
    warnings.some(({ message }) => message.includes(text)),
    shown(run),
  )
}

/** The index lists exactly these bytes under their names, and serves them. */
export async function assertKept(stage: Stage, indexPath: string, files: readonly ReleaseFile[]): Promise<void> {
  const bytes = new Map(files.map(({ name, path }) => [name, readFileSync(path)]))
  assert.deepEqual(await fetchFiles(await stage.pipAccess(indexPath), files), bytes)
}

/** pip gets exactly these bytes from the index below `indexPath`, and `pip download` finds the wheels of its own machine. */
export async function assertServed(stage: Stage, indexPath: string, files: readonly ReleaseFile[]): Promise<void> {
  await assertKept(stage, indexPath, files)
  const pure = files.filter(({ name }) => name.endsWith('-none-any.whl'))
  const requirements = pure.map(({ name }) => name.split('-').slice(0, 2).join('=='))
  const wheels = await downloadWheels(await stage.pipAccess(indexPath), requirements)
  assert.deepEqual(wheels, new Map(pure.map(({ name, path }) => [name, readFileSync(path)])))
}
