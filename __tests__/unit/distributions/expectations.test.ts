import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { checkDistributions } from '../../../src/distributions/check.ts'
import type { Distribution } from '../../../src/distributions/distribution.ts'
import { checkExpectations, type Expectations, tagWarning } from '../../../src/distributions/expectations.ts'
import { ProblemList, type PublishError } from '../../../src/errors.ts'
import { makeSdist, makeWheel } from '../../support/archives.ts'

const ANYTHING: Expectations = { projects: 'any', version: 'any', files: 'any', sha256: 'any' }

const directory = mkdtempSync(path.join(tmpdir(), 'expectations-'))
after(() => rmSync(directory, { recursive: true, force: true }))

/** Distributions of these names, made, checked and closed again. */
async function made(...files: string[]): Promise<readonly Distribution[]> {
  const found = files.map((file) => {
    const [name = '', version = ''] = file.replace(/\.tar\.gz$/, '').split('-')
    const target = path.join(directory, file)
    writeFileSync(target, file.endsWith('.whl') ? makeWheel({ name, version }) : makeSdist({ name, version }))
    return { path: target, shown: `dist/${file}`, file }
  })
  const problems = new ProblemList()
  const options = { verifyMetadata: true, md5: false, signal: new AbortController().signal }
  const distributions = await checkDistributions(found, options, problems)
  for (const { digests } of distributions) await digests.get()
  for (const { content } of distributions) content.close()
  assert.deepEqual(problems.all, [])
  return distributions
}

async function check(
  distributions: readonly Distribution[],
  expected: Partial<Expectations>,
): Promise<readonly PublishError[]> {
  const problems = new ProblemList()
  await checkExpectations(distributions, { ...ANYTHING, ...expected }, problems)
  return problems.all
}

async function onlyProblem(
  distributions: readonly Distribution[],
  expected: Partial<Expectations>,
): Promise<PublishError> {
  const [problem, ...others] = await check(distributions, expected)
  assert.ok(problem, 'expected a problem, found none')
  assert.deepEqual(others, [])
  assert.match(problem.hint ?? '', /^[A-Z].*\.$/)
  return problem
}

const DEMO = await made('demo-1.0-py3-none-any.whl', 'demo-1.0.tar.gz')
const TWO_PROJECTS = await made('demo-1.0-py3-none-any.whl', 'My.Other-2.0-py3-none-any.whl', 'My.Other-2.0.tar.gz')

describe('expected-projects', () => {
  it('`one` takes one project, whatever its name, and `any` takes all', async () => {
    assert.deepEqual(await check(DEMO, { projects: 'one' }), [])
    assert.deepEqual(await check(TWO_PROJECTS, { projects: 'any' }), [])
  })

  it('`one` lists the projects of several, and the lines that would settle it', async () => {
    const problem = await onlyProblem(TWO_PROJECTS, { projects: 'one' })
    assert.equal(problem.code, 'E_EXPECTED_PROJECTS')
    assert.equal(
      problem.message,
      'expected-projects is `one`, and there are 2 projects: demo (1 file), my-other (2 files)',
    )
    assert.match(problem.hint ?? '', /`expected-projects: demo, my-other`/)
  })

  it('compares names in any spelling, and takes a project that is not there', async () => {
    assert.deepEqual(await check(TWO_PROJECTS, { projects: ['DEMO', 'my_other', 'third'] }), [])
  })

  it('lists what it does not name', async () => {
    const problem = await onlyProblem(TWO_PROJECTS, { projects: ['Demo'] })
    assert.equal(problem.code, 'E_EXPECTED_PROJECTS')
    assert.equal(problem.message, 'expected-projects allows demo, and there is also my-other (2 files)')
    assert.match(
      (await onlyProblem(DEMO, { projects: ['dem', 'demo1', 'x\ny'] })).message,
      /allows dem, demo1, x y, and/,
    )
  })
})

