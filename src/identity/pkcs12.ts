import type { Block } from '../encoding/blocks.ts'
import { kindOfDer } from '../encoding/kind.ts'
import { PublishError } from '../errors.ts'
import { KeyDerivation, type Password } from './derivation.ts'
import type { DerivationBudget } from './derivation-budget.ts'
import { unlock } from './pkcs12-encryption.ts'
import { Pkcs12Fault } from './pkcs12-fault.ts'
import { type Bags, type KeyBag, type Pkcs12File, readBags, readPkcs12, type Safe } from './pkcs12-file.ts'
import { chooseKey } from './pkcs12-key.ts'
import { isMacRight } from './pkcs12-mac.ts'
import { type OpenedKey, openKey, type PassphraseUse, withoutLineEnd } from './private-key.ts'

export interface Pkcs12Request {
  /** Untrimmed. */
  readonly passphrase: string | undefined
  /** The friendly name of the key to use. */
  readonly alias: string | undefined
  /** Whether `client-key` gives the private key. */
  readonly hasOtherKey: boolean
  readonly signal: AbortSignal
  /** Of the input that the file stands in. */
  readonly budget: DerivationBudget
}

export interface OpenedPkcs12 {
  /** DER, in the file's order, without those of keys that are not used. */
  readonly certificates: readonly Buffer[]
  /** Undefined: the file holds none. */
  readonly key: OpenedKey | undefined
  /** Undefined: nothing in it needs a password. */
  readonly passphrase: PassphraseUse
}

/** One way to understand the passphrase. */
interface Attempt {
  readonly password: Password
  readonly use: PassphraseUse
}

const CONVERT =
  'Convert it with `openssl pkcs12 -in client.p12 -out client.pem -nodes` (for an old file add `-legacy`), and store client.pem, which holds certificates and key, as client-cert.'

/**
 * Opens a PKCS#12 file (RFC 7292, RFC 9579). What is in it is data only: its CA certificates are candidates for our own
 * chain, and nobody's trust. Throws PublishError E_CERT_UNREADABLE (damaged), E_KEY_UNSUPPORTED (a cipher that we lack, or
 * too much key derivation), E_KEY_PASSPHRASE_MISSING, E_KEY_PASSPHRASE_WRONG, E_KEY_AMBIGUOUS, E_KEY_MISSING,
 * E_KEY_UNREADABLE, E_INPUT_CONFLICT (it holds a key, and `client-key` is given); the signal's reason once it is aborted.
 */
export async function openPkcs12({ where, bytes }: Block, request: Pkcs12Request): Promise<OpenedPkcs12> {
  try {
    const file = readPkcs12(bytes)
    const derivation = new KeyDerivation(request.signal, request.budget)
    let isPassword = false
    for (const { password, use } of attemptsOf(request.passphrase)) {
      if (file.mac !== undefined) {
        if (!(await isMacRight(file.mac, file.content, password, derivation))) continue
        isPassword = true
      }
      const opened = await tryPassword(file, { password, use }, derivation, where, request)
      if (opened !== undefined) return opened
    }
    throw isPassword ? otherPassword(where) : notOpened(where, request.passphrase)
  } catch (error) {
    throw error instanceof Pkcs12Fault ? explain(error, where) : error
  }
}

/** As given, then without one line end. An empty password is written in two ways (RFC 7292, B.1): both are tried. */
function attemptsOf(passphrase: string | undefined): Attempt[] {
  const use = (text: string, how: PassphraseUse): Attempt[] => {
    const written = { password: passwordOf(text), use: how }
    return text === '' ? [written, { password: { bmp: Buffer.alloc(0), utf8: Buffer.alloc(0) }, use: how }] : [written]
  }
  if (passphrase === undefined) return use('', undefined)
  const trimmed = withoutLineEnd(passphrase)
  return [...use(passphrase, 'as given'), ...(trimmed === passphrase ? [] : use(trimmed, 'without its line end'))]
}

function passwordOf(text: string): Password {
  return { bmp: Buffer.from(`${text}\0`, 'utf16le').swap16(), utf8: Buffer.from(text, 'utf8') }
}

