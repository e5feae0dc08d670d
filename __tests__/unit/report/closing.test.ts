import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ERROR_CODES, type ErrorCode } from '../../../src/errors.ts'
import { closingLines, troubleshootingUrl } from '../../../src/report/closing.ts'
import { repairOf } from '../../../src/report/repairs.ts'
import { fileWith, problem, RUN, rejected, reportWith, tags } from './reports.ts'

/** The four lines, by their label. */
function linesOf(given: Parameters<typeof reportWith>[0]) {
  const [state = '', again = '', mend = '', ask = '', ...others] = closingLines(reportWith(given))
  assert.deepEqual(others, [])
  assert.match(state, /^On the index: /)
  assert.match(again, /^Run again: /)
  assert.match(mend, /^To mend: /)
  assert.match(ask, /^Whom to ask: /)
  return { state, again, mend, ask }
}

function afterOnly(code: ErrorCode) {
  return linesOf({ problems: [problem(code)] })
}

describe('the end of a successful run', () => {
  it('has no lines', () => {
    assert.deepEqual(closingLines(reportWith({ status: 'succeeded', files: [fileWith('sdist', 'published')] })), [])
  })
})

describe('the line of what is on the index', () => {
  it('names what this run published and what it did not', () => {
    const files = [
      fileWith('cp311-none-any', 'published'),
      fileWith('cp312-none-any', 'published'),
      rejected('cp313-none-any'),
      rejected('cp314-none-any', 'E_HTTP_EXISTS'),
      fileWith('sdist', 'not-tried', { message: 'not sent' }),
    ]
    assert.equal(
      linesOf({ files }).state,
      'On the index: 2 of 5 files by this run: demo-1.2.0-cp311-none-any.whl, demo-1.2.0-cp312-none-any.whl; there before (bytes not compared), and not replaced: demo-1.2.0-cp314-none-any.whl; not published: demo-1.2.0-cp313-none-any.whl, demo-1.2.0.tar.gz.',
    )
  })

  it('names what was there before, with the same bytes and with others', () => {
    const files = [
      fileWith('cp311-none-any', 'already-published'),
      fileWith('cp312-none-any', 'conflict', { code: 'E_INDEX_CONFLICT', there: 'other' }),
      fileWith('cp313-none-any', 'skipped', { code: 'E_INDEX_CONFLICT', there: 'other' }),
      rejected('cp314-none-any'),
    ]
    assert.equal(
      linesOf({ files }).state,
      'On the index: 0 of 4 files by this run; there before with the same bytes: demo-1.2.0-cp311-none-any.whl; there before with other bytes, and not replaced: demo-1.2.0-cp312-none-any.whl, demo-1.2.0-cp313-none-any.whl; not published: demo-1.2.0-cp314-none-any.whl.',
    )
  })

  it('does not say "other bytes" where they could not be compared, nor "not replaced" where the index took the file', () => {
    const files = [
      fileWith('cp311-none-any', 'conflict', { code: 'E_INDEX_CONFLICT', there: 'unknown' }),
      fileWith('cp312-none-any', 'conflict', { code: 'E_INDEX_CONFLICT', there: 'taken' }),
      fileWith('cp313-none-any', 'conflict', { code: 'E_INDEX_CONFLICT', there: 'perhaps-taken' }),
    ]
    assert.equal(
      linesOf({ files }).state,
      'On the index: 0 of 3 files by this run; there before (bytes not compared), and not replaced: demo-1.2.0-cp311-none-any.whl; taken by the index, which lists other bytes under the name: demo-1.2.0-cp312-none-any.whl; on the index, though not known to have these bytes (a try got no final answer): demo-1.2.0-cp313-none-any.whl.',
    )
  })

  it('does not claim to know where an answer is missing, or came from a broken server', () => {
    const files = [
      fileWith('cp311-none-any', 'no-answer', { code: 'E_NETWORK_CLOSED' }),
      rejected('cp312-none-any', 'E_HTTP_SERVER_ERROR'),
    ]
    assert.equal(
      linesOf({ files }).state,
      'On the index: 0 of 2 files by this run; sent, but nobody knows whether it is there: demo-1.2.0-cp311-none-any.whl, demo-1.2.0-cp312-none-any.whl.',
    )
  })

  it('says that nothing is there after an early end and after a dry run', () => {
    assert.match(afterOnly('E_CERT_EXPIRED').state, /nothing by this run; it ended before a file was sent\.$/)
    assert.match(linesOf({ dryRun: true }).state, /nothing by this run; a dry run sends no file\.$/)
  })

  it('cuts the names of 3,000 files and counts what is left', () => {
    const files = tags(3000).map((tag, index) => fileWith(tag, index < 1000 ? 'published' : 'not-tried'))
    const { state, again } = linesOf({ files })
    assert.ok(state.length < 1000 && again.length < 1000, `${state.length} and ${again.length} characters`)
    assert.match(state, /1000 of 3000 files .* and 99\d more; not published: .* and 199\d more\.$/)
  })
})

