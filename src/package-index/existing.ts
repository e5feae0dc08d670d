import type { Distribution } from '../distributions/distribution.ts'
import { type FileResult, resultOf, type Verified } from './outcome.ts'
import type { Finding } from './simple-index.ts'

/** How the index's file differs from ours. */
export interface Difference {
  /** It was fetched as a whole, and no byte of it differs. */
  readonly isNone: boolean
  /** End of a sentence; `''` where nothing is known. */
  readonly words: string
}

export const UNKNOWN_DIFFERENCE: Difference = { isNone: false, words: '' }

/** What becomes of files that the index has already. */
export interface ExistingPolicy {
  /** Other bytes are left alone with a warning, not an error. */
  readonly skipExisting: boolean
  /** Whether the repository may list files of its upstreams beside its own. */
  readonly mergesUpstreams: boolean
  /** Number of this try of the workflow run, as the runner counts: above 1 it is a re-run. */
  readonly runAttempt: number
  readonly difference: (distribution: Distribution, url: URL, signal: AbortSignal) => Promise<Difference>
}

/** Whether the server took our file as well, which may have replaced the index's. */
export type OurFile = 'not-sent' | 'perhaps-taken' | 'taken'

/** What was sent before the index was found to have the file. */
type Sent = Partial<Pick<FileResult, 'attempts' | 'milliseconds'>>

/** A file that the index lists: with these very bytes, as far as `verified` says. `message`: why it says no more. */
export function present(
  distribution: Distribution,
  outcome: 'published' | 'already-published',
  verified: Verified,
  sent: Sent,
  message?: string,
): FileResult {
  return resultOf(distribution, {
    outcome,
    verified,
    message,
    attempts: sent.attempts ?? 0,
    milliseconds: sent.milliseconds ?? 0,
  })
}

/**
 * A file whose name is on the index, with other bytes or with bytes that cannot be compared. It was not replaced. Neither a
 * conflict nor a success: an index that hands out these very bytes all the same, and bytes that cannot be compared where a
 * try of ours may have put them there.
 */
export async function occupied(
  distribution: Distribution,
  finding: Exclude<Finding, { state: 'absent' | 'same' }>,
  policy: ExistingPolicy & { readonly ours: OurFile },
  sent: Sent,
  signal: AbortSignal,
): Promise<FileResult> {
  const { difference, ours } = policy
  // Nobody can say that the index's file was left alone where the server took ours as well.
  const skipExisting = policy.skipExisting && ours !== 'taken'
  const { url } = finding
  const found = url && (await unlessCancelled(difference(distribution, url, signal), signal))
  const doubt = found?.isNone ? 'a moment later it handed out these very bytes' : doubtOf(finding, ours)
  if (doubt !== undefined && !skipExisting) return undecided(distribution, finding, doubt, ours, sent)
  const details = found?.words ?? ''
  const message = `${whatIsThere(distribution, finding)}${details === '' ? '' : ` (${details})`}${upstreams(policy)}`
  return resultOf(distribution, {
    outcome: skipExisting ? 'skipped' : 'conflict',
    code: 'E_INDEX_CONFLICT',
    message: skipExisting ? `${message}; ${leftAs(ours)}` : message,
    hint: skipExisting ? undefined : hintFor(policy),
    there: ours === 'not-sent' ? finding.state : ours,
    ...sent,
  })
}

function doubtOf({ state }: Finding, ours: OurFile): string | undefined {
  return state === 'unknown' && ours === 'perhaps-taken' ? NO_FINAL_ANSWER : undefined
}

export const NO_FINAL_ANSWER = 'a try before got no final answer, and may have stored it'

function undecided(
  distribution: Distribution,
  finding: Exclude<Finding, { state: 'absent' | 'same' }>,
  doubt: string,
  ours: OurFile,
  sent: Sent,
): FileResult {
  return resultOf(distribution, {
    outcome: 'unconfirmed',
    code: 'E_INDEX_UNCONFIRMED',
    message: `${whatIsThere(distribution, finding)}; ${doubt}`,
    hint: 'Do not build again: "Re-run failed jobs" sends the same file, which is recognised as soon as the index shows its bytes.',
    ...(ours === 'not-sent' && { there: 'unknown' }),
    ...sent,
  })
}

function leftAs(ours: OurFile): string {
  return ours === 'not-sent'
    ? 'it was left as it is'
    : 'a try before got no final answer, and may have stored or replaced it'
}

/** Undefined when the run is cancelled meanwhile: what is known of the file is told all the same. */
export async function unlessCancelled<T>(more: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await more
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  }
}

function whatIsThere({ digests }: Distribution, finding: Exclude<Finding, { state: 'absent' | 'same' }>): string {
  const ours = digests.known && `sha256 ${digests.known.sha256}`
  if (finding.state === 'other') {
    const both = ours === undefined ? finding.listed : `${finding.listed} there, ${ours} here`
    return `the index has a file of this name with other bytes: ${both}`
  }
  return `the index has a file of this name, and its bytes cannot be compared with ${ours ?? 'the file'} here: ${finding.why}`
}

function upstreams({ mergesUpstreams }: ExistingPolicy): string {
  return mergesUpstreams ? '; a repository that merges others shows their files too' : ''
}

function hintFor({ runAttempt }: ExistingPolicy): string {
  const rerun =
    runAttempt > 1
      ? ` This is attempt ${runAttempt} of the run: "Re-run all jobs" builds again, and a second build has other bytes. Build in a job of its own, and "Re-run failed jobs" sends the same files.`
      : ''
  return `Publish the files that were published first, or a new version; \`skip-existing: true\` leaves what is there and goes on.${rerun}`
}

/** Files that are beside the skipped ones afterwards; in a dry run: would be. */
const ADDED: readonly FileResult['outcome'][] = ['published', 'would-publish']

/** Files of two builds of one version, side by side on the index: what `skip-existing` can come to. */
export function mixtureWarning(results: readonly FileResult[]): string | undefined {
  // Where nobody compared, it may be a second run of one build.
  const skipped = results.filter(({ outcome, there }) => outcome === 'skipped' && there === 'other')
  const mixed = skipped.find(({ project, version }) =>
    results.some((one) => ADDED.includes(one.outcome) && one.project === project && one.version === version),
  )
  if (mixed === undefined) return undefined
  return `${mixed.project} ${mixed.version} on the index becomes a mixture of two builds: ${mixed.file} there has other bytes than this build's, and other files of this build are added`
}
