import type { FileDigests } from './hashing.ts'
import type { CoreMetadata } from './metadata.ts'
import type { OpenFile } from './open-file.ts'

/** One wheel or sdist that was read and checked, and is open for its upload. Whoever holds it closes `content`. */
export interface Distribution {
  /** Base name, checked: `^[A-Za-z0-9][A-Za-z0-9_.!+-]*$`. */
  readonly file: string
  /** Path to show: relative to the workspace, with forward slashes, printable. */
  readonly shown: string
  readonly kind: 'wheel' | 'sdist'
  /** Normalised project name (PEP 503). */
  readonly project: string
  /** Normalised version (PEP 440). */
  readonly version: string
  /** `pyversion` of the upload form: the wheel's python tag as written, or `source`. */
  readonly pythonVersion: string
  /** Bytes. */
  readonly size: number
  /** Computed while other files are sent: a release of 24 GB would wait a quarter of a minute for its first byte. */
  readonly digests: FileDigests
  readonly metadata: CoreMetadata
  /** Printable sentences without the file's name. */
  readonly warnings: readonly string[]
  /** The descriptor that is checked and hashed: the upload reads from it and from nothing else. */
  readonly content: OpenFile
}
