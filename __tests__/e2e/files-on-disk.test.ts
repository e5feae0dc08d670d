import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { writeSamples } from '../../demo/sample-distributions.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { makeWheel } from '../support/archives.ts'
import { assertPublished, shown, uploadsTo } from './support/assertions.ts'
import { assertEnded, lastError, readable } from './support/ending.ts'
import { type Inputs, NODE, type Scene, setScene } from './support/scene.ts'
import { startScriptedIndex } from './support/scripted-index.ts'

const WHEEL = 'demo_pkg-1.2.0-py3-none-any.whl'
const OTHER_WHEEL = 'demo_pkg-1.2.0-cp39-cp39-manylinux_2_17_x86_64.whl'
const SDIST = 'demo_pkg-1.2.0.tar.gz'
const FILES = [OTHER_WHEEL, WHEEL, SDIST]

/** Links, FIFOs, modes and sockets in the file system. */
const onUnix = process.platform === 'win32' ? () => {} : describe

function inDist({ workspace }: Scene, name = ''): string {
  return path.join(workspace, 'dist', name)
}

function makeFifo(file: string): void {
  assert.equal(spawnSync('mkfifo', [file]).status, 0)
}

interface Refused {
  readonly name: string
  readonly prepare: (scene: Scene) => void
  readonly inputs?: Inputs
  readonly codes: readonly [ErrorCode, ...ErrorCode[]]
  readonly says: RegExp
  /** Which of the three samples are fit to be sent all the same. Default: all. */
  readonly fit?: readonly string[]
}

