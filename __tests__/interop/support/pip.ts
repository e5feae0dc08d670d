/** pip as a user of the index: it comes through the same front with the same certificate. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { cleanEnvironment } from './environment.ts'
import { python } from './programs.ts'
import type { ReleaseFile } from './releases.ts'
import { mustRun } from './run-program.ts'

/** How pip reaches the index. */
export interface PipAccess {
  readonly indexUrl: string
  /** PEM file with the client's certificate and key. */
  readonly clientPem: string
  readonly caBundle: string
  /** Made when it is missing; must be empty. */
  readonly directory: string
}

const LIMIT_MS = 120_000

/**
 * `pip download` of wheels: the bytes that the index served, by file name. Throws with pip's words when it finds no
 * wheel for this machine.
 */
export async function downloadWheels(
  access: PipAccess,
  requirements: readonly string[],
): Promise<ReadonlyMap<string, Buffer>> {
  const { indexUrl, clientPem, caBundle, directory } = access
  await mkdir(directory, { recursive: true })
  const target = path.join(directory, 'wheels')
  const tls = ['--index-url', indexUrl, '--client-cert', clientPem, '--cert', caBundle, '--timeout', '10']
  const what = ['--retries', '0', '--no-deps', '--no-cache-dir', '--only-binary', ':all:', '--dest', target]
  const env = cleanEnvironment(directory)
  const args = ['-m', 'pip', 'download', ...tls, ...what, ...requirements]
  await mustRun(python, args, { cwd: directory, env, limitMs: LIMIT_MS })
  return readFiles(target)
}

/**
 * Wheels of any platform and sdists: what the index's pages list under these names, each with the digest that its page
 * gives and that it must have, fetched by pip's own client. `pip download` would build an sdist's metadata.
 */
export async function fetchFiles(
  access: PipAccess,
  files: readonly ReleaseFile[],
): Promise<ReadonlyMap<string, Buffer>> {
  const { indexUrl, clientPem, caBundle, directory } = access
  const target = path.join(directory, 'files')
  await mkdir(target, { recursive: true })
  const list = path.join(directory, 'files.txt')
  await writeFile(list, files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join(''))
  const settings = { PIP_INDEX_URL: indexUrl, PIP_CLIENT_CERT: clientPem, PIP_CERT: caBundle, PIP_RETRIES: '0' }
  const env = { ...cleanEnvironment(directory), ...settings, PIP_NO_CACHE_DIR: '1', PIP_DEFAULT_TIMEOUT: '10' }
  const fetcher = path.join(import.meta.dirname, 'fetch.py')
  await mustRun(python, [fetcher, list, target], { cwd: directory, env, limitMs: LIMIT_MS })
  return readFiles(target)
}

async function readFiles(directory: string): Promise<ReadonlyMap<string, Buffer>> {
  const names = await readdir(directory)
  return new Map(
    await Promise.all(
      names.map(async (name): Promise<[string, Buffer]> => [name, await readFile(path.join(directory, name))]),
    ),
  )
}
