import { fork } from 'node:child_process'

/** Of one case, in milliseconds. */
const LONGEST_CASE = 10_000

/** What a run of cases came to. */
export interface Tally {
  readonly accepted: number
  /** By error code. */
  readonly refused: Readonly<Record<string, number>>
  /** Of the process, in bytes. */
  readonly peakMemory: number
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isTally = (value: unknown): value is Tally => isRecord(value) && typeof value.accepted === 'number'

/** Young objects get at most 16 MiB of it: they would take half of the heap, and V8 then collects without end. */
const SMALL_HEAP = ['--max-old-space-size=128', '--max-semi-space-size=16']

/**
 * Runs `script from to`, and `more` behind it, in a process with a small heap. It sends `{ number }` before each case and `{ tally }` at the
 * end; a case that takes too long ends it.
 */
export function runCases(script: string, from: number, to: number, ...more: readonly string[]): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const child = fork(script, [String(from), String(to), ...more], {
      execArgv: SMALL_HEAP,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    let errors = ''
    let number: unknown
    let tally: Tally | undefined
    const tooLong = () => {
      errors += `case ${number} took more than ${LONGEST_CASE} ms`
      child.kill('SIGKILL')
    }
    let watchdog = setTimeout(tooLong, LONGEST_CASE)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    child.on('message', (message) => {
      clearTimeout(watchdog)
      watchdog = setTimeout(tooLong, LONGEST_CASE)
      if (!isRecord(message)) return
      number = message.number
      if (isTally(message.tally)) tally = message.tally
    })
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(watchdog)
      if (code === 0 && tally !== undefined) resolve(tally)
      else reject(new Error(`the process ended with ${code} at case ${number}: ${errors}`))
    })
  })
}
