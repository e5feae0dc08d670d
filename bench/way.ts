/** The way from a client to the server: directly, or through the delay line of delay.ts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import path from 'node:path'

export interface Way {
  readonly port: number
  close(): void
}

/** The delay line, or nothing at all where the round trip is 0. */
export async function openWay(port: number, roundTripMs: number): Promise<Way> {
  if (roundTripMs === 0) return { port, close: () => {} }
  const script = path.join(import.meta.dirname, 'delay.ts')
  const child = spawn(process.execPath, [script, String(port), String(roundTripMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  return { port: Number(line), close: () => child.kill('SIGKILL') }
}

const PINGS = 25

/** What such a delay line really adds, in milliseconds: the median of single bytes sent to and fro. */
export async function measureRoundTrip(roundTripMs: number): Promise<number> {
  const echo = createServer({ noDelay: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const direct = await ping(portOf(echo))
  const way = await openWay(portOf(echo), roundTripMs)
  const delayed = await ping(way.port)
  way.close()
  echo.close()
  return delayed - direct
}

async function ping(port: number): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const times: number[] = []
  // The first one waits for the handshake that the delay line plays.
  for (let count = 0; count <= PINGS; count += 1) {
    const start = performance.now()
    socket.write('.')
    await once(socket, 'data')
    if (count > 0) times.push(performance.now() - start)
  }
  socket.destroy()
  return times.toSorted((a, b) => a - b)[Math.floor(PINGS / 2)] ?? Number.NaN
}

/** @throws Error for a server that does not listen on a TCP port */
export function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected a TCP port')
  return address.port
}
