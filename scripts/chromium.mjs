// Runs Chromium without a window on one page of this project: `node scripts/chromium.mjs --dump-dom FILE_URL`. On Debian
// and its relatives it installs the distribution's package when there is none (as root). Reaches no network itself.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const SECOND = 1000
const PROGRAMS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

const isRoot = process.getuid?.() === 0

function find() {
  return PROGRAMS.find((program) => existsSync(program))
}

function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'], timeout: 300 * SECOND }).status === 0
}

/** A package list that is too old names files which are gone: then it is read anew. */
function install() {
  if (!isRoot || !existsSync('/usr/bin/apt-get')) return undefined
  console.error('Installing Chromium ...')
  const args = ['install', '-y', '-q', '--no-install-recommends', 'chromium']
  if (!apt(...args) && apt('update', '-q')) apt(...args)
  return find()
}

const program = find() ?? install()
if (program === undefined) {
  console.error('This needs Chromium or Chrome (Debian: apt-get install chromium).')
  process.exit(1)
}

const profile = mkdtempSync(path.join(os.tmpdir(), 'chromium-'))
const flags = [
  '--headless',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--hide-scrollbars',
  '--no-first-run',
  '--disable-background-networking',
  '--host-resolver-rules=MAP * ~NOTFOUND',
  // Until the page's scripts have nothing left to do, or so many milliseconds of its own clock have passed.
  '--virtual-time-budget=30000',
  `--user-data-dir=${profile}`,
  // Chromium's sandbox does not start as root, nor in most containers that run checks.
  ...(isRoot || process.env.CI ? ['--no-sandbox'] : []),
]
try {
  const options = { encoding: 'utf8', timeout: 120 * SECOND, maxBuffer: 64 * 1024 * 1024 }
  const { status, stdout, stderr } = spawnSync(program, [...flags, ...process.argv.slice(2)], options)
  if (status === 0) process.stdout.write(stdout)
  else console.error(stderr)
  process.exitCode = status ?? 1
} finally {
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
}
