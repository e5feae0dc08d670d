import type { PublishError } from '../errors.ts'
import type { FileResult } from '../package-index/outcome.ts'
import { count, formatBytes, shownUrl } from '../text.ts'
import { isFailure, reasonOf, statusOf } from './file-status.ts'
import type { RunReport } from './run-report.ts'

/** One file's end as a line of the log. The hint stands in the file's annotation. */
export function fileLine(result: FileResult): string {
  const { file, outcome } = result
  const { word, sentence } = statusOf(result)
  if (outcome === 'published') return `${file}: ${word} (${howPublished(result)})${shownDigest(result)}`
  if (outcome === 'already-published') return `${file}: ${sentence}${shownDigest(result)}`
  const reason = reasonOf(result)
  const story = outcome === 'not-tried' && reason !== '' ? [reason] : [word, reason]
  return [file, ...story].filter((part) => part !== '').join(': ')
}

/** `, sha256:<64 hexadecimal digits>`, for whoever compares the log with another machine's file. */
function shownDigest({ sha256 }: FileResult): string {
  return sha256 === undefined ? '' : `, sha256:${sha256}`
}

/** `1.2 MB in 0.4 s, sha256 verified` */
function howPublished({ size, milliseconds, attempts, verified, message }: FileResult): string {
  const time = `${formatBytes(size)} in ${(milliseconds / 1000).toFixed(1)} s`
  const tries = attempts > 1 ? ` and ${attempts} tries` : ''
  const check = message === undefined ? '' : `; ${message}`
  return `${time}${tries}${verified === 'no' ? check : `, ${verified} verified`}`
}

/** Why something is tried again, and when; `what`: the file that was sent, or what was asked. */
export function retryLine(what: string, { message, code }: PublishError, waitMs: number): string {
  return `${what}: ${message} (${code}); again in ${(waitMs / 1000).toFixed(1)} s at the earliest`
}

/** How a run that did not succeed ended, in three words or fewer: the beginning of `resultLine`. */
export function failureTitle({ status, dryRun }: RunReport): string {
  const what = dryRun ? 'Dry run' : 'Publishing'
  return status === 'cancelled' ? `${what} cancelled` : `${what} failed`
}

/** The run in one line, without a full stop: `Published 3 of 3 files to https://index.example.com/legacy/`. */
export function resultLine(report: RunReport): string {
  if (report.status !== 'succeeded') return `${failureTitle(report)}: ${failureDetail(report)}`
  return report.dryRun ? dryRunLine(report) : `Published ${published(report)}`
}

/** What `resultLine` says behind the title of a failed run. */
export function failureDetail(report: RunReport): string {
  const { dryRun, files, problems } = report
  if (!dryRun) return files.length === 0 ? `nothing was published${target(report)}` : `published ${published(report)}`
  const what =
    problems.length > 0
      ? `${count(problems.length, 'problem')} on the way`
      : `${files.filter(isFailure).length} of ${count(files.length, 'file')} would not be published`
  return `${what}${target(report)}${isTaken(report) ? `, but ${TAKEN}` : ''}`
}

function published(report: RunReport): string {
  return `${amount(report, 'published')} of ${count(report.files.length, 'file')}${target(report)}${besides(report)}`
}

function amount({ files }: RunReport, wanted: FileResult['outcome']): number {
  return files.filter(({ outcome }) => outcome === wanted).length
}

function target({ repositoryUrl }: RunReport): string {
  return repositoryUrl === undefined ? '' : ` to ${shownUrl(repositoryUrl)}`
}

/** What a success can be besides `published`. */
function besides(report: RunReport): string {
  const before = amount(report, 'already-published')
  const skipped = amount(report, 'skipped')
  const parts = [
    before > 0 ? `, ${before} there before with the same bytes` : '',
    skipped > 0 ? `, ${skipped} skipped` : '',
  ]
  return parts.join('')
}

const TAKEN = 'the server takes the client certificate'

function isTaken({ handshake, chain }: RunReport): boolean {
  return chain.length > 0 && handshake === 'accepted'
}

function dryRunLine(report: RunReport): string {
  const { files } = report
  const what =
    files.length === 0
      ? 'there is no file to publish'
      : `${count(amount(report, 'would-publish'), 'file')} would be published`
  return `Dry run: ${what}${target(report)}${besides(report)}${isTaken(report) ? `, and ${TAKEN}` : ''}; nothing was sent`
}
