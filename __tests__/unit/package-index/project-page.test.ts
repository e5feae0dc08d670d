import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PageFault } from '../../../src/package-index/page-fault.ts'
import { fileKey, type ProjectPage, ProjectPageReader } from '../../../src/package-index/project-page.ts'

const WHEEL = 'demo_pkg-1.0+corp.1-py3-none-any.whl'
const PAGE = new URL('https://index.example/root/simple/demo-pkg/')
const HEX = '0123456789abcdef'.repeat(8)
const SHA256 = HEX.slice(0, 64)

interface Reading {
  readonly contentType?: string
  readonly files?: readonly string[]
  readonly ownFiles?: URL
}

function read(body: string, { contentType = '', files = [WHEEL], ownFiles }: Reading = {}): ProjectPage {
  const page = new ProjectPageReader({ project: 'demo-pkg', files, url: PAGE, contentType, ownFiles })
  const bytes = Buffer.from(body)
  for (let at = 0; at < bytes.length; at += 100) page.write(bytes.subarray(at, at + 100))
  return page.end()
}

function html(links: string, head = ''): string {
  return `<!DOCTYPE html><html><head><title>Links for demo-pkg</title>${head}</head><body>${links}</body></html>`
}

function json(files: unknown, more: Record<string, unknown> = {}): string {
  return JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'demo-pkg', files, ...more })
}

/** URLs and digests of what a page has of the wheel. */
function found(page: ProjectPage, file = WHEEL): string[] {
  return (page.entries.get(file) ?? []).map(({ url, digests, size }) =>
    [
      url?.href ?? 'no URL',
      ...[...digests].map(([name, hex]) => `${name} ${hex}`),
      ...(size === undefined ? [] : [size]),
    ].join(' '),
  )
}

const ENCODED = 'demo_pkg-1.0%2Bcorp.1-py3-none-any.whl'
const HERE = `https://index.example/root/simple/demo-pkg/${WHEEL}`

