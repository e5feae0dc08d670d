import type { AcceptedAuthorities } from './accepted-authorities.ts'
import type { OwnChain } from './own-chain.ts'
import type { ServerTrust } from './trust.ts'

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** Who was met, and with what: what a sentence about a connection has to know. */
export interface Party {
  /** Without brackets. */
  readonly host: string
  /** `host:port` */
  readonly target: string
  readonly proxy: URL | undefined
  /** Undefined: `client-cert: none`. */
  readonly own: OwnChain | undefined
  /** Undefined: not asked yet, or not known. */
  readonly accepted: AcceptedAuthorities | undefined
  readonly trust: ServerTrust
  readonly trustHints: readonly string[]
  readonly tlsMinVersion: TlsVersion
  readonly tlsMaxVersion: TlsVersion
  /** Milliseconds. */
  readonly idleTimeoutMs: number
  readonly now: () => Date
}
