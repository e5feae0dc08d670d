import { after, afterEach, before, describe } from 'node:test'
import { PULP, startPulp } from './support/pulp.ts'
import { testReruns } from './support/reruns.ts'
import { type Stage, startStage } from './support/stage.ts'

describe('Pulp behind nginx, which says 202 and leaves the file to a worker', () => {
  let stage: Stage

  before(async () => {
    stage = await startStage({ index: startPulp, uploadPath: `${PULP.index}/legacy/` })
  })
  after(() => stage.stop())
  afterEach((context) => {
    if ('passed' in context && !context.passed) console.error(stage.log())
  })

  testReruns(() => ({
    stage,
    inputs: { user: PULP.user, password: PULP.password },
    simplePath: `${PULP.index}/simple/`,
  }))
})
