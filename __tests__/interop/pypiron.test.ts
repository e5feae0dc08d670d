import { after, afterEach, before, describe } from 'node:test'
import { PYPIRON, startPypiron } from './support/index-servers.ts'
import { testReruns } from './support/reruns.ts'
import { type Stage, startStage } from './support/stage.ts'

describe('pypiron behind nginx, which lists a file some moments after it took it', () => {
  let stage: Stage

  before(async () => {
    stage = await startStage({ index: startPypiron, uploadPath: 'legacy/' })
  })
  after(() => stage.stop())
  afterEach((context) => {
    if ('passed' in context && !context.passed) console.error(stage.log())
  })

  // Seen once in some dozen runs: an upload was cut off, and for minutes it listed nothing that the project got afterwards.
  testReruns(() => ({ stage, inputs: PYPIRON, simplePath: 'simple/' }))
})
