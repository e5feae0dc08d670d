import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Discovery, discover } from '../../../src/distributions/discover.ts'
import { ProblemList, type PublishError } from '../../../src/errors.ts'

const WINDOWS = process.platform === 'win32'
const WHEEL = 'demo-1.0-py3-none-any.whl'
const SDIST = 'demo-1.0.tar.gz'

let workspace = ''
beforeEach(() => {
  workspace = mkdtempSync(path.join(tmpdir(), 'discover-'))
})
afterEach(() => rmSync(workspace, { recursive: true, force: true }))

/** Writes files (their content is their name) and gives their paths. */
function write(...names: string[]): string[] {
  return names.map((name) => writeAs(name, name))
}

function writeAs(name: string, content: string): string {
  const file = path.join(workspace, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, content)
  return file
}

interface Found extends Discovery {
  readonly shown: readonly string[]
  readonly problems: readonly PublishError[]
  readonly codes: readonly string[]
}

async function find(where: { packagesDir?: string; files?: readonly string[]; from?: string } = {}): Promise<Found> {
  const problems = new ProblemList()
  const { packagesDir = 'dist', files = [], from = workspace } = where
  const result = await discover({ workspace: from, packagesDir, files }, problems)
  return {
    ...result,
    shown: result.found.map(({ shown }) => shown),
    problems: problems.all,
    codes: problems.all.map(({ code }) => code),
  }
}

async function onlyProblem(where?: Parameters<typeof find>[0]): Promise<PublishError> {
  const { problems } = await find(where)
  assert.equal(problems.length, 1, problems.map(({ message }) => message).join('\n'))
  const [problem] = problems
  assert.ok(problem)
  assert.match(problem.hint ?? '', /^[A-Z].*\.$/)
  return problem
}

