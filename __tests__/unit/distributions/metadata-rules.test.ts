import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseCoreMetadata } from '../../../src/distributions/metadata.ts'
import { checkCoreMetadata, type MetadataFindings } from '../../../src/distributions/metadata-rules.ts'

function check(fields: string, version = '2.5', body = '\nA demo.\n'): MetadataFindings {
  const declared = version === '' ? '' : `Metadata-Version: ${version}\n`
  const type = body === '' || /Content-Type/i.test(fields) ? '' : 'Description-Content-Type: text/plain\n'
  const described = Number.parseFloat(version) < 2.1 ? '' : type
  const text = `${declared}Name: demo\nVersion: 1.0\n${described}${fields}${body}`
  return checkCoreMetadata(parseCoreMetadata(Buffer.from(text), 'METADATA'))
}

const faults = (fields: string, version?: string) => check(fields, version).faults

/** Each field with a value that nobody objects to, and the metadata version that brought it. */
const GOOD_FIELDS: readonly (readonly [since: string, field: string])[] = [
  ['1.0', 'Platform: any'],
  ['1.0', 'Summary: one line'],
  ['1.0', 'Keywords: a,b'],
  ['1.0', 'Home-page: https://example.invalid'],
  ['1.0', 'Author: A'],
  ['1.0', 'Author-email: a@example.invalid'],
  ['1.0', 'License: MIT'],
  ['1.1', 'Supported-Platform: x'],
  ['1.1', 'Classifier: Private :: Do Not Upload'],
  ['1.1', 'Download-URL: https://example.invalid'],
  ['1.1', 'Requires: x'],
  ['1.1', 'Provides: x'],
  ['1.1', 'Obsoletes: x'],
  ['1.2', 'Maintainer: M'],
  ['1.2', 'Maintainer-email: m@example.invalid'],
  ['1.2', 'Requires-Dist: x>=1'],
  ['1.2', 'Provides-Dist: x'],
  ['1.2', 'Obsoletes-Dist: x'],
  ['1.2', 'Requires-External: libpng'],
  ['1.2', 'Requires-Python: >=3.9'],
  ['1.2', 'Project-URL: Home, https://example.invalid'],
  ['2.1', 'Description-Content-Type: text/markdown'],
  ['2.1', 'Provides-Extra: test'],
  ['2.2', 'Dynamic: License'],
  ['2.4', 'License-Expression: MIT'],
  ['2.4', 'License-File: LICENSE'],
  ['2.5', 'Import-Name: demo'],
  ['2.5', 'Import-Namespace: demo.x'],
]
const VERSIONS = ['1.0', '1.1', '1.2', '2.1', '2.2', '2.3', '2.4', '2.5', '2.6']

describe('a metadata version', () => {
  for (const version of VERSIONS) {
    it(`${version} has the fields that came with it and before, and no later ones`, () => {
      for (const [since, field] of GOOD_FIELDS) {
        const found = faults(`${field}\n`, version)
        const isEarly = VERSIONS.indexOf(since) > VERSIONS.indexOf(version)
        // setuptools wrote it years before: it is left out of the form instead.
        if (!isEarly || field.startsWith('License-File')) assert.deepEqual(found, [], field)
        else {
          const name = field.split(':')[0]
          assert.deepEqual(found, [`declares metadata version ${version} and has ${name}, which came with ${since}`])
        }
      }
    })
  }

  it('newer than 2.6 is a warning, with what this action does not know of it', () => {
    const { faults: wrong, warnings } = check('Colour: red\nLicense-File: LICENSE\n', '2.7')
    assert.deepEqual(wrong, [])
    assert.deepEqual(warnings, [
      'metadata version 2.7 is newer than 2.6, the newest that this action knows',
      'fields that this action does not know are not sent: Colour',
    ])
    assert.deepEqual(check('', '2.10').warnings.length, 1)
  })

  it('2.0, which was never adopted, is a warning', () => {
    const { faults: wrong, warnings } = check('Provides-Extra: x\nDescription-Content-Type: text/plain\n', '2.0')
    assert.deepEqual(wrong, [])
    assert.deepEqual(warnings, ['metadata version 2.0 was never adopted: PyPI and twine refuse it'])
  })

  it('must be there, and exist', () => {
    assert.deepEqual(faults('', ''), ['has no Metadata-Version'])
    assert.deepEqual(check('', '1.3').faults, ["has the Metadata-Version '1.3', which does not exist"])
    assert.deepEqual(check('', '2.06').faults, ["has the Metadata-Version '2.06', which does not exist"])
    assert.deepEqual(check('', 'x').faults, ["has the Metadata-Version 'x', which does not exist"])
    const twice = faults('Metadata-Version: 2.5\n')
    assert.deepEqual(twice, ['has an unusable Metadata-Version: it stands 2 times'])
  })
})

