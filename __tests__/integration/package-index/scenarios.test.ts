/**
 * Hundreds of seeded scenarios of several files and an index that cuts, lies, stalls, lags and lets rivals in. What holds
 * at the end of each is written down in `scenario-rules.ts`. A scenario that fails is printed with its seed; more of them:
 *
 *     SCENARIO_SEEDS=1-5000 node --test __tests__/integration/package-index/scenarios.test.ts
 *     node __tests__/support/minimise-scenario.ts SEED
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, describe, it } from 'node:test'
import type { Distribution } from '../../../src/distributions/distribution.ts'
import { type FileResult, OUTCOMES, resultOf } from '../../../src/package-index/outcome.ts'
import { type UploadEnd, uploadDistribution } from '../../../src/package-index/upload.ts'
import { type Scenario, type ScenarioFile, scenarioOf } from '../../support/scenario.ts'
import { accessTo, publish, targetOf } from '../../support/scenario-publisher.ts'
import { type Publisher, runScenario, type Stage } from '../../support/scenario-run.ts'

const [, FIRST = '1', LAST = '520'] = /^(\d+)-(\d+)$/.exec(process.env.SCENARIO_SEEDS ?? '') ?? []
const [first, last] = [Number(FIRST), Number(LAST)]

/** Scenarios of one test, and those that run side by side: most of their time they wait. */
const BATCH = 130
const SIDE_BY_SIDE = 8

/** Milliseconds. Where this process stood still for longer, a scenario's own time limits may have passed meanwhile. */
const STANDSTILL = 100

const ENOUGH = 500

const outcomes = new Set<string>()

const counted: Publisher = async (stage) => {
  const results = await publish(stage)
  for (const { outcome } of results) outcomes.add(outcome)
  return results
}

async function brokenIn(seeds: Iterator<number>): Promise<Map<number, string[]>> {
  const broken = new Map<number, string[]>()
  for (let next = seeds.next(); next.done !== true; next = seeds.next()) {
    const sentences = await runScenario(scenarioOf(next.value), counted)
    if (sentences.length > 0) broken.set(next.value, sentences)
  }
  return broken
}

/** Runs a batch; what fails on a machine that stood still meanwhile is run again, alone. */
async function runBatch(from: number, to: number): Promise<string[]> {
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const seeds = Array.from({ length: to - from + 1 }, (_, index) => from + index).values()
  const broken = await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => brokenIn(seeds)))
  const stoodStill = delay.max > STANDSTILL * 1e6
  delay.disable()
  const failures: string[] = []
  for (const [seed, sentences] of broken.flatMap((one) => [...one])) {
    const again = stoodStill ? await runScenario(scenarioOf(seed), counted) : sentences
    if (again.length > 0) failures.push(`seed ${seed}: ${again.join('; ')}\n${JSON.stringify(scenarioOf(seed))}`)
  }
  return failures
}

describe('of files that a faulty index is given, every one is there once with the right bytes, or said not to be', () => {
  for (let from = first; from <= last; from += BATCH) {
    const to = Math.min(last, from + BATCH - 1)
    it(`in the scenarios ${from} to ${to}`, async () => {
      const failures = await runBatch(from, to)
      assert.equal(failures.length, 0, failures.join('\n\n'))
    })
  }

  // A few chosen seeds need not have all of them.
  if (last - first >= ENOUGH)
    it('and the scenarios have every ending that a run can have', () => {
      assert.deepEqual([...outcomes].sort(), OUTCOMES.filter((outcome) => outcome !== 'would-publish').sort())
    })
})

/** A scenario of these files alone. */
function scenarioWith(
  files: readonly (Partial<ScenarioFile> & { readonly name: string })[],
  existing?: 'overwrite',
): Scenario {
  return {
    seed: 0,
    files: files.map((file) => ({ size: 1000, there: 'nothing', tries: [], ...file })),
    lookups: [],
    downloads: [],
    cancelAfterMs: undefined,
    deadConnections: [],
    existing: existing ?? 'refuse',
    hashes: 'sha256',
    representations: ['json', 'html'],
    settings: {
      maxParallel: 2,
      retries: 1,
      skipExisting: false,
      verify: true,
      verifyTimeoutMs: 500,
      idleTimeoutMs: 1_000,
    },
  }
}

const WHEEL = 'alpha-1.0-py3-none-any.whl'

/** One try, whatever the index has. */
async function post(stage: Stage, distribution: Distribution): Promise<UploadEnd> {
  return await uploadDistribution(distribution, { ...(await targetOf(stage)), retries: 0 }, undefined, stage.signal)
}

async function look(stage: Stage): Promise<void> {
  await accessTo(stage, await targetOf(stage)).ask('alpha', stage.distributions, 'json', stage.signal)
}

/** A connection that nobody needs. */
async function connected(port: number): Promise<void> {
  await once(
    connect(port, 'localhost').on('error', () => {}),
    'connect',
  )
}

/** Publishes by `act`, and says of every file that it became `outcome`. */
function careless(
  outcome: FileResult['outcome'],
  act: (stage: Stage, one: Distribution) => Promise<unknown>,
): Publisher {
  return async (stage) => {
    for (const one of stage.distributions) await act(stage, one)
    return stage.distributions.map((one) => resultOf(one, { outcome }))
  }
}

const lie = { stores: false } as const
const failure = { ending: { kind: 'answer', answer: { status: 500 } } } as const
const no = { stores: false, ending: { kind: 'answer', answer: { status: 400 } } } as const

