import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type CheckOptions, checkDistributions } from '../../../src/distributions/check.ts'
import type { Distribution } from '../../../src/distributions/distribution.ts'
import { ProblemList, PublishError } from '../../../src/errors.ts'
import { coreMetadata, makeSdist, makeWheel, makeZip, sdistMembers } from '../../support/archives.ts'

const FULL = 'Description-Content-Type: text/plain\n\nA demo.\n'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'check-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

type Files = Readonly<Record<string, Uint8Array>>

const wheel = (name = 'demo', version = '1.0', metadata = coreMetadata({ name, version }) + FULL) =>
  makeWheel({ name, version, metadata })
const sdist = (name = 'demo', version = '1.0', metadata = coreMetadata({ name, version }) + FULL) =>
  makeSdist({ name, version, metadata })

interface Checked {
  readonly distributions: readonly Distribution[]
  readonly names: readonly string[]
  readonly problems: readonly PublishError[]
  /** `code message` of each problem. */
  readonly told: readonly string[]
}

function found(files: Files) {
  return Object.entries(files).map(([file, bytes]) => {
    writeFileSync(path.join(directory, file), bytes)
    return { path: path.join(directory, file), shown: `dist/${file}`, file }
  })
}

async function check(files: Files, options: Partial<CheckOptions> = {}): Promise<Checked> {
  const problems = new ProblemList()
  const all = { verifyMetadata: true, md5: false, signal: new AbortController().signal, ...options }
  const distributions = await checkDistributions(found(files), all, problems)
  try {
    assertOpen(distributions.map(({ file }) => file))
    for (const { digests } of distributions) await digests.get()
  } finally {
    for (const { content } of distributions) content.close()
  }
  return {
    distributions,
    names: distributions.map(({ file }) => file),
    problems: problems.all,
    told: problems.all.map(({ code, message }) => `${code} ${message}`),
  }
}

/** These files of the directory and no others are open in this process, where the system can say that. */
function assertOpen(files: readonly string[]): void {
  if (process.platform === 'linux') assert.deepEqual(openFiles(), [...files].sort())
}

function openFiles(): string[] {
  const targets = readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)]
    } catch {
      return []
    }
  })
  return targets
    .filter((target) => target.startsWith(directory))
    .map((target) => path.basename(target))
    .sort()
}

