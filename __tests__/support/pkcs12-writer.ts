/**
 * Writes PKCS#12 files (RFC 7292, RFC 9579) as many programs do, so that tests need none of them. Keys are derived by
 * node-forge, which the reader does not use for that.
 */
import { createCipheriv, createHmac, type KeyObject, pbkdf2Sync, randomBytes } from 'node:crypto'
import forge from 'node-forge'
import { objectIdentifier, tlv } from '../../demo/certificate-authority.ts'

export interface Entry {
  readonly alias?: string
  /** Latin letters; the same for a key and its certificate. */
  readonly id?: string
}

export interface KeyEntry extends Entry {
  readonly key: KeyObject
}

export interface CertificateEntry extends Entry {
  readonly der: Buffer
}

/** `pbes2-...`: RFC 8018; the others are PKCS#12's own. */
export type Scheme =
  | 'none'
  | 'pbes2-aes-128'
  | 'pbes2-aes-192'
  | 'pbes2-aes-256'
  | 'pbes2-3des'
  | '3des'
  | '3des-2key'
  | 'rc2-128'
  | 'rc2-40'
  | 'rc4-128'

export type MacKind = 'none' | 'sha1' | 'sha256' | 'sha384' | 'sha512' | 'pbmac1-sha256' | 'pbmac1-sha512'

export interface Pkcs12Spec {
  readonly keys?: readonly KeyEntry[]
  readonly certificates?: readonly CertificateEntry[]
  /** `null`: no password, which is written in another way than an empty one. */
  readonly password?: string | null
  /** Of what is locked inside, where it differs. */
  readonly innerPassword?: string
  readonly keyScheme?: Scheme
  readonly certificateScheme?: Scheme
  readonly mac?: MacKind
  readonly iterations?: number
  readonly macIterations?: number
  /** What the file says instead: it takes no time to write, and no password opens it. */
  readonly claimedMacIterations?: number
  /** Of PBKDF2, for ciphers. */
  readonly prf?: 'sha1' | 'sha256' | 'sha512'
  /** BER with indefinite lengths and strings in pieces, as NSS writes it. */
  readonly indefinite?: boolean
  readonly certificatesFirst?: boolean
  /** Each certificate in a safe of its own. */
  readonly apart?: boolean
  /** Salts and initialisation vectors. Default: random ones. */
  readonly bytes?: (size: number) => Buffer
  /** Gets each part before it is locked, and gives what is locked instead. */
  readonly alter?: (part: Buffer) => Buffer
}

interface OldScheme {
  readonly arc: number
  readonly cipher: string
  readonly keyLength: number
  readonly ivLength: number
}

const OLD_SCHEMES: Readonly<Record<string, OldScheme>> = {
  'rc4-128': { arc: 1, cipher: 'none', keyLength: 16, ivLength: 0 },
  '3des': { arc: 3, cipher: 'des-ede3-cbc', keyLength: 24, ivLength: 8 },
  '3des-2key': { arc: 4, cipher: 'des-ede-cbc', keyLength: 16, ivLength: 8 },
  'rc2-128': { arc: 5, cipher: 'rc2', keyLength: 16, ivLength: 8 },
  'rc2-40': { arc: 6, cipher: 'rc2', keyLength: 5, ivLength: 8 },
}

interface Pbes2Scheme {
  readonly oid: string
  readonly cipher: string
  readonly keyLength: number
  readonly ivLength: number
}

const PBES2_SCHEMES: Readonly<Record<string, Pbes2Scheme>> = {
  'pbes2-aes-128': { oid: '2.16.840.1.101.3.4.1.2', cipher: 'aes-128-cbc', keyLength: 16, ivLength: 16 },
  'pbes2-aes-192': { oid: '2.16.840.1.101.3.4.1.22', cipher: 'aes-192-cbc', keyLength: 24, ivLength: 16 },
  'pbes2-aes-256': { oid: '2.16.840.1.101.3.4.1.42', cipher: 'aes-256-cbc', keyLength: 32, ivLength: 16 },
  'pbes2-3des': { oid: '1.2.840.113549.3.7', cipher: 'des-ede3-cbc', keyLength: 24, ivLength: 8 },
}

