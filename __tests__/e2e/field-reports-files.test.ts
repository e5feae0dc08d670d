/** Trouble that people met with their files and reported in public, each as the smallest input that brings it about. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { writeSamples } from '../../demo/sample-distributions.ts'
import { coreMetadata, makeSdist, makeWheel, type wheelMembers, zip64Field } from '../support/archives.ts'
import { assertPublished, shown } from './support/assertions.ts'
import { assertEnded, type FileEnding, lastError, readable } from './support/ending.ts'
import { type Inputs, type Scene, setScene } from './support/scene.ts'
import { startAnsweringIndex, type Upload } from './support/scripted-index.ts'

type Files = Readonly<Record<string, Buffer>>

/** A scene with these files in `dist`. */
async function setFiles(test: TestContext, files: Files): Promise<Scene> {
  const scene = await setScene(test, { samples: 'none' })
  for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(scene.workspace, 'dist', name), bytes)
  return scene
}

/** The one file is refused before any connection, for this reason. */
async function assertRefusedFile(
  scene: Scene,
  inputs: Inputs,
  code: 'E_DIST_LAYOUT' | 'E_DIST_MISMATCH' | 'E_DIST_NAME',
  says: readonly RegExp[],
): Promise<void> {
  const run = await scene.run(inputs)
  assertEnded(run, scene, { status: 'failed', handshake: 'not-tried', files: [], problems: [code] })
  for (const words of says) {
    assert.match(lastError(run), words)
    assert.match(readable(run.summary), words)
  }
  assert.equal(scene.index.connections, 0)
}

/** The one file is sent as it is, with a warning. Returns the form fields that came with it. */
async function assertSent(
  test: TestContext,
  scene: Scene,
  { inputs = {}, warning }: { readonly inputs?: Inputs; readonly warning: RegExp },
): Promise<Upload['fields']> {
  const index = await startAnsweringIndex(test, scene, (connection) => connection.answer('200 OK'))
  const run = await scene.run({ ...index.inputs, ...inputs })
  const [upload, ...others] = index.uploads
  assert.ok(upload && others.length === 0, shown(run))
  const { filename, content, fields } = upload
  assertEnded(run, scene, { status: 'succeeded', files: [[filename, 'published']] })
  assert.ok(content.equals(readFileSync(path.join(scene.workspace, 'dist', filename))))
  const warnings = run.annotations.filter(({ kind }) => kind === 'warning')
  assert.ok(
    warnings.some(({ title, message }) => title === filename && warning.test(message)),
    shown(run),
  )
  assert.match(readable(run.summary), warning)
  return fields
}

describe('report 11: a retagged wheel, and bytes behind the archive', () => {
  const NAME = 'demo-1.0-py3-none-any.whl'
  const retagged = () => {
    const extra = zip64Field(42)
    const edit = ([module = { name: '' }, ...others]: ReturnType<typeof wheelMembers>) => [
      { ...module, localExtra: extra, centralExtra: extra },
      ...others,
    ]
    return makeWheel({ edit })
  }
  /** What is wrong, where, who will not take it, and which tool does so. */
  const TOLD = [
    /demo-1\.0-py3-none-any\.whl: .*demo\/__init__\.py/,
    /\b(?:offset|byte) \d+/,
    /zip64/i,
    /uv .*(?:refuses|does not install|will not install)/,
    /wheel tags/,
  ]

  it('a) a zip64 field that does not belong there is refused', async (test) => {
    await assertRefusedFile(await setFiles(test, { [NAME]: retagged() }), {}, 'E_DIST_LAYOUT', TOLD)
  })

  it('a) and with verify-metadata: false sent, with a warning', async (test) => {
    const scene = await setFiles(test, { [NAME]: retagged() })
    await assertSent(test, scene, { inputs: { 'verify-metadata': 'false' }, warning: /zip64/i })
  })

  for (const [label, zeros] of [
    ['b) 16', 16],
    ['c) 70,000', 70_000],
  ] as const) {
    it(`${label} zero bytes behind the archive never pass`, async (test) => {
      const bytes = Buffer.concat([makeWheel(), Buffer.alloc(zeros)])
      for (const inputs of [{}, { 'verify-metadata': 'false' }]) {
        const says = [
          new RegExp(`demo-1\\.0-py3-none-any\\.whl: .*\\b${zeros}\\b bytes`),
          /uv .*(?:refuses|install)|PyPI/,
        ]
        await assertRefusedFile(await setFiles(test, { [NAME]: bytes }), inputs, 'E_DIST_LAYOUT', says)
      }
    })
  }
})

