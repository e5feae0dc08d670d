import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { outcomesOf, shown } from './support/assertions.ts'
import { NODE, type Scene, setScene } from './support/scene.ts'

/** A Node.js that tells of each function of WebAssembly that it compiles, and by which compiler. */
function tellingNode({ directory }: Scene): string {
  const script = path.join(directory, 'node')
  const lines = [
    // No shell: it would drop the variables of inputs, whose names have hyphens.
    `#!${NODE}`,
    "const { spawnSync } = require('node:child_process')",
    "const argv = ['--trace-wasm-compilation-times', ...process.argv.slice(2)]",
    "process.exitCode = spawnSync(process.execPath, argv, { stdio: 'inherit' }).status",
  ]
  writeFileSync(script, lines.join('\n'))
  chmodSync(script, 0o755)
  return script
}

describe('the parser of HTTP answers', { skip: process.platform === 'win32' }, () => {
  it('is compiled once, and not again for speed: no process ends before that is done', async (test) => {
    const scene = await setScene(test, { samples: { wheels: 20 } })
    const run = await scene.run({}, { node: tellingNode(scene) })
    assert.equal(run.main.exitCode, 0, shown(run))
    assert.equal(Object.keys(outcomesOf(run)).length, 21)
    const compilers = new Set(Array.from(shown(run).matchAll(/Compiled function \S+ using (\w+)/g), ([, name]) => name))
    assert.deepEqual([...compilers], ['Liftoff'])
  })
})
