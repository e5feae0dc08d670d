import { basicAuthorization } from './credentials/basic.ts'
import type { Distribution } from './distributions/distribution.ts'
import { problemsOf } from './errors.ts'
import { refuseUntrustedEvent } from './inputs.ts'
import { type Certificates, MaterialKeeper } from './material.ts'
import type { FileResult } from './package-index/outcome.ts'
import { notTried, uploadInOrder, wouldPublish } from './package-index/sequence.ts'
import { type UploadTarget, uploadDistribution } from './package-index/upload.ts'
import { makePlan, type Plan, type PlanRequest, SERVER_MAY_DECIDE } from './plan.ts'
import { hasSucceeded, type Progress, reportOf, startProgress } from './progress.ts'
import { deliver } from './report/deliver.ts'
import { fileLine } from './report/log-lines.ts'
import { ACTION_VERSION } from './runner.ts'
import { count, redact, shownUrl } from './text.ts'
import { type AcceptedAuthorities, createTransport, type Transport } from './transport/transport.ts'
import { type ServerTrust, trustOf } from './transport/trust.ts'

/**
 * The main step: publishes the distributions, or says why not. Never rejects; true when the step succeeded. `signal` is
 * aborted by SIGINT and SIGTERM, with a PublishError E_RUN_CANCELLED as its reason.
 */
export async function publish(run: PlanRequest): Promise<boolean> {
  const { runner, signal } = run
  const progress = startProgress(new Date())
  const material = new MaterialKeeper(runner)
  try {
    refuseUntrustedEvent(run.env)
    material.sweep()
    const plan = await makePlan(run, progress)
    if (plan !== undefined) {
      material.keep(certificatesOf(plan), plan.inputs.exportCredentials)
      await meetServer(run, plan, progress)
      if (plan.inputs.exportCredentials && hasSucceeded(progress)) exportCredentials(material, plan, progress)
    }
  } catch (error) {
    fail(error, run, progress)
  } finally {
    for (const { content } of progress.distributions) content.close()
    if (progress.exported === undefined) material.remove()
  }
  addUntried(progress)
  await deliver(reportOf(progress, runner.facts, signal.aborted, new Date()), runner)
  return hasSucceeded(progress)
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
  const transport = openTransport(run, plan)
  try {
    await probe(run, transport, plan, progress)
    if (plan.inputs.dryRun) progress.results.push(...wouldBePublished(plan, progress))
    else await upload(run, transport, plan, progress)
  } finally {
    progress.accepted = transport.acceptedAuthorities
    await transport.close()
  }
}

function openTransport({ runner, secrets }: PlanRequest, { url, identity, caBundle, proxy, inputs }: Plan): Transport {
  const trust = trustOf(caBundle)
  runner.log('Trust', trustLine(trust, runner.surroundings.caStoreVariables))
  return createTransport({
    url,
    identity: identity === 'none' ? undefined : identity,
    trust,
    proxy: proxy === 'none' ? undefined : proxy,
    tlsMinVersion: inputs.tlsMinVersion,
    tlsMaxVersion: inputs.tlsMaxVersion,
    requireClientAuth: identity !== 'none' && inputs.clientAuth === 'required',
    idleTimeoutMs: inputs.idleTimeoutMs,
    trustHints: runner.surroundings.caFiles,
    secrets,
    now: () => new Date(),
  })
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

async function probe(run: PlanRequest, transport: Transport, plan: Plan, progress: Progress): Promise<void> {
  const { runner, signal } = run
  const { url, identity } = plan
  const result = await transport.probe(signal)
  progress.probe = result
  if (plan.inputs.dryRun && result.facts?.asked) {
    const accepted = await transport.askAuthorities(signal)
    if (accepted !== undefined) tellAuthorities(accepted, run, progress)
  }
  const { facts, problem, handshake } = result
  if (problem !== undefined) throw problem
  if (facts === undefined) return
  const { protocol, server } = facts
  const who = `${shownUrl(url)} is ${server.subject} (issued by ${server.issuer}), ${protocol}`
  if (identity === 'none') runner.log('Server', `${who}, without a client certificate`)
  else if (handshake === 'accepted') runner.log('Server', `${who}, takes the client certificate ${identity.subject}`)
  else progress.warnings.push(`${url.host} did not ask for the client certificate: it does not know who publishes`)
  if (handshake !== 'accepted' || identity === 'none') return
  if (identity.doubt !== undefined) runner.log('Server', `accepted it, although ${identity.doubt}`)
  // Only a dry run gets here with problems.
  if (progress.problems.some(({ code }) => SERVER_MAY_DECIDE.includes(code))) progress.warnings.push(SERVER_DECIDES)
}

/**
 * A server that judges the certificate in HTTP (nginx) passes every handshake: in a dry run the names are all that shows
 * whether it would take this one.
 */
function tellAuthorities(
  { names, ours }: AcceptedAuthorities,
  { runner }: PlanRequest,
  { warnings, chain }: Progress,
): void {
  const shown = names.length === 0 ? 'it names none' : names.slice(0, MOST_NAMES).join('; ')
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''
  runner.log('Server', `CAs whose client certificates it accepts: ${shown}${more}`)
  if (chain === undefined || names.length === 0 || ours !== undefined) return
  warnings.push(
    `the server names the CAs whose client certificates it accepts (${shown}${more}), and none of them issued a certificate of this chain: it may refuse it`,
  )
}

/** CAs in one line. */
const MOST_NAMES = 5

const SERVER_DECIDES =
  'the server took the client certificate although the chain check refuses it: with `chain-check: warn` the server decides'

function wouldBePublished({ distributions }: Plan, { problems }: Progress): FileResult[] {
  const [problem] = problems
  return distributions.map((one) => (problem === undefined ? wouldPublish(one) : notTried(one, problem)))
}

/** One file after the other: what a failed one means for the rest, `uploadInOrder` knows. */
async function upload(run: PlanRequest, transport: Transport, plan: Plan, progress: Progress): Promise<void> {
  const { runner, signal } = run
  const target = uploadTarget(run, transport, plan, progress)
  const ended = await uploadInOrder(
    plan.distributions,
    (distribution: Distribution) => uploadDistribution(distribution, target, signal),
    (result) => {
      progress.results.push(result)
      runner.log('Upload', fileLine(result))
    },
  )
  if (ended !== undefined) throw ended
}

function uploadTarget(
  { secrets }: PlanRequest,
  transport: Transport,
  { url, inputs, identity }: Plan,
  { probe }: Progress,
): UploadTarget {
  const { credentials, idleTimeoutMs } = inputs
  return {
    dispatcher: transport.dispatcher,
    url,
    authorization: credentials && basicAuthorization(credentials, secrets),
    // Not "twine": pypiserver answers that in another way.
    userAgent: `publish-python-mtls/${ACTION_VERSION}`,
    idleTimeoutMs,
    secrets,
    // Of a certificate that the server never asked for it knows nothing.
    certificateSubject: identity === 'none' || probe?.handshake !== 'accepted' ? undefined : identity.subject,
    explain: transport.explain,
    likelyReason: transport.likelyReason,
  }
}

/** Files that no answer was got for: each has its line in every report. */
function addUntried({ distributions, results, problems }: Progress): void {
  const told = new Set(results.map(({ file }) => file))
  for (const one of distributions) if (!told.has(one.file)) results.push(notTried(one, problems[0]))
}
