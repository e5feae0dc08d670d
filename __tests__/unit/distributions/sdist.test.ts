import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readSdist, type SdistContent } from '../../../src/distributions/sdist.ts'
import { PublishError } from '../../../src/errors.ts'
import {
  coreMetadata,
  GNU_MAGIC,
  makeGzip,
  makeSdist,
  makeTar,
  makeZip,
  type TarSpec,
  withDistribution,
  type ZipSpec,
} from '../../support/archives.ts'
import { readByTarStream, readByYauzl } from '../../support/independent-readers.ts'

const TAR = 'demo-1.0.tar.gz'
const ZIP = 'demo-1.0.zip'
const EVIL = coreMetadata({ name: 'evil' })

function read(bytes: Buffer, file = TAR): Promise<SdistContent> {
  return withDistribution(bytes, file, (open) => readSdist(open, { verifyMetadata: true }))
}

async function refusal(bytes: Buffer, file = TAR): Promise<PublishError> {
  const outcome = await read(bytes, file).catch((error: unknown) => error)
  assert.ok(outcome instanceof PublishError, `expected a refusal, found ${String(outcome)}`)
  return outcome
}

const behind = (...members: TarSpec[]) => makeSdist({ members })
const renamed = (from: RegExp, to: string) =>
  makeSdist({ edit: (all) => all.map((one) => ({ ...one, name: one.name.replace(from, to) })) })
const zipped = (...members: ZipSpec[]) =>
  makeZip([
    { name: 'demo-1.0/', method: 0, mode: 0o040755 },
    { name: 'demo-1.0/PKG-INFO', content: coreMetadata() },
    ...members,
  ])