/** Undefined: what is locked inside does not open. */
async function tryPassword(
  file: Pkcs12File,
  { password, use }: Attempt,
  derivation: KeyDerivation,
  where: string,
  request: Pkcs12Request,
): Promise<OpenedPkcs12 | undefined> {
  const { mac, safes } = file
  try {
    const bags = await unlockBags(safes, password, derivation)
    if (bags.keys.length > 0 && request.hasOtherKey) throw keyInBoth(where)
    const { key, certificates } = chooseKey(bags, request.alias, where)
    const opened = key && (await openBag(key, password, derivation, where, request.budget))
    const isUsed = mac !== undefined || [...safes, ...(key === undefined ? [] : [key])].some(isLocked)
    const passphrase = isUsed ? use : undefined
    return { certificates: certificates.map(({ der }) => der), key: opened && { key: opened, passphrase }, passphrase }
  } catch (error) {
    if (!(error instanceof Pkcs12Fault) || error.reason !== 'password') throw error
    return undefined
  }
}

function isLocked(safe: Safe): boolean {
  return 'encrypted' in safe
}

async function unlockBags(safes: readonly Safe[], password: Password, derivation: KeyDerivation): Promise<Bags> {
  const found: Bags[] = []
  for (const safe of safes) {
    found.push('data' in safe ? readBags(safe.data) : readUnlocked(await unlock(safe, password, derivation)))
  }
  return { keys: found.flatMap(({ keys }) => keys), certificates: found.flatMap(({ certificates }) => certificates) }
}

/** What a wrong password made of it, now and then, is bytes without structure. */
function readUnlocked(data: Buffer): Bags {
  try {
    return readBags(data)
  } catch (error) {
    if (!(error instanceof Pkcs12Fault) || error.reason !== 'damaged') throw error
    throw new Pkcs12Fault('password', error.message)
  }
}

async function openBag(
  bag: KeyBag,
  password: Password,
  derivation: KeyDerivation,
  where: string,
  budget: DerivationBudget,
): Promise<OpenedKey['key']> {
  const bytes = 'data' in bag ? bag.data : await unlock(bag, password, derivation)
  if (kindOfDer(bytes) !== 'pkcs8') {
    throw new Pkcs12Fault(isLocked(bag) ? 'password' : 'damaged', 'its private key is no PKCS#8')
  }
  const block = { where: `the private key in ${where}`, bytes, label: undefined, encryption: undefined }
  return openKey({ ...block, kind: 'pkcs8', certificates: [] }, undefined, budget).key
}

function explain({ reason, message }: Pkcs12Fault, where: string): PublishError {
  if (reason === 'unsupported') {
    return new PublishError({
      code: 'E_KEY_UNSUPPORTED',
      message: `${where} is a PKCS#12 file that ${message}`,
      hint: CONVERT,
    })
  }
  return new PublishError({
    code: 'E_CERT_UNREADABLE',
    message: `${where} is a PKCS#12 file that cannot be read: ${message}`,
    hint: 'Store the whole file again, unchanged; if it stays so, export it again.',
  })
}

function notOpened(where: string, passphrase: string | undefined): PublishError {
  if (passphrase === undefined) {
    return new PublishError({
      code: 'E_KEY_PASSPHRASE_MISSING',
      message: `${where} is a PKCS#12 file with a password, but client-key-passphrase is empty`,
      hint: 'Give its password as client-key-passphrase, from a secret that this job can read.',
    })
  }
  return new PublishError({
    code: 'E_KEY_PASSPHRASE_WRONG',
    message: `client-key-passphrase does not open ${where}, a PKCS#12 file`,
    hint: 'Check that the password belongs to this file (blanks and quotes around it count), or open the file on your machine to see: `openssl pkcs12 -in client.p12 -noout` (for an old file add `-legacy`). A file that was altered gives the same answer.',
  })
}

function otherPassword(where: string): PublishError {
  return new PublishError({
    code: 'E_KEY_PASSPHRASE_WRONG',
    message: `client-key-passphrase is the password of ${where}, but not of what is locked inside: that has another password`,
    hint: 'Export certificate and key again into a file with one password.',
  })
}

function keyInBoth(where: string): PublishError {
  return new PublishError({
    code: 'E_INPUT_CONFLICT',
    message: `client-key is given, but ${where} is a PKCS#12 file that holds its own private key`,
    hint: 'Leave client-key out, or give the certificates alone as client-cert.',
  })
}
