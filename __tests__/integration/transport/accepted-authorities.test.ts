import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createRoot, issueClient } from '../../../demo/certificate-authority.ts'
import { Secrets } from '../../../src/text.ts'
import { type AuthorityQuestion, createAuthorityQuestion } from '../../../src/transport/accepted-authorities.ts'
import { startServer } from '../../support/tls-servers.ts'

const root = createRoot({ name: 'Corporate Root', organization: 'Example, Inc.' })
const client = issueClient(root, { name: 'publisher' })

/** In place of `openssl`: notes how it was called, connects where it is told to, and prints `output`. */
function program(t: TestContext, output: string, behaviour = '') {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'openssl-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const file = path.join(directory, 'openssl')
  const note = path.join(directory, 'note.json')
  const gone = path.join(directory, 'gone')
  const words = `${output}\n`
  writeFileSync(
    file,
    `#!${process.execPath}
const { connect } = require('node:net')
const { writeFileSync } = require('node:fs')
writeFileSync(${JSON.stringify(note)}, JSON.stringify({ args: process.argv.slice(2), env: process.env, cwd: process.cwd() }))
const gone = ${JSON.stringify(gone)}
const [, port] = process.argv[4].split(':')
const socket = connect(Number(port), '127.0.0.1', () => socket.write('hello'))
socket.on('error', () => {})
socket.once('data', () => {
  ${behaviour}
  process.stdout.write(${JSON.stringify(words)}, () => socket.end())
})
`,
  )
  chmodSync(file, 0o755)
  return {
    file,
    called: (): unknown => JSON.parse(readFileSync(note, 'utf8')),
    ended: async () => {
      while (!existsSync(gone)) await new Promise((resolve) => setTimeout(resolve, 10))
    },
  }
}

interface QuestionOptions {
  readonly proxy?: URL
  readonly secrets?: Secrets
  readonly host?: string
  /** Milliseconds. */
  readonly time?: number
}

async function ask(t: TestContext, file: string, options: QuestionOptions = {}) {
  const { question, running } = await questionFor(t, file, options)
  return { answer: await question.ask(new AbortController().signal), running, question }
}

async function questionFor(
  t: TestContext,
  file: string,
  { proxy, secrets = new Secrets(), host = 'localhost', time = 10_000 }: QuestionOptions,
) {
  const running = await startServer((socket) => socket.on('data', (chunk) => socket.write(chunk)))
  t.after(() => running.stop())
  const question: AuthorityQuestion = createAuthorityQuestion(
    {
      url: new URL(`https://${host}:${running.port}/`),
      proxy,
      secrets,
      idleTimeoutMs: 5_000,
      tlsMinVersion: 'TLSv1.2',
      tlsMaxVersion: 'TLSv1.2',
    },
    [client.certificate],
    { programs: [path.join(os.tmpdir(), 'no-such-program'), file], time },
  )
  return { question, running }
}

const NAMES = `CONNECTED(00000003)
---
Acceptable client certificate CA names
CN=Someone Else
O=Example\\, Inc.,CN=Corporate Root
Client Certificate Types: RSA sign
Requested Signature Algorithms: ECDSA+SHA256
---`

