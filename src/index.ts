import os from 'node:os'
import { cleanUp } from './cleanup.ts'
import { tuneEngine } from './engine.ts'
import { PublishError } from './errors.ts'
import { takeSecretInputs } from './inputs.ts'
import { publish } from './publish.ts'
import { createRunner } from './runner.ts'
import { Secrets } from './text.ts'

/** Says to the post step that it is one: both run this file. */
const STARTED_STATE = 'started'

const secretInputs = takeSecretInputs(process.env)
const runner = createRunner(process.env, os.tmpdir(), process.cwd())

if (runner.state(STARTED_STATE) !== '') cleanUp(runner)
else if (markAsStarted()) {
  tuneEngine()
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort(cancelled(name)))
  // A log that nobody reads any more is no reason to leave files and material behind.
  process.stdout.on('error', () => {})
  const { signal } = controller
  const succeeded = await publish({ runner, env: process.env, secretInputs, secrets: new Secrets(), signal })
  process.exitCode = succeeded ? 0 : 1
  // Everything is reported, and nothing that is still open shall keep the process: but its last line goes out first.
  process.stdout.write('', () => process.exit())
}

/** False: there is no room for the mark. Without it the post step would be a second main step: both end here then. */
function markAsStarted(): boolean {
  try {
    runner.saveState(STARTED_STATE, 'true')
    return true
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error'
    const hint = 'Nothing was sent. Look for a full disk on the machine of the runner.'
    runner.annotate(
      'error',
      'Publishing failed',
      `the runner's file for the state of a step (GITHUB_STATE) cannot be written: ${reason}. ${hint}`,
    )
    process.exitCode = 1
    return false
  }
}

function cancelled(name: string): PublishError {
  return new PublishError({
    code: 'E_RUN_CANCELLED',
    message: `the run was cancelled (${name})`,
    hint: 'The list says which files are on the index, and of which nobody knows. With check-url a new run recognises what is there.',
  })
}
