import { X509Certificate } from 'node:crypto'
import { type Block, type BrokenBlock, nameOfMaterial, readBlocks } from '../encoding/blocks.ts'
import type { InputMaterial } from '../encoding/input-material.ts'
import { isKeyKind, nameOfKind } from '../encoding/kind.ts'
import { ProblemList, PublishError } from '../errors.ts'
import { isKeyBlock, type OpenedKey, openKey } from './private-key.ts'

/** What one of the identity's inputs holds. */
export interface Holding {
  /** `client-cert (client.pem)`. */
  readonly name: string
  readonly certificates: readonly X509Certificate[]
  readonly keys: readonly OpenedKey[]
  /** Neither certificate nor key, nor the parameters that stand beside a key. */
  readonly strangers: readonly Block[]
  /** What could not be read; each is told to the user. */
  readonly problems: readonly PublishError[]
}

/** Reads everything in one input. Never throws: what is wrong stands in `problems`. */
export function hold(material: InputMaterial, passphrase: string | undefined): Holding {
  const { blocks, broken } = readBlocks(material)
  const problems = new ProblemList()
  const certificates: X509Certificate[] = []
  const keys: OpenedKey[] = []
  for (const block of broken) problems.add(brokenBlock(block, material.input))
  for (const block of blocks) {
    try {
      if (block.kind === 'pkcs12') problems.add(pkcs12(block))
      else if (isKeyBlock(block)) keys.push(openKey(block, passphrase))
      else certificates.push(...readCertificates(block))
    } catch (error) {
      if (!(error instanceof PublishError)) throw error
      problems.add(error)
    }
  }
  return {
    name: nameOfMaterial(material),
    certificates,
    keys,
    strangers: blocks.filter(isStranger),
    problems: problems.all,
  }
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
  const isKey = label?.endsWith('PRIVATE KEY') ?? input === 'client-key'
  return new PublishError({
    code: isKey ? 'E_KEY_UNREADABLE' : 'E_CERT_UNREADABLE',
    message: `${where} cannot be read: ${fault}`,
    hint: 'Store the whole file again, unchanged.',
  })
}

function pkcs12({ where }: Block): PublishError {
  return new PublishError({
    code: 'E_INPUT_FORMAT',
    message: `${where} is a PKCS#12 file, which this version does not read`,
    hint: 'Convert it with `openssl pkcs12 -in client.p12 -out client.pem -nodes` (for an old file add `-legacy`), and store client.pem, which holds certificates and key, as client-cert.',
  })
}

function readCertificates({ where, certificates }: Block): X509Certificate[] {
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
