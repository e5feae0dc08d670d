import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  compareVersions,
  normalizeVersion,
  parseVersion,
  sameVersion,
  type Version,
  versionKey,
} from '../../../src/distributions/version.ts'

function parsed(text: string): Version {
  const version = parseVersion(text)
  assert.ok(version, `${text} is a version`)
  return version
}

/** Spellings, and the canonical one, by the sections of PEP 440's "Normalization" and "Version scheme". */
const SPELLINGS: readonly (readonly [canonical: string, ...spellings: string[]])[] = [
  ['1.0', 'v1.0', 'V1.0', ' 1.0\n', '01.00', '0!1.0'],
  ['1.0a1', '1.0A1', '1.0alpha1', '1.0.a.1', '1.0-ALPHA-1', '1.0_a_1', '1.0a01'],
  ['1.0a0', '1.0a', '1.0.alpha'],
  ['1.0b2', '1.0beta2', '1.0.BETA.2', '1.0b-2'],
  ['1.0rc1', '1.0c1', '1.0pre1', '1.0preview1', '1.0-rc.1', '1.0RC1'],
  ['1.0.post1', '1.0-1', '1.0.rev1', '1.0-r1', '1.0post1', '1.0_POST_1', '1.0-post-1', '1.0-01'],
  ['1.0.post0', '1.0.post', '1.0-r'],
  ['1.0.dev4', '1.0dev4', '1.0-dev4', '1.0_DEV_4', '1.0.dev.4'],
  ['1.0.dev0', '1.0dev', '1.0-dev-'],
  ['1.0a1.post2.dev3', '1.0-alpha-1-post-2-dev-3', '1.0A1-2dev3'],
  ['1.0+ubuntu.1', '1.0+ubuntu-1', '1.0+Ubuntu_1', '1.0+ubuntu.01'],
  ['1.0+0a.1', '1.0+0A.01'],
  ['1!2.0', '1!2.0', '01!2.0', 'v1!2.0'],
  ['1.0.dev20261123123456789012', '1.0.dev020261123123456789012'],
  ['0', '0', '00', 'v0'],
]

const NO_VERSIONS = [
  '',
  ' ',
  'x',
  'v',
  '1.',
  '.1',
  '1..0',
  '1.0.x',
  '1.0--1',
  '1.0+',
  '1.0+a+b',
  '1.0+a..b',
  '1.0+ä',
  '1.0-1-2',
  'vv1.0',
  '1!',
  '!1',
  '1!1!1',
  '1.0a1b1',
  '1.0 a1',
  '\ufeff1.0',
  '１.0',
  '1.0po\u017ft1',
  '1.0+\u212a',
  `1.${'0'.repeat(256)}`,
]

describe('a version', () => {
  for (const [canonical, ...spellings] of SPELLINGS) {
    it(`${canonical} is what all its spellings become`, () => {
      for (const text of [canonical, ...spellings]) {
        assert.equal(normalizeVersion(text), canonical, JSON.stringify(text))
        assert.ok(sameVersion(text, canonical), JSON.stringify(text))
      }
    })
  }

  it('is none for anything else', () => {
    for (const text of NO_VERSIONS) {
      assert.equal(parseVersion(text), undefined, JSON.stringify(text))
      assert.equal(normalizeVersion(text), undefined, JSON.stringify(text))
      assert.equal(sameVersion(text, text), false, JSON.stringify(text))
    }
  })

  it('is read in time that grows with its length only', () => {
    for (const text of [`1${'.0'.repeat(127)}x`, `1.0${'-a'.repeat(126)}`, `1+${'a.'.repeat(127)}`]) {
      assert.equal(parseVersion(text), undefined)
    }
  })
})

describe('two versions', () => {
  it('are one when they differ in zeros at the end only; epoch, local version and suffixes count', () => {
    for (const [a, b] of [
      ['1', '1.0.0'],
      ['1.0rc1', '1.0.0rc1'],
      ['1!1', '1!1.0'],
      ['1+a', '1.0+A'],
      ['0', '0.0'],
    ]) {
      assert.ok(sameVersion(a ?? '', b ?? ''), `${a} ${b}`)
      assert.equal(versionKey(parsed(a ?? '')), versionKey(parsed(b ?? '')))
    }
    for (const [a, b] of [
      ['1.0', '1!1.0'],
      ['1.0', '1.0+a'],
      ['1.0', '1.0.post0'],
      ['1.0', '1.0.dev0'],
      ['1.0', '1.0a0'],
      ['1.0', '1.0.1'],
      ['1.0.dev20261123123456789012', '1.0.dev20261123123456789013'],
    ]) {
      assert.ok(!sameVersion(a ?? '', b ?? ''), `${a} ${b}`)
      assert.notEqual(versionKey(parsed(a ?? '')), versionKey(parsed(b ?? '')))
    }
  })

  /** Ascending, from PEP 440's "Summary of permitted suffixes and relative ordering" and around it. */
  const ASCENDING = [
    '0.9',
    '1.0.dev0',
    '1.0.dev456',
    '1.0a1',
    '1.0a2.dev456',
    '1.0a12.dev456',
    '1.0a12',
    '1.0b1.dev456',
    '1.0b2',
    '1.0b2.post345.dev456',
    '1.0b2.post345',
    '1.0rc1.dev456',
    '1.0rc1',
    '1.0',
    '1.0+abc.5',
    '1.0+abc.7',
    '1.0+abc.7.1',
    '1.0+5',
    '1.0+10',
    '1.0.post456.dev34',
    '1.0.post456',
    '1.0.15',
    '1.1.dev1',
    '1.2',
    '1.10',
    '2.0.dev20261123123456789012',
    '2.0.dev20261123123456789013',
    '1!0.1',
    '10!0',
  ]

  it('are ordered as PEP 440 orders them', () => {
    for (const [index, earlier] of ASCENDING.entries()) {
      assert.equal(compareVersions(parsed(earlier), parsed(earlier)), 0, earlier)
      for (const later of ASCENDING.slice(index + 1)) {
        assert.ok(compareVersions(parsed(earlier), parsed(later)) < 0, `${earlier} < ${later}`)
        assert.ok(compareVersions(parsed(later), parsed(earlier)) > 0, `${later} > ${earlier}`)
      }
    }
  })

  it('that are one have no order', () => {
    assert.equal(compareVersions(parsed('1.0'), parsed('1')), 0)
    assert.equal(compareVersions(parsed('1.0+A.01'), parsed('1+a.1')), 0)
  })
})
