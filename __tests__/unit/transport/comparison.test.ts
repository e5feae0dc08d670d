import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRoot, issueClient, issueIntermediate } from '../../../demo/certificate-authority.ts'
import { explainAlert } from '../../../src/transport/alert.ts'
import type { OwnChain } from '../../../src/transport/own-chain.ts'
import type { Party } from '../../../src/transport/party.ts'
import { ended } from '../../support/chains.ts'

const root = createRoot({ name: 'Corporate Root' })
const issuing = issueIntermediate(root, { name: 'Issuing' })
const leaf = issueClient(issuing, { name: 'publisher' })

type Finding = OwnChain['findings'][number]

function finding(code: Finding['code'], message: string, severity: Finding['severity'] = 'warning'): Finding {
  return { code, severity, message }
}

interface Knowledge {
  readonly certificates?: OwnChain['certificates']
  readonly findings?: readonly Finding[]
  readonly unknownIssuer?: string
  readonly accepted?: Party['accepted']
}

/** What is said of an alert by somebody who knows this of the chain. */
function told(alert: number, { accepted, findings = [], unknownIssuer, ...known }: Knowledge = {}) {
  const { certificates = [leaf.certificate, issuing.certificate] } = known
  const party: Party = {
    host: 'index.example',
    target: 'index.example:443',
    proxy: undefined,
    own: { certificates, findings, unknownIssuer },
    accepted,
    trust: { ca: [], partial: true, source: 'ca-bundle', added: 0 },
    trustHints: [],
    tlsMinVersion: 'TLSv1.2',
    tlsMaxVersion: 'TLSv1.3',
    idleTimeoutMs: 30_000,
    now: () => new Date(),
  }
  const { code, message, hint = '' } = explainAlert(alert, { asked: true }, party)
  assert.match(message, /^[a-z].*[^.]$/)
  assert.match(hint, /^[A-Z].*\.$/)
  return { code, message, hint }
}

const SERVER_SIDE = /^So the fault is most likely on the side of the server: /

describe('a refusal that a known weakness explains names it', () => {
  const explained: readonly [alert: number, code: Finding['code']][] = [
    [40, 'E_CERT_PURPOSE'],
    [42, 'E_CERT_NOT_YET_VALID'],
    [42, 'E_CERT_WEAK'],
    [43, 'E_CERT_PURPOSE'],
    [45, 'E_CERT_EXPIRED'],
    [46, 'E_CERT_REFUSED'],
    [48, 'E_CERT_INCOMPLETE_CHAIN'],
    [48, 'E_CERT_PATH_LENGTH'],
    [51, 'E_CERT_SIGNATURE'],
  ]
  for (const [alert, code] of explained) {
    it(`alert ${alert} and ${code}`, () => {
      const { message, hint } = told(alert, { findings: [finding(code, 'the leaf has this fault')] })
      assert.match(message, /; the likely reason: the leaf has this fault$/)
      assert.doesNotMatch(hint, SERVER_SIDE)
    })
  }

  it('but not one that has nothing to do with it, nor what was only noted', () => {
    const findings = [
      finding('E_CERT_EXPIRES_SOON', 'the leaf ends soon'),
      finding('E_CERT_INCOMPLETE_CHAIN', 'checked up to there', 'notice'),
    ]
    for (const alert of [42, 43, 45, 46, 48]) assert.doesNotMatch(told(alert, { findings }).message, /likely reason/)
  })
})

