/** A real runner: nektos/act on this machine itself, without containers. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { cleanEnvironment } from './environment.ts'
import { act, actionDir, python } from './programs.ts'
import { mustRun, runProgram } from './run-program.ts'

export interface WorkflowRun {
  /** May hold `dist/`, which is then a folder of the repository, and `artifacts/`; all else is made below it. */
  readonly directory: string
  /** Paths in this checkout: the workflow that is started, then those that it calls. */
  readonly workflows: readonly [started: string, ...called: string[]]
  /** What must be another text here, such as the URL of an index that is only an example. */
  readonly replace?: Readonly<Record<string, string>>
  readonly inputs: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
  readonly variables: Readonly<Record<string, string>>
}

export interface WorkflowResult {
  /** null: killed after its time was up. */
  readonly exitCode: number | null
  /** What the runner printed, workflow commands included. The last lines of a step that ends at once can be missing. */
  readonly log: string
  /** What steps wrote to the file SAID, for what a test has to know for certain. */
  readonly said: string
}

const LIMIT_MS = 120_000

/** Actions that a workflow uses, and what stands in their place: this checkout's action, or a folder in `act/`. */
const ACTIONS = [
  ['octo/publish', 'action'],
  ['octo-org/publish-python-mtls', 'action'],
  ['actions/download-artifact', 'download-artifact'],
  ['actions/upload-artifact', 'upload-artifact'],
] as const

/** Starts a workflow by hand (`workflow_dispatch`) in a repository that holds it. */
export async function runWorkflow(run: WorkflowRun): Promise<WorkflowResult> {
  const { directory } = run
  const repository = path.join(directory, 'repository')
  const folder = path.join(repository, '.github', 'workflows')
  await mkdir(folder, { recursive: true })
  await cp(path.join(directory, 'dist'), path.join(repository, 'dist'), { recursive: true })
  const texts = await readWorkflows(run)
  for (const [name, text] of texts) await writeFile(path.join(folder, name), text)
  await copyActions(directory)
  await writeSettings(run)
  const env = cleanEnvironment(directory)
  const options = { cwd: repository, env: withThisNode(env), limitMs: LIMIT_MS }
  const author = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false']
  await mustRun('git', ['init', '-q', '-b', 'main'], options)
  await mustRun('git', ['add', '-A'], options)
  await mustRun('git', [...author, 'commit', '-q', '-m', 'Release'], options)
  const args = [...argumentsOf(run), ...[...texts.values()].flatMap((text) => localActions(text, directory))]
  const { exitCode, log } = await runProgram(act, args, options)
  return { exitCode, log, said: await readFile(saidFile(directory), 'utf8') }
}

/** By file name. */
async function readWorkflows({ workflows, replace = {} }: WorkflowRun): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>()
  for (const workflow of workflows) {
    texts.set(path.basename(workflow), await readFile(path.join(actionDir, workflow), 'utf8'))
  }
  for (const [from, to] of Object.entries(replace)) {
    const holding = [...texts].filter(([, text]) => text.includes(from))
    if (holding.length === 0) throw new Error(`there is no ${from} in ${workflows.join(', ')}`)
    for (const [name, text] of holding) texts.set(name, text.replaceAll(from, to))
  }
  return texts
}

/** This checkout's action alone, as a runner has it: neither sources nor node_modules may be needed. And the stand-ins. */
async function copyActions(directory: string): Promise<void> {
  const action = path.join(directory, 'actions', 'action')
  await cp(path.join(actionDir, 'action.yml'), path.join(action, 'action.yml'))
  await cp(path.join(actionDir, 'dist'), path.join(action, 'dist'), { recursive: true })
  for (const name of ['download-artifact', 'upload-artifact']) {
    await cp(path.join(import.meta.dirname, '../act', name), path.join(directory, 'actions', name), { recursive: true })
  }
}

/** Files, since a command line can be read by every process of the machine. act reads YAML, and JSON is YAML. */
async function writeSettings({ directory, inputs, secrets, variables }: WorkflowRun): Promise<void> {
  const environment = { PYTHON: python, ARTIFACTS: path.join(directory, 'artifacts'), SAID: saidFile(directory) }
  await writeFile(saidFile(directory), '')
  for (const [name, values] of Object.entries({ inputs, secrets, variables, environment })) {
    await writeFile(path.join(directory, `${name}.yaml`), JSON.stringify(values), { mode: 0o600 })
  }
}

function saidFile(directory: string): string {
  return path.join(directory, 'said.txt')
}

function argumentsOf({ workflows: [started], directory }: WorkflowRun): string[] {
  return [
    'workflow_dispatch',
    ...['--workflows', `.github/workflows/${path.basename(started)}`],
    // The machine itself is the runner, nothing is pulled or fetched, and no port is opened.
    ...['--platform', 'ubuntu-latest=-self-hosted', '--pull=false', '--action-offline-mode', '--no-cache-server'],
    ...['--input-file', path.join(directory, 'inputs.yaml')],
    ...['--secret-file', path.join(directory, 'secrets.yaml')],
    ...['--var-file', path.join(directory, 'variables.yaml')],
    ...['--env-file', path.join(directory, 'environment.yaml')],
  ]
}

/** What act takes in place of the actions that `workflow` names, at the commits that it names. */
function localActions(workflow: string, directory: string): string[] {
  return ACTIONS.flatMap(([name, folder]) =>
    [...workflow.matchAll(new RegExp(`uses: (${name}@[\\w.]+)`, 'g'))].flatMap(([, used = '']) => [
      '--local-repository',
      `${used}=${path.join(directory, 'actions', folder)}`,
    ]),
  )
}

/** `using: node24` is for act whatever `node` comes first on the path: the one that runs these tests. */
function withThisNode(env: Readonly<Record<string, string>>): Record<string, string> {
  return { ...env, PATH: `${path.dirname(process.execPath)}${path.delimiter}${env.PATH}` }
}
