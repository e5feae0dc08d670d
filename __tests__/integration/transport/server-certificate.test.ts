import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it, type TestContext } from 'node:test'
import {
  type CertificateOptions,
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  issueServer,
  selfSigned,
} from '../../../demo/certificate-authority.ts'
import { secure, startServer } from '../../support/tls-servers.ts'
import { type Meeting, probe } from '../../support/transport.ts'

const root = createRoot({ name: 'Corporate Root', organization: 'Example' })
const issuing = issueIntermediate(root, { name: 'Issuing CA', organization: 'Example' })
const server = issueServer(issuing, { name: 'index' })
const client = issueClient(root, { name: 'publisher' })
const otherRoot = createRoot({ name: 'Other Root' })
const directory = mkdtempSync(path.join(os.tmpdir(), 'hints-'))
after(() => rmSync(directory, { recursive: true }))

const DAY = 86_400_000
const daysFromNow = (days: number) => new Date(Date.now() + days * DAY)

/** Probes a server that shows these certificates, the first with its key; `host` is what the URL says. */
async function meet(
  t: TestContext,
  shown: readonly [Issued, ...Issued[]],
  meeting: Partial<Meeting>,
  host = 'localhost',
) {
  const [own, ...others] = shown
  const behind = others.map(({ pem }) => pem).join('')
  const running = await startServer((socket) =>
    secure(socket, {
      server: own,
      behind,
      requestCert: true,
      rejectUnauthorized: false,
      ciphers: 'DEFAULT@SECLEVEL=0',
    }),
  )
  t.after(() => running.stop())
  const result = await probe(`https://${host}:${running.port}/`, { client: [client], trusted: [root], ...meeting })
  const { code, message = '', hint = '' } = result.problem ?? {}
  return { ...result, code, message, hint }
}

const ofLocalhost = (options: Partial<CertificateOptions>) => issueServer(root, { name: 'index', ...options })

describe('a ca-bundle vouches for', () => {
  it('a chain that leads to its root', async (t) => {
    const { handshake, message } = await meet(t, [server, issuing], {})
    assert.equal(message, '')
    assert.equal(handshake, 'accepted')
  })

  it('a server whose issuing CA alone it holds', async (t) => {
    assert.equal((await meet(t, [server, issuing], { trusted: [issuing] })).handshake, 'accepted')
  })

  it('a server without its intermediate when it holds root and intermediate', async (t) => {
    assert.equal((await meet(t, [server], { trusted: [root, issuing] })).handshake, 'accepted')
  })

  it('the very certificate that it holds', async (t) => {
    assert.equal((await meet(t, [server], { trusted: [server] })).handshake, 'accepted')
  })

  it('a self-signed certificate that it holds', async (t) => {
    const own = selfSigned({ name: 'index', dnsNames: ['localhost'], purposes: ['serverAuth'] })
    assert.equal((await meet(t, [own], { trusted: [own] })).handshake, 'accepted')
  })

  it('an address that stands in the certificate', async (t) => {
    assert.equal((await meet(t, [server, issuing], {}, '127.0.0.1')).handshake, 'accepted')
  })
})