const HMAC = { sha1: '1.2.840.113549.2.7', sha256: '1.2.840.113549.2.9', sha512: '1.2.840.113549.2.11' } as const

const DIGESTS = {
  sha1: { oid: '1.3.14.3.2.26', length: 20, create: () => forge.md.sha1.create() },
  sha256: { oid: '2.16.840.1.101.3.4.2.1', length: 32, create: () => forge.md.sha256.create() },
  sha384: { oid: '2.16.840.1.101.3.4.2.2', length: 48, create: () => forge.md.sha384.create() },
  sha512: { oid: '2.16.840.1.101.3.4.2.3', length: 64, create: () => forge.md.sha512.create() },
} as const

const DATA = '1.2.840.113549.1.7.1'
const NULL = tlv(0x05)

/** The bytes of a file. */
export function writePkcs12(spec: Pkcs12Spec): Buffer {
  return new Pkcs12Writer(spec).file()
}

class Pkcs12Writer {
  readonly #spec: Pkcs12Spec
  readonly #bytes: (size: number) => Buffer
  readonly #salt: Buffer
  /** All parts have one salt: a key that takes seconds is derived once. */
  readonly #derived = new Map<number, Buffer>()

  constructor(spec: Pkcs12Spec) {
    this.#spec = spec
    this.#bytes = spec.bytes ?? randomBytes
    this.#salt = this.#bytes(16)
  }

  file(): Buffer {
    const { keys = [], certificatesFirst } = this.#spec
    const keySafe = this.#safe(
      keys.map((key) => this.#keyBag(key)),
      'none',
    )
    const safes = [...(keys.length > 0 ? [keySafe] : []), ...this.#certificateSafes()]
    const content = this.#sequence(...(certificatesFirst === true ? safes.toReversed() : safes))
    const authenticated = this.#sequence(objectIdentifier(DATA), this.#element(0xa0, this.#string(content)))
    return this.#sequence(integer(3), authenticated, ...this.#mac(content))
  }

  #certificateSafes(): Buffer[] {
    const { certificates = [], certificateScheme = 'pbes2-aes-256', apart } = this.#spec
    const bags = certificates.map((one) => this.#certificateBag(one))
    if (apart === true) return bags.map((bag) => this.#safe([bag], certificateScheme))
    return bags.length === 0 ? [] : [this.#safe(bags, certificateScheme)]
  }

  #element(tag: number, ...contents: Buffer[]): Buffer {
    if (this.#spec.indefinite !== true) return tlv(tag, ...contents)
    return Buffer.concat([Buffer.from([tag, 0x80]), ...contents, Buffer.from([0, 0])])
  }

  #sequence(...items: Buffer[]): Buffer {
    return this.#element(0x30, ...items)
  }

  #string(bytes: Buffer): Buffer {
    return this.#spec.indefinite === true ? this.#element(0x24, ...pieces(bytes)) : tlv(0x04, bytes)
  }

  #safe(bags: readonly Buffer[], scheme: Scheme): Buffer {
    const contents = this.#altered(this.#sequence(...bags))
    if (scheme === 'none') {
      return this.#sequence(objectIdentifier(DATA), this.#element(0xa0, this.#string(contents)))
    }
    const { algorithm, encrypted } = this.#lock(contents, scheme)
    const body = this.#spec.indefinite === true ? this.#element(0xa0, ...pieces(encrypted)) : tlv(0x80, encrypted)
    const info = this.#sequence(objectIdentifier(DATA), algorithm, body)
    const data = this.#sequence(integer(0), info)
    return this.#sequence(objectIdentifier('1.2.840.113549.1.7.6'), this.#element(0xa0, data))
  }

