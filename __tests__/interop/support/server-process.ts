/** Real servers as child processes: started on a free port, ready when they accept a connection, ended by their pid. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { cleanEnvironment } from './environment.ts'
import { endWithThisProcess } from './run-program.ts'

export interface ServerOptions {
  /** Stands in front of its log. */
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly port: number
  /** Its working directory, its home and the place of its log. */
  readonly directory: string
  /** How long it may take to accept the first connection. */
  readonly startMs: number
  /** Variables beside those of every program. */
  readonly env?: Readonly<Record<string, string>>
  /** Number of the user and group that it runs as. Default: this user. */
  readonly uid?: number
  /** What ends it soon and in order. Default: SIGTERM. */
  readonly stopSignal?: 'SIGTERM' | 'SIGINT'
}

export interface ServerProcess {
  /** What it wrote to its standard output and error so far. */
  log(): string
  /** Resolves when the process is gone. */
  stop(): Promise<void>
}

const POLL_MS = 50
/** From the first signal to SIGKILL. */
const GRACE_MS = 5_000

/** A TCP port of the loopback interface that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server.address())
  server.close()
  await once(server, 'close')
  return port
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('expected a TCP port')
  return address.port
}

/** Starts a server and waits for it. Throws with its log when it ends or stays deaf. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { name, program, args, port, directory, startMs, env, uid, stopSignal = 'SIGTERM' } = options
  const logFile = path.join(directory, `${name}.log`)
  const output = openSync(logFile, 'a')
  const child = spawn(program, [...args], {
    cwd: directory,
    env: { ...cleanEnvironment(directory), ...env },
    stdio: ['ignore', output, output],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  closeSync(output)
  // A program that cannot be started has no exit: its error counts as one.
  let ended: string | undefined
  child.once('error', (error) => {
    ended = error.message
  })
  child.once('exit', (code, signal) => {
    ended = `it ended with ${signal ?? code}`
  })
  endWithThisProcess(() => child.kill('SIGKILL'))
  const server: ServerProcess = { log: () => readFileSync(logFile, 'utf8'), stop: () => stop(child, stopSignal) }
  const deadline = Date.now() + startMs
  while (ended === undefined && Date.now() < deadline) {
    if (await accepts(port)) return server
    await delay(POLL_MS)
  }
  await server.stop()
  throw new Error(`${name} does not listen: ${ended ?? `nothing after ${startMs} ms`}\n${server.log()}`)
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  const hard = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
  await exit
  clearTimeout(hard)
}
