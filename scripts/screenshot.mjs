// Makes docs/images/demo.png, the README's picture: a part of the page that `npm run demo` writes, as Chromium shows it.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const picture = path.join(root, 'docs', 'images', 'demo.png')

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [path.join(root, script), ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 300_000,
  })
  if (status !== 0) process.exit(status ?? 1)
}

run(path.join('demo', 'main.ts'))
mkdirSync(path.dirname(picture), { recursive: true })
// The run that is refused, alone.
const page = `${pathToFileURL(path.join(root, '.cache', 'demo', 'index.html'))}#run-2`
run(path.join('scripts', 'chromium.mjs'), '--window-size=1180,1770', `--screenshot=${picture}`, page)
console.log(picture)