describe('the line about a second run', () => {
  it('is a plain yes, and names the button: what is there is recognised', () => {
    const button = '"Re-run failed jobs" is enough: it reads secrets and variables anew.'
    const yes = `Run again: safe. Files that are on the index are recognised and not sent again. ${button}`
    assert.equal(afterOnly('E_CERT_EXPIRED').again, yes)
    const files = [
      fileWith('cp311-none-any', 'published'),
      fileWith('sdist', 'no-answer', { code: 'E_HTTP_NO_ANSWER' }),
    ]
    assert.equal(linesOf({ files }).again, yes)
  })

  it('is one too where nobody looks and the index took nothing', () => {
    assert.equal(
      linesOf({ problems: [problem('E_CERT_EXPIRED')], looksUp: false }).again,
      'Run again: safe, since the index took no file. "Re-run failed jobs" is enough: it reads secrets and variables anew.',
    )
  })

  it('says that a re-run keeps the old workflow file, where that may be what has to change', () => {
    assert.match(afterOnly('E_INPUT_INVALID').again, /a changed workflow file needs a new run\.$/)
    assert.match(afterOnly('E_HTTP_NOT_FOUND').again, /a changed workflow file needs a new run\.$/)
  })

  it('says that a re-run has the same files, where those have to change', () => {
    assert.match(afterOnly('E_DIST_LAYOUT').again, /takes the same files; mended ones need a new build/)
  })

  it('says, where nobody looks, what the index will do with files that it has, and gives the lines that leave them out', () => {
    const files = [
      fileWith('cp311-none-any', 'published'),
      rejected('cp312-none-any', 'E_HTTP_EXISTS'),
      rejected('sdist'),
    ]
    const { again } = linesOf({ files, looksUp: false })
    assert.match(again, /^Run again: with care\. With `check-url: off` .*most indexes refuse the ones that they have/)
    assert.match(again, /`files`.*: !\*\*\/demo-1\.2\.0-cp311-none-any\.whl !\*\*\/demo-1\.2\.0-cp312-none-any\.whl$/)
  })

  it('warns where nobody looks and a file without an answer may be there', () => {
    const { again } = linesOf({
      looksUp: false,
      files: [fileWith('sdist', 'no-answer'), fileWith('cp311-none-any', 'not-tried')],
    })
    assert.match(again, /^Run again: with care\. /)
    assert.doesNotMatch(again, /!\*\*/)
  })

  it('is of no use where the index has every name, and nobody can compare', () => {
    const files = [
      fileWith('cp311-none-any', 'published'),
      fileWith('cp312-none-any', 'conflict', { there: 'unknown', code: 'E_INDEX_CONFLICT' }),
    ]
    assert.match(
      linesOf({ files }).again,
      /^Run again: of no use for these files, unless their bytes can be compared the next time: /,
    )
  })

  it('is what helps where the index says that it has a file and does not list it yet, or listed another one', () => {
    for (const last of [
      rejected('cp312-none-any', 'E_HTTP_EXISTS'),
      fileWith('cp312-none-any', 'unconfirmed', { there: 'unknown', code: 'E_INDEX_UNCONFIRMED' }),
    ]) {
      const { again, mend } = linesOf({ files: [fileWith('cp311-none-any', 'published'), last] })
      assert.match(again, /^Run again: safe, once the index shows what it has\. .* the same bytes are a success/)
      assert.match(mend, /^To mend: nothing, if /)
    }
  })

  it('is of no use with `check-url: off` where the index has every name', () => {
    const files = [rejected('cp312-none-any', 'E_HTTP_EXISTS')]
    const { again } = linesOf({ files, looksUp: false })
    assert.match(
      again,
      /^Run again: of no use with `check-url: off`: .* Where `check-url` shows its files, the same bytes/,
    )
  })

  it('is of no use for files in conflict alone', () => {
    const files = [fileWith('cp311-none-any', 'published'), fileWith('sdist', 'conflict', { there: 'other' })]
    assert.match(linesOf({ files }).again, /^Run again: of no use for the files in conflict: .* new version\.$/)
  })

  it('is not needed for the files where all are published and something else failed', () => {
    const files = [fileWith('sdist', 'published')]
    const { again } = linesOf({ files, problems: [problem('E_MATERIAL_WRITE')] })
    assert.equal(again, 'Run again: not needed for the files: all of them are on the index.')
  })

  it('is always safe for a dry run', () => {
    assert.match(linesOf({ dryRun: true, problems: [problem('E_CERT_EXPIRED')] }).again, /^Run again: always safe\. /)
  })
})

