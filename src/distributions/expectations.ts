import type { ProblemList } from '../errors.ts'
import { clip, count, printable } from '../text.ts'
import type { Distribution } from './distribution.ts'
import { checkDigests } from './expected-digests.ts'
import { normalizeName, parseWheelFilename } from './filename.ts'
import { escapeGlob } from './glob-pattern.ts'
import { listNames } from './name-list.ts'
import { readReleaseName } from './release-name.ts'
import { compareVersions, parseVersion, sameVersion, type Version, versionKey } from './version.ts'

/** Characters of a table in one message: an annotation holds 4,096 in all. */
const LONGEST_TABLE = 2000

/** What may be published, as the inputs `expected-*` say it. */
export interface Expectations {
  /** `one` project whatever its name; `any`; or names in any spelling. */
  readonly projects: 'one' | 'any' | readonly string[]
  /** `one` version a project; `any`; or a version or release tag. */
  readonly version: string
  readonly files: 'any' | number
  /** `any`, or the text of a SHA256SUMS file. */
  readonly sha256: string
}

/**
 * Compares the distributions that are fit to be sent with what the inputs say. Without a distribution there is nothing
 * that could be unexpected, and E_DIST_NONE is the problem.
 *
 * Adds to `problems` E_EXPECTED_PROJECTS, E_EXPECTED_VERSION, E_EXPECTED_FILES and E_EXPECTED_SHA256, each with what
 * differs. Files are hashed for the last one alone; what keeps them from it is a problem too, the signal's reason included.
 */
export async function checkExpectations(
  distributions: readonly Distribution[],
  expected: Expectations,
  problems: ProblemList,
): Promise<void> {
  if (distributions.length === 0) return
  checkProjects(distributions, expected.projects, problems)
  if (expected.version === 'one') checkOneVersion(distributions, problems)
  else if (expected.version !== 'any') checkVersion(distributions, expected.version, problems)
  if (expected.files !== 'any') checkCount(distributions, expected.files, problems)
  if (expected.sha256 !== 'any') await checkDigests(distributions, expected.sha256, problems)
}

function checkProjects(
  distributions: readonly Distribution[],
  expected: Expectations['projects'],
  problems: ProblemList,
): void {
  if (expected === 'any') return
  const projects = Map.groupBy(distributions, ({ project }) => project)
  const listed = (names: Iterable<string>) =>
    listNames([...names].map((name) => `${name} (${count(projects.get(name)?.length ?? 0, 'file')})`))
  if (expected === 'one') {
    if (projects.size === 1) return
    problems.add({
      code: 'E_EXPECTED_PROJECTS',
      message: `expected-projects is \`one\`, and there are ${projects.size} projects: ${listed(projects.keys())}`,
      hint: `Leave out with \`files\` what is not to be published, or write \`expected-projects: ${listNames([...projects.keys()])}\`, or \`any\`.`,
    })
    return
  }
  const names = new Set(expected.map(normalizeName))
  const others = [...projects.keys()].filter((project) => !names.has(project))
  if (others.length === 0) return
  problems.add({
    code: 'E_EXPECTED_PROJECTS',
    message: `expected-projects allows ${listNames([...names].map((name) => printable(name, 80)))}, and there is also ${listed(others)}`,
    hint: 'Leave out with `files` what is not to be published, or add the name to `expected-projects`.',
  })
}

function checkOneVersion(distributions: readonly Distribution[], problems: ProblemList): void {
  for (const [project, files] of Map.groupBy(distributions, (one) => one.project)) {
    const versions = versionsOf(files)
    const newest = versions.at(-1)
    if (versions.length < 2 || newest === undefined) continue
    const lines = patternsOf(files.filter(({ version }) => sameVersion(version, newest)))
    problems.add({
      code: 'E_EXPECTED_VERSION',
      message: `expected-version is \`one\`, and ${project} has ${versions.length} versions: ${listNames(versions)}`,
      hint: `To publish one of them write \`expected-version: ${newest}\` with \`files: ${lines.join('` and the line `')}\`, to publish all \`expected-version: any\`. The workspace of a self-hosted runner keeps files of earlier builds: clear the directory before the build or the download.`,
    })
  }
}

/** Oldest first. */
function versionsOf(distributions: readonly Distribution[]): string[] {
  const versions = new Map<string, { readonly text: string; readonly parsed: Version }>()
  for (const { version } of distributions) {
    const parsed = parseVersion(version)
    if (parsed !== undefined && !versions.has(versionKey(parsed)))
      versions.set(versionKey(parsed), { text: version, parsed })
  }
  return [...versions.values()].sort((a, b) => compareVersions(a.parsed, b.parsed)).map(({ text }) => text)
}

