import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { OpenFile } from '../../../src/distributions/open-file.ts'
import { PublishError } from '../../../src/errors.ts'

const directory = mkdtempSync(join(tmpdir(), 'open-file-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const WINDOWS = process.platform === 'win32'

/** Longer than the coarsest clock that a file system stamps with. */
const CLOCK_TICK = 30

let made = 0
function fileOf(content: string | Buffer): string {
  made += 1
  const path = join(directory, `demo-${made}.whl`)
  writeFileSync(path, content)
  return path
}

function withCode(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof PublishError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }
}

async function collect(file: OpenFile, chunkBytes?: number): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  for await (const chunk of file.content(chunkBytes)) chunks.push(chunk)
  return chunks
}

describe('opening a distribution', () => {
  it('gives its size and any of its bytes', () => {
    const file = OpenFile.open(fileOf('0123456789'), 'demo.whl')
    assert.equal(file.size, 10)
    assert.equal(file.readSync(3, 4).toString(), '3456')
    assert.equal(file.readSync(10, 0).length, 0)
    file.close()
  })

  it('takes over no descriptor of anything but a regular file, and leaves it to the caller', () => {
    const descriptor = openSync(devNull, 'r')
    assert.throws(() => OpenFile.adopt(descriptor, 'a.whl'), withCode('E_DIST_FILE', /a\.whl is a device/))
    closeSync(descriptor)
  })

  it('names a directory, and where there are such things a FIFO and a device, and never waits for one', async () => {
    assert.throws(() => OpenFile.open(directory, 'dist'), withCode('E_DIST_FILE', /^dist is a directory/))
    if (WINDOWS) return
    const fifo = join(directory, 'fifo')
    execFileSync('mkfifo', [fifo])
    // Both ways of opening: with the flag that refuses links, and with a look at the path before.
    for (const noFollow of [undefined, 0]) {
      assert.throws(() => OpenFile.open(fifo, 'a.whl', noFollow), withCode('E_DIST_FILE', /a\.whl is a FIFO/))
      assert.throws(() => OpenFile.open('/dev/zero', 'b.whl', noFollow), withCode('E_DIST_FILE', /b\.whl is a device/))
    }
    const path = join(directory, 'socket')
    const server = createServer().listen(path)
    await new Promise((resolve) => server.once('listening', resolve))
    assert.throws(() => OpenFile.open(path, 'c.whl'), withCode('E_DIST_FILE', /c\.whl is a socket/))
    server.close()
  })

  it('says that a file is missing or unreadable with the code of the system', () => {
    assert.throws(
      () => OpenFile.open(join(directory, 'absent'), 'x.whl'),
      withCode('E_DIST_FILE', /x\.whl cannot be read \(ENOENT\)/),
    )
  })

  it('refuses a symbolic link, also one to a good file and one to nothing', () => {
    // Making one takes a privilege there.
    if (WINDOWS) return
    const link = join(directory, 'link.whl')
    symlinkSync(fileOf('good'), link)
    const dangling = join(directory, 'dangling.whl')
    symlinkSync(join(directory, 'absent'), dangling)
    for (const path of [link, dangling]) {
      for (const noFollow of [undefined, 0]) {
        assert.throws(
          () => OpenFile.open(path, 'l.whl', noFollow),
          withCode('E_DIST_LINK', /l\.whl is a symbolic link/),
        )
      }
    }
  })

  it('takes a hard link, which is a regular file', () => {
    const second = join(directory, 'hard.whl')
    linkSync(fileOf('same bytes'), second)
    const file = OpenFile.open(second, 'hard.whl', 0)
    assert.equal(file.readSync(0, 4).toString(), 'same')
    file.close()
  })

  it('keeps control characters of a name out of its sentences', () => {
    assert.throws(() => OpenFile.open(directory, 'a\n::error::b.whl'), withCode('E_DIST_FILE', /^a ::error::b\.whl is/))
  })

  it('gives the descriptor back once, however often it is closed', () => {
    const path = fileOf('x')
    const file = OpenFile.open(path, 'x.whl')
    file.close()
    // The next open file gets the number that is free now: a second close must not take it away.
    const other = OpenFile.open(path, 'x.whl')
    file.close()
    assert.equal(other.readSync(0, 1).toString(), 'x')
    other.close()
    assert.throws(() => file.readSync(0, 1), /closed/)
  })
})

describe('reading at a place', () => {
  it('calls a place behind the end a fault of the archive, however far it is', () => {
    const file = OpenFile.open(fileOf('0123456789'), 'demo.whl')
    for (const [position, length] of [
      [8, 3],
      [11, 0],
      [-1, 2],
      [2 ** 52, 2 ** 52],
      [0, Number.NaN],
    ] as const) {
      assert.throws(
        () => file.readSync(position, length),
        withCode('E_DIST_LAYOUT', /demo\.whl: the archive is cut off or corrupt/),
      )
    }
    file.close()
  })

  it('notices a file that became shorter', () => {
    const path = fileOf('0123456789')
    const file = OpenFile.open(path, 'demo.whl')
    truncateSync(path, 5)
    assert.throws(() => file.readSync(2, 6), withCode('E_DIST_CHANGED', /became shorter/))
    file.close()
  })
})

