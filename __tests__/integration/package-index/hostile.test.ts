import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { appendFileSync, utimesSync } from 'node:fs'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { basicAuthorization } from '../../../src/credentials/basic.ts'
import { PublishError } from '../../../src/errors.ts'
import type { UploadTarget } from '../../../src/package-index/attempt.ts'
import type { FileResult } from '../../../src/package-index/outcome.ts'
import { publishFiles } from '../../../src/package-index/publish-files.ts'
import { type UploadEnd, uploadDistribution } from '../../../src/package-index/upload.ts'
import { Secrets } from '../../../src/text.ts'
import { type HostileIndex, type Script, startHostileIndex } from '../../support/hostile-index.ts'
import { type OpenDistribution, openDistribution } from '../../support/open-distribution.ts'
import { publishing, quickPace, uploadTarget } from '../../support/upload-target.ts'

const NEVER = new AbortController().signal
const MB = 1_000_000
const LARGE = Buffer.alloc(50 * MB, 7)

interface Sending {
  readonly bytes?: Buffer
  readonly signal?: AbortSignal
  readonly target?: Partial<UploadTarget>
  /** Runs while the upload does. */
  readonly meanwhile?: (file: OpenDistribution, index: HostileIndex) => Promise<void>
}

/** One upload to an index that follows the script. */
async function upload(script: Script, sending: Sending = {}): Promise<UploadEnd> {
  const { bytes = Buffer.from('some bytes'), signal = NEVER, target = {}, meanwhile } = sending
  const index = await startHostileIndex(script)
  const file = openDistribution({ bytes })
  try {
    const running = uploadDistribution(file.distribution, { ...targetOf(index), ...target }, undefined, signal)
    const [end] = await Promise.all([running, meanwhile?.(file, index)])
    return end
  } finally {
    file.remove()
    await index.stop()
  }
}

function targetOf({ dispatcher, url }: HostileIndex): UploadTarget {
  return uploadTarget(url, { dispatcher, idleTimeoutMs: 10_000 })
}

function summary({ outcome, problem, ends }: UploadEnd): unknown[] {
  return [outcome, problem?.code, ends]
}

describe('an answer that comes before the whole file was sent', () => {
  const TOO_LARGE = ['rejected', 'E_HTTP_TOO_LARGE', 'file']

  it('counts when the server reads on', async () => {
    const end = await upload(
      async (connection) => {
        await connection.head()
        connection.answer('413 Request Entity Too Large', [], 'too big')
        connection.drain()
      },
      { bytes: LARGE },
    )
    assert.deepEqual(summary(end), TOO_LARGE)
    assert.match(end.problem?.message ?? '', /413 Request Entity Too Large: too big, to a request of 50\.0 MB$/)
  })

  it('counts when the server resets the connection right behind it, and again in the middle of the file', async () => {
    for (const before of [0, 4 * MB]) {
      const end = await upload(
        async (connection) => {
          await connection.head()
          await connection.take(before)
          // By now the client waits for the server to read: nothing but the answer and the reset is under way.
          await sleep(100)
          connection.answer('413 Request Entity Too Large', [], 'too big')
          await connection.reset()
        },
        { bytes: LARGE },
      )
      assert.deepEqual(summary(end), TOO_LARGE)
    }
  })

  it('counts when it says nothing of its length and ends with the connection', async () => {
    const end = await upload(
      async (connection) => {
        await connection.head()
        connection.write('HTTP/1.0 401 Unauthorized\r\n\r\nwho are you?')
        connection.end()
      },
      { bytes: LARGE },
    )
    assert.deepEqual(summary(end), ['rejected', 'E_HTTP_UNAUTHORIZED', 'run'])
    assert.match(end.problem?.message ?? '', /who are you\?$/)
  })

  it('counts with what is there of it when the connection breaks inside it', async () => {
    const end = await upload(async (connection) => {
      await connection.request()
      connection.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 1000\r\n\r\nhash mismatch')
      await sleep(50)
      await connection.reset()
    })
    assert.deepEqual(summary(end), ['rejected', 'E_HTTP_REJECTED', 'file'])
    assert.match(end.problem?.message ?? '', /hash mismatch$/)
  })

  it('is no success when it says yes, whether or not it breaks off inside its own body', async () => {
    const broken = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc'
    const answers: Script[] = [
      async (connection) => connection.answer('200 OK'),
      async (connection) => {
        connection.write(broken)
        await connection.end()
      },
    ]
    for (const answer of answers) {
      const end = await upload(
        async (connection) => {
          await connection.head()
          await connection.take(MB)
          await answer(connection)
        },
        { bytes: LARGE },
      )
      assert.deepEqual(summary(end), ['no-answer', 'E_HTTP_NO_ANSWER', 'file'])
      assert.match(
        end.problem?.message ?? '',
        /answered 200 before it had the whole file, after about [\d.]+ MB of 50\.0 MB$/,
      )
    }
  })
})

