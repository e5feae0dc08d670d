import { count, printable, unicodePattern } from '../text.ts'
import { isProjectName } from './filename.ts'
import { CORE_METADATA_FIELDS, type CoreMetadata } from './metadata.ts'

/** What the checks of one METADATA or PKG-INFO found, as sentences to put behind its name. */
export interface MetadataFindings {
  /** What twine and PyPI refuse. */
  readonly faults: readonly string[]
  /** What is sent all the same. */
  readonly warnings: readonly string[]
}

/** Metadata versions by age. 2.0 was never adopted, but tools wrote it with the fields of 2.1: it counts as younger. */
const METADATA_VERSIONS = ['1.0', '1.1', '1.2', '2.1', '2.0', '2.2', '2.3', '2.4', '2.5', '2.6']

/** More than these in one sentence help nobody. */
const MOST_NAMED = 8

/** What Python takes for the end of a line. */
const LINE_BOUNDARY = /[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/

const CONTROL_CHARACTER = /[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/

const CONTENT_TYPE = /^\s*([^\s;]+)\s*((?:;\s*[^\s;="]+\s*=\s*(?:[^\s;="]+|"[^"\\]*")\s*)*);?\s*$/
const PARAMETER = /;\s*([^\s;="]+)\s*=\s*(?:([^\s;="]+)|"([^"\\]*)")/g
const CONTENT_TYPES = ['text/plain', 'text/x-rst', 'text/markdown']
const MARKDOWN_VARIANTS = ['GFM', 'CommonMark']

const NEVER_DYNAMIC = ['name', 'version', 'metadata-version']

const IDENTIFIER = unicodePattern('^[\\p{XID_Start}_]\\p{XID_Continue}*$')

/** The words that Python reserves: none can be the name of a module. */
const PYTHON_KEYWORDS = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global ' +
    'if import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
)

/**
 * Checks core metadata as twine 7 does before an upload (`packaging.metadata.Metadata.from_raw`), with these
 * differences: a metadata version newer than 2.6 and the never adopted 2.0 are warnings; dependency specifiers,
 * `Requires-Python`, and whether SPDX lists the licenses of an expression, are left to the index.
 */
export function checkCoreMetadata(metadata: CoreMetadata): MetadataFindings {
  const { malformed, metadataVersion } = metadata
  const isNewer = isNewerVersion(metadataVersion)
  const faults = [...versionFaults(metadata, isNewer), ...ageFaults(metadata), ...valueFaults(metadata, isNewer)]
  const warnings = [...versionWarnings(metadataVersion, isNewer), ...contentWarnings(metadata, isNewer)]
  // What a newer metadata version brought can neither be judged nor named in the form; the file itself has it.
  const [unknown, unusable] = [[...malformed.keys()].filter(isUnknownField), [...malformed].filter(isKnownField)]
  if (unknown.length > 0) {
    const listed = listFields(unknown)
    if (isNewer) warnings.push(`fields that this action does not know are not sent: ${listed}`)
    else faults.push(`has fields that are none of the core metadata: ${listed}`)
  }
  faults.push(...unusable.map(([name, reason]) => `has an unusable ${headerName(name)}: it ${reason}`))
  return { faults, warnings }
}

/** setuptools wrote License-File years before metadata 2.4 defined it: until then it is not sent, whatever it says. */
function hasLicenseFiles(metadataVersion: string | undefined, isNewer: boolean): boolean {
  return isNewer || ageOf(metadataVersion) >= ageOf('2.4')
}

function isUnknownField(name: string): boolean {
  return !CORE_METADATA_FIELDS.has(name)
}

function isKnownField([name]: readonly [string, string]): boolean {
  return CORE_METADATA_FIELDS.has(name)
}

function ageOf(metadataVersion: string | undefined): number {
  return METADATA_VERSIONS.indexOf(metadataVersion ?? '')
}

