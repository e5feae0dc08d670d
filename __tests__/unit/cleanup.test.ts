import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { cleanUp } from '../../src/cleanup.ts'
import { currentOwner, findTmpfs, MATERIAL_STATE, Material, MaterialKeeper } from '../../src/material.ts'
import { recordRunner } from '../support/recorded-runner.ts'

const temp = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'cleanup-test-')))
after(() => rmSync(temp, { recursive: true, force: true }))

/** The main step's places: the tmpfs where there is one, and the temporary directory. */
const places = [findTmpfs(process.getuid?.()), temp].filter((one) => one !== undefined)

describe('the post step', () => {
  it('removes what the main step left, wherever that lies', () => {
    for (const place of places) {
      const material = Material.create(place, currentOwner())
      material.write('client-key.pem', 'secret')
      const runner = recordRunner(temp)
      runner.saveState(MATERIAL_STATE, material.directory)
      cleanUp(runner)
      assert.equal(existsSync(material.directory), false)
      assert.deepEqual(runner.annotations, [])
      assert.equal(runner.lines.length, 1)
    }
  })

  it('removes what the main step exported', () => {
    const runner = recordRunner(temp)
    const { clientKey } = new MaterialKeeper(runner).export({ chainPem: 'chain', caPem: '' }, 'key')
    cleanUp(runner)
    assert.equal(existsSync(path.dirname(clientKey)), false)
  })

  it('has nothing to do and nothing to say where the main step wrote nothing', () => {
    const runner = recordRunner(temp)
    cleanUp(runner)
    assert.deepEqual([runner.lines, runner.annotations], [[], []])
  })

  it('never touches what this action did not make, and warns that something may be left', () => {
    const precious = path.join(temp, 'precious')
    mkdirSync(precious)
    const runner = recordRunner(temp)
    runner.saveState(MATERIAL_STATE, precious)
    cleanUp(runner)
    assert.deepEqual(readdirSync(temp), ['precious'])
    assert.deepEqual(
      runner.annotations.map(({ kind, title }) => `${kind}: ${title}`),
      ['warning: Certificate material was not removed'],
    )
    assert.match(runner.annotations[0]?.message ?? '', /precious may still hold a private key \(it is not a directory/)
  })
})
