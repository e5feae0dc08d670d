import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pictureOf } from '../../../src/report/picture.ts'
import type { RunReport } from '../../../src/report/run-report.ts'
import { summaryOf } from '../../../src/report/summary.ts'
import { certificate, finding, foreignReport, HOSTILE, reportWith } from './reports.ts'

const CHAIN = [
  certificate(),
  certificate({ position: 'intermediate 1', subject: 'CN=Issuing CA', issuer: 'CN=Example Root' }),
]

const SERVER: RunReport['server'] = {
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  remoteAddress: '192.0.2.1',
  asked: true,
  server: { subject: 'CN=index', issuer: 'CN=Server CA', fingerprint256: 'DD:EE', validTo: '2027-01-01T00:00:00.000Z' },
}

function linesOf(given: Partial<RunReport>): string[] {
  return pictureOf(reportWith(given)).split('\n')
}

/** Labels by node, with their entities turned back, and the classes of the nodes. */
function nodesOf(given: Partial<RunReport>): Map<string, { readonly label: string; readonly look: string }> {
  const found = linesOf(given).flatMap((line) => {
    const [, id, label = '', look = ''] = /^ {2}(\w+)\["(.*)"\]:::(\w+)$/.exec(line) ?? []
    return id === undefined ? [] : [[id, { label: seen(label), look }] as const]
  })
  return new Map(found)
}

