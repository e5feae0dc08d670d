import { monotonicNow } from '../clock.ts'
import type { Distribution } from '../distributions/distribution.ts'
import type { PublishError } from '../errors.ts'
import type { Pace } from './pace.ts'
import { LONGEST_WAIT } from './retry-after.ts'
import {
  type Ask,
  type Finding,
  isListed,
  LookupFailure,
  type PageFormat,
  type ProjectFindings,
} from './simple-index.ts'
import type { Slots } from './slots.ts'

/** What a run asks the simple index with. */
export interface IndexAccess {
  readonly ask: Ask
  /** How fast that server is asked. */
  readonly pace: Pace
  /** Times that a lookup is tried again. */
  readonly retries: number
  /** Lookups at the same time: the time of each begins when there is a connection for it. */
  readonly slots: Slots
  /** Told of each lookup after which another one follows: why, and in how many milliseconds at the earliest. */
  readonly onRetry: (project: string, problem: PublishError, waitMs: number) => void
}

/** Milliseconds after which a lookup counts no more: somebody else may have published since. */
const STALE_AFTER = 10_000

/** What the lookups before anything is sent came to. */
interface AllFindings {
  readonly projects: ReadonlyMap<string, ProjectFindings>
  readonly failure: LookupFailure | undefined
}

interface Lookup {
  readonly at: number
  readonly findings: Promise<ProjectFindings>
}

const ABSENT: Finding = { state: 'absent' }

/** What the index has of the projects of one run: asked once a project, and again when that is long ago. */
export class Lookups {
  readonly #access: IndexAccess
  readonly #distributions: ReadonlyMap<string, readonly Distribution[]>
  readonly #lookups = new Map<string, Lookup>()
  readonly #inTrouble = new Set<string>()

  constructor(access: IndexAccess, distributions: readonly Distribution[]) {
    this.#access = access
    this.#distributions = Map.groupBy(distributions, ({ project }) => project)
  }

  /** All projects, side by side, until the first failure: then what was known by that time. Rejects with the signal's reason. */
  async all(signal: AbortSignal): Promise<AllFindings> {
    const projects = new Map<string, ProjectFindings>()
    const lookUp = async (one: string) => {
      try {
        projects.set(one, await this.#lookUp(one, signal))
      } catch (error) {
        if (error instanceof LookupFailure) projects.set(one, { known: false, files: error.found })
        throw error
      }
    }
    try {
      await Promise.all([...this.#distributions.keys()].map(lookUp))
      return { projects, failure: undefined }
    } catch (error) {
      if (error instanceof LookupFailure) return { projects, failure: error }
      throw error
    }
  }

  /** What the index has of one file, by a lookup that is not stale. Rejects as `all` does. */
  async recent({ project, file }: Distribution, signal: AbortSignal): Promise<Finding> {
    const known = this.#lookups.get(project)
    const isRecent = known !== undefined && monotonicNow() - known.at < STALE_AFTER
    const { files } = await (isRecent ? known.findings : this.#lookUp(project, signal))
    return files.get(file) ?? ABSENT
  }

  /**
   * What the index has of some files now, by their names: one page a project. Those of which it does not say are left out.
   * It is asked in trouble, which takes time: the project's lookup counts no more, and its other files are looked up again
   * before they are sent, on both pages, of which either may have been shown here. Rejects with the signal's reason.
   */
  async now(
    distributions: readonly Distribution[],
    prefer: PageFormat,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Finding>> {
    const projects = [...Map.groupBy(distributions, ({ project }) => project)]
    const found = await Promise.all(projects.map(([project, files]) => this.#findings(project, files, prefer, signal)))
    for (const [project] of projects) {
      this.#lookups.delete(project)
      this.#inTrouble.add(project)
    }
    return new Map(found.flatMap((one) => [...one]))
  }

  async #findings(
    project: string,
    distributions: readonly Distribution[],
    prefer: PageFormat,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Finding>> {
    try {
      const { files } = await askPatiently(this.#access, project, distributions, prefer, signal)
      return new Map(distributions.map(({ file }) => [file, files.get(file) ?? ABSENT]))
    } catch (error) {
      if (error instanceof LookupFailure) return error.found
      throw error
    }
  }

  #lookUp(project: string, signal: AbortSignal): Promise<ProjectFindings> {
    const files = this.#distributions.get(project) ?? []
    const ask = this.#inTrouble.has(project) ? onBothPages : onOnePage
    const findings = ask(this.#access, project, files, signal)
    // Whoever awaits it hears of its end; one that nobody awaits any more must not end the process.
    findings.catch(() => {})
    this.#lookups.set(project, { at: monotonicNow(), findings })
    return findings
  }
}

type AskAll = (
  access: IndexAccess,
  project: string,
  distributions: readonly Distribution[],
  signal: AbortSignal,
) => Promise<ProjectFindings>

const onOnePage: AskAll = (access, project, files, signal) => askPatiently(access, project, files, 'json', signal)

/** Caches hold JSON and HTML apart, and old pages of either. */
const onBothPages: AskAll = async (access, project, distributions, signal) => {
  const one = await onOnePage(access, project, distributions, signal)
  const open = distributions.filter(({ file }) => !isListed(one.files.get(file)))
  if (open.length === 0) return one
  const other = await askPatiently(access, project, open, 'html', signal)
  return { known: one.known || other.known, files: new Map([...one.files, ...other.files]) }
}

/**
 * A lookup that is tried again where that may help, in the pace of the server. Rejects with LookupFailure, or with the
 * signal's reason.
 */
export async function askPatiently(
  { ask, pace, retries, slots, onRetry }: IndexAccess,
  project: string,
  distributions: readonly Distribution[],
  prefer: PageFormat,
  signal: AbortSignal,
): Promise<ProjectFindings> {
  const found = new Map<string, Finding>()
  for (let left = retries; ; left -= 1) {
    const turn = await pace.turn(signal)
    try {
      const open = distributions.filter(({ file }) => !found.has(file))
      const { known, files } = await slots.use(() => ask(project, open, prefer, signal), signal)
      pace.answered(turn)
      return { known, files: new Map([...found, ...files]) }
    } catch (error) {
      if (!(error instanceof LookupFailure)) throw error
      for (const [file, finding] of error.found) if (isListed(finding)) found.set(file, finding)
      const { problem, retry } = error
      const mayHelp = retry !== undefined && (retry.afterMs ?? 0) <= LONGEST_WAIT && pace.failed(turn, retry.afterMs)
      if (!mayHelp || left === 0) throw new LookupFailure(problem, retry, found)
      onRetry(project, problem, pace.waitMs)
    } finally {
      pace.left(turn)
    }
  }
}
