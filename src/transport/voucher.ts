import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { printable } from '../text.ts'
import type { Party } from './party.ts'
import { systemAuthorities } from './trust.ts'

/** Bytes of a file of CAs: the largest that systems ship have half a megabyte. */
const LARGEST_FILE = 4 * 1024 * 1024

/** Certificates of a path: real ones have two to five. */
const LONGEST_PATH = 16

/**
 * Who else would vouch for a chain that `ca-bundle` does not: the system, or a file that other tools on this machine are
 * pointed at. For a sentence that says what to write, never for trust: nothing is connected again.
 */
export function findVoucher(chain: readonly X509Certificate[], { trust, trustHints, now }: Party): string | undefined {
  const reaches = (pems: readonly string[]) => leadsTo(chain, readAll(pems), now())
  const hasBundle = trust.source === 'ca-bundle'
  if (hasBundle && reaches(getCACertificates('bundled'))) {
    return 'It has a public CA: write `ca-bundle: system` if that is meant.'
  }
  // Before the system, which reads some of these files too: the file is the narrower trust.
  const file = trustHints.find((path) => reaches(readFile(path)))
  if (file !== undefined) {
    return `Other tools on this runner trust it by ${printable(file)}: write \`ca-bundle: ${printable(file)}\` if that is meant.`
  }
  if (!hasBundle || !reaches(systemAuthorities())) return undefined
  return 'This system trusts its CA: write `ca-bundle: system` if that is meant.'
}

/** Whether `ca-bundle` or the system has a CA of the name that the topmost certificate names as its issuer. */
export function holdsNamesake(top: X509Certificate, { trust }: Party): boolean {
  return readAll(trust.ca).some(({ subject }) => subject === top.issuer)
}

function readFile(path: string): readonly string[] {
  try {
    const { size } = statSync(path)
    // A pipe or a device would never end.
    if (!statSync(path).isFile() || size > LARGEST_FILE) return []
    const blocks = /-----BEGIN (TRUSTED )?CERTIFICATE-----[^-]+-----END (TRUSTED )?CERTIFICATE-----/g
    return readFileSync(path, 'latin1').match(blocks) ?? []
  } catch {
    // Whatever else the variable names: there is nothing to suggest.
    return []
  }
}

function readAll(pems: readonly string[]): X509Certificate[] {
  return pems.flatMap((pem) => {
    try {
      return [new X509Certificate(pem)]
    } catch {
      return []
    }
  })
}

/** Whether the server's own certificate leads, signature by signature, to an anchor that is valid now. */
function leadsTo(chain: readonly X509Certificate[], anchors: readonly X509Certificate[], now: Date): boolean {
  let [current] = chain
  for (let length = 0; current !== undefined && length < LONGEST_PATH; length += 1) {
    const lower = current
    const anchor = anchors.find((one) => one.fingerprint256 === lower.fingerprint256 || isIssuedBy(lower, one))
    if (anchor !== undefined) return anchor.validFromDate <= now && now <= anchor.validToDate
    current = chain.find((candidate) => candidate !== lower && isIssuedBy(lower, candidate))
  }
  return false
}

function isIssuedBy(lower: X509Certificate, upper: X509Certificate): boolean {
  if (lower.issuer !== upper.subject) return false
  try {
    return lower.checkIssued(upper) && lower.verify(upper.publicKey)
  } catch {
    // A key of a kind that this OpenSSL does not know.
    return false
  }
}
