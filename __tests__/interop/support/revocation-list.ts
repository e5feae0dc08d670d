/** Certificate revocation lists (RFC 5280, 5) of the throw-away CAs, whose keys are all P-256. */
import { sign } from 'node:crypto'
import { type Issued, objectIdentifier, sequence, tlv } from '../../../demo/certificate-authority.ts'

const ECDSA_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'))
const DAY = 86_400_000

/** PEM. The list names the certificates given; it is good for a day, or has been out of date for one. */
export function revocationList(issuer: Issued, revoked: readonly Issued[], age: 'current' | 'old' = 'current'): string {
  const now = age === 'current' ? Date.now() : Date.now() - 2 * DAY
  const since = utcTime(now - DAY)
  const entries = revoked.map(({ certificate }) => sequence(integer(certificate.serialNumber), since))
  const list = sequence(
    integer('01'),
    ECDSA_SHA256,
    nameOf(issuer),
    since,
    utcTime(now + DAY),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
  )
  const signature = tlv(0x03, Buffer.from([0]), sign('sha256', list, issuer.keys.privateKey))
  const body = sequence(list, ECDSA_SHA256, signature).toString('base64')
  return `-----BEGIN X509 CRL-----\n${body.replace(/.{64}(?=.)/g, '$&\n')}\n-----END X509 CRL-----\n`
}

/** The CA's subject, byte for byte: the fifth element behind the version of what is signed (RFC 5280, 4.1). */
function nameOf({ der }: Issued): Buffer {
  let at = contents(der, contents(der, 0).start).start
  for (const _ of ['version', 'serial', 'algorithm', 'issuer', 'validity']) at = contents(der, at).end
  return der.subarray(at, contents(der, at).end)
}

function contents(der: Buffer, at: number): { start: number; end: number } {
  const first = der[at + 1] ?? 0
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const start = at + 2 + (first & 0x7f)
  return { start, end: start + der.readUIntBE(at + 2, first & 0x7f) }
}

/** A positive number from hexadecimal digits. */
function integer(hex: string): Buffer {
  const bytes = Buffer.from(hex, 'hex')
  return tlv(0x02, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]))
}

function utcTime(time: number): Buffer {
  return tlv(0x17, Buffer.from(`${new Date(time).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`, 'latin1'))
}
