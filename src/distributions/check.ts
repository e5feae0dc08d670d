import { ProblemList, PublishError } from '../errors.ts'
import { printable } from '../text.ts'
import type { FoundFile } from './discover.ts'
import type { Distribution } from './distribution.ts'
import {
  checkFileName,
  type DistributionFilename,
  distributionKind,
  filenameWarnings,
  mismatches,
  normalizeName,
  parseSdistFilename,
  parseWheelFilename,
  tagSet,
} from './filename.ts'
import { FileDigests, Hasher } from './hashing.ts'
import { type CoreMetadata, parseCoreMetadata } from './metadata.ts'
import { checkCoreMetadata } from './metadata-rules.ts'
import { OpenFile } from './open-file.ts'
import { readSdist } from './sdist.ts'
import { compareVersions, normalizeVersion, parseVersion, versionKey } from './version.ts'
import { readWheel } from './wheel.ts'

export interface CheckOptions {
  /** False: what twine and PyPI refuse in core metadata is a warning. Faults of the archive's layout stay errors. */
  readonly verifyMetadata: boolean
  /** Whether md5 is wanted beside sha256. */
  readonly md5: boolean
  readonly signal: AbortSignal
}

/** A distribution, and its file name by parts. */
interface Checked {
  readonly distribution: Distribution
  readonly filename: DistributionFilename
}

/**
 * Opens, reads and checks every file. What comes back is fit to be sent, and open: whoever gets it closes each
 * `content`. The order is that of the upload: by project, then version, wheels before sdists, then by file name.
 *
 * Files with problems are left out and closed; all problems of all files are added to `problems`: E_DIST_NAME,
 * E_DIST_FILE, E_DIST_LINK, E_DIST_LAYOUT, E_DIST_LIMIT, E_DIST_METADATA, E_DIST_MISMATCH, E_DIST_CHANGED, and
 * E_DIST_DUPLICATE for two names of which an index could keep one only.
 *
 * @throws the signal's reason when it is aborted; nothing is left open then
 */
export async function checkDistributions(
  found: readonly FoundFile[],
  options: CheckOptions,
  problems: ProblemList,
): Promise<readonly Distribution[]> {
  const all: Checked[] = []
  const hasher = new Hasher(options.md5, options.signal)
  try {
    for (const file of found) {
      const checked = await collect(problems, options.signal, () => checkFile(file, options, hasher))
      if (checked !== undefined) all.push(checked)
    }
  } catch (error) {
    for (const { distribution } of all) distribution.content.close()
    throw error
  }
  return withoutDuplicates(all, problems).sort(inUploadOrder)
}

/** As `ProblemList.collect`, but that the end of the run is no problem of a file. */
async function collect<T>(problems: ProblemList, signal: AbortSignal, check: () => Promise<T>): Promise<T | undefined> {
  signal.throwIfAborted()
  try {
    return await check()
  } catch (error) {
    if (signal.aborted) throw error
    return problems.collect(() => {
      throw error
    })
  }
}

async function checkFile(found: FoundFile, options: CheckOptions, hasher: Hasher): Promise<Checked> {
  checkFileName(found.file)
  const content = OpenFile.open(found.path, found.file)
  try {
    const { filename, metadata, warnings } = await read(content, found.file, options)
    const distribution: Distribution = {
      file: found.file,
      shown: found.shown,
      kind: filename.kind,
      project: normalizeName(metadata.name),
      version: normalized(metadata.version),
      pythonVersion: filename.kind === 'wheel' ? filename.pythonTag : 'source',
      size: content.size,
      digests: new FileDigests(() => hasher.hash(content)),
      metadata,
      warnings,
      content,
    }
    return { distribution, filename }
  } catch (error) {
    content.close()
    throw error
  }
}

interface Reading {
  readonly filename: DistributionFilename
  readonly metadata: CoreMetadata
  /** Sentences without the file's name. */
  readonly warnings: readonly string[]
}