describe('a link to a file of ours', () => {
  const hrefs: [what: string, href: string, url: string | undefined][] = [
    ['beside the page', WHEEL, HERE],
    ['percent-encoded', ENCODED, HERE.replace('+', '%2B')],
    [
      'percent-encoded throughout',
      `%64emo_pkg-1.0%2bcorp.1-py3-none-any.whl`,
      HERE.replace('demo_pkg', '%64emo_pkg').replace('+', '%2b'),
    ],
    ['relative', `../../packages/${WHEEL}`, `https://index.example/root/packages/${WHEEL}`],
    ['from the root', `/files/${WHEEL}?x=1#frag`, `https://index.example/files/${WHEEL}?x=1`],
    ['absolute', `https://index.example/f/${WHEEL}`, `https://index.example/f/${WHEEL}`],
    ['on another host', `https://files.example/${WHEEL}`, `https://files.example/${WHEEL}`],
    ['on another host without a scheme', `//files.example/${WHEEL}`, `https://files.example/${WHEEL}`],
    ['with a user and a password', `https://u:p@files.example/${WHEEL}`, `https://files.example/${WHEEL}`],
    ['HTML-escaped', `..&#47;${WHEEL.replace('+', '&#43;')}`, `https://index.example/root/simple/${WHEEL}`],
    ['with white space around it', `\n  ${WHEEL}\t`, HERE],
    ['with backslashes', `..\\${WHEEL}`, `https://index.example/root/simple/${WHEEL}`],
    ['broken percent-encoding elsewhere', `/%zz/${WHEEL}`, `https://index.example/%zz/${WHEEL}`],
    ['of no scheme that is fetched', `ftp://files.example/${WHEEL}`, undefined],
    ['by its text, where the path has no name', '/download?id=7', 'https://index.example/download?id=7'],
  ]
  for (const [what, href, url] of hrefs) {
    it(`is found: ${what}`, () => {
      assert.deepEqual(found(read(html(`<a href="${href}">${WHEEL}</a>`))), [url ?? 'no URL'])
    })
  }

  it('is none when only its text has the name, and the path another', () => {
    const page = read(html(`<a href="demo_pkg-2.0-py3-none-any.whl">${WHEEL}</a>`))
    assert.deepEqual(found(page), [])
    assert.equal(page.listed, 1)
  })

  it('is relative to <base href>, wherever that stands', () => {
    const link = `<a href="x/${WHEEL}">x</a>`
    const base = '<base href="../../b/">'
    for (const page of [html(link, base), html(link + base)]) {
      assert.deepEqual(found(read(page)), [`https://index.example/root/b/x/${WHEEL}`])
    }
  })

  const spellings: [same: boolean, name: string][] = [
    [true, 'Demo_Pkg-1.0+corp.1-py3-none-any.whl'],
    [true, 'demo-pkg-1.0+corp.1-py3-none-any.whl'],
    [true, 'demo.pkg-1.0+Corp.1-PY3-none-any.whl'],
    [true, 'demo__-pkg-1.0+corp.1-py3-none-any.whl'],
    [false, 'demopkg-1.0+corp.1-py3-none-any.whl'],
    [false, 'demo_pkg-1.0+corp-1-py3-none-any.whl'],
    [false, 'demo_pkg-1.0-py3-none-any.whl'],
    [false, 'demo_pkg_1.0+corp.1-py3-none-any.whl'],
    [false, 'xdemo_pkg-1.0+corp.1-py3-none-any.whl'],
    [false, `${WHEEL}.metadata`],
    [false, `${WHEEL}.asc`],
  ]
  for (const [same, name] of spellings) {
    it(`${same ? 'counts' : 'does not count'} when it is spelled ${name}`, () => {
      assert.equal(found(read(html(`<a href="${name}">x</a>`))).length, same ? 1 : 0)
      assert.equal(found(read(json([{ filename: name, url: name, hashes: {} }]))).length, same ? 1 : 0)
    })
  }

  it('counts in its exact spelling alone where the page has both', () => {
    const page = read(html(`<a href="a/Demo_Pkg-1.0+corp.1-py3-none-any.whl">x</a><a href="b/${WHEEL}">y</a>`))
    assert.deepEqual(found(page), [`https://index.example/root/simple/demo-pkg/b/${WHEEL}`])
  })

  it('keeps .zip and .tar.gz apart', () => {
    const page = read(html('<a href="demo_pkg-1.0.zip">x</a>'), { files: ['demo_pkg-1.0.tar.gz', 'demo_pkg-1.0.zip'] })
    assert.equal(found(page, 'demo_pkg-1.0.tar.gz').length, 0)
    assert.equal(found(page, 'demo_pkg-1.0.zip').length, 1)
  })

  it('counts once for each of what it says, and is refused a hundred times', () => {
    const link = (fragment: string) => `<a href="${WHEEL}#${fragment}">x</a>`
    const twice = read(html(link(`sha256=${SHA256}`) + link(`sha256=${SHA256}`) + link('md5=1')))
    assert.equal(found(twice).length, 2)
    assert.throws(
      () => read(html(Array.from({ length: 101 }, (_, i) => `<a href="${i}/${WHEEL}">x</a>`).join(''))),
      PageFault,
    )
  })
})

