/** What secret stores, shells, editors and people make of PEM before it reaches an input. */
export interface Mangling {
  readonly name: string
  readonly mangle: (pem: string) => string
}

/** The same for a file. */
export interface FileMangling {
  readonly name: string
  readonly write: (pem: string) => Buffer
}

const base64 = (pem: string) => Buffer.from(pem).toString('base64')
const lines = (pem: string) => pem.trimEnd().split('\n')
const bigEndian = (pem: string) => Buffer.from(`\ufeff${pem}`, 'utf16le').swap16()

/** Lines of a body joined and cut again at another width. */
function rewrap(pem: string, width: number): string {
  return pem.replace(/(?<=-----\n|\n\n)[A-Za-z0-9+/=\n]+(?=\n-----END)/g, (body) => {
    return (body.replaceAll('\n', '').match(new RegExp(`.{1,${width}}`, 'g')) ?? []).join('\n')
  })
}

const BAG_ATTRIBUTES = `Bag Attributes
    localKeyID: 54 69 6D 65 20 31
    friendlyName: C:\\new\\publisher - test
subject=O = Corp, CN = publisher
Key Attributes: <No Attributes>
`

/** EC PARAMETERS of prime256v1, as \`openssl ecparam -genkey\` writes them in front of the key. */
const EC_PARAMETERS = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'

export const MANGLINGS: readonly Mangling[] = [
  { name: 'nothing changed', mangle: (pem) => pem },
  { name: 'no line end at the end', mangle: (pem) => pem.trimEnd() },
  { name: 'blank lines around and between', mangle: (pem) => `\n\n${lines(pem).join('\n\n')}\n\n\n` },
  { name: 'literal \\n', mangle: (pem) => pem.replaceAll('\n', '\\n') },
  { name: 'literal \\r\\n', mangle: (pem) => pem.replaceAll('\n', '\\r\\n') },
  { name: 'literal \\n, escaped twice', mangle: (pem) => pem.replaceAll('\n', '\\\\n') },
  { name: 'a backslash in front of each line end', mangle: (pem) => pem.replaceAll('\n', '\\\n') },
  { name: 'percent-encoded line ends', mangle: (pem) => pem.replaceAll('\n', '%0A') },
  { name: 'CRLF', mangle: (pem) => pem.replaceAll('\n', '\r\n') },
  { name: 'lone CR', mangle: (pem) => pem.replaceAll('\n', '\r') },
  { name: 'a byte order mark', mangle: (pem) => `\ufeff${pem}` },
  {
    name: 'a byte order mark in front of each block',
    mangle: (pem) => pem.replaceAll('-----BEGIN', '\ufeff-----BEGIN'),
  },
  { name: 'zero-width marks within lines', mangle: (pem) => pem.replaceAll('M', 'M\u200b') },
  { name: 'UTF-16 taken for UTF-8', mangle: (pem) => `\ufffd\ufffd${[...pem].join('\0')}\0` },
  {
    name: 'indentation',
    mangle: (pem) =>
      lines(pem)
        .map((line) => `    ${line}`)
        .join('\n'),
  },
  {
    name: 'tabs and blanks at both ends of each line',
    mangle: (pem) =>
      lines(pem)
        .map((line) => `\t${line}  `)
        .join('\n'),
  },
  { name: 'double quotes', mangle: (pem) => `"${pem}"` },
  { name: 'single quotes', mangle: (pem) => `'${pem}'\n` },
  { name: 'JSON', mangle: (pem) => JSON.stringify(pem) },
  {
    name: 'JSON with all that can be escaped',
    mangle: (pem) => JSON.stringify(pem).replaceAll('/', '\\/').replaceAll('+', '\\u002B'),
  },
  { name: 'a member of a JSON object', mangle: (pem) => JSON.stringify({ name: 'client', pem }) },
  { name: 'blanks for line ends', mangle: (pem) => pem.replaceAll('\n', ' ') },
  { name: 'no line ends: one long line', mangle: (pem) => pem.replaceAll('\n', '') },
  { name: 'no line ends, no blanks', mangle: (pem) => pem.replace(/\s/g, '') },
  { name: 'END and BEGIN run together', mangle: (pem) => pem.replaceAll('-----\n-----BEGIN', '----------BEGIN') },
  { name: 'bodies of one line', mangle: (pem) => rewrap(pem, 100_000) },
  { name: 'bodies of 76 columns', mangle: (pem) => rewrap(pem, 76) },
  { name: 'six hyphens', mangle: (pem) => pem.replaceAll('-----', '------') },
  { name: 'padding taken away', mangle: (pem) => pem.replaceAll('=', '') },
  { name: 'text in front of each block', mangle: (pem) => pem.replaceAll('-----BEGIN', `${BAG_ATTRIBUTES}-----BEGIN`) },
  { name: 'text behind the last block', mangle: (pem) => `${pem}# renew before 2030\n` },
  { name: 'EC PARAMETERS in front', mangle: (pem) => EC_PARAMETERS + pem },
  { name: 'base64', mangle: base64 },
  { name: 'base64 in lines', mangle: (pem) => `${(base64(pem).match(/.{1,76}/g) ?? []).join('\r\n')}\r\n` },
  { name: 'base64 with literal \\n', mangle: (pem) => (base64(pem).match(/.{1,76}/g) ?? []).join('\\n') },
  { name: 'base64 in quotes', mangle: (pem) => `"${base64(pem)}"` },
  { name: 'base64url without padding', mangle: (pem) => Buffer.from(pem).toString('base64url') },
  { name: 'base64 of base64', mangle: (pem) => base64(`${base64(pem)}\n`) },
  { name: 'base64 of CRLF and a byte order mark', mangle: (pem) => base64(`\ufeff${pem.replaceAll('\n', '\r\n')}`) },
  { name: 'base64 of UTF-16 LE', mangle: (pem) => Buffer.from(`\ufeff${pem}`, 'utf16le').toString('base64') },
  { name: 'base64 of UTF-16 LE without a mark', mangle: (pem) => Buffer.from(pem, 'utf16le').toString('base64') },
  { name: 'base64 of UTF-16 BE', mangle: (pem) => bigEndian(pem).toString('base64') },
]

export const FILE_MANGLINGS: readonly FileMangling[] = [
  { name: 'PEM', write: (pem) => Buffer.from(pem) },
  {
    name: 'UTF-8 with a byte order mark and CRLF',
    write: (pem) => Buffer.from(`\ufeff${pem.replaceAll('\n', '\r\n')}`),
  },
  { name: 'UTF-16 LE', write: (pem) => Buffer.from(`\ufeff${pem}`, 'utf16le') },
  { name: 'UTF-16 BE', write: bigEndian },
  { name: 'UTF-16 BE without a mark', write: (pem) => Buffer.from(pem, 'utf16le').swap16() },
  { name: 'base64', write: (pem) => Buffer.from(`${base64(pem)}\n`) },
  { name: 'base64 in UTF-16 LE', write: (pem) => Buffer.from(`\ufeff${base64(pem)}\r\n`, 'utf16le') },
  { name: 'base64 of base64', write: (pem) => Buffer.from(base64(base64(pem))) },
]
