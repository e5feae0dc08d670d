/** The longest path that Linux opens, and more levels than any honest tree has: what is done for a name stays cheap. */
const LONGEST_NAME = 4096
const MOST_LEVELS = 128

/**
 * Why a member's name is refused, in one phrase, or undefined. Such names mean one place to one reader and another place
 * to the next, or a place outside of the directory that is unpacked to.
 */
export function pathFault(name: string): string | undefined {
  if (/[\0-\x1f\x7f]/.test(name)) return 'its name holds a control character'
  if (name.startsWith('/') || name.startsWith('\\')) return 'its name is an absolute path'
  if (/^[A-Za-z]:/.test(name)) return 'its name begins with a drive letter'
  if (name.split(/[/\\]/).includes('..')) return 'its name climbs out of the archive with `..`'
  if (name.length > LONGEST_NAME || name.split('/').length > MOST_LEVELS) return 'its name is too long or too deep'
  return undefined
}

/** The parts of a member's name, without those that mean nothing (`./a//b/` is `a`, `b`). */
export function segmentsOf(name: string): string[] {
  return name.split('/').filter((segment) => segment !== '' && segment !== '.')
}
