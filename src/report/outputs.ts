import type { FileResult, Outcome } from '../package-index/outcome.ts'
import { failuresFirst, isFailure } from './file-status.ts'
import type { RunReport } from './run-report.ts'

/**
 * Characters of the output `files`, all of them ASCII. GitHub takes 1 MB of outputs a job and counts them in UTF-16, two
 * bytes a character.
 */
const LONGEST_FILES = 450_000

/**
 * Every output of `action.yml`, by name; `''` where a value is not known. People paste outputs into shells: nothing here
 * is text that a server, an archive or a certificate chose freely.
 */
export function outputsOf(report: RunReport): ReadonlyMap<string, string> {
  const { files, exported, certificateExpires: expires, certificateDaysLeft: daysLeft } = report
  const amount = (wanted: Outcome) => String(files.filter(({ outcome }) => outcome === wanted).length)
  return new Map([
    ['published', amount('published')],
    ['already-published', amount('already-published')],
    ['skipped', amount('skipped')],
    ['failed', String(files.filter(isFailure).length)],
    ['files', filesJson(files)],
    ['version', oneVersion(files)],
    ['report-path', report.reportPath],
    ['handshake', report.handshake],
    ['certificate-expires', expires === undefined ? '' : isoTime(expires)],
    ['certificate-days-left', daysLeft === undefined || Number.isNaN(daysLeft) ? '' : String(daysLeft)],
    ['client-cert-path', exported?.clientCert ?? ''],
    ['client-key-path', exported?.clientKey ?? ''],
    ['client-pem-path', exported?.clientPem ?? ''],
    ['ca-bundle-path', exported?.caBundle ?? ''],
  ])
}

function oneVersion(files: readonly FileResult[]): string {
  const [version = '', ...others] = new Set(files.map((file) => file.version))
  return others.length === 0 ? version : ''
}

/** In upload order while all fit; otherwise failures first, as many as fit. */
function filesJson(files: readonly FileResult[]): string {
  const all = `[${files.map(fileJson).join(',')}]`
  if (all.length <= LONGEST_FILES) return all
  const kept: string[] = []
  let length = 1
  for (const json of failuresFirst(files).map(fileJson)) {
    length += json.length + 1
    if (length > LONGEST_FILES) break
    kept.push(json)
  }
  return `[${kept.join(',')}]`
}

function fileJson(result: FileResult): string {
  const { file, project: name, version, sha256 = '', size, outcome, verified, attempts, milliseconds } = result
  const code = result.code ?? ''
  return JSON.stringify({ file, name, version, sha256, size, outcome, verified, attempts, milliseconds, code })
}

/** `2026-11-25T06:00:00.000Z`; `''` for a date that a certificate spells in a way nobody can read. */
export function isoTime(date: Date): string {
  return Number.isNaN(date.getTime()) ? '' : date.toISOString()
}
