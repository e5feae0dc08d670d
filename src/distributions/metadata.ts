import { ProblemList } from '../errors.ts'
import { printable } from '../text.ts'
import { isProjectName } from './filename.ts'
import { parseVersion } from './version.ts'

/** What METADATA or PKG-INFO says, as it is to be sent. Field names are the lower-case header names. */
export interface CoreMetadata {
  /** As written: compare it normalised. */
  readonly name: string
  /** As written, in one of PEP 440's spellings. */
  readonly version: string
  /** `Metadata-Version` as written; undefined when it is missing or repeated. */
  readonly metadataVersion: string | undefined
  /**
   * All fields that can be read, values in file order: single-use fields have one value. `keywords` are one text joined
   * by `, `, a `project-url` is `label, url`, the description is `description` wherever it stood.
   */
  readonly fields: ReadonlyMap<string, readonly string[]>
  /** Fields that cannot be read in one way only, or that nobody knows, with the reason. They are never sent. */
  readonly malformed: ReadonlyMap<string, string>
}

interface Field {
  readonly multiple: boolean
  /** The metadata version that brought it. */
  readonly since: string
}

/** The fields of core metadata 1.0 to 2.6 by lower-case header name, `*` where a field may be repeated. */
const FIELDS_BY_VERSION: readonly (readonly [since: string, names: string])[] = [
  ['1.0', 'metadata-version name version platform* summary description keywords home-page author author-email license'],
  ['1.1', 'supported-platform* classifier* download-url requires* provides* obsoletes*'],
  [
    '1.2',
    'maintainer maintainer-email requires-dist* provides-dist* obsoletes-dist* requires-external* requires-python project-url*',
  ],
  ['2.1', 'description-content-type provides-extra*'],
  ['2.2', 'dynamic*'],
  ['2.4', 'license-expression license-file*'],
  ['2.5', 'import-name* import-namespace*'],
]

/** Every field of the specification, with the metadata version that brought it. */
export const CORE_METADATA_FIELDS: ReadonlyMap<string, Field> = new Map(
  FIELDS_BY_VERSION.flatMap(([since, names]) =>
    names.split(' ').map((name): [string, Field] => [name.replace('*', ''), { multiple: name.endsWith('*'), since }]),
  ),
)

/** A line that belongs to the header block, as CPython's `email.parser` decides it. */
const HEADER_LINE = /^(?:From |[!-9;-~]*:|[\t ])/

const LINE_END = /^(?:\r\n|\r|\n)/

/** What Python's `str.strip()` takes away: not U+FEFF as trim() does, but the four separators and U+0085. */
const PYTHON_BLANKS =
  /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g

/** What setuptools of former times put before each further line of a folded Description. */
const FOLDED = /(\r\n|\r|\n)(?: {7}\|| {8})/g

/** The word that setuptools of former times wrote where nothing was known. */
const UNKNOWN = 'UNKNOWN'

const NEVER_DROPPED = new Set(['metadata-version', 'name', 'version'])

/**
 * Reads METADATA or PKG-INFO as the core metadata specification defines it (what `email.parser` of CPython 3.14 makes of
 * it, and `packaging` of that), with two exceptions: a folded Description loses its indentation, and `UNKNOWN` counts as
 * absent. `shownName` begins the sentences: "METADATA of demo-1.0-py3-none-any.whl".
 *
 * Throws E_DIST_METADATA for what makes a file unfit for any index, all faults together: not UTF-8, NUL, a Name or
 * Version that is missing, repeated or invalid, a metadata version whose major number is above 2.
 */
export function parseCoreMetadata(bytes: Buffer, shownName: string): CoreMetadata {
  const { headers, body } = readMessage(decode(bytes, shownName))
  const fields = new Map<string, readonly string[]>()
  const malformed = new Map<string, string>()
  for (const [name, values] of headers) {
    const read = readField(name, values)
    if (typeof read === 'string') malformed.set(name, read)
    else fields.set(name, read)
  }
  addBody(body, fields, malformed)
  checkFitness(fields, malformed, shownName)
  return {
    name: fields.get('name')?.[0] ?? '',
    version: fields.get('version')?.[0] ?? '',
    metadataVersion: fields.get('metadata-version')?.[0],
    fields: withoutUnknown(fields),
    malformed,
  }
}

/** Python's `str.strip()`. */
function pythonStrip(text: string): string {
  return text.replace(PYTHON_BLANKS, '')
}

function decode(bytes: Buffer, shownName: string): string {
  const problems = new ProblemList()
  const hint = 'Build it again: the file is damaged, or it was written by a tool that knows no core metadata.'
  let text = ''
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    problems.add({ code: 'E_DIST_METADATA', message: `${shownName} is not UTF-8`, hint })
  }
  if (text.includes('\0'))
    problems.add({ code: 'E_DIST_METADATA', message: `${shownName} holds a NUL character`, hint })
  if (text.startsWith('\ufeff')) {
    const message = `${shownName} begins with a byte order mark, so that no reader finds its first field`
    problems.add({ code: 'E_DIST_METADATA', message, hint })
  }
  problems.throwIfAny()
  return text
}

