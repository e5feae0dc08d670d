import { PublishError } from '../errors.ts'
import { count, printable } from '../text.ts'
import { kindOfDer, nameOfKind } from './kind.ts'

/** Endings of files that hold certificates and keys. A token may hold dots too, so no other ending proves a path. */
const FILE_NAME = /^.{1,120}\.(pem|crt|cer|cert|key|p12|pfx|pkcs12|der|p7b|p7c|p7s|p8|pk8|b64|base64|txt|jks|bundle)$/i

/** The last part of a value that looks like a path, printable; undefined for all others: they may be secrets. */
export function pathSeen(word: string): string | undefined {
  const name = baseName(word)
  return !/[\r\n]/.test(word) && FILE_NAME.test(name) ? printable(name, 80) : undefined
}

/** Both separators count: a path is often written on another system than the runner's. */
export function baseName(word: string): string {
  return word.split(/[/\\]/).at(-1) ?? ''
}

/** Keys that stay where they are (RFC 7512, and cosign's schemes of the large KMS), and URLs. Throws E_INPUT_FORMAT. */
export function refuseUri(input: string, word: string): void {
  const [, scheme = ''] = /^(pkcs11|awskms|gcpkms|azurekms|hashivault|file|data|https?|ftp|ldaps?):/i.exec(word) ?? []
  if (scheme === '') return
  const name = `${input} is a ${scheme.toLowerCase()}: URI`
  if (/^(https?|ftp|ldaps?)$/i.test(scheme)) {
    throw new PublishError({
      code: 'E_INPUT_FORMAT',
      message: `${name}, and nothing is downloaded: expected PEM text, base64 of PEM or DER, or the path of an existing file`,
      hint: 'Download it in an earlier step, check that it is what you expect, and give the path of the file.',
    })
  }
  throw new PublishError({
    code: 'E_INPUT_FORMAT',
    message: `${name}, but this version takes PEM or PKCS#12 only`,
    hint: 'Give PEM text, base64 of it (or of a PKCS#12 file), or the path of its file.',
  })
}

/** What something seems to be, in words that never show it. */
export interface Description {
  readonly kind: string
  /** Instead of the usual hint. */
  readonly hint?: string
}

const STORE_BASE64 = 'Store base64 of the file: `base64 -w0 client.p12 | gh secret set NAME` (on macOS `base64 -i`).'

/** What a value seems to be; undefined where nothing is recognised. */
export function describeValue(value: string): Description | undefined {
  const word = value.trim()
  const length = `of ${count(word.length, 'character')}`
  if (word === '') return { kind: 'empty' }
  if (/^[0-9a-f\s:]+$/i.test(word)) return describeHex(word)
  if (/^\*+$/.test(word)) return { kind: 'a row of asterisks, copied from a masked log' }
  if (/^\$\{\{.*\}\}$/s.test(word))
    return { kind: 'an expression of a workflow file that was not evaluated', hint: EVALUATE }
  if (/^(\$\w+|\$\{\w+\}|\$env:\w+|%\w+%)$/.test(word))
    return { kind: 'the name of a variable, which only a shell replaces by its value', hint: EVALUATE }
  if (/^[{[]/.test(word)) return { kind: `JSON ${length}` }
  if (/^<(!|\?|[a-z])/i.test(word)) return { kind: `HTML or XML ${length}` }
  if (/^(ssh-|ecdsa-sha2-)/.test(word)) return { kind: `an OpenSSH public key ${length}` }
  if (word.startsWith('PuTTY-User-Key-File')) return { kind: `a PuTTY key ${length}` }
  if (/BEGIN [A-Z0-9 ]{0,40}(CERTIFICATE|KEY)/.test(word))
    return { kind: `PEM ${length} whose BEGIN line lacks hyphens` }
  return undefined
}

/** Undefined for what is text. */
export function describeDamage(value: string): Description | undefined {
  // What is no UTF-8 was replaced, and control characters are in no text.
  if (!/[\ufffd\x01-\x08\x0e-\x1f]/.test(value)) return undefined
  return { kind: 'a binary file that was stored as text, which damages it', hint: STORE_BASE64 }
}

const EVALUATE =
  'Write the expression in the workflow file itself, under `with:` of this step; the value of a secret or variable is not evaluated once more.'

/** Client secrets have 32 to 64 digits; `xxd`, `openssl x509 -fingerprint` and browsers print bytes so. */
function describeHex(word: string): Description {
  const digits = word.replace(/[\s:]/g, '')
  const amount = `${digits.length} hexadecimal digits`
  const kind = digits.length % 2 === 0 ? kindOfDer(Buffer.from(digits, 'hex')) : 'unknown'
  if (kind !== 'unknown') return { kind: `${amount} of ${nameOfKind(kind)}`, hint: STORE_BASE64 }
  if (word.includes(':')) return { kind: `${amount} with colons, maybe a fingerprint or serial number` }
  return { kind: digits.length > 128 ? amount : `${amount}, maybe an app's client secret` }
}

/** Characters that a long base64 text holds besides its own: at most two different ones, few times. Undefined for others. */
export function strayCharacters(word: string): string | undefined {
  // Of a short value, which may be a password, each character tells something.
  if (word.length < 200) return undefined
  const strays = word.match(/[^A-Za-z0-9+/=\-_\s]/g) ?? []
  const distinct = [...new Set(strays)]
  if (distinct.length > 2 || strays.length > word.length / 20) return undefined
  return distinct.map((one) => `\`${printable(one, 8)}\``).join(' and ')
}
