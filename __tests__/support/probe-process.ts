/**
 * A program that probes one server and prints what came of it: for what the environment of a process decides. Its one
 * argument is a ProbeOrder as JSON.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { Secrets } from '../../src/text.ts'
import { proxyFor } from '../../src/transport/proxy.ts'
import { createTransport, type Handshake } from '../../src/transport/transport.ts'
import { trustOf } from '../../src/transport/trust.ts'

export interface ProbeOrder {
  readonly url: string
  /** PEM each; `system`: Node's and the system's. */
  readonly trusted: readonly string[] | 'system'
  readonly chainPem: string
  readonly keyPem: string
  readonly proxy?: string
}

export interface ProbeReport {
  readonly handshake: Handshake
  readonly code: string | undefined
  readonly message: string | undefined
  readonly hint: string | undefined
  /** CAs that the environment added. */
  readonly added: number
}

const [, , argument = ''] = process.argv
const order: ProbeOrder = JSON.parse(argument)
const url = new URL(order.url)
const trust = trustOf(order.trusted === 'system' ? 'system' : order.trusted.map((pem) => new X509Certificate(pem)))
const transport = createTransport({
  url,
  identity: {
    chainPem: order.chainPem,
    key: createPrivateKey(order.keyPem),
    own: { certificates: [new X509Certificate(order.chainPem)], findings: [], unknownIssuer: undefined },
  },
  trust,
  proxy: proxyFor(url, { httpsProxy: order.proxy, noProxy: undefined }),
  tlsMinVersion: 'TLSv1.2',
  tlsMaxVersion: 'TLSv1.3',
  connections: 1,
  requireClientAuth: true,
  idleTimeoutMs: 10_000,
  trustHints: [],
  secrets: new Secrets(),
  now: () => new Date(),
})
const { handshake, problem } = await transport.probe(new AbortController().signal)
await transport.close()
const report: ProbeReport = {
  handshake,
  code: problem?.code,
  message: problem?.message,
  hint: problem?.hint,
  added: trust.added,
}
process.stdout.write(JSON.stringify(report))
