import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** What the server side of the in-memory handshake shows. Nobody trusts it, and it lives as long as the handshake. */
export interface ServerCertificate {
  /** PEM. */
  readonly certificate: string
  /** PEM, PKCS#8. */
  readonly key: string
}

/** SEQUENCE { ecdsa-with-SHA256 } */
const ECDSA_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex')

/** A self-signed certificate without names or extensions (X.509 version 1: RFC 5280, 4.1) and its key. */
export function makeServerCertificate(): ServerCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const tbs = toBeSigned(publicKey)
  const signature = der(0x03, Buffer.from([0]), sign('sha256', tbs, privateKey))
  const body = der(0x30, tbs, ECDSA_SHA256, signature).toString('base64')
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${body.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function toBeSigned(publicKey: KeyObject): Buffer {
  const serial = der(0x02, Buffer.from([1]))
  const nobody = der(0x30)
  const utcTime = (text: string) => der(0x17, Buffer.from(text, 'latin1'))
  const validity = der(0x30, utcTime('700101000000Z'), utcTime('491231235959Z'))
  const key = publicKey.export({ type: 'spki', format: 'der' })
  return der(0x30, serial, ECDSA_SHA256, nobody, validity, nobody, key)
}

/** One element of fewer than 65,536 bytes. */
function der(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents)
  const { length } = body
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
