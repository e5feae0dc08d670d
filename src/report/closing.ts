import type { ErrorCode } from '../errors.ts'
import type { FileResult } from '../package-index/outcome.ts'
import { count, formatTime, printable } from '../text.ts'
import { finished, isFailure, listWithin } from './file-status.ts'
import { type Repair, repairOf } from './repairs.ts'
import type { RunFacts, RunReport } from './run-report.ts'

/** One of the four answers to "what now?". */
export interface ClosingLine {
  readonly label: string
  readonly text: string
  /** Where to read on; `''` where the address is not known. */
  readonly link: string
}

/** Characters of one list of file names. */
const NAMES_LENGTH = 300

/** Repairs that one line names. */
const SHOWN_REPAIRS = 3

/** The four lines that end a failed or cancelled run, each `Label: text`; `[]` after a success. */
export function closingLines(report: RunReport): string[] {
  return closingOf(report).map(({ label, text, link }) => `${label}: ${text}${link === '' ? '' : ` ${link}`}`)
}

/**
 * What is on the index, whether a second run is safe and which button starts it, what to mend, whom to ask. Where nobody
 * looks (`check-url: off`), what a second run meets is the index's own rule, and the lines say so.
 */
export function closingOf(report: RunReport): readonly ClosingLine[] {
  if (report.status === 'succeeded') return []
  const codes = codesOf(report)
  const repairs = codes.map(repairOf)
  return [
    { label: 'On the index', text: stateOf(report), link: '' },
    { label: 'Run again', text: againOf(report, repairs), link: '' },
    { label: 'To mend', text: mendingOf(repairs), link: '' },
    askingOf(report, codes),
  ]
}

/**
 * The section of the troubleshooting page for one code (undefined: the page), at the version of the action that runs;
 * `''` where the runner does not say where the action comes from (a local action).
 */
export function troubleshootingUrl(run: RunFacts, code: ErrorCode | undefined): string {
  const { serverUrl, actionRepository, actionRef } = run
  if (actionRepository === '' || !/^https?:\/\/[A-Za-z0-9.:-]+$/.test(serverUrl)) return ''
  const page = `${inUrl(actionRepository)}/blob/${inUrl(actionRef || 'HEAD')}/docs/troubleshooting.md`
  return `${serverUrl}/${page}${code === undefined ? '' : `#${code.toLowerCase()}`}`
}

