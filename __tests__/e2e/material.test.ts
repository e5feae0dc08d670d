import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { issueClient } from '../../demo/certificate-authority.ts'
import { Masker } from '../../demo/runner/commands.ts'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import { assertPublished, materialIn, shown } from './support/assertions.ts'
import { assertEnded } from './support/ending.ts'
import { type Job, startJob } from './support/job.ts'
import { type Inputs, type Scene, setScene } from './support/scene.ts'
import { type ScriptedIndex, startAnsweringIndex } from './support/scripted-index.ts'

/** What lives in memory, and who started whom, is asked of Linux alone. */
const onLinux = process.platform === 'linux' ? describe : () => {}

const TMPFS = '/dev/shm'
const PREFIX = 'publish-python-mtls-'

interface HeldIndex extends ScriptedIndex {
  /** Resolves when an upload has come and waits for its answer. */
  readonly waiting: Promise<void>
  /** Answers it, and every later one. */
  release(): void
}

/** An index that keeps the first upload waiting. */
async function startHeldIndex(test: TestContext, scene: Scene): Promise<HeldIndex> {
  const waiting = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const index = await startAnsweringIndex(test, scene, async (connection) => {
    waiting.resolve()
    await released.promise
    connection.answer('200 OK')
  })
  test.after(() => released.resolve())
  return { ...index, waiting: waiting.promise, release: released.resolve }
}

function modeOf(file: string): number {
  return statSync(file).mode & 0o777
}

function materialOf({ pid }: Job): string[] {
  return readdirSync(TMPFS).filter((name) => name.startsWith(`${PREFIX}${pid}-`))
}