describe('an sdist', () => {
  const ACCEPTED: readonly (readonly [what: string, bytes: Buffer])[] = [
    ['nothing unusual', makeSdist()],
    ['PKG-INFO before all others', makeSdist({ edit: (all) => all.toReversed() })],
    ['no member for its root directory', makeSdist({ edit: (all) => all.filter(({ type }) => type !== '5') })],
    ['`./` before its names', renamed(/^/, './')],
    ['a member for the top itself', makeSdist({ edit: (all) => [{ name: './', type: '5' }, ...all] })],
    ['GNU headers', makeSdist({ edit: (all) => all.map((one) => ({ ...one, magic: GNU_MAGIC })) })],
    ['a PKG-INFO of its egg-info directory', behind({ name: 'demo-1.0/demo.egg-info/PKG-INFO', content: EVIL })],
    ['a PKG-INFO in a directory of tests', behind({ name: 'demo-1.0/tests/PKG-INFO', content: EVIL })],
    ['names that merely begin like PKG-INFO', behind({ name: 'demo-1.0/PKG-INFO.in', content: EVIL })],
    ['a name in UTF-8', behind({ name: 'demo-1.0/café.py' })],
    ['a file that comes twice', behind({ name: 'demo-1.0/pyproject.toml', content: 'again' })],
    [
      'links that stay in it',
      behind(
        { name: 'demo-1.0/l', type: '2', target: 'pyproject.toml' },
        { name: 'demo-1.0/h', type: '1', target: 'demo-1.0/pyproject.toml' },
      ),
    ],
    [
      'a pax path for PKG-INFO',
      makeSdist({
        edit: (all) =>
          all.map((one) => (one.name.endsWith('PKG-INFO') ? { ...one, name: 'x', pax: { path: one.name } } : one)),
      }),
    ],
  ]
  for (const [what, bytes] of ACCEPTED) {
    it(`is accepted, and read as tar-stream reads it, with ${what}`, async () => {
      const { metadata, root, warnings } = await read(bytes)
      assert.deepEqual([metadata.toString(), root, warnings], [coreMetadata(), 'demo-1.0', []])
      assert.deepEqual(await readByTarStream(bytes, 'demo-1.0/PKG-INFO'), [metadata])
    })
  }

  it('may have another root directory than its file name: that is for the caller to say', async () => {
    assert.equal((await read(renamed(/demo-1\.0/, 'other'))).root, 'other')
  })

  it('may have links that point out of it, with one warning', async () => {
    const bytes = behind(
      { name: 'demo-1.0/a', type: '2', target: '/etc/passwd' },
      { name: 'demo-1.0/sub/b', type: '2', target: '../../../x' },
      { name: 'demo-1.0/c', type: '1', target: 'other/x' },
      { name: 'demo-1.0/d', type: '2', target: 'C:\\x' },
      { name: 'demo-1.0/sub/e', type: '2', target: '../pyproject.toml' },
    )
    assert.deepEqual((await read(bytes)).warnings, [
      'the link demo-1.0/a (and 3 more) points out of the sdist, and installers leave it out or refuse it',
    ])
  })

  const REFUSED: readonly (readonly [what: string, bytes: Buffer, code: string, message: RegExp])[] = [
    [
      'a second PKG-INFO',
      behind({ name: 'demo-1.0/PKG-INFO', content: EVIL }),
      'E_DIST_LAYOUT',
      /expected one PKG-INFO in the root directory, found a second: demo-1\.0\/PKG-INFO/,
    ],
    [
      'a second one by a detour',
      behind({ name: 'demo-1.0/.//PKG-INFO', content: EVIL }),
      'E_DIST_LAYOUT',
      /found a second/,
    ],
    [
      'a second one in another case',
      behind({ name: 'demo-1.0/pkg-info', content: EVIL }),
      'E_DIST_LAYOUT',
      /found a second/,
    ],
    [
      'a second one behind a backslash',
      behind({ name: 'demo-1.0/.\\PKG-INFO', content: EVIL }),
      'E_DIST_LAYOUT',
      /found a second/,
    ],
    [
      'PKG-INFO in another case only',
      renamed(/PKG-INFO/, 'Pkg-Info'),
      'E_DIST_LAYOUT',
      /under a name that not all systems tell from it/,
    ],
    [
      'PKG-INFO as a directory',
      behind({ name: 'demo-1.0/PKG-INFO/x' }),
      'E_DIST_LAYOUT',
      /found a second: demo-1\.0\/PKG-INFO\/x/,
    ],
    [
      'PKG-INFO as a symbolic link',
      makeSdist({
        edit: (all) =>
          all.map((one) => (one.name.endsWith('PKG-INFO') ? { name: one.name, type: '2', target: 'x' } : one)),
      }),
      'E_DIST_LAYOUT',
      /PKG-INFO is a symbolic link, and must be a file/,
    ],
    [
      'PKG-INFO as a hard link',
      makeSdist({
        edit: (all) =>
          all.map((one) =>
            one.name.endsWith('PKG-INFO') ? { name: one.name, type: '1', target: 'demo-1.0/pyproject.toml' } : one,
          ),
      }),
      'E_DIST_LAYOUT',
      /PKG-INFO is a hard link/,
    ],
    [
      'a root directory that is a link',
      makeSdist({ edit: (all) => [{ name: 'demo-1.0', type: '2', target: '/tmp' }, ...all.slice(1)] }),
      'E_DIST_LAYOUT',
      /stands beside the root directory/,
    ],
    [
      'a member behind a link of the archive',
      behind({ name: 'demo-1.0/d', type: '2', target: '.' }, { name: 'demo-1.0/d/PKG-INFO', content: EVIL }),
      'E_DIST_LAYOUT',
      /would be written through a link of the archive/,
    ],
    [
      'a member behind a link in another case',
      behind({ name: 'demo-1.0/D', type: '2', target: '.' }, { name: 'demo-1.0/d/PKG-INFO', content: EVIL }),
      'E_DIST_LAYOUT',
      /through a link/,
    ],
    [
      'a file over a link of the archive',
      behind({ name: 'demo-1.0/l', type: '2', target: 'PKG-INFO' }, { name: 'demo-1.0/l', content: EVIL }),
      'E_DIST_LAYOUT',
      /through a link/,
    ],
    [
      'two root directories',
      behind({ name: 'evil-1.0/x' }),
      'E_DIST_LAYOUT',
      /expected one root directory, found demo-1\.0 and evil-1\.0/,
    ],
    ['two that differ in case', behind({ name: 'Demo-1.0/x' }), 'E_DIST_LAYOUT', /found demo-1\.0 and Demo-1\.0/],
    [
      'a file beside the root directory',
      behind({ name: 'setup.py' }),
      'E_DIST_LAYOUT',
      /setup\.py stands beside the root directory, which must hold all/,
    ],
    [
      'no PKG-INFO',
      makeSdist({ edit: (all) => all.slice(0, -1) }),
      'E_DIST_METADATA',
      /expected PKG-INFO in the root directory of the sdist, found none at demo-1\.0\/PKG-INFO/,
    ],
    [
      'PKG-INFO one level too deep',
      renamed(/PKG-INFO/, 'x/PKG-INFO'),
      'E_DIST_METADATA',
      /found none at demo-1\.0\/PKG-INFO/,
    ],
    ['no member', makeGzip(makeTar([])), 'E_DIST_METADATA', /found no file at all/],
    [
      'PKG-INFO of more than 8 MiB',
      makeSdist({ metadata: Buffer.alloc(8 * 1024 ** 2 + 1, 'a') }),
      'E_DIST_LIMIT',
      /demo-1\.0\/PKG-INFO has more than 8\.4 MB/,
    ],
    [
      'a wheel in it',
      makeZip([{ name: 'demo/__init__.py' }]),
      'E_DIST_LAYOUT',
      /expected a gzip file \(\.tar\.gz\), found a zip file/,
    ],
  ]
  for (const [what, bytes, code, message] of REFUSED) {
    it(`is refused with ${what}`, async () => {
      const error = await refusal(bytes)
      assert.equal(error.code, code, error.message)
      assert.match(error.message, message)
      assert.match(error.message, /^demo-1\.0\.tar\.gz: /)
      assert.match(error.hint ?? '', /^[A-Z].*\.$/)
    })
  }
})

