// Compiles src/ with tsc and bundles it into one file with ncc: build.mjs [output folder, default dist].
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const output = path.resolve(root, process.argv[2] ?? 'dist')

/**
 * What this action never gets to, as the bundle has it: without it the bundle is a third smaller, and all of it is read at every start. HTTP/2 is switched
 * off, no body is a form of undici's, and the second parser is one of undici's experiments.
 */
const NEVER_REACHED = {
  'undici/lib/dispatcher/client-h2.js': "module.exports = () => { throw new Error('HTTP/2 is left out') }",
  'undici/lib/dispatcher/parser-h1.js': 'exports.getMiloEnabled = () => false',
  'undici/lib/web/fetch/body.js': "exports.extractBody = () => { throw new Error('bodies of fetch are left out') }",
  'undici/lib/web/fetch/formdata.js': '',
  'undici/lib/web/webidl/index.js': 'exports.webidl = { is: { FormData: () => false } }',
}

/** Loading it does nothing, which it does not say of itself: what nobody uses of it may go, an HTTP client among that. */
const WITHOUT_SIDE_EFFECTS = '@actions/core'

/** Copies of the libraries where ncc finds them first. */
function trimLibraries() {
  const own = path.join(root, 'lib', 'node_modules')
  for (const name of ['undici', '@actions']) {
    cpSync(path.join(root, 'node_modules', name), path.join(own, name), { recursive: true })
  }
  for (const [file, text] of Object.entries(NEVER_REACHED)) {
    // Fails where the library no longer has it.
    readFileSync(path.join(own, file))
    writeFileSync(path.join(own, file), `${text}\n`)
  }
  const manifest = path.join(own, WITHOUT_SIDE_EFFECTS, 'package.json')
  writeFileSync(manifest, JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), sideEffects: false }))
}

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
trimLibraries()
run('@vercel/ncc/dist/ncc/cli.js', 'build', 'lib/index.js', '--out', output, '--license', 'licenses.txt', '--quiet')
