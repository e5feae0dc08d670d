/** How this action and its peers are started: each a process of its own, with nothing of this machine's settings. */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { environmentOf, type Manifest } from '../demo/runner/run-action.ts'
import { type BenchServer, PASSWORD, USER } from './server.ts'
import { PROJECT, VERSION, type Wheel } from './wheels.ts'

/** One process to measure. */
export interface Command {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** What is published, and the way there. */
export interface Work {
  readonly wheels: readonly Wheel[]
  /** Directory that holds the wheels and nothing else. */
  readonly folder: string
  /** Where clients connect to: nginx, or the delay line in front of it. */
  readonly port: number
  readonly server: BenchServer
  /** A directory that the run may write to; empty at its start. */
  readonly temp: string
  /** Where the peers are installed. */
  readonly programs: string
}

export interface Client {
  readonly name: string
  readonly command: (work: Work) => Promise<Command>
}

const ROOT = path.dirname(import.meta.dirname)

/** As many uploads at once as this action does by default. */
const PARALLEL = 6

const upload = ({ port }: Work) => `https://localhost:${port}/legacy/`
const simple = ({ port }: Work) => `https://localhost:${port}/simple/`

/** A short list: certificates and settings of the machine (REQUESTS_CA_BUNDLE, PIP_*, ...) must not reach a peer. */
function cleanEnvironment(temp: string): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: temp, TMPDIR: temp, LANG: 'C.UTF-8' }
}

/** This action's main step, started as the runner does it. */
export function action(name: string, inputs: (work: Work) => Readonly<Record<string, string>>): Client {
  return {
    name,
    command: async (work) => {
      const { folder, temp, server } = work
      const manifest: Manifest = parse(await readFile(path.join(ROOT, 'action.yml'), 'utf8'))
      const request = {
        actionDir: ROOT,
        workspace: temp,
        temp,
        inputs: {
          'repository-url': upload(work),
          'client-cert': await readFile(server.clientPem, 'utf8'),
          'ca-bundle': server.caFile,
          user: USER,
          password: PASSWORD,
          'packages-dir': folder,
          ...inputs(work),
        },
      }
      const files = ['output', 'state', 'step_summary', 'env', 'path'].map((word) => [
        `GITHUB_${word.toUpperCase()}`,
        path.join(temp, word),
      ])
      for (const [, file] of files) if (file !== undefined) await writeFile(file, '')
      const env = { ...environmentOf(request, manifest), ...Object.fromEntries(files) }
      return { argv: [process.execPath, path.join(ROOT, manifest.runs.main)], env }
    },
  }
}

export const bare = action('this action, lookup and verification off', () => ({
  'check-url': 'off',
  'verify-upload': 'false',
}))

export const whole = action('this action, lookup and verification on', (work) => ({ 'check-url': simple(work) }))

function uvWords(work: Work): readonly string[] {
  const { wheels } = work
  const options = ['--publish-url', upload(work), '--username', USER, '--password', PASSWORD]
  const files = wheels.map((wheel) => wheel.path)
  return ['publish', '--quiet', '--no-config', '--trusted-publishing', 'never', ...options, ...files]
}

function uvEnvironment({ server, temp }: Work): Record<string, string> {
  return { ...cleanEnvironment(temp), SSL_CERT_FILE: server.caFile, SSL_CLIENT_CERT: server.clientPem }
}

export const uv: Client = {
  name: 'uv publish',
  command: async (work) => ({ argv: [path.join(work.programs, 'uv'), ...uvWords(work)], env: uvEnvironment(work) }),
}

export const uvChecking: Client = {
  name: 'uv publish --check-url',
  command: async (work) => ({
    argv: [path.join(work.programs, 'uv'), ...uvWords(work), '--check-url', simple(work)],
    env: uvEnvironment(work),
  }),
}