/** Path segments, with nothing left in them that Markdown or HTML would act on. */
function inUrl(path: string): string {
  const encode = (text: string) => encodeURIComponent(text.toWellFormed())
  return path
    .split('/')
    .map(encode)
    .join('/')
    .replace(/[!'()*~]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)
}

/** What ended the run first, then what ended single files. */
function codesOf({ problems, files }: RunReport): ErrorCode[] {
  const ofFiles = files.filter(isFailure).flatMap(({ code }) => (code === undefined ? [] : [code]))
  return [...new Set([...problems.map(({ code }) => code), ...ofFiles])]
}

/** Where a file is after the run, as far as it is known. */
type Place =
  | 'published'
  | 'same-before'
  | 'other-before'
  | 'there-before'
  | 'taken'
  | 'perhaps-taken'
  | 'unknown'
  | 'missing'

function placeOf({ outcome, code, there }: FileResult): Place {
  if (outcome === 'published') return 'published'
  if (outcome === 'already-published') return 'same-before'
  if (there === 'taken' || there === 'perhaps-taken') return there
  if (outcome === 'conflict' || outcome === 'skipped') return there === 'other' ? 'other-before' : 'there-before'
  if (outcome === 'unconfirmed' && there === 'unknown') return 'there-before'
  if (outcome === 'no-answer' || outcome === 'unconfirmed') return 'unknown'
  if (outcome !== 'rejected') return 'missing'
  if (code === 'E_HTTP_EXISTS') return 'there-before'
  // A front that waited too long for the index answers 504, and the index may have the file.
  return code === 'E_HTTP_SERVER_ERROR' ? 'unknown' : 'missing'
}

/** Names that the index has. */
const ON_INDEX: readonly Place[] = [
  'published',
  'same-before',
  'other-before',
  'there-before',
  'taken',
  'perhaps-taken',
]

function filesAt({ files }: RunReport, ...places: readonly Place[]): FileResult[] {
  return files.filter((file) => places.includes(placeOf(file)))
}

function namesAt(report: RunReport, place: Place, before: string): string {
  const names = filesAt(report, place).map(({ file }) => file)
  return names.length === 0 ? '' : `${before}${listWithin(names, NAMES_LENGTH)}`
}

function stateOf(report: RunReport): string {
  const { files, dryRun } = report
  if (dryRun) return 'nothing by this run; a dry run sends no file.'
  if (files.length === 0) return 'nothing by this run; it ended before a file was sent.'
  const published = filesAt(report, 'published').length
  const parts = [
    `${published} of ${count(files.length, 'file')} by this run${namesAt(report, 'published', ': ')}`,
    namesAt(report, 'same-before', 'there before with the same bytes: '),
    namesAt(report, 'other-before', 'there before with other bytes, and not replaced: '),
    namesAt(report, 'there-before', 'there before (bytes not compared), and not replaced: '),
    namesAt(report, 'taken', 'taken by the index, which lists other bytes under the name: '),
    namesAt(
      report,
      'perhaps-taken',
      'on the index, though not known to have these bytes (a try got no final answer): ',
    ),
    namesAt(report, 'unknown', 'sent, but nobody knows whether it is there: '),
    namesAt(report, 'missing', 'not published: '),
  ]
  return finished(parts.filter((part) => part !== '').join('; '))
}

function againOf(report: RunReport, repairs: readonly Repair[]): string {
  const { files, dryRun, looksUp } = report
  if (dryRun) return `always safe. ${buttonFor(repairs)}`
  const onIndex = filesAt(report, ...ON_INDEX)
  if (files.length > 0 && onIndex.length === files.length) return allThere(report)
  if (looksUp)
    return `safe${timeOf(report)}. Files that are on the index are recognised and not sent again. ${buttonFor(repairs)}`
  const unknown = filesAt(report, 'unknown')
  if (onIndex.length === 0 && unknown.length === 0) return `safe, since the index took no file. ${buttonFor(repairs)}`
  const care = `with care. ${SECOND_TIME}`
  return onIndex.length === 0
    ? care
    : `${care} For the rest alone, start a new run with these lines in \`files\`, after its patterns (\`dist/*\`): ${exclusions(onIndex)}`
}

/** `, but not before 2026-11-27 03:30 UTC, as the index asks`; `''` where it asks for nothing. */
function timeOf({ files }: RunReport): string {
  const times = files.flatMap(({ notBefore }) => (notBefore === undefined ? [] : [notBefore.getTime()]))
  return times.length === 0 ? '' : `, but not before ${formatTime(new Date(Math.max(...times)))}, as the index asks`
}

const SECOND_TIME =
  'With `check-url: off` "Re-run failed jobs" sends all files again: most indexes refuse the ones that they have, and the step fails once more; some overwrite them.'

function allThere(report: RunReport): string {
  const other = filesAt(report, 'other-before', 'taken', 'perhaps-taken').length
  if (other > 0) return 'of no use for the files in conflict: other bytes under a name need a new version.'
  const before = filesAt(report, 'there-before')
  if (before.length === 0) return 'not needed for the files: all of them are on the index.'
  if (!report.looksUp) return `of no use with \`check-url: off\`: the index has one of each name. ${BYTES_DECIDE}`
  if (before.some(isUndecided)) return `safe, once the index shows what it has. ${BYTES_DECIDE}`
  return 'of no use for these files, unless their bytes can be compared the next time: the index has one of each name.'
}

const BYTES_DECIDE =
  'Where `check-url` shows its files, the same bytes are a success, and other bytes need a new version.'

/** The index says that it has the file, and did not show which one, or showed two. */
function isUndecided({ outcome, code }: FileResult): boolean {
  return outcome === 'unconfirmed' || (outcome === 'rejected' && code === 'E_HTTP_EXISTS')
}

function exclusions(files: readonly FileResult[]): string {
  const lines = files.map(({ file }) => `!**/${file}`)
  return listWithin(lines, NAMES_LENGTH, ' ')
}

/** A re-run has the commit, the workflow file and the artifacts of the first run, but today's secrets and variables. */
function buttonFor(repairs: readonly Repair[]): string {
  if (repairs.some(({ changes }) => changes === 'files')) {
    return '"Re-run failed jobs" takes the same files; mended ones need a new build ("Re-run all jobs") or a new run.'
  }
  if (repairs.some(({ changes }) => changes === 'workflow')) {
    return '"Re-run failed jobs" reads secrets and variables anew; a changed workflow file needs a new run.'
  }
  return '"Re-run failed jobs" is enough: it reads secrets and variables anew.'
}

function mendingOf(repairs: readonly Repair[]): string {
  const all = [...new Set(repairs.map(({ what }) => what))]
  const shown = all.slice(0, SHOWN_REPAIRS)
  if (all.length === 0) return 'what the messages of the files name.'
  const more = all.length > shown.length ? '. The summary has the rest' : ''
  return finished(`${shown.join('. Also: ')}${more}`)
}

function askingOf({ supportContact, run }: RunReport, [code]: readonly ErrorCode[]): ClosingLine {
  const contact = supportContact === undefined ? 'the team that runs the index' : printable(supportContact)
  const link = troubleshootingUrl(run, code)
  const about = code ?? 'this'
  const text =
    link === '' ? `${contact} - about ${about}: docs/troubleshooting.md of this action` : `${contact} - about ${about}:`
  return { label: 'Whom to ask', text, link }
}
