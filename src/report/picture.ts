import type { Finding } from '../certificates/findings.ts'
import { count, formatDate, mermaidText } from '../text.ts'
import type { RunReport } from './run-report.ts'

/** Certificates and findings that are drawn. Beyond, a node says how many more there are. */
const MOST_CERTIFICATES = 5
const MOST_FINDINGS = 5

/** Characters of a finding's sentence: what has to be read stands at its end. */
const LONGEST_MESSAGE = 250

/** Names of CAs in the server's node. */
const MOST_CA_NAMES = 3

/**
 * Colours that are readable on white and on black, each with its own text colour: GitHub changes its theme of diagrams
 * with the reader's, and these stay.
 */
const CLASSES: Readonly<Record<Look, string>> = {
  good: 'fill:#dafbe1,stroke:#1a7f37,color:#1f2328',
  warning: 'fill:#fff8c5,stroke:#9a6700,color:#1f2328',
  error: 'fill:#ffebe9,stroke:#cf222e,color:#1f2328',
  plain: 'fill:#ddf4ff,stroke:#0969da,color:#1f2328',
  unknown: 'fill:#f6f8fa,stroke:#59636e,color:#1f2328,stroke-dasharray:4 3',
}

type Look = 'good' | 'warning' | 'error' | 'plain' | 'unknown'

/**
 * Certificate chain, findings and server as a Mermaid flowchart (the text between the fences, with a line end at its
 * end); `''` without a client certificate. Under Mermaid's own limit of 50,000 characters. How many nodes there are
 * follows from how many certificates and findings there are, never from their text.
 */
export function pictureOf(report: RunReport): string {
  if (report.chain.length === 0) return ''
  return [
    'flowchart TB',
    '  accTitle: Client certificate chain, findings and server',
    ...chainPart(report),
    ...findingPart(report),
    ...serverPart(report),
    ...Object.entries(CLASSES).map(([name, style]) => `  classDef ${name} ${style}`),
    '',
  ].join('\n')
}

/** A quoted label: its lines are escaped one by one, the line ends between them are ours. */
function node(id: string, look: Look, ...lines: readonly string[]): string {
  return labelled(
    id,
    look,
    lines.map((text) => mermaidText(text)),
  )
}

function labelled(id: string, look: Look, lines: readonly string[]): string {
  return `  ${id}["${lines.filter((text) => text !== '').join('<br/>')}"]:::${look}`
}

/** From the top of the chain down to the leaf, as one certificate signs the next. */
function chainPart(report: RunReport): string[] {
  const { chain } = report
  const shown = chain.slice(0, MOST_CERTIFICATES)
  const more = chain.length - shown.length
  const nodes = shown.map(({ position, subject, notAfter }, index) =>
    node(`c${index}`, lookAt(report, position), position, subject, `ends ${formatDate(notAfter)}`),
  )
  const rest = more > 0 ? [node('more', 'plain', `and ${count(more, 'more certificate')}`)] : []
  const order = ['top', ...(more > 0 ? ['more'] : []), ...shown.map((_, index) => `c${index}`).reverse()]
  const links = order.slice(1).map((id, index) => `  ${order[index]} --> ${id}`)
  return [topNode(report), ...rest, ...nodes.reverse(), ...links]
}

/** Where the chain ends: the CA at hand, or the name of the one that is not. */
function topNode(report: RunReport): string {
  const { chain, anchor } = report
  const root = report.findings.find(({ position }) => position === 'root')
  // A bundle can hold an intermediate of the chain, and nothing above it.
  if (anchor !== undefined && chain.every(({ subject }) => subject !== anchor)) {
    return node('top', lookAt(report, 'root'), 'trust anchor', anchor)
  }
  if (root !== undefined) return node('top', lookAt(report, 'root'), 'root', root.subject)
  return node('top', 'unknown', 'issuer, not at hand', chain.at(-1)?.issuer ?? '')
}

/** The colour of a certificate: that of the worst that is said about it. */
function lookAt({ findings }: RunReport, place: string): Look {
  const said = findings.filter(({ position }) => position === place).map(({ severity }) => severity)
  if (said.includes('error')) return 'error'
  return said.includes('warning') ? 'warning' : 'good'
}

/** Each finding hangs on its certificate; what stands beside the chain hangs on the leaf, whose file it is in. */
function findingPart(report: RunReport): string[] {
  const told = report.findings.filter(({ severity }) => severity !== 'notice')
  const shown = told.slice(0, MOST_FINDINGS)
  const more = told.length - shown.length
  return [
    ...shown.flatMap((finding, index) => [
      labelled(`f${index}`, finding.severity === 'error' ? 'error' : 'warning', [
        mermaidText(finding.code),
        mermaidText(finding.message, LONGEST_MESSAGE),
      ]),
      `  ${idOf(report, finding)} -.- f${index}`,
    ]),
    ...(more > 0 ? [node('others', 'plain', `and ${count(more, 'more finding')}`), '  c0 -.- others'] : []),
  ]
}

function idOf({ chain }: RunReport, { position }: Finding): string {
  if (position === 'root') return 'top'
  const index = chain.findIndex((certificate) => certificate.position === position)
  if (index < 0) return 'c0'
  return index < MOST_CERTIFICATES ? `c${index}` : 'more'
}

/** What the handshake came to: our own words alone. */
const HANDSHAKES: Readonly<Record<RunReport['handshake'], { readonly look: Look; readonly words: string }>> = {
  accepted: { look: 'good', words: 'accepted' },
  refused: { look: 'error', words: 'refused' },
  'not-asked': { look: 'warning', words: 'not asked for' },
  failed: { look: 'error', words: 'TLS failed' },
  'not-tried': { look: 'unknown', words: 'not sent' },
}

function serverPart(report: RunReport): string[] {
  const { repositoryUrl, handshake, alert, server, serverSeen, serverCaNames: names } = report
  if (repositoryUrl === undefined) return []
  const { look, words } = HANDSHAKES[handshake]
  const certificate = (server ?? serverSeen)?.server
  const facts = certificate && [
    certificate.subject,
    `issued by ${certificate.issuer}`,
    `ends ${formatDate(new Date(certificate.validTo))}`,
  ]
  const said = alert === undefined ? words : `${words}, alert ${alert}`
  return [
    node('server', look, 'server', repositoryUrl.host, ...(facts ?? [])),
    `  c0 ==>|"${mermaidText(said)}"| server`,
    ...(names === undefined ? [] : [node('asks', 'plain', ...askedFor(names)), '  server -.- asks']),
  ]
}

function askedFor(names: readonly string[]): string[] {
  if (names.length === 0) return ['asks for certificates', 'of any CA']
  const more = names.length - MOST_CA_NAMES
  return [
    'asks for certificates of',
    ...names.slice(0, MOST_CA_NAMES),
    ...(more > 0 ? [`and ${count(more, 'more CA')}`] : []),
  ]
}
