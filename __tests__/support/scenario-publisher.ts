/** The second stage of a run as a publisher of scenarios: the product's own lookups, uploads and order, with short pauses. */
import { digestOf } from '../../src/distributions/digest.ts'
import type { UploadTarget } from '../../src/package-index/attempt.ts'
import { DownloadBudget } from '../../src/package-index/index-file.ts'
import { lookUp } from '../../src/package-index/lookup.ts'
import type { IndexAccess } from '../../src/package-index/lookups.ts'
import { type FileResult, notTried } from '../../src/package-index/outcome.ts'
import { Pace, type Pause } from '../../src/package-index/pace.ts'
import { publishFiles } from '../../src/package-index/publish-files.ts'
import { RootProof } from '../../src/package-index/root-proof.ts'
import type { SimpleIndex } from '../../src/package-index/simple-index.ts'
import { Slots } from '../../src/package-index/slots.ts'
import type { Publisher, Stage } from './scenario-run.ts'
import { publishing, uploadTarget } from './upload-target.ts'

/** Milliseconds: the longest first pause before something is tried again; how long a second try holds the file back. */
const FIRST_PAUSE = 40
const HOLD_BACK = 30

export const publish: Publisher = async (stage) => {
  const { distributions, settings, signal } = stage
  const results: FileResult[] = []
  const pause = { until: 0 }
  const target = await targetOf(stage, pause)
  const request = {
    ...publishing(target),
    ...settings,
    access: accessTo(stage, target, pause),
    policy: { ...publishing(target).policy, skipExisting: settings.skipExisting },
    onResult: (result: FileResult) => {
      results.push(result)
    },
  }
  const ended = await publishFiles(distributions, request, signal).catch((error) => {
    // A cancelled run has told its files before.
    if (!signal.aborted || error !== signal.reason) throw error
    return undefined
  })
  const told = new Set(results.map(({ file }) => file))
  for (const one of distributions) if (!told.has(one.file)) results.push(notTried(one, ended))
  return results
}

/** Where a stage's files are sent. `pause`: the server's, shared with lookups. */
export async function targetOf({ index, transport, settings }: Stage, pause?: Pause): Promise<UploadTarget> {
  const { retries, idleTimeoutMs } = settings
  const { dispatcher, explain } = transport
  const pace = paceOf(settings, pause)
  return uploadTarget(new URL(index.uploadUrl), {
    dispatcher: await dispatcher,
    explain,
    idleTimeoutMs,
    pace,
    retries,
    holdBackMs: HOLD_BACK,
  })
}

function paceOf({ retries }: Stage['settings'], pause?: Pause): Pace {
  return new Pace({ retries, firstPauseMs: FIRST_PAUSE, random: Math.random, ...(pause && { pause }) })
}

/** How the index of a stage is looked at. */
export function accessTo({ index, settings }: Stage, target: UploadTarget, pause?: Pause): IndexAccess {
  const root: SimpleIndex = { root: new URL(index.simpleUrl), source: 'given', server: undefined }
  const shared = {
    download: new DownloadBudget(),
    proof: new RootProof(),
    digestOf: (one: Parameters<Parameters<typeof lookUp>[4]['digestOf']>[0], algorithm: string, signal: AbortSignal) =>
      digestOf(one.content, algorithm, signal),
  }
  return {
    ask: (project, distributions, prefer, signal) =>
      lookUp(project, distributions, root, target, { ...shared, prefer }, signal),
    pace: paceOf(settings, pause),
    retries: settings.retries,
    slots: new Slots(settings.maxParallel),
    onRetry: () => {},
  }
}
