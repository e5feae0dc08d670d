import { PublishError, PublishErrors } from '../errors.ts'
import type { OpenFile } from './open-file.ts'

const REBUILD =
  'Build the distribution again with an up-to-date build backend; do not edit or repack the file afterwards.'

/** E_DIST_LAYOUT: an archive that is broken, or that two readers could read differently. */
export function layoutFault(file: OpenFile, found: string, hint: string = REBUILD, cause?: unknown): PublishError {
  return new PublishError({ code: 'E_DIST_LAYOUT', message: `${file.shownName}: ${found}`, hint, cause })
}

/** E_DIST_LIMIT: an archive that would cost its reader more than any honest one does. */
export function limitFault(file: OpenFile, found: string): PublishError {
  return new PublishError({
    code: 'E_DIST_LIMIT',
    message: `${file.shownName}: ${found}`,
    hint: 'No known distribution comes near this limit: look at what the archive holds, and build it again without that.',
  })
}

/** E_DIST_METADATA: the core metadata is not where it must be. */
export function metadataFault(file: OpenFile, found: string, hint: string = REBUILD): PublishError {
  return new PublishError({ code: 'E_DIST_METADATA', message: `${file.shownName}: ${found}`, hint })
}

/**
 * Runs a reader over foreign bytes. Whatever they make it throw is a fault of the archive, told as one (E_DIST_LAYOUT);
 * refusals of our own and the end of the run pass as they are.
 */
export async function orCorrupt<T>(
  file: OpenFile,
  signal: AbortSignal | undefined,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof PublishError || error instanceof PublishErrors || signal?.aborted) throw error
    throw layoutFault(file, 'the archive is corrupt', REBUILD, error)
  }
}
