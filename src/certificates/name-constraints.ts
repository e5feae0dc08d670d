import { printable } from '../text.ts'
import {
  attributeValues,
  canonicalName,
  directoryName,
  GENERAL_NAME,
  type GeneralName,
  shownName,
} from './distinguished-name.ts'
import type { NameConstraints } from './extensions.ts'
import { type Fault, type Member, nameMember } from './findings.ts'

const COMMON_NAME = '2.5.4.3'
const EMAIL_ADDRESS = '1.2.840.113549.1.9.1'

/** A host name as OpenSSL recognises one in a common name: at least two labels (`cn2dnsid` in its v3_ncons.c). */
const HOST_NAME = /^\w([\w-]*\w)?(\.\w([\w-]*\w)?)+$/

/** Comparisons; two hostile certificates of 1 MiB would need billions. OpenSSL's own limit is 2^20. */
const MOST_COMPARISONS = 200_000

/** Constraints that a sentence names. */
const MOST_NAMED = 3

/** One name that a certificate goes by: as it is compared, and as a sentence shows it. */
interface Name {
  readonly kind: number
  readonly value: string | Buffer | readonly string[]
  readonly shown: string
}

/**
 * Names that a CA above does not allow (RFC 5280, 4.2.1.10), as OpenSSL compares them: E_CERT_REFUSED at the certificate
 * that has the name. Kinds of names that are not compared here are left to OpenSSL's verdict.
 */
export function judgeNameConstraints(members: readonly Member[]): readonly Fault[] {
  let left = MOST_COMPARISONS
  return members.flatMap((member, index) => {
    const names = namesOf(member, index === 0)
    for (const above of members.slice(index + 1)) {
      const constraints = above.extensions?.nameConstraints
      // A CA may issue itself a certificate for a new key under the same name (RFC 5280, 6.1.4).
      if (constraints === undefined || (index > 0 && isSelfIssued(member))) continue
      left -= names.length * (constraints.permitted.length + constraints.excluded.length)
      if (left < 0) return []
      const fault = names.map((name) => violation(name, constraints)).find((words) => words !== undefined)
      if (fault !== undefined) return [notAllowed(member, above, fault)]
    }
    return []
  })
}

function isSelfIssued({ certificate }: Member): boolean {
  return certificate.subject === certificate.issuer
}

function notAllowed(member: Member, above: Member, words: string): Fault {
  return {
    code: 'E_CERT_REFUSED',
    kind: 'structure',
    position: member.position,
    subject: member.subject,
    message: `${nameMember(member)} has the ${words} (name constraints of ${nameMember(above)})`,
    hint: `Ask the team that runs ${above.subject} for a certificate whose names it may issue.`,
  }
}

function namesOf({ extensions }: Member, isLeaf: boolean): readonly Name[] {
  if (extensions === undefined) return []
  const { subject, alternativeNames } = extensions
  const others = (alternativeNames?.names ?? []).flatMap(nameOf)
  const text = (kind: number, value: string): Name => ({ kind, value, shown: `name ${printable(value, 100)}` })
  const hosts =
    isLeaf && !others.some(({ kind }) => kind === GENERAL_NAME.dns)
      ? attributeValues(subject, COMMON_NAME).filter((name) => HOST_NAME.test(name))
      : []
  return [
    ...(subject.children.length === 0 ? [] : [directory(canonicalName(subject), shownName(subject))]),
    ...attributeValues(subject, EMAIL_ADDRESS).map((address) => text(GENERAL_NAME.email, address)),
    ...others,
    ...hosts.map((host) => text(GENERAL_NAME.dns, host)),
  ]
}

function directory(value: readonly string[], shown: string): Name {
  return { kind: GENERAL_NAME.directory, value, shown: `name ${shown}` }
}

/** Empty for kinds that are not compared. */
function nameOf(name: GeneralName): readonly Name[] {
  const { kind, node } = name
  if (kind === GENERAL_NAME.directory) {
    const inner = directoryName(name)
    return [directory(canonicalName(inner), shownName(inner))]
  }
  if (kind === GENERAL_NAME.ip) return [{ kind, value: node.content, shown: `address ${shownAddress(node.content)}` }]
  if (kind !== GENERAL_NAME.email && kind !== GENERAL_NAME.dns && kind !== GENERAL_NAME.uri) return []
  const value = node.content.toString('latin1')
  return [{ kind, value, shown: `name ${printable(value, 100)}` }]
}

/** What is wrong with this name; undefined where nothing is. */
function violation(name: Name, { permitted, excluded }: NameConstraints): string | undefined {
  const mine = (list: readonly GeneralName[]) => list.filter(({ kind }) => kind === name.kind).flatMap(nameOf)
  const forbidden = mine(excluded).find((base) => isWithin(name, base))
  if (forbidden !== undefined) return `${name.shown}, which its CA may not issue`
  const allowed = mine(permitted)
  if (allowed.length === 0 || allowed.some((base) => isWithin(name, base))) return undefined
  const shown = allowed.slice(0, MOST_NAMED).map((base) => base.shown.replace(/^\w+ /, ''))
  return `${name.shown}, but its CA may only issue names within ${shown.join(', ') || '(none)'}`
}

function isWithin({ kind, value }: Name, base: Name): boolean {
  if (Array.isArray(value) && Array.isArray(base.value)) {
    return base.value.every((part, index) => part === value[index])
  }
  if (Buffer.isBuffer(value) && Buffer.isBuffer(base.value)) return isAddressWithin(value, base.value)
  if (typeof value !== 'string' || typeof base.value !== 'string') return false
  if (kind === GENERAL_NAME.dns) return isHostWithin(value, base.value)
  return kind === GENERAL_NAME.email ? isMailWithin(value, base.value) : isUriWithin(value, base.value)
}

/** The domain and what is below it; with a dot in front as well. */
function isHostWithin(host: string, domain: string): boolean {
  const [name, base] = [host.toLowerCase(), domain.toLowerCase()]
  if (base === '') return true
  return name === base || name.endsWith(base.startsWith('.') ? base : `.${base}`)
}

/** A mailbox, a host, or with a dot in front all hosts below a domain. The local part's case counts. */
function isMailWithin(address: string, base: string): boolean {
  const at = address.lastIndexOf('@')
  const host = address.slice(at + 1).toLowerCase()
  const baseAt = base.lastIndexOf('@')
  const baseHost = base.slice(baseAt + 1).toLowerCase()
  if (baseAt < 0 && baseHost.startsWith('.')) return host.endsWith(baseHost)
  if (baseAt > 0 && base.slice(0, baseAt) !== address.slice(0, at)) return false
  return at >= 0 && host === baseHost
}

function isUriWithin(uri: string, base: string): boolean {
  const [, host = ''] = /^[^:]+:\/\/([^/?#:]*)/.exec(uri) ?? []
  const [name, domain] = [host.toLowerCase(), base.toLowerCase()]
  return domain.startsWith('.') ? name.endsWith(domain) && name !== domain : name === domain
}

/** The base holds an address and a mask of the same length. */
function isAddressWithin(address: Buffer, base: Buffer): boolean {
  const { length } = address
  if (base.length !== length * 2) return false
  return address.every((byte, index) => {
    const mask = base[length + index] ?? 0
    return (byte & mask) === ((base[index] ?? 0) & mask)
  })
}

/** `10.0.0.1`, `10.0.0.0/255.0.0.0`; hex for IPv6. */
function shownAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length === 8) return `${bytes.subarray(0, 4).join('.')}/${bytes.subarray(4).join('.')}`
  return bytes.toString('hex').slice(0, 64)
}
