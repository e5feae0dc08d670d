import type { Dispatcher } from 'undici'
import type { Distribution } from '../distributions/distribution.ts'
import type { PublishError } from '../errors.ts'
import type { Secrets } from '../text.ts'
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
  /** The upload URL itself, at which few servers do both. */
  readonly isUploadUrl?: boolean
}

/** Who asks, and how. One for each origin: credentials go to the origin of repository-url alone. */
export interface IndexReader {
  /** Bound to the origin of the simple index: it refuses every other. */
  readonly dispatcher: Dispatcher
  /** Value of the Authorization header; undefined: none is sent. */
  readonly authorization: string | undefined
  readonly userAgent: string
  /** Milliseconds for the whole answer of a lookup, redirects included; and again for each file that is fetched. */
  readonly idleTimeoutMs: number
  readonly secrets: Secrets
  /** The transport's account of a connection that failed or died; undefined for what is no matter of the connection. */
  readonly explain: (error: unknown) => PublishError | undefined
}

/** What a simple index says of one file of ours. */
export type Finding =
  | { readonly state: 'absent' }
  /** It has these very bytes. `download`: its file was fetched and hashed. */
  | { readonly state: 'same'; readonly verified: 'sha256' | 'sha384' | 'sha512' | 'download' }
  | {
      readonly state: 'other'
      /** What differs, printable: `sha256 ab12...`, `size 123`. */
      readonly listed: string
      /** Where the index's file can be fetched; undefined on another origin. */
      readonly url: URL | undefined
    }
  | {
      /** It has a file of this name, and whether the bytes are ours cannot be told. */
      readonly state: 'unknown'
      /** End of a sentence, printable. */
      readonly why: string
      readonly url: URL | undefined
      /** Its size is there, and is ours. */
      readonly sizeFits?: boolean
    }

/** Whether the index has a file of this name, whatever its bytes. */
export function isListed(finding: Finding | undefined): finding is Exclude<Finding, { state: 'absent' }> {
  return finding !== undefined && finding.state !== 'absent'
}

/** What a simple index says of a project. */
export interface ProjectFindings {
  /** Whether it has a page for the project that lists at least one file. */
  readonly known: boolean
  /** By our file name, one for each distribution that was asked about. */
  readonly files: ReadonlyMap<string, Finding>
}

/** Whether another try may help, and not before how many milliseconds, as the server asks. */
export type Retry = { readonly afterMs: number | undefined }

/** What ended a lookup. */
export class LookupFailure extends Error {
  readonly problem: PublishError
  /** Undefined: another try would end the same way. */
  readonly retry: Retry | undefined
  /** What was known of some files by then. Another try need not ask for them, nor fetch them to compare. */
  readonly found: ReadonlyMap<string, Finding>

  constructor(problem: PublishError, retry?: Retry, found: ReadonlyMap<string, Finding> = new Map()) {
    super(problem.message, { cause: problem })
    this.name = 'LookupFailure'
    this.problem = problem
    this.retry = retry
    this.found = found
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