describe('checked distributions', () => {
  it('have what the upload and the report need', async () => {
    const bytes = makeWheel({
      name: 'My.Demo',
      version: '1.0.0RC1',
      tags: ['py2-none-any', 'py3-none-any'],
      metadata: coreMetadata({ name: 'My.Demo', version: '1.0.0RC1' }) + FULL,
    })
    const file = 'My.Demo-1.0.0RC1-py2.py3-none-any.whl'
    const { distributions, told } = await check({ [file]: bytes }, { md5: true })
    assert.deepEqual(told, [])
    const [one] = distributions
    assert.ok(one)
    const { content, metadata, warnings, digests, ...rest } = one
    assert.deepEqual(rest, {
      file,
      shown: `dist/${file}`,
      kind: 'wheel',
      project: 'my-demo',
      version: '1.0.0rc1',
      pythonVersion: 'py2.py3',
      size: bytes.length,
    })
    assert.deepEqual(await digests.get(), {
      sha256: createHash('sha256').update(bytes).digest('hex'),
      md5: createHash('md5').update(bytes).digest('hex'),
    })
    assert.equal(content.size, bytes.length)
    assert.deepEqual([metadata.name, metadata.version], ['My.Demo', '1.0.0RC1'])
    assert.deepEqual(warnings, ['the file name is not normalised: PyPI wants it to begin with my_demo-1.0.0rc1'])
  })

  it('have `source` as python version and no md5 unless it is asked for, when they are sdists', async () => {
    const { distributions } = await check({ 'demo-1.0.tar.gz': sdist() })
    assert.deepEqual(
      distributions.map(({ kind, pythonVersion, warnings }) => ({ kind, pythonVersion, warnings })),
      [{ kind: 'sdist', pythonVersion: 'source', warnings: [] }],
    )
    assert.equal((await distributions[0]?.digests.get())?.md5, undefined)
  })

  it('come in the order of the upload: project, version, wheels before sdists, file name', async () => {
    const files = {
      'zeta-1.0.tar.gz': sdist('zeta'),
      'demo-1.10.tar.gz': sdist('demo', '1.10'),
      'demo-1.9.tar.gz': sdist('demo', '1.9'),
      'demo-1.10-py3-none-any.whl': wheel('demo', '1.10'),
      'demo-1.9-py3-none-any.whl': wheel('demo', '1.9'),
      'demo-1.9-cp312-cp312-win_amd64.whl': wheel('demo', '1.9'),
      'demo-1.9.dev1-py3-none-any.whl': wheel('demo', '1.9.dev1'),
      'Alpha-1.0.tar.gz': sdist('Alpha'),
    }
    const { names, told } = await check(files)
    assert.deepEqual(told, [])
    assert.deepEqual(names, [
      'Alpha-1.0.tar.gz',
      'demo-1.9.dev1-py3-none-any.whl',
      'demo-1.9-cp312-cp312-win_amd64.whl',
      'demo-1.9-py3-none-any.whl',
      'demo-1.9.tar.gz',
      'demo-1.10-py3-none-any.whl',
      'demo-1.10.tar.gz',
      'zeta-1.0.tar.gz',
    ])
  })

  it('carry the warnings of archive, file name and metadata', async () => {
    const zip = makeZip(
      sdistMembers({ metadata: coreMetadata() })
        .filter(({ type }) => type !== '5')
        .map(({ name, content = '' }) => ({ name, content, descriptor: 'signed' as const })),
    )
    const { distributions, told } = await check({ 'demo-1.0.zip': zip })
    assert.deepEqual(told, [])
    assert.deepEqual(distributions[0]?.warnings, [
      'the member demo-1.0/pyproject.toml (and 1 other member) has its sizes behind its content (a data descriptor): PyPI refuses this',
      'an sdist as .zip is refused by PyPI and uv: .tar.gz is the format (PEP 625)',
      'there is no Description',
    ])
  })

  it('may have another root directory than their file name says, with a warning', async () => {
    const bytes = makeSdist({
      edit: (all) => all.map((one) => ({ ...one, name: one.name.replace('demo-1.0', 'src') })),
    })
    const { distributions, told } = await check({ 'demo-1.0.tar.gz': bytes })
    assert.deepEqual(told, [])
    assert.ok(distributions[0]?.warnings.includes('its root directory is src, and demo-1.0 is expected (PEP 625)'))
  })
})

