import { isIP } from 'node:net'
import type { FileResult } from '../package-index/outcome.ts'
import { clip, count, printable, shellWord, shownUrl } from '../text.ts'
import { finished, isFailure, listWithin } from './file-status.ts'
import { isoTime } from './outputs.ts'
import type { CertificateFacts, RunReport } from './run-report.ts'

/** Certificates that the block describes: real chains have two to five. */
const MOST_CERTIFICATES = 10

/** Sentences of the run that it repeats. */
const MOST_SENTENCES = 8

/** Characters of one value, and of a list of names. */
const LONGEST_VALUE = 300
const LONGEST_LIST = 3000

/** Requests that it names: the operators need one of each kind. */
const MOST_REQUESTS = 5

/** Files that the reader of the commands has to make; the private key is never more than a path here. */
const CLIENT_FILE = 'client.pem'
const KEY_FILE = 'client-key.pem'
const SERVER_CA_FILE = 'server-ca.pem'
const CLIENT_CA_FILE = 'client-ca.pem'

/**
 * What a PKI or network team needs to find the fault without asking back, as lines of plain text to paste into a ticket:
 * when and where, what the run says, the certificates as sent, the server, and commands that repeat the handshake.
 * At most 100 KiB of ASCII. `[]` after a success that is no dry run, and where neither server nor certificate is known.
 */
export function ticketOf(report: RunReport): string[] {
  const { status, dryRun, repositoryUrl, chain } = report
  if (status === 'succeeded' && !dryRun) return []
  if (repositoryUrl === undefined && chain.length === 0) return []
  return [
    ...placeLines(report),
    ...sentenceLines(report),
    ...serverLines(report),
    ...chainLines(report),
    ...commandLines(report),
  ]
}

/** `Label:   value`; left out where nothing is known. */
function line(label: string, value: string | undefined, max = LONGEST_VALUE): string[] {
  const text = printable(value ?? '', max)
  return text === '' ? [] : [`${`${label}:`.padEnd(17)} ${text}`]
}

function placeLines(report: RunReport): string[] {
  const { repositoryUrl, finishedAt, utcOffsetMinutes, handshake, alert, proxy, run } = report
  const { server, serverSeen } = report
  const { protocol, cipher, remoteAddress } = server ?? serverSeen ?? {}
  const address = proxy === undefined || remoteAddress === undefined ? remoteAddress : `${remoteAddress} (the proxy)`
  const target = repositoryUrl && targetOf(repositoryUrl)
  return [
    ...line('Time (UTC)', isoTime(finishedAt)),
    ...line("Runner's clock", localTime(finishedAt, utcOffsetMinutes)),
    ...line('Run', runName(run)),
    ...line('URL', repositoryUrl && shownUrl(repositoryUrl)),
    ...line('Host', target?.host),
    ...line('Port', target?.port),
    ...line('SNI', target && (target.serverName ?? '(none: the URL has an IP address)')),
    ...line('IP address', address ?? '(not connected)'),
    ...line('Proxy', proxy ?? '(none)'),
    ...line('TLS', [protocol, cipher].filter((part) => part !== undefined && part !== '').join(', ') || '(not agreed)'),
    ...line('Handshake', handshake),
    ...line('TLS alert', alert === undefined ? '(none seen)' : String(alert)),
    ...requestLines(report),
  ]
}

/** The numbers under which the operators of the front or of the index find what they refused. */
function requestLines({ files }: RunReport): string[] {
  const numbers = files.filter(isFailure).flatMap(({ requestNumber }) => requestNumber ?? [])
  return [...new Set(numbers)].slice(0, MOST_REQUESTS).flatMap((number) => line('Request number', number))
}

/** `octo-org/demo, run 42, attempt 1` */
function runName({ repository, runId, runAttempt }: RunReport['run']): string {
  const parts = [repository, runId && `run ${runId}`, runAttempt && `attempt ${runAttempt}`]
  return parts.filter((part) => part !== '').join(', ')
}

