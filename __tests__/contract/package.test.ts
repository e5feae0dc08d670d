import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'

const ROOT = path.resolve(import.meta.dirname, '../..')

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

function read(name: string): string {
  return readFileSync(path.join(ROOT, name), 'utf8')
}

function allDependencies(): Map<string, string> {
  const manifest: Manifest = JSON.parse(read('package.json'))
  const { dependencies, devDependencies, optionalDependencies } = manifest
  return new Map(Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }))
}

describe('packages', () => {
  it('are locked without the address of a registry, so that a company mirror serves them too', () => {
    const { packages }: { packages: Record<string, { resolved?: string; integrity?: string }> } = JSON.parse(
      read('package-lock.json'),
    )
    const locked = Object.entries(packages).filter(([name]) => name !== '')
    assert.ok(locked.length >= allDependencies().size)
    assert.deepEqual(
      locked.filter(([, { resolved }]) => resolved !== undefined).map(([name]) => name),
      [],
    )
    assert.deepEqual(
      locked.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([name]) => name),
      [],
    )
    assert.match(read('.npmrc'), /^omit-lockfile-registry-resolved=true$/m)
  })

  it('have exact versions', () => {
    const ranges = [...allDependencies()].filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
    assert.deepEqual(ranges, [])
  })

  it('each have one line in CONTRIBUTING.md that says why, and no line is left over', () => {
    const lines = [...read('CONTRIBUTING.md').matchAll(/^- `([^`]+)`(?:, `[^`]+`)*: \S.{20,}$/gm)]
    const argued = lines.flatMap(([line]) =>
      [...(line.split(':')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    )
    assert.deepEqual(argued.sort(), [...allDependencies().keys()].sort())
  })
})

describe('the bundle', () => {
  it("has one way to the network: neither the toolkit's HTTP client, nor HTTP/2, nor Node's own HTTPS", () => {
    const scripts = readdirSync(path.join(ROOT, 'dist')).filter((name) => name.endsWith('.js'))
    // Wherever a module is named to be loaded: `require("https")`, `from "https"`, `getBuiltinModule("node:https")`.
    const loads = /HttpClient|(?:\(|\bfrom ?|\bimport ?)"(?:node:)?(?:http2|https)"/
    const others = scripts.filter((name) => loads.test(read(path.join('dist', name))))
    assert.ok(scripts.includes('index.js'))
    assert.deepEqual(others, [])
  })

  it('comes with the licence of each dependency, word for word', () => {
    const licences = read('dist/licenses.txt')
    const { dependencies }: Manifest = JSON.parse(read('package.json'))
    assert.ok('undici' in dependencies)
    for (const name of Object.keys(dependencies)) {
      const folder = path.join('node_modules', name)
      const file = readdirSync(path.join(ROOT, folder)).find((one) => /^licen[cs]e/i.test(one))
      assert.ok(file !== undefined, `${name} has no licence`)
      const text = read(path.join(folder, file)).replaceAll('\r\n', '\n').trim()
      assert.ok(licences.includes(text), `the licence of ${name} is not there`)
    }
  })
})
