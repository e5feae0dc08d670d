/** Programs that run to their end: pip, git, act and the like. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface ProgramOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** After so long it is killed, with everything that it started. */
  readonly limitMs: number
  /** Number of the user and group that it runs as. Default: this user. */
  readonly uid?: number
}

export interface ProgramEnd {
  /** null: killed. */
  readonly exitCode: number | null
  readonly stdout: string
  /** What it wrote to both of its outputs, in the order of arrival. */
  readonly log: string
}

/** Rejects only when the program cannot be started. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramEnd> {
  const { cwd, env, limitMs, uid } = options
  const user = uid === undefined ? {} : { uid, gid: uid }
  // A process group of its own, so that no grandchild outlives the limit.
  const child = spawn(program, [...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...user })
  const both: Buffer[] = []
  const out: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => {
    both.push(chunk)
    out.push(chunk)
  })
  child.stderr.on('data', (chunk: Buffer) => both.push(chunk))
  const kill = () => killGroup(child.pid)
  const keep = endWithThisProcess(kill)
  const limit = setTimeout(kill, limitMs)
  try {
    const [exitCode]: (number | null)[] = await once(child, 'close')
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8')
    return { exitCode: exitCode ?? null, stdout: text(out), log: text(both) }
  } finally {
    clearTimeout(limit)
    keep()
  }
}

/**
 * A test file whose time is up ends without its `after` hooks: what it started must not stay. `kill` is then called,
 * and no longer after a call of the function that is returned.
 */
export function endWithThisProcess(kill: () => void): () => void {
  process.once('exit', kill)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    if (process.listenerCount(signal) === 0) process.once(signal, () => process.exit(1))
  }
  return () => process.off('exit', kill)
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}

/** Runs a program that must succeed; throws with its words when it does not. Returns its standard output. */
export async function mustRun(program: string, args: readonly string[], options: ProgramOptions): Promise<string> {
  const { exitCode, stdout, log } = await runProgram(program, args, options)
  if (exitCode !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${exitCode ?? 'a kill'}:\n${log}`)
  return stdout
}
