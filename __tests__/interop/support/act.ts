/** A real runner: nektos/act on this machine itself, without containers. */
import { copyFile, cp, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { getExecOutput } from '@actions/exec'
import { cleanEnvironment } from './environment.ts'
import { act, actionDir, python } from './programs.ts'

export interface WorkflowRun {
  /** Holds `dist/` with the distributions; everything else is made below it. */
  readonly directory: string
  /** Name of a file in `__tests__/interop/act/`. */
  readonly workflow: string
  readonly inputs: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
  readonly variables: Readonly<Record<string, string>>
}

export interface WorkflowResult {
  readonly exitCode: number
  /** Everything that the runner printed, workflow commands included. */
  readonly log: string
}

/** Runs a workflow that says `uses: octo/publish@v1` with this checkout's action in that place. */
export async function runWorkflow(run: WorkflowRun): Promise<WorkflowResult> {
  const { directory } = run
  const action = path.join(directory, 'action')
  const repository = path.join(directory, 'repository')
  await mkdir(action, { recursive: true })
  // Alone, as a runner has it: neither sources nor node_modules may be needed.
  await copyFile(path.join(actionDir, 'action.yml'), path.join(action, 'action.yml'))
  await cp(path.join(actionDir, 'dist'), path.join(action, 'dist'), { recursive: true })
  await cp(path.join(directory, 'dist'), path.join(repository, 'dist'), { recursive: true })
  const workflows = path.join(repository, '.github', 'workflows')
  await mkdir(workflows, { recursive: true })
  await copyFile(path.join(import.meta.dirname, '../act', run.workflow), path.join(workflows, run.workflow))
  const env = runnerEnvironment(directory, run.secrets)
  const git = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false']
  for (const args of [
    ['init', '-q', '-b', 'main'],
    ['add', '-A'],
    ['commit', '-q', '-m', 'Release'],
  ]) {
    await getExecOutput('git', [...git, ...args], { cwd: repository, env, silent: true })
  }
  const { exitCode, stdout, stderr } = await getExecOutput(act, argumentsOf(run, action), {
    cwd: repository,
    env,
    silent: true,
    ignoreReturnCode: true,
  })
  return { exitCode, log: stdout + stderr }
}

function argumentsOf({ workflow, inputs, secrets, variables }: WorkflowRun, action: string): string[] {
  const pairs = (flag: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`])
  return [
    'workflow_dispatch',
    ...['--workflows', `.github/workflows/${workflow}`],
    // The machine itself is the runner, nothing is pulled or fetched, and no port is opened.
    ...['--platform', 'ubuntu-latest=-self-hosted', '--pull=false', '--no-cache-server'],
    ...['--local-repository', `octo/publish@v1=${action}`],
    ...pairs('--input', inputs),
    ...pairs('--var', variables),
    ...pairs('--env', { PYTHON: python }),
    // A name without a value is read from the environment: secrets never stand in a command line.
    ...Object.keys(secrets).flatMap((name) => ['--secret', name]),
  ]
}

/** `using: node24` is for act whatever `node` comes first on the path: the one that runs these tests. */
function runnerEnvironment(directory: string, secrets: Readonly<Record<string, string>>): Record<string, string> {
  const env = cleanEnvironment(directory)
  return { ...env, ...secrets, PATH: `${path.dirname(process.execPath)}${path.delimiter}${env.PATH}` }
}
