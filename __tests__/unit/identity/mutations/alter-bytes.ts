import type { Random } from '../../distributions/mutations/random.ts'

type Mutation = (bytes: Buffer, random: Random) => Buffer

/** Headers that say other things than what follows. */
const HEADERS = [
  '3080',
  '2480',
  'a080',
  '0000',
  '3084ffffffff',
  '0485',
  '020600ffffffffff',
  '0203ffffff',
  '0600',
  '0400',
]

/** What a length, and what a tag can be. */
const LENGTHS = [0x00, 0x7f, 0x80, 0x81, 0x84, 0x88, 0xff]
const TAGS = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x17, 0x18, 0x1c, 0x1e, 0x30, 0x31, 0x80, 0x81, 0xa0, 0xa3, 0x1f,
]

const place = (bytes: Buffer, random: Random) => random.below(Math.max(1, bytes.length))

function set(bytes: Buffer, at: number, value: number): Buffer {
  if (at < bytes.length) bytes[at] = value
  return bytes
}

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const at = place(bytes, random)
    return set(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)))
  },
  (bytes, random) => set(bytes, place(bytes, random), random.below(256)),
  (bytes, random) => set(bytes, place(bytes, random), random.pick(LENGTHS)),
  (bytes, random) => set(bytes, place(bytes, random), random.pick(TAGS)),
  (bytes, random) => {
    Buffer.from(random.pick(HEADERS), 'hex').copy(bytes, place(bytes, random))
    return bytes
  },
  (bytes, random) => (random.once(3) ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes),
  (bytes, random) => {
    const at = random.below(bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(12))])
  },
  (bytes, random) => {
    const from = random.below(bytes.length + 1)
    const part = Buffer.from(bytes.subarray(from, from + 1 + random.below(200)))
    part.copy(bytes, place(bytes, random))
    return bytes
  },
  (bytes, random) => {
    const from = random.below(bytes.length + 1)
    const at = random.below(bytes.length + 1)
    const part = bytes.subarray(from, from + 1 + random.below(200))
    return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)])
  },
]

/** The bytes with a few of them turned, cut out, copied, spliced, or made a header of something else. */
export function alterBytes(original: Buffer, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original)
  for (let left = 1 + random.below(random.once(3) ? 6 : 2); left > 0; left -= 1) {
    bytes = random.pick(MUTATIONS)(bytes, random)
  }
  return bytes
}
