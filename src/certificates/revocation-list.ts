import { type Block, type BrokenBlock, nameOfMaterial, readBlocks } from '../encoding/blocks.ts'
import type { InputMaterial } from '../encoding/input-material.ts'
import { nameOfKind } from '../encoding/kind.ts'
import { PublishError } from '../errors.ts'
import { count, printable } from '../text.ts'
import { boolean, DER, DerNode, integerHex, smallNumber, time } from './der-node.ts'
import { canonicalName, shownName } from './distinguished-name.ts'
import { type Extension, fullNames, readExtensionList } from './extensions.ts'
import type { Signed } from './signature.ts'

/** One certificate revocation list (RFC 5280, 5). Nothing in it is proven before its signature is. */
export interface RevocationList extends Signed {
  /** `block 2 (X509 CRL) of client-crl`. */
  readonly where: string
  /** The CA's name, as `canonicalName` has it. */
  readonly issuer: readonly string[]
  /** The same, printable. */
  readonly shownIssuer: string
  /** Hex; of the key that signed it. */
  readonly authorityKeyId: string | undefined
  readonly thisUpdate: Date
  /** Undefined: it does not say. */
  readonly nextUpdate: Date | undefined
  readonly scope: Scope
  /** Looks a serial number up, given as `integerHex` writes it. */
  find(serial: string): Revocation | undefined
}

/** What a list says about which certificates (RFC 5280, 5.2.4 and 5.2.5). */
export interface Scope {
  readonly isIndirect: boolean
  /** In words, where it does not tell everything: `it is a delta list`. */
  readonly partial: string | undefined
  readonly of: 'all' | 'leaves' | 'CAs'
  /** Only certificates that name one of these places, each as DER; empty: whatever they name. */
  readonly distributionPoints: readonly Buffer[]
}

export interface Revocation {
  readonly date: Date
  /** `keyCompromise`; undefined: no reason is given. */
  readonly reason: string | undefined
}

const OID = {
  keyId: '2.5.29.35',
  number: '2.5.29.20',
  reason: '2.5.29.21',
  delta: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  freshest: '2.5.29.46',
} as const

/** RFC 5280, 5.3.1. 7 is not used. */
const REASONS: readonly (string | undefined)[] = [
  undefined,
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
]

/** Each costs a signature, and a chain has a handful of CAs. */
const MOST_LISTS = 200

/**
 * The lists of `client-crl`, PEM or DER, in their order. What cannot be used refuses the input: a list that was dropped
 * in silence would revoke nothing. Throws PublishError E_CRL_UNREADABLE or E_INPUT_TRUNCATED.
 */
export function readRevocationLists(material: InputMaterial): readonly RevocationList[] {
  const { blocks: all, broken } = readBlocks(material)
  const blocks = all.filter(({ kind }) => kind !== 'parameters')
  const [fault] = broken
  if (fault !== undefined) throw brokenBlock(fault)
  if (blocks.length === 0 || blocks.length > MOST_LISTS) {
    throw unreadable(
      `${nameOfMaterial(material)} holds ${count(blocks.length, 'block')}`,
      `from 1 to ${MOST_LISTS} lists are read`,
    )
  }
  return blocks.map(readBlock)
}

function unreadable(what: string, why: string, cause?: unknown): PublishError {
  return new PublishError({
    code: 'E_CRL_UNREADABLE',
    message: `${what}: ${why}`,
    hint: 'Take the list anew from the CA (PEM, or base64 of DER), or leave client-crl out.',
    cause,
  })
}

function brokenBlock({ where, fault, cutOff }: BrokenBlock): PublishError {
  if (!cutOff) return unreadable(`${where} cannot be read`, fault)
  return new PublishError({
    code: 'E_INPUT_TRUNCATED',
    message: `${where} is cut off: ${fault}`,
    hint: 'Store the whole file again, unchanged, or give its path.',
  })
}

function readBlock({ where, kind, bytes }: Block): RevocationList {
  if (kind !== 'crl')
    throw unreadable(`${where} is ${nameOfKind(kind)}`, 'client-crl holds certificate revocation lists only')
  try {
    return read(where, bytes)
  } catch (cause) {
    const why = printable(cause instanceof Error ? cause.message : '', 120)
    throw unreadable(`${where} is a malformed revocation list`, why, cause)
  }
}

