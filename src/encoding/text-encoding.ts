/**
 * Text as editors and shells of all systems save it: UTF-8 or UTF-16 in both orders, with a byte order mark or without.
 * ASCII in UTF-16 has a zero beside each character: PowerShell writes it so, and base64 of it often has no mark.
 */
export function decodeText(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex')
  if (mark === 'fffe' || (bytes[1] === 0 && bytes[3] === 0)) return withoutMark(bytes.toString('utf16le'))
  if (mark === 'feff' || (bytes[0] === 0 && bytes[2] === 0)) return withoutMark(swapped(bytes).toString('utf16le'))
  return withoutMark(bytes.toString('utf8'))
}

function withoutMark(text: string): string {
  return text.replace(/^\ufeff/, '')
}

function swapped(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 2))).swap16()
}
