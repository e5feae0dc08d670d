import type { ProblemList } from '../errors.ts'
import { printable } from '../text.ts'
import type { Distribution } from './distribution.ts'
import { distributionKind, releasesOf } from './filename.ts'
import { listNames } from './name-list.ts'
import { sameVersion } from './version.ts'

/** More faults than these in one sentence help nobody. */
const MOST_FAULTS = 5

/** `digest  name`, `digest *name` (coreutils); a backslash in front says that the name is escaped. */
const GNU_LINE = /^(\\?)([0-9a-f]{64})[ \t]+\*?(\S.*)$/i
/** `SHA256 (name) = digest` (BSD, coreutils --tag), `SHA2-256(name)= digest` (openssl dgst). */
const BSD_LINE = /^(\\?)SHA2?-?256 ?\((.+)\) ?= ?([0-9a-f]{64})$/i
/** Lines of other algorithms, in lists that hold several. */
const OTHER_BSD_LINE = /^\\?(?!SHA2?-?256)[A-Z0-9][A-Z0-9/-]* ?\(.+\) ?= ?[0-9a-f]+$/i

interface DigestList {
  /** By base name: lower-case hex. */
  readonly sha256: ReadonlyMap<string, string>
  /** Sentences about lines that cannot be read. */
  readonly faults: readonly string[]
}

/**
 * Compares the distributions with a SHA256SUMS text. It must name each of them with its digest; and each file that it
 * names of a release (project and version) that is published must be there: a part of a release that was lost on the
 * way would go unnoticed else. Other lines (other files, other releases) do not count. Paths count by their last part.
 *
 * Adds E_EXPECTED_SHA256 to `problems`, once, with all that differs; and what keeps a file from being hashed, the
 * signal's reason too.
 */
export async function checkDigests(
  distributions: readonly Distribution[],
  text: string,
  problems: ProblemList,
): Promise<void> {
  const { sha256, faults } = readDigests(text)
  for (const { digests } of distributions) await problems.collect(() => digests.get())
  const unnamed = distributions.filter(({ file }) => !sha256.has(file)).map(({ file }) => file)
  const wrong = distributions.flatMap(({ file, digests }) => {
    const [expected, known] = [sha256.get(file), digests.known?.sha256]
    if (expected === undefined || known === undefined || expected === known) return []
    return [`${file} (expected ${expected}, found ${known})`]
  })
  const there = new Set(distributions.map(({ file }) => file))
  const lost = [...sha256.keys()].filter((file) => !there.has(file) && isOfRelease(file, distributions))
  const found = [
    ...faults,
    ...sentence('it does not name', unnamed),
    ...sentence('other bytes were expected of', wrong),
    ...sentence('it names what is not among the distributions to be sent:', lost),
  ]
  if (found.length === 0) return
  problems.add({
    code: 'E_EXPECTED_SHA256',
    message: `expected-sha256 and the distributions differ: ${found.join('; ')}`,
    hint: 'Publish exactly the files that the list was made of, or make the list again in the job that builds them (sha256sum dist/*).',
  })
}

function sentence(start: string, names: readonly string[]): string[] {
  if (names.length === 0) return []
  return [`${start} ${listNames(names)}`]
}

function isOfRelease(file: string, distributions: readonly Distribution[]): boolean {
  if (distributionKind(file) === undefined) return false
  return releasesOf(file).some((release) =>
    distributions.some(({ project, version }) => project === release.project && sameVersion(version, release.version)),
  )
}

function readDigests(text: string): DigestList {
  const sha256 = new Map<string, string>()
  const faults: string[] = []
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/)
  for (const [index, line] of lines.map((raw) => raw.trim()).entries()) {
    if (line === '' || line.startsWith('#') || OTHER_BSD_LINE.test(line)) continue
    const entry = readLine(line)
    if (entry === undefined) {
      faults.push(`its line ${index + 1} is no line of a SHA256SUMS file (${printable(line, 80)})`)
      continue
    }
    const known = sha256.get(entry.file) ?? entry.digest
    if (known !== entry.digest) faults.push(`it has two digests for ${printable(entry.file, 120)}`)
    sha256.set(entry.file, entry.digest)
  }
  return { sha256, faults: faults.slice(0, MOST_FAULTS) }
}

function readLine(line: string): { readonly file: string; readonly digest: string } | undefined {
  const [, gnuMark, gnuDigest, gnuName] = GNU_LINE.exec(line) ?? []
  const [, bsdMark, bsdName, bsdDigest] = BSD_LINE.exec(line) ?? []
  const [mark, digest, name] = [gnuMark ?? bsdMark, gnuDigest ?? bsdDigest, gnuName ?? bsdName]
  if (digest === undefined || name === undefined) return undefined
  const plain = mark === '' ? name : unescaped(name)
  return { digest: digest.toLowerCase(), file: plain.split(/[/\\]/).at(-1) ?? plain }
}

/** As coreutils escapes names with a backslash or a line end. */
function unescaped(name: string): string {
  const characters: Readonly<Record<string, string>> = { n: '\n', r: '\r' }
  return name.replace(/\\(.)/g, (_, character: string) => characters[character] ?? character)
}
