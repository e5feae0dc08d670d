/** Runs one scenario: a faulty index, the real transport, and what publishes over it. */
import { subscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createRoot, issueClient, issueServer } from '../../demo/certificate-authority.ts'
import type { Distribution } from '../../src/distributions/distribution.ts'
import type { FileResult } from '../../src/package-index/outcome.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { type FaultyIndex, startFaultyIndex } from './faulty-index.ts'
import { openDistribution } from './open-distribution.ts'
import type { Scenario, ScenarioFile, Settings } from './scenario.ts'
import { brokenPromises } from './scenario-rules.ts'
import { transportTo } from './transport.ts'

/** What a publisher is given. */
export interface Stage {
  readonly distributions: readonly Distribution[]
  readonly index: FaultyIndex
  readonly transport: Transport
  readonly settings: Settings
  readonly signal: AbortSignal
}

/** Publishes, and says of each file what became of it. */
export type Publisher = (stage: Stage) => Promise<readonly FileResult[]>

/** Milliseconds: no scenario needs so long by its own time limits, on a machine that has other things to do too. */
const LONGEST = 60_000

/** Milliseconds. */
const ON_ITS_WAY = 20

const root = createRoot({ name: 'Scenario Root' })
const server = issueServer(root, { name: 'localhost' })
const client = issueClient(root, { name: 'release' })

/** Promises that were broken, as sentences. `limit` in milliseconds. */
export async function runScenario(scenario: Scenario, publish: Publisher, limit = LONGEST): Promise<string[]> {
  const files = scenario.files.map((file) => openDistribution({ ...identityOf(file), bytes: contentOf(file) }))
  const index = await startFaultyIndex({
    server: { pem: server.pem, keyPem: server.keyPem },
    clientAuthorities: [root.pem],
    ...behaviourOf(scenario),
  })
  const counted = { open: 0, most: 0 }
  connections.set(index.port, counted)
  const { settings } = scenario
  const { idleTimeoutMs } = settings
  const transport = transportTo(index.uploadUrl, {
    client: [client],
    trusted: [root],
    idleTimeoutMs,
    connections: settings.maxParallel,
  })
  const distributions = files.map(({ distribution }) => distribution)
  const stage = { distributions, index, transport, settings }
  try {
    const cancel = scenario.cancelAfterMs === undefined ? [] : [AbortSignal.timeout(scenario.cancelAfterMs)]
    const results = await withinLimit(limit, (signal) => {
      return publish({ ...stage, signal: AbortSignal.any([signal, ...cancel]) })
    })
    const cancelled = cancel.some(({ aborted }) => aborted)
    // What was sent when the run was cancelled comes to the index behind the end.
    if (cancelled) await delay(ON_ITS_WAY)
    const uploads = index.uploads.length
    await transport.close()
    if (cancelled) await delay(ON_ITS_WAY)
    if (index.uploads.length > uploads) return ['an upload began behind the end']
    return brokenPromises({
      index,
      files: files.map(({ distribution, sha256 }) => ({ file: distribution.file, sha256 })),
      results,
      settings,
      cancelled,
      faultyDownloads: scenario.downloads.length > 0,
      mostConnections: counted.most,
    })
  } catch (error) {
    return [error instanceof Error ? `${error.stack}` : String(error)]
  } finally {
    connections.delete(index.port)
    await transport.close()
    await index.stop()
    for (const file of files) file.remove()
  }
}

async function withinLimit<T>(limit: number, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new Error(`did not end within ${limit / 1000} s`))
    controller.abort(new Error('the scenario takes too long'))
  }, limit)
  try {
    return await Promise.race([act(controller.signal), late])
  } finally {
    clearTimeout(timer)
  }
}

function identityOf({ name }: ScenarioFile): { file: string; project: string; version: string } {
  const [, project = '', version = ''] = /^([a-z]+)-([0-9.]*[0-9])/.exec(name) ?? []
  return { file: name, project, version }
}

function contentOf({ name, size }: ScenarioFile): Buffer {
  return Buffer.alloc(size, `bytes of ${name} `)
}

function behaviourOf({ files, lookups, downloads, deadConnections, existing, hashes, representations }: Scenario) {
  const tries = new Map(files.map((file) => [file.name, file.tries]))
  const behaviours = new Map(lookups.map((one) => [one.project, one.behaviours]))
  return {
    existing,
    hashes,
    representations,
    present: files.flatMap(presentFile),
    upload: ({ file, attempt }: { file: string; attempt: number }) => tries.get(file)?.[attempt - 1],
    lookup: ({ project, number }: { project: string; number: number }) => behaviours.get(project)?.[number - 1],
    download: (_: string, number: number) => downloads[number - 1],
    connection: (number: number) => (deadConnections.includes(number) ? ('reset' as const) : undefined),
  }
}

function presentFile(file: ScenarioFile): { name: string; bytes: Buffer }[] {
  const { name, there, size } = file
  if (there === 'nothing') return []
  if (there === 'same') return [{ name, bytes: contentOf(file) }]
  return [{ name, bytes: Buffer.alloc(there === 'other' ? size : size + 100, `other bytes of ${name} `) }]
}

interface Connections {
  open: number
  /** At the same moment. */
  most: number
}

/** Connections of this process, by the port that they lead to. */
const connections = new Map<number, Connections>()

subscribe('net.client.socket', (message) => {
  if (typeof message !== 'object' || message === null || !('socket' in message)) return
  const { socket } = message
  if (socket instanceof Socket) socket.once('connect', () => count(socket))
})

function count(socket: Socket): void {
  const counted = connections.get(socket.remotePort ?? 0)
  if (counted === undefined) return
  counted.open += 1
  counted.most = Math.max(counted.most, counted.open)
  socket.once('close', () => {
    counted.open -= 1
  })
}
