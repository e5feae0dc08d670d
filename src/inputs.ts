import { closeSync, constants as fs, fstatSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'

import type { BasicCredentials } from './credentials/basic.ts'
import { type InputMaterial, linesToMask, readMaterial } from './encoding/input-material.ts'
import { decodeText } from './encoding/text-encoding.ts'
import { type ProblemDetails, ProblemList, PublishError } from './errors.ts'
import { adviceFor, variablesLike } from './neighbours.ts'
import { printable, type Secrets, shownUrl } from './text.ts'

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** Everything that the user said, checked one by one. A value that could not be read is `undefined`, and a problem says why. */
export interface Inputs {
  readonly repositoryUrl: URL | undefined
  readonly packagesDir: string
  /** Glob patterns; empty: `packagesDir` counts. */
  readonly files: readonly string[]
  readonly clientCertificate: InputMaterial | 'none' | undefined
  /** Undefined: not given. `unreadable`: a problem says why. */
  readonly clientKey: InputMaterial | 'unreadable' | undefined
  readonly clientKeyPassphrase: string | undefined
  /** The friendly name of the key in a PKCS#12 file. */
  readonly clientKeyAlias: string | undefined
  readonly caBundle: InputMaterial | 'system' | undefined
  readonly clientCaBundle: InputMaterial | 'none' | undefined
  readonly clientCrl: InputMaterial | 'none' | undefined
  readonly chainCheck: 'enforce' | 'warn'
  readonly clientAuth: 'required' | 'optional'
  readonly expiryWarningDays: number
  readonly expiryErrorDays: number
  readonly tlsMinVersion: TlsVersion
  readonly tlsMaxVersion: TlsVersion
  readonly credentials: BasicCredentials | undefined
  /** The simple index; `auto`: derived from `repositoryUrl`, `off`: nobody looks. */
  readonly checkUrl: URL | 'auto' | 'off' | undefined
  readonly skipExisting: boolean
  readonly verifyUpload: boolean
  readonly verifyTimeoutMs: number
  readonly maxParallel: number
  readonly retries: number
  readonly verifyMetadata: boolean
  readonly md5Digest: boolean
  readonly expectedProjects: 'one' | 'any' | readonly string[]
  readonly expectedVersion: string
  readonly expectedFiles: 'any' | number
  /** `any`, or the text of a SHA256SUMS file. */
  readonly expectedSha256: string
  readonly idleTimeoutMs: number
  readonly dryRun: boolean
  readonly supportContact: string | undefined
  readonly exportCredentials: boolean
}

export interface InputsReading {
  readonly inputs: Inputs
  readonly problems: ProblemList
  /** Sentences for the log: what was mended while reading. */
  readonly notices: readonly string[]
  /** Sentences for warnings: what was given and will not be used. */
  readonly warnings: readonly string[]
}

/** Words that stand for "not given", so that an empty value can be told from an absent one. `action.yml` has the same. */
const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['packages-dir', 'dist'],
  ['ca-bundle', 'system'],
  ['client-ca-bundle', 'none'],
  ['client-crl', 'none'],
  ['chain-check', 'enforce'],
  ['client-auth', 'required'],
  ['expiry-warning-days', '30'],
  ['expiry-error-days', '0'],
  ['tls-min-version', '1.2'],
  ['tls-max-version', '1.3'],
  ['check-url', 'auto'],
  ['skip-existing', 'false'],
  ['verify-upload', 'true'],
  ['verify-timeout-seconds', '300'],
  ['max-parallel', '6'],
  ['retries', '4'],
  ['verify-metadata', 'true'],
  ['md5-digest', 'false'],
  ['expected-projects', 'one'],
  ['expected-version', 'one'],
  ['expected-files', 'any'],
  ['expected-sha256', 'any'],
  ['idle-timeout-seconds', '300'],
  ['dry-run', 'false'],
  ['export-credentials', 'false'],
])

const OPTIONAL = [
  'files',
  'client-key',
  'client-key-passphrase',
  'client-key-alias',
  'user',
  'password',
  'support-contact',
]
const REQUIRED = ['repository-url', 'client-cert']

