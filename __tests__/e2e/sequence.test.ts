import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import { type Sample, writeSamples } from '../../demo/sample-distributions.ts'
import { assertPublished, assertRefused, fileOutputs, shown, uploadsTo } from './support/assertions.ts'
import { annotationOf, assertEnded, closingLine, type FileEnding, lastError, readable } from './support/ending.ts'
import { type Scene, setScene } from './support/scene.ts'
import { type Answer, type ScriptedIndex, startAnsweringIndex } from './support/scripted-index.ts'

/** The smaller one: it is sent first where nobody knows whether the index has the project. */
const WHEEL = 'demo_pkg-1.2.0-py3-none-any.whl'
const OTHER_WHEEL = 'demo_pkg-1.2.0-cp39-cp39-manylinux_2_17_x86_64.whl'
const SDIST = 'demo_pkg-1.2.0.tar.gz'

/** Refuses with this status line the files whose name fits, and takes the others. */
function refusing(statusLine: string, which: RegExp): Answer {
  return (connection, { filename }) => connection.answer(which.test(filename) ? statusLine : '200 OK')
}

/** What the index took, byte for byte. */
function assertTaken({ uploads }: ScriptedIndex, { workspace }: Scene, files: readonly string[]): void {
  for (const file of files) {
    const upload = uploads.find(({ filename }) => filename === path.basename(file))
    assert.ok(upload?.content.equals(readFileSync(path.join(workspace, file))), file)
  }
}

function sent({ uploads }: ScriptedIndex): string[] {
  return uploads.map(({ filename }) => filename)
}

describe('of two wheels and an sdist', () => {
  it('with one wheel refused the other is published, and the sdist waits: its line publishes it', async (test) => {
    const scene = await setScene(test)
    const index = await startAnsweringIndex(test, scene, refusing('400 No cp39 here', /cp39/))
    const url = index.inputs
    const run = await scene.run(url)
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [OTHER_WHEEL, 'rejected', 'E_HTTP_REJECTED'],
        [WHEEL, 'published'],
        [SDIST, 'not-tried'],
      ],
    })
    assert.deepEqual(sent(index), [WHEEL, OTHER_WHEEL])
    assertTaken(index, scene, [`dist/${WHEEL}`])
    assert.match(annotationOf(run, OTHER_WHEEL), /400 No cp39 here/)
    const waiting = annotationOf(run, SDIST)
    assert.match(waiting, /because the wheel demo_pkg-1\.2\.0-cp39-.* did not succeed: .* would build from source/)
    assert.match(
      closingLine(run, 'On the index'),
      /^1 of 3 files by this run: demo_pkg-1\.2\.0-py3-none-any\.whl; not published/,
    )
    const [, line = ''] = /after its patterns: (!\S+\.whl)/.exec(waiting) ?? []
    assert.equal(line, `!dist/${OTHER_WHEEL}`)
    const again = await scene.run({ ...url, files: `dist/*\n${line}\n!dist/${WHEEL}` })
    assertEnded(again, scene, { status: 'succeeded', files: [[SDIST, 'published']] })
    assertTaken(index, scene, [`dist/${SDIST}`])
  })

  it('with the sdist refused both wheels are published', async (test) => {
    const scene = await setScene(test)
    const index = await startAnsweringIndex(test, scene, refusing('400 No sdists here', /\.tar\.gz$/))
    const run = await scene.run(index.inputs)
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [OTHER_WHEEL, 'published'],
        [WHEEL, 'published'],
        [SDIST, 'rejected', 'E_HTTP_REJECTED'],
      ],
    })
    assertTaken(index, scene, [`dist/${OTHER_WHEEL}`, `dist/${WHEEL}`])
    assert.match(lastError(run), /^Published 2 of 3 files/)
  })

  it('what is published stays so when the run ends behind it', async (test) => {
    const scene = await setScene(test)
    const index = await startAnsweringIndex(test, scene, refusing('401 Token expired', /cp39/))
    const run = await scene.run({ ...index.inputs, user: 'me', password: 'a-token-of-some-length' })
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [OTHER_WHEEL, 'rejected', 'E_HTTP_UNAUTHORIZED'],
        [WHEEL, 'published'],
        [SDIST, 'not-tried', 'E_HTTP_UNAUTHORIZED'],
      ],
      problems: ['E_HTTP_UNAUTHORIZED'],
    })
    assert.deepEqual(sent(index), [WHEEL, OTHER_WHEEL])
    assert.match(closingLine(run, 'Run again'), /^with care.*!\*\*\/demo_pkg-1\.2\.0-py3/)
  })

  it('all of them a second time: the index has these bytes, nothing is sent, and the run succeeds', async (test) => {
    const scene = await setScene(test)
    assertPublished(await scene.run(), scene)
    const run = await scene.run()
    const files = [OTHER_WHEEL, WHEEL, SDIST].map((name): FileEnding => [name, 'already-published'])
    assertEnded(run, scene, { status: 'succeeded', files })
    for (const { verified, attempts } of fileOutputs(run).values())
      assert.deepEqual([verified, attempts], ['sha256', 0])
    assert.equal(uploadsTo(scene.index).length, 3)
  })

  it('all of them a second time where nobody looks: the word of the index counts, and no bytes were compared', async (test) => {
    const scene = await setScene(test)
    assertPublished(await scene.run(), scene)
    const run = await scene.run({ 'check-url': 'off' })
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [OTHER_WHEEL, 'rejected', 'E_HTTP_EXISTS'],
        [WHEEL, 'rejected', 'E_HTTP_EXISTS'],
        [SDIST, 'not-tried'],
      ],
    })
    for (const { name, path: file } of scene.samples) assert.ok(scene.index.read(name).equals(readFileSync(file)))
  })
})

