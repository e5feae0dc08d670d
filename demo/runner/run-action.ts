/** Runs an action's main and post step as GitHub's runner does, and gives back everything that it said. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { parse } from 'yaml'
import { type Annotation, type Command, Masker, readFileCommand, readStep, type StepReading } from './commands.ts'

export type { Annotation, Command } from './commands.ts'

export interface ActionRequest {
  /** Where `action.yml` lies. */
  readonly actionDir: string
  /** The Node.js program; default: the one that runs this. */
  readonly node?: string
  /** What the step's `with:` says. */
  readonly inputs: Readonly<Record<string, string>>
  /** Comes on top of what the runner sets; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly workspace: string
  readonly temp: string
  /** Whether the post step runs too. Default true. */
  readonly post?: boolean
  /** Values of `secrets.*` in the workflow, which the runner hides from the start. */
  readonly secrets?: readonly string[]
  /** The main step's process, for signals. */
  readonly onStart?: (child: ChildProcess) => void
  /** Called between the main step and the post step: what later steps of the job would do. */
  readonly betweenSteps?: (main: StepRun, outputs: Readonly<Record<string, string>>) => void | Promise<void>
}

export interface StepRun {
  /** null: ended by `signal`. */
  readonly exitCode: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

export interface ActionRun {
  readonly main: StepRun
  readonly post: StepRun | undefined
  readonly commands: readonly Command[]
  /** As many and as long as the runner lets them be. */
  readonly annotations: readonly Annotation[]
  readonly outputs: Readonly<Record<string, string>>
  readonly state: Readonly<Record<string, string>>
  /** Markdown. */
  readonly summary: string
  /** Values of `add-mask`. */
  readonly masks: readonly string[]
  /** What people see of both steps. */
  readonly log: readonly string[]
  /** Of the main step; undefined where the system does not tell (it does on Linux). */
  readonly peakMemoryBytes: number | undefined
}

type Values = Readonly<Record<string, string>>

export interface Manifest {
  readonly inputs?: Readonly<Record<string, { readonly default?: unknown } | null>>
  readonly runs: { readonly main: string; readonly post?: string }
}

interface StepEnd {
  readonly step: StepRun
  readonly reading: StepReading
  readonly outputs: Values
  readonly state: Values
  readonly summary: string
  readonly peakMemoryBytes: number | undefined
}

/** What a program needs to run at all; nothing else of the machine's environment reaches a step. */
const INHERITED = ['PATH', 'HOME', 'SystemRoot', 'USERPROFILE']

/** Files through which a step talks to the runner; each has a variable `GITHUB_<NAME>`. */
const FILE_COMMANDS = ['output', 'state', 'step_summary', 'env', 'path'] as const

const OPERATING_SYSTEMS: ReadonlyMap<string, string> = new Map([
  ['linux', 'Linux'],
  ['darwin', 'macOS'],
  ['win32', 'Windows'],
])

/** A push to the main branch of an example repository. */
const GITHUB_VARIABLES = {
  CI: 'true',
  GITHUB_ACTIONS: 'true',
  GITHUB_ACTION: 'publish',
  GITHUB_ACTION_REPOSITORY: 'octo-org/publish-python-mtls',
  GITHUB_ACTION_REF: 'main',
  GITHUB_ACTOR: 'octocat',
  GITHUB_API_URL: 'https://api.github.com',
  GITHUB_EVENT_NAME: 'push',
  GITHUB_GRAPHQL_URL: 'https://api.github.com/graphql',
  GITHUB_JOB: 'publish',
  GITHUB_REF: 'refs/heads/main',
  GITHUB_REF_NAME: 'main',
  GITHUB_REF_TYPE: 'branch',
  GITHUB_REPOSITORY: 'octo-org/demo-pkg',
  GITHUB_REPOSITORY_OWNER: 'octo-org',
  GITHUB_RUN_ATTEMPT: '1',
  GITHUB_RUN_ID: '1000000001',
  GITHUB_RUN_NUMBER: '1',
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567',
  GITHUB_WORKFLOW: 'Release',
  RUNNER_ENVIRONMENT: 'self-hosted',
  RUNNER_NAME: 'stand-in',
} as const

/** A step that hangs must not outlive the test that waits for it. */
const STEP_LIMIT_MS = 240_000

/** Peak memory only grows: a sample now and then is enough, and the last one counts. */
const SAMPLE_MS = 50

/** Runs the main step and, whatever became of it, the post step. Rejects only where a runner could not go on either. */
export async function runAction(request: ActionRequest): Promise<ActionRun> {
  const manifest: Manifest = parse(await readFile(path.join(request.actionDir, 'action.yml'), 'utf8'))
  const masker = new Masker()
  for (const secret of request.secrets ?? []) masker.add(secret)
  const env = environmentOf(request, manifest)
  const run = (script: string, state: Values, onStart?: (child: ChildProcess) => void) =>
    runStep({ request, script, env: { ...env, ...stateVariables(state) }, masker, onStart })
  const main = await run(manifest.runs.main, {}, request.onStart)
  const script = request.post === false ? undefined : manifest.runs.post
  let post: StepEnd | undefined
  try {
    await request.betweenSteps?.(main.step, main.outputs)
  } finally {
    // Later steps that fail do not keep the post step from running.
    if (script !== undefined) post = await run(script, main.state)
  }
  return toRun(main, post)
}

function toRun(main: StepEnd, post: StepEnd | undefined): ActionRun {
  const steps = post === undefined ? [main] : [main, post]
  return {
    main: main.step,
    post: post?.step,
    commands: steps.flatMap(({ reading }) => reading.commands),
    annotations: steps.flatMap(({ reading }) => reading.annotations),
    // Later steps read the main step's outputs; those of a post step reach nobody.
    outputs: main.outputs,
    state: main.state,
    summary: steps.map(({ summary }) => summary).join(''),
    masks: steps.flatMap(({ reading }) => reading.masks),
    log: steps.flatMap(({ reading }) => reading.log),
    peakMemoryBytes: main.peakMemoryBytes,
  }
}

/** What the runner sets for every step, `with:` and `env:` of the step included. */
export function environmentOf(request: ActionRequest, manifest: Manifest): Record<string, string> {
  const inherited = INHERITED.map((name) => [name, process.env[name]])
  const defaults = Object.entries(manifest.inputs ?? {}).map(([name, input]) => [name, String(input?.default ?? '')])
  const inputs = Object.entries({ ...Object.fromEntries(defaults), ...request.inputs })
  const variables = inputs.map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value])
  const env: Record<string, string | undefined> = {
    ...Object.fromEntries(inherited),
    ...GITHUB_VARIABLES,
    GITHUB_ACTION_PATH: request.actionDir,
    GITHUB_WORKSPACE: request.workspace,
    RUNNER_ARCH: process.arch.toUpperCase(),
    RUNNER_OS: OPERATING_SYSTEMS.get(process.platform),
    RUNNER_TEMP: request.temp,
    ...Object.fromEntries(variables),
    ...request.env,
  }
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