function isNewerVersion(metadataVersion: string | undefined): boolean {
  const minor = /^2\.([1-9][0-9]*)$/.exec(metadataVersion ?? '')?.[1]
  return minor !== undefined && Number(minor) > 6
}

function versionFaults({ metadataVersion, malformed }: CoreMetadata, isNewer: boolean): string[] {
  if (isNewer || ageOf(metadataVersion) >= 0 || malformed.has('metadata-version')) return []
  if (metadataVersion === undefined) return ['has no Metadata-Version']
  return [`has the Metadata-Version ${quoted(metadataVersion)}, which does not exist`]
}

function versionWarnings(metadataVersion: string | undefined, isNewer: boolean): string[] {
  if (isNewer) return [`metadata version ${metadataVersion} is newer than 2.6, the newest that this action knows`]
  return metadataVersion === '2.0' ? ['metadata version 2.0 was never adopted: PyPI and twine refuse it'] : []
}

/** Fields that the declared metadata version does not have. License-File is dropped instead, as twine drops it. */
function ageFaults({ fields, metadataVersion }: CoreMetadata): string[] {
  const declared = ageOf(metadataVersion)
  if (declared < 0) return []
  const early = [...fields.keys()].filter((name) => {
    const since = CORE_METADATA_FIELDS.get(name)?.since
    return name !== 'license-file' && ageOf(since) > declared
  })
  return early.map((name) => {
    const since = CORE_METADATA_FIELDS.get(name)?.since
    return `declares metadata version ${metadataVersion} and has ${headerName(name)}, which came with ${since}`
  })
}

function valueFaults({ fields, metadataVersion }: CoreMetadata, isNewer: boolean): string[] {
  const rules: readonly (readonly [name: string, fault: (value: string) => string | undefined])[] = [
    ['summary', summaryFault],
    ['description-content-type', contentTypeFault],
    ['dynamic', dynamicFault],
    ['provides-extra', extraFault],
    ['license-expression', licenseExpressionFault],
    ['license-file', hasLicenseFiles(metadataVersion, isNewer) ? licenseFileFault : () => undefined],
    ['import-name', importNameFault],
    ['import-namespace', importNameFault],
  ]
  // One fault a field: a thousand bad values say no more than the first one.
  return rules.flatMap(([name, fault]) => {
    for (const value of fields.get(name) ?? []) {
      const reason = fault(value)
      if (reason !== undefined) return [`has the ${headerName(name)} ${quoted(value)}: ${reason}`]
    }
    return []
  })
}

function contentWarnings({ fields, metadataVersion }: CoreMetadata, isNewer: boolean): string[] {
  const warnings: string[] = []
  if (!fields.has('description')) warnings.push('there is no Description')
  else if (!fields.has('description-content-type')) {
    warnings.push('there is no Description-Content-Type: indexes take the description for reStructuredText')
  }
  if (fields.has('license-file') && !hasLicenseFiles(metadataVersion, isNewer)) {
    warnings.push(
      `License-File is not sent: metadata version ${metadataVersion ?? 'unknown'} does not have it (2.4 does)`,
    )
  }
  return warnings
}

function summaryFault(value: string): string | undefined {
  return LINE_BOUNDARY.test(value) ? 'it must be one line' : undefined
}

function contentTypeFault(value: string): string | undefined {
  const [, type = '', parameterText = ''] = CONTENT_TYPE.exec(value) ?? []
  if (CONTROL_CHARACTER.test(value) || type === '') return 'it is no media type'
  if (!CONTENT_TYPES.includes(type.toLowerCase())) return `it must be one of ${CONTENT_TYPES.join(', ')}`
  const parameters = [...parameterText.matchAll(PARAMETER)].map(([, name = '', word, text]): [string, string] => [
    name.toLowerCase(),
    word ?? text ?? '',
  ])
  const values = new Map(parameters)
  if (values.size < parameters.length) return 'it has a parameter twice'
  if ((values.get('charset') ?? 'utf-8').toLowerCase() !== 'utf-8') return 'the charset can only be UTF-8'
  const isMarkdown = type.toLowerCase() === 'text/markdown'
  const isKnownVariant = MARKDOWN_VARIANTS.includes(values.get('variant') ?? 'GFM')
  return isMarkdown && !isKnownVariant ? `the variant must be ${MARKDOWN_VARIANTS.join(' or ')}` : undefined
}

