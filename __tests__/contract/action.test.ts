import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { INPUT_NAMES, readInputs, takeSecretInputs } from '../../src/inputs.ts'
import { Secrets } from '../../src/text.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')

interface Metadata {
  readonly inputs: Readonly<Record<string, { description: string; required?: boolean; default?: string }>>
  readonly outputs: Readonly<Record<string, { description: string }>>
  readonly runs: Readonly<Record<string, string>>
}

const metadata: Metadata = parse(readFileSync(path.join(ROOT, 'action.yml'), 'utf8'))

/** What reading the inputs gives, and which variables were looked at. */
function readFrom(given: Readonly<Record<string, string>>) {
  const seen = new Set<string>()
  const variables = Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])
  const env: NodeJS.ProcessEnv = new Proxy(Object.fromEntries(variables), {
    get: (target, name, receiver) => {
      seen.add(String(name))
      return Reflect.get(target, name, receiver)
    },
  })
  const { inputs } = readInputs(env, takeSecretInputs(env), () => {}, new Secrets())
  return { inputs, seen }
}

const REQUIRED = { 'repository-url': 'https://index.example.com/', 'client-cert': 'none' }

describe('action.yml', () => {
  it('runs the committed bundle on Node 24, as main and as post step, even after a failure', () => {
    assert.deepEqual(metadata.runs, {
      using: 'node24',
      main: 'dist/index.js',
      post: 'dist/index.js',
      'post-if': 'always()',
    })
  })

  it('lists the inputs that the code reads, and no others', () => {
    const listed = Object.keys(metadata.inputs)
    const { seen } = readFrom(REQUIRED)
    assert.deepEqual(listed.toSorted(), [...INPUT_NAMES].sort())
    assert.deepEqual(
      listed.filter((name) => !seen.has(`INPUT_${name.toUpperCase()}`)),
      [],
    )
  })

  it('has the defaults that the code has: a step without an input is like one that writes them all out', () => {
    const defaults = Object.entries(metadata.inputs).map(([name, input]) => [name, input.default ?? ''])
    const asRunnerDoes = { ...Object.fromEntries(defaults), ...REQUIRED }
    assert.deepEqual(readFrom(asRunnerDoes).inputs, readFrom(REQUIRED).inputs)
  })

  it('marks as required what the code does not do without', () => {
    const required = Object.entries(metadata.inputs).filter(([, input]) => input.required === true)
    assert.deepEqual(required.map(([name]) => name).sort(), Object.keys(REQUIRED).sort())
  })

  it('describes every input and output', () => {
    const described = [...Object.entries(metadata.inputs), ...Object.entries(metadata.outputs)]
    assert.deepEqual(
      described.filter(([, { description }]) => !/^\S.{10,}\.$/s.test(description)).map(([name]) => name),
      [],
    )
  })
})