/** All inputs of the action, by name. */
export const INPUT_NAMES: readonly string[] = [...REQUIRED, ...DEFAULTS.keys(), ...OPTIONAL]

/** Inputs whose value must not stay in the environment, where any later code of this process could read it. */
const SECRET_INPUTS = ['client-cert', 'client-key', 'client-key-passphrase', 'password']

const LINE_END = /\r\n|\r|\n/

/** The text of a SHA256SUMS file begins so; all else is a path. */
const DIGEST_LINE = /^(\\?[0-9a-f]{64}(\s|$)|SHA2?-?256 ?\()/i

/** Bytes of a SHA256SUMS file. */
const LARGEST_FILE = 1024 * 1024

/**
 * Ends the run before any identity is read where the workflow runs code or data of strangers with the repository's
 * secrets. Throws E_RUN_UNTRUSTED_EVENT.
 */
export function refuseUntrustedEvent(env: NodeJS.ProcessEnv): void {
  const event = env.GITHUB_EVENT_NAME
  const isForeignRun = event === 'workflow_run' && !isOwnRun(env)
  if (event !== 'pull_request_target' && !isForeignRun) return
  throw new PublishError({
    code: 'E_RUN_UNTRUSTED_EVENT',
    message: isForeignRun
      ? 'this run was started by `workflow_run` for a run of another repository (a fork), and would publish what that run made'
      : 'this run was started by `pull_request_target`, where a stranger can decide what is built with your secrets',
    hint: 'Publish from `push` of a tag, `release` or `workflow_dispatch` instead. No identity was read.',
  })
}

interface WorkflowRunEvent {
  readonly workflow_run?: { readonly head_repository?: { readonly full_name?: unknown } | null } | null
}

/** Whether the run that started this one is of this repository. What cannot be read is not trusted. */
function isOwnRun(env: NodeJS.ProcessEnv): boolean {
  try {
    const event: WorkflowRunEvent | null = JSON.parse(readFileSync(env.GITHUB_EVENT_PATH ?? '', 'utf8'))
    const name = event?.workflow_run?.head_repository?.full_name
    return typeof name === 'string' && name !== '' && name === env.GITHUB_REPOSITORY
  } catch {
    return false
  }
}

/** Takes every secret input out of the environment. The first act of the main step, and the post step's too. */
export function takeSecretInputs(env: NodeJS.ProcessEnv): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>()
  for (const name of SECRET_INPUTS) {
    const variable = variableOf(name)
    const value = env[variable]
    if (value !== undefined) secrets.set(name, value)
    delete env[variable]
  }
  return secrets
}

function variableOf(name: string): string {
  return `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`
}

/** Where the values come from, and who must know what to hide. */
interface Sources {
  readonly env: NodeJS.ProcessEnv
  readonly secretInputs: ReadonlyMap<string, string>
  readonly mask: (line: string) => void
  readonly secrets: Secrets
}

/**
 * Reads all inputs and reports all of their problems together (E_INPUT_*). `mask` gets every line that the log must
 * hide and that the runner does not know by itself, before anything is parsed.
 */
