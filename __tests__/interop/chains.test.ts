/** The chain check's verdict against servers that have the same CAs and revocation lists: nginx, and Node beside it. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { makeCorpus } from '../support/chain-corpus.ts'
import { checkSample } from '../support/check-sample.ts'
import { isServed } from '../support/verifying-server.ts'
import { startVerifyingNginx, type VerifyingNginx } from './support/verifying-nginx.ts'

const corpus = makeCorpus()

/** What no client can show to a server, and why. */
const NOT_SENT: ReadonlyMap<string, string> = new Map([
  ['leaf with a key that TLS cannot use', 'TLS has no signature for secp256k1, so the certificate is never sent'],
])

describe('nginx and a server of Node decide as the chain check does', () => {
  let nginx: VerifyingNginx
  before(async () => {
    nginx = await startVerifyingNginx(corpus)
  })
  after(() => nginx.stop())

  for (const sample of corpus) {
    const { name, differs = {}, leaf } = sample
    const reasons = new Set([differs.nginx, differs.node, NOT_SENT.get(name)].filter((reason) => reason !== undefined))
    it([name, ...reasons].join(', but for this: '), async () => {
      const { chain, findings } = await checkSample(sample)
      const cert = chain.join('')
      const isRefused = findings.some(({ severity }) => severity === 'error')
      const answer = await nginx.ask(sample, { cert, key: leaf.keyPem })
      const shown = `${findings.map(({ message }) => message).join('\n')}\n${nginx.log().slice(-500)}`
      if (NOT_SENT.has(name)) {
        assert.deepEqual([isRefused, answer], [true, 'not sent'], shown)
        return
      }
      assert.match(answer, /^(accepted|refused)$/, shown)
      assert.equal(answer === 'refused', differs.nginx === undefined ? isRefused : !isRefused, shown)
      const isServedByNode = await isServed(sample, cert)
      assert.equal(isServedByNode, differs.node === undefined ? !isRefused : isRefused, shown)
    })
  }
})
