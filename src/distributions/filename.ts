import { type ProblemDetails, PublishError } from '../errors.ts'
import { printable } from '../text.ts'
import { normalizeVersion, parseVersion, sameVersion } from './version.ts'

/** `{name}-{version}(-{build})?-{python}-{abi}-{platform}.whl` (PEP 427), each part as it is written. */
export interface WheelFilename {
  readonly kind: 'wheel'
  /** The whole base name. */
  readonly file: string
  readonly name: string
  readonly version: string
  readonly build: string | undefined
  readonly pythonTag: string
  readonly abiTag: string
  readonly platformTag: string
}

/** `{name}-{version}.tar.gz` (PEP 625), or `.zip` as older tools wrote it, each part as it is written. */
export interface SdistFilename {
  readonly kind: 'sdist'
  readonly file: string
  readonly name: string
  readonly version: string
}

export type DistributionFilename = WheelFilename | SdistFilename

/** What every index takes and what needs no quoting in a header, a URL path or a shell. */
const ALLOWED_FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.!+-]*$/

const LONGEST_FILE_NAME = 255

// Not the flags `iu` together: they would fold U+017F and U+212A to ASCII letters.
const PROJECT_NAME = /^(?:[A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])$/i
const WHEEL_NAME = /^(?:[A-Z0-9]|[A-Z0-9][A-Z0-9._]*[A-Z0-9])$/i
const BUILD_TAG = /^[0-9][A-Za-z0-9_.]*$/
const TAG_SET = /^[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*$/

const WHEEL_FORM = 'name-version(-build)-python-abi-platform.whl'

/** Formats that indexes took in former times, by their extension, and why they are not sent. */
const LEGACY_FORMS: readonly (readonly [extensions: RegExp, reason: string])[] = [
  [/\.egg$/i, 'is an egg, which PyPI and pip no longer take'],
  [/\.(?:exe|msi|rpm|deb|dmg)$/i, 'is an installer, which is no Python distribution since PEP 527'],
  [
    /\.(?:tgz|tbz|txz|tar|tar\.(?:bz2|xz|lzma|z|zst|lz))$/i,
    'is an archive in another format than .tar.gz, the one that an sdist has (PEP 527, PEP 625)',
  ],
  [/\.(?:whl|tar\.gz|zip)$/i, 'has its extension in upper case, and indexes and pip know .whl and .tar.gz only'],
]

/** A project's name as indexes compare it (PEP 503): `My.Demo_pkg` is `my-demo-pkg`. */
export function normalizeName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase()
}

/** Whether a text can be a project's name at all (core metadata, "Name"): ASCII letters, digits, `.`, `_` and `-`. */
export function isProjectName(name: string): boolean {
  return PROJECT_NAME.test(name)
}

/** What a base name says that the file is, by its extension; undefined for what is no distribution that we send. */
export function distributionKind(file: string): 'wheel' | 'sdist' | undefined {
  if (file.endsWith('.whl')) return 'wheel'
  return file.endsWith('.tar.gz') || file.endsWith('.zip') ? 'sdist' : undefined
}

/** E_DIST_UNSUPPORTED with the reason for a format of former times; undefined for anything else. */
export function legacyProblem(file: string): ProblemDetails | undefined {
  if (distributionKind(file)) return undefined
  const reason = LEGACY_FORMS.find(([extensions]) => extensions.test(file))?.[1]
  if (reason === undefined) return undefined
  return {
    code: 'E_DIST_UNSUPPORTED',
    message: `${printable(file)} ${reason}`,
    hint: 'Build a wheel and an sdist (python -m build), or leave the file out with a line like "!dist/*.egg" in files.',
  }
}

/**
 * Throws E_DIST_NAME for a base name with characters that an index may refuse or read in another way. All later steps
 * rely on it: the name goes into the upload's header, into URLs, outputs and commands as it is.
 */
