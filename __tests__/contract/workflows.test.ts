import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'

const FOLDER = path.resolve(import.meta.dirname, '../../.github/workflows')

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

interface Workflow {
  readonly permissions?: object
  readonly jobs: Readonly<Record<string, { steps?: Step[]; permissions?: object; 'timeout-minutes'?: number }>>
}

for (const name of readdirSync(FOLDER)) {
  const text = readFileSync(path.join(FOLDER, name), 'utf8')
  const workflow: Workflow = parse(text)
  const jobs = Object.entries(workflow.jobs)
  const steps = jobs.flatMap(([, job]) => job.steps ?? [])

  describe(`.github/workflows/${name}`, () => {
    it('gives no permission to everything, and to each job by name', () => {
      assert.deepEqual(workflow.permissions, {})
      assert.deepEqual(
        jobs.filter(([, job]) => job.permissions === undefined).map(([id]) => id),
        [],
      )
    })

    it('ends each job in time', () => {
      assert.deepEqual(
        jobs.filter(([, job]) => job.steps !== undefined && job['timeout-minutes'] === undefined).map(([id]) => id),
        [],
      )
    })

    it('uses other actions by full commit, with their version beside it', () => {
      const uses = [...text.matchAll(/\buses:\s*(.+)$/gm)].map(([, value = '']) => value)
      assert.deepEqual(
        uses.filter((value) => !/^(\$\/|[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)/.test(value)),
        [],
      )
    })

    it('leaves no token in the checkout', () => {
      const checkouts = steps.filter((step) => step.uses?.startsWith('actions/checkout@'))
      assert.ok(checkouts.every((step) => step.with?.['persist-credentials'] === false))
    })

    it('has no expression inside a script, where its value would be code', () => {
      assert.deepEqual(
        steps.filter((step) => step.run?.includes('${{')),
        [],
      )
    })
  })
}