describe('a connection that ends without an answer', () => {
  it('in the middle of the file says how far it came and what is likely', async () => {
    for (const how of ['reset', 'end'] as const) {
      const end = await upload(
        async (connection) => {
          await connection.head()
          await connection.take(4 * MB)
          await connection[how]()
        },
        { bytes: LARGE },
      )
      assert.deepEqual(summary(end), ['no-answer', 'E_HTTP_NO_ANSWER', 'file'])
      assert.match(
        end.problem?.message ?? '',
        /^the connection ended without an answer, after about [\d.]+ MB of 50\.0 MB$/,
      )
      assert.match(end.problem?.hint ?? '', /limit of size or time/)
      assert.equal(end.attempts, 1)
    }
  })

  it('after the file says that it may be there', async () => {
    for (const how of ['reset', 'end'] as const) {
      const end = await upload(async (connection) => {
        await connection.request()
        await connection[how]()
      })
      assert.deepEqual(summary(end), ['no-answer', 'E_HTTP_NO_ANSWER', 'file'])
      assert.match(end.problem?.message ?? '', /after everything had been sent$/)
      assert.match(end.problem?.hint ?? '', /may or may not be on the index/)
    }
  })
})

describe('silence', () => {
  it('of a server that stops reading ends the file', async () => {
    const end = await upload(
      async (connection) => {
        await connection.head()
      },
      { bytes: LARGE, target: { idleTimeoutMs: 300 } },
    )
    assert.deepEqual(summary(end), ['no-answer', 'E_HTTP_NO_ANSWER', 'file'])
    assert.match(
      end.problem?.message ?? '',
      /^the index took no more bytes for 0\.3 s \(idle-timeout-seconds\), after about/,
    )
  })

  it('of a server that has everything ends the file', async () => {
    const end = await upload(
      async (connection) => {
        await connection.request()
      },
      { target: { idleTimeoutMs: 300 } },
    )
    assert.deepEqual(summary(end), ['no-answer', 'E_HTTP_NO_ANSWER', 'file'])
    assert.match(end.problem?.message ?? '', /^the index had everything and gave no answer within 0\.3 s/)
  })

  it('ends the connection: the next file gets a new one', { timeout: 10_000 }, async () => {
    const ended = Promise.withResolvers<void>()
    const index = await startHostileIndex(async (connection) => {
      await connection.request()
      await connection.take(1).catch(() => ended.resolve())
    })
    const file = openDistribution()
    const end = await uploadDistribution(
      file.distribution,
      { ...targetOf(index), idleTimeoutMs: 200 },
      undefined,
      NEVER,
    )
    assert.equal(end.outcome, 'no-answer')
    await ended.promise
    file.remove()
    await index.stop()
  })

  it('is not what a slow server is that reads on', async () => {
    const started = performance.now()
    const end = await upload(
      async (connection) => {
        let left = await connection.head()
        while (left > 0) {
          const bytes = Math.min(left, 2 * MB)
          await connection.take(bytes)
          left -= bytes
          await sleep(100)
        }
        connection.answer('200 OK')
      },
      { bytes: LARGE, target: { idleTimeoutMs: 1500 } },
    )
    assert.equal(end.outcome, 'published')
    assert.ok(performance.now() - started > 1500, 'the upload took longer than the silence that is allowed')
  })

  it('is over for all of an answer at once: a server that dribbles does not hold the run, and its status counts', async () => {
    const end = await upload(
      async (connection) => {
        await connection.request()
        await sleep(600)
        connection.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 10\r\n\r\nearly')
        await sleep(700)
        connection.write(' late')
      },
      { target: { idleTimeoutMs: 1000 } },
    )
    assert.deepEqual(summary(end), ['rejected', 'E_HTTP_REJECTED', 'file'])
    assert.match(end.problem?.message ?? '', /: early$/)
  })
})

