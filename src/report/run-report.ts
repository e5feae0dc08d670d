import type { Finding } from '../certificates/findings.ts'
import type { PublishError } from '../errors.ts'
import type { FileResult } from '../package-index/outcome.ts'
import type { RunnerFacts } from '../runner.ts'
import type { Handshake, HandshakeFacts } from '../transport/transport.ts'

/** Where and by what the run was made; `''` where the runner does not say. All texts are printable. */
export interface RunFacts extends Omit<RunnerFacts, 'refType' | 'refName' | 'workspace' | 'temp'> {
  readonly actionVersion: string
}

/** One certificate of the chain that is sent. Subject and issuer are printable. */
export interface CertificateFacts {
  /** `leaf`, `intermediate 1` ... */
  readonly position: string
  readonly subject: string
  readonly issuer: string
  readonly serial: string
  /** Hexadecimal pairs with colons, as OpenSSL prints them. */
  readonly fingerprint256: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** Subject alternative names: `DNS:ci.example.com, URI:...`, printable; `''`: none. */
  readonly names: string
  /** Extended key usage: `clientAuth`, or an object identifier; undefined: the certificate does not limit its use. */
  readonly purposes: readonly string[] | undefined
}

/** A finished run, as annotations, log, summary, outputs and JSON report tell it. Foreign text in it is redacted and printable. */
export interface RunReport {
  readonly status: 'succeeded' | 'failed' | 'cancelled'
  readonly dryRun: boolean
  /** Whether files are looked up on the index: not with `check-url: off`. */
  readonly looksUp: boolean
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly repositoryUrl: URL | undefined
  /** In upload order; `[]` where discovery did not finish. */
  readonly files: readonly FileResult[]
  /** What ended the run, besides the files' own problems. */
  readonly problems: readonly PublishError[]
  readonly warnings: readonly string[]
  readonly notices: readonly string[]
  readonly handshake: Handshake
  readonly server: HandshakeFacts | undefined
  /** What a handshake that failed had shown until then. */
  readonly serverSeen?: Partial<HandshakeFacts> | undefined
  /** Names of the CAs whose certificates the server asks for; undefined: not known, `[]`: it names none. */
  readonly serverCaNames?: readonly string[] | undefined
  /** Number of the TLS alert that ended the run. */
  readonly alert?: number | undefined
  /** Without user and password. */
  readonly proxy: string | undefined
  /** Leaf first; `[]` without a client certificate. */
  readonly chain: readonly CertificateFacts[]
  /** Subject of the CA certificate at which the chain ends, where one is at hand. */
  readonly anchor: string | undefined
  /** What the chain check says, errors first. */
  readonly findings: readonly Finding[]
  /** Whether the server had to chain to `ca-bundle`. */
  readonly ownCaBundle: boolean
  /** Minutes by which the runner's local time is ahead of UTC. */
  readonly utcOffsetMinutes: number
  /** Of the certificate of the sent chain that ends first. */
  readonly certificateExpires: Date | undefined
  readonly certificateDaysLeft: number | undefined
  readonly exported:
    | {
        readonly clientCert: string
        readonly clientKey: string
        readonly clientPem: string
        /** `''` with `ca-bundle: system`. */
        readonly caBundle: string
      }
    | undefined
  readonly supportContact: string | undefined
  readonly run: RunFacts
  /** Path of the JSON report; `''` where it could not be written. */
  readonly reportPath: string
}
