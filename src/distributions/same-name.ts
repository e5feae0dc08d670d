import { type ProblemList, PublishError } from '../errors.ts'
import { count, formatBytes, printable } from '../text.ts'
import { digest } from './digest.ts'
import type { FoundFile } from './discover.ts'
import { listNames } from './name-list.ts'
import { OpenFile } from './open-file.ts'

/**
 * Leaves one file of each base name: an index has one place for it. The same bytes twice are told in a notice.
 *
 * Adds E_DIST_DUPLICATE to `problems` for files of one name with other bytes.
 */
export async function withoutCopies(
  files: readonly FoundFile[],
  problems: ProblemList,
): Promise<{ readonly found: readonly FoundFile[]; readonly notices: readonly string[] }> {
  const found: FoundFile[] = []
  const notices: string[] = []
  for (const group of Map.groupBy(files, ({ file }) => file).values()) {
    found.push(...group.slice(0, 1))
    if (group.length === 1) continue
    const notice = await problems.collect(() => compare(group))
    if (notice !== undefined) notices.push(notice)
  }
  return { found, notices }
}

/** @throws PublishError E_DIST_DUPLICATE, and what opening and reading throw */
async function compare(group: readonly FoundFile[]): Promise<string> {
  const digests = new Set<string>()
  const places: string[] = []
  for (const { path, shown, file } of group) {
    const open = OpenFile.open(path, file)
    try {
      const { sha256 } = await digest(open, { md5: false })
      digests.add(sha256)
      places.push(`${shown} (${formatBytes(open.size)}, sha256 ${sha256.slice(0, 16)}…)`)
    } finally {
      open.close()
    }
  }
  const name = `${printable(group[0]?.file ?? '')} lies in ${count(group.length, 'place')}`
  if (digests.size === 1) return `${name} with the same bytes and is published once: ${listNames(places)}`
  throw new PublishError({
    code: 'E_DIST_DUPLICATE',
    message: `${name} with different bytes: ${listNames(places)}`,
    hint: 'Files of several builds are mixed: leave all but one out with `!` lines in `files`, or build each of them once.',
  })
}