onLinux('Linux: certificate material', () => {
  it('is there for its user alone while an upload is under way, and the key is not in it', async (test) => {
    const scene = await setScene(test)
    const index = await startHeldIndex(test, scene)
    const umask = process.umask(0)
    test.after(() => process.umask(umask))
    const running = scene.run(index.inputs)
    await index.waiting
    const [directory = '', ...others] = materialIn(scene.temp)
    assert.deepEqual(others, [])
    assert.equal(path.dirname(directory), TMPFS)
    assert.equal(modeOf(directory), 0o700)
    const names = readdirSync(directory).sort()
    assert.deepEqual(names, ['ca-bundle.pem', 'client-cert.pem'])
    const files = names.map((name) => path.join(directory, name))
    assert.deepEqual(files.map(modeOf), [0o600, 0o600])
    const text = files.map((file) => readFileSync(file, 'utf8')).join('')
    assert.doesNotMatch(text, /PRIVATE/)
    assert.equal(text, scene.root.pem + scene.client.pem + scene.intermediate.pem)
    // Nor on the disk.
    const onDisk = readdirSync(scene.temp, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    for (const { parentPath, name } of onDisk) {
      assert.doesNotMatch(readFileSync(path.join(parentPath, name), 'utf8'), /BEGIN|PRIVATE/)
    }
    index.release()
    assert.equal((await running).main.exitCode, 0)
  })

  it('is gone at the end of the main step, whether the run succeeded or failed', async (test) => {
    for (const statusLine of ['200 OK', '401 Unauthorized', '500 Internal Server Error']) {
      const scene = await setScene(test)
      let during: string[] = []
      let left: string[] = ['not looked at']
      const index = await startAnsweringIndex(test, scene, (connection) => {
        during = materialIn(scene.temp)
        connection.answer(statusLine)
      })
      const betweenSteps = () => {
        left = materialIn(scene.temp)
      }
      const run = await scene.run(index.inputs, { betweenSteps })
      assert.equal(run.main.exitCode, statusLine === '200 OK' ? 0 : 1)
      assert.deepEqual([during.length, left], [1, []])
      // The post step has nothing to do, and says nothing.
      assert.equal(run.post?.stdout.replaceAll(/^::.*$/gm, '').trim(), '', run.post?.stdout)
    }
  })

  it('of a killed step stays while its job lives, whatever else runs, and goes with the next run after the job', async (test) => {
    const scene = await setScene(test)
    const index = await startHeldIndex(test, scene)
    const job = await startJob(test, scene, index.inputs)
    await index.waiting
    const before = materialOf(job)
    assert.equal(before.length, 1)
    await job.killStep()
    assert.deepEqual(materialOf(job), before)
    const meanwhile = await scene.run()
    assertPublished(meanwhile, scene)
    // Its post step, which would remove it, may still come.
    assert.deepEqual(materialOf(job), before)
    await job.kill()
    // From now on any run of this machine may take it away.
    const next = await scene.run({ 'dry-run': 'true' })
    assert.equal(next.main.exitCode, 0, shown(next))
    assert.deepEqual(materialOf(job), [])
  })

  it('of others is left alone: foreign names, files and links under names of ours', async (test) => {
    const scene = await setScene(test)
    const kept = path.join(scene.directory, 'kept')
    mkdirSync(kept)
    writeFileSync(path.join(kept, 'precious'), 'x')
    // An owner that is gone: process 4194304 is one more than there can be.
    const owner = await ownerOf(scene)
    const abandoned = `${PREFIX}4194304-1-${owner}`
    const planted = {
      foreign: path.join(TMPFS, `${PREFIX}e2e-${process.pid}-foreign`),
      link: path.join(TMPFS, `${abandoned}-aaaaaa`),
      file: path.join(TMPFS, `${abandoned}-bbbbbb`),
      longer: path.join(TMPFS, `${abandoned}-cccccc.bak`),
      otherBoot: path.join(TMPFS, `${PREFIX}4194304-1-${'0'.repeat(31)}1-1-dddddd`),
      ours: path.join(TMPFS, `${abandoned}-eeeeee`),
    }
    test.after(() => {
      for (const place of Object.values(planted)) rmSync(place, { recursive: true, force: true })
    })
    for (const place of [planted.foreign, planted.longer, planted.otherBoot, planted.ours]) {
      mkdirSync(place)
      writeFileSync(path.join(place, 'client-key.pem'), 'x')
    }
    symlinkSync(kept, planted.link)
    writeFileSync(planted.file, 'x')
    const run = await scene.run()
    assertPublished(run, scene)
    const { ours, ...others } = planted
    assert.equal(existsSync(ours), false, shown(run))
    for (const [what, place] of Object.entries(others)) assert.ok(existsSync(place), what)
    assert.equal(readFileSync(path.join(kept, 'precious'), 'utf8'), 'x')
  })
})

/** Boot and process numbers as they stand in the names of this machine's material. */
async function ownerOf(scene: Scene): Promise<string> {
  let name = ''
  const betweenSteps = (_: unknown, outputs: Readonly<Record<string, string>>) => {
    name = path.basename(path.dirname(outputs['client-cert-path'] ?? ''))
  }
  await scene.run({ 'dry-run': 'true', 'export-credentials': 'true' }, { betweenSteps })
  const [, owner = ''] = /^publish-python-mtls-\d+-\d+-([0-9a-f]+-\d+)-\w{6}$/.exec(name) ?? []
  assert.notEqual(owner, '', name)
  return owner
}

describe('two steps of one job at the same time', () => {
  it('never meet: each has its own material, paths and report, and each post step takes its own away', async (test) => {
    const scene = await setScene(test)
    const other = issueClient(scene.intermediate, { name: 'other', organization: 'Example' })
    const identities: readonly Inputs[] = [
      {},
      { 'client-cert': other.pem + scene.intermediate.pem, 'client-key': other.keyPem },
    ]
    const indexes = await Promise.all(identities.map(() => startHeldIndex(test, scene)))
    const exported: Readonly<Record<string, string>>[] = []
    const reached = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    test.after(() => gate.resolve())
    const runs = identities.map((identity, place) => {
      const inputs = { ...identity, ...indexes[place]?.inputs, 'export-credentials': 'true' }
      const betweenSteps = async (_: unknown, outputs: Readonly<Record<string, string>>) => {
        exported[place] = outputs
        // The second step's material is in use while the first one's is cleaned up.
        if (place === 0) return
        reached.resolve()
        await gate.promise
      }
      return scene.run(inputs, { betweenSteps, leftovers: true, secrets: [other.keyPem] })
    })
    await Promise.all(indexes.map(({ waiting }) => waiting))
    for (const { release } of indexes) release()
    const first = await runs[0]
    await Promise.race([reached.promise, runs[1]])
    const [mine = {}, theirs = {}] = exported
    for (const name of ['client-cert-path', 'client-key-path', 'client-pem-path', 'ca-bundle-path', 'report-path']) {
      assert.notEqual(mine[name], theirs[name])
    }
    assert.ok(!existsSync(mine['client-key-path'] ?? ''))
    const key = createPrivateKey(readFileSync(theirs['client-key-path'] ?? ''))
    assert.ok(key.equals(other.keys.privateKey))
    const certificate = new X509Certificate(readFileSync(theirs['client-cert-path'] ?? ''))
    assert.match(certificate.subject, /CN=other/)
    gate.resolve()
    const second = await runs[1]
    assert.deepEqual([first?.main.exitCode, second?.main.exitCode, materialIn(scene.temp)], [0, 0, []])
    for (const { uploads } of indexes) assert.equal(uploads.length, 3)
    assert.ok([mine, theirs].every((outputs) => existsSync(outputs['report-path'] ?? '')))
  })
})

describe('exported credentials', () => {
  const PASSPHRASE = 'a passphrase'

  /** Runs with `change` as what a later step of the job does to the exported directory. */
  async function exportAnd(
    scene: Scene,
    change: (directory: string, outputs: Readonly<Record<string, string>>) => void,
    leftovers = false,
  ): Promise<ActionRun> {
    const betweenSteps = (_: unknown, outputs: Readonly<Record<string, string>>) => {
      const directory = path.dirname(outputs['client-key-path'] ?? '')
      // A run that failed has no such path, and what `change` does must not befall another directory.
      assert.ok(path.basename(directory).startsWith(PREFIX), `exported to ${directory}`)
      change(directory, outputs)
    }
    // As it is given, nobody but the action itself knows the text of the key that it writes.
    const cipher = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE } as const
    const key = scene.client.keys.privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString()
    const inputs = { 'client-key': key, 'client-key-passphrase': PASSPHRASE, 'export-credentials': 'true' }
    const run = await scene.run(inputs, { betweenSteps, leftovers })
    assertPublished(run, scene)
    return run
  }

  it('that a later step prints are masked in its log', async (test) => {
    const scene = await setScene(test, { keyKind: 'rsa' })
    const printed: string[] = []
    const run = await exportAnd(scene, (_, outputs) => {
      for (const name of ['client-key-path', 'client-pem-path']) {
        printed.push(...readFileSync(outputs[name] ?? '', 'utf8').split('\n'))
      }
    })
    const masker = new Masker()
    for (const mask of run.masks) masker.add(mask)
    const seen = printed.map((line) => masker.mask(line)).join('\n')
    const key = scene.client.keyPem.split('\n').filter((line) => line.length >= 16 && !line.startsWith('-----'))
    assert.ok(key.length > 20)
    assert.deepEqual(
      key.filter((line) => seen.includes(line)),
      [],
    )
    // Header lines stand in innocent files too.
    assert.match(seen, /-----BEGIN PRIVATE KEY-{5}/)
  })

  it('are taken away by the post step, and it says so', async (test) => {
    const scene = await setScene(test)
    let kept: string[] = []
    const run = await exportAnd(scene, () => {
      kept = materialIn(scene.temp)
    })
    assert.equal(kept.length, 1)
    assert.match(run.post?.stdout ?? '', /^Removed {3}the certificate material of this step is gone$/m)
    const files = scene.samples.map(({ name }) => [name, 'published'] as const)
    assertEnded(run, scene, { status: 'succeeded', files: files.toSorted(([a], [b]) => (a < b ? -1 : 1)) })
  })

  it('that a later step removed are no matter of the post step', async (test) => {
    const scene = await setScene(test)
    const run = await exportAnd(scene, (directory) => rmSync(directory, { recursive: true }))
    assert.doesNotMatch(run.post?.stdout ?? '', /warning|Removed/)
  })

  it('that a later step made unreadable are taken away', async (test) => {
    const scene = await setScene(test)
    await exportAnd(scene, (directory) => chmodSync(directory, 0))
  })

  it('in whose place a later step put a link: nothing behind it is touched, and a warning names the place', async (test) => {
    const scene = await setScene(test)
    const kept = path.join(scene.directory, 'kept')
    mkdirSync(kept)
    writeFileSync(path.join(kept, 'precious'), 'x')
    let place = ''
    const swap = (directory: string) => {
      place = directory
      rmSync(directory, { recursive: true })
      symlinkSync(kept, directory)
      test.after(() => rmSync(directory, { force: true }))
    }
    const run = await exportAnd(scene, swap, true)
    assert.equal(readFileSync(path.join(kept, 'precious'), 'utf8'), 'x')
    const warning = run.annotations.find(({ kind }) => kind === 'warning')
    assert.ok(warning?.message.startsWith(`${place} may still hold a private key`), shown(run))
  })
})
