import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  type CertificateOptions,
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  selfSigned,
} from '../../../demo/certificate-authority.ts'
import { type ChainCheck, type ChainCheckRequest, checkChain } from '../../../src/certificates/chain-check.ts'
import type { Finding } from '../../../src/certificates/findings.ts'
import { altered, daysFromNow, ended, notBegun, permittedDomain } from '../../support/chains.ts'

type Options = Partial<Omit<ChainCheckRequest, 'leaf' | 'others' | 'clientAnchors' | 'serverAnchors'>> & {
  readonly clientAnchors?: readonly Issued[]
  readonly serverAnchors?: readonly Issued[]
}

function check(leaf: Issued, others: readonly Issued[], options: Options = {}): Promise<ChainCheck> {
  const { clientAnchors, serverAnchors, ...rest } = options
  return checkChain({
    leaf: leaf.certificate,
    others: others.map(({ certificate }) => certificate),
    key: leaf.keys.privateKey,
    clientAnchors: clientAnchors?.map(({ certificate }) => certificate),
    serverAnchors: serverAnchors?.map(({ certificate }) => certificate),
    mode: 'enforce',
    expiryWarningDays: 30,
    expiryErrorDays: 0,
    now: new Date(),
    ...rest,
  })
}

type LeafOptions = Omit<CertificateOptions, 'name'>

/** `error E_CERT_EXPIRED leaf`, one line a finding. */
function lines(findings: readonly Finding[]): string[] {
  return findings.map(({ severity, code, position }) => `${severity} ${code} ${position}`)
}

/** Without the notices. */
function problems({ findings }: ChainCheck): string[] {
  return lines(findings.filter(({ severity }) => severity !== 'notice'))
}

function subjects({ chain }: ChainCheck): string[] {
  return chain.map(({ subject }) => subject)
}

/** The one finding with this code. */
function findingOf({ findings }: ChainCheck, code: string): Finding {
  const [found, ...more] = findings.filter((finding) => finding.code === code)
  assert.ok(found !== undefined && more.length === 0, `one ${code} in ${lines(findings)}`)
  return found
}

const root = createRoot({ name: 'Corp Root', organization: 'Corp' })
const issuing = issueIntermediate(root, { name: 'Issuing' })
const leaf = issueClient(issuing, { name: 'publisher' })

