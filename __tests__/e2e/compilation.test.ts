import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { outcomesOf, shown } from './support/assertions.ts'
import { NODE, type Scene, setScene } from './support/scene.ts'

/** A Node.js that tells of each function that it compiles, and by which compiler. */
function tellingNode({ directory }: Scene): string {
  const script = path.join(directory, 'node')
  const lines = [
    // No shell: it would drop the variables of inputs, whose names have hyphens.
    `#!${NODE}`,
    "const { spawnSync } = require('node:child_process')",
    "const argv = ['--trace-wasm-compilation-times', '--trace-opt', ...process.argv.slice(2)]",
    "process.exitCode = spawnSync(process.execPath, argv, { stdio: 'inherit' }).status",
  ]
  writeFileSync(script, lines.join('\n'))
  chmodSync(script, 0o755)
  return script
}

describe('what V8 compiles for a run of 21 files', { skip: process.platform === 'win32' }, () => {
  it('is the parser of HTTP answers once, and not again for speed: no process ends before that is done', async (test) => {
    const output = await published(test)
    const compilers = new Set(Array.from(output.matchAll(/Compiled function \S+ using (\w+)/g), ([, name]) => name))
    assert.deepEqual([...compilers], ['Liftoff'])
  })

  it('is no function that reads the headers of the files: it is called some hundred times', async (test) => {
    const lines = (await published(test)).split('\n').filter((line) => line.startsWith('[completed compiling'))
    // What is called many thousand times is still compiled, and told: silence would prove nothing.
    assert.notEqual(lines.length, 0)
    assert.ok(!lines.some((line) => line.includes('readUInt32LE')), lines.join('\n'))
  })
})

/** The log of a run, with what such a Node.js tells. */
async function published(test: TestContext): Promise<string> {
  const scene = await setScene(test, { samples: { wheels: 20 } })
  const run = await scene.run({}, { node: tellingNode(scene) })
  assert.equal(run.main.exitCode, 0, shown(run))
  assert.equal(Object.keys(outcomesOf(run)).length, 21)
  return shown(run)
}
