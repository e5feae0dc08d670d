import { closeSync, constants as fs, fstatSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'

import type { BasicCredentials } from './credentials/basic.ts'
import { type InputMaterial, linesToMask, readMaterial } from './encoding/input-material.ts'
import { type ProblemDetails, ProblemList, PublishError } from './errors.ts'
import { printable, type Secrets } from './text.ts'

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** Everything that the user said, checked one by one. A value that could not be read is `undefined`, and a problem says why. */
export interface Inputs {
  readonly repositoryUrl: URL | undefined
  readonly packagesDir: string
  /** Glob patterns; empty: `packagesDir` counts. */
  readonly files: readonly string[]
  readonly clientCertificate: InputMaterial | 'none' | undefined
  readonly clientKey: InputMaterial | undefined
  readonly clientKeyPassphrase: string | undefined
  readonly caBundle: InputMaterial | 'system' | undefined
  readonly clientCaBundle: InputMaterial | 'none' | undefined
  readonly chainCheck: 'enforce' | 'warn'
  readonly clientAuth: 'required' | 'optional'
  readonly expiryWarningDays: number
  readonly expiryErrorDays: number
  readonly tlsMinVersion: TlsVersion
  readonly tlsMaxVersion: TlsVersion
  readonly credentials: BasicCredentials | undefined
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
  ['chain-check', 'enforce'],
  ['client-auth', 'required'],
  ['expiry-warning-days', '30'],
  ['expiry-error-days', '0'],
  ['tls-min-version', '1.2'],
  ['tls-max-version', '1.3'],
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

const OPTIONAL = ['files', 'client-key', 'client-key-passphrase', 'user', 'password', 'support-contact']
const REQUIRED = ['repository-url', 'client-cert']

/** All inputs of the action, by name. */
export const INPUT_NAMES: readonly string[] = [...REQUIRED, ...DEFAULTS.keys(), ...OPTIONAL]

/** Inputs whose value must not stay in the environment, where any later code of this process could read it. */
const SECRET_INPUTS = ['client-cert', 'client-key', 'client-key-passphrase', 'password']

/** What users of other tools write, and what it is called here. */
const NEIGHBOURS: ReadonlyMap<string, string> = new Map([
  ['username', 'this action calls it `user`'],
  ['repository_url', 'this action calls it `repository-url`'],
  ['repository', 'this action takes the whole URL as `repository-url`'],
  ['index-url', 'this action takes the upload URL as `repository-url`'],
  ['publish-url', 'this action calls it `repository-url`'],
  ['url', 'this action calls it `repository-url`'],
  ['packages_dir', 'this action calls it `packages-dir`'],
  ['packages', 'this action calls it `packages-dir` (a directory) or `files` (patterns)'],
  ['dist', 'this action calls it `packages-dir`'],
  ['verify_metadata', 'this action calls it `verify-metadata`'],
  ['token', 'a token is the `password` here, with the user name that your index documents as `user`'],
  ['api-token', 'a token is the `password` here, with the user name that your index documents as `user`'],
  ['bearer-token', 'this version sends HTTP Basic only: `user` and `password`'],
  ['cert', 'the CAs of the server are `ca-bundle` here, the client certificate is `client-cert`'],
  ['certificate', 'the client certificate is `client-cert` here'],
  ['client_cert', 'this action calls it `client-cert`'],
  ['client_key', 'this action calls it `client-key`'],
  ['key', 'the private key is `client-key` here'],
  ['passphrase', 'this action calls it `client-key-passphrase`'],
  ['ca-cert', 'this action calls it `ca-bundle`'],
  ['ca_cert', 'this action calls it `ca-bundle`'],
  ['ca_bundle', 'this action calls it `ca-bundle`'],
  [
    'skip_existing',
    'this version has no `skip-existing`: the index decides, and a file that it has already is reported as rejected',
  ],
  [
    'skip-existing',
    'this version has no `skip-existing`: the index decides, and a file that it has already is reported as rejected',
  ],
  ['check-url', 'this version does not look files up on the index'],
  ['attestations', 'this version attaches no attestations; remove the input'],
  ['verbose', 'the log is always complete; remove the input'],
  ['print_hash', 'the digests stand in the summary and in the output `files`; remove the input'],
  ['print-hash', 'the digests stand in the summary and in the output `files`; remove the input'],
])

/** twine's variables that name a target or a credential: silently ignored they would surprise. */
const TWINE_VARIABLES: ReadonlyMap<string, string> = new Map([
  ['TWINE_REPOSITORY_URL', 'repository-url'],
  ['TWINE_USERNAME', 'user'],
  ['TWINE_PASSWORD', 'password'],
])

const MIB = 1024 * 1024

/**
 * Ends the run before any identity is read where the workflow runs code or data of strangers with the repository's
 * secrets. Throws E_RUN_UNTRUSTED_EVENT.
 */
export function refuseUntrustedEvent(env: NodeJS.ProcessEnv): void {
  const event = env.GITHUB_EVENT_NAME
  const foreignRun = event === 'workflow_run' && headRepository(env.GITHUB_EVENT_PATH) !== env.GITHUB_REPOSITORY
  if (event !== 'pull_request_target' && !foreignRun) return
  throw new PublishError({
    code: 'E_RUN_UNTRUSTED_EVENT',
    message: foreignRun
      ? 'this run was started by `workflow_run` for a run of another repository (a fork), and would publish what that run made'
      : 'this run was started by `pull_request_target`, where a stranger can decide what is built with your secrets',
    hint: 'Publish from `push` of a tag, `release` or `workflow_dispatch` instead. No identity was read.',
  })
}

/** `owner/name` of the repository whose run started this one; undefined where the event does not say it. */
function headRepository(eventPath: string | undefined): string | undefined {
  try {
    const event: unknown = JSON.parse(readFileSync(eventPath ?? '', 'utf8'))
    const name = property(property(property(event, 'workflow_run'), 'head_repository'), 'full_name')
    return typeof name === 'string' ? name : undefined
  } catch {
    // Unreadable is not trusted: undefined equals no repository.
    return undefined
  }
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(name) : undefined
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
  const reader = new InputReader(env, secretInputs, mask, secrets)
  reader.refuseNeighbours()
  const credentials = reader.credentials()
  const clientCertificate = reader.clientCertificate()
  const clientKey = reader.optionalMaterial('client-key')
  const inputs: Inputs = {
    repositoryUrl: reader.repositoryUrl(),
    packagesDir: reader.text('packages-dir'),
    files: reader.lines('files'),
    clientCertificate,
    clientKey,
    clientKeyPassphrase: reader.passphrase(),
    caBundle: reader.materialOr('ca-bundle', 'system'),
    clientCaBundle: reader.materialOr('client-ca-bundle', 'none'),
    chainCheck: reader.choice('chain-check', ['enforce', 'warn']),
    clientAuth: reader.choice('client-auth', ['required', 'optional']),
    expiryWarningDays: reader.integer('expiry-warning-days', 0, 3650),
    expiryErrorDays: reader.integer('expiry-error-days', 0, 3650),
    tlsMinVersion: reader.tlsVersion('tls-min-version'),
    tlsMaxVersion: reader.tlsVersion('tls-max-version'),
    credentials,
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
  readonly #env: NodeJS.ProcessEnv
  readonly #secretInputs: ReadonlyMap<string, string>
  readonly #mask: (line: string) => void
  readonly #secrets: Secrets
  readonly #problems = new ProblemList()
  readonly #notices: string[] = []
  readonly #warnings: string[] = []

  constructor(
    env: NodeJS.ProcessEnv,
    secretInputs: ReadonlyMap<string, string>,
    mask: (line: string) => void,
    secrets: Secrets,
  ) {
    this.#env = env
    this.#secretInputs = secretInputs
    this.#mask = mask
    this.#secrets = secrets
  }

  reading(): Omit<InputsReading, 'inputs'> {
    return { problems: this.#problems, notices: this.#notices, warnings: this.#warnings }
  }

  /** Inputs of other tools reach us as unknown variables, with no more than a warning of the runner. */
  refuseNeighbours(): void {
    const ours = new Set(INPUT_NAMES.map(variableOf))
    for (const [name, advice] of NEIGHBOURS) {
      if (this.#env[variableOf(name)] === undefined || ours.has(variableOf(name))) continue
      this.#problem({
        code: 'E_INPUT_UNKNOWN',
        message: `\`${name}\` is not an input of this action: ${advice}`,
      })
    }
    const known = new Set([...ours, ...[...NEIGHBOURS.keys()].map(variableOf)])
    for (const variable of Object.keys(this.#env)) {
      if (!variable.startsWith('INPUT_') || known.has(variable)) continue
      this.#warnings.push(
        `\`${printable(variable.slice(6).toLowerCase(), 60)}\` is not an input of this action and is ignored`,
      )
    }
  }

  /** A value as given; `undefined` where nothing was given and there is no default. Secrets come untrimmed. */
  #raw(name: string): string | undefined {
    const given = this.#secretInputs.get(name) ?? this.#env[variableOf(name)]
    return given ?? DEFAULTS.get(name)
  }

  #problem(problem: ProblemDetails | PublishError): void {
    this.#problems.add(problem)
  }

  /** Runs a reader that throws; its problem is kept with the others. */
  #attempt<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof PublishError)) throw error
      this.#problem(error)
      return undefined
    }
  }

  /** A trimmed value. Empty where a default word exists: somebody's expression came out empty, which is never meant. */
  text(name: string): string {
    const value = (this.#raw(name) ?? '').trim()
    const word = DEFAULTS.get(name)
    if (value !== '' || word === undefined) return value
    this.#problem({
      code: 'E_INPUT_EMPTY',
      message: `${name} is empty: an expression or secret that it was set from has no value here`,
      hint: `Give a value, or leave the line out: the default is \`${word}\`.`,
    })
    return word
  }

  lines(name: string): string[] {
    const lines = (this.#raw(name) ?? '').split(/\r\n|\r|\n/).map((line) => line.trim())
    return lines.filter((line) => line !== '')
  }

  choice<const T extends string>(name: string, words: readonly [T, ...T[]]): T {
    const value = this.text(name)
    const word = words.find((candidate) => candidate === value)
    if (word !== undefined) return word
    const expected = words.map((candidate) => `\`${candidate}\``).join(' or ')
    this.#invalid(name, expected, value)
    return words[0]
  }

  boolean(name: string): boolean {
    const value = this.text(name)
    if (/^(true|True|TRUE)$/.test(value)) return true
    if (!/^(false|False|FALSE)$/.test(value)) this.#invalid(name, '`true` or `false`', value)
    return false
  }

  integer(name: string, min: number, max: number): number {
    const value = this.text(name)
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    this.#invalid(name, `a whole number from ${min} to ${max}`, value)
    return min
  }

  #invalid(name: string, expected: string, found: string): void {
    this.#problem({
      code: 'E_INPUT_INVALID',
      message: `${name} must be ${expected}, but it is \`${printable(found, 60)}\``,
    })
  }

  tlsVersion(name: string): TlsVersion {
    return this.choice(name, ['1.2', '1.3']) === '1.2' ? 'TLSv1.2' : 'TLSv1.3'
  }

  repositoryUrl(): URL | undefined {
    const value = this.text('repository-url')
    if (value === '') {
      const twine = this.#env.TWINE_REPOSITORY_URL
        ? ' (TWINE_REPOSITORY_URL is set, but this action does not read it)'
        : ''
      this.#problem({
        code: 'E_INPUT_MISSING',
        message: `repository-url is empty: expected the upload URL of the package index${twine}`,
        hint: 'Write the URL that the index documents for uploads, such as https://index.example.com/legacy/.',
      })
      return undefined
    }
    const url = URL.parse(value)
    const fault = url === null ? 'it is not a URL' : faultOfUrl(url)
    if (url !== null && fault === undefined) return url
    // The value is not shown: what is wrong with it may be a password in it.
    this.#problem({
      code: 'E_INPUT_INVALID',
      message: `repository-url must be an https URL such as https://index.example.com/legacy/, but ${fault}`,
    })
    return undefined
  }

  clientCertificate(): InputMaterial | 'none' | undefined {
    const value = this.#raw('client-cert') ?? ''
    if (value.trim() === 'none') return 'none'
    if (value.trim() !== '') return this.#material('client-cert', value)
    this.#problem({
      code: 'E_INPUT_MISSING',
      message:
        'client-cert is empty: expected a client certificate, or the word `none` for an index that asks for none',
      hint: EMPTY_SECRET_REASONS,
    })
    return undefined
  }

  optionalMaterial(name: string): InputMaterial | undefined {
    const value = this.#raw(name) ?? ''
    return value.trim() === '' ? undefined : this.#material(name, value)
  }

  materialOr<const T extends string>(name: string, word: T): InputMaterial | T | undefined {
    const value = this.text(name)
    return value === word ? word : this.#material(name, value)
  }

  /** Decoded before it is parsed, masked before it is looked at: the runner only knows the form that the secret has. */
  #material(name: string, value: string): InputMaterial | undefined {
    return this.#attempt(() => {
      const material = readMaterial(name, value, { workspace: this.#workspace() })
      for (const line of linesToMask(material)) {
        this.#secrets.add(line)
        this.#mask(line)
      }
      return material
    })
  }

  #workspace(): string {
    return this.#env.GITHUB_WORKSPACE || process.cwd()
  }

  passphrase(): string | undefined {
    const value = this.#raw('client-key-passphrase') ?? ''
    if (value === '') return undefined
    this.#hide(value)
    return value
  }

  credentials(): BasicCredentials | undefined {
    const user = this.#withoutLineEnd('user', this.#raw('user') ?? '').trim()
    const password = this.#withoutLineEnd('password', this.#raw('password') ?? '')
    if (password !== '') this.#hide(password)
    if (user === '' && password === '') {
      this.#refuseTwineCredentials()
      return undefined
    }
    if (user === '' || password === '') this.#problem(halfCredentials(user === '' ? 'user' : 'password'))
    else if (/[\p{Cc}]/u.test(user + password) || user.includes(':')) this.#problem(BAD_CREDENTIALS)
    else return { user, password }
    return undefined
  }

  /** A control character can be no part of HTTP Basic (RFC 7617), so a line end there is left over from a file or `echo`. */
  #withoutLineEnd(name: string, value: string): string {
    const trimmed = value.replace(/(\r\n|\n|\r)$/, '')
    if (trimmed !== value && trimmed !== '') this.#notices.push(`${name} ends in a line end; it is used without it`)
    return trimmed
  }

  #refuseTwineCredentials(): void {
    for (const [variable, input] of TWINE_VARIABLES) {
      if (input === 'repository-url' || !this.#env[variable]) continue
      this.#problem({
        code: 'E_INPUT_UNKNOWN',
        message: `${variable} is set, but this action does not read it, and its input \`${input}\` is empty`,
        hint: `Give the value as \`${input}\`, or remove the variable where the certificate alone is enough.`,
      })
    }
  }

  #hide(value: string): void {
    this.#secrets.add(value)
    for (const line of value.split(/\r\n|\r|\n/)) if (line.trim() !== '') this.#mask(line)
  }

  expectedProjects(): 'one' | 'any' | string[] {
    const value = this.text('expected-projects')
    return value === 'one' || value === 'any' ? value : value.split(/[\s,]+/).filter((name) => name !== '')
  }

  expectedFiles(): 'any' | number {
    const value = this.text('expected-files')
    if (value === 'any') return 'any'
    if (/^[1-9]\d{0,5}$/.test(value)) return Number(value)
    this.#invalid('expected-files', 'a whole number from 1, or `any`', value)
    return 'any'
  }

  /** A line that begins with a digest is the text itself; anything else is a path. */
  expectedSha256(): string {
    const value = this.text('expected-sha256')
    const isText = value === 'any' || /[\r\n]/.test(value) || /^([0-9a-f]{64}\s|SHA256 ?\()/i.test(value)
    if (isText) return value
    return this.#attempt(() => readTextFile('expected-sha256', value, this.#workspace())) ?? 'any'
  }

  supportContact(): string | undefined {
    const value = printable(this.#raw('support-contact') ?? '', 200)
    return value === '' ? undefined : value
  }

  checkCombinations(inputs: Inputs): void {
    if (inputs.tlsMinVersion > inputs.tlsMaxVersion)
      this.#problem({
        code: 'E_INPUT_CONFLICT',
        message: 'tls-min-version is above tls-max-version: no TLS version is left',
      })
    if (inputs.clientCertificate !== 'none') return
    if (inputs.clientKey !== undefined)
      this.#problem({
        code: 'E_INPUT_CONFLICT',
        message: 'client-key is given, but client-cert is `none`: a key needs its certificate',
      })
    if (inputs.exportCredentials)
      this.#problem({
        code: 'E_INPUT_CONFLICT',
        message: 'export-credentials is true, but client-cert is `none`: there is nothing to export',
      })
  }
}

