import type { KeyObject, X509Certificate } from 'node:crypto'
import { readBundle } from './certificates/bundle.ts'
import { type ChainCheck, checkChain } from './certificates/chain-check.ts'
import { readRevocationLists } from './certificates/revocation-list.ts'
import { checkDistributions } from './distributions/check.ts'
import { discover } from './distributions/discover.ts'
import type { Distribution } from './distributions/distribution.ts'
import { checkExpectations, tagWarning } from './distributions/expectations.ts'
import { validityPeriod } from './encoding/validity-period.ts'
import { type ErrorCode, ProblemList, PublishError } from './errors.ts'
import { type ClientIdentity, readClientIdentity, refuseFaultsOf } from './identity/client-identity.ts'
import { type Inputs, readInputs } from './inputs.ts'
import { knownServer, simpleIndexFor } from './package-index/known-server.ts'
import type { SimpleIndex } from './package-index/simple-index.ts'
import { uploadUrlHint } from './package-index/upload-url.ts'
import type { Progress } from './progress.ts'
import type { Runner } from './runner.ts'
import { formatBytes, formatDate, type Secrets, shownUrl, subjectOf } from './text.ts'
import type { OwnChain } from './transport/own-chain.ts'
import { proxyFor } from './transport/proxy.ts'

/** Who we are to the server. */
export interface Identity {
  readonly subject: string
  /** Leaf and intermediates, as they are sent. */
  readonly chainPem: string
  readonly key: KeyObject
  /** What is known of the chain, should the server refuse it. */
  readonly own: OwnChain
  /** What the chain check holds against it although the server may take it: the explanation should it refuse. */
  readonly doubt: string | undefined
}

/** Everything that a run needs from here on, read and checked without the network. */
export interface Plan {
  readonly inputs: Inputs
  readonly url: URL
  /** `none`: the index asks for no client certificate. */
  readonly identity: Identity | 'none'
  readonly caBundle: readonly X509Certificate[] | 'system'
  readonly proxy: URL | 'none'
  /** Where files are looked up; `off`: nobody looks. */
  readonly simpleIndex: SimpleIndex | 'off'
  readonly distributions: readonly Distribution[]
}

export interface PlanRequest {
  readonly runner: Runner
  readonly env: NodeJS.ProcessEnv
  readonly secretInputs: ReadonlyMap<string, string>
  readonly secrets: Secrets
  readonly signal: AbortSignal
}

/**
 * First stage: inputs, identity, chain, distributions, expectations. All problems end up in `progress`; undefined when
 * they stop the run before any connection. A dry run goes on with what there is: it is made to test a certificate.
 */
export async function makePlan(request: PlanRequest, progress: Progress): Promise<Plan | undefined> {
  const inputs = readAllInputs(request, progress)
  const problems = new ProblemList()
  const caBundle = await problems.collect(() => readCaBundle(inputs))
  const identity = await problems.collect(() => identify(request, inputs, caBundle, progress, problems))
  const proxy = await problems.collect(() => chooseProxy(request.runner, inputs))
  const simpleIndex = await problems.collect(() => chooseSimpleIndex(inputs, progress))
  const distributions = await gather(request, inputs, progress, problems)
  progress.problems.push(...problems.all)
  if (proxy !== undefined && proxy !== 'none') progress.proxy = proxy
  const { repositoryUrl: url } = inputs
  if (url === undefined || identity === undefined || caBundle === undefined || proxy === undefined) return undefined
  if (progress.problems.length > 0 && !inputs.dryRun) return undefined
  return { inputs, url, identity, caBundle, proxy, simpleIndex: simpleIndex ?? 'off', distributions }
}

