/** Transports for tests: to servers of this process, with what most of them have in common. */

import type { Issued } from '../../demo/certificate-authority.ts'
import { Secrets } from '../../src/text.ts'
import type { OwnChain } from '../../src/transport/own-chain.ts'
import { createTransport, type Probe, type Transport, type TransportOptions } from '../../src/transport/transport.ts'
import { trustOf } from '../../src/transport/trust.ts'

export interface Meeting extends Partial<Omit<TransportOptions, 'url' | 'identity' | 'trust'>> {
  /** Leaf first; none: `client-cert: none`. */
  readonly client?: readonly Issued[]
  /** `ca-bundle`. */
  readonly trusted: readonly Issued[] | 'system'
  /** What the chain check found. */
  readonly findings?: OwnChain['findings']
  readonly unknownIssuer?: string
}

export function transportTo(
  url: string,
  { client = [], trusted, findings = [], unknownIssuer, ...options }: Meeting,
): Transport {
  const [leaf] = client
  return createTransport({
    url: new URL(url),
    identity: leaf && {
      chainPem: client.map(({ pem }) => pem).join(''),
      key: leaf.keys.privateKey,
      own: { certificates: client.map(({ certificate }) => certificate), findings, unknownIssuer },
    },
    trust: trustOf(trusted === 'system' ? 'system' : trusted.map(({ certificate }) => certificate)),
    proxy: undefined,
    tlsMinVersion: 'TLSv1.2',
    tlsMaxVersion: 'TLSv1.3',
    requireClientAuth: leaf !== undefined,
    connections: 1,
    idleTimeoutMs: 20_000,
    trustHints: [],
    secrets: new Secrets(),
    now: () => new Date(),
    ...options,
  })
}

/** One probe with a transport of its own. */
export async function probe(url: string, meeting: Meeting): Promise<Probe> {
  const transport = transportTo(url, meeting)
  try {
    return await transport.probe(new AbortController().signal)
  } finally {
    await transport.close()
  }
}