export function readInputs(
  env: NodeJS.ProcessEnv,
  secretInputs: ReadonlyMap<string, string>,
  mask: (line: string) => void,
  secrets: Secrets,
): InputsReading {
  const reader = new InputReader({ env, secretInputs, mask, secrets })
  reader.refuseStrangers()
  const inputs: Inputs = {
    credentials: reader.credentials(),
    clientKeyPassphrase: reader.passphrase(),
    clientKeyAlias: reader.text('client-key-alias') || undefined,
    clientCertificate: reader.clientCertificate(),
    clientKey: reader.clientKey(),
    repositoryUrl: reader.repositoryUrl(),
    packagesDir: reader.text('packages-dir'),
    files: reader.lines('files'),
    caBundle: reader.materialOr('ca-bundle', 'system'),
    clientCaBundle: reader.materialOr('client-ca-bundle', 'none'),
    clientCrl: reader.materialOr('client-crl', 'none'),
    chainCheck: reader.choice('chain-check', ['enforce', 'warn']),
    clientAuth: reader.choice('client-auth', ['required', 'optional']),
    expiryWarningDays: reader.integer('expiry-warning-days', 0, 3650),
    expiryErrorDays: reader.integer('expiry-error-days', 0, 3650),
    tlsMinVersion: reader.tlsVersion('tls-min-version'),
    tlsMaxVersion: reader.tlsVersion('tls-max-version'),
    checkUrl: reader.checkUrl(),
    skipExisting: reader.boolean('skip-existing'),
    verifyUpload: reader.boolean('verify-upload'),
    verifyTimeoutMs: reader.integer('verify-timeout-seconds', 1, 3600) * 1000,
    maxParallel: reader.integer('max-parallel', 1, 16),
    retries: reader.integer('retries', 0, 10),
    verifyMetadata: reader.boolean('verify-metadata'),
    md5Digest: reader.boolean('md5-digest'),
    expectedProjects: reader.expectedProjects(),
    expectedVersion: reader.text('expected-version'),
    expectedFiles: reader.expectedFiles(),
    expectedSha256: reader.expectedSha256(),
    idleTimeoutMs: reader.integer('idle-timeout-seconds', 1, 3600) * 1000,
    dryRun: reader.boolean('dry-run'),
    supportContact: reader.supportContact(),
    exportCredentials: reader.boolean('export-credentials'),
  }
  reader.checkCombinations(inputs)
  return { inputs: Object.freeze(inputs), ...reader.reading() }
}

class InputReader {
  readonly #sources: Sources
  readonly #problems = new ProblemList()
  readonly #notices: string[] = []
  readonly #warnings: string[] = []

  constructor(sources: Sources) {
    this.#sources = sources
  }

  reading(): Omit<InputsReading, 'inputs'> {
    return { problems: this.#problems, notices: this.#notices, warnings: this.#warnings }
  }

  /** Names of other tools reach us as unknown variables, with no more than a warning of the runner. */
  refuseStrangers(): void {
    const { env } = this.#sources
    const ours = new Set(INPUT_NAMES.map(variableOf))
    for (const variable of Object.keys(env)) {
      if (!variable.startsWith('INPUT_') || ours.has(variable)) continue
      const name = variable.slice('INPUT_'.length).toLowerCase()
      const start = `\`${printable(name, 60)}\` is not an input of this action`
      const advice = adviceFor(name, INPUT_NAMES)
      if (advice === undefined) this.#warnings.push(`${start} and is ignored`)
      else this.#problems.add({ code: 'E_INPUT_UNKNOWN', message: `${start}: ${advice}` })
    }
  }

  /** A value as given; `''` where nothing was given and there is no default. Secrets come untrimmed. */
  #raw(name: string): string {
    const { secretInputs, env } = this.#sources
    return secretInputs.get(name) ?? env[variableOf(name)] ?? DEFAULTS.get(name) ?? ''
  }

