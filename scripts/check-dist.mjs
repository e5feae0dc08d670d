// Builds src/ again and compares every file with the committed dist/: the bundle that users run must come from the source that they read.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const fresh = mkdtempSync(path.join(os.tmpdir(), 'check-dist-'))

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort()
}

try {
  const { status } = spawnSync(process.execPath, [path.join(root, 'scripts', 'build.mjs'), fresh], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
  const committed = path.join(root, 'dist')
  const names = new Set([...filesOf(committed), ...filesOf(fresh)])
  const differing = [...names].filter((name) => {
    try {
      return !readFileSync(path.join(committed, name)).equals(readFileSync(path.join(fresh, name)))
    } catch {
      return true
    }
  })
  if (differing.length > 0) {
    console.error(`dist/ is not what src/ builds (${differing.join(', ')}). Run "npm run build" and commit dist/.`)
    process.exit(1)
  }
  console.log(`dist/ is what src/ builds: ${names.size} files, byte for byte.`)
} finally {
  rmSync(fresh, { recursive: true, force: true })
}
