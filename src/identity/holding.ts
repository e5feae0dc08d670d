import { X509Certificate } from 'node:crypto'
import {
  type Block,
  type Blocks,
  type BrokenBlock,
  nameOfMaterial,
  readBlocks,
  UNKNOWN_KIND,
} from '../encoding/blocks.ts'
import { formatNumber } from '../encoding/der.ts'
import type { InputMaterial } from '../encoding/input-material.ts'
import { isKeyKind, nameOfKind } from '../encoding/kind.ts'
import { ProblemList, PublishError } from '../errors.ts'
import { DerivationBudget } from './derivation-budget.ts'
import type { Pkcs12Request } from './pkcs12.ts'
import { isKeyBlock, type OpenedKey, openKey, type PassphraseUse } from './private-key.ts'

/** What one of the identity's inputs holds. */
export interface Holding {
  /** `client-cert (client.pem)`. */
  readonly name: string
  readonly certificates: readonly X509Certificate[]
  readonly keys: readonly OpenedKey[]
  /** Neither certificate nor key, nor the parameters that stand beside a key. */
  readonly strangers: readonly Block[]
  /** Whether a PKCS#12 file is in it. */
  readonly isPkcs12: boolean
  /** What became of the passphrase, for each thing that could be opened. */
  readonly passphraseUses: readonly PassphraseUse[]
  /** What could not be read; each is told to the user. */
  readonly problems: readonly PublishError[]
}

export type HoldingRequest = Omit<Pkcs12Request, 'budget'>

/** A whole bundle of public CAs has 150; each block takes time to open or a sentence to refuse. */
const MOST_BLOCKS = 500

/**
 * Reads everything in one input. What is wrong stands in `problems`; throws only the signal's reason once it is aborted.
 */
export async function hold(material: InputMaterial, request: HoldingRequest): Promise<Holding> {
  const { blocks, broken, problems } = readSome(material)
  const budget = new DerivationBudget()
  const certificates: X509Certificate[] = []
  const keys: OpenedKey[] = []
  const passphraseUses: PassphraseUse[] = []
  for (const block of broken) problems.add(brokenBlock(block, material.input))
  for (const block of blocks) {
    const opened = await problems.collect(() => open(block, material.input, { ...request, budget }))
    request.signal.throwIfAborted()
    if (opened === undefined) continue
    certificates.push(...opened.certificates)
    if (opened.key !== undefined) keys.push(opened.key)
    passphraseUses.push(opened.passphrase)
  }
  return {
    name: nameOfMaterial(material),
    certificates,
    keys,
    strangers: blocks.filter(isStranger),
    isPkcs12: blocks.some(({ kind }) => kind === 'pkcs12'),
    passphraseUses,
    problems: problems.all,
  }
}

function readSome(material: InputMaterial): Blocks & { readonly problems: ProblemList } {
  const { blocks, broken } = readBlocks(material)
  const problems = new ProblemList()
  const amount = blocks.length + broken.length
  if (amount <= MOST_BLOCKS) return { blocks, broken, problems }
  problems.add({
    code: 'E_INPUT_FORMAT',
    message: `${nameOfMaterial(material)} holds ${formatNumber(amount)} blocks, and at most ${MOST_BLOCKS} are read`,
    hint: 'Give the client certificate with its intermediates and its private key, and nothing else.',
  })
  return { blocks: [], broken: [], problems }
}

interface Opened {
  readonly certificates: readonly X509Certificate[]
  readonly key: OpenedKey | undefined
  readonly passphrase: PassphraseUse
}

async function open(block: Block, input: string, request: Pkcs12Request): Promise<Opened> {
  if (isKeyBlock(block)) {
    const key = openKey(block, request.passphrase, request.budget)
    return { certificates: [], key, passphrase: key.passphrase }
  }
  if (block.kind !== 'pkcs12') return { certificates: readCertificates(block), key: undefined, passphrase: undefined }
  if (input === 'client-key') throw misplaced(block)
  // Loaded here alone: most identities come as PEM.
  const { openPkcs12 } = await import('./pkcs12.ts')
  const opened = await openPkcs12(block, request)
  return { ...opened, certificates: readCertificates({ ...block, certificates: opened.certificates }) }
}

function isStranger({ kind, certificates }: Block): boolean {
  return certificates.length === 0 && !isKeyKind(kind) && kind !== 'parameters' && kind !== 'pkcs12'
}

function brokenBlock({ where, label, fault, cutOff }: BrokenBlock, input: string): PublishError {
  if (cutOff) {
    return new PublishError({
      code: 'E_INPUT_TRUNCATED',
      message: `${where} is cut off: ${fault}`,
      hint: 'Store the whole file again (`gh secret set NAME < file`): terminals and forms cut long pastes.',
    })
  }
  const isKey = input === 'client-key' || label?.endsWith('PRIVATE KEY') === true
  return new PublishError({
    code: isKey ? 'E_KEY_UNREADABLE' : 'E_CERT_UNREADABLE',
    message: `${where} cannot be read: ${fault}`,
    hint:
      fault === UNKNOWN_KIND
        ? 'TLS needs X.509 certificates and a private key in PKCS#8, PKCS#1 or SEC1: convert or decrypt it first, or take it out.'
        : 'Store the whole file again, unchanged.',
  })
}

function misplaced({ where }: Block): PublishError {
  return new PublishError({
    code: 'E_INPUT_FORMAT',
    message: `${where} is a PKCS#12 file, which is read from client-cert only`,
    hint: 'Give the file as client-cert, and leave client-key out where the file holds the private key.',
  })
}

function readCertificates({ where, certificates }: Pick<Block, 'where' | 'certificates'>): X509Certificate[] {
  try {
    return certificates.map((der) => new X509Certificate(der))
  } catch (cause) {
    throw new PublishError({
      code: 'E_CERT_UNREADABLE',
      message: `${where} holds a certificate that cannot be read: it is damaged`,
      hint: 'Store the whole file again, unchanged; if it stays so, ask for the certificate again.',
      cause,
    })
  }
}

/** `, but a certificate request and a private key`; empty where nothing was found. */
export function whatElse({ strangers, keys, certificates }: Holding): string {
  const kinds = new Set(strangers.map(({ kind }) => nameOfKind(kind)))
  if (certificates.length > 0) kinds.add('a certificate')
  if (keys.length > 0) kinds.add('a private key')
  return kinds.size === 0 ? '' : `, but ${[...kinds].join(' and ')}`
}
