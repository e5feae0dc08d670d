import type { ChainCheck } from './certificates/chain-check.ts'
import { certificateFacts, daysLeft } from './certificates/facts.ts'
import type { Distribution } from './distributions/distribution.ts'
import type { PublishError } from './errors.ts'
import type { Inputs } from './inputs.ts'
import { type FileResult, failsStep } from './package-index/outcome.ts'
import type { RunReport } from './report/run-report.ts'
import { ACTION_VERSION, type RunnerFacts } from './runner.ts'
import { shownUrl, subjectOf } from './text.ts'
import { alertOf } from './transport/alert.ts'
import type { AcceptedAuthorities, Probe } from './transport/transport.ts'

/** What is known so far: there is a report however early the run ends. */
export interface Progress {
  readonly startedAt: Date
  readonly results: FileResult[]
  readonly problems: PublishError[]
  readonly warnings: string[]
  readonly notices: string[]
  inputs: Inputs | undefined
  chain: ChainCheck | undefined
  distributions: readonly Distribution[]
  proxy: URL | undefined
  probe: Probe | undefined
  /** The CAs that the server names; undefined: not asked, or not known. */
  accepted: AcceptedAuthorities | undefined
  exported: RunReport['exported']
}

export function startProgress(startedAt: Date): Progress {
  return {
    startedAt,
    results: [],
    problems: [],
    warnings: [],
    notices: [],
    inputs: undefined,
    chain: undefined,
    distributions: [],
    proxy: undefined,
    probe: undefined,
    accepted: undefined,
    exported: undefined,
  }
}

export function hasSucceeded({ problems, results }: Progress): boolean {
  return problems.length === 0 && !results.some(({ outcome }) => failsStep(outcome))
}

/** The finished run, for `report/`. */
export function reportOf(progress: Progress, facts: RunnerFacts, now: Date): RunReport {
  const { inputs, chain, probe, proxy } = progress
  // Not the signal: it may come when another fault has ended the run.
  const failed = progress.problems.some(({ code }) => code === 'E_RUN_CANCELLED') ? 'cancelled' : 'failed'
  return {
    status: hasSucceeded(progress) ? 'succeeded' : failed,
    dryRun: inputs?.dryRun ?? false,
    looksUp: inputs?.checkUrl !== 'off',
    startedAt: progress.startedAt,
    finishedAt: now,
    repositoryUrl: inputs?.repositoryUrl,
    files: progress.results,
    problems: progress.problems,
    warnings: progress.warnings,
    notices: progress.notices,
    handshake: probe?.handshake ?? 'not-tried',
    server: probe?.facts,
    serverSeen: probe?.seen,
    serverCaNames: progress.accepted?.names,
    alert: probe?.alert ?? progress.problems.map(({ cause }) => alertOf(cause)).find((alert) => alert !== undefined),
    proxy: proxy && shownUrl(proxy),
    chain: certificateFacts(chain?.chain ?? []),
    anchor: chain?.anchor && subjectOf(chain.anchor),
    findings: chain?.findings ?? [],
    ownCaBundle: inputs?.caBundle !== undefined && inputs.caBundle !== 'system',
    utcOffsetMinutes: -now.getTimezoneOffset(),
    certificateExpires: chain?.expires,
    certificateDaysLeft: chain && daysLeft(chain.expires, now),
    exported: progress.exported,
    supportContact: inputs?.supportContact,
    run: { ...facts, actionVersion: ACTION_VERSION },
    reportPath: '',
  }
}
