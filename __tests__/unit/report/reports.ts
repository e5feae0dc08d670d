import type { Finding } from '../../../src/certificates/findings.ts'
import { type ErrorCode, PublishError } from '../../../src/errors.ts'
import type { FileResult, Outcome } from '../../../src/package-index/outcome.ts'
import type { CertificateFacts, RunReport } from '../../../src/report/run-report.ts'

/** A run that published nothing yet and knows little; each test says what differs. */
export function reportWith(given: Partial<RunReport> = {}): RunReport {
  return {
    status: 'failed',
    dryRun: false,
    looksUp: true,
    startedAt: new Date('2026-11-25T06:00:00Z'),
    finishedAt: new Date('2026-11-25T06:00:09Z'),
    repositoryUrl: new URL('https://index.example.com/legacy/'),
    files: [],
    problems: [],
    warnings: [],
    notices: [],
    handshake: 'not-tried',
    server: undefined,
    proxy: undefined,
    chain: [],
    anchor: undefined,
    findings: [],
    ownCaBundle: false,
    utcOffsetMinutes: 0,
    certificateExpires: undefined,
    certificateDaysLeft: undefined,
    exported: undefined,
    supportContact: undefined,
    run: RUN,
    reportPath: '/temp/report.json',
    ...given,
  }
}

export const RUN: RunReport['run'] = {
  repository: 'acme/demo',
  commit: '0123456789abcdef0123456789abcdef01234567',
  ref: 'refs/tags/v1.2.0',
  actor: 'octocat',
  workflow: 'release',
  job: 'publish',
  runId: '42',
  runAttempt: '1',
  serverUrl: 'https://github.com',
  actionRepository: 'octo-org/publish',
  actionRef: 'v0.1.0',
  actionVersion: '0.1.0',
}

/** A wheel of demo 1.2.0 for one platform; `sdist` for its sdist. */
export function fileWith(tag: string, outcome: Outcome, given: Partial<FileResult> = {}): FileResult {
  const isSdist = tag === 'sdist'
  return {
    file: isSdist ? 'demo-1.2.0.tar.gz' : `demo-1.2.0-${tag}.whl`,
    project: 'demo',
    version: '1.2.0',
    kind: isSdist ? 'sdist' : 'wheel',
    sha256: '0f'.repeat(32),
    size: 1_234_567,
    outcome,
    verified: 'no',
    attempts: outcome === 'not-tried' || outcome === 'would-publish' ? 0 : 1,
    milliseconds: 812,
    code: undefined,
    message: undefined,
    hint: undefined,
    ...given,
  }
}

/** A wheel that the index refused. */
export function rejected(tag: string, code: ErrorCode = 'E_HTTP_FORBIDDEN'): FileResult {
  const message = 'the index answered 403 Forbidden: no permission'
  return fileWith(tag, 'rejected', { code, message, hint: 'Ask for the permission to upload' })
}

/** `amount` different platform tags. */
export function tags(amount: number): string[] {
  return Array.from({ length: amount }, (_, index) => `cp312-cp312-linux_${index}`)
}

export function problem(code: ErrorCode, message = `what ${code} means`, hint?: string): PublishError {
  return new PublishError({ code, message, hint })
}

export function certificate(given: Partial<CertificateFacts> = {}): CertificateFacts {
  return {
    position: 'leaf',
    subject: 'CN=release',
    issuer: 'CN=Example CA',
    serial: '01AF',
    fingerprint256: 'AA:BB:CC',
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2026-12-31T23:59:59Z'),
    names: '',
    purposes: ['clientAuth'],
    ...given,
  }
}

/** An error about the leaf. */
export function finding(given: Partial<Finding> = {}): Finding {
  return {
    code: 'E_CERT_EXPIRED',
    severity: 'error',
    position: 'leaf',
    subject: 'CN=release',
    message: 'the leaf certificate CN=release ended on 2026-11-20',
    hint: undefined,
    ...given,
  }
}

/** Everything that a server, an archive, a certificate or a workflow's author could try at once. */
export const HOSTILE = [
  'x|y` ``` </code></td> <img src=x onerror=alert(1)> <!-- **bold** __b__ ~~s~~ $a$ :tada: @octocat #1 &lt;',
  '::error::owned',
  '##[warning]owned',
  '::set-output name=published::999',
  '# heading',
  '- item',
  '| a | b |',
  '"]:::x --> pwned["x"] ; click c0 "https://evil.example" ; style c0 fill:#000 ; end ; %%{init: {"theme": "x"}}%%',
  'subgraph x',
  '</pre></details>',
  '[link](javascript:alert(1)) ![image](https://evil.example/x.png) https://evil.example <https://evil.example>',
  '\u202e\u200b\u2028::notice::owned\u2029\u0085::notice::owned\u0000\u001b[31m\\',
].join('\r\n')

/** A run in which `text` stands wherever text of somebody else can stand. */
export function foreignReport(text: string, status: RunReport['status'] = 'failed'): RunReport {
  const foreign = { code: 'E_HTTP_REJECTED', message: text, hint: text } as const
  return reportWith({
    status,
    files: [
      fileWith('cp312-none-any', 'rejected', { ...foreign, requestNumber: text }),
      fileWith('cp313-none-any', 'skipped', foreign),
      fileWith('cp314-none-any', 'published'),
    ],
    problems: status === 'succeeded' ? [] : [problem('E_HTTP_REJECTED', text, text)],
    warnings: Array(5).fill(text),
    notices: [text],
    handshake: 'accepted',
    server: {
      protocol: text,
      cipher: text,
      remoteAddress: text,
      asked: true,
      server: { subject: text, issuer: text, fingerprint256: text, validTo: text },
    },
    proxy: text,
    serverCaNames: [text, text],
    chain: ['leaf', 'intermediate 1'].map((position) =>
      certificate({
        position,
        subject: text,
        issuer: text,
        serial: text,
        fingerprint256: text,
        names: text,
        purposes: [text],
      }),
    ),
    anchor: `${text} root`,
    findings: ['leaf', 'intermediate 1', 'root', 'extra'].map((position) =>
      finding({ position, severity: position === 'extra' ? 'warning' : 'error', subject: text, message: text }),
    ),
    certificateExpires: new Date('2026-12-31T23:59:59Z'),
    certificateDaysLeft: 36,
    supportContact: text,
    run: {
      ...RUN,
      repository: text,
      commit: text,
      ref: text,
      actor: text,
      workflow: text,
      job: text,
      runId: text,
      runAttempt: text,
    },
  })
}
