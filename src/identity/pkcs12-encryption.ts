import { createDecipheriv } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import rc2 from 'node-forge/lib/rc2.js'
import util from 'node-forge/lib/util.js'
import { algorithm, members, octetString } from './asn1.ts'
import type { KeyDerivation, Password } from './derivation.ts'
import { damaged, Pkcs12Fault, unsupported } from './pkcs12-fault.ts'
import { type Locked, saltAndIterations } from './pkcs12-file.ts'

/** A block cipher in CBC mode; lengths in bytes. */
interface Cipher {
  readonly name: string
  readonly keyLength: number
  readonly block: number
}

const PBES2 = '1.2.840.113549.1.5.13'

/** RFC 8018, B.2. */
const PBES2_CIPHERS: ReadonlyMap<string, Cipher> = new Map([
  ['2.16.840.1.101.3.4.1.2', { name: 'aes-128-cbc', keyLength: 16, block: 16 }],
  ['2.16.840.1.101.3.4.1.22', { name: 'aes-192-cbc', keyLength: 24, block: 16 }],
  ['2.16.840.1.101.3.4.1.42', { name: 'aes-256-cbc', keyLength: 32, block: 16 }],
  ['1.2.840.113549.3.7', { name: 'des-ede3-cbc', keyLength: 24, block: 8 }],
])

/** PKCS#12's own schemes (RFC 7292, C), all with SHA-1: those that programs wrote by default. */
const OLD_CIPHERS: ReadonlyMap<string, Cipher> = new Map([
  ['1.2.840.113549.1.12.1.3', { name: 'des-ede3-cbc', keyLength: 24, block: 8 }],
  ['1.2.840.113549.1.12.1.4', { name: 'des-ede-cbc', keyLength: 16, block: 8 }],
  ['1.2.840.113549.1.12.1.5', { name: 'rc2', keyLength: 16, block: 8 }],
  ['1.2.840.113549.1.12.1.6', { name: 'rc2', keyLength: 5, block: 8 }],
])

/**
 * Opens what is locked. Throws Pkcs12Fault: `password` where the padding is wrong, `damaged` or `unsupported`. A wrong
 * password gives right padding once in 256 times: what comes out must be looked at.
 */
export function unlock(locked: Locked, password: Password, derivation: KeyDerivation): Promise<Buffer> {
  const { oid } = locked.encryption
  if (oid === PBES2) return unlockPbes2(locked, password, derivation)
  const cipher = OLD_CIPHERS.get(oid)
  if (cipher === undefined) throw unknownCipher(oid)
  return unlockOld(cipher, locked, password, derivation)
}

function unknownCipher(oid: string): Pkcs12Fault {
  return unsupported(`is encrypted with a cipher that this action does not have (${oid})`)
}

async function unlockPbes2(locked: Locked, password: Password, derivation: KeyDerivation): Promise<Buffer> {
  const [function_, scheme] = members(locked.encryption.parameters)
  const { oid, parameters } = algorithm(scheme)
  const cipher = PBES2_CIPHERS.get(oid)
  if (cipher === undefined) throw unknownCipher(oid)
  const key = await derivation.pbkdf2(password, algorithm(function_), cipher.keyLength)
  return decrypt(cipher, key, octetString(parameters), locked.encrypted)
}

async function unlockOld(
  cipher: Cipher,
  { encryption, encrypted }: Locked,
  password: Password,
  derivation: KeyDerivation,
): Promise<Buffer> {
  const parameters = { digest: 'sha1', ...saltAndIterations(members(encryption.parameters)) } as const
  const key = await derivation.old(password, { ...parameters, purpose: 1, length: cipher.keyLength })
  const iv = await derivation.old(password, { ...parameters, purpose: 2, length: cipher.block })
  return decrypt(cipher, key, iv, encrypted)
}

async function decrypt({ name, block }: Cipher, key: Buffer, iv: Buffer, encrypted: Buffer): Promise<Buffer> {
  if (iv.length !== block) throw damaged('an initialisation vector in it has the wrong length')
  if (encrypted.length === 0 || encrypted.length % block !== 0) throw damaged('an encrypted part of it is incomplete')
  if (name === 'rc2') return unpadded(await decryptRc2(key, iv, encrypted), block)
  const decipher = createDecipheriv(name, key, iv).setAutoPadding(false)
  return unpadded(Buffer.concat([decipher.update(encrypted), decipher.final()]), block)
}

/** As many bytes as the last one says, all of them the same (RFC 8018, 6.1.1). */
function unpadded(bytes: Buffer, block: number): Buffer {
  const size = bytes.at(-1) ?? 0
  const padding = bytes.subarray(bytes.length - size)
  if (size < 1 || size > block || padding.some((byte) => byte !== size)) {
    throw new Pkcs12Fault('password', 'what it decrypts to has no padding')
  }
  return bytes.subarray(0, bytes.length - size)
}

/** Bytes at once: node-forge's time grows with their square. */
const RC2_PIECE = 4096

/** All bits of the key count. Each piece begins where the one before it ended, as CBC allows. */
async function decryptRc2(key: Buffer, iv: Buffer, encrypted: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = []
  let vector = iv
  for (let at = 0; at < encrypted.length; at += RC2_PIECE) {
    const piece = encrypted.subarray(at, at + RC2_PIECE)
    const decipher = rc2.createDecryptionCipher(key.toString('latin1'), key.length * 8)
    decipher.start(vector.toString('latin1'))
    decipher.update(util.createBuffer(piece.toString('latin1')))
    decipher.finish(() => true)
    pieces.push(Buffer.from(decipher.output.getBytes(), 'latin1'))
    vector = piece.subarray(piece.length - iv.length)
    await setImmediate()
  }
  return Buffer.concat(pieces)
}
