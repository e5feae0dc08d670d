import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createRoot, issueClient } from '../../demo/certificate-authority.ts'
import {
  currentOwner,
  findTmpfs,
  MATERIAL_STATE,
  Material,
  MaterialKeeper,
  type Owner,
  removeMaterial,
  sweep,
} from '../../src/material.ts'
import { recordRunner } from '../support/recorded-runner.ts'

const isWindows = process.platform === 'win32'
const isLinux = process.platform === 'linux'

const base = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'material-test-')))
after(() => rmSync(base, { recursive: true, force: true }))

/** A new directory that stands for the tmpfs or for the runner's temporary directory. */
function place(): string {
  return mkdtempSync(path.join(base, 'place-'))
}

function modeOf(file: string): number {
  return lstatSync(file).mode & 0o777
}

/** Runs with a umask that takes no permission away. */
function withOpenUmask<T>(run: () => T): T {
  const before = process.umask(0)
  try {
    return run()
  } finally {
    process.umask(before)
  }
}

/** Runs with a process that says something else about itself: a machine or a user that the tests cannot be. */
function pretending(name: 'platform' | 'getuid', value: unknown, run: () => void): void {
  const real = Object.getOwnPropertyDescriptor(process, name)
  assert.ok(real)
  Object.defineProperty(process, name, { ...real, value })
  try {
    run()
  } finally {
    Object.defineProperty(process, name, real)
  }
}

describe('a material directory', () => {
  it('is a new one each time, also for the same owner', () => {
    const where = place()
    const directories = [1, 2, 3].map(() => Material.create(where, currentOwner()).directory)
    assert.equal(new Set(directories).size, 3)
    assert.deepEqual(readdirSync(where).sort(), directories.map((directory) => path.basename(directory)).sort())
  })

  it('that cannot be made is an error which names the place', () => {
    const missing = path.join(base, 'missing')
    assert.throws(() => Material.create(missing, currentOwner()), {
      code: 'E_MATERIAL_WRITE',
      message: `the certificate material cannot be written below ${missing}`,
    })
  })

  if (!isWindows) {
    it('is for its owner alone, and so are its files, whatever the umask (POSIX)', () => {
      withOpenUmask(() => {
        const material = Material.create(place(), currentOwner())
        assert.equal(modeOf(material.directory), 0o700)
        assert.equal(modeOf(material.write('client-cert.pem', 'text')), 0o600)
      })
    })

    it('follows no link to another file, not even a dangling one (POSIX)', () => {
      const material = Material.create(place(), currentOwner())
      const target = path.join(base, 'target')
      writeFileSync(target, 'untouched')
      symlinkSync(target, path.join(material.directory, 'client-cert.pem'))
      symlinkSync(path.join(base, 'not-there'), path.join(material.directory, 'client-key.pem'))
      for (const name of ['client-cert.pem', 'client-key.pem'])
        assert.throws(() => material.write(name, 'secret'), { code: 'E_MATERIAL_WRITE' })
      assert.equal(readFileSync(target, 'utf8'), 'untouched')
      assert.equal(existsSync(path.join(base, 'not-there')), false)
    })
  }

  it('gets each file whole, as UTF-8', () => {
    const material = Material.create(place(), currentOwner())
    const content = `${'ü'.repeat(100_000)}\n`
    const file = material.write('ca-bundle.pem', content)
    assert.equal(path.dirname(file), material.directory)
    assert.equal(readFileSync(file, 'utf8'), content)
  })

  it('takes no file that is there already: somebody else made it', () => {
    const material = Material.create(place(), currentOwner())
    const file = path.join(material.directory, 'client-key.pem')
    writeFileSync(file, 'theirs', { mode: 0o666 })
    assert.throws(() => material.write('client-key.pem', 'secret'), { code: 'E_MATERIAL_WRITE' })
    assert.equal(readFileSync(file, 'utf8'), 'theirs')
  })
})