  /** Runs a reader that throws; its problem is kept with the others. */
  #attempt<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof PublishError)) throw error
      this.#problems.add(error)
      return undefined
    }
  }

  #invalid(name: string, expected: string, found: string): void {
    this.#problems.add({
      code: 'E_INPUT_INVALID',
      message: `${name} must be ${expected}, but it is \`${printable(found, 60)}\``,
    })
  }

  /** A trimmed value. Empty where a default word exists: somebody's expression came out empty, which is never meant. */
  text(name: string): string {
    const value = this.#raw(name).trim()
    const word = DEFAULTS.get(name)
    if (value !== '' || word === undefined) return value
    this.#problems.add({
      code: 'E_INPUT_EMPTY',
      message: `${name} is empty: an expression or secret that it was set from has no value here`,
      hint: `Give a value, or leave the line out: the default is \`${word}\`.`,
    })
    return word
  }

  lines(name: string): string[] {
    const lines = this.#raw(name).split(LINE_END)
    return lines.map((line) => line.trim()).filter((line) => line !== '')
  }

  /** One of the words. After a problem the default, so that one fault does not look like two. */
  choice<const T extends string>(name: string, words: readonly [T, ...T[]]): T {
    const value = this.text(name)
    const word = words.find((candidate) => candidate === value)
    if (word !== undefined) return word
    this.#invalid(name, words.map((candidate) => `\`${candidate}\``).join(' or '), value)
    return words.find((candidate) => candidate === DEFAULTS.get(name)) ?? words[0]
  }

  /** YAML 1.2 core schema. */
  boolean(name: string): boolean {
    const value = this.text(name)
    if (/^(true|True|TRUE)$/.test(value)) return true
    if (/^(false|False|FALSE)$/.test(value)) return false
    this.#invalid(name, '`true` or `false`', value)
    return DEFAULTS.get(name) === 'true'
  }

  integer(name: string, min: number, max: number): number {
    const value = this.text(name)
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    this.#invalid(name, `a whole number from ${min} to ${max}`, value)
    return Number(DEFAULTS.get(name))
  }

  tlsVersion(name: string): TlsVersion {
    return this.choice(name, ['1.2', '1.3']) === '1.2' ? 'TLSv1.2' : 'TLSv1.3'
  }

  repositoryUrl(): URL | undefined {
    const value = this.text('repository-url')
    if (value === '') {
      this.#problems.add({
        code: 'E_INPUT_MISSING',
        message: `repository-url is empty: expected the upload URL of the package index${this.#unread('repository-url')}`,
        hint: 'Write the URL that the index documents for uploads, such as https://index.example.com/legacy/.',
      })
      return undefined
    }
    return this.#url('repository-url', value, 'https://index.example.com/legacy/')
  }

  checkUrl(): Inputs['checkUrl'] {
    const value = this.text('check-url')
    if (value === 'auto' || value === 'off') return value
    const url = this.#url('check-url', value, 'https://index.example.com/simple/')
    if (url === undefined || url.search === '') return url
    this.#invalid('check-url', '`auto`, `off` or the URL of a simple index without a query', shownUrl(url))
    return undefined
  }

  #url(name: string, value: string, example: string): URL | undefined {
    const url = URL.parse(value)
    const fault = faultOfUrl(value) ?? (url === null ? 'it is not a URL' : undefined)
    if (url !== null && fault === undefined) return url
    // The value is not shown: what is wrong with it may be a password in it.
    this.#problems.add({
      code: 'E_INPUT_INVALID',
      message: `${name} must be an https URL such as ${example}, but ${fault}`,
    })
    return undefined
  }

  /** What twine would take in place of an empty input, for a sentence: `''` where nothing is set. */
  #unread(...inputs: readonly string[]): string {
    const names = inputs.flatMap((input) => variablesLike(input, this.#sources.env))
    if (names.length === 0) return ''
    return ` (${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} set, which this action does not read)`
  }

  clientCertificate(): InputMaterial | 'none' | undefined {
    const value = this.#raw('client-cert')
    if (value.trim() === 'none') return 'none'
    if (value.trim() !== '') return this.#material('client-cert', value)
    this.#problems.add({
      code: 'E_INPUT_MISSING',
      message: `client-cert is empty: expected a client certificate, or the word \`none\` for an index that asks for none${this.#unread('client-cert')}`,
      hint: EMPTY_SECRET_REASONS,
    })
    return undefined
  }

  clientKey(): Inputs['clientKey'] {
    const value = this.#raw('client-key')
    return value.trim() === '' ? undefined : (this.#material('client-key', value) ?? 'unreadable')
  }

  materialOr<const T extends string>(name: string, word: T): InputMaterial | T | undefined {
    const value = this.text(name)
    return value === word ? word : this.#material(name, value)
  }

  /** Masked before anybody looks into it: the runner only knows the form that the secret has, not the decoded one. */
  #material(name: string, value: string): InputMaterial | undefined {
    return this.#attempt(() => {
      const workspace = this.#workspace()
      const material = readMaterial(name, value, { workspace })
      const encoded = SECRET_INPUTS.includes(name) && material.origin === 'base64' ? longBase64(value) : []
      for (const line of [...encoded, ...linesToMask(material)]) this.#hide(line)
      return material
    })
  }

  #workspace(): string {
    return this.#sources.env.GITHUB_WORKSPACE || process.cwd()
  }

  #hide(value: string): void {
    const { secrets, mask } = this.#sources
    secrets.add(value)
    // The runner masks each line of what it gets, also one that is a single word: it gets the lines that we mean.
    for (const line of value.split(LINE_END)) if (line.trim() !== '') mask(line)
  }

  passphrase(): string | undefined {
    const value = this.#raw('client-key-passphrase')
    if (value === '') return undefined
    this.#hide(value)
    return value
  }

  credentials(): BasicCredentials | undefined {
    const user = this.#withoutLineEnd('user').trim()
    const password = this.#withoutLineEnd('password')
    if (password !== '') this.#hide(password)
    const fault = this.#faultOfCredentials(user, password)
    if (fault !== undefined) this.#problems.add(fault)
    return fault !== undefined || user === '' ? undefined : { user, password }
  }

  /** A control character can be no part of HTTP Basic (RFC 7617), so a line end there is left over from a file or `echo`. */
  #withoutLineEnd(name: string): string {
    const value = this.#raw(name)
    const trimmed = value.replace(/(\r\n|\n|\r)$/, '')
    if (trimmed !== value && trimmed !== '') this.#notices.push(`${name} ends in a line end; it is used without it`)
    return trimmed
  }

  #faultOfCredentials(user: string, password: string): ProblemDetails | undefined {
    if (user === '' && password === '') {
      const unread = this.#unread('user', 'password')
      return unread === '' ? undefined : { ...UNREAD_CREDENTIALS, message: UNREAD_CREDENTIALS.message + unread }
    }
    if (password === '')
      return {
        code: 'E_INPUT_CONFLICT',
        message: `user is given, but password is empty: most likely the secret does not exist in this job${this.#unread('password')}`,
        hint: EMPTY_SECRET_REASONS,
      }
    if (user === '')
      return {
        code: 'E_INPUT_CONFLICT',
        message: `password is given, but user is empty: HTTP Basic needs both${this.#unread('user')}`,
        hint: 'Give the user name that your index documents for tokens (often `__token__` or the account), or leave both out where the certificate alone is enough.',
      }
    return faultOfBasic(user, password)
  }

  expectedProjects(): 'one' | 'any' | string[] {
    const value = this.text('expected-projects')
    if (value === 'one' || value === 'any') return value
    const names = value.split(/[\s,]+/).filter((name) => name !== '')
    if (names.length > 0) return names
    this.#invalid('expected-projects', 'names of projects, `one` or `any`', value)
    // Not an empty list: every distribution would be a second fault.
    return 'any'
  }

  expectedFiles(): 'any' | number {
    const value = this.text('expected-files')
    if (value === 'any') return 'any'
    if (/^[1-9]\d{0,5}$/.test(value)) return Number(value)
    this.#invalid('expected-files', 'a whole number from 1, or `any`', value)
    return 'any'
  }

  expectedSha256(): string {
    const value = this.text('expected-sha256')
    if (value === 'any' || LINE_END.test(value) || DIGEST_LINE.test(value)) return value
    return this.#attempt(() => readDigestFile(value, this.#workspace())) ?? 'any'
  }

  supportContact(): string | undefined {
    return printable(this.#raw('support-contact'), 200) || undefined
  }

  checkCombinations(inputs: Inputs): void {
    if (inputs.tlsMinVersion > inputs.tlsMaxVersion)
      this.#problems.add({
        code: 'E_INPUT_CONFLICT',
        message: 'tls-min-version is above tls-max-version: no TLS version is left',
      })
    if (inputs.clientCertificate !== 'none') return
    const pointless: readonly (readonly [string, boolean])[] = [
      ['client-key', this.#raw('client-key').trim() !== ''],
      ['client-key-passphrase', inputs.clientKeyPassphrase !== undefined],
      ['client-key-alias', inputs.clientKeyAlias !== undefined],
      ['client-ca-bundle', inputs.clientCaBundle !== 'none'],
      ['client-crl', inputs.clientCrl !== 'none'],
      ['expiry-error-days', inputs.expiryErrorDays > 0],
      ['export-credentials', inputs.exportCredentials],
    ]
    const names = pointless.flatMap(([name, isGiven]) => (isGiven ? [name] : []))
    if (names.length === 0) return
    this.#problems.add({
      code: 'E_INPUT_CONFLICT',
      message: `client-cert is \`none\`, but ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} given: without a client certificate there is nothing to use that for`,
      hint: 'Give the client certificate, or leave these inputs out.',
    })
  }
}

