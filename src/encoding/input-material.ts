import { closeSync, constants as fs, fstatSync, openSync, readSync } from 'node:fs'
import path from 'node:path'
import { errorCodeOf, PublishError } from '../errors.ts'
import { count, printable } from '../text.ts'
import { base64Lines, decodeBase64, withoutFilling } from './base64.ts'
import { isOpenSsh, readBlocks } from './blocks.ts'
import { formatNumber, shortage } from './der.ts'
import { beginsAsDer, kindOfDer, nameOfKind } from './kind.ts'
import { isPem, pemBodies, repairPem } from './pem.ts'
import { decodeText } from './text-encoding.ts'
import {
  baseName,
  type Description,
  describeDamage,
  describeValue,
  pathSeen,
  refuseUri,
  strayCharacters,
} from './value.ts'

/** What an input holds, decoded: PEM text, or the bytes of DER or PKCS#12. */
export interface InputMaterial {
  readonly input: string
  /** As decoded: of the text, of the base64, or of the file. */
  readonly bytes: Buffer
  /** PEM with plain line ends; undefined where the bytes are DER. */
  readonly text: string | undefined
  readonly origin: 'text' | 'base64' | 'path'
  /** The file's name, printable, where a path was given. */
  readonly shownPath?: string
}

/** Bytes. */
const LARGEST_FILE = 1024 * 1024

/** base64 of base64 is met (a tool encodes what was encoded by hand); more is no accident. */
const MOST_LAYERS = 2

/** Shorter lines are in too many innocent texts to be masked. */
const SHORTEST_LINE = 16

/** Certificates; a client's chain has three or four. */
const MOST_MASKED = 20

/** Bytes. Real ones have more, in DER too. */
const SMALLEST_CERTIFICATE = 200

/**
 * Decides by the decoded bytes what an input holds: PEM text; else an existing file (relative to `workspace`); else
 * base64 of PEM, DER or PKCS#12. Throws PublishError E_INPUT_FORMAT (none of them), E_INPUT_FILE (a path without a
 * readable file of at most 1 MiB) or E_INPUT_TRUNCATED. Errors give the value's length and kind, never the value.
 */
export function readMaterial(input: string, value: string, options: { readonly workspace: string }): InputMaterial {
  const text = unquoteJson(value.replaceAll('\0', ''))
  if (isPem(text)) return { input, bytes: Buffer.from(value, 'utf8'), text: repairPem(text), origin: 'text' }
  const word = unquote(text)
  refuseUri(input, word)
  const file = readFile(input, word, options.workspace)
  if (file !== undefined) return fromFile(input, file, printable(baseName(word), 80))
  const decoded = decodeBase64(word)
  const found = decoded && decode(decoded, MOST_LAYERS)
  if (found === undefined) throw unreadable(input, word, decoded)
  refuseCutOff(input, found.bytes, `${formatNumber(withoutFilling(word).length)} characters of base64`)
  return { input, ...found, origin: 'base64' }
}

function fromFile(input: string, file: Buffer, shownPath: string): InputMaterial {
  const found = decode(file, MOST_LAYERS + 1)
  if (found === undefined) {
    const { kind, hint } = describeBytes(file)
    throw new PublishError({
      code: 'E_INPUT_FORMAT',
      message: `${input} names the file ${shownPath}, which holds ${kind}: expected PEM, DER, or base64 of them`,
      hint: hint ?? 'Give the path of a file with certificates or a private key.',
    })
  }
  refuseCutOff(input, found.bytes, `in the file ${shownPath}`)
  return { input, ...found, origin: 'path', shownPath }
}

/** Bytes of a file or of base64: PEM, DER, or base64 of them again. */
function decode(bytes: Buffer, layers: number): Pick<InputMaterial, 'bytes' | 'text'> | undefined {
  if (beginsAsDer(bytes)) return { bytes, text: undefined }
  const text = decodeText(bytes)
  if (isPem(text)) return { bytes, text: repairPem(text) }
  const inner = layers > 1 ? decodeBase64(unquote(text)) : undefined
  return inner && decode(inner, layers - 1)
}

/** A terminal that cuts a long paste says nothing, and minutes later everybody suspects the passphrase. */
function refuseCutOff(input: string, bytes: Buffer, source: string): void {
  const missing = beginsAsDer(bytes) ? shortage(bytes) : undefined
  if (missing === undefined) return
  throw new PublishError({
    code: 'E_INPUT_TRUNCATED',
    message: `${input} is cut off (${nameOfKind(kindOfDer(bytes))}): ${missing} (${source})`,
    hint: 'Store the value again from a file (`gh secret set NAME < file`): terminals cut long pastes.',
  })
}

function unreadable(input: string, word: string, decoded: Buffer | undefined): PublishError {
  const file = pathSeen(word)
  if (file !== undefined) {
    return new PublishError({
      code: 'E_INPUT_FILE',
      message: `${input} looks like a path (it ends in ${path.extname(file)}), and there is no such file: ${file}`,
      hint: /^[~@]/.test(word)
        ? 'Give the path itself: `~` means something to shells alone, and `@` to curl.'
        : 'Give the path relative to the workspace; in a container job `github.workspace` is the path on the host, which does not exist in the container.',
    })
  }
  const { kind, hint } = describeValue(word) ?? describeDamage(word) ?? describeRest(word, decoded)
  return new PublishError({
    code: 'E_INPUT_FORMAT',
    message: `${input} is ${kind}: expected PEM text, base64 of PEM or DER, or the path of an existing file`,
    hint:
      hint ??
      'Store the whole content of the file, from the first `-----BEGIN` to the last `-----END` line, or base64 of it.',
  })
}

