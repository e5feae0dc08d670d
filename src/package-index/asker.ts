import type { DigestOf } from './finding.ts'
import type { DownloadBudget } from './index-file.ts'
import { lookUp } from './lookup.ts'
import { RootProof } from './root-proof.ts'
import type { Ask, IndexReader, SimpleIndex } from './simple-index.ts'

/** How one simple index is asked in one run. */
export interface AskerOptions {
  readonly index: SimpleIndex
  readonly reader: IndexReader
  readonly download: DownloadBudget
  readonly digestOf: DigestOf
}

/** Looks at one simple index; what is learnt of its root is kept. */
export function askerOf({ index, reader, download, digestOf }: AskerOptions): Ask {
  const proof = new RootProof()
  return (project, distributions, prefer, signal) =>
    lookUp(project, distributions, index, reader, { prefer, download, proof, digestOf }, signal)
}
