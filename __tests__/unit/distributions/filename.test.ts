import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  checkFileName,
  distributionKind,
  filenameWarnings,
  isProjectName,
  legacyProblem,
  mismatches,
  normalizeName,
  parseSdistFilename,
  parseWheelFilename,
  releasesOf,
} from '../../../src/distributions/filename.ts'
import { PublishError } from '../../../src/errors.ts'

function refused(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof PublishError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    assert.match(error.hint ?? '', /^[A-Z].*\.$/)
    return true
  }
}

describe('a project name', () => {
  it('is compared as PEP 503 normalises it', () => {
    for (const name of [
      'friendly-bard',
      'Friendly-Bard',
      'FRIENDLY-BARD',
      'friendly.bard',
      'friendly_bard',
      'FrIeNdLy-._.-bArD',
    ]) {
      assert.equal(normalizeName(name), 'friendly-bard', name)
    }
  })

  it('is made of ASCII letters, digits, `.`, `_` and `-`, and begins and ends with one of the first two', () => {
    for (const name of ['a', '7', 'A.b_c-d', 'a--b', '2to3']) assert.ok(isProjectName(name), name)
    for (const name of ['', '-a', 'a-', '_', 'a b', 'é', 'a\u017f', '\u212a', 'a\n', 'a/b', 'a@1']) {
      assert.ok(!isProjectName(name), JSON.stringify(name))
    }
  })
})

describe('the base name of any distribution', () => {
  it('is of plain characters, which no header, URL, output or shell reads in its own way', () => {
    for (const file of ['demo-1.0.tar.gz', 'demo-1!2.0+corp.1-1-py3-none-any.whl', '0.zip', 'a'.repeat(255)]) {
      assert.doesNotThrow(() => checkFileName(file), file)
    }
    for (const file of [
      '',
      '-x.whl',
      '.x.whl',
      '_x.whl',
      'a b.whl',
      'a"b.whl',
      'a\r\nb.whl',
      'a;b.whl',
      'a%20b.whl',
      'dé.whl',
      'a\\b.whl',
      '$(x).whl',
    ]) {
      assert.throws(
        () => checkFileName(file),
        refused('E_DIST_NAME', /holds a character that package indexes refuse/),
        file,
      )
    }
    assert.throws(
      () => checkFileName('a'.repeat(256)),
      refused('E_DIST_NAME', /has 256 characters, and 255 are the most/),
    )
  })

  it('is shown on one printable line where it is refused', () => {
    assert.throws(
      () => checkFileName('a\n::error::\u202E.whl'),
      refused('E_DIST_NAME', /^the file name a ::error:: \.whl holds/),
    )
  })

  it('says by its extension, in lower case, what the file is', () => {
    assert.equal(distributionKind('demo-1.0-py3-none-any.whl'), 'wheel')
    assert.equal(distributionKind('demo-1.0.tar.gz'), 'sdist')
    assert.equal(distributionKind('demo-1.0.zip'), 'sdist')
    for (const file of ['demo-1.0.tar', 'demo.WHL', 'demo.tar.GZ', 'demo.egg', 'whl', 'README']) {
      assert.equal(distributionKind(file), undefined, file)
    }
  })
})

describe('a format of former times', () => {
  const LEGACY: readonly (readonly [file: string, message: RegExp])[] = [
    ['demo-1.0-py3.6.egg', /is an egg, which PyPI and pip no longer take/],
    ['demo-1.0.win32-py2.7.exe', /is an installer/],
    ['demo-1.0.win-amd64.MSI', /is an installer/],
    ['demo-1.0-1.noarch.rpm', /is an installer/],
    ['demo-1.0.tar.bz2', /is an archive in another format than \.tar\.gz/],
    ['demo-1.0.tgz', /is an archive in another format/],
    ['demo-1.0.tar.xz', /is an archive in another format/],
    ['demo-1.0.tar.Z', /is an archive in another format/],
    ['demo-1.0.tar', /is an archive in another format/],
    ['Demo-1.0.TAR.GZ', /has its extension in upper case/],
    ['demo-1.0-py3-none-any.WHL', /has its extension in upper case/],
  ]
  for (const [file, message] of LEGACY) {
    it(`is named with its reason: ${file}`, () => {
      const problem = legacyProblem(file)
      assert.equal(problem?.code, 'E_DIST_UNSUPPORTED')
      assert.match(problem?.message ?? '', message)
      assert.ok(problem?.message.startsWith(file))
    })
  }

  it('is neither a distribution nor any other file', () => {
    for (const file of ['demo-1.0.tar.gz', 'demo.whl', 'demo.zip', 'README.md', 'egg', 'demo.tar.gz.asc']) {
      assert.equal(legacyProblem(file), undefined, file)
    }
  })
})

