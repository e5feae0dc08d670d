import { existsSync } from 'node:fs'
import { errorCodeOf } from './errors.ts'
import { findTmpfs, MATERIAL_STATE, removeMaterial } from './material.ts'
import type { Runner } from './runner.ts'

/**
 * The post step: removes what the main step exported, or could not remove because it was killed. Never fails the job: by
 * now the files are published or not, and a warning says what is left.
 */
export function cleanUp(runner: Runner): void {
  const directory = runner.state(MATERIAL_STATE)
  if (directory === '' || !existsSync(directory)) return
  try {
    const places = { tmpfs: findTmpfs(process.getuid?.()), temp: runner.facts.temp }
    if (removeMaterial(directory, places)) runner.log('Removed', 'the certificate material of this step is gone')
    else warn(runner, directory, 'it is not a directory that this action made')
  } catch (error) {
    warn(runner, directory, errorCodeOf(error) ?? 'unknown error')
  }
}

function warn(runner: Runner, directory: string, reason: string): void {
  runner.annotate(
    'warning',
    'Certificate material was not removed',
    `${directory} may still hold a private key (${reason}). Remove it by hand on a machine that lives on.`,
  )
}
