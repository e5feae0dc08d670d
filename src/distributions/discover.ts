import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import path from 'node:path'
import type { Globber } from '@actions/glob'
import { errorCodeOf, type ProblemDetails, type ProblemList, PublishError } from '../errors.ts'
import { count, printable } from '../text.ts'
import { distributionKind, legacyProblem } from './filename.ts'
import { absolutePattern, escapeGlob, exclusions, isExclusion } from './glob-pattern.ts'
import { listNames } from './name-list.ts'
import { linkFault, notAFile } from './open-file.ts'
import { withoutCopies } from './same-name.ts'
import { isHidden, isSideFile } from './side-file.ts'

/** A file with a distribution's extension. Its name is not checked yet, and it is not open. */
export interface FoundFile {
  /** Absolute, as the system takes it. */
  readonly path: string
  /** Relative to the workspace where it lies in there, with forward slashes, printable. */
  readonly shown: string
  /** Base name as it is on disk: foreign text until it is checked. */
  readonly file: string
}

export interface Where {
  /** Absolute: relative paths and patterns begin here. */
  readonly workspace: string
  readonly packagesDir: string
  /** Glob patterns, `!` excludes. Where there is one, `packagesDir` does not count. */
  readonly files: readonly string[]
}

export interface Discovery {
  /** Ordered by path; no two have one base name. */
  readonly found: readonly FoundFile[]
  /** Printable sentences: what was left alone. */
  readonly notices: readonly string[]
}

/** All files of the place that was searched, distributions or not. */
interface Listing {
  readonly files: readonly FoundFile[]
  /** How a sentence about files of this place begins: `dist holds`. */
  readonly place: string
  /** What to do with a file that does not belong there. */
  readonly strayHint: string
  /** Why there is no distribution, where nothing else was found to be wrong. */
  readonly whyNone: () => Promise<ProblemDetails>
}

/**
 * Finds the distributions to publish: those in the directory `packagesDir` and not below it, or those that `files`
 * names. No symbolic link is followed but `packagesDir` itself.
 *
 * Adds to `problems`: E_DIST_NONE when there is nothing to publish; E_DIST_PATTERN for a pattern that matches nothing;
 * E_DIST_LINK, E_DIST_UNSUPPORTED (formats of former times) and E_DIST_STRAY for what does not belong there;
 * E_DIST_DUPLICATE for files of one name with other bytes; E_DIST_FILE for what cannot be read.
 */
export async function discover(where: Where, problems: ProblemList): Promise<Discovery> {
  const before = problems.length
  const listing = where.files.length > 0 ? await namedByPatterns(where, problems) : await inPackagesDir(where, problems)
  const { candidates, notices, strayProblems } = sortOut(listing, problems)
  const isExplained = problems.length > before + strayProblems
  const none = candidates.length > 0 || isExplained ? undefined : await problems.collect(listing.whyNone)
  if (none !== undefined) problems.add(none)
  const unique = await withoutCopies(candidates, problems)
  return { found: unique.found, notices: [...notices, ...unique.notices] }
}

async function inPackagesDir({ workspace, packagesDir }: Where, problems: ProblemList): Promise<Listing> {
  const given = path.resolve(workspace, packagesDir)
  const shown = shownPath(given, [workspace])
  const { directory, fault } = (await problems.collect(() => resolveDirectory(given, shown))) ?? {}
  const paths = directory && (await problems.collect(() => filesIn(directory, shown)))
  return {
    files: (paths || []).map((file) => {
      const name = path.basename(file)
      return { path: file, shown: shownPath(path.join(given, name), [workspace]), file: name }
    }),
    place: `${shown} holds`,
    strayHint: `Keep in ${shown} only what is to be published, or name the distributions with \`files\`, for example \`${patternBelow(shown)}*.whl\`.`,
    whyNone: async () => {
      if (directory !== undefined) return noneIn(directory, shown)
      return nothing(
        fault ?? shown,
        'Build or download the distributions before this step, or say with `packages-dir` where they are.',
      )
    },
  }
}

