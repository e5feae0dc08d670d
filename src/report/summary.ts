import type { FileResult } from '../package-index/outcome.ts'
import { count, formatBytes, formatDate, markdownBlock, markdownCode, markdownText } from '../text.ts'
import { closingOf, troubleshootingUrl } from './closing.ts'
import { failuresFirst, finished, isFailure, sentences, statusOf } from './file-status.ts'
import { resultLine } from './log-lines.ts'
import { isoTime } from './outputs.ts'
import { pictureOf } from './picture.ts'
import type { CertificateFacts, RunReport } from './run-report.ts'
import { ticketOf } from './ticket.ts'

/** GitHub drops a summary over 1 MiB whole; what other tools of the same step add has room as well. */
const LARGEST_SUMMARY = 900_000

/** Warnings that stand behind the result, in the first line. */
const FIRST_WARNINGS = 3

/**
 * The job summary as Markdown: the result and the first warnings in one line, what to do next, the block for the ticket,
 * the files (failures first), all problems and warnings, then certificate, server and run. Where it would pass `budget`
 * bytes, the picture goes first, then items of the lists are left out and a line says how many. What is never left out
 * needs 300,000 bytes at most.
 */
export function summaryOf(report: RunReport, budget = LARGEST_SUMMARY): string {
  const start = [firstLine(report), ...nextSteps(report), ...ticketSection(report)]
  const end = [...serverSection(report), ...runSection(report)]
  let room = budget - bytesOf([...start, ...end])
  // Each list may take its share of what the ones before have left; the table of files, last, takes the rest.
  const taken = (section: Section, share: number): string[] => {
    const blocks = cut(section, Math.floor(room / share), report)
    room -= bytesOf(blocks)
    return blocks
  }
  const problems = taken(problemSection(report), 3)
  const warnings = taken(warningSection(report), 3)
  const certificates = taken(certificateSection(report), 3)
  const files = taken(fileSection(report), 1)
  const drawing = pictureSection(report)
  const picture = bytesOf(drawing) <= room ? drawing : []
  return [...start, ...files, ...problems, ...warnings, ...picture, ...certificates, ...end].join('')
}

/** A list, cut where it is too long. Each part ends with its line end. */
interface Section {
  readonly heading: string
  readonly items: readonly string[]
  /** `file`, `problem`. */
  readonly noun: string
}

function bytesOf(blocks: readonly string[]): number {
  return blocks.reduce((sum, block) => sum + Buffer.byteLength(block), 0)
}

/** Bytes for the line that says what is left out. */
const MORE_BYTES = 1000

function cut({ heading, items, noun }: Section, room: number, { reportPath }: RunReport): string[] {
  if (items.length === 0) return []
  const all = [heading, ...items, '\n']
  if (bytesOf(all) <= room) return all
  const kept = [heading]
  let bytes = Buffer.byteLength(heading) + MORE_BYTES
  for (const item of items) {
    bytes += Buffer.byteLength(item)
    if (bytes > room) break
    kept.push(item)
  }
  const where = reportPath === '' ? '' : `: all are in the report, ${markdownCode(reportPath, 100)}`
  const shown = kept.length - 1
  if (shown === 0) kept.pop()
  return [...kept, `\n${count(items.length - shown, `more ${noun}`)} left out here${where}.\n\n`]
}

function firstLine(report: RunReport): string {
  const { warnings } = report
  const shown = warnings.slice(0, FIRST_WARNINGS).map((warning) => ` Warning: ${markdownText(finished(warning))}`)
  const more = warnings.length - shown.length
  const rest = more > 0 ? ` ${count(more, 'more warning')} below.` : ''
  return `**${markdownText(finished(resultLine(report)))}**${shown.join('')}${rest}\n\n`
}

function nextSteps(report: RunReport): string[] {
  const lines = closingOf(report).map(({ label, text, link }) => {
    return `- **${label}**: ${markdownText(text, 3000)}${link === '' ? '' : ` <${link}>`}\n`
  })
  return lines.length === 0 ? [] : [...lines, '\n']
}

/** Open in a dry run, which is made for it; a failed run has its sentences first. */
function ticketSection(report: RunReport): string[] {
  const lines = ticketOf(report)
  if (lines.length === 0) return []
  const title = 'For a ticket to the team that runs the CA or the server'
  return [
    `<details${report.dryRun ? ' open' : ''}><summary>${title}</summary>\n\n`,
    markdownBlock(lines),
    '\n</details>\n\n',
  ]
}

function pictureSection(report: RunReport): string[] {
  const picture = pictureOf(report)
  return picture === '' ? [] : [`### Chain and server\n\n\`\`\`mermaid\n${picture}\`\`\`\n\n`]
}

