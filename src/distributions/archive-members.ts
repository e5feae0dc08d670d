import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Bytes that are unpacked of one archive, and members that it may have, to compare it with another one. */
export const COMPARED_BYTES = 200e6
export const COMPARED_MEMBERS = 100_000

/**
 * What an archive says of a member beside its content. The texts are for comparing only: equal in two archives when
 * the trait is.
 */
export interface Traits {
  readonly times: string
  readonly permissions: string
  readonly owners: string
  /** All else: versions, flags, extra fields, how the name is written. */
  readonly details: string
}

/** One member, as two archives are compared. */
export interface ArchiveMember {
  /** Where it is unpacked to, in one spelling: no two members of an archive have the same. */
  readonly path: string
  /** `file`, `directory`, ...; for a link also where it points. Foreign text. */
  readonly kind: string
  /** Bytes of content. */
  readonly size: number
  /** sha256 of the bytes as they are compressed; undefined where members are not compressed one by one. */
  packed(): Promise<string | undefined>
  /** sha256 of the content. Foreign bytes: throws E_DIST_LAYOUT for what cannot be unpacked, E_DIST_LIMIT. */
  content(): Promise<string>
  traits(): Traits
}

export interface ArchiveMembers {
  /** In their order. */
  readonly members: readonly ArchiveMember[]
  /** Where the archive is compressed as a whole: what says how. */
  readonly wrapper: Wrapper | undefined
}

/** The gzip file around a tar archive. */
export interface Wrapper {
  readonly times: string
  readonly details: string
  /** sha256 of the tar archive. */
  readonly content: string
  /** sha256 of what it is compressed to. */
  readonly packed: string
}

/** The sha256 of bytes that come in pieces; the event loop turns between them. */
export async function hashPieces(
  pieces: AsyncIterable<Buffer> | Iterable<Buffer>,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256')
  let previous: Buffer | undefined
  for await (const piece of pieces) {
    // Most members are one piece: a turn for each of a hundred thousand would be the longest part of the work.
    if (previous !== undefined) await nextTurn()
    signal.throwIfAborted()
    hash.update(piece)
    previous = piece
  }
  return hash.digest('base64')
}
