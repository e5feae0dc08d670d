import { monotonicNow } from './clock.ts'
import type { Distribution } from './distributions/distribution.ts'
import { problemsOf } from './errors.ts'
import { refuseUntrustedEvent } from './inputs.ts'
import { type Certificates, MaterialKeeper } from './material.ts'
import { type ExistingPolicy, mixtureWarning } from './package-index/existing.ts'
import { notTried } from './package-index/outcome.ts'
import { type PublishRequest, publishFiles } from './package-index/publish-files.ts'
import { makePlan, type Plan, type PlanRequest } from './plan.ts'
import { probe } from './probe.ts'
import { hasSucceeded, type Progress, reportOf, startProgress } from './progress.ts'
import { deliver } from './report/deliver.ts'
import { fileLine } from './report/log-lines.ts'
import { ProgressMeter } from './report/progress-meter.ts'
import { openReading, openSession, type Session, uploadTarget } from './session.ts'
import { count, redact, shownUrl } from './text.ts'
import { type ServerTrust, trustOf } from './transport/trust.ts'

/**
 * The main step: publishes the distributions, or says why not. Never rejects; true when the step succeeded. `signal` is
 * aborted by SIGINT and SIGTERM, with a PublishError E_RUN_CANCELLED as its reason.
 */
export async function publish(run: PlanRequest): Promise<boolean> {
  const { runner } = run
  const progress = startProgress(new Date())
  const material = new MaterialKeeper(runner)
  try {
    refuseUntrustedEvent(run.env)
    material.sweep()
    const plan = await makePlan(run, progress)
    if (plan !== undefined) {
      material.keep(certificatesOf(plan), plan.inputs.exportCredentials)
      void hashAhead(plan.distributions)
      await meetServer(run, plan, progress)
      if (plan.inputs.exportCredentials && hasSucceeded(progress)) exportCredentials(material, plan, progress)
    }
  } catch (error) {
    fail(error, run, progress)
  } finally {
    if (progress.exported === undefined) material.remove()
    await finish(progress.distributions)
  }
  completeResults(progress)
  deliver(reportOf(progress, runner.facts, new Date()), runner)
  return hasSucceeded(progress)
}

/**
 * Beside handshake, lookups and uploads. Small files first: a project's smallest one goes first, and no file that somebody
 * waits for waits for a larger one that nobody needs yet.
 */
async function hashAhead(distributions: readonly Distribution[]): Promise<void> {
  for (const { digests } of distributions.toSorted((a, b) => a.size - b.size)) await digests.settle()
}

/** The report names the digest of each file, whatever became of it; a cancelled run waits for none. */
async function finish(distributions: readonly Distribution[]): Promise<void> {
  await hashAhead(distributions)
  for (const { content } of distributions) content.close()
}

function fail(error: unknown, { runner, secrets, signal }: PlanRequest, progress: Progress): void {
  const problems = problemsOf(signal.aborted ? signal.reason : error)
  progress.problems.push(...problems)
  for (const { code, cause } of problems) {
    if (code !== 'E_RUN_INTERNAL' || !(cause instanceof Error)) continue
    runner.debug(redact(cause.stack ?? cause.message, secrets))
  }
}

/** What is public, as PEM: `''` where there is none. */
function certificatesOf({ identity, caBundle }: Plan): Certificates {
  return {
    chainPem: identity === 'none' ? '' : identity.chainPem,
    caPem: caBundle === 'system' ? '' : caBundle.map((one) => one.toString()).join(''),
  }
}

/** For pip, uv and curl in later steps. Only now is the key written. */
function exportCredentials(material: MaterialKeeper, plan: Plan, progress: Progress): void {
  if (plan.identity === 'none') return
  const keyPem = plan.identity.key.export({ type: 'pkcs8', format: 'pem' }).toString()
  if (!material.inMemory) {
    progress.warnings.push(
      'export-credentials: this machine has no file system in memory, so the key lies on disk until the job ends',
    )
  }
  progress.exported = material.export(certificatesOf(plan), keyPem)
}

/** Second stage: one handshake that shows whether the server takes the certificate; then the files. */
async function meetServer(run: PlanRequest, plan: Plan, progress: Progress): Promise<void> {
  const trust = trustOf(plan.caBundle)
  run.runner.log('Trust', trustLine(trust, run.runner.surroundings.caStoreVariables))
  const session = openSession(run, plan, trust)
  try {
    await probe(run, plan, session, progress)
    await publishAll(run, plan, session, progress)
  } finally {
    progress.accepted = session.transport.acceptedAuthorities
    await session.close()
  }
}

