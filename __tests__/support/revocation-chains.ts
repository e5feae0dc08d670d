/** Chains beside revocation lists: what is revoked, by whom, and lists that are stale, missing, forged or of a kind that is not read. */
import {
  createRoot,
  generateKeys,
  type Issued,
  issueClient,
  issueIntermediate,
  issueRevocationList,
  type RevocationListOptions,
  selfSigned,
  sequence,
  tlv,
} from '../../demo/certificate-authority.ts'
import { daysFromNow, ended, type SampleChain } from './chains.ts'

const TRUE = Buffer.from([0xff])
const WARNED =
  'OpenSSL wants a complete, current list of each CA; here a stale or missing one is a warning, since servers have their own'
const INCOMPLETE = { nginx: WARNED, node: WARNED } as const
const DELTA = 'servers look at delta lists only where they are told to; what the CA has signed counts here'
const FIRST_FITS = 'OpenSSL takes one list that fits and looks at no other'

/** A list whose time is over. */
export function stale(): Pick<RevocationListOptions, 'thisUpdate' | 'nextUpdate'> {
  return { thisUpdate: daysFromNow(-20), nextUpdate: daysFromNow(-13) }
}

/** The issuing distribution point extension (RFC 5280, 5.2.5) with these fields. */
export function issuingPoint(...fields: readonly Buffer[]) {
  return { oid: '2.5.29.28', critical: true, value: sequence(...fields) }
}

/** The CRL distribution points extension of a certificate (RFC 5280, 4.2.1.13). */
export function distributionPoint(uri: string) {
  return { oid: '2.5.29.31', critical: false, value: sequence(sequence(fullName(uri))) }
}

function fullName(uri: string): Buffer {
  return tlv(0xa0, tlv(0xa0, tlv(0x86, Buffer.from(uri, 'latin1'))))
}

export function makeRevocationChains(): readonly SampleChain[] {
  const root = createRoot({ name: 'Sample Root', organization: 'Sample' })
  const issuing = issueIntermediate(root, { name: 'Sample Issuing' })
  const leaf = issueClient(issuing, { name: 'publisher' })
  const world = { root, issuing, leaf }
  return [
    ...revokedChains(world),
    ...incompleteLists(world),
    ...forgedLists(world),
    ...scopes(world),
    ...otherChains(world),
  ]
}

interface World {
  readonly root: Issued
  readonly issuing: Issued
  readonly leaf: Issued
}

function revokedChains({ root, issuing, leaf }: World): SampleChain[] {
  const common = { others: [issuing], anchors: [root] }
  const past = issueClient(issuing, { name: 'past', ...ended() })
  const ofRoot = issueRevocationList(root)
  const ofIssuing = (options: RevocationListOptions = {}) =>
    issueRevocationList(issuing, { revoked: [{ certificate: leaf, reason: 1 }], ...options })
  const revoked = { leaf, ...common, finding: ['E_CERT_REVOKED', 'leaf'] } as const
  const issuingRevoked = issueRevocationList(root, { revoked: [{ certificate: issuing, reason: 2 }] })
  return [
    { name: 'current lists, nothing revoked', leaf, ...common, lists: [ofRoot, issueRevocationList(issuing)] },
    {
      name: 'lists without a next update',
      leaf,
      ...common,
      lists: [ofRoot, issueRevocationList(issuing, { nextUpdate: undefined })],
    },
    {
      name: 'another certificate is revoked',
      leaf,
      ...common,
      lists: [ofRoot, issueRevocationList(issuing, { revoked: [{ certificate: past }] })],
    },
    { name: 'leaf revoked', ...revoked, lists: [ofRoot, ofIssuing()] },
    {
      name: 'leaf revoked without a reason',
      ...revoked,
      lists: [ofRoot, ofIssuing({ revoked: [{ certificate: past }, { certificate: leaf }] })],
    },
    { name: 'leaf on hold', ...revoked, lists: [ofRoot, ofIssuing({ revoked: [{ certificate: leaf, reason: 6 }] })] },
    {
      name: 'leaf taken off a list',
      leaf,
      ...common,
      lists: [ofRoot, ofIssuing({ revoked: [{ certificate: leaf, reason: 8 }] })],
    },
    {
      name: 'leaf revoked by a stale list',
      ...revoked,
      lists: [ofRoot, ofIssuing(stale())],
      also: ['warning E_CRL_OUTDATED intermediate 1'],
    },
    {
      name: 'leaf revoked, list of the root missing',
      ...revoked,
      lists: [ofIssuing()],
      also: ['warning E_CRL_MISSING root'],
    },
    {
      name: 'leaf revoked, list of the root stale',
      ...revoked,
      lists: [ofIssuing(), issueRevocationList(root, stale())],
      also: ['warning E_CRL_OUTDATED root'],
    },
    {
      name: 'intermediate revoked',
      leaf,
      ...common,
      lists: [issuingRevoked, issueRevocationList(issuing)],
      finding: ['E_CERT_REVOKED', 'intermediate 1'],
    },
    {
      name: 'intermediate revoked, its own list missing',
      leaf,
      ...common,
      lists: [issuingRevoked],
      finding: ['E_CERT_REVOKED', 'intermediate 1'],
      also: ['warning E_CRL_MISSING intermediate 1'],
    },
    {
      name: 'leaf and intermediate revoked',
      ...revoked,
      lists: [issuingRevoked, ofIssuing()],
      also: ['error E_CERT_REVOKED intermediate 1'],
    },
    {
      name: 'leaf ended and revoked',
      leaf: past,
      ...common,
      lists: [ofRoot, ofIssuing({ revoked: [{ certificate: past, reason: 4 }] })],
      finding: ['E_CERT_EXPIRED', 'leaf'],
      also: ['error E_CERT_REVOKED leaf'],
    },
  ]
}

