import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChainCheck } from '../../../src/certificates/chain-check.ts'
import { askOpenSsl } from '../../../src/certificates/verdict.ts'
import { isRefused, makeCorpus } from '../../support/chain-corpus.ts'
import { expectedFindings, type SampleChain } from '../../support/chains.ts'
import { checkSample } from '../../support/check-sample.ts'

const corpus = makeCorpus()

/** `error E_CERT_EXPIRED leaf`, sorted, without the notices. */
function problems({ findings }: ChainCheck): string[] {
  const loud = findings.filter(({ severity }) => severity !== 'notice')
  return loud.map(({ severity, code, position }) => `${severity} ${code} ${position}`).sort()
}

/** What Node's own OpenSSL accepts is a warning there. */
async function expected(sample: SampleChain, { chain }: ChainCheck): Promise<readonly string[]> {
  const lines = expectedFindings(sample)
  if (sample.dependsOnNode !== true) return lines
  const anchors = sample.anchors.map(({ certificate }) => certificate)
  const { accepted } = await askOpenSsl({ chain, key: sample.leaf.keys.privateKey, anchors, partial: false })
  return accepted ? lines.map((line) => line.replace('error', 'warning')) : lines
}

describe('the corpus', () => {
  it('has at least 120 chains, each with a name of its own, and both verdicts', () => {
    assert.ok(corpus.length >= 120, `${corpus.length} chains`)
    assert.equal(new Set(corpus.map(({ name }) => name)).size, corpus.length)
    assert.ok(corpus.filter(isRefused).length > 50 && corpus.filter((sample) => !isRefused(sample)).length > 50)
  })

  for (const sample of corpus) {
    it(`${sample.name}: ${expectedFindings(sample).join(', ') || 'nothing to say'}`, async () => {
      const result = await checkSample(sample)
      assert.deepEqual(
        problems(result),
        await expected(sample, result),
        result.findings.map(({ message }) => message).join('\n'),
      )
    })
  }

  it('gives one printable line each, with a next step where it is no notice and a cause of our own', async () => {
    for (const sample of corpus) {
      for (const { severity, message, hint } of (await checkSample(sample)).findings) {
        assert.match(message, /^[a-zA-Z][ -~]+[^.]$/)
        // What OpenSSL says where no finding explains its verdict.
        assert.doesNotMatch(message, /^OpenSSL refuses/)
        if (severity !== 'notice') assert.match(hint ?? '', /^[A-Z].+\.$/)
      }
    }
  })

  it('is refused for revocation under chain-check: warn too', async () => {
    const relaxed = /E_CERT_(EXPIRED|NOT_YET_VALID|PURPOSE)/
    for (const sample of corpus.filter(({ lists }) => lists !== undefined)) {
      const errors = (lines: readonly string[]) =>
        lines.filter((line) => line.startsWith('error') && !relaxed.test(line))
      assert.deepEqual(
        errors(problems(await checkSample(sample, 'warn'))),
        errors(expectedFindings(sample)),
        sample.name,
      )
    }
  })
})
