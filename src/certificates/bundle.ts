import { X509Certificate } from 'node:crypto'
import { type Block, type BrokenBlock, nameOfMaterial, readBlocks } from '../encoding/blocks.ts'
import type { InputMaterial } from '../encoding/input-material.ts'
import { isKeyKind, nameOfKind } from '../encoding/kind.ts'
import { PublishError } from '../errors.ts'
import { count } from '../text.ts'

/**
 * The CA certificates of a bundle, each once, in their order: PEM, DER, PKCS#7, or OpenSSL's TRUSTED CERTIFICATE, whose
 * settings are dropped (the input itself is the statement of trust). What cannot be used refuses the whole bundle, since
 * OpenSSL would drop it and all that follows without a word. Throws PublishError E_CA_UNREADABLE or E_INPUT_TRUNCATED.
 */
export function readBundle(material: InputMaterial): readonly X509Certificate[] {
  const { blocks, broken } = readBlocks(material)
  const [fault] = broken
  if (fault !== undefined) throw brokenBlock(fault)
  const certificates = blocks.filter(({ kind }) => kind !== 'parameters').flatMap(readCertificates)
  const distinct = new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate]))
  if (distinct.size > 0) return [...distinct.values()]
  throw new PublishError({
    code: 'E_CA_UNREADABLE',
    message: `${nameOfMaterial(material)} holds no certificate (${count(blocks.length, 'block')} seen)`,
    hint: 'Give the certificates of the CAs in PEM.',
  })
}

function brokenBlock({ where, fault, cutOff }: BrokenBlock): PublishError {
  return new PublishError({
    code: cutOff ? 'E_INPUT_TRUNCATED' : 'E_CA_UNREADABLE',
    message: cutOff ? `${where} is cut off: ${fault}` : `${where} cannot be read: ${fault}`,
    hint: 'Store the whole file again, unchanged, or give its path.',
  })
}

function readCertificates(block: Block): X509Certificate[] {
  if (isKeyKind(block.kind) || block.kind === 'openssh') throw privateKey(block)
  if (block.certificates.length === 0) throw stranger(block)
  try {
    return block.certificates.map((der) => new X509Certificate(der))
  } catch (cause) {
    throw new PublishError({
      code: 'E_CA_UNREADABLE',
      message: `${block.where} holds a certificate that cannot be read: it is damaged`,
      hint: 'Export the certificate again, or take it out of the bundle.',
      cause,
    })
  }
}

function privateKey({ where }: Block): PublishError {
  return new PublishError({
    code: 'E_CA_UNREADABLE',
    message: `${where} is a private key: a CA bundle holds certificates only`,
    hint: 'Take the key out, and find out who has read it: CA bundles are handed around. The key of the client belongs into client-key.',
  })
}

function stranger({ where, kind }: Block): PublishError {
  return new PublishError({
    code: 'E_CA_UNREADABLE',
    message: `${where} is ${nameOfKind(kind)}: a CA bundle holds certificates only`,
    hint: HINTS.get(kind) ?? 'Take it out of the bundle; it has no effect there.',
  })
}

const HINTS: ReadonlyMap<Block['kind'], string> = new Map([
  ['pkcs12', 'Convert it with `openssl pkcs12 -in ca.p12 -nokeys -out ca.pem` and give ca.pem.'],
  ['crl', "Give it as client-crl; the server's own certificate is not checked against revocation lists."],
])
