/**
 * Benchmarks of this action against twine, uv and curl: `npm run bench -- [--rounds N] [--only NAME]...`. All publish
 * the same wheels to the same nginx, which demands a client certificate; in each round every client has its turn, and each
 * time another one begins, so that what disturbs the machine disturbs all of them. Every upload's bytes are compared
 * afterwards.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import * as clients from './clients.ts'
import { type CaseResult, resultsPage, type Sample } from './results.ts'
import { type BenchServer, startBenchServer } from './server.ts'
import { installTools, type Tools } from './tools.ts'
import { measureRoundTrip, openWay } from './way.ts'
import { digestOf, type Wheel, writeWheels } from './wheels.ts'

interface Case {
  readonly name: string
  readonly title: string
  readonly files: number
  /** Random bytes in each wheel. */
  readonly payload: number
  readonly roundTripMs: number
  /** Files that the project's page lists before. */
  readonly listed: number
  /** Rounds of this case in one of the whole: short ones scatter more. */
  readonly repeat: number
  readonly clients: readonly clients.Client[]
}

const KB = 1000
const MB = 1000 * KB
const GB = 1000 * MB
const ONE = [clients.bare, clients.whole, clients.uv, clients.uvChecking, clients.twine, clients.curl]
const MANY = [...ONE, clients.curlParallel]
const LIMIT_SECONDS = 120

function casesFor({ versions }: Tools): readonly Case[] {
  const common = { roundTripMs: 0, listed: 0, repeat: 1 }
  const installing = [clients.uvInstalled(versions.uv), clients.twineInstalled(versions.twine)]
  return [
    { ...common, name: '1x1MB', title: '1 wheel of 1 MB', files: 1, payload: MB, repeat: 4, clients: ONE },
    { ...common, name: '100x1MB', title: '100 wheels of 1 MB', files: 100, payload: MB, clients: MANY },
    {
      ...common,
      name: '100x100KB',
      title: '100 wheels of 100 KB, 40 ms round trip',
      files: 100,
      payload: 100 * KB,
      roundTripMs: 40,
      repeat: 2,
      clients: MANY,
    },
    {
      ...common,
      name: '40x5MB',
      title: '40 wheels of 5 MB, 20 ms round trip',
      files: 40,
      payload: 5 * MB,
      roundTripMs: 20,
      clients: MANY,
    },
    { ...common, name: '1x1GB', title: '1 wheel of 1 GB', files: 1, payload: GB, repeat: 2, clients: ONE },
    {
      ...common,
      name: 'page20000',
      title: '1 wheel of 1 MB, the project has 20,000 files',
      files: 1,
      payload: MB,
      listed: 20_000,
      repeat: 2,
      clients: [clients.whole, clients.uvChecking],
    },
    {
      ...common,
      name: 'fresh',
      title: '1 wheel of 1 MB, from an environment without any tool',
      files: 1,
      payload: MB,
      clients: [clients.whole, ...installing],
    },
  ]
}

interface Bench {
  readonly tools: Tools
  readonly server: BenchServer
  /** Holds wheels and what runs leave behind. */
  readonly directory: string
  readonly rounds: number
}

async function runCase(bench: Bench, one: Case): Promise<CaseResult> {
  const { directory, server, rounds } = bench
  const folder = path.join(directory, `${one.files}x${one.payload}`)
  const wheels = await writeWheels(folder, one.files, one.payload)
  const roundTripMs = one.roundTripMs === 0 ? undefined : await measureRoundTrip(one.roundTripMs)
  const way = await openWay(server.port, one.roundTripMs)
  const samples = new Map(one.clients.map(({ name }): [string, Sample[]] => [name, []]))
  try {
    // Not counted: the first one would find no memory that a run before it used.
    await runOnce(bench, one, clients.curl, { folder, wheels, port: way.port })
    for (let round = 0; round < rounds * one.repeat; round += 1) {
      for (const client of rotated(one.clients, round)) {
        const sample = await runOnce(bench, one, client, { folder, wheels, port: way.port })
        samples.get(client.name)?.push(sample)
        process.stderr.write(`${one.name}  ${client.name}  ${sample.wallSeconds.toFixed(3)} s\n`)
      }
    }
  } finally {
    way.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { title: one.title, roundTripMs, samples }
}

/** Another one begins each time: a gigabyte that was freed just before slows the next one down. */
function rotated<T>(all: readonly T[], by: number): readonly T[] {
  const start = by % all.length
  return [...all.slice(start), ...all.slice(0, start)]
}

interface Wanted {
  readonly folder: string
  readonly wheels: readonly Wheel[]
  readonly port: number
}

async function runOnce(bench: Bench, one: Case, client: clients.Client, wanted: Wanted): Promise<Sample> {
  const { directory, server, tools } = bench
  const { folder, wheels, port } = wanted
  server.reset(one.listed)
  // Into the page cache: nobody shall pay for the disk.
  for (const { path: file } of wheels) await digestOf(file)
  const temp = await mkdtemp(path.join(directory, 'run-'))
  try {
    const command = await client.command({ wheels, folder, port, server, temp, programs: tools.programs })
    const log = path.join(temp, 'log')
    const { exitCode, ...sample } = await measure(tools.python, log, command)
    if (exitCode !== 0) throw new Error(`${client.name} ended with ${exitCode}:\n${await readFile(log, 'utf8')}`)
    await server.verify(wheels)
    return { ...sample, ...server.counts }
  } finally {
    await rm(temp, { recursive: true, force: true })
  }
}

async function measure(python: string, log: string, { argv, env }: clients.Command) {
  const script = path.join(import.meta.dirname, 'measure.py')
  // Without its site packages Python is small: its memory is the least that it can report.
  const child = spawn(python, ['-I', '-S', script, log, String(LIMIT_SECONDS), ...argv], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const result: { exitCode: number; wallSeconds: number; cpuSeconds: number; peakBytes: number } = JSON.parse(
    await text(child.stdout),
  )
  return result
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, only: { type: 'string', multiple: true } },
})
const tools = installTools()
const cases = casesFor(tools).filter(({ name }) => values.only?.includes(name) ?? true)
const directory = await mkdtemp(path.join(os.tmpdir(), 'bench-'))
const server = await startBenchServer(tools.nginx)
try {
  const results: CaseResult[] = []
  for (const one of cases) {
    results.push(await runCase({ tools, server, directory, rounds: Number(values.rounds) }, one))
  }
  const page = resultsPage(results, tools.versions, new Date())
  console.log(page)
  const target = path.join(import.meta.dirname, 'RESULTS.md')
  // A part is no result.
  if (values.only === undefined) await writeFile(target, page)
} finally {
  await server.stop()
  await rm(directory, { recursive: true, force: true })
}
