/**
 * What holds at the end of every scenario, judged from the index's ledger alone.
 *
 * What can be known, and what cannot: a client knows what it was answered and what the pages listed that it was sent.
 * So a file may be called
 * - `published`: our bytes are stored, and a page listed them to this run; without verification: the index said yes; with
 *   `verified: no`: it said yes, and a page listed bytes that it does not prove, and that could not be fetched;
 * - `already-published`: the same, and a page listed them;
 * - `conflict`, `skipped`: other bytes are stored, and a page listed them (or bytes that the page does not prove, and
 *   that could not be fetched);
 * - `rejected`: the index answered at least one of its uploads with a no (a 5xx, a redirect and a login page are one),
 *   none with a plain yes, and our bytes are not known to be there (below). A file that is stored behind a 5xx and
 *   listed later than anybody asked may be called rejected: section 5 of the design says so;
 * - `not-tried`: nothing of it was sent;
 * - `unconfirmed`: an upload was answered with a yes, with "exists", or behind a 5xx with a no; or with a 5xx alone, and a
 *   lookup afterwards was not answered. And our bytes are not known to be there, or could not be fetched in time where the
 *   page does not prove them;
 * - `no-answer`: no plain yes, and our bytes are not known to be there. Nothing else is claimed.
 * Known to be there: this run stored them, they were listed when its last upload ended, and nobody asked then; or every
 * lookup after that upload was sent a page that lists them. (Where some failed, the one that did not may have been about
 * another file; and nothing is known where the index left no time to ask.)
 * And whatever it is called: a file that a page has listed, that was answered with a yes, or with a no that is final, is
 * not sent (again), not by the second request of a redirect either; no bytes are replaced by others; Retry-After is obeyed.
 */
import { type FileResult, failsStep } from '../../src/package-index/outcome.ts'
import { type FaultyIndex, LOGIN_PAGE, type LookupEntry, type UploadEntry } from './faulty-index.ts'
import type { Settings } from './scenario.ts'

export interface Account {
  readonly index: FaultyIndex
  /** Name and sha256 of what was to be published. */
  readonly files: readonly { readonly file: string; readonly sha256: string }[]
  readonly results: readonly FileResult[]
  readonly settings: Settings
  /** Whether the run was cancelled: then nobody asks any more. */
  readonly cancelled: boolean
  readonly faultyDownloads: boolean
  /** Most connections of this client that were open at the same moment. */
  readonly mostConnections: number
}

/** Broken promises, as sentences; none: all is well. */
export function brokenPromises(account: Account): string[] {
  const { index, files, results, settings, cancelled, faultyDownloads, mostConnections } = account
  const broken = files.flatMap(({ file, sha256 }) => {
    const found = results.filter((result) => result.file === file)
    const [result] = found
    if (result === undefined || found.length > 1) return [`${file} is reported ${found.length} times`]
    const story = storyOf(index, { file, sha256, result, settings, cancelled, faultyDownloads })
    return [...told(story), ...sent(story)].map((sentence) => `${file} (${result.outcome}) ${sentence}`)
  })
  if (mostConnections > settings.maxParallel + 1) broken.push(`${mostConnections} connections were open at once`)
  if (index.elsewhere.connections > 0) broken.push('another origin was connected to')
  if (index.strays.length > 0) broken.push(`requests to nowhere: ${index.strays.join(', ')}`)
  return broken
}

interface Told {
  readonly file: string
  readonly sha256: string
  readonly result: FileResult
  readonly settings: Settings
  readonly cancelled: boolean
  /** Whether fetches of files fail, too. */
  readonly faultyDownloads: boolean
}

interface Story extends Told {
  readonly uploads: readonly UploadEntry[]
  readonly last: UploadEntry | undefined
  /** Lookups of its project that were sent a page. */
  readonly pages: readonly LookupEntry[]
  /** Lookups after the end of its last upload. */
  readonly after: readonly LookupEntry[]
  readonly there: 'ours' | 'others' | undefined
  /** Another client stored it. */
  readonly foreign: boolean
  readonly listedAtLast: boolean
  /** Whether a pause that the index asked for, or its pages of other projects, took all of the time for a listing. */
  readonly muted: boolean
  readonly fetchedInVain: boolean
}