describe('of several projects', () => {
  const FILES = [
    'alpha-1.0.0-py3-none-any.whl',
    'alpha-1.0.0.tar.gz',
    'beta-2.0.0-py3-none-any.whl',
    'beta-2.0.0.tar.gz',
  ]
  const [A_WHEEL = '', A_SDIST = '', B_WHEEL = '', B_SDIST = ''] = FILES
  const ANY = { 'expected-projects': 'any' }

  async function setTwoProjects(test: TestContext): Promise<Scene> {
    const scene = await setScene(test, { samples: 'none' })
    const dist = path.join(scene.workspace, 'dist')
    await writeSamples(dist, { project: 'beta', version: '2.0.0' })
    await writeSamples(dist, { project: 'alpha', version: '1.0.0' })
    return scene
  }

  it('a 403 ends the one and not the other; its words come from the status line', async (test) => {
    const scene = await setTwoProjects(test)
    const index = await startAnsweringIndex(test, scene, refusing('403 CN=release may not upload to alpha', /^alpha/))
    const run = await scene.run({ ...index.inputs, ...ANY })
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [A_WHEEL, 'rejected', 'E_HTTP_FORBIDDEN'],
        [A_SDIST, 'not-tried', 'E_HTTP_FORBIDDEN'],
        [B_WHEEL, 'published'],
        [B_SDIST, 'published'],
      ],
    })
    assert.match(
      annotationOf(run, A_WHEEL),
      /the index answered 403 CN=release may not upload to alpha \(E_HTTP_FORBIDDEN\)/,
    )
    assert.deepEqual(sent(index), [A_WHEEL, B_WHEEL, B_SDIST])
    assertTaken(index, scene, [`dist/${B_WHEEL}`, `dist/${B_SDIST}`])
  })

  it('a 403 that means "exists" ends its file alone', async (test) => {
    const scene = await setTwoProjects(test)
    const index = await startAnsweringIndex(test, scene, refusing('403 File already exists', /^alpha.*whl$/))
    const run = await scene.run({ ...index.inputs, ...ANY })
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [A_WHEEL, 'rejected', 'E_HTTP_EXISTS'],
        [A_SDIST, 'not-tried'],
        [B_WHEEL, 'published'],
        [B_SDIST, 'published'],
      ],
    })
  })

  it('and versions: all in order, and a wheel that fails holds back the sdist of its own version alone', async (test) => {
    const scene = await setTwoProjects(test)
    await writeSamples(path.join(scene.workspace, 'dist'), { project: 'beta', version: '2.0.0rc1' })
    await writeSamples(path.join(scene.workspace, 'dist'), { project: 'beta', version: '10.0' })
    const index = await startAnsweringIndex(test, scene, refusing('400 No', /^beta-2\.0\.0-py3/))
    const run = await scene.run({ ...index.inputs, ...ANY, 'expected-version': 'any' })
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [A_WHEEL, 'published'],
        [A_SDIST, 'published'],
        ['beta-2.0.0rc1-py3-none-any.whl', 'published'],
        ['beta-2.0.0rc1.tar.gz', 'published'],
        [B_WHEEL, 'rejected', 'E_HTTP_REJECTED'],
        [B_SDIST, 'not-tried'],
        ['beta-10.0-py3-none-any.whl', 'published'],
        ['beta-10.0.tar.gz', 'published'],
      ],
    })
    assert.equal(run.outputs.version, '')
  })
})