  #altered(part: Buffer): Buffer {
    return this.#spec.alter?.(part) ?? part
  }

  #keyBag({ key, ...entry }: KeyEntry): Buffer {
    const pkcs8 = this.#altered(key.export({ type: 'pkcs8', format: 'der' }))
    const { keyScheme = 'pbes2-aes-256' } = this.#spec
    if (keyScheme === 'none') return this.#bag(1, pkcs8, entry)
    const { algorithm, encrypted } = this.#lock(pkcs8, keyScheme)
    return this.#bag(2, this.#sequence(algorithm, tlv(0x04, encrypted)), entry)
  }

  #certificateBag({ der, ...entry }: CertificateEntry): Buffer {
    const type = objectIdentifier('1.2.840.113549.1.9.22.1')
    return this.#bag(3, this.#sequence(type, this.#element(0xa0, this.#string(der))), entry)
  }

  #bag(arc: number, value: Buffer, { alias, id }: Entry): Buffer {
    const attribute = (last: number, content: Buffer) =>
      this.#sequence(objectIdentifier(`1.2.840.113549.1.9.${last}`), tlv(0x31, content))
    const attributes = [
      ...(alias === undefined ? [] : [attribute(20, tlv(0x1e, Buffer.from(alias, 'utf16le').swap16()))]),
      ...(id === undefined ? [] : [attribute(21, tlv(0x04, Buffer.from(id)))]),
    ]
    const type = objectIdentifier(`1.2.840.113549.1.12.10.1.${arc}`)
    return this.#sequence(
      type,
      this.#element(0xa0, value),
      ...(attributes.length > 0 ? [tlv(0x31, ...attributes)] : []),
    )
  }

  #lock(plain: Buffer, scheme: Scheme): { readonly algorithm: Buffer; readonly encrypted: Buffer } {
    const pbes2 = PBES2_SCHEMES[scheme]
    const old = OLD_SCHEMES[scheme]
    if (pbes2 !== undefined) return this.#lockPbes2(plain, pbes2)
    if (old !== undefined) return this.#lockOld(plain, old)
    throw new Error(`no scheme ${scheme}`)
  }

  #lockPbes2(plain: Buffer, { oid, cipher, keyLength, ivLength }: Pbes2Scheme) {
    const { iterations = 64, prf = 'sha256', password = '', innerPassword } = this.#spec
    const salt = this.#salt
    const iv = this.#bytes(ivLength)
    const secret = innerPassword ?? password ?? ''
    const key = this.#derived.get(keyLength) ?? pbkdf2Sync(secret, salt, iterations, keyLength, prf)
    this.#derived.set(keyLength, key)
    const algorithm = this.#sequence(
      objectIdentifier('1.2.840.113549.1.5.13'),
      this.#sequence(pbkdf2Identifier(salt, iterations, prf), this.#sequence(objectIdentifier(oid), tlv(0x04, iv))),
    )
    return { algorithm, encrypted: encrypt(cipher, key, iv, plain) }
  }

  #lockOld(plain: Buffer, { arc, cipher, keyLength, ivLength }: OldScheme) {
    const { iterations = 64, password = '', innerPassword } = this.#spec
    const salt = this.#bytes(8)
    const derive = (purpose: number, length: number) =>
      deriveOld(innerPassword ?? password, salt, purpose, iterations, length, 'sha1')
    const parameters = this.#sequence(tlv(0x04, salt), integer(iterations))
    const algorithm = this.#sequence(objectIdentifier(`1.2.840.113549.1.12.1.${arc}`), parameters)
    return { algorithm, encrypted: encrypt(cipher, derive(1, keyLength), derive(2, ivLength), plain) }
  }

  #mac(content: Buffer): Buffer[] {
    const {
      mac = 'sha256',
      macIterations = 64,
      claimedMacIterations: claimed = macIterations,
      password = '',
    } = this.#spec
    if (mac === 'none') return []
    const salt = this.#bytes(16)
    if (mac === 'pbmac1-sha256' || mac === 'pbmac1-sha512') {
      return [this.#pbmac1(content, mac === 'pbmac1-sha256' ? 'sha256' : 'sha512', salt)]
    }
    const { oid, length } = DIGESTS[mac]
    const key = deriveOld(password, salt, 3, macIterations, length, mac)
    const digest = createHmac(mac, key).update(content).digest()
    const info = this.#sequence(this.#sequence(objectIdentifier(oid), NULL), tlv(0x04, digest))
    return [this.#sequence(info, tlv(0x04, salt), ...(claimed === 1 ? [] : [integer(claimed)]))]
  }

  #pbmac1(content: Buffer, digest: 'sha256' | 'sha512', salt: Buffer): Buffer {
    const { macIterations = 64, claimedMacIterations: claimed = macIterations, password = '' } = this.#spec
    const key = pbkdf2Sync(password ?? '', salt, macIterations, 32, digest)
    const scheme = this.#sequence(objectIdentifier(HMAC[digest]), NULL)
    const parameters = this.#sequence(pbkdf2Identifier(salt, claimed, digest, 32), scheme)
    const algorithm = this.#sequence(objectIdentifier('1.2.840.113549.1.5.14'), parameters)
    const value = createHmac(digest, key).update(content).digest()
    // What RFC 9579 leaves unused is there all the same.
    return this.#sequence(this.#sequence(algorithm, tlv(0x04, value)), tlv(0x04, Buffer.from('unused')), integer(1))
  }
}