describe('an answer', () => {
  const answering = (statusLine: string, headers: string[] = [], body: string | Buffer = ''): Script => {
    return async (connection) => {
      await connection.request()
      connection.answer(statusLine, headers, body)
    }
  }

  it('of any size is read to 64 KiB and no further', async () => {
    let written = 0
    const end = await upload(async (connection) => {
      await connection.request()
      connection.write(`HTTP/1.1 400 Bad Request\r\nContent-Length: ${500 * MB}\r\n\r\nfirst words `)
      for (; written < 500 * MB; written += MB) {
        connection.write(Buffer.alloc(MB, 'x'))
        await sleep(1)
      }
    })
    assert.deepEqual(summary(end), ['rejected', 'E_HTTP_REJECTED', 'file'])
    assert.match(end.problem?.message ?? '', /first words x+…$/)
    assert.ok(written < 400 * MB, `the connection was ended after ${written} bytes`)
    assert.ok((end.problem?.message.length ?? 0) < 1000)
  })

  it('that says yes at any length is a success', async () => {
    assert.equal((await upload(answering('200 OK', [], 'x'.repeat(MB)))).outcome, 'published')
  })

  it('that is compressed although nobody asked is read', async () => {
    const end = await upload(answering('400 Bad Request', ['Content-Encoding: gzip'], gzipSync('hash mismatch')))
    assert.match(end.problem?.message ?? '', /400 Bad Request: hash mismatch$/)
  })

  it('that is a compressed bomb costs nothing but its words', async () => {
    for (const bomb of [gzipSync(Buffer.alloc(40 * MB)), gzipSync(Buffer.alloc(100 * MB))]) {
      const end = await upload(answering('400 Bad Request', ['Content-Encoding: gzip'], bomb))
      assert.equal(end.problem?.message, 'the index answered 400 Bad Request')
    }
  })

  it('keeps its reason phrase', async () => {
    const end = await upload(answering('400 Package demo.whl already exists in index'))
    assert.deepEqual(summary(end), ['rejected', 'E_HTTP_EXISTS', 'file'])
  })

  it('may have others before it (103)', async () => {
    const end = await upload(async (connection) => {
      await connection.request()
      connection.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n')
      connection.answer('201 Created')
    })
    assert.equal(end.outcome, 'published')
  })

  it('is none when only such a one came', async () => {
    const end = await upload(async (connection) => {
      await connection.request()
      connection.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n')
      connection.end()
    })
    assert.deepEqual(summary(end), ['no-answer', 'E_HTTP_NO_ANSWER', 'file'])
  })

  it('with hostile text becomes one printable line', async () => {
    const words = '\n::error::owned\r##[error]x\u001b[2J\u202eevil <img src=x onerror=alert(1)> `$(id)`\u0000'
    const end = await upload(answering('400 Bad ::set-output name=x::y', ['Content-Type: text/plain'], words))
    const text = `${end.problem?.message} ${end.problem?.hint}`
    assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    assert.match(text, /^the index answered 400 Bad ::set-output name=x::y: ::error::owned/)
  })

  it('that echoes the request does not show the credentials, in whatever part of it they come', async () => {
    const secrets = new Secrets()
    secrets.add('correct horse')
    const authorization = basicAuthorization({ user: 'ci', password: 'correct horse' }, secrets)
    const echo: Script = async (connection) => {
      await connection.request()
      const headers = [`Server: ${authorization}`, `X-Request-Id: ${authorization}`, 'Content-Type: text/html']
      connection.answer(`413 ${authorization}`, headers, `<p>You sent ${authorization} (correct horse)</p>`)
    }
    const end = await upload(echo, { target: { authorization, secrets } })
    assert.equal(end.problem?.code, 'E_HTTP_TOO_LARGE')
    assert.match(end.problem?.message ?? '', /You sent Basic \*\*\*/)
    assert.doesNotMatch(end.problem?.message ?? '', /Y2k6Y29ycmVjd|correct horse/)
  })

  it('that is no HTTP ends the run', async () => {
    const streams = [
      'SSH-2.0-OpenSSH_9.2\r\n',
      '220 mail.example ESMTP\r\n',
      `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`,
      // Nobody asked for it, and the HTTP client takes none.
      'HTTP/1.1 100 Continue\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\n\r\n',
      'HTTP/1.1 099 Too Few\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX Y: z\r\n\r\nhello',
      'HTTP/1.1 200 OK\r\nContent-Length: 5 bytes\r\n\r\nhello',
    ]
    for (const bytes of streams) {
      const end = await upload(async (connection) => {
        await connection.request()
        connection.write(bytes)
      })
      assert.deepEqual(summary(end), ['no-answer', 'E_HTTP_NOT_HTTP', 'run'], bytes.slice(0, 60))
    }
  })

  it('that breaks off in its head is none', async () => {
    for (const how of ['reset', 'end'] as const) {
      const end = await upload(async (connection) => {
        await connection.request()
        connection.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: ngi')
        await sleep(50)
        await connection[how]()
      })
      assert.deepEqual(summary(end), ['no-answer', 'E_HTTP_NO_ANSWER', 'file'], how)
    }
  })
})

