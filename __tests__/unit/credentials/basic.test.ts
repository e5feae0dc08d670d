import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { basicAuthorization } from '../../../src/credentials/basic.ts'
import { redact, Secrets } from '../../../src/text.ts'

describe('HTTP Basic', () => {
  it('is user and password in base64, as RFC 7617 has it in its examples', () => {
    const authorization = (user: string, password: string) => basicAuthorization({ user, password }, new Secrets())
    assert.equal(authorization('Aladdin', 'open sesame'), 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==')
    assert.equal(authorization('test', '123£'), 'Basic dGVzdDoxMjPCow==')
    assert.equal(authorization('__token__', 'a:b'), 'Basic X190b2tlbl9fOmE6Yg==')
  })

  it('is a secret from then on: a front that echoes its request brings it into no log', () => {
    const secrets = new Secrets()
    const header = basicAuthorization({ user: 'publisher', password: 'p>ä?' }, secrets)
    const echoes = [
      `Authorization: ${header}`,
      JSON.stringify({ authorization: header }),
      `/?header=${encodeURIComponent(header)}`,
    ]
    for (const echo of echoes) {
      const redacted = redact(echo, secrets)
      assert.match(redacted, /Basic/)
      assert.doesNotMatch(redacted, /cHVibGlzaGVy|w6Q/)
    }
  })
})
