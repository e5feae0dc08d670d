import type { X509Certificate } from 'node:crypto'

/** Both are invalid dates where they cannot be read. */
export interface ValidityPeriod {
  readonly from: Date
  readonly until: Date
}

type Dated = Pick<X509Certificate, 'validFrom' | 'validFromDate' | 'validTo' | 'validToDate'>

/**
 * From when until when a certificate is valid (RFC 5280, 4.1.2.5). For a time that cannot be read, Node's own dates are
 * whatever lay in memory.
 */
export function validityPeriod(certificate: Dated): ValidityPeriod {
  const { validFrom, validFromDate, validTo, validToDate } = certificate
  return { from: readable(validFrom, validFromDate), until: readable(validTo, validToDate) }
}

function readable(text: string, date: Date): Date {
  return Number.isNaN(Date.parse(text)) ? new Date(Number.NaN) : date
}
