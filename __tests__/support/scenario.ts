/** Seeded scenarios: a few files, and an index that does something else with each try. Plain data, so that one prints. */
import {
  type Answer,
  type Ending,
  type HangUp,
  type Listed,
  LOGIN_PAGE,
  type LookupBehaviour,
  type UploadBehaviour,
  type Visibility,
} from './faulty-index.ts'

export interface Scenario {
  readonly seed: number
  readonly files: readonly ScenarioFile[]
  readonly lookups: readonly ScenarioLookups[]
  /** How fetches of files end, by their number from 1; those behind them are honest. */
  readonly downloads: readonly Ending[]
  /** Milliseconds until the run is cancelled. */
  readonly cancelAfterMs: number | undefined
  /** TCP connections, by number from 1, that are reset before TLS. */
  readonly deadConnections: readonly number[]
  readonly existing: 'refuse' | 'accept-same' | 'overwrite'
  readonly hashes: 'sha256' | 'sha512' | 'md5' | 'none'
  readonly representations: readonly ('json' | 'html')[]
  readonly settings: Settings
}

export interface ScenarioFile {
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** What the index has under this name before the run. */
  readonly there: 'nothing' | 'same' | 'other' | 'other-size'
  /** By the number of the try; the tries behind them are honest. */
  readonly tries: readonly UploadBehaviour[]
}

export interface ScenarioLookups {
  readonly project: string
  /** By the number of the lookup; undefined: an honest one. */
  readonly behaviours: readonly (LookupBehaviour | undefined)[]
}

export interface Settings {
  readonly maxParallel: number
  readonly retries: number
  readonly skipExisting: boolean
  readonly verify: boolean
  readonly verifyTimeoutMs: number
  readonly idleTimeoutMs: number
}

/** A source of chance that gives the same for the same seed (a linear congruential generator; the high bits count). */
export class Chance {
  #state: bigint

  constructor(seed: number) {
    this.#state = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n
    this.#next()
  }

  /** True in so many of 100 cases. */
  percent(share: number): boolean {
    return this.#next() * 100 < share
  }

