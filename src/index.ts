import os from 'node:os'
import { cleanUp } from './cleanup.ts'
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
else {
  runner.saveState(STARTED_STATE, 'true')
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort(cancelled(name)))
  const { signal } = controller
  const succeeded = await publish({ runner, env: process.env, secretInputs, secrets: new Secrets(), signal })
  process.exitCode = succeeded ? 0 : 1
  // Everything is reported, and nothing that is still open shall keep the process: but its last line goes out first.
  process.stdout.write('', () => process.exit())
}

function cancelled(name: string): PublishError {
  return new PublishError({
    code: 'E_RUN_CANCELLED',
    message: `the run was cancelled (${name})`,
    hint: 'The list says which files are on the index, and of which nobody knows. With check-url a new run recognises what is there.',
  })
}