describe('expected-version', () => {
  it('`one` takes one version of each project, `any` takes all', async () => {
    assert.deepEqual(await check(TWO_PROJECTS, { version: 'one' }), [])
    const several = await made('demo-1.0.tar.gz', 'demo-1.1.tar.gz')
    assert.deepEqual(await check(several, { version: 'any' }), [])
    assert.match((await onlyProblem(several, { version: 'one' })).message, /demo has 2 versions: 1\.0, 1\.1$/)
  })

  it('`one` takes spellings of one version for one', async () => {
    assert.deepEqual(await check(await made('demo-1.0-py3-none-any.whl', 'demo-1.0.0.tar.gz'), { version: 'one' }), [])
  })

  it('`one` names the versions that a kept workspace has, oldest first, and the lines that settle it', async () => {
    const left = await made(
      'demo-1.0.10-py3-none-any.whl',
      'demo-1.0.10.tar.gz',
      'demo-1.0.5-py3-none-any.whl',
      'demo-1.0.4-py3-none-any.whl',
    )
    const problem = await onlyProblem(left, { version: 'one' })
    assert.equal(problem.code, 'E_EXPECTED_VERSION')
    assert.equal(problem.message, 'expected-version is `one`, and demo has 3 versions: 1.0.4, 1.0.5, 1.0.10')
    const hint = problem.hint ?? ''
    assert.ok(hint.includes('`expected-version: 1.0.10` with `files: dist/demo-1.0.10-*.whl`'), hint)
    assert.ok(hint.includes('the line `dist/demo-1.0.10.tar.gz`'), hint)
    assert.ok(hint.includes('`expected-version: any`'), hint)
    assert.match(hint, /self-hosted runner keeps files/)
  })

  const FITTING = [
    '1.0',
    '1.0.0',
    'v1.0',
    'V1.0',
    'demo-1.0',
    'demo-v1.0',
    'demo/1.0',
    'demo/v1.0',
    'demo@1.0',
    'demo@v1.0',
    'Demo-1.0',
    'refs/tags/v1.0',
    'refs/tags/demo-1.0',
    'refs/tags/demo/v1.0',
  ]
  for (const version of FITTING) {
    it(`${version} fits demo 1.0`, async () => assert.deepEqual(await check(DEMO, { version }), []))
  }

  it('may have dashes in project and version', async () => {
    const post = await made('my.own.demo-1.0.post1-py3-none-any.whl')
    for (const version of ['my-own-demo-1.0-1', 'my.own_demo/v1.0-post1', 'my-own-demo@1.0.post1', '1.0-1']) {
      assert.deepEqual(await check(post, { version }), [], version)
    }
    const dated = await made('demo-2024.11.25-py3-none-any.whl')
    assert.deepEqual(await check(dated, { version: 'v2024.11.25' }), [])
  })

  const OTHER: readonly (readonly [version: string, message: RegExp])[] = [
    [
      '1.1',
      /^expected-version is 1\.1, and 2 of 2 distributions have another version: demo-1\.0-.*\.whl \(1\.0\), demo-/,
    ],
    ['v1.0rc1', /2 of 2 distributions have another version/],
    ['1.0+local', /have another version/],
    ['1!1.0', /have another version/],
    ['demo-1.0-1', /have another version/],
    ['other-1.0', /^expected-version is other-1\.0, which names the project other, and the distributions are of demo$/],
    ['release/1.0', /names the project release/],
    ['main', /^expected-version is main, which is neither a version nor a release tag$/],
    ['demo', /neither a version nor/],
    ['vv1.0', /neither a version nor/],
    ['refs/heads/1.0', /neither a version nor/],
    ['packages/demo/v1.0', /neither a version nor/],
    ['$ref\n::x::', /^expected-version is \$ref ::x::, which is neither/],
  ]
  for (const [version, message] of OTHER) {
    it(`${JSON.stringify(version)} does not fit demo 1.0, and the sentence says why`, async () => {
      const problem = await onlyProblem(DEMO, { version })
      assert.equal(problem.code, 'E_EXPECTED_VERSION')
      assert.match(problem.message, message)
    })
  }

  it('is that of every distribution, whatever project stands before it', async () => {
    const mixed = await made('demo-1.0-py3-none-any.whl', 'other-1.0-py3-none-any.whl', 'other-1.1.tar.gz')
    const problem = await onlyProblem(mixed, { version: 'demo-1.0' })
    assert.match(problem.message, /1 of 3 distributions have another version: other-1\.1\.tar\.gz \(1\.1\)/)
  })
})