function storyOf(index: FaultyIndex, known: Told): Story {
  const { file, sha256 } = known
  const uploads = index.uploads.filter((one) => one.file === file)
  const last = uploads.at(-1)
  const project = last?.project ?? index.lookups.find((one) => file.startsWith(`${one.project}-`))?.project
  const lookups = index.lookups.filter((one) => one.project === project)
  const since = last === undefined ? 0 : endOf(last)
  const stored = index.stored.get(file)
  return {
    ...known,
    uploads,
    last,
    pages: lookups.filter((one) => one.whole && one.listed !== undefined),
    after: lookups.filter((one) => one.startedAt >= since),
    there: stored === undefined ? undefined : stored.sha256 === sha256 ? 'ours' : 'others',
    foreign: stored?.foreign === true,
    // One that never came to the index was behind a silent one: they share the connections, and the time.
    fetchedInVain: known.faultyDownloads && index.downloads.length > 0,
    listedAtLast: index.wasListed(file, since),
    muted: isMuted(index, project, since, known.settings),
  }
}

function isMuted(index: FaultyIndex, project: string | undefined, since: number, settings: Settings): boolean {
  const { verifyTimeoutMs, maxParallel } = settings
  const others = index.lookups.filter((one) => one.project !== project && one.startedAt >= since)
  const busyMs = others.reduce((sum, { startedAt, endedAt = startedAt }) => sum + endedAt - startedAt, 0)
  const isPaused = [...index.lookups, ...index.uploads].some(
    ({ comeBackAt = 0 }) => comeBackAt > since + verifyTimeoutMs,
  )
  return isPaused || busyMs >= verifyTimeoutMs * maxParallel
}

/** Where the client gave up on an answer, the index does not know when: no look at the file comes before it has it. */
function endOf({ whole, startedAt, decidedAt = startedAt, endedAt = decidedAt }: UploadEntry): number {
  return whole ? endedAt : decidedAt
}

function lists({ file, sha256 }: Story, page: LookupEntry): 'ours' | 'others' | undefined {
  const listed = page.listed?.get(file)
  if (listed === undefined) return undefined
  return listed === sha256 ? 'ours' : 'others'
}

function isLogin({ whole, status, answeredWith }: UploadEntry): boolean {
  return whole && status === LOGIN_PAGE.status && answeredWith === LOGIN_PAGE.body
}

/** The index had all of it and said yes. */
function saidYes(upload: UploadEntry): boolean {
  const { status = 0, whole, read, length } = upload
  return whole && status >= 200 && status < 300 && read === length && !isLogin(upload)
}

/** The same, where of the answer at least its head came. */
function beganYes({ status = 0, read, length }: UploadEntry): boolean {
  return status >= 200 && status < 300 && read === length
}

const AGAIN = [408, 425, 429, 500, 502, 503, 504]

/** A no that another try does not change; 307 and 308 ask for one. */
function saidNo({ status = 0, whole }: UploadEntry): boolean {
  return whole && status >= 300 && status !== 307 && status !== 308 && !AGAIN.includes(status)
}

/** Promises about what is said of the file. */
function told(story: Story): string[] {
  const { result, there, uploads, pages, settings, after } = story
  const { outcome, verified } = result
  const shown = (which: 'ours' | 'others') => pages.some((page) => lists(story, page) === which)
  // Bytes that the page does not prove, and that could not be fetched, cannot be compared.
  const blind = story.fetchedInVain && shown('ours')
  const occupied = [
    [there === 'others' || blind, 'and the index has no other bytes'],
    [shown('others') || blind, 'and no page listed other bytes'],
  ] as const
  const listed = pages.some((page) => lists(story, page) !== undefined)
  const unproven = verified === 'no' && uploads.some(beganYes) && (!settings.verify || (story.fetchedInVain && listed))
  const unanswered = after.length === 0 || after.some(({ whole, listed }) => !whole || listed === undefined)
  const rules: Partial<Record<FileResult['outcome'], readonly (readonly [boolean, string])[]>> = {
    published: [
      [there === 'ours' || unproven, 'and the index has not got these bytes'],
      [shown('ours') || unproven, 'and no page listed it'],
      [uploads.length > 0, 'and was never sent'],
    ],
    'already-published': [
      [there === 'ours', 'and the index has not got these bytes'],
      [shown('ours'), 'and no page listed it'],
    ],
    // A file that the server took was not left alone, whatever the index lists.
    conflict: [...occupied, [!settings.skipExisting || uploads.some(beganYes), 'although skip-existing is set']],
    skipped: [...occupied, [settings.skipExisting, 'although skip-existing is not set']],
    rejected: [
      [uploads.some((one) => (one.status ?? 0) >= 300 || isLogin(one)), 'and the index never said no'],
      ...unfinished(story),
    ],
    'not-tried': [[uploads.length === 0, 'and was sent']],
    unconfirmed: [
      [
        uploads.some(({ status = 999 }) => blind || status < 500 || (status < 600 && unanswered)),
        'and the index never said yes',
      ],
      [story.fetchedInVain || !isKnown(story), 'although it is known to be there'],
    ],
    // Cancelled, a client hangs up on an answer that is on its way.
    'no-answer': [[uploads.length > 0, 'and was never sent'], ...(story.cancelled ? [] : unfinished(story))],
  }
  const expected = rules[outcome] ?? [[false, 'which is no outcome of a run']]
  const broken = expected.filter(([holds]) => !holds).map(([, sentence]) => sentence)
  if (verified !== 'no' && (failsStep(outcome) || !shown('ours'))) broken.push(`and claims verified: ${verified}`)
  return broken
}