export function checkFileName(file: string): void {
  if (file.length > LONGEST_FILE_NAME) {
    throw nameError(file, `has ${file.length} characters, and ${LONGEST_FILE_NAME} are the most that an index takes`)
  }
  if (ALLOWED_FILE_NAME.test(file)) return
  throw nameError(
    file,
    'holds a character that package indexes refuse: a distribution is named with letters, digits and _ . ! + - only, and begins with a letter or digit',
  )
}

/**
 * Reads a wheel's base name as uv and pip do (PEP 427, 425). Throws E_DIST_NAME with the part that is wrong. Stricter
 * than the `packaging` library in what no build tool writes: ASCII only, no dot at the end of the name.
 */
export function parseWheelFilename(file: string): WheelFilename {
  checkFileName(file)
  const parts = file.replace(/\.whl$/, '').split('-')
  if (parts.length !== 5 && parts.length !== 6) {
    throw nameError(file, `has ${parts.length} parts between dashes, and a wheel has 5 or 6: ${WHEEL_FORM}`)
  }
  const [name = '', version = ''] = parts
  const [pythonTag = '', abiTag = '', platformTag = ''] = parts.slice(-3)
  const build = parts.length === 6 ? parts[2] : undefined
  checkWheelParts(file, { name, version, build, tags: [pythonTag, abiTag, platformTag] })
  return { kind: 'wheel', file, name, version, build, pythonTag, abiTag, platformTag }
}

interface WheelParts {
  readonly name: string
  readonly version: string
  readonly build: string | undefined
  readonly tags: readonly string[]
}

function checkWheelParts(file: string, { name, version, build, tags }: WheelParts): void {
  if (!WHEEL_NAME.test(name) || name.includes('__')) {
    throw nameError(file, `says '${name}' where the project's name stands, which is none: ${WHEEL_FORM}`)
  }
  if (parseVersion(version) === undefined) {
    throw nameError(file, `says '${version}' where the version stands, which is none (PEP 440): ${WHEEL_FORM}`)
  }
  if (build !== undefined && !BUILD_TAG.test(build)) {
    throw nameError(
      file,
      `has '${build}' where a build tag stands, which begins with a digit`,
      `Make it a part of the version where it belongs to it (1.0.dev1, 1.0+local), or leave it out, and build again: ${WHEEL_FORM}.`,
    )
  }
  const odd = tags.find((tag) => !TAG_SET.test(tag))
  if (odd !== undefined) throw nameError(file, `has '${odd}' where a tag stands, which is none: ${WHEEL_FORM}`)
}

/** One text for all spellings of sets of tags: `py2.py3` and `PY3.py2` are one. */
export function tagSet(sets: Iterable<string>): string {
  return [...new Set([...sets].flatMap((set) => set.toLowerCase().split('.')))].sort().join('.')
}

/**
 * Reads an sdist's base name. A dash may stand in the name and in the version (`foo-1.0-1` is a post release), so the
 * metadata's Name decides where the version begins. Throws E_DIST_NAME when no part is a version, E_DIST_MISMATCH when
 * the name is another project's.
 */
export function parseSdistFilename(file: string, metadataName: string): SdistFilename {
  checkFileName(file)
  const splits = sdistSplits(file)
  const [first] = splits
  if (first === undefined) {
    throw nameError(file, 'names no project and version: an sdist is named name-version.tar.gz (PEP 625)')
  }
  const wanted = normalizeName(metadataName)
  const split = splits.find(({ name }) => normalizeName(name) === wanted)
  if (split) return { kind: 'sdist', file, ...split }
  throw new PublishError(projectMismatch(file, first.name, metadataName, 'PKG-INFO'))
}

function sdistSplits(file: string): { readonly name: string; readonly version: string }[] {
  const stem = file.replace(/\.(?:tar\.gz|zip)$/, '')
  const dashes = [...stem.matchAll(/-/g)].map(({ index }) => index)
  return dashes
    .map((dash) => ({ name: stem.slice(0, dash), version: stem.slice(dash + 1) }))
    .filter(({ name, version }) => isProjectName(name) && parseVersion(version) !== undefined)
}

