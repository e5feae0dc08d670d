import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createRoot, issueClient, issueServer } from '../../../demo/certificate-authority.ts'
import { type IndexOptions, type RunningIndex, startIndex } from '../../../demo/index-server.ts'
import { writeSamples } from '../../../demo/sample-distributions.ts'
import { basicAuthorization } from '../../../src/credentials/basic.ts'
import { checkDistributions } from '../../../src/distributions/check.ts'
import type { Distribution } from '../../../src/distributions/distribution.ts'
import { ProblemList } from '../../../src/errors.ts'
import type { UploadTarget } from '../../../src/package-index/attempt.ts'
import { formFields } from '../../../src/package-index/form.ts'
import { uploadDistribution } from '../../../src/package-index/upload.ts'
import type { Transport } from '../../../src/transport/transport.ts'
import { openDistribution } from '../../support/open-distribution.ts'
import { transportTo } from '../../support/transport.ts'
import { uploadTarget } from '../../support/upload-target.ts'

const root = createRoot({ name: 'Example Root' })
const server = issueServer(root, { name: 'localhost' })
const client = issueClient(root, { name: 'release' })
const stranger = issueClient(createRoot({ name: 'Other Root' }), { name: 'stranger' })

const scratch = mkdtempSync(join(tmpdir(), 'upload-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

const NEVER = new AbortController().signal

interface Meeting {
  readonly index: RunningIndex
  readonly target: UploadTarget
}

/** A running index, and the way to it over the real transport. */
async function meet<T>(
  options: Partial<IndexOptions>,
  use: (meeting: Meeting) => Promise<T>,
  identity = client,
): Promise<T> {
  const directory = mkdtempSync(join(scratch, 'index-'))
  const index = await startIndex({
    server: { pem: server.pem, keyPem: server.keyPem },
    clientAuthorities: [root.pem],
    directory,
    ...options,
  })
  // Room for more connections than are needed: one after the other, files share one all the same.
  const transport = transportTo(index.uploadUrl, { client: [identity], trusted: [root], connections: 6 })
  try {
    return await use({ index, target: await targetOf(index.uploadUrl, transport) })
  } finally {
    await transport.close()
    await index.stop()
  }
}

async function targetOf(url: string, { dispatcher, explain }: Transport): Promise<UploadTarget> {
  return uploadTarget(new URL(url), { dispatcher: await dispatcher, explain })
}

/** Real distributions, read and checked as a run does it. */
async function samples(): Promise<readonly Distribution[]> {
  const directory = mkdtempSync(join(scratch, 'dist-'))
  const found = (await writeSamples(directory, { project: 'Demo.Pkg', version: '1.2.0', wheels: 2 })).map((sample) => ({
    path: sample.path,
    shown: `dist/${sample.name}`,
    file: sample.name,
  }))
  const problems = new ProblemList()
  const checked = await checkDistributions(found, { verifyMetadata: true, md5: true, signal: NEVER }, problems)
  problems.throwIfAny()
  return checked
}

async function withFile<T>(
  options: Parameters<typeof openDistribution>[0],
  use: (distribution: Distribution, path: string) => Promise<T>,
): Promise<T> {
  const { distribution, path, remove } = openDistribution(options)
  try {
    return await use(distribution, path)
  } finally {
    remove()
  }
}

describe('an upload', () => {
  it('stores wheels and sdists byte for byte, on one connection', async () => {
    await meet({}, async ({ index, target }) => {
      const distributions = await samples()
      assert.equal(distributions.length, 3)
      for (const distribution of distributions) {
        const end = await uploadDistribution(distribution, target, undefined, NEVER)
        assert.deepEqual([end.outcome, end.problem, end.ends, end.attempts], ['published', undefined, 'file', 1])
        const stored = index.read(distribution.file)
        assert.deepEqual(stored, distribution.content.readSync(0, distribution.size))
        distribution.content.close()
      }
      assert.deepEqual(index.files(), distributions.map(({ file }) => file).sort())
      assert.equal(index.connections, 1)
    })
  })

  it('sends every field of the form, each value as it is', async () => {
    await meet({}, async ({ index, target }) => {
      const [distribution] = await samples()
      assert.ok(distribution)
      await uploadDistribution(distribution, target, undefined, NEVER)
      distribution.content.close()
      const [request] = index.requests
      const expected = new Map<string, string[]>()
      for (const [name, value] of formFields(distribution, await distribution.digests.get())) {
        expected.set(name, [...(expected.get(name) ?? []), value])
      }
      assert.deepEqual(request?.fields, expected)
      assert.equal(request?.content?.contentType, 'application/octet-stream')
      assert.equal(request?.content?.filename, distribution.file)
    })
  })

  it('keeps the line ends of a description: LF, CRLF, CR, mixed, none at the end', async () => {
    await meet({}, async ({ index, target }) => {
      const descriptions = ['# a\n\nb\n', '# a\r\n\r\nb\r\n', 'a\rb', 'a\nb\r\nc\rd\n\r', 'no end']
      for (const [number, description] of descriptions.entries()) {
        await withFile({ version: `${number}.0`, description }, async (distribution) => {
          const end = await uploadDistribution(distribution, target, undefined, NEVER)
          assert.equal(end.problem, undefined)
          assert.deepEqual(index.requests.at(-1)?.fields.get('description'), [description])
        })
      }
    })
  })

  it('of 20 MB of random bytes arrives whole', async () => {
    await meet({}, async ({ index, target }) => {
      const bytes = randomBytes(20_000_000)
      await withFile({ bytes }, async (distribution, path) => {
        const end = await uploadDistribution(distribution, target, undefined, NEVER)
        assert.equal(end.problem, undefined)
        assert.ok(index.read(distribution.file).equals(readFileSync(path)))
      })
    })
  })

  it('has a length and our name in its headers, and no credentials where there are none', async () => {
    await meet({}, async ({ index, target }) => {
      await withFile({}, (distribution) => uploadDistribution(distribution, target, undefined, NEVER))
      const { method, path, headers } = index.requests[0] ?? {}
      assert.deepEqual([method, path], ['POST', '/legacy/'])
      assert.match(headers?.['content-length'] ?? '', /^\d+$/)
      assert.equal(headers?.['transfer-encoding'], undefined)
      assert.equal(headers?.['user-agent'], 'publish-python-mtls/0')
      assert.equal(headers?.['accept-encoding'], 'identity')
      assert.match(headers?.accept ?? '', /^application\/json,/)
      assert.equal(headers?.authorization, undefined)
    })
  })

  it('sends the credentials that it is given', async () => {
    const users = new Map([['ci', 'correct horse']])
    await meet({ users }, async ({ index, target }) => {
      const authorization = basicAuthorization({ user: 'ci', password: 'correct horse' }, target.secrets)
      const end = await withFile({}, (distribution) =>
        uploadDistribution(distribution, { ...target, authorization }, undefined, NEVER),
      )
      assert.equal(end.outcome, 'published')
      assert.equal(index.requests[0]?.headers.authorization, authorization)
    })
  })

  it('follows one redirect to the same origin and counts both requests', async () => {
    await meet({}, async ({ index, target }) => {
      const bytes = randomBytes(3_000_000)
      await withFile({ bytes }, async (distribution) => {
        const url = new URL('/legacy', target.url)
        const end = await uploadDistribution(distribution, { ...target, url }, undefined, NEVER)
        assert.deepEqual([end.outcome, end.attempts], ['published', 2])
        assert.ok(index.read(distribution.file).equals(bytes))
        assert.deepEqual(
          index.requests.map(({ path, status }) => [path, status]),
          [
            ['/legacy', 308],
            ['/legacy/', 200],
          ],
        )
      })
    })
  })
})

describe('an upload that the index refuses', () => {
  const upload = (meeting: Meeting, change: Partial<UploadTarget> = {}) =>
    withFile({}, (distribution) => uploadDistribution(distribution, { ...meeting.target, ...change }, undefined, NEVER))

  it('because the file is there is rejected with its words', async () => {
    await meet({}, async (meeting) => {
      await upload(meeting)
      const { outcome, problem, ends } = await upload(meeting)
      assert.deepEqual([outcome, problem?.code, ends], ['rejected', 'E_HTTP_EXISTS', 'file'])
      assert.match(problem?.message ?? '', /answered 409 .*File already exists: demo-1\.0-py3-none-any\.whl/)
    })
  })

  it('because it knows no user of the certificate ends the project', async () => {
    await meet({ uploaders: new Set(['somebody-else']) }, async (meeting) => {
      const { outcome, problem, ends } = await upload(meeting)
      assert.deepEqual([outcome, problem?.code, ends], ['rejected', 'E_HTTP_FORBIDDEN', 'project'])
      assert.match(problem?.message ?? '', /^the handshake was accepted as CN=release, but .*403.*belongs to no user/)
    })
  })

  it('because credentials are missing or wrong ends the run', async () => {
    await meet({ users: new Map([['ci', 'correct horse']]) }, async (meeting) => {
      const authorization = basicAuthorization({ user: 'ci', password: 'battery staple' }, meeting.target.secrets)
      for (const [change, hint] of [
        [{}, /^Have the index map the certificate to a user/],
        [{ authorization }, /^Check user and password/],
      ] as const) {
        const { outcome, problem, ends } = await upload(meeting, change)
        assert.deepEqual([outcome, problem?.code, ends], ['rejected', 'E_HTTP_UNAUTHORIZED', 'run'])
        assert.match(problem?.hint ?? '', hint)
      }
    })
  })

  it('because there is nothing at that URL ends the run', async () => {
    await meet({}, async (meeting) => {
      const { problem, ends } = await upload(meeting, { url: new URL('/simple/', meeting.target.url) })
      assert.deepEqual([problem?.code, ends], ['E_HTTP_NOT_FOUND', 'run'])
      assert.match(problem?.hint ?? '', /simple index that pip reads/)
    })
  })
})

describe('an upload without a connection', () => {
  it('ends the run untried, with the explanation of the transport: a certificate that is refused', async () => {
    const upload = (meeting: Meeting) =>
      withFile({}, (distribution) => uploadDistribution(distribution, meeting.target, undefined, NEVER))
    await meet(
      {},
      async (meeting) => {
        const { outcome, problem, ends, attempts } = await upload(meeting)
        assert.deepEqual([outcome, ends, attempts], ['not-tried', 'run', 0])
        assert.match(problem?.code ?? '', /^E_TLS_CLIENT_/)
        assert.equal(meeting.index.requests.length, 0)
      },
      stranger,
    )
  })

  it('ends the run untried: nobody listens', async () => {
    const { url, transport } = await meet({}, async ({ index }) => ({
      url: index.uploadUrl,
      transport: transportTo(index.uploadUrl, { client: [client], trusted: [root] }),
    }))
    try {
      const { outcome, problem, ends, attempts } = await withFile({}, async (distribution) =>
        uploadDistribution(distribution, await targetOf(url, transport), undefined, NEVER),
      )
      assert.deepEqual([outcome, ends, attempts], ['not-tried', 'run', 0])
      assert.equal(problem?.code, 'E_NETWORK_REFUSED')
    } finally {
      await transport.close()
    }
  })
})
