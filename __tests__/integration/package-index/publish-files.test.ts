import assert from 'node:assert/strict'
import { truncateSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Agent } from 'undici'
import { monotonicNow } from '../../../src/clock.ts'
import { FileDigests } from '../../../src/distributions/hashing.ts'
import { PublishError } from '../../../src/errors.ts'
import type { UploadTarget } from '../../../src/package-index/attempt.ts'
import type { FileResult } from '../../../src/package-index/outcome.ts'
import { Pace } from '../../../src/package-index/pace.ts'
import { type PublishRequest, publishFiles } from '../../../src/package-index/publish-files.ts'
import { type Ask, type Finding, LookupFailure } from '../../../src/package-index/simple-index.ts'
import { Slots } from '../../../src/package-index/slots.ts'
import { type HostileConnection, type Script, startHostileIndex } from '../../support/hostile-index.ts'
import { type OpenDistribution, openDistribution } from '../../support/open-distribution.ts'
import { accessTo, publishing, quickPace, uploadTarget } from '../../support/upload-target.ts'

const OTHER: Finding = { state: 'other', listed: 'sha256 ab12', url: undefined }
const ABSENT: Finding = { state: 'absent' }
const SAME: Finding = { state: 'same', verified: 'sha256' }

/** From now on the clock shows so many seconds more. */
function later(test: TestContext, seconds: number): void {
  const uptime = process.uptime.bind(process)
  test.mock.method(process, 'uptime', () => uptime() + seconds)
}

/**
 * The results of one file; `findingAt`: what the index has at each look, from 1, or it throws. A run that is cancelled has
 * results too.
 */
async function publishAsking(
  target: UploadTarget,
  findingAt: (look: number) => Finding,
  {
    signal = new AbortController().signal,
    verifyTimeoutMs = 1_000,
  }: { readonly signal?: AbortSignal; readonly verifyTimeoutMs?: number } = {},
): Promise<readonly FileResult[]> {
  const file = openDistribution()
  const results: FileResult[] = []
  let looks = 0
  const ask: Ask = async () => {
    looks += 1
    return { known: true, files: new Map([[file.distribution.file, findingAt(looks)]]) }
  }
  const request = {
    ...publishing(target),
    verifyTimeoutMs,
    access: accessTo(ask),
    onResult: (result: FileResult) => results.push(result),
  }
  try {
    await publishFiles([file.distribution], request, signal)
  } catch (error) {
    assert.ok(signal.aborted, String(error))
  } finally {
    file.remove()
  }
  return results
}

/** Publishes, without lookups unless `change` has them; the server answers each file with `statusLine`. Files and server are gone afterwards. */
async function publishAnswered(
  files: readonly OpenDistribution[],
  statusLine: string,
  change: Partial<PublishRequest>,
  onRequest: () => void = () => {},
): Promise<void> {
  const index = await startHostileIndex(async (connection) => {
    for (;;) {
      await connection.request()
      onRequest()
      connection.answer(statusLine)
    }
  })
  const request = { ...publishing(uploadTarget(index.url, { dispatcher: index.dispatcher })), ...change }
  try {
    const distributions = files.map(({ distribution }) => distribution)
    await publishFiles(distributions, request, new AbortController().signal)
  } finally {
    for (const file of files) file.remove()
    await index.stop()
  }
}

/** One file, which the index lists 1.5 seconds after the server answered, or hung up; it has 5 seconds to list files. */
async function publishListedLate(answer: string): Promise<FileResult> {
  const index = await startHostileIndex(async (connection) => {
    await connection.request()
    if (answer === 'hangs up') connection.end()
    else connection.answer(answer)
  })
  const target = uploadTarget(index.url, { dispatcher: index.dispatcher })
  let answeredAt = Number.POSITIVE_INFINITY
  const findingAt = (look: number) => {
    if (look === 2) answeredAt = monotonicNow()
    return monotonicNow() - answeredAt < 1_500 ? ABSENT : SAME
  }
  const results = await publishAsking(target, findingAt, { verifyTimeoutMs: 5_000 })
  await index.stop()
  const [result] = results
  assert.ok(result)
  return result
}