describe('a field', () => {
  it('must be one of the core metadata', () => {
    const unknown = Array.from({ length: 10 }, (_, index) => `X-${index}: y\n`).join('')
    assert.deepEqual(faults(unknown), [
      'has fields that are none of the core metadata: X-0, X-1, X-2, X-3, X-4, X-5, X-6, X-7 and 2 others',
    ])
  })

  it('must be usable, by the name that the specification gives it', () => {
    assert.deepEqual(
      faults('Home-page: a\nHome-page: b\nAuthor-email: a\nAuthor-email: a\nProject-URL: a,b\nProject-URL: a,c\n'),
      [
        'has an unusable Home-page: it stands 2 times',
        'has an unusable Author-email: it stands 2 times',
        "has an unusable Project-URL: it has the label 'a' twice",
      ],
    )
  })

  const VALUES: readonly (readonly [
    field: string,
    good: readonly string[],
    bad: readonly (readonly [string, RegExp])[],
  ])[] = [
    [
      'Summary',
      ['one line', '', 'tab\there'],
      [
        ['a\n b', /must be one line/],
        ['a\u2028b', /must be one line/],
        ['a\x0bb', /one line/],
      ],
    ],
    [
      'Description-Content-Type',
      [
        'text/plain',
        'TEXT/Plain; charset=utf-8',
        'text/x-rst; charset="UTF-8"',
        'text/markdown; variant=GFM',
        'text/markdown; charset=UTF-8; variant=CommonMark',
        'text/markdown;variant="GFM";',
        'text/plain; variant=odd',
      ],
      [
        ['text/html', /must be one of text\/plain, text\/x-rst, text\/markdown/],
        ['markdown', /must be one of/],
        ['text/markdown; charset=latin-1', /charset can only be UTF-8/],
        ['text/markdown; variant=Original', /variant must be GFM or CommonMark/],
        ['text/markdown; variant=gfm', /variant must be/],
        ['text/plain; charset=utf-8; charset=utf-8', /a parameter twice/],
        ['text/plain; charset', /no media type/],
        ['', /no media type/],
        ['text/plain; a\x0eb=c', /no media type/],
        ['text/plain;\n a=b', /no media type/],
      ],
    ],
    [
      'Dynamic',
      ['License', 'requires-dist', 'Import-Name'],
      [
        ['Name', /can never be dynamic/],
        ['version', /never/],
        ['Metadata-Version', /never/],
        ['Colour', /no field has this name/],
      ],
    ],
    [
      'Provides-Extra',
      ['test', 'a.b_c-d', 'A1'],
      [
        ['a b', /ASCII letters/],
        ['', /ASCII/],
        ['-x', /ASCII/],
      ],
    ],
    [
      'License-Expression',
      [
        'MIT',
        'mit',
        'Apache-2.0 OR MIT',
        '(MIT AND (BSD-3-Clause or 0BSD))',
        'GPL-2.0+',
        'GPL-2.0-only WITH Classpath-exception-2.0 AND MIT',
        'LicenseRef-Corp-1.0',
      ],
      [
        ['MIT License', /no SPDX license expression/],
        ['', /no SPDX/],
        ['MIT OR', /no SPDX/],
        ['OR MIT', /no SPDX/],
        ['MIT, BSD', /no SPDX/],
        ['(MIT', /parentheses do not match/],
        ['MIT)', /parentheses/],
        [')MIT(', /no SPDX|parentheses/],
        ['MIT WITH a WITH b', /no SPDX/],
        ['MIT WITH (a)', /no SPDX/],
        ['()', /no SPDX/],
        [`${'('.repeat(300)}MIT${')'.repeat(300)}`, /parentheses/],
      ],
    ],
    [
      'License-File',
      ['LICENSE', 'licenses/MIT.txt', 'a b'],
      [
        ['../LICENSE', /parent directory/],
        ['LICENSE*', /not a pattern/],
        ['/LICENSE', /must be relative/],
        ['C:LICENSE', /must be relative/],
        ['\\LICENSE', /must be relative/],
        ['a\\LICENSE', /plain path with \//],
        ['a//b', /plain path/],
        ['./a', /plain path/],
        ['', /plain path/],
      ],
    ],
    [
      'Import-Name',
      ['demo', 'demo.sub', '_x', 'démo', 'demo; private', 'demo ;private'],
      [
        ['1x', /'1x' cannot be the name of a module/],
        ['a.class', /'class' cannot/],
        ['a..b', /'' cannot/],
        ['a-b', /cannot/],
        ['demo; public', /only '; private'/],
      ],
    ],
    [
      'Import-Namespace',
      ['corp', 'corp.demo; private'],
      [
        ['corp.', /cannot be the name of a module/],
        ['None', /cannot/],
      ],
    ],
  ]
  for (const [field, good, bad] of VALUES) {
    it(`${field} has the values that packaging takes`, () => {
      for (const value of good) assert.deepEqual(faults(`${field}: ${value}\n`), [], value)
      for (const [value, reason] of bad) {
        const found = faults(`${field}: ${value}\n`)
        assert.equal(found.length, 1, `${value}: ${found}`)
        assert.match(found[0] ?? '', new RegExp(`^has the ${field} '`), value)
        assert.match(found[0] ?? '', reason)
      }
    })
  }

  it('that repeats is told once, however many of its values are wrong', () => {
    assert.equal(faults('Provides-Extra: a b\nProvides-Extra: c d\n').length, 1)
  })

  it('License-File before metadata 2.4 is not judged, since it is not sent', () => {
    const { faults: wrong, warnings } = check('License-File: ../LICENSE\n', '2.1')
    assert.deepEqual(wrong, [])
    assert.deepEqual(warnings, ['License-File is not sent: metadata version 2.1 does not have it (2.4 does)'])
  })

  it('is shown on one short printable line', () => {
    const [found = ''] = faults(`Provides-Extra: ${'x y'.repeat(100)}\n`)
    assert.ok(found.length < 200)
    assert.match(faults('Provides-Extra: a\n ::error::b\n')[0] ?? '', /'a ::error::b'/)
  })
})

describe('the description', () => {
  it('that is missing, or has no content type, is a warning', () => {
    assert.deepEqual(check('', '2.1', '').warnings, ['there is no Description'])
    assert.deepEqual(check('Description: x\n', '1.0', '').warnings, [
      'there is no Description-Content-Type: indexes take the description for reStructuredText',
    ])
    assert.deepEqual(check('').warnings, [])
  })
})

describe('what is left to the index', () => {
  it('are specifiers of dependencies and of Python versions, and the list of SPDX licenses', () => {
    const text = 'Requires-Dist: not a (specifier\nRequires-Python: whatever\nLicense-Expression: Corp-1.0\n'
    assert.deepEqual(faults(text), [])
  })
})
