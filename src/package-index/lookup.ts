import type { Distribution } from '../distributions/distribution.ts'
import { PublishError } from '../errors.ts'
import type { Answer } from './answer.ts'
import { blockPageOf } from './block-page.ts'
import { type AnswerHead, get, isRedirect, within } from './fetch.ts'
import { type DigestOf, findingOf } from './finding.ts'
import { DownloadBudget } from './index-file.ts'
import { ACCEPT, MOST_PAGE_BYTES } from './index-page.ts'
import { entryFor, speakerOf } from './known-server.ts'
import { answerFailure, explained, pageFailure, redirectFailure, shown } from './lookup-answer.ts'
import { PageFault } from './page-fault.ts'
import { type ProjectPage, ProjectPageReader } from './project-page.ts'
import { leadsToLogin, redirectTarget } from './redirect.ts'
import { askRoot, RootProof } from './root-proof.ts'
import {
  type Finding,
  type IndexReader,
  LookupFailure,
  type ProjectFindings,
  type SimpleIndex,
} from './simple-index.ts'
import { uploadUrlHint } from './upload-url.ts'

export interface LookupOptions {
  /** The representation that is asked for: pages in JSON and in HTML are cached apart. Undefined: `json`. */
  readonly prefer?: 'json' | 'html'
  /** Shared by the run. Undefined: a new one. */
  readonly download?: DownloadBudget
  /** Shared by the run, one for each simple index, so that its root is asked once. Undefined: a new one. */
  readonly proof?: RootProof
  /** Digests of our files beside sha256. */
  readonly digestOf: DigestOf
  /** For a date in Retry-After. */
  readonly now?: () => Date
}

/** One lookup: what every step of it needs. */
interface Lookup {
  /** Normalised project name. */
  readonly project: string
  readonly distributions: readonly Distribution[]
  readonly index: SimpleIndex
  readonly reader: IndexReader
  readonly options: LookupOptions
  readonly now: () => Date
}

/**
 * Asks a simple index what it has of some files of one project (PEP 503, PEP 691). One try: nothing is repeated.
 * "Absent" is said only where the index is known to be one. The page has the reader's time in all, and so has each file
 * that is fetched because the page does not prove its bytes.
 *
 * @throws LookupFailure: E_INDEX_LOOKUP, E_INDEX_UNPROVEN, E_HTTP_*, or the transport's code; the signal's reason, at once
 */
export async function lookUp(
  project: string,
  distributions: readonly Distribution[],
  index: SimpleIndex,
  reader: IndexReader,
  options: LookupOptions,
  signal: AbortSignal,
): Promise<ProjectFindings> {
  signal.throwIfAborted()
  const now = options.now ?? (() => new Date())
  const lookup: Lookup = { project, distributions, index, reader, options, now }
  const url = new URL(`${project}/`, index.root)
  const page = await explained({ url, reader, now }, signal, () => askPage(lookup, url, signal))
  const files = new Map<string, Finding>()
  const comparison = {
    page: page?.url ?? url,
    reader,
    budget: options.download ?? new DownloadBudget(),
    digestOf: options.digestOf,
    digestIsOurWord: index.server?.digestIsOurWord ?? false,
  }
  for (const distribution of distributions) {
    const entries = page?.entries.get(distribution.file) ?? []
    try {
      files.set(distribution.file, await findingOf(distribution, entries, comparison, signal))
    } catch (error) {
      throw error instanceof LookupFailure ? new LookupFailure(error.problem, error.retry, files) : error
    }
  }
  return { known: page !== undefined && page.listed > 0, files }
}