describe('the problems of all files', () => {
  it('are collected, each with the name of its file; what is good stays', async () => {
    const { names, told } = await check({
      'bad name-1.0.tar.gz': sdist(),
      'demo-1.0-py3-none-any.whl': wheel(),
      'demo-1.0-cp312-cp312-any.whl': wheel().subarray(0, 200),
      'demo-1.0.tar.gz': sdist('demo', '1.0', `${coreMetadata()}Colour: red\nSummary: a\n b\n`),
      'demo-2.0-py3-none-any.whl': wheel(),
    })
    assert.deepEqual(names, ['demo-1.0-py3-none-any.whl'])
    assert.equal(told.length, 5, told.join('\n'))
    assert.match(told[0] ?? '', /^E_DIST_NAME the file name bad name-1\.0\.tar\.gz holds a character/)
    assert.match(told[1] ?? '', /^E_DIST_LAYOUT demo-1\.0-cp312-cp312-any\.whl: the zip archive is cut off/)
    assert.match(told[2] ?? '', /^E_DIST_METADATA PKG-INFO of demo-1\.0\.tar\.gz has the Summary/)
    assert.match(told[3] ?? '', /^E_DIST_METADATA PKG-INFO of demo-1\.0\.tar\.gz has fields that are none .*: Colour/)
    assert.match(
      told[4] ?? '',
      /^E_DIST_MISMATCH the name of demo-2\.0-.* says version 2\.0; its METADATA says version 1\.0/,
    )
  })

  it('of one file are told together: what its name and what its metadata are wrong in', async () => {
    const metadata = `${coreMetadata({ name: 'other', version: '3.0' })}Summary: a\n b\n`
    const { told } = await check({ 'demo-1.0-py3-none-any.whl': makeWheel({ metadata }) })
    assert.deepEqual(
      told.map((line) => line.split(' ')[0]),
      ['E_DIST_MISMATCH', 'E_DIST_MISMATCH', 'E_DIST_METADATA'],
    )
    const broken = 'Metadata-Version: 2.1\nName: -\nVersion: x\n'
    const both = await check({ 'demo-1.0-py3-none-any.whl': makeWheel({ metadata: broken }) })
    assert.deepEqual(
      both.told.map((line) => line.split(' ')[0]),
      ['E_DIST_METADATA', 'E_DIST_METADATA'],
    )
  })

  it('of metadata are warnings with verify-metadata: false, but not those that no index can live with', async () => {
    const odd = `${coreMetadata()}Colour: red\nSummary: a\n b\n`
    const files = {
      'demo-1.0-py3-none-any.whl': makeWheel({ metadata: odd }),
      'demo-1.0.tar.gz': sdist('demo', '1.0', 'Metadata-Version: 2.1\nName: demo\n'),
      'demo-2.0.tar.gz': sdist(),
    }
    const { distributions, told } = await check(files, { verifyMetadata: false })
    assert.deepEqual(
      distributions.map(({ file }) => file),
      ['demo-1.0-py3-none-any.whl'],
    )
    const warnings = distributions[0]?.warnings.join('\n') ?? ''
    assert.match(warnings, /^its METADATA has the Summary 'a b': it must be one line$/m)
    assert.match(warnings, /^its METADATA has fields that are none of the core metadata: Colour$/m)
    assert.match(told[0] ?? '', /^E_DIST_METADATA PKG-INFO of demo-1\.0\.tar\.gz has no Version/)
    assert.match(told[1] ?? '', /^E_DIST_MISMATCH the name of demo-2\.0\.tar\.gz says version 2\.0/)
    assert.equal(told.length, 2)
  })

  it('are those of opening, too: a FIFO is refused without waiting for its writer', async () => {
    if (process.platform === 'win32') return
    const problems = new ProblemList()
    const file = 'demo-1.0-py3-none-any.whl'
    execFileSync('mkfifo', [path.join(directory, file)])
    symlinkSync('x', path.join(directory, 'demo-1.0.tar.gz'))
    const files = [file, 'demo-1.0.tar.gz', 'gone-1.0.tar.gz'].map((name) => ({
      path: path.join(directory, name),
      shown: name,
      file: name,
    }))
    const options = { verifyMetadata: true, md5: false, signal: new AbortController().signal }
    assert.deepEqual(await checkDistributions(files, options, problems), [])
    assert.deepEqual(
      problems.all.map(({ code }) => code),
      ['E_DIST_FILE', 'E_DIST_LINK', 'E_DIST_FILE'],
    )
    assert.match(problems.all[0]?.message ?? '', /is a FIFO/)
  })
})