/** @throws PublishError and PublishErrors: all problems that can be told apart at once */
async function read(content: OpenFile, file: string, options: CheckOptions): Promise<Reading> {
  const isWheel = distributionKind(file) === 'wheel'
  const source = isWheel ? 'METADATA' : 'PKG-INFO'
  const { filename, metadata, warnings } = await (isWheel ? readWheelFile : readSdistFile)(content, file, options)
  const problems = new ProblemList()
  for (const problem of mismatches(filename, metadata)) problems.add(problem)
  const findings = checkCoreMetadata(metadata)
  const faults = options.verifyMetadata ? findings.faults : []
  for (const fault of faults) problems.add(metadataProblem(`${source} of ${file} ${fault}`))
  problems.throwIfAny()
  const lenient = options.verifyMetadata ? [] : findings.faults.map((fault) => `its ${source} ${fault}`)
  return {
    filename,
    metadata,
    warnings: [...warnings, ...filenameWarnings(filename), ...findings.warnings, ...lenient],
  }
}

function metadataProblem(message: string): PublishError {
  return new PublishError({
    code: 'E_DIST_METADATA',
    message,
    hint: 'Mend it where the project declares its metadata (pyproject.toml) and build again, or give `verify-metadata: false` to send it with a warning.',
  })
}

async function readWheelFile(content: OpenFile, file: string, options: CheckOptions): Promise<Reading> {
  const filename = parseWheelFilename(file)
  const wheel = await readWheel(content, filename, options)
  return { filename, metadata: parseCoreMetadata(wheel.metadata, `METADATA of ${file}`), warnings: wheel.warnings }
}

async function readSdistFile(content: OpenFile, file: string, options: CheckOptions): Promise<Reading> {
  const sdist = await readSdist(content, options)
  const metadata = parseCoreMetadata(sdist.metadata, `PKG-INFO of ${file}`)
  const filename = parseSdistFilename(file, metadata.name)
  return { filename, metadata, warnings: [...sdist.warnings, ...rootWarning(sdist.root, filename)] }
}

/** Installers take any root directory; indexes and repackagers look for the one of the file's name. */
function rootWarning(root: string, { name, version }: DistributionFilename): string[] {
  if (root === `${name}-${version}`) return []
  return [`its root directory is ${printable(root, 120)}, and ${name}-${version} is expected (PEP 625)`]
}

function normalized(version: string): string {
  const result = normalizeVersion(version)
  if (result === undefined) throw new Error('a version that was checked is none')
  return result
}

/** Spellings of one name: an index that normalises names has one place for both. */
function withoutDuplicates(all: readonly Checked[], problems: ProblemList): Distribution[] {
  const unique: Distribution[] = []
  for (const group of Map.groupBy(all, identityOf).values()) {
    const files = group.map(({ distribution }) => distribution)
    const [first, ...others] = files
    if (first !== undefined && others.length === 0) {
      unique.push(first)
      continue
    }
    problems.add({
      code: 'E_DIST_DUPLICATE',
      message: `${files.length} files are the same distribution under different spellings: ${files.map(({ file }) => file).join(', ')}`,
      hint: 'Publish one of them: remove the others, or leave them out with `!` lines in `files`.',
    })
    for (const { content } of files) content.close()
  }
  return unique
}

/** One text for all spellings of one file name. */
function identityOf({ distribution: { project, version, file }, filename }: Checked): string {
  const parsed = parseVersion(version)
  const release = `${project} ${parsed === undefined ? version : versionKey(parsed)}`
  if (filename.kind === 'sdist') return `${release} ${file.endsWith('.zip') ? 'zip' : 'tar'}`
  const tags = [filename.pythonTag, filename.abiTag, filename.platformTag].map((set) => tagSet([set]))
  return `${release} ${filename.build?.replace(/^0+(?=[0-9])/, '') ?? '-'} ${tags.join(' ')}`.toLowerCase()
}

function inUploadOrder(a: Distribution, b: Distribution): number {
  return (
    inOrder(a.project, b.project) ||
    byVersion(a.version, b.version) ||
    // 'wheel' first: an sdist is what users of a missing wheel would build from.
    -inOrder(a.kind, b.kind) ||
    inOrder(a.file, b.file)
  )
}

function byVersion(a: string, b: string): number {
  if (a === b) return 0
  const [left, right] = [parseVersion(a), parseVersion(b)]
  return left === undefined || right === undefined ? inOrder(a, b) : compareVersions(left, right)
}

/** By code unit, the same on every machine. */
function inOrder(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
