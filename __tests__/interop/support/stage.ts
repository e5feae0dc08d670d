/** One stage for a test file: an index behind nginx with mutual TLS, a CA and a client certificate of it, all in one folder. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createRoot, type Issued, issueClient, issueServer } from '../../../demo/certificate-authority.ts'
import { type ActionRun, runAction } from '../../../demo/runner/run-action.ts'
import { cleanEnvironment } from './environment.ts'
import type { StartIndexServer } from './index-servers.ts'
import { type Front, type FrontOptions, startFront } from './mutual-tls-front.ts'
import { download } from './pip.ts'
import { actionDir } from './programs.ts'
import { freePort } from './server-process.ts'

export interface Stage {
  readonly client: Issued
  /** The front that users talk to. */
  readonly front: Front
  /** Runs the action on copies of these files. Inputs stand beside what the stage itself gives: URL, certificate, CA. */
  publish(files: readonly string[], inputs?: Readonly<Record<string, string>>): Promise<ActionRun>
  /** What pip gets from the index below `indexPath`, through the same front with the same certificate. */
  download(indexPath: string, requirement: string, kind: 'wheel' | 'sdist'): Promise<ReadonlyMap<string, Buffer>>
  /** What the servers wrote, for the output of a failed test. */
  log(): string
  /** Ends the servers and removes their files. */
  stop(): Promise<void>
}

export interface StageOptions {
  readonly index: StartIndexServer
  /** Path of the upload URL, without the slash in front. */
  readonly uploadPath: string
  readonly protocols?: FrontOptions['protocols']
}

export async function startStage({ index: start, uploadPath, protocols }: StageOptions): Promise<Stage> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'interop-'))
  const fresh = (name: string) => mkdtemp(path.join(directory, `${name}-`))
  const authority = createRoot({ name: 'Example CA' })
  const client = issueClient(authority, { name: 'release' })
  const caBundle = path.join(directory, 'ca.pem')
  const clientPem = path.join(directory, 'client.pem')
  await writeFile(caBundle, authority.pem)
  await writeFile(clientPem, client.pem + client.keyPem, { mode: 0o600 })
  const port = await freePort()
  const running: { log(): string; stop(): Promise<void> }[] = []
  const stop = async () => {
    for (const server of running.toReversed()) await server.stop()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const index = await start(path.join(directory, 'index'), `https://localhost:${port}/`)
    running.push(index)
    const front = await startFront({
      directory: path.join(directory, 'front'),
      port,
      indexPort: index.port,
      server: issueServer(authority, { name: 'front' }),
      clientAuthorities: authority.pem,
      ...(protocols === undefined ? {} : { protocols }),
    })
    running.push(front)
    const identity = {
      'repository-url': `${front.url}${uploadPath}`,
      'client-cert': client.pem,
      'client-key': client.keyPem,
      'ca-bundle': authority.pem,
    }
    return {
      client,
      front,
      publish: async (files, inputs) => runOn(await fresh('run'), files, { ...identity, ...inputs }),
      download: async (indexPath, requirement, kind) => {
        const indexUrl = `${front.url}${indexPath}`
        return download({ indexUrl, clientPem, caBundle, requirement, kind, directory: await fresh('download') })
      },
      log: () => running.map((server) => server.log()).join('\n'),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function runOn(
  directory: string,
  files: readonly string[],
  inputs: Readonly<Record<string, string>>,
): Promise<ActionRun> {
  const workspace = path.join(directory, 'workspace')
  const temp = path.join(directory, 'temp')
  await mkdir(path.join(workspace, 'dist'), { recursive: true })
  await mkdir(temp)
  for (const file of files) await copyFile(file, path.join(workspace, 'dist', path.basename(file)))
  return runAction({ actionDir, inputs, env: cleanEnvironment(directory), workspace, temp })
}