describe('the name of a wheel', () => {
  it('has five or six parts', () => {
    assert.deepEqual(
      parseWheelFilename('My.Demo_pkg-2!1.0+cpu-cp312.cp313-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl'),
      {
        kind: 'wheel',
        file: 'My.Demo_pkg-2!1.0+cpu-cp312.cp313-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
        name: 'My.Demo_pkg',
        version: '2!1.0+cpu',
        build: undefined,
        pythonTag: 'cp312.cp313',
        abiTag: 'abi3',
        platformTag: 'manylinux_2_17_x86_64.manylinux2014_x86_64',
      },
    )
    assert.equal(parseWheelFilename('demo-1.0-1_local.2-py3-none-any.whl').build, '1_local.2')
  })

  const REFUSED: readonly (readonly [file: string, message: RegExp])[] = [
    ['demo.whl', /has 1 parts between dashes, and a wheel has 5 or 6/],
    ['demo-1.0-py3-none.whl', /has 4 parts/],
    ['demo-1.0-1-2-py3-none-any.whl', /has 7 parts/],
    ['my-demo-1.0-py3-none-any.whl', /says 'demo' where the version stands/],
    ['my__demo-1.0-py3-none-any.whl', /says 'my__demo' where the project's name stands/],
    ['demo.-1.0-py3-none-any.whl', /says 'demo\.' where the project's name stands/],
    ['demo-x-py3-none-any.whl', /says 'x' where the version stands/],
    ['demo-1.0-dev-py3-none-any.whl', /has 'dev' where a build tag stands, which begins with a digit/],
    ['demo-1.0-1+x-py3-none-any.whl', /has '1\+x' where a build tag stands/],
    ['demo-1.0--py3-none-any.whl', /has '' where a build tag stands/],
    ['demo-1.0-py3..py2-none-any.whl', /has 'py3\.\.py2' where a tag stands/],
    ['demo-1.0-py3-none-any!.whl', /has 'any!' where a tag stands/],
    ['demo-1.0-py3-none-.whl', /has '' where a tag stands/],
    ['dé-1.0-py3-none-any.whl', /holds a character/],
  ]
  for (const [file, message] of REFUSED) {
    it(`is refused with the part that is wrong: ${file}`, () => {
      assert.throws(() => parseWheelFilename(file), refused('E_DIST_NAME', message))
    })
  }
})

describe('the name of an sdist', () => {
  it('is divided where the name of its metadata ends', () => {
    for (const [file, metadataName, name, version] of [
      ['demo-1.0.tar.gz', 'demo', 'demo', '1.0'],
      ['Demo.Pkg-1.0.zip', 'demo-pkg', 'Demo.Pkg', '1.0'],
      ['my-demo-1.0.tar.gz', 'my_demo', 'my-demo', '1.0'],
      ['foo-1.0-1.tar.gz', 'foo', 'foo', '1.0-1'],
      ['foo-1.0-1.tar.gz', 'foo-1.0', 'foo-1.0', '1'],
      ['demo-1!2.0+corp.1.tar.gz', 'demo', 'demo', '1!2.0+corp.1'],
      ['demo_nightly-v5.2.1.dev169.tar.gz', 'demo-nightly', 'demo_nightly', 'v5.2.1.dev169'],
    ] as const) {
      assert.deepEqual(parseSdistFilename(file, metadataName), { kind: 'sdist', file, name, version })
    }
  })

  it('is refused without a version, and where its project is another one', () => {
    for (const file of ['demo.tar.gz', 'demo-latest.tar.gz', 'demo_1.0.tar.gz', '1.0.zip']) {
      assert.throws(
        () => parseSdistFilename(file, 'demo'),
        refused('E_DIST_NAME', /names no project and version/),
        file,
      )
    }
    assert.throws(
      () => parseSdistFilename('demo-1.0.tar.gz', 'oth\ner'),
      refused('E_DIST_MISMATCH', /^the name of demo-1\.0\.tar\.gz says project demo; its PKG-INFO says oth er$/),
    )
  })
})

describe('a file name and its metadata', () => {
  const wheel = parseWheelFilename('My_Demo-1.0.0-py3-none-any.whl')

  it('agree when they are the same normalised', () => {
    assert.deepEqual(mismatches(wheel, { name: 'my.demo', version: 'v1' }), [])
  })

  it('are compared in both, and each difference is a problem', () => {
    assert.deepEqual(
      mismatches(wheel, { name: 'other', version: '2.0' }).map(({ code, message }) => `${code}: ${message}`),
      [
        'E_DIST_MISMATCH: the name of My_Demo-1.0.0-py3-none-any.whl says project my-demo; its METADATA says other',
        'E_DIST_MISMATCH: the name of My_Demo-1.0.0-py3-none-any.whl says version 1.0.0; its METADATA says version 2.0',
      ],
    )
    const local = mismatches(wheel, { name: 'my-demo', version: '1.0.0+cpu' })
    assert.equal(local.length, 1)
  })
})

describe('the warnings of a file name', () => {
  const of = (file: string, metadataName = 'demo') =>
    filenameWarnings(file.endsWith('.whl') ? parseWheelFilename(file) : parseSdistFilename(file, metadataName))

  it('are none for the names that build tools write today', () => {
    for (const file of ['demo-1.0-py3-none-any.whl', 'my_demo-1.0rc1-1-cp312-cp312-manylinux_2_17_x86_64.whl']) {
      assert.deepEqual(of(file), [], file)
    }
    assert.deepEqual(of('demo-1.0.tar.gz'), [])
  })

  it('name what PyPI wants: a normalised name, no .zip, no bare linux tag', () => {
    assert.deepEqual(of('My.Demo-1.0-1.tar.gz', 'my-demo'), [
      'the file name is not normalised: PyPI wants it to begin with my_demo-1.0.post1',
    ])
    assert.deepEqual(of('demo-1.0.zip').length, 1)
    assert.match(of('demo-1.0-cp312-cp312-linux_x86_64.whl')[0] ?? '', /linux_x86_64 promises no glibc version/)
  })
})

describe('the releases that a base name can belong to', () => {
  it('are one for a wheel, one for each division of an sdist, none for anything else', () => {
    assert.deepEqual(releasesOf('My_Demo-1.0-py3-none-any.whl'), [{ project: 'my-demo', version: '1.0' }])
    assert.deepEqual(releasesOf('foo-1.0-1.tar.gz'), [
      { project: 'foo', version: '1.0-1' },
      { project: 'foo-1-0', version: '1' },
    ])
    for (const file of ['README.md', 'docs.zip', 'demo-x-py3-none-any.whl', 'demo-1.0.egg']) {
      assert.deepEqual(releasesOf(file), [], file)
    }
  })
})