/** RFC 5280, 5.1. Throws an Error. */
function read(where: string, der: Buffer): RevocationList {
  const [tbs, algorithm, bits] = DerNode.of(der).children
  if (tbs === undefined || algorithm === undefined || !bits?.is(DER.bitString)) throw new Error('it is not signed')
  const [first, ...others] = tbs.children
  const fields = first?.is(DER.integer) ? others : tbs.children
  const [inner, issuer, thisUpdate, ...rest] = fields
  if (inner === undefined || issuer === undefined || thisUpdate === undefined) throw new Error('a field is missing')
  // The one outside of the signature could be anybody's.
  if (!inner.bytes.equals(algorithm.bytes)) throw new Error('it names two signature algorithms')
  const nextUpdate = rest.find((node) => node.is(DER.utcTime) || node.is(DER.generalizedTime))
  const extensions = readExtensionList(rest.find((node) => node.is(0xa0))?.children[0])
  const scope = scopeOf(extensions)
  const entries = entriesOf(rest.find((node) => node.is(DER.sequence)))
  return {
    where,
    content: tbs.bytes,
    algorithm,
    signature: bits.content.subarray(1),
    issuer: canonicalName(issuer),
    shownIssuer: shownName(issuer),
    authorityKeyId: keyIdOf(extensions),
    thisUpdate: time(thisUpdate),
    nextUpdate: nextUpdate && time(nextUpdate),
    scope,
    // An entry of an indirect list can be about any CA's certificate.
    find: (serial) => (scope.isIndirect ? undefined : entries.get(serial)),
  }
}

/** All of them are read, so that a list is readable as a whole or not at all. */
function entriesOf(list: DerNode | undefined): ReadonlyMap<string, Revocation> {
  const entries = new Map<string, Revocation>()
  for (const { children } of list?.children ?? []) {
    const [serial, date, extensions] = children
    if (serial === undefined || date === undefined) throw new Error('an entry is incomplete')
    const reason = extensions && readExtensionList(extensions).get(OID.reason)
    const code = reason === undefined ? 0 : smallNumber(DerNode.of(reason.value))
    // Of a delta list: the entry takes an earlier one back.
    if (REASONS[code] === 'removeFromCRL') continue
    entries.set(integerHex(serial), { date: time(date), reason: REASONS[code] })
  }
  return entries
}

function keyIdOf(extensions: ReadonlyMap<string, Extension>): string | undefined {
  const extension = extensions.get(OID.keyId)
  const field = extension && DerNode.of(extension.value).children.find((node) => node.is(0x80))
  return field?.content.toString('hex')
}

const KNOWN = new Set<string>(Object.values(OID))

function scopeOf(extensions: ReadonlyMap<string, Extension>): Scope {
  const point = extensions.get(OID.issuingDistributionPoint)
  const fields = point === undefined ? [] : DerNode.of(point.value).children
  const isSet = (tag: number) => fields.some((node) => node.is(tag) && boolean(node.as(DER.boolean)))
  const [unknown] = [...extensions].flatMap(([oid, { critical }]) => (critical && !KNOWN.has(oid) ? [oid] : []))
  const distributionPoints = point === undefined ? [] : fullNames(DerNode.of(point.value))
  const isNamed = fields.some((node) => node.is(0xa0))
  const gaps: readonly (readonly [boolean, string])[] = [
    [isSet(0x84), 'it is an indirect list, which is not read here'],
    [extensions.has(OID.delta), 'it is a delta list, which only adds to a complete one'],
    [unknown !== undefined, `it has the critical extension ${unknown}, which is not read here`],
    [fields.some((node) => node.is(0x83)), 'it covers some reasons for a revocation only'],
    [isSet(0x85), 'it is about attribute certificates'],
    [isNamed && distributionPoints.length === 0, 'it names its place in a way that is not read here'],
  ]
  return {
    isIndirect: isSet(0x84),
    partial: gaps.find(([applies]) => applies)?.[1],
    of: isSet(0x81) ? 'leaves' : isSet(0x82) ? 'CAs' : 'all',
    distributionPoints,
  }
}
