import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { INPUT_NAMES, readInputs, takeSecretInputs } from '../../src/inputs.ts'
import { outputsOf } from '../../src/report/outputs.ts'
import type { RunReport } from '../../src/report/run-report.ts'
import { ACTION_VERSION } from '../../src/runner.ts'
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
  const { inputs, problems } = readInputs(env, takeSecretInputs(env), () => {}, new Secrets())
  return { inputs, problems: problems.all.map(({ message }) => message), seen }
}

/** A run of which nothing is known but that it ended. */
const NOTHING: RunReport = {
  status: 'failed',
  dryRun: false,
  looksUp: true,
  startedAt: new Date(0),
  finishedAt: new Date(0),
  repositoryUrl: undefined,
  files: [],
  problems: [],
  warnings: [],
  notices: [],
  handshake: 'not-tried',
  server: undefined,
  proxy: undefined,
  chain: [],
  anchor: undefined,
  findings: [],
  ownCaBundle: false,
  utcOffsetMinutes: 0,
  certificateExpires: undefined,
  certificateDaysLeft: undefined,
  exported: undefined,
  supportContact: undefined,
  run: {
    repository: '',
    commit: '',
    ref: '',
    actor: '',
    workflow: '',
    job: '',
    runId: '',
    runAttempt: '',
    serverUrl: '',
    actionRepository: '',
    actionRef: '',
    actionVersion: '',
  },
  reportPath: '',
}

/** Rows of the tables in one section of README.md, without the header: what each cell holds. */
function tableRows(section: string): string[][] {
  const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8')
  const [, text = ''] = readme.split(new RegExp(`^## ${section}$`, 'm'))
  const [mine = ''] = text.split(/^## /m)
  const rows = [...mine.matchAll(/^\| (`.*) \|$/gm)]
  return rows.map(([, row = '']) => row.split(/ ?\| ?/).map((cell) => cell.trim()))
}

/** Names in backticks. */
function namesIn(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
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

  it('states the bounds that the code has', () => {
    const bounded = Object.entries(metadata.inputs).flatMap(([name, { description }]) => {
      const [, min, max] = /\b(\d+) to (\d+)\b/.exec(description) ?? []
      return min === undefined ? [] : [{ name, min: Number(min), max: Number(max) }]
    })
    assert.ok(bounded.length >= 3)
    for (const { name, min, max } of bounded) {
      const problems = (value: number) => {
        const found = readFrom({ ...REQUIRED, [name]: String(value) }).problems
        return found.filter((message) => message.startsWith(`${name} must be`)).length
      }
      assert.deepEqual([min - 1, min, max, max + 1].map(problems), [1, 0, 0, 1], name)
    }
  })

  it('lists the outputs that a run sets, and no others', () => {
    assert.deepEqual(Object.keys(metadata.outputs).toSorted(), [...outputsOf(NOTHING).keys()].sort())
  })

  it('describes every input and output', () => {
    const described = [...Object.entries(metadata.inputs), ...Object.entries(metadata.outputs)]
    assert.deepEqual(
      described.filter(([, { description }]) => !/^\S.{10,}\.$/s.test(description)).map(([name]) => name),
      [],
    )
  })
})

describe('README.md', () => {
  it('has each input once, with its default', () => {
    const rows = tableRows('Inputs').map(([name, value]) => [namesIn(name).join(), value])
    const expected = Object.entries(metadata.inputs).map(([name, input]) => {
      if (input.required === true) return [name, '(required)']
      return [name, input.default === undefined ? '' : `\`${input.default}\``]
    })
    assert.deepEqual(rows.sort(), expected.sort())
  })

  it('has each output once', () => {
    const names = tableRows('Outputs').flatMap(([cell]) => namesIn(cell))
    assert.deepEqual(names.sort(), Object.keys(metadata.outputs).sort())
  })
})

describe('the version', () => {
  it('of the code is that of package.json', () => {
    const { version }: { version: string } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
    assert.equal(ACTION_VERSION, version)
  })
})