function fileSection({ files }: RunReport): Section {
  const heading = `### Files\n\n${row('File', 'Version', 'Size', 'Time', 'SHA-256', 'Outcome', 'Detail')}${row(...Array(7).fill('---'))}`
  return { heading, items: failuresFirst(files).map(fileRow), noun: 'file' }
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |\n`
}

function fileRow(result: FileResult): string {
  const { file, version, size, sha256, code, message, hint } = result
  const { word } = statusOf(result)
  const outcome = isFailure(result) ? `**${word}**` : word
  const why = markdownText(sentences(message, hint), 1500)
  const detail = code === undefined ? why : `${markdownCode(code)} ${why}`
  const digest = sha256 === undefined ? '' : markdownCode(sha256)
  return row(markdownCode(file), markdownText(version), formatBytes(size), timeOf(result), digest, outcome, detail)
}

/** `0.4 s`, `12.0 s in 3 tries`; `` where nothing was sent. */
function timeOf({ attempts, milliseconds }: FileResult): string {
  if (attempts === 0) return ''
  return `${(milliseconds / 1000).toFixed(1)} s${attempts > 1 ? ` in ${attempts} tries` : ''}`
}

function problemSection({ problems, run }: RunReport): Section {
  const items = problems.map(({ code, message, hint }) => {
    const link = troubleshootingUrl(run, code)
    const name = link === '' ? markdownCode(code) : `[${markdownCode(code)}](<${link}>)`
    return `- ${name} ${markdownText(sentences(message, hint), 3000)}\n`
  })
  return { heading: '### Problems\n\n', items, noun: 'problem' }
}

/** Those that the first line did not take. */
function warningSection({ warnings }: RunReport): Section {
  const items = warnings.slice(FIRST_WARNINGS).map((warning) => `- ${markdownText(finished(warning))}\n`)
  return { heading: '### More warnings\n\n', items, noun: 'warning' }
}

function certificateSection({ chain, certificateExpires, certificateDaysLeft }: RunReport): Section {
  const sentence = endSentence(certificateExpires, certificateDaysLeft)
  const head = row('Position', 'Subject', 'Ends', 'Serial', 'SHA-256 fingerprint') + row(...Array(5).fill('---'))
  return {
    heading: `### Client certificate\n\n${sentence}${head}`,
    items: chain.map(certificateRow),
    noun: 'certificate',
  }
}

function endSentence(expires: Date | undefined, daysLeft: number | undefined): string {
  if (expires === undefined || daysLeft === undefined) return ''
  if (daysLeft < 0) return `The first of these ended on ${formatDate(expires)}.\n\n`
  return `The first of these ends on ${formatDate(expires)}, in ${count(daysLeft, 'day')}.\n\n`
}

function certificateRow({ position, subject, notAfter, serial, fingerprint256 }: CertificateFacts): string {
  const [name, number, print] = [markdownCode(subject), markdownCode(serial), markdownCode(fingerprint256)]
  return row(markdownText(position), name, formatDate(notAfter), number, print)
}

function serverSection({ handshake, server, proxy }: RunReport): string[] {
  const lines = [`- Handshake: ${handshake}\n`]
  if (server !== undefined) {
    const { protocol, cipher, remoteAddress, server: certificate } = server
    lines.push(
      `- Connection: ${markdownCode(protocol)}, ${markdownCode(cipher)}, ${markdownCode(remoteAddress)}\n`,
      `- Certificate: ${markdownCode(certificate.subject)}, issued by ${markdownCode(certificate.issuer)}, ends ${markdownCode(certificate.validTo)}\n`,
      `- SHA-256 fingerprint: ${markdownCode(certificate.fingerprint256)}\n`,
    )
  }
  if (proxy !== undefined) lines.push(`- Proxy: ${markdownCode(proxy)}\n`)
  return ['### Server\n\n', ...lines, '\n']
}

function runSection({ run, startedAt, finishedAt, reportPath }: RunReport): string[] {
  const facts: readonly (readonly [string, string])[] = [
    ['Repository', run.repository],
    ['Commit', run.commit],
    ['Ref', run.ref],
    ['Actor', run.actor],
    ['Workflow', run.workflow],
    ['Job', run.job],
    ['Run', run.runId],
    ['Attempt', run.runAttempt],
    ['Action version', run.actionVersion],
    ['Started', isoTime(startedAt)],
    ['Finished', isoTime(finishedAt)],
    ['Report', reportPath],
  ]
  const lines = facts.filter(([, value]) => value !== '').map(([name, value]) => `- ${name}: ${markdownCode(value)}\n`)
  return ['### Run\n\n', ...lines, '\n']
}
