/** More names than these in one sentence help nobody. */
const MOST_NAMED = 8

/** Printable names as one text: `a, b and 3 more`. */
export function listNames(names: Iterable<string>): string {
  const all = [...names]
  const named = all.slice(0, MOST_NAMED)
  const rest = all.length - named.length
  return `${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