function dynamicFault(value: string): string | undefined {
  const name = value.toLowerCase()
  if (NEVER_DYNAMIC.includes(name)) return 'this field can never be dynamic'
  return CORE_METADATA_FIELDS.has(name) ? undefined : 'no field has this name'
}

function extraFault(value: string): string | undefined {
  return isProjectName(value) ? undefined : 'an extra is named with ASCII letters, digits, . _ and -'
}

/** The grammar of SPDX expressions without their list of licenses, which grows faster than releases of this action. */
function licenseExpressionFault(value: string): string | undefined {
  const tokens = value.replace(/[()]/g, ' $& ').split(/\s+/).filter(Boolean)
  let depth = 0
  let previous = '('
  for (const word of [...tokens, '']) {
    const token = /^(?:and|or|with)$/i.test(word) ? word.toLowerCase() : word
    if (!mayFollow(previous, token)) return 'it is no SPDX license expression'
    depth += token === '(' ? 1 : token === ')' ? -1 : 0
    if (depth < 0 || depth > 200) return 'its parentheses do not match'
    // An exception closes its license as a parenthesis closes a group: no second WITH follows.
    previous = previous === 'with' ? ')' : token
  }
  return depth === 0 ? undefined : 'its parentheses do not match'
}

/** '' stands for the end. */
function mayFollow(previous: string, token: string): boolean {
  const isOperand = /^[A-Za-z0-9.-]+\+?$/.test(token) && !['and', 'or', 'with'].includes(token)
  if (previous === 'with') return isOperand
  if (['(', 'and', 'or'].includes(previous)) return isOperand || token === '('
  if (previous === ')') return ['and', 'or', ')', ''].includes(token)
  return ['and', 'or', 'with', ')', ''].includes(token)
}

function licenseFileFault(value: string): string | undefined {
  if (value.includes('..')) return 'it must not lead to a parent directory'
  if (value.includes('*')) return 'it must be one file, not a pattern'
  if (/^(?:\/|\\|.:)/s.test(value)) return 'it must be relative'
  const parts = value.split('/')
  const isPlain = !value.includes('\\') && parts.every((part) => part !== '' && part !== '.')
  return isPlain ? undefined : 'it must be a plain path with /'
}

function importNameFault(value: string): string | undefined {
  const semicolon = value.indexOf(';')
  const name = semicolon < 0 ? value : value.slice(0, semicolon)
  const odd = name
    .trimEnd()
    .split('.')
    .find((part) => !IDENTIFIER().test(part) || PYTHON_KEYWORDS.has(part))
  if (odd !== undefined) return `${quoted(odd)} cannot be the name of a module`
  const isPrivate = semicolon < 0 || value.slice(semicolon + 1).trimStart() === 'private'
  return isPrivate ? undefined : "only '; private' may stand behind it"
}

function listFields(names: readonly string[]): string {
  const named = names.slice(0, MOST_NAMED).map((name) => printable(headerName(name), 60))
  const rest = names.length - named.length
  return `${named.join(', ')}${rest > 0 ? ` and ${count(rest, 'other')}` : ''}`
}

/** `license-file` as the specification writes it. */
function headerName(name: string): string {
  const words = name.split('-').map((word) => (word === 'url' ? 'URL' : word.charAt(0).toUpperCase() + word.slice(1)))
  return words
    .join('-')
    .replace(/-Email$/, '-email')
    .replace(/^Home-Page$/, 'Home-page')
}

function quoted(value: string): string {
  return `'${printable(value, 80)}'`
}
