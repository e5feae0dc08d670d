import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileLine, resultLine } from '../../../src/report/log-lines.ts'
import { certificate, fileWith, problem, rejected, reportWith } from './reports.ts'

const INDEX = 'https://index.example.com/legacy/'

describe('the log line of a file', () => {
  it('has size, time and digest of what was published', () => {
    const digest = '0f'.repeat(32)
    assert.equal(
      fileLine(fileWith('sdist', 'published', { verified: 'sha256' })),
      `demo-1.2.0.tar.gz: published (1.2 MB in 0.8 s, sha256 verified), sha256:${digest}`,
    )
    assert.equal(
      fileLine(fileWith('sdist', 'already-published')),
      `demo-1.2.0.tar.gz: was on the index before, with the same bytes, sha256:${digest}`,
    )
  })

  it('has reason and code of what was not', () => {
    assert.equal(
      fileLine(rejected('sdist')),
      'demo-1.2.0.tar.gz: rejected: the index answered 403 Forbidden: no permission (E_HTTP_FORBIDDEN)',
    )
  })

  it('says once that a file was not sent', () => {
    const message = 'not sent, because the index answered 401'
    assert.equal(
      fileLine(fileWith('sdist', 'not-tried', { message, code: 'E_HTTP_UNAUTHORIZED' })),
      'demo-1.2.0.tar.gz: not sent, because the index answered 401 (E_HTTP_UNAUTHORIZED)',
    )
    assert.equal(fileLine(fileWith('sdist', 'not-tried')), 'demo-1.2.0.tar.gz: not sent')
  })
})

describe('the result in one line', () => {
  const published = [fileWith('cp312-none-any', 'published'), fileWith('sdist', 'published')]
  const chain = [certificate()]

  it('counts what was published, and where to', () => {
    assert.equal(
      resultLine(reportWith({ status: 'succeeded', files: published })),
      `Published 2 of 2 files to ${INDEX}`,
    )
  })

  it('counts the other ways to succeed', () => {
    const files = [...published, fileWith('cp311-none-any', 'already-published'), fileWith('cp310-none-any', 'skipped')]
    assert.equal(
      resultLine(reportWith({ status: 'succeeded', files })),
      `Published 2 of 4 files to ${INDEX}, 1 there before with the same bytes, 1 skipped`,
    )
  })

  it('never shows user, password, query or fragment of the URL', () => {
    const repositoryUrl = new URL('https://me:pass@index.example.com/legacy/?token=1#x')
    assert.equal(
      resultLine(reportWith({ status: 'succeeded', files: published, repositoryUrl })),
      `Published 2 of 2 files to ${INDEX}`,
    )
  })

  it('says that a run failed or was cancelled, and how far it came', () => {
    const files = [...published, rejected('cp311-none-any')]
    assert.equal(resultLine(reportWith({ files })), `Publishing failed: published 2 of 3 files to ${INDEX}`)
    assert.equal(
      resultLine(reportWith({ status: 'cancelled', files })),
      `Publishing cancelled: published 2 of 3 files to ${INDEX}`,
    )
    assert.equal(resultLine(reportWith({ repositoryUrl: undefined })), 'Publishing failed: nothing was published')
  })

  it('says of a dry run that it is one, and what the server thinks of the certificate', () => {
    const files = [fileWith('sdist', 'would-publish')]
    const dryRun = { dryRun: true, status: 'succeeded', handshake: 'accepted', chain } as const
    assert.equal(
      resultLine(reportWith({ ...dryRun, files })),
      `Dry run: 1 file would be published to ${INDEX}, and the server takes the client certificate; nothing was sent`,
    )
    assert.equal(
      resultLine(reportWith({ ...dryRun, chain: [] })),
      `Dry run: there is no file to publish to ${INDEX}; nothing was sent`,
    )
    assert.equal(
      resultLine(reportWith({ ...dryRun, files: [...files, fileWith('any', 'already-published')] })),
      `Dry run: 1 file would be published to ${INDEX}, 1 there before with the same bytes, and the server takes the client certificate; nothing was sent`,
    )
    assert.equal(
      resultLine(reportWith({ ...dryRun, status: 'failed', problems: [problem('E_DIST_NAME')] })),
      `Dry run failed: 1 problem on the way to ${INDEX}, but the server takes the client certificate`,
    )
    assert.equal(
      resultLine(reportWith({ ...dryRun, status: 'failed', files: [...files, fileWith('any', 'conflict')] })),
      `Dry run failed: 1 of 2 files would not be published to ${INDEX}, but the server takes the client certificate`,
    )
  })

  it('claims nothing about a certificate that no server was asked about, or that was not asked for', () => {
    for (const handshake of ['refused', 'not-asked', 'failed', 'not-tried'] as const) {
      assert.doesNotMatch(resultLine(reportWith({ dryRun: true, status: 'succeeded', handshake, chain })), /takes/)
    }
  })
})
