import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { createRoot, issueClient } from '../../demo/certificate-authority.ts'
import {
  clip,
  count,
  defuse,
  formatBytes,
  formatDate,
  formatTime,
  issuerOf,
  markdownBlock,
  markdownCode,
  markdownText,
  mermaidText,
  printable,
  redact,
  Secrets,
  shellWord,
  shownUrl,
  subjectOf,
} from '../../src/text.ts'

const ESC = '\u001b'

/** What servers, archives and certificates can hold to act on a log, a terminal or a reader. */
const HOSTILE: ReadonlyMap<string, string> = new Map([
  ['a workflow command on a line of its own', 'ok\n::error::forged'],
  ['a workflow command behind a carriage return', 'ok\r::set-output name=published::9'],
  ['a command of the old form', 'x ##[error]forged'],
  ['a colour', `${ESC}[31mred${ESC}[0m`],
  ['a link of a terminal', `${ESC}]8;;https://evil.example\u0007here${ESC}]8;;\u0007`],
  ['a C1 control', 'a\u009b31mb\u0085c'],
  ['a backspace and a NUL', 'safe\b\b\b\bevil\0'],
  ['a bidi override', 'demo\u202egnp.whl'],
  ['bidi isolates', '\u2066demo\u2069\u200f'],
  ['zero width characters', 'de\u200bmo\u200d\ufeff\u2060'],
  ['tag characters', `demo${String.fromCodePoint(0xe0001, 0xe0065, 0xe0076)}`],
  ['line and paragraph separators', 'a\u2028b\u2029c'],
  ['a lone high surrogate', 'a\ud800b'],
  ['a lone low surrogate', 'a\udc00b'],
  ['interlinear annotations', 'a\ufff9b\ufffac\ufffb'],
  ['private use characters', `a\ue000b${String.fromCodePoint(0xf0000)}`],
  ['invisible fillers', 'a\u3164b\u115fc\u00add'],
])

describe('printable', () => {
  for (const [what, text] of HOSTILE) {
    it(`leaves one visible line of ${what}`, () => {
      const line = printable(text)
      assert.match(line, /^[\x20-\x7e]+$/)
      assert.doesNotMatch(line, / {2}|^ | $/)
    })
  }

  it('keeps letters of any language, marks and emoji', () => {
    assert.equal(printable('Prüfung 日本語 שלום e\u0301 🐍'), 'Prüfung 日本語 שלום e\u0301 🐍')
  })

  it('makes one blank of any run of blanks, and none at the ends', () => {
    assert.equal(printable(' \t a\u00a0\u3000 b\r\n\r\n c '), 'a b c')
  })

  it('gives at most so many characters, and shows that there were more', () => {
    assert.equal(printable('a'.repeat(300)), 'a'.repeat(300))
    assert.equal(printable('a'.repeat(301)), `${'a'.repeat(299)}…`)
    assert.equal(printable('abcdef', 4), 'abc…')
    assert.equal(printable(`ab${'\n'.repeat(1000)}cd`, 10), 'ab…')
  })

  it('has no half characters at the end', () => {
    assert.equal(printable('a🐍🐍', 4), 'a🐍…')
    assert.equal(printable('a🐍🐍', 3), 'a…')
    for (let length = 1; length < 30; length += 1) assert.ok(printable('🐍'.repeat(40), length).isWellFormed())
  })
})

describe('clip', () => {
  it('cuts only what is too long', () => {
    assert.equal(clip('abcd', 4), 'abcd')
    assert.equal(clip('abcde', 4), 'abc…')
  })

  it('keeps line ends: a message of several lines stays one', () => {
    assert.equal(clip('a\nb', 3), 'a\nb')
  })
})

describe('defuse', () => {
  it('breaks up each command that the runner would read inside a line', () => {
    assert.equal(defuse('a ##[error]b ###[[group]c'), 'a # #[error]b ## #[[group]c')
    assert.ok(!defuse('##[##[##[').includes('##['))
  })

  it('leaves all else as it is', () => {
    assert.equal(defuse('# [x] ## y :: z'), '# [x] ## y :: z')
  })
})

