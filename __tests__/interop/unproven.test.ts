import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { type Sample, writeSamples } from '../../demo/sample-distributions.ts'
import { application } from './support/application.ts'
import { assertRun, assertWarned, shown } from './support/assertions.ts'
import { uploadsOf } from './support/reruns.ts'
import { type Stage, startStage } from './support/stage.ts'

const APPLICATIONS = [
  { what: 'answers 404 to everything', status: 404, body: '<h1>Not Found</h1>', code: 'E_INDEX_UNPROVEN' },
  {
    what: 'shows its own page at every path',
    status: 200,
    body: '<html><body><div id="app"></div></body></html>',
    code: 'E_INDEX_LOOKUP',
  },
]

for (const { what, code, ...page } of APPLICATIONS) {
  describe(`nginx in front of something that ${what} and takes every upload`, () => {
    let stage: Stage
    let directory: string
    let samples: Sample[]

    before(async () => {
      directory = await mkdtemp(path.join(os.tmpdir(), 'interop-samples-'))
      samples = await writeSamples(directory, { project: 'demo-pkg', version: '1.2.0' })
      stage = await startStage({ index: application(page), uploadPath: 'legacy/' })
    })
    after(async () => {
      await stage.stop()
      await rm(directory, { recursive: true, force: true })
    })
    afterEach((context) => {
      if ('passed' in context && !context.passed) console.error(stage.log())
    })

    async function publish(inputs: Readonly<Record<string, string>>) {
      const before = await uploadsOf(stage)
      const run = await stage.publish(
        samples.map((file) => file.path),
        inputs,
      )
      return { run, uploads: (await uploadsOf(stage)) - before }
    }

    const all = (row: Readonly<Record<string, string>>) => Object.fromEntries(samples.map(({ name }) => [name, row]))

    for (const place of ['', 'legacy/', 'upload/packages']) {
      it(`gets nothing at /${place} before anybody says where its simple index is`, async () => {
        const { run, uploads } = await publish({ 'repository-url': `${stage.front.url}${place}` })
        assertRun(run, 1, all({ outcome: 'not-tried' }))
        const error = run.annotations.find(({ message }) => message.includes(code))
        assert.match(error?.message ?? '', /check-url: off/, shown(run))
        assert.equal(uploads, 0)
      })
    }

    it('gets the files when check-url is off, unverified and with a warning', async () => {
      const { run, uploads } = await publish({ 'check-url': 'off' })
      assertRun(run, 0, all({ outcome: 'published', verified: 'no' }))
      assertWarned(run, 'check-url')
      assert.equal(uploads, 2)
    })
  })
}

describe('nginx in front of something that takes every upload and keeps none', () => {
  it('is found out, when check-url says that it is an index: each file is unconfirmed', async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'interop-samples-'))
    const stage = await startStage({ index: application({ status: 404, body: 'Not Found' }), uploadPath: 'upload' })
    try {
      const samples = await writeSamples(directory, { project: 'demo-pkg', version: '1.2.0' })
      const inputs = { 'check-url': `${stage.front.url}index/`, 'verify-timeout-seconds': '1' }
      const paths = samples.map((file) => file.path)
      const row = { outcome: 'unconfirmed', code: 'E_INDEX_UNCONFIRMED', verified: 'no' }
      assertRun(await stage.publish(paths, inputs), 1, Object.fromEntries(samples.map(({ name }) => [name, row])))
      assert.equal(await uploadsOf(stage), 2)
      const unverified = await stage.publish(paths, { ...inputs, 'verify-upload': 'false' })
      const published = { outcome: 'published', code: '', verified: 'no' }
      assertRun(unverified, 0, Object.fromEntries(samples.map(({ name }) => [name, published])))
    } finally {
      await stage.stop()
      await rm(directory, { recursive: true, force: true })
    }
  })
})