describe('expected-files', () => {
  it('takes the exact number', async () => {
    assert.deepEqual(await check(DEMO, { files: 2 }), [])
    assert.equal((await onlyProblem(DEMO, { files: 1 })).code, 'E_EXPECTED_FILES')
    assert.equal((await onlyProblem(DEMO, { files: 3 })).code, 'E_EXPECTED_FILES')
  })

  it('shows the table of tags that are there', async () => {
    const wheels = ['cp311-cp311', 'cp312-cp312', 'cp312-abi3'].flatMap((tag) => [
      `demo-1.0-${tag}-manylinux_2_17_x86_64.whl`,
      ...(tag === 'cp312-cp312' ? [] : [`demo-1.0-${tag}-win_amd64.whl`]),
    ])
    const there = await made(...wheels, 'demo-1.0-2-py3-none-any.whl', 'demo-1.0.tar.gz')
    assert.equal(
      (await onlyProblem(there, { files: 8 })).message,
      'expected-files is 8, and 7 distributions are fit to be sent: demo 1.0 (' +
        'any: py3-none build 2; manylinux_2_17_x86_64: cp311, cp312-abi3, cp312; ' +
        'win_amd64: cp311, cp312-abi3; sdist: demo-1.0.tar.gz)',
    )
  })
})

describe('expected-sha256', () => {
  const [wheel, sdist] = DEMO.map(({ file, digests }) => ({ file, sha256: digests.known?.sha256 ?? '' }))
  assert.ok(wheel && sdist)
  const other = createHash('sha256').update('other').digest('hex')
  const COMPLETE: readonly (readonly [what: string, text: string])[] = [
    ['coreutils', `${wheel.sha256}  ${wheel.file}\n${sdist.sha256}  ${sdist.file}\n`],
    ['binary marks', `${wheel.sha256} *${wheel.file}\n${sdist.sha256} *${sdist.file}`],
    ['paths', `${wheel.sha256}  ./dist/${wheel.file}\n${sdist.sha256} *C:\\build\\dist\\${sdist.file}`],
    ['BSD', `SHA256 (dist/${wheel.file}) = ${wheel.sha256}\nSHA256 (${sdist.file}) = ${sdist.sha256}`],
    ['openssl', `SHA256(${wheel.file})= ${wheel.sha256}\nSHA2-256(dist/${sdist.file})= ${sdist.sha256}`],
    ['capital digits', `${wheel.sha256.toUpperCase()}  ${wheel.file}\n${sdist.sha256}  ${sdist.file}`],
    [
      'CRLF, a byte order mark, indentation, blank lines and comments',
      `\ufeff# made by hand\r\n\r\n  ${wheel.sha256}  ${wheel.file}  \r\n\t${sdist.sha256}\t${sdist.file}\r\n`,
    ],
    ['escaped names', `\\${wheel.sha256}  dist\\\\a\\nb/${wheel.file}\n${sdist.sha256}  ${sdist.file}`],
    [
      'several algorithms',
      `MD5 (${wheel.file}) = ${'a'.repeat(32)}\nSHA256 (${wheel.file}) = ${wheel.sha256}\nSHA512 (x) = ${'b'.repeat(128)}\nSHA256 (${sdist.file}) = ${sdist.sha256}`,
    ],
    [
      'other files and other releases',
      `${wheel.sha256}  ${wheel.file}\n${sdist.sha256}  ${sdist.file}\n${other}  sbom.json\n${other}  demo-0.9.tar.gz\n${other}  other-1.0.tar.gz\n${other}  docs.zip`,
    ],
    [
      'one line twice',
      `${wheel.sha256}  ${wheel.file}\n${sdist.sha256}  ${sdist.file}\n${sdist.sha256}  a/${sdist.file}`,
    ],
  ]
  for (const [what, text] of COMPLETE) {
    it(`takes a list with ${what}`, async () => assert.deepEqual(await check(DEMO, { sha256: text }), []))
  }

  const DIFFERENT: readonly (readonly [what: string, text: string, message: RegExp])[] = [
    ['a file is not named', `${wheel.sha256}  ${wheel.file}`, /: it does not name demo-1\.0\.tar\.gz$/],
    [
      'a digest is another one, naming both',
      `${other}  ${wheel.file}\n${sdist.sha256}  ${sdist.file}`,
      new RegExp(`: other bytes were expected of ${wheel.file} \\(expected ${other}, found ${wheel.sha256}\\)$`),
    ],
    [
      'a file of the release is not there',
      `${wheel.sha256}  ${wheel.file}\n${sdist.sha256}  ${sdist.file}\n${other}  demo-1.0.0-cp312-cp312-win_amd64.whl`,
      /: it names what is not among the distributions to be sent: demo-1\.0\.0-cp312-cp312-win_amd64\.whl$/,
    ],
    [
      'a file has two digests',
      `${wheel.sha256}  ${wheel.file}\n${sdist.sha256}  ${sdist.file}\n${other}  old/${sdist.file}`,
      /it has two digests for demo-1\.0\.tar\.gz; other bytes were expected/,
    ],
    [
      'a line is none',
      `${wheel.sha256}  ${wheel.file}\n${sdist.sha256}  ${sdist.file}\n${'a'.repeat(128)}  x\n${other}`,
      /its line 3 is no line of a SHA256SUMS file \(a{79}…\); its line 4 is no line/,
    ],
    [
      'a digest of a BSD line is cut off',
      `SHA256 (${wheel.file}) = abc\n${sdist.sha256}  ${sdist.file}`,
      /its line 1 is no line of .*; it does not name demo-1\.0-py3/,
    ],
    ['it is empty', '', /it does not name demo-1\.0-py3-none-any\.whl, demo-1\.0\.tar\.gz$/],
  ]
  for (const [what, text, message] of DIFFERENT) {
    it(`is an error when ${what}`, async () => {
      const problem = await onlyProblem(DEMO, { sha256: text })
      assert.equal(problem.code, 'E_EXPECTED_SHA256')
      assert.match(problem.message, /^expected-sha256 and the distributions differ: /)
      assert.match(problem.message, message)
    })
  }
})

