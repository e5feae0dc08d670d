/** A run that ended before anything of a file was sent. */
import assert from 'node:assert/strict'
import type { RunningIndex } from '../../../demo/index-server.ts'
import type { ActionRun } from '../../../demo/runner/run-action.ts'
import type { ErrorCode } from '../../../src/errors.ts'
import type { Handshake } from '../../../src/transport/transport.ts'
import { assertRefused, readReport, shown } from './assertions.ts'
import { assertEnded } from './ending.ts'
import type { Scene } from './scene.ts'

export interface Unsent {
  /** In the order of the report; the first one stands at every file. */
  readonly codes: readonly [ErrorCode, ...ErrorCode[]]
  /**
   * Default `not-tried`: there was no connection at all. Else there was exactly one, and no request on it; where the
   * machine has the `openssl` program, one more, by which it asked which CAs the server accepts.
   */
  readonly handshake?: Handshake
  /** Default: the scene's own. */
  readonly index?: Pick<RunningIndex, 'connections' | 'requests' | 'files'>
}

/**
 * The run failed for these reasons, and every channel says so; the server saw no request, and no connection where the
 * fault was known before; no file was stored.
 */
export function assertUnsent(run: ActionRun, scene: Scene, { codes, handshake = 'not-tried', index }: Unsent): void {
  const [first] = codes
  // In this order a wheel comes before the sdist of its version.
  const samples = scene.samples.map(({ name }) => name).sort()
  assertRefused(run, { codes, handshake })
  assertEnded(run, scene, {
    status: 'failed',
    handshake,
    files: samples.map((name) => [name, 'not-tried', first]),
    problems: codes,
  })
  // Also of a run that ended before anybody needed them.
  const digests = new Map(scene.samples.map(({ name, sha256 }) => [name, sha256]))
  for (const { file, sha256 } of readReport(run).files) assert.equal(sha256, digests.get(file), file)
  const { connections, requests, files } = index ?? scene.index
  const allowed = handshake === 'not-tried' ? [0] : [1, 2]
  assert.ok(allowed.includes(connections), `${connections} connections\n${shown(run)}`)
  // In TLS 1.2 a server may ask for the certificate once it sees the path: it is shown the path first, and nothing else.
  const early = requests.filter(({ method, tlsVersion }) => method === 'HEAD' && tlsVersion === 'TLSv1.2')
  // A dry run that the server lets in also looks up what the index has.
  const looks = handshake === 'accepted' ? requests.filter(({ method }) => method === 'GET') : []
  const others = requests.filter((request) => !looks.includes(request))
  assert.deepEqual(others, handshake === 'not-asked' ? early.slice(0, 1) : [])
  for (const { headers } of early) assert.equal(headers.authorization, undefined)
  assert.deepEqual(files(), [])
  // What is known before the first connection is known before anything is written.
  if (handshake === 'not-tried') assert.deepEqual(run.state, { started: 'true' })
}
