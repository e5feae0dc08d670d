import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import type { RunReport } from '../../../src/report/run-report.ts'
import { ticketOf } from '../../../src/report/ticket.ts'
import { certificate, fileWith, finding, foreignReport, HOSTILE, problem, rejected, reportWith } from './reports.ts'

const REFUSED: Partial<RunReport> = {
  handshake: 'refused',
  alert: 48,
  problems: [problem('E_TLS_CLIENT_UNKNOWN_CA', 'index.example.com:443 does not trust the issuer')],
  server: {
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    remoteAddress: '192.0.2.1',
    asked: true,
    server: {
      subject: 'CN=index',
      issuer: 'CN=Server CA',
      fingerprint256: 'DD:EE',
      validTo: '2027-01-01T00:00:00.000Z',
    },
  },
  serverCaNames: ['CN=Other CA, O=Example', 'CN=Third CA'],
  chain: [
    certificate({ names: 'DNS:ci.example.com, URI:spiffe://example.com/ci' }),
    certificate({ position: 'intermediate 1', subject: 'CN=Issuing CA', purposes: undefined }),
  ],
  anchor: 'CN=Example Root',
  findings: [finding({ code: 'E_CERT_EXPIRES_SOON', severity: 'warning', message: 'the leaf ends in 9 days' })],
  utcOffsetMinutes: 90,
}

/** What stands behind a label: the first, or all. */
function firstOf(lines: readonly string[], label: string): string | undefined {
  return allOf(lines, label)[0]
}

function allOf(lines: readonly string[], label: string): string[] {
  return lines.flatMap((line) => {
    const [, found, value = ''] = /^ *([^:]+): +(.*)$/.exec(line) ?? []
    return found === label ? [value] : []
  })
}

function commandsOf(report: RunReport): string[] {
  return ticketOf(report)
    .filter((line) => /^ {2}(?:openssl|curl) /.test(line))
    .map((line) => line.trim())
}