const REFUSED: readonly Refused[] = [
  {
    name: 'a FIFO under the name of a wheel, which nobody writes to',
    prepare: (scene) => makeFifo(inDist(scene, 'demo_pkg-1.2.0-1-py3-none-any.whl')),
    codes: ['E_DIST_FILE'],
    says: /demo_pkg-1\.2\.0-1-py3-none-any\.whl is a FIFO, not a regular file/,
  },
  {
    name: 'a FIFO among the stray files',
    prepare: (scene) => makeFifo(inDist(scene, 'pipe')),
    codes: ['E_DIST_STRAY'],
    says: /dist\/pipe/,
  },
  {
    name: 'a symbolic link to a good wheel',
    prepare: (scene) => {
      const elsewhere = path.join(scene.workspace, WHEEL)
      renameSync(inDist(scene, WHEEL), elsewhere)
      symlinkSync(elsewhere, inDist(scene, WHEEL))
    },
    codes: ['E_DIST_LINK'],
    says: /dist\/demo_pkg-1\.2\.0-py3-none-any\.whl is a symbolic link, and only regular files are published/,
    fit: [OTHER_WHEEL, SDIST],
  },
  {
    name: 'a symbolic link to a file with secrets, and one to nothing',
    prepare: (scene) => {
      symlinkSync('/etc/passwd', inDist(scene, 'passwd-1.0.tar.gz'))
      symlinkSync('/nowhere', inDist(scene, 'nowhere-1.0-py3-none-any.whl'))
    },
    codes: ['E_DIST_LINK', 'E_DIST_LINK'],
    says: /dist\/nowhere-1\.0-py3-none-any\.whl is a symbolic link.*dist\/passwd-1\.0\.tar\.gz is a symbolic link/,
  },
  {
    name: 'a symbolic link that a pattern of files names',
    prepare: (scene) => {
      symlinkSync(inDist(scene, WHEEL), path.join(scene.workspace, WHEEL))
    },
    inputs: { files: 'dist/*.tar.gz\n*.whl' },
    codes: ['E_DIST_LINK'],
    says: /: demo_pkg-1\.2\.0-py3-none-any\.whl is a symbolic link/,
    fit: [SDIST],
  },
  {
    name: 'stray files: all in one error',
    prepare: (scene) => {
      for (const name of ['notes.txt', 'demo_pkg', 'install.sh', 'demo_pkg-1.2.0.whl.bak'])
        writeFileSync(inDist(scene, name), 'x')
    },
    codes: ['E_DIST_STRAY'],
    says: /dist\/demo_pkg, dist\/demo_pkg-1\.2\.0\.whl\.bak, dist\/install\.sh, dist\/notes\.txt/,
  },
  {
    name: 'formats of former times',
    prepare: (scene) => {
      for (const name of ['demo_pkg-1.2.0-py3.egg', 'demo_pkg-1.2.0.win32.exe', 'demo_pkg-1.2.0.tar.bz2'])
        writeFileSync(inDist(scene, name), 'x')
    },
    codes: ['E_DIST_UNSUPPORTED', 'E_DIST_UNSUPPORTED', 'E_DIST_UNSUPPORTED'],
    says: /demo_pkg-1\.2\.0-py3\.egg is an egg.*demo_pkg-1\.2\.0\.tar\.bz2 is an archive.*demo_pkg-1\.2\.0\.win32\.exe is an installer/,
  },
  {
    name: 'names with characters that are no ASCII',
    prepare: (scene) => {
      copyFileSync(inDist(scene, WHEEL), inDist(scene, 'démo_pkg-1.2.0-py3-none-any.whl'))
      copyFileSync(inDist(scene, SDIST), inDist(scene, 'デモ-1.2.0.tar.gz'))
    },
    codes: ['E_DIST_NAME', 'E_DIST_NAME'],
    says: /the file name démo_pkg-1\.2\.0-py3-none-any\.whl holds a character that package indexes refuse.*the file name デモ-1\.2\.0\.tar\.gz/,
  },
  {
    name: 'the same name in two folders with other bytes',
    prepare: (scene) => {
      mkdirSync(inDist(scene, 'linux'))
      writeFileSync(inDist(scene, `linux/${WHEEL}`), makeWheel({ name: 'Demo.Pkg', version: '1.2.0' }))
    },
    inputs: { files: 'dist/**/*.whl' },
    codes: ['E_DIST_DUPLICATE'],
    says: /demo_pkg-1\.2\.0-py3-none-any\.whl lies in 2 places with different bytes: dist\/demo_pkg-1\.2\.0-py3-none-any\.whl \(1\.2 kB, sha256 [0-9a-f]{16}…\), dist\/linux\/demo_pkg/,
    fit: [OTHER_WHEEL, WHEEL],
  },
  {
    name: 'an empty file and one that is cut off',
    prepare: (scene) => {
      writeFileSync(inDist(scene, WHEEL), '')
      writeFileSync(inDist(scene, SDIST), readFileSync(inDist(scene, SDIST)).subarray(0, 200))
    },
    codes: ['E_DIST_LAYOUT', 'E_DIST_LAYOUT'],
    says: /demo_pkg-1\.2\.0-py3-none-any\.whl.*demo_pkg-1\.2\.0\.tar\.gz/,
    fit: [OTHER_WHEEL],
  },
  {
    name: 'all kinds of faults at once: all of them',
    prepare: (scene) => {
      writeFileSync(inDist(scene, 'notes.txt'), 'x')
      writeFileSync(inDist(scene, 'demo_pkg-1.2.0.egg'), 'x')
      symlinkSync('/nowhere', inDist(scene, 'nowhere-1.0.tar.gz'))
      makeFifo(inDist(scene, 'fifo-1.0.tar.gz'))
      copyFileSync(inDist(scene, WHEEL), inDist(scene, 'other-1.2.0-py3-none-any.whl'))
    },
    inputs: { 'expected-files': '4' },
    codes: ['E_DIST_UNSUPPORTED', 'E_DIST_LINK', 'E_DIST_STRAY', 'E_DIST_FILE', 'E_DIST_MISMATCH', 'E_EXPECTED_FILES'],
    says: /And 1 more in the summary/,
  },
]

