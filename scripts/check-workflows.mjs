// Checks action.yml, the workflows and the examples with zizmor (security), actionlint (syntax, types) and GitHub's own
// language service. Installs the first two into .cache/workflows: wheels locked by hash, a Go module locked by version (its
// bytes by Go's checksum database).
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const SECOND = 1000
const ACTIONLINT = 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12'
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const own = path.join(root, 'scripts', 'workflow-checks')
const cache = path.join(root, '.cache', 'workflows')
const requirements = path.join(own, 'requirements.txt')

function fail(message) {
  console.error(message)
  process.exit(1)
}

/** Runs a program to its end; true when it exited with 0 within the limit. */
function succeeds(program, args, seconds, env = {}) {
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: seconds * SECOND,
    env: { ...process.env, ...env },
  })
  if (error?.code === 'ENOENT') fail(`These checks need ${program}, which is not on this machine.`)
  return status === 0
}

/** Made anew unless the last complete installation was of the same kind. */
function refresh(folder, kind, make) {
  const stamp = `${folder}.complete`
  const wanted = createHash('sha256').update(kind).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(folder)) return
  rmSync(stamp, { force: true })
  rmSync(folder, { recursive: true, force: true })
  make()
  writeFileSync(stamp, wanted)
}

/** A registry that hiccups gets one more chance. */
function twice(program, args, seconds, env) {
  return succeeds(program, args, seconds, env) || succeeds(program, args, seconds, env)
}

function installZizmor(folder) {
  if (!succeeds('python3', ['-m', 'venv', folder], 120)) {
    fail('These checks need python3, version 3.11 or newer, with its venv module (Debian: python3-venv).')
  }
  const pip = ['-m', 'pip', '--disable-pip-version-check', '--no-input', 'install', '-q', '--require-hashes']
  const python = path.join(folder, 'bin', 'python')
  if (!twice(python, [...pip, '--only-binary', ':all:', '-r', requirements], 120))
    fail('pip could not get zizmor, which needs Python 3.11 or newer')
}

function installActionlint(folder) {
  const sources = path.join(cache, 'go')
  const caches = { GOPATH: sources, GOMODCACHE: path.join(sources, 'mod'), GOCACHE: path.join(sources, 'build') }
  // Modules are read-only otherwise, and could not be removed. Without cgo no C compiler is needed.
  const env = { ...caches, GOBIN: folder, GOFLAGS: '-modcacherw', CGO_ENABLED: '0' }
  if (!twice('go', ['install', ACTIONLINT], 140, env)) fail('go could not get actionlint')
  rmSync(sources, { recursive: true, force: true })
}

function filesOf(folder) {
  return readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.yml'))
    .map((name) => `${folder}/${name}`)
}

mkdirSync(cache, { recursive: true })
const zizmor = path.join(cache, 'zizmor')
const actionlint = path.join(cache, 'bin')
refresh(zizmor, root + readFileSync(requirements, 'utf8'), () => installZizmor(zizmor))
refresh(actionlint, ACTIONLINT, () => installActionlint(actionlint))

const workflows = [...filesOf('.github/workflows'), ...filesOf('examples')]
const checks = {
  // Offline: the zero commits of the examples are nobody's. A file that it cannot read is a fault, not a file to leave out.
  zizmor: () =>
    succeeds(
      path.join(zizmor, 'bin', 'zizmor'),
      [
        ...['--offline', '--quiet', '--persona', 'auditor', '--strict-collection', '--no-ignores'],
        ...['action.yml', '.github/dependabot.yml', ...workflows],
      ],
      60,
    ),
  // The ignored message: the action of the same commit, which this version does not know yet. Without shellcheck and
  // pyflakes, which it would run where a machine has them: the result is the same everywhere.
  actionlint: () =>
    succeeds(
      path.join(actionlint, 'actionlint'),
      ['-shellcheck=', '-pyflakes=', '-ignore', '^specifying action "\\$/" in invalid format', ...workflows],
      60,
    ),
  'language service': () =>
    succeeds(process.execPath, [path.join(own, 'language-service.mjs'), 'action.yml', ...workflows], 60),
}
const failed = Object.entries(checks).filter(([name, check]) => {
  const start = Date.now()
  const passed = check()
  console.log(`${name}: ${passed ? 'passed' : 'failed'} in ${((Date.now() - start) / SECOND).toFixed(1)} s`)
  return !passed
})
console.log(
  failed.length === 0
    ? `action.yml, dependabot.yml and ${workflows.length} workflows pass all ${Object.keys(checks).length} checks.`
    : `Failed: ${failed.map(([name]) => name).join(', ')}.`,
)
process.exit(failed.length === 0 ? 0 : 1)
