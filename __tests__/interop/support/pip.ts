/** pip as a user of the index: it downloads through the same front with the same certificate. */
import { mkdir, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { getExecOutput } from '@actions/exec'
import { cleanEnvironment } from './environment.ts'
import { python } from './programs.ts'

export interface DownloadOptions {
  readonly indexUrl: string
  /** PEM file with the client's certificate and key. */
  readonly clientPem: string
  readonly caBundle: string
  /** For example `six==1.17.0`. */
  readonly requirement: string
  readonly kind: 'wheel' | 'sdist'
  /** Made when it is missing; must be empty. */
  readonly directory: string
}

/** The bytes that the index served, by file name. Throws with pip's words when it found nothing. */
export async function download(options: DownloadOptions): Promise<ReadonlyMap<string, Buffer>> {
  const { indexUrl, clientPem, caBundle, requirement, kind, directory } = options
  await mkdir(directory, { recursive: true })
  const only = kind === 'wheel' ? '--only-binary' : '--no-binary'
  const tls = [
    '--index-url',
    indexUrl,
    '--client-cert',
    clientPem,
    '--cert',
    caBundle,
    '--timeout',
    '10',
    '--retries',
    '0',
  ]
  // Without isolation pip needs no second index to fetch what an sdist is built with.
  const what = ['--no-deps', '--no-build-isolation', '--no-cache-dir', only, ':all:', '--dest', directory, requirement]
  const { exitCode, stdout, stderr } = await getExecOutput(python, ['-m', 'pip', 'download', ...tls, ...what], {
    env: cleanEnvironment(directory),
    silent: true,
    ignoreReturnCode: true,
  })
  if (exitCode !== 0) throw new Error(`pip download ${requirement} failed:\n${stdout}${stderr}`)
  const names = (await readdir(directory)).filter((name) => !name.startsWith('.'))
  return new Map(
    await Promise.all(
      names.map(async (name): Promise<[string, Buffer]> => [name, await readFile(path.join(directory, name))]),
    ),
  )
}
