/** One stage for a test file: an index behind nginx with mutual TLS, a CA and a client certificate of it, all in one folder. */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createRoot, type Issued, issueClient, issueServer } from '../../../demo/certificate-authority.ts'
import type { ActionRun } from '../../../demo/runner/run-action.ts'
import type { StartIndexServer } from './index-servers.ts'
import { type Front, type FrontOptions, startFront } from './mutual-tls-front.ts'
import type { PipAccess } from './pip.ts'
import { publish } from './publish.ts'
import { freePort } from './server-process.ts'

export interface Stage {
  readonly client: Issued
  /** The front that users talk to. */
  readonly front: Front
  /**
   * Runs the action on copies of these files. Inputs stand beside what the stage itself gives: URL, certificate, CA.
   * `onStart` gets its process.
   */
  publish(
    files: readonly string[],
    inputs?: Readonly<Record<string, string>>,
    onStart?: (child: ChildProcess) => void,
  ): Promise<ActionRun>
  /** For pip: the index below `indexPath`, through the same front with the same certificate. */
  pipAccess(indexPath: string): Promise<PipAccess>
  /** What the servers wrote, for the output of a failed test. */
  log(): string
  /** Ends the servers and removes their files. */
  stop(): Promise<void>
}

export interface StageOptions {
  readonly index: StartIndexServer
  /** Path of the upload URL, without the slash in front. */
  readonly uploadPath: string
  /** What the front is like. */
  readonly front?: Pick<FrontOptions, 'protocols' | 'maxBody'>
}

export async function startStage({ index: start, uploadPath, front: frontOptions }: StageOptions): Promise<Stage> {
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
      places: index.places ?? {},
      server: issueServer(authority, { name: 'front' }),
      clientAuthorities: authority.pem,
      ...frontOptions,
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
      publish: async (files, inputs, onStart) =>
        publish(await fresh('run'), files, { ...identity, ...inputs }, onStart),
      pipAccess: async (indexPath) => {
        return { indexUrl: `${front.url}${indexPath}`, clientPem, caBundle, directory: await fresh('pip') }
      },
      log: () => running.map((server) => server.log()).join('\n'),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