interface Target {
  /** Without brackets. */
  readonly host: string
  readonly port: string
  /** As `-connect` of OpenSSL takes it. */
  readonly authority: string
  /** Undefined: server name indication knows no addresses (RFC 6066, 3). */
  readonly serverName: string | undefined
}

function targetOf({ hostname, port: given }: URL): Target {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const port = given === '' ? '443' : given
  return { host, port, authority: `${hostname}:${port}`, serverName: isIP(host) === 0 ? host : undefined }
}

/** `2026-11-26T02:45:09+01:00`: a clock that is wrong by its zone shows here. */
function localTime(time: Date, offset: number): string {
  if (Number.isNaN(time.getTime())) return ''
  const shifted = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, 19)
  const twoDigits = (value: number) => String(Math.floor(value)).padStart(2, '0')
  const size = Math.abs(offset)
  return `${shifted}${offset < 0 ? '-' : '+'}${twoDigits(size / 60)}:${twoDigits(size % 60)}`
}

/** What ended the run, then each fault of files once, then what the chain check only warns of. */
function sentenceLines({ problems, files, findings }: RunReport): string[] {
  const ofFiles = files.filter((file) => isFailure(file) && file.outcome !== 'not-tried').filter(isFirstOfItsCode)
  const warnings = findings.filter(({ severity }) => severity === 'warning')
  const said = [
    ...problems.map(({ code, message }) => ({ word: 'Fault', code, message })),
    ...ofFiles.map(({ code, message }) => ({ word: 'Fault', code, message })),
    ...warnings.map(({ code, message }) => ({ word: 'Warning', code, message })),
  ]
  const known = said.filter(({ code, message }) => code !== undefined && message !== undefined)
  const shown = new Map(known.map((one) => [`${one.code} ${one.message}`, one]))
  const sentences = [...shown.values()]
  const more = sentences.length - MOST_SENTENCES
  return [
    ...sentences
      .slice(0, MOST_SENTENCES)
      .flatMap(({ word, code, message }) => line(word, `${code}: ${finished(printable(message ?? '', 1000))}`, 1100)),
    ...(more > 0 ? line('And', `${count(more, 'more sentence')} in the summary`) : []),
  ]
}

function isFirstOfItsCode({ code }: FileResult, index: number, failed: readonly FileResult[]): boolean {
  return failed.findIndex((other) => other.code === code) === index
}

function serverLines({ server, serverSeen, serverCaNames: names }: RunReport): string[] {
  const certificate = (server ?? serverSeen)?.server
  const facts = certificate && [
    ...line('  Subject', certificate.subject),
    ...line('  Issuer', certificate.issuer),
    ...line('  Ends', certificate.validTo),
    ...line('  SHA-256', certificate.fingerprint256),
  ]
  const asked =
    names === undefined
      ? []
      : line('Asks for', names.length === 0 ? 'certificates of any CA: it names none' : nameList(names), LONGEST_LIST)
  return ['', 'Certificate of the server:', ...(facts ?? ['  (not seen)']), ...asked]
}

function nameList(names: readonly string[]): string {
  const shown = names.map((name) => printable(name, LONGEST_VALUE))
  return `certificates of ${listWithin(shown, LONGEST_LIST - 100, ' | ')}`
}

function chainLines({ chain, anchor }: RunReport): string[] {
  if (chain.length === 0) return ['', 'Certificates sent: none']
  const more = chain.length - MOST_CERTIFICATES
  return [
    '',
    'Certificates as sent:',
    ...chain.slice(0, MOST_CERTIFICATES).flatMap(certificateLines),
    ...(more > 0 ? [`  and ${count(more, 'more certificate')}`] : []),
    ...line('Chains to', anchor ?? '(no root is at hand)'),
  ]
}

