/** PEM as stores, terminals, editors and people hand it on, altered further: text, labels, base64, and the bytes in it. */
import type { Issued } from '../../../../demo/certificate-authority.ts'
import type { Random } from '../../distributions/mutations/random.ts'
import { block, pkcs7, trusted } from '../../encoding/sample-structures.ts'
import { alterBytes } from './alter-bytes.ts'
import { type Case, type Given, randomOf } from './case.ts'
import { sealPbkdf2, sealPem } from './sealed-keys.ts'
import { seededBytes, seededClient, seededIntermediate, seededRoot } from './seeded-keys.ts'

const PASSPHRASE = 'secret'

const root = seededRoot('ed25519', 1)
const issuing = seededIntermediate(root, 'ed25519', 2)
const ed = seededClient(issuing, 'ed25519', 3)
const ec = seededClient(issuing, 'ec', 4)
const rsa = seededClient(issuing, 'rsa', 5)

const KEYS = [ed, ec, rsa].map(({ keys }) => keys.privateKey)

interface Sample {
  readonly owner: Issued
  readonly text: (random: Random) => string
}

function sealed({ keys }: Issued, random: Random) {
  return { key: keys.privateKey, passphrase: PASSPHRASE, bytes: (size: number) => seededBytes(random, size) }
}

const sec1 = ec.keys.privateKey.export({ type: 'sec1', format: 'pem' }).toString()
const pkcs1 = rsa.keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const LABELLED = block('ENCRYPTED PRIVATE KEY', sealPbkdf2(sealed(ed, randomOf(0))))

const SAMPLES: readonly Sample[] = [
  { owner: ec, text: () => ec.pem + issuing.pem + ec.keyPem },
  { owner: ed, text: () => ed.keyPem + ed.pem + issuing.pem },
  { owner: rsa, text: () => rsa.keyPem + issuing.pem + rsa.pem },
  { owner: ec, text: () => `Bag Attributes\n  friendlyName: x\n${ec.pem}${sec1}${issuing.pem}${root.pem}` },
  { owner: rsa, text: () => `${pkcs1}${block('PKCS7', pkcs7([rsa.der, issuing.der]))}` },
  { owner: ed, text: () => `${block('TRUSTED CERTIFICATE', trusted(ed.der))}${issuing.pem}${ed.keyPem}` },
  { owner: ed, text: () => ed.pem + LABELLED },
  { owner: ec, text: (random) => ec.pem + sealPem(sealed(ec, random), 'AES-128-CBC') },
  { owner: rsa, text: (random) => sealPem(sealed(rsa, random), 'DES-EDE3-CBC') + rsa.pem + issuing.pem },
  { owner: ec, text: (random) => sealPem(sealed(ec, random), 'DES-CBC') + ec.pem },
]

const PIECES = [
  '\n',
  '\r',
  '\\n',
  ' ',
  '-',
  '-----',
  '-----BEGIN',
  '-----END ',
  '"',
  '=',
  '\0',
  '\ufeff',
  '\u200b',
  'A',
  '+',
  'é',
  '%0A',
  'Proc-Type: 4,ENCRYPTED\n',
  'DEK-Info: AES-256-CBC,00\n\n',
  'Comment: x\n',
]

const LABELS = [
  'CERTIFICATE',
  'TRUSTED CERTIFICATE',
  'PKCS7',
  'PKCS12',
  'PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'RSA PRIVATE KEY',
  'EC PRIVATE KEY',
  'OPENSSH PRIVATE KEY',
  'PUBLIC KEY',
  'CERTIFICATE REQUEST',
  'X509 CRL',
  'EC PARAMETERS',
  'PGP PRIVATE KEY BLOCK',
  'NO SUCH THING',
]

type TextMutation = (text: string, random: Random) => string

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\n([^-]*)-----END [A-Z0-9 ]+-----\n/g

/** One of the blocks, written anew. */
function exchangeBlock(text: string, random: Random, write: (label: string, body: string) => string): string {
  const found = [...text.matchAll(BLOCK)]
  if (found.length === 0) return text
  const one = random.pick(found)
  const [whole, label = '', body = ''] = one
  return text.slice(0, one.index) + write(label, body) + text.slice(one.index + whole.length)
}

