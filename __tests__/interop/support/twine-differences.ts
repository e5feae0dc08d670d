/** Where this action sends something else than twine 7, on purpose. */
import { isDeepStrictEqual } from 'node:util'

/** Text fields of one upload form: all values of each name, in their order. */
export type Fields = ReadonlyMap<string, readonly string[]>

export interface Difference {
  readonly file: string
  readonly field: string
  readonly ours: readonly string[] | undefined
  readonly twine: readonly string[] | undefined
}

/** The rules, and the differences that each explains. */
export const RULES: ReadonlyMap<string, (difference: Difference) => boolean> = new Map([
  [
    'a Description header is sent without the indentation of its continuation lines',
    ({ field, ours, twine }) =>
      field === 'description' && ours?.[0] === twine?.[0]?.replace(/\n(?: {7}\|| {8})/g, '\n').replace(/\n+$/, ''),
  ],
  [
    'a field that says UNKNOWN is left out',
    ({ ours = [], twine = [] }) => {
      const known = twine.filter((value) => value.trim() !== 'UNKNOWN')
      return known.length < twine.length && isDeepStrictEqual(ours, known)
    },
  ],
  [
    'Import-Name and Import-Namespace are sent',
    ({ field, ours, twine }) => /^import_name(space)?$/.test(field) && ours !== undefined && twine === undefined,
  ],
  [
    'requires_python is always there',
    ({ field, ours, twine }) => field === 'requires_python' && isDeepStrictEqual(ours, ['']) && twine === undefined,
  ],
  ['blake2 is not sent', ({ field, ours }) => field === 'blake2_256_digest' && ours === undefined],
])

export function multimap(fields: Iterable<readonly [string, string]>): Fields {
  return new Map(
    [...Map.groupBy(fields, ([name]) => name)].map(([name, pairs]) => [name, pairs.map(([, value]) => value)]),
  )
}

/** The fields that differ. */
export function compare(file: string, ours: Fields, twine: Fields): Difference[] {
  return [...new Set([...ours.keys(), ...twine.keys()])]
    .map((field) => ({ file, field, ours: ours.get(field), twine: twine.get(field) }))
    .filter((difference) => !isDeepStrictEqual(difference.ours, difference.twine))
}

/** Those that no rule explains. */
export function unexplained(differences: readonly Difference[]): Difference[] {
  return differences.filter((difference) => ![...RULES.values()].some((explains) => explains(difference)))
}