interface PublishOptions {
  readonly retries?: number
  readonly pauseMs?: number
  readonly html?: Finding
  /** Of the server's answer. */
  readonly headers?: readonly string[]
}

/**
 * One file, with `skip-existing: true`: what the server answers to it, and what the index has at each look. `html`: what
 * its page in HTML has at each, where the two differ. `pauseMs`: for which the index then asks to be left alone.
 */
async function publish(
  statusLine: string,
  findings: readonly (Finding | 'fails')[],
  { retries = 0, pauseMs = 0, html, headers = [] }: PublishOptions = {},
): Promise<FileResult> {
  const left = [...findings]
  const index = await startHostileIndex(async (connection) => {
    for (;;) {
      await connection.request()
      connection.answer(statusLine, headers)
    }
  })
  const file = openDistribution()
  const results: FileResult[] = []
  const { dispatcher } = index
  const request = publishing(uploadTarget(index.url, { dispatcher, retries, pace: quickPace(retries) }))
  const pause = { until: 0 }
  const pace = new Pace({ retries: 0, firstPauseMs: 1, random: Math.random, pause })
  const ask: Ask = async (_project, _files, prefer) => {
    pause.until = monotonicNow() + pauseMs
    const asJson = left.length > 1 ? left.shift() : left[0]
    const finding = (prefer === 'html' && html) || asJson
    if (finding === 'fails') throw new LookupFailure(new PublishError({ code: 'E_INDEX_LOOKUP', message: 'no page' }))
    return { known: true, files: new Map([[file.distribution.file, finding ?? ABSENT]]) }
  }
  try {
    const ended = await publishFiles(
      [file.distribution],
      {
        ...request,
        access: { ask, pace, retries: 0, slots: new Slots(1), onRetry: () => {} },
        policy: { ...request.policy, skipExisting: true },
        onResult: (result) => results.push(result),
      },
      new AbortController().signal,
    )
    assert.equal(ended, undefined)
  } finally {
    file.remove()
    await index.stop()
  }
  const [result, ...others] = results
  assert.ok(result)
  assert.deepEqual(others, [])
  return result
}

describe('with skip-existing, other bytes under the name of a file', () => {
  it('that were there before are left alone: skipped, and nothing is sent', async () => {
    const { outcome, attempts, code } = await publish('500 never asked', [OTHER])
    assert.deepEqual([outcome, attempts, code], ['skipped', 0, 'E_INDEX_CONFLICT'])
  })

  it('that came in between, as the server says, are left alone too', async () => {
    const { outcome, attempts } = await publish('409 exists already', [ABSENT, OTHER])
    assert.deepEqual([outcome, attempts], ['skipped', 1])
  })

  it('are left alone where the server failed, but nobody says that they were left as they are', async () => {
    const { outcome, attempts, message, there } = await publish('500 stored or not', [ABSENT, OTHER])
    assert.deepEqual([outcome, attempts, there], ['skipped', 1, 'perhaps-taken'])
    assert.match(message ?? '', /; a try before got no final answer, and may have stored or replaced it$/)
  })

  it('are a conflict where the server took ours: one of both was replaced', async () => {
    const { outcome, message } = await publish('200 OK', [ABSENT, OTHER])
    assert.equal(outcome, 'conflict')
    assert.doesNotMatch(message ?? '', /left as it is/)
  })
})