describe('a redirect', () => {
  it('is followed once: a second one ends the run', async () => {
    const end = await upload(async (connection) => {
      for (;;) {
        await connection.request()
        connection.answer('307 Temporary Redirect', ['Location: /again/'])
      }
    })
    assert.deepEqual(summary(end), ['rejected', 'E_HTTP_REDIRECT', 'run'])
    assert.equal(end.attempts, 2)
  })

  it('sends the whole form again, to the path and query of the target', async () => {
    const bodies: number[] = []
    const heads: string[] = []
    await upload(
      async (connection) => {
        bodies.push((await connection.request()).length)
        connection.answer('308 Permanent Redirect', ['Location: ../pypi/?x=1#part'])
        bodies.push((await connection.request()).length)
        connection.answer('200 OK')
      },
      {
        bytes: Buffer.alloc(3 * MB, 1),
        meanwhile: async (_, index) => {
          while (index.heads.length < 2) await sleep(10)
          heads.push(...index.heads)
        },
      },
    )
    assert.equal(bodies[0], bodies[1])
    assert.match(heads[1] ?? '', /^POST \/pypi\/\?x=1 HTTP\/1\.1\r\n/)
  })

  it('to another origin gets nothing, not even a connection', async () => {
    let connections = 0
    const other = await startHostileIndex(async () => {
      connections += 1
    })
    try {
      for (const status of ['301 Moved', '302 Found', '303 See Other', '307 Temporary', '308 Permanent']) {
        const end = await upload(async (connection) => {
          await connection.request()
          connection.answer(status, [`Location: ${other.url.href}`])
        })
        assert.deepEqual(summary(end), ['rejected', 'E_HTTP_REDIRECT', 'run'])
        assert.equal(end.attempts, 1)
      }
      assert.equal(connections, 0)
    } finally {
      await other.stop()
    }
  })
})

describe('a file that changes while it is sent', () => {
  for (const [change, how] of [
    ['longer', (path: string) => appendFileSync(path, 'more')],
    ['touched', (path: string) => utimesSync(path, 1, 1)],
  ] as const) {
    it(`is never completed on the server: ${change}`, async () => {
      const progress = Promise.withResolvers<void>()
      const changed = Promise.withResolvers<void>()
      let missing = 0
      const end = await upload(
        async (connection) => {
          const length = await connection.head()
          await connection.take(MB)
          progress.resolve()
          await changed.promise
          missing = length - MB
          for (;;) {
            await connection.take(1)
            missing -= 1
            if (missing === 0) connection.answer('200 OK')
          }
        },
        {
          bytes: Buffer.alloc(20 * MB, 7),
          meanwhile: async ({ path }) => {
            await progress.promise
            how(path)
            changed.resolve()
          },
        },
      )
      assert.deepEqual(summary(end), ['not-tried', 'E_DIST_CHANGED', 'file'])
      assert.ok(missing > 0)
    })
  }
})

