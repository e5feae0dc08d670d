import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { explainAttempt } from '../../../src/transport/explain.ts'
import { newAttempt } from '../../../src/transport/handshake.ts'
import type { Party } from '../../../src/transport/party.ts'

const party: Party = {
  host: 'index.example',
  target: 'index.example:443',
  proxy: undefined,
  own: { certificates: [], findings: [], unknownIssuer: undefined },
  accepted: undefined,
  trust: { ca: [], partial: true, source: 'ca-bundle', added: 0 },
  trustHints: [],
  tlsMinVersion: 'TLSv1.2',
  tlsMaxVersion: 'TLSv1.3',
  idleTimeoutMs: 30_000,
  now: () => new Date(),
}

function fault(code: string, address?: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code, ...(address === undefined ? {} : { address, port: 443 }) })
}

function explained(error: Error) {
  return explainAttempt(error, newAttempt(), party, 30_000)
}

/** What only a real network brings about: another name server, a firewall that drops packets, two address families. */
describe('a connection that does not come to stand', () => {
  it('for want of a name server is a matter of DNS', () => {
    const { code, message } = explained(fault('EAI_AGAIN'))
    assert.equal(code, 'E_NETWORK_DNS')
    assert.match(message, /index\.example .*was not resolved \(EAI_AGAIN\)/)
  })

  it('on any address tells all of them', () => {
    const both = new AggregateError([fault('ENETUNREACH', '2001:db8::1'), fault('ECONNREFUSED', '192.0.2.1')])
    const { code, message } = explained(both)
    assert.equal(code, 'E_NETWORK_REFUSED')
    assert.equal(
      message,
      'could not connect to index.example:443: ENETUNREACH 2001:db8::1:443, ECONNREFUSED 192.0.2.1:443',
    )
  })

  it('since one address is not routed and the other silent is a time-out', () => {
    const both = new AggregateError([fault('ENETUNREACH', '2001:db8::1'), fault('ETIMEDOUT', '192.0.2.1')])
    assert.equal(explained(both).code, 'E_NETWORK_TIMEOUT')
  })

  it('since nothing is routed there was refused on this side', () => {
    const { code, message } = explained(fault('EHOSTUNREACH', '192.0.2.1'))
    assert.equal(code, 'E_NETWORK_REFUSED')
    assert.match(message, /EHOSTUNREACH 192\.0\.2\.1:443$/)
  })
})