describe('a file that would be sent again', () => {
  const BUSY = '503 Service Unavailable'

  it('is not, where the index lists it when it was asked after the failure', async () => {
    const { outcome, attempts } = await publish(BUSY, [ABSENT, SAME], { retries: 4 })
    assert.deepEqual([outcome, attempts], ['published', 1])
  })

  it('is not, where the index lists it only when its turn has come', async () => {
    const { outcome, attempts } = await publish(BUSY, [ABSENT, ABSENT, SAME], { retries: 4 })
    assert.deepEqual([outcome, attempts], ['published', 1])
    const other = await publish(BUSY, [ABSENT, ABSENT, OTHER], { retries: 4 })
    assert.deepEqual([other.outcome, other.attempts], ['skipped', 1])
  })

  it('is not, where the page in HTML lists it and the one in JSON is a stale copy', async () => {
    for (const retries of [0, 4]) {
      const { outcome, attempts } = await publish(BUSY, [ABSENT], { retries, html: SAME })
      assert.deepEqual([outcome, attempts], ['published', 1])
    }
  })

  it('is not where another run published it while no connection stood: it was there before', async (test) => {
    const index = await startHostileIndex(async () => {})
    await index.stop()
    const dispatcher = new Agent()
    const refused = new PublishError({ code: 'E_NETWORK_REFUSED', message: 'refused' })
    const way = { dispatcher, retries: 1, pace: quickPace(1), explain: () => refused }
    // Looks count for ten seconds.
    const onRetry = () => later(test, 11)
    const target = uploadTarget(index.url, { ...way, onRetry })
    const [result] = await publishAsking(target, (look) => (look === 1 ? ABSENT : SAME))
    await dispatcher.close()
    assert.deepEqual([result?.outcome, result?.attempts], ['already-published', 0])
  })

  it('is, as often as it may, where the index never lists it', async () => {
    const { outcome, attempts } = await publish(BUSY, [ABSENT], { retries: 2 })
    assert.deepEqual([outcome, attempts], ['rejected', 3])
  })
})

describe('a file that the index came to have while another one of its project was in trouble', () => {
  for (const [theirs, outcome, page] of [
    [OTHER, 'conflict', 'json'],
    [OTHER, 'conflict', 'html'],
    [SAME, 'already-published', 'json'],
  ] as const) {
    it(`is not sent: ${theirs.state} bytes, on the page in ${page} alone, ${outcome}`, async () => {
      const wheels = ['demo-1.0-py3-none-any.whl', 'demo-1.0-py2-none-any.whl'].map((file) =>
        openDistribution({ file }),
      )
      const last = wheels
        .map(({ distribution }) => distribution.file)
        .sort()
        .at(-1)
      let posts = 0
      const index = await startHostileIndex(async (connection) => {
        for (;;) {
          await connection.request()
          posts += 1
          connection.answer(posts === 1 ? '503 Service Unavailable' : '200 OK')
        }
      })
      // Another job publishes the last file behind the first upload.
      const ask: Ask = async (_project, files, prefer) => {
        const isThere = (file: string) => file === last && posts > 0 && prefer === page
        return {
          known: true,
          files: new Map(files.map(({ file }): [string, Finding] => [file, isThere(file) ? theirs : ABSENT])),
        }
      }
      const results: FileResult[] = []
      const target = uploadTarget(index.url, { dispatcher: index.dispatcher, retries: 1, pace: quickPace(1) })
      const request = {
        ...publishing(target),
        maxParallel: 1,
        verify: false,
        access: accessTo(ask),
        onResult: (result: FileResult) => results.push(result),
      }
      const distributions = wheels.map(({ distribution }) => distribution).sort((a, b) => (a.file < b.file ? -1 : 1))
      try {
        await publishFiles(distributions, request, new AbortController().signal)
      } finally {
        for (const wheel of wheels) wheel.remove()
        await index.stop()
      }
      assert.equal(posts, 2)
      assert.deepEqual(
        results.map((result) => [result.file === last, result.outcome, result.attempts]),
        [
          [false, 'published', 2],
          [true, outcome, 0],
        ],
      )
    })
  }
})

describe('a redirect that asks for the file once more', () => {
  const AGAIN = '307 Temporary Redirect'
  const headers = ['Location: /elsewhere/']

  it('is not, where the index has got it since the look before, however short that is ago', async () => {
    const { outcome, attempts } = await publish(AGAIN, [ABSENT, OTHER], { headers })
    assert.deepEqual([outcome, attempts], ['skipped', 1])
  })

  it('and that the index has by then is asked about once: a second look could only forget it', async () => {
    const { outcome, attempts } = await publish(AGAIN, [ABSENT, SAME, 'fails'], { headers })
    assert.deepEqual([outcome, attempts], ['published', 1])
  })

  it('is not, where the index does not say whether it has it', async () => {
    const { outcome, attempts, code, message } = await publish(AGAIN, [ABSENT, 'fails'], { headers })
    assert.deepEqual([outcome, attempts, code], ['rejected', 1, 'E_INDEX_LOOKUP'])
    assert.match(
      message ?? '',
      /answered 307 and points to https:\/\/localhost:\d+\/elsewhere\/; .* was not sent there/,
    )
  })
})