// Not asked for on Windows, where programs have no fixed place.
if (process.platform !== 'win32')
  describe('the CAs that a server accepts', () => {
    it('are read from the program, and ours is found among them', async (t) => {
      const { answer, question } = await ask(t, program(t, NAMES).file)
      const ours = 'CN=Corporate Root, O=Example\\, Inc.'
      assert.deepEqual(answer, { names: ['CN=Someone Else', ours], ours })
      assert.deepEqual(question.answer, answer)
    })

    it('are asked for once', async (t) => {
      const { answer, question, running } = await ask(t, program(t, NAMES).file)
      assert.equal(await question.ask(new AbortController().signal), answer)
      assert.equal(running.connections, 1)
    })

    it('may be none, and then nothing follows from it', async (t) => {
      const { answer } = await ask(t, program(t, 'No client certificate CA names sent').file)
      assert.deepEqual(answer, { names: [], ours: undefined })
    })

    it('are unknown where there is no program, it prints something else, or far too much', async (t) => {
      const file = program(t, NAMES).file
      const absent = await ask(t, `${file}-absent`)
      assert.equal(absent.answer, undefined)
      assert.equal((await ask(t, program(t, 'unable to load provider').file)).answer, undefined)
      assert.equal((await ask(t, program(t, `${NAMES}\n${'x'.repeat(300_000)}`).file)).answer, undefined)
    })

    it('are asked for with a listed environment, from /, over the loopback interface, by no secret', async (t) => {
      process.env.SSL_CERT_FILE = '/tmp/ca.pem'
      t.after(() => delete process.env.SSL_CERT_FILE)
      const { file, called } = program(t, NAMES)
      await ask(t, file)
      const { args, env, cwd } = read(called())
      assert.deepEqual(
        Object.keys(env)
          .filter((name) => !name.startsWith('__'))
          .toSorted(),
        ['LC_ALL', 'OPENSSL_CONF'],
      )
      assert.equal(env.OPENSSL_CONF, '/dev/null')
      assert.equal(cwd, '/')
      assert.match(
        args.join(' '),
        /^s_client -connect 127\.0\.0\.1:\d+ -servername localhost -tls1_2 -alpn http\/1\.1 -nameopt \S+$/,
      )
    })

    it('are asked for without a name where the URL has an address', async (t) => {
      const { file, called } = program(t, NAMES)
      await ask(t, file, { host: '127.0.0.1' })
      assert.ok(read(called()).args.includes('-noservername'))
    })

    it('are asked for through the proxy, whose password the program never sees', async (t) => {
      const heads: string[] = []
      const proxy = await startServer((socket) => {
        socket.once('data', (chunk) => {
          heads.push(chunk.toString('latin1'))
          const [, port] = /^CONNECT [^:]+:(\d+) /.exec(chunk.toString('latin1')) ?? []
          const onward = connect(Number(port), '127.0.0.1', () => {
            socket.write('HTTP/1.1 200 OK\r\n\r\n')
            socket.pipe(onward).pipe(socket)
          })
          onward.on('error', () => socket.destroy())
        })
      })
      t.after(() => proxy.stop())
      const { file, called } = program(t, NAMES)
      const url = new URL(`http://user:top-secret@localhost:${proxy.port}`)
      const { answer } = await ask(t, file, { proxy: url })
      assert.equal(answer?.names.length, 2)
      assert.match(heads[0] ?? '', /^CONNECT localhost:\d+ .*\r\nProxy-Authorization: Basic /s)
      assert.doesNotMatch(JSON.stringify(called()), /top-secret|dXNlcjp0b3Atc2VjcmV0/)
    })

    it('come without secrets, whatever the server sends', async (t) => {
      const secrets = new Secrets()
      secrets.add('Corporate Root')
      const { answer } = await ask(t, program(t, NAMES).file, { secrets })
      assert.deepEqual(answer?.names[1], 'CN=***, O=Example\\, Inc.')
    })

    it('are given up after the time for it, and the program with its connection', async (t) => {
      const { file, ended } = program(t, NAMES, 'process.on("exit", () => writeFileSync(gone, "")); return')
      assert.equal((await ask(t, file, { time: 400 })).answer, undefined)
      await ended()
    })

    it('are not waited for when the run is cancelled, and the program loses its connection', async (t) => {
      const { question, running } = await questionFor(t, program(t, NAMES, 'return').file, {})
      const cancel = new AbortController()
      const waiting = question.ask(cancel.signal)
      while (running.connections === 0) await new Promise((resolve) => setTimeout(resolve, 10))
      cancel.abort(new Error('cancelled'))
      assert.equal(await waiting, undefined)
    })
  })

interface Call {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

function read(call: unknown): Call {
  assert.ok(isCall(call))
  return call
}

function isCall(value: unknown): value is Call {
  return typeof value === 'object' && value !== null && 'args' in value && 'env' in value && 'cwd' in value
}