describe('packages-dir', () => {
  it('gives the distributions in it, ordered, and not those below it', async () => {
    write(`dist/${SDIST}`, `dist/${WHEEL}`, 'dist/old.zip', 'dist/below/demo-0.9.tar.gz', 'other/demo-1.1.tar.gz')
    const { found, codes, notices } = await find()
    assert.deepEqual([codes, notices], [[], []])
    assert.deepEqual(found, [
      { path: path.join(realpathSync(workspace), 'dist', WHEEL), shown: `dist/${WHEEL}`, file: WHEEL },
      { path: path.join(realpathSync(workspace), 'dist', SDIST), shown: `dist/${SDIST}`, file: SDIST },
      { path: path.join(realpathSync(workspace), 'dist', 'old.zip'), shown: 'dist/old.zip', file: 'old.zip' },
    ])
  })

  it('may be the workspace, a path with `..`, and an absolute path inside or outside of the workspace', async () => {
    write(WHEEL)
    assert.deepEqual((await find({ packagesDir: '.' })).shown, [WHEEL])
    assert.deepEqual((await find({ packagesDir: 'x/../' })).shown, [WHEEL])
    assert.deepEqual((await find({ packagesDir: workspace })).shown, [WHEEL])
    mkdirSync(path.join(workspace, 'inner'))
    const { shown } = await find({ packagesDir: '..', from: path.join(workspace, 'inner') })
    assert.deepEqual(shown, [path.join(workspace, WHEEL).split(path.sep).join('/')])
  })

  it('is no pattern, whatever characters it holds', async () => {
    const names = WINDOWS
      ? ['d[i]st', 'd!st #1', 'd{a,b}']
      : ['d[i]st', 'd*', 'd?st', 'd\\*', '[', '!x', '# y', '{a,b}']
    for (const name of names) {
      write(`${name}/${WHEEL}`)
      // What the name would match if it were a pattern.
      write(`dist/${SDIST}`, `dx/${SDIST}`)
      const { shown, codes } = await find({ packagesDir: name })
      assert.deepEqual([shown, codes], [[`${name}/${WHEEL}`], []], name)
    }
  })

  it('may be a link to a directory: it is resolved once', async () => {
    if (WINDOWS) return
    write(`build/out/${WHEEL}`)
    symlinkSync(path.join(workspace, 'build/out'), path.join(workspace, 'dist'))
    const { shown, codes } = await find()
    assert.deepEqual([shown, codes], [[`dist/${WHEEL}`], []])
  })

  it('leaves what build and signing steps put beside distributions alone, with one notice', async () => {
    const aside = [
      '.gitignore',
      `._${WHEEL}`,
      '.hidden.egg',
      `${WHEEL}.publish.attestation`,
      `${WHEEL}.sigstore`,
      `${SDIST}.sigstore.json`,
      `${SDIST}.asc`,
      'SHA256SUMS',
      'SHA256SUMS.txt',
      'sha512sum.txt',
      'checksums.txt',
      'demo_1.0_checksums.txt',
      `${WHEEL}.sha256`,
      `${WHEEL}.md5`,
      'demo.spdx.json',
      'demo.cdx.json',
      'demo.cdx.xml',
      'demo.spdx',
      'bom.json',
      'demo-sbom.json',
      'SBOM.xml',
    ]
    write(`dist/${WHEEL}`, ...aside.map((name) => `dist/${name}`))
    const { shown, codes, notices } = await find()
    assert.deepEqual([shown, codes], [[`dist/${WHEEL}`], []])
    assert.equal(notices.length, 1)
    assert.match(notices[0] ?? '', /^left alone beside the distributions: dist\/\S+, .* and 13 more$/)
  })

  it('takes a project that is called like such a file for a distribution', async () => {
    const names = ['sbom-1.0.tar.gz', 'checksums-1.0-py3-none-any.whl', 'demo.sigstore-1.0.tar.gz', 'bom.spdx-1.0.zip']
    write(...names.map((name) => `dist/${name}`))
    assert.deepEqual((await find()).found.map(({ file }) => file).sort(), names.sort())
  })

  it('must hold nothing else: one error names all strays', async () => {
    write(`dist/${WHEEL}`, 'dist/README.md', 'dist/demo-1.0.whl.part', 'dist/keys.pem')
    const stray = await onlyProblem()
    assert.equal(stray.code, 'E_DIST_STRAY')
    assert.equal(
      stray.message,
      'dist holds 3 files that are no distributions: dist/README.md, dist/demo-1.0.whl.part, dist/keys.pem',
    )
    assert.match(stray.hint ?? '', /`dist\/\*\.whl`/)
  })

  it('must hold no format of former times: each is named with the reason', async () => {
    write(`dist/${WHEEL}`, 'dist/demo-1.0-py3.6.egg', 'dist/demo-1.0.tar.bz2', 'dist/demo-1.0.win32.exe')
    const { problems, shown } = await find()
    assert.deepEqual(
      problems.map(({ code, message }) => [code, message.split(' ')[0]]),
      [
        ['E_DIST_UNSUPPORTED', 'demo-1.0-py3.6.egg'],
        ['E_DIST_UNSUPPORTED', 'demo-1.0.tar.bz2'],
        ['E_DIST_UNSUPPORTED', 'demo-1.0.win32.exe'],
      ],
    )
    assert.deepEqual(shown, [`dist/${WHEEL}`])
  })

  it('must hold no link: each is named, also one to nothing', async () => {
    if (WINDOWS) return
    write(`dist/${WHEEL}`, `build/${SDIST}`)
    symlinkSync(path.join(workspace, 'build', SDIST), path.join(workspace, 'dist', SDIST))
    symlinkSync('nowhere', path.join(workspace, 'dist/demo-2.0.tar.gz'))
    symlinkSync(path.join(workspace, 'build'), path.join(workspace, 'dist/latest'))
    const { problems, shown } = await find()
    assert.deepEqual(shown, [`dist/${WHEEL}`])
    assert.deepEqual(
      problems.map(({ code, message }) => [code, message.split(' is ')[0]]),
      [
        ['E_DIST_LINK', `dist/${SDIST}`],
        ['E_DIST_LINK', 'dist/demo-2.0.tar.gz'],
        ['E_DIST_LINK', 'dist/latest'],
      ],
    )
  })

  it('may hold a FIFO, which is found without waiting for its writer', async () => {
    if (WINDOWS) return
    write('dist/.gitignore')
    execFileSync('mkfifo', [path.join(workspace, 'dist', WHEEL)])
    // Opening it says what it is.
    assert.deepEqual((await find()).shown, [`dist/${WHEEL}`])
  })

  it('names odd files on one printable line', async () => {
    if (WINDOWS) return
    write(`dist/${WHEEL}`, 'dist/a\n::error::b.txt', 'dist/\u202Egpj.exe.txt')
    const stray = await onlyProblem()
    assert.ok(stray.message.includes('dist/ gpj.exe.txt'), stray.message)
    assert.ok(stray.message.includes('dist/a ::error::b.txt'), stray.message)
  })

  it('keeps the name of a distribution as it is, for the check of names', async () => {
    write('dist/démo-1.0.tar.gz')
    const { found, codes } = await find()
    assert.deepEqual([found.map(({ file }) => file.normalize('NFC')), codes], [['démo-1.0.tar.gz'], []])
  })
})