describe('a cancelled run', () => {
  const reason = new PublishError({ code: 'E_RUN_CANCELLED', message: 'the run was cancelled' })

  const moments: [string, Script][] = [
    [
      'while the server reads',
      async (connection) => {
        await connection.head()
        for (;;) {
          await connection.take(100_000)
          await sleep(20)
        }
      },
    ],
    [
      'while the server does not read',
      async (connection) => {
        await connection.head()
      },
    ],
    [
      'while the answer is awaited',
      async (connection) => {
        await connection.request()
      },
    ],
    [
      'inside the answer',
      async (connection) => {
        await connection.request()
        connection.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 1000\r\n\r\nhash')
      },
    ],
  ]
  for (const [moment, script] of moments) {
    it(`rejects with the reason within a second: ${moment}`, async () => {
      const controller = new AbortController()
      let aborted = 0
      const running = upload(script, {
        bytes: LARGE,
        signal: controller.signal,
        meanwhile: async () => {
          await sleep(500)
          aborted = performance.now()
          controller.abort(reason)
        },
      })
      await assert.rejects(running, (error) => error === reason)
      assert.ok(performance.now() - aborted < 1000)
    })
  }

  it('ends its connection', { timeout: 10_000 }, async () => {
    const controller = new AbortController()
    const ended = Promise.withResolvers<void>()
    const index = await startHostileIndex(async (connection) => {
      await connection.request()
      controller.abort(reason)
      await connection.take(1).catch(() => ended.resolve())
    })
    const file = openDistribution()
    const running = uploadDistribution(file.distribution, targetOf(index), undefined, controller.signal)
    await assert.rejects(running, (error) => error === reason)
    await ended.promise
    file.remove()
    await index.stop()
  })

  it('is waited for only while something is sent', async () => {
    const { signal } = new AbortController()
    await upload(
      async (connection) => {
        await connection.request()
        connection.answer('200 OK')
      },
      { signal },
    )
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
  })

  it('before the upload sends nothing', async () => {
    let connections = 0
    const running = upload(
      async () => {
        connections += 1
      },
      { signal: AbortSignal.abort(reason) },
    )
    await assert.rejects(running, (error) => error === reason)
    assert.equal(connections, 0)
  })

  it('while the connection is made rejects at once and sends nothing', async () => {
    const controller = new AbortController()
    const index = await startHostileIndex(async (connection) => {
      await connection.head()
    })
    const file = openDistribution()
    const running = uploadDistribution(file.distribution, targetOf(index), undefined, controller.signal)
    controller.abort(reason)
    await assert.rejects(running, (error) => error === reason)
    await sleep(200)
    assert.deepEqual(index.heads, [])
    file.remove()
    await index.stop()
  })
})

describe('three files in order', () => {
  const FILES = ['a-1.0-py3-none-any.whl', 'b-1.0-py3-none-any.whl', 'c-1.0-py3-none-any.whl']

  /** The outcomes when the index has this answer for each of the files. */
  async function outcomes(statusLines: readonly string[]): Promise<string[]> {
    const index = await startHostileIndex(async (connection) => {
      for (;;) {
        const body = await connection.request()
        const file = FILES.findIndex((name) => body.includes(`filename="${name}"`))
        const status = statusLines[file] ?? ''
        if (status === '') return connection.end()
        connection.answer(status)
      }
    })
    const files = FILES.map((file) => openDistribution({ file, project: file.slice(0, 1) }))
    const results: FileResult[] = []
    try {
      const distributions = files.map(({ distribution }) => distribution)
      const request = {
        ...publishing(targetOf(index)),
        maxParallel: 1,
        onResult: (one: FileResult) => results.push(one),
      }
      await publishFiles(distributions, request, NEVER)
    } finally {
      for (const file of files) file.remove()
      await index.stop()
    }
    assert.deepEqual(
      results.map(({ file }) => file),
      FILES,
    )
    return results.map(({ outcome, attempts }) => `${outcome} ${attempts}`)
  }

  for (const [what, status, outcome] of [
    ['is refused', '400 Bad Request', 'rejected 1'],
    ['meets a server error', '503 Service Unavailable', 'rejected 1'],
    ['gets no answer', '', 'no-answer 1'],
    ['is forbidden for its project', '403 Forbidden', 'rejected 1'],
  ] as const) {
    it(`go on when the first, the second or the third ${what}`, async () => {
      for (const index of [0, 1, 2]) {
        const expected = ['published 1', 'published 1', 'published 1'].with(index, outcome)
        assert.deepEqual(await outcomes(['200 OK', '200 OK', '200 OK'].with(index, status)), expected)
      }
    })
  }

  it('end where the first, the second or the third is told who may upload at all', async () => {
    for (const index of [0, 1, 2]) {
      const expected = FILES.map((_, at) => {
        if (at === index) return 'rejected 1'
        return at < index ? 'published 1' : 'not-tried 0'
      })
      assert.deepEqual(await outcomes(['200 OK', '200 OK', '200 OK'].with(index, '401 Unauthorized')), expected)
    }
  })
})

