import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { ActionRun } from '../../demo/runner/run-action.ts'
import { fileOutputs, outcomesOf, shown } from './support/assertions.ts'
import { annotationOf, assertEnded, type FileEnding } from './support/ending.ts'
import { type Scene, setScene } from './support/scene.ts'
import {
  type Answer,
  type ScriptedIndex,
  type StoringAnswer,
  startListingIndex,
  startScriptedIndex,
} from './support/scripted-index.ts'

const WHEEL = 'demo_pkg-1.2.0-py3-none-any.whl'
const OTHER_WHEEL = 'demo_pkg-1.2.0-cp39-cp39-manylinux_2_17_x86_64.whl'
const SDIST = 'demo_pkg-1.2.0.tar.gz'
const FILES = [OTHER_WHEEL, WHEEL, SDIST]
const ALL_PUBLISHED = FILES.map((file): FileEnding => [file, 'published'])

/** `first` for the first upload; the others are stored. */
function atFirst(first: StoringAnswer): StoringAnswer {
  return (connection, upload, store) =>
    upload.number === 1 ? first(connection, upload, store) : take(connection, store)
}

function take(connection: Parameters<Answer>[0], store: () => void): void {
  store()
  connection.answer('200 OK')
}

/** How many requests carried each file. */
function attempts(run: ActionRun): number[] {
  return FILES.map((file) => fileOutputs(run).get(file)?.attempts ?? 0)
}

interface Trouble {
  readonly name: string
  readonly first: StoringAnswer
  /** Requests that carried the first file. */
  readonly sends: number
}

/** Trouble of the first upload. In the end each file is there, once. */
const PASSES: readonly Trouble[] = [
  {
    name: 'the connection dies, and the file is not there: it is sent again',
    first: (connection) => connection.reset(),
    sends: 2,
  },
  {
    name: 'the connection dies behind the file, which is there: it is not sent again',
    first: (connection, _, store) => {
      store()
      return connection.reset()
    },
    sends: 1,
  },
  {
    name: 'the server is busy: the file is sent again when it asks for it',
    first: (connection) => connection.answer('503 Service Unavailable', ['Retry-After: 1']),
    sends: 2,
  },
  {
    name: 'a front says "100 Continue" that nobody asked for, and then takes it',
    first: (connection, _, store) => {
      connection.write('HTTP/1.1 100 Continue\r\n\r\n')
      take(connection, store)
    },
    sends: 1,
  },
  {
    name: 'the server fails behind the file, which is there: it is not sent again',
    first: (connection, _, store) => {
      store()
      connection.answer('500 Internal Server Error')
    },
    sends: 1,
  },
  {
    name: 'the page lists the file some time after the answer: it is waited for',
    first: async (connection, _, store) => {
      connection.answer('202 Accepted')
      await delay(500)
      store()
    },
    sends: 1,
  },
]

describe('a server in trouble, once: everything is published, and seen on the index', () => {
  for (const { name, first, sends } of PASSES) {
    it(name, async (test) => {
      const scene = await setScene(test)
      const index = await startListingIndex(test, scene, atFirst(first))
      const run = await scene.run(index.inputs)
      assertEnded(run, scene, { status: 'succeeded', files: ALL_PUBLISHED })
      // The smallest wheel is the first one.
      assert.deepEqual(attempts(run), [1, sends, 1])
      assert.equal(index.uploads.length, 2 + sends)
      assert.deepEqual(index.stored.toSorted(), FILES)
      for (const { verified } of fileOutputs(run).values()) assert.equal(verified, 'sha256')
    })
  }
})

describe('a server that keeps a file and answers with bytes that are no HTTP', () => {
  it('publishes it all the same: what it lists later is what counts', async (test) => {
    const scene = await setScene(test, { samples: { wheels: 1, sdist: false } })
    const index = await startListingIndex(test, scene, (connection, _, store) => {
      setTimeout(store, 500)
      connection.write('stored\r\n\r\n')
      connection.end()
    })
    const run = await scene.run({ ...index.inputs, retries: '0' })
    assertEnded(run, scene, { status: 'succeeded', files: [[WHEEL, 'published']] })
    assert.equal(index.uploads.length, 1)
  })
})

