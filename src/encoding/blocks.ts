import { elementAt, shortage, TAG } from './der.ts'
import type { InputMaterial } from './input-material.ts'
import { beginsAsDer, isKeyKind, type Kind, kindOfDer } from './kind.ts'
import { type PemBlock, type PemEncryption, readPem } from './pem.ts'
import { certificatesOfPkcs7 } from './pkcs7.ts'

/** One thing that a material holds. */
export interface Block {
  /** `block 2 (CERTIFICATE) of client-cert`: for sentences. */
  readonly where: string
  readonly kind: Kind
  /** DER; of an encrypted PEM key: what is encrypted. */
  readonly bytes: Buffer
  readonly label: string | undefined
  readonly encryption: PemEncryption | undefined
  /** DER of each certificate in it: one of a certificate, at least one of a PKCS#7 bundle, none of all else. */
  readonly certificates: readonly Buffer[]
}

/** A block that was seen and could not be read. */
export interface BrokenBlock {
  readonly where: string
  readonly label: string | undefined
  /** `its END line is missing`. */
  readonly fault: string
  /** Something is missing, as opposed to altered. */
  readonly cutOff: boolean
}

export interface Blocks {
  readonly blocks: readonly Block[]
  readonly broken: readonly BrokenBlock[]
}

/** `client-cert`, with the file's name where it came from one. */
export function nameOfMaterial({ input, shownPath }: InputMaterial): string {
  return shownPath === undefined ? input : `${input} (${shownPath})`
}

/** Everything that the material holds: as many blocks, whole or broken, as BEGIN lines were seen. Never throws. */
export function readBlocks(material: InputMaterial): Blocks {
  const name = nameOfMaterial(material)
  const found =
    material.text === undefined
      ? [readDer(name, undefined, material.bytes)]
      : readPem(material.text).map((block) => readBlock(block, name))
  return {
    blocks: found.filter((one) => 'kind' in one),
    broken: found.filter((one) => 'fault' in one),
  }
}

function readBlock(block: PemBlock, name: string): Block | BrokenBlock {
  const { number, label } = block
  const where = `block ${number}${label === undefined ? '' : ` (${label})`} of ${name}`
  if (block.fault !== undefined) return { where, label, fault: block.fault.what, cutOff: block.fault.cutOff }
  const { bytes, encryption } = block
  if (encryption !== undefined) return { where, label, encryption, kind: 'encrypted-pem', bytes, certificates: [] }
  if (label?.startsWith('PGP')) return opaque(where, label, 'pgp', bytes)
  if (isOpenSsh(bytes)) return opaque(where, label, 'openssh', bytes)
  return readDer(where, label, bytes)
}

function opaque(where: string, label: string | undefined, kind: Kind, bytes: Buffer): Block {
  return { where, label, encryption: undefined, kind, bytes, certificates: [] }
}

/** OpenSSH's own format (PROTOCOL.key of its sources) begins with its name. */
export function isOpenSsh(bytes: Buffer): boolean {
  return bytes.subarray(0, 14).toString('latin1') === 'openssh-key-v1'
}

/** The fault of a block that is whole, and nothing that is read here. */
export const UNKNOWN_KIND = 'what it holds is of an unknown kind'

function readDer(where: string, label: string | undefined, bytes: Buffer): Block | BrokenBlock {
  const broken = (fault: string, cutOff = false) => ({ where, label, fault, cutOff })
  const missing = shortage(bytes)
  if (missing !== undefined) return broken(missing, true)
  const element = elementAt(bytes, 0)
  if (element === undefined) return broken(beginsAsDer(bytes) ? 'it is damaged' : UNKNOWN_KIND)
  const der = bytes.subarray(0, element.end)
  const kind = kindOfBlock(label, der)
  if (kind === 'unknown') return broken(UNKNOWN_KIND)
  if (!isRestExpected(bytes, element.end, kind)) return broken('bytes follow its end')
  if (kind !== 'pkcs7') return { ...opaque(where, label, kind, der), certificates: kind === 'certificate' ? [der] : [] }
  const certificates = certificatesOfPkcs7(der)
  if (certificates === undefined) return broken('it is PKCS#7, but no readable bundle of certificates')
  if (certificates.length === 0) return broken('it is a PKCS#7 bundle without certificates')
  return { ...opaque(where, label, kind, der), certificates }
}

/** Bytes decide, but parameters of keys are recognised by their label alone: they look like many other things. */
function kindOfBlock(label: string | undefined, der: Buffer): Kind {
  const kind = kindOfDer(der)
  return label?.endsWith('PARAMETERS') && !isKeyKind(kind) ? 'parameters' : kind
}

/** OpenSSL's TRUSTED CERTIFICATE is a certificate and its settings; files end in a line end or zeros now and then. */
function isRestExpected(bytes: Buffer, end: number, kind: Kind): boolean {
  if (bytes.subarray(end).every((byte) => byte === 0 || byte === 0x0a || byte === 0x0d)) return true
  const settings = elementAt(bytes, end)
  return kind === 'certificate' && settings?.tag === TAG.sequence && settings.end === bytes.length
}
