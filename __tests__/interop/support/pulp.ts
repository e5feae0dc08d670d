/** Pulp with its Python plug-in: an index that answers 202 and lists a file some time later. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { cleanEnvironment } from './environment.ts'
import type { IndexServer } from './index-servers.ts'
import { postgres, pulpPython } from './programs.ts'
import { mustRun, runProgram } from './run-program.ts'
import { freePort, type ServerProcess, startServer } from './server-process.ts'

/** A user of Pulp and the index `release`. */
export const PULP = { user: 'admin', password: 'correct horse', index: 'pypi/release' } as const

/** Whoever runs PostgreSQL must not be root: then it is nobody. */
const NOBODY = 65_534
const databaseUser = process.getuid?.() === 0 ? { uid: NOBODY } : {}

/** Ends soon and in order: PostgreSQL without waiting for its clients, gunicorn without waiting for its own. */
const stopSignal = 'SIGINT' as const

const CONTENT = '/pulp/content/'

interface Ports {
  readonly api: number
  readonly content: number
  readonly database: number
}

/** PostgreSQL, then Pulp's three processes: the API, the content server, and the worker that does what the API promised. */
export async function startPulp(directory: string, publicUrl: string): Promise<IndexServer> {
  const running: ServerProcess[] = []
  let database: ServerProcess | undefined
  const ports = { api: await freePort(), content: await freePort(), database: await freePort() }
  const all = {
    port: ports.api,
    places: { [CONTENT]: ports.content },
    log: () => [...running, ...(database === undefined ? [] : [database])].map((server) => server.log()).join('\n'),
    stop: async () => {
      await Promise.all(running.map((server) => server.stop()))
      await database?.stop()
    },
  }
  try {
    await mkdir(path.join(directory, 'tmp'), { recursive: true })
    database = await startDatabase(ports.database)
    const env = await writeSettings(directory, publicUrl, ports)
    await manage(directory, env, 'migrate', '--noinput')
    const [servers] = await Promise.all([
      startProcesses(directory, env, ports),
      manage(directory, env, 'reset-admin-password', '--password', PULP.password),
    ])
    running.push(...servers)
    await makeIndex(ports.api)
  } catch (error) {
    await all.stop()
    throw error
  }
  return all
}

