import { monotonicNow } from './clock.ts'
import { basicAuthorization } from './credentials/basic.ts'
import { Explaining } from './difference.ts'
import { digestOf } from './distributions/digest.ts'
import type { Distribution } from './distributions/distribution.ts'
import type { UploadTarget } from './package-index/attempt.ts'
import { ChunkBuffers } from './package-index/chunk-buffers.ts'
import { type ExistingPolicy, UNKNOWN_DIFFERENCE } from './package-index/existing.ts'
import { DownloadBudget } from './package-index/index-file.ts'
import type { IndexAccess } from './package-index/lookups.ts'
import { Pace, type Pause } from './package-index/pace.ts'
import type { Ask, IndexReader } from './package-index/simple-index.ts'
import { Slots } from './package-index/slots.ts'
import type { Plan, PlanRequest } from './plan.ts'
import { retryLine } from './report/log-lines.ts'
import type { ProgressMeter } from './report/progress-meter.ts'
import { ACTION_VERSION } from './runner.ts'
import { proxyFor } from './transport/proxy.ts'
import { createTransport, type Handshake, type Transport } from './transport/transport.ts'
import type { ServerTrust } from './transport/trust.ts'

/** The ways to the index. */
export interface Session {
  /** To `repository-url`. */
  readonly transport: Transport
  /** To the simple index; undefined where it is on the same origin, and shares its connections. */
  readonly elsewhere: Transport | undefined
  /** How fast the server of `repository-url` takes uploads. */
  readonly pace: Pace
  /** How fast the simple index is asked: by itself, but that one server's pause is for both. */
  readonly lookupPace: Pace
  close(): Promise<void>
}

/** Milliseconds: the longest first pause before something is tried again. */
const FIRST_PAUSE = 1_000

/** Milliseconds for which a second try waits for a refusal before it sends the file. */
const HOLD_BACK = 1_000

/** Nothing is connected yet. */
export function openSession(run: PlanRequest, plan: Plan, trust: ServerTrust): Session {
  const { simpleIndex, url } = plan
  const transport = openTransport(run, plan, url, trust)
  const isElsewhere = simpleIndex !== 'off' && simpleIndex.root.origin !== url.origin
  const elsewhere = isElsewhere ? openTransport(run, plan, simpleIndex.root, trust) : undefined
  const pause: Pause = { until: 0 }
  return {
    transport,
    elsewhere,
    pace: newPace(plan, pause),
    lookupPace: newPace(plan, isElsewhere ? { until: 0 } : pause),
    close: async () => {
      await Promise.all([transport.close(), elsewhere?.close()])
    },
  }
}

function openTransport({ runner, secrets }: PlanRequest, plan: Plan, url: URL, trust: ServerTrust): Transport {
  const { identity, inputs } = plan
  return createTransport({
    url,
    identity: identity === 'none' ? undefined : identity,
    trust,
    proxy: proxyFor(url, runner.surroundings),
    tlsMinVersion: inputs.tlsMinVersion,
    tlsMaxVersion: inputs.tlsMaxVersion,
    requireClientAuth: identity !== 'none' && inputs.clientAuth === 'required',
    connections: inputs.maxParallel,
    idleTimeoutMs: inputs.idleTimeoutMs,
    trustHints: runner.surroundings.caFiles,
    secrets,
    now: () => new Date(),
  })
}

function newPace({ inputs }: Plan, pause: Pause): Pace {
  return new Pace({ retries: inputs.retries, firstPauseMs: FIRST_PAUSE, random: Math.random, pause })
}

/** Where files are sent, and as whom: of a certificate that the server never asked for it knows nothing. */
export async function uploadTarget(
  { secrets, runner }: PlanRequest,
  { url, inputs, identity, simpleIndex }: Plan,
  { transport, pace }: Session,
  handshake: Handshake,
  meter: ProgressMeter,
): Promise<UploadTarget> {
  const { credentials, idleTimeoutMs, retries } = inputs
  const unlessThere = simpleIndex === 'off' ? '' : ', unless the index has it by then'
  return {
    dispatcher: await transport.dispatcher,
    url,
    authorization: credentials && basicAuthorization(credentials, secrets),
    // Not "twine": pypiserver answers that in another way.
    userAgent: `publish-python-mtls/${ACTION_VERSION}`,
    idleTimeoutMs,
    secrets,
    buffers: new ChunkBuffers(),
    certificateSubject: identity === 'none' || handshake !== 'accepted' ? undefined : identity.subject,
    explain: transport.explain,
    likelyReason: transport.likelyReason,
    pace,
    retries,
    holdBackMs: HOLD_BACK,
    onSent: (distribution, bytes) => meter.sent(distribution, bytes, monotonicNow()),
    onRetry: ({ file }, problem, waitMs) => runner.log('Retry', `${retryLine(file, problem, waitMs)}${unlessThere}`),
    now: () => new Date(),
  }
}

/** The index as it is read. */
export interface Reading {
  /** Undefined where nobody looks. */
  readonly access: IndexAccess | undefined
  /** How a file of the index differs from ours. */
  readonly difference: ExistingPolicy['difference']
}

/** How files are looked up and fetched. Credentials go to the origin of `repository-url` alone. */
export async function openReading(
  { runner }: PlanRequest,
  plan: Plan,
  { elsewhere, lookupPace }: Session,
  target: UploadTarget,
): Promise<Reading> {
  const { simpleIndex, inputs } = plan
  if (simpleIndex === 'off') return { access: undefined, difference: async () => UNKNOWN_DIFFERENCE }
  const { explain } = elsewhere ?? target
  const dispatcher = elsewhere === undefined ? target.dispatcher : await elsewhere.dispatcher
  const { userAgent, idleTimeoutMs, secrets } = target
  const authorization = elsewhere === undefined ? target.authorization : undefined
  const reader: IndexReader = { dispatcher, explain, authorization, userAgent, idleTimeoutMs, secrets }
  const download = new DownloadBudget()
  const explaining = new Explaining({ reader, download, temp: runner.facts.temp })
  const options = { index: simpleIndex, reader, download, digestOf: otherDigest }
  // Loaded here alone: with `check-url: off` nobody reads a page.
  const asker = import('./package-index/asker.ts').then(({ askerOf }) => askerOf(options))
  const ask: Ask = async (...question) => (await asker)(...question)
  return {
    access: {
      ask,
      pace: lookupPace,
      retries: inputs.retries,
      slots: new Slots(inputs.maxParallel),
      onRetry: (project, problem, waitMs) => runner.log('Retry', retryLine(`page of ${project}`, problem, waitMs)),
    },
    difference: (distribution, url, signal) => explaining.differenceOf(distribution, url, signal),
  }
}

function otherDigest({ content }: Distribution, algorithm: string, signal: AbortSignal): Promise<string | undefined> {
  return digestOf(content, algorithm, signal)
}
