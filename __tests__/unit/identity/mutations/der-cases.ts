/** Private keys and certificates as DER, in every form that is read, with bytes altered. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type Issued, sequence, tlv } from '../../../../demo/certificate-authority.ts'
import type { Random } from '../../distributions/mutations/random.ts'
import {
  openSshKey,
  pkcs7,
  pkcs7Indefinite,
  pkcs12,
  request,
  revocationList,
} from '../../encoding/sample-structures.ts'
import { alterBytes } from './alter-bytes.ts'
import { type Case, randomOf } from './case.ts'
import { type Sealing, sealPbes1, sealPbkdf2, sealScrypt } from './sealed-keys.ts'
import { seededBytes, seededClient, seededIntermediate, seededRoot } from './seeded-keys.ts'

const PASSPHRASE = 'secret'

const root = seededRoot('ed25519', 1)
const issuing = seededIntermediate(root, 'ed25519', 2)
const OWNERS = [
  seededClient(issuing, 'ed25519', 3),
  seededClient(issuing, 'ec', 4),
  seededClient(issuing, 'rsa', 5),
] as const
const KEYS = OWNERS.map(({ keys }) => keys.privateKey)

const pkcs8 = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'der' })

/** The form of old of this kind of key. */
function traditional(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'der' })
  return key.asymmetricKeyType === 'ec' ? key.export({ type: 'sec1', format: 'der' }) : pkcs8(key)
}

const KEY_FORMS: readonly ((sealing: Sealing) => Buffer)[] = [
  ({ key }) => pkcs8(key),
  ({ key }) => pkcs8(key),
  ({ key }) => traditional(key),
  ({ key }) => traditional(key),
  sealPbkdf2,
  sealPbkdf2,
  sealScrypt,
  (sealing) => sealPbes1(sealing, 'md5'),
  (sealing) => sealPbes1(sealing, 'sha1'),
]

const spki = OWNERS[1].keys.publicKey.export({ type: 'spki', format: 'der' })

/** What is no key of ours, however it begins. Random ones must be refused as well as these. */
const STRANGERS: readonly Buffer[] = [
  spki,
  request(spki),
  revocationList(),
  pkcs12(900),
  openSshKey(),
  sequence(...Array.from({ length: 6 }, () => tlv(0x02, Buffer.from([5])))),
  pkcs8(generateKeyPairSync('x25519').privateKey),
  pkcs8(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey),
]

const CERTIFICATE_FORMS: readonly ((owner: Issued) => Buffer)[] = [
  ({ der }) => der,
  ({ der }) => pkcs7([der, issuing.der]),
  ({ der }) => pkcs7Indefinite([issuing.der, der]),
  ({ der }) => Buffer.concat([der, sequence()]),
]

function keyOf(owner: Issued, random: Random): Buffer {
  if (random.once(12)) return random.pick(STRANGERS)
  const bytes = (size: number) => seededBytes(random, size)
  return random.pick(KEY_FORMS)({ key: owner.keys.privateKey, passphrase: PASSPHRASE, bytes })
}

export function caseOf(number: number): Case {
  const random = randomOf(number)
  const owner = random.pick(OWNERS)
  // Two altered inputs would mostly be refused for the certificate.
  const isKey = !random.once(4)
  const alter = (bytes: Buffer, isAltered: boolean) => (isAltered ? alterBytes(bytes, random) : bytes)
  const certificate = alter(random.pick(CERTIFICATE_FORMS)(owner), !isKey || random.once(12))
  const key = alter(keyOf(owner, random), isKey)
  return {
    clientCert: certificate.toString('base64'),
    clientKey: random.once(8) ? key : key.toString(random.once(4) ? 'base64url' : 'base64'),
    passphrase: random.pick([PASSPHRASE, PASSPHRASE, PASSPHRASE, `${PASSPHRASE}\r\n`, 'wrong', '']) || undefined,
    keys: KEYS,
    secret: pkcs8(owner.keys.privateKey).toString('base64'),
  }
}
