/** Every form in which a secret of a run could leak. */
import type { KeyObject } from 'node:crypto'

const SECRET_INPUTS = ['client-cert', 'client-key', 'client-key-passphrase', 'password']

const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----/gs

/** Shorter lines and pieces are in innocent texts too. */
const SHORTEST_LINE = 8
const SHORTEST_BASE64 = 12

/**
 * What must not be seen of a run with these inputs: passwords as they are; keys as text, by lines, in base64 of any
 * alignment, decoded, and the bare numbers inside them whatever format they are wrapped in. Paths and certificates are
 * no secrets.
 */
export function secretsOf(
  inputs: Readonly<Record<string, string>>,
  values: readonly string[],
  keys: readonly KeyObject[],
): ReadonlySet<string> {
  const given = SECRET_INPUTS.flatMap((name) => secretParts(name, inputs[name] ?? ''))
  const forms = [...given, ...values].flatMap(formsOf)
  return new Set([...forms, ...keys.flatMap(numbersOf)])
}

/** The parts of an input that are secret. */
function secretParts(name: string, value: string): string[] {
  if (name === 'password' || name === 'client-key-passphrase') return value === '' ? [] : [value]
  const keys = value.match(PRIVATE_KEY) ?? []
  const isPath = /[\\/.][\w.-]+$/.test(value) && !value.includes('\n') && value.length < 200
  if (keys.length > 0 || value.includes('-----BEGIN') || isPath) return [...keys]
  const decoded = Buffer.from(value, 'base64')
  const text = decoded.toString('latin1')
  if (text.includes('-----BEGIN'))
    return text.includes('PRIVATE KEY') ? [value, ...(text.match(PRIVATE_KEY) ?? [])] : []
  // DER in base64: a certificate is public.
  return name === 'client-key' ? [value] : []
}

function formsOf(value: string): string[] {
  const whole = value.trim()
  const lines = whole.split(/[\r\n]+/).map((line) => line.trim())
  const secretLines = lines.filter((line) => line.length >= SHORTEST_LINE && !line.startsWith('-----'))
  const body = lines.filter((line) => !/^-----|: |^$/.test(line)).join('')
  return [whole, ...secretLines, body, ...base64Forms(Buffer.from(whole)), encodeURIComponent(whole)].filter(
    (form) => form !== '',
  )
}

/** Base64 of a text that holds these bytes somewhere: three alignments, without the edges that depend on neighbours. */
function base64Forms(bytes: Buffer): string[] {
  const forms = [0, 1, 2].flatMap((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    return encoded.slice(shift === 0 ? 0 : 4, -4)
  })
  const urlSafe = forms.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))
  return [...forms, ...urlSafe].filter((form) => form.length >= SHORTEST_BASE64)
}

/** The private numbers of a key (RFC 7518, RFC 8037), in hexadecimal digits and base64. */
function numbersOf(key: KeyObject): string[] {
  const { d, p, q } = key.export({ format: 'jwk' })
  return [d, p, q].flatMap((number) => {
    if (number === undefined) return []
    const bytes = Buffer.from(number, 'base64url')
    const hex = bytes.toString('hex')
    return [hex, hex.toUpperCase(), number, ...base64Forms(bytes)]
  })
}