function incompleteLists({ root, issuing, leaf }: World): SampleChain[] {
  const common = { leaf, others: [issuing], anchors: [root], differs: INCOMPLETE, tolerated: true } as const
  const ofRoot = issueRevocationList(root)
  const ofIssuing = issueRevocationList(issuing)
  const stranger = issueRevocationList(createRoot({ name: 'Other Root' }))
  return [
    { name: 'list of the root missing', ...common, lists: [ofIssuing], finding: ['E_CRL_MISSING', 'root'] },
    {
      name: 'list of the issuing CA missing',
      ...common,
      lists: [ofRoot],
      finding: ['E_CRL_MISSING', 'intermediate 1'],
    },
    {
      name: 'list of the issuing CA stale',
      ...common,
      lists: [ofRoot, issueRevocationList(issuing, stale())],
      finding: ['E_CRL_OUTDATED', 'intermediate 1'],
    },
    {
      name: 'list of the root stale',
      ...common,
      lists: [ofIssuing, issueRevocationList(root, stale())],
      finding: ['E_CRL_OUTDATED', 'root'],
    },
    {
      name: 'list of the issuing CA not yet in force',
      ...common,
      lists: [ofRoot, issueRevocationList(issuing, { thisUpdate: daysFromNow(2), nextUpdate: daysFromNow(9) })],
      finding: ['E_CRL_OUTDATED', 'intermediate 1'],
    },
    {
      name: 'only the list of another CA',
      ...common,
      lists: [stranger],
      finding: ['E_CRL_MISSING', 'root'],
      also: ['warning E_CRL_MISSING intermediate 1'],
    },
    {
      leaf,
      others: [issuing],
      anchors: [root],
      name: 'a stale list beside a current one',
      lists: [ofRoot, issueRevocationList(issuing, stale()), ofIssuing],
    },
    {
      leaf,
      others: [issuing],
      anchors: [root],
      name: 'lists of strangers beside the right ones',
      lists: [stranger, ofRoot, ofIssuing],
    },
  ]
}

function forgedLists({ root, issuing, leaf }: World): SampleChain[] {
  const common = { leaf, others: [issuing], anchors: [root] }
  const ofRoot = issueRevocationList(root)
  const ofIssuing = issueRevocationList(issuing)
  const keys = generateKeys('ec')
  const { authorityKeyId, altered } = { authorityKeyId: Buffer.alloc(0), altered: Buffer.from(ofIssuing) }
  // The last byte of the signature.
  altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1
  const forged = { ...common, finding: ['E_CRL_FORGED', 'intermediate 1'] } as const
  return [
    { name: 'list signed with another key', ...forged, lists: [ofRoot, issueRevocationList(issuing, { keys })] },
    {
      name: 'list signed with another key, which it does not name',
      ...forged,
      lists: [ofRoot, issueRevocationList(issuing, { keys, authorityKeyId })],
    },
    {
      name: 'list signed with a key of another kind',
      ...forged,
      lists: [ofRoot, issueRevocationList(issuing, { keys: generateKeys('ed25519') })],
    },
    { name: 'list altered', ...forged, lists: [ofRoot, altered] },
    {
      name: 'list of the root forged',
      ...common,
      lists: [ofIssuing, issueRevocationList(root, { keys })],
      finding: ['E_CRL_FORGED', 'root'],
    },
    {
      name: 'list of a CA made anew beside the right one',
      ...common,
      lists: [ofRoot, issueRevocationList(issuing, { keys }), ofIssuing],
    },
    {
      name: 'forged list beside the right one',
      ...forged,
      lists: [ofRoot, ofIssuing, issueRevocationList(issuing, { keys, authorityKeyId })],
      differs: { nginx: FIRST_FITS, node: FIRST_FITS },
    },
  ]
}

