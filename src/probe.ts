import { mayPass } from './errors.ts'
import { type Plan, type PlanRequest, SERVER_MAY_DECIDE } from './plan.ts'
import type { Progress } from './progress.ts'
import { retryLine } from './report/log-lines.ts'
import type { Session } from './session.ts'
import { shownUrl } from './text.ts'
import type { AcceptedAuthorities, Probe } from './transport/transport.ts'

/**
 * One handshake, without a request: whether the server takes the certificate, and what it says of itself, for log,
 * warnings and report.
 *
 * @throws the PublishError that says why there is no connection
 */
export async function probe(run: PlanRequest, plan: Plan, session: Session, progress: Progress): Promise<void> {
  const { runner, signal } = run
  const { url, identity } = plan
  const { transport } = session
  const result = await connect(session, plan, run)
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

/** A name that is not resolved or a port that is closed may be there a moment later. */
async function connect({ transport, pace }: Session, plan: Plan, { runner, signal }: PlanRequest): Promise<Probe> {
  for (let left = plan.inputs.retries; ; left -= 1) {
    const turn = await pace.turn(signal)
    try {
      const result = await transport.probe(signal, neededSoon(plan))
      const { problem } = result
      if (problem === undefined) pace.answered(turn)
      if (problem === undefined || !mayPass(problem) || left === 0) return result
      if (!pace.failed(turn, undefined)) return result
      runner.log('Retry', retryLine('handshake', problem, pace.waitMs))
    } finally {
      pace.left(turn)
    }
  }
}

/** Connections beside the first, where it is known without a lookup that all files will be sent. */
function neededSoon({ inputs, simpleIndex, distributions }: Plan): number {
  if (simpleIndex !== 'off' || inputs.dryRun) return 0
  return Math.min(inputs.maxParallel, distributions.length) - 1
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
