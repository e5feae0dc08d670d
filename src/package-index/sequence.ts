import type { Distribution } from '../distributions/distribution.ts'
import { type PublishError, problemsOf } from '../errors.ts'
import { type FileResult, failsStep } from './outcome.ts'
import type { UploadEnd } from './upload.ts'

/**
 * Uploads one distribution after the other, in the order given (wheels before the sdists of their version). A 403 ends
 * its project, whatever concerns all files ends the run, and an sdist is held back when a wheel of its version failed:
 * users of that wheel's platform would build from source without knowing.
 *
 * `onResult` is called once for every file, in order, also for those that were not tried.
 *
 * @returns what ended the run early
 * @throws what `upload` rejects with (the run was cancelled), after `onResult` was called for the rest
 */
export async function uploadInOrder(
  distributions: readonly Distribution[],
  upload: (distribution: Distribution) => Promise<UploadEnd>,
  onResult: (result: FileResult) => void,
): Promise<PublishError | undefined> {
  const progress: Progress = { failedWheels: [], stopped: new Map(), ended: undefined }
  for (const [index, distribution] of distributions.entries()) {
    const held = heldBack(distribution, progress)
    if (held !== undefined) {
      onResult(held)
      note(distribution, held, progress)
      continue
    }
    try {
      const end = await upload(distribution)
      const result = resultOf(distribution, end)
      onResult(result)
      note(distribution, result, progress)
      if (end.ends === 'run') progress.ended = end.problem
      else if (end.ends === 'project' && end.problem) progress.stopped.set(distribution.project, end.problem)
    } catch (error) {
      const [problem] = problemsOf(error)
      onResult(interrupted(distribution, problem))
      for (const rest of distributions.slice(index + 1)) onResult(notTried(rest, problem))
      throw error
    }
  }
  return progress.ended
}

interface Progress {
  readonly failedWheels: Distribution[]
  /** By project: why no more of its files are sent. */
  readonly stopped: Map<string, PublishError>
  ended: PublishError | undefined
}

function note(distribution: Distribution, { outcome }: FileResult, { failedWheels }: Progress): void {
  if (distribution.kind === 'wheel' && failsStep(outcome)) failedWheels.push(distribution)
}

function heldBack(distribution: Distribution, { failedWheels, stopped, ended }: Progress): FileResult | undefined {
  const { project, version, kind } = distribution
  if (ended !== undefined) return notTried(distribution, ended)
  const problem = stopped.get(project)
  if (problem !== undefined) return notTried(distribution, problem)
  if (kind === 'wheel') return undefined
  const failed = failedWheels.filter((wheel) => wheel.project === project && wheel.version === version)
  return failed.length === 0 ? undefined : withoutItsWheels(distribution, failed)
}

function withoutItsWheels(distribution: Distribution, failed: readonly Distribution[]): FileResult {
  const [first] = failed
  const others = failed.length === 1 ? '' : ` and ${failed.length - 1} more`
  const lines = failed.map(({ shown }) => `!${shown}`).slice(0, 3)
  return {
    ...untouched(distribution),
    message: `not sent, because the wheel ${first?.file}${others} of the same version did not succeed: whoever needs that wheel would build from source`,
    hint: `Mend that first; to publish this file all the same, exclude the wheel in \`files\`: ${lines.join(' ')}`,
  }
}

function untouched({ file, project, version, kind, sha256, size }: Distribution): FileResult {
  const what = { file, project, version, kind, sha256, size }
  const nothing = { verified: 'no', attempts: 0, milliseconds: 0, code: undefined, hint: undefined } as const
  return { ...what, ...nothing, outcome: 'not-tried', message: 'not sent' }
}

/** A file that is not sent because of `problem`; undefined: the run ended before its turn. */
export function notTried(distribution: Distribution, problem: PublishError | undefined): FileResult {
  if (problem === undefined) return { ...untouched(distribution), message: 'not sent: the run ended before its turn' }
  const { code, message, hint } = problem
  return { ...untouched(distribution), code, hint, message: `not sent, because ${message}` }
}

/** A file that a dry run would have sent. */
export function wouldPublish(distribution: Distribution): FileResult {
  return { ...untouched(distribution), outcome: 'would-publish', message: undefined }
}

/** Nobody knows how much of it the server had. */
function interrupted(distribution: Distribution, problem: PublishError | undefined): FileResult {
  return {
    ...untouched(distribution),
    outcome: 'no-answer',
    attempts: 1,
    code: problem?.code,
    message: `ended while it was being sent, so it may or may not be on the index: ${problem?.message ?? 'unknown fault'}`,
    hint: problem?.hint,
  }
}

function resultOf(distribution: Distribution, { outcome, problem, attempts, milliseconds }: UploadEnd): FileResult {
  const { code, message, hint } = problem ?? {}
  return { ...untouched(distribution), outcome, attempts, milliseconds, code, message, hint }
}
