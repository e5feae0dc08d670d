/** Package indexes that companies run, each on a free port of the loopback interface and speaking plain HTTP. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { cleanEnvironment } from './environment.ts'
import { pythonProgram } from './programs.ts'
import { mustRun } from './run-program.ts'
import { freePort, type ServerProcess, startServer } from './server-process.ts'

export interface IndexServer extends ServerProcess {
  readonly port: number
}

/** What starts an index whose files lie below `directory` and which users reach at `publicUrl`. */
export type StartIndexServer = (directory: string, publicUrl: string) => Promise<IndexServer>

/** pypiserver without passwords: whoever passes the front may upload. An existing file is never replaced. */
export async function startPypiserver(directory: string): Promise<IndexServer> {
  const port = await freePort()
  const packages = path.join(directory, 'packages')
  await mkdir(packages, { recursive: true })
  const open = ['--passwords', '.', '--authenticate', '.', '--disable-fallback']
  const address = ['--interface', '127.0.0.1', '--port', String(port), '--server', 'wsgiref']
  const args = ['run', ...address, ...open, packages]
  const program = pythonProgram('pypi-server')
  const server = await startServer({ name: 'pypiserver', program, args, port, directory, startMs: 30_000 })
  return { port, ...server }
}

/** A user of devpi and the write-once index `ci/release`. */
export const DEVPI = { user: 'ci', password: 'correct horse', index: 'ci/release' } as const

const ROOT_PASSWORD = 'battery staple'

/** devpi-server with one user and one non-volatile index, and no mirror of any other index. */
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
    const index = { type: 'stage', volatile: false, bases: [] }
    await put(port, DEVPI.index, DEVPI.user, DEVPI.password, index)
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
