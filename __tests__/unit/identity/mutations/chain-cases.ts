/** Chains one certificate or revocation list of which has bytes altered. */
import { type Issued, issueRevocationList, type KeyPair } from '../../../../demo/certificate-authority.ts'
import { alternativeNames, constraints, GENERAL } from '../../../support/profile-chains.ts'
import { distributionPoint } from '../../../support/revocation-chains.ts'
import { block } from '../../encoding/sample-structures.ts'
import { alterBytes } from './alter-bytes.ts'
import { type Case, randomOf } from './case.ts'
import { seededClient, seededIntermediate, seededKeys, seededRoot } from './seeded-keys.ts'

const tens = GENERAL.ip(10, 0, 0, 0, 255, 0, 0, 0)
const names = [
  GENERAL.dns('ci.corp.example'),
  GENERAL.ip(10, 1, 2, 3),
  GENERAL.uri('https://ci.corp.example/'),
  GENERAL.email('ci@corp.example'),
]

interface Chain {
  readonly root: Issued
  readonly issuing: Issued
  readonly leaf: Issued
  /** Of the root, then two of the issuing CA: one that revokes the leaf. */
  readonly lists: readonly [Buffer, Buffer, Buffer]
}

function chainOf(kind: 'ed25519' | 'rsa', seed: number): Chain {
  const root = seededRoot(kind, seed, { extensions: [constraints([], [GENERAL.dns('bad.example')])] })
  const issuing = seededIntermediate(root, kind, seed + 1, {
    extensions: [constraints([GENERAL.dns('corp.example'), tens])],
  })
  const point = distributionPoint('http://crl.corp.example/1.crl')
  const leaf = seededClient(issuing, 'ed25519', seed + 2, { extensions: [alternativeNames(...names), point] })
  return {
    root,
    issuing,
    leaf,
    lists: [listOf(root, []), listOf(issuing, [root, issuing]), listOf(issuing, [root, leaf, issuing])],
  }
}

const DATES = { thisUpdate: new Date('2026-01-01'), nextUpdate: new Date('2045-01-01') }

function listOf(issuer: Issued, revoked: readonly Issued[], keys: KeyPair = issuer.keys): Buffer {
  const date = new Date('2026-01-02')
  const entries = revoked.map((certificate, index) => ({ certificate, date, reason: [1, 5, 6][index] ?? 0 }))
  return issueRevocationList(issuer, { ...DATES, keys, revoked: entries })
}

const ED25519 = chainOf('ed25519', 1)
const RSA = chainOf('rsa', 11)

/** Ed25519 takes ten times as long to verify. */
const CHAINS = ['ed25519', 'rsa', 'rsa', 'rsa'].map((kind) => (kind === 'rsa' ? RSA : ED25519))

const LIST = block('X509 CRL', RSA.lists[0])
const KEYS = [ED25519, RSA].map(({ leaf }) => leaf.keys.privateKey)

/** Certificates of the same name and key, each with a serial of its own. */
function renewals({ der, certificate }: Issued, amount: number): string {
  const at = der.indexOf(Buffer.from(certificate.serialNumber, 'hex'))
  const renewed = (index: number) => {
    const copy = Buffer.from(der)
    copy.writeUInt16BE(0x1000 + index, at)
    return block('CERTIFICATE', copy)
  }
  return Array.from({ length: amount }, (_, index) => renewed(index)).join('')
}

/** As many as are read, and far more: every one of them could be the issuer of every other. */
const LARGE: readonly (() => Case)[] = [
  () => {
    const { root, issuing, leaf } = RSA
    const clientCert = leaf.pem + leaf.keyPem + renewals(issuing, 200) + renewals(root, 200)
    return { clientCert, caBundle: root.pem, keys: KEYS }
  },
  () => {
    const { root, issuing, leaf } = ED25519
    const anchors = root.pem + renewals(root, 1000) + renewals(issuing, 1000)
    return { clientCert: leaf.pem + leaf.keyPem + issuing.pem, caBundle: anchors, keys: KEYS }
  },
  () => {
    const { root, leaf } = RSA
    return { clientCert: leaf.pem + leaf.keyPem + renewals(leaf, 450), caBundle: root.pem, keys: KEYS }
  },
  () => ({ clientCert: RSA.leaf.pem + RSA.leaf.keyPem, clientCrl: LIST.repeat(200), keys: KEYS }),
  () => ({ clientCert: RSA.leaf.pem + RSA.leaf.keyPem, clientCrl: LIST.repeat(2000), keys: KEYS }),
]

/** Half of them a certificate, in each place of the chain; half of them a list. */
export function caseOf(number: number): Case {
  const large = LARGE[number]
  if (large !== undefined) return large()
  const random = randomOf(number)
  const chain = random.pick(CHAINS)
  const target = random.below(6)
  const pem = ({ der }: Issued, place: number) => {
    return block('CERTIFICATE', target === place ? alterBytes(der, random) : der)
  }
  const certificates = pem(chain.leaf, 0) + pem(chain.issuing, 1)
  const caBundle = pem(chain.root, 2)
  const [ofRoot, harmless, revoking] = chain.lists
  const pair = [ofRoot, random.once(3) ? revoking : harmless]
  const lists = pair.map((der, index) => (index === target % 2 && target > 2 ? alterBytes(der, random) : der))
  // A list of another key under the CA's name is a forgery; it stays one however it is altered.
  const forged = random.once(20) ? [listOf(chain.issuing, [], seededKeys('ed25519', 99))] : []
  return {
    clientCert: certificates + chain.leaf.keyPem,
    caBundle,
    clientCrl: [...lists, ...forged].map((der) => block('X509 CRL', der)).join(''),
    keys: KEYS,
  }
}
