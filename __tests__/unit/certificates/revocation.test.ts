import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import {
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  issueRevocationList,
  sequence,
  tlv,
} from '../../../demo/certificate-authority.ts'
import { checkChain } from '../../../src/certificates/chain-check.ts'
import { type RevocationList, readRevocationLists } from '../../../src/certificates/revocation-list.ts'
import { readMaterial } from '../../../src/encoding/input-material.ts'
import { type ErrorCode, PublishError } from '../../../src/errors.ts'
import { daysFromNow } from '../../support/chains.ts'
import { listsPem } from '../../support/check-sample.ts'
import { stale } from '../../support/revocation-chains.ts'
import { MANGLINGS } from '../encoding/manglings.ts'

const root = createRoot({ name: 'Corp Root', organization: 'Corp' })
const issuing = issueIntermediate(root, { name: 'Issuing' })
const leaf = issueClient(issuing, { name: 'publisher' })
const ofRoot = issueRevocationList(root)
const ofIssuing = issueRevocationList(issuing)

function read(value: string, workspace = tmpdir()): readonly RevocationList[] {
  return readRevocationLists(readMaterial('client-crl', value, { workspace }))
}

function refusal(value: string, code: ErrorCode = 'E_CRL_UNREADABLE'): string {
  try {
    read(value)
  } catch (error) {
    assert.ok(error instanceof PublishError)
    assert.equal(error.code, code)
    return `${error.message}. ${error.hint ?? ''}`
  }
  return assert.fail('nothing was refused')
}

async function findings(lists: readonly Buffer[], now = new Date(), others: readonly Issued[] = [issuing]) {
  const check = await checkChain({
    leaf: leaf.certificate,
    others: others.map(({ certificate }) => certificate),
    key: leaf.keys.privateKey,
    clientAnchors: [root.certificate],
    serverAnchors: undefined,
    revocationLists: read(listsPem(lists)),
    mode: 'enforce',
    expiryWarningDays: 0,
    expiryErrorDays: 0,
    now,
  })
  return check.findings
}

describe('client-crl', () => {
  for (const { name, mangle } of MANGLINGS) {
    it(`gives every list in its order: ${name}`, () => {
      const lists = read(mangle(listsPem([ofIssuing, ofRoot])))
      assert.deepEqual(
        lists.map(({ shownIssuer }) => shownIssuer),
        ['CN=Issuing', 'CN=Corp Root, O=Corp'],
      )
    })
  }

  it('may be DER, in base64 or in a file', async () => {
    const workspace = await mkdtemp(path.join(tmpdir(), 'client-crl-'))
    try {
      await writeFile(path.join(workspace, 'issuing.crl'), ofIssuing)
      for (const value of [ofIssuing.toString('base64'), 'issuing.crl']) {
        const [list] = read(value, workspace)
        assert.equal(list?.shownIssuer, 'CN=Issuing')
      }
      assert.equal(read('issuing.crl', workspace)[0]?.where, 'client-crl (issuing.crl)')
    } finally {
      await rm(workspace, { recursive: true })
    }
  })

  it('is refused where something else is in it', () => {
    assert.match(
      refusal(listsPem([ofRoot]) + root.pem),
      /^block 2 \(CERTIFICATE\) of client-crl is a certificate: client-crl holds certificate revocation lists only/,
    )
    assert.match(refusal(leaf.keyPem), /block 1 \(PRIVATE KEY\) of client-crl is a private key/)
  })

  it('is refused where a list is damaged or cut off', () => {
    const pem = listsPem([ofRoot, ofIssuing])
    assert.match(refusal(pem.replace(/(?<=-----\n)./, '*')), /block 1 \(X509 CRL\) of client-crl cannot be read/)
    assert.match(refusal(pem.slice(0, -40), 'E_INPUT_TRUNCATED'), /block 2 \(X509 CRL\) of client-crl is cut off/)
    const untimely = Buffer.from(ofRoot)
    untimely.write('X', untimely.indexOf(Buffer.from([0x17, 13])) + 14, 'latin1')
    const padded = issueRevocationList(issuing, {
      revoked: [{ certificate: issueClient(issuing, { name: 'x', serial: Buffer.from('01020304', 'hex') }) }],
    })
    padded.write('00', padded.indexOf('020401020304', 0, 'hex') + 2, 'hex')
    assert.match(refusal(padded.toString('base64')), /client-crl is a malformed revocation list: a number is padded/)
    assert.match(refusal(untimely.toString('base64')), /client-crl is a malformed revocation list: a time is malformed/)
  })

  it('is refused where the two signature algorithms of a list differ', () => {
    const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex')
    const der = Buffer.from(ofRoot)
    der[der.lastIndexOf(algorithm) + algorithm.length - 1] = 0x03
    assert.match(refusal(der.toString('base64')), /it names two signature algorithms/)
  })
})

