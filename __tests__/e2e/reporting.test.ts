import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ActionRun, StepRun } from '../../demo/runner/run-action.ts'
import { assertNoSecrets, assertPublished, fileOutputs, shown } from './support/assertions.ts'
import { startEchoingIndex } from './support/echoing-index.ts'
import { setScene } from './support/scene.ts'
import { secretsOf } from './support/secrets.ts'

const PASSWORD = 'pass word/ä+1234'

describe('what a server says', () => {
  it('can act as no command and no markup, and gives no password back', async (test) => {
    const scene = await setScene(test)
    const forged = ['::set-output name=published::99', '::add-mask::e', '##[error]forged', '::stop-commands::x']
    const markup = '| <script>x</script> [a](http://example.com) @octocat ```'
    const inputs = await startEchoingIndex(test, scene, (authorization) => {
      const [, encoded = ''] = authorization.split(' ')
      const plain = Buffer.from(encoded, 'base64').toString()
      const echo = [authorization, encoded, plain, PASSWORD, encodeURIComponent(PASSWORD), JSON.stringify(PASSWORD)]
      return { reason: `No ##[warning]forged ${encoded}`, body: ['no', ...forged, markup, ...echo].join('\r\n') }
    })
    const run = await scene.run({ ...inputs, user: 'release', password: PASSWORD })
    assert.equal(run.main.exitCode, 1)
    // That nothing of the password stands anywhere, and no forged command acted, is asserted for every run.
    assert.match(shown(run), /set-output name=published/)
    assert.equal(run.outputs.published, '0')
    assert.deepEqual(
      run.annotations.filter(({ message }) => message === 'forged'),
      [],
    )
    const besideDiagram = run.summary.replace(/^```mermaid\n[\s\S]*?^```$/m, '')
    assert.doesNotMatch(besideDiagram, /<script>|\]\(http:|@octocat|```/)
  })
})

describe('a release with more files than annotations', () => {
  it('has each in the output and the summary, and all of them in ten notices', async (test) => {
    const scene = await setScene(test, { samples: { wheels: 13 } })
    const run = await scene.run()
    assertPublished(run, scene)
    const names = scene.samples.map(({ name }) => name).sort()
    assert.deepEqual([...fileOutputs(run).keys()].sort(), names)
    const notices = run.annotations.filter(({ kind }) => kind === 'notice')
    assert.equal(notices.length, 10)
    assert.equal(run.commands.filter(({ name }) => name === 'notice').length, 10)
    assert.match(notices.at(-1)?.message ?? '', /\b14\b.*\bsdist\b/)
    for (const { sha256 } of scene.samples) assert.ok(run.summary.includes(sha256))
  })
})

describe('the check that every run of these tests goes through', () => {
  it('finds a secret in any form, wherever it stands', async (test) => {
    const scene = await setScene(test)
    const { client, inputs } = scene
    const encoded = Buffer.from(inputs['client-key'] ?? '').toString('base64')
    const run = await scene.run({ 'client-key': encoded, 'dry-run': 'true', 'client-key-passphrase': undefined })
    const given = { ...inputs, 'client-key': encoded, password: PASSWORD, user: 'release' }
    const secrets = secretsOf(given, [], [client.keys.privateKey])
    const { d = '' } = client.keys.privateKey.export({ format: 'jwk' })
    const number = Buffer.from(d, 'base64url')
    const lines = client.keyPem.split('\n')
    const leaks = [
      encoded,
      lines[1] ?? '',
      lines.slice(1, -2).join(''),
      client.keys.privateKey.export({ type: 'sec1', format: 'der' }).toString('base64'),
      number.toString('hex'),
      PASSWORD,
      Buffer.from(`release:${PASSWORD}`).toString('base64'),
    ]
    assert.doesNotThrow(() => assertNoSecrets(run, secrets))
    for (const leak of leaks) {
      for (const leaky of leakyRuns(run, leak)) assert.throws(() => assertNoSecrets(leaky, secrets), /stands in/, leak)
    }
  })
})

/** The run with this text in one of the places where it must not be. */
function leakyRuns(run: ActionRun, leak: string): ActionRun[] {
  const add = (step: StepRun): StepRun => ({ ...step, stdout: `${step.stdout}::error::${leak}\n` })
  return [
    { ...run, main: add(run.main) },
    { ...run, post: add(run.post ?? run.main) },
    { ...run, main: { ...run.main, stderr: `so: ${leak}` } },
    { ...run, outputs: { ...run.outputs, files: leak } },
    { ...run, state: { ...run.state, key: leak } },
    { ...run, summary: `${run.summary}${leak}` },
  ]
}