describe('a refusal that does not fit what is known points at the server', () => {
  it('expired, for a chain that is valid: clock, revocation list, its copy of a CA', () => {
    const { code, message, hint } = told(45)
    assert.equal(code, 'E_TLS_CLIENT_EXPIRED')
    assert.match(
      message,
      /, but each of the 2 certificates that were sent is valid \(the leaf until .* clock says .*\)$/,
    )
    assert.match(hint, SERVER_SIDE)
    assert.match(hint, /revocation list is out of date/)
  })

  it('expired, for a chain that is not: nothing is made up', () => {
    const old = issueClient(issuing, { name: 'old', ...ended() })
    const { message, hint } = told(45, { certificates: [old.certificate] })
    assert.match(message, /has expired \(alert 45\)$/)
    assert.doesNotMatch(hint, SERVER_SIDE)
  })

  it('wrong purpose, for a certificate with clientAuth', () => {
    const { message, hint } = told(43)
    assert.match(message, /, but its extended key usage has clientAuth$/)
    assert.match(hint, SERVER_SIDE)
  })

  it('wrong purpose, for one without: nothing is made up', () => {
    const server = issueClient(issuing, { name: 'server', purposes: ['serverAuth'] })
    const { message, hint } = told(43, { certificates: [server.certificate] })
    assert.match(message, /alert 43\)$/)
    assert.doesNotMatch(hint, SERVER_SIDE)
  })

  it('unknown CA, where the server itself names the issuer: a CA made anew, a missing list, a short chain', () => {
    const accepted = { names: ['CN=Other', 'CN=Corporate Root'], ours: 'CN=Corporate Root' }
    const { code, message, hint } = told(48, { accepted })
    assert.equal(code, 'E_TLS_CLIENT_UNKNOWN_CA')
    assert.match(message, /, although it names CN=Corporate Root among the CAs that it accepts$/)
    assert.match(hint, SERVER_SIDE)
    assert.match(hint, /made anew with another key/)
  })

  it('a signature that does not fit: a CA made anew', () => {
    const { code, hint } = told(51)
    assert.equal(code, 'E_TLS_CLIENT_REFUSED')
    assert.match(hint, /its copy of CN=Corporate Root may be another CA of that name/)
  })
})

describe('what the server names', () => {
  it('and has not issued our chain is the likely reason, however many there are', () => {
    const names = ['CN=A', 'CN=B', 'CN=C', 'CN=D', 'CN=E']
    for (const alert of [40, 42, 46, 48]) {
      const { message } = told(alert, { accepted: { names, ours: undefined }, unknownIssuer: 'its issuer is missing' })
      assert.match(
        message,
        /; the likely reason: its issuer is missing; it names the CAs whose certificates it accepts \(CN=A; CN=B; CN=C and 2 others\), and the chain that was sent ends below CN=Corporate Root$/,
      )
    }
  })

  it('leaves the guess of the chain check where it names nothing or was not asked', () => {
    for (const accepted of [undefined, { names: [], ours: undefined }]) {
      const { message } = told(48, { accepted, unknownIssuer: 'ca-bundle does not hold CN=Corporate Root' })
      assert.match(message, /; the likely reason: ca-bundle does not hold CN=Corporate Root$/)
    }
  })
})

it('a revoked certificate is named by serial and issuer, for whoever has to look into the list', () => {
  const { code, message, hint } = told(44)
  assert.equal(code, 'E_TLS_CLIENT_REVOKED')
  assert.match(message, new RegExp(`\\(serial ${leaf.certificate.serialNumber}, issued by CN=Issuing\\)$`))
  assert.match(hint, /this run was queued before: re-run it\.$/)
})

describe('alerts that are not about the certificate', () => {
  const others: readonly [number, RegExp, RegExp][] = [
    [47, /alert 47 \(illegal parameter\)/, /log/],
    [50, /alert 50 \(decode error\)/, /log/],
    [71, /alert 71 \(insufficient security\)/, /cipher/],
    [80, /alert 80 \(internal error\)/, /log/],
    [112, /alert 112 \(unrecognized name\)/, /host name in repository-url/],
    [120, /alert 120 \(no application protocol\)/, /HTTP\/1\.1/],
    [99, /with alert 99$/, /log/],
  ]
  for (const [alert, message, hint] of others) {
    it(`${alert} is named, and the certificate is not blamed`, () => {
      const said = told(alert, { findings: [finding('E_CERT_EXPIRED', 'the leaf ended')] })
      assert.equal(said.code, 'E_TLS_HANDSHAKE')
      assert.match(said.message, message)
      assert.doesNotMatch(said.message, /the leaf ended/)
      assert.match(said.hint, hint)
    })
  }
})