interface Message {
  /** Values by lower-case name, in file order. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly body: string
}

function readMessage(text: string): Message {
  const { lines, bodyStart } = headerLines(text)
  const { blocks, firstOfBody } = headerBlocks(lines)
  const headers = new Map<string, string[]>()
  for (const block of blocks) {
    const colon = block.indexOf(':')
    const name = block.slice(0, colon).toLowerCase()
    const value = headerValue(name, block.slice(colon + 1))
    const values = headers.get(name)
    if (values === undefined) headers.set(name, [value])
    else values.push(value)
  }
  return { headers, body: firstOfBody + text.slice(bodyStart) }
}

/** The lines of the header block with their ends. An empty line ends it and belongs to nobody; any other odd line begins the body. */
function headerLines(text: string): { readonly lines: string[]; readonly bodyStart: number } {
  const line = /[^\r\n]*(?:\r\n|\r|\n|$)/y
  const lines: string[] = []
  let position = 0
  while (position < text.length) {
    line.lastIndex = position
    const found = line.exec(text)?.[0] ?? ''
    if (!HEADER_LINE.test(found)) return { lines, bodyStart: position + (LINE_END.exec(found)?.[0].length ?? 0) }
    lines.push(found)
    position += found.length
  }
  return { lines, bodyStart: position }
}

/** Joins each header with its continuation lines. What belongs to no header is dropped, as CPython drops it. */
function headerBlocks(lines: readonly string[]): { readonly blocks: string[]; readonly firstOfBody: string } {
  const blocks: string[][] = []
  let current: string[] | undefined
  let firstOfBody = ''
  for (const [index, line] of lines.entries()) {
    const isContinuation = /^[\t ]/.test(line)
    if (isContinuation) {
      current?.push(line)
    } else if (line.startsWith('From ')) {
      // An envelope line: the last line of the header block is taken for the first of the body.
      current = undefined
      if (index > 0 && index === lines.length - 1) firstOfBody = line
    } else {
      current = line.startsWith(':') ? undefined : [line]
      if (current) blocks.push(current)
    }
  }
  return { blocks: blocks.map((block) => block.join('')), firstOfBody }
}

/** Continuation lines stay as they are, but for the folding that setuptools put into a Description. */
function headerValue(name: string, text: string): string {
  const unfolded = name === 'description' ? text.replace(FOLDED, '$1') : text
  return unfolded.replace(/^[ \t\r\n]+/, '').replace(/[\r\n]+$/, '')
}

/** The values of a field, or the reason why they cannot be used. */
function readField(name: string, values: readonly string[]): readonly string[] | string {
  const field = CORE_METADATA_FIELDS.get(name)
  const [first = ''] = values
  if (field === undefined) return 'no field of the core metadata'
  if (!field.multiple && values.length > 1) return `stands ${values.length} times`
  if (name === 'keywords') return [first.split(',').map(pythonStrip).join(', ')]
  if (name === 'project-url') return projectUrls(values)
  // An empty Import-Name says that the distribution has no module to import.
  if (name === 'import-name' && values.length === 1 && first === '') return []
  return values
}

function projectUrls(values: readonly string[]): readonly string[] | string {
  const urls = new Map<string, string>()
  for (const value of values) {
    const comma = value.indexOf(',')
    const label = pythonStrip(comma < 0 ? value : value.slice(0, comma))
    if (urls.has(label)) return `has the label '${printable(label, 60)}' twice`
    urls.set(label, comma < 0 ? '' : pythonStrip(value.slice(comma + 1)))
  }
  return [...urls].map(([label, url]) => `${label}, ${url}`)
}

/** The body is the description; where a header has one too, nobody knows which is right. */
function addBody(body: string, fields: Map<string, readonly string[]>, malformed: Map<string, string>): void {
  if (body === '') return
  if (fields.delete('description')) malformed.set('description', 'stands in a header and again below the headers')
  else if (!malformed.has('description')) fields.set('description', [body])
}

/** Faults that no index could live with, whatever `verify-metadata` says. */
function checkFitness(
  fields: ReadonlyMap<string, readonly string[]>,
  malformed: ReadonlyMap<string, string>,
  shownName: string,
): void {
  const problems = new ProblemList()
  const add = (message: string) =>
    problems.add({
      code: 'E_DIST_METADATA',
      message: `${shownName} ${message}`,
      hint: 'Mend the metadata of the project and build it again.',
    })
  const name = fields.get('name')?.[0]
  if (!name) add(missing('Name', malformed.get('name')))
  else if (!isProjectName(name)) add(`has the Name '${printable(name)}', which is none (ASCII letters, digits, . _ -)`)
  const version = fields.get('version')?.[0]
  if (!version) add(missing('Version', malformed.get('version')))
  else if (parseVersion(version) === undefined) add(`has the Version '${printable(version)}', which is none (PEP 440)`)
  const declared = fields.get('metadata-version')?.[0]
  const major = /^([0-9]+)\.[0-9]+$/.exec(declared ?? '')?.[1]
  if (declared && major && Number(major) > 2) {
    add(`is of metadata version ${printable(declared)}: only versions 1 and 2 can be read`)
  }
  problems.throwIfAny()
}

function missing(header: string, reason: string | undefined): string {
  return reason === undefined ? `has no ${header}` : `has an unusable ${header}: it ${reason}`
}

function withoutUnknown(fields: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const result = new Map<string, readonly string[]>()
  for (const [name, values] of fields) {
    const known = NEVER_DROPPED.has(name) ? values : values.filter((value) => !isUnknown(name, value))
    // An Import-Name without a value has none left to drop, and says something all the same.
    if (known.length > 0 || values.length === 0) result.set(name, known)
  }
  return result
}

function isUnknown(name: string, value: string): boolean {
  // A description that was written below the headers always ends with line ends.
  return (name === 'description' ? pythonStrip(value) : value) === UNKNOWN
}