describe('post releases and build tags', () => {
  const POST = 'leo-6.7.8-9-py3-none-any.whl'
  const NO_BUILD_TAG = 'demo_rpc-2.60.0-dev-py3-none-any.whl'

  it('are told apart: the version that became a build tag, and the word where a build tag stands', async () => {
    const { told, problems } = await check({
      [POST]: wheel('leo', '6.7.8-9'),
      [NO_BUILD_TAG]: wheel('demo_rpc', '2.60.0'),
    })
    assert.match(
      told[0] ?? '',
      /^E_DIST_MISMATCH .* says version 6\.7\.8, build tag 9; its METADATA says version 6\.7\.8\.post9$/,
    )
    assert.match(problems[0]?.hint ?? '', /^Write the version as 6\.7\.8\.post9/)
    assert.match(told[1] ?? '', /^E_DIST_NAME .* has 'dev' where a build tag stands, which begins with a digit$/)
    assert.equal(told.length, 2)
  })

  it('in the name of an sdist are sent as its metadata has them, with a warning', async () => {
    const { distributions, told } = await check({
      'leo-6.7.8-9.tar.gz': sdist('leo', '6.7.8-9'),
      'demo_nightly-v5.2.1.dev169.tar.gz': sdist('demo_nightly', 'v5.2.1.dev169'),
    })
    assert.deepEqual(told, [])
    assert.deepEqual(
      distributions.map(({ version }) => version),
      ['5.2.1.dev169', '6.7.8.post9'],
    )
    for (const { warnings } of distributions) assert.match(warnings.join('\n'), /the file name is not normalised/)
  })
})

describe('two spellings of one distribution', () => {
  const PAIRS: readonly (readonly [string, string])[] = [
    ['demo-1.0-py3-none-any.whl', 'Demo-1.0.0-py3-none-any.whl'],
    ['demo-1.0-py2.py3-none-any.whl', 'demo-1.0-py3.py2-none-any.whl'],
    ['demo-1.0-1-py3-none-any.whl', 'demo-1.0-01-py3-none-any.whl'],
    ['demo-1.0.tar.gz', 'DEMO-1.0.tar.gz'],
  ]
  for (const [first, second] of PAIRS) {
    it(`are an error that names both: ${first}, ${second}`, async () => {
      const make = (file: string) => {
        const [name = '', version = ''] = file.replace('.tar.gz', '').split('-')
        return file.endsWith('.whl') ? wheel(name, version) : sdist(name, version)
      }
      const { names, told } = await check({
        [first]: make(first),
        [second]: make(second),
        'demo-1.0-cp312-cp312-any.whl': wheel(),
      })
      assert.deepEqual(names, ['demo-1.0-cp312-cp312-any.whl'])
      assert.deepEqual(told, [
        `E_DIST_DUPLICATE 2 files are the same distribution under different spellings: ${first}, ${second}`,
      ])
    })
  }

  it('are not what differs in build tag, tags, version, project or format', async () => {
    const { told, names } = await check({
      'demo-1.0-py3-none-any.whl': wheel(),
      'demo-1.0-1-py3-none-any.whl': wheel(),
      'demo-1.0-py2-none-any.whl': wheel(),
      'demo-1.0.post1-py3-none-any.whl': wheel('demo', '1.0.post1'),
      'demo_x-1.0-py3-none-any.whl': wheel('demo_x'),
      'demo-1.0.tar.gz': sdist(),
      'demo-1.0.zip': makeZip([{ name: 'demo-1.0/PKG-INFO', content: coreMetadata() }]),
    })
    assert.deepEqual(told, [])
    assert.equal(names.length, 7)
  })
})

describe('the end of the run', () => {
  it('passes with its reason, is no problem of a file, and leaves nothing open', async () => {
    const problems = new ProblemList()
    const reason = new PublishError({ code: 'E_RUN_CANCELLED', message: 'the run was cancelled' })
    const controller = new AbortController()
    const large = makeSdist({ members: [{ name: 'demo-1.0/data', content: Buffer.alloc(256 * 1024 ** 2) }] })
    const files = found({ 'demo-1.0-py3-none-any.whl': wheel(), 'demo-1.0.tar.gz': large })
    const options = { verifyMetadata: true, md5: true, signal: controller.signal }
    const checking = checkDistributions(files, options, problems)
    setTimeout(() => controller.abort(reason), 20)
    await assert.rejects(checking, reason)
    assert.deepEqual(problems.all, [])
    assertOpen([])
    await assert.rejects(checkDistributions(files, options, problems), reason)
  })
})