/** A directory with one file, as a run leaves it. */
function left(where: string, owner: Owner = currentOwner()): string {
  const material = Material.create(where, owner)
  material.write('client-cert.pem', 'text')
  return material.directory
}

describe('removal', () => {
  it('takes the directory with all that is in it, from the tmpfs and from the temporary directory', () => {
    const [tmpfs, temp] = [place(), place()]
    for (const where of [tmpfs, temp]) {
      const directory = left(where)
      assert.equal(removeMaterial(directory, { tmpfs, temp }), true)
      assert.equal(existsSync(directory), false)
    }
  })

  it('is content with a directory that is gone already', () => {
    const tmpfs = place()
    const directory = left(tmpfs)
    rmSync(directory, { recursive: true })
    assert.equal(removeMaterial(directory, { tmpfs, temp: '' }), true)
  })

  it('refuses every place but these two', () => {
    const directory = left(place())
    assert.equal(removeMaterial(directory, { tmpfs: place(), temp: place() }), false)
    assert.equal(removeMaterial(directory, { tmpfs: undefined, temp: '' }), false)
    assert.equal(removeMaterial(directory, { tmpfs: path.dirname(path.dirname(directory)), temp: '' }), false)
    assert.equal(existsSync(directory), true)
  })

  it('refuses every name but ours', () => {
    const tmpfs = place()
    const names = [
      'x',
      'publish-python-mtls',
      'publish-python-mtls-1-2-ab-3',
      'publish-python-mtls-1-2-ab-3-abcdef0',
      '.',
    ]
    for (const name of names) {
      mkdirSync(path.join(tmpfs, name), { recursive: true })
      assert.equal(removeMaterial(path.join(tmpfs, name), { tmpfs, temp: '' }), false, name)
    }
    assert.equal(readdirSync(tmpfs).length, names.length - 1)
    assert.equal(removeMaterial('', { tmpfs, temp: '' }), false)
  })

  it('refuses a path that is not exactly as it was made', () => {
    const tmpfs = place()
    const directory = left(tmpfs)
    const name = path.basename(directory)
    for (const other of [`${directory}${path.sep}`, `${tmpfs}${path.sep}.${path.sep}${name}`, name])
      assert.equal(removeMaterial(other, { tmpfs, temp: '' }), false, other)
    assert.equal(existsSync(directory), true)
  })

  it('refuses a file of that name', () => {
    const tmpfs = place()
    const directory = left(tmpfs)
    rmSync(directory, { recursive: true })
    writeFileSync(directory, 'a file')
    assert.equal(removeMaterial(directory, { tmpfs, temp: '' }), false)
    assert.equal(existsSync(directory), true)
  })

  if (!isWindows) {
    it('refuses a link, and touches nothing behind it (POSIX)', () => {
      const [tmpfs, elsewhere] = [place(), place()]
      const directory = left(tmpfs)
      const moved = path.join(elsewhere, 'precious')
      renameSync(directory, moved)
      chmodSync(moved, 0o755)
      symlinkSync(moved, directory)
      for (const given of [directory, `${directory}/`])
        assert.equal(removeMaterial(given, { tmpfs, temp: '' }), false, given)
      assert.deepEqual(readdirSync(moved), ['client-cert.pem'])
      assert.equal(modeOf(moved), 0o755)
    })

    it('refuses a directory of another user (POSIX)', () => {
      const tmpfs = place()
      const directory = left(tmpfs)
      const other = lstatSync(directory).uid + 1
      pretending(
        'getuid',
        () => other,
        () => assert.equal(removeMaterial(directory, { tmpfs, temp: '' }), false),
      )
      assert.equal(existsSync(directory), true)
    })

    it('removes links inside as links, and directories that nobody may read (POSIX)', () => {
      const tmpfs = place()
      const precious = path.join(place(), 'precious')
      writeFileSync(precious, 'untouched')
      const directory = left(tmpfs)
      symlinkSync(path.dirname(precious), path.join(directory, 'link'))
      chmodSync(directory, 0)
      assert.equal(removeMaterial(directory, { tmpfs, temp: '' }), true)
      assert.equal(existsSync(directory), false)
      assert.equal(readFileSync(precious, 'utf8'), 'untouched')
    })
  }
})

