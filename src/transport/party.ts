import type { ServerTrust } from './trust.ts'

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** Who was met, and with what: what a sentence about a connection has to know. */
export interface Party {
  /** Without brackets. */
  readonly host: string
  /** `host:port` */
  readonly target: string
  readonly proxy: URL | undefined
  readonly hasIdentity: boolean
  readonly trust: ServerTrust
  readonly trustHints: readonly string[]
  /** What the chain check holds against the client's certificate. */
  readonly doubt: string | undefined
  readonly tlsMinVersion: TlsVersion
  readonly tlsMaxVersion: TlsVersion
  /** Milliseconds. */
  readonly idleTimeoutMs: number
  readonly now: () => Date
}
