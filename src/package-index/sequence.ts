import type { Distribution } from '../distributions/distribution.ts'
import { type PublishError, problemsOf } from '../errors.ts'
import { type FileResult, notTried, resultOf } from './outcome.ts'
import { Slots } from './slots.ts'

/** What the order has to know of the end of one file. */
export interface SendEnd {
  /** Whether users must not go without this file: then its sdist does not go either. */
  readonly failed: boolean
  readonly problem: PublishError | undefined
  readonly ends: 'file' | 'project' | 'run'
  /** The index takes no more new projects for now; known ones go on. */
  readonly refusesNewProjects?: true
}

export interface Sequence<End extends SendEnd> {
  /** What is to be sent. */
  readonly distributions: readonly Distribution[]
  /** Normalised names of the projects that the index has files of. */
  readonly known: ReadonlySet<string>
  /** Wheels that are not on the index as they should be: their sdists are held back. */
  readonly failedWheels: readonly Distribution[]
  /** Files that are on their way at the same time. */
  readonly maxParallel: number
  readonly send: (distribution: Distribution) => Promise<End>
  /** Requests that carried the file so far, for when `send` rejects. */
  readonly attemptsOf: (distribution: Distribution) => number
  /** Called for each file that was sent. */
  readonly onEnd: (distribution: Distribution, end: End) => void
  /** Called for each other one. */
  readonly onResult: (distribution: Distribution, result: FileResult) => void
}

/**
 * Sends files side by side, in an order that is safe: of a project that the index does not know its smallest wheel goes
 * alone, since the first file makes the project; sdists go after all wheels of their project, and one is held back when
 * a wheel of its version failed: users of that wheel's platform would build from source without knowing. A fault ends
 * its file, its project or the run.
 *
 * @returns what ended the run early
 * @throws what `send` rejects with (the run was cancelled), when every file has been told
 */
export async function sendInOrder<End extends SendEnd>(sequence: Sequence<End>): Promise<PublishError | undefined> {
  const sender = new Sender(sequence)
  const projects = Map.groupBy(sequence.distributions, ({ project }) => project)
  await Promise.all([...projects].map(([project, files]) => sender.sendProject(project, files)))
  return sender.finish()
}

class Sender<End extends SendEnd> {
  readonly #sequence: Sequence<End>
  readonly #slots: Slots
  readonly #known: Set<string>
  readonly #failedWheels: Distribution[]
  /** By project: why no more of its files are sent. */
  readonly #stopped = new Map<string, PublishError>()
  #newProjects: PublishError | undefined
  #ended: PublishError | undefined
  #interruption: { readonly error: unknown } | undefined

  constructor(sequence: Sequence<End>) {
    this.#sequence = sequence
    this.#slots = new Slots(sequence.maxParallel)
    this.#known = new Set(sequence.known)
    this.#failedWheels = [...sequence.failedWheels]
  }

  finish(): PublishError | undefined {
    if (this.#interruption !== undefined) throw this.#interruption.error
    return this.#ended
  }

  async sendProject(project: string, files: readonly Distribution[]): Promise<void> {
    const wheels = files.filter(({ kind }) => kind === 'wheel')
    const sdists = files.filter(({ kind }) => kind === 'sdist')
    for (const group of [wheels, sdists]) {
      const left = [...group]
      while (!this.#known.has(project) && left.length > 0) await this.#send(takeSmallest(left))
      await Promise.all(left.map((one) => this.#send(one)))
    }
  }

  async #send(distribution: Distribution): Promise<void> {
    // Without a signal: each file gets its turn, if only to be told that it was not sent.
    await this.#slots.use(async () => {
      const held = this.#heldBack(distribution)
      if (held === undefined) await this.#sendNow(distribution)
      else this.#sequence.onResult(distribution, held)
    })
  }

  async #sendNow(distribution: Distribution): Promise<void> {
    const { send, attemptsOf, onEnd, onResult } = this.#sequence
    try {
      const end = await send(distribution)
      this.#learn(distribution, end)
      onEnd(distribution, end)
    } catch (error) {
      this.#interruption ??= { error }
      const [problem] = problemsOf(error)
      this.#ended ??= problem
      this.#noteFailure(distribution)
      const attempts = attemptsOf(distribution)
      const wasTried = attempts > 0
      onResult(distribution, wasTried ? interrupted(distribution, attempts, problem) : notTried(distribution, problem))
    }
  }

  #learn(distribution: Distribution, { failed, problem, ends, refusesNewProjects }: SendEnd): void {
    const { project } = distribution
    if (failed) this.#noteFailure(distribution)
    else this.#known.add(project)
    if (ends === 'run') this.#ended ??= problem
    if (ends === 'project' && problem !== undefined) this.#stopped.set(project, problem)
    if (refusesNewProjects) this.#newProjects ??= problem
  }

  #noteFailure(distribution: Distribution): void {
    if (distribution.kind === 'wheel') this.#failedWheels.push(distribution)
  }

  #heldBack(distribution: Distribution): FileResult | undefined {
    const { project, version, kind } = distribution
    const refused = this.#known.has(project) ? undefined : this.#newProjects
    const problem = this.#ended ?? this.#stopped.get(project) ?? refused
    if (problem !== undefined) {
      this.#noteFailure(distribution)
      return notTried(distribution, problem)
    }
    if (kind === 'wheel') return undefined
    const failed = this.#failedWheels.filter((wheel) => wheel.project === project && wheel.version === version)
    return failed.length === 0 ? undefined : withoutItsWheels(distribution, failed)
  }
}

/** A project's first file is the one that costs least when the index refuses the project. */
function takeSmallest(files: Distribution[]): Distribution {
  const [first, ...others] = files
  if (first === undefined) throw new Error('there is no file left')
  const smallest = others.reduce((best, one) => (one.size < best.size ? one : best), first)
  files.splice(files.indexOf(smallest), 1)
  return smallest
}

/** Lines of `files` in one sentence. */
const SHOWN_LINES = 3

function withoutItsWheels(distribution: Distribution, failed: readonly Distribution[]): FileResult {
  const [first] = failed
  const others = failed.length === 1 ? '' : ` and ${failed.length - 1} more`
  const lines = failed.slice(0, SHOWN_LINES).map(({ shown }) => `!${shown}`)
  const rest = failed.length > lines.length ? ` and so on for ${failed.length - lines.length} more` : ''
  return resultOf(distribution, {
    outcome: 'not-tried',
    message: `not sent, because the wheel ${first?.file}${others} of the same version did not succeed: whoever needs that wheel would build from source`,
    hint: `Mend that wheel. To publish this file without it, add to \`files\`, after its patterns: ${lines.join(' ')}${rest}`,
  })
}

/** Nobody knows how much of it the server had. */
function interrupted(distribution: Distribution, attempts: number, problem: PublishError | undefined): FileResult {
  return resultOf(distribution, {
    outcome: 'no-answer',
    attempts,
    code: problem?.code,
    message: `the run ended before the last word of the index on it, so it may or may not be there: ${problem?.message ?? 'unknown fault'}`,
  })
}
