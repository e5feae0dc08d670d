import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import {
  createRoot,
  type Issued,
  issueClient,
  issueIntermediate,
  selfSigned,
} from '../../../demo/certificate-authority.ts'
import { anchorsInReach, buildPath, type Path } from '../../../src/certificates/path.ts'
import { altered, daysFromNow, ended, notBegun } from '../../support/chains.ts'

function build(leaf: Issued, others: readonly Issued[], anchors: readonly Issued[]): Path {
  return buildPath(leaf.certificate, certificates(others), certificates(anchors), new Date())
}

function certificates(issued: readonly Issued[]): X509Certificate[] {
  return issued.map(({ certificate }) => certificate)
}

function prints(list: readonly (X509Certificate | undefined)[]): (string | undefined)[] {
  return list.map((certificate) => certificate?.fingerprint256)
}

function assertPath(path: Path, chain: readonly Issued[], root: Issued | undefined, anchor: Issued | undefined): void {
  assert.deepEqual(prints(path.chain), prints(certificates(chain)))
  assert.equal(path.root?.fingerprint256, root?.certificate.fingerprint256)
  assert.equal(path.anchor?.fingerprint256, anchor?.certificate.fingerprint256)
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, index) =>
    permutations(items.filter((_, other) => other !== index)).map((rest) => [item, ...rest]),
  )
}

const root = createRoot({ name: 'Root' })
const upper = issueIntermediate(root, { name: 'Upper' })
const lower = issueIntermediate(upper, { name: 'Lower' })
const leaf = issueClient(lower, { name: 'publisher' })

describe('the path', () => {
  it('is the same for every order of the file', () => {
    for (const others of permutations([root, upper, lower, leaf])) {
      const path = build(leaf, others, [root])
      assertPath(path, [leaf, lower, upper], root, root)
      assert.deepEqual(path.unused, [])
    }
  })

  it('never holds the root of the file, known or not', () => {
    assertPath(build(leaf, [lower, upper, root], []), [leaf, lower, upper], root, undefined)
  })

  it('takes intermediates from the bundle', () => {
    assertPath(build(leaf, [], [upper, root, lower]), [leaf, lower, upper], root, root)
  })

  it('goes on above an anchor that is no root, as far as the file goes', () => {
    assertPath(build(leaf, [upper, lower], [lower]), [leaf, lower, upper], undefined, lower)
    assertPath(build(leaf, [lower], [upper]), [leaf, lower, upper], undefined, upper)
    assertPath(build(leaf, [lower], [leaf]), [leaf, lower], undefined, leaf)
  })

  it('ends where no issuer is at hand', () => {
    const path = build(leaf, [upper, root], [root])
    assertPath(path, [leaf], undefined, undefined)
    assert.deepEqual(prints(path.unused), prints(certificates([upper, root])))
  })

  it('is the leaf alone when it is self-signed, whatever its key usage', () => {
    for (const lone of [selfSigned({ name: 'lone' }), selfSigned({ name: 'lone', ca: true, keyUsage: [] })]) {
      assertPath(build(lone, [root], []), [lone], undefined, undefined)
      assertPath(build(lone, [], [lone]), [lone], undefined, lone)
    }
  })

  it('leaves out what is not part of it, each certificate once', () => {
    const stranger = selfSigned({ name: 'stranger' })
    const path = build(leaf, [stranger, lower, stranger, upper], [root])
    assertPath(path, [leaf, lower, upper], root, root)
    assert.deepEqual(prints(path.unused), [stranger.certificate.fingerprint256])
  })

  it('is made of signatures, not of names and key identifiers', () => {
    const impostor = createRoot({ name: 'Lower', keyUsage: [] })
    assertPath(build(leaf, [impostor, lower, upper], [root]), [leaf, lower, upper], root, root)
    assertPath(build(leaf, [impostor], [root]), [leaf], undefined, undefined)
    assertPath(build(altered(leaf), [lower, upper], [root]), [altered(leaf)], undefined, undefined)
  })
})

