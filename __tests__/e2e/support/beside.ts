/** Runs of one test file side by side: the material of one must not be taken for what another one left. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import os from 'node:os'
import type { ActionRun } from '../../../demo/runner/run-action.ts'
import { assertNothingLeft } from './assertions.ts'
import type { RunOptions, Scene } from './scene.ts'

/**
 * As `scene.run`, the main step alone unless the options ask for the post step: without it nothing may be left either. Of
 * what is left only this run's own is looked at; a test file that uses this ends in `assertNoneLeft`.
 */
export async function runBeside(
  scene: Scene,
  inputs: Readonly<Record<string, string | undefined>>,
  options: RunOptions = {},
): Promise<ActionRun> {
  const run = await scene.run(inputs, { post: false, ...options, leftovers: true })
  const { material } = run.state
  assert.ok(material === undefined || !existsSync(material), material)
  return run
}

/** No material of any run of this test file is left: for the file's last hook. */
export function assertNoneLeft(): void {
  assertNothingLeft(os.tmpdir())
}
