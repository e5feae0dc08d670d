// Compiles src/ with tsc and bundles it into one file with ncc: build.mjs [output folder, default dist].
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'

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

/** Throws as Node's own does, which takes a millisecond to load. */
const ASSERT = "(value, message) => { if (!value) process.getBuiltinModule('node:assert')(value, message) }"

/** Lines of libraries as the bundle has them: file, the line, what stands there instead. */
const CHANGED = [
  // Fronts say "100 Continue" to uploads that did not ask for it: a client reads over it (RFC 9110, 15.2.1), undici hangs up.
  ['undici/lib/dispatcher/client-h1.js', '    if (statusCode === 100) {', '    if (false) {'],
  // The parser is made while the probe waits for the server, and not when the first file is about to go.
  ['undici/lib/dispatcher/client-h1.js', 'let llhttpInstance = null', 'let llhttpInstance = lazyllhttp()'],
  // A clock that goes without `perf_hooks`, which takes a millisecond to load.
  [
    'undici/lib/dispatcher/client-h1.js',
    'const EMPTY_BUF = Buffer.alloc(0)',
    'const EMPTY_BUF = Buffer.alloc(0)\nconst performance = { now: () => process.uptime() * 1000 }',
  ],
  // All that undici wants of Node's own HTTP client, which takes two milliseconds to load: a limit, and the class of a body
  // that is none of ours.
  ['undici/lib/dispatcher/client.js', "const http = require('node:http')", 'const http = { maxHeaderSize: 16384 }'],
  ['undici/lib/core/util.js', "const { IncomingMessage } = require('node:http')", 'class IncomingMessage {}'],
  ...['core/connect', 'core/request', 'core/util', 'dispatcher/client', 'dispatcher/client-h1'].map((name) => [
    `undici/lib/${name}.js`,
    "const assert = require('node:assert')",
    `const assert = ${ASSERT}`,
  ]),
]

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
  for (const [name, line, instead] of CHANGED) {
    const file = path.join(own, name)
    const text = readFileSync(file, 'utf8')
    if (!text.includes(`\n${line}\n`)) throw new Error(`${name} has no line \`${line}\``)
    writeFileSync(
      file,
      text.replace(line, () => instead),
    )
  }
  const manifest = path.join(own, WITHOUT_SIDE_EFFECTS, 'package.json')
  writeFileSync(manifest, JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), sideEffects: false }))
}

/** Of every package that may be in the bundle: ncc's own list leaves out what it finds in the main file. */
function writeLicences() {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'))
  const bundled = Object.entries(packages).filter(([name, { dev, optional }]) => name !== '' && !dev && !optional)
  const texts = bundled.map(([folder, { version, license }]) => {
    const name = readdirSync(path.join(root, folder)).find((one) => /^licen[cs]e/i.test(one))
    if (name === undefined) throw new Error(`${folder} has no licence`)
    const text = readFileSync(path.join(root, folder, name), 'utf8')
      .replaceAll('\r\n', '\n')
      .trim()
    return `${folder.replace('node_modules/', '')} ${version}\n${license}\n\n${text}\n`
  })
  writeFileSync(path.join(output, 'licenses.txt'), texts.join('\n\n'))
}

/**
 * Short names, and no spaces or comments: V8 reads all of it at every start. In ASCII, since with one other character it
 * reads two bytes for each. Not by ncc, whose minifier takes the brackets around modules, and V8 then reads them once more.
 */
function shorten() {
  for (const name of readdirSync(output).filter((one) => one.endsWith('.js'))) {
    const file = path.join(output, name)
    const { code } = transformSync(readFileSync(file, 'utf8'), {
      format: 'esm',
      target: 'node24',
      charset: 'ascii',
      legalComments: 'none',
      minifyIdentifiers: true,
      minifyWhitespace: true,
    })
    // A regular expression keeps what it has.
    const [other] = /[^\x00-\x7f]/.exec(code) ?? []
    if (other !== undefined) throw new Error(`${name} has a character that is not ASCII: ${other}`)
    writeFileSync(file, code)
  }
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
run('@vercel/ncc/dist/ncc/cli.js', 'build', 'lib/index.js', '--out', output, '--quiet')
shorten()
writeLicences()