function faultOfUrl(url: URL): string | undefined {
  if (url.protocol !== 'https:') return `its scheme is \`${printable(url.protocol.slice(0, -1), 20)}\``
  if (url.username !== '' || url.password !== '')
    return 'it holds a user name or password: give them as `user` and `password`'
  if (url.hash !== '') return 'it has a fragment (`#`), which is never sent'
  return undefined
}

function halfCredentials(missing: 'user' | 'password'): ProblemDetails {
  return missing === 'password'
    ? {
        code: 'E_INPUT_CONFLICT',
        message: 'user is given, but password is empty: most likely the secret does not exist in this job',
        hint: EMPTY_SECRET_REASONS,
      }
    : {
        code: 'E_INPUT_CONFLICT',
        message: 'password is given, but user is empty: HTTP Basic needs both',
        hint: 'Give the user name that your index documents for tokens (often `__token__` or the account), or leave both out where the certificate alone is enough.',
      }
}

const BAD_CREDENTIALS: ProblemDetails = {
  code: 'E_INPUT_INVALID',
  message: 'user or password holds a control character, or user a colon: HTTP Basic can carry neither (RFC 7617)',
  hint: 'Store the value again, from a file without extra lines.',
}

const EMPTY_SECRET_REASONS = [
  'Likely reasons: the secret has another name;',
  'the job names no `environment:` and the secret belongs to one;',
  'the run comes from a fork or from Dependabot, which get no secrets;',
  'a reusable workflow was not given the secret by name;',
  'an environment secret was expected in a reusable workflow of another repository or owner, where it never arrives:',
  'pass repository or organisation secrets by name, or use this action as a step in a job of your own with `environment:`.',
].join(' ')

/** A small text file of the workspace. Throws E_INPUT_FILE. */
function readTextFile(input: string, value: string, workspace: string): string {
  const shown = printable(path.basename(value), 80)
  let descriptor: number | undefined
  try {
    // Without O_NONBLOCK a FIFO under this name would hold the run up for ever.
    descriptor = openSync(path.resolve(workspace, value), fs.O_RDONLY | (fs.O_NONBLOCK ?? 0))
    const status = fstatSync(descriptor)
    if (!status.isFile() || status.size > MIB) throw new PublishError(notAFile(input, shown))
    return readFileSync(descriptor, 'utf8')
  } catch (error) {
    if (error instanceof PublishError) throw error
    throw new PublishError({ ...notAFile(input, shown), cause: error })
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function notAFile(input: string, shown: string): ProblemDetails {
  return {
    code: 'E_INPUT_FILE',
    message: `${input} is neither lines of digests nor a readable file of at most 1 MiB: \`${shown}\``,
    hint: 'Give the lines of a SHA256SUMS file, its path relative to the workspace, or `any`.',
  }
}