describe('a digest', () => {
  const fragments: [fragment: string, digest: string | undefined][] = [
    [`sha256=${SHA256}`, `sha256 ${SHA256}`],
    [`sha256-${SHA256}`, `sha256 ${SHA256}`],
    [`sha256=${SHA256.toUpperCase()}`, `sha256 ${SHA256}`],
    [`SHA256=${SHA256}`, `sha256 ${SHA256}`],
    [`sha256%3D${SHA256}`, `sha256 ${SHA256}`],
    [`egg=demo&sha256=${SHA256}`, `sha256 ${SHA256}`],
    [`sha384=${HEX.slice(0, 96)}`, `sha384 ${HEX.slice(0, 96)}`],
    [`sha512=${HEX}`, `sha512 ${HEX}`],
    [`md5=${HEX.slice(0, 32)}`, `md5 ${HEX.slice(0, 32)}`],
    ['', undefined],
    ['sha256=', undefined],
    ['sha256=none', undefined],
    [`sha256=${SHA256.slice(1)}`, undefined],
    [`sha256=${SHA256.replace('0', 'g')}`, undefined],
    [`sha1=${HEX.slice(0, 40)}`, undefined],
    [`xsha256=${SHA256}`, undefined],
  ]
  for (const [fragment, digest] of fragments) {
    it(`in HTML: #${fragment.slice(0, 30)}`, () => {
      const expected = digest === undefined ? HERE : `${HERE} ${digest}`
      assert.deepEqual(found(read(html(`<a href="${WHEEL}#${fragment}">x</a>`))), [expected])
    })
  }

  it('in an attribute is of the metadata, not of the file', () => {
    const attributes = `data-dist-info-metadata="sha256=${SHA256}" data-core-metadata="sha256=${SHA256}"`
    assert.deepEqual(found(read(html(`<a href="${WHEEL}" ${attributes}>x</a>`))), [HERE])
  })

  const hashes: [hashes: unknown, digests: string][] = [
    [{ sha256: SHA256 }, ` sha256 ${SHA256}`],
    [{ sha256: SHA256.toUpperCase() }, ` sha256 ${SHA256}`],
    [{ md5: HEX.slice(0, 32), sha512: HEX, blake2b: 'x' }, ` sha512 ${HEX} md5 ${HEX.slice(0, 32)}`],
    [{}, ''],
    [undefined, ''],
    ['sha256', ''],
    [[SHA256], ''],
    [{ sha256: 5 }, ''],
    [{ sha256: '' }, ''],
  ]
  for (const [value, digests] of hashes) {
    it(`in JSON: ${JSON.stringify(value)?.slice(0, 30)}`, () => {
      const page = read(json([{ filename: WHEEL, url: WHEEL, hashes: value }]))
      assert.deepEqual(found(page), [`${HERE}${digests}`])
    })
  }

  it('is not needed where JSON has the size', () => {
    const sizes: unknown[] = [7, 0, -1, 1.5, '7', null]
    const page = (size: unknown) => found(read(json([{ filename: WHEEL, url: WHEEL, hashes: {}, size }])))
    assert.deepEqual(sizes.map(page), [[`${HERE} 7`], [`${HERE} 0`], [HERE], [HERE], [HERE], [HERE]])
  })
})

