/** Finds a smaller scenario that fails like the one with the seed that is given, and prints it. */
import { type Scenario, scenarioOf, smaller } from './scenario.ts'
import { publish } from './scenario-publisher.ts'
import { runScenario } from './scenario-run.ts'

/** Some faults need luck: a scenario fails when one of so many runs does. */
const RUNS = 3

async function failureOf(scenario: Scenario): Promise<string[]> {
  for (let run = 0; run < RUNS; run += 1) {
    const broken = await runScenario(scenario, publish)
    if (broken.length > 0) return broken
  }
  return []
}

async function minimise(scenario: Scenario): Promise<Scenario> {
  for (const candidate of smaller(scenario)) {
    if ((await failureOf(candidate)).length > 0) return minimise(candidate)
  }
  return scenario
}

const scenario = await minimise(scenarioOf(Number(process.argv[2])))
console.log(JSON.stringify(scenario, null, 2), await failureOf(scenario))