/** Throws E_INDEX_UNPROVEN where nobody can know whether an upload would replace a file. */
function chooseSimpleIndex(
  { repositoryUrl, checkUrl }: Inputs,
  { warnings }: Progress,
): SimpleIndex | 'off' | undefined {
  if (repositoryUrl === undefined || checkUrl === undefined) return undefined
  if (checkUrl !== 'off') {
    const found = simpleIndexFor(repositoryUrl, checkUrl)
    if (found !== undefined) return found
    throw new PublishError({
      code: 'E_INDEX_UNPROVEN',
      message: `check-url is \`auto\`, and the simple index that belongs to ${shownUrl(repositoryUrl)} is not known: nobody could tell whether an upload replaces a file`,
      // A server that is known by a URL at which it takes no uploads.
      hint:
        knownServer(repositoryUrl) === undefined ? CHECK_URL_HINT : `${uploadUrlHint(repositoryUrl)} ${CHECK_URL_HINT}`,
    })
  }
  const server = knownServer(repositoryUrl)
  const who = server?.mayOverwrite ? server.name : 'this server'
  warnings.push(`check-url is \`off\`: nobody looks before a file is sent, and ${who} may replace one of the same name`)
  return 'off'
}

const CHECK_URL_HINT =
  'Write the index URL that pip uses (the part before the name of the project) as `check-url`, or `check-url: off` to publish without looking.'

function readAllInputs({ runner, env, secretInputs, secrets }: PlanRequest, progress: Progress): Inputs {
  const { inputs, problems, notices, warnings } = readInputs(env, secretInputs, runner.mask, secrets)
  progress.inputs = inputs
  progress.problems.push(...problems.all)
  progress.warnings.push(...warnings)
  for (const notice of notices) note(runner, progress, 'Inputs', notice)
  return inputs
}

function note(runner: Runner, progress: Progress, word: string, sentence: string): void {
  progress.notices.push(sentence)
  runner.log(word, sentence)
}

/** Undefined where the input could not be read: that problem is known already. */
function readCaBundle({ caBundle }: Inputs): readonly X509Certificate[] | 'system' | undefined {
  return caBundle === undefined || caBundle === 'system' ? caBundle : readBundle(caBundle)
}

async function identify(
  request: PlanRequest,
  inputs: Inputs,
  caBundle: readonly X509Certificate[] | 'system' | undefined,
  progress: Progress,
  problems: ProblemList,
): Promise<Identity | 'none' | undefined> {
  const { clientCertificate: certificate, clientKey: key } = inputs
  const { clientKeyPassphrase: passphrase, clientKeyAlias: alias } = inputs
  if (certificate === 'none') return certificate
  if (certificate === undefined || key === 'unreadable') {
    const opening = { passphrase, alias, signal: request.signal }
    for (const half of [certificate, key]) if (typeof half === 'object') await refuseFaultsOf(half, opening)
    return undefined
  }
  const identity = await readClientIdentity({
    certificate,
    key,
    passphrase,
    alias,
    now: progress.startedAt,
    signal: request.signal,
  })
  for (const notice of identity.notices) note(request.runner, progress, 'Identity', notice)
  return judge(request, inputs, identity, caBundle, progress, problems)
}

/**
 * Puts the chain check's faults among the problems. The identity is there all the same, since a dry run asks the server
 * what it thinks of such a certificate; but not where no handshake can be tried (another key, or one too weak to load).
 */