onUnix('Linux and macOS: before any connection a run is refused for', () => {
  for (const { name, prepare, inputs = {}, codes, says, fit = FILES } of REFUSED) {
    it(name, async (test) => {
      const scene = await setScene(test)
      prepare(scene)
      const run = await scene.run(inputs)
      const [code] = codes
      assertEnded(run, scene, {
        status: 'failed',
        handshake: 'not-tried',
        files: fit.map((file) => [file, 'not-tried', code]),
        problems: codes,
      })
      assert.match(lastError(run), says)
      for (const each of codes) assert.ok(readable(run.summary).includes(each))
      assert.equal(scene.index.connections, 0)
    })
  }
})

onUnix('Linux and macOS: a file that may not be read', () => {
  it('is named, and the run ends before any connection', async (test) => {
    const scene = await setScene(test)
    chmodSync(inDist(scene, SDIST), 0)
    const run = await scene.run({}, nodeWithoutPrivileges(scene))
    assertEnded(run, scene, {
      status: 'failed',
      handshake: 'not-tried',
      files: [OTHER_WHEEL, WHEEL].map((file) => [file, 'not-tried', 'E_DIST_FILE']),
      problems: ['E_DIST_FILE'],
    })
    assert.match(lastError(run), /demo_pkg-1\.2\.0\.tar\.gz cannot be read \(EACCES\)/)
    assert.equal(scene.index.connections, 0)
  })

  it('and a directory that may not be', async (test) => {
    const scene = await setScene(test)
    chmodSync(inDist(scene), 0)
    const run = await scene.run({}, nodeWithoutPrivileges(scene)).finally(() => chmodSync(inDist(scene), 0o700))
    assertEnded(run, scene, { status: 'failed', handshake: 'not-tried', files: [], problems: ['E_DIST_FILE'] })
    assert.match(lastError(run), /dist cannot be read \(EACCES\)/)
  })
})

/** As root nothing is unreadable: there the step runs without that privilege (capabilities(7)). */
function nodeWithoutPrivileges({ directory }: Scene): { node?: string } {
  if (process.getuid?.() !== 0) return {}
  const privileges = '-dac_override,-dac_read_search'
  const options = ['--bounding-set', privileges, '--inh-caps', privileges, NODE]
  const program = [
    `#!${NODE}`,
    `const options = ${JSON.stringify(options)}`,
    "const { spawnSync } = require('node:child_process')",
    "process.exitCode = spawnSync('setpriv', [...options, ...process.argv.slice(2)], { stdio: 'inherit' }).status",
  ]
  const file = path.join(directory, 'node.cjs')
  writeFileSync(file, program.join('\n'), { mode: 0o755 })
  return { node: file }
}

describe('beside the distributions', () => {
  it('checksums, signatures, attestations, bills of materials and dot files are left alone, with a log line', async (test) => {
    const scene = await setScene(test)
    const aside = [
      '.gitignore',
      '._demo_pkg-1.2.0.tar.gz',
      'SHA256SUMS',
      `${SDIST}.sha256`,
      `${SDIST}.asc`,
      `${WHEEL}.publish.attestation`,
      `${WHEEL}.sigstore.json`,
      'demo.cdx.xml',
    ]
    for (const name of aside) writeFileSync(inDist(scene, name), 'x')
    const run = await scene.run({ 'expected-files': '3' })
    assertPublished(run, scene)
    assertEnded(run, scene, { status: 'succeeded', files: FILES.map((file) => [file, 'published']) })
    const line = run.log.find((each) => each.startsWith('Files '))
    for (const name of aside) assert.ok(line?.includes(name), shown(run))
    assert.deepEqual(readdirSync(inDist(scene)).sort(), [...FILES, ...aside].sort())
  })

  it('directories are no matter of packages-dir, whatever they are called', async (test) => {
    const scene = await setScene(test)
    mkdirSync(inDist(scene, 'demo_pkg-9.9.9-py3-none-any.whl'))
    mkdirSync(inDist(scene, 'demo_pkg-9.9.9.tar.gz'))
    mkdirSync(inDist(scene, 'linux'))
    writeFileSync(inDist(scene, `linux/${WHEEL}`), 'x')
    assertPublished(await scene.run(), scene)
  })

  it('and SHA256SUMS of exactly these files is what expected-sha256 can name', async (test) => {
    const scene = await setScene(test)
    const digest = (file: string) =>
      createHash('sha256')
        .update(readFileSync(inDist(scene, file)))
        .digest('hex')
    writeFileSync(inDist(scene, 'SHA256SUMS'), FILES.map((file) => `${digest(file)}  ${file}\n`).join(''))
    assertPublished(await scene.run({ 'expected-sha256': 'dist/SHA256SUMS' }), scene)
    rmSync(inDist(scene, OTHER_WHEEL))
    const run = await scene.run({ 'expected-sha256': 'dist/SHA256SUMS' })
    assert.match(
      lastError(run),
      /E_EXPECTED_SHA256: .* it names what is not among the distributions to be sent: demo_pkg-1\.2\.0-cp39/,
    )
  })
})