function trustLine({ source, ca, added }: ServerTrust, storeVariables: readonly string[]): string {
  const cas = count(ca.length, 'CA')
  if (source === 'ca-bundle') return `the server must chain to ca-bundle (${cas}), nothing else is trusted`
  const ofEnvironment = [
    ...(added === 0 ? [] : [`${added} of them from NODE_EXTRA_CA_CERTS`]),
    ...(storeVariables.length === 0 ? [] : [`the system's from ${storeVariables.join(' and ')}`]),
  ]
  return `the server must chain to a CA of Node.js or the system (${[cas, ...ofEnvironment].join(', ')})`
}

async function publishAll(run: PlanRequest, plan: Plan, session: Session, progress: Progress): Promise<void> {
  const { runner, signal } = run
  const { inputs, distributions } = plan
  const meter = new ProgressMeter()
  const target = await uploadTarget(run, plan, session, progress.probe?.handshake ?? 'not-tried', meter)
  const { access, difference } = await openReading(run, plan, session, target)
  const ticking = setInterval(() => {
    for (const line of meter.lines(monotonicNow())) runner.log('Progress', line)
  }, PROGRESS_EVERY)
  const request: PublishRequest = {
    target,
    access,
    policy: existingPolicy(run, plan, difference),
    verify: inputs.verifyUpload,
    verifyTimeoutMs: inputs.verifyTimeoutMs,
    maxParallel: inputs.maxParallel,
    // A dry run gets here with problems, for which no file would be sent.
    untried: inputs.dryRun ? (progress.problems[0] ?? 'would-publish') : undefined,
    onMissing: (missing) => {
      meter.expect(missing, monotonicNow())
      // The first file of a project goes alone: what the others need is made meanwhile. Without lookups the probe began it.
      if (!inputs.dryRun && plan.simpleIndex !== 'off')
        session.transport.prepare(Math.min(inputs.maxParallel, missing.length) - 1)
      tellIndex(run, plan, missing.length)
    },
    onSent: (distribution) => meter.ended(distribution),
    onResult: (result) => {
      progress.results.push(result)
      runner.log('Upload', fileLine(result))
    },
  }
  try {
    const ended = await publishFiles(distributions, request, signal)
    if (ended !== undefined && !allAreThere(plan, progress)) throw ended
  } finally {
    clearInterval(ticking)
    const mixture = mixtureWarning(progress.results)
    // First, since the summary begins with the first warnings.
    if (mixture !== undefined) progress.warnings.unshift(mixture)
  }
}

/** A fault that ended the run is none where the index then listed all files, the one that it was about too. */
function allAreThere({ distributions }: Plan, progress: Progress): boolean {
  return progress.results.length === distributions.length && hasSucceeded(progress)
}

function tellIndex({ runner }: PlanRequest, { simpleIndex, distributions }: Plan, missing: number): void {
  if (simpleIndex === 'off' || distributions.length === 0) return
  const there = distributions.length - missing
  runner.log('Index', `${shownUrl(simpleIndex.root)} has ${there} of ${count(distributions.length, 'file')}`)
}

/** Milliseconds between two lines of the log about how far the uploads are. */
const PROGRESS_EVERY = 10_000

function existingPolicy(
  { runner }: PlanRequest,
  { inputs, simpleIndex }: Plan,
  difference: ExistingPolicy['difference'],
): ExistingPolicy {
  return {
    skipExisting: inputs.skipExisting,
    mergesUpstreams: simpleIndex !== 'off' && (simpleIndex.server?.mergesUpstreams ?? false),
    runAttempt: Number(runner.facts.runAttempt) || 1,
    difference,
  }
}

/** Each file has its line in every report, in the order in which they were found, whichever came to its end first. */
function completeResults({ distributions, results, problems }: Progress): void {
  const told = new Map(results.map((result) => [result.file, result]))
  const all = distributions.map((one) => {
    const result = told.get(one.file) ?? notTried(one, problems[0])
    return { ...result, sha256: one.digests.known?.sha256 }
  })
  results.splice(0, results.length, ...all)
}
