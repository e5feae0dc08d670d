import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HtmlPage, type Link } from '../../../src/package-index/html-page.ts'
import { PageFault } from '../../../src/package-index/page-fault.ts'

interface Read {
  readonly links: Link[]
  readonly marked: boolean
  readonly base: string | undefined
}

function read(text: string, chunk = 1_000_000): Read {
  const links: Link[] = []
  const page = new HtmlPage((link) => links.push(link))
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += chunk) page.write(bytes.subarray(at, at + chunk))
  return { links, ...page.end() }
}

describe('a page in HTML', () => {
  const cases: [what: string, text: string, links: [href: string, text: string][]][] = [
    [
      'plain',
      '<a href="a.whl#sha256=1">a</a><br><a href=b.whl>b</a>',
      [
        ['a.whl#sha256=1', 'a'],
        ['b.whl', 'b'],
      ],
    ],
    ['attributes in any order and case', "<A class=x HREF='a.whl' rel=y>a</A>", [['a.whl', 'a']]],
    ['escaped', '<a href="a&#43;b&amp;c&#x2f;d.whl">a &lt; b</a>', [['a+b&c/d.whl', 'a < b']]],
    ['two hrefs: the first', '<a href="a" href="b">x</a>', [['a', 'x']]],
    ['no href', '<a name="top">x</a>', []],
    ['in a comment', '<!-- <a href="a">x</a> --><a href="b">y</a>', [['b', 'y']]],
    ['in a script', '<script>"<a href=a>x</a>"</script><a href="b">y</a>', [['b', 'y']]],
    ['in a title', '<title><a href="a">x</a></title><a href="b">y</a>', [['b', 'y']]],
    [
      'never closed',
      '<a href="a">x<a href="b">y<p></p>',
      [
        ['a', 'x'],
        ['b', 'y'],
      ],
    ],
    ['with elements inside', '<a href="a"><b>x</b><i>y</i></a>', [['a', 'xy']]],
    ['not ASCII', '<a href="ü">€😀</a>', [['ü', '€😀']]],
    ['an attribute with an angle bracket', '<a title=">" href="a" data-requires-python=">=3.9">x</a>', [['a', 'x']]],
    ['a href of something else', '<link href="a"><area href="b"><a href="c">x</a>', [['c', 'x']]],
  ]
  for (const [what, text, links] of cases) {
    it(`gives its links: ${what}`, () => {
      const page = `<html><body>${text}</body></html>`
      const found = read(page).links
      assert.deepEqual(
        found.map((link) => [link.href, link.text]),
        links,
      )
      for (const chunk of [1, 2, 3, 7]) assert.deepEqual(read(page, chunk).links, found)
    })
  }

  it('gives the first base', () => {
    assert.equal(read('<base href="/x/"><base href="/y/"><a href=a>a</a>').base, '/x/')
    assert.equal(read('<a href=a>a</a>').base, undefined)
  })

  const marks: [marked: boolean, text: string][] = [
    [true, '<meta name="pypi:repository-version" content="1.1"><p>x</p>'],
    [true, '<meta content="1.0" name="PyPI:repository-version"><p>x</p>'],
    [true, '<meta name="api-version" value="2"><p>x</p>'],
    [true, '<title>Links for demo</title>'],
    [true, '<h1>\n Links for demo</h1>'],
    [true, '<title>Simple Index</title>'],
    [true, '<title>Index of /simple/demo/</title>'],
    [true, '<h1>user/dev: links for demo</h1>'],
    [false, '<title>Sign in</title>'],
    [false, '<title>Index of everything</title>'],
    [false, '<p>Links for demo</p>'],
    [false, '<meta name="viewport" content="pypi:repository-version">'],
  ]
  for (const [marked, text] of marks) {
    it(`${marked ? 'says' : 'does not say'} that it is one of an index: ${text}`, () => {
      assert.equal(read(text).marked, marked)
    })
  }

  const broken: [what: string, text: string][] = [
    ['in a tag', '<html><body><a href="a">a</a><a hre'],
    ['in a link', '<a href="a">a'],
    ['in a link, behind a tag', '<a href="a"><b>a</b>'],
    ['between two links', '<html><body><a href="a">a</a>\n'],
    ['in a comment', '<html><body><a href="a">a</a><!-- '],
    ['without html, in a tag', '<a href="a">a</a><a href="b'],
  ]
  for (const [what, text] of broken) {
    it(`that is cut off is refused: ${what}`, () => {
      for (const chunk of [1, 1000]) {
        assert.throws(
          () => read(text, chunk),
          (error) => error instanceof PageFault && error.truncated,
        )
      }
    })
  }

  it('whose body or html alone is closed is whole, and so is one that has neither', () => {
    for (const text of [
      '<html><body><a href=a>a</a></body>',
      '<html><a href=a>a</a></html>\n',
      '<a href=a>a</a><br>\n',
    ]) {
      assert.equal(read(text).links.length, 1, text)
    }
  })

  it('of a later version of the API is refused', () => {
    assert.throws(() => read('<meta name="pypi:repository-version" content="2.0"><a href=a>a</a>'), PageFault)
  })

  const endless: [what: string, start: string, more: string][] = [
    ['an attribute', '<a href="', 'x'],
    ['attributes', '<a ', 'x=y '],
    ['a tag name', '<', 'x'],
    ['a comment', '<!--', 'x'],
    ['elements inside each other', '', '<b>'],
  ]
  for (const [what, start, more] of endless) {
    it(`without an end is refused: ${what}`, () => {
      const page = new HtmlPage(() => {})
      page.write(Buffer.from(start))
      const chunk = Buffer.from(more.repeat(16 * 1024))
      assert.throws(() => {
        for (let sent = 0; sent < 16 * 1024 * 1024; sent += chunk.length) page.write(chunk)
      }, PageFault)
    })
  }

  it('costs little memory at any length', () => {
    let links = 0
    const page = new HtmlPage(() => {
      links += 1
    })
    const chunk = Buffer.from(`<a href="${'x'.repeat(500)}">${'y'.repeat(500)}</a>\n`.repeat(60))
    const before = process.memoryUsage().rss
    for (let sent = 0; sent < 48 * 1024 * 1024; sent += chunk.length) page.write(chunk)
    assert.ok(links > 40_000)
    assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024)
  })
})