describe('markdown', () => {
  const structure =
    '| *a* _b_ **c** `d` ~~e~~ <b onclick="x">f</b> [g](https://evil.example) ![h](i) # j > k \\ & @all #1 $x$'

  it('has no character of foreign text that could be structure', () => {
    for (const text of [structure, ...HOSTILE.values()]) {
      assert.match(markdownText(text), /^([A-Za-z0-9 ,;+=-]|&#\d+;)+$/)
      assert.match(markdownCode(text), /^<code>([A-Za-z0-9 ,;+=-]|&#\d+;)+<\/code>$/)
    }
  })

  it('begins with nothing that would be a list, a heading or a rule', () => {
    for (const text of ['- a', '+ a', '* a', '=== a', '--- a', '1. a', '1) a', '# a', '> a', '    a', '~~~', '```'])
      assert.doesNotMatch(markdownText(text), /^([-+=*#>~`]| {4}|\d+[.)])/)
  })

  it('shows what was there: each entity is the character that it stands for', () => {
    const shown = markdownText(structure).replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    assert.equal(shown, structure)
    assert.equal(markdownText('🐍_1'), '&#128013;&#95;1')
  })

  it('is clipped before it is escaped, so that no entity is cut', () => {
    assert.equal(markdownCode('<'.repeat(400), 3), `<code>&#60;&#60;&#8230;</code>`)
    assert.match(markdownText('|'.repeat(2000)), /^(&#124;){999}&#8230;$/)
  })
})

describe('shell words', () => {
  it('are one word with nothing special in it', () => {
    assert.equal(shellWord("it's $(x) `y`"), `'it'\\''s $(x) \`y\`'`)
    assert.equal(shellWord(''), "''")
    assert.equal(shellWord('a\nrm -rf /'), "'a rm -rf /'")
  })

  if (process.platform !== 'win32') {
    it('come back as they were from a POSIX shell', () => {
      for (const text of ["a'b'c", "''", '$HOME', '`id`', '$(id)', 'a;b|c&d', '!x', '\\', '"', '*', '~', '#', '-n'])
        assert.equal(execFileSync('/bin/sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' }), text)
    })
  }
})

function secretsOf(...values: string[]): Secrets {
  const secrets = new Secrets()
  for (const value of values) secrets.add(value)
  return secrets
}

describe('redact', () => {
  const secret = 'p4ss W/rd+<ü>&"(x)!'

  it('takes the value out, everywhere', () => {
    assert.equal(redact(`a ${secret} b ${secret}`, secretsOf(secret)), 'a *** b ***')
  })

  const bodies: ReadonlyMap<string, string> = new Map([
    ['a form', `x=${new URLSearchParams({ p: secret })}`],
    ['a URL', `/?p=${encodeURIComponent(secret)}`],
    ['a URL with small hex digits', '/?p=p4ss%20W%2frd%2b%3c%c3%bc%3e%26%22(x)!'],
    ['a URL with nothing but unreserved characters', '/?p=p4ss%20W%2Frd%2B%3C%C3%BC%3E%26%22%28x%29%21'],
    ['JSON', JSON.stringify({ p: secret })],
    ['JSON in ASCII', '{"p": "p4ss W/rd+<\\u00fc>&\\"(x)!"}'],
    ['JSON for HTML', '{"p": "p4ss W/rd+\\u003cü\\u003e\\u0026\\"(x)!"}'],
    ['JSON with escaped slashes', '{"p": "p4ss W\\/rd+<\\u00fc>&\\"(x)!"}'],
    ['base64', Buffer.from(secret).toString('base64')],
    ['base64url', Buffer.from(secret).toString('base64url')],
  ])
  for (const [what, body] of bodies) {
    it(`finds it in ${what}`, () => {
      const redacted = redact(body, secretsOf(secret))
      assert.match(redacted, /\*\*\*/)
      assert.doesNotMatch(redacted, /p4ss|rd\b|cDRzc|W/)
    })
  }

  it('finds it in the base64 of a longer text, however it lies there', () => {
    for (const before of ['', 'u', 'us', 'use', 'user'])
      for (const after of ['', '1', '12', '123'])
        for (const encoding of ['base64', 'base64url'] as const) {
          const encoded = Buffer.from(`${before}${secret}${after}`).toString(encoding)
          const rest = redact(encoded, secretsOf(secret)).replace('***', '').replaceAll('=', '')
          // One character at either side may hold bits of both.
          const outside = Math.ceil(((before.length + after.length) * 8) / 6) + 2
          assert.ok(
            rest.length <= outside,
            `${encoded}: ${rest.length} characters are left, at most ${outside} expected`,
          )
        }
  })

  it('takes the longest first: what contains another secret goes as a whole', () => {
    assert.equal(redact('user:password1', secretsOf('password', 'user:password1')), '***')
    assert.equal(redact('user:password1', secretsOf('user:password1', 'password')), '***')
  })

  it('searches also for what was added after the first use', () => {
    const secrets = secretsOf('first-one')
    assert.equal(redact('first-one second-one', secrets), '*** second-one')
    secrets.add('second-one')
    assert.equal(redact('first-one second-one', secrets), '*** ***')
  })

  it('finds a form in a text that is shorter than the secret, and the secret in a longer text after that', () => {
    // The UTF-8 of four euro signs, stored by somebody who read it as Latin-1.
    const secret = Buffer.from('€€€€', 'utf8').toString('latin1')
    const secrets = secretsOf(secret)
    assert.equal(redact('€€€€', secrets), '***')
    assert.equal(redact('abc', secrets), 'abc')
    assert.equal(redact(`a ${secret} b`, secrets), 'a *** b')
  })

  it('does not search for values under 4 characters, which would blank half of every text', () => {
    assert.equal(redact('the cat', secretsOf('cat', ' at ', 'a')), 'the cat')
    assert.equal(redact('the cats', secretsOf('cats')), 'the ***')
  })

  it('finds each long line of a secret of several lines, but neither BEGIN lines nor short ones', () => {
    const line = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj'
    const [begin, end] = ['BEGIN', 'END'].map((word) => `-----${word} PRIVATE KEY-----`)
    const secrets = secretsOf(`${begin}\r\n${line}\r\nshort==\r\n${end}\r\n`)
    assert.equal(redact(`${begin} ${line} short==`, secrets), `${begin} *** short==`)
  })

  it('finds a value that ends in a line end with and without it', () => {
    assert.equal(redact('[a secret\n] [a secret]', secretsOf('a secret\n')), '[***] [***]')
  })

  it('takes values with lone surrogates too', () => {
    assert.equal(redact('a pass\ud800word b', secretsOf('pass\ud800word')), 'a *** b')
  })
})

describe('numbers and dates', () => {
  it('count with the noun in the right form', () => {
    assert.deepEqual(
      [0, 1, 2].map((amount) => count(amount, 'file')),
      ['0 files', '1 file', '2 files'],
    )
  })

  it('show sizes in powers of ten, never as 1000.0 of a unit', () => {
    const sizes: [number, string][] = [
      [0, '0 bytes'],
      [1, '1 byte'],
      [999, '999 bytes'],
      [1000, '1.0 kB'],
      [999_949, '999.9 kB'],
      [999_950, '1.0 MB'],
      [1_340_000, '1.3 MB'],
      [2_000_000_000, '2.0 GB'],
      [5_000_000_000_000_000, '5000.0 TB'],
    ]
    for (const [bytes, shown] of sizes) assert.equal(formatBytes(bytes), shown)
  })

  it('show dates in UTC', () => {
    assert.equal(formatDate(new Date('2026-11-25T23:59:59-05:00')), '2026-11-26')
    assert.equal(formatTime(new Date('2026-11-25T23:59:59-05:00')), '2026-11-26 04:59 UTC')
  })

  it('show a date that nobody can read as such: a certificate can hold one', () => {
    assert.equal(formatDate(new Date(Number.NaN)), '(unreadable)')
    assert.equal(formatTime(new Date(Number.NaN)), '(unreadable)')
  })
})

describe("a certificate's names", () => {
  it('are one line, the most specific part first', () => {
    const root = createRoot({ name: 'Issuing CA', organization: 'Example' })
    const { certificate } = issueClient(root, { name: 'publisher' })
    assert.equal(subjectOf(certificate), 'CN=publisher')
    assert.equal(issuerOf(certificate), 'CN=Issuing CA, O=Example')
  })

  it('that are empty or hold nothing visible say so', () => {
    for (const subject of [undefined, '', '\u200b']) assert.equal(subjectOf({ subject }), '(no name)')
  })

  it('are foreign text: printable and no longer than a sentence bears', () => {
    const subject = `O=${'x'.repeat(500)}\nCN=a\r::error::forged\u202e`
    assert.match(subjectOf({ subject }), /^CN=a ::error::forged , O=x+…$/)
    assert.equal(issuerOf({ issuer: subject }).length, 160)
  })
})

describe('shown URLs', () => {
  it('have scheme, host, port and path, and nothing that could be a secret', () => {
    const url = new URL('https://user:password@index.example.com:8443/legacy/?token=secret#part')
    assert.equal(shownUrl(url), 'https://index.example.com:8443/legacy/')
    assert.equal(shownUrl(new URL('https://[2001:db8::1]/')), 'https://[2001:db8::1]/')
  })

  it('hold no character that acts', () => {
    assert.equal(
      shownUrl(new URL('https://index.example.com/a\u202eb\n::error::')),
      'https://index.example.com/a%E2%80%AEb::error::',
    )
  })
})

describe('a block of lines in Markdown', () => {
  it('is shown as it is, and nothing in it can end it or act', () => {
    const block = markdownBlock(['Subject: </pre>` @octocat', '', '  # a', '```', '+ \u202e\u0007b'])
    assert.equal(
      block,
      '<pre>\nSubject&#58; &#60;&#47;pre&#62;&#96; &#64;octocat\n\n  &#35; a\n&#96;&#96;&#96;\n&#43;   b\n</pre>\n',
    )
  })
})

describe('text in a Mermaid label', () => {
  it('has plain characters alone; all others are codes', () => {
    assert.equal(mermaidText('CN release 1'), 'CN release 1')
    assert.equal(mermaidText('\u00e9\u65e5'), '#233;#26085;')
    assert.match(mermaidText('"];-->[<b>`%%;#\n\u{1f600}'), /^(?:[A-Za-z0-9 ]|#\d+;)+$/)
  })

  it('keeps signs apart, which Mermaid would take for formulas, icons and placeholders once they are decoded', () => {
    assert.equal(mermaidText('$$x'), '#36;#8204;#36;#8204;x')
    assert.equal(mermaidText('fa:fa-car'), 'fa#58;#8204;fa#45;#8204;car')
    assert.equal(mermaidText('\ufb02\u00b0'), '#64258;#8204;#176;#8204;')
  })

  it('is no longer than a node bears', () => {
    assert.equal(mermaidText('x'.repeat(500)).length, 139 + '#8230;#8204;'.length)
  })
})
