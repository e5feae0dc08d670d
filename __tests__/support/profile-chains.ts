/** Chains that are about names, policies and the fields that RFC 5280's profile is strict about. */
import {
  type CertificateOptions,
  createRoot,
  distinguishedName,
  type Extension,
  type Issued,
  issueClient,
  issueIntermediate,
  objectIdentifier,
  selfSigned,
  sequence,
  tlv,
} from '../../demo/certificate-authority.ts'
import type { ErrorCode } from '../../src/errors.ts'
import type { SampleChain } from './chains.ts'

type Options = Omit<CertificateOptions, 'name'>

const text = (tag: number, value: string) => tlv(tag, Buffer.from(value, 'latin1'))
export const GENERAL = {
  email: (value: string) => text(0x81, value),
  dns: (value: string) => text(0x82, value),
  uri: (value: string) => text(0x86, value),
  ip: (...bytes: readonly number[]) => tlv(0x87, Buffer.from(bytes)),
  directory: (name: Buffer) => tlv(0xa4, name),
} as const

export function constraints(permitted: readonly Buffer[], excluded: readonly Buffer[] = []): Extension {
  const part = (tag: number, names: readonly Buffer[]) =>
    names.length === 0 ? [] : [tlv(tag, ...names.map((name) => sequence(name)))]
  return { oid: '2.5.29.30', critical: true, value: sequence(...part(0xa0, permitted), ...part(0xa1, excluded)) }
}

export function alternativeNames(...names: readonly Buffer[]): Extension {
  return { oid: '2.5.29.17', critical: false, value: sequence(...names) }
}

function policies(...oids: readonly string[]): Extension {
  return { oid: '2.5.29.32', critical: false, value: sequence(...oids.map((oid) => sequence(objectIdentifier(oid)))) }
}

function explicitPolicy(after: number): Extension {
  return { oid: '2.5.29.36', critical: true, value: sequence(tlv(0x80, Buffer.from([after]))) }
}

const ANY_POLICY = '2.5.29.32.0'

export function makeProfileChains(): readonly SampleChain[] {
  const root = createRoot({ name: 'Sample Root', organization: 'Sample' })
  const issuing = issueIntermediate(root, { name: 'Sample Issuing' })
  const world = { root, issuing }
  return [...nameChains(world), ...policyChains(world), ...leafProfiles(world), ...authorityProfiles(world)]
}

interface World {
  readonly root: Issued
  readonly issuing: Issued
}

function nameChains({ root }: World): SampleChain[] {
  const under = (name: string, constraint: Extension, leaf: Options, outside = true): SampleChain => {
    const issuer = issueIntermediate(root, { name: 'Constrained', extensions: [constraint] })
    const chain = { name, leaf: issueClient(issuer, { name: 'publisher', ...leaf }), others: [issuer], anchors: [root] }
    return outside ? { ...chain, finding: ['E_CERT_REFUSED', 'leaf'] } : chain
  }
  const corp = distinguishedName({ name: 'x', organization: 'Corp' }).subarray(2)
  const organization = sequence(corp.subarray(0, 2 + (corp[1] ?? 0)))
  const san = (...names: readonly Buffer[]) => ({ extensions: [alternativeNames(...names)] })
  const tens = GENERAL.ip(10, 0, 0, 0, 255, 0, 0, 0)
  const upper = issueIntermediate(root, { name: 'Upper', extensions: [constraints([GENERAL.directory(organization)])] })
  const lower = issueIntermediate(upper, { name: 'Lower' })
  const renewed = issueIntermediate(upper, { name: 'Upper' })
  const hosts = issueIntermediate(root, { name: 'Hosts', extensions: [constraints([GENERAL.dns('corp.example')])] })
  const named = issueIntermediate(hosts, { name: 'ca.other.example' })
  return [
    under('host name excluded', constraints([], [GENERAL.dns('bad.example')]), san(GENERAL.dns('ci.bad.example'))),
    under(
      'host name not excluded',
      constraints([], [GENERAL.dns('bad.example')]),
      san(GENERAL.dns('notbad.example')),
      false,
    ),
    under('host name in the common name outside', constraints([GENERAL.dns('corp.example')]), {
      subject: distinguishedName({ name: 'ci.other.example' }),
    }),
    under(
      'common name that is no host name',
      constraints([GENERAL.dns('corp.example')]),
      { subject: distinguishedName({ name: 'Release Publisher' }) },
      false,
    ),
    under('address outside', constraints([tens]), san(GENERAL.ip(192, 168, 0, 1))),
    under('address inside', constraints([tens]), san(GENERAL.ip(10, 1, 2, 3)), false),
    under('mailbox outside', constraints([GENERAL.email('corp.example')]), san(GENERAL.email('ci@other.example'))),
    under('mailbox inside', constraints([GENERAL.email('corp.example')]), san(GENERAL.email('ci@corp.example')), false),
    under('URI outside', constraints([GENERAL.uri('.corp.example')]), san(GENERAL.uri('https://other.example/ci'))),
    under(
      'URI inside',
      constraints([GENERAL.uri('.corp.example')]),
      san(GENERAL.uri('https://id.corp.example/ci')),
      false,
    ),
    under('organization outside', constraints([GENERAL.directory(organization)]), { organization: 'Other' }),
    under(
      'organization inside, in other case',
      constraints([GENERAL.directory(organization)]),
      { organization: 'CORP' },
      false,
    ),
    {
      name: 'intermediate whose common name looks like a host outside',
      leaf: issueClient(named, { name: 'publisher' }),
      others: [named, hosts],
      anchors: [root],
    },
    {
      name: 'constrained CA that certified its own new key',
      leaf: issueClient(renewed, { name: 'publisher', organization: 'Corp' }),
      others: [renewed, upper],
      anchors: [root],
    },
    {
      name: 'intermediate outside the names of the one above',
      leaf: issueClient(lower, { name: 'publisher', organization: 'Corp' }),
      others: [lower, upper],
      anchors: [root],
      finding: ['E_CERT_REFUSED', 'intermediate 1'],
    },
  ]
}

