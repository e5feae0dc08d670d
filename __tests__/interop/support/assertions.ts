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

/** pip gets exactly these bytes from the index below `indexPath`, and `pip download` finds the wheels of its own machine. */
export async function assertServed(stage: Stage, indexPath: string, files: readonly ReleaseFile[]): Promise<void> {
  const bytes = new Map(files.map(({ name, path }) => [name, readFileSync(path)]))
  assert.deepEqual(await fetchFiles(await stage.pipAccess(indexPath), files), bytes)
  const pure = files.filter(({ name }) => name.endsWith('-none-any.whl')).map(({ name }) => name)
  const requirements = pure.map((name) => name.split('-').slice(0, 2).join('=='))
  const wheels = await downloadWheels(await stage.pipAccess(indexPath), requirements)
  assert.deepEqual(wheels, new Map(pure.map((name) => [name, bytes.get(name)])))
}