describe('the log of a run in trouble', () => {
  it('says at once why it waits, and how long', async (test) => {
    const scene = await setScene(test, { samples: { wheels: 1, sdist: false } })
    const index = await startListingIndex(
      test,
      scene,
      atFirst((connection) => connection.answer('503 Service Unavailable', ['Retry-After: 2'])),
    )
    const run = await scene.run(index.inputs)
    assertEnded(run, scene, { status: 'succeeded', files: [[WHEEL, 'published']] })
    assert.deepEqual(
      run.log.filter((line) => line.startsWith('Retry ')).map((line) => / again in (\d)\.\d s .*$/.exec(line)?.[0]),
      [' again in 2.0 s at the earliest, unless the index has it by then'],
      shown(run),
    )
    assert.match(annotationOf(run, WHEEL), /was published \(2 tries\)\.$/)
  })

  it('has a line for a handshake that is tried again', async (test) => {
    const scene = await setScene(test, { samples: { wheels: 1, sdist: false } })
    let connections = 0
    const front = createServer((socket) => {
      connections += 1
      if (connections === 1) socket.destroy()
      else socket.pipe(connect(scene.index.port, '127.0.0.1').on('error', () => socket.destroy())).pipe(socket)
      socket.on('error', () => {})
    }).listen(0, '127.0.0.1')
    await once(front, 'listening')
    test.after(() => front.close())
    const address = front.address()
    assert.ok(typeof address === 'object' && address !== null)
    const run = await scene.run({ 'repository-url': `https://localhost:${address.port}/legacy/` })
    assertEnded(run, scene, { status: 'succeeded', files: [[WHEEL, 'published']] })
    const lines = run.log.filter((line) => line.startsWith('Retry '))
    assert.equal(lines.length, 1, shown(run))
    assert.match(lines[0] ?? '', /^Retry +handshake: .*\(E_[A-Z_]+\); again in \d+\.\d s at the earliest$/)
  })
})

describe('a server that goes on like this', () => {
  it('500 each time: as many tries as `retries` allows, and no more', async (test) => {
    const scene = await setScene(test, { samples: { wheels: 1, sdist: false } })
    const index = await startListingIndex(test, scene, (connection) => connection.answer('500 Internal Server Error'))
    const run = await scene.run({ ...index.inputs, retries: '2' })
    assertEnded(run, scene, { status: 'failed', files: [[WHEEL, 'rejected', 'E_HTTP_SERVER_ERROR']] })
    assert.equal(index.uploads.length, 3)
    assert.equal(fileOutputs(run).get(WHEEL)?.attempts, 3)
    const retries = run.log.filter((line) => line.startsWith('Retry '))
    assert.equal(retries.length, 2, shown(run))
    for (const line of retries) {
      assert.match(line, /py3-none-any\.whl: .* 500 Internal Server Error \(E_HTTP_SERVER_ERROR\); again in \d+\.\d s/)
    }
    assert.match(annotationOf(run, WHEEL), /\(E_HTTP_SERVER_ERROR, 3 tries\)/)
  })

  it('503 to each lookup: each further one has a line with its reason, and nothing is sent', async (test) => {
    const scene = await setScene(test, { samples: { wheels: 1, sdist: false } })
    const index = await startScriptedIndex(test, scene, async (connection) => {
      for (;;) {
        await connection.request()
        connection.answer('503 Service Unavailable')
      }
    })
    const run = await scene.run({ ...index.inputs, 'check-url': 'auto', retries: '1' })
    assertEnded(run, scene, {
      status: 'failed',
      problems: ['E_HTTP_SERVER_ERROR'],
      files: [[WHEEL, 'not-tried', 'E_HTTP_SERVER_ERROR']],
    })
    const retries = run.log.filter((line) => line.startsWith('Retry '))
    assert.equal(retries.length, 1, shown(run))
    assert.match(retries[0] ?? '', /page of demo-pkg: .* 503 Service Unavailable .*\(E_HTTP_SERVER_ERROR\); again in /)
    assert.ok(index.heads.every((head) => head.startsWith('GET ')))
  })

  it('says yes and stores nothing: unconfirmed, never published', async (test) => {
    const scene = await setScene(test)
    const index = await startListingIndex(test, scene, (connection) => connection.answer('200 OK'))
    const run = await scene.run({ ...index.inputs, 'verify-timeout-seconds': '1' })
    const files = FILES.map((file): FileEnding => [file, 'unconfirmed', 'E_INDEX_UNCONFIRMED'])
    assertEnded(run, scene, { status: 'failed', files })
    const words = /accepted \(200\), but the index did not list it within 1 s \(it has no file of the project at all\)/
    assert.match(annotationOf(run, WHEEL), words)
    assert.match(annotationOf(run, WHEEL), /Check that `check-url` is the index that `repository-url` publishes to/)
    assert.deepEqual(attempts(run), [1, 1, 1])
  })

  it('says yes and stores one of two wheels: nobody doubts the index, which has the other one', async (test) => {
    const scene = await setScene(test, { samples: { wheels: 2, sdist: false } })
    const index = await startListingIndex(test, scene, (connection, { number }, store) => {
      if (number === 1) store()
      return connection.answer('200 OK')
    })
    const run = await scene.run({ ...index.inputs, 'verify-timeout-seconds': '1' })
    const outcomes = Object.entries(outcomesOf(run))
    const [lost] = outcomes.find(([, outcome]) => outcome === 'unconfirmed') ?? ['']
    assert.deepEqual(outcomes.map(([, outcome]) => outcome).sort(), ['published', 'unconfirmed'])
    assert.match(
      annotationOf(run, lost),
      /the index did not list it within 1 s \(E_INDEX_UNCONFIRMED\)\. Do not build again/,
    )
    assert.doesNotMatch(annotationOf(run, lost), /Check that `check-url`/)
  })

  it('says yes and stores nothing, and nobody waits for it: its word counts, and was not verified', async (test) => {
    const scene = await setScene(test)
    const index = await startListingIndex(test, scene, (connection) => connection.answer('200 OK'))
    const run = await scene.run({ ...index.inputs, 'verify-upload': 'false' })
    assertEnded(run, scene, { status: 'succeeded', files: ALL_PUBLISHED })
    for (const { verified } of fileOutputs(run).values()) assert.equal(verified, 'no')
  })

  it('says that files exist which it does not list: rejected, since no bytes can be compared', async (test) => {
    const scene = await setScene(test, { samples: { wheels: 1, sdist: false } })
    const answer: StoringAnswer = (connection) => connection.answer('409 Conflict', [], 'File already exists')
    const index = await startListingIndex(test, scene, answer)
    const run = await scene.run({ ...index.inputs, 'verify-timeout-seconds': '1' })
    assertEnded(run, scene, { status: 'failed', files: [[WHEEL, 'rejected', 'E_HTTP_EXISTS']] })
    const words = /did not list it within 1 s \(it has no file of the project at all\), so its bytes cannot be compared/
    assert.match(annotationOf(run, WHEEL), words)
    assert.match(annotationOf(run, WHEEL), /Check that `check-url` is the index that `repository-url` publishes to/)
    assert.equal(index.uploads.length, 1)
  })
})

