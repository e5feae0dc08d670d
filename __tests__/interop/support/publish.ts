import type { ChildProcess } from 'node:child_process'
import { copyFile, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { type ActionRun, runAction } from '../../../demo/runner/run-action.ts'
import { cleanEnvironment } from './environment.ts'
import { actionDir } from './programs.ts'

/** Runs the action on copies of these files. `directory` is a folder of this run alone. `onStart` gets its process. */
export async function publish(
  directory: string,
  files: readonly string[],
  inputs: Readonly<Record<string, string>>,
  onStart?: (child: ChildProcess) => void,
): Promise<ActionRun> {
  const workspace = path.join(directory, 'workspace')
  const temp = path.join(directory, 'temp')
  await mkdir(path.join(workspace, 'dist'), { recursive: true })
  await mkdir(temp)
  for (const file of files) await copyFile(file, path.join(workspace, 'dist', path.basename(file)))
  return runAction({
    actionDir,
    inputs,
    env: cleanEnvironment(directory),
    workspace,
    temp,
    ...(onStart && { onStart }),
  })
}