/** Lines of `files` that name these distributions and no others of their project. */
function patternsOf(distributions: readonly Distribution[]): string[] {
  const patterns = distributions.map(({ kind, file, shown }) => {
    const folder = escapeGlob(shown.slice(0, -file.length))
    return kind === 'sdist' ? `${folder}${file}` : `${folder}${file.split('-').slice(0, 2).join('-')}-*.whl`
  })
  return [...new Set(patterns)]
}

function checkVersion(distributions: readonly Distribution[], expected: string, problems: ProblemList): void {
  const shown = `expected-version is ${printable(expected, 120)}`
  const readings = readReleaseName(expected)
  const projects = new Set(distributions.map(({ project }) => project))
  const known = readings.filter(({ project }) => project === undefined || projects.has(project))
  if (known.some((reading) => distributions.every(({ version }) => sameVersion(version, reading.version)))) return
  const [reading] = readings
  const [usable] = known
  if (reading === undefined) {
    problems.add({
      code: 'E_EXPECTED_VERSION',
      message: `${shown}, which is neither a version nor a release tag`,
      hint: 'Give a version (1.2.3), a tag (v1.2.3, demo-1.2.3, demo/v1.2.3, demo@1.2.3), `one` or `any`.',
    })
  } else if (usable === undefined) {
    problems.add({
      code: 'E_EXPECTED_VERSION',
      message: `${shown}, which names the project ${reading.project}, and the distributions are of ${listNames(projects)}`,
      hint: 'Give the version alone: what stands before it can only be the name of a project that is published, and `v`.',
    })
  } else {
    const others = distributions.filter(({ version }) => !sameVersion(version, usable.version))
    const files = listNames(others.map(({ file, version }) => `${file} (${version})`))
    problems.add({
      code: 'E_EXPECTED_VERSION',
      message: `${shown}, and ${others.length} of ${count(distributions.length, 'distribution')} have another version: ${files}`,
      hint: 'Build from the commit that has this version, or leave out with `files` what is of another one.',
    })
  }
}

function checkCount(distributions: readonly Distribution[], expected: number, problems: ProblemList): void {
  if (distributions.length === expected) return
  problems.add({
    code: 'E_EXPECTED_FILES',
    message: `expected-files is ${expected}, and ${count(distributions.length, 'distribution')} ${distributions.length === 1 ? 'is' : 'are'} fit to be sent: ${clip(tagTable(distributions), LONGEST_TABLE)}`,
    hint: 'Look for the row in which a build is missing or is there twice: an artifact may not have been downloaded.',
  })
}

/** By release and platform, the interpreters that there are builds for: what is missing shows beside its neighbours. */
function tagTable(distributions: readonly Distribution[]): string {
  const releases = Map.groupBy(distributions, ({ project, version }) => `${project} ${version}`)
  return [...releases].map(([release, files]) => `${release} (${rowsOf(files).join('; ')})`).join(', ')
}

function rowsOf(files: readonly Distribution[]): string[] {
  const rows = new Map<string, string[]>()
  for (const { kind, file } of files) {
    const { row, cell } = kind === 'sdist' ? { row: 'sdist', cell: file } : cellOf(file)
    rows.set(row, [...(rows.get(row) ?? []), cell])
  }
  return [...rows].map(([row, cells]) => `${row}: ${cells.join(', ')}`)
}

function cellOf(wheel: string): { readonly row: string; readonly cell: string } {
  const { pythonTag, abiTag, platformTag, build } = parseWheelFilename(wheel)
  const interpreter = abiTag === pythonTag ? pythonTag : `${pythonTag}-${abiTag}`
  return { row: platformTag, cell: build === undefined ? interpreter : `${interpreter} build ${build}` }
}

/**
 * Says that the run's tag is a version that no distribution has; undefined when one has it, when the tag is no version
 * and when the run is for no tag. A word before the version counts where it is a project of the distributions only.
 */
export function tagWarning(
  distributions: readonly Distribution[],
  { type, name }: { readonly type: string | undefined; readonly name: string | undefined },
): string | undefined {
  if (type !== 'tag' || name === undefined || distributions.length === 0) return undefined
  const projects = new Set(distributions.map(({ project }) => project))
  const readings = readReleaseName(name).filter(({ project }) => project === undefined || projects.has(project))
  if (readings.length === 0) return undefined
  const isTagged = readings.some((reading) =>
    distributions.some(({ version }) => sameVersion(version, reading.version)),
  )
  if (isTagged) return undefined
  const releases = new Set(distributions.map(({ project, version }) => `${project} ${version}`))
  return `the tag is ${printable(name, 120)}, and no distribution has that version: ${listNames([...releases])}`
}
