import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'

const ROOT = path.resolve(import.meta.dirname, '../..')

/** From the entry down. A value comes from a lower layer or from one's own folder; a type may also come from the same layer. */
const LAYERS: readonly (readonly string[])[] = [
  ['index'],
  ['publish', 'cleanup'],
  ['probe'],
  ['session'],
  ['difference'],
  ['plan'],
  ['progress'],
  [
    'inputs',
    'material',
    'identity',
    'certificates',
    'credentials',
    'transport',
    'distributions',
    'package-index',
    'report',
  ],
  ['runner', 'errors', 'text', 'clock', 'engine', 'neighbours', 'encoding'],
]
const LOWEST = LAYERS.length - 1

interface Import {
  /** Below the root, for example `src/text.ts`. */
  readonly from: string
  readonly typeOnly: boolean
  /** As written: a path or a package. */
  readonly specifier: string
}

/** Every import and re-export of a source text, dynamic ones included. */
function readImports(from: string, source: string): Import[] {
  const statements = [...source.matchAll(/^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)]
  const calls = [...source.matchAll(/\bimport\(\s*'([^']+)'/g)]
  return [
    ...statements.map(([, type, specifier = '']) => ({ from, typeOnly: type !== undefined, specifier })),
    ...calls.map(([, specifier = '']) => ({ from, typeOnly: false, specifier })),
  ]
}

function sources(folder: string): string[] {
  const names = readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.ts')).map((name) => path.posix.join(folder, ...name.split(path.sep)))
}

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8')
}

function importsOf(folder: string): Import[] {
  return sources(folder).flatMap((file) => readImports(file, read(file)))
}

function isRelative({ specifier }: Import): boolean {
  return specifier.startsWith('.')
}

/** Where a relative import leads, below the root. */
function targetOf({ from, specifier }: Import): string {
  return path.posix.join(path.posix.dirname(from), specifier)
}

/** `certificates` for src/certificates/path.ts, `text` for src/text.ts. */
function unitOf(file: string): string {
  return (file.split('/')[1] ?? '').replace(/\.ts$/, '')
}

function layerOf(file: string): number {
  return LAYERS.findIndex((units) => units.includes(unitOf(file)))
}

function isAllowed(statement: Import): boolean {
  const target = targetOf(statement)
  if (unitOf(statement.from) === unitOf(target)) return true
  const [from, to] = [layerOf(statement.from), layerOf(target)]
  return to > from || (to === from && (statement.typeOnly || from === LOWEST))
}

function show({ from, specifier }: Import): string {
  return `${from} imports ${specifier}`
}

function importersOf(name: string): string[] {
  const statements = importsOf('src').filter(({ specifier }) => specifier === name || specifier.startsWith(`${name}/`))
  return [...new Set(statements.map(({ from }) => from))]
}

describe('imports', () => {
  it('are all seen by these tests', () => {
    const source = [
      "import 'a'",
      "import b, { c } from 'b'",
      "import type { D } from 'c'",
      "import {\n  e,\n  f,\n} from 'd'",
      "export { g } from 'e'",
      "export type * from 'f'",
      "const h = await import('g')",
      "// as import says: 'h'",
      "export const i = 'j'",
    ]
    const found = readImports('x.ts', source.join('\n'))
    assert.deepEqual(
      found.map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' type' : ''}`),
      ['a', 'b', 'c type', 'd', 'e', 'f type', 'g'],
    )
    assert.ok(importsOf('src').length > 50)
  })

  it('have a place for every file of src/', () => {
    assert.deepEqual(
      sources('src').filter((file) => layerOf(file) < 0),
      [],
    )
  })

  it('go down: capability folders exchange types, never values', () => {
    const wrong = importsOf('src').filter((statement) => isRelative(statement) && !isAllowed(statement))
    assert.deepEqual(wrong.map(show), [])
  })

  it('never lead from src/ to demo/ or __tests__/, nor from demo/ to __tests__/', () => {
    const inside = (statement: Import, ...folders: string[]) =>
      folders.some((folder) => targetOf(statement).startsWith(`${folder}/`))
    const wrong = [
      ...importsOf('src').filter((statement) => isRelative(statement) && !inside(statement, 'src')),
      ...importsOf('demo').filter((statement) => isRelative(statement) && !inside(statement, 'src', 'demo')),
    ]
    assert.deepEqual(wrong.map(show), [])
  })

  it('reach the toolkit and the network only where they belong', () => {
    assert.deepEqual(importersOf('@actions/core'), ['src/runner.ts'])
    assert.deepEqual(importersOf('@actions/glob'), ['src/distributions/discover.ts'])
    const network = importersOf('undici').filter((file) => !/^src\/(transport|package-index)\//.test(file))
    assert.deepEqual(network, [])
  })

  it('name only Node itself and runtime dependencies in src/', () => {
    const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(read('package.json'))
    const allowed = Object.keys(dependencies)
    const wrong = importsOf('src').filter(
      (statement) =>
        !isRelative(statement) &&
        !statement.specifier.startsWith('node:') &&
        !allowed.some((name) => statement.specifier === name || statement.specifier.startsWith(`${name}/`)),
    )
    assert.deepEqual(wrong.map(show), [])
  })
})

describe('src/', () => {
  it('reads the environment in inputs.ts, runner.ts and index.ts alone', () => {
    const readers = sources('src').filter((file) => /\bprocess\s*\.\s*env\b|\bprocess\[/.test(read(file)))
    assert.deepEqual(
      readers.filter((file) => !['src/inputs.ts', 'src/runner.ts', 'src/index.ts'].includes(file)),
      [],
    )
  })

  it('has no drawer: no utils, no types, no barrel', () => {
    const drawers = sources('src').filter((file) => /\/(utils?|helpers?|types|common)(\.ts|\/)/.test(file))
    const barrels = sources('src').filter((file) => file.endsWith('/index.ts') && file !== 'src/index.ts')
    assert.deepEqual([...drawers, ...barrels], [])
  })
})
