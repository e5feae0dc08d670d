/** PKCS#12 files that were good once, altered outside or inside of their locks, by a number that gives them again. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { createRoot, type Issued, issueClient, issueIntermediate, tlv } from '../../../../demo/certificate-authority.ts'
import { type Pkcs12Spec, writePkcs12 } from '../../../support/pkcs12-writer.ts'
import { Random } from '../../distributions/mutations/random.ts'

export const PASSWORD = 'correct horse'

export interface Case {
  readonly bytes: Buffer
  readonly passphrase: string | undefined
  readonly alias: string | undefined
}

/** Ed25519 keys and signatures are the same in every run, so that the files are. */
function issue(number: number, make: (options: Parameters<typeof createRoot>[0]) => Issued): Issued {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
  const der = Buffer.concat([prefix, Buffer.alloc(32, number)])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const keys = { privateKey, publicKey: createPublicKey({ key: privateKey.export({ type: 'pkcs8', format: 'pem' }) }) }
  const serial = Buffer.from([number])
  const dates = { notBefore: new Date('2020-01-01'), notAfter: new Date('2045-01-01') }
  return make({ name: `certificate ${number}`, keys, serial, ...dates })
}

const root = issue(1, createRoot)
const issuing = issue(2, (options) => issueIntermediate(root, options))
const client = issue(3, (options) => issueClient(issuing, options))
const other = issue(4, (options) => issueClient(issuing, options))

/** What an accepted file must give one of. */
export const KEYS: readonly KeyObject[] = [client.keys.privateKey, other.keys.privateKey]

const SPECS: readonly Pkcs12Spec[] = [
  {},
  { mac: 'none' },
  { mac: 'none', keyScheme: 'none', certificateScheme: 'none' },
  { keyScheme: 'none', certificateScheme: 'none', indefinite: true, mac: 'none' },
  { keyScheme: '3des', certificateScheme: 'rc2-40', mac: 'sha1', macIterations: 1 },
  { keyScheme: 'rc2-128', certificateScheme: '3des-2key', mac: 'none', prf: 'sha1' },
  { keyScheme: 'pbes2-3des', certificateScheme: 'pbes2-aes-128', mac: 'sha512' },
  { mac: 'pbmac1-sha256' },
  { mac: 'pbmac1-sha512', password: null, prf: 'sha512' },
  { indefinite: true, certificatesFirst: true },
  { keys: [], apart: true },
]

function write(spec: Pkcs12Spec, random: Random): Buffer {
  const leaf = { der: client.der, alias: 'release', id: 'a' }
  return writePkcs12({
    password: PASSWORD,
    iterations: 8,
    macIterations: 8,
    bytes: (size) => Buffer.from(Array.from({ length: size }, () => random.below(256))),
    keys: [
      { key: client.keys.privateKey, alias: 'release', id: 'a' },
      ...(random.once(3) ? [{ key: other.keys.privateKey, alias: 'Café', id: 'b' }] : []),
    ],
    certificates: [leaf, { der: other.der, id: 'b' }, { der: issuing.der }],
    ...spec,
  })
}

const SIZE = 1024 * 1024 - 4096

/** As large as a file may be, and made to cost memory or time. */
const LARGE: readonly (() => Buffer)[] = [
  () => tlv(0x30, tlv(0x02, Buffer.from([3])), tlv(0x30, Buffer.alloc(SIZE, '3000', 'hex'))),
  () => Buffer.alloc(SIZE, '3080', 'hex'),
  () => nested(0x30, 5000),
  () => nested(0x24, 5000),
  ...(['none', 'rc2-40', 'pbes2-aes-256'] as const).map((certificateScheme) => () => {
    const alter = () => tlv(0x30, Buffer.alloc(SIZE, '3000', 'hex'))
    return write({ keys: [], certificateScheme, alter }, new Random(1))
  }),
  () => write({ certificates: Array.from({ length: 2500 }, () => ({ der: client.der })) }, new Random(1)),
  () => {
    const certificates = Array.from({ length: 4000 }, () => ({ der: Buffer.alloc(4) }))
    return write({ certificates, apart: true, mac: 'none' }, new Random(1))
  },
]

function nested(tag: number, depth: number): Buffer {
  let inner: Buffer = Buffer.alloc(0)
  for (let left = depth; left > 0; left -= 1) inner = tlv(tag, inner)
  return tlv(0x30, tlv(0x02, Buffer.from([3])), tlv(0x30, inner))
}

/** The case of this number: always the same bytes. */
export function caseOf(number: number): Case {
  const large = LARGE[number]
  if (large !== undefined) return { bytes: large(), passphrase: PASSWORD, alias: undefined }
  // Neighbouring seeds give neighbouring first numbers.
  const random = new Random(Math.imul(number + 1, 0x9e3779b1))
  const spec = random.pick(SPECS)
  // What is altered before it is locked has a right MAC.
  const isInside = random.once(2)
  const alter = (part: Buffer) => (random.once(2) ? mutate(part, random) : part)
  const bytes = isInside ? write({ ...spec, alter }, random) : mutate(write(spec, random), random)
  const passphrase = random.pick([PASSWORD, PASSWORD, PASSWORD, PASSWORD, `${PASSWORD}\n`, 'wrong', ''])
  return {
    bytes,
    passphrase: spec.password === null ? undefined : passphrase || undefined,
    alias: random.pick(['release', 'release', '', 'café', 'none']) || undefined,
  }
}

function mutate(original: Buffer, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original)
  for (let left = 1 + random.below(random.once(3) ? 6 : 2); left > 0; left -= 1) {
    bytes = random.pick(MUTATIONS)(bytes, random)
  }
  return bytes
}

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

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const at = random.below(Math.max(1, bytes.length))
    if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
    return bytes
  },
  (bytes, random) => {
    const at = random.below(Math.max(1, bytes.length))
    if (at < bytes.length) bytes[at] = random.below(256)
    return bytes
  },
  (bytes, random) => {
    Buffer.from(random.pick(HEADERS), 'hex').copy(bytes, random.below(Math.max(1, bytes.length)))
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
    part.copy(bytes, random.below(Math.max(1, bytes.length)))
    return bytes
  },
  (bytes, random) => {
    const from = random.below(bytes.length + 1)
    const at = random.below(bytes.length + 1)
    const part = bytes.subarray(from, from + 1 + random.below(200))
    return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)])
  },
]