describe('a file that the server took', () => {
  it('is unconfirmed where the index asks for a pause that is longer than the wait: it says that nobody asked', async () => {
    const { outcome, message, hint } = await publish('200 OK', [ABSENT], { pauseMs: 60_000 })
    assert.equal(outcome, 'unconfirmed')
    assert.match(message ?? '', /did not list it within 2 s \(it was not asked again: a pause that it asked for/)
    // Who was not asked may well know the project.
    assert.doesNotMatch(hint ?? '', /check-url/)
  })
})

describe('the time of an upload', () => {
  it('ends with the last answer: what the index was asked behind it is no time of the upload', async (test) => {
    const index = await startHostileIndex(async (connection) => {
      await connection.request()
      connection.answer('503 stored or not')
    })
    const target = uploadTarget(index.url, { dispatcher: index.dispatcher })
    const [result] = await publishAsking(target, (look) => {
      if (look > 1) later(test, 100)
      return ABSENT
    })
    await index.stop()
    assert.ok(result !== undefined && result.milliseconds < 50_000)
  })
})

describe('what was compared', () => {
  it('is said as it was: the digest of the list or of the file itself, or no more than the size', async () => {
    for (const [finding, verified] of [
      [SAME, 'sha256'],
      [{ state: 'same', verified: 'sha512' }, 'sha512'],
      [{ state: 'same', verified: 'download' }, 'sha256'],
      [{ state: 'unknown', why: 'no digest', url: undefined, sizeFits: true }, 'size'],
      [{ state: 'unknown', why: 'no digest', url: undefined }, 'no'],
    ] as const) {
      const result = await publish('200 OK', [ABSENT, finding])
      assert.deepEqual([result.outcome, result.verified], ['published', verified])
    }
  })
})

describe('files that a server may have stored behind a failure', () => {
  it('are looked for once more at the end, by one page for all of a project', async () => {
    const index = await startHostileIndex(async (connection) => {
      await connection.request()
      connection.answer('503 stored or not')
    })
    const files = [openDistribution(), openDistribution({ file: 'demo-1.0-py2-none-any.whl' })]
    const distributions = files.map(({ distribution }) => distribution)
    const asked: number[] = []
    const outcomes: string[] = []
    const { dispatcher } = index
    const ask: Ask = async (_project, wanted) => {
      asked.push(wanted.length)
      const finding: Finding = asked.length < 4 ? ABSENT : { state: 'same', verified: 'sha256' }
      return { known: true, files: new Map(wanted.map(({ file }) => [file, finding])) }
    }
    try {
      await publishFiles(
        distributions,
        {
          ...publishing(uploadTarget(index.url, { dispatcher, pace: quickPace(0) })),
          access: accessTo(ask),
          onResult: ({ outcome }) => outcomes.push(outcome),
        },
        new AbortController().signal,
      )
    } finally {
      for (const file of files) file.remove()
      await index.stop()
    }
    // Before anything is sent, after each upload, at the end.
    assert.deepEqual(asked, [2, 1, 1, 2])
    assert.deepEqual(outcomes, ['published', 'published'])
  })
})

describe('a whole form that got neither a yes nor a plain no', () => {
  const ODD = ['499 Closed', '507 Full', '524 A timeout']

  it('is looked for again at the end: the page may have been stale, or not there, at first', async () => {
    for (const words of ODD) {
      for (const first of [ABSENT, 'fails'] as const) {
        const { outcome, attempts } = await publish(words, [ABSENT, first, SAME])
        assert.deepEqual([words, first, outcome, attempts], [words, first, 'published', 1])
      }
    }
  })

  it('is unconfirmed where the index never says, and rejected where it says that it does not have it', async () => {
    for (const words of ODD) {
      assert.equal((await publish(words, [ABSENT, 'fails'])).outcome, 'unconfirmed')
      assert.equal((await publish(words, [ABSENT])).outcome, 'rejected')
    }
  })

  it('has seconds before that, where it is likely to be stored: an index that lists it later has it', async () => {
    for (const answer of ['503 stored or not', '524 A timeout', 'hangs up']) {
      assert.equal((await publishListedLate(answer)).outcome, 'published', answer)
    }
  })

  it('has a moment, where that is hardly possible: nobody waits long behind a wrong URL or a busy server', async () => {
    for (const answer of ['302 Found', '429 Too Many Requests']) {
      assert.equal((await publishListedLate(answer)).outcome, 'rejected', answer)
    }
  })

  it('is looked for in both pages, which caches keep apart', async () => {
    // At first neither page has it, and then the one in HTML, or the one in JSON.
    const { outcome } = await publish('503 stored or not', [ABSENT, ABSENT, SAME], { html: ABSENT })
    assert.equal(outcome, 'published')
  })
})

describe('an upload that may have been stored, where nobody looks', () => {
  type Step = (connection: HostileConnection, path: string) => void
  const open: Step = (connection) => connection.answer('503 stored or not')

  async function publishUnseen(...steps: Step[]) {
    const file = openDistribution()
    const index = await startHostileIndex(async (connection) => {
      for (;;) {
        await connection.request()
        steps.shift()?.(connection, file.path)
      }
    })
    const results: FileResult[] = []
    const tried: string[] = []
    const target = uploadTarget(index.url, {
      dispatcher: index.dispatcher,
      retries: 1,
      pace: quickPace(1),
      onRetry: (_, { code }) => tried.push(code),
    })
    const request = { ...publishing(target), onResult: (result: FileResult) => results.push(result) }
    try {
      await publishFiles([file.distribution], request, new AbortController().signal)
    } finally {
      file.remove()
      await index.stop()
    }
    const [result, ...others] = results
    assert.ok(result)
    assert.deepEqual(others, [])
    return { ...result, tried }
  }

  it('is unconfirmed behind a final no, which says nothing about the try before it', async () => {
    const { outcome, attempts, tried } = await publishUnseen(open, (connection) => connection.answer('400 Bad Request'))
    assert.deepEqual([outcome, attempts, tried], ['unconfirmed', 2, ['E_HTTP_SERVER_ERROR']])
  })

  it('is to be looked for by people: a new run would recognise nothing', async () => {
    for (const words of ['400 Bad Request', '409 File already exists']) {
      const { outcome, hint } = await publishUnseen(open, (connection) => connection.answer(words))
      assert.equal(outcome, 'unconfirmed')
      assert.match(hint ?? '', /Look whether the index has it, or set `check-url`/)
      assert.doesNotMatch(hint ?? '', /recognised/)
    }
  })

  it('is unconfirmed where the server then asks to come back another day, which it also says', async () => {
    const busy: Step = (connection) => connection.answer('429 Too Many Requests', ['Retry-After: 86400'])
    const { outcome, attempts, notBefore } = await publishUnseen(open, busy)
    assert.deepEqual([outcome, attempts], ['unconfirmed', 2])
    assert.ok(notBefore !== undefined && notBefore.getTime() > Date.now() + 80_000_000)
  })

  it('is rejected where each try met a busy server, which took nothing', async () => {
    const busy: Step = (connection) => connection.answer('429 Too Many Requests')
    const { outcome, attempts } = await publishUnseen(busy, busy)
    assert.deepEqual([outcome, attempts], ['rejected', 2])
  })

  it('is unconfirmed where the file is another one when it would be sent again', async () => {
    const change: Step = (connection, path) => {
      truncateSync(path, 3)
      open(connection, path)
    }
    const { outcome, message } = await publishUnseen(change)
    assert.equal(outcome, 'unconfirmed')
    assert.match(message ?? '', /^a try before got no final answer, and may have stored it; then .*changed/)
  })
})

describe('a run that is cancelled while a file waits for its next try', () => {
  it('says of the file how often it was sent, and that nobody knows', async () => {
    const index = await startHostileIndex(async (connection) => {
      for (;;) {
        await connection.request()
        connection.answer('503 stored or not')
      }
    })
    const file = openDistribution()
    const results: FileResult[] = []
    const controller = new AbortController()
    let retries = 0
    const target = uploadTarget(index.url, {
      dispatcher: index.dispatcher,
      retries: 4,
      pace: quickPace(4),
      onRetry: () => {
        retries += 1
        if (retries === 2) controller.abort(new Error('cancelled'))
      },
    })
    const request = { ...publishing(target), onResult: (result: FileResult) => results.push(result) }
    await assert.rejects(publishFiles([file.distribution], request, controller.signal), /cancelled/)
    file.remove()
    await index.stop()
    assert.deepEqual(
      results.map(({ outcome, attempts }) => [outcome, attempts]),
      [['no-answer', 2]],
    )
  })
})

describe('a run that is cancelled while the index is asked once more about a file in doubt', () => {
  it('does not call it rejected: nobody could see whether it is there', async () => {
    const index = await startHostileIndex(async (connection) => {
      await connection.request()
      connection.answer('503 stored or not')
    })
    const controller = new AbortController()
    const target = uploadTarget(index.url, { dispatcher: index.dispatcher })
    const results = await publishAsking(
      target,
      (look) => {
        if (look === 2) throw new LookupFailure(new PublishError({ code: 'E_INDEX_LOOKUP', message: 'no page' }))
        if (look > 2) controller.abort(new Error('cancelled'))
        controller.signal.throwIfAborted()
        return ABSENT
      },
      { signal: controller.signal },
    )
    await index.stop()
    assert.ok(controller.signal.aborted)
    assert.deepEqual(
      results.map(({ outcome, attempts }) => [outcome, attempts]),
      [['unconfirmed', 1]],
    )
  })
})

describe('a run that is cancelled while the index is asked about a file that exists', () => {
  it('tells what the server had said', async () => {
    const index = await startHostileIndex(async (connection) => {
      await connection.request()
      connection.answer('409 File already exists')
    })
    const controller = new AbortController()
    const target = uploadTarget(index.url, { dispatcher: index.dispatcher })
    const results = await publishAsking(
      target,
      (look) => {
        if (look > 1) controller.abort(new Error('cancelled'))
        controller.signal.throwIfAborted()
        return ABSENT
      },
      { signal: controller.signal },
    )
    await index.stop()
    assert.ok(controller.signal.aborted)
    assert.deepEqual(
      results.map(({ outcome, message }) => [outcome, message]),
      [['unconfirmed', 'it says that the file exists, but the run ended before the index listed it']],
    )
  })
})

describe('digests', { timeout: 20_000 }, () => {
  it('are waited for by their own file alone: others go meanwhile', async () => {
    const hashed = Promise.withResolvers<void>()
    const slow = openDistribution({ project: 'alpha' })
    const digests = new FileDigests(async () => {
      await hashed.promise
      return await slow.distribution.digests.get()
    })
    const files = [{ ...slow, distribution: { ...slow.distribution, digests } }, openDistribution({ project: 'beta' })]
    const told: string[] = []
    const onResult = ({ project, outcome, sha256 }: FileResult) => told.push(`${project} ${outcome} ${sha256?.length}`)
    await publishAnswered(files, '200 OK', { onResult }, () => hashed.resolve())
    assert.deepEqual(told, ['beta published 64', 'alpha published 64'])
  })

  for (const untried of [undefined, 'would-publish'] as const) {
    const what = untried === undefined ? 'sent' : 'called one that would be published'
    it(`of a file that is another one by then cannot be had: it is not ${what}, and the others are`, async () => {
      const [changed, other] = ['alpha', 'beta'].map((project) => openDistribution({ project }))
      assert.ok(changed && other)
      truncateSync(changed.path, 3)
      const told: string[] = []
      const onResult = ({ project, outcome, code }: FileResult) => told.push(`${project} ${outcome} ${code}`)
      await publishAnswered([changed, other], '200 OK', { untried, onResult })
      assert.deepEqual(told, ['alpha not-tried E_DIST_CHANGED', `beta ${untried ?? 'published'} undefined`])
    })
  }
})

describe('a file that the index lists, and that is another one by now', () => {
  async function publishChanged(finding: Finding) {
    const file = openDistribution()
    truncateSync(file.path, 3)
    const results: FileResult[] = []
    const ask: Ask = async () => ({ known: true, files: new Map([[file.distribution.file, finding]]) })
    const access = accessTo(ask)
    await publishAnswered([file], '200 OK', { access, onResult: (result) => results.push(result) }, () => assert.fail())
    return results.map(({ outcome, code, sha256, message }) => ({ told: [outcome, code, sha256], message }))
  }

  it('is told as such, where it cannot be compared any more', async () => {
    const [result] = await publishChanged({ state: 'unknown', why: 'it changed', url: undefined })
    assert.deepEqual(result?.told, ['not-tried', 'E_DIST_CHANGED', undefined])
  })

  it('is in conflict where the index is known to have other bytes, and no digest of ours is named', async () => {
    const [result] = await publishChanged(OTHER)
    assert.deepEqual(result?.told, ['conflict', 'E_INDEX_CONFLICT', undefined])
    assert.equal(result?.message, 'the index has a file of this name with other bytes: sha256 ab12')
  })
})

describe('every file that is not sent', () => {
  it('is told as one that will not go any more: progress does not wait for it', async () => {
    const files = [openDistribution(), openDistribution({ file: 'demo-1.0.tar.gz' })]
    const ended: string[] = []
    await publishAnswered(files, '400 Bad Request', { onSent: ({ file }) => ended.push(file) })
    assert.deepEqual(ended, ['demo-1.0-py3-none-any.whl', 'demo-1.0.tar.gz'])
  })
})

describe('a run that is cancelled while a conflict is explained', () => {
  it('says of the file, once, that it is in conflict, without the explanation', async () => {
    const index = await startHostileIndex(async (connection) => {
      await connection.request()
      connection.answer('200 OK')
    })
    const file = openDistribution()
    const results: FileResult[] = []
    const { dispatcher } = index
    const controller = new AbortController()
    const request = publishing(uploadTarget(index.url, { dispatcher }))
    let looks = 0
    const other: Finding = { state: 'other', listed: 'sha256 ab12', url: new URL('https://localhost/file') }
    const ask: Ask = async () => {
      looks += 1
      return { known: true, files: new Map([[file.distribution.file, looks === 1 ? ABSENT : other]]) }
    }
    try {
      await publishFiles(
        [file.distribution],
        {
          ...request,
          access: accessTo(ask),
          policy: {
            ...request.policy,
            difference: async (_distribution, _url, signal) => {
              controller.abort(new Error('cancelled'))
              throw signal.reason
            },
          },
          onResult: (result) => results.push(result),
        },
        controller.signal,
      )
    } finally {
      file.remove()
      await index.stop()
    }
    assert.deepEqual(
      results.map(({ outcome, attempts, there }) => [outcome, attempts, there]),
      [['conflict', 1, 'taken']],
    )
  })
})

describe('a look that fails for a reason of its own, while its file has the turn', { timeout: 20_000 }, () => {
  const WHEELS = ['demo-1.0-py3-none-any.whl', 'demo-1.0-py2-none-any.whl', 'demo-1.0-cp39-none-any.whl']

  /** Publishes wheels of a known project, two at a time, until a look fails; every file is told. */
  async function publishUntilFault(names: readonly string[], script: Script, ask: Ask): Promise<void> {
    const index = await startHostileIndex(script)
    const files = names.map((file) => openDistribution({ file }))
    const results: FileResult[] = []
    const target = uploadTarget(index.url, { dispatcher: index.dispatcher, retries: 4, pace: quickPace(4) })
    const request = {
      ...publishing(target),
      maxParallel: 2,
      verify: false,
      access: accessTo(ask, 2),
      onResult: (result: FileResult) => results.push(result),
    }
    const distributions = files.map(({ distribution }) => distribution)
    try {
      const running = publishFiles(distributions, request, new AbortController().signal)
      await assert.rejects(running, /a fault of its own/)
    } finally {
      for (const file of files) file.remove()
      await index.stop()
    }
    assert.equal(results.length, files.length)
  }

  const absent = (wanted: Parameters<Ask>[1]) => ({
    known: true,
    files: new Map(wanted.map(({ file }) => [file, ABSENT])),
  })

  it('before its next try: the other one, whose turn is next, is not left waiting', async () => {
    const busy: Script = async (connection) => {
      for (;;) {
        await connection.request()
        connection.answer('503 Service Unavailable')
      }
    }
    await publishUntilFault(WHEELS.slice(0, 2), busy, async (_project, wanted, prefer) => {
      // Asked for by the late look alone.
      if (prefer === 'html') throw new Error('a fault of its own')
      return absent(wanted)
    })
  })

  it('before its first try: one that waits for its next try is not left waiting', async (test) => {
    const retried = Promise.withResolvers<void>()
    const thirdWaits = Promise.withResolvers<void>()
    let requests = 0
    // The first file meets a busy server each time. The second one has its answer only when the first is at its next try,
    // and so the third one asks for its turn behind a failure, and has it before the first one again.
    const script: Script = async (connection) => {
      for (;;) {
        await connection.request()
        requests += 1
        if (requests === 2) {
          await retried.promise
          // Looks count for ten seconds: this makes the third file's one long ago.
          later(test, 11)
          connection.answer('200 OK')
          setTimeout(thirdWaits.resolve, 100)
        } else {
          if (requests === 3) {
            retried.resolve()
            await thirdWaits.promise
          }
          connection.answer('503 Service Unavailable')
        }
      }
    }
    let looks = 0
    await publishUntilFault(WHEELS, script, async (_project, wanted) => {
      looks += 1
      if (looks > 1 && wanted.length === WHEELS.length) throw new Error('a fault of its own')
      return absent(wanted)
    })
  })
})

describe('a lookup that fails before anything is sent', () => {
  it('ends the run, and what other projects have is told all the same', async () => {
    const index = await startHostileIndex(async () => {})
    const [alpha, beta] = [openDistribution({ project: 'alpha' }), openDistribution({ project: 'beta' })]
    const results: FileResult[] = []
    const ask: Ask = async (project, wanted) => {
      await nextTurn()
      if (project === 'beta') throw new LookupFailure(new PublishError({ code: 'E_HTTP_FORBIDDEN', message: 'no' }))
      return { known: true, files: new Map(wanted.map(({ file }) => [file, { state: 'same', verified: 'sha256' }])) }
    }
    const request = {
      ...publishing(uploadTarget(index.url, { dispatcher: index.dispatcher })),
      access: accessTo(ask, 2),
      onResult: (result: FileResult) => results.push(result),
    }
    try {
      const files = [alpha.distribution, beta.distribution]
      const ended = await publishFiles(files, request, new AbortController().signal)
      assert.equal(ended?.code, 'E_HTTP_FORBIDDEN')
    } finally {
      alpha.remove()
      beta.remove()
      await index.stop()
    }
    assert.deepEqual(
      results.map(({ project, outcome }) => [project, outcome]),
      [['alpha', 'already-published']],
    )
  })
})

describe('an answer that is neither a yes nor a plain no', () => {
  for (const status of ['303 See Other', '499 Client Closed Request', '524 A Timeout Occurred', '200 OK']) {
    it(`${status}: the index is asked, and the file is published where it is there`, async () => {
      const { outcome, verified } = await publish(status, [ABSENT, SAME])
      assert.deepEqual([outcome, verified], ['published', 'sha256'])
    })
  }

  it('is what it says where the index does not have the file', async () => {
    const { outcome, code } = await publish('524 A Timeout Occurred', [ABSENT])
    assert.deepEqual([outcome, code], ['rejected', 'E_HTTP_SERVER_ERROR'])
  })

  it('is unconfirmed where a busy server may have stored it, and the index cannot be asked', async () => {
    const { outcome, message } = await publish('503 Service Unavailable', [ABSENT, 'fails'])
    assert.equal(outcome, 'unconfirmed')
    assert.match(message ?? '', /503.*and the simple index did not say whether it has the file$/)
  })
})
