// Compiles src/ with tsc and bundles it into one file with ncc: build.mjs [output folder, default dist].
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const output = path.resolve(root, process.argv[2] ?? 'dist')

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [path.join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) {
    console.error(`${script} failed with exit code ${status}`)
    process.exit(1)
  }
}

// Both folders are emptied first: a file that no source makes any more must not stay in the bundle.
rmSync(path.join(root, 'lib'), { recursive: true, force: true })
rmSync(output, { recursive: true, force: true })
run('typescript/bin/tsc', '--project', 'tsconfig.build.json')
run('@vercel/ncc/dist/ncc/cli.js', 'build', 'lib/index.js', '--out', output, '--license', 'licenses.txt', '--quiet')
