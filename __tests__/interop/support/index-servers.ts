/** Package indexes that companies run, each on a free port of the loopback interface and speaking plain HTTP. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { cleanEnvironment } from './environment.ts'
import { pythonProgram } from './programs.ts'
import { mustRun } from './run-program.ts'
import { freePort, type ServerProcess, startServer } from './server-process.ts'

export interface IndexServer extends ServerProcess {
  readonly port: number
  /** Ports of what lies below certain paths, such as `/pulp/content/`. */
  readonly places?: Readonly<Record<string, number>>
}

/** What starts an index whose files lie below `directory` and which users reach at `publicUrl`. */
export type StartIndexServer = (directory: string, publicUrl: string) => Promise<IndexServer>

/** pypiserver without passwords: whoever passes the front may upload. An existing file is never replaced. */
export function startPypiserver(directory: string): Promise<IndexServer> {
  return runPypiserver(directory, ['--disable-fallback'])
}

/** The same as it is by default: who asks for a project that it lacks is sent to another index, here `fallback`. */
export function pypiserverWithFallback(fallback: string): StartIndexServer {
  return (directory) => runPypiserver(directory, ['--fallback-url', fallback])
}

async function runPypiserver(directory: string, options: readonly string[]): Promise<IndexServer> {
  const port = await freePort()
  const packages = path.join(directory, 'packages')
  await mkdir(packages, { recursive: true })
  const open = ['--passwords', '.', '--authenticate', '.']
  const address = ['--interface', '127.0.0.1', '--port', String(port), '--server', 'wsgiref']
  const args = ['run', ...address, ...open, ...options, packages]
  const program = pythonProgram('pypi-server')
  const server = await startServer({ name: 'pypiserver', program, args, port, directory, startMs: 30_000 })
  return { port, ...server }
}

/** pypiron without accounts would be read-only. */
export const PYPIRON = { user: 'ci', password: 'correct horse' } as const

/**
 * pypiron: nothing is asked of any other machine, and a file is never replaced. Its cache of pages is off: a page that
 * was read while a file came in can come back, for a second, after a page that has the file. While it takes an upload it
 * lists no new file of that project, also if the upload was cut off: for 15 minutes by default, here for three seconds.
 */
export async function startPypiron(directory: string): Promise<IndexServer> {
  const port = await freePort()
  await mkdir(directory, { recursive: true })
  const alone = ['--advisory-feed', '', '--malware-block', 'false', '--malware-probe-secs', '0']
  const fresh = ['--index-cache-ttl-secs', '0', '--intent-grace-secs', '3']
  const account = ['--uploader-user', PYPIRON.user, '--uploader-pass', PYPIRON.password]
  const data = ['--data-dir', path.join(directory, 'data'), '--spool-dir', directory]
  const args = ['serve', '--bind-addr', `127.0.0.1:${port}`, ...data, ...account, ...alone, ...fresh]
  const program = pythonProgram('pypiron')
  const server = await startServer({ name: 'pypiron', program, args, port, directory, startMs: 30_000 })
  return { port, ...server }
}

/** A user of devpi, the write-once index `ci/release`, and `ci/nightly`, which replaces files without a word. */
export const DEVPI = { user: 'ci', password: 'correct horse', index: 'ci/release', volatile: 'ci/nightly' } as const

const ROOT_PASSWORD = 'battery staple'

/** devpi-server with one user and two indexes, and no mirror of any other index. */
export async function startDevpi(directory: string, publicUrl: string): Promise<IndexServer> {
  const port = await freePort()
  const data = ['--serverdir', path.join(directory, 'data')]
  await mkdir(directory, { recursive: true })
  const init = [...data, '--no-root-pypi', '--root-passwd', ROOT_PASSWORD]
  const env = cleanEnvironment(directory)
  await mustRun(pythonProgram('devpi-init'), init, { cwd: directory, env, limitMs: 120_000 })
  const address = ['--host', '127.0.0.1', '--port', String(port), '--outside-url', publicUrl.replace(/\/$/, '')]
  const args = [...data, ...address, '--offline-mode', '--threads', '4']
  const program = pythonProgram('devpi-server')
  const server = await startServer({ name: 'devpi', program, args, port, directory, startMs: 120_000 })
  try {
    await put(port, DEVPI.user, 'root', ROOT_PASSWORD, { password: DEVPI.password, email: 'ci@example.com' })
    const index = { type: 'stage', bases: [] }
    await put(port, DEVPI.index, DEVPI.user, DEVPI.password, { ...index, volatile: false })
    await put(port, DEVPI.volatile, DEVPI.user, DEVPI.password, { ...index, volatile: true })
  } catch (error) {
    await server.stop()
    throw error
  }
  return { port, ...server }
}

async function put(port: number, name: string, user: string, password: string, value: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/${name}`, {
    method: 'PUT',
    headers: {
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      'content-type': 'application/json',
      accept: 'application/json',
    },
    body: JSON.stringify(value),
    signal: AbortSignal.timeout(30_000),
  })
  if (!response.ok) throw new Error(`devpi answered ${response.status} to PUT /${name}: ${await response.text()}`)
}