onUnix('Linux and macOS: distributions in folders', () => {
  /** As several artifacts are downloaded: one folder each. */
  async function setFolders(test: TestContext): Promise<Scene> {
    const scene = await setScene(test)
    for (const [folder, file] of [
      ['wheel-linux', OTHER_WHEEL],
      ['wheel-any', WHEEL],
      ['sdist', SDIST],
    ] as const) {
      mkdirSync(inDist(scene, folder))
      renameSync(inDist(scene, file), inDist(scene, `${folder}/${file}`))
    }
    return scene
  }

  it('alone: the error counts them, and its `files` lines publish them', async (test) => {
    const scene = await setFolders(test)
    const run = await scene.run()
    assertEnded(run, scene, { status: 'failed', handshake: 'not-tried', files: [], problems: ['E_DIST_NONE'] })
    assert.match(
      lastError(run),
      /dist holds no distribution \(\.whl, \.tar\.gz\), but 3 distributions in 3 directories below it/,
    )
    const lines = [...lastError(run).matchAll(/`(?:files: )?(dist\/\S+)`/g)].map(([, line]) => line)
    assert.deepEqual(lines, ['dist/**/*.whl', 'dist/**/*.tar.gz'])
    const again = await scene.run({ files: lines.join('\n') })
    assertEnded(again, scene, { status: 'succeeded', files: FILES.map((file) => [file, 'published']) })
    for (const [folder, file] of [
      ['wheel-linux', OTHER_WHEEL],
      ['wheel-any', WHEEL],
      ['sdist', SDIST],
    ] as const) {
      assert.ok(scene.index.read(file).equals(readFileSync(inDist(scene, `${folder}/${file}`))))
    }
  })

  it('the same bytes twice are published once', async (test) => {
    const scene = await setFolders(test)
    copyFileSync(inDist(scene, `wheel-any/${WHEEL}`), inDist(scene, `sdist/${WHEEL}`))
    const run = await scene.run({ files: 'dist/**' })
    assertEnded(run, scene, { status: 'succeeded', files: FILES.map((file) => [file, 'published']) })
    assert.match(
      shown(run),
      /Files {5}demo_pkg-1\.2\.0-py3-none-any\.whl lies in 2 places with the same bytes and is published once/,
    )
    assert.equal(uploadsTo(scene.index).length, 3)
  })

  it('excluded by `!` lines, wherever they stand', async (test) => {
    const scene = await setFolders(test)
    const run = await scene.run({ files: '!dist/sdist\n\n# what the release has\ndist/**/*\n!**/*manylinux*' })
    assertEnded(run, scene, { status: 'succeeded', files: [[WHEEL, 'published']] })
  })

  it('packages-dir may be a link itself, be absolute, or hold glob characters', async (test) => {
    const scene = await setScene(test)
    const odd = path.join(scene.workspace, 'out [1] {a,b} *')
    renameSync(inDist(scene), odd)
    const link = path.join(scene.directory, 'link')
    symlinkSync(odd, link)
    const other = path.join(scene.workspace, 'out 1 a x')
    mkdirSync(other)
    writeFileSync(path.join(other, 'stray.txt'), 'x')
    for (const packagesDir of ['out [1] {a,b} *', './out [1] {a,b} */', odd, link]) {
      const run = await scene.run({ 'packages-dir': packagesDir, 'dry-run': 'true' })
      assertEnded(run, scene, { status: 'succeeded', files: FILES.map((file) => [file, 'would-publish']) })
    }
  })
})