describe('a revoked certificate', () => {
  const date = new Date('2026-03-04T05:06:07Z')

  it('is named with serial, date, reason, CA and list', async () => {
    const list = issueRevocationList(issuing, { revoked: [{ certificate: leaf, date, reason: 1 }] })
    const [finding, ...more] = await findings([ofRoot, list])
    assert.deepEqual(more, [])
    const { serialNumber } = leaf.certificate
    assert.ok(
      finding?.message.startsWith(
        `the leaf certificate CN=publisher (serial ${serialNumber}) was revoked on 2026-03-04 05:06 UTC (reason: keyCompromise), says the list of CN=Issuing of `,
      ),
      finding?.message,
    )
    assert.match(finding?.message ?? '', / in block 2 \(X509 CRL\) of client-crl$/)
    assert.match(finding?.hint ?? '', /new client certificate with a new key.*this run was queued before/)
  })

  it('on hold may be released', async () => {
    const [finding] = await findings([
      ofRoot,
      issueRevocationList(issuing, { revoked: [{ certificate: leaf, date, reason: 6 }] }),
    ])
    assert.match(finding?.message ?? '', /reason: certificateHold/)
    assert.match(finding?.hint ?? '', /^It is on hold: ask the team that runs CN=Issuing whether it will be released/)
  })

  it('is found by the whole number: a number that only ends alike is another one', async () => {
    const serial = Buffer.from(leaf.certificate.serialNumber, 'hex')
    const other = issueClient(issuing, { name: 'other', serial: serial.subarray(1) })
    const longer = issueClient(issuing, { name: 'longer', serial: Buffer.concat([Buffer.from([1]), serial]) })
    const list = issueRevocationList(issuing, { revoked: [{ certificate: other }, { certificate: longer }] })
    assert.deepEqual(await findings([ofRoot, list]), [])
  })

  it('is not one whose number another CA revoked', async () => {
    const namesake = issueClient(root, { name: 'namesake', serial: Buffer.from(leaf.certificate.serialNumber, 'hex') })
    assert.deepEqual(
      await findings([issueRevocationList(root, { revoked: [{ certificate: namesake }] }), ofIssuing]),
      [],
    )
  })
})

