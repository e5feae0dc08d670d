import { unicodePattern } from '../text.ts'

/** Everything that stores and terminals put between the characters: blanks, line ends, zero-width marks, escapes. */
const FILLING = unicodePattern('\\\\+[rnt]?|%0[AaDd]|[\\s\\p{Cf}\\0]', 'gu')

/** What files have: the tables of Unicode are not needed for it. */
const PLAIN = /^[A-Za-z0-9+/=\s_-]*$/

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/**
 * The bytes of a base64 text (RFC 4648) in either alphabet, with blanks and line ends anywhere, padded or not; undefined
 * where another character stands in it. A last group that was cut off gives the bytes that it still has.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const body = withoutFilling(text).replaceAll('-', '+').replaceAll('_', '/')
  return BASE64.test(body) ? Buffer.from(body, 'base64') : undefined
}

/** The characters that count. */
export function withoutFilling(text: string): string {
  return text.replace(PLAIN.test(text) ? /\s+/g : FILLING(), '')
}

/** The same bytes as PEM writes them: lines of 64 characters (RFC 7468). */
export function base64Lines(base64: string): string[] {
  return base64.match(/.{1,64}/g) ?? []
}