/** The project's page; undefined: the index has none. */
async function askPage(lookup: Lookup, asked: URL, signal: AbortSignal): Promise<ProjectPage | undefined> {
  const { reader, options, now } = lookup
  let page: ProjectPageReader | undefined
  const open = ({ status, headers }: AnswerHead, url: URL) => {
    page = status === 200 ? new ProjectPageReader(pageRequest(lookup, url, headers)) : undefined
    return page && ((chunk: Buffer) => page?.write(chunk))
  }
  const request = {
    url: asked,
    reader,
    accept: ACCEPT[options.prefer ?? 'json'],
    encoding: 'gzip',
    limitBytes: MOST_PAGE_BYTES,
    open,
    follows: (target: URL) => !leadsToLogin(target, asked),
  } as const
  const { answer, url } = await within(reader.idleTimeoutMs, signal, (timed) => get(request, timed))
  if (page !== undefined) {
    try {
      return page.end()
    } catch (error) {
      throw error instanceof PageFault ? pageFailure(error, answer, { url, reader, now }) : error
    }
  }
  if (isRedirect(answer)) await assertFallback(answer, url, lookup, signal)
  else await assertAbsent(answer, url, lookup, signal)
  return undefined
}

function pageRequest({ project, distributions, index }: Lookup, url: URL, headers: ReadonlyMap<string, string>) {
  return {
    project,
    files: distributions.map(({ file }) => file),
    url,
    contentType: headers.get('content-type') ?? '',
    ownFiles: index.server?.ownFiles,
  }
}

/**
 * Some indexes send those who ask for an unknown project on to the public one: absent here. Nothing is sent there. Another
 * scheme or port of the same host is the same server, badly set up; a given root that points away too is an index that has
 * moved, and says nothing of where uploads go.
 */
async function assertFallback(answer: Answer, url: URL, lookup: Lookup, signal: AbortSignal): Promise<void> {
  const { project, index, reader, now } = lookup
  const target = redirectTarget(answer, url)
  const login = target !== undefined && leadsToLogin(target, url)
  const isFallback =
    target !== undefined &&
    !login &&
    target.hostname !== url.hostname &&
    (target.pathname.endsWith(`/simple/${project}/`) || target.pathname.endsWith(`/simple/${project}`))
  if (!isFallback) throw redirectFailure(answer, target, login, { url, reader, now })
  if (index.source === 'known') return
  const root = await rootOf(lookup, signal)
  if (root.elsewhere && index.source === 'given') throw redirectFailure(answer, target, false, { url, reader, now })
  assertProven(root.isIndex, root.found, answer, url, lookup)
}

/** What may be wrong with repository-url, where the simple index of that URL is not there. */
function uploadAdvice({ root, isUploadUrl }: SimpleIndex, answer: Answer): string {
  if (isUploadUrl) return `${uploadUrlHint(root, entryFor(answer, root))} `
  const server = speakerOf(answer)
  return server === undefined ? '' : `${server.check} `
}

/** Absent: 404, or 405 of an index that knows no page of the project. Where the index is a guess, its root must prove it. */
async function assertAbsent(answer: Answer, url: URL, lookup: Lookup, signal: AbortSignal): Promise<void> {
  const { index, reader, now } = lookup
  const absent = answer.status === 404 || answer.status === 405
  if (!absent || blockPageOf(answer, reader.secrets) !== undefined) throw answerFailure(answer, { url, reader, now })
  if (index.source !== 'guessed') return
  const { isIndex, found } = await rootOf(lookup, signal)
  assertProven(isIndex, found, answer, url, lookup)
}

function rootOf({ index, reader, options, now }: Lookup, signal: AbortSignal) {
  const proof = options.proof ?? new RootProof()
  return proof.get(() => askRoot(index, reader, now, signal), signal)
}

function assertProven(isIndex: boolean, found: string, answer: Answer, url: URL, { index, reader }: Lookup): void {
  if (isIndex || index.source !== 'guessed') return
  const root = shown({ url: index.root, reader })
  throw new LookupFailure(
    new PublishError({
      code: 'E_INDEX_UNPROVEN',
      message: `${shown({ url, reader })} answered ${answer.status}, which says nothing as long as ${root} is not known to be the simple index: ${found}`,
      hint: `${uploadAdvice(index, answer)}Give the index URL that your pip uses as check-url (check-url: ${root} if it is this one), or check-url: off to publish without looking: many servers replace a file of the same name without a word.`,
    }),
  )
}
