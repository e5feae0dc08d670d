/** A job in a process of its own: it owns the material of its step, and can be killed with it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { ACTION_DIR, NODE, type Scene } from './scene.ts'

export interface Job {
  readonly pid: number
  /** Kills the main step; the job lives on, as the runner's worker does. */
  killStep(): Promise<void>
  /** Kills the job itself. */
  kill(): Promise<void>
}

/** Starts the scene's main step in a job of its own. What is left of it at the end of the test is killed. */
export async function startJob(
  test: TestContext,
  { workspace, temp, inputs }: Scene,
  changes: Readonly<Record<string, string>>,
): Promise<Job> {
  const child = fork(path.join(import.meta.dirname, 'job-process.ts'))
  test.after(() => end(child))
  const started = once(child, 'message')
  child.send(JSON.stringify({ actionDir: ACTION_DIR, node: NODE, workspace, temp, inputs: { ...inputs, ...changes } }))
  const [step] = await started
  return {
    pid: child.pid ?? 0,
    killStep: async () => {
      const ended = once(child, 'message')
      process.kill(Number(step), 'SIGKILL')
      await ended
    },
    kill: () => end(child),
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
