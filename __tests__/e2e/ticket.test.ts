import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRoot, issueClient } from '../../demo/certificate-authority.ts'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import { type RunningServer, refuse, startServer } from '../support/tls-servers.ts'
import { setScene } from './support/scene.ts'
import { startAnsweringIndex } from './support/scripted-index.ts'

/** The block of the summary, as a reader sees it, by label; of several with one label the first. */
function ticketOf({ summary }: ActionRun): ReadonlyMap<string, string> {
  const [, block = ''] = /<pre>\n([\s\S]*?)<\/pre>/.exec(summary) ?? []
  const text = block.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
  const found = [...text.matchAll(/^ *([^:\n]+): +(.*)$/gm)].map(
    ([, label = '', value = '']) => [label, value] as const,
  )
  return new Map(found.reverse())
}

/** Without the CAs that the server accepts: they are only known where this machine has openssl. */
function links({ summary }: ActionRun): string[] {
  const [, picture = ''] = /^```mermaid\n([\s\S]*?)^```$/m.exec(summary) ?? []
  return picture.split('\n').filter((line) => /-->|-\.-|==>/.test(line) && !line.endsWith('server -.- asks'))
}

describe('the summary of a dry run', () => {
  it('that the server accepts has the block for a ticket, open, and the picture', async (test) => {
    const scene = await setScene(test)
    const run = await scene.run({ 'dry-run': 'true' })
    assert.equal(run.main.exitCode, 0)
    const ticket = ticketOf(run)
    assert.match(run.summary, /<details open>/)
    assert.equal(ticket.get('Handshake'), 'accepted')
    assert.equal(ticket.get('Host'), 'localhost')
    assert.match(ticket.get('TLS') ?? '', /^TLSv1\.3, TLS_/)
    assert.match(ticket.get('IP address') ?? '', /^(127\.0\.0\.1|::1)$/)
    assert.equal(ticket.get('Subject'), 'CN=index')
    assert.equal(ticket.get('Chains to'), 'CN=Test Root CA')
    assert.equal(ticket.get('Ext. key usage'), 'clientAuth')
    assert.match(run.summary, new RegExp(scene.client.certificate.serialNumber))
    assert.deepEqual(links(run).length, 3)
  })
})

describe('the summary of a refused run', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`has address, version, alert and the server's certificate in the block, over ${version}`, async (test) => {
      const scene = await setScene(test)
      const { root } = scene
      const server = issueClient(root, { name: 'front', dnsNames: ['localhost'], purposes: ['serverAuth'] })
      const front: RunningServer = await startServer((socket) => refuse(socket, { server, version, alert: 48 }))
      test.after(() => front.stop())
      const run = await scene.run({ 'repository-url': `https://localhost:${front.port}/legacy/` })
      assert.equal(run.main.exitCode, 1)
      const ticket = ticketOf(run)
      assert.equal(ticket.get('Handshake'), 'refused')
      assert.equal(ticket.get('TLS alert'), '48')
      assert.match(ticket.get('TLS') ?? '', new RegExp(`^${version}`))
      assert.equal(ticket.get('IP address'), '127.0.0.1')
      assert.equal(ticket.get('Subject'), 'CN=front')
      assert.match(ticket.get('Fault') ?? '', /^E_TLS_CLIENT_UNKNOWN_CA: localhost:\d+ does not trust the issuer/)
      assert.match(links(run).at(-1) ?? '', /refused.* alert 48/)
    })
  }

  it('has the number under which the front finds the request that it blocked', async (test) => {
    const scene = await setScene(test)
    const page =
      'The requested URL was rejected. Please consult with your administrator.<br>Your support ID is: <b>12345678901234567890</b>'
    const index = await startAnsweringIndex(test, scene, (connection) =>
      connection.answer('200 OK', ['Content-Type: text/html', 'X-Request-Id: r-1'], page),
    )
    const run = await scene.run(index.inputs)
    assert.equal(run.main.exitCode, 1)
    assert.equal(ticketOf(run).get('Request number'), 'support ID 12345678901234567890, x-request-id r-1')
  })

  it('has findings of the chain check where no server was met', async (test) => {
    const scene = await setScene(test)
    const other = issueClient(createRoot({ name: 'Other CA' }), { name: 'x"] --> y["z' })
    const inputs = { 'client-cert': other.pem, 'client-key': other.keyPem, 'client-ca-bundle': scene.root.pem }
    const run = await scene.run(inputs, { secrets: [other.keyPem] })
    assert.equal(run.main.exitCode, 1)
    const ticket = ticketOf(run)
    assert.equal(ticket.get('IP address'), '(not connected)')
    assert.equal(ticket.get('Chains to'), '(no root is at hand)')
    assert.match(ticket.get('Fault') ?? '', /^E_CERT_INCOMPLETE_CHAIN: /)
    assert.deepEqual(
      links(run).map((link) => link.trim().replace(/\|.*\|/, '')),
      ['top --> c0', 'c0 -.- f0', 'c0 ==> server'],
    )
  })
})