  /** A whole number; both ends count. */
  between(from: number, to: number): number {
    return from + Math.floor(this.#next() * (to - from + 1))
  }

  pick<const T>(choices: readonly [T, ...T[]]): T {
    return choices[this.between(0, choices.length - 1)] ?? choices[0]
  }

  #next(): number {
    this.#state = BigInt.asUintN(64, this.#state * 6364136223846793005n + 1442695040888963407n)
    return Number(this.#state >> 32n) / 2 ** 32
  }
}

const PROJECTS = ['alpha', 'beta', 'gamma'] as const

const PLATFORMS = ['linux_x86_64', 'win_amd64', 'macosx_11_0_arm64', 'linux_aarch64'] as const

/** The same seed gives the same scenario. */
export function scenarioOf(seed: number): Scenario {
  const chance = new Chance(seed)
  const existing = chance.pick(['refuse', 'refuse', 'accept-same', 'overwrite'])
  const names = namesOf(chance)
  const files = names.map((name) => fileOf(name, existing === 'overwrite', chance))
  const projects = [...new Set(names.map((name) => name.split('-')[0] ?? ''))]
  const hashes = chance.pick(['sha256', 'sha256', 'sha256', 'sha256', 'sha512', 'md5', 'none'])
  return {
    seed,
    files,
    lookups: chance.percent(25) ? projects.map((project) => lookupsOf(project, chance)) : [],
    deadConnections: chance.percent(8) ? [chance.between(2, 5)] : [],
    existing,
    hashes,
    downloads: (hashes === 'none' || hashes === 'md5') && chance.percent(30) ? [rareLookupFault(chance)] : [],
    cancelAfterMs: chance.percent(5) ? chance.between(0, 1_500) : undefined,
    representations: chance.pick([['json', 'html'], ['json', 'html'], ['json', 'html'], ['html'], ['json']]),
    settings: {
      maxParallel: chance.between(1, 6),
      retries: chance.pick([0, 1, 2, 2, 3, 4]),
      skipExisting: chance.percent(25),
      verify: !chance.percent(10),
      verifyTimeoutMs: chance.between(500, 1200),
      idleTimeoutMs: chance.between(1000, 1500),
    },
  }
}

function namesOf(chance: Chance): string[] {
  const names = new Set<string>()
  const projects = chance.between(1, 3)
  const wanted = chance.between(2, 6)
  while (names.size < wanted) {
    const project = PROJECTS[chance.between(0, projects - 1)]
    const version = chance.pick(['1.0', '1.0', '2.0'])
    if (chance.percent(25)) names.add(`${project}-${version}.tar.gz`)
    else if (chance.percent(40)) names.add(`${project}-${version}-py3-none-any.whl`)
    else names.add(`${project}-${version}-cp312-cp312-${chance.pick(PLATFORMS)}.whl`)
  }
  return [...names]
}

function fileOf(name: string, overwrites: boolean, chance: Chance): ScenarioFile {
  const size = chance.percent(10) ? 2_000_000 : chance.between(1_000, 300_000)
  const there = chance.percent(75) ? 'nothing' : chance.pick(['same', 'same', 'other', 'other-size'])
  const tries = chance.percent(55) ? chance.between(1, 3) : 0
  return {
    name,
    size,
    there,
    tries: Array.from({ length: tries }, () => uploadFault(size, overwrites, chance)),
  }
}

type Fault = (chance: Chance, size: number) => UploadBehaviour

/** The first ones are the commoner ones. */
const FAULTS: readonly [Fault, ...Fault[]] = [
  (chance, size) => ({ reads: chance.between(0, size), ending: { kind: 'hang-up', how: hangUp(chance) } }),
  (chance) => ({ ...stored(chance), ending: { kind: 'hang-up', how: hangUp(chance) } }),
  (chance) => ({ ...stored(chance), ending: { kind: 'answer', answer: busy(chance) } }),
  (chance) => ({ ...stored(chance), ending: { kind: 'answer', answer: busy(chance) } }),
  (chance) => ({ listed: listed(chance) }),
  (chance, size) => ({
    reads: chance.between(0, size),
    ending: { kind: 'answer', answer: early(chance), ...maybeHangUp(chance) },
  }),
  (chance, size) => ({ reads: chance.between(0, size), ending: { kind: 'silence' } }),
  (chance) => ({ ...stored(chance), ending: { kind: 'silence' } }),
  (chance) => ({ ...stored(chance), ending: { kind: 'drip', ...slowness(chance), ...maybeBusy(chance) } }),
  () => ({ stores: false }),
  () => ({ stores: false, ending: { kind: 'answer', answer: { status: 202, body: 'accepted' } } }),
  (chance) => ({ listed: listed(chance), ending: { kind: 'answer', answer: { status: 202, body: 'accepted' } } }),
  () => ({ stores: false, ending: { kind: 'answer', answer: LOGIN_PAGE } }),
  (chance) => ({ stores: false, ending: { kind: 'answer', answer: redirect(chance) } }),
  (chance) => ({ ...stored(chance), ending: { kind: 'answer', answer: exists(chance) } }),
  (chance) => ({
    ...stored(chance),
    ending: { kind: 'endless', part: chance.pick(['headers', 'body']), ...maybeBusy(chance) },
  }),
  (chance) => ({
    ...stored(chance),
    ending: { kind: 'broken', short: chance.between(1, 60), how: hangUp(chance), ...maybeBusy(chance) },
  }),
  (chance) => ({ stores: false, ending: { kind: 'answer', answer: refusal(chance) } }),
]

function uploadFault(size: number, overwrites: boolean, chance: Chance): UploadBehaviour {
  const fault = chance.pick(FAULTS)(chance, size)
  if (!chance.percent(5)) return fault
  const rival = chance.pick(['same', 'other'])
  // A rival of the same moment, on an index that overwrites, is beyond every client.
  return overwrites ? { ...fault, rival, stores: false } : { ...fault, rival }
}

function hangUp(chance: Chance): HangUp {
  return chance.pick(['reset', 'end'])
}

function maybeHangUp(chance: Chance): { readonly hangUp?: HangUp } {
  return chance.percent(70) ? { hangUp: hangUp(chance) } : {}
}

/** Whether a file that came whole is stored, and when it is listed. */
function stored(chance: Chance): UploadBehaviour {
  return chance.percent(50)
    ? { stores: false }
    : { stores: true, listed: chance.percent(60) ? AT_ONCE : listed(chance) }
}

const AT_ONCE: Listed = { json: 'at-once', html: 'at-once' }

function listed(chance: Chance): Listed {
  const one = visibility(chance)
  if (chance.percent(60)) return { json: one, html: one }
  return { json: one, html: visibility(chance) }
}

function visibility(chance: Chance): Visibility {
  if (chance.percent(25)) return 'at-once'
  if (chance.percent(20)) return 'never'
  return chance.percent(50) ? { afterMs: chance.between(50, 1500) } : { afterLookups: chance.between(1, 4) }
}

function busy(chance: Chance): Answer {
  const status = chance.pick([408, 425, 429, 429, 500, 500, 502, 503, 503, 504])
  const answer = { status, body: 'come back later' }
  if (chance.percent(75)) return answer
  if (chance.percent(30)) return { ...answer, retryAt: chance.pick([0, 1, 86_400]) }
  return { ...answer, headers: { 'retry-after': chance.pick(['0', '1', '1', '86400', 'soon']) } }
}

function maybeBusy(chance: Chance): { readonly answer?: Answer } {
  return chance.percent(40) ? { answer: { status: chance.pick([500, 503]), body: 'an error'.repeat(10) } } : {}
}

function early(chance: Chance): Answer {
  const status = chance.pick([413, 413, 403, 400])
  return { status, body: 'no' }
}

function exists(chance: Chance): Answer {
  return chance.pick<Answer>([
    { status: 409, body: 'File already exists' },
    { status: 400, body: 'File already exists. See the help of this index.' },
    { status: 403, body: 'The file already exists' },
  ])
}

function redirect(chance: Chance): Answer {
  const status = chance.pick([301, 302, 303, 307, 307, 308])
  return { status, headers: { location: chance.pick(['/legacy/moved/', '/legacy/moved/', 'elsewhere:legacy/']) } }
}

function refusal(chance: Chance): Answer {
  const status = chance.pick([400, 400, 403, 404, 411, 422, 401])
  return { status, body: 'this is not welcome here' }
}

function slowness(chance: Chance): { readonly everyMs: number; readonly bytes: number } {
  return chance.percent(50) ? { everyMs: 10, bytes: 20 } : { everyMs: chance.between(100, 300), bytes: 1 }
}

/** Most lookups are honest: a run whose first ones fail ends there. */
function lookupsOf(project: string, chance: Chance): ScenarioLookups {
  const behaviours = Array.from({ length: 6 }, (_, index) => {
    return chance.percent(index === 0 ? 15 : 35) ? lookupFault(chance) : undefined
  })
  return { project, behaviours }
}

function lookupFault(chance: Chance): LookupBehaviour {
  if (chance.percent(55)) return { ending: { kind: 'answer', answer: busy(chance) } }
  return { ending: rareLookupFault(chance) }
}

function rareLookupFault(chance: Chance): Ending {
  return chance.pick<Ending>([
    { kind: 'hang-up', how: hangUp(chance) },
    { kind: 'hang-up', how: hangUp(chance) },
    { kind: 'silence' },
    { kind: 'drip', ...slowness(chance) },
    { kind: 'broken', short: chance.between(1, 200), how: hangUp(chance) },
    { kind: 'endless', part: chance.pick(['headers', 'body']) },
    { kind: 'answer', answer: LOGIN_PAGE },
    { kind: 'answer', answer: { status: chance.pick([401, 403, 421]), body: 'not for you' } },
    { kind: 'answer', answer: { status: 302, headers: { location: 'elsewhere:login/' } } },
    { kind: 'answer', answer: { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>Welcome</h1>' } },
  ])
}

/** Scenarios that are a little smaller: what of a failing one is needed to fail? */
export function smaller(scenario: Scenario): Scenario[] {
  const { files, lookups } = scenario
  const plain = { json: 'at-once', html: 'at-once' } as const
  return [
    ...files.map((_, at) => ({ ...scenario, files: files.toSpliced(at, 1) })),
    ...lookups.map((_, at) => ({ ...scenario, lookups: lookups.toSpliced(at, 1) })),
    { ...scenario, deadConnections: [] },
    { ...scenario, downloads: [] },
    { ...scenario, cancelAfterMs: undefined },
    ...files.flatMap((file, at) => smallerFile(file).map((one) => ({ ...scenario, files: files.with(at, one) }))),
    ...lookups.flatMap((one, at) =>
      one.behaviours.flatMap((behaviour, number) =>
        behaviour === undefined
          ? []
          : [
              {
                ...scenario,
                lookups: lookups.with(at, { ...one, behaviours: one.behaviours.with(number, undefined) }),
              },
            ],
      ),
    ),
    ...files.flatMap((file, at) =>
      file.tries.flatMap((one, number) =>
        one.listed === undefined || one.listed.json === plain.json
          ? []
          : [
              {
                ...scenario,
                files: files.with(at, { ...file, tries: file.tries.with(number, { ...one, listed: plain }) }),
              },
            ],
      ),
    ),
    ...(scenario.existing === 'refuse' ? [] : [{ ...scenario, existing: 'refuse' as const }]),
    ...(scenario.hashes === 'sha256' ? [] : [{ ...scenario, hashes: 'sha256' as const }]),
    ...(scenario.representations.length === 2 ? [] : [{ ...scenario, representations: ['json', 'html'] as const }]),
    ...(scenario.settings.maxParallel === 1
      ? []
      : [{ ...scenario, settings: { ...scenario.settings, maxParallel: 1 } }]),
  ].filter((one) => one.files.length > 0 && JSON.stringify(one) !== JSON.stringify(scenario))
}

function smallerFile(file: ScenarioFile): ScenarioFile[] {
  const { tries, size, there } = file
  return [
    ...tries.map((_, at) => ({ ...file, tries: tries.toSpliced(at, 1) })),
    ...(size > 2_000 ? [{ ...file, size: 1_000 }] : []),
    ...(there === 'nothing' ? [] : [{ ...file, there: 'nothing' as const }]),
  ]
}