function twineWords(work: Work): readonly string[] {
  const { server, wheels } = work
  const quiet = ['--non-interactive', '--disable-progress-bar', '--config-file', '/dev/null']
  const tls = ['--cert', server.caFile, '--client-cert', server.clientPem]
  const files = wheels.map((wheel) => wheel.path)
  return ['upload', ...quiet, '--repository-url', upload(work), ...tls, '-u', USER, '-p', PASSWORD, ...files]
}

export const twine: Client = {
  name: 'twine upload',
  command: async (work) => ({
    argv: [path.join(work.programs, 'twine'), ...twineWords(work)],
    env: cleanEnvironment(work.temp),
  }),
}

/** curl hashes nothing and checks nothing: the digest in its form was computed before. The floor for any client. */
function curlClient(name: string, words: readonly string[]): Client {
  return {
    name,
    command: async (work) => {
      const file = path.join(work.temp, 'curl.conf')
      await writeFile(file, work.wheels.map((wheel) => curlLines(wheel, work)).join('next\n'), { mode: 0o600 })
      return { argv: ['curl', '-q', ...words, '-K', file], env: cleanEnvironment(work.temp) }
    },
  }
}

function curlLines(wheel: Wheel, work: Work): string {
  const { server } = work
  const fields = {
    ':action': 'file_upload',
    protocol_version: '1',
    metadata_version: '2.1',
    name: PROJECT,
    version: VERSION,
    summary: 'Random bytes',
    filetype: 'bdist_wheel',
    pyversion: wheel.pythonTag,
    sha256_digest: wheel.sha256,
  }
  const lines = [
    `url = "${upload(work)}"`,
    ...['silent', 'show-error', 'fail', 'http1.1', 'output = "/dev/null"'],
    // Without it each upload of more than 1 MB waits for the server's leave: a round trip more.
    'header = "Expect:"',
    `cacert = "${server.caFile}"`,
    `cert = "${server.clientChain}"`,
    `key = "${server.clientKey}"`,
    `user = "${USER}:${PASSWORD}"`,
    ...Object.entries(fields).map(([name, value]) => `form-string = "${name}=${value}"`),
    `form = "content=@${wheel.path};type=application/octet-stream"`,
  ]
  return `${lines.join('\n')}\n`
}

export const curl = curlClient('curl -F', [])
export const curlParallel = curlClient(`curl -F -Z, ${PARALLEL} at once`, ['-Z', '--parallel-max', String(PARALLEL)])

/** From nothing but Python to the wheel on the index. */
function installing(
  name: string,
  requirement: string,
  upload: (work: Work) => { words: readonly string[]; env: Record<string, string> },
  program: string,
): Client {
  return {
    name,
    command: async (work) => {
      const { words, env } = upload(work)
      const venv = path.join(work.temp, 'venv')
      const set = Object.entries(env).map(([variable, value]) => `${variable}=${value}`)
      // pip needs the machine's own settings to reach its registry; the upload gets none of them.
      const script = `set -e
        python3 -m venv "$1"
        "$1/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check "$2"
        shift 2
        exec env -i "$@"`
      const inherited = Object.entries(process.env).filter(([variable]) => variable !== 'PIP_FIND_LINKS')
      return {
        argv: ['sh', '-c', script, 'sh', venv, requirement, ...set, path.join(venv, 'bin', program), ...words],
        env: Object.fromEntries(
          inherited.flatMap(([variable, value]) => (value === undefined ? [] : [[variable, value]])),
        ),
      }
    },
  }
}

/** `versions`: what is measured elsewhere too. */
export const uvInstalled = (version: string) =>
  installing(
    'pip install uv, uv publish',
    `uv==${version}`,
    (work) => ({ words: uvWords(work), env: uvEnvironment(work) }),
    'uv',
  )
export const twineInstalled = (version: string) =>
  installing(
    'pip install twine, twine upload',
    `twine==${version}`,
    (work) => ({ words: twineWords(work), env: cleanEnvironment(work.temp) }),
    'twine',
  )
