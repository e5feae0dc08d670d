import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CORE_METADATA_FIELDS, type CoreMetadata, parseCoreMetadata } from '../../../src/distributions/metadata.ts'
import { problemsOf } from '../../../src/errors.ts'

const SHOWN = 'METADATA of demo-1.0-py3-none-any.whl'
const HEAD = 'Metadata-Version: 2.4\nName: demo\nVersion: 1.0\n'

const parse = (text: string | Uint8Array): CoreMetadata => parseCoreMetadata(Buffer.from(text), SHOWN)

/** The fields behind the first three. */
function fields(text: string): Record<string, readonly string[]> {
  const all = Object.fromEntries(parse(`${HEAD}${text}`).fields)
  const { 'metadata-version': _, name: __, version: ___, ...others } = all
  return others
}

const malformed = (text: string): Record<string, string> => Object.fromEntries(parse(`${HEAD}${text}`).malformed)

function refusals(text: string | Uint8Array): string[] {
  try {
    parse(text)
  } catch (error) {
    const problems = problemsOf(error)
    assert.ok(problems.every(({ code }) => code === 'E_DIST_METADATA'))
    for (const { hint } of problems) assert.match(hint ?? '', /^[A-Z].*\.$/)
    return problems.map(({ message }) => message.replace(`${SHOWN} `, ''))
  }
  return assert.fail('it was not refused')
}

describe('core metadata', () => {
  it('has name, version and metadata version as they are written', () => {
    const { name, version, metadataVersion } = parse('Metadata-Version: 1.0\nName: My.Demo_Pkg\nVersion: v1.0-RC1\n')
    assert.deepEqual([name, version, metadataVersion], ['My.Demo_Pkg', 'v1.0-RC1', '1.0'])
  })

  it('knows every field of metadata 1.0 to 2.5, which of them repeat, and since when they are there', () => {
    const repeated = [...CORE_METADATA_FIELDS].filter(([, { multiple }]) => multiple).map(([name]) => name)
    assert.deepEqual(repeated.sort(), [
      'classifier',
      'dynamic',
      'import-name',
      'import-namespace',
      'license-file',
      'obsoletes',
      'obsoletes-dist',
      'platform',
      'project-url',
      'provides',
      'provides-dist',
      'provides-extra',
      'requires',
      'requires-dist',
      'requires-external',
      'supported-platform',
    ])
    assert.equal(CORE_METADATA_FIELDS.size, 32)
    const since = Object.groupBy(CORE_METADATA_FIELDS.keys(), (name) => CORE_METADATA_FIELDS.get(name)?.since ?? '')
    assert.deepEqual(Object.keys(since), ['1.0', '1.1', '1.2', '2.1', '2.2', '2.4', '2.5'])
  })

  it('keeps the values of a repeated field in the order of the file', () => {
    assert.deepEqual(fields('Classifier: b\nPlatform: x\nClassifier: a\nRequires-Dist: y>1 ; extra == "t"\n'), {
      classifier: ['b', 'a'],
      platform: ['x'],
      'requires-dist': ['y>1 ; extra == "t"'],
    })
  })

  it('takes field names in any case, and line ends of any kind', () => {
    const text = 'METADATA-VERSION: 2.1\r\nname: demo\rVersion: 1.0\nSummary: s\r\n\r\nbody\r\nmore\r'
    assert.deepEqual(
      [...parse(text).fields],
      [
        ['metadata-version', ['2.1']],
        ['name', ['demo']],
        ['version', ['1.0']],
        ['summary', ['s']],
        ['description', ['body\r\nmore\r']],
      ],
    )
  })

  it('keeps continuation lines as they are, with their line ends', () => {
    assert.deepEqual(fields('License: MIT\n  two\r\n\tthree\nAuthor:\n  x\nSummary:  s \t\n'), {
      license: ['MIT\n  two\r\n\tthree'],
      author: ['x'],
      summary: ['s \t'],
    })
  })

  it('decodes no MIME words, and takes UTF-8 as it is', () => {
    assert.deepEqual(fields('Author: =?utf-8?q?caf=C3=A9?=\nMaintainer: Zoë 🐍\n'), {
      author: ['=?utf-8?q?caf=C3=A9?='],
      maintainer: ['Zoë 🐍'],
    })
  })

  it('joins keywords with comma and blank, whatever stands around the commas', () => {
    assert.deepEqual(fields('Keywords: a,b ,  c d,,\u00a0e\x85\n').keywords, ['a, b, c d, , e'])
    assert.deepEqual(fields('Keywords: one two\n').keywords, ['one two'])
  })

  it('divides a project URL at its first comma', () => {
    assert.deepEqual(fields('Project-URL: Home ,  https://a/?x=1,2\nProject-URL: Bare\n')['project-url'], [
      'Home, https://a/?x=1,2',
      'Bare, ',
    ])
  })

  it('lets an empty Import-Name say that there is nothing to import', () => {
    assert.deepEqual(fields('Import-Name:\n'), { 'import-name': [] })
    assert.deepEqual(fields('Import-Name: demo\nImport-Name:\n'), { 'import-name': ['demo', ''] })
  })
})

