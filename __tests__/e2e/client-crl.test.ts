/** `client-crl`: what half the lists, old ones, revoked certificates and forged lists end in. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateKeys, issueRevocationList, type RevocationListOptions } from '../../demo/certificate-authority.ts'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import { subjectOf } from '../../src/text.ts'
import { block } from '../unit/encoding/sample-structures.ts'
import { readReport, shown } from './support/assertions.ts'
import { type Scene, setScene } from './support/scene.ts'
import { assertUnsent } from './support/unsent.ts'

describe('revocation lists that cover half the chain or are out of date', () => {
  const WEEK = 7 * 86_400_000
  const stale = { thisUpdate: new Date(Date.now() - 3 * WEEK), nextUpdate: new Date(Date.now() - 2 * WEEK) }
  const listsOf = (scene: Scene, options: RevocationListOptions = {}) => {
    const list = (ca: Scene['root'], more: RevocationListOptions = {}) =>
      block('X509 CRL', issueRevocationList(ca, more))
    return { ofIssuing: list(scene.intermediate, options), ofRoot: list(scene.root) }
  }
  const warnings = (run: ActionRun) => readReport(run).warnings.filter((warning) => /\blists?\b/.test(warning))

  it('publish with a warning that names the CA, and since when', async (test) => {
    const scene = await setScene(test)
    const { ofIssuing, ofRoot } = listsOf(scene)
    const old = listsOf(scene, stale).ofIssuing
    const since = stale.nextUpdate.toISOString().slice(0, 10)
    const { intermediate, root } = scene
    for (const [lists, words] of [
      [ofIssuing, [new RegExp(`holds no list of ${subjectOf(root.certificate)}`)]],
      [ofRoot, [new RegExp(`holds no list of ${subjectOf(intermediate.certificate)}`)]],
      [ofRoot + old, [new RegExp(`${subjectOf(intermediate.certificate)} .+ is out of date since ${since}`)]],
      [ofRoot + ofIssuing, []],
    ] as const) {
      const run = await scene.run({ 'client-crl': lists, 'dry-run': 'true' })
      assert.equal(run.main.exitCode, 0, shown(run))
      assert.equal(run.outputs.handshake, 'accepted')
      assert.equal(warnings(run).length, words.length, warnings(run).join('\n'))
      for (const word of words) assert.match(warnings(run).join(), word)
      assert.doesNotMatch(warnings(run).join(), /was revoked on/)
    }
  })

  it('refuse what is revoked and what is forged, whatever chain-check says, before any connection', async (test) => {
    const scene = await setScene(test)
    const revoked = listsOf(scene, { revoked: [{ certificate: scene.client, reason: 1 }] })
    const past = listsOf(scene, { ...stale, revoked: [{ certificate: scene.client }] })
    const forged = listsOf(scene, { keys: generateKeys('ec') })
    for (const [lists, code] of [
      [revoked.ofRoot + revoked.ofIssuing, 'E_CERT_REVOKED'],
      [revoked.ofIssuing, 'E_CERT_REVOKED'],
      [past.ofIssuing, 'E_CERT_REVOKED'],
      [forged.ofRoot + forged.ofIssuing, 'E_CRL_FORGED'],
    ] as const) {
      const run = await scene.run({ 'client-crl': lists, 'chain-check': 'warn' })
      assertUnsent(run, scene, { codes: [code] })
    }
  })
})