const MAKE = `
const { Material, currentOwner } = await import(process.argv[1])
const material = Material.create(process.argv[2], currentOwner())
material.write('client-cert.pem', 'text')
console.log(JSON.stringify({ directory: material.directory, owner: currentOwner() }))
`

/** A process that stands for the runner's worker: its child makes a directory, as the main step does, and ends. */
async function startWorker(where: string): Promise<{ worker: ChildProcess; directory: string; owner: Owner }> {
  const source = pathToFileURL(path.resolve(import.meta.dirname, '../../src/material.ts')).href
  const script = '"$0" --input-type=module -e "$1" "$2" "$3"; exec sleep 60'
  const worker = spawn('/bin/sh', ['-c', script, process.execPath, MAKE, source, where], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface({ input: worker.stdout }), 'line')
  return { worker, ...JSON.parse(line) }
}

async function kill(worker: ChildProcess): Promise<void> {
  worker.kill('SIGKILL')
  await once(worker, 'exit')
}

describe('the owner', () => {
  it('has a name that removal knows again', () => {
    const tmpfs = place()
    assert.equal(removeMaterial(left(tmpfs), { tmpfs, temp: '' }), true)
    const unknown = { parentPid: 0, parentStart: '0', bootId: '0', pidNamespace: '0' }
    assert.equal(removeMaterial(left(tmpfs, unknown), { tmpfs, temp: '' }), true)
  })

  if (isLinux) {
    it('is the parent process, with its start, this boot and these process numbers (Linux)', async () => {
      const { worker, owner } = await startWorker(place())
      try {
        assert.equal(owner.parentPid, worker.pid)
        assert.match(owner.parentStart, /^[1-9]\d*$/)
        assert.match(owner.bootId, /^[0-9a-f]{32}$/)
        assert.match(owner.pidNamespace, /^[1-9]\d*$/)
        const mine = currentOwner()
        assert.deepEqual([owner.bootId, owner.pidNamespace], [mine.bootId, mine.pidNamespace])
        assert.ok(BigInt(owner.parentStart) >= BigInt(mine.parentStart))
      } finally {
        await kill(worker)
      }
    })
  }
})