describe('all expectations', () => {
  it('are compared, and all that differs is reported', async () => {
    const problems = await check(TWO_PROJECTS, { projects: 'one', version: '1.0', files: 1, sha256: '' })
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['E_EXPECTED_PROJECTS', 'E_EXPECTED_VERSION', 'E_EXPECTED_FILES', 'E_EXPECTED_SHA256'],
    )
  })

  it('say nothing where there is no distribution: that is told by itself', async () => {
    assert.deepEqual(await check([], { projects: ['demo'], version: '1.0', files: 3, sha256: 'x' }), [])
  })
})

describe('the tag of the run', () => {
  const tagged = (name: string | undefined, type: string | undefined = 'tag', distributions = DEMO) =>
    tagWarning(distributions, { type, name })

  it('is warned of when it is a version that no distribution has', () => {
    assert.equal(tagged('v1.0.6'), 'the tag is v1.0.6, and no distribution has that version: demo 1.0')
    assert.equal(tagged('demo/v2.0'), 'the tag is demo/v2.0, and no distribution has that version: demo 1.0')
    assert.match(tagged('v3', 'tag', TWO_PROJECTS) ?? '', /version: demo 1\.0, my-other 2\.0$/)
  })

  it('is none of our business when one has it, when it is no version, and when the run is for a branch', () => {
    assert.equal(tagged('v1.0.0'), undefined)
    assert.equal(tagged('demo-1.0'), undefined)
    assert.equal(tagged('2.0', 'tag', TWO_PROJECTS), undefined)
    for (const name of ['nightly', 'build-42', 'release-2.0', undefined]) assert.equal(tagged(name), undefined, name)
    assert.equal(tagged('v2.0', 'branch'), undefined)
    assert.equal(tagged('v2.0', 'tag', []), undefined)
  })
})
