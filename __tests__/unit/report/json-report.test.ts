import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PublishError } from '../../../src/errors.ts'
import { jsonReport } from '../../../src/report/json-report.ts'
import {
  certificate,
  fileWith,
  finding,
  foreignReport,
  HOSTILE,
  problem,
  RUN,
  rejected,
  reportWith,
} from './reports.ts'

describe('the JSON report', () => {
  it('has all facts of a run under stable names', () => {
    const report = reportWith({
      files: [rejected('cp312-none-any')],
      problems: [problem('E_HTTP_FORBIDDEN', 'no', 'Ask')],
      warnings: ['soon'],
      notices: ['read'],
      handshake: 'accepted',
      server: {
        protocol: 'TLSv1.3',
        cipher: 'TLS_AES_256_GCM_SHA384',
        remoteAddress: '192.0.2.1',
        asked: true,
        server: { subject: 'CN=index', issuer: 'CN=CA', fingerprint256: 'AA', validTo: '2027-01-01T00:00:00.000Z' },
      },
      proxy: 'http://proxy.example.com:3128/',
      serverCaNames: ['CN=Other CA'],
      alert: 48,
      chain: [certificate({ names: 'DNS:ci.example.com' })],
      anchor: 'CN=Example CA',
      findings: [finding({ hint: 'Renew it' })],
      certificateExpires: new Date('2026-12-31T23:59:59Z'),
      certificateDaysLeft: 36,
      supportContact: 'pki@example.com',
    })
    const { nextSteps, files, ...others } = JSON.parse(jsonReport(report))
    assert.equal(nextSteps.length, 4)
    assert.deepEqual(files, [
      {
        file: 'demo-1.2.0-cp312-none-any.whl',
        kind: 'wheel',
        name: 'demo',
        version: '1.2.0',
        sha256: '0f'.repeat(32),
        size: 1_234_567,
        outcome: 'rejected',
        verified: 'no',
        attempts: 1,
        milliseconds: 812,
        requestNumber: null,
        code: 'E_HTTP_FORBIDDEN',
        message: 'the index answered 403 Forbidden: no permission',
        hint: 'Ask for the permission to upload',
      },
    ])
    const unhashed = jsonReport(reportWith({ files: [fileWith('sdist', 'not-tried', { sha256: undefined })] }))
    assert.equal(JSON.parse(unhashed).files[0].sha256, null)
    assert.deepEqual(others, {
      schemaVersion: 1,
      status: 'failed',
      dryRun: false,
      startedAt: '2026-11-25T06:00:00.000Z',
      finishedAt: '2026-11-25T06:00:09.000Z',
      repositoryUrl: 'https://index.example.com/legacy/',
      problems: [{ code: 'E_HTTP_FORBIDDEN', message: 'no', hint: 'Ask' }],
      warnings: ['soon'],
      notices: ['read'],
      handshake: 'accepted',
      server: report.server,
      proxy: 'http://proxy.example.com:3128/',
      serverCaNames: ['CN=Other CA'],
      alert: 48,
      anchor: 'CN=Example CA',
      findings: [
        {
          code: 'E_CERT_EXPIRED',
          severity: 'error',
          position: 'leaf',
          subject: 'CN=release',
          message: 'the leaf certificate CN=release ended on 2026-11-20',
          hint: 'Renew it',
        },
      ],
      chain: [
        {
          position: 'leaf',
          subject: 'CN=release',
          issuer: 'CN=Example CA',
          serial: '01AF',
          fingerprint256: 'AA:BB:CC',
          notBefore: '2026-01-01T00:00:00.000Z',
          notAfter: '2026-12-31T23:59:59.000Z',
          names: 'DNS:ci.example.com',
          extendedKeyUsage: ['clientAuth'],
        },
      ],
      certificateExpires: '2026-12-31T23:59:59.000Z',
      certificateDaysLeft: 36,
      exported: null,
      supportContact: 'pki@example.com',
      run: RUN,
      reportPath: '/temp/report.json',
    })
  })

  it('has null, never a missing field, for what is not known', () => {
    const early = JSON.parse(
      jsonReport(reportWith({ repositoryUrl: undefined, files: [fileWith('sdist', 'not-tried')] })),
    )
    const nulls = Object.keys(early).filter((name) => early[name] === null)
    assert.deepEqual(nulls, [
      'repositoryUrl',
      'server',
      'proxy',
      'serverCaNames',
      'alert',
      'anchor',
      'certificateExpires',
      'certificateDaysLeft',
      'exported',
      'supportContact',
    ])
    const full = JSON.parse(jsonReport(foreignReport('x')))
    assert.deepEqual(Object.keys(early), Object.keys(full))
    assert.deepEqual(Object.keys(early.files[0]), Object.keys(full.files[0]))
  })

  it('ends with a line end and gives every text back as it was, on whatever it is made of', () => {
    const text = jsonReport(foreignReport(HOSTILE))
    assert.match(text, /\}\n$/)
    const report = JSON.parse(text)
    assert.equal(report.files[0].message, HOSTILE)
    assert.equal(report.chain[0].subject, HOSTILE)
  })

  it('has nothing of a cause: what is in it went through no rule', () => {
    const cause = new Error('words of a cause')
    const problems = [new PublishError({ code: 'E_RUN_INTERNAL', message: 'a fault', cause })]
    assert.doesNotMatch(jsonReport(reportWith({ problems })), /words of a cause|at .*json-report/)
  })

  it('has of the runner only the documented facts', () => {
    const run = { ...RUN, workspace: '/home/runner/work', temp: '/home/runner/temp' }
    assert.deepEqual(JSON.parse(jsonReport(reportWith({ run }))).run, RUN)
  })

  it('shows no user, password or query of the URL', () => {
    const repositoryUrl = new URL('https://me:pass@index.example.com/legacy/?token=1')
    assert.doesNotMatch(jsonReport(reportWith({ repositoryUrl })), /pass|token/)
  })
})
