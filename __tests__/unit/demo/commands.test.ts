import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Masker, parseCommand, readFileCommand, readStep } from '../../../demo/runner/commands.ts'

describe('a line that the runner acts on', () => {
  it('begins with two colons, after blanks of any kind', () => {
    const expected = { name: 'error', properties: {}, data: 'words' }
    assert.deepEqual(parseCommand('::error::words'), expected)
    assert.deepEqual(parseCommand(' \t\u00a0::error::words'), expected)
    assert.equal(parseCommand('so ::error::words'), undefined)
  })

  it('or holds ##[ anywhere', () => {
    assert.deepEqual(parseCommand('the server says ##[error]words'), { name: 'error', properties: {}, data: 'words' })
    assert.equal(parseCommand('the server says ##[error words'), undefined)
  })

  it('names a command that exists, in upper or lower case', () => {
    assert.equal(parseCommand('::Add-Mask::x')?.name, 'add-mask')
    assert.equal(parseCommand('::shout::x'), undefined)
    assert.equal(parseCommand('##[shout]x'), undefined)
  })

  it('has properties, separated by commas or, in the older form, by semicolons', () => {
    const properties = { title: 'a, b: c%', line: '3' }
    assert.deepEqual(parseCommand('::notice title=a%2C b%3A c%25,line=3,col=::x')?.properties, properties)
    assert.deepEqual(parseCommand('##[notice title=a, b: c%25;line=3]x')?.properties, properties)
  })

  it('has escaped data: decoded once, never twice', () => {
    assert.equal(parseCommand('::error::a%0Ab%0D%25c')?.data, 'a\nb\r%c')
    assert.equal(parseCommand('::error::a%250Ab')?.data, 'a%0Ab')
    assert.equal(parseCommand('::error::a%3Ab')?.data, 'a%3Ab')
    assert.equal(parseCommand('##[error]a%3Bb%5D')?.data, 'a;b]')
  })

  it('is read in the newer form first: what stands in its data is data', () => {
    assert.deepEqual(parseCommand('::error::x ##[warning]y'), { name: 'error', properties: {}, data: 'x ##[warning]y' })
  })
})

describe('a step', () => {
  const read = (...lines: string[]) => readStep(lines, new Masker())

  it('shows its lines, and annotations as lines too; other commands are taken out', () => {
    const { log, commands } = read('first', '::debug::x', '::warning title=T::careful', '::group::More', '::endgroup::')
    assert.deepEqual(log, ['first', 'Warning: careful', '▸ More'])
    assert.deepEqual(
      commands.map(({ name }) => name),
      ['debug', 'warning', 'group', 'endgroup'],
    )
  })

  it('has ten annotations of a kind, the first ones, each of 4,096 characters', () => {
    const errors = Array.from({ length: 12 }, (_, index) => `::error title=${index}::${'x'.repeat(5000)}`)
    const { annotations, log } = read(...errors, '::notice::n')
    assert.equal(annotations.length, 11)
    assert.deepEqual(annotations[9], { kind: 'error', title: '9', message: 'x'.repeat(4096) })
    assert.deepEqual(annotations[10], { kind: 'notice', title: '', message: 'n' })
    assert.equal(log.length, 13)
  })

  it('hides a mask and each of its lines from then on, in log and annotations', () => {
    const { log, annotations, masks } = read(
      'early word-one',
      '::add-mask::word-one%0Aword-two',
      'late word-one, word-two',
      '::error title=word-one::about word-two',
    )
    assert.deepEqual(log, ['early word-one', 'late ***, ***', 'Error: about ***'])
    assert.deepEqual(annotations, [{ kind: 'error', title: '***', message: 'about ***' }])
    assert.deepEqual(masks, ['word-one\nword-two'])
  })

  it('hides the longer of two values where one holds the other', () => {
    const masker = new Masker()
    masker.add('pass')
    masker.add('password')
    assert.deepEqual(readStep(['the password'], masker).log, ['the ***'])
  })

  it('acts on nothing between stop-commands and its token', () => {
    const { log, annotations } = read('::stop-commands::T0k', '::error::no', 'x ##[t1]', '::t0k::', '::error::yes')
    assert.deepEqual(
      annotations.map(({ message }) => message),
      ['yes'],
    )
    assert.deepEqual(log, ['::stop-commands::T0k', '::error::no', 'x ##[t1]', '::t0k::', 'Error: yes'])
  })
})

describe('a file command', () => {
  it('has a line a value, or lines up to a delimiter', () => {
    const values = readFileCommand('a=1=2\n\nb<<END\nfirst\n\nlast=x\nEND\nc<<E\nE\nd=\n')
    assert.deepEqual(
      [...values],
      [
        ['a', '1=2'],
        ['b', 'first\n\nlast=x'],
        ['c', ''],
        ['d', ''],
      ],
    )
  })

  it('fails where the runner fails the step', () => {
    for (const text of ['word', '=x', 'a<<', 'a<<END\nx\n', '<<END\nEND']) {
      assert.throws(() => readFileCommand(text), Error, text)
    }
  })
})