describe('what is sent', () => {
  it('is the leaf and its intermediates in order, without the root', async () => {
    const second = issueIntermediate(issuing, { name: 'Second' })
    const deep = issueClient(second, { name: 'deep' })
    const result = await check(deep, [root, issuing, second], { clientAnchors: [root] })
    assert.deepEqual(subjects(result), ['CN=deep', 'CN=Second', 'CN=Issuing'])
    assert.equal(result.anchor?.fingerprint256, root.certificate.fingerprint256)
    assert.deepEqual(lines(result.findings), [
      'notice E_CERT_UNTIDY_CHAIN root',
      'notice E_CERT_UNTIDY_CHAIN intermediate 1',
    ])
  })

  it('holds a repeated certificate once and none outside the path', async () => {
    const stranger = selfSigned({ name: 'stranger' })
    const result = await check(leaf, [leaf, issuing, issuing, stranger], { clientAnchors: [root] })
    assert.deepEqual(subjects(result), ['CN=publisher', 'CN=Issuing'])
    assert.deepEqual(lines(result.findings), ['notice E_CERT_UNTIDY_CHAIN extra', 'notice E_CERT_UNTIDY_CHAIN extra'])
    assert.match(result.findings[0]?.message ?? '', /2 certificates more than once, the leaf among them/)
    assert.match(result.findings[1]?.message ?? '', /1 certificate outside the leaf's path, not sent: CN=stranger/)
  })

  it('is completed from the bundle, and a notice says so', async () => {
    const result = await check(leaf, [], { clientAnchors: [root, issuing] })
    assert.deepEqual(subjects(result), ['CN=publisher', 'CN=Issuing'])
    assert.match(findingOf(result, 'E_CERT_UNTIDY_CHAIN').message, /CN=Issuing is not in client-cert; it is sent from/)
  })

  it('ends when the certificate that ends first ends', async () => {
    const short = issueIntermediate(root, { name: 'Short', notAfter: daysFromNow(100) })
    const result = await check(issueClient(short, { name: 'publisher' }), [short])
    assert.equal(+result.expires, +short.certificate.validToDate)
  })
})

describe('client-ca-bundle', () => {
  it('must be reached, and says which certificate is missing', async () => {
    const alone = findingOf(await check(leaf, [], { clientAnchors: [root] }), 'E_CERT_INCOMPLETE_CHAIN')
    assert.match(
      alone.message,
      /^the certificate of CN=Issuing, which issued the leaf certificate CN=publisher, is missing/,
    )
    assert.match(alone.hint ?? '', /Append the intermediate certificate of CN=Issuing to client-cert/)
  })

  it('names a CA that was made anew under the same name', async () => {
    const anew = createRoot({ name: 'Corp Root', organization: 'Corp' })
    const result = await check(leaf, [issuing], { clientAnchors: [anew] })
    assert.equal(result.reachesAnchor, false)
    assert.match(
      findingOf(result, 'E_CERT_UNKNOWN_ISSUER').message,
      /^client-ca-bundle holds a CA named CN=Corp Root, O=Corp, but with another key .+ made anew/,
    )
  })

  it('names an intermediate that was made anew under the same name, and is not said to be missing altogether', async () => {
    const anew = issueIntermediate(root, { name: 'Issuing' })
    for (const others of [[anew], [anew, root]]) {
      const found = findingOf(await check(leaf, others, { clientAnchors: [root] }), 'E_CERT_INCOMPLETE_CHAIN')
      assert.match(
        found.message,
        /^client-cert holds a CA named CN=Issuing, but with another key than the one that signed the leaf certificate CN=publisher: it was made anew under the same name/,
      )
      assert.match(found.hint ?? '', /from one delivery/)
    }
  })

  it('goes before ca-bundle', async () => {
    const other = createRoot({ name: 'Server Root' })
    assert.equal((await check(leaf, [issuing], { clientAnchors: [root], serverAnchors: [other] })).reachesAnchor, true)
    const refused = await check(leaf, [issuing], { clientAnchors: [other], serverAnchors: [root] })
    assert.deepEqual(problems(refused), ['error E_CERT_UNKNOWN_ISSUER intermediate 1'])
  })

  for (const [what, anchor, position] of [
    ['the issuing CA', issuing, 'intermediate 1'],
    ['the leaf', leaf, 'leaf'],
  ] as const) {
    it(`may hold ${what} alone: accepted with a notice`, async () => {
      const result = await check(leaf, [issuing], { clientAnchors: [anchor] })
      assert.equal(result.reachesAnchor, true)
      assert.deepEqual(lines(result.findings), [`notice E_CERT_INCOMPLETE_CHAIN ${position}`])
    })
  }

  it('with the issuing CA alone still refuses what is wrong below', async () => {
    const past = issueClient(issuing, { name: 'past', ...ended() })
    assert.deepEqual(problems(await check(past, [issuing], { clientAnchors: [issuing] })), [
      'error E_CERT_EXPIRED leaf',
    ])
  })

  it('may be a large one: only the CAs that matter enter the handshake', async () => {
    const crowd = Array.from({ length: 900 }, (_, index) =>
      createRoot({
        name: `Public CA ${index}`,
        organization: 'A company with a long name '.repeat(3),
        keys: root.keys,
      }),
    )
    assert.deepEqual(problems(await check(leaf, [issuing], { clientAnchors: [...crowd, root] })), [])
  })
})

describe('an issuer that only the server can judge', () => {
  const other = createRoot({ name: 'Server Root' })

  it('is a notice and an explanation when ca-bundle does not hold it', async () => {
    const result = await check(leaf, [issuing], { serverAnchors: [other] })
    assert.deepEqual(lines(result.findings), ['notice E_CERT_UNKNOWN_ISSUER intermediate 1'])
    assert.equal(result.reachesAnchor, false)
    assert.match(
      result.unknownIssuer ?? '',
      /^CN=Corp Root, O=Corp, the issuer of .+ is neither in client-cert nor in ca-bundle$/,
    )
  })

  it('is no guess where ca-bundle holds it', async () => {
    const result = await check(leaf, [issuing], { serverAnchors: [other, root] })
    assert.deepEqual([result.findings, result.reachesAnchor, result.unknownIssuer], [[], true, undefined])
  })

  it('is only an explanation when no bundle was given', async () => {
    const whole = await check(leaf, [issuing])
    assert.deepEqual(whole.findings, [])
    assert.match(whole.unknownIssuer ?? '', /whether the server trusts CN=Corp Root, O=Corp/)
    assert.match((await check(leaf, [])).unknownIssuer ?? '', /holds the leaf certificate CN=publisher alone/)
  })

  it('lets nothing else fall away', async () => {
    const past = issueIntermediate(root, { name: 'Past', ...ended() })
    const below = issueClient(past, { name: 'publisher' })
    for (const options of [{}, { serverAnchors: [other] }]) {
      assert.deepEqual(problems(await check(below, [past], options)), ['error E_CERT_EXPIRED intermediate 1'])
    }
    assert.deepEqual(problems(await check(altered(leaf), [issuing])), ['error E_CERT_SIGNATURE leaf'])
    const noCa = issueIntermediate(root, { name: 'No CA', ca: false })
    assert.deepEqual(problems(await check(issueClient(noCa, { name: 'publisher' }), [noCa])), [
      'error E_CERT_NOT_A_CA intermediate 1',
    ])
    const narrow = createRoot({ name: 'Narrow', pathLength: 0 })
    const upper = issueIntermediate(narrow, { name: 'Upper' })
    assert.deepEqual(problems(await check(issueClient(upper, { name: 'publisher' }), [upper, narrow])), [
      'error E_CERT_PATH_LENGTH root',
    ])
  })

  it('may have renewed the root of the file, which is not sent', async () => {
    const past = createRoot({ name: 'Past Root', ...ended() })
    const upper = issueIntermediate(past, { name: 'Upper' })
    const result = await check(issueClient(upper, { name: 'publisher' }), [upper, past])
    assert.deepEqual(problems(result), ['warning E_CERT_EXPIRED root'])
  })

  it('is not the leaf itself once that was altered', async () => {
    const lone = selfSigned({ name: 'lone' })
    assert.deepEqual(problems(await check(lone, [])), [])
    assert.deepEqual(problems(await check(altered(lone), [])), ['error E_CERT_SIGNATURE leaf'])
  })

  it('is not taken from a root that was altered', async () => {
    const result = await check(leaf, [issuing, altered(root)])
    assert.deepEqual(problems(result), ['error E_CERT_SIGNATURE intermediate 2'])
    assert.deepEqual(problems(await check(leaf, [issuing, altered(root)], { clientAnchors: [root] })), [])
  })

  it('takes the CA whose key did not sign for a broken signature, even without key identifiers', async () => {
    const bare = issueClient(issuing, { name: 'bare', authorityKeyId: Buffer.alloc(0) })
    assert.deepEqual(problems(await check(bare, [issuing])), [])
    const anew = issueIntermediate(root, { name: 'Issuing' })
    assert.deepEqual(problems(await check(bare, [anew])), ['error E_CERT_SIGNATURE leaf'])
  })
})

describe('a handshake can be tried', () => {
  it('with faults that only a server judges, but not without the key nor with a key too weak to be loaded', async () => {
    const weak = issueClient(issuing, { name: 'weak', keyKind: 'rsa-1024' })
    const weakCa = issueIntermediate(root, { name: 'Weak', keyKind: 'rsa-1024' })
    for (const [usable, result] of [
      [true, check(leaf, [issuing])],
      [true, check(issueClient(issuing, { name: 'publisher', ...ended() }), [issuing])],
      [false, check(leaf, [issuing], { key: root.keys.privateKey })],
      [false, check(weak, [issuing])],
      [false, check(issueClient(weakCa, { name: 'publisher' }), [weakCa])],
    ] as const) {
      assert.equal((await result).usable, usable, lines((await result).findings).join())
    }
  })
})

describe('chain-check: warn', () => {
  const anchors = { clientAnchors: [root], mode: 'warn' } as const

  for (const [name, options, code] of [
    ['an ended leaf', ended(), 'E_CERT_EXPIRED'],
    ['a leaf that is not valid yet', notBegun(), 'E_CERT_NOT_YET_VALID'],
    ['a leaf for serverAuth only', { purposes: ['serverAuth'] }, 'E_CERT_PURPOSE'],
    ['a leaf whose key may not sign', { keyUsage: ['keyEncipherment'] }, 'E_CERT_PURPOSE'],
  ] as const) {
    it(`leaves ${name} to the server`, async () => {
      const result = await check(issueClient(issuing, { name: 'publisher', ...options }), [issuing], anchors)
      assert.deepEqual(problems(result), [`warning ${code} leaf`])
    })
  }

  it('leaves an ended intermediate and an ended root to the server', async () => {
    const pastRoot = createRoot({ name: 'Past Root', ...ended() })
    const past = issueIntermediate(pastRoot, { name: 'Past', ...ended() })
    const result = await check(issueClient(past, { name: 'publisher' }), [past], {
      clientAnchors: [pastRoot],
      mode: 'warn',
    })
    assert.deepEqual(problems(result), ['warning E_CERT_EXPIRED intermediate 1', 'warning E_CERT_EXPIRED root'])
  })

  it('leaves dates and purpose together to the server, under an unknown root too', async () => {
    const both = issueClient(issuing, { name: 'publisher', purposes: ['serverAuth'], ...ended() })
    assert.deepEqual(problems(await check(both, [issuing], { mode: 'warn' })), [
      'warning E_CERT_EXPIRED leaf',
      'warning E_CERT_PURPOSE leaf',
    ])
  })

  it('never lets what it relaxes hide what it does not', async () => {
    for (const options of [ended(), { purposes: ['serverAuth'] }, { purposes: ['serverAuth'], ...ended() }] as const) {
      for (const [error, run] of hidden(options)) {
        const found = problems(await run).filter((line) => line.startsWith('error'))
        assert.deepEqual(found, [`error ${error}`], JSON.stringify(options))
      }
    }
  })

  /** A relaxed fault of the leaf, and one that refuses beside it. */
  function hidden(options: LeafOptions): [string, Promise<ChainCheck>][] {
    const below = (issuer: Issued, more: LeafOptions = {}) =>
      issueClient(issuer, { name: 'publisher', ...options, ...more })
    const noCa = issueIntermediate(root, { name: 'No CA', ca: false })
    const narrow = issueIntermediate(root, { name: 'Narrow', pathLength: 0 })
    const lower = issueIntermediate(narrow, { name: 'Lower' })
    const constrained = issueIntermediate(root, { name: 'Constrained', extensions: [permittedDomain('corp.example')] })
    const unknown = { extensions: [{ oid: '1.3.6.1.4.1.99999.1', critical: true, value: Buffer.from('0500', 'hex') }] }
    const other = createRoot({ name: 'Other Root' })
    return [
      ['E_CERT_NOT_A_CA intermediate 1', check(below(noCa), [noCa], anchors)],
      ['E_CERT_PATH_LENGTH intermediate 2', check(below(lower), [lower, narrow], anchors)],
      ['E_CERT_SIGNATURE leaf', check(altered(below(issuing)), [issuing], anchors)],
      ['E_CERT_REFUSED leaf', check(below(issuing, unknown), [issuing], anchors)],
      ['E_CERT_REFUSED leaf', check(below(constrained, { dnsNames: ['ci.other.example'] }), [constrained], anchors)],
      ['E_CERT_REFUSED leaf', check(below(issuing, { authorityKeyId: Buffer.alloc(20, 7) }), [issuing], anchors)],
      ['E_CERT_WEAK leaf', check(below(issuing, { digest: 'sha1' }), [issuing], anchors)],
      [
        'E_CERT_UNKNOWN_ISSUER intermediate 1',
        check(below(issuing), [issuing], { ...anchors, clientAnchors: [other] }),
      ],
      ['E_KEY_MISMATCH leaf', check(below(issuing), [issuing], { ...anchors, key: root.keys.privateKey })],
    ]
  }

  it('accepts names that a CA permits on a leaf that has ended', async () => {
    const constrained = issueIntermediate(root, { name: 'Constrained', extensions: [permittedDomain('corp.example')] })
    const past = issueClient(constrained, { name: 'publisher', dnsNames: ['ci.corp.example'], ...ended() })
    assert.deepEqual(problems(await check(past, [constrained], anchors)), ['warning E_CERT_EXPIRED leaf'])
  })
})

describe('the end of validity', () => {
  const ending = (days: number, lifetime: number) =>
    issueClient(issuing, { name: 'publisher', notBefore: daysFromNow(days - lifetime), notAfter: daysFromNow(days) })
  const inspect = async (leaf: Issued, options: Options) =>
    problems(await check(leaf, [issuing], { clientAnchors: [root], ...options }))

  it('is a warning with fewer days than expiry-warning-days and less than a third of the lifetime left', async () => {
    assert.deepEqual(await inspect(ending(20, 90), {}), ['warning E_CERT_EXPIRES_SOON leaf'])
    assert.deepEqual(await inspect(ending(40, 365), {}), [])
    assert.deepEqual(await inspect(ending(20, 365), { expiryWarningDays: 10 }), [])
  })

  it('is no warning while more than a third of a short lifetime is left', async () => {
    assert.deepEqual(await inspect(ending(2, 3), {}), [])
    assert.deepEqual(await inspect(ending(0.5, 3), {}), ['warning E_CERT_EXPIRES_SOON leaf'])
  })

  it('is an error with fewer days than expiry-error-days, whatever chain-check says', async () => {
    for (const mode of ['enforce', 'warn'] as const) {
      assert.deepEqual(await inspect(ending(20, 30), { mode, expiryErrorDays: 21 }), ['error E_CERT_EXPIRES_SOON leaf'])
      assert.deepEqual(await inspect(ending(20.5, 30), { mode, expiryErrorDays: 20 }), [])
    }
  })

  it('that is past asks whether the run was queued before the secret was renewed', async () => {
    for (const [fault, others, code] of [
      [issueClient(issuing, { name: 'publisher', ...ended() }), [issuing], 'E_CERT_EXPIRED'],
      [leaf, [issuing], 'E_KEY_MISMATCH'],
    ] as const) {
      const key = code === 'E_KEY_MISMATCH' ? root.keys.privateKey : fault.keys.privateKey
      const { hint = '' } = findingOf(await check(fault, others, { clientAnchors: [root], key }), code)
      assert.match(hint, /this run was queued before.*re-run it\.$/)
    }
  })

  it('that is past is an error with expiry-error-days in chain-check: warn too', async () => {
    const past = issueClient(issuing, { name: 'publisher', ...ended() })
    assert.deepEqual(await inspect(past, { mode: 'warn', expiryErrorDays: 1 }), ['error E_CERT_EXPIRED leaf'])
  })

  it('counts for intermediates and for the root that is the anchor', async () => {
    const soon = { notBefore: daysFromNow(-300), notAfter: daysFromNow(5) }
    const soonRoot = createRoot({ name: 'Soon Root', ...soon })
    const soonIssuing = issueIntermediate(soonRoot, { name: 'Soon', ...soon })
    const below = issueClient(soonIssuing, { name: 'publisher' })
    assert.deepEqual(problems(await check(below, [soonIssuing], { clientAnchors: [soonRoot] })), [
      'warning E_CERT_EXPIRES_SOON intermediate 1',
      'warning E_CERT_EXPIRES_SOON root',
    ])
  })

  it('is judged by the clock that was given', async () => {
    const later = { clientAnchors: [root], now: daysFromNow(500) }
    assert.ok(problems(await check(leaf, [issuing], later)).includes('error E_CERT_EXPIRED leaf'))
  })

  it('tells when, which certificate, who issued it and whose turn it is', async () => {
    const now = daysFromNow(0)
    const past = issueClient(issuing, { name: 'publisher', ...ended() })
    const { message, hint } = findingOf(await check(past, [issuing], { clientAnchors: [root], now }), 'E_CERT_EXPIRED')
    const end = past.certificate.validToDate.toISOString().slice(0, 16).replace('T', ' ')
    const { serialNumber } = past.certificate
    assert.equal(
      message,
      `the leaf certificate CN=publisher (serial ${serialNumber}, issued by CN=Issuing) ended on ${end} UTC, 10 days ago`,
    )
    assert.match(hint ?? '', /^Ask the team that runs CN=Issuing for a new client certificate/)
  })
})

describe('the key', () => {
  it('must belong to the certificate; what else is wrong is told too', async () => {
    const past = issueClient(issuing, { name: 'publisher', ...ended() })
    for (const key of [leaf.keys.privateKey, issueClient(issuing, { name: 'x', keyKind: 'rsa' }).keys.privateKey]) {
      assert.deepEqual(problems(await check(past, [issuing], { clientAnchors: [root], key })), [
        'error E_KEY_MISMATCH leaf',
        'error E_CERT_EXPIRED leaf',
      ])
    }
  })
})

describe('the purpose', () => {
  it('explains that public CAs stopped issuing for clients', async () => {
    const server = issueClient(issuing, { name: 'publisher', purposes: ['serverAuth'] })
    const { message, hint } = findingOf(await check(server, [issuing]), 'E_CERT_PURPOSE')
    assert.match(message, /is issued for serverAuth only; a client certificate needs clientAuth/)
    assert.match(hint ?? '', /Public CAs stopped clientAuth in 2025\/26: .+ take the next one from a private CA/)
  })
})

describe('hostile and malformed certificates', () => {
  it('cannot put control characters into a sentence', async () => {
    const name = 'evil\n::error::\u001b[31m\u202e'
    const past = issueClient(issuing, { name, ...ended() })
    const { message, subject } = findingOf(await check(past, [issuing]), 'E_CERT_EXPIRED')
    assert.doesNotMatch(message + subject, /[\p{Cc}\p{Cf}]/u)
  })

  it('with dates that cannot be read are findings, no exception', async () => {
    const der = Buffer.from(leaf.der)
    const end = der.indexOf(Buffer.from([0x17, 13])) + 17
    der.write('XX', end, 'latin1')
    const broken: Issued = { ...leaf, certificate: new X509Certificate(der) }
    const now = new Date()
    const result = await check(broken, [issuing], { now })
    assert.ok(problems(result).includes('error E_CERT_UNREADABLE leaf'))
    assert.equal(+result.expires, +now)
  })

  it('with a key that cannot be decoded are findings, no exception', async () => {
    const spki = leaf.keys.publicKey.export({ type: 'spki', format: 'der' })
    const der = Buffer.from(leaf.der)
    der.fill(0xff, der.indexOf(spki) + 30, der.indexOf(spki) + spki.length)
    const broken: Issued = { ...leaf, certificate: new X509Certificate(der) }
    assert.ok(problems(await check(broken, [issuing])).includes('error E_CERT_UNREADABLE leaf'))
  })
})

describe('an abort', () => {
  it('ends the check with its reason', async () => {
    const reason = new Error('stopped')
    await assert.rejects(check(leaf, [issuing], { signal: AbortSignal.abort(reason) }), reason)
    const controller = new AbortController()
    const running = check(leaf, [issuing], { signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(running, reason)
  })
})