/** The directory that a path leads to, links resolved this once; or why there is none. */
function resolveDirectory(given: string, shown: string): { readonly directory?: string; readonly fault?: string } {
  try {
    const directory = realpathSync.native(given)
    if (!statSync(directory).isDirectory()) return { fault: `packages-dir ${shown} is a file, not a directory` }
    // A pattern is one line, so that such a directory cannot be searched.
    return /[\r\n]/.test(directory) ? { fault: `the name of packages-dir ${shown} holds a line end` } : { directory }
  } catch (error) {
    const code = errorCodeOf(error)
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw unreadable(error, shown)
    return { fault: `packages-dir ${shown} does not exist` }
  }
}

/** Several artifacts that were downloaded into folders are the usual reason for an empty directory. */
async function noneIn(directory: string, shown: string): Promise<ProblemDetails> {
  const below = (await search([`${escapeGlob(directory)}/**`], shown)).filter((file) => distributionKind(file))
  const found = `packages-dir ${shown} holds no distribution (.whl, .tar.gz)`
  if (below.length === 0) {
    return nothing(found, 'Check that the build wrote into this directory, and that its artifact was downloaded to it.')
  }
  const folders = new Set(below.map((file) => path.dirname(file))).size
  const ends = ['.whl', '.tar.gz', '.zip'].filter((end) => below.some((file) => file.endsWith(end)))
  const [first = '', ...others] = ends.map((end) => `${patternBelow(shown)}**/*${end}`)
  const further = others.map((line) => ` and the line \`${line}\` below it`).join('')
  return nothing(
    `${found}, but ${count(below.length, 'distribution')} in ${folders} ${folders === 1 ? 'directory' : 'directories'} below it`,
    `Write \`files: ${first}\`${further} to publish them.`,
  )
}

function nothing(reason: string, hint: string): ProblemDetails {
  return { code: 'E_DIST_NONE', message: `there is nothing to publish: ${reason}`, hint }
}

/** How a pattern for files in a directory begins. */
function patternBelow(shown: string): string {
  return shown === '.' ? '' : `${escapeGlob(shown)}/`
}

async function namedByPatterns({ workspace, files }: Where, problems: ProblemList): Promise<Listing> {
  const root = realPath(workspace)
  const lines = files.filter((line) => !/^\s*(?:#|$)/.test(line))
  const included = lines.filter((line) => !isExclusion(line))
  const excluded = await excludedBy(
    lines.filter((line) => isExclusion(line)),
    (line) => absolutePattern(line, workspace, root),
    problems,
  )
  if (included.length === 0) problems.add(patternFault('files has no line that names files: all that it has exclude'))
  const paths = new Set<string>()
  for (const line of included) {
    const matched = await problems.collect(() =>
      matches(line, absolutePattern(line, workspace, root), excluded, [root, workspace]),
    )
    for (const file of matched ?? []) paths.add(file)
  }
  return {
    files: [...paths].sort().map((file) => ({
      path: file,
      shown: shownPath(file, [root, workspace]),
      file: path.basename(file),
    })),
    place: 'files names',
    strayHint:
      'Write patterns that match distributions only, such as `dist/*.whl`, or leave other files out with `!` lines.',
    whyNone: async () =>
      nothing('the `!` lines of files exclude all that the other lines name', 'Remove the `!` line that is too wide.'),
  }
}

async function excludedBy(
  lines: readonly string[],
  absolute: (line: string) => string,
  problems: ProblemList,
): Promise<string[]> {
  const patterns: string[] = []
  for (const line of lines) {
    const readable = exclusions(absolute(line))
    const globber = await problems.collect(() => globberOf(readable, line))
    if (globber !== undefined) patterns.push(...readable)
  }
  return patterns
}

/** @throws PublishError E_DIST_PATTERN when nothing matches, exclusions aside; E_DIST_LINK when a link is in the way */
async function matches(
  line: string,
  pattern: string,
  excluded: readonly string[],
  roots: readonly string[],
): Promise<string[]> {
  const found = await search([pattern, ...excluded], line)
  if (found.length > 0 || (await search([pattern], line)).length > 0) return found
  const [start = ''] = (await globberOf([pattern], line)).getSearchPaths()
  const stats = statsOf(start)
  if (stats?.isSymbolicLink())
    throw linkFault(`${shownPath(start, roots)}, where the pattern ${printable(line)} of files begins,`)
  throw patternFault(
    `the pattern ${printable(line)} of files matches no file`,
    stats?.isDirectory()
      ? 'A pattern must match the files themselves: `dist/*.whl` those in a directory, `dist/**/*.whl` those below it too.'
      : 'Patterns begin at the workspace: check where the build or the download put the distributions.',
  )
}

function patternFault(
  message: string,
  hint = 'Name the distributions with a pattern, for example `dist/*.whl`.',
): PublishError {
  return new PublishError({ code: 'E_DIST_PATTERN', message, hint })
}

async function globberOf(patterns: readonly string[], line: string): Promise<Globber> {
  const options = { followSymbolicLinks: false, implicitDescendants: false, matchDirectories: false }
  // Only where there are patterns: to load it takes longer than many an upload.
  const { create } = await import('@actions/glob')
  return create(patterns.join('\n'), options).catch(() => {
    throw patternFault(
      `the pattern ${printable(line)} of files cannot be used`,
      'Write it relative to the workspace, without `..` and without `.` inside.',
    )
  })
}

/** The files of a directory, links among them, in order. */
function filesIn(directory: string, shown: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true })
    const files = entries.filter((entry) => !entry.isDirectory())
    return files.map(({ name }) => path.join(directory, name)).sort()
  } catch (error) {
    throw unreadable(error, shown)
  }
}

