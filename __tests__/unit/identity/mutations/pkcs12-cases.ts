/** PKCS#12 files that were good once, altered outside or inside of their locks, by a number that gives them again. */
import { tlv } from '../../../../demo/certificate-authority.ts'
import { type Pkcs12Spec, writePkcs12 } from '../../../support/pkcs12-writer.ts'
import { Random } from '../../distributions/mutations/random.ts'
import { alterBytes } from './alter-bytes.ts'
import { type Case, randomOf } from './case.ts'
import { seededBytes, seededClient, seededIntermediate, seededRoot } from './seeded-keys.ts'

const PASSWORD = 'correct horse'

const root = seededRoot('ed25519', 1)
const issuing = seededIntermediate(root, 'ed25519', 2)
const client = seededClient(issuing, 'ed25519', 3)
const other = seededClient(issuing, 'ed25519', 4)

const KEYS = [client.keys.privateKey, other.keys.privateKey]

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
    bytes: (size) => seededBytes(random, size),
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

export function caseOf(number: number): Case {
  const large = LARGE[number]
  if (large !== undefined) return { clientCert: large().toString('base64'), passphrase: PASSWORD, keys: KEYS }
  const random = randomOf(number)
  const spec = random.pick(SPECS)
  // What is altered before it is locked has a right MAC.
  const isInside = random.once(2)
  const alter = (part: Buffer) => (random.once(2) ? alterBytes(part, random) : part)
  const bytes = isInside ? write({ ...spec, alter }, random) : alterBytes(write(spec, random), random)
  const passphrase = random.pick([PASSWORD, PASSWORD, PASSWORD, PASSWORD, `${PASSWORD}\n`, 'wrong', ''])
  return {
    clientCert: bytes.toString('base64'),
    passphrase: spec.password === null ? undefined : passphrase || undefined,
    alias: random.pick(['release', 'release', '', 'café', 'none']) || undefined,
    keys: KEYS,
  }
}