describe('files that change under the run', () => {
  /** The smaller wheel is on its way, alone, when `change` happens. */
  async function changeWhileSending(test: TestContext, change: (scene: Scene) => void) {
    const scene = await setScene(test)
    const bodies: Buffer[] = []
    const index = await startScriptedIndex(test, scene, async (connection) => {
      for (;;) {
        bodies.push(await connection.request())
        if (bodies.length === 1) change(scene)
        connection.answer('200 OK')
      }
    })
    return { scene, bodies, run: await scene.run(index.inputs) }
  }

  it('written to: it is never completed on the server, and the others go on', async (test) => {
    const { scene, bodies, run } = await changeWhileSending(test, (at) =>
      writeFileSync(inDist(at, OTHER_WHEEL), 'other bytes'),
    )
    assertEnded(run, scene, {
      status: 'failed',
      files: [
        [OTHER_WHEEL, 'not-tried', 'E_DIST_CHANGED'],
        [WHEEL, 'published'],
        [SDIST, 'not-tried'],
      ],
    })
    assert.equal(bodies.length, 1)
  })

  it('replaced or removed: the same', async (test) => {
    for (const change of [
      (scene: Scene) => unlinkSync(inDist(scene, SDIST)),
      (scene: Scene) => {
        writeFileSync(inDist(scene, 'new'), 'other bytes')
        renameSync(inDist(scene, 'new'), inDist(scene, SDIST))
      },
    ]) {
      const { scene, bodies, run } = await changeWhileSending(test, change)
      assertEnded(run, scene, {
        status: 'failed',
        files: [
          [OTHER_WHEEL, 'published'],
          [WHEEL, 'published'],
          [SDIST, 'not-tried', 'E_DIST_CHANGED'],
        ],
      })
      assert.equal(bodies.length, 2)
    }
  })
})

describe('what a run leaves', () => {
  it('of the workspace is what was there, untouched', async (test) => {
    const scene = await setScene(test)
    await writeSamples(path.join(scene.workspace, 'elsewhere'), { project: 'other', version: '1' })
    const state = () =>
      readdirSync(scene.workspace, { recursive: true, withFileTypes: true }).map((entry) => {
        const { mtimeNs, size, mode } = statSync(path.join(entry.parentPath, entry.name), { bigint: true })
        return [entry.parentPath, entry.name, mtimeNs, size, mode].join(' ')
      })
    const before = state()
    assertPublished(await scene.run(), scene)
    assert.deepEqual(state(), before)
  })

  it('is no report where RUNNER_TEMP cannot be written to, which the log says; all else goes on', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({}, { env: { RUNNER_TEMP: path.join(scene.directory, 'missing') } })
    assertPublished(run, scene)
    assert.equal(run.outputs['report-path'], '')
    assert.match(shown(run), /^Report {4}the JSON report could not be written \(ENOENT\)$/m)
    assert.match(run.summary, /^\*\*Published 3 of 3 files/)
  })
})

onUnix('Linux and macOS: a socket under the name of a wheel', () => {
  it('is named for what it is', async (test) => {
    const scene = await setScene(test)
    const server = createServer().listen(inDist(scene, 'demo_pkg-1.2.0-2-py3-none-any.whl'))
    test.after(() => server.close())
    const run = await scene.run()
    assert.match(lastError(run), /E_DIST_FILE: .*demo_pkg-1\.2\.0-2-py3-none-any\.whl is a socket/)
    assert.equal(scene.index.connections, 0)
  })
})
