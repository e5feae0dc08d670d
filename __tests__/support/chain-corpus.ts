/** All client chains whose verdict is known: with keys of every kind, with and without revocation lists. */
import {
  createRoot,
  generateKeys,
  type Issued,
  issueClient,
  issueIntermediate,
  issueRevocationList,
  type KeyKind,
} from '../../demo/certificate-authority.ts'
import { altered, ended, expectedFindings, makeChains, notBegun, type SampleChain } from './chains.ts'
import { makeProfileChains } from './profile-chains.ts'
import { makeRevocationChains } from './revocation-chains.ts'

export function makeCorpus(): readonly SampleChain[] {
  return [...makeChains(), ...makeProfileChains(), ...makeRevocationChains(), ...otherPaths(), ...KINDS.flatMap(ofKind)]
}

/** `error E_CERT_EXPIRED leaf` of what refuses. */
export function isRefused(sample: SampleChain): boolean {
  return expectedFindings(sample).some((line) => line.startsWith('error'))
}

function otherPaths(): SampleChain[] {
  const root = createRoot({ name: 'Unknown Root' })
  const known = createRoot({ name: 'Sample Root' })
  const anchors = [known]
  const past = issueIntermediate(root, { name: 'Past', ...ended() })
  const below = issueClient(past, { name: 'publisher' })
  const expired = ['E_CERT_EXPIRED', 'intermediate 1'] as const
  const crossed = issueIntermediate(root, { name: 'Crossed' })
  const cross = issueIntermediate(known, { name: 'Crossed', keys: crossed.keys })
  const { authorities, leaf } = tower(known, 8)
  const alone =
    'companies hand out the issuing CA alone: taken as an anchor, as curl does; servers with OpenSSL want the root'
  return [
    {
      name: 'intermediate ended below an unknown root',
      leaf: below,
      others: [past],
      anchors,
      finding: expired,
      also: ['error E_CERT_UNKNOWN_ISSUER intermediate 1'],
    },
    {
      name: 'intermediate ended below a root outside of the bundle',
      leaf: below,
      others: [past, root],
      anchors,
      finding: expired,
      also: ['error E_CERT_UNKNOWN_ISSUER root'],
    },
    {
      name: 'two certificates of one CA, the wrong one first',
      leaf: issueClient(crossed, { name: 'publisher' }),
      others: [crossed, cross],
      anchors,
    },
    { name: 'eight intermediates', leaf, others: authorities, anchors },
    { name: 'eight intermediates upside down', leaf, others: authorities.toReversed(), anchors },
    {
      name: 'bundle of the issuing CA alone',
      leaf: issueClient(cross, { name: 'publisher' }),
      others: [cross],
      anchors: [cross],
      differs: { nginx: alone, node: alone },
    },
  ]
}

function tower(root: Issued, height: number): { authorities: readonly Issued[]; leaf: Issued } {
  let top = root
  const authorities: Issued[] = []
  for (let floor = height; floor > 0; floor -= 1) {
    top = issueIntermediate(top, { name: `Floor ${floor}` })
    authorities.unshift(top)
  }
  return { authorities, leaf: issueClient(top, { name: 'publisher' }) }
}

const KINDS: readonly KeyKind[] = ['rsa', 'rsa-pss', 'ec', 'ec-p384', 'ec-p521', 'ed25519', 'ed448']

/** The faults that matter most, with every key of the chain of one kind. */
function ofKind(keyKind: KeyKind): SampleChain[] {
  const [rootKeys, issuingKeys, leafKeys, otherKeys] = [
    generateKeys(keyKind),
    generateKeys(keyKind),
    generateKeys(keyKind),
    generateKeys(keyKind),
  ]
  const root = createRoot({ name: `Root ${keyKind}`, keys: rootKeys })
  const ca = (options = {}) => issueIntermediate(root, { name: `Issuing ${keyKind}`, keys: issuingKeys, ...options })
  const client = (issuer: Issued, options = {}) =>
    issueClient(issuer, { name: 'publisher', keys: leafKeys, ...options })
  const issuing = ca()
  const leaf = client(issuing)
  const rare = keyKind === 'rsa-pss' || keyKind === 'ed448' ? ['warning E_CERT_PROFILE leaf'] : []
  const sample = (name: string, details: Partial<SampleChain>): SampleChain => ({
    name: `${keyKind}: ${name}`,
    leaf,
    others: [issuing],
    anchors: [root],
    ...details,
    also: [...rare, ...(details.also ?? [])],
  })
  const via = (issuer: Issued) => ({ leaf: client(issuer), others: [issuer] })
  const lists = [issueRevocationList(root), issueRevocationList(issuing)]
  return [
    sample('sound', {}),
    sample('leaf ended', { leaf: client(issuing, ended()), finding: ['E_CERT_EXPIRED', 'leaf'] }),
    sample('leaf not begun', { leaf: client(issuing, notBegun()), finding: ['E_CERT_NOT_YET_VALID', 'leaf'] }),
    sample('leaf for serverAuth only', {
      leaf: client(issuing, { purposes: ['serverAuth'] }),
      finding: ['E_CERT_PURPOSE', 'leaf'],
    }),
    sample('leaf altered', { leaf: altered(leaf), finding: ['E_CERT_SIGNATURE', 'leaf'] }),
    sample('leaf alone', { others: [], finding: ['E_CERT_INCOMPLETE_CHAIN', 'leaf'] }),
    sample('intermediate ended', { ...via(ca(ended())), finding: ['E_CERT_EXPIRED', 'intermediate 1'] }),
    sample('intermediate that is no CA', { ...via(ca({ ca: false })), finding: ['E_CERT_NOT_A_CA', 'intermediate 1'] }),
    sample('CA made anew', {
      anchors: [createRoot({ name: `Root ${keyKind}`, keys: otherKeys })],
      finding: ['E_CERT_UNKNOWN_ISSUER', 'intermediate 1'],
    }),
    sample('lists, nothing revoked', { lists }),
    sample('leaf revoked', {
      lists: [issueRevocationList(root), issueRevocationList(issuing, { revoked: [{ certificate: leaf, reason: 1 }] })],
      finding: ['E_CERT_REVOKED', 'leaf'],
    }),
    sample('intermediate revoked', {
      lists: [issueRevocationList(root, { revoked: [{ certificate: issuing }] }), issueRevocationList(issuing)],
      finding: ['E_CERT_REVOKED', 'intermediate 1'],
    }),
    sample('list forged', {
      lists: [issueRevocationList(root), issueRevocationList(issuing, { keys: otherKeys })],
      finding: ['E_CRL_FORGED', 'intermediate 1'],
    }),
  ]
}
