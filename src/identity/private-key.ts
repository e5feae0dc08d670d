import { createPrivateKey, type KeyObject, sign, verify, type X509Certificate } from 'node:crypto'
import type { Block } from '../encoding/blocks.ts'
import { childrenOf, contentOf, elementAt } from '../encoding/der.ts'
import type { KeyKind } from '../encoding/kind.ts'
import { isKeyKind, kindOfDer } from '../encoding/kind.ts'
import { writeEncryptedPem } from '../encoding/pem.ts'
import { errorCodeOf, PublishError } from '../errors.ts'
import type { DerivationBudget } from './derivation-budget.ts'
import { readKeyEncryption } from './key-encryption.ts'
import { openDesPem, openPbes1 } from './old-cipher.ts'

export type KeyBlock = Block & { readonly kind: KeyKind }

/** What became of the passphrase; undefined: nothing is encrypted. */
export type PassphraseUse = 'as given' | 'without its line end' | undefined

export interface OpenedKey {
  readonly key: KeyObject
  readonly passphrase: PassphraseUse
}

/** What TLS 1.2 and 1.3 have signature schemes for in Node.js. */
const SUPPORTED = new Set(['rsa', 'rsa-pss', 'ec', 'ed25519', 'ed448'])

const CONVERT =
  'Convert it to PKCS#8 with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.key -out new.key`; for ciphers that OpenSSL 3 has put aside add `-provider legacy -provider default`.'

export function isKeyBlock(block: Block): block is KeyBlock {
  return isKeyKind(block.kind)
}

/**
 * The key of one block: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC1 (RFC 5915), encrypted or not, or an encrypted PEM
 * key of old (RFC 1421 headers). `budget`: of the input that it stands in. Throws
 * PublishError E_KEY_UNREADABLE, E_KEY_UNSUPPORTED, E_KEY_PASSPHRASE_MISSING or E_KEY_PASSPHRASE_WRONG.
 */
export function openKey(block: KeyBlock, passphrase: string | undefined, budget: DerivationBudget): OpenedKey {
  const opened = isEncrypted(block)
    ? openEncrypted(block, passphrase, budget)
    : { key: load(block), passphrase: undefined }
  const type = opened.key.asymmetricKeyType ?? 'unknown'
  if (SUPPORTED.has(type)) return opened
  throw unsupported(block, `is a private key of the type ${type}, with which TLS cannot sign`)
}

function isEncrypted({ kind }: KeyBlock): boolean {
  return kind === 'encrypted-pkcs8' || kind === 'encrypted-pem'
}

function unsupported({ where }: KeyBlock, what: string, hint?: string): PublishError {
  return new PublishError({
    code: 'E_KEY_UNSUPPORTED',
    message: `${where} ${what}`,
    hint: hint ?? 'Use an RSA, EC or Ed25519 key, and a certificate issued for it.',
  })
}

function unknownCipher(block: KeyBlock): PublishError {
  return unsupported(block, 'is encrypted with a cipher that this action does not have (RC2, RC4 or the like)', CONVERT)
}

function unreadable({ where }: KeyBlock, cause?: unknown): PublishError {
  return new PublishError({
    code: 'E_KEY_UNREADABLE',
    message: `${where} is no private key that can be read: it is damaged`,
    hint: 'Store the key again from its file.',
    cause,
  })
}

function load(block: KeyBlock): KeyObject {
  const { kind, bytes } = block
  if (kind === 'dsa') throw unsupported(block, 'is a DSA key, with which TLS no longer signs')
  if (kind !== 'pkcs8' && kind !== 'pkcs1' && kind !== 'sec1') throw unreadable(block)
  try {
    return createPrivateKey({ key: bytes, format: 'der', type: kind })
  } catch (cause) {
    if (kind !== 'pkcs8' || KNOWN_ALGORITHMS.has(algorithmOf(bytes))) throw unreadable(block, cause)
    throw unsupported(block, 'is a private key of an algorithm that Node.js does not know')
  }
}

/** RSA, RSA-PSS, EC, Ed25519, Ed448: their object identifiers as DER holds them, in hex. */
const KNOWN_ALGORITHMS = new Set(['2a864886f70d010101', '2a864886f70d01010a', '2a8648ce3d0201', '2b6570', '2b6571'])

/** Of PKCS#8: version, then the algorithm's identifier with its parameters. */
function algorithmOf(der: Buffer): string {
  const outer = elementAt(der, 0)
  const [, algorithm] = (outer && childrenOf(der, outer)) ?? []
  const [identifier] = (algorithm && childrenOf(der, algorithm)) ?? []
  return identifier === undefined ? '' : contentOf(der, identifier).toString('hex')
}