/** Lines of base64 that are long enough to be a secret. */
function longBase64(value: string): readonly string[] {
  return value.match(/[A-Za-z0-9+/_-]{16,}={0,2}/g) ?? []
}

/**
 * What is wrong with the text of a URL that gets the certificate. By its text and not as a parsed URL: the parser drops line ends, reads a
 * backslash as a slash, and takes the first folder for the host where that came out empty (`https:///legacy/`).
 */
function faultOfUrl(value: string): string | undefined {
  if (/[\s\0-\x1f\x7f-\x9f\\]/.test(value)) return 'it holds a blank, a line end or a backslash'
  const [, scheme, authority = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(value) ?? []
  if (scheme === undefined) return 'it does not begin with `https://`'
  if (scheme.toLowerCase() !== 'https') return `its scheme is \`${printable(scheme, 20)}\``
  if (authority.includes('@')) return 'it holds a user name or password: give them as `user` and `password`'
  if (authority === '') return 'it names no host'
  return value.includes('#') ? 'it has a fragment (`#`), which is never sent' : undefined
}

const CONTROL_CHARACTER = /[\0-\x1f\x7f-\x9f]/

/** RFC 7617, section 2. */
function faultOfBasic(user: string, password: string): ProblemDetails | undefined {
  const name = CONTROL_CHARACTER.test(user) ? 'user' : 'password'
  if (CONTROL_CHARACTER.test(user + password))
    return {
      code: 'E_INPUT_INVALID',
      message: `${name} holds a control character, such as a line end: HTTP Basic cannot carry it`,
      hint: 'Store the value again, from a file without extra lines.',
    }
  if (!user.includes(':')) return undefined
  return {
    code: 'E_INPUT_INVALID',
    message: 'user holds a colon: HTTP Basic cannot carry it',
    hint: 'Give the user name alone, and the password or token as `password`.',
  }
}

const UNREAD_CREDENTIALS: ProblemDetails = {
  code: 'E_INPUT_UNKNOWN',
  message: 'user and password are empty',
  hint: 'Give the values as `user` and `password`, or remove the variables where the certificate alone is enough.',
}

const EMPTY_SECRET_REASONS = [
  'Likely reasons: the secret has another name;',
  'the job names no `environment:` and the secret belongs to one;',
  'the run comes from a fork or from Dependabot, which get no secrets;',
  'a reusable workflow was not given the secret by name;',
  'an environment secret was expected in a reusable workflow of another repository or owner, where it never arrives:',
  'pass repository or organisation secrets by name, or use this action as a step in a job of your own with `environment:`.',
].join(' ')

/** The text of a SHA256SUMS file. Throws E_INPUT_FILE. */
function readDigestFile(value: string, workspace: string): string {
  let descriptor: number | undefined
  try {
    // Without O_NONBLOCK a FIFO under this name would hold the run up for ever.
    descriptor = openSync(path.resolve(workspace, value), fs.O_RDONLY | (fs.O_NONBLOCK ?? 0))
    const status = fstatSync(descriptor)
    if (status.isFile() && status.size <= LARGEST_FILE) return decodeText(readFileSync(descriptor))
    throw noDigestFile(value)
  } catch (error) {
    throw error instanceof PublishError ? error : noDigestFile(value, error)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function noDigestFile(value: string, cause?: unknown): PublishError {
  return new PublishError({
    code: 'E_INPUT_FILE',
    message: `expected-sha256 is neither lines of digests nor a readable file of at most 1 MiB: \`${printable(path.basename(value), 80)}\``,
    hint: 'Give the lines of a SHA256SUMS file, its path relative to the workspace, or `any`.',
    cause,
  })
}
