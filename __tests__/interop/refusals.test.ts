import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  issueServer,
} from '../../demo/certificate-authority.ts'
import { writeSamples } from '../../demo/sample-distributions.ts'
import { checkChain } from '../../src/certificates/chain-check.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { type UploadEnd, uploadDistribution } from '../../src/package-index/upload.ts'
import type { OwnChain } from '../../src/transport/own-chain.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { ended, notBegun } from '../support/chains.ts'
import { openDistribution } from '../support/open-distribution.ts'
import { transportTo } from '../support/transport.ts'
import { uploadTarget } from '../support/upload-target.ts'
import { shown } from './support/assertions.ts'
import { publish } from './support/publish.ts'
import { revocationList } from './support/revocation-list.ts'
import { type FrontName, type Fronts, startFronts } from './support/tls-fronts.ts'

const root = createRoot({ name: 'Corporate Root' })
const issuing = issueIntermediate(root, { name: 'Issuing' })
/** Two PKIs, as many companies have them: the server's own certificate comes from another CA than its clients'. */
const serverRoot = createRoot({ name: 'Server Root' })
const server = issueServer(serverRoot, { name: 'index' })
const otherRoot = createRoot({ name: 'Other Root' })

const good = [issueClient(issuing, { name: 'publisher' }), issuing]
const revoked = [issueClient(issuing, { name: 'revoked' }), issuing]

const FAULTS = {
  'no certificate': [],
  'wrong CA': [issueClient(otherRoot, { name: 'stranger' })],
  expired: [issueClient(issuing, { name: 'expired', ...ended() }), issuing],
  'not yet valid': [issueClient(issuing, { name: 'early', ...notBegun() }), issuing],
  'no clientAuth': [issueClient(issuing, { name: 'server', purposes: ['serverAuth'] }), issuing],
  revoked,
  'missing intermediate': good.slice(0, 1),
} satisfies Record<string, readonly Issued[]>
type Fault = keyof typeof FAULTS
const FAULT_NAMES = Object.keys(FAULTS).filter((name): name is Fault => name in FAULTS)

/** Servers that send the alert which OpenSSL has for each fault. */
const BY_ALERT: Record<Fault, ErrorCode> = {
  'no certificate': 'E_TLS_CLIENT_REQUIRED',
  'wrong CA': 'E_TLS_CLIENT_UNKNOWN_CA',
  expired: 'E_TLS_CLIENT_EXPIRED',
  // OpenSSL has no alert of its own for it.
  'not yet valid': 'E_TLS_CLIENT_REFUSED',
  'no clientAuth': 'E_TLS_CLIENT_PURPOSE',
  revoked: 'E_TLS_CLIENT_REVOKED',
  'missing intermediate': 'E_TLS_CLIENT_UNKNOWN_CA',
}

/** Servers that say that they refuse the certificate, or say nothing, but never why. */
function byRefusal(required: ErrorCode, refused: ErrorCode): Record<Fault, ErrorCode> {
  const codes = { ...BY_ALERT }
  for (const fault of FAULT_NAMES) codes[fault] = fault === 'no certificate' ? required : refused
  return codes
}

const EXPECTED: Record<Exclude<FrontName, 'Apache by path' | 's_server with old lists'>, Record<Fault, ErrorCode>> = {
  nginx: byRefusal('E_HTTP_CLIENT_CERT_REQUIRED', 'E_HTTP_CLIENT_CERT_REFUSED'),
  Apache: BY_ALERT,
  HAProxy: BY_ALERT,
  stunnel: BY_ALERT,
  s_server: BY_ALERT,
  'Node.js': byRefusal('E_TLS_CLIENT_REQUIRED', 'E_TLS_CLIENT_REFUSED'),
}
const FRONTS = ['nginx', 'Apache', 'HAProxy', 'stunnel', 's_server', 'Node.js'] as const

/** What the sentence says of the cause, where the server is silent about it: from the chain check, or the CAs that it names. */
const LIKELY: Record<Fault, RegExp> = {
  'no certificate': /certificate/,
  'wrong CA': /it names the CAs whose certificates it accepts \(CN=Corporate Root\).* ends below CN=Other Root/,
  expired: /the likely reason: the leaf certificate CN=expired .* ended on/,
  'not yet valid': /the likely reason: the leaf certificate CN=early .* valid only from/,
  'no clientAuth': /the likely reason: .*CN=server/,
  // Only the server can know; its CA is the right one.
  revoked: /although it names CN=Corporate Root among the CAs that it accepts/,
  'missing intermediate': /it names the CAs .*\(CN=Corporate Root\).* ends below CN=Issuing/,
}