/**
 * The releases (normalised project, version) that a base name can belong to, without a look into the file: for an sdist
 * one for each dash at which its version could begin; none when the name is no distribution's.
 */
export function releasesOf(file: string): { readonly project: string; readonly version: string }[] {
  const kind = distributionKind(file)
  const [name = '', version = ''] = file.split('-')
  const isRelease = isProjectName(name) && parseVersion(version) !== undefined
  const wheel = kind === 'wheel' && isRelease ? [{ name, version }] : []
  const splits = kind === 'sdist' ? sdistSplits(file) : wheel
  return splits.map((split) => ({ project: normalizeName(split.name), version: split.version }))
}

/** E_DIST_MISMATCH for each of name and version in which a file name and its metadata differ (compared normalised). */
export function mismatches(
  filename: DistributionFilename,
  metadata: { readonly name: string; readonly version: string },
): ProblemDetails[] {
  const source = filename.kind === 'wheel' ? 'METADATA' : 'PKG-INFO'
  const problems: ProblemDetails[] = []
  if (normalizeName(filename.name) !== normalizeName(metadata.name)) {
    problems.push(projectMismatch(filename.file, filename.name, metadata.name, source))
  }
  if (!sameVersion(filename.version, metadata.version)) {
    problems.push(versionMismatch(filename, metadata.version, source))
  }
  return problems
}

function projectMismatch(file: string, inName: string, inMetadata: string, source: string): ProblemDetails {
  return {
    code: 'E_DIST_MISMATCH',
    message: `the name of ${file} says project ${normalizeName(inName)}; its ${source} says ${printable(inMetadata)}`,
    hint: 'Build it again: a renamed file keeps the metadata of the project that it was built from.',
  }
}

function versionMismatch(filename: DistributionFilename, inMetadata: string, source: string): ProblemDetails {
  const build = filename.kind === 'wheel' ? filename.build : undefined
  const found = normalizeVersion(inMetadata) ?? printable(inMetadata)
  const says = `version ${normalizeVersion(filename.version)}${build === undefined ? '' : `, build tag ${build}`}`
  // What is meant as a post release becomes a build tag in a wheel's name, and would go up as the old version.
  const dashed = build !== undefined && sameVersion(`${filename.version}-${build}`, inMetadata)
  return {
    code: 'E_DIST_MISMATCH',
    message: `the name of ${filename.file} says ${says}; its ${source} says version ${found}`,
    hint: dashed
      ? `Write the version as ${found} where the project declares it and build again: behind a dash it is a build tag.`
      : 'Build it again: a renamed file keeps the version that it was built with.',
  }
}

/** What an index, another client or another machine may stumble over in a name that is valid: sentences without the file's name. */
export function filenameWarnings(filename: DistributionFilename): string[] {
  const { file, name, version } = filename
  const warnings: string[] = []
  const canonical = `${normalizeName(name).replaceAll('-', '_')}-${normalizeVersion(version)}`
  if (`${name}-${version}` !== canonical) {
    warnings.push(`the file name is not normalised: PyPI wants it to begin with ${canonical}`)
  }
  if (file.endsWith('.zip'))
    warnings.push('an sdist as .zip is refused by PyPI and uv: .tar.gz is the format (PEP 625)')
  if (filename.kind === 'wheel' && filename.platformTag.split('.').some((tag) => tag.startsWith('linux_'))) {
    warnings.push(
      `the platform tag ${filename.platformTag} promises no glibc version: PyPI wants manylinux or musllinux`,
    )
  }
  return warnings
}

function nameError(file: string, reason: string, hint?: string): PublishError {
  return new PublishError({
    code: 'E_DIST_NAME',
    message: `the file name ${printable(file)} ${reason}`,
    hint: hint ?? 'Build the distribution again and publish the file under the name that the build tool gave it.',
  })
}