async function judge(
  { runner, signal }: PlanRequest,
  inputs: Inputs,
  { leaf, key, others }: ClientIdentity,
  caBundle: readonly X509Certificate[] | 'system' | undefined,
  progress: Progress,
  problems: ProblemList,
): Promise<Identity | undefined> {
  const { clientCaBundle, clientCrl, chainCheck: mode, expiryWarningDays, expiryErrorDays } = inputs
  const clientAnchors =
    clientCaBundle === undefined || clientCaBundle === 'none' ? undefined : readBundle(clientCaBundle)
  const revocationLists = await problems.collect(() =>
    clientCrl === undefined || clientCrl === 'none' ? undefined : readRevocationLists(clientCrl),
  )
  const serverAnchors = caBundle === 'system' ? undefined : caBundle
  const limits = { mode, expiryWarningDays, expiryErrorDays }
  const check = await checkChain({
    leaf,
    key,
    others,
    clientAnchors,
    serverAnchors,
    revocationLists,
    ...limits,
    now: progress.startedAt,
    signal,
  })
  progress.chain = check
  runner.log('Identity', `${subjectOf(leaf)}, valid until ${formatDate(validityPeriod(leaf).until)}`)
  for (const { severity, code, message, hint } of check.findings) {
    if (severity === 'error') problems.add({ code, message, hint })
    else if (severity === 'warning') progress.warnings.push(hint === undefined ? message : `${message}. ${hint}`)
    else note(runner, progress, 'Chain', message)
  }
  if (!check.usable) return undefined
  runner.log('Chain', chainLine(check))
  return {
    subject: subjectOf(leaf),
    chainPem: check.chain.map((certificate) => certificate.toString()).join(''),
    key,
    own: { certificates: check.chain, findings: check.findings, unknownIssuer: check.unknownIssuer },
    doubt: doubtOf(check),
  }
}

/** What `chain-check: warn` leaves to the server. */
export const SERVER_MAY_DECIDE: readonly ErrorCode[] = ['E_CERT_EXPIRED', 'E_CERT_NOT_YET_VALID', 'E_CERT_PURPOSE']

/** A fault that was seen comes before a guess about the issuer. */
function doubtOf({ findings, unknownIssuer }: ChainCheck): string | undefined {
  const left = findings.find(({ severity, code }) => severity === 'warning' && SERVER_MAY_DECIDE.includes(code))
  return left?.message ?? unknownIssuer
}

function chainLine({ chain, anchor }: ChainCheck): string {
  const path = chain.map(subjectOf).join(' <- ')
  const end = anchor === undefined ? 'whether the server knows its issuer, the handshake will show' : subjectOf(anchor)
  return anchor === undefined ? `${path}: ${end}` : `${path} <- ${end}`
}

function chooseProxy(runner: Runner, { repositoryUrl }: Inputs): URL | 'none' {
  const proxy = repositoryUrl && proxyFor(repositoryUrl, runner.surroundings)
  if (proxy === undefined) return 'none'
  runner.log('Proxy', `${shownUrl(proxy)} (from https_proxy)`)
  return proxy
}

async function gather(
  { runner, signal }: PlanRequest,
  inputs: Inputs,
  progress: Progress,
  problems: ProblemList,
): Promise<readonly Distribution[]> {
  const mine = new ProblemList()
  const where = { workspace: runner.facts.workspace, packagesDir: inputs.packagesDir, files: inputs.files }
  const { found, notices } = await discover(where, mine)
  for (const notice of notices) note(runner, progress, 'Files', notice)
  const options = { verifyMetadata: inputs.verifyMetadata, md5: inputs.md5Digest, signal }
  const distributions = await checkDistributions(found, options, mine)
  progress.distributions = distributions
  for (const one of distributions) describe(runner, progress, one)
  const { expectedProjects: projects, expectedVersion: version, expectedFiles: files, expectedSha256: sha256 } = inputs
  await checkExpectations(distributions, { projects, version, files, sha256 }, mine)
  signal.throwIfAborted()
  const { refType: type, refName: name } = runner.facts
  const tag = tagWarning(distributions, { type, name })
  // First, since the summary begins with the first warnings.
  if (tag !== undefined) progress.warnings.unshift(tag)
  for (const problem of mine.all) {
    // To test a certificate nobody needs a distribution.
    if (inputs.dryRun && problem.code === 'E_DIST_NONE') note(runner, progress, 'Files', problem.message)
    else problems.add(problem)
  }
  return distributions
}

function describe(runner: Runner, progress: Progress, distribution: Distribution): void {
  const { shown, size, warnings, file } = distribution
  runner.log('File', `${shown}  ${formatBytes(size)}`)
  for (const warning of warnings) progress.warnings.push(`${file}: ${warning}`)
}
