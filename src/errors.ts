/**
 * Every fault that a user can meet, by its stable code: `E_` + area + fault. A code is never renamed after 1.0;
 * `docs/troubleshooting.md` has one section for each (a contract test compares the two).
 */
export const ERROR_CODES = [
  'E_INPUT_MISSING',
  'E_INPUT_EMPTY',
  'E_INPUT_INVALID',
  'E_INPUT_UNKNOWN',
  'E_INPUT_CONFLICT',
  'E_INPUT_FILE',
  'E_INPUT_FORMAT',
  'E_INPUT_TRUNCATED',
  'E_RUN_UNTRUSTED_EVENT',
  'E_RUN_CANCELLED',
  'E_RUN_INTERNAL',
  'E_MATERIAL_WRITE',
  'E_CERT_MISSING',
  'E_CERT_UNREADABLE',
  'E_CERT_EXPIRED',
  'E_CERT_NOT_YET_VALID',
  'E_CERT_EXPIRES_SOON',
  'E_CERT_PURPOSE',
  'E_CERT_UNKNOWN_ISSUER',
  'E_CERT_INCOMPLETE_CHAIN',
  'E_CERT_UNTIDY_CHAIN',
  'E_CERT_NOT_A_CA',
  'E_CERT_PATH_LENGTH',
  'E_CERT_SIGNATURE',
  'E_CERT_WEAK',
  'E_CERT_REFUSED',
  'E_CERT_PROFILE',
  'E_CERT_REVOKED',
  'E_CRL_UNREADABLE',
  'E_CRL_FORGED',
  'E_CRL_OUTDATED',
  'E_CRL_MISSING',
  'E_KEY_MISSING',
  'E_KEY_UNREADABLE',
  'E_KEY_UNSUPPORTED',
  'E_KEY_AMBIGUOUS',
  'E_KEY_MISMATCH',
  'E_KEY_PASSPHRASE_MISSING',
  'E_KEY_PASSPHRASE_WRONG',
  'E_CA_UNREADABLE',
  'E_DIST_NONE',
  'E_DIST_PATTERN',
  'E_DIST_FILE',
  'E_DIST_LINK',
  'E_DIST_STRAY',
  'E_DIST_UNSUPPORTED',
  'E_DIST_NAME',
  'E_DIST_DUPLICATE',
  'E_DIST_LAYOUT',
  'E_DIST_LIMIT',
  'E_DIST_METADATA',
  'E_DIST_MISMATCH',
  'E_DIST_CHANGED',
  'E_EXPECTED_PROJECTS',
  'E_EXPECTED_VERSION',
  'E_EXPECTED_FILES',
  'E_EXPECTED_SHA256',
  'E_NETWORK_DNS',
  'E_NETWORK_REFUSED',
  'E_NETWORK_TIMEOUT',
  'E_NETWORK_CLOSED',
  'E_PROXY_UNREACHABLE',
  'E_PROXY_REFUSED',
  'E_PROXY_GATEWAY',
  'E_TLS_NOT_TLS',
  'E_TLS_VERSION',
  'E_TLS_HANDSHAKE',
  'E_TLS_SERVER_EXPIRED',
  'E_TLS_SERVER_NOT_YET_VALID',
  'E_TLS_SERVER_NAME',
  'E_TLS_SERVER_UNKNOWN_CA',
  'E_TLS_SERVER_INCOMPLETE_CHAIN',
  'E_TLS_SERVER_REFUSED',
  'E_TLS_INSPECTED',
  'E_TLS_CLIENT_NOT_ASKED',
  'E_TLS_CLIENT_REQUIRED',
  'E_TLS_CLIENT_UNKNOWN_CA',
  'E_TLS_CLIENT_EXPIRED',
  'E_TLS_CLIENT_REVOKED',
  'E_TLS_CLIENT_PURPOSE',
  'E_TLS_CLIENT_REFUSED',
  'E_HTTP_CLIENT_CERT_REQUIRED',
  'E_HTTP_CLIENT_CERT_REFUSED',
  'E_HTTP_UNAUTHORIZED',
  'E_HTTP_FORBIDDEN',
  'E_HTTP_NOT_FOUND',
  'E_HTTP_EXISTS',
  'E_HTTP_TOO_LARGE',
  'E_HTTP_TOO_MANY_REQUESTS',
  'E_HTTP_REDIRECT',
  'E_HTTP_LOGIN_PAGE',
  'E_HTTP_BLOCKED',
  'E_HTTP_MISDIRECTED',
  'E_HTTP_REJECTED',
  'E_HTTP_SERVER_ERROR',
  'E_HTTP_NOT_HTTP',
  'E_HTTP_NO_ANSWER',
  'E_INDEX_UNPROVEN',
  'E_INDEX_LOOKUP',
  'E_INDEX_CONFLICT',
  'E_INDEX_UNCONFIRMED',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export interface ProblemDetails {
  readonly code: ErrorCode
  /** What was expected and what was found, and where: lower-case start, no final period. */
  readonly message: string
  /** What to do now: a full sentence, or undefined where the message says it all. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/** One fault, explained to the person who has to mend it. Never holds a secret; foreign text in it went through `text.ts`. */
export class PublishError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor({ code, message, hint, cause }: ProblemDetails) {
    super(message, { cause })
    this.name = 'PublishError'
    this.code = code
    this.hint = hint
  }
}

const PASSING: readonly ErrorCode[] = [
  'E_NETWORK_DNS',
  'E_NETWORK_REFUSED',
  'E_NETWORK_TIMEOUT',
  'E_NETWORK_CLOSED',
  'E_PROXY_UNREACHABLE',
  'E_PROXY_GATEWAY',
]

/** Whether a connection that failed so may stand at the next try. */
export function mayPass({ code }: PublishError): boolean {
  return PASSING.includes(code)
}

/** Several faults that were found in one stage and are reported together. Never empty. */
export class PublishErrors extends Error {
  readonly problems: readonly PublishError[]

  constructor(problems: readonly PublishError[]) {
    super(`${problems.length} problems were found`)
    this.name = 'PublishErrors'
    this.problems = problems
  }
}

/** Collects the problems of one stage, so that all of them are reported and not the first alone. */
export class ProblemList {
  readonly #problems: PublishError[] = []

  get length(): number {
    return this.#problems.length
  }

  get all(): readonly PublishError[] {
    return this.#problems
  }

  add(problem: ProblemDetails | PublishError): void {
    this.#problems.push(problem instanceof PublishError ? problem : new PublishError(problem))
  }

  /** Runs one check; what it throws is kept with the others. Errors of our own code are not hidden: they pass. */
  async collect<T>(check: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await check()
    } catch (error) {
      this.#keep(error)
      return undefined
    }
  }

  #keep(error: unknown): void {
    if (error instanceof PublishErrors) this.#problems.push(...error.problems)
    else if (error instanceof PublishError) this.#problems.push(error)
    else throw error
  }

  /** Throws what was collected; returns when there is nothing. */
  throwIfAny(): void {
    const [first, ...rest] = this.#problems
    if (first === undefined) return
    throw rest.length === 0 ? first : new PublishErrors(this.#problems)
  }
}

/** What a catch clause got, as problems to report. Anything that is not ours is a defect of this action: E_RUN_INTERNAL. */
export function problemsOf(error: unknown): readonly PublishError[] {
  if (error instanceof PublishErrors) return error.problems
  if (error instanceof PublishError) return [error]
  const name = error instanceof Error ? error.name : typeof error
  return [
    new PublishError({
      code: 'E_RUN_INTERNAL',
      message: `the action met a fault of its own (${name})`,
      hint: 'Run again with debug logging switched on and report the stack that the log then has.',
      cause: error,
    }),
  ]
}

/** `code` of a Node.js system or TLS error, or undefined. */
export function errorCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
