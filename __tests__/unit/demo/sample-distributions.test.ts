import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type SampleOptions, writeSamples } from '../../../demo/sample-distributions.ts'
import { readByTarStream, readByYauzl } from '../../support/independent-readers.ts'

const OPTIONS: SampleOptions = { project: 'Demo.Pkg', version: '1.2.0', wheels: 2 }

describe('sample distributions', () => {
  let directory: string

  before(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'samples-'))
  })

  after(() => rm(directory, { recursive: true, force: true }))

  it('are wheels and an sdist with the names that tools expect, and the digests of their bytes', async () => {
    const samples = await writeSamples(path.join(directory, 'names'), OPTIONS)
    assert.deepEqual(
      samples.map(({ name }) => name),
      [
        'demo_pkg-1.2.0-py3-none-any.whl',
        'demo_pkg-1.2.0-cp39-cp39-manylinux_2_17_x86_64.whl',
        'demo_pkg-1.2.0.tar.gz',
      ],
    )
    for (const { path: file, sha256, size } of samples) {
      const bytes = await readFile(file)
      assert.deepEqual([createHash('sha256').update(bytes).digest('hex'), bytes.length], [sha256, size])
    }
  })

  it('hold metadata that other readers find, and a RECORD that fits', async () => {
    const [wheel, sdist] = await writeSamples(path.join(directory, 'read'), { ...OPTIONS, wheels: 1 })
    assert.ok(wheel && sdist)
    const bytes = await readFile(wheel.path)
    const member = async (name: string) => {
      const [content, ...more] = await readByYauzl(bytes, name)
      assert.ok(content && more.length === 0, name)
      return content
    }
    const metadata = await member('demo_pkg-1.2.0.dist-info/METADATA')
    assert.match(metadata.toString(), /^Name: Demo\.Pkg$/m)
    const record = (await member('demo_pkg-1.2.0.dist-info/RECORD')).toString().trimEnd().split('\n')
    assert.equal(record.length, 4)
    for (const line of record) {
      const [name = '', digest = '', size = ''] = line.split(',')
      if (name.endsWith('/RECORD')) continue
      const content = await member(name)
      const computed = `sha256=${createHash('sha256').update(content).digest('base64url')}`
      assert.deepEqual([digest, size], [computed, String(content.length)])
    }
    assert.deepEqual(await readByTarStream(await readFile(sdist.path), 'demo_pkg-1.2.0/PKG-INFO'), [metadata])
  })

  it('are the same bytes for the same arguments, and others under the same names for another greeting', async () => {
    const digests = async (name: string, options: SampleOptions) =>
      (await writeSamples(path.join(directory, name), options)).map((sample) => `${sample.name} ${sample.sha256}`)
    const first = await digests('first', OPTIONS)
    assert.deepEqual(await digests('again', OPTIONS), first)
    const other = await digests('other', { ...OPTIONS, greeting: 'Hej' })
    assert.deepEqual(
      other.map((line) => line.split(' ')[0]),
      first.map((line) => line.split(' ')[0]),
    )
    assert.ok(other.every((line) => !first.includes(line)))
  })
})