describe('the block for a ticket', () => {
  const lines = ticketOf(reportWith(REFUSED))

  it('says when and where: UTC and the clock of the runner, host, port, SNI, address, TLS version, alert, proxy', () => {
    const expected = {
      'Time (UTC)': '2026-11-25T06:00:09.000Z',
      "Runner's clock": '2026-11-25T07:30:09+01:30',
      Host: 'index.example.com',
      Port: '443',
      SNI: 'index.example.com',
      'IP address': '192.0.2.1',
      TLS: 'TLSv1.3, TLS_AES_128_GCM_SHA256',
      Handshake: 'refused',
      'TLS alert': '48',
      Proxy: '(none)',
      Fault: 'E_TLS_CLIENT_UNKNOWN_CA: index.example.com:443 does not trust the issuer.',
      Warning: 'E_CERT_EXPIRES_SOON: the leaf ends in 9 days.',
    }
    const found = Object.keys(expected).map((label) => [label, firstOf(lines, label)])
    assert.deepEqual(Object.fromEntries(found), expected)
  })

  it('has a clock that is behind UTC as well', () => {
    const report = reportWith({ ...REFUSED, utcOffsetMinutes: -210 })
    assert.equal(firstOf(ticketOf(report), "Runner's clock"), '2026-11-25T02:30:09-03:30')
  })

  it('has each certificate as sent: subject, issuer, serial, fingerprint, dates, names, extended key usage', () => {
    const sent = lines.slice(lines.indexOf('Certificates as sent:'))
    assert.deepEqual(allOf(sent, 'Subject'), ['CN=release', 'CN=Issuing CA'])
    assert.deepEqual(allOf(sent, 'Issuer'), ['CN=Example CA', 'CN=Example CA'])
    assert.deepEqual(allOf(sent, 'Serial'), ['01AF', '01AF'])
    assert.deepEqual(allOf(sent, 'SHA-256'), ['AA:BB:CC', 'AA:BB:CC'])
    assert.equal(firstOf(sent, 'Valid'), '2026-01-01T00:00:00.000Z to 2026-12-31T23:59:59.000Z')
    assert.deepEqual(allOf(sent, 'Names'), ['DNS:ci.example.com, URI:spiffe://example.com/ci', '(none)'])
    assert.deepEqual(allOf(sent, 'Ext. key usage'), ['clientAuth', '(none: not limited)'])
    assert.equal(firstOf(sent, 'Chains to'), 'CN=Example Root')
  })

  it("has the server's certificate and the CA names that it asks for", () => {
    const server = lines.slice(lines.indexOf('Certificate of the server:'), lines.indexOf('Certificates as sent:'))
    assert.equal(firstOf(server, 'Subject'), 'CN=index')
    assert.equal(firstOf(server, 'SHA-256'), 'DD:EE')
    assert.equal(firstOf(server, 'Asks for'), 'certificates of CN=Other CA, O=Example | CN=Third CA')
    const none = ticketOf(reportWith({ ...REFUSED, serverCaNames: [] }))
    assert.equal(firstOf(none, 'Asks for'), 'certificates of any CA: it names none')
  })

  it('has what a handshake had shown before it failed', () => {
    const seen = { remoteAddress: '192.0.2.7', protocol: 'TLSv1.2' }
    const failed = ticketOf(reportWith({ ...REFUSED, server: undefined, serverSeen: seen }))
    assert.equal(firstOf(failed, 'IP address'), '192.0.2.7')
    assert.equal(firstOf(failed, 'TLS'), 'TLSv1.2')
    assert.ok(failed.includes('  (not seen)'))
  })

  it('has the numbers under which the front finds the requests that it refused, each once', () => {
    const of = (tag: string, requestNumber?: string) => ({ ...rejected(tag), ...(requestNumber && { requestNumber }) })
    const published = { ...fileWith('cp0', 'published'), requestNumber: 'x-request-id 0' }
    const files = [
      published,
      of('cp1', 'support ID 123, x-request-id 1'),
      of('cp2', 'cf-ray 8a1b-FRA'),
      of('cp3', 'cf-ray 8a1b-FRA'),
      of('cp4'),
    ]
    const some = ticketOf(reportWith({ ...REFUSED, files }))
    assert.deepEqual(allOf(some, 'Request number'), ['support ID 123, x-request-id 1', 'cf-ray 8a1b-FRA'])
    assert.deepEqual(allOf(lines, 'Request number'), [])
    const many = Array.from({ length: 40 }, (_, index) => of(`cp${index}`, `x-request-id ${index}`))
    assert.equal(allOf(ticketOf(reportWith({ files: many })), 'Request number').length, 5)
    const hostile = ticketOf(reportWith({ files: [of('cp1', `a\n::error::b ${'x'.repeat(5000)}`)] }))
    const [only = ''] = allOf(hostile, 'Request number')
    assert.ok(only.length <= 300 && !hostile.some((one) => one.startsWith('::')), only)
  })

  it('names a fault once, however many files it ended, and says how many sentences are left out', () => {
    const files = Array.from({ length: 30 }, (_, index) => rejected(`cp${index}`))
    assert.equal(allOf(ticketOf(reportWith({ files })), 'Fault').length, 1)
    const problems = Array.from({ length: 12 }, (_, index) => problem('E_DIST_LAYOUT', `fault ${index}`))
    const many = ticketOf(reportWith({ problems }))
    assert.equal(allOf(many, 'Fault').length, 8)
    assert.equal(firstOf(many, 'And'), '4 more sentences in the summary')
  })

  it('stands in failed and cancelled runs and in every dry run, and not after a success', () => {
    const files = [fileWith('sdist', 'published')]
    assert.deepEqual(ticketOf(reportWith({ ...REFUSED, status: 'succeeded', files })), [])
    assert.notDeepEqual(ticketOf(reportWith({ ...REFUSED, status: 'succeeded', dryRun: true })), [])
    assert.notDeepEqual(ticketOf(reportWith({ ...REFUSED, status: 'cancelled' })), [])
  })

  it('is left out where neither the server nor a certificate is known', () => {
    assert.deepEqual(ticketOf(reportWith({ repositoryUrl: undefined })), [])
  })

  it('stays small when everything is as long as it can be', () => {
    const wide = '\uffee'.repeat(3000)
    const report = {
      ...foreignReport(wide),
      chain: Array(1000).fill(certificate({ subject: wide, names: wide, purposes: Array(500).fill(wide) })),
      serverCaNames: Array(5000).fill(wide),
      findings: Array(500).fill(finding({ message: wide })),
      problems: Array(500).fill(problem('E_CERT_EXPIRED', wide)),
    }
    const text = ticketOf(report).join('\n')
    assert.ok(text.length < 40_000, `${text.length} characters`)
    assert.match(text, /\n {2}and 990 more certificates\n/)
  })
})

