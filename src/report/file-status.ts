import type { PublishError } from '../errors.ts'
import type { FileResult, Outcome } from '../package-index/outcome.ts'
import { clip } from '../text.ts'

/** How an outcome is told: the kind of its annotation (`error`: it fails the step), and in words. */
interface Status {
  readonly kind: 'notice' | 'warning' | 'error'
  /** After "3 files: ". */
  readonly word: string
  /** After the project and its version. */
  readonly sentence: string
}

const STATUS: Readonly<Record<Outcome, Status>> = {
  published: { kind: 'notice', word: 'published', sentence: 'was published' },
  'already-published': {
    kind: 'notice',
    word: 'there before',
    sentence: 'was on the index before, with the same bytes',
  },
  skipped: { kind: 'warning', word: 'skipped', sentence: 'was skipped' },
  'would-publish': { kind: 'notice', word: 'would be published', sentence: 'would be published' },
  conflict: { kind: 'error', word: 'in conflict', sentence: 'is in conflict with the index' },
  rejected: { kind: 'error', word: 'rejected', sentence: 'was rejected' },
  unconfirmed: { kind: 'error', word: 'unconfirmed', sentence: 'was sent, but is not confirmed' },
  'no-answer': { kind: 'error', word: 'without an answer', sentence: 'got no answer' },
  'not-tried': { kind: 'error', word: 'not sent', sentence: 'was not sent' },
}

export function statusOf({ outcome, attempts }: FileResult): Status {
  if (outcome === 'unconfirmed' && attempts === 0) return { ...STATUS[outcome], sentence: 'is not confirmed' }
  return STATUS[outcome]
}

/** Whether this file makes the step fail. */
export function isFailure(file: FileResult): boolean {
  return statusOf(file).kind === 'error'
}

/** The failing files before the others, each group in its order. */
export function failuresFirst(files: readonly FileResult[]): FileResult[] {
  return [...files.filter(isFailure), ...files.filter((file) => !isFailure(file))]
}

/**
 * `demo-1.2.0.tar.gz was rejected: the index answered 400 Bad Request (E_HTTP_REJECTED). Read its words.` With the name,
 * since the log shows no titles of annotations.
 */
export function fileSentence(file: FileResult): string {
  const { hint } = file
  const reason = reasonOf(file)
  // "not sent, because ..." is a file's whole story.
  const story = file.outcome === 'not-tried' && reason !== '' ? '' : ` ${statusOf(file).sentence}`
  const divider = file.message === undefined ? ' ' : ': '
  return sentences(`${file.file}${story}${reason === '' ? '' : `${divider}${reason}`}`, hint)
}

/** Message, code and number of tries; `''` where there is nothing to explain. */
export function reasonOf({ message, code, attempts }: FileResult): string {
  const tries = attempts > 1 ? `${attempts} tries` : ''
  const details = [code ?? '', tries].filter((part) => part !== '').join(', ')
  const where = details === '' ? '' : `(${details})`
  return [message ?? '', where].filter((part) => part !== '').join(' ')
}

/** `E_CERT_EXPIRED: the client certificate ended on 2026-11-20. Renew it.` The code first, so that a cut never takes it. */
export function problemSentence({ code, message, hint }: PublishError): string {
  return `${code}: ${sentences(message, hint)}`
}

/** Message and hint, each with its full stop; `''` where there is neither. */
export function sentences(message: string | undefined, hint: string | undefined): string {
  return [message, hint].flatMap((text) => (text === undefined ? [] : [finished(text)])).join(' ')
}

/** With the full stop that a sentence ends in. */
export function finished(sentence: string): string {
  return /[.!?\u2026]$/.test(sentence) ? sentence : `${sentence}.`
}

/** Characters that ` and 1234567 more` needs. */
const MORE_LENGTH = 20

/** As many items as `max` characters hold, at least a part of the first, and how many are left. */
export function listWithin(items: readonly string[], max: number, separator = ', '): string {
  const all = items.join(separator)
  if (all.length <= max) return all
  const [first = '', ...others] = items
  let text = clip(first, max - MORE_LENGTH)
  let left = others.length
  for (const item of others) {
    if (text.length + separator.length + item.length > max - MORE_LENGTH) break
    text += separator + item
    left -= 1
  }
  return left === 0 ? text : `${text} and ${left} more`
}
