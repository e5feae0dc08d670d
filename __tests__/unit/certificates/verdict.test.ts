import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  type KeyKind,
} from '../../../demo/certificate-authority.ts'
import { askOpenSsl, type VerdictRequest } from '../../../src/certificates/verdict.ts'
import { altered, ended, notBegun } from '../../support/chains.ts'

const root = createRoot({ name: 'Root' })
const issuing = issueIntermediate(root, { name: 'Issuing' })
const leaf = issueClient(issuing, { name: 'publisher' })

function ask(chain: readonly [Issued, ...Issued[]], anchors: readonly Issued[], rest: Partial<VerdictRequest> = {}) {
  return askOpenSsl({
    chain: chain.map(({ certificate }) => certificate),
    key: chain[0].keys.privateKey,
    anchors: anchors.map(({ certificate }) => certificate),
    partial: false,
    ...rest,
  })
}

async function codeOf(...request: Parameters<typeof ask>): Promise<string | undefined> {
  const { accepted, code } = await ask(...request)
  assert.equal(accepted, code === undefined)
  return code
}

describe('the verdict', () => {
  for (const keyKind of ['ec', 'ec-p521', 'rsa', 'rsa-pss', 'ed25519', 'ed448'] as const satisfies KeyKind[]) {
    it(`accepts a sound chain whose leaf has a key of kind ${keyKind}`, async () => {
      assert.equal(await codeOf([issueClient(issuing, { name: 'x', keyKind }), issuing], [root]), undefined)
    })
  }

  for (const [what, options, code] of [
    ['has ended', ended(), 'CERT_HAS_EXPIRED'],
    ['is not valid yet', notBegun(), 'CERT_NOT_YET_VALID'],
    ['is for servers', { purposes: ['serverAuth'] }, 'INVALID_PURPOSE'],
  ] as const) {
    it(`is OpenSSL's code for a leaf that ${what}`, async () => {
      assert.equal(await codeOf([issueClient(issuing, { name: 'x', ...options }), issuing], [root]), code)
    })
  }

  it('refuses a missing link, another CA and an altered certificate', async () => {
    assert.equal(await codeOf([leaf], [root]), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    assert.ok(await codeOf([leaf, issuing], [createRoot({ name: 'Other' })]))
    assert.equal(await codeOf([altered(leaf), issuing], [root]), 'CERT_SIGNATURE_FAILURE')
  })

  it('trusts exactly the anchors: neither the roots of Node nor none at all help', async () => {
    assert.ok(await codeOf([leaf, issuing], []))
  })

  it('takes an intermediate or the leaf as the end of the chain only when told to', async () => {
    for (const anchor of [issuing, leaf]) {
      assert.ok(await codeOf([leaf, issuing], [anchor]))
      assert.equal(await codeOf([leaf, issuing], [anchor], { partial: true }), undefined)
    }
  })

  it('in a partial chain still refuses what is wrong below the anchor', async () => {
    const past = issueClient(issuing, { name: 'x', ...ended() })
    assert.equal(await codeOf([past, issuing], [issuing], { partial: true }), 'CERT_HAS_EXPIRED')
  })
})

describe('a client side that cannot take part', () => {
  it('for a signature that is too weak is refused, not an exception', async () => {
    const root = createRoot({ name: 'RSA Root', keyKind: 'rsa' })
    assert.ok(await codeOf([issueClient(root, { name: 'x', digest: 'md5' })], [root]))
  })

  it('for a key without a signature scheme is told from a refusal', async () => {
    const curve = issueClient(issuing, { name: 'x', keyKind: 'ec-secp256k1' })
    assert.equal(await codeOf([curve, issuing], [root]), 'NOT_SENT')
  })

  it('for a key of another certificate is refused', async () => {
    assert.ok(await codeOf([leaf, issuing], [root], { key: root.keys.privateKey }))
  })
})

describe('the handshake', () => {
  /** What keeps the process alive, but for what ends with this turn. */
  const resources = () =>
    process
      .getActiveResourcesInfo()
      .filter((kind) => kind !== 'Immediate')
      .sort()

  it('rejects with the reason of an abort, before it begins and on the way', async () => {
    const reason = new Error('stopped')
    await assert.rejects(ask([leaf, issuing], [root], { signal: AbortSignal.abort(reason) }), reason)
    const controller = new AbortController()
    const running = ask([leaf, issuing], [root], { signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(running, reason)
  })

  it('leaves no timer or handle behind, accepted, refused or aborted', async () => {
    const before = resources()
    const curve = issueClient(issuing, { name: 'x', keyKind: 'ec-secp256k1' })
    await ask([leaf, issuing], [root])
    await ask([leaf], [root])
    await ask([curve, issuing], [root])
    await ask([leaf, issuing], [root], { key: root.keys.privateKey })
    const controller = new AbortController()
    const running = ask([leaf, issuing], [root], { signal: controller.signal })
    controller.abort(new Error('stopped'))
    await assert.rejects(running)
    await new Promise(setImmediate)
    assert.deepEqual(resources(), before)
  })

  it('can run many times side by side', async () => {
    const verdicts = await Promise.all(
      Array.from({ length: 40 }, (_, index) => ask([leaf, issuing], index % 2 ? [root] : [])),
    )
    assert.deepEqual(
      verdicts.map(({ accepted }) => accepted),
      Array.from({ length: 40 }, (_, index) => index % 2 === 1),
    )
  })
})
