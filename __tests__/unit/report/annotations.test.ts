import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Annotation, annotationsOf } from '../../../src/report/annotations.ts'
import { fileWith, problem, rejected, reportWith, tags } from './reports.ts'

const INDEX = 'https://index.example.com/legacy/'

function kinds(annotations: readonly Annotation[]): Record<Annotation['kind'], Annotation[]> {
  const of = (kind: Annotation['kind']) => annotations.filter((annotation) => annotation.kind === kind)
  return { notice: of('notice'), warning: of('warning'), error: of('error') }
}

describe('annotations of a few files', () => {
  it('are one a file, titled with its name, and one that ends the step', () => {
    const report = reportWith({
      files: [
        fileWith('cp311-none-any', 'published'),
        fileWith('cp312-none-any', 'skipped', { message: 'the index has other bytes' }),
        rejected('cp313-none-any'),
        fileWith('sdist', 'not-tried', { message: 'not sent, because a wheel failed' }),
      ],
    })
    assert.deepEqual(annotationsOf(report), [
      {
        kind: 'notice',
        title: 'demo-1.2.0-cp311-none-any.whl',
        message: 'demo-1.2.0-cp311-none-any.whl was published.',
      },
      {
        kind: 'warning',
        title: 'demo-1.2.0-cp312-none-any.whl',
        message: 'demo-1.2.0-cp312-none-any.whl was skipped: the index has other bytes.',
      },
      {
        kind: 'error',
        title: 'demo-1.2.0-cp313-none-any.whl',
        message:
          'demo-1.2.0-cp313-none-any.whl was rejected: the index answered 403 Forbidden: no permission (E_HTTP_FORBIDDEN). Ask for the permission to upload.',
      },
      { kind: 'error', title: 'demo-1.2.0.tar.gz', message: 'demo-1.2.0.tar.gz: not sent, because a wheel failed.' },
      {
        kind: 'error',
        title: 'Publishing failed',
        message: `Published 1 of 4 files to ${INDEX}, 1 skipped. 2 files failed; the summary says why.`,
      },
    ])
  })

  it('have no error after a success, and none at all where a dry run found no file', () => {
    const published = annotationsOf(reportWith({ status: 'succeeded', files: [fileWith('sdist', 'published')] }))
    assert.deepEqual(
      published.map(({ kind }) => kind),
      ['notice'],
    )
    assert.deepEqual(annotationsOf(reportWith({ status: 'succeeded', dryRun: true })), [])
  })

  it('say of a dry run that nothing was published', () => {
    const files = [fileWith('sdist', 'would-publish')]
    const [annotation] = annotationsOf(reportWith({ status: 'succeeded', dryRun: true, files }))
    assert.equal(annotation?.message, 'demo-1.2.0.tar.gz would be published.')
  })
})

describe('annotations of a run that ended before its first file', () => {
  const files = tags(3).map((tag) => fileWith(tag, 'not-tried', { message: 'not sent, because of that' }))

  it('are one error alone, with each problem and its code', () => {
    const problems = [
      problem('E_CERT_EXPIRED', 'the client certificate ended on 2026-11-20', 'Renew it'),
      problem('E_DIST_NAME', 'demo.whl is no name of a wheel'),
    ]
    assert.deepEqual(annotationsOf(reportWith({ files, problems })), [
      {
        kind: 'error',
        title: 'Publishing failed',
        message:
          '1) E_CERT_EXPIRED: the client certificate ended on 2026-11-20. Renew it. 2) E_DIST_NAME: demo.whl is no name of a wheel.',
      },
    ])
  })

  it('name five of 200 problems and say how many more there are, however long each is', () => {
    const problems = Array.from({ length: 200 }, (_, index) =>
      problem('E_DIST_LAYOUT', `${index} ${'long '.repeat(900)}`),
    )
    const annotations = annotationsOf(reportWith({ problems }))
    assert.equal(annotations.length, 1)
    const message = annotations[0]?.message ?? ''
    assert.equal(message.match(/E_DIST_LAYOUT/g)?.length, 5)
    assert.match(message, / And 195 more in the summary\.$/)
    assert.ok(message.length <= 4000, `${message.length} characters`)
  })

  it('are told from files that all failed one by one', () => {
    const [first, second] = annotationsOf(reportWith({ files: files.slice(0, 1) }))
    assert.equal(first?.title, files[0]?.file)
    assert.equal(second?.title, 'Publishing failed')
  })

  it('carry the word of a cancelled run and of a dry run', () => {
    const problems = [problem('E_RUN_CANCELLED', 'the run was cancelled (SIGINT)')]
    assert.equal(annotationsOf(reportWith({ status: 'cancelled', problems }))[0]?.title, 'Publishing cancelled')
    assert.equal(annotationsOf(reportWith({ dryRun: true, problems }))[0]?.title, 'Dry run failed')
  })
})