describe('a page', () => {
  const LINK = `<a href="${WHEEL}">x</a>`
  const FILE = [{ filename: WHEEL, url: WHEEL, hashes: {} }]
  const good: [contentType: string, body: string][] = [
    ['text/html', html(LINK)],
    ['text/html; charset=utf-8', html(LINK)],
    ['text_html', html(LINK)],
    ['application/vnd.pypi.simple.v1+html', html(LINK)],
    ['', html(LINK)],
    ['application/octet-stream', `\ufeff\n ${html(LINK)}`],
    ['application/vnd.pypi.simple.v1+json', json(FILE)],
    ['Application/vnd.pypi.simple.v1+JSON; charset=x', json(FILE)],
    ['application/json', json(FILE)],
    ['', `\ufeff ${json(FILE)}`],
    ['text/plain', json(FILE)],
    ['application/json', json(FILE, { meta: { 'api-version': 1 }, name: undefined })],
    ['application/json', json(FILE, { name: 'Demo.Pkg' })],
    ['text/html', LINK],
    ['text/html', `Files: ${LINK}`],
    ['text/html', json(FILE)],
    ['application/json', html(LINK)],
  ]
  for (const [contentType, body] of good) {
    it(`is read: ${contentType || 'no type'}, ${body.trim().slice(0, 20)}`, () => {
      const page = read(body, { contentType })
      assert.equal(found(page).length, 1)
      assert.equal(page.listed, 1)
    })
  }

  it('without files is one, where it says that it is an index', () => {
    assert.equal(read(html('')).listed, 0)
    assert.equal(read(json([])).listed, 0)
    assert.equal(read('<html></html>', { contentType: 'application/vnd.pypi.simple.v1+html' }).listed, 0)
  })

  it('of an index that says nothing of itself is one by its links to the project', () => {
    assert.equal(read('<html><body><a href="demo-pkg-0.1.tar.gz">x</a></body></html>').listed, 1)
  })

  const bad: [what: string, contentType: string, body: string, truncated: boolean][] = [
    ['nothing', 'text/html', '', false],
    ['white space', 'text/html', ' \n', false],
    ['a shell of an app', 'text/html', '<html><body><div id=app></div><script src=x></script></body></html>', false],
    ['files of other projects', 'text/html', '<html><body><a href="tool-1.0.zip">x</a></body></html>', false],
    ['JSON of another kind', 'application/json', '{"status":"ok"}', false],
    ['JSON without a version', 'application/json', '{"files":[]}', false],
    ['JSON of a later version', 'application/json', json([], { meta: { 'api-version': '2.0' } }), false],
    ['JSON without files', 'application/json', json(undefined), false],
    ['JSON whose files are no list', 'application/json', json({ a: 1 }), false],
    ['JSON that is a list', 'application/json', '[]', false],
    ['JSON that is a word', 'application/json', '"files"', false],
    ['JSON of another project', 'application/json', json(FILE, { name: 'other' }), false],
    ['text that claims to be JSON', 'application/json', 'not found', false],
    ['text', 'text/plain', 'not found', false],
    ['an image', '', '\u0089PNG', false],
    ['JSON that is cut off', 'application/json', json(FILE).slice(0, -1), true],
    ['HTML that is cut off', 'text/html', html(LINK).slice(0, -20), true],
  ]
  for (const [what, contentType, body, truncated] of bad) {
    it(`is refused: ${what}`, () => {
      assert.throws(
        () => read(body, { contentType }),
        (error) => error instanceof PageFault && error.truncated === truncated,
      )
    })
  }

  it('of an index with bases shows its own files alone', () => {
    const ownFiles = new URL('https://index.example/user/dev/+f/')
    const own = `<a href="/user/dev/+f/ab/${WHEEL}">x</a>`
    const others = [
      `/other/mirror/+f/ab/${WHEEL}`,
      `/user/dev/+f/../../prod/+f/${WHEEL}`,
      `https://else.example/user/dev/+f/${WHEEL}`,
    ]
    const links = others.map((href) => `<a href="${href}">x</a>`).join('')
    assert.deepEqual([found(read(html(links), { ownFiles })), read(html(links), { ownFiles }).listed], [[], 0])
    assert.deepEqual(found(read(html(links + own), { ownFiles })), [`https://index.example/user/dev/+f/ab/${WHEEL}`])
    assert.equal(read(html(links + own), { ownFiles }).listed, 1)
  })

  it('of 20,000 files keeps what was asked for', () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `demo_pkg-1.${i}-py3-none-any.whl`)
    const files = [names[0] ?? '', names[19_999] ?? '', WHEEL]
    const asJson = read(json(names.map((filename) => ({ filename, url: filename, hashes: { sha256: SHA256 } }))), {
      files,
    })
    const asHtml = read(html(names.map((name) => `<a href="${name}#sha256=${SHA256}">${name}</a>`).join('\n')), {
      files,
    })
    for (const page of [asJson, asHtml]) {
      assert.equal(page.listed, 20_000)
      assert.deepEqual(
        [...page.entries.values()].map(({ length }) => length),
        [1, 1, 0],
      )
    }
  })

  const hostile = [
    '__proto__',
    'constructor.whl',
    '../../etc/passwd.whl',
    `${'a'.repeat(100_000)}.whl`,
    '\u0000.whl',
    '%00%0a.whl',
    '‮.whl',
  ]
  it('with hostile names is a page like any other', () => {
    const page = read(html(hostile.map((name) => `<a href="${name}">${name}</a>`).join('') + LINK))
    assert.equal(found(page).length, 1)
    const elements = [...hostile.map((filename) => ({ filename })), null, {}, { filename: 7, url: {} }, ...FILE].filter(
      (one) => one !== null,
    )
    assert.equal(found(read(json(elements))).length, 1)
  })
})

describe('the key of a file name', () => {
  it('is the same for spellings of one project alone', () => {
    const key = fileKey('a-b')
    assert.equal(key('A.B-1.0.tar.gz'), '1.0.tar.gz')
    assert.equal(key('a--b-1.0.tar.gz'), '1.0.tar.gz')
    assert.equal(key('ab-1.0.tar.gz'), undefined)
    assert.equal(key('a-b1.0.tar.gz'), undefined)
    // K (Kelvin) folds to k in Unicode.
    assert.equal(fileKey('k')('\u212a-1.0.tar.gz'), undefined)
  })
})
