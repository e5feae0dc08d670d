import { setTimeout as delay } from 'node:timers/promises'
import { monotonicNow } from '../clock.ts'
import type { Distribution } from '../distributions/distribution.ts'
import { Silence } from './exchange.ts'
import { within } from './fetch.ts'
import { askPatiently, type IndexAccess } from './lookups.ts'
import {
  type Ask,
  type Finding,
  isListed,
  LookupFailure,
  type PageFormat,
  type ProjectFindings,
} from './simple-index.ts'

/** What the wait for one file came to. */
export type Confirmation =
  | Exclude<Finding, { state: 'absent' }>
  /**
   * Not listed in time; `why`: what kept the index from being asked, as the end of a sentence. `knowsProject`: whether it
   * has listed any file of the project.
   */
  | {
      readonly state: 'missing'
      readonly waitedMs: number
      readonly why: string | undefined
      readonly knowsProject: boolean
    }

/** Milliseconds: the first pause between two looks, and the longest one. */
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 10_000

/** Milliseconds that the last look may take, which begins at the end of the time. */
const LAST_LOOK = 1_000

/**
 * Waits until the index lists files of which a server said that it has them: it may make its pages some time later, and
 * caches may hold the old ones back, JSON and HTML apart. One page a project and look; `timeoutMs` is for all together.
 *
 * `onEnd` is called once for each file, as soon as it is known. Rejects with the signal's reason.
 */
export async function confirm(
  distributions: readonly Distribution[],
  access: IndexAccess,
  timeoutMs: number,
  onEnd: (distribution: Distribution, end: Confirmation) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const start = monotonicNow()
  // One for all: a look that ends with the time must not make room for another one.
  const clock = new AbortController()
  const timer = setTimeout(() => clock.abort(new Silence(timeoutMs)), timeoutMs + LAST_LOOK)
  // One after the other, and beside the looks: to explain a conflict may take longer than the others have to be listed.
  let telling = Promise.resolve()
  const tell: Tell = (one, end) => {
    telling = telling.then(() => onEnd(one, end))
    telling.catch(() => {})
  }
  const projects = Map.groupBy(distributions, ({ project }) => project)
  const waits = [...projects].map(([project, files]) => {
    const wait = { project, start, timeoutMs, over: clock.signal, access, signal }
    return confirmProject(files, wait, tell)
  })
  try {
    await Promise.all(waits)
  } finally {
    clearTimeout(timer)
    // Also behind a cancellation: what was seen on the index is told.
    await telling
  }
}

type Tell = (distribution: Distribution, end: Confirmation) => void

interface Wait {
  readonly project: string
  /** In the time of `monotonicNow()`. */
  readonly start: number
  readonly timeoutMs: number
  /** Aborted when no look goes on. */
  readonly over: AbortSignal
  readonly access: IndexAccess
  readonly signal: AbortSignal
}

async function confirmProject(distributions: readonly Distribution[], wait: Wait, tell: Tell): Promise<void> {
  let pending = distributions
  let reason: string | undefined
  let hasLooked = false
  let knowsProject = false
  let prefer: PageFormat = 'json'
  for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
    const { known, files, why, isFinal, isCut } = await look(pending, prefer, wait)
    knowsProject ||= known
    const listed = pending.filter(({ file }) => isListed(files.get(file)))
    for (const one of listed) {
      const finding = files.get(one.file)
      if (isListed(finding)) tell(one, finding)
    }
    pending = pending.filter((one) => !listed.includes(one))
    // What the last whole look met says more than that there was no time for another one.
    if (!isCut || !hasLooked) reason = why
    hasLooked ||= !isCut
    const waitedMs = monotonicNow() - wait.start
    const left = wait.timeoutMs - waitedMs
    if (pending.length === 0) return
    if (left <= 0 || isFinal) {
      for (const one of pending) tell(one, { state: 'missing', waitedMs, why: reason, knowsProject })
      return
    }
    await delay(Math.min(pause, left), undefined, { signal: wait.signal }).catch(() => wait.signal.throwIfAborted())
    prefer = prefer === 'json' ? 'html' : 'json'
  }
}

interface Look extends ProjectFindings {
  readonly why: string | undefined
  /** Whether waiting is of no use. */
  readonly isFinal: boolean
  /** Whether it ended with the time of all looks. */
  readonly isCut: boolean
}

const NOTHING: ProjectFindings = { known: false, files: new Map() }

/** The wait is the retry. A page that stays silent takes half of the time that is left: the other one may be there. */
async function look(distributions: readonly Distribution[], prefer: PageFormat, wait: Wait): Promise<Look> {
  const { project, access, over, signal } = wait
  // From when it is asked: what it waits for before, pages of other projects, ends by itself.
  let isAsked = false
  const ask: Ask = (one, files, representation, ends) => {
    isAsked = true
    const limit = Math.max(LAST_LOOK, timeLeft(wait) / 2)
    return within(limit, ends, (timed) => access.ask(one, files, representation, timed))
  }
  try {
    const once = { ...access, ask, retries: 0 }
    const findings = await askPatiently(once, project, distributions, prefer, AbortSignal.any([signal, over]))
    return { ...findings, why: undefined, isFinal: false, isCut: false }
  } catch (error) {
    signal.throwIfAborted()
    if (error === over.reason) return { ...NOTHING, why: isAsked ? NO_ANSWER : NO_TIME, isFinal: true, isCut: true }
    if (error instanceof Silence) return { ...NOTHING, why: silent(error), isFinal: false, isCut: false }
    if (!(error instanceof LookupFailure)) throw error
    const { found, problem, retry } = error
    // It has answered before: a login, a page for people or a refusal in between is there for a time.
    const isFinal = (retry?.afterMs ?? 0) > LAST_LOOK + timeLeft(wait)
    return { known: false, files: found, why: problem.message, isFinal, isCut: false }
  }
}

/** Whole milliseconds, 0 when the time is over. */
function timeLeft({ start, timeoutMs }: Wait): number {
  return Math.max(0, Math.ceil(start + timeoutMs - monotonicNow()))
}

const NO_ANSWER = 'the simple index gave no whole answer in that time'

const NO_TIME = 'it was not asked again: a pause that it asked for, or its other pages, took all of that time'

function silent({ time }: Silence): string {
  return `the simple index gave no whole answer within ${time}`
}