function pieces(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 300) parts.push(tlv(0x04, bytes.subarray(at, at + 300)))
  return parts
}

function pbkdf2Identifier(salt: Buffer, iterations: number, prf: keyof typeof HMAC, length?: number): Buffer {
  const parameters = [tlv(0x04, salt), integer(iterations)]
  if (length !== undefined) parameters.push(integer(length))
  // HMAC with SHA-1 is the default, which DER leaves out.
  if (prf !== 'sha1') parameters.push(tlv(0x30, objectIdentifier(HMAC[prf]), NULL))
  return tlv(0x30, objectIdentifier('1.2.840.113549.1.5.12'), tlv(0x30, ...parameters))
}

function deriveOld(
  password: string | null,
  salt: Buffer,
  purpose: number,
  iterations: number,
  length: number,
  digest: keyof typeof DIGESTS,
): Buffer {
  const bytes = forge.util.createBuffer(salt.toString('latin1'))
  const derived = forge.pkcs12.generateKey(password, bytes, purpose, iterations, length, DIGESTS[digest].create())
  return Buffer.from(derived.getBytes(), 'latin1')
}

function encrypt(name: string, key: Buffer, iv: Buffer, plain: Buffer): Buffer {
  if (name === 'none') return Buffer.from(plain)
  if (name !== 'rc2') {
    const cipher = createCipheriv(name, key, iv)
    return Buffer.concat([cipher.update(plain), cipher.final()])
  }
  const pieces: Buffer[] = []
  // In pieces: node-forge's time grows with their square.
  for (let at = 0; at <= plain.length; at += 4096) {
    const isLast = at + 4096 > plain.length
    const cipher = forge.rc2.createEncryptionCipher(key.toString('latin1'), key.length * 8)
    cipher.start((pieces.at(-1)?.subarray(-8) ?? iv).toString('latin1'))
    cipher.update(forge.util.createBuffer(plain.toString('latin1', at, at + 4096)))
    if (isLast) cipher.finish()
    pieces.push(Buffer.from(cipher.output.getBytes(), 'latin1'))
  }
  return Buffer.concat(pieces)
}

/** Up to 48 bits, never negative. */
function integer(value: number): Buffer {
  const bytes = Buffer.alloc(7)
  bytes.writeUIntBE(value, 1, 6)
  const first = bytes.findIndex((byte) => byte !== 0)
  const start = first < 0 ? 6 : first
  return tlv(0x02, bytes.subarray((bytes[start] ?? 0) >= 0x80 ? start - 1 : start))
}