describe('nothing to publish in packages-dir', () => {
  it('says that the directory does not exist', async () => {
    const none = await onlyProblem()
    assert.equal(none.code, 'E_DIST_NONE')
    assert.equal(none.message, 'there is nothing to publish: packages-dir dist does not exist')
  })

  it('says that it is a file', async () => {
    write('dist')
    assert.match((await onlyProblem()).message, /packages-dir dist is a file, not a directory$/)
    assert.match((await onlyProblem({ packagesDir: 'dist/x' })).message, /packages-dir dist\/x does not exist$/)
  })

  it('says that it holds no distribution, beside the files that are left alone', async () => {
    write('dist/.gitignore')
    const none = await onlyProblem()
    assert.equal(none.code, 'E_DIST_NONE')
    assert.match(none.message, /packages-dir dist holds no distribution \(\.whl, \.tar\.gz\)$/)
  })

  it('is told beside the strays, and not where another problem is the reason', async () => {
    write('dist/notes.txt')
    assert.deepEqual((await find()).codes, ['E_DIST_STRAY', 'E_DIST_NONE'])
    write('eggs/demo-1.0-py3.6.egg')
    assert.deepEqual((await find({ packagesDir: 'eggs' })).codes, ['E_DIST_UNSUPPORTED'])
  })

  it('counts the distributions below it and gives the line that publishes them', async () => {
    write('dist/linux/demo-1.0-cp312-cp312-linux_x86_64.whl', 'dist/mac/a/demo-1.0-cp312-cp312-any.whl')
    const wheels = await onlyProblem()
    assert.equal(wheels.code, 'E_DIST_NONE')
    assert.match(wheels.message, /holds no distribution .*, but 2 distributions in 2 directories below it$/)
    assert.equal(wheels.hint, 'Write `files: dist/**/*.whl` to publish them.')
    write(`dist/sdist/${SDIST}`)
    const both = await onlyProblem()
    assert.match(both.message, /3 distributions in 3 directories/)
    assert.equal(both.hint, 'Write `files: dist/**/*.whl` and the line `dist/**/*.tar.gz` below it to publish them.')
    const { shown } = await find({ files: ['dist/**/*.whl', 'dist/**/*.tar.gz'] })
    assert.equal(shown.length, 3)
    assert.match((await onlyProblem({ packagesDir: '.' })).hint ?? '', /`files: \*\*\/\*\.whl`/)
  })

  it('is never decided by a directory that cannot be read', async () => {
    if (WINDOWS || process.getuid?.() === 0) return
    write(`dist/${WHEEL}`)
    chmodSync(path.join(workspace, 'dist'), 0)
    const problem = await onlyProblem()
    chmodSync(path.join(workspace, 'dist'), 0o755)
    assert.equal(problem.code, 'E_DIST_FILE')
    assert.match(problem.message, /dist cannot be read \(EACCES\)/)
  })

  it('is the answer to two directories on two lines', async () => {
    write(`a/${WHEEL}`, `b/${SDIST}`)
    assert.match((await onlyProblem({ packagesDir: 'a\nb' })).message, /packages-dir a b does not exist$/)
    if (WINDOWS) return
    write(`a\nb/${WHEEL}`)
    assert.match((await onlyProblem({ packagesDir: 'a\nb' })).message, /the name of packages-dir a b holds a line end$/)
  })
})