/** In a folder of its own, which its user must own. */
async function startDatabase(port: number): Promise<ServerProcess> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'interop-database-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  try {
    const { uid } = databaseUser
    if (uid !== undefined) await mustRun('chown', [`${uid}:${uid}`, directory], limits('/', {}))
    const data = path.join(directory, 'data')
    const init = ['--pgdata', data, '--auth', 'trust', '--username', 'pulp', '--no-sync']
    await mustRun(path.join(postgres, 'initdb'), init, { ...limits(directory, {}), ...databaseUser })
    const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: directory, fsync: 'off' }
    const args = ['-D', data, '-p', String(port), ...Object.entries(settings).flatMap((pair) => ['-c', pair.join('=')])]
    const program = path.join(postgres, 'postgres')
    const options = { name: 'postgres', program, args, port, directory, startMs: 30_000, stopSignal, ...databaseUser }
    const server = await startServer(options)
    await untilReady(port, directory)
    return { log: () => server.log(), stop: () => server.stop().then(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}

function limits(cwd: string, env: Readonly<Record<string, string>>) {
  return { cwd, env: { ...cleanEnvironment(cwd), ...env }, limitMs: 120_000 }
}

/** It takes connections before it serves them. */
async function untilReady(port: number, directory: string): Promise<void> {
  const program = path.join(postgres, 'pg_isready')
  for (let tries = 0; tries < 100; tries += 1) {
    const { exitCode } = await runProgram(program, ['-h', '127.0.0.1', '-p', String(port)], limits(directory, {}))
    if (exitCode === 0) return
    await delay(100)
  }
  throw new Error('PostgreSQL does not become ready')
}

/** The variables by which Pulp finds its settings. */
async function writeSettings(directory: string, publicUrl: string, ports: Ports): Promise<Record<string, string>> {
  const origin = publicUrl.replace(/\/$/, '')
  const key = path.join(directory, 'database.key')
  const file = path.join(directory, 'settings.py')
  const settings = {
    SECRET_KEY: 'not a secret'.repeat(5),
    DB_ENCRYPTION_KEY: key,
    MEDIA_ROOT: path.join(directory, 'media'),
    STATIC_ROOT: path.join(directory, 'static'),
    WORKING_DIRECTORY: path.join(directory, 'tmp'),
    FILE_UPLOAD_TEMP_DIR: path.join(directory, 'tmp'),
    CONTENT_ORIGIN: origin,
    PYPI_API_HOSTNAME: origin,
    REDIS_URL: '',
    ALLOWED_HOSTS: ['*'],
    DATABASES: {
      default: {
        ENGINE: 'django.db.backends.postgresql',
        NAME: 'postgres',
        USER: 'pulp',
        HOST: '127.0.0.1',
        PORT: String(ports.database),
      },
    },
  }
  // What JSON writes of texts and lists is Python too.
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
  const off = ['CACHE_ENABLED', 'ANALYTICS'].map((name) => `${name} = False\n`)
  await writeFile(file, [...lines, ...off, 'TOKEN_AUTH_DISABLED = True\n'].join(''))
  await writeFile(key, Buffer.from('0123456789abcdef0123456789abcdef').toString('base64'), { mode: 0o600 })
  return { PULP_SETTINGS: file, DJANGO_SETTINGS_MODULE: 'pulpcore.app.settings' }
}

async function manage(directory: string, env: Readonly<Record<string, string>>, ...args: string[]): Promise<void> {
  await mustRun(pulpProgram('pulpcore-manager'), args, limits(directory, env))
}

function pulpProgram(name: string): string {
  return path.join(path.dirname(pulpPython), name)
}

async function startProcesses(
  directory: string,
  env: Readonly<Record<string, string>>,
  { api, content }: Ports,
): Promise<ServerProcess[]> {
  const start = (name: string, port: number, args: string[]) => {
    const program = pulpProgram(name)
    return startServer({ name, program, args, port, directory, startMs: 60_000, env, stopSignal })
  }
  const address = (port: number, name: string) => ['--bind', `127.0.0.1:${port}`, '--workers', '1', '--name', name]
  const started = await Promise.allSettled([
    start('pulpcore-api', api, address(api, 'api')),
    start('pulpcore-content', content, address(content, 'content')),
    // It listens nowhere: ready when the API is, since its tasks wait for it.
    start('pulpcore-worker', api, []),
  ])
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failure = started.find((one) => one.status === 'rejected')
  if (failure === undefined) return servers
  for (const server of servers) await server.stop()
  throw failure.reason
}

async function makeIndex(port: number): Promise<void> {
  const { pulp_href: repository } = await call(port, '/pulp/api/v3/repositories/python/python/', { name: 'release' })
  const index = { name: 'release', base_path: 'release', repository }
  const { task } = await call(port, '/pulp/api/v3/distributions/python/pypi/', index)
  for (let tries = 0; tries < 300; tries += 1) {
    const { state } = await call(port, String(task))
    if (state === 'completed') return
    await delay(100)
  }
  throw new Error('Pulp does not make the index')
}

/** GET, or POST with a body. Pulp listens before it can answer. */
async function call(port: number, place: string, body?: object): Promise<Readonly<Record<string, unknown>>> {
  const authorization = `Basic ${Buffer.from(`${PULP.user}:${PULP.password}`).toString('base64')}`
  const response = await fetch(`http://127.0.0.1:${port}${place}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(60_000),
  })
  if (!response.ok) throw new Error(`Pulp answered ${response.status} to ${place}: ${await response.text()}`)
  const answer: Readonly<Record<string, unknown>> = JSON.parse(await response.text())
  return answer
}
