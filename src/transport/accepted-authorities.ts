import type { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { type AddressInfo, createServer, isIP, type Socket } from 'node:net'
import { redact, subjectOf } from '../text.ts'
import { newAttempt } from './handshake.ts'
import type { TlsVersion } from './party.ts'
import { plainHost } from './proxy.ts'
import { openRoute, type RouteOptions } from './route.ts'

/** The CAs whose certificates a server says it accepts from clients (RFC 8446, 4.2.4; RFC 5246, 7.4.4). */
export interface AcceptedAuthorities {
  /** Printable: `CN=Issuing CA, O=Example`. Empty: the server names none, which servers may do that accept any. */
  readonly names: readonly string[]
  /** The one of them that issued a certificate of the chain that we send. */
  readonly ours: string | undefined
}

/** Asks once; every later question gets the same answer. Undefined: it cannot be known. */
export interface AuthorityQuestion {
  ask(signal: AbortSignal): Promise<AcceptedAuthorities | undefined>
  /** What is known without asking. */
  readonly answer: AcceptedAuthorities | undefined
}

export interface AuthorityQuestionOptions extends RouteOptions {
  readonly tlsMinVersion: TlsVersion
  readonly tlsMaxVersion: TlsVersion
}

/** Programs, the first that exists counts, and milliseconds for all of it. */
interface Means {
  readonly programs: readonly string[]
  readonly time: number
}

/** Where systems have it; never PATH, which a job can change. */
const PROGRAMS: readonly string[] = ['/usr/bin/openssl', '/bin/openssl']

const TIME = 10_000

/** Bytes of the program's output: 1,000 names of usual length. */
const MOST_BYTES = 256 * 1024

/** Short names, and everything that is special escaped (RFC 2253), so that a comma ends a part: as Node writes names. */
const NAME_FORM = 'esc_2253,esc_ctrl,utf8,sep_comma_plus,sname'

/**
 * Node does not tell which CAs a server names, the `openssl` program does. It only explains: without it, and whatever
 * fails on the way, the answer is undefined. It gets no certificate, no key and no secret.
 */
export function createAuthorityQuestion(
  options: AuthorityQuestionOptions,
  chain: readonly X509Certificate[],
  means: Means = { programs: PROGRAMS, time: TIME },
): AuthorityQuestion {
  let asked: Promise<AcceptedAuthorities | undefined> | undefined
  let answer: AcceptedAuthorities | undefined
  const ask = async (signal: AbortSignal) => {
    const output = await connectWithOpenSsl(options, means, signal)
    const lines = output === undefined ? undefined : readNames(redact(output, options.secrets))
    const issuers = new Set(chain.map(({ issuer }) => oneLine(issuer)))
    const ours = lines?.find((line) => issuers.has(line))
    answer = lines && { names: lines.map(shownName), ours: ours === undefined ? undefined : shownName(ours) }
    return answer
  }
  return {
    ask(signal) {
      asked ??= ask(signal)
      return asked
    },
    get answer() {
      return answer
    },
  }
}

/** What `openssl s_client` printed; undefined without the program, or when it could not be run to its end in time. */
async function connectWithOpenSsl(
  options: AuthorityQuestionOptions,
  { programs, time }: Means,
  signal: AbortSignal,
): Promise<string | undefined> {
  const program = process.platform === 'win32' ? undefined : programs.find((path) => existsSync(path))
  if (program === undefined) return undefined
  const end = new AbortController()
  const limit = AbortSignal.any([signal, end.signal, AbortSignal.timeout(time)])
  try {
    const port = await startRelay(options, limit)
    return await Promise.race([run(program, argumentsFor(options, port), end), aborted(limit)])
  } catch {
    return undefined
  } finally {
    end.abort()
  }
}

async function run(program: string, args: string[], end: AbortController): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let received = 0
  // Loaded here alone: most runs never ask.
  const { exec } = await import('@actions/exec')
  await exec(program, args, {
    // Nothing of the job's environment, which can name engines, configuration and libraries.
    env: { OPENSSL_CONF: '/dev/null', LC_ALL: 'C' },
    cwd: '/',
    silent: true,
    ignoreReturnCode: true,
    // The end of its input: it ends when the handshake is over.
    input: Buffer.alloc(0),
    listeners: {
      stdout(chunk) {
        received += chunk.length
        if (received > MOST_BYTES) end.abort()
        else chunks.push(chunk)
      },
    },
  })
  return received > MOST_BYTES ? undefined : Buffer.concat(chunks).toString('utf8')
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
}

function argumentsFor({ url, tlsMinVersion, tlsMaxVersion }: AuthorityQuestionOptions, port: number): string[] {
  const host = plainHost(url.hostname)
  const version = tlsMaxVersion === 'TLSv1.2' ? ['-tls1_2'] : tlsMinVersion === 'TLSv1.3' ? ['-tls1_3'] : []
  const name = isIP(host) === 0 ? ['-servername', host] : ['-noservername']
  return ['s_client', '-connect', `127.0.0.1:${port}`, ...name, ...version, '-alpn', 'http/1.1', '-nameopt', NAME_FORM]
}

/**
 * A port of the loopback interface from which one connection is led the way that ours go, through the proxy too. So the
 * program needs no proxy's password, and it ends with its connection, when `limit` is aborted at the latest.
 */
async function startRelay(options: RouteOptions, limit: AbortSignal): Promise<number> {
  const sockets: Socket[] = []
  const server = createServer((local) => {
    server.close()
    local.on('error', () => {})
    relay(local, options, sockets, limit).catch(() => local.destroy())
  })
  limit.addEventListener('abort', () => {
    server.close()
    for (const socket of sockets.toReversed()) socket.destroy()
  })
  const { promise, resolve, reject } = Promise.withResolvers<AddressInfo | string | null>()
  server.on('error', reject).listen(0, '127.0.0.1', () => resolve(server.address()))
  const address = await promise
  limit.throwIfAborted()
  if (address === null || typeof address === 'string') throw new Error('the relay has no TCP port')
  return address.port
}

async function relay(local: Socket, options: RouteOptions, sockets: Socket[], limit: AbortSignal): Promise<void> {
  sockets.push(local)
  const remote = await openRoute(options, newAttempt(), sockets, limit)
  local.on('close', () => remote.destroy())
  remote.on('close', () => local.destroy())
  local.pipe(remote).pipe(local)
}

const BEGIN = 'Acceptable client certificate CA names'
const NONE = 'No client certificate CA names sent'
/** What follows the names, in any version. */
const END =
  /^(---|Client Certificate Types:|Requested Signature Algorithms:|Shared Requested|Peer sign|Server Temp Key)/

/** A line for each name; undefined when the program did not get as far. */
function readNames(output: string): readonly string[] | undefined {
  const lines = output.split(/\r?\n/)
  const begin = lines.indexOf(BEGIN)
  if (begin < 0) return lines.includes(NONE) ? [] : undefined
  const names = lines.slice(begin + 1)
  const end = names.findIndex((line) => END.test(line))
  return names.slice(0, end < 0 ? undefined : end).filter((line) => line !== '')
}

/** Node's form of a name, one part a line, in the program's: `O=Example,CN=Issuing CA`. */
function oneLine(name: string): string {
  return name
    .split('\n')
    .map((part) => part.replaceAll(' + ', '+'))
    .join(',')
}

function shownName(line: string): string {
  return subjectOf({ subject: line.replace(/(?<!\\),/g, '\n') })
}