describe('25 files of one project and version', () => {
  const MANY = { samples: { wheels: 24 } } as const

  function inOrder(samples: readonly Sample[]): string[] {
    return samples
      .map(({ name }) => name)
      .sort((a, b) => Number(a.endsWith('.gz')) - Number(b.endsWith('.gz')) || (a < b ? -1 : 1))
  }

  /** Files that no annotation names, neither by its title nor in the text of the last one. */
  function unnamed(run: ActionRun, kind: string, files: readonly string[]): string[] {
    const annotations = run.annotations.filter((annotation) => annotation.kind === kind)
    const titles = new Set(annotations.map(({ title }) => title))
    const texts = annotations.filter(({ title }) => !files.includes(title)).map(({ message }) => message)
    const difference = (file: string) =>
      file === SDIST ? 'sdist' : file.slice('demo_pkg-1.2.0-'.length, -'.whl'.length)
    const isNamed = (file: string) =>
      texts.some((text) => new RegExp(`(?:^|[ ,;])${difference(file)}(?:[,; .]|$)`).test(text))
    return files.filter((file) => !titles.has(file) && !isNamed(file))
  }

  it('published: ten notices name them all, the last one with the total', async (test) => {
    const scene = await setScene(test, MANY)
    const run = await scene.run()
    assertPublished(run, scene)
    const files = inOrder(scene.samples)
    assertEnded(run, scene, { status: 'succeeded', files: files.map((file) => [file, 'published']) })
    assert.deepEqual(unnamed(run, 'notice', files), [])
    const last = run.annotations.at(-1)
    assert.equal(last?.title, '25 files published')
    // Project and version once, then what differs.
    assert.equal(last?.message.match(/demo-pkg 1\.2\.0/g)?.length, 1, last?.message)
    assert.equal(run.outputs.version, '1.2.0')
  })

  it('rejected: ten errors name them all, and the last is what ends the step', async (test) => {
    const scene = await setScene(test, MANY)
    const index = await startAnsweringIndex(test, scene, refusing('400 Quota reached', /./))
    const run = await scene.run(index.inputs)
    const files = inOrder(scene.samples)
    const ending = files.map(
      (file): FileEnding => (file === SDIST ? [file, 'not-tried'] : [file, 'rejected', 'E_HTTP_REJECTED']),
    )
    assertEnded(run, scene, { status: 'failed', files: ending })
    assert.deepEqual(unnamed(run, 'error', files), [])
    assert.equal(index.uploads.length, 24)
    assert.match(lastError(run), /^Published 0 of 25 files/)
    assert.match(shown(run), /24 rejected, 1 not sent/)
    assert.equal(readable(run.summary).match(/^\|.*400 Quota reached/gm)?.length, 24)
  })

  it('half and half: notices name what is published, errors what is not', async (test) => {
    const scene = await setScene(test, MANY)
    const index = await startAnsweringIndex(test, scene, refusing('400 No Linux here', /manylinux/))
    const run = await scene.run(index.inputs)
    const files = inOrder(scene.samples)
    const ending = files.map((file): FileEnding => {
      if (file === SDIST) return [file, 'not-tried']
      return file.includes('manylinux') ? [file, 'rejected', 'E_HTTP_REJECTED'] : [file, 'published']
    })
    assertEnded(run, scene, { status: 'failed', files: ending })
    const good = ending.filter(([, outcome]) => outcome === 'published').map(([file]) => file)
    const bad = files.filter((file) => !good.includes(file))
    assert.deepEqual([good.length > 10, bad.length > 10], [true, true])
    assert.deepEqual(unnamed(run, 'notice', good), [])
    assert.deepEqual(unnamed(run, 'error', bad), [])
  })

  it('refused before any connection: one error and no other annotation, each file in the summary', async (test) => {
    const scene = await setScene(test, MANY)
    const run = await scene.run({ 'expected-files': '26' })
    const files = inOrder(scene.samples)
    assertEnded(run, scene, {
      status: 'failed',
      handshake: 'not-tried',
      files: files.map((file) => [file, 'not-tried', 'E_EXPECTED_FILES']),
      problems: ['E_EXPECTED_FILES'],
    })
    assert.equal(run.annotations.length, 1)
    assert.equal(scene.index.connections, 0)
  })
})