describe('of several paths', () => {
  it('one that reaches an anchor wins over a longer life', () => {
    const other = createRoot({ name: 'Other' })
    const cross = issueIntermediate(other, { name: 'Upper', keys: upper.keys, notAfter: daysFromNow(3000) })
    assertPath(build(leaf, [lower, cross, upper], [root]), [leaf, lower, upper], root, root)
    assertPath(build(leaf, [lower, upper, cross], [other]), [leaf, lower, cross], other, other)
  })

  it('one that is valid now wins, whichever stands first', () => {
    const past = issueIntermediate(upper, { name: 'Lower', keys: lower.keys, ...ended() })
    const future = { ...notBegun(), notAfter: daysFromNow(3000) }
    const next = issueIntermediate(upper, { name: 'Lower', keys: lower.keys, ...future })
    for (const others of [
      [past, lower, upper],
      [upper, lower, past],
      [next, lower, upper],
    ]) {
      assertPath(build(leaf, others, [root]), [leaf, lower, upper], root, root)
      assertPath(build(leaf, others, []), [leaf, lower, upper], undefined, undefined)
    }
  })

  it('one through CAs wins over one through a certificate of the same key that is none', () => {
    const noCa = issueIntermediate(upper, { name: 'Lower', keys: lower.keys, ca: false, notAfter: daysFromNow(3000) })
    assertPath(build(leaf, [noCa, lower, upper], [root]), [leaf, lower, upper], root, root)
  })

  it('a faulty one is still found where there is no other', () => {
    const noCa = issueIntermediate(upper, { name: 'No CA', ca: false, keyUsage: ['digitalSignature'], ...ended() })
    const below = issueClient(noCa, { name: 'publisher', authorityKeyId: Buffer.alloc(20, 7) })
    assertPath(build(below, [noCa, upper], [root]), [below, noCa, upper], root, root)
  })
})

describe('hostile files cost bounded work', () => {
  /** Calls of the two operations that cost time. */
  function counted(t: TestContext, run: () => Path): { path: Path; calls: number } {
    const verify = t.mock.method(X509Certificate.prototype, 'verify')
    const checkIssued = t.mock.method(X509Certificate.prototype, 'checkIssued')
    const path = run()
    return { path, calls: verify.mock.callCount() + checkIssued.mock.callCount() }
  }

  it('two CAs that signed each other', (t) => {
    const a = createRoot({ name: 'A' })
    const b = createRoot({ name: 'B' })
    const ab = issueIntermediate(a, { name: 'B', keys: b.keys })
    const ba = issueIntermediate(b, { name: 'A', keys: a.keys })
    const again = issueIntermediate(a, { name: 'B', keys: b.keys, notAfter: daysFromNow(10) })
    const below = issueClient(ab, { name: 'publisher' })
    const { path, calls } = counted(t, () => build(below, [ab, ba, again], [root]))
    assertPath(path, [below, ab, ba], undefined, undefined)
    assert.ok(calls < 50, `${calls} calls`)
  })

  it('thirty CAs that all signed each other; the one way to the anchor is found', (t) => {
    const keys = createRoot({ name: 'CA 0' }).keys
    const roots = Array.from({ length: 30 }, (_, index) =>
      createRoot({ name: `CA ${index}`, ...(index === 0 ? { keys } : {}) }),
    )
    const crossed = roots.flatMap((issuer) =>
      roots
        .filter((subject) => subject !== issuer)
        .map((subject) =>
          issueIntermediate(issuer, { name: subject.certificate.subject.slice(3), keys: subject.keys }),
        ),
    )
    const [first, last] = [roots[0] ?? root, roots.at(-1) ?? root]
    const below = issueClient(first, { name: 'publisher' })
    const reached = counted(t, () => build(below, crossed, [last]))
    assert.equal(reached.path.anchor, last.certificate)
    assert.ok(reached.calls < 20_000, `${reached.calls} calls`)
    t.mock.restoreAll()
    const lost = counted(t, () => build(below, crossed, [root]))
    assert.equal(lost.path.anchor, undefined)
    assert.ok(lost.calls < 100_000, `${lost.calls} calls`)
  })

  it("ten thousand certificates, of other names or of the issuer's name", (t) => {
    const copies = (issued: Issued) =>
      Array.from({ length: 10_000 }, (_, index) => {
        const der = Buffer.from(issued.der)
        der.writeUInt32BE(index, der.length - 4)
        return new X509Certificate(der)
      })
    for (const [crowd, limit] of [
      [copies(issueClient(upper, { name: 'crowd' })), 50],
      [copies(lower), 1_000],
    ] as const) {
      const others = [lower.certificate, upper.certificate, ...crowd]
      const { path, calls } = counted(t, () => buildPath(leaf.certificate, others, [root.certificate], new Date()))
      assertPath(path, [leaf, lower, upper], root, root)
      assert.ok(calls < limit, `${calls} calls`)
      t.mock.restoreAll()
    }
  })
})

describe('the anchors that enter a handshake', () => {
  it('are those that a name leads to, and no others', () => {
    const crowd = Array.from({ length: 50 }, (_, index) => createRoot({ name: `CA ${index}` }))
    const namesake = createRoot({ name: 'Root' })
    const anchors = certificates([...crowd, upper, namesake, root])
    const path = build(leaf, [lower], [...crowd, upper, namesake, root])
    assert.deepEqual(
      new Set(prints(anchorsInReach(path, anchors))),
      new Set(prints(certificates([root, namesake, upper]))),
    )
  })
})
