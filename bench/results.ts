/** The page of results: bench/RESULTS.md. */
import { readFileSync } from 'node:fs'
import os from 'node:os'
import type { Versions } from './tools.ts'

/** One run of one client. */
export interface Sample {
  readonly wallSeconds: number
  /** Of the client alone, user and system. */
  readonly cpuSeconds: number
  readonly peakBytes: number
  /** Requests that the server saw. */
  readonly posts: number
  readonly gets: number
}

export interface CaseResult {
  readonly title: string
  /** As it was measured; undefined without a delay line. */
  readonly roundTripMs: number | undefined
  /** By client, in the order in which they ran. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>
}

const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b)
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]]
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2
}

/** Markdown. `ours / it`: this action's median as a part of that client's, below 1 where this action is faster. */
export function resultsPage(results: readonly CaseResult[], versions: Versions, now: Date): string {
  return `# Benchmarks

${now.toISOString().slice(0, 10)}; ${machine()}; Node.js ${versions.node}, twine ${versions.twine} (Python ${versions.python}), uv ${versions.uv}, curl ${versions.curl}, nginx ${versions.nginx}.

${METHOD}
${results.map(section).join('\n')}`
}

const METHOD = `\`npm run bench\` makes this page. Every client is a process of its own, from its start to its end, and publishes to the
same nginx on the same machine: client certificate required, TLS 1.3, HTTP/1.1. In each round every client has its turn, and
each time another one begins. nginx writes the uploads to memory; after each run they are compared, byte for byte by size
and SHA-256, with what was to be published. A run's uploads are deleted when the first bytes of the next run's arrive, so that nginx
finds the same memory for all: what is free for a second goes back to the host of a virtual machine, and a client that
hashes first would pay for getting it back. The index lists the digest that the client announced, and does not hash by itself: a server that does is
slower for all. MB are millions of bytes; wheels hold random bytes, stored; they are in the page cache. Round trips are
made by a relay that hands bytes on later, the TCP handshake included; a relay has no slow start and no limit of
bandwidth. uv and twine hash a file before they send it (uv SHA-256 and BLAKE2b, twine these and MD5), as this action does
with SHA-256; curl hashes nothing, sends what was computed before, and is the floor. "ours / it" is the median of this
action's row divided by the one of that row: below 1 this action is faster. Rounds scatter by a quarter on a shared machine: small differences are noise.
Client and server share the machine's cores. Memory is the peak of the process (never shown below about 9 MB).
`

function machine(): string {
  const cpus = os.cpus()
  const memory = Math.round(os.totalmem() / 1024 ** 3)
  const model = cpus[0]?.model.trim() || cpuModel()
  return `${cpus.length} cores (${model}), ${memory} GiB, ${os.type()} ${os.release()}`
}

function cpuModel(): string {
  try {
    return /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown'
  } catch {
    return 'unknown'
  }
}

const OURS = /^this action/

function section({ title, roundTripMs, samples }: CaseResult): string {
  const rows = [...samples].map(([name, runs]) => ({ name, runs, wall: median(runs.map((run) => run.wallSeconds)) }))
  const ours = rows.filter(({ name }) => OURS.test(name))
  const heads = ours.map(({ name }) => `ours / it${ours.length < 2 ? '' : name.endsWith('off') ? ', off' : ', on'}`)
  const columns = ['client', 'median s', 'min s', 'CPU s', 'memory MB', 'requests', ...heads]
  const lines = rows.map(({ name, runs, wall }) => {
    const of = (value: (run: Sample) => number) => runs.map(value)
    const [last] = runs.slice(-1)
    const ratios = ours.map((own) => (OURS.test(name) ? '' : (own.wall / wall).toFixed(2)))
    return [
      name,
      seconds(wall),
      seconds(Math.min(...of((run) => run.wallSeconds))),
      seconds(median(of((run) => run.cpuSeconds))),
      (median(of((run) => run.peakBytes)) / 1e6).toFixed(0),
      last === undefined ? '' : `${last.posts} POST${last.gets === 0 ? '' : `, ${last.gets} GET`}`,
      ...ratios,
    ]
  })
  const rule = columns.map((_, index) => (index === 0 ? '---' : '---:'))
  const table = [columns, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`)
  const rounds = Math.max(...rows.map(({ runs }) => runs.length))
  const measured = roundTripMs === undefined ? '' : `; measured round trip ${roundTripMs.toFixed(1)} ms`
  return `## ${title}\n\nRounds: ${rounds}${measured}.\n\n${table.join('\n')}\n`
}

const seconds = (value: number): string => value.toFixed(value < 1 ? 3 : 2)
