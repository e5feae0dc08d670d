import assert from 'node:assert/strict'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'

const ROOT = path.resolve(import.meta.dirname, '../..')

interface Step {
  readonly id?: string
  readonly uses?: string
  readonly run?: string
  readonly if?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly steps?: readonly Step[]
  readonly permissions?: Readonly<Record<string, string>>
  readonly environment?: string
  readonly concurrency?: Readonly<Record<string, unknown>>
  readonly needs?: string
  readonly outputs?: Readonly<Record<string, string>>
  readonly 'timeout-minutes'?: number
}

interface Input {
  readonly description: string
  readonly type: string
  readonly required?: boolean
  readonly default?: unknown
}

interface Trigger {
  readonly inputs: Readonly<Record<string, Input>>
  readonly secrets: Readonly<Record<string, { readonly required: boolean }>>
  readonly outputs: Readonly<Record<string, { readonly value: string }>>
}

interface Workflow {
  readonly on: Readonly<Record<string, Trigger | undefined>>
  readonly permissions?: object
  readonly jobs: Readonly<Record<string, Job>>
}

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8')
}

function filesOf(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder)).map((name) => `${folder}/${name}`)
}

function expression(text: string): string {
  return `\${{ ${text} }}`
}

function jobOf(workflow: Workflow, id: string): Job {
  const job = workflow.jobs[id]
  assert.ok(job, `there is a job ${id}`)
  return job
}

/** The one step that fits; there must be exactly one. */
function stepOf(job: Job, fits: (step: Step) => boolean): Step {
  const [step, ...others] = (job.steps ?? []).filter(fits)
  assert.ok(step)
  assert.deepEqual(others, [])
  return step
}

/** The expressions in the values of a step or job, as far as they are of this kind: `secrets`, `inputs`, `vars`. */
function reads(part: unknown, context: string): string[] {
  const names = [...JSON.stringify(part).matchAll(new RegExp(`\\b${context}\\.([\\w-]+)`, 'g'))]
  return [...new Set(names.map(([, name = '']) => name))].sort()
}