describe('annotations of more files than the runner shows', () => {
  it('stay at ten notices for 10 files', () => {
    const files = tags(10).map((tag) => fileWith(tag, 'published'))
    const { notice } = kinds(annotationsOf(reportWith({ status: 'succeeded', files })))
    assert.deepEqual(
      notice.map(({ title }) => title),
      files.map(({ file }) => file),
    )
  })

  it('give the total of 25 files in the tenth notice and name the rest, project and version once', () => {
    const files = [...tags(24), 'sdist'].map((tag) => fileWith(tag, 'published'))
    const { notice } = kinds(annotationsOf(reportWith({ status: 'succeeded', files })))
    assert.equal(notice.length, 10)
    const last = notice[9]
    assert.equal(last?.title, '25 files published')
    const rest = [...tags(24).slice(9), 'sdist']
    assert.ok(last?.message.endsWith(`: demo 1.2.0: ${rest.join(', ')}`), last?.message)
    assert.equal(last?.message.match(/1\.2\.0/g)?.length, 1)
  })

  it('keep the tenth error for the end of the step: 9 files have theirs, of 10 the last two share one', () => {
    const nine = kinds(annotationsOf(reportWith({ files: tags(9).map((tag) => rejected(tag)) }))).error
    assert.equal(nine.length, 10)
    assert.equal(nine[8]?.title, rejected(tags(9)[8] ?? '').file)
    const ten = kinds(annotationsOf(reportWith({ files: tags(10).map((tag) => rejected(tag)) }))).error
    assert.equal(ten.length, 10)
    assert.equal(ten[8]?.title, '10 files rejected')
    assert.match(ten[8]?.message ?? '', /: demo 1\.2\.0: cp312-cp312-linux_8, cp312-cp312-linux_9$/)
    assert.equal(ten[9]?.title, 'Publishing failed')
  })

  it('say of each of the rest what became of it, where that differs', () => {
    const other = { project: 'other', version: '2.0' }
    const files = [
      ...tags(8).map((tag) => rejected(tag)),
      rejected('cp314-none-any'),
      fileWith('sdist', 'not-tried'),
      fileWith('cp310-none-any', 'no-answer', { ...other, file: 'other-2.0-cp310-none-any.whl' }),
    ]
    const last = kinds(annotationsOf(reportWith({ files }))).error[8]
    assert.equal(last?.title, '11 errors in all')
    assert.match(last?.message ?? '', /^9 rejected, 1 not sent, 1 without an answer\. /)
    assert.match(
      last?.message ?? '',
      /: demo 1\.2\.0: rejected cp314-none-any; not sent sdist; other 2\.0: without an answer cp310-none-any$/,
    )
  })

  it('share ten warnings between the run and its skipped files', () => {
    const files = tags(4).map((tag) => fileWith(tag, 'skipped'))
    const warnings = Array.from({ length: 8 }, (_, index) => `warning number ${index}`)
    const { warning } = kinds(annotationsOf(reportWith({ status: 'succeeded', files, warnings })))
    assert.equal(warning.length, 10)
    assert.equal(warning[0]?.message, 'warning number 0.')
    assert.equal(warning[8]?.title, files[0]?.file)
    assert.equal(warning[9]?.title, '12 warnings in all')
    assert.match(warning[9]?.message ?? '', /^8 of the run, 4 skipped\. /)
    assert.match(warning[9]?.message ?? '', /: skipped cp312-cp312-linux_1, cp312-cp312-linux_2, cp312-cp312-linux_3$/)
  })

  it('name as many of 3,000 files as 4,000 characters hold and count what is left', () => {
    const files = tags(3000).map((tag, index) => (index % 2 === 0 ? fileWith(tag, 'published') : rejected(tag)))
    const { notice, error } = kinds(annotationsOf(reportWith({ files })))
    for (const [all, shown, last] of [
      [1500, 9, notice[9]],
      [1500, 8, error[8]],
    ] as const) {
      const message = last?.message ?? ''
      assert.ok(message.length > 3900 && message.length <= 4000, `${message.length} characters`)
      const named = message.match(/cp312-cp312-linux_/g)?.length ?? 0
      assert.match(message, new RegExp(` and ${all - shown - named} more$`))
    }
    assert.deepEqual([notice.length, error.length], [10, 10])
  })

  it('are cut by us at 4,000 characters, so that the runner never cuts', () => {
    const files = [fileWith('sdist', 'rejected', { message: 'a'.repeat(9000), code: 'E_HTTP_REJECTED' })]
    for (const { message } of annotationsOf(reportWith({ files, warnings: ['w'.repeat(9000)] }))) {
      assert.ok(message.length <= 4000)
    }
  })
})
