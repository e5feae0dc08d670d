import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { type Sample, writeSamples } from '../../demo/sample-distributions.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { assertPublished } from './support/assertions.ts'
import { assertEnded, lastError, readable } from './support/ending.ts'
import { type Inputs, type Scene, setScene } from './support/scene.ts'

const WHEEL = 'demo_pkg-1.2.0-py3-none-any.whl'
const OTHER_WHEEL = 'demo_pkg-1.2.0-cp39-cp39-manylinux_2_17_x86_64.whl'
const SDIST = 'demo_pkg-1.2.0.tar.gz'

type Make = (scene: Scene) => Inputs | Promise<Inputs>

/** SHA256SUMS of these files. */
function sums(samples: readonly Sample[], line = (name: string, digest: string) => `${digest}  ${name}`): string {
  return `${samples.map(({ name, sha256 }) => line(name, sha256)).join('\n')}\n`
}

async function inFile({ workspace }: Scene, name: string, text: string): Promise<string> {
  await mkdir(path.dirname(path.join(workspace, name)), { recursive: true })
  await writeFile(path.join(workspace, name), text)
  return name
}

/** Each is true of two wheels and an sdist of Demo.Pkg 1.2.0. */
const MET: readonly (readonly [name: string, inputs: Make])[] = [
  ['expected-projects with the name in another spelling', () => ({ 'expected-projects': 'Demo-pkg' })],
  ['expected-projects with further names', () => ({ 'expected-projects': 'other,\n  demo_pkg another' })],
  ['one project and one version', () => ({ 'expected-projects': 'one', 'expected-version': 'one' })],
  ...['1.2', 'v1.2.0', 'demo-pkg-1.2.0', 'Demo.Pkg/v1.2.0', 'demo-pkg@1.2.0'].map(
    (version) => [`expected-version: ${version}`, () => ({ 'expected-version': version })] as const,
  ),
  ['expected-files', () => ({ 'expected-files': '3' })],
  ['expected-sha256 as text', ({ samples }) => ({ 'expected-sha256': sums(samples) })],
  [
    'expected-sha256 as text in the form of BSD, with other files and folders',
    ({ samples }) => ({
      'expected-sha256': sums(samples, (name, digest) => `SHA256 (dist/${name}) = ${digest.toUpperCase()}`).concat(
        `SHA256 (other-1.0.tar.gz) = ${'0'.repeat(64)}\n`,
      ),
    }),
  ],
  [
    'expected-sha256 as a path',
    async (scene) => ({ 'expected-sha256': await inFile(scene, 'sums/SHA256SUMS', sums(scene.samples)) }),
  ],
  [
    'expected-sha256 as an absolute path of a file beside the distributions, with CRLF and a BOM',
    async (scene) => {
      const text = `\ufeff${sums(scene.samples, (name, digest) => `${digest} *${name}`).replaceAll('\n', '\r\n')}`
      return { 'expected-sha256': path.join(scene.workspace, await inFile(scene, 'dist/SHA256SUMS', text)) }
    },
  ],
  [
    'all of them at once',
    ({ samples }) => ({
      'expected-projects': 'demo-pkg',
      'expected-version': 'v1.2.0',
      'expected-files': '3',
      'expected-sha256': sums(samples),
    }),
  ],
]

describe('an expectation that is met lets the run pass', () => {
  for (const [name, inputs] of MET) {
    it(name, async (test) => {
      const scene = await setScene(test)
      assertPublished(await scene.run(await inputs(scene)), scene)
    })
  }
})

interface Unmet {
  readonly name: string
  readonly inputs: Make
  readonly codes: readonly [ErrorCode, ...ErrorCode[]]
  readonly says: readonly RegExp[]
}

