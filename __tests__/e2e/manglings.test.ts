import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { FILE_MANGLINGS, MANGLINGS } from '../unit/encoding/manglings.ts'
import { shown } from './support/assertions.ts'
import { setScene } from './support/scene.ts'

/** A handshake that the index accepted with this client certificate proves that certificate, chain and key were read. */
const HANDSHAKE = { 'dry-run': 'true', 'client-ca-bundle': undefined } as const

/** No environment variable can hold a NUL, so no input can. */
const POSSIBLE = MANGLINGS.filter(({ mangle }) => !mangle('-----BEGIN').includes('\0'))

describe('certificate, chain and key in one input are read through', () => {
  for (const { name, mangle } of POSSIBLE) {
    it(name, async (test) => {
      const scene = await setScene(test, { samples: { wheels: 1, sdist: false } })
      const { client, intermediate } = scene
      const combined = mangle(client.pem + intermediate.pem + client.keyPem)
      const run = await scene.run({ ...HANDSHAKE, 'client-cert': combined, 'client-key': undefined })
      assert.equal(run.main.exitCode, 0, shown(run))
      assert.equal(run.outputs.handshake, 'accepted')
    })
  }
})

describe('a file with all three is read when it is', () => {
  for (const { name, write } of FILE_MANGLINGS) {
    it(name, async (test) => {
      const scene = await setScene(test, { samples: { wheels: 1, sdist: false } })
      const { client, intermediate, workspace } = scene
      await writeFile(path.join(workspace, 'client.pem'), write(client.keyPem + client.pem + intermediate.pem))
      const run = await scene.run({ ...HANDSHAKE, 'client-cert': 'client.pem', 'client-key': undefined })
      assert.equal(run.main.exitCode, 0, shown(run))
      assert.equal(run.outputs.handshake, 'accepted')
    })
  }
})
