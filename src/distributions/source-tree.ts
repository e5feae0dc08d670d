import { printable } from '../text.ts'
import { layoutFault, metadataFault } from './archive-fault.ts'
import { segmentsOf } from './archive-path.ts'
import type { OpenFile } from './open-file.ts'

/** A member of an sdist, of either format. */
export interface SourceMember {
  readonly kind: 'file' | 'directory' | 'hard link' | 'symbolic link'
  readonly name: string
  /** Where a link points; empty for the others, and where it is not known. */
  readonly target: string
}

const NAME = 'PKG-INFO'

/**
 * The tree that an sdist's members make, as they go by: one root directory with exactly one PKG-INFO in it. A second
 * one under any name that a file system takes for the same, or written through a link, would be the one that an
 * installer ends up with.
 */
export class SourceTree {
  readonly #file: OpenFile
  readonly #links = new Set<string>()
  readonly #outside: string[] = []
  #root: string | undefined
  #hasMetadata = false

  constructor(file: OpenFile) {
    this.#file = file
  }

  /**
   * Takes the next member in. True when it is the PKG-INFO that counts.
   *
   * @throws PublishError E_DIST_LAYOUT
   */
  add(member: SourceMember): boolean {
    const segments = segmentsOf(member.name)
    const [root, ...below] = segments
    if (root === undefined && member.kind === 'directory') return false
    if (root === undefined || (below.length === 0 && member.kind !== 'directory')) {
      throw layoutFault(
        this.#file,
        `${printable(member.name, 120)} stands beside the root directory, which must hold all`,
      )
    }
    this.#root ??= root
    if (root !== this.#root) {
      const both = `${printable(this.#root, 120)} and ${printable(root, 120)}`
      throw layoutFault(this.#file, `expected one root directory, found ${both}`)
    }
    this.#checkLinks(member, segments)
    return this.#isMetadata(member, below)
  }

  #isMetadata(member: SourceMember, below: readonly string[]): boolean {
    // As the file systems of Windows and macOS see it: case does not count, `\` divides.
    const place = segmentsOf(below.join('/').replaceAll('\\', '/'))
    if (place[0]?.toUpperCase() !== NAME) return false
    const shown = printable(member.name, 120)
    if (this.#hasMetadata)
      throw layoutFault(this.#file, `expected one ${NAME} in the root directory, found a second: ${shown}`)
    if (member.kind !== 'file') throw layoutFault(this.#file, `${shown} is a ${member.kind}, and must be a file`)
    if (below.length !== 1 || below[0] !== NAME) {
      throw layoutFault(
        this.#file,
        `${shown} stands where ${NAME} must be, under a name that not all systems tell from it`,
      )
    }
    this.#hasMetadata = true
    return true
  }

  #checkLinks(member: SourceMember, segments: readonly string[]): void {
    if (this.#links.size > 0 && prefixes(segments).some((path) => this.#links.has(path))) {
      throw layoutFault(this.#file, `${printable(member.name, 120)} would be written through a link of the archive`)
    }
    if (member.kind !== 'symbolic link' && member.kind !== 'hard link') return
    this.#links.add(key(segments))
    if (leavesRoot(member, segments)) this.#outside.push(member.name)
  }

  /**
   * The root's name, when the last member went by.
   *
   * @throws PublishError E_DIST_METADATA when there was no PKG-INFO
   */
  finish(): { root: string; warnings: string[] } {
    if (this.#root === undefined || !this.#hasMetadata) {
      const place = this.#root === undefined ? 'no file at all' : `none at ${printable(this.#root, 120)}/${NAME}`
      throw metadataFault(this.#file, `expected ${NAME} in the root directory of the sdist, found ${place}`)
    }
    return { root: this.#root, warnings: this.#warnings() }
  }

  #warnings(): string[] {
    const [first, ...others] = this.#outside
    if (first === undefined) return []
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`
    return [
      `the link ${printable(first, 120)}${more} points out of the sdist, and installers leave it out or refuse it`,
    ]
  }
}

function key(segments: readonly string[]): string {
  return segments.join('/').toLowerCase()
}

/** `a`, `a/b`, `a/b/c`. */
function prefixes(segments: readonly string[]): string[] {
  return segments.map((_, index) => key(segments.slice(0, index + 1)))
}

function leavesRoot({ kind, target }: SourceMember, segments: readonly string[]): boolean {
  if (target.startsWith('/') || /^[A-Za-z]:|^\\/.test(target)) return true
  // A hard link names its target from the top of the archive, a symbolic one from where it stands.
  const path = kind === 'hard link' ? [] : segments.slice(0, -1)
  for (const part of segmentsOf(target)) {
    if (part !== '..') path.push(part)
    else if (path.pop() === undefined) return true
  }
  return path[0] !== segments[0]
}