describe('the line of what to mend', () => {
  it('knows an answer for every code', () => {
    const unknown = ERROR_CODES.filter((code) => repairOf(code).what === 'what the message names')
    assert.deepEqual(unknown, [])
  })

  for (const [code, words] of [
    ['E_INPUT_EMPTY', /the line of the input that is named, or the secret or variable behind it/],
    ['E_INPUT_TRUNCATED', /the secret or file behind the input that is named, stored again as a whole/],
    ['E_RUN_UNTRUSTED_EVENT', /`on:`/],
    ['E_RUN_CANCELLED', /nothing, the run was stopped from outside/],
    ['E_RUN_INTERNAL', /report this fault of the action/],
    ['E_MATERIAL_WRITE', /temporary directory of the runner/],
    [
      'E_CERT_EXPIRED',
      /the secrets behind `client-cert` and `client-key`, whole and both together; the next run reads/,
    ],
    [
      'E_KEY_MISMATCH',
      /the secrets behind `client-cert` and `client-key`, whole and both together; the next run reads/,
    ],
    ['E_KEY_PASSPHRASE_WRONG', /`client-key-passphrase`/],
    ['E_CA_UNREADABLE', /CA bundle/],
    ['E_DIST_NONE', /`packages-dir` or `files`/],
    ['E_DIST_LAYOUT', /the build/],
    ['E_EXPECTED_VERSION', /the build, or the `expected-` input/],
    ['E_NETWORK_DNS', /`repository-url`/],
    ['E_PROXY_REFUSED', /`https_proxy`/],
    ['E_TLS_SERVER_UNKNOWN_CA', /`ca-bundle`/],
    ['E_TLS_CLIENT_UNKNOWN_CA', /what the server trusts and revokes, or the secrets behind `client-cert`/],
    ['E_HTTP_UNAUTHORIZED', /`user` and `password`/],
    ['E_HTTP_FORBIDDEN', /permissions/],
    ['E_HTTP_EXISTS', /the version/],
    ['E_HTTP_TOO_LARGE', /size limit/],
    ['E_HTTP_SERVER_ERROR', /the log of the index/],
  ] as const) {
    it(`names the place for ${code}`, () => {
      assert.match(afterOnly(code).mend, words)
    })
  }

  it('names each place once, three at most', () => {
    const problems = (
      ['E_CERT_EXPIRED', 'E_KEY_MISMATCH', 'E_DIST_NAME', 'E_CA_UNREADABLE', 'E_INPUT_EMPTY'] as const
    ).map((code) => problem(code))
    const { mend } = linesOf({ problems })
    assert.equal(mend.match(/`client-cert`/g)?.length, 1)
    assert.equal(mend.match(/Also: /g)?.length, 2)
    assert.match(mend, /The summary has the rest\.$/)
  })

  it('takes the codes of files that failed, where nothing else did', () => {
    assert.match(linesOf({ files: [rejected('sdist', 'E_HTTP_TOO_LARGE')] }).mend, /size limit/)
  })
})

describe('the line of whom to ask', () => {
  it('has the contact, then the page for the code at the version that runs', () => {
    const problems = [problem('E_CERT_EXPIRED'), problem('E_DIST_NAME')]
    assert.equal(
      linesOf({ problems, supportContact: 'pki@example.com' }).ask,
      'Whom to ask: pki@example.com - about E_CERT_EXPIRED: https://github.com/octo-org/publish/blob/v0.1.0/docs/troubleshooting.md#e_cert_expired',
    )
  })

  it('names the team that runs the index where no contact was given', () => {
    assert.match(afterOnly('E_CERT_EXPIRED').ask, /^Whom to ask: the team that runs the index - about E_CERT_EXPIRED: /)
  })

  it('gives no address where the action comes from the workspace', () => {
    const run = { ...RUN, actionRepository: '', actionRef: '' }
    const { ask } = linesOf({ run, problems: [problem('E_CERT_EXPIRED')] })
    assert.match(ask, /about E_CERT_EXPIRED: docs\/troubleshooting\.md of this action$/)
  })
})

describe('the address of the troubleshooting page', () => {
  it('is on the server of the run, with refs that have slashes', () => {
    const run = { ...RUN, serverUrl: 'https://ghes.example.com:8443', actionRef: 'release/v1' }
    assert.equal(
      troubleshootingUrl(run, undefined),
      'https://ghes.example.com:8443/octo-org/publish/blob/release/v1/docs/troubleshooting.md',
    )
  })

  it('is the default branch where the ref is not known', () => {
    assert.match(troubleshootingUrl({ ...RUN, actionRef: '' }, 'E_CERT_WEAK'), /\/blob\/HEAD\/docs\/.*#e_cert_weak$/)
  })

  it('holds nothing that Markdown or HTML acts on', () => {
    const run = { ...RUN, actionRepository: 'o/<b>|`', actionRef: 'v1) "\'*~!(\ud800\n> [x](y)' }
    assert.match(troubleshootingUrl(run, 'E_CERT_WEAK'), /^https:\/\/github\.com\/[A-Za-z0-9%._/-]+#e_cert_weak$/)
  })

  it('is empty where the server is no plain origin', () => {
    assert.equal(troubleshootingUrl({ ...RUN, serverUrl: 'javascript:alert(1)//' }, 'E_CERT_WEAK'), '')
    assert.equal(troubleshootingUrl({ ...RUN, serverUrl: '' }, 'E_CERT_WEAK'), '')
  })
})
