/**
 * Reads what a step prints and writes as GitHub's runner does (actions/runner: ActionCommand, ActionCommandManager,
 * FileCommandManager), so that text which would act as a command there shows itself here.
 */

/** Names that the runner acts on; everything else is an ordinary line. */
const KNOWN = [
  'add-mask',
  'add-matcher',
  'add-path',
  'debug',
  'echo',
  'endgroup',
  'error',
  'group',
  'notice',
  'remove-matcher',
  'save-state',
  'set-env',
  'set-output',
  'stop-commands',
  'warning',
] as const

export interface Command {
  /** Lower case. */
  readonly name: string
  /** By lower-case name. */
  readonly properties: Readonly<Record<string, string>>
  readonly data: string
}

export interface Annotation {
  readonly kind: 'notice' | 'warning' | 'error'
  /** `''` for none. */
  readonly title: string
  readonly message: string
}

/** What the runner takes from one step's lines. */
export interface StepReading {
  readonly commands: readonly Command[]
  /** Within the budget of one step. */
  readonly annotations: readonly Annotation[]
  /** Values of `add-mask`. */
  readonly masks: readonly string[]
  /** What people see: masked, and without what was acted upon. */
  readonly log: readonly string[]
}

/** Annotations of one kind that a step may have; more of them stand in the log alone. */
const ANNOTATIONS_A_KIND = 10

/** Characters of an annotation's message; the rest is cut off. */
const LONGEST_ANNOTATION = 4096

/** What stands for a character, in the order in which the runner replaces it. */
type Escapes = readonly (readonly [code: string, character: string])[]

const LINE_ENDS: Escapes = [
  ['%0D', '\r'],
  ['%0A', '\n'],
]
const PERCENT: Escapes = [['%25', '%']]
const COLONS_DATA: Escapes = [...LINE_ENDS, ...PERCENT]
const COLONS_PROPERTY: Escapes = [...LINE_ENDS, ['%3A', ':'], ['%2C', ','], ...PERCENT]
const BRACKET: Escapes = [['%3B', ';'], ...LINE_ENDS, ['%5D', ']'], ...PERCENT]

/** The runner's own words for the log line that an annotation also is. */
const LABELS = { notice: 'Notice', warning: 'Warning', error: 'Error' } as const

/** The command of one line, or undefined. `resume` is the token that ends `stop-commands`. */
export function parseCommand(line: string, resume?: string): Command | undefined {
  const known = new Set<string>(resume === undefined ? KNOWN : [...KNOWN, resume.toLowerCase()])
  return parseColons(line, known) ?? parseBracket(line, known)
}

/** `::name key=value,key=value::data`, after blanks at the start of the line. */
function parseColons(line: string, known: ReadonlySet<string>): Command | undefined {
  const [, head, data] = /^\s*::(.*?)::(.*)$/s.exec(line) ?? []
  if (head === undefined || data === undefined) return undefined
  return toCommand({ head, data, separator: ',' }, known, COLONS_PROPERTY, COLONS_DATA)
}

/** `##[name key=value;key=value]data`: the older form, which counts anywhere in a line. */
function parseBracket(line: string, known: ReadonlySet<string>): Command | undefined {
  const [, head, data] = /##\[(.*?)\](.*)$/s.exec(line) ?? []
  if (head === undefined || data === undefined) return undefined
  return toCommand({ head, data, separator: ';' }, known, BRACKET, BRACKET)
}

function toCommand(
  { head, data, separator }: { readonly head: string; readonly data: string; readonly separator: string },
  known: ReadonlySet<string>,
  propertyEscapes: Escapes,
  dataEscapes: Escapes,
): Command | undefined {
  const [, name = '', pairs = ''] = /^([^ ]*) ?(.*)$/s.exec(head) ?? []
  if (!known.has(name.toLowerCase())) return undefined
  const properties: Record<string, string> = {}
  for (const pair of pairs.trim().split(separator)) {
    const [, key, value] = /^([^=]+)=(.+)$/s.exec(pair) ?? []
    if (key !== undefined && value !== undefined) properties[key.toLowerCase()] = decode(value, propertyEscapes)
  }
  return { name: name.toLowerCase(), properties, data: decode(data, dataEscapes) }
}

function decode(text: string, escapes: Escapes): string {
  return escapes.reduce((result, [code, character]) => result.replaceAll(code, character), text)
}

/**
 * Hides values as the runner does: the whole value and each of its lines, from the moment on at which it gets to know
 * them. The encoded forms that the runner hides as well are left visible here: nobody should count on them.
 */
export class Masker {
  readonly #values = new Set<string>()

  add(value: string): void {
    for (const one of [value, ...value.split(/[\r\n]+/)]) if (one.trim() !== '') this.#values.add(one.trim())
  }

  mask(text: string): string {
    const longestFirst = [...this.#values].sort((a, b) => b.length - a.length)
    return longestFirst.reduce((result, value) => result.replaceAll(value, '***'), text)
  }
}

/** Reads the lines of one step in their order; `masker` knows the secrets of the job and learns new ones. */
export function readStep(lines: readonly string[], masker: Masker): StepReading {
  const reader = new StepReader(masker)
  for (const line of lines) reader.read(line)
  return reader
}

class StepReader implements StepReading {
  readonly commands: Command[] = []
  readonly annotations: Annotation[] = []
  readonly masks: string[] = []
  readonly log: string[] = []
  readonly #masker: Masker
  #resume: string | undefined

  constructor(masker: Masker) {
    this.#masker = masker
  }

  read(line: string): void {
    const command = parseCommand(line, this.#resume)
    if (command === undefined || (this.#resume !== undefined && command.name !== this.#resume)) this.#show(line)
    else this.#act(command, line)
  }

  #show(text: string): void {
    this.log.push(this.#masker.mask(text))
  }

  #act(command: Command, line: string): void {
    const { name, data } = command
    if (name === this.#resume || name === 'stop-commands') {
      this.#resume = name === this.#resume ? undefined : data.toLowerCase()
      this.#show(line)
      return
    }
    this.commands.push(command)
    if (name === 'notice' || name === 'warning' || name === 'error') this.#annotate(name, command)
    else if (name === 'group') this.#show(`▸ ${data}`)
    else if (name === 'add-mask') {
      this.masks.push(data)
      this.#masker.add(data)
    }
  }

  #annotate(kind: Annotation['kind'], { properties, data }: Command): void {
    const message = this.#masker.mask(data).slice(0, LONGEST_ANNOTATION)
    this.#show(`${LABELS[kind]}: ${data}`)
    const before = this.annotations.filter((annotation) => annotation.kind === kind).length
    if (before >= ANNOTATIONS_A_KIND) return
    this.annotations.push({ kind, title: this.#masker.mask(properties.title ?? ''), message })
  }
}

/**
 * The values of a file command (GITHUB_OUTPUT, GITHUB_STATE): `name=value`, or `name<<delimiter`, the value's lines and
 * the delimiter. Throws where the runner fails the step.
 */
export function readFileCommand(text: string): Map<string, string> {
  const values = new Map<string, string>()
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    if (line === '') continue
    const [, name, operator, rest] = /^(.*?)(=|<<)(.*)$/s.exec(line) ?? []
    if (name === undefined || name === '' || rest === undefined) throw new Error(`invalid file command: ${line}`)
    if (operator === '=') values.set(name, rest)
    else {
      const end = rest === '' ? -1 : lines.indexOf(rest, at + 1)
      if (end < 0) throw new Error(`no line ends the value of ${name}`)
      values.set(name, lines.slice(at + 1, end).join('\n'))
      at = end
    }
  }
  return values
}
