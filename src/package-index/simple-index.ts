import type { Distribution } from '../distributions/distribution.ts'
import type { PublishError } from '../errors.ts'
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

/** What the index has of one file. */
export type Finding =
  | { readonly state: 'absent' }
  /** These very bytes: by a digest on the page, or of the file that was downloaded. */
  | { readonly state: 'same'; readonly verified: 'sha256' | 'sha384' | 'sha512' | 'download' }
  | {
      readonly state: 'other'
      /** What differs, printable: `sha256 ab12...`, `size 1234`. */
      readonly listed: string
      /** Where the index's file can be fetched from; undefined: only at another origin. */
      readonly url: URL | undefined
    }
  /** A file of this name whose bytes cannot be compared; `why` ends a sentence. */
  | { readonly state: 'unknown'; readonly why: string; readonly url: URL | undefined }

/** What the index has of one project. */
export interface ProjectFindings {
  /** Whether its page lists a file at all. */
  readonly known: boolean
  /** By our file name: one for each distribution that was asked about. */
  readonly files: ReadonlyMap<string, Finding>
}

/** A lookup that came to nothing. */
export class LookupFailure extends Error {
  readonly problem: PublishError
  /** Another try may help; `afterMs`: not before, as the server asks. */
  readonly retry: { readonly afterMs: number | undefined } | undefined

  constructor(problem: PublishError, retry: LookupFailure['retry']) {
    super(problem.message, { cause: problem })
    this.name = 'LookupFailure'
    this.problem = problem
    this.retry = retry
  }
}

/** Which page is asked for first: indexes keep JSON and HTML apart in their caches. */
export type PageFormat = 'json' | 'html'

/** One look at a project's page. Rejects with LookupFailure, or with the signal's reason. */
export type Ask = (
  project: string,
  distributions: readonly Distribution[],
  prefer: PageFormat,
  signal: AbortSignal,
) => Promise<ProjectFindings>