function describeRest(word: string, decoded: Buffer | undefined): Description {
  const length = count(word.length, 'character')
  if (decoded !== undefined) {
    const { kind, hint } = describeBytes(decoded)
    return { kind: `text of ${length} that is no PEM; as base64 it gives ${kind}`, ...(hint && { hint }) }
  }
  const strays = strayCharacters(word)
  if (strays === undefined) return { kind: `text of ${length} that is neither PEM nor base64` }
  return {
    kind: `text of ${length} that would be base64 but for ${strays}`,
    hint: 'Store base64 of the file and nothing else: no name in front, no sign of the prompt behind it.',
  }
}

/** JKS and JCEKS, by their first bytes. */
const JAVA_STORES = new Set(['feedfeed', 'cececece'])

function describeBytes(bytes: Buffer): Description {
  if (JAVA_STORES.has(bytes.subarray(0, 4).toString('hex'))) {
    return {
      kind: 'a Java key store (JKS; keytool converts it)',
      hint: 'Convert it with `keytool -importkeystore -srckeystore client.jks -destkeystore client.p12 -deststoretype PKCS12`, and give client.p12.',
    }
  }
  if (isOpenSsh(bytes)) return { kind: 'an OpenSSH private key without its BEGIN line' }
  const replaced = bytes.includes('\ufffd') ? describeDamage('\ufffd') : undefined
  return replaced ?? describeValue(decodeText(bytes)) ?? { kind: `${count(bytes.length, 'byte')} of an unknown kind` }
}

/** A value that was copied out of a JSON document, quotes and escapes with it. */
function unquoteJson(value: string): string {
  const trimmed = value.trim()
  if (!trimmed.startsWith('"') || !trimmed.endsWith('"')) return value
  try {
    const parsed: unknown = JSON.parse(trimmed)
    return typeof parsed === 'string' ? parsed : value
  } catch {
    return value
  }
}

function unquote(text: string): string {
  const trimmed = text.trim()
  const [, , inner] = /^(["'`])(.*)\1$/s.exec(trimmed) ?? []
  return inner?.trim() ?? trimmed
}

/** What open() answers for a value that is no path at all, or the path of nothing. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EINVAL', 'UNKNOWN'])

/** The file that the value names; undefined where there is none. Throws E_INPUT_FILE. */
function readFile(input: string, word: string, workspace: string): Buffer | undefined {
  if (word === '' || /[\r\n]/.test(word)) return undefined
  let descriptor: number | undefined
  try {
    // Without O_NONBLOCK a FIFO under this name would hold the run up for ever.
    descriptor = openSync(path.resolve(workspace, word), fs.O_RDONLY | (fs.O_NONBLOCK ?? 0))
    const status = fstatSync(descriptor)
    if (!status.isFile()) throw noFile(input, word, status.isDirectory() ? 'is a directory' : 'is no regular file')
    const content = readUpTo(descriptor, LARGEST_FILE + 1)
    if (content.length > LARGEST_FILE) throw noFile(input, word, 'is larger than that')
    if (content.length === 0) throw noFile(input, word, 'is empty')
    return content
  } catch (error) {
    const code = errorCodeOf(error)
    if (error instanceof PublishError) throw error
    if (code !== undefined && ABSENT.has(code)) return undefined
    throw noFile(input, word, `cannot be read (${code ?? 'no reason given'})`, error)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function noFile(input: string, word: string, fault: string, cause?: unknown): PublishError {
  return new PublishError({
    code: 'E_INPUT_FILE',
    message: `${input} must name a regular file of at most 1 MiB, but the path given ${fault}: \`${printable(baseName(word), 80) || '/'}\``,
    hint: 'Give the path of one file, relative to the workspace.',
    cause,
  })
}

function readUpTo(descriptor: number, most: number): Buffer {
  const buffer = Buffer.alloc(most)
  let length = 0
  while (length < most) {
    const read = readSync(descriptor, buffer, length, most - length, null)
    if (read === 0) break
    length += read
  }
  return buffer.subarray(0, length)
}

/**
 * Every line that the log must hide and that the runner does not know by itself: it knows the secret as it is stored, not
 * what decoding makes of it. Lines of base64 from 16 characters on, and each joined body; never a BEGIN, END or header
 * line, nor text around the blocks. None of a bundle of many certificates: those are public, and thousands of masks
 * would slow down every line of the log.
 */
export function linesToMask(material: InputMaterial): string[] {
  if (isPublicBundle(material)) return []
  const { bytes, text } = material
  const bodies = text === undefined ? [bytes.toString('base64')] : pemBodies(text)
  const lines = new Set<string>()
  for (const body of bodies) {
    const joined = withoutFilling(body)
    for (const line of [joined, ...(body.match(/[\w+/-]+={0,2}/g) ?? []), ...base64Lines(joined)]) {
      if (line.length >= SHORTEST_LINE) lines.add(line)
    }
  }
  return [...lines]
}

function isPublicBundle(material: InputMaterial): boolean {
  if (material.bytes.length <= MOST_MASKED * SMALLEST_CERTIFICATE) return false
  const { blocks, broken } = readBlocks(material)
  const isCertificates = broken.length === 0 && blocks.every(({ certificates }) => certificates.length > 0)
  return isCertificates && blocks.flatMap(({ certificates }) => certificates).length > MOST_MASKED
}
