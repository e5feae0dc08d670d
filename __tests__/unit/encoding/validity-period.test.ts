import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRoot } from '../../../demo/certificate-authority.ts'
import { validityPeriod } from '../../../src/encoding/validity-period.ts'

describe('the period of validity', () => {
  it('is that of the certificate', () => {
    const { certificate } = createRoot({ name: 'Example Root' })
    const { from, until } = validityPeriod(certificate)
    assert.equal(Math.floor(+from / 1000), Date.parse(certificate.validFrom) / 1000)
    assert.equal(Math.floor(+until / 1000), Date.parse(certificate.validTo) / 1000)
  })

  it('has no date for a time that cannot be read, whatever Node.js makes of it', () => {
    const chance = new Date(-8e15)
    const readable = { validFrom: 'Nov 27 10:00:00 2026 GMT', validFromDate: new Date(1_795_774_800_000) }
    const { from, until } = validityPeriod({ ...readable, validTo: 'Bad time value', validToDate: chance })
    assert.equal(from, readable.validFromDate)
    assert.ok(Number.isNaN(+until))
  })
})
