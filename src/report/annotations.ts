import type { FileResult } from '../package-index/outcome.ts'
import { clip, count, printable } from '../text.ts'
import { fileSentence, finished, isFailure, listWithin, problemSentence, statusOf } from './file-status.ts'
import { failureDetail, failureTitle } from './log-lines.ts'
import type { RunReport } from './run-report.ts'

export interface Annotation {
  readonly kind: 'notice' | 'warning' | 'error'
  /** `''`: none. */
  readonly title: string
  /** One line of at most 4,000 characters. */
  readonly message: string
}

/** The runner keeps 10 of each kind a step (actions/runner, ExecutionContext.cs) ... */
const MOST_OF_A_KIND = 10

/** ... and cuts a message at 4,096 characters, without a word. */
const LONGEST_MESSAGE = 4000

/**
 * The annotations of a run, within the runner's budget: one a file; with more files than fit, the last one of a kind has
 * the total and names the rest. A failed run's last `error` ends the step; a run that ended before its first file has
 * that one alone.
 */
export function annotationsOf(report: RunReport): Annotation[] {
  const { files, status, problems } = report
  const endedEarly = problems.length > 0 && files.every(({ outcome }) => outcome === 'not-tried')
  const told = endedEarly ? [] : files
  const ofKind = (kind: Annotation['kind']) => told.filter((file) => statusOf(file).kind === kind).map(itemOf)
  const warnings = report.warnings.map((warning) => itemOfWarning(warning, files))
  const failed = status === 'succeeded' ? [] : [endOf(report, endedEarly)]
  return [
    ...within('notice', ofKind('notice'), MOST_OF_A_KIND),
    ...within('warning', [...warnings, ...ofKind('warning')], MOST_OF_A_KIND),
    ...within('error', ofKind('error'), MOST_OF_A_KIND - failed.length),
    ...failed,
  ]
}

/** What one annotation would say, and what is said of it where it is one of many. */
interface Item {
  readonly title: string
  readonly message: string
  /** Said once for all files of a version: `demo 1.2.0`. */
  readonly release: string
  readonly word: string
  readonly name: string
}

function itemOf(file: FileResult): Item {
  const release = `${file.project} ${file.version}`
  const { word } = statusOf(file)
  return { title: file.file, message: fileSentence(file), release, word, name: differenceOf(file) }
}

/** A warning about a file begins with its name. Without a title GitHub shows the name of the job. */
function itemOfWarning(warning: string, files: readonly FileResult[]): Item {
  const title = files.find(({ file }) => warning.startsWith(`${file}: `))?.file ?? ''
  return { title, message: finished(warning), release: '', word: 'of the run', name: warning }
}

/** What tells a file from the others of its version: `cp312-cp312-win_amd64`, `sdist`. */
function differenceOf({ file, kind }: FileResult): string {
  if (kind === 'sdist') return 'sdist'
  return file
    .replace(/\.whl$/, '')
    .split('-')
    .slice(2)
    .join('-')
}

function within(kind: Annotation['kind'], items: readonly Item[], most: number): Annotation[] {
  if (items.length <= most) return items.map(({ title, message }) => annotation(kind, title, message))
  const alone = items.slice(0, most - 1)
  return [...alone.map(({ title, message }) => annotation(kind, title, message)), restOf(kind, items, alone.length)]
}

function restOf(kind: Annotation['kind'], items: readonly Item[], shown: number): Annotation {
  const rest = items.slice(shown)
  const words = [...Map.groupBy(items, ({ word }) => word)]
  const totals = words.map(([word, members]) => `${members.length} ${word}`).join(', ')
  const [first] = words
  const alike = words.length === 1 && first !== undefined
  const title =
    alike && kind !== 'warning' ? `${count(items.length, 'file')} ${first[0]}` : `${count(items.length, kind)} in all`
  const start = `${totals}. The summary has each; without an annotation of their own: `
  return annotation(kind, title, `${start}${listWithin(named(rest, alike), LONGEST_MESSAGE - start.length, '')}`)
}

/**
 * The items with what divides them; a release is named once, and so is a word where they differ: `demo 1.2.0: rejected
 * cp312-none-any`, `, cp313-none-any`, `; not sent sdist`, `; demo 1.3.0: not sent sdist`.
 */
function named(items: readonly Item[], alike: boolean): string[] {
  const parts: string[] = []
  for (const [release, members] of Map.groupBy(items, (item) => item.release)) {
    for (const [word, same] of Map.groupBy(members, (item) => item.word)) {
      const isFirst = same[0] === members[0]
      const start = `${isFirst && release !== '' ? `${release}: ` : ''}${alike || release === '' ? '' : `${word} `}`
      // Warnings of the run are sentences: a comma would not divide them.
      const between = release === '' ? '; ' : ', '
      parts.push(...same.map(({ name }, index) => (index === 0 ? `; ${start}${name}` : `${between}${name}`)))
    }
  }
  return parts.map((part, index) => (index === 0 ? part.slice(2) : part))
}

/** The sentence that ends the step. */
function endOf(report: RunReport, endedEarly: boolean): Annotation {
  const reasons = reasonsOf(report)
  const detail = failureDetail(report)
  const message = endedEarly ? reasons : `${detail.charAt(0).toUpperCase()}${finished(detail.slice(1))} ${reasons}`
  return annotation('error', failureTitle(report), message)
}

/** Problems in one annotation; the summary has all. */
const SHOWN_PROBLEMS = 5

function reasonsOf({ problems, files }: RunReport): string {
  const shown = problems.slice(0, SHOWN_PROBLEMS)
  if (shown.length === 0) return `${count(files.filter(isFailure).length, 'file')} failed; the summary says why.`
  const more = problems.length - shown.length
  // Each gets its share, so that a long one does not cut the others off.
  const share = Math.floor((LONGEST_MESSAGE - 400) / shown.length)
  const sentences = shown.map((problem, index) => {
    const number = shown.length === 1 ? '' : `${index + 1}) `
    return `${number}${clip(problemSentence(problem), share)}`
  })
  return `${sentences.join(' ')}${more > 0 ? ` And ${more} more in the summary.` : ''}`
}

/** The last gate before the runner: one printable line, whatever its parts were. */
function annotation(kind: Annotation['kind'], title: string, message: string): Annotation {
  return { kind, title: printable(title, 200), message: printable(message, LONGEST_MESSAGE) }
}
