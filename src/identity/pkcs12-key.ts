import { type ProblemDetails, PublishError } from '../errors.ts'
import { count, printable } from '../text.ts'
import type { Bags, CertificateBag, KeyBag } from './pkcs12-file.ts'

/** Aliases that a sentence names. */
const MOST_NAMED = 10

export interface KeyChoice {
  /** Undefined: the file holds none. */
  readonly key: KeyBag | undefined
  /** All but those that belong to another key. */
  readonly certificates: readonly CertificateBag[]
}

/** A key, and all names that it or its certificate has. */
interface Candidate {
  readonly key: KeyBag
  readonly aliases: readonly string[]
}

/**
 * The one key of a PKCS#12 file, or the one that `alias` names. `where`: `client-cert (client.p12)`. Throws PublishError
 * E_KEY_AMBIGUOUS (several keys, no alias or a shared one) or E_KEY_MISSING (no key of this alias).
 */
export function chooseKey({ keys, certificates }: Bags, alias: string | undefined, where: string): KeyChoice {
  const candidates = keys.map((key) => ({ key, aliases: aliasesOf(key, certificates) }))
  const fitting = alias === undefined ? candidates : named(candidates, alias)
  const [chosen, ...others] = fitting
  if (others.length > 0) throw new PublishError(ambiguous(candidates, alias, where))
  if (chosen === undefined && candidates.length > 0)
    throw new PublishError(unknownAlias(candidates, alias ?? '', where))
  const foreign = new Set(keys.filter((key) => key !== chosen?.key).map(({ localKeyId }) => localKeyId))
  foreign.delete(chosen?.key.localKeyId)
  return {
    key: chosen?.key,
    certificates: certificates.filter(({ localKeyId }) => localKeyId === undefined || !foreign.has(localKeyId)),
  }
}

/** Windows gives the name that people see to the certificate, and the name of its own container to the key. */
function aliasesOf({ alias, localKeyId }: KeyBag, certificates: readonly CertificateBag[]): string[] {
  const own = localKeyId === undefined ? [] : certificates.filter((one) => one.localKeyId === localKeyId)
  const names = [alias, ...own.map((one) => one.alias)]
  return [...new Set(names.filter((name) => name !== undefined && name !== ''))].filter((name) => name !== undefined)
}

/** keytool makes every alias lower case: where no name is exactly the one given, case does not count. */
function named(candidates: readonly Candidate[], alias: string): readonly Candidate[] {
  const exact = candidates.filter(({ aliases }) => aliases.includes(alias))
  if (exact.length > 0) return exact
  const lower = alias.toLowerCase()
  return candidates.filter(({ aliases }) => aliases.some((one) => one.toLowerCase() === lower))
}

function ambiguous(candidates: readonly Candidate[], alias: string | undefined, where: string): ProblemDetails {
  const message =
    alias === undefined
      ? `${where} is a PKCS#12 file with ${candidates.length} private keys, and client-key-alias names none of them: ${list(candidates)}`
      : `client-key-alias names several of the private keys in ${where}: ${list(candidates)}`
  return {
    code: 'E_KEY_AMBIGUOUS',
    message,
    hint: 'Give the alias of one of them as client-key-alias, or export the one that you need into a file of its own.',
  }
}

function unknownAlias(candidates: readonly Candidate[], alias: string, where: string): ProblemDetails {
  return {
    code: 'E_KEY_MISSING',
    message: `client-key-alias is \`${printable(alias, 60)}\`, but the ${candidates.length === 1 ? 'private key' : 'private keys'} in ${where} ${candidates.length === 1 ? 'has' : 'have'} the alias ${list(candidates)}`,
    hint:
      candidates.length === 1
        ? 'Write that alias, or leave client-key-alias out: there is one key only.'
        : 'Write one of these aliases.',
  }
}

function list(candidates: readonly Candidate[]): string {
  const names = candidates.flatMap(({ aliases: [first] }) =>
    first === undefined ? [] : [`\`${printable(first, 60)}\``],
  )
  const nameless = candidates.length - names.length
  const left = names.length - MOST_NAMED
  return [
    ...names.slice(0, MOST_NAMED),
    ...(left > 0 ? [`${count(left, 'other')}`] : []),
    ...(nameless > 0 ? [`${nameless} without an alias`] : []),
  ].join(', ')
}