describe('the content of a distribution', () => {
  it('comes whole, in chunks, and again for each attempt', async () => {
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251))
    const file = OpenFile.open(fileOf(bytes), 'demo.whl')
    const chunks = await collect(file, 300)
    assert.deepEqual(
      chunks.map(({ length }) => length),
      [300, 300, 300, 100],
    )
    // All chunks are kept until here: one buffer used twice would show.
    assert.deepEqual(Buffer.concat(chunks), bytes)
    assert.deepEqual(Buffer.concat(await collect(file)), bytes)
    assert.deepEqual(Buffer.concat(await collect(file, 500)), bytes)
    file.close()
  })

  it('is nothing for an empty file', async () => {
    const file = OpenFile.open(fileOf(''), 'demo.whl')
    assert.deepEqual(await collect(file), [])
    file.close()
  })

  const changes: readonly [what: string, change: (path: string) => void][] = [
    ['grew', (path) => appendFileSync(path, 'more')],
    ['shrank', (path) => truncateSync(path, 950)],
    ['was written over with as many bytes', (path) => writeFileSync(path, 'other', { flag: 'r+' })],
  ]
  for (const [what, change] of changes) {
    it(`never comes to its last byte when the file ${what} since it was opened`, async () => {
      const path = fileOf('a'.repeat(1000))
      const file = OpenFile.open(path, 'demo.whl')
      await sleep(CLOCK_TICK)
      change(path)
      for (const chunkBytes of [100, 1000, 4096]) {
        let received = 0
        await assert.rejects(
          async () => {
            for await (const chunk of file.content(chunkBytes)) received += chunk.length
          },
          withCode('E_DIST_CHANGED', /demo\.whl/),
        )
        assert.ok(received < 950)
      }
      file.close()
    })

    it(`holds its last chunk back when the file ${what} while it was sent`, async () => {
      const path = fileOf('a'.repeat(1000))
      const file = OpenFile.open(path, 'demo.whl')
      await sleep(CLOCK_TICK)
      const received: number[] = []
      await assert.rejects(
        async () => {
          for await (const chunk of file.content(250)) {
            received.push(chunk.length)
            // The server has three of four chunks; the fourth was read before this.
            if (received.length === 3) change(path)
          }
        },
        withCode('E_DIST_CHANGED', /changed while it was checked and sent/),
      )
      assert.deepEqual(received, [250, 250, 250])
      file.close()
    })
  }

  it('stays that of the file that was opened when another one takes its name', async () => {
    const path = fileOf('first')
    const file = OpenFile.open(path, 'demo.whl')
    renameSync(fileOf('second'), path)
    // On some systems the rename counts as a change of the first file (its link count): refused, or still the first one.
    const outcome = await collect(file).then(
      (chunks) => Buffer.concat(chunks).toString(),
      (error: PublishError) => error.code,
    )
    assert.ok(outcome === 'first' || outcome === 'E_DIST_CHANGED', outcome)
    file.close()
  })

  it('lies in the buffers of a ring, and a chunk keeps its bytes until the next but one is asked for', async () => {
    const file = OpenFile.open(fileOf('0123456789abcdef'), 'demo.whl')
    const ring = [Buffer.alloc(3), Buffer.alloc(3), Buffer.alloc(3)]
    const stores = new Set<ArrayBufferLike>()
    const seen: string[] = []
    let last: Buffer | undefined
    for await (const chunk of file.content(3, undefined, ring)) {
      if (last !== undefined) seen.push(last.toString())
      stores.add(chunk.buffer)
      last = chunk
    }
    seen.push(last?.toString() ?? '')
    assert.deepEqual(seen, ['012', '345', '678', '9ab', 'cde', 'f'])
    assert.deepEqual(stores, new Set(ring.map(({ buffer }) => buffer)))
    file.close()
  })

  it('ends with the reason of its signal', async () => {
    const file = OpenFile.open(fileOf('a'.repeat(1000)), 'demo.whl')
    const controller = new AbortController()
    const reason = new Error('cancelled')
    await assert.rejects(async () => {
      for await (const _ of file.content(100, controller.signal)) controller.abort(reason)
    }, reason)
    file.close()
  })

  it('lets the event loop turn while it is read', async () => {
    const file = OpenFile.open(fileOf(Buffer.alloc(100_000)), 'demo.whl')
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
    }, 0)
    for await (const chunk of file.content(10)) assert.equal(chunk.length, 10)
    clearInterval(timer)
    assert.ok(turns > 10)
    file.close()
  })
})

describe('the state in which a file was opened', () => {
  it('is over with any later change', async () => {
    const path = fileOf('0123456789')
    const file = OpenFile.open(path, 'demo.whl')
    file.assertUnchanged()
    await sleep(CLOCK_TICK)
    appendFileSync(path, '!')
    assert.throws(() => file.assertUnchanged(), withCode('E_DIST_CHANGED', /it had 10 bytes and has 11/))
    file.close()
  })

  it('outlasts reading, whatever happens beside the file', () => {
    const path = fileOf('0123456789')
    const file = OpenFile.open(path, 'demo.whl')
    file.readSync(0, 10)
    mkdirSync(`${path}.d`)
    file.assertUnchanged()
    file.close()
  })
})
