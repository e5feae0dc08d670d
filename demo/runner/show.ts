/** Shows a run as a person on GitHub's pages sees it, as text for a terminal (in colour where stdout is one). */
import { styleText } from 'node:util'
import type { Annotation } from './commands.ts'
import type { ActionRun } from './run-action.ts'

const WIDTH = 100

/** Characters of an output that are shown: the list of files is as long as the release. */
const LONGEST_OUTPUT = 160

/** Characters of a table's cell: a SHA-256 digest is whole. */
const LONGEST_CELL = 64

const KINDS = {
  notice: { label: 'Notice', colour: 'blue' },
  warning: { label: 'Warning', colour: 'yellow' },
  error: { label: 'Error', colour: 'red' },
} as const

/** Log, annotations, summary and outputs, one below the other. */
export function showRun(run: ActionRun): string {
  const outputs = Object.entries(run.outputs).map(
    ([name, value]) => `${name} = ${shorten(value, LONGEST_OUTPUT) || '(empty)'}`,
  )
  return [
    section('Log', run.log.map(colourLog)),
    section('Annotations', run.annotations.map(showAnnotation)),
    section('Job summary', [showMarkdown(run.summary)]),
    section('Outputs', outputs),
  ].join('\n')
}

/** A title across the page. */
export function showTitle(title: string): string {
  return styleText(['bold', 'inverse'], ` ${title} `.padEnd(WIDTH))
}

function section(title: string, lines: readonly string[]): string {
  const rule = styleText('bold', `── ${title} ${'─'.repeat(WIDTH - title.length - 4)}`)
  return `${rule}\n${lines.length === 0 ? '(none)' : lines.join('\n')}\n`
}

function colourLog(line: string): string {
  const kind = Object.values(KINDS).find(({ label }) => line.startsWith(`${label}: `))
  return kind === undefined ? line : styleText(kind.colour, line)
}

function showAnnotation({ kind, title, message }: Annotation): string {
  const { label, colour } = KINDS[kind]
  const head = title === '' ? label : `${label}: ${title}`
  return [styleText([colour, 'bold'], head), ...message.split('\n').map((line) => `  ${line}`)].join('\n')
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}

/** Markdown for the eye: entities decoded, tags left out, columns of a table in line. Blocks of code stay as they are. */
export function showMarkdown(markdown: string): string {
  const shown: string[] = []
  let rows: string[][] = []
  let inCode = false
  let inDiagram = false
  for (const line of [...markdown.trimEnd().split('\n'), '']) {
    const isRow = !inCode && /^\|.*\|$/.test(line.trim())
    if (isRow) {
      rows.push(cellsOf(line))
      continue
    }
    shown.push(...alignRows(rows))
    rows = []
    if (line.startsWith('```')) {
      inCode = !inCode
      inDiagram = line === '```mermaid'
      if (inDiagram) shown.push('(a diagram, drawn on the page)')
    } else if (!inDiagram) shown.push(inCode ? `    ${line}` : showLine(line))
  }
  return shown
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()
}

function showLine(line: string): string {
  const [, heading] = /^#+ (.*)$/.exec(line) ?? []
  return heading === undefined ? plain(line) : styleText('bold', plain(heading))
}

/** Entities last: what they stand for is text and never markup. */
function plain(markdown: string): string {
  const text = markdown
    .replace(/\[(.+?)\]\(<[^>]*>\)/g, '$1')
    .replace(/<(https?:[^>]+)>/g, '$1')
    .replace(/<\/?[a-z][^>]*>/gi, '')
    .replace(/\*\*(.+?)\*\*/g, '$1')
    .replace(/`([^`]+)`/g, '$1')
  return decodeEntities(text)
}

const NAMED_ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['nbsp', ' '],
])

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|(\w+));/g, (entity, digits: string | undefined, name: string | undefined) => {
    if (digits === undefined) return NAMED_ENTITIES.get(name ?? '') ?? entity
    const code = Number(digits)
    // A control character would reach the terminal.
    return code < 32 || (code >= 127 && code < 160) || code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code)
  })
}

function cellsOf(row: string): string[] {
  return row
    .trim()
    .slice(1, -1)
    .split('|')
    .map((cell) => plain(cell.trim()))
}

function alignRows(rows: readonly string[][]): string[] {
  const shown = rows.map((row) => row.map((cell) => shorten(cell, LONGEST_CELL)))
  const widths = (shown[0] ?? []).map((_, column) => Math.max(...shown.map((row) => row[column]?.length ?? 0)))
  return shown.map((row) => {
    const isRule = row.every((cell) => /^:?-+:?$/.test(cell))
    const cells = widths.map((width, column) => (isRule ? '─'.repeat(width) : (row[column] ?? '').padEnd(width)))
    return cells.join('  ').trimEnd()
  })
}
