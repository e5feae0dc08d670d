import { randomUUID } from 'node:crypto'
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs'
import path from 'node:path'
import { errorCodeOf, PublishError } from '../errors.ts'
import { printable } from '../text.ts'
import { OpenFile } from './open-file.ts'

export interface DownloadOptions {
  /** A directory that this process may write to. */
  readonly directory: string
  /** How the file is named to people. */
  readonly shownName: string
}

/** Writes the bytes of a file, one chunk after the other; false: they are not all there, and of no use. */
export type Fill = (write: (chunk: Uint8Array) => void) => Promise<boolean>

/**
 * Puts bytes that come over the network into a private temporary file, and runs `use` with it. The file is made
 * exclusively with mode 0600, and its name is taken away before the first byte is written: nobody else can open it, and
 * nothing stays behind, even when this process is killed. Where the system keeps the name of an open file (some versions
 * of Windows) it goes at the end.
 *
 * Resolves to undefined, without `use`, when `fill` says that its bytes are of no use.
 *
 * @throws PublishError E_DIST_FILE when the directory takes no file; whatever `fill` and `use` throw
 */
export async function withDownloaded<T>(
  fill: Fill,
  { directory, shownName }: DownloadOptions,
  use: (file: OpenFile) => Promise<T>,
): Promise<T | undefined> {
  const name = path.join(directory, `publish-python-mtls-${randomUUID()}`)
  // Exclusive, which follows no link: what is there already was put there by somebody else.
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
  const descriptor = storing(shownName, () => openSync(name, flags, 0o600))
  const isGone = remove(name)
  let file: OpenFile | undefined
  try {
    if (!(await fill((chunk) => store(chunk, descriptor, shownName)))) return undefined
    file = OpenFile.adopt(descriptor, shownName)
    return await use(file)
  } finally {
    if (file === undefined) closeSync(descriptor)
    else file.close()
    if (!isGone) remove(name)
  }
}

function store(chunk: Uint8Array, descriptor: number, shownName: string): void {
  storing(shownName, () => {
    for (let at = 0; at < chunk.length; ) at += writeSync(descriptor, chunk, at)
  })
}

/** Whether the name is gone. */
function remove(name: string): boolean {
  try {
    unlinkSync(name)
    return true
  } catch {
    return false
  }
}

/** Runs one system call; its failure becomes a sentence. */
function storing<T>(shownName: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw new PublishError({
      code: 'E_DIST_FILE',
      message: `${printable(shownName)} cannot be kept in the runner's temporary directory (${errorCodeOf(error) ?? 'unknown error'})`,
      hint: 'Check that the directory has room and that the runner may write to it.',
      cause: error,
    })
  }
}