/** The files that patterns match, links among them, in order; `line` is what sentences call the patterns. */
async function search(patterns: readonly string[], line: string): Promise<string[]> {
  const globber = await globberOf(patterns, line)
  try {
    return (await globber.glob()).sort()
  } catch (error) {
    // The pattern goes on behind a file as if that were a directory.
    if (errorCodeOf(error) === 'ENOTDIR') return []
    throw unreadable(error, line)
  }
}

function unreadable(error: unknown, shown: string): PublishError {
  const found = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : shown
  return notAFile(printable(found), `cannot be read (${errorCodeOf(error) ?? 'unknown error'})`, error)
}

/** Tells distributions from what may lie beside them and from what is an error. */
function sortOut(
  { files, place, strayHint }: Listing,
  problems: ProblemList,
): { readonly candidates: FoundFile[]; readonly notices: string[]; readonly strayProblems: number } {
  const candidates: FoundFile[] = []
  const [aside, strays]: [FoundFile[], FoundFile[]] = [[], []]
  for (const found of files) {
    const legacy = legacyProblem(found.file)
    const isDistribution = distributionKind(found.file) !== undefined
    if (isHidden(found.file) || (!isDistribution && !legacy && isSideFile(found.file))) aside.push(found)
    else if (statsOf(found.path)?.isSymbolicLink()) problems.add(linkFault(found.shown))
    else if (isDistribution) candidates.push(found)
    else if (legacy) problems.add(legacy)
    else strays.push(found)
  }
  if (strays.length > 0) {
    const what =
      strays.length === 1 ? 'a file that is no distribution' : `${strays.length} files that are no distributions`
    problems.add({ code: 'E_DIST_STRAY', message: `${place} ${what}: ${shownNames(strays)}`, hint: strayHint })
  }
  const notices = aside.length === 0 ? [] : [`left alone beside the distributions: ${shownNames(aside)}`]
  return { candidates, notices, strayProblems: strays.length > 0 ? 1 : 0 }
}

/** Of the link itself. Undefined where it cannot be read or is gone by now: that is told when it is opened. */
function statsOf(file: string): Stats | undefined {
  try {
    return lstatSync(file)
  } catch {
    return undefined
  }
}

function realPath(directory: string): string {
  try {
    return realpathSync.native(directory)
  } catch {
    return directory
  }
}

function shownNames(files: readonly FoundFile[]): string {
  return listNames(files.map(({ shown }) => printable(shown, 120)))
}

/** A path as people see it: relative to the first root that it is in, else whole; forward slashes; one printable line. */
function shownPath(file: string, roots: readonly string[]): string {
  const inside = roots
    .map((root) => path.relative(root, file))
    .find((relative) => !path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..')
  return printable((inside ?? file).split(path.sep).join('/')) || '.'
}