describe('a file that is sent again', () => {
  const tries = (retries: number): Partial<UploadTarget> => ({ retries, pace: quickPace(retries) })

  it('is sent whole, and published when the server is well again', async () => {
    for (const first of ['503 Service Unavailable', '429 Too Many Requests', '500 Oh no', '408 Request Timeout']) {
      const statusLines = [first, first, '200 OK']
      const bodies: Buffer[] = []
      const end = await upload(
        async (connection) => {
          for (;;) {
            bodies.push(await connection.request())
            connection.answer(statusLines.shift() ?? '')
          }
        },
        { target: tries(4) },
      )
      assert.deepEqual([...summary(end), end.attempts], ['published', undefined, 'file', 3])
      assert.deepEqual(new Set(bodies.map(({ length }) => length)).size, 1)
    }
  })

  it('gets as many tries as it has retries, and then the last answer counts', async () => {
    let requests = 0
    const script: Script = async (connection) => {
      for (;;) {
        await connection.request()
        requests += 1
        connection.answer('502 Bad Gateway')
      }
    }
    const end = await upload(script, { target: tries(2) })
    assert.deepEqual([...summary(end), end.attempts, requests], ['rejected', 'E_HTTP_SERVER_ERROR', 'file', 3, 3])
  })

  it('is not sent again after a final no, or a wait that is too long', async () => {
    for (const answer of ['400 Bad Request', '403 Forbidden', '503 Busy\r\nRetry-After: 86400']) {
      const script: Script = async (connection) => {
        await connection.request()
        connection.answer(answer)
      }
      assert.equal((await upload(script, { target: tries(4) })).attempts, 1)
    }
  })

  it('is sent once more where the connection died at one place of a large body, and no third time', async () => {
    let connections = 0
    const script: Script = async (connection) => {
      connections += 1
      await connection.head()
      await connection.take(4 * 1024 * 1024)
      await connection.reset()
    }
    const end = await upload(script, { bytes: Buffer.alloc(16 * 1024 * 1024, 7), target: tries(4) })
    assert.deepEqual([...summary(end), end.attempts, connections], ['no-answer', 'E_HTTP_NO_ANSWER', 'file', 2, 2])
    assert.match(
      end.problem?.message ?? '',
      /after about 4\.\d MB of 16\.8 MB, twice at the same place .*: a limit of size is likely$/,
    )
  })

  it('is sent on where the places differ', async () => {
    const places = [1, 14, 4].map((megabytes) => megabytes * 1024 * 1024)
    const script: Script = async (connection) => {
      const place = places.shift()
      if (place === undefined) {
        await connection.request()
        return connection.answer('200 OK')
      }
      await connection.head()
      await connection.take(place)
      await connection.reset()
    }
    const end = await upload(script, { bytes: Buffer.alloc(16 * 1024 * 1024, 7), target: tries(4) })
    assert.deepEqual([...summary(end), end.attempts], ['published', undefined, 'file', 4])
  })

  it('waits for a refusal before its content, once a connection died: the refusal is heard', async () => {
    let connections = 0
    const script: Script = async (connection) => {
      connections += 1
      await connection.head()
      connection.answer('413 Content Too Large')
      await connection.reset()
    }
    // What is heard at the first try depends on the moment of the reset.
    const end = await upload(script, { bytes: LARGE, target: { ...tries(4), holdBackMs: 1_000 } })
    assert.deepEqual(summary(end), ['rejected', 'E_HTTP_TOO_LARGE', 'file'])
    assert.ok(connections <= 2)
  })
})
