/** The scene of one end-to-end test: an index behind mutual TLS, a client that it knows, and a fresh workspace a run. */
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import {
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  issueServer,
  type KeyKind,
} from '../../../demo/certificate-authority.ts'
import { type IndexOptions, type RunningIndex, startIndex } from '../../../demo/index-server.ts'
import { type ActionRequest, type ActionRun, runAction } from '../../../demo/runner/run-action.ts'
import { type Sample, type SampleOptions, writeSamples } from '../../../demo/sample-distributions.ts'
import { assertNoSecrets, assertNothingLeft, assertOrderly } from './assertions.ts'
import { secretsOf } from './secrets.ts'

export type Inputs = Readonly<Record<string, string>>

export interface SceneOptions {
  readonly index?: Partial<IndexOptions>
  /** Of the client and everything above it. Default `ec`. */
  readonly keyKind?: KeyKind
  /** The root itself issues the client's certificate. Default: an intermediate does. */
  readonly leafFromRoot?: boolean
  /** Default: two wheels and an sdist. `none`: an empty `dist/`. */
  readonly samples?: Partial<SampleOptions> | 'none'
  /** DNS names of the server's certificate. Default `localhost`. */
  readonly serverNames?: readonly string[]
}

export interface RunOptions extends Pick<ActionRequest, 'env' | 'node' | 'post' | 'onStart' | 'betweenSteps'> {
  /** Material of other runs, or what the test planted, is there at the same time: the test itself looks at what is left. */
  readonly leftovers?: boolean
  /** Values that no output may hold, besides the secret inputs and the client's key. */
  readonly secrets?: readonly string[]
}

export interface Scene {
  readonly directory: string
  readonly workspace: string
  readonly temp: string
  readonly root: Issued
  readonly intermediate: Issued
  readonly client: Issued
  readonly index: RunningIndex
  /** In `dist/` of the workspace. */
  readonly samples: readonly Sample[]
  /** URL, certificate with its chain, key and CA bundle: enough to publish. */
  readonly inputs: Inputs
  /**
   * Runs main and post step with `inputs` on top of the scene's own, and asserts what holds for every run: no secret is
   * to be seen anywhere, no certificate material is left, no stack trace is shown. An input of `undefined` is left out.
   */
  run(inputs?: Readonly<Record<string, string | undefined>>, options?: RunOptions): Promise<ActionRun>
}

export const ACTION_DIR = path.resolve(import.meta.dirname, '../../..')

/** The Node.js that runs the action. */
export const NODE = process.env.ACTION_NODE ?? process.execPath

/** Sets the scene; it is struck when the test ends. */
export async function setScene(test: TestContext, options: SceneOptions = {}): Promise<Scene> {
  const directory = await realpath(await mkdtemp(path.join(os.tmpdir(), 'e2e-')))
  test.after(() => rm(directory, { recursive: true, force: true }))
  const [workspace, temp] = [path.join(directory, 'workspace'), path.join(directory, 'temp')]
  await mkdir(path.join(workspace, 'dist'), { recursive: true })
  await mkdir(temp)
  const people = certify(options)
  const { root, intermediate, client, server } = people
  const index = await startIndex({
    server: { pem: server.pem, keyPem: server.keyPem },
    clientAuthorities: [root.pem],
    directory: path.join(directory, 'index'),
    ...options.index,
  })
  test.after(() => index.stop())
  const samples = await writeDist(path.join(workspace, 'dist'), options.samples)
  const inputs = {
    'repository-url': index.uploadUrl,
    'client-cert': client.pem + intermediate.pem,
    'client-key': client.keyPem,
    'ca-bundle': root.pem,
  }
  const scene = { directory, workspace, temp, root, intermediate, client, index, samples, inputs }
  return { ...scene, run: (changes = {}, runOptions = {}) => run(scene, changes, runOptions) }
}

function certify({ keyKind = 'ec', serverNames, leafFromRoot = false }: SceneOptions) {
  const root = createRoot({ name: 'Test Root CA', keyKind })
  const intermediate = issueIntermediate(root, { name: 'Test Issuing CA', keyKind })
  const client = issueClient(leafFromRoot ? root : intermediate, { name: 'release', organization: 'Example', keyKind })
  const server = issueServer(root, { name: 'index', ...(serverNames === undefined ? {} : { dnsNames: serverNames }) })
  return { root, intermediate, client, server }
}

async function writeDist(directory: string, samples: SceneOptions['samples']): Promise<Sample[]> {
  if (samples === 'none') return []
  return writeSamples(directory, { project: 'Demo.Pkg', version: '1.2.0', wheels: 2, ...samples })
}

async function run(
  scene: Omit<Scene, 'run'>,
  changes: Readonly<Record<string, string | undefined>>,
  { secrets = [], leftovers = false, ...options }: RunOptions,
): Promise<ActionRun> {
  const given = Object.entries({ ...scene.inputs, ...changes })
  const inputs: Inputs = Object.fromEntries(given.filter((pair): pair is [string, string] => pair[1] !== undefined))
  const { workspace, temp, client } = scene
  const result = await runAction({
    actionDir: ACTION_DIR,
    node: NODE,
    inputs,
    workspace,
    temp,
    ...options,
  })
  assertNoSecrets(result, secretsOf(inputs, [client.keyPem, ...secrets], [client.keys.privateKey]))
  assertOrderly(result)
  if (result.post !== undefined && !leftovers) assertNothingLeft(temp)
  return result
}
