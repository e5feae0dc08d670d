import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type ActionRequest, type ActionRun, runAction } from '../../../demo/runner/run-action.ts'

const MANIFEST = `
inputs:
  client-key: { required: true }
  packages dir: { default: dist }
  days: { default: 30 }
  bare:
runs: { using: node24, main: step.mjs, post: step.mjs }
`

let directory: string

beforeEach(async () => {
  directory = await realpath(await mkdtemp(path.join(os.tmpdir(), 'run-action-')))
  for (const name of ['workspace', 'temp']) await mkdir(path.join(directory, name))
  await writeFile(path.join(directory, 'action.yml'), MANIFEST)
})

afterEach(() => rm(directory, { recursive: true, force: true }))

/** Runs an action whose main and post step are this script; `post` in it says which of the two it is. */
async function run(script: string, request: Partial<ActionRequest> = {}): Promise<ActionRun> {
  const imports = "import { appendFileSync } from 'node:fs'\nconst post = process.env.STATE_place !== undefined\n"
  await writeFile(path.join(directory, 'step.mjs'), imports + script)
  const [workspace, temp] = ['workspace', 'temp'].map((name) => path.join(directory, name))
  assert.ok(workspace !== undefined && temp !== undefined)
  return runAction({ actionDir: directory, inputs: {}, workspace, temp, ...request })
}

const SAVE_STATE = "appendFileSync(process.env.GITHUB_STATE, 'place=/x\\n')\n"

describe('the stand-in of the runner', () => {
  it('gives inputs by their names in upper case, with defaults, and empty ones where there is none', async () => {
    const script = "console.log(JSON.stringify(Object.entries(process.env).filter(([n]) => n.startsWith('INPUT_'))))"
    const { main } = await run(script, { inputs: { 'client-key': ' k\n', other: 'o' } })
    const inputs: [string, string][] = JSON.parse(main.stdout)
    assert.deepEqual(Object.fromEntries(inputs), {
      'INPUT_CLIENT-KEY': ' k\n',
      INPUT_PACKAGES_DIR: 'dist',
      INPUT_DAYS: '30',
      INPUT_BARE: '',
      INPUT_OTHER: 'o',
    })
  })

  it('hands nothing else of this process on; what the request names comes last, and undefined removes', async () => {
    process.env.STAND_IN_TEST = 'must not be seen'
    try {
      const script = 'console.log(JSON.stringify(process.env))'
      const { main } = await run(script, { env: { GITHUB_REF: 'refs/tags/v1', GITHUB_ACTOR: undefined, EXTRA: 'e' } })
      const env: Record<string, string> = JSON.parse(main.stdout)
      assert.equal(env.STAND_IN_TEST, undefined)
      assert.equal(env.GITHUB_ACTOR, undefined)
      assert.deepEqual([env.GITHUB_REF, env.EXTRA, env.GITHUB_ACTIONS], ['refs/tags/v1', 'e', 'true'])
      assert.equal(env.PATH, process.env.PATH)
    } finally {
      delete process.env.STAND_IN_TEST
    }
  })

  it('starts both steps in the workspace, the second one with the state that the first one saved', async () => {
    const script = `if (!post) { ${SAVE_STATE} }\nconsole.log(process.cwd(), process.env.STATE_place)`
    const { main, post, state } = await run(script)
    const workspace = path.join(directory, 'workspace')
    assert.deepEqual([main.stdout, post?.stdout], [`${workspace} undefined\n`, `${workspace} /x\n`])
    assert.deepEqual(state, { place: '/x' })
  })

  it('runs the post step after a failed, and after a killed main step; not when it is not wanted', async () => {
    const failed = await run(`${SAVE_STATE}process.exitCode = post ? 0 : 3`)
    assert.deepEqual([failed.main.exitCode, failed.post?.exitCode], [3, 0])
    const waits = `${SAVE_STATE}if (!post) { console.log('up'); setInterval(() => {}, 1000) }`
    const killed = await run(waits, { onStart: (child) => child.stdout?.once('data', () => child.kill('SIGTERM')) })
    if (process.platform !== 'win32') {
      assert.deepEqual([killed.main.exitCode, killed.main.signal], [null, 'SIGTERM'])
    }
    assert.equal(killed.post?.exitCode, 0)
    assert.equal((await run('', { post: false })).post, undefined)
  })

  it('reads outputs, the summary, and forged outputs on stdout, which the runner would take', async () => {
    const script = `
      appendFileSync(process.env.GITHUB_OUTPUT, 'a<<D\\n1\\n2\\nD\\n')
      appendFileSync(process.env.GITHUB_STEP_SUMMARY, post ? '' : '# Title\\n')
      console.log('::set-output name=b::forged')`
    const { outputs, summary } = await run(script, { post: false })
    assert.deepEqual(outputs, { a: '1\n2', b: 'forged' })
    assert.equal(summary, '# Title\n')
  })

  it('sees commands on stderr as well, and lines that end with CR', async () => {
    const script = "process.stderr.write('said\\r::error::bad\\r\\n'); process.stdout.write('last')"
    const { annotations, log } = await run(script, { post: false })
    assert.deepEqual(annotations, [{ kind: 'error', title: '', message: 'bad' }])
    assert.deepEqual([...log].sort(), ['Error: bad', 'last', 'said'])
  })

  it('hides secrets of the job from the first line on, and masks of the main step in the post step too', async () => {
    const script = `if (!post) { ${SAVE_STATE} console.log('::add-mask::learned') }\nconsole.log('given, learned')`
    const { log, masks } = await run(script, { secrets: ['line\ngiven'] })
    assert.deepEqual(log, ['***, ***', '***, ***'])
    assert.deepEqual(masks, ['learned'])
  })

  it('lets later steps of the job look at outputs before the post step runs', async () => {
    const seen: unknown[] = []
    const script = "if (!post) appendFileSync(process.env.GITHUB_OUTPUT, 'key=/k\\n')"
    await run(script, { betweenSteps: ({ exitCode }, outputs) => void seen.push(exitCode, outputs) })
    assert.deepEqual(seen, [0, { key: '/k' }])
  })

  it('leaves nothing of its own in the temporary directory', async () => {
    await run('')
    assert.deepEqual(await readdir(path.join(directory, 'temp')), [])
  })

  it('measures the main step: its peak memory on Linux', { timeout: 30_000 }, async () => {
    const script = 'globalThis.kept = Buffer.alloc(150_000_000, 1)\nsetTimeout(() => {}, 300)'
    const { peakMemoryBytes } = await run(script, { post: false })
    if (process.platform === 'linux') assert.ok((peakMemoryBytes ?? 0) > 150_000_000, String(peakMemoryBytes))
    else assert.equal(peakMemoryBytes, undefined)
  })
})