function seen(label: string): string {
  return label.replaceAll('#8204;', '').replace(/#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
}

function linksOf(given: Partial<RunReport>): string[] {
  return linesOf(given)
    .filter((line) => /-->|-\.-|==>/.test(line))
    .map((line) => seen(line.trim()))
}

/** Contrast ratio of two colours (WCAG 2.2). */
function contrast(first: string, second: string): number {
  const luminance = (colour: string) =>
    [0.2126, 0.7152, 0.0722].reduce((sum, weight, index) => {
      const value = Number.parseInt(colour.slice(index * 2, index * 2 + 2), 16) / 255
      return sum + weight * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    }, 0)
  const [dark = 0, light = 0] = [luminance(first), luminance(second)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

describe('the picture of the chain', () => {
  it('has the anchor, each certificate with its end, and the server with its own', () => {
    const nodes = nodesOf({ chain: CHAIN, anchor: 'CN=Example Root', handshake: 'accepted', server: SERVER })
    assert.deepEqual(
      [...nodes].map(([id, { label, look }]) => `${id} ${look}: ${label}`),
      [
        'top good: trust anchor<br/>CN=Example Root',
        'c1 good: intermediate 1<br/>CN=Issuing CA<br/>ends 2026-12-31',
        'c0 good: leaf<br/>CN=release<br/>ends 2026-12-31',
        'server good: server<br/>index.example.com<br/>CN=index<br/>issued by CN=Server CA<br/>ends 2027-01-01',
      ],
    )
    assert.deepEqual(linksOf({ chain: CHAIN, anchor: 'CN=Example Root', handshake: 'accepted', server: SERVER }), [
      'top --> c1',
      'c1 --> c0',
      'c0 ==>|"accepted"| server',
    ])
  })

  it('names the issuer that is not at hand', () => {
    assert.deepEqual(nodesOf({ chain: CHAIN }).get('top'), {
      label: 'issuer, not at hand<br/>CN=Example Root',
      look: 'unknown',
    })
    // The bundle holds the intermediate and nothing above it.
    assert.equal(nodesOf({ chain: CHAIN, anchor: 'CN=Issuing CA' }).get('top')?.look, 'unknown')
  })

  it('hangs each finding on its certificate, which takes the colour of the worst', () => {
    const given = {
      chain: CHAIN,
      findings: [
        finding(),
        finding({ severity: 'warning', code: 'E_CERT_EXPIRES_SOON', message: 'soon' }),
        finding({ position: 'intermediate 1', severity: 'warning', code: 'E_CERT_EXPIRES_SOON', message: 'soon too' }),
        finding({ position: 'root', subject: 'CN=Old Root', severity: 'warning', message: 'root' }),
        finding({ position: 'extra', severity: 'warning', message: 'beside' }),
        finding({ severity: 'notice', message: 'not drawn' }),
      ],
    } as const
    const nodes = nodesOf(given)
    assert.deepEqual(
      ['top', 'c1', 'c0', 'f0', 'f1'].map((id) => nodes.get(id)?.look),
      ['warning', 'warning', 'error', 'error', 'warning'],
    )
    assert.equal(nodes.get('top')?.label, 'root<br/>CN=Old Root')
    assert.match(nodes.get('f0')?.label ?? '', /^E_CERT_EXPIRED<br\/>the leaf certificate CN=release ended/)
    assert.deepEqual(linksOf(given).slice(2, 7), ['c0 -.- f0', 'c0 -.- f1', 'c1 -.- f2', 'top -.- f3', 'c0 -.- f4'])
    assert.equal(nodes.get('f5'), undefined)
  })

  it('says how the handshake ended, by which alert, and which CAs the server asks for', () => {
    const names = ['CN=A', 'CN=B', 'CN=C', 'CN=D', 'CN=E']
    const given = { chain: CHAIN, handshake: 'refused', alert: 48, serverCaNames: names } as const
    assert.deepEqual(linksOf(given).slice(2), ['c0 ==>|"refused, alert 48"| server', 'server -.- asks'])
    const nodes = nodesOf(given)
    assert.equal(nodes.get('server')?.look, 'error')
    assert.equal(nodes.get('asks')?.label, 'asks for certificates of<br/>CN=A<br/>CN=B<br/>CN=C<br/>and 2 more CAs')
    assert.equal(linksOf({ chain: CHAIN }).at(-1), 'c0 ==>|"not sent"| server')
  })

  it('is none without a client certificate', () => {
    assert.equal(pictureOf(reportWith({ handshake: 'accepted', server: SERVER })), '')
    assert.doesNotMatch(summaryOf(reportWith()), /mermaid/)
  })

  it('gives every class its own fill, stroke and text colour, and changes no theme', () => {
    const lines = linesOf({ chain: CHAIN })
    const classes = lines.filter((line) => line.startsWith('  classDef '))
    assert.ok(classes.length > 0)
    for (const line of classes) assert.match(line, /^ {2}classDef \w+ fill:#\w{6},stroke:#\w{6},color:#\w{6}/)
    assert.doesNotMatch(lines.join('\n'), /%%|theme/)
  })

  it('keeps text and ground of every class apart, as WCAG 2 asks of small text', () => {
    const styles = linesOf({ chain: CHAIN }).flatMap((line) => {
      const [, fill, color] = /classDef \w+ fill:#(\w{6}),.*,color:#(\w{6})/.exec(line) ?? []
      return fill === undefined || color === undefined ? [] : [[fill, color] as const]
    })
    assert.equal(styles.length, 5)
    for (const [fill, color] of styles) assert.ok(contrast(fill, color) >= 4.5, `${color} on ${fill}`)
  })

  it('stays under the limit of Mermaid, 50,000 characters, when everything is long', () => {
    const wide = '\uffee'.repeat(3000)
    const long = pictureOf({
      ...foreignReport(wide),
      chain: Array.from({ length: 1000 }, (_, index) =>
        certificate({ position: `intermediate ${index}`, subject: wide }),
      ),
      findings: Array(500).fill(finding({ message: wide })),
      serverCaNames: Array(500).fill(wide),
    })
    assert.ok(long.length < 50_000, `${long.length} characters`)
    assert.match(long, /\["and 995 more certificates"\]/)
    assert.match(long, /\["and 495 more findings"\]/)
  })
})

describe('foreign text in the picture', () => {
  it('changes nothing of what acts: nodes, links and classes are those of harmless text', () => {
    const structure = (text: string) => pictureOf(foreignReport(text)).replace(/"[^"\n]*"/g, '""')
    assert.equal(structure(HOSTILE), structure('harmless text'))
    assert.match(structure(HOSTILE), /^ {2}c0\[""\]:::error$/m)
  })

  it('has no character of a label that is not plain, but for line ends of ours', () => {
    const labels = [...pictureOf(foreignReport(HOSTILE)).matchAll(/\["(.*)"\]/g)].map(([, label = '']) => label)
    assert.equal(labels.length, 9)
    for (const label of labels) assert.match(label.replaceAll('<br/>', ''), /^(?:[A-Za-z0-9 ]|#\d+;)+$/)
  })
})

describe('the picture in the summary', () => {
  const report = reportWith({ chain: CHAIN, findings: [finding()] })

  it('stands in a fence of its own, before the table of certificates', () => {
    const summary = summaryOf(report)
    assert.ok(
      summary.includes(
        `\n### Chain and server\n\n\`\`\`mermaid\n${pictureOf(report)}\`\`\`\n\n### Client certificate\n`,
      ),
    )
  })

  it('goes before any row of a table, where bytes run out', () => {
    const whole = summaryOf(report)
    const tight = summaryOf(report, Buffer.byteLength(whole) - 1)
    assert.doesNotMatch(tight, /mermaid/)
    assert.match(tight, /### Client certificate/)
    assert.doesNotMatch(tight, /left out here/)
    assert.equal(summaryOf(report, Buffer.byteLength(whole)), whole)
  })
})
