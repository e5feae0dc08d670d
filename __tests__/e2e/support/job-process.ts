/** A program that runs one main step as the runner's worker does and then lives on: `startJob` starts and ends it. */
import { type ActionRequest, runAction } from '../../../demo/runner/run-action.ts'

// `on`, since a listener is what keeps the process.
process.on('message', async (text) => {
  const request: ActionRequest = JSON.parse(String(text))
  await runAction({ ...request, post: false, onStart: ({ pid }) => process.send?.(pid) })
  process.send?.('ended')
})