function policyChains({ root }: World): SampleChain[] {
  const under = (
    name: string,
    issuerExtensions: Extension[],
    leafExtensions: Extension[],
    position?: string,
  ): SampleChain => {
    const issuer = issueIntermediate(root, { name: 'Policed', extensions: issuerExtensions })
    const leaf = issueClient(issuer, { name: 'publisher', extensions: leafExtensions })
    const chain = { name, leaf, others: [issuer], anchors: [root] }
    return position === undefined ? chain : { ...chain, finding: ['E_CERT_PROFILE', position], tolerated: true }
  }
  const upper = issueIntermediate(root, { name: 'Upper', extensions: [policies(ANY_POLICY), explicitPolicy(2)] })
  const lower = issueIntermediate(upper, { name: 'Lower', extensions: [policies(ANY_POLICY)] })
  const [mine, other, any] = ['1.3.6.1.4.1.99999.5', '1.3.6.1.4.1.99999.6', ANY_POLICY]
  return [
    under('policy demanded, leaf has none', [policies(mine), explicitPolicy(0)], [], 'leaf'),
    under('policy demanded, nobody has one', [explicitPolicy(0)], [], 'intermediate 1'),
    under('policy demanded, leaf has another', [policies(mine), explicitPolicy(0)], [policies(other)], 'leaf'),
    under('policy demanded, leaf has it', [policies(mine), explicitPolicy(0)], [policies(other, mine)]),
    under('policy demanded, any will do', [policies(any), explicitPolicy(0)], [policies(other)]),
    under('policy demanded of later ones only', [policies(mine), explicitPolicy(3)], []),
    under('policy demanded of the next one', [policies(mine), explicitPolicy(1)], [], 'leaf'),
    under('policies that nobody demands', [policies(mine)], [policies(other)]),
    {
      name: 'policy demanded two CAs above',
      leaf: issueClient(lower, { name: 'publisher' }),
      others: [lower, upper],
      anchors: [root],
      finding: ['E_CERT_PROFILE', 'leaf'],
      tolerated: true,
    },
  ]
}