describe('400 files', () => {
  it('are more than annotations can hold: the last names what it can and counts the rest, the report has all', async (test) => {
    const scene = await setScene(test, { samples: { wheels: 400, sdist: false } })
    const run = await scene.run({ 'dry-run': 'true' })
    const files = scene.samples.map(({ name }) => name).sort()
    assertEnded(run, scene, { status: 'succeeded', files: files.map((file) => [file, 'would-publish']) })
    const { message = '', title = '' } = run.annotations.at(-1) ?? {}
    const [, left = ''] = / and (\d+) more\.?$/.exec(message) ?? []
    const named = files
      .slice(9)
      .filter((file) => message.includes(file.slice('demo_pkg-1.2.0-'.length, -'.whl'.length)))
    assert.equal(named.length + Number(left), 391, message)
    assert.ok(message.length > 3500, String(message.length))
    assert.match(title, /400/)
    assert.deepEqual(uploadsTo(scene.index), [])
  })
})

describe('nothing to publish fails the step before any connection', () => {
  const CASES: readonly (readonly [string, (dist: string) => Promise<unknown>, RegExp])[] = [
    ['packages-dir is empty', async () => {}, /packages-dir dist holds no distribution/],
    ['packages-dir does not exist', (dist) => rm(dist, { recursive: true }), /packages-dir dist does not exist/],
    [
      'packages-dir is a file',
      async (dist) => {
        await rm(dist, { recursive: true })
        await writeFile(dist, 'x')
      },
      /packages-dir dist is a file, not a directory/,
    ],
    [
      'packages-dir holds checksums, signatures and dot files alone',
      async (dist) => {
        for (const name of ['SHA256SUMS', 'demo-1.0.tar.gz.asc', '.gitignore'])
          await writeFile(path.join(dist, name), 'x')
      },
      /packages-dir dist holds no distribution/,
    ],
    [
      'packages-dir holds an empty directory',
      (dist) => mkdir(path.join(dist, 'a')),
      /packages-dir dist holds no distribution/,
    ],
  ]
  for (const [name, prepare, says] of CASES) {
    it(name, async (test) => {
      const scene = await setScene(test, { samples: 'none' })
      await prepare(path.join(scene.workspace, 'dist'))
      const run = await scene.run()
      assertRefused(run, { codes: ['E_DIST_NONE'], handshake: 'not-tried' })
      assertEnded(run, scene, { status: 'failed', handshake: 'not-tried', files: [], problems: ['E_DIST_NONE'] })
      assert.match(lastError(run), says)
      assert.match(closingLine(run, 'On the index'), /^nothing by this run/)
      assert.equal(scene.index.connections, 0)
    })
  }
})