describe('report 12: build tag or post release?', () => {
  const A = 'leo-6.7.8-9-py3-none-any.whl'
  const B = 'leo-6.7.8-9.tar.gz'
  const C = 'demo_rpc-2.60.0-dev-py3-none-any.whl'
  const D = 'demo_nightly-v5.2.1.dev169.tar.gz'
  const leo = { name: 'leo', version: '6.7.8' }
  const wheelOfLeo = makeWheel({ ...leo, metadata: coreMetadata({ name: 'leo', version: '6.7.8-9' }) })
  const sdistOfLeo = makeSdist({ name: 'leo', version: '6.7.8-9' })
  const wheelOfRpc = makeWheel({ name: 'demo_rpc', version: '2.60.0' })

  it('a) a wheel whose post release became a build tag is refused, with the name that it should have', async (test) => {
    const says = [
      /the name of leo-6\.7\.8-9-py3-none-any\.whl says version 6\.7\.8, build tag 9; its METADATA says version 6\.7\.8\.post9/,
      /Write the version as 6\.7\.8\.post9/,
    ]
    await assertRefusedFile(await setFiles(test, { [A]: wheelOfLeo }), {}, 'E_DIST_MISMATCH', says)
  })

  it('b) the sdist is sent, with a warning, and is the version of its tag', async (test) => {
    for (const inputs of [{}, { 'expected-version': 'v6.7.8.post9' }]) {
      const scene = await setFiles(test, { [B]: sdistOfLeo })
      const fields = await assertSent(test, scene, { inputs, warning: /not normalised.*leo-6\.7\.8\.post9/ })
      assert.deepEqual(fields.get('version'), ['6.7.8-9'])
    }
  })

  it('c) `dev` is no build tag', async (test) => {
    const says = [
      /demo_rpc-2\.60\.0-dev-py3-none-any\.whl has 'dev' where a build tag stands, which begins with a digit/,
    ]
    await assertRefusedFile(await setFiles(test, { [C]: wheelOfRpc }), {}, 'E_DIST_NAME', says)
  })

  it('d) a version with a v is sent, with a warning', async (test) => {
    const scene = await setFiles(test, { [D]: makeSdist({ name: 'demo_nightly', version: 'v5.2.1.dev169' }) })
    await assertSent(test, scene, { warning: /not normalised.*demo_nightly-5\.2\.1\.dev169/ })
  })

  it('a) and c) in one run are reported together', async (test) => {
    const scene = await setFiles(test, { [A]: wheelOfLeo, [C]: wheelOfRpc })
    const run = await scene.run({ 'expected-projects': 'any' })
    assertEnded(run, scene, {
      status: 'failed',
      handshake: 'not-tried',
      files: [],
      problems: ['E_DIST_NAME', 'E_DIST_MISMATCH'],
    })
    assert.match(lastError(run), /demo_rpc-2\.60\.0-dev.*leo-6\.7\.8-9/)
    assert.equal(scene.index.connections, 0)
  })
})

describe('report 15: old wheels in the workspace of a self-hosted runner', () => {
  const TAG = { GITHUB_REF: 'refs/tags/v1.0.6', GITHUB_REF_NAME: 'v1.0.6', GITHUB_REF_TYPE: 'tag' }
  const wheelOf = (version: string) => `demo-${version}-py3-none-any.whl`

  async function setVersions(test: TestContext, versions: readonly string[]): Promise<Scene> {
    const scene = await setScene(test, { samples: 'none' })
    const dist = path.join(scene.workspace, 'dist')
    for (const version of versions) await writeSamples(dist, { project: 'demo', version, sdist: false })
    return scene
  }

  it('three versions of one project: the sentence lists them and gives the lines that settle it', async (test) => {
    const scene = await setVersions(test, ['1.0.4', '1.0.5', '1.0.6'])
    // The first one is on the index, the second was never released.
    assert.equal((await scene.run({ files: 'dist/*1.0.4*' })).main.exitCode, 0)
    const { connections } = scene.index
    const run = await scene.run({}, { env: TAG })
    assertEnded(run, scene, {
      status: 'failed',
      handshake: 'not-tried',
      files: ['1.0.4', '1.0.5', '1.0.6'].map(
        (version): FileEnding => [wheelOf(version), 'not-tried', 'E_EXPECTED_VERSION'],
      ),
      problems: ['E_EXPECTED_VERSION'],
    })
    assert.equal(scene.index.connections, connections)
    const sentence = lastError(run)
    assert.match(sentence, /demo has 3 versions: 1\.0\.4, 1\.0\.5, 1\.0\.6/)
    assert.match(sentence, /`expected-version: any`/)
    assert.match(sentence, /self-hosted runner keeps files of earlier builds/)
    const [, version = '', files = ''] = /`expected-version: (\S+)` with `files: (\S+)`/.exec(sentence) ?? []
    assert.equal(version, '1.0.6')
    const settled = await scene.run({ 'expected-version': version, files }, { env: TAG })
    assertEnded(settled, scene, { status: 'succeeded', files: [[wheelOf('1.0.6'), 'published']] })
    assert.deepEqual(scene.index.files(), [wheelOf('1.0.4'), wheelOf('1.0.6')])
  })

  it('one version that is not that of the tag: a warning in the first line of the summary', async (test) => {
    // It comes before the warnings of the file itself.
    const scene = await setFiles(test, { [wheelOf('1.0.5')]: makeWheel({ version: '1.0.5' }) })
    const run = await scene.run({}, { env: TAG })
    assertEnded(run, scene, { status: 'succeeded', files: [[wheelOf('1.0.5'), 'published']] })
    const [first = ''] = readable(run.summary).split('\n')
    assert.match(first, /^[^W]*Warning: the tag is v1\.0\.6, and no distribution has that version: demo 1\.0\.5/)
    assert.ok(run.annotations.some(({ kind, message }) => kind === 'warning' && message.includes('v1.0.6')))
  })

  it('the version of the tag: no warning', async (test) => {
    const scene = await setVersions(test, ['1.0.6'])
    const run = await scene.run({}, { env: TAG })
    assertPublished(run, {
      ...scene,
      samples: await writeSamples(path.join(scene.workspace, 'dist'), {
        project: 'demo',
        version: '1.0.6',
        sdist: false,
      }),
    })
    assert.deepEqual(
      run.annotations.filter(({ kind }) => kind === 'warning'),
      [],
    )
  })

  it('several projects are a matter of expected-projects', async (test) => {
    const scene = await setVersions(test, ['1.0.6'])
    await writeSamples(path.join(scene.workspace, 'dist'), { project: 'other', version: '3', sdist: false })
    const run = await scene.run({}, { env: TAG })
    assert.match(lastError(run), /^E_EXPECTED_PROJECTS: /)
    await rm(path.join(scene.workspace, 'dist', 'other-3-py3-none-any.whl'))
    assert.equal((await scene.run({}, { env: TAG })).main.exitCode, 0)
  })
})