describe('a list that does not help', () => {
  it('is named with the date since when it is out of date', async () => {
    const { nextUpdate } = stale()
    const [finding, ...more] = await findings([ofRoot, issueRevocationList(issuing, { ...stale(), nextUpdate })])
    assert.deepEqual(more, [])
    const since = `${nextUpdate?.toISOString().slice(0, 16).replace('T', ' ')} UTC`
    assert.equal(
      finding?.message,
      `the list of CN=Issuing in block 2 (X509 CRL) of client-crl is out of date since ${since}: a later revocation is not known`,
    )
  })

  it('is judged by the clock that was given', async () => {
    assert.deepEqual(await findings([ofRoot, ofIssuing]), [])
    const later = await findings([ofRoot, ofIssuing], daysFromNow(8))
    assert.deepEqual(
      later.map(({ severity, code, position }) => `${severity} ${code} ${position}`),
      ['warning E_CRL_OUTDATED intermediate 1', 'warning E_CRL_OUTDATED root'],
    )
  })

  it('is named with the CA whose list is missing and the certificate that it is about', async () => {
    const [finding] = await findings([ofIssuing])
    assert.equal(
      finding?.message,
      'client-crl holds no list of CN=Corp Root, O=Corp: whether the intermediate CN=Issuing was revoked is not known',
    )
  })

  it('is no forgery where only its signature algorithm is not read', async () => {
    const pss = createRoot({ name: 'PSS', keyKind: 'rsa-pss' })
    const edwards = createRoot({ name: 'Edwards', keyKind: 'ed25519' })
    const sha256 = '608648016503040201'
    for (const [ca, from, to] of [
      // The mask's digest alone; Node makes it with that of the message.
      [pss, `06092a864886f70d010108300d0609${sha256}`, `06092a864886f70d010108300d0609${sha256.slice(0, -2)}02`],
      [edwards, '06032b6570', '06032b6577'],
    ] as const) {
      const list = issueRevocationList(ca).toString('hex').replaceAll(from, to)
      const own = issueClient(ca, { name: 'publisher' })
      const check = await checkChain({
        leaf: own.certificate,
        others: [],
        key: own.keys.privateKey,
        clientAnchors: [ca.certificate],
        serverAnchors: undefined,
        revocationLists: read(Buffer.from(list, 'hex').toString('base64')),
        mode: 'enforce',
        expiryWarningDays: 0,
        expiryErrorDays: 0,
        now: new Date(),
      })
      const found = check.findings.filter(({ code }) => code.startsWith('E_CRL'))
      assert.deepEqual(
        found.map(({ severity, code }) => `${severity} ${code}`),
        ['warning E_CRL_MISSING'],
      )
      assert.match(found[0]?.message ?? '', /cannot tell, since its signature algorithm is not read here/)
    }
  })

  it('cannot be proven without the certificate of its CA', async () => {
    const lists = [issueRevocationList(issuing, { revoked: [{ certificate: leaf }] })]
    const found = await findings(lists, new Date(), [])
    const missing = found.find(({ code }) => code === 'E_CRL_MISSING')
    assert.match(
      missing?.message ?? '',
      /^block 1 .+ cannot be proven, though it names the certificate as revoked, since the certificate of CN=Issuing was not given/,
    )
    assert.equal(missing?.severity, 'warning')
  })

  it('is a notice where it is about none of the CAs of the chain', async () => {
    const strangers = ['One', 'Two'].map((name) => issueRevocationList(createRoot({ name })))
    const found = await findings([ofRoot, ofIssuing, ...strangers])
    assert.deepEqual(
      found.map(({ severity, message }) => `${severity} ${message}`),
      [
        'notice block 3 (X509 CRL) of client-crl is a list of CN=One and 1 more, which issued no certificate in the chain of CN=publisher',
      ],
    )
  })

  it('is found by the name of its CA in any case and kind of string', async () => {
    const name = (tag: number, text: string) =>
      sequence(
        tlv(
          0x31,
          sequence(Buffer.from('0603550403', 'hex'), tlv(tag, Buffer.from(text, tag === 0x1e ? 'utf16le' : 'latin1'))),
        ),
      )
    const big = Buffer.from('ISSUING ', 'utf16le').swap16().toString('utf16le')
    for (const subject of [name(0x13, 'issuing'), name(0x16, ' ISSUING  '), name(0x1e, big)]) {
      const list = issueRevocationList(
        { ...issuing, der: issueIntermediate(root, { name: 'x', subject }).der },
        { revoked: [{ certificate: leaf }] },
      )
      assert.deepEqual(
        (await findings([ofRoot, list])).map(({ code }) => code),
        ['E_CERT_REVOKED'],
      )
    }
  })
})

describe('lists of the largest size that is read', () => {
  it('cost bounded work', { timeout: 60_000 }, async () => {
    const revoked = Array.from({ length: 24_000 }, (_, index) => ({ certificate: numbered(index) }))
    const large = issueRevocationList(issuing, { revoked })
    assert.ok(large.length > 700_000, `${large.length}`)
    assert.deepEqual(
      (await findings([large, ofRoot])).filter(({ code }) => code === 'E_CERT_REVOKED'),
      [],
    )
    assert.match(refusal(listsPem([ofRoot]).repeat(900)), /holds 900 blocks: from 1 to 200 lists are read/)
  })
})

/** Only its number counts. */
function numbered(index: number): Issued {
  const der = Buffer.from(leaf.der)
  const at = der.indexOf(Buffer.from(leaf.certificate.serialNumber, 'hex'))
  der.writeUInt32BE(index, at + 8)
  return { ...leaf, der }
}
