/** Longest version that is read: longer ones are no versions, and nothing here runs over more text. */
const LONGEST = 256

/** A version by PEP 440. Numbers stay strings of digits without leading zeros: dates as dev numbers pass 2^53. */
export interface Version {
  readonly epoch: string
  readonly release: readonly string[]
  readonly pre: { readonly letter: 'a' | 'b' | 'rc'; readonly number: string } | undefined
  readonly post: string | undefined
  readonly dev: string | undefined
  /** Lower-case parts of the local version; empty when there is none. */
  readonly local: readonly string[]
}

// Not trim(): it also takes a byte order mark away, which Python does not.
const SURROUNDING_BLANKS = /^[ \t\n\r\f\v]+|[ \t\n\r\f\v]+$/g

// Not with the flag `u` beside `i`: together they fold U+017F and U+212A to the letters s and k.
const VERSION =
  /^v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)(?:[._-]?(alpha|a|beta|b|preview|pre|c|rc)[._-]?([0-9]+)?)?(?:-([0-9]+)|[._-]?(post|rev|r)[._-]?([0-9]+)?)?(?:[._-]?(dev)[._-]?([0-9]+)?)?(?:\+([a-z0-9]+(?:[._-][a-z0-9]+)*))?$/i

const PRE_LETTERS: ReadonlyMap<string, 'a' | 'b' | 'rc'> = new Map([
  ['a', 'a'],
  ['alpha', 'a'],
  ['b', 'b'],
  ['beta', 'b'],
  ['c', 'rc'],
  ['rc', 'rc'],
  ['pre', 'rc'],
  ['preview', 'rc'],
])

/** What was read before: all files of a release name one version, and each of them a dozen times. */
const known = new Map<string, Version | undefined>()

/** So many, and no more: a page of an index can name thousands. */
const MOST_KNOWN = 100

/** Reads a version in any spelling that PEP 440 allows (at most 256 characters); undefined for anything else. */
export function parseVersion(text: string): Version | undefined {
  if (text.length > LONGEST) return undefined
  if (known.has(text)) return known.get(text)
  if (known.size === MOST_KNOWN) known.clear()
  const version = readVersion(text)
  known.set(text, version)
  return version
}

function readVersion(text: string): Version | undefined {
  const match = VERSION.exec(text.replace(SURROUNDING_BLANKS, ''))
  if (match === null) return undefined
  const [, epoch, release = '', preWord, preNumber, bareNumber, postWord, postNumber, devWord, devNumber, local] = match
  const letter = PRE_LETTERS.get(preWord?.toLowerCase() ?? '')
  return {
    epoch: digits(epoch),
    release: release.split('.').map(digits),
    pre: letter && { letter, number: digits(preNumber) },
    post: bareNumber || postWord ? digits(bareNumber ?? postNumber) : undefined,
    dev: devWord ? digits(devNumber) : undefined,
    local: local ? local.toLowerCase().split(/[._-]/).map(localPart) : [],
  }
}

/** The canonical spelling (PEP 440, "Normalization"): `v1.0-ALPHA.1` is `1.0a1`. Undefined when the text is no version. */
export function normalizeVersion(text: string): string | undefined {
  const version = parseVersion(text)
  return version && format(version)
}

/** Whether two texts are the same version: `1.0` and `1.0.0` are, local version and epoch count. False when one is no version. */
export function sameVersion(a: string, b: string): boolean {
  const [left, right] = [parseVersion(a), parseVersion(b)]
  return left !== undefined && right !== undefined && versionKey(left) === versionKey(right)
}

/** One text for all spellings of one version: what `sameVersion` compares, for grouping. */
export function versionKey(version: Version): string {
  return format({ ...version, release: withoutTrailingZeros(version.release) })
}

/** Order of PEP 440 for sorting: negative when `a` is older. */
export function compareVersions(a: Version, b: Version): number {
  return (
    compareNumbers([a.epoch], [b.epoch]) ||
    compareNumbers(withoutTrailingZeros(a.release), withoutTrailingZeros(b.release)) ||
    compareNumbers(suffixKey(a), suffixKey(b)) ||
    compareLocal(a.local, b.local)
  )
}

function format({ epoch, release, pre, post, dev, local }: Version): string {
  return [
    epoch === '0' ? '' : `${epoch}!`,
    release.join('.'),
    pre ? `${pre.letter}${pre.number}` : '',
    post === undefined ? '' : `.post${post}`,
    dev === undefined ? '' : `.dev${dev}`,
    local.length === 0 ? '' : `+${local.join('.')}`,
  ].join('')
}

function digits(text: string | undefined): string {
  return (text ?? '').replace(/^0+/, '') || '0'
}

function localPart(part: string): string {
  return isNumber(part) ? digits(part) : part
}

function withoutTrailingZeros(release: readonly string[]): readonly string[] {
  const last = release.findLastIndex((part) => part !== '0')
  return release.slice(0, Math.max(1, last + 1))
}

/** dev < a < b < rc < final < post; each dev release comes before what it leads to. */
function suffixKey({ pre, post, dev }: Version): string[] {
  const phases = { a: '1', b: '2', rc: '3' }
  const bareDev = pre === undefined && post === undefined && dev !== undefined
  const phase = bareDev ? '0' : pre ? phases[pre.letter] : '4'
  const [afterFinal, beforeRelease] = [post === undefined ? '0' : '1', dev === undefined ? '1' : '0']
  return [phase, pre?.number ?? '0', afterFinal, post ?? '0', beforeRelease, dev ?? '0']
}

/** Strings of digits without leading zeros: the longer one is the greater one. */
function compareNumbers(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [left, right] = [a[index] ?? '', b[index] ?? '']
    if (left.length !== right.length) return left.length - right.length
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}

/** Of local versions: numbers come after words, and a version after its own beginning. */
function compareLocal(a: readonly string[], b: readonly string[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index]
    if (right === undefined) return 1
    const [leftIsNumber, rightIsNumber] = [isNumber(left), isNumber(right)]
    if (leftIsNumber !== rightIsNumber) return leftIsNumber ? 1 : -1
    if (leftIsNumber && left !== right) return compareNumbers([left], [right])
    if (left !== right) return left < right ? -1 : 1
  }
  return a.length - b.length
}

function isNumber(part: string): boolean {
  return /^[0-9]+$/.test(part)
}
