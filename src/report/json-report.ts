import type { Finding } from '../certificates/findings.ts'
import type { PublishError } from '../errors.ts'
import type { FileResult } from '../package-index/outcome.ts'
import { shownUrl } from '../text.ts'
import { closingOf } from './closing.ts'
import { isoTime } from './outputs.ts'
import type { CertificateFacts, RunReport } from './run-report.ts'

/** Goes up when a field of the report changes its meaning or goes away; new fields may come at any time. */
const SCHEMA_VERSION = 1

/**
 * The whole run as JSON (UTF-8, a line end at its end), for scripts and archives. Times are ISO 8601 in UTC, sizes bytes,
 * digests lower-case hexadecimal; what is not known is `null`, or `''` among the facts of `run`. Texts are redacted and
 * printable, but chosen by servers, archives and certificates: data, never commands.
 */
export function jsonReport(report: RunReport): string {
  const { status, dryRun, startedAt, finishedAt, repositoryUrl, files, problems, warnings, notices } = report
  const { handshake, server, proxy, chain, certificateExpires, certificateDaysLeft, exported, run } = report
  const content = {
    schemaVersion: SCHEMA_VERSION,
    status,
    dryRun,
    startedAt: isoTime(startedAt),
    finishedAt: isoTime(finishedAt),
    repositoryUrl: repositoryUrl === undefined ? null : shownUrl(repositoryUrl),
    files: files.map(fileOf),
    problems: problems.map(problemOf),
    warnings,
    notices,
    nextSteps: closingOf(report).map(({ label, text, link }) => ({ label, text, link: link === '' ? null : link })),
    handshake,
    server: server ?? null,
    proxy: proxy ?? null,
    serverCaNames: report.serverCaNames ?? null,
    alert: report.alert ?? null,
    chain: chain.map(certificateOf),
    anchor: report.anchor ?? null,
    findings: report.findings.map(findingOf),
    certificateExpires: certificateExpires === undefined ? null : isoTime(certificateExpires),
    certificateDaysLeft: certificateDaysLeft ?? null,
    exported: exported ?? null,
    supportContact: report.supportContact ?? null,
    run: runOf(run),
    reportPath: report.reportPath,
  }
  return `${JSON.stringify(content, null, 2)}\n`
}

function fileOf({ project: name, ...result }: FileResult) {
  const { file, kind, version, sha256 = null, size, outcome, verified, attempts, milliseconds } = result
  const why = { code: result.code ?? null, message: result.message ?? null, hint: result.hint ?? null }
  const numbers = { attempts, milliseconds, requestNumber: result.requestNumber ?? null }
  return { file, kind, name, version, sha256, size, outcome, verified, ...numbers, ...why }
}

/** Without the cause: it is not ours, and nothing in it went through the rules for foreign text. */
function problemOf({ code, message, hint }: PublishError) {
  return { code, message, hint: hint ?? null }
}

function certificateOf({ notBefore, notAfter, ...facts }: CertificateFacts) {
  const { position, subject, issuer, serial, fingerprint256, names, purposes } = facts
  const dates = { notBefore: isoTime(notBefore), notAfter: isoTime(notAfter) }
  return { position, subject, issuer, serial, fingerprint256, ...dates, names, extendedKeyUsage: purposes ?? null }
}

function findingOf({ code, severity, position, subject, message, hint }: Finding) {
  return { code, severity, position, subject, message, hint: hint ?? null }
}

/** Field by field: whoever makes the report may hand over more than belongs into it. */
function runOf(run: RunReport['run']) {
  const { repository, commit, ref, actor, workflow, job, runId, runAttempt } = run
  const { serverUrl, actionRepository, actionRef, actionVersion } = run
  const where = { repository, commit, ref, actor, workflow, job, runId, runAttempt, serverUrl }
  return { ...where, actionRepository, actionRef, actionVersion }
}