if (isLinux) {
  describe('the sweep (Linux)', () => {
    it('removes what a killed owner left, and nothing of an owner that lives', async () => {
      const tmpfs = place()
      const [dead, alive] = await Promise.all([startWorker(tmpfs), startWorker(tmpfs)])
      try {
        assert.equal(sweep(tmpfs, currentOwner()), 0)
        await kill(dead.worker)
        assert.equal(sweep(tmpfs, currentOwner()), 1)
        assert.deepEqual(readdirSync(tmpfs), [path.basename(alive.directory)])
      } finally {
        await kill(alive.worker)
      }
      assert.equal(sweep(tmpfs, currentOwner()), 1)
      assert.deepEqual(readdirSync(tmpfs), [])
    })

    it('knows an owner whose process number another process has by now', () => {
      const tmpfs = place()
      left(tmpfs, { ...currentOwner(), parentPid: process.pid, parentStart: '1' })
      assert.equal(sweep(tmpfs, currentOwner()), 1)
    })

    it('leaves what belongs to another boot or container, or to an owner that cannot be known', async () => {
      const tmpfs = place()
      const { worker, owner, directory } = await startWorker(tmpfs)
      await kill(worker)
      const others: Owner[] = [
        { ...owner, bootId: '0123456789abcdef0123456789abcdef' },
        { ...owner, pidNamespace: `${owner.pidNamespace}1` },
        { ...owner, parentPid: 0 },
        { ...owner, parentStart: '0' },
      ]
      for (const other of others) left(tmpfs, other)
      assert.equal(sweep(tmpfs, currentOwner()), 1)
      assert.equal(existsSync(directory), false)
      assert.equal(readdirSync(tmpfs).length, others.length)
    })

    it('touches nothing where its own boot or process numbers cannot be known', async () => {
      const tmpfs = place()
      const { worker, owner } = await startWorker(tmpfs)
      await kill(worker)
      for (const unknown of [{ bootId: '0' }, { pidNamespace: '0' }]) {
        const us = { ...owner, ...unknown }
        left(tmpfs, us)
        assert.equal(sweep(tmpfs, us), 0)
      }
    })

    it('leaves every other name, and links of our name', async () => {
      const tmpfs = place()
      const { worker, directory } = await startWorker(tmpfs)
      await kill(worker)
      const precious = path.join(place(), 'precious')
      renameSync(directory, precious)
      symlinkSync(precious, directory)
      mkdirSync(path.join(tmpfs, 'publish-python-mtls-report'))
      writeFileSync(path.join(tmpfs, 'sem.other'), '')
      assert.equal(sweep(tmpfs, currentOwner()), 0)
      assert.equal(readdirSync(tmpfs).length, 3)
      assert.deepEqual(readdirSync(precious), ['client-cert.pem'])
    })

    it('never ends a run: a place that cannot be read is left alone', () => {
      assert.equal(sweep(path.join(base, 'missing'), currentOwner()), 0)
    })
  })
}

const root = createRoot({ name: 'Root' })
const client = issueClient(root, { name: 'client', keyKind: 'rsa' })
const certificates = { chainPem: client.pem, caPem: root.pem }

