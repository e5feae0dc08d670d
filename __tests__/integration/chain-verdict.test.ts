/** The check in memory against what it stands for: a TLS server on a socket that has the same CA bundle and lists. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isRefused, makeCorpus } from '../support/chain-corpus.ts'
import { checkSample } from '../support/check-sample.ts'
import { isServed } from '../support/verifying-server.ts'

describe('the chain check and a server on a socket agree', () => {
  for (const sample of makeCorpus()) {
    const { name, differs } = sample
    it(differs?.node === undefined ? name : `${name}, but for this: ${differs.node}`, async () => {
      const { chain, findings } = await checkSample(sample)
      const refused = findings.some(({ severity }) => severity === 'error')
      assert.equal(await isServed(sample, chain.join('')), differs?.node === undefined ? !refused : refused)
      if (sample.dependsOnNode !== true) assert.equal(refused, isRefused(sample))
    })
  }
})