const NOT_MET: readonly Unmet[] = [
  {
    name: 'expected-projects without this name',
    inputs: () => ({ 'expected-projects': 'demo, pkg' }),
    codes: ['E_EXPECTED_PROJECTS'],
    says: [/expected-projects allows demo, pkg, and there is also demo-pkg \(3 files\)/],
  },
  {
    name: 'expected-version of another release',
    inputs: () => ({ 'expected-version': 'v1.2.1' }),
    codes: ['E_EXPECTED_VERSION'],
    says: [
      /expected-version is v1\.2\.1, and 3 of 3 distributions have another version: demo_pkg-1\.2\.0-cp39-.* \(1\.2\.0\)/,
    ],
  },
  {
    name: 'expected-version of another project',
    inputs: () => ({ 'expected-version': 'other-1.2.0' }),
    codes: ['E_EXPECTED_VERSION'],
    says: [/names the project other, and the distributions are of demo-pkg/],
  },
  {
    name: 'expected-version that is the name of a branch',
    inputs: () => ({ 'expected-version': 'main' }),
    codes: ['E_EXPECTED_VERSION'],
    says: [/expected-version is main, which is neither a version nor a release tag/],
  },
  {
    name: 'expected-files with a build that is missing: the table of tags',
    inputs: () => ({ 'expected-files': '4' }),
    codes: ['E_EXPECTED_FILES'],
    says: [
      /expected-files is 4, and 3 distributions are fit to be sent: demo-pkg 1\.2\.0 \(/,
      /manylinux_2_17_x86_64: cp39; any: py3-none; sdist: demo_pkg-1\.2\.0\.tar\.gz/,
    ],
  },
  {
    name: 'expected-sha256 of other bytes',
    inputs: ({ samples }) => ({
      'expected-sha256': sums(samples, (name, digest) => `${name === WHEEL ? '0'.repeat(64) : digest}  ${name}`),
    }),
    codes: ['E_EXPECTED_SHA256'],
    says: [/other bytes were expected of demo_pkg-1\.2\.0-py3-none-any\.whl \(expected 0{64}, found [0-9a-f]{64}\)/],
  },
  {
    name: 'expected-sha256 that does not name a distribution',
    inputs: async (scene) => ({
      'expected-sha256': await inFile(scene, 'SHA256SUMS', sums(scene.samples.filter(({ name }) => name !== SDIST))),
    }),
    codes: ['E_EXPECTED_SHA256'],
    says: [/it does not name demo_pkg-1\.2\.0\.tar\.gz/],
  },
  {
    name: 'expected-sha256 with a wheel that was lost on the way',
    inputs: ({ samples }) => ({
      'expected-sha256': `${sums(samples)}${'1'.repeat(64)}  demo_pkg-1.2.0-cp313-cp313-win_amd64.whl\n`,
    }),
    codes: ['E_EXPECTED_SHA256'],
    says: [/names what is not among the distributions to be sent: demo_pkg-1\.2\.0-cp313-cp313-win_amd64\.whl/],
  },
  {
    name: 'all of them at once: each is told',
    inputs: () => ({
      'expected-projects': 'other',
      'expected-version': '2.0',
      'expected-files': '1',
      'expected-sha256': `${'2'.repeat(64)}  ${WHEEL}`,
    }),
    codes: ['E_EXPECTED_PROJECTS', 'E_EXPECTED_VERSION', 'E_EXPECTED_FILES', 'E_EXPECTED_SHA256'],
    says: [/1\) E_EXPECTED_PROJECTS: .* 2\) E_EXPECTED_VERSION: .* 3\) E_EXPECTED_FILES: .* 4\) E_EXPECTED_SHA256: /],
  },
]

describe('an expectation that is not met ends the run before any connection:', () => {
  for (const { name, inputs, codes, says } of NOT_MET) {
    it(name, async (test) => {
      const scene = await setScene(test)
      const run = await scene.run(await inputs(scene))
      const [code] = codes
      assertEnded(run, scene, {
        status: 'failed',
        handshake: 'not-tried',
        files: [OTHER_WHEEL, WHEEL, SDIST].map((file) => [file, 'not-tried', code]),
        problems: codes,
      })
      for (const words of says) {
        assert.match(lastError(run), words)
        assert.match(readable(run.summary), new RegExp(words.source.replace(/^1\\\).*/, 'E_EXPECTED_SHA256')))
      }
      assert.equal(scene.index.connections, 0)
      assert.deepEqual(scene.index.files(), [])
    })
  }

  it('several projects where one is expected', async (test) => {
    const scene = await setScene(test)
    await writeSamples(path.join(scene.workspace, 'dist'), { project: 'vendored', version: '7', sdist: false })
    const run = await scene.run()
    const code = 'E_EXPECTED_PROJECTS'
    assertEnded(run, scene, {
      status: 'failed',
      handshake: 'not-tried',
      files: [OTHER_WHEEL, WHEEL, SDIST, 'vendored-7-py3-none-any.whl'].map((file) => [file, 'not-tried', code]),
      problems: [code],
    })
    assert.match(lastError(run), /there are 2 projects: demo-pkg \(3 files\), vendored \(1 file\)/)
    assert.equal(scene.index.connections, 0)
  })
})

describe('an expectation that cannot be read is an input error before any connection:', () => {
  const UNREADABLE: readonly (readonly [string, string, ErrorCode])[] = [
    ['expected-files', '0', 'E_INPUT_INVALID'],
    ['expected-files', 'three', 'E_INPUT_INVALID'],
    ['expected-projects', ' , ', 'E_INPUT_INVALID'],
    ['expected-sha256', 'dist/SHA256SUMS', 'E_INPUT_FILE'],
    ['expected-sha256', 'dist', 'E_INPUT_FILE'],
  ]
  for (const [input, value, code] of UNREADABLE) {
    it(`${input}: '${value}'`, async (test) => {
      const scene = await setScene(test)
      const run = await scene.run({ [input]: value })
      assertEnded(run, scene, {
        status: 'failed',
        handshake: 'not-tried',
        files: [OTHER_WHEEL, WHEEL, SDIST].map((file) => [file, 'not-tried', code]),
        problems: [code],
      })
      assert.match(lastError(run), new RegExp(input))
      assert.equal(scene.index.connections, 0)
    })
  }
})