describe('a server whose simple index nobody knows', () => {
  /** It takes uploads and has no page at all. */
  function startPlainIndex(test: TestContext, scene: Scene): Promise<ScriptedIndex> {
    return startScriptedIndex(test, scene, async (connection) => {
      for (;;) {
        await connection.request()
        connection.answer(connection.lastHead.startsWith('POST ') ? '200 OK' : '404 Not Found')
      }
    })
  }

  it('gets nothing: the error offers `check-url` and `check-url: off`', async (test) => {
    const scene = await setScene(test)
    const index = await startPlainIndex(test, scene)
    const run = await scene.run({ ...index.inputs, 'check-url': 'auto' })
    const code = 'E_INDEX_UNPROVEN'
    assertEnded(run, scene, {
      status: 'failed',
      files: FILES.map((file) => [file, 'not-tried', code]),
      problems: [code],
    })
    assert.match(shown(run), /E_INDEX_UNPROVEN: .*answered 404, which says nothing .* check-url: off/)
    assert.ok(index.heads.every((head) => head.startsWith('GET /simple/')))
  })

  it('is told from an upload URL that is wrong: the simple index of a known server', async (test) => {
    const scene = await setScene(test, { samples: { wheels: 1, sdist: false } })
    const index = await startPlainIndex(test, scene)
    const { origin } = new URL(index.inputs['repository-url'] ?? '')
    const url = `${origin}/api/v4/projects/42/packages/pypi/simple/`
    for (const checkUrl of ['auto', url]) {
      const run = await scene.run({ 'repository-url': url, 'check-url': checkUrl })
      assert.equal(run.main.exitCode, 1)
      assert.match(shown(run), /E_INDEX_UNPROVEN.*The upload URL of GitLab is https:\/\/HOST\/api\/v4/s)
    }
  })

  it('gets the files with `check-url: off`, and a warning says what that means', async (test) => {
    const scene = await setScene(test)
    const index = await startPlainIndex(test, scene)
    const { 'repository-url': url = '' } = index.inputs
    const run = await scene.run({ 'repository-url': url, 'check-url': 'off' })
    assertEnded(run, scene, { status: 'succeeded', files: ALL_PUBLISHED })
    const warnings = run.annotations.filter(({ kind }) => kind === 'warning')
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]?.message ?? '', /check-url is `off`: nobody looks .* may replace one of the same name/)
    assert.ok(index.heads.every((head) => head.startsWith('POST ')))
  })
})

describe('ten wheels and an sdist of a project that the index does not know', () => {
  it('go side by side, never more than max-parallel: one wheel first, the sdist last', async (test) => {
    const scene = await setScene(test, { samples: { wheels: 10 } })
    const together: number[] = []
    const waiting: (() => void)[] = []
    const index = await startListingIndex(test, scene, async (connection, { number }, store) => {
      const isAlone = number === 1 || number === 11
      const gate = Promise.withResolvers<void>()
      waiting.push(gate.resolve)
      // Whoever is one too many comes in the meantime.
      if (isAlone || waiting.length === 3) {
        await delay(200)
        together.push(waiting.length)
        for (const open of waiting.splice(0)) open()
      }
      await gate.promise
      take(connection, store)
    })
    // Where it is not so, the gate stays shut: that ends soon.
    const run = await scene.run({ ...index.inputs, 'max-parallel': '3', 'idle-timeout-seconds': '20', retries: '0' })
    assert.equal(run.main.exitCode, 0, shown(run))
    assert.deepEqual(together, [1, 3, 3, 3, 1])
    assert.equal(index.stored.at(-1), SDIST)
    assert.equal(new Set(index.stored).size, 11)
  })
})