for (const file of filesOf('.github/workflows')) {
  const text = read(file)
  const workflow: Workflow = parse(text)
  const jobs = Object.entries(workflow.jobs)
  const steps = jobs.flatMap(([, job]) => job.steps ?? [])

  describe(file, () => {
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

describe('.github/workflows and examples', () => {
  it('name one commit of each action, in README.md too', () => {
    const files = [...filesOf('.github/workflows'), ...filesOf('examples'), 'README.md']
    const pins = files.flatMap((file) => [...read(file).matchAll(/\buses: (actions\/[\w-]+)@([0-9a-f]{40}.*)$/gm)])
    const commits = Map.groupBy(pins, ([, action]) => action)
    assert.ok(commits.size >= 4)
    for (const [action, found] of commits) assert.equal(new Set(found.map(([, , commit]) => commit)).size, 1, action)
  })
})

describe('publish-python.yml', () => {
  const text = read('.github/workflows/publish-python.yml')
  const workflow: Workflow = parse(text)
  const { workflow_call: called, workflow_dispatch: byHand } = workflow.on
  const [build, publish] = [jobOf(workflow, 'build'), jobOf(workflow, 'publish')]

  it('takes the same inputs when it is called and when it is started by hand', () => {
    const expected = structuredClone<Record<string, Input>>({ ...called?.inputs })
    // By hand there is no job before this one that builds, and GitHub offers the names of the environments.
    Object.assign(expected.build ?? {}, { default: true })
    Object.assign(expected.environment ?? {}, { type: 'environment' })
    assert.deepEqual(byHand?.inputs, expected)
    assert.ok(Object.keys(expected).length >= 2)
  })

  it('uses each of its inputs, and reads no other', () => {
    assert.deepEqual(reads(workflow.jobs, 'inputs'), Object.keys(called?.inputs ?? {}).sort())
  })

  it('gives its secrets to the action alone, and demands none of them', () => {
    const { steps = [], ...rest } = publish
    const action = stepOf(publish, ({ uses }) => uses === '$/')
    assert.deepEqual(reads(action, 'secrets'), Object.keys(called?.secrets ?? {}).sort())
    assert.deepEqual(reads([build, rest, steps.filter((step) => step !== action)], 'secrets'), [])
    assert.ok(Object.values(called?.secrets ?? {}).every(({ required }) => !required))
  })

  it('publishes in an environment, and stops before anything else where its name is empty', () => {
    assert.equal(called?.inputs.environment?.required, true)
    assert.equal(publish.environment, expression('inputs.environment'))
    assert.equal(publish.steps?.[0]?.if, expression("inputs.environment == ''"))
    assert.match(publish.steps?.[0]?.run ?? '', /^exit 1$/m)
  })

  it('builds without secrets, environment and caches, with the right to read the sources', () => {
    assert.deepEqual(build.permissions, { contents: 'read' })
    assert.equal(build.environment, undefined)
    assert.doesNotMatch(JSON.stringify(build), /cache/)
  })

  it('publishes without any permission, building nothing', () => {
    assert.deepEqual(publish.permissions, {})
    assert.deepEqual(
      publish.steps?.flatMap(({ uses }) => (uses === undefined ? [] : [uses.replace(/@.*/, '')])),
      ['actions/download-artifact', '$/', 'actions/upload-artifact'],
    )
  })

  it('never cancels a run that publishes, and lets only runs of the same release wait for each other', () => {
    const parts = ['github.repository', 'inputs.environment', 'github.ref', 'inputs.artifact']
    const group = ['publish-python', ...parts.map(expression)].join('-')
    assert.deepEqual(publish.concurrency, { group, 'cancel-in-progress': false })
  })

  it('keeps each artifact in a folder of its own, where the action looks for them', () => {
    const download = stepOf(publish, ({ uses }) => uses?.startsWith('actions/download-artifact@') === true)
    assert.deepEqual(download.with, { pattern: expression('inputs.artifact'), path: 'artifacts' })
    assert.equal(stepOf(publish, ({ uses }) => uses === '$/').with?.files, 'artifacts/**/*\n')
  })

  it('hands on outputs of the action under their own names', () => {
    const names = Object.keys(called?.outputs ?? {})
    assert.ok(names.length >= 4)
    for (const name of names) {
      assert.equal(called?.outputs[name]?.value, expression(`jobs.publish.outputs.${name}`))
      assert.equal(publish.outputs?.[name], expression(`steps.publish.outputs.${name}`))
    }
  })

  it('keeps the report, after a failure too', () => {
    const upload = stepOf(publish, ({ uses }) => uses?.startsWith('actions/upload-artifact@') === true)
    assert.equal(upload.if, expression("always() && steps.publish.outputs.report-path != ''"))
    assert.equal(upload.with?.path, expression('steps.publish.outputs.report-path'))
    const naming = stepOf(publish, ({ id }) => id === 'report')
    assert.deepEqual(reads(naming, 'inputs'), ['artifact', 'environment', 'repository-url'])
    assert.equal(upload.with?.name, expression('steps.report.outputs.name'))
  })
})

describe('release.yml', () => {
  const workflow: Workflow = parse(read('.github/workflows/release.yml'))
  const release = jobOf(workflow, 'release')
  const position = (fits: (step: Step) => boolean) => (release.steps ?? []).indexOf(stepOf(release, fits))

  it('runs for version tags only, behind an environment and without caches', () => {
    assert.deepEqual(workflow.on, { push: { tags: ['v[0-9]+.[0-9]+.[0-9]+'] } })
    assert.equal(release.environment, 'release')
    assert.doesNotMatch(JSON.stringify(workflow), /cache|setup-node/)
  })

  it('may write releases and attestations, and nothing else', () => {
    assert.deepEqual(release.permissions, { contents: 'write', 'id-token': 'write', attestations: 'write' })
  })

  it('compares dist/ with a fresh build, attests it, and only then publishes a release of the tag that is there', () => {
    const compared = position(({ run }) => run === 'npm run check-dist')
    const attested = position((step) => step.uses?.startsWith('actions/attest@') === true)
    const released = position(({ run }) => run?.startsWith('gh release create ') === true)
    assert.ok(compared < attested && attested < released)
    assert.deepEqual(release.steps?.[attested]?.with, { 'subject-path': 'dist/*' })
    assert.match(release.steps?.[released]?.run ?? '', / --verify-tag /)
  })

  it('gives its token to the last step alone', () => {
    const holders = (release.steps ?? []).filter((step) => /github\.token|GITHUB_TOKEN/.test(JSON.stringify(step)))
    assert.deepEqual(holders, release.steps?.slice(-1))
  })
})

describe('scripts', () => {
  it('install npm packages without running their scripts', () => {
    const installing = filesOf('scripts').filter((file) => file.endsWith('.mjs') && /'npm'/.test(read(file)))
    assert.ok(installing.includes('scripts/setup.mjs'))
    assert.deepEqual(
      installing.filter((file) => !read(file).includes("'--ignore-scripts'")),
      [],
    )
  })
})

describe('dependabot.yml', () => {
  it('waits days before it takes a release, whatever the ecosystem', () => {
    const { updates }: { updates: { 'package-ecosystem': string; cooldown?: { 'default-days': number } }[] } = parse(
      read('.github/dependabot.yml'),
    )
    assert.deepEqual(
      updates.filter(({ cooldown }) => (cooldown?.['default-days'] ?? 0) < 7),
      [],
    )
    assert.deepEqual(updates.map((update) => update['package-ecosystem']).sort(), ['github-actions', 'npm', 'pip'])
  })

  it('looks at every list of locked Python packages', () => {
    const { updates }: { updates: { directories?: string[] }[] } = parse(read('.github/dependabot.yml'))
    const lists = globSync('{scripts,__tests__,bench}/**/requirements.txt', { cwd: ROOT })
    assert.deepEqual(
      updates.flatMap(({ directories = [] }) => directories).sort(),
      lists.map((file) => `/${path.posix.dirname(file.replaceAll(path.sep, '/'))}`).sort(),
    )
  })
})