describe('the description', () => {
  it('is the body, byte for byte', () => {
    assert.deepEqual(fields('\n# Demo\n\n  text \n\n').description, ['# Demo\n\n  text \n\n'])
    assert.deepEqual(fields('\n\n\nlate\n').description, ['\n\nlate\n'])
  })

  it('is unfolded when setuptools of former times folded it: bars or eight blanks', () => {
    const value = 'Title\n        =====\n        \n            code\n        end'
    assert.deepEqual(fields(`Description: ${value}\n`).description, ['Title\n=====\n\n    code\nend'])
    assert.deepEqual(fields('Description: Title\r\n       |text\r\n       |  more\n').description, [
      'Title\r\ntext\r\n  more',
    ])
    assert.deepEqual(fields('Description: a\n    b\n').description, ['a\n    b'])
    // Of no other field.
    assert.deepEqual(fields('License: a\n        b\n').license, ['a\n        b'])
  })

  it('begins at the first line that is no header, which belongs to it', () => {
    assert.deepEqual(fields('no header here\nSummary: late\n').description, ['no header here\nSummary: late\n'])
  })

  it('is unusable when it stands in a header and below the headers', () => {
    assert.deepEqual(malformed('Description: a\n\nb\n'), {
      description: 'stands in a header and again below the headers',
    })
    assert.deepEqual(malformed('Description: a\nDescription: b\n\nc\n'), { description: 'stands 2 times' })
  })

  it('may be missing: nothing below the headers, or no line behind them at all', () => {
    assert.deepEqual(fields(''), {})
    assert.deepEqual(fields('\n'), {})
    assert.deepEqual(fields('Summary: no line end'), { summary: ['no line end'] })
  })
})

describe('what nobody could read in one way only', () => {
  it('is kept apart with its reason, and is never a field to send', () => {
    const { fields: known, malformed: odd } = parse(
      `${HEAD}Summary: a\nSummary: b\nColour: red\nColour: blue\nProject-URL: A, 1\nProject-URL: A , 2\n`,
    )
    assert.deepEqual([...known.keys()], ['metadata-version', 'name', 'version'])
    assert.deepEqual(Object.fromEntries(odd), {
      summary: 'stands 2 times',
      colour: 'no field of the core metadata',
      'project-url': "has the label 'A' twice",
    })
  })

  it('includes every single-use field that comes twice', () => {
    for (const [name, { multiple }] of CORE_METADATA_FIELDS) {
      if (multiple || name === 'name' || name === 'version') continue
      const text = name === 'metadata-version' ? 'Metadata-Version: 2.4\n' : `${name}: a\n${name}: a\n`
      assert.equal(malformed(text)[name], 'stands 2 times', name)
    }
  })

  it('is dropped where a mail parser drops it: lines that belong to no header', () => {
    assert.deepEqual(fields(': nameless\n  and more\nSummary: s\n'), { summary: ['s'] })
    const text = `From x\n  continued\n${HEAD}Summary: s\nFrom here on`
    assert.deepEqual(parse(text).fields.get('description'), ['From here on'])
    assert.equal(parse(`  before all\n${HEAD}`).name, 'demo')
  })
})

describe('the word UNKNOWN of former times', () => {
  it('counts as absent, value by value', () => {
    const text =
      'Home-page: UNKNOWN\nPlatform: UNKNOWN\nPlatform: linux\nLicense: UNKNOWN \nSummary: unknown\n\nUNKNOWN\n\n'
    assert.deepEqual(fields(text), { platform: ['linux'], license: ['UNKNOWN '], summary: ['unknown'] })
  })

  it('stays the name of a project that is called so', () => {
    assert.equal(parse('Metadata-Version: 2.1\nName: UNKNOWN\nVersion: 0.0.0\n').name, 'UNKNOWN')
  })
})

describe('metadata is refused for any index, all faults together, that', () => {
  it('is not UTF-8, holds a NUL, or begins with a byte order mark', () => {
    assert.deepEqual(refusals(Buffer.concat([Buffer.from(HEAD), Buffer.from([0xff])])), ['is not UTF-8'])
    assert.deepEqual(refusals(`\ufeff${HEAD}Summary: a\0b\n`), [
      'holds a NUL character',
      'begins with a byte order mark, so that no reader finds its first field',
    ])
  })

  it('has no Name or Version, or unusable ones', () => {
    assert.deepEqual(refusals(''), ['has no Name', 'has no Version'])
    assert.deepEqual(refusals('Name:\nVersion: \n'), ['has no Name', 'has no Version'])
    assert.deepEqual(refusals('Name: a\nName: a\nVersion: 1\nversion: 1\n'), [
      'has an unusable Name: it stands 2 times',
      'has an unusable Version: it stands 2 times',
    ])
    assert.deepEqual(refusals('Name: a b\nVersion: 1.x\n'), [
      "has the Name 'a b', which is none (ASCII letters, digits, . _ -)",
      "has the Version '1.x', which is none (PEP 440)",
    ])
    assert.deepEqual(refusals('Name: a\n ::error::x\nVersion: 1\n'), [
      "has the Name 'a ::error::x', which is none (ASCII letters, digits, . _ -)",
    ])
  })

  it('is of a metadata version of another major number; a newer minor number is read', () => {
    assert.deepEqual(refusals('Metadata-Version: 3.0\nName: a\nVersion: 1\n'), [
      'is of metadata version 3.0: only versions 1 and 2 can be read',
    ])
    assert.equal(parse('Metadata-Version: 2.99\nName: a\nVersion: 1\n').metadataVersion, '2.99')
    assert.equal(parse('Name: a\nVersion: 1\n').metadataVersion, undefined)
    assert.equal(
      parse('Metadata-Version: 2.1\nMetadata-Version: 2.1\nName: a\nVersion: 1\n').metadataVersion,
      undefined,
    )
  })
})

describe('reading metadata', () => {
  it('takes time that grows with its length only', () => {
    const lines = (line: string) => `${HEAD}Summary: s\n${line.repeat(200_000 / line.length)}`
    for (const text of [
      lines('Classifier: x\n'),
      lines(' \n'),
      lines('\r'),
      `${HEAD}Keywords: ${','.repeat(200_000)}`,
      `${HEAD}License: ${' \n\t'.repeat(60_000)}x`,
    ]) {
      assert.equal(parse(text).name, 'demo')
    }
  })
})
