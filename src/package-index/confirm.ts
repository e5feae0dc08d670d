import { setTimeout as delay } from 'node:timers/promises'
import { monotonicNow } from '../clock.ts'
import type { Distribution } from '../distributions/distribution.ts'
import type { PublishError } from '../errors.ts'
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
  // A last look begins at the end of the time, and waits no longer than one silent page of another project.
  const over = AbortSignal.timeout(timeoutMs + access.longestMs)
  const projects = Map.groupBy(distributions, ({ project }) => project)
  const waits = [...projects].map(([project, files]) => {
    const wait = { project, start, timeoutMs, access, signal, over }
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
  /** From when on no look begins. */
  readonly over: AbortSignal
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

/** The wait is the retry. */
async function look(
  distributions: readonly Distribution[],
  prefer: PageFormat,
  { project, access, signal, over }: Wait,
): Promise<Look> {
  const patience = AbortSignal.any([signal, over])
  try {
    const once = { ...access, retries: 0 }
    const { files } = await askPatiently(once, project, distributions, prefer, signal, patience)
    return { files, problem: undefined, isFinal: false }
  } catch (error) {
    signal.throwIfAborted()
    if (error === over.reason) return { files: new Map(), problem: undefined, isFinal: true }
    if (!(error instanceof LookupFailure)) throw error
    return { files: error.found, problem: error.problem, isFinal: error.retry === undefined }
  }
}