describe('a server certificate', () => {
  it('that has expired is told with its dates, subject and issuer', async (t) => {
    const old = ofLocalhost({ notBefore: daysFromNow(-40), notAfter: daysFromNow(-10) })
    const { handshake, facts, code, message } = await meet(t, [old], {})
    assert.equal(code, 'E_TLS_SERVER_EXPIRED')
    assert.equal(handshake, 'failed')
    assert.equal(facts, undefined)
    assert.match(
      message,
      /^the certificate of localhost:\d+ \(CN=index, issued by CN=Corporate Root, O=Example\) has expired/,
    )
    assert.ok(message.includes(`to ${old.certificate.validToDate.toISOString().slice(0, 10)}`), message)
    assert.ok(message.includes(`the runner's clock says ${new Date().toISOString().slice(0, 10)}`), message)
  })

  it('whose intermediate has expired is told apart', async (t) => {
    const old = issueIntermediate(root, { name: 'Old CA', notBefore: daysFromNow(-40), notAfter: daysFromNow(-10) })
    const { code, message } = await meet(t, [issueServer(old, { name: 'index' }), old], {})
    assert.equal(code, 'E_TLS_SERVER_EXPIRED')
    assert.match(message, /^a CA certificate that localhost:\d+ sends \(CN=Old CA, /)
  })

  it('that is not valid yet points at the clock', async (t) => {
    const { code, hint } = await meet(t, [ofLocalhost({ notBefore: daysFromNow(10), notAfter: daysFromNow(40) })], {})
    assert.equal(code, 'E_TLS_SERVER_NOT_YET_VALID')
    assert.match(hint, /clock of this runner/)
  })

  it('with other names lists them', async (t) => {
    const other = ofLocalhost({ dnsNames: ['pypi.example', 'index.example'] })
    const { code, message } = await meet(t, [other], {})
    assert.equal(code, 'E_TLS_SERVER_NAME')
    assert.match(message, /expected localhost, found DNS:pypi\.example, DNS:index\.example/)
  })

  it('without the address that the URL has advises the name', async (t) => {
    const { code, message, hint } = await meet(t, [ofLocalhost({ dnsNames: ['localhost'] })], {}, '127.0.0.1')
    assert.equal(code, 'E_TLS_SERVER_NAME')
    assert.match(message, /expected 127\.0\.0\.1, found DNS:localhost/)
    assert.match(hint, /use the name instead of the address/)
  })

  it('of an unknown CA names the issuer', async (t) => {
    const { handshake, code, message } = await meet(t, [issueServer(otherRoot, { name: 'index' })], {})
    assert.equal(handshake, 'failed')
    assert.equal(code, 'E_TLS_SERVER_UNKNOWN_CA')
    assert.match(message, /\(CN=index\) was issued by CN=Other Root, which ca-bundle does not hold$/)
  })

  it('below an unknown root names both links', async (t) => {
    const otherIssuing = issueIntermediate(otherRoot, { name: 'Other Issuing CA' })
    const { code, message } = await meet(t, [issueServer(otherIssuing, { name: 'index' }), otherIssuing], {})
    assert.equal(code, 'E_TLS_SERVER_UNKNOWN_CA')
    assert.match(message, /issued by CN=Other Issuing CA, below CN=Other Root, which ca-bundle does not hold$/)
  })

  it('with its unknown root behind it names that root', async (t) => {
    const { code, message } = await meet(t, [issueServer(otherRoot, { name: 'index' }), otherRoot], {})
    assert.equal(code, 'E_TLS_SERVER_UNKNOWN_CA')
    assert.match(message, /leads to CN=Other Root, which ca-bundle does not hold$/)
  })

  it('that comes without its intermediate says so, and that browsers keep copies', async (t) => {
    const { code, message, hint } = await meet(t, [server], {})
    assert.equal(code, 'E_TLS_SERVER_INCOMPLETE_CHAIN')
    assert.match(
      message,
      /sends its certificate \(CN=index\) alone, without the certificate of CN=Issuing CA, O=Example/,
    )
    assert.match(hint, /browsers keep copies/)
  })

  it('that is self-signed is called so', async (t) => {
    const { code, message } = await meet(t, [selfSigned({ name: 'index', dnsNames: ['localhost'] })], {})
    assert.equal(code, 'E_TLS_SERVER_UNKNOWN_CA')
    assert.match(message, /\(CN=index\) is self-signed, and ca-bundle does not hold it$/)
  })

  it('from a CA that was made anew under the same name is not trusted', async (t) => {
    const anew = createRoot({ name: 'Corporate Root', organization: 'Example' })
    const { code, message } = await meet(t, [issueServer(anew, { name: 'index' })], {})
    assert.equal(code, 'E_TLS_SERVER_UNKNOWN_CA')
    assert.match(message, /ca-bundle holds a CA of that name with another key/)
  })

  it('for clients alone is refused with the words of OpenSSL', async (t) => {
    const { code, message } = await meet(t, [ofLocalhost({ purposes: ['clientAuth'] })], {})
    assert.equal(code, 'E_TLS_SERVER_REFUSED')
    assert.match(message, /\(CN=index, issued by .*\) was not accepted: .*purpose.* \(INVALID_PURPOSE\)/)
  })

  it('with a weak signature is refused', async (t) => {
    const { code, message } = await meet(t, [ofLocalhost({ digest: 'sha1' })], {})
    assert.equal(code, 'E_TLS_SERVER_REFUSED')
    assert.match(message, /too weak/)
  })

  it('whose names would forge a log line is shown as one printable line', async (t) => {
    const forged = issueServer(otherRoot, { name: 'index\n::error::\u001b[31mforged\u202e' })
    const { message } = await meet(t, [forged], {})
    assert.match(message, /CN=index/)
    assert.doesNotMatch(message, /[\n\u001b\u202e]/)
  })
})

describe('a file that other tools are pointed at', () => {
  const bundle = path.join(directory, 'corp.pem')
  writeFileSync(bundle, `# corporate\n${otherRoot.pem}`)
  const unknown = issueServer(issueIntermediate(otherRoot, { name: 'Other CA' }), { name: 'index' })
  const shown: readonly [Issued, ...Issued[]] = [issueServer(otherRoot, { name: 'index' })]

  it('is proposed as ca-bundle when it would vouch for the server, and trusted no more for that', async (t) => {
    const { handshake, code, hint } = await meet(t, shown, { trustHints: ['/nonexistent/ca.pem', directory, bundle] })
    assert.equal(handshake, 'failed')
    assert.equal(code, 'E_TLS_SERVER_UNKNOWN_CA')
    assert.ok(hint.includes(`write \`ca-bundle: ${bundle}\``), hint)
  })

  it('is proposed too when the trust was the system', async (t) => {
    const { hint } = await meet(t, shown, { trusted: 'system', trustHints: [bundle] })
    assert.ok(hint.includes(`write \`ca-bundle: ${bundle}\``), hint)
  })

  it('is not mentioned when it would not vouch either', async (t) => {
    const { code, hint } = await meet(t, [unknown], { trustHints: [bundle] })
    assert.equal(code, 'E_TLS_SERVER_INCOMPLETE_CHAIN')
    assert.ok(!hint.includes(bundle), hint)
  })

  it('is not mentioned when its CA certificate has expired', async (t) => {
    const { keys } = otherRoot
    const old = createRoot({ name: 'Other Root', keys, notBefore: daysFromNow(-40), notAfter: daysFromNow(-10) })
    const file = path.join(directory, 'old.pem')
    writeFileSync(file, old.pem)
    const { code, hint } = await meet(t, shown, { trustHints: [file] })
    assert.equal(code, 'E_TLS_SERVER_UNKNOWN_CA')
    assert.ok(!hint.includes(file), hint)
  })
})