function scopes({ root, issuing, leaf }: World): SampleChain[] {
  const common = { others: [issuing], anchors: [root] }
  const partial = {
    ...common,
    leaf,
    finding: ['E_CRL_MISSING', 'intermediate 1'],
    tolerated: true,
    differs: INCOMPLETE,
  } as const
  const ofRoot = issueRevocationList(root)
  const scoped = (...fields: readonly Buffer[]) =>
    issueRevocationList(issuing, { extensions: [issuingPoint(...fields)] })
  const place = 'http://crl.corp.example/issuing-1.crl'
  const placed = issueClient(issuing, { name: 'placed', extensions: [distributionPoint(place)] })
  const silent = issueIntermediate(root, { name: 'Silent', keyUsage: ['keyCertSign'] })
  const unknown = { oid: '1.3.6.1.4.1.99999.1', critical: true, value: sequence() }
  const delta = { oid: '2.5.29.27', critical: true, value: tlv(0x02, Buffer.from([1])) }
  return [
    { name: 'indirect list', ...partial, lists: [ofRoot, scoped(tlv(0x84, TRUE))] },
    {
      name: 'delta list alone',
      ...partial,
      differs: { node: WARNED },
      lists: [ofRoot, issueRevocationList(issuing, { extensions: [delta] })],
    },
    {
      name: 'delta list that revokes the leaf',
      ...common,
      leaf,
      lists: [
        ofRoot,
        issueRevocationList(issuing),
        issueRevocationList(issuing, { extensions: [delta], revoked: [{ certificate: leaf, reason: 1 }] }),
      ],
      finding: ['E_CERT_REVOKED', 'leaf'],
      differs: { nginx: DELTA, node: DELTA },
    },
    {
      name: 'indirect list that names the serial of the leaf',
      ...partial,
      lists: [
        ofRoot,
        issueRevocationList(issuing, { extensions: [issuingPoint(tlv(0x84, TRUE))], revoked: [{ certificate: leaf }] }),
      ],
    },
    { name: 'list for some reasons only', ...partial, lists: [ofRoot, scoped(tlv(0x83, Buffer.from([1, 0x40])))] },
    { name: 'list for CAs only', ...partial, lists: [ofRoot, scoped(tlv(0x82, TRUE))] },
    { name: 'list for attribute certificates', ...partial, lists: [ofRoot, scoped(tlv(0x85, TRUE))] },
    {
      name: 'list with an unknown critical extension',
      ...partial,
      lists: [ofRoot, issueRevocationList(issuing, { extensions: [unknown] })],
    },
    { name: 'list for leaves only', ...common, leaf, lists: [ofRoot, scoped(tlv(0x81, TRUE))] },
    {
      name: 'list of another place',
      ...partial,
      leaf: placed,
      lists: [ofRoot, scoped(fullName('http://crl.corp.example/issuing-2.crl'))],
    },
    {
      name: 'list of the place that the leaf names',
      ...common,
      leaf: placed,
      lists: [ofRoot, scoped(fullName(place))],
    },
    {
      name: 'list of a CA that may not sign lists',
      ...partial,
      leaf: issueClient(silent, { name: 'publisher' }),
      others: [silent],
      lists: [ofRoot, issueRevocationList(silent)],
    },
  ]
}

function otherChains({ root, issuing, leaf }: World): SampleChain[] {
  const direct = issueClient(root, { name: 'direct' })
  const lone = selfSigned({ name: 'lone', purposes: ['clientAuth'] })
  const other = createRoot({ name: 'Other Root' })
  return [
    {
      name: 'leaf of the root itself, revoked',
      leaf: direct,
      others: [],
      anchors: [root],
      lists: [issueRevocationList(root, { revoked: [{ certificate: direct, reason: 5 }] })],
      finding: ['E_CERT_REVOKED', 'leaf'],
    },
    {
      name: 'leaf of the root itself, not revoked',
      leaf: direct,
      others: [],
      anchors: [root],
      lists: [issueRevocationList(root)],
    },
    {
      name: 'root that revokes itself',
      leaf,
      others: [issuing],
      anchors: [root],
      lists: [issueRevocationList(root, { revoked: [{ certificate: root }] }), issueRevocationList(issuing)],
      finding: ['E_CERT_REVOKED', 'root'],
    },
    {
      name: 'self-signed leaf in the bundle beside a list of others',
      leaf: lone,
      others: [],
      anchors: [lone],
      lists: [issueRevocationList(root)],
      differs: INCOMPLETE,
    },
    {
      name: 'revoked below an unknown root',
      leaf,
      others: [issuing],
      anchors: [other],
      lists: [issueRevocationList(issuing, { revoked: [{ certificate: leaf }] })],
      finding: ['E_CERT_REVOKED', 'leaf'],
      also: ['error E_CERT_UNKNOWN_ISSUER intermediate 1', 'warning E_CRL_MISSING intermediate 1'],
    },
  ]
}