describe('the patterns of files', () => {
  it('replace packages-dir and begin at the workspace, wherever the process is', async () => {
    write(`dist/${WHEEL}`, `dist/${SDIST}`, 'dist/notes.txt')
    assert.deepEqual((await find({ files: ['dist/*.whl'] })).shown, [`dist/${WHEEL}`])
    assert.deepEqual((await find({ files: ['./dist/*.tar.gz'] })).shown, [`dist/${SDIST}`])
    const absolute = `${workspace}${path.sep}dist${path.sep}*.whl`
    assert.deepEqual((await find({ files: [absolute] })).shown, [`dist/${WHEEL}`])
  })

  it('that exclude hold for all others wherever they stand', async () => {
    write(`dist/${WHEEL}`, `dist/${SDIST}`, 'dist/demo-1.0.zip')
    for (const files of [
      ['!dist/*.zip', 'dist/*.zip', 'dist/*'],
      ['dist/*', '!dist/*.zip', 'dist/demo-*'],
      ['dist/*', ' ! ./dist/*.zip'],
      [`${workspace}/dist/*`, '!dist/*.zip'],
      ['dist/*', `!${workspace}/dist/*.zip`],
      ['dist/*', '!**/*.zip'],
    ]) {
      const { shown, codes } = await find({ files })
      assert.deepEqual([shown, codes], [[`dist/${WHEEL}`, `dist/${SDIST}`], []], files.join(' '))
    }
  })

  it('that exclude a directory exclude all below it', async () => {
    write(`dist/${WHEEL}`, 'dist/old/a/demo-0.9.tar.gz')
    for (const line of ['!dist/old', '!dist/old/', '!dist/old/**', '!**/old']) {
      assert.deepEqual((await find({ files: ['dist/**', line] })).shown, [`dist/${WHEEL}`], line)
    }
  })

  it('may exclude what is not there, and may be comments', async () => {
    write(`dist/${WHEEL}`)
    const { shown, codes } = await find({ files: ['# wheels', 'dist/*', '!dist/*.egg', ''] })
    assert.deepEqual([shown, codes], [[`dist/${WHEEL}`], []])
  })

  it('find a file once, however many match it', async () => {
    write(`dist/${WHEEL}`)
    const { shown, notices, codes } = await find({ files: ['dist/*.whl', 'dist/demo*', './dist/**', '!!dist/*'] })
    assert.deepEqual([shown, notices, codes], [[`dist/${WHEEL}`], [], []])
  })

  it('do not reach below a directory that they match', async () => {
    write(`dist/${WHEEL}`, 'dist/below/demo-0.9.tar.gz')
    assert.deepEqual((await find({ files: ['dist/*'] })).shown, [`dist/${WHEEL}`])
  })

  it('that match nothing are each an error that names them', async () => {
    write(`dist/${WHEEL}`)
    const { problems, shown } = await find({
      files: ['dist/*.whl', 'dist/*.tar.gz', 'out/**', 'dist', `dist/${WHEEL}/x/*`],
    })
    assert.deepEqual(shown, [`dist/${WHEEL}`])
    assert.deepEqual(
      problems.map(({ code, message }) => [code, message]),
      [
        ['E_DIST_PATTERN', 'the pattern dist/*.tar.gz of files matches no file'],
        ['E_DIST_PATTERN', 'the pattern out/** of files matches no file'],
        ['E_DIST_PATTERN', 'the pattern dist of files matches no file'],
        ['E_DIST_PATTERN', `the pattern dist/${WHEEL}/x/* of files matches no file`],
      ],
    )
    assert.match(problems[2]?.hint ?? '', /must match the files themselves/)
  })

  it('that cannot be used are errors, those that exclude too', async () => {
    write(`dist/${WHEEL}`)
    const { problems } = await find({ files: ['../x/*.whl', 'dist/*', '!dist/../*'] })
    assert.deepEqual(
      problems.map(({ code, message }) => [code, message]),
      [
        ['E_DIST_PATTERN', 'the pattern !dist/../* of files cannot be used'],
        ['E_DIST_PATTERN', 'the pattern ../x/*.whl of files cannot be used'],
      ],
    )
  })

  it('must not all exclude, and must not exclude all', async () => {
    write(`dist/${WHEEL}`)
    const allExclude = await onlyProblem({ files: ['!dist/*.zip'] })
    assert.equal(allExclude.code, 'E_DIST_PATTERN')
    assert.match(allExclude.message, /files has no line that names files/)
    const none = await onlyProblem({ files: ['dist/*', '!dist/*.whl'] })
    assert.equal(none.code, 'E_DIST_NONE')
    assert.match(none.message, /the `!` lines of files exclude all/)
  })

  it('have strays and side files as packages-dir has them', async () => {
    write(`dist/${WHEEL}`, 'dist/SHA256SUMS', 'dist/notes.txt')
    const { problems, notices } = await find({ files: ['dist/*'] })
    assert.deepEqual(notices, ['left alone beside the distributions: dist/SHA256SUMS'])
    assert.deepEqual(
      problems.map(({ message }) => message),
      ['files names a file that is no distribution: dist/notes.txt'],
    )
  })

  it('name a link that they match, and one that they begin at', async () => {
    if (WINDOWS) return
    write(`build/${WHEEL}`)
    symlinkSync('build', path.join(workspace, 'dist'))
    const begins = await onlyProblem({ files: ['dist/*.whl'] })
    assert.equal(begins.code, 'E_DIST_LINK')
    assert.match(begins.message, /^dist, where the pattern dist\/\*\.whl of files begins, is a symbolic link/)
    symlinkSync(path.join(workspace, 'build', WHEEL), path.join(workspace, 'build', 'demo-2.0-py3-none-any.whl'))
    const matched = await onlyProblem({ files: ['build/*'] })
    assert.equal(matched.code, 'E_DIST_LINK')
    assert.match(matched.message, /^build\/demo-2\.0-py3-none-any\.whl is a symbolic link/)
  })

  it('work in a workspace whose path is a link, and holds the characters of patterns', async () => {
    if (WINDOWS) return
    write(`work [1]*/dist/${WHEEL}`, `work [1]*/dist/${SDIST}`)
    symlinkSync('work [1]*', path.join(workspace, 'link'))
    const from = path.join(workspace, 'link')
    for (const files of [
      ['dist/*', '!dist/*.whl'],
      [`${from}/dist/*`, '!dist/*.whl'],
      ['dist/*', `!${from}/dist/*.whl`],
      ['**/*', '!**/*.whl'],
    ]) {
      const { shown, codes } = await find({ files, from })
      assert.deepEqual([shown, codes], [[`dist/${SDIST}`], []], files.join(' '))
    }
  })

  it('are shown on one printable line', async () => {
    assert.match((await onlyProblem({ files: ['dist/\u202E*.whl'] })).message, /^the pattern dist\/ \*\.whl of files/)
  })
})

describe('two files of one name', () => {
  it('with the same bytes are published once, with a notice', async () => {
    writeAs(`a/${WHEEL}`, 'same')
    writeAs(`b/${WHEEL}`, 'same')
    const { shown, notices, codes } = await find({ files: ['**/*.whl'] })
    assert.deepEqual([shown, codes], [[`a/${WHEEL}`], []])
    assert.match(notices[0] ?? '', /^demo-1\.0-py3-none-any\.whl lies in 2 places with the same bytes .*: a\/.*, b\//)
  })

  it('with other bytes are an error that names both places and digests', async () => {
    writeAs(`a/${WHEEL}`, 'abc')
    writeAs(`b/${WHEEL}`, 'abd')
    const problem = await onlyProblem({ files: ['**/*.whl'] })
    assert.equal(problem.code, 'E_DIST_DUPLICATE')
    assert.match(
      problem.message,
      /lies in 2 places with different bytes: a\/\S+ \(3 bytes, sha256 ba7816bf8f01cfea…\), b\/\S+ \(3 bytes, sha256 a52d159f262b2c6d…\)/,
    )
  })
})
