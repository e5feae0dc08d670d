/** Upload targets for tests: one try and no waiting, unless a test says otherwise. */

import type { UploadTarget } from '../../src/package-index/attempt.ts'
import { ChunkBuffers } from '../../src/package-index/chunk-buffers.ts'
import { UNKNOWN_DIFFERENCE } from '../../src/package-index/existing.ts'
import type { IndexAccess } from '../../src/package-index/lookups.ts'
import { Pace } from '../../src/package-index/pace.ts'
import type { PublishRequest } from '../../src/package-index/publish-files.ts'
import type { Ask } from '../../src/package-index/simple-index.ts'
import { Slots } from '../../src/package-index/slots.ts'
import { Secrets } from '../../src/text.ts'

/** A pace whose pauses are too short to notice. */
export function quickPace(retries: number): Pace {
  return new Pace({ retries, firstPauseMs: 2, random: () => 1 })
}

export function uploadTarget(url: URL, way: Pick<UploadTarget, 'dispatcher'> & Partial<UploadTarget>): UploadTarget {
  return {
    url,
    authorization: undefined,
    userAgent: 'publish-python-mtls/0',
    idleTimeoutMs: 20_000,
    secrets: new Secrets(),
    buffers: new ChunkBuffers(),
    certificateSubject: 'CN=release',
    explain: () => undefined,
    likelyReason: async () => '',
    pace: quickPace(way.retries ?? 0),
    retries: 0,
    holdBackMs: 100,
    onSent: () => {},
    onRetry: () => {},
    now: () => new Date(),
    ...way,
  }
}

/** How files are published when nobody looks at the index. */
export function publishing(target: UploadTarget): PublishRequest {
  return {
    target,
    access: undefined,
    policy: {
      skipExisting: false,
      mergesUpstreams: false,
      runAttempt: 1,
      difference: async () => UNKNOWN_DIFFERENCE,
    },
    verify: true,
    verifyTimeoutMs: 1_000,
    maxParallel: 6,
    untried: undefined,
    onMissing: () => {},
    onSent: () => {},
    onResult: () => {},
  }
}

/** How the index is asked: one try each, so many at once. */
export function accessTo(ask: Ask, atOnce = 1): IndexAccess {
  return { ask, pace: quickPace(0), retries: 0, slots: new Slots(atOnce), onRetry: () => {} }
}
