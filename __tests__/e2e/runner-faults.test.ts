import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { environmentOf, type Manifest } from '../../demo/runner/run-action.ts'
import { shown } from './support/assertions.ts'
import { ACTION_DIR, NODE, setScene } from './support/scene.ts'

const WHEEL = 'demo_pkg-1.2.0-py3-none-any.whl'
const ONE_WHEEL = { samples: { wheels: 1, sdist: false } } as const

describe('a runner in trouble', () => {
  it('that reads the log no more: the file is published, and the material is gone', async (test) => {
    const scene = await setScene(test, ONE_WHEEL)
    const run = await scene.run({}, { onStart: (child) => child.stdout?.destroy() })
    assert.equal(run.main.exitCode, 0, shown(run))
    assert.equal(run.main.stderr, '')
    assert.deepEqual(scene.index.files(), [WHEEL])
    assert.equal(run.outputs.published, '1')
  })

  it('that has no room for the state of a step: nothing is sent, and one sentence says so', async (test) => {
    const scene = await setScene(test, ONE_WHEEL)
    const { inputs, workspace, temp } = scene
    const manifest: Manifest = parse(readFileSync(path.join(ACTION_DIR, 'action.yml'), 'utf8'))
    const env = environmentOf({ actionDir: ACTION_DIR, inputs, workspace, temp }, manifest)
    const missing = path.join(temp, 'missing', 'state')
    const { promise, resolve } = Promise.withResolvers<[code: unknown, stdout: string, stderr: string]>()
    execFile(
      NODE,
      [path.join(ACTION_DIR, 'dist', 'index.js')],
      { env: { ...env, GITHUB_STATE: missing }, cwd: workspace, timeout: 60_000 },
      (error, stdout, stderr) => resolve([error?.code, stdout, stderr]),
    )
    const [code, stdout, stderr] = await promise
    assert.deepEqual([code, stderr], [1, ''], stdout)
    assert.match(
      stdout,
      /^::error title=Publishing failed::.*\(GITHUB_STATE\) cannot be written: .* Nothing was sent\./m,
    )
    assert.doesNotMatch(stdout, /^\s+at /m)
    assert.equal(scene.index.connections, 0)
  })
})
