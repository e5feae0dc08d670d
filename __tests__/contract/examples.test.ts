import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'

const ROOT = path.resolve(import.meta.dirname, '../..')

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8')
}

function filesOf(folder: string, extension: string): string[] {
  return readdirSync(path.join(ROOT, folder))
    .filter((name) => name.endsWith(extension))
    .map((name) => path.posix.join(folder, name))
}

interface Metadata {
  readonly inputs: Readonly<Record<string, { readonly required?: boolean }>>
  readonly outputs: Readonly<Record<string, unknown>>
}

const metadata: Metadata = parse(read('action.yml'))
const INPUTS = Object.keys(metadata.inputs)
const REQUIRED = INPUTS.filter((name) => metadata.inputs[name]?.required === true)
const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...filesOf('docs', '.md')]

/** Every YAML text that users may copy, by where it stands. */
function examples(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const page of PAGES) {
    const blocks = [...read(page).matchAll(/^ *```ya?ml\n(.*?)^ *```$/gms)]
    for (const [index, [, block = '']] of blocks.entries()) found.set(`${page}, block ${index + 1}`, block)
  }
  for (const file of [...filesOf('examples', '.yml'), '.github/workflows/publish-python.yml'])
    found.set(file, read(file))
  return found
}

type Step = Readonly<{ id?: string; uses?: string; with?: Readonly<Record<string, unknown>> }>

/** All steps of a workflow, of a list of steps, or of anything that holds some. */
function stepsIn(node: unknown): Step[] {
  if (Array.isArray(node)) return node.flatMap(stepsIn)
  if (typeof node !== 'object' || node === null) return []
  return [...(isStep(node) ? [node] : []), ...Object.values(node).flatMap(stepsIn)]
}

function isStep(node: object): node is Step {
  return ('uses' in node && typeof node.uses === 'string') || ('run' in node && typeof node.run === 'string')
}

function ofThisAction(step: Step): boolean {
  return /^(\$\/|octo-org\/publish-python-mtls@)/.test(step.uses ?? '')
}

/** Where the headings of a page can be linked to, as GitHub names them. */
function anchorsIn(file: string): ReadonlySet<string> {
  const text = read(file).replace(/^ *```.*?^ *```$/gms, '')
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
}

for (const [where, text] of examples()) {
  const all = stepsIn(parse(text))
  const steps = all.filter(ofThisAction)

  describe(`the example in ${where}`, () => {
    it('gives only inputs that the action has, and all that it needs', () => {
      for (const { with: given = {} } of steps) {
        assert.deepEqual(
          Object.keys(given).filter((name) => !INPUTS.includes(name)),
          [],
        )
        assert.deepEqual(
          REQUIRED.filter((name) => !(name in given)),
          [],
        )
      }
    })

    it('reads only outputs that the action has, of steps that there are', () => {
      const ids = new Set(all.map(({ id }) => id))
      const ours = new Set(steps.map(({ id }) => id))
      const reads = [...text.matchAll(/steps\.([\w-]+)\.outputs\.([\w-]+)/g)]
      const wrong = reads.filter(
        ([, id, output = '']) => !ids.has(id) || (ours.has(id) && !(output in metadata.outputs)),
      )
      assert.deepEqual(
        wrong.map(([read]) => read),
        [],
      )
    })
  })
}

describe('the documents', () => {
  it('show the action in README, the docs and every example that publishes', () => {
    const used = [...examples()].filter(([, text]) => stepsIn(parse(text)).some(ofThisAction)).map(([where]) => where)
    for (const file of [
      'README.md, block 1',
      'docs/from-twine.md, block 1',
      'docs/private-indexes.md, block 1',
      'examples/publish-step.yml',
    ]) {
      assert.ok(used.includes(file), file)
    }
  })

  it('begin with a quick start of at most 20 lines', () => {
    const [, first = ''] = /^```yaml\n(.*?)^```$/ms.exec(read('README.md')) ?? []
    assert.ok(first.trimEnd().split('\n').length <= 20, first)
  })

  it('name npm scripts that there are', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'))
    const named = PAGES.flatMap((page) => [...read(page).matchAll(/`?npm (?:run ([a-z][\w:.-]*)|(test))\b/g)])
    const wrong = named.map(([, name, test = '']) => name ?? test).filter((name) => !(name in scripts))
    assert.deepEqual(wrong, [])
    assert.ok(named.length > 5)
  })

  it('link to files and sections that there are', () => {
    const links = PAGES.flatMap((page) =>
      [...read(page).matchAll(/\]\(([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([, target = '', anchor]) => ({
        page,
        file: target === '' ? page : path.posix.join(path.posix.dirname(page), target),
        anchor,
        elsewhere: /^[a-z]+:/.test(target),
      })),
    ).filter(({ elsewhere }) => !elsewhere)
    assert.deepEqual(
      links.filter(({ file }) => !existsSync(path.join(ROOT, file))),
      [],
    )
    const sections = links.filter(({ anchor }) => anchor !== undefined)
    assert.deepEqual(
      sections.filter(({ file, anchor = '' }) => !anchorsIn(file).has(anchor)),
      [],
    )
    assert.ok(links.length > sections.length + 3 && sections.length > 3)
  })

  it('compare only inputs that there are with the options of other tools', () => {
    const rows = read('docs/from-twine.md')
      .split('\n')
      .filter((line) => line.startsWith('| ') && !line.includes('twine | uv'))
    const ours = rows.flatMap((row) => [...(row.split('|').at(-2) ?? '').matchAll(/`([a-z0-9-]+)`/g)])
    assert.deepEqual(
      ours.map(([, name = '']) => name).filter((name) => !INPUTS.includes(name)),
      [],
    )
    assert.ok(ours.length > 8)
  })
})