interface Careless {
  readonly name: string
  readonly scenario: Scenario
  readonly publisher: Publisher
  readonly broken: RegExp
}

const CARELESS: readonly Careless[] = [
  {
    name: 'takes 200 for a proof',
    scenario: scenarioWith([{ name: WHEEL, tries: [lie] }]),
    publisher: careless('published', post),
    broken: /\(published\) and the index has not got these bytes/,
  },
  {
    name: 'does not look whether what was sent is listed',
    scenario: scenarioWith([{ name: WHEEL }]),
    publisher: careless('published', post),
    broken: /\(published\) and no page listed it/,
  },
  {
    name: 'does not look before it sends, on an index that overwrites',
    scenario: scenarioWith([{ name: WHEEL, there: 'other' }], 'overwrite'),
    publisher: careless('published', post),
    broken: /replaced other bytes/,
  },
  {
    name: 'sends what it has seen on the index',
    scenario: scenarioWith([{ name: WHEEL, there: 'same' }]),
    publisher: careless('already-published', async (stage, one) => {
      await look(stage)
      await post(stage, one)
    }),
    broken: /was sent although a page had listed it/,
  },
  {
    name: 'sends again what was accepted',
    scenario: scenarioWith([{ name: WHEEL, tries: [lie] }]),
    publisher: careless('published', async (stage, one) => {
      await post(stage, one)
      await look(stage)
      await post(stage, one)
    }),
    broken: /was sent again after a yes/,
  },
  {
    name: 'sends again what was refused for good',
    scenario: scenarioWith([{ name: WHEEL, tries: [no] }]),
    publisher: careless('published', async (stage, one) => {
      await post(stage, one)
      await look(stage)
      await post(stage, one)
    }),
    broken: /was sent again after a final no/,
  },
  {
    name: 'tries again without asking the index',
    scenario: scenarioWith([{ name: WHEEL, tries: [failure] }]),
    publisher: careless('published', async (stage, one) => {
      await post(stage, one)
      await post(stage, one)
    }),
    broken: /was sent again without asking the index/,
  },
  {
    name: 'does not wait as long as the index asks',
    scenario: scenarioWith([
      {
        name: WHEEL,
        tries: [
          { stores: false, ending: { kind: 'answer', answer: { status: 503, headers: { 'retry-after': '1' } } } },
        ],
      },
    ]),
    publisher: careless('published', async (stage, one) => {
      await post(stage, one)
      await look(stage)
      await post(stage, one)
    }),
    broken: /was sent again before Retry-After/,
  },
  {
    name: 'tries more often than it may',
    scenario: scenarioWith([
      {
        name: WHEEL,
        tries: [
          { ...failure, stores: false },
          { ...failure, stores: false },
        ],
      },
    ]),
    publisher: careless('published', async (stage, one) => {
      for (const _ of [1, 2, 3]) {
        await post(stage, one)
        await look(stage)
      }
    }),
    broken: /was sent 3 times, and at most 2 were allowed/,
  },
  {
    name: 'calls rejected what failed behind its back',
    scenario: scenarioWith([{ name: WHEEL, tries: [failure] }]),
    publisher: careless('rejected', post),
    broken: /\(rejected\) although it is known to be there/,
  },
  {
    name: 'calls rejected what was accepted',
    scenario: scenarioWith([{ name: WHEEL, tries: [lie] }]),
    publisher: careless('rejected', post),
    broken: /\(rejected\) and the index never said no; .*although the index said yes/,
  },
  {
    name: 'says that it sent nothing, and did',
    scenario: scenarioWith([{ name: WHEEL, tries: [no] }]),
    publisher: careless('not-tried', post),
    broken: /\(not-tried\) and was sent/,
  },
  {
    name: 'sees a conflict that nobody showed',
    scenario: scenarioWith([{ name: WHEEL }]),
    publisher: careless('conflict', async () => {}),
    broken: /\(conflict\) and the index has no other bytes/,
  },
  {
    name: 'is not sure of what it was shown',
    scenario: scenarioWith([{ name: WHEEL }]),
    publisher: careless('unconfirmed', async (stage, one) => {
      await post(stage, one)
      await look(stage)
    }),
    broken: /\(unconfirmed\) although it is known to be there/,
  },
  {
    name: 'forgets a file',
    scenario: scenarioWith([{ name: WHEEL }]),
    publisher: async () => [],
    broken: /is reported 0 times/,
  },
  {
    name: 'opens connection after connection',
    scenario: scenarioWith([{ name: WHEEL, there: 'same' }]),
    publisher: careless('already-published', async (stage) => {
      await look(stage)
      await Promise.all([1, 2, 3, 4].map(() => connected(stage.index.port)))
    }),
    broken: /^5 connections were open at once/,
  },
  {
    name: 'does not end',
    scenario: scenarioWith([{ name: WHEEL }]),
    publisher: () => new Promise(() => {}),
    broken: /did not end within 1 s/,
  },
]

describe('a promise is broken by a publisher that', () => {
  // What never ends keeps nothing alive.
  const alive = setInterval(() => {}, 1_000)
  after(() => clearInterval(alive))

  for (const { name, scenario, publisher, broken } of CARELESS) {
    it(name, async () => {
      const sentences = await runScenario(scenario, publisher, 1_000)
      assert.match(sentences.join('; '), broken)
    })
  }
})
