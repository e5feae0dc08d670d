import assert from 'node:assert/strict'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { checkDistributions } from '../../src/distributions/check.ts'
import { discover, type FoundFile } from '../../src/distributions/discover.ts'
import type { Distribution } from '../../src/distributions/distribution.ts'
import { ProblemList } from '../../src/errors.ts'
import { formFields } from '../../src/package-index/form.ts'
import { cleanEnvironment } from './support/environment.ts'
import { distributions as folder, python } from './support/programs.ts'
import { mustRun } from './support/run-program.ts'
import { compare, type Fields, multimap, RULES, unexplained } from './support/twine-differences.ts'

/** What twine refuses and this action publishes: for the never adopted metadata 2.0, or a field that says UNKNOWN. */
const REFUSED_BY_TWINE_ALONE = [
  'argparse-1.4.0-py2.py3-none-any.whl',
  'nose-1.3.7-py2-none-any.whl',
  'nose-1.3.7-py3-none-any.whl',
  'ply-3.11-py2.py3-none-any.whl',
  'ply-3.11.tar.gz',
  'unittest2-1.1.0-py2.py3-none-any.whl',
]

describe('the form of an upload, for real distributions, old and new', () => {
  let found: readonly FoundFile[]
  let distributions: readonly Distribution[] = []
  const twine = new Map<string, Fields>()
  const refusedByTwine: string[] = []

  before(async () => {
    found = await findAll()
    distributions = await read(found, { verifyMetadata: false })
    for (const [file, answer] of await askTwine()) {
      if (typeof answer === 'string') refusedByTwine.push(file)
      else twine.set(file, multimap([...answer, [':action', 'file_upload'], ['protocol_version', '1']]))
    }
  })
  after(() => close(distributions))

  it('can be made for each of them', () => {
    assert.ok(distributions.length >= 60)
    assert.deepEqual(
      distributions.map(({ file }) => file).sort(),
      found.map(({ file }) => file),
    )
  })

  it('has the same fields as the form of twine 7, with the same values in the same order, but for five rules', async () => {
    const hashed = await Promise.all(distributions.map(async (one) => [one, await one.digests.get()] as const))
    const differences = hashed.flatMap(([distribution, digests]) => {
      const theirs = twine.get(distribution.file)
      return theirs === undefined ? [] : compare(distribution.file, multimap(formFields(distribution, digests)), theirs)
    })
    assert.deepEqual(unexplained(differences), [])
    // A rule that no real file needs is a mistake.
    const idle = [...RULES].filter(([, explains]) => !differences.some(explains)).map(([rule]) => rule)
    assert.deepEqual(idle, [])
  })

  it('is refused where twine refuses it, but for files that are listed', async () => {
    const valid = await read(found, { verifyMetadata: true })
    close(valid)
    const accepted = valid.map(({ file }) => file)
    const refused = found.map(({ file }) => file).filter((file) => !accepted.includes(file))
    assert.deepEqual(
      refused.filter((file) => !refusedByTwine.includes(file)),
      [],
    )
    assert.deepEqual(
      refusedByTwine.filter((file) => !refused.includes(file)),
      REFUSED_BY_TWINE_ALONE,
    )
    assert.ok(refused.some((file) => refusedByTwine.includes(file)))
  })
})

async function findAll(): Promise<readonly FoundFile[]> {
  const problems = new ProblemList()
  const where = { workspace: path.dirname(folder), packagesDir: path.basename(folder), files: [] }
  const { found } = await discover(where, problems)
  assert.deepEqual(problems.all, [])
  return found.toSorted((a, b) => (a.file < b.file ? -1 : 1))
}

async function read(
  found: readonly FoundFile[],
  { verifyMetadata }: { verifyMetadata: boolean },
): Promise<readonly Distribution[]> {
  const options = { verifyMetadata, md5: false, signal: AbortSignal.timeout(60_000) }
  return checkDistributions(found, options, new ProblemList())
}

function close(distributions: readonly Distribution[]): void {
  for (const { content } of distributions) content.close()
}

/** By file name: the fields, or twine's reason to refuse the file. */
async function askTwine(): Promise<[string, [string, string][] | string][]> {
  const script = path.join(import.meta.dirname, 'support', 'twine_fields.py')
  const options = { cwd: os.tmpdir(), env: cleanEnvironment(os.tmpdir()), limitMs: 60_000 }
  const answers: Record<string, [string, string][] | string> = JSON.parse(
    await mustRun(python, [script, folder], options),
  )
  return Object.entries(answers)
}