function leafProfiles({ root, issuing }: World): SampleChain[] {
  const leaf = (name: string, options: Options, finding?: ErrorCode): SampleChain => {
    const chain = {
      name,
      leaf: issueClient(issuing, { name: 'publisher', ...options }),
      others: [issuing],
      anchors: [root],
    }
    return finding === undefined ? chain : { ...chain, finding: [finding, 'leaf'], tolerated: true }
  }
  const lone = selfSigned({ name: 'lone', ca: true, purposes: ['clientAuth'] })
  return [
    leaf('negative serial', { serial: Buffer.from([0x80, 1]) }, 'E_CERT_PROFILE'),
    leaf('serial of zero', { serial: Buffer.from([0]) }),
    leaf('serial of 21 bytes', { serial: Buffer.alloc(21, 0x41) }),
    leaf('serial of 40 bytes', { serial: Buffer.alloc(40, 0x41) }),
    leaf('leaf of version 1', { version: 1 }, 'E_CERT_PROFILE'),
    leaf('leaf that is a CA', { ca: true }, 'E_CERT_PROFILE'),
    leaf(
      'no subject, names not critical',
      { subject: sequence(), extensions: [alternativeNames(GENERAL.dns('ci.corp.example'))] },
      'E_CERT_PROFILE',
    ),
    leaf('no subject, names critical', {
      subject: sequence(),
      extensions: [{ ...alternativeNames(GENERAL.dns('ci.corp.example')), critical: true }],
    }),
    leaf('issuer in other case', { issuerName: distinguishedName({ name: 'SAMPLE  issuing' }) }, 'E_CERT_PROFILE'),
    leaf('no key identifier of the issuer', { authorityKeyId: Buffer.alloc(0) }),
    leaf('an unknown extension that is not critical', {
      extensions: [{ oid: '1.3.6.1.4.1.99999.1', critical: false, value: sequence() }],
    }),
    {
      name: 'self-signed CA as leaf, in the bundle',
      leaf: lone,
      others: [],
      anchors: [lone],
      finding: ['E_CERT_PROFILE', 'leaf'],
      tolerated: true,
    },
    {
      name: 'alternative names that cannot be read',
      leaf: issueClient(issuing, { name: 'publisher', extensions: [{ ...alternativeNames(), value: tlv(0x04) }] }),
      others: [issuing],
      anchors: [root],
      finding: ['E_CERT_UNREADABLE', 'leaf'],
    },
  ]
}

function authorityProfiles({ root, issuing }: World): SampleChain[] {
  const via = (
    name: string,
    intermediate: Issued,
    finding?: readonly [ErrorCode, string],
    tolerated?: true,
  ): SampleChain => ({
    name,
    leaf: issueClient(intermediate, { name: 'publisher' }),
    others: [intermediate],
    anchors: [root],
    ...(finding === undefined ? {} : { finding }),
    ...(tolerated === undefined ? {} : { tolerated }),
  })
  const old = createRoot({ name: 'Root of Version 1', version: 1 })
  const authority = (serial: Buffer) => ({
    authorityKeyId: Buffer.alloc(0),
    extensions: [
      {
        oid: '2.5.29.35',
        critical: false,
        value: sequence(
          tlv(0xa1, GENERAL.directory(distinguishedName({ name: 'Sample Root', organization: 'Sample' }))),
          tlv(0x82, serial),
        ),
      },
    ],
  })
  const serial = Buffer.from(issuing.certificate.serialNumber, 'hex')
  const named = (name: string, number: Buffer) => ({
    name,
    leaf: issueClient(issuing, { name: 'publisher', ...authority(number) }),
    others: [issuing],
    anchors: [root],
  })
  return [
    via('intermediate of version 1', issueIntermediate(root, { name: 'Old', version: 1 }), [
      'E_CERT_NOT_A_CA',
      'intermediate 1',
    ]),
    { name: 'root of version 1', leaf: issueClient(old, { name: 'publisher' }), others: [], anchors: [old] },
    via(
      'intermediate with a negative serial',
      issueIntermediate(root, { name: 'Negative', serial: Buffer.from([0xff, 1]) }),
      ['E_CERT_PROFILE', 'intermediate 1'],
      true,
    ),
    via('intermediate signed with SHA-1', issueIntermediate(root, { name: 'Old', digest: 'sha1' }), [
      'E_CERT_WEAK',
      'intermediate 1',
    ]),
    via(
      'intermediate that names another key as its issuer',
      issueIntermediate(root, { name: 'Lost', authorityKeyId: Buffer.alloc(20, 7) }),
      ['E_CERT_REFUSED', 'intermediate 1'],
    ),
    via('intermediate for any purpose', issueIntermediate(root, { name: 'Any', purposes: ['any'] }), [
      'E_CERT_PURPOSE',
      'intermediate 1',
    ]),
    via('intermediate for clients', issueIntermediate(root, { name: 'Clients', purposes: ['clientAuth'] })),
    named('leaf that names the certificate of its issuer', serial),
    {
      ...named('leaf that names another certificate of its issuer', Buffer.alloc(16, 1)),
      finding: ['E_CERT_REFUSED', 'leaf'],
    },
  ]
}
