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
  const progress: Progress = { failedWheels: [], stopped: new Map(), ended: undefined, interruption: undefined }
  for (const distribution of distributions) {
    const result = heldBack(distribution, progress) ?? (await send(distribution, upload, progress))
    if (distribution.kind === 'wheel' && failsStep(result.outcome)) progress.failedWheels.push(distribution)
    onResult(result)
  }
  if (progress.interruption !== undefined) throw progress.interruption.error
  return progress.ended
}

interface Progress {
  readonly failedWheels: Distribution[]
  /** By project: why no more of its files are sent. */
  readonly stopped: Map<string, PublishError>
  /** Why no more files are sent at all. */
  ended: PublishError | undefined
  /** What `upload` rejected with. */
  interruption: { readonly error: unknown } | undefined
}

async function send(
  distribution: Distribution,
  upload: (distribution: Distribution) => Promise<UploadEnd>,
  progress: Progress,
): Promise<FileResult> {
  try {
    const end = await upload(distribution)
    const { problem, ends } = end
    if (ends === 'run') progress.ended = problem
    else if (ends === 'project' && problem !== undefined) progress.stopped.set(distribution.project, problem)
    return resultOf(distribution, end)
  } catch (error) {
    progress.interruption = { error }
    const [problem] = problemsOf(error)
    progress.ended = problem
    return interrupted(distribution, problem)
  }
}

function heldBack(distribution: Distribution, { failedWheels, stopped, ended }: Progress): FileResult | undefined {
  const { project, version, kind } = distribution
  const problem = ended ?? stopped.get(project)
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
    hint: `Mend that first; to publish this file all the same, list in \`files\` what is published and exclude the wheel there: ${lines.join(' ')}`,
  }
}

function untouched({ file, project, version, kind, sha256, size }: Distribution): FileResult {
  const what = { file, project, version, kind, sha256, size }
  const nothing = { verified: 'no', attempts: 0, milliseconds: 0, code: undefined, hint: undefined } as const
  return { ...what, ...nothing, outcome: 'not-tried', message: 'not sent' }
}

/**
 * A file that is not sent because of `problem`. It is told where it happened: repeated for each file, it would be the
 * whole log. Undefined: the run ended before its turn.
 */
export function notTried(distribution: Distribution, problem: PublishError | undefined): FileResult {
  if (problem === undefined) return { ...untouched(distribution), message: 'not sent: the run ended before its turn' }
  return { ...untouched(distribution), code: problem.code, message: 'not sent, because of an earlier fault' }
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
  }
}

function resultOf(distribution: Distribution, { outcome, problem, attempts, milliseconds }: UploadEnd): FileResult {
  const { code, message, hint } = problem ?? {}
  return { ...untouched(distribution), outcome, attempts, milliseconds, code, message, hint }
}
