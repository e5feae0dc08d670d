import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { outputsOf } from '../../../src/report/outputs.ts'
import { fileWith, foreignReport, HOSTILE, rejected, reportWith, tags } from './reports.ts'

const ACTION = path.resolve(import.meta.dirname, '../../../action.yml')

function filesOf(report: ReturnType<typeof reportWith>): { file: string; outcome: string }[] {
  return JSON.parse(outputsOf(report).get('files') ?? '')
}

describe('outputs', () => {
  it('are those of action.yml, each with a value', () => {
    const { outputs }: { outputs: Record<string, unknown> } = parse(readFileSync(ACTION, 'utf8'))
    assert.deepEqual([...outputsOf(reportWith()).keys()], Object.keys(outputs))
  })

  it('are empty where a value is not known, and 0 for counts', () => {
    const { files, handshake, published, failed, ...others } = Object.fromEntries(
      outputsOf(reportWith({ reportPath: '' })),
    )
    assert.deepEqual(
      { files, handshake, published, failed },
      { files: '[]', handshake: 'not-tried', published: '0', failed: '0' },
    )
    const { skipped, 'already-published': before, ...texts } = others
    assert.deepEqual([skipped, before], ['0', '0'])
    assert.deepEqual([...new Set(Object.values(texts))], [''])
  })

  it('count the outcomes, and as failed all that fail the step', () => {
    const outcomes = [
      'published',
      'published',
      'already-published',
      'skipped',
      'conflict',
      'rejected',
      'unconfirmed',
      'no-answer',
      'not-tried',
    ] as const
    const values = outputsOf(
      reportWith({ files: outcomes.map((outcome, index) => fileWith(`cp3${index}-none-any`, outcome)) }),
    )
    const names = ['published', 'already-published', 'skipped', 'failed']
    assert.deepEqual(
      names.map((name) => values.get(name)),
      ['2', '1', '1', '5'],
    )
  })

  it('describe each file with these fields in this order', () => {
    const result = fileWith('sdist', 'published', { verified: 'sha256' })
    assert.equal(
      outputsOf(reportWith({ files: [result] })).get('files'),
      `[{"file":"demo-1.2.0.tar.gz","name":"demo","version":"1.2.0","sha256":"${'0f'.repeat(32)}","size":1234567,"outcome":"published","verified":"sha256","attempts":1,"milliseconds":812,"code":""}]`,
    )
  })

  it('have an empty digest for a file that was not hashed: the run was cancelled before', () => {
    const values = outputsOf(reportWith({ files: [fileWith('sdist', 'not-tried', { sha256: undefined })] }))
    assert.equal(JSON.parse(values.get('files') ?? '')[0].sha256, '')
  })

  it('have the version where all files share one', () => {
    const one = fileWith('cp312-none-any', 'published')
    assert.equal(outputsOf(reportWith({ files: [one, fileWith('sdist', 'published')] })).get('version'), '1.2.0')
    assert.equal(outputsOf(reportWith({ files: [one, { ...one, version: '1.3.0' }] })).get('version'), '')
  })

  it('have the end of the certificate in ISO 8601, UTC', () => {
    const certificateExpires = new Date('2026-12-31T23:59:59+02:00')
    const values = outputsOf(reportWith({ certificateExpires, certificateDaysLeft: -3 }))
    assert.equal(values.get('certificate-expires'), '2026-12-31T21:59:59.000Z')
    assert.equal(values.get('certificate-days-left'), '-3')
  })

  it('are empty, not an exception, for a certificate whose date nobody can read', () => {
    const values = outputsOf(reportWith({ certificateExpires: new Date(''), certificateDaysLeft: Number.NaN }))
    assert.deepEqual([values.get('certificate-expires'), values.get('certificate-days-left')], ['', ''])
  })

  it('give the paths of exported credentials', () => {
    const exported = { clientCert: '/m/cert.pem', clientKey: '/m/key.pem', clientPem: '/m/both.pem', caBundle: '' }
    const values = outputsOf(reportWith({ exported }))
    const names = ['client-cert-path', 'client-key-path', 'client-pem-path', 'ca-bundle-path']
    assert.deepEqual(
      names.map((name) => values.get(name)),
      ['/m/cert.pem', '/m/key.pem', '/m/both.pem', ''],
    )
  })

  it('hold no text that a server, an archive, a certificate or a contact chose', () => {
    for (const [name, value] of outputsOf(foreignReport(HOSTILE))) {
      const allowed = name === 'files' ? /^[A-Za-z0-9_.!+"':,{}[\]-]*$/ : /^[A-Za-z0-9_.:/-]*$/
      assert.match(value, allowed, name)
      assert.doesNotMatch(value, /owned|evil|octocat/, name)
    }
  })

  it('keep all 1,000 files in upload order', () => {
    const files = tags(1000).map((tag, index) => (index % 10 === 9 ? rejected(tag) : fileWith(tag, 'published')))
    assert.deepEqual(
      filesOf(reportWith({ files })).map(({ file }) => file),
      files.map(({ file }) => file),
    )
  })

  it('stay under 900 kB in UTF-16 with 3,000 files: valid JSON, failures first', () => {
    const files = tags(3000).map((tag, index) => (index % 10 === 9 ? rejected(tag) : fileWith(tag, 'published')))
    const report = reportWith({ files })
    assert.ok(2 * (outputsOf(report).get('files') ?? '').length <= 900_000)
    const shown = filesOf(report)
    assert.ok(shown.length > 1000 && shown.length < 3000, `${shown.length} files`)
    assert.deepEqual(
      shown.slice(0, 301).map(({ outcome }) => outcome),
      [...Array(300).fill('rejected'), 'published'],
    )
    assert.equal(outputsOf(report).get('failed'), '300')
  })
})
