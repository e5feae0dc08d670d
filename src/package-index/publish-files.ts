import type { Distribution } from '../distributions/distribution.ts'
import { PublishError } from '../errors.ts'
import type { Looks, UploadTarget } from './attempt.ts'
import { type Confirmation, confirm } from './confirm.ts'
import { type ExistingPolicy, occupied, present, unlessCancelled } from './existing.ts'
import { type IndexAccess, Lookups } from './lookups.ts'
import { type FileResult, failsStep, notTried, resultOf } from './outcome.ts'
import type { Turn } from './pace.ts'
import { type SendEnd, sendInOrder } from './sequence.ts'
import { type Finding, isListed, LookupFailure, type PageFormat } from './simple-index.ts'
import { type UploadEnd, uploadDistribution } from './upload.ts'
import {
  abandoned,
  isLikelyStored,
  mayBeStored,
  notComparable,
  oursOf,
  refused,
  sentOf,
  unlisted,
  withdrawn,
} from './upload-result.ts'

/** How a run publishes. */
export interface PublishRequest {
  readonly target: UploadTarget
  /** Undefined: nobody looks (`check-url: off`). */
  readonly access: IndexAccess | undefined
  readonly policy: ExistingPolicy
  /** Whether what was sent must be seen on the index. What the server says to exist is looked at in any case. */
  readonly verify: boolean
  /** Milliseconds that the index has to list files, all together. */
  readonly verifyTimeoutMs: number
  readonly maxParallel: number
  /** Undefined: what the index does not have is sent. Otherwise what becomes of it: it would be, or a fault keeps it. */
  readonly untried: 'would-publish' | PublishError | undefined
  /** Called when the lookups are done: what the index does not have. */
  readonly onMissing: (missing: readonly Distribution[]) => void
  /** Called for each of these when nothing more of it will be sent. */
  readonly onSent: (distribution: Distribution) => void
  /** Called once for each file, as soon as its end is known. */
  readonly onResult: (result: FileResult) => void
}

/**
 * The second stage of a run: each file is looked up, sent where the index does not have it, and seen on the index
 * afterwards. Nothing is sent before all lookups have been answered.
 *
 * @returns what ended the run early
 * @throws the signal's reason, when every file has been told
 */
export async function publishFiles(
  distributions: readonly Distribution[],
  request: PublishRequest,
  signal: AbortSignal,
): Promise<PublishError | undefined> {
  const lookups = request.access && new Lookups(request.access, distributions)
  const publishing = new Publishing(request, lookups, signal)
  try {
    const missing = await publishing.lookUp(distributions)
    const ended = await publishing.send(missing)
    await publishing.confirm()
    await publishing.settleDoubts()
    return ended
  } catch (error) {
    publishing.abandon()
    if (error instanceof LookupFailure) return error.problem
    throw error
  }
}

/** Milliseconds that an index gets to list what it may have stored without a yes; less where the user grants it less. */
const DOUBT_TIME = 10_000

/** The same behind a redirect, a page to log in or a 429: hardly any of them stored a file. */
const SMALL_DOUBT_TIME = 1_000

/** One file's way: what is known after it was sent, or why it was not. */
interface Step extends SendEnd {
  readonly upload: UploadEnd | undefined
  readonly result: FileResult | undefined
}

class Publishing {
  readonly #request: PublishRequest
  readonly #lookups: Lookups | undefined
  readonly #signal: AbortSignal
  readonly #known = new Set<string>()
  readonly #failedWheels: Distribution[] = []
  /** Accepted, and not seen on the index yet. */
  readonly #unseen = new Map<Distribution, UploadEnd>()
  /** Not accepted, but a try that got no plain no may have stored them. */
  readonly #doubtful = new Map<Distribution, UploadEnd>()

  constructor(request: PublishRequest, lookups: Lookups | undefined, signal: AbortSignal) {
    this.#request = request
    this.#lookups = lookups
    this.#signal = signal
  }

  /** The files that the index does not have; the others have their result. Throws LookupFailure once they are told. */
  async lookUp(distributions: readonly Distribution[]): Promise<readonly Distribution[]> {
    if (this.#lookups === undefined) {
      this.#request.onMissing(distributions)
      return distributions
    }
    const { projects, failure } = await this.#lookups.all(this.#signal)
    for (const [project, { known }] of projects) if (known) this.#known.add(project)
    const findings = new Map(distributions.map((one) => [one, projects.get(one.project)?.files.get(one.file)]))
    const missing = distributions.filter((one) => !isListed(findings.get(one)))
    if (failure === undefined) this.#request.onMissing(missing)
    for (const [one, finding] of findings) {
      if (isListed(finding)) this.#tell(one, await this.#existing(one, finding))
    }
    if (failure !== undefined) throw failure
    return missing
  }

