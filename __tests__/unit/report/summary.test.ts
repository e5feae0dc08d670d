import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { summaryOf } from '../../../src/report/summary.ts'
import { certificate, fileWith, foreignReport, HOSTILE, problem, rejected, reportWith, tags } from './reports.ts'

/** Markdown with its numeric entities turned back: what a reader sees between the marks. */
function seen(markdown: string): string {
  return markdown.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
}

function linesOf(markdown: string): string[] {
  return seen(markdown).split('\n')
}

/** The rows of the table of files. */
function fileRows(markdown: string): string[] {
  return linesOf(markdown).filter((line) => line.startsWith('| <code>demo-'))
}

/**
 * What of the Markdown acts: everything but entities (`#code;` in a diagram) and the characters that no construct is made of in the middle of a
 * line.
 */
function structureOf(markdown: string): string {
  return markdown.replace(/&?#\d+;|[A-Za-z0-9 ,;+=-]/g, '')
}

describe('the summary', () => {
  it('says the result in its first line', () => {
    const files = [fileWith('cp312-none-any', 'published'), fileWith('sdist', 'published')]
    const [first, second] = linesOf(summaryOf(reportWith({ status: 'succeeded', files })))
    assert.equal(first, '**Published 2 of 2 files to https://index.example.com/legacy/.**')
    assert.equal(second, '')
  })

  it('says in its first line that a run was a dry run', () => {
    const files = [fileWith('sdist', 'would-publish')]
    const [first] = linesOf(summaryOf(reportWith({ status: 'succeeded', dryRun: true, files })))
    assert.match(first ?? '', /^\*\*Dry run: 1 file would be published to .*; nothing was sent\.\*\*$/)
  })

  it('has the first three warnings in its first line and the others in a list', () => {
    const warnings = ['the tag is v1.0.6', 'b', 'c', 'd', 'e']
    const lines = linesOf(summaryOf(reportWith({ status: 'succeeded', warnings })))
    assert.match(
      lines[0] ?? '',
      /\*\* Warning: the tag is v1\.0\.6\. Warning: b\. Warning: c\. 2 more warnings below\.$/,
    )
    const list = lines.indexOf('### More warnings')
    assert.deepEqual(lines.slice(list + 2, list + 4), ['- d.', '- e.'])
  })

  it('says what to do next after a failure, and not after a success', () => {
    const failed = linesOf(summaryOf(reportWith({ problems: [problem('E_CERT_EXPIRED')] })))
    assert.deepEqual(
      failed.slice(2, 6).map((line) => line.replace(/:.*/, '')),
      ['- **On the index**', '- **Run again**', '- **To mend**', '- **Whom to ask**'],
    )
    assert.match(failed[5] ?? '', / <https:\/\/github\.com\/.*#e_cert_expired>$/)
    const succeeded = summaryOf(reportWith({ status: 'succeeded', files: [fileWith('sdist', 'published')] }))
    assert.doesNotMatch(succeeded, /Run again/)
  })

  it('has a row a file, failures first, with digest, outcome, code, reason and hint', () => {
    const files = [fileWith('cp311-none-any', 'published'), rejected('cp312-none-any')]
    const rows = fileRows(summaryOf(reportWith({ files })))
    const digest = `<code>${'0f'.repeat(32)}</code>`
    assert.deepEqual(rows, [
      `| <code>demo-1.2.0-cp312-none-any.whl</code> | 1.2.0 | 1.2 MB | 0.8 s | ${digest} | **rejected** | <code>E_HTTP_FORBIDDEN</code> the index answered 403 Forbidden: no permission. Ask for the permission to upload. |`,
      `| <code>demo-1.2.0-cp311-none-any.whl</code> | 1.2.0 | 1.2 MB | 0.8 s | ${digest} | published |  |`,
    ])
  })

  it('has no digest in the row of a file that was not hashed', () => {
    const files = [fileWith('sdist', 'not-tried', { sha256: undefined })]
    const [row = ''] = fileRows(summaryOf(reportWith({ files })))
    assert.match(row, /^\| <code>demo-1\.2\.0\.tar\.gz<\/code> \| 1\.2\.0 \| 1\.2 MB \| {2}\| {2}\| \*\*not sent/)
  })

  it('has all of 200 problems, each with code, hint and a link to its section', () => {
    const problems = Array.from({ length: 200 }, (_, index) =>
      problem('E_DIST_LAYOUT', `fault ${index}`, 'Build again'),
    )
    const items = linesOf(summaryOf(reportWith({ problems }))).filter((line) => line.startsWith('- [<code>'))
    assert.equal(items.length, 200)
    assert.equal(
      items[199],
      '- [<code>E_DIST_LAYOUT</code>](<https://github.com/octo-org/publish/blob/v0.1.0/docs/troubleshooting.md#e_dist_layout>) fault 199. Build again.',
    )
  })

  it('describes the certificates that were sent, the server and the run', () => {
    const chain = [certificate(), certificate({ position: 'intermediate 1', subject: 'CN=Issuing CA' })]
    const text = seen(
      summaryOf(
        reportWith({
          chain,
          certificateExpires: new Date('2026-12-31T23:59:59Z'),
          certificateDaysLeft: 36,
          handshake: 'accepted',
          server: {
            protocol: 'TLSv1.3',
            cipher: 'TLS_AES_128_GCM_SHA256',
            remoteAddress: '192.0.2.1',
            asked: true,
            server: {
              subject: 'CN=index',
              issuer: 'CN=CA',
              fingerprint256: 'DD:EE',
              validTo: '2027-01-01T00:00:00.000Z',
            },
          },
        }),
      ),
    )
    assert.match(text, /The first of these ends on 2026-12-31, in 36 days\./)
    assert.match(
      text,
      /\| leaf \| <code>CN=release<\/code> \| 2026-12-31 \| <code>01AF<\/code> \| <code>AA:BB:CC<\/code> \|\n/,
    )
    assert.match(text, /\| intermediate 1 \| <code>CN=Issuing CA<\/code> /)
    assert.match(text, /- Handshake: accepted\n- Connection: <code>TLSv1\.3<\/code>/)
    assert.match(text, /<code>CN=index<\/code>, issued by <code>CN=CA<\/code>/)
    assert.match(text, /<code>DD:EE<\/code>/)
    assert.match(text, /- Actor: <code>octocat<\/code>\n/)
    assert.match(text, /- Attempt: <code>1<\/code>\n/)
  })

  it('says of a certificate that is over that it is', () => {
    const expired = { certificateExpires: new Date('2026-11-01T00:00:00Z'), certificateDaysLeft: -25 }
    const text = seen(summaryOf(reportWith({ chain: [certificate()], ...expired })))
    assert.match(text, /The first of these ended on 2026-11-01\./)
  })

  it('survives a certificate whose date nobody can read', () => {
    assert.match(summaryOf(reportWith({ chain: [certificate({ notAfter: new Date('') })] })), /### Client certificate/)
  })
})

describe('a summary that would be too long', () => {
  const wide = '\uffee'.repeat(3000)

  it('is none with 3,000 files: each has its row', () => {
    const files = tags(3000).map((tag) => fileWith(tag, 'published'))
    const markdown = summaryOf(reportWith({ status: 'succeeded', files }))
    assert.equal(fileRows(markdown).length, 3000)
    assert.ok(Buffer.byteLength(markdown) <= 900_000)
  })

  it('keeps the failures of 6,000 files, cuts the rest and says how many and where they are', () => {
    const long = 'the index answered: '.repeat(60)
    const files = tags(6000).map((tag, index) =>
      index < 5900 ? fileWith(tag, 'published') : fileWith(tag, 'rejected', { message: long, code: 'E_HTTP_REJECTED' }),
    )
    const markdown = summaryOf(reportWith({ files }))
    assert.ok(Buffer.byteLength(markdown) <= 900_000)
    const rows = fileRows(markdown)
    assert.ok(rows.slice(0, 100).every((row) => row.includes('**rejected**')))
    const left =
      /\n\n(\d+) more files left out here: all are in the report, <code>\/temp\/report\.json<\/code>\.\n\n/.exec(
        seen(markdown),
      )?.[1]
    assert.equal(rows.length + Number(left), 6000)
    assert.match(markdown, /### Run\n/)
  })

  it('stays below the budget when everything is as long as it can be, and names every list', () => {
    const files = tags(3000).map((tag) =>
      fileWith(tag, 'rejected', { message: wide, hint: wide, code: 'E_HTTP_REJECTED' }),
    )
    const report = {
      ...foreignReport(wide),
      files,
      problems: Array.from({ length: 200 }, () => problem('E_HTTP_REJECTED', wide, wide)),
      warnings: Array(3000).fill(wide),
      chain: Array(1000).fill(certificate({ subject: wide, serial: wide, fingerprint256: wide })),
    }
    const markdown = summaryOf(report)
    assert.ok(Buffer.byteLength(markdown) <= 900_000, `${Buffer.byteLength(markdown)} bytes`)
    for (const noun of ['file', 'problem', 'warning', 'certificate']) {
      assert.match(markdown, new RegExp(`\\n\\n\\d+ more ${noun}s left out here: `))
    }
    assert.ok(fileRows(markdown).length > 10)
  })

  it('ends its table before the line that says what is left out', () => {
    const markdown = summaryOf(reportWith({ files: tags(100).map((tag) => rejected(tag)) }), 20_000)
    assert.ok(Buffer.byteLength(markdown) <= 20_000)
    assert.match(markdown, /\|\n\n\d+ more files left out here/)
  })
})

describe('foreign text in the summary', () => {
  it('changes nothing of what acts: marks, tags, links, rows and lines are those of harmless text', () => {
    assert.equal(structureOf(summaryOf(foreignReport(HOSTILE))), structureOf(summaryOf(foreignReport('harmless text'))))
  })

  it('does not even where it fills names that were checked before', () => {
    const named = (text: string) => ({ file: text, project: text, version: text, sha256: text })
    const report = (text: string) =>
      reportWith({
        files: [fileWith('sdist', 'rejected', named(text)), fileWith('sdist', 'published', named(text))],
        reportPath: text,
      })
    assert.equal(structureOf(summaryOf(report(HOSTILE))), structureOf(summaryOf(report('harmless text'))))
  })
})
