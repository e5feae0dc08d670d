import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Answer } from '../../../src/package-index/answer.ts'
import { repeatableTarget } from '../../../src/package-index/redirect.ts'

const URL_GIVEN = new URL('https://index.example:8443/pypi/prod/legacy?x=1')

function target(status: number, location?: string): string | undefined {
  const headers = new Map(location === undefined ? [] : [['location', location]])
  const answer: Answer = { status, reason: '', text: '', headers }
  return repeatableTarget(answer, URL_GIVEN)?.href
}

describe('a redirect that an upload follows', () => {
  it('is a 307 or 308 on the same origin, relative or absolute', () => {
    for (const status of [307, 308]) {
      assert.equal(target(status, 'legacy/'), 'https://index.example:8443/pypi/prod/legacy/')
      assert.equal(target(status, '/a/?b=c'), 'https://index.example:8443/a/?b=c')
      assert.equal(target(status, 'https://index.example:8443/a/'), 'https://index.example:8443/a/')
    }
  })

  it('is none that would turn the upload into a GET', () => {
    for (const status of [200, 300, 301, 302, 303, 304, 400]) assert.equal(target(status, '/a/'), undefined)
  })

  it('never leaves the origin: another host, port or scheme', () => {
    for (const location of [
      'https://other.example:8443/a/',
      'https://index.example/a/',
      'http://index.example:8443/a/',
      '//other.example/a/',
      'https://index.example:8443@other.example/a/',
      'javascript:alert(1)',
      'https://',
    ]) {
      assert.equal(target(308, location), undefined, location)
    }
    assert.equal(target(308), undefined)
  })

  it('is none to a login', () => assert.equal(target(307, '/my.policy'), undefined))

  it('may have a part that looks like a login, where the request had it too', () => {
    const headers = new Map([['location', '/auth/legacy/']])
    const answer: Answer = { status: 308, reason: '', text: '', headers }
    const from = (path: string) => repeatableTarget(answer, new URL(path, URL_GIVEN))?.pathname
    assert.equal(from('/auth/legacy'), '/auth/legacy/')
    assert.equal(from('/legacy'), undefined)
  })
})
