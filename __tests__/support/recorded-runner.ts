import type { AnnotationKind, Runner, RunnerFacts } from '../../src/runner.ts'

/** What was told to a runner that is not there, in order. */
export interface RecordedRunner extends Runner {
  readonly lines: string[]
  readonly masks: string[]
  readonly states: Map<string, string>
  readonly annotations: { readonly kind: AnnotationKind; readonly title: string; readonly message: string }[]
}

/** A port without a runner behind it. `temp` stands for the runner's temporary directory. */
export function recordRunner(temp: string, onState: (value: string) => void = () => {}): RecordedRunner {
  const lines: string[] = []
  const masks: string[] = []
  const states = new Map<string, string>()
  const annotations: RecordedRunner['annotations'] = []
  return {
    lines,
    masks,
    states,
    annotations,
    facts: factsWith(temp),
    surroundings: { httpsProxy: undefined, noProxy: undefined, caFiles: [], caStoreVariables: [] },
    log: (word, text) => lines.push(`${word} ${text}`),
    debug: () => {},
    annotate: (kind, title, message) => annotations.push({ kind, title, message }),
    mask: (line) => masks.push(line),
    saveState: (name, value) => {
      states.set(name, value)
      onState(value)
    },
    state: (name) => states.get(name) ?? '',
    setOutput: () => {},
    writeSummary: () => {},
  }
}

function factsWith(temp: string): RunnerFacts {
  return {
    repository: 'octo-org/demo',
    commit: '',
    ref: '',
    refType: '',
    refName: '',
    actor: '',
    workflow: '',
    job: '',
    runId: '',
    runAttempt: '',
    serverUrl: '',
    actionRepository: '',
    actionRef: '',
    workspace: temp,
    temp,
  }
}