/**
 * Whether what the key signs verifies with the certificate. EC and RSA keys carry their public half beside the private
 * one and are loaded although the two do not belong together; OpenSSL compares the public halves alone.
 */
export function signsFor(certificate: X509Certificate, key: KeyObject): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  // What these hold is the private half alone.
  if (type === 'ed25519' || type === 'ed448') return true
  // An RSA-PSS key may be bound to one digest.
  const digest = details?.hashAlgorithm ?? 'sha256'
  const sample = Buffer.from('sample')
  try {
    return verify(digest, sample, certificate.publicKey, sign(digest, sample, key))
  } catch {
    return false
  }
}

function openEncrypted(block: KeyBlock, passphrase: string | undefined, budget: DerivationBudget): OpenedKey {
  if (passphrase === undefined) {
    throw new PublishError({
      code: 'E_KEY_PASSPHRASE_MISSING',
      message: `${block.where} is an encrypted private key, but client-key-passphrase is empty`,
      hint: 'Give its passphrase as client-key-passphrase, from a secret that this job can read.',
    })
  }
  const decrypt = decrypterOf(block, budget)
  const asGiven = decrypt(passphrase)
  if (asGiven !== undefined) return { key: asGiven, passphrase: 'as given' }
  const trimmed = withoutLineEnd(passphrase)
  const second = trimmed === passphrase ? undefined : decrypt(trimmed)
  if (second !== undefined) return { key: second, passphrase: 'without its line end' }
  throw new PublishError({
    code: 'E_KEY_PASSPHRASE_WRONG',
    message: `client-key-passphrase does not open ${block.where}`,
    hint: 'Check that the passphrase belongs to this key (blanks and quotes around it count), or decrypt the key on your machine to see: `openssl pkey -in client.key -noout`.',
  })
}

/** A secret set from a file or by `echo` keeps the last line end. */
export function withoutLineEnd(passphrase: string): string {
  return passphrase.replace(/(\r\n|\n|\r)$/, '')
}

/** One try with one passphrase; undefined: it does not open the key. */
type Decrypter = (passphrase: string) => KeyObject | undefined

function decrypterOf(block: KeyBlock, budget: DerivationBudget): Decrypter {
  return block.kind === 'encrypted-pem' ? decrypterOfPem(block) : decrypterOfPkcs8(block, budget)
}

function decrypterOfPem(block: KeyBlock): Decrypter {
  const { bytes, encryption, label = 'RSA PRIVATE KEY' } = block
  if (encryption?.cipher === undefined) throw unknownCipher(block)
  const iv = Buffer.from(encryption.iv, 'hex')
  if (bytes.length % iv.length !== 0) throw unreadable(block)
  if (encryption.cipher === 'DES-CBC') return attempt((passphrase) => loadDecrypted(openDesPem(bytes, passphrase, iv)))
  const pem = writeEncryptedPem(label, bytes, encryption)
  return attempt((passphrase) => createPrivateKey({ key: pem, passphrase }))
}

function decrypterOfPkcs8(block: KeyBlock, budget: DerivationBudget): Decrypter {
  const read = readKeyEncryption(block.bytes)
  if (read === undefined) throw unreadable(block)
  const { pbes1, encrypted, rounds } = read
  return attempt((passphrase) => {
    if (!budget.afford(rounds)) throw unsupported(block, 'asks for more key derivation than any tool writes', CONVERT)
    if (pbes1 !== undefined) return loadDecrypted(openPbes1(encrypted, passphrase, pbes1))
    try {
      return createPrivateKey({ key: block.bytes, format: 'der', type: 'pkcs8', passphrase })
    } catch (error) {
      if (errorCodeOf(error) !== 'ERR_OSSL_EVP_UNSUPPORTED') throw error
      throw unknownCipher(block)
    }
  })
}

/** A wrong passphrase gives wrong padding, or once in 256 times bytes that are no key. */
function attempt(open: (passphrase: string) => KeyObject | undefined): Decrypter {
  return (passphrase) => {
    try {
      return open(passphrase)
    } catch (error) {
      if (error instanceof PublishError) throw error
      return undefined
    }
  }
}

function loadDecrypted(der: Buffer): KeyObject | undefined {
  const kind = kindOfDer(der)
  if (kind !== 'pkcs8' && kind !== 'pkcs1' && kind !== 'sec1') return undefined
  return createPrivateKey({ key: der, format: 'der', type: kind })
}