function stateVariables(state: Values): Values {
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]))
}

interface Step {
  readonly request: ActionRequest
  readonly script: string
  readonly env: NodeJS.ProcessEnv
  readonly masker: Masker
  readonly onStart: ((child: ChildProcess) => void) | undefined
}

async function runStep(step: Step): Promise<StepEnd> {
  const folder = await mkdtemp(path.join(step.request.temp, '_runner_file_commands-'))
  try {
    const files = FILE_COMMANDS.map((name) => [`GITHUB_${name.toUpperCase()}`, path.join(folder, name)] as const)
    for (const [, file] of files) await writeFile(file, '')
    const process = await runNode({ ...step, env: { ...step.env, ...Object.fromEntries(files) } })
    const reading = readStep(process.lines, step.masker)
    const text = (name: (typeof FILE_COMMANDS)[number]) => readFile(path.join(folder, name), 'utf8')
    return {
      step: process.step,
      reading,
      outputs: { ...printed(reading, 'set-output'), ...Object.fromEntries(readFileCommand(await text('output'))) },
      state: { ...printed(reading, 'save-state'), ...Object.fromEntries(readFileCommand(await text('state'))) },
      summary: await text('step_summary'),
      peakMemoryBytes: process.peakMemoryBytes,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** `set-output` and `save-state` as printed lines are out of use, but the runner obeys them: a forged one must show. */
function printed({ commands }: StepReading, name: string): Values {
  const found = commands.filter((command) => command.name === name)
  return Object.fromEntries(found.map(({ properties, data }) => [properties.name ?? '', data]))
}

interface ProcessEnd {
  readonly step: StepRun
  /** Of stdout and stderr, in the order in which they came. */
  readonly lines: readonly string[]
  readonly peakMemoryBytes: number | undefined
}

async function runNode({ request, script, env, onStart }: Step): Promise<ProcessEnd> {
  const child = spawn(request.node ?? process.execPath, [path.join(request.actionDir, script)], {
    cwd: request.workspace,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: STEP_LIMIT_MS,
    killSignal: 'SIGKILL',
  })
  const lines: string[] = []
  const stdout = collectLines(child.stdout, lines)
  const stderr = collectLines(child.stderr, lines)
  let peak: number | undefined
  const sample = () => {
    peak = Math.max(peak ?? 0, peakMemoryOf(child.pid) ?? 0) || undefined
  }
  const sampling = setInterval(sample, SAMPLE_MS)
  try {
    const closed = once(child, 'close')
    onStart?.(child)
    await closed
  } finally {
    clearInterval(sampling)
  }
  const step = { exitCode: child.exitCode, signal: child.signalCode, stdout: stdout(), stderr: stderr() }
  return { step, lines, peakMemoryBytes: peak }
}

/** Adds each line of a stream to `lines` as it ends (with CR, LF or both); gives back how to get the whole text. */
function collectLines(stream: Readable, lines: string[]): () => string {
  let text = ''
  let open = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text += chunk
    // A CR at the end may be one half of a line end: it waits for the next chunk.
    const parts = (open + chunk).split(/\r\n|\n|\r(?!$)/)
    open = parts.pop() ?? ''
    lines.push(...parts)
  })
  stream.on('end', () => {
    if (open !== '') lines.push(open.replace(/\r$/, ''))
  })
  return () => text
}

/** Peak resident memory (VmHWM of proc(5)) in bytes; undefined where the system has no such file or the process is gone. */
function peakMemoryOf(pid: number | undefined): number | undefined {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  } catch {
    return undefined
  }
}