describe('the keeper', () => {
  if (isLinux) {
    it('writes chain and CA bundle to memory, never the key, and removes them (Linux)', () => {
      const temp = place()
      const runner = recordRunner(temp)
      const keeper = new MaterialKeeper(runner)
      assert.equal(keeper.inMemory, true)
      keeper.keep(certificates, true)
      const directory = runner.state(MATERIAL_STATE)
      try {
        assert.equal(statfsSync(directory).type, 0x01021994)
        assert.deepEqual(readdirSync(directory).sort(), ['ca-bundle.pem', 'client-cert.pem'])
        assert.equal(readFileSync(path.join(directory, 'client-cert.pem'), 'utf8'), client.pem)
        assert.equal(readFileSync(path.join(directory, 'ca-bundle.pem'), 'utf8'), root.pem)
        assert.deepEqual(readdirSync(temp), [])
      } finally {
        keeper.remove()
      }
      assert.equal(existsSync(directory), false)
    })

    it('ends a run that needs the files when they cannot be written, and no other (Linux)', () => {
      // Somebody's file under the first name: exclusive creation fails, as on a full file system.
      const planted: string[] = []
      const runner = recordRunner(place(), (directory) => {
        planted.push(directory)
        writeFileSync(path.join(directory, 'client-cert.pem'), '')
      })
      new MaterialKeeper(runner).keep(certificates, false)
      assert.throws(() => new MaterialKeeper(runner).keep(certificates, true), { code: 'E_MATERIAL_WRITE' })
      assert.equal(planted.length, 2)
      assert.deepEqual(
        planted.filter((directory) => existsSync(directory)),
        [],
      )
    })

    it('exports to memory (Linux)', () => {
      const keeper = new MaterialKeeper(recordRunner(place()))
      keeper.keep(certificates, true)
      const { clientKey } = keeper.export(certificates, client.keyPem)
      assert.equal(statfsSync(clientKey).type, 0x01021994)
      keeper.remove()
      assert.equal(existsSync(path.dirname(clientKey)), false)
    })
  }

  it('saves the path before it writes anything', () => {
    const contents: string[][] = []
    const keeper = new MaterialKeeper(recordRunner(place(), (directory) => contents.push(readdirSync(directory))))
    keeper.export(certificates, client.keyPem)
    keeper.remove()
    assert.deepEqual(contents, [[]])
  })

  it('exports chain, key, both in one file, and the CA bundle', () => {
    const runner = recordRunner(place())
    const keeper = new MaterialKeeper(runner)
    keeper.keep(certificates, true)
    const { clientCert, clientKey, clientPem, caBundle } = keeper.export(certificates, client.keyPem)
    try {
      const contents = [clientCert, clientKey, clientPem, caBundle].map((file) => readFileSync(file, 'utf8'))
      assert.deepEqual(contents, [client.pem, client.keyPem, client.pem + client.keyPem, root.pem])
      assert.equal(path.dirname(clientKey), runner.state(MATERIAL_STATE))
      if (!isWindows) for (const file of [clientCert, clientKey, clientPem, caBundle]) assert.equal(modeOf(file), 0o600)
    } finally {
      keeper.remove()
    }
    assert.equal(existsSync(path.dirname(clientKey)), false)
  })

  it("has no CA bundle to export where the system's CAs are trusted", () => {
    const keeper = new MaterialKeeper(recordRunner(place()))
    const { caBundle, clientKey } = keeper.export({ ...certificates, caPem: '' }, client.keyPem)
    assert.equal(caBundle, '')
    assert.equal(existsSync(path.join(path.dirname(clientKey), 'ca-bundle.pem')), false)
    keeper.remove()
  })

  it('masks the exported key line by line, and neither its BEGIN and END lines nor short ones', () => {
    const runner = recordRunner(place())
    const keeper = new MaterialKeeper(runner)
    const body = ['M'.repeat(64), 'N'.repeat(64), 'O'.repeat(12)]
    const label = 'PRIVATE KEY'
    keeper.export(certificates, `-----BEGIN ${label}-----\n${body.join('\n')}\n-----END ${label}-----\n`)
    keeper.remove()
    assert.deepEqual(runner.masks, [body.join(''), body[0], body[1]])
  })

  it('exports to the temporary directory where no file system is in memory, and keeps nothing there before', () => {
    pretending('platform', 'darwin', () => {
      const temp = place()
      const keeper = new MaterialKeeper(recordRunner(temp))
      assert.equal(keeper.inMemory, false)
      keeper.sweep()
      keeper.keep(certificates, true)
      assert.deepEqual(readdirSync(temp), [])
      const { clientKey } = keeper.export(certificates, client.keyPem)
      assert.equal(path.dirname(path.dirname(clientKey)), temp)
      keeper.remove()
      assert.deepEqual(readdirSync(temp), [])
    })
  })

  it('writes nothing without a client certificate', () => {
    const runner = recordRunner(place())
    const keeper = new MaterialKeeper(runner)
    keeper.keep({ chainPem: '', caPem: root.pem }, true)
    keeper.remove()
    assert.deepEqual([...runner.states], [])
  })

  it('says in the log, and not by an error, that it could not remove its directory', () => {
    const runner = recordRunner(place())
    const keeper = new MaterialKeeper(runner)
    keeper.export(certificates, client.keyPem)
    const directory = runner.state(MATERIAL_STATE)
    rmSync(directory, { recursive: true })
    writeFileSync(directory, 'somebody else')
    try {
      keeper.remove()
      assert.match(runner.lines.join('\n'), /^Material .* is not removed: it is no longer the directory that was made$/)
      assert.equal(readFileSync(directory, 'utf8'), 'somebody else')
    } finally {
      rmSync(directory)
    }
  })
})

describe('the file system in memory', () => {
  if (isLinux) {
    it('is a tmpfs that we can write to (Linux)', () => {
      const found = findTmpfs(process.getuid?.())
      assert.ok(found)
      assert.equal(statfsSync(found).type, 0x01021994)
    })
  }

  it('is none on other systems', () => {
    pretending('platform', 'darwin', () => assert.equal(findTmpfs(0), undefined))
  })
})
