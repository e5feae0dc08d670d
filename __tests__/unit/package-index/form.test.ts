import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkDistributions } from '../../../src/distributions/check.ts'
import { ProblemList } from '../../../src/errors.ts'
import { formFields } from '../../../src/package-index/form.ts'
import { makeSdist, makeWheel, withDistribution } from '../../support/archives.ts'

const HEAD = 'Metadata-Version: 2.5\nName: demo\nVersion: 1.0\n'

type Fields = readonly (readonly [string, string])[]

/** The form of a distribution that was made, read and checked; `verify-metadata` off, so that odd metadata passes. */
async function form(metadata: string, file = 'demo-1.0-py3-none-any.whl', md5 = false): Promise<Fields> {
  const bytes = file.endsWith('.whl') ? makeWheel({ metadata }) : makeSdist({ metadata })
  return withDistribution(bytes, file, async (_, path) => {
    const problems = new ProblemList()
    const options = { verifyMetadata: false, md5, signal: new AbortController().signal }
    const [distribution] = await checkDistributions([{ path, shown: file, file }], options, problems)
    problems.throwIfAny()
    assert.ok(distribution)
    const digests = await distribution.digests.get()
    distribution.content.close()
    return formFields(distribution, digests)
  })
}

/** The values of one field, in their order. */
const values = (fields: Fields, name: string): string[] =>
  fields.filter(([field]) => field === name).map(([, value]) => value)

describe('the form of an upload', () => {
  it('says what is done, what the file is, and what its digest is', async () => {
    const wheel = await form(HEAD, 'demo-1.0-py2.py3-none-any.whl')
    const digest = values(wheel, 'sha256_digest')[0] ?? ''
    assert.match(digest, /^[0-9a-f]{64}$/)
    assert.deepEqual(wheel, [
      [':action', 'file_upload'],
      ['protocol_version', '1'],
      ['filetype', 'bdist_wheel'],
      ['pyversion', 'py2.py3'],
      ['metadata_version', '2.5'],
      ['name', 'demo'],
      ['version', '1.0'],
      ['requires_python', ''],
      ['sha256_digest', digest],
    ])
    const sdist = await form(HEAD, 'demo-1.0.tar.gz')
    assert.deepEqual([values(sdist, 'filetype'), values(sdist, 'pyversion')], [['sdist'], ['source']])
  })

  it('has md5 only where it was asked for, and never blake2', async () => {
    const fields = await form(HEAD, 'demo-1.0.tar.gz', true)
    assert.match(values(fields, 'md5_digest')[0] ?? '', /^[0-9a-f]{32}$/)
    assert.deepEqual(values(fields, 'blake2_256_digest'), [])
    assert.deepEqual(values(await form(HEAD), 'md5_digest'), [])
  })

  it('names the fields as indexes know them: plural for two of them, underscores for dashes', async () => {
    const repeated = [
      ['Platform', 'platform'],
      ['Supported-Platform', 'supported_platform'],
      ['Classifier', 'classifiers'],
      ['Requires-Dist', 'requires_dist'],
      ['Provides-Dist', 'provides_dist'],
      ['Obsoletes-Dist', 'obsoletes_dist'],
      ['Requires-External', 'requires_external'],
      ['Provides-Extra', 'provides_extra'],
      ['Dynamic', 'dynamic'],
      ['License-File', 'license_file'],
      ['Import-Name', 'import_name'],
      ['Import-Namespace', 'import_namespace'],
      ['Requires', 'requires'],
      ['Provides', 'provides'],
      ['Obsoletes', 'obsoletes'],
    ] as const
    const single = [
      ['Summary', 'summary'],
      ['Home-page', 'home_page'],
      ['Download-URL', 'download_url'],
      ['Author', 'author'],
      ['Author-email', 'author_email'],
      ['Maintainer', 'maintainer'],
      ['Maintainer-email', 'maintainer_email'],
      ['License', 'license'],
      ['License-Expression', 'license_expression'],
      ['Requires-Python', 'requires_python'],
      ['Description-Content-Type', 'description_content_type'],
    ] as const
    const text = [
      ...repeated.flatMap(([header]) => [`${header}: two`, `${header}: one`]),
      ...single.map(([header]) => `${header}: value`),
    ]
    const fields = await form(`${HEAD}${text.join('\n')}\n`)
    for (const [header, name] of repeated) assert.deepEqual(values(fields, name), ['two', 'one'], header)
    for (const [header, name] of single) assert.deepEqual(values(fields, name), ['value'], header)
    assert.equal(fields.length, 4 + 3 + 1 + 2 * repeated.length + single.length)
  })

  it('joins keywords and project URLs as twine does', async () => {
    const fields = await form(`${HEAD}Keywords: a,b , c\nProject-URL: Home,https://x\nProject-URL: Docs ,  https://y\n`)
    assert.deepEqual(values(fields, 'keywords'), ['a, b, c'])
    assert.deepEqual(values(fields, 'project_urls'), ['Home, https://x', 'Docs, https://y'])
  })

  it('shows the project under the name that twine gives it, and its version as written', async () => {
    const text = 'Metadata-Version: 2.1\nName: My.De__mo-pkg\nVersion: v1.0.0-RC1\n'
    const bytes = makeWheel({ name: 'My.De__mo-pkg', version: '1.0.0rc1', metadata: text })
    await withDistribution(bytes, 'My.De_mo_pkg-1.0.0rc1-py3-none-any.whl', async (_, path) => {
      const problems = new ProblemList()
      const options = { verifyMetadata: true, md5: false, signal: new AbortController().signal }
      const found = [{ path, shown: 'x', file: 'My.De_mo_pkg-1.0.0rc1-py3-none-any.whl' }]
      const [distribution] = await checkDistributions(found, options, problems)
      problems.throwIfAny()
      assert.ok(distribution)
      const digests = await distribution.digests.get()
      distribution.content.close()
      const fields = formFields(distribution, digests)
      assert.deepEqual([values(fields, 'name'), values(fields, 'version')], [['My.De-mo-pkg'], ['v1.0.0-RC1']])
    })
  })

  it('keeps every line end and blank of the description', async () => {
    const description = '# Demo\r\n\r\n text \n\ttab\rlone\n\n'
    assert.deepEqual(values(await form(`${HEAD}\n${description}`), 'description'), [description])
  })

  it('unfolds a folded description, and leaves UNKNOWN out', async () => {
    const fields = await form(`${HEAD}Home-page: UNKNOWN\nPlatform: UNKNOWN\nDescription: a\n        b\n`)
    assert.deepEqual(values(fields, 'description'), ['a\nb'])
    assert.deepEqual([values(fields, 'home_page'), values(fields, 'platform')], [[], []])
  })

  it('has License-File from metadata 2.4 on only', async () => {
    for (const [version, sent] of [
      ['1.2', []],
      ['2.0', []],
      ['2.3', []],
      ['2.4', ['LICENSE']],
      ['2.10', ['LICENSE']],
    ] as const) {
      const text = `Metadata-Version: ${version}\nName: demo\nVersion: 1.0\nLicense-File: LICENSE\n`
      assert.deepEqual(values(await form(text), 'license_file'), sent, version)
    }
  })

  it('leaves out what cannot be read in one way only, and what no index knows', async () => {
    const fields = await form(`${HEAD}Summary: a\nSummary: b\nColour: red\n`)
    assert.deepEqual([values(fields, 'summary'), values(fields, 'colour')], [[], []])
  })
})