const SIZES = [1_000, 20_000_000] as const
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
type Version = (typeof VERSIONS)[number]

/** As a run has it, but for what would stop a run before any connection. */
async function ownChain(client: readonly Issued[]): Promise<Pick<OwnChain, 'findings'>> {
  const [leaf, ...others] = client
  if (leaf === undefined) return { findings: [] }
  const check = await checkChain({
    leaf: leaf.certificate,
    key: leaf.keys.privateKey,
    others: others.map(({ certificate }) => certificate),
    clientAnchors: undefined,
    serverAnchors: undefined,
    mode: 'enforce',
    expiryWarningDays: 0,
    expiryErrorDays: 0,
    now: new Date(),
  })
  return { findings: check.findings }
}

describe('a refused client certificate', () => {
  let directory: string
  let fronts: Fronts
  const files = SIZES.map((size) => openDistribution({ bytes: Buffer.alloc(size, 7) }))

  before(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'interop-refusals-'))
    fronts = await startFronts({
      directory,
      server,
      authority: root.pem,
      revocations: revocationList(root, []) + revocationList(issuing, revoked.slice(0, 1)),
      oldRevocations: revocationList(root, [], 'old') + revocationList(issuing, [], 'old'),
    })
  })
  after(async () => {
    for (const file of files) file.remove()
    await fronts.stop()
    await rm(directory, { recursive: true, force: true })
  })

  async function transport(front: FrontName, client: readonly Issued[], version: Version): Promise<Transport> {
    return transportTo(urlOf(front), {
      client,
      trusted: [serverRoot],
      tlsMinVersion: version,
      tlsMaxVersion: version,
      ...(await ownChain(client)),
    })
  }

  const urlOf = (front: FrontName) => `https://localhost:${fronts.ports.get(front)}/upload/`

  /** Straight to the upload, without a probe first: the connection alone has to bring the cause to light. */
  async function upload(
    front: FrontName,
    client: readonly Issued[],
    version: Version,
    size: number,
  ): Promise<UploadEnd> {
    const way = await transport(front, client, version)
    const file = files.find(({ distribution }) => distribution.size === size)
    assert.ok(file)
    try {
      const target = uploadTarget(new URL(urlOf(front)), {
        dispatcher: await way.dispatcher,
        certificateSubject: client.length === 0 ? undefined : 'CN=publisher',
        explain: way.explain,
        likelyReason: way.likelyReason,
      })
      return await uploadDistribution(file.distribution, target, undefined, new AbortController().signal)
    } finally {
      await way.close()
    }
  }

  for (const front of FRONTS) {
    for (const version of VERSIONS) {
      it(`gets one code for each fault from ${front} over ${version}, with small and large files`, async () => {
        const codes: [Fault, ErrorCode | undefined][] = []
        const expected: [Fault, ErrorCode][] = []
        for (const fault of FAULT_NAMES) {
          for (const size of SIZES) {
            const { problem } = await upload(front, FAULTS[fault], version, size)
            codes.push([fault, problem?.code])
            expected.push([fault, EXPECTED[front][fault]])
            assert.doesNotMatch(problem?.message ?? '', /other side closed|EPIPE|ECONNRESET/)
            if (front === 'nginx' || front === 'Node.js') assert.match(problem?.message ?? '', LIKELY[fault])
          }
        }
        assert.deepEqual(codes, expected, fronts.log())
      })
    }
  }

  for (const version of VERSIONS) {
    it(`is told from a good one, which all of them take over ${version}, with every byte of the file`, async () => {
      for (const front of FRONTS.filter((name) => name !== 's_server')) {
        for (const size of SIZES) {
          const { outcome, problem } = await upload(front, good, version, size)
          assert.equal(outcome, 'published', `${front}: ${problem?.message}\n${fronts.log()}`)
        }
      }
      const way = await transport('s_server', good, version)
      const { handshake, problem } = await way.probe(new AbortController().signal)
      await way.close()
      assert.equal(handshake, 'accepted', problem?.message)
    })
  }

  describe('points at the server where the chain is not at fault:', () => {
    it('a CA made anew under the same name', async () => {
      const remade = issueClient(createRoot({ name: 'Corporate Root' }), { name: 'publisher' })
      for (const front of ['Apache', 'HAProxy', 'stunnel', 's_server'] as const) {
        for (const version of VERSIONS) {
          const { problem } = await upload(front, [remade], version, 1_000)
          assert.equal(problem?.code, 'E_TLS_CLIENT_UNKNOWN_CA')
          assert.match(problem?.message ?? '', /although it names CN=Corporate Root among the CAs that it accepts$/)
          assert.match(problem?.hint ?? '', /^So the fault is most likely on the side of the server: .*made anew/)
        }
      }
    })

    it('a revocation list that is out of date there, which OpenSSL calls an expired certificate', async () => {
      for (const version of VERSIONS) {
        const { problem } = await upload('s_server with old lists', good, version, 1_000)
        assert.equal(problem?.code, 'E_TLS_CLIENT_EXPIRED')
        assert.match(problem?.message ?? '', /but each of the 2 certificates that were sent is valid/)
        assert.match(problem?.hint ?? '', /^So the fault is most likely on the side of the server: .*revocation list/)
      }
    })
  })

  describe('by an Apache that asks by path', () => {
    it('over TLS 1.2 is refused with its alert, as if it had asked at once', async () => {
      for (const fault of FAULT_NAMES) {
        for (const size of SIZES) {
          if (fault === 'no certificate') continue
          const { problem } = await upload('Apache by path', FAULTS[fault], 'TLSv1.2', size)
          assert.equal(problem?.code, BY_ALERT[fault], problem?.message)
        }
      }
    })

    it('over TLS 1.2 is told from a good one, which it takes with small and large files', async () => {
      for (const size of SIZES) {
        const { outcome, problem } = await upload('Apache by path', good, 'TLSv1.2', size)
        assert.equal(outcome, 'published', problem?.message)
      }
    })

    it('over TLS 1.3 is never asked for: the sentence says what to write', async () => {
      const { problem } = await upload('Apache by path', good, 'TLSv1.3', 1_000)
      assert.equal(problem?.code, 'E_TLS_CLIENT_NOT_ASKED')
      assert.match(problem?.hint ?? '', /tls-max-version: 1\.2/)
    })
  })

  describe('by a server that alone can know why, ends a run', () => {
    const person = issueClient(createRoot({ name: 'People Root' }), { name: 'person' })
    let wheels: string[]

    before(async () => {
      const samples = path.join(directory, 'samples')
      await mkdir(samples)
      wheels = (await writeSamples(samples, { project: 'demo-pkg', version: '1.2.0' })).map((file) => file.path)
    })

    async function run(front: FrontName, [leaf, ...others]: readonly Issued[], inputs: Record<string, string> = {}) {
      assert.ok(leaf)
      const run = await publish(await mkdtemp(path.join(directory, 'run-')), wheels, {
        'repository-url': urlOf(front),
        // These fronts have uploads behind them, and no index.
        'check-url': 'off',
        'client-cert': [leaf, ...others].map(({ pem }) => pem).join(''),
        'client-key': leaf.keyPem,
        'ca-bundle': serverRoot.pem,
        ...inputs,
      })
      const errors = run.annotations.filter(({ kind }) => kind === 'error').map(({ message }) => message)
      return { run, error: errors.join('\n') }
    }

    it('that has it on its list, which the run was not given', async () => {
      const { run: refused, error } = await run('HAProxy', revoked)
      assert.equal(refused.outputs.handshake, 'refused', shown(refused))
      assert.match(error, /E_TLS_CLIENT_REVOKED/)
      assert.match(error, new RegExp(`serial ${revoked[0]?.certificate.serialNumber}, issued by CN=Issuing`))
    })

    it('that wants another CA: the sentence has both names', async () => {
      for (const [front, code, handshake] of [
        ['Apache', 'E_TLS_CLIENT_UNKNOWN_CA', 'refused'],
        // It passes every handshake.
        ['nginx', 'E_HTTP_CLIENT_CERT_REFUSED', 'accepted'],
      ] as const) {
        const { run: refused, error } = await run(front, [person])
        assert.equal(refused.outputs.handshake, handshake, shown(refused))
        assert.match(error, new RegExp(code))
        assert.match(error, /accepts \(CN=Corporate Root\).* ends below CN=People Root/)
      }
    })

    it('and not one whose certificate only comes from another PKI than the server trusts itself by', async () => {
      const { run: taken } = await run('HAProxy', good)
      assert.equal(taken.main.exitCode, 0, shown(taken))
      assert.match(taken.main.stdout, /accepted it, although .*ca-bundle/)
    })

    it('and a dry run warns of it, also before a server that passes every handshake', async () => {
      const { run: dry } = await run('nginx', [person], { 'dry-run': 'true' })
      const warnings = dry.annotations.filter(({ kind }) => kind === 'warning').map(({ message }) => message)
      assert.match(
        warnings.join('\n'),
        /\(CN=Corporate Root\), and none of them issued a certificate of this chain/,
        shown(dry),
      )
    })
  })
})
