/** The port to the Actions runner: everything that this action tells it or learns from it. */
import { appendFileSync } from 'node:fs'
import * as core from '@actions/core'
import { clip, defuse, printable } from './text.ts'

/** Also in `package.json` (a contract test compares the two). */
export const ACTION_VERSION = '0.1.0'

/** What the runner says about this run; `''` where it says nothing. */
export interface RunnerFacts {
  readonly repository: string
  readonly commit: string
  /** The full ref, for example `refs/tags/v1.2.0`. */
  readonly ref: string
  readonly refType: string
  readonly refName: string
  readonly actor: string
  readonly workflow: string
  readonly job: string
  readonly runId: string
  readonly runAttempt: string
  readonly serverUrl: string
  /** `owner/name` and ref of this action, as the step's `uses:` names them. */
  readonly actionRepository: string
  readonly actionRef: string
  readonly workspace: string
  /** The runner's temporary directory, or that of the system. */
  readonly temp: string
}

/** What machines set for every program, and what of it this action reads. */
export interface Surroundings {
  readonly httpsProxy: string | undefined
  readonly noProxy: string | undefined
  /** CA files that other tools would take: named in an explanation, never trusted. */
  readonly caFiles: readonly string[]
  /** Variables that say where the system's CAs lie, where they are set and Node.js follows them: their names. */
  readonly caStoreVariables: readonly string[]
}

export type AnnotationKind = 'notice' | 'warning' | 'error'

export interface Runner {
  readonly facts: RunnerFacts
  readonly surroundings: Surroundings
  /** One line of the step's log: a word of ours, then text that may hold foreign words. */
  log(word: string, text: string): void
  /** A line that is only there with debug logging switched on. */
  debug(text: string): void
  annotate(kind: AnnotationKind, title: string, message: string): void
  /** Hides one line in every log of the job from now on. */
  mask(line: string): void
  /** Hands a value to the post step. It stands in the debug log: a path, never a secret. */
  saveState(name: string, value: string): void
  state(name: string): string
  setOutput(name: string, value: string): void
  /** Appends Markdown to the job's summary. Throws the system's error where it cannot be written. */
  writeSummary(markdown: string): void
}

const ANNOTATE = { notice: core.notice, warning: core.warning, error: core.error } as const

/** The width that makes the words of the log a column. */
const WORD_WIDTH = 10

/** Characters of one line of the log. */
const LONGEST_LINE = 4000

/** CA files that curl, requests, pip, twine, OpenSSL and Node read from the environment. */
const CA_VARIABLES = [
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'SSL_CERT_FILE',
  'PIP_CERT',
  'TWINE_CERT',
  'NODE_EXTRA_CA_CERTS',
]

/** OpenSSL's own. */
const CA_STORE_VARIABLES = ['SSL_CERT_FILE', 'SSL_CERT_DIR']

/** Systems whose CAs are no files. */
const HAS_OWN_STORE: ReadonlySet<string> = new Set(['darwin', 'win32'])

/** `fallbackTemp` and `fallbackWorkspace` stand in where the runner names none. */
export function createRunner(env: NodeJS.ProcessEnv, fallbackTemp: string, fallbackWorkspace: string): Runner {
  return {
    facts: readFacts(env, fallbackTemp, fallbackWorkspace),
    surroundings: readSurroundings(env),
    log: (word, text) => core.info(logLine(word, text)),
    // Command data: the toolkit escapes line ends, and what stands behind `::debug::` is never read as a command.
    debug: (text) => core.debug(clip(text, LONGEST_LINE)),
    annotate: (kind, title, message) => ANNOTATE[kind](message, { title }),
    mask: (line) => core.setSecret(line),
    saveState: (name, value) => core.saveState(name, value),
    state: (name) => core.getState(name),
    setOutput: (name, value) => core.setOutput(name, value),
    writeSummary: (markdown) => appendSummary(env, markdown),
  }
}

/** Without the toolkit's own, which loads all of `node:fs/promises` at the start of every run. */
function appendSummary({ GITHUB_STEP_SUMMARY: file }: NodeJS.ProcessEnv, markdown: string): void {
  if (!file) throw new Error('GITHUB_STEP_SUMMARY is not set')
  appendFileSync(file, markdown)
}

/** The runner acts on `::word::` at the start of a line: our own word stands there. */
function logLine(word: string, text: string): string {
  return defuse(`${word.padEnd(WORD_WIDTH)}${printable(text, LONGEST_LINE)}`)
}

function readFacts(env: NodeJS.ProcessEnv, fallbackTemp: string, fallbackWorkspace: string): RunnerFacts {
  const value = (name: string) => printable(env[name] ?? '')
  return {
    repository: value('GITHUB_REPOSITORY'),
    commit: value('GITHUB_SHA'),
    ref: value('GITHUB_REF'),
    refType: value('GITHUB_REF_TYPE'),
    refName: value('GITHUB_REF_NAME'),
    actor: value('GITHUB_ACTOR'),
    workflow: value('GITHUB_WORKFLOW'),
    job: value('GITHUB_JOB'),
    runId: value('GITHUB_RUN_ID'),
    runAttempt: value('GITHUB_RUN_ATTEMPT'),
    serverUrl: value('GITHUB_SERVER_URL'),
    actionRepository: value('GITHUB_ACTION_REPOSITORY'),
    actionRef: value('GITHUB_ACTION_REF'),
    workspace: env.GITHUB_WORKSPACE || fallbackWorkspace,
    temp: env.RUNNER_TEMP || fallbackTemp,
  }
}

/** As curl does it: the lower-case name wins. */
function readSurroundings(env: NodeJS.ProcessEnv): Surroundings {
  return {
    httpsProxy: env.https_proxy || env.HTTPS_PROXY || undefined,
    noProxy: env.no_proxy || env.NO_PROXY || undefined,
    caFiles: [...new Set(CA_VARIABLES.map((name) => env[name] ?? '').filter((file) => file !== ''))],
    caStoreVariables: HAS_OWN_STORE.has(process.platform) ? [] : CA_STORE_VARIABLES.filter((name) => env[name]),
  }
}
