import type { Answer } from './answer.ts'
import { SERVERS } from './server-table.ts'

/** Words that many servers have in common. */
const COMMON_WORDS = /already exist|exists? already/
const COMMON_STATUSES: ReadonlySet<number> = new Set([400, 412, 422])

/** A refusal for the permission that speaks of a file, and not of a project or a user that exists already. */
const FILE_WORDS = /\bfile\b.{0,300} (?:already exists|exists already)/

/** A 409 that is about something else: a project's name (PyPI), a policy of the repository (Artifactory), a deleted version. */
const OTHER_CONFLICT = /existing project|rejected the|\bdeleted\b/

/**
 * Whether a refusal means that the index has a file of this name. The number alone never says it, but for a 409 that is
 * not about anything else.
 *
 * @param haystack everything that the server said, in lower case
 */
export function meansExists({ status }: Answer, haystack: string): boolean {
  if (SERVERS.some(({ exists }) => exists?.statuses.includes(status) && exists.words.test(haystack))) return true
  if (status === 403) return FILE_WORDS.test(haystack)
  if (status === 409) return !OTHER_CONFLICT.test(haystack)
  return COMMON_STATUSES.has(status) && COMMON_WORDS.test(haystack)
}
