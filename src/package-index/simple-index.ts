import type { KnownServer } from './known-server.ts'

/** The simple index (PEP 503, PEP 691) that is asked about files. */
export interface SimpleIndex {
  /** Ends in a slash; a project's page is the normalised name and a slash below it. */
  readonly root: URL
  /**
   * `given`: the input check-url; `known`: a known server's own shape of URL; `guessed`: `/simple/` beside `/legacy/` or
   * at `/`, where a 404 means "absent" only when that root has answered as a simple index.
   */
  readonly source: 'given' | 'known' | 'guessed'
  readonly server: KnownServer | undefined
}
