import type { Secrets } from '../text.ts'

export interface BasicCredentials {
  readonly user: string
  readonly password: string
}

/**
 * Value of the Authorization header (RFC 7617, UTF-8). It becomes a secret here: a front that echoes its request must
 * not bring it into a log.
 */
export function basicAuthorization({ user, password }: BasicCredentials, secrets: Secrets): string {
  const token = Buffer.from(`${user}:${password}`, 'utf8').toString('base64')
  secrets.add(token)
  return `Basic ${token}`
}