/** Of a file of which nobody says that it is there. */
function unfinished(story: Story): (readonly [boolean, string])[] {
  return [
    [!story.uploads.some(saidYes), 'although the index said yes'],
    [!isKnown(story), 'although it is known to be there'],
  ]
}

function isKnown(story: Story): boolean {
  const { after, there, foreign, cancelled, listedAtLast, muted } = story
  if (foreign || cancelled || muted) return false
  if (after.length === 0) return there === 'ours' && listedAtLast
  return after.every((one) => one.whole && lists(story, one) === 'ours')
}

/** From the index's end of an answer to the client's. */
const ON_THE_WAY_MS = 20

/** Whether a page had listed the file, and none beside it lacked it: that one may have been the look at this very file. */
function wasListed(story: Story, upload: UploadEntry): boolean {
  const pages = story.pages.filter(({ endedAt = Infinity }) => endedAt < upload.startedAt)
  const lacking = pages.filter((page) => lists(story, page) === undefined)
  const isBeside = ({ startedAt, endedAt = startedAt }: LookupEntry, page: LookupEntry) => {
    return startedAt - ON_THE_WAY_MS <= (page.endedAt ?? page.startedAt) && endedAt + ON_THE_WAY_MS >= page.startedAt
  }
  return pages.some((page) => lists(story, page) !== undefined && !lacking.some((other) => isBeside(other, page)))
}

/** Promises about what was sent. */
function sent(story: Story): string[] {
  const { uploads, settings } = story
  const broken: string[] = []
  const redirects = uploads.filter(isRedirected).length
  const most = settings.retries + 1 + redirects
  if (uploads.length > most) broken.push(`was sent ${uploads.length} times, and at most ${most} were allowed`)
  for (const [number, upload] of uploads.entries()) {
    const before = uploads.slice(0, number)
    if (wasListed(story, upload)) broken.push(`was sent although a page had listed it (try ${number + 1})`)
    if (before.some(saidYes)) broken.push(`was sent again after a yes (try ${number + 1})`)
    if (before.some(saidNo)) broken.push(`was sent again after a final no (try ${number + 1})`)
    if (before.some(({ comeBackAt = 0 }) => upload.startedAt < comeBackAt - CLOCK_MS)) {
      broken.push(`was sent again before Retry-After (try ${number + 1})`)
    }
    if (isBlind(story, number)) broken.push(`was sent again without asking the index (try ${number + 1})`)
    if (upload.stored === 'overwritten') broken.push(`replaced other bytes (try ${number + 1})`)
  }
  return broken
}

function isRedirected(upload: UploadEntry | undefined): boolean {
  return upload?.status === 307 || upload?.status === 308
}

/** Timers and clocks differ by as much. */
const CLOCK_MS = 5

/** Whether a try followed one that may have stored the file, and no page was asked for between them. */
function isBlind({ uploads, pages }: Story, number: number): boolean {
  const [before, upload] = [uploads[number - 1], uploads[number]]
  if (before === undefined || upload === undefined) return false
  if (before.sha256 === undefined || isRedirected(before)) return false
  const since = endOf(before)
  return !pages.some(({ startedAt, endedAt }) => startedAt >= since && (endedAt ?? Infinity) < upload.startedAt)
}
