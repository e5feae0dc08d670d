import type { X509Certificate } from 'node:crypto'
import { getCACertificates } from 'node:tls'

/** The CAs that a server must chain to. */
export interface ServerTrust {
  /** PEM each. */
  readonly ca: readonly string[]
  /** Whether a certificate of `ca` that is no root ends the chain (OpenSSL's partial chain). */
  readonly partial: boolean
  readonly source: 'ca-bundle' | 'system'
  /** How many of them the environment added (NODE_EXTRA_CA_CERTS): for the log. */
  readonly added: number
}

/**
 * `ca-bundle` as TLS takes it. A bundle is the whole statement of trust: nothing that the environment names is added to
 * it, and an issuing CA or the server's own certificate in it is trusted as it stands. `system`: Node's own roots, what
 * NODE_EXTRA_CA_CERTS adds to them, and the operating system's store.
 */
export function trustOf(bundle: readonly X509Certificate[] | 'system'): ServerTrust {
  if (bundle === 'system') {
    const ca = systemAuthorities()
    return { ca, partial: false, source: 'system', added: getCACertificates('extra').length }
  }
  return { ca: bundle.map((one) => one.toString()), partial: true, source: 'ca-bundle', added: 0 }
}

/** What `ca-bundle: system` trusts, PEM each. Reading the system's store may take tens of milliseconds. */
export function systemAuthorities(): readonly string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
}