describe('an sdist as .zip', () => {
  it('is read as yauzl reads it', async () => {
    for (const bytes of [zipped(), zipped({ name: 'demo-1.0/sub/PKG-INFO', content: EVIL })]) {
      const { metadata, root, warnings } = await read(bytes, ZIP)
      assert.deepEqual([metadata.toString(), root, warnings], [coreMetadata(), 'demo-1.0', []])
      assert.deepEqual(await readByYauzl(bytes, 'demo-1.0/PKG-INFO'), [metadata])
    }
  })

  const REFUSED: readonly (readonly [what: string, bytes: Buffer, code: string, message: RegExp])[] = [
    [
      'a second PKG-INFO',
      zipped({ name: 'demo-1.0/PKG-INFO', content: EVIL }),
      'E_DIST_LAYOUT',
      /another member of this name/,
    ],
    [
      'a second one in another case',
      zipped({ name: 'demo-1.0/pkg-info', content: EVIL }),
      'E_DIST_LAYOUT',
      /found a second/,
    ],
    [
      'PKG-INFO as a symbolic link',
      makeZip([{ name: 'demo-1.0/PKG-INFO', content: 'x', mode: 0o120777 }]),
      'E_DIST_LAYOUT',
      /is a symbolic link, and must be a file/,
    ],
    ['two root directories', zipped({ name: 'evil-1.0/x' }), 'E_DIST_LAYOUT', /expected one root directory/],
    ['no PKG-INFO', makeZip([{ name: 'demo-1.0/x' }]), 'E_DIST_METADATA', /found none at/],
    ['no member', makeZip([]), 'E_DIST_METADATA', /found no file at all/],
    [
      'PKG-INFO of more than 8 MiB',
      makeZip([{ name: 'demo-1.0/PKG-INFO', content: Buffer.alloc(8 * 1024 ** 2 + 1) }]),
      'E_DIST_LIMIT',
      /has more than 8\.4 MB/,
    ],
    ['a gzip file in it', makeSdist(), 'E_DIST_LAYOUT', /expected a zip archive, found something else/],
  ]
  for (const [what, bytes, code, message] of REFUSED) {
    it(`is refused with ${what}`, async () => {
      const error = await refusal(bytes, ZIP)
      assert.equal(error.code, code, error.message)
      assert.match(error.message, message)
    })
  }
})

describe('reading an sdist', () => {
  it('ends with the reason of its signal', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled')
    controller.abort(reason)
    await withDistribution(makeSdist(), TAR, async (file) => {
      await assert.rejects(readSdist(file, { verifyMetadata: true, signal: controller.signal }), reason)
    })
  })
})
