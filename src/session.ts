import { basicAuthorization } from './credentials/basic.ts'
import { Pace } from './package-index/pace.ts'
import type { UploadTarget } from './package-index/upload.ts'
import type { Plan, PlanRequest } from './plan.ts'
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
  /** How fast the server of `repository-url` is asked. */
  readonly pace: Pace
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
  return {
    transport,
    elsewhere,
    pace: newPace(plan),
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

function newPace({ inputs }: Plan): Pace {
  return new Pace({ retries: inputs.retries, firstPauseMs: FIRST_PAUSE, random: Math.random })
}

/** Where files are sent, and as whom: of a certificate that the server never asked for it knows nothing. */
export function uploadTarget(
  { secrets }: PlanRequest,
  { url, inputs, identity }: Plan,
  { transport, pace }: Session,
  handshake: Handshake,
  meter: ProgressMeter,
): UploadTarget {
  const { credentials, idleTimeoutMs, retries } = inputs
  return {
    dispatcher: transport.dispatcher,
    url,
    authorization: credentials && basicAuthorization(credentials, secrets),
    // Not "twine": pypiserver answers that in another way.
    userAgent: `publish-python-mtls/${ACTION_VERSION}`,
    idleTimeoutMs,
    secrets,
    certificateSubject: identity === 'none' || handshake !== 'accepted' ? undefined : identity.subject,
    explain: transport.explain,
    likelyReason: transport.likelyReason,
    pace,
    retries,
    holdBackMs: HOLD_BACK,
    onSent: (distribution, bytes) => meter.sent(distribution, bytes, performance.now()),
    now: () => new Date(),
  }
}
