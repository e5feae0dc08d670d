import { setTimeout as delay } from 'node:timers/promises'
import { monotonicNow } from '../clock.ts'
import type { Distribution } from '../distributions/distribution.ts'
import { PublishError } from '../errors.ts'
import { askPatiently, type IndexAccess } from './lookups.ts'
import { type Finding, isListed, LookupFailure, type PageFormat } from './simple-index.ts'

/** What the wait for one file came to. */
export type Confirmation =
  | Exclude<Finding, { state: 'absent' }>
  /** Not listed in time; `problem`: why the index could not be asked. */
  | { readonly state: 'missing'; readonly waitedMs: number; readonly problem: PublishError | undefined }

/** Milliseconds: the first pause between two looks, and the longest one. */
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 10_000

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
  const projects = Map.groupBy(distributions, ({ project }) => project)
  const waits = [...projects].map(([project, files]) => {
    const wait = { project, start, timeoutMs, access, signal }
    return confirmProject(files, wait, onEnd)
  })
  await Promise.all(waits)
}

interface Wait {
  readonly project: string
  /** In the time of `monotonicNow()`. */
  readonly start: number
  readonly timeoutMs: number
  readonly access: IndexAccess
  readonly signal: AbortSignal
}

async function confirmProject(
  distributions: readonly Distribution[],
  wait: Wait,
  onEnd: (distribution: Distribution, end: Confirmation) => Promise<void>,
): Promise<void> {
  let pending = distributions
  let prefer: PageFormat = 'json'
  for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
    const { files, problem, isFinal } = await look(pending, prefer, wait)
    const listed = pending.filter(({ file }) => isListed(files.get(file)))
    for (const one of listed) {
      const finding = files.get(one.file)
      if (isListed(finding)) await onEnd(one, finding)
    }
    pending = pending.filter((one) => !listed.includes(one))
    const waitedMs = monotonicNow() - wait.start
    const left = wait.timeoutMs - waitedMs
    if (pending.length === 0) return
    if (left <= 0 || isFinal) {
      for (const one of pending) await onEnd(one, { state: 'missing', waitedMs, problem })
      return
    }
    await delay(Math.min(pause, left), undefined, { signal: wait.signal }).catch(() => wait.signal.throwIfAborted())
    prefer = prefer === 'json' ? 'html' : 'json'
  }
}

interface Look {
  readonly files: ReadonlyMap<string, Finding>
  readonly problem: PublishError | undefined
  /** Whether waiting is of no use. */
  readonly isFinal: boolean
}

/** Milliseconds that the last look may take, which begins at the end of the time. */
const LAST_LOOK = 1_000

/** The wait is the retry. A page that stays silent takes half of the time that is left: the other one may be there. */
async function look(distributions: readonly Distribution[], prefer: PageFormat, wait: Wait): Promise<Look> {
  const { project, access, start, timeoutMs, signal } = wait
  const limit = Math.max(LAST_LOOK, Math.ceil((timeoutMs - (monotonicNow() - start)) / 2))
  const deadline = AbortSignal.timeout(limit)
  const ends = AbortSignal.any([signal, deadline])
  try {
    const { files } = await askPatiently({ ...access, retries: 0 }, project, distributions, prefer, ends)
    return { files, problem: undefined, isFinal: false }
  } catch (error) {
    signal.throwIfAborted()
    if (error === deadline.reason) return { files: new Map(), problem: silent(limit), isFinal: false }
    if (!(error instanceof LookupFailure)) throw error
    const { found, problem, retry } = error
    // A page for people, of a proxy or while the index is made anew, is there for a time.
    return { files: found, problem, isFinal: retry === undefined && problem.code !== 'E_INDEX_LOOKUP' }
  }
}

function silent(limit: number): PublishError {
  return new PublishError({
    code: 'E_HTTP_NO_ANSWER',
    message: `the simple index gave no whole answer within ${Math.round(limit / 100) / 10} s`,
    hint: 'Raise verify-timeout-seconds if its pages need that long; else ask the team that runs the index.',
  })
}
