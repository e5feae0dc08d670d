import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PublishError } from '../../../src/errors.ts'
import { proxyFor } from '../../../src/transport/proxy.ts'

const PROXY = 'http://proxy.example:3128'

function isProxied(url: string, noProxy: string): boolean {
  return proxyFor(new URL(url), { httpsProxy: PROXY, noProxy }) !== undefined
}

function readingFails(httpsProxy: string): PublishError {
  try {
    proxyFor(new URL('https://index.example/'), { httpsProxy, noProxy: undefined })
  } catch (error) {
    assert(error instanceof PublishError)
    return error
  }
  assert.fail('expected an error')
}

describe('https_proxy', () => {
  it('leads to the proxy with its user, password and port', () => {
    const url = proxyFor(new URL('https://index.example/'), {
      httpsProxy: 'http://me:pa%3Ass@proxy.example:3128/',
      noProxy: undefined,
    })
    assert.equal(url?.host, 'proxy.example:3128')
    assert.equal(url?.username, 'me')
    assert.equal(url?.password, 'pa%3Ass')
  })

  for (const httpsProxy of [undefined, '', ' ']) {
    it(`means no proxy when it is ${JSON.stringify(httpsProxy)}`, () => {
      assert.equal(proxyFor(new URL('https://index.example/'), { httpsProxy, noProxy: undefined }), undefined)
    })
  }

  it('may lack its scheme, as curl allows', () => {
    const url = proxyFor(new URL('https://index.example/'), { httpsProxy: 'proxy.example:3128', noProxy: undefined })
    assert.equal(url?.href, 'http://proxy.example:3128/')
  })

  for (const value of ['http://', 'http://proxy.example:99999', 'socks5://me:s3cretword@proxy.example:1080']) {
    it(`is an input error that shows no value: ${value.replace('s3cretword', '...')}`, () => {
      const { code, message, hint } = readingFails(value)
      assert.equal(code, 'E_INPUT_INVALID')
      assert.match(message, /https_proxy/)
      assert.doesNotMatch(`${message} ${hint}`, /s3cretword|99999/)
    })
  }

  it('is an input error when a percent sign in the password is not encoded', () => {
    const { code, message } = readingFails('http://me:50%zz@proxy.example')
    assert.equal(code, 'E_INPUT_INVALID')
    assert.match(message, /percent-encoded/)
  })
})

const RULES: readonly [noProxy: string, url: string, direct: boolean][] = [
  ['*', 'https://index.example/', true],
  ['index.example', 'https://index.example/', true],
  ['INDEX.Example', 'https://index.example/', true],
  ['index.example', 'https://index.example./', true],
  ['index.example', 'https://other.index.example/', false],
  ['ndex.example', 'https://index.example/', false],
  ['.example', 'https://index.example/', true],
  ['.example', 'https://a.index.example/', true],
  ['.index.example', 'https://index.example/', false],
  ['*.example', 'https://index.example/', true],
  ['*.index.example', 'https://badindex.example/', false],
  ['index.example:8443', 'https://index.example:8443/', true],
  ['index.example:8443', 'https://index.example/', false],
  ['index.example:443', 'https://index.example/', true],
  ['.example:8443', 'https://index.example:8443/', true],
  ['localhost, 10.0.0.0/8 index.example', 'https://index.example/', true],
  ['10.1.2.3', 'https://10.1.2.3/', true],
  ['10.1.2.3', 'https://10.1.2.4/', false],
  ['10.0.0.0/8', 'https://10.200.3.4/', true],
  ['10.0.0.0/8', 'https://11.0.0.1/', false],
  ['10.0.0.0/8', 'https://index.example/', false],
  ['10.0.0.0/33', 'https://10.0.0.1/', false],
  ['10.0.0.0/', 'https://10.0.0.1/', false],
  ['10.0.0.1:8443', 'https://10.0.0.1:8443/', true],
  ['::1', 'https://[::1]/', true],
  ['[::1]', 'https://[0:0:0:0:0:0:0:1]/', true],
  ['[::1]:8443', 'https://[::1]:8443/', true],
  ['[::1]:8443', 'https://[::1]/', false],
  ['fd00::/8', 'https://[fd12:3456::1]/', true],
  ['fd00::/8', 'https://[fe80::1]/', false],
  ['', 'https://index.example/', false],
  [' , ', 'https://index.example/', false],
]

describe('no_proxy', () => {
  for (const [noProxy, url, direct] of RULES) {
    it(`${JSON.stringify(noProxy)} ${direct ? 'lets' : 'does not let'} ${url} go directly`, () => {
      assert.equal(isProxied(url, noProxy), !direct)
    })
  }
})