function certificateLines(certificate: CertificateFacts, index: number): string[] {
  const { position, subject, issuer, serial, fingerprint256, notBefore, notAfter, names, purposes } = certificate
  return [
    `  ${index + 1}. ${printable(position, 40)}`,
    ...line('  Subject', subject),
    ...line('  Issuer', issuer),
    ...line('  Serial', serial),
    ...line('  SHA-256', fingerprint256),
    ...line('  Valid', `${isoTime(notBefore) || '(unreadable)'} to ${isoTime(notAfter) || '(unreadable)'}`),
    ...line('  Names', names === '' ? '(none)' : names, 600),
    ...line('  Ext. key usage', purposes === undefined ? '(none: not limited)' : listWithin(purposes, LONGEST_VALUE)),
  ]
}

/** Each value is one quoted word: a URL or a host from an input can do nothing in the shell it is pasted into. */
function commandLines({ repositoryUrl, chain, proxy, ownCaBundle }: RunReport): string[] {
  const asked = repositoryUrl === undefined ? [] : askingLines(targetOf(repositoryUrl), proxy, ownCaBundle)
  const verified = chain.length === 0 ? [] : verifyingLines()
  const repeated =
    repositoryUrl === undefined ? [] : repeatingLines(repositoryUrl, chain.length > 0, proxy, ownCaBundle)
  return ['', 'To see it again (shell):', ...asked, ...verified, ...repeated]
}

function comment(text: string): string {
  return `  # ${clip(text, 200)}`
}

function askingLines(target: Target, proxy: string | undefined, ownCaBundle: boolean): string[] {
  const { authority, serverName } = target
  const words = [
    `openssl s_client -connect ${shellWord(authority)}`,
    serverName === undefined ? '-noservername' : `-servername ${shellWord(serverName)}`,
    ...proxyWords('-proxy', proxy && proxyAuthority(proxy)),
    ...(ownCaBundle ? [`-CAfile ${shellWord(SERVER_CA_FILE)}`] : []),
    '-showcerts </dev/null',
  ]
  const ca = ownCaBundle ? `; ${SERVER_CA_FILE}: the text of ca-bundle` : ''
  return [
    comment(`without a key: the server's certificates, and the CA names that it asks for${ca}`),
    `  ${words.join(' ')}`,
  ]
}

function verifyingLines(): string[] {
  const files = `-CAfile ${shellWord(CLIENT_CA_FILE)} -untrusted ${shellWord(CLIENT_FILE)} ${shellWord(CLIENT_FILE)}`
  return [
    comment(
      `the chain as a server sees it; ${CLIENT_FILE}: certificates as sent, ${CLIENT_CA_FILE}: the server's CAs for clients`,
    ),
    `  openssl verify -purpose sslclient -show_chain ${files}`,
  ]
}

function repeatingLines(url: URL, hasChain: boolean, proxy: string | undefined, ownCaBundle: boolean): string[] {
  const words = [
    'curl --verbose --http1.1 --output /dev/null',
    ...(hasChain ? [`--cert ${shellWord(CLIENT_FILE)} --key ${shellWord(KEY_FILE)}`] : []),
    ...(ownCaBundle ? [`--cacert ${shellWord(SERVER_CA_FILE)}`] : []),
    ...proxyWords('--proxy', proxy),
    shellWord(shownUrl(url)),
  ]
  const key = hasChain ? `; ${KEY_FILE}: the key, which GitHub gives to nobody: for its owner to run` : ''
  return [comment(`the same handshake, and a GET that changes nothing${key}`), `  ${words.join(' ')}`]
}

function proxyWords(option: string, proxy: string | undefined): string[] {
  return proxy === undefined ? [] : [`${option} ${shellWord(proxy)}`]
}

/** `host:port` of a proxy's URL; undefined where OpenSSL cannot use it (TLS to the proxy itself). */
function proxyAuthority(proxy: string): string | undefined {
  if (!URL.canParse(proxy)) return undefined
  const { protocol, hostname, port } = new URL(proxy)
  return protocol === 'http:' ? `${hostname}:${port || '80'}` : undefined
}