describe('the commands of the block', () => {
  it('begin with one that needs no key, then verify the chain, then repeat the handshake', () => {
    assert.deepEqual(commandsOf(reportWith({ ...REFUSED, ownCaBundle: true })), [
      "openssl s_client -connect 'index.example.com:443' -servername 'index.example.com' -CAfile 'server-ca.pem' -showcerts </dev/null",
      "openssl verify -purpose sslclient -show_chain -CAfile 'client-ca.pem' -untrusted 'client.pem' 'client.pem'",
      "curl --verbose --http1.1 --output /dev/null --cert 'client.pem' --key 'client-key.pem' --cacert 'server-ca.pem' 'https://index.example.com/legacy/'",
    ])
  })

  it('name no CA file with `ca-bundle: system`, and no certificate where there is none', () => {
    assert.deepEqual(commandsOf(reportWith()), [
      "openssl s_client -connect 'index.example.com:443' -servername 'index.example.com' -showcerts </dev/null",
      "curl --verbose --http1.1 --output /dev/null 'https://index.example.com/legacy/'",
    ])
  })

  it('send no server name to an address, which has none', () => {
    const [first = ''] = commandsOf(reportWith({ repositoryUrl: new URL('https://[2001:db8::1]:8443/legacy/') }))
    assert.match(first, /-connect '\[2001:db8::1\]:8443' -noservername /)
  })

  it('go through the proxy, where OpenSSL can', () => {
    const [plain = '', curl = ''] = commandsOf(reportWith({ proxy: 'http://proxy.example.com:3128/' }))
    assert.match(plain, / -proxy 'proxy\.example\.com:3128' /)
    assert.match(curl, / --proxy 'http:\/\/proxy\.example\.com:3128\/' /)
    assert.doesNotMatch(commandsOf(reportWith({ proxy: 'https://proxy.example.com/' }))[0] ?? '', /-proxy/)
  })

  it('show no user, password or query of the URL, and of the key only a path', () => {
    const repositoryUrl = new URL('https://me:pass@index.example.com/legacy/?token=1')
    assert.doesNotMatch(ticketOf(reportWith({ ...REFUSED, repositoryUrl })).join('\n'), /pass|token|me:/)
  })

  it('do nothing else in the shell, whatever the URL of the index holds', () => {
    const repositoryUrl = new URL("https://index.example.com/a';touch$IFS/x;'`id`$(id)/")
    const commands = commandsOf(reportWith({ ...REFUSED, repositoryUrl }))
    for (const command of commands) {
      const words = spawnSync('sh', ['-c', `show() { printf '%s\\n' "$@"; }; show ${command}`], { encoding: 'utf8' })
      assert.equal(words.stderr, '')
      const target = words.stdout.split('\n').filter((word) => word.startsWith('https:'))
      if (command.startsWith('curl')) assert.deepEqual(target, [repositoryUrl.href])
    }
  })
})

describe('foreign text in the block', () => {
  it('stays in its line: the lines and their labels are those of harmless text', () => {
    const labels = (text: string) =>
      ticketOf(foreignReport(text)).map((line) => line.replace(/: .*|^ {2}(?:#|curl).*/, ''))
    assert.deepEqual(labels(HOSTILE), labels('harmless text'))
  })
})
