/** uv as a user of the index: it comes through the same front with the same certificate. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { cleanEnvironment } from './environment.ts'
import type { PipAccess } from './pip.ts'
import { python, pythonProgram } from './programs.ts'
import { mustRun } from './run-program.ts'

/** Installs a wheel, whose digest uv compares with the index's page, and gives back one of its files. */
export async function installWithUv(access: PipAccess, requirement: string, file: string): Promise<string> {
  const { indexUrl, clientPem, caBundle, directory } = access
  const target = path.join(directory, 'installed')
  const what = ['--no-deps', '--no-cache', '--no-config', '--only-binary', ':all:', '--python', python]
  const args = ['pip', 'install', '-q', '--target', target, '--default-index', indexUrl, ...what, requirement]
  const env = { ...cleanEnvironment(directory), SSL_CERT_FILE: caBundle, SSL_CLIENT_CERT: clientPem }
  await mustRun(pythonProgram('uv'), args, { cwd: directory, env, limitMs: 60_000 })
  return readFile(path.join(target, file), 'utf8')
}