  async send(distributions: readonly Distribution[]): Promise<PublishError | undefined> {
    const attempts = new Map<Distribution, number>()
    return await sendInOrder<Step>({
      distributions,
      known: this.#known,
      failedWheels: this.#failedWheels,
      maxParallel: this.#request.maxParallel,
      attemptsOf: (one) => attempts.get(one) ?? 0,
      send: (one) => this.#sendOne(one, attempts),
      onEnd: (one, { upload, result, failed }) => {
        this.#request.onSent(one)
        if (result !== undefined) this.#request.onResult(result)
        else if (upload !== undefined) (upload.exists || !failed ? this.#unseen : this.#doubtful).set(one, upload)
      },
      onResult: (one, result) => {
        this.#request.onSent(one)
        this.#request.onResult(result)
      },
    })
  }

  async #sendOne(distribution: Distribution, attempts: Map<Distribution, number>): Promise<Step> {
    const { untried, target } = this.#request
    // Not tried is not failed: each file has the same reason.
    if (untried instanceof PublishError) return { ...settled(notTried(distribution, untried)), failed: false }
    const unreadable = await this.#hashFault(distribution)
    if (unreadable !== undefined) return settled(withdrawn(distribution, unreadable))
    if (untried !== undefined) return settled(resultOf(distribution, { outcome: untried }))
    // First the turn, which may take minutes to come: the look is the last thing before the file is sent.
    const turn = await target.pace.turn(this.#signal)
    const finding = await this.#lookInTurn(distribution, turn)
    if (finding instanceof PublishError || isListed(finding)) target.pace.left(turn)
    if (finding instanceof PublishError) return lookupEnds(distribution, finding)
    if (isListed(finding)) return settled(await this.#existing(distribution, finding))
    const onBegin = (one: Distribution) => attempts.set(one, (attempts.get(one) ?? 0) + 1)
    const end = await uploadDistribution(distribution, { ...target, onBegin }, this.#looks, this.#signal, turn)
    return await this.#stepOf(distribution, end)
  }

  /** What keeps the file from being hashed, and so from being sent: it is not what was checked any more. */
  async #hashFault({ digests }: Distribution): Promise<PublishError | undefined> {
    try {
      await digests.get()
      return undefined
    } catch (error) {
      if (this.#signal.aborted || !(error instanceof PublishError)) throw error
      return error
    }
  }

  /** However it ends, the turn is not lost: everybody else waits for it. */
  async #lookInTurn(distribution: Distribution, turn: Turn): Promise<Finding | PublishError> {
    try {
      return await this.#lookAgain(distribution)
    } catch (error) {
      this.#request.target.pace.left(turn)
      throw error
    }
  }

  get #looks(): Looks | undefined {
    if (this.#lookups === undefined) return undefined
    const orUndefined = (finding: Finding | PublishError) => (finding instanceof PublishError ? undefined : finding)
    return {
      now: (one, prefer) => this.#now(one, prefer),
      recent: async (one) => orUndefined(await this.#lookAgain(one)),
    }
  }

  /** Undefined: the index does not say. */
  async #now(distribution: Distribution, prefer: PageFormat): Promise<Finding | undefined> {
    return (await this.#lookups?.now([distribution], prefer, this.#signal))?.get(distribution.file)
  }

  /** A lookup that is long ago counts no more. */
  async #lookAgain(distribution: Distribution): Promise<Finding | PublishError> {
    try {
      return (await this.#lookups?.recent(distribution, this.#signal)) ?? { state: 'absent' }
    } catch (error) {
      if (error instanceof LookupFailure) return error.problem
      throw error
    }
  }

  async #stepOf(distribution: Distribution, end: UploadEnd): Promise<Step> {
    const { outcome, problem, ends, exists, found, notBefore } = end
    if (isListed(found)) return settled(await this.#existing(distribution, found, end))
    if (exists) return await this.#existsStep(distribution, end)
    const { access, verify } = this.#request
    if (outcome === 'published') {
      const result = access === undefined || !verify ? present(distribution, 'published', 'no', end) : undefined
      return { failed: false, problem, ends, upload: end, result }
    }
    const isDoubtful = access !== undefined && mayBeStored(end)
    return {
      failed: true,
      problem,
      ends,
      upload: end,
      result: isDoubtful ? undefined : refused(distribution, end, access === undefined ? 'off' : 'answered'),
      ...(notBefore !== undefined && { refusesNewProjects: true }),
    }
  }

  /** "It exists" without a proof of its bytes: they are looked at, now if the index lists them, else later. */
  async #existsStep(distribution: Distribution, end: UploadEnd): Promise<Step> {
    if (this.#lookups === undefined)
      return settled(notComparable(distribution, end, undefined, this.#request.policy.skipExisting))
    const finding = await unlessCancelled(this.#now(distribution, 'json'), this.#signal)
    if (isListed(finding)) return settled(await this.#existing(distribution, finding, end))
    return { failed: false, problem: undefined, ends: 'file', upload: end, result: undefined }
  }

  /** Waits for what was sent. */
  async confirm(): Promise<void> {
    const { verifyTimeoutMs } = this.#request
    await this.#waitFor(this.#unseen, verifyTimeoutMs, (one, end, upload) => this.#confirmed(one, end, upload))
  }

  /** Waits for what may have been stored without a yes: it had the time of all others, and now a little of its own. */
  async settleDoubts(): Promise<void> {
    const isLikely = [...this.#doubtful.values()].some(isLikelyStored)
    const time = Math.min(isLikely ? DOUBT_TIME : SMALL_DOUBT_TIME, this.#request.verifyTimeoutMs)
    await this.#waitFor(this.#doubtful, time, async (distribution, end, upload) => {
      if (end.state !== 'missing') return await this.#existing(distribution, end, upload)
      return refused(distribution, upload, end.why === undefined ? 'answered' : 'blind')
    })
  }

  async #waitFor(
    files: Map<Distribution, UploadEnd>,
    timeoutMs: number,
    resultOf: (distribution: Distribution, end: Confirmation, upload: UploadEnd) => Promise<FileResult>,
  ): Promise<void> {
    const { access, onResult } = this.#request
    if (access === undefined) return
    const onEnd = async (distribution: Distribution, end: Confirmation) => {
      const upload = files.get(distribution)
      if (upload === undefined) return
      const result = await resultOf(distribution, end, upload)
      // A run that ended meanwhile has told it.
      if (files.delete(distribution)) onResult(result)
    }
    await confirm([...files.keys()], access, timeoutMs, onEnd, this.#signal)
  }

  /** The run ends here: what was sent has its line all the same. */
  abandon(): void {
    for (const [one, upload] of this.#unseen) this.#request.onResult(abandoned(one, upload))
    for (const [one, upload] of this.#doubtful)
      this.#request.onResult(refused(one, upload, upload.found === undefined ? 'blind' : 'answered'))
    this.#unseen.clear()
    this.#doubtful.clear()
  }

  async #confirmed(distribution: Distribution, end: Confirmation, upload: UploadEnd): Promise<FileResult> {
    if (end.state !== 'missing') {
      if (end.state === 'unknown' && !upload.exists) {
        if (end.sizeFits) return present(distribution, 'published', 'size', upload)
        const why = `the index lists it, and its bytes were not compared: ${end.why}`
        return present(distribution, 'published', 'no', upload, why)
      }
      return await this.#existing(distribution, end, upload)
    }
    if (!upload.exists || upload.uncertain) return unlisted(distribution, upload, end)
    return notComparable(distribution, upload, end, this.#request.policy.skipExisting)
  }

  /** A file that the index lists. `end`: of the upload before, where there was one. */
  async #existing(
    distribution: Distribution,
    finding: Exclude<Finding, { state: 'absent' }>,
    end?: UploadEnd,
  ): Promise<FileResult> {
    const unreadable = await unlessCancelled(this.#hashFault(distribution), this.#signal)
    if (unreadable !== undefined && finding.state === 'unknown') return withdrawn(distribution, unreadable)
    const sent = end === undefined ? {} : sentOf(end)
    const wasTaken = end?.outcome === 'published'
    if (finding.state === 'same') {
      // What an earlier try of ours stored, the next one finds there.
      const wasSent = end !== undefined && end.attempts > 0
      const isOurs = wasTaken || (wasSent && (mayBeStored(end) || end.found !== undefined))
      const verified = finding.verified === 'download' ? 'sha256' : finding.verified
      return present(distribution, isOurs ? 'published' : 'already-published', verified, sent)
    }
    const { policy } = this.#request
    return await occupied(distribution, finding, { ...policy, ours: oursOf(end) }, sent, this.#signal)
  }

  #tell(distribution: Distribution, result: FileResult): void {
    if (distribution.kind === 'wheel' && failsStep(result.outcome)) this.#failedWheels.push(distribution)
    this.#request.onResult(result)
  }
}

/** A step whose file has its end. */
function settled(result: FileResult): Step {
  return { failed: failsStep(result.outcome), problem: undefined, ends: 'file', upload: undefined, result }
}

function lookupEnds(distribution: Distribution, problem: PublishError): Step {
  return { failed: true, problem, ends: 'run', upload: undefined, result: notTried(distribution, problem) }
}
