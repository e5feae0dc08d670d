import { PublishError } from '../errors.ts'
import { count, printable } from '../text.ts'

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
  const [, scheme] = /^(pkcs11|awskms|gcpkms|azurekms|hashivault|file|https?):/i.exec(word) ?? []
  if (scheme === undefined) return
  throw new PublishError({
    code: 'E_INPUT_FORMAT',
    message: `${input} is a ${scheme.toLowerCase()}: URI, but this version takes PEM or PKCS#12 only`,
    hint: 'Give PEM text, base64 of it (or of a PKCS#12 file), or the path of its file.',
  })
}

/** What a value seems to be, in words that never show it; undefined where nothing is recognised. */
export function describeValue(value: string): string | undefined {
  const word = value.trim()
  const length = `of ${count(word.length, 'character')}`
  if (word === '') return 'empty'
  if (/^[0-9a-f]+$/i.test(word)) return `${word.length} hexadecimal digits, maybe an app's client secret`
  if (/^\*+$/.test(word)) return 'a row of asterisks, copied from a masked log'
  if (/^[{[]/.test(word)) return `JSON ${length}`
  if (/^(ssh-|ecdsa-sha2-)/.test(word)) return `an OpenSSH public key ${length}`
  if (word.startsWith('PuTTY-User-Key-File')) return `a PuTTY key ${length}`
  return /BEGIN [A-Z0-9 ]{0,40}(CERTIFICATE|KEY)/.test(word)
    ? `PEM ${length} whose BEGIN line lacks hyphens`
    : undefined
}
