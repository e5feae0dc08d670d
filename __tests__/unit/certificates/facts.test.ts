import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createRoot,
  issueClient,
  issueIntermediate,
  objectIdentifier,
  sequence,
} from '../../../demo/certificate-authority.ts'
import { certificateFacts } from '../../../src/certificates/facts.ts'

describe('what reports say of a certificate', () => {
  it('are its position, names and what it may be used for', () => {
    const root = createRoot({ name: 'Root' })
    const issuing = issueIntermediate(root, { name: 'Issuing CA', organization: 'Example' })
    const client = issueClient(issuing, {
      name: 'release',
      purposes: ['clientAuth', 'any'],
      dnsNames: ['ci.example.com', '*.example.com'],
    })
    const facts = certificateFacts([client.certificate, issuing.certificate])
    assert.deepEqual(
      facts.map(({ position, subject, issuer }) => [position, subject, issuer]),
      [
        ['leaf', 'CN=release', 'CN=Issuing CA, O=Example'],
        ['intermediate 1', 'CN=Issuing CA, O=Example', 'CN=Root'],
      ],
    )
    assert.deepEqual(
      facts.map(({ names, purposes }) => [names, purposes]),
      [
        ['DNS:ci.example.com, DNS:*.example.com', ['clientAuth', 'anyExtendedKeyUsage']],
        ['', undefined],
      ],
    )
  })

  it('name a purpose that nobody knows by its number', () => {
    const usage = { oid: '2.5.29.37', critical: false, value: sequence(objectIdentifier('1.2.3.4')) }
    const client = issueClient(createRoot({ name: 'Root' }), { name: 'release', purposes: [], extensions: [usage] })
    assert.deepEqual(certificateFacts([client.certificate])[0]?.purposes, ['1.2.3.4'])
  })

  it('are printable, whatever a CA wrote into the names', () => {
    const dnsNames = ['a\u001b[31m.example', '\u202eevil', 'x'.repeat(9000)]
    const client = issueClient(createRoot({ name: 'Root' }), { name: 'release', dnsNames })
    const names = certificateFacts([client.certificate])[0]?.names ?? ''
    assert.ok(names.length <= 500)
    assert.doesNotMatch(names, /[\p{Cc}\p{Cf}]/u)
  })
})