const TEXT_MUTATIONS: readonly TextMutation[] = [
  (text, random) => insert(text, random, random.pick(PIECES)),
  (text, random) => insert(text, random, `-----BEGIN ${random.pick(LABELS)}-----`),
  (text, random) => insert(text, random, String.fromCharCode(random.below(0x10000))),
  (text, random) => {
    const at = random.below(text.length + 1)
    return text.slice(0, at) + text.slice(at + 1 + random.below(4))
  },
  (text, random) => (random.once(2) ? text.slice(0, random.below(text.length + 1)) : text),
  (text, random) => (random.once(2) ? text.slice(random.below(text.length + 1)) : text),
  (text, random) => {
    const at = random.below(text.length + 1)
    return text.slice(0, at + random.below(300)) + text.slice(at)
  },
  (text, random) => text.replaceAll(random.pick(PIECES.slice(0, 6)), random.pick(PIECES)),
  (text, random) => {
    const at = random.below(text.length + 1)
    return text.slice(0, at) + String.fromCharCode(32 + random.below(95)) + text.slice(at + 1)
  },
  (text, random) => {
    const lines = text.split('\n')
    return lines.toSpliced(random.below(lines.length), 1 + random.below(2)).join('\n')
  },
  (text, random) => {
    const other = random.pick(SAMPLES).text(random)
    return text.slice(0, random.below(text.length + 1)) + other.slice(random.below(other.length + 1))
  },
  (text, random) => text.repeat(1 + random.below(random.once(8) ? 30 : 3)),
  (text, random) => exchangeBlock(text, random, (_, body) => wrapped(random.pick(LABELS), body)),
  (text, random) => text.replace(/-----END [A-Z ]+-----/, `-----END ${random.pick(LABELS)}-----`),
  ...[0, 1, 2].map(
    (): TextMutation => (text, random) => {
      return exchangeBlock(text, random, (label, body) => block(label, alterBytes(Buffer.from(body, 'base64'), random)))
    },
  ),
]

function insert(text: string, random: Random, piece: string): string {
  const at = random.below(text.length + 1)
  return text.slice(0, at) + piece + text.slice(at)
}

function wrapped(label: string, body: string): string {
  return `-----BEGIN ${label}-----\n${body}-----END ${label}-----\n`
}

const base64 = (bytes: Buffer) => bytes.toString('base64')
const utf16 = (text: string) => Buffer.from(text, 'utf16le')

/** How the text reaches the input. A string of UTF-16 in base64 may be cut in the middle of a character. */
const FORMS: readonly ((text: string, random: Random) => Given)[] = [
  (text) => text,
  (text) => text,
  (text) => text,
  (text) => text.replaceAll('\n', ' '),
  (text) => JSON.stringify(text),
  (text, random) => cut(base64(Buffer.from(text)), random),
  (text) => base64(Buffer.from(base64(Buffer.from(text)))),
  (text, random) => cut(base64(utf16(`\ufeff${text}`)), random),
  (text) => base64(utf16(text)),
  (text) => base64(utf16(`\ufeff${text}`).swap16()),
  (text, random) => insert(base64(Buffer.from(text)), random, random.pick(PIECES)),
  (text) => Buffer.from(text),
  (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  (text, random) => alterBytes(utf16(text), random),
]

function cut(text: string, random: Random): string {
  return random.once(2) ? text : text.slice(0, random.below(text.length + 1))
}

const MOST = 1024 * 1024
const fill = (text: string, around = '') => around + text.repeat(Math.floor((MOST - 2 * around.length) / text.length))

/** As large as a file may be, and made to cost time: rows that a regular expression could try again from each place. */
const LARGE: readonly string[] = [
  fill('-----BEGIN'),
  fill('-----BEGIN CERTIFICATE-----\n'),
  fill('-----BEGIN CERTIFICATE----------END CERTIFICATE-----'),
  fill('-----END'),
  fill('-', '-----BEGIN CERTIFICATE-----'),
  fill(' ', '-----BEGIN CERTIFICATE-----'),
  fill('\\', `-----BEGIN ${'PRIVATE'} KEY-----`),
  fill('Proc-Type: 4,ENCRYPTED\n', `-----BEGIN RSA ${'PRIVATE'} KEY-----\n`),
  fill('A: \n', `-----BEGIN RSA ${'PRIVATE'} KEY-----\n`),
  fill('a', '-----BEGIN '),
  fill('\n', `-----BEGIN RSA ${'PRIVATE'} KEY-----\nProc-Type: 4,ENCRYPTED`),
  `"${fill('\\"', '-----BEGIN')}"`,
  fill('\ufeff', '-----BEGIN CERTIFICATE-----'),
  fill(ed.pem),
  fill(LABELLED),
  fill(ed.keyPem),
  fill(rsa.keyPem + ec.keyPem),
  fill(block('PKCS7', pkcs7([ed.der, issuing.der]))),
  fill(block('EC PARAMETERS', Buffer.from('06082a8648ce3d030107', 'hex'))),
  fill('MIIB'),
  fill('%0A'),
  fill("'"),
]

/** They stand apart, so that both processes have their share; each is text or a file. */
const APART = 1000

function large(number: number): Given | undefined {
  const index = number / APART
  const text = LARGE[index]
  return text === undefined || index % 3 > 0 ? text : Buffer.from(text).subarray(0, MOST)
}

export function caseOf(number: number): Case {
  const random = randomOf(number)
  const { owner, text } = random.pick(SAMPLES)
  const secret = owner.keyPem.replace(/-----.*-----|\n/g, '')
  const common = { passphrase: PASSPHRASE, keys: KEYS, secret }
  const row = large(number)
  if (row !== undefined) return { ...common, clientCert: row, caBundle: row }
  let altered = text(random)
  for (let left = 1 + random.below(4); left > 0; left -= 1) altered = random.pick(TEXT_MUTATIONS)(altered, random)
  const given = random.pick(FORMS)(altered, random)
  const caBundle = random.once(3) ? given : root.pem
  return { ...common, clientCert: given, caBundle, ...(random.once(6) ? { clientCrl: given } : {}) }
}
