// Installs the locked packages, Node 24 among them, when they are missing or older than the lock file.
// Plain JS for Node 20: it runs before the project's own Node is there.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/** What npm wrote after the last install must hold the same packages as the committed lock file. */
function isInstalled() {
  const installed = path.join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installed)) return false
  const want = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages
  return Object.entries(want).every(
    ([name, entry]) => name === '' || entry.optional === true || have[name]?.version === entry.version,
  )
}

const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 20) {
  console.error(`This project needs Node 20 or newer to set itself up; this is Node ${process.versions.node}.`)
  process.exit(1)
}

if (!isInstalled()) {
  console.error('Installing the locked packages (npm ci) ...')
  // Install scripts are off: nothing here needs one, and a compromised package could use one.
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (status !== 0) process.exit(status ?? 1)
}
