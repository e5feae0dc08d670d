import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { createRoot, issueClient } from '../../../demo/certificate-authority.ts'
import { type InputMaterial, linesToMask, readMaterial } from '../../../src/encoding/input-material.ts'
import { PublishError } from '../../../src/errors.ts'
import { FILE_MANGLINGS, MANGLINGS } from './manglings.ts'
import { block, openSshKey, pkcs12 } from './sample-structures.ts'

const workspace = mkdtempSync(path.join(tmpdir(), 'input-material-'))
after(() => rmSync(workspace, { recursive: true }))

const root = createRoot({ name: 'Corp Root', organization: 'Corp' })
const client = issueClient(root, { name: 'publisher', keyKind: 'rsa' })
const combined = client.pem + client.keyPem

function read(value: string, input = 'client-cert'): InputMaterial {
  return readMaterial(input, value, { workspace })
}

/** The problem, of which no part of the value may be seen. */
function refusal(value: string, code: string, input = 'client-cert'): string {
  try {
    read(value, input)
  } catch (error) {
    assert.ok(error instanceof PublishError)
    assert.equal(error.code, code)
    const words = `${error.message}. ${error.hint ?? ''}`
    assert.ok(value.length < 12 || !words.includes(value.slice(0, 12)), words)
    return words
  }
  return assert.fail('nothing was refused')
}

function file(name: string, content: Buffer | string): string {
  writeFileSync(path.join(workspace, name), content)
  return name
}

describe('what an input holds', () => {
  it('is PEM where the text has a BEGIN line, whatever stands around it', () => {
    assert.deepEqual(read(combined), {
      input: 'client-cert',
      bytes: Buffer.from(combined),
      text: combined,
      origin: 'text',
    })
    assert.equal(read(`  "${combined}"`).origin, 'text')
  })

  it('is the file of that path, below the workspace or absolute, with its name for sentences', () => {
    mkdirSync(path.join(workspace, 'certs'), { recursive: true })
    const name = file('certs/client.pem', combined)
    for (const value of [name, `./${name}`, path.join(workspace, name), `${name}\n`, ` "${name}" `]) {
      const material = read(value)
      assert.deepEqual([material.origin, material.shownPath, material.text], ['path', 'client.pem', combined])
    }
  })

  it('is a file even where the name could be base64, and where a backslash stands before an n', () => {
    assert.equal(read(file('MIIBabcd', combined)).origin, 'path')
    if (process.platform !== 'win32') assert.equal(read(file('C:\\certs\\new.pem', combined)).origin, 'path')
  })

  it('is base64 of PEM, of DER and of PKCS#12', () => {
    assert.equal(read(Buffer.from(combined).toString('base64')).text, combined)
    const der = read(client.der.toString('base64'))
    assert.deepEqual([der.bytes, der.text, der.origin], [client.der, undefined, 'base64'])
    const p12 = pkcs12(300)
    assert.deepEqual(read(p12.toString('base64')).bytes, p12)
  })

  it('is the bytes of a DER file', () => {
    const material = read(file('client.der', client.der))
    assert.deepEqual([material.bytes, material.text], [client.der, undefined])
  })

  for (const { name, mangle } of MANGLINGS) {
    it(`is PEM with every BEGIN line, in plain lines: ${name}`, () => {
      const { text = '' } = read(mangle(combined))
      for (const label of ['CERTIFICATE', 'PRIVATEKEY']) {
        assert.match(text.replace(/[^A-Z-]/g, ''), new RegExp(`-----BEGIN${label}-----`))
      }
      assert.doesNotMatch(text, /[\0\r\\\ufeff]/)
    })
  }

  for (const { name, write } of FILE_MANGLINGS) {
    it(`is PEM in a file: ${name}`, () => {
      assert.equal(read(file('mangled', write(combined))).text, combined)
    })
  }
})

describe('a path', () => {
  it('without a file is told by its last part, with the reason that a job container is', () => {
    const words = refusal('/home/runner/work/app/app/certs/client.pem', 'E_INPUT_FILE')
    assert.match(words, /client-cert looks like a path \(it ends in \.pem\).*no such file: client\.pem/)
    assert.match(words, /container job.*github\.workspace/)
    assert.match(refusal('C:\\certs\\new.p12', 'E_INPUT_FILE'), /no such file: new\.p12/)
    assert.match(refusal('certs/clent.pem\n', 'E_INPUT_FILE'), /clent\.pem/)
    for (const value of ['~/client.pem', '@client.pem']) {
      assert.match(refusal(value, 'E_INPUT_FILE'), /Give the path itself: `~` means something to shells alone/)
    }
  })

  it('that leads to no regular file is refused, and a FIFO never waited for', { timeout: 20_000 }, (context) => {
    mkdirSync(path.join(workspace, 'folder.pem'))
    assert.match(
      refusal('folder.pem', 'E_INPUT_FILE'),
      /client-cert must name a regular file.*but the path given is a directory: `folder\.pem`/,
    )
    if (process.platform === 'win32') return context.diagnostic('no FIFO on Windows')
    execFileSync('mkfifo', [path.join(workspace, 'fifo.pem')])
    assert.match(refusal('fifo.pem', 'E_INPUT_FILE'), /no regular file/)
    assert.match(refusal('/dev/null', 'E_INPUT_FILE'), /no regular file/)
  })

  it('of an empty file or of one over 1 MiB is refused', () => {
    assert.match(refusal(file('empty.pem', ''), 'E_INPUT_FILE'), /is empty/)
    const mebibyte = combined + '\n'.repeat(1024 * 1024 - combined.length)
    assert.equal(read(file('full.pem', mebibyte)).origin, 'path')
    assert.match(
      refusal(file('large.pem', `${mebibyte}\n`), 'E_INPUT_FILE'),
      /at most 1 MiB, but the path given is larger/,
    )
  })

  it('of a file with something else names the file and what it holds', () => {
    assert.match(
      refusal(file('notes.txt', 'see the wiki!'), 'E_INPUT_FORMAT'),
      /the file notes\.txt, which holds 13 bytes of an unknown kind/,
    )
    assert.match(refusal(file('id.pub', 'ssh-ed25519 AAAA me'), 'E_INPUT_FORMAT'), /an OpenSSH public key/)
    const damaged = Buffer.from(Buffer.from('3082060a0201033082ff', 'hex').toString('utf8'))
    assert.match(refusal(file('damaged.p12', damaged), 'E_INPUT_FORMAT'), /a binary file that was stored as text/)
    assert.match(refusal(file('store.jks', Buffer.from('feedfeed00000002', 'hex')), 'E_INPUT_FORMAT'), /Java key store/)
  })
})

describe('a value that is cut off', () => {
  const p12 = pkcs12(3300)

  it('says how much its first bytes announce and how much is there', () => {
    const words = refusal(p12.toString('base64').slice(0, 1024), 'E_INPUT_TRUNCATED')
    assert.match(words, /client-cert is cut off \(a PKCS#12 file\)/)
    assert.match(
      words,
      new RegExp(`announce 3,${String(p12.length).slice(1)} bytes, 768 are there \\(1,024 characters`),
    )
    assert.match(words, /from a file/)
  })

  it('says so too where the last group of base64 is not whole', () => {
    assert.match(refusal(p12.toString('base64').slice(0, 4095), 'E_INPUT_TRUNCATED'), /3,071 are there/)
  })

  it('says so of a file', () => {
    const words = refusal(
      file('half.key', client.keys.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(0, 300)),
      'E_INPUT_TRUNCATED',
    )
    assert.match(words, /a private key.*300 are there \(in the file half\.key\)/)
  })

  it('is read as far as it reaches where it is base64 of PEM: which block is cut off can then be said', () => {
    const material = read(Buffer.from(combined).toString('base64').slice(0, 2001))
    assert.ok(material.text?.startsWith('-----BEGIN CERTIFICATE-----'))
  })
})

describe('a value that is none of these', () => {
  const cases: readonly [name: string, value: string, words: RegExp][] = [
    [
      'hexadecimal digits',
      '5ebe2294ecd0e0f08eab7690d2a6ee69c1a2b3c4',
      /client-key is 40 hexadecimal digits, maybe an app's client secret/,
    ],
    ['an OpenSSH public key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@host', /an OpenSSH public key of 40 characters/],
    ['a PuTTY key', 'PuTTY-User-Key-File-3: ssh-ed25519', /a PuTTY key/],
    ['JSON', '{"type":"service_account"}', /JSON of 26 characters/],
    ['a masked value', '***', /asterisks, copied from a masked log/],
    [
      'a token with dots',
      'eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2ln',
      /text of 41 characters that is neither PEM nor base64/,
    ],
    [
      'PEM without hyphens',
      'BEGIN CERTIFICATE MIIBxyz END CERTIFICATE',
      /PEM of 41 characters whose BEGIN line lacks hyphens/,
    ],
    ['words', 'hello world, this is a test', /text of 27 characters that is neither PEM nor base64/],
    [
      'base64 of something else',
      Buffer.alloc(99, 1).toString('base64'),
      /as base64 it gives 99 bytes of an unknown kind/,
    ],
    ['base64 of an OpenSSH key', openSshKey().toString('base64'), /an OpenSSH private key without its BEGIN line/],
    ['nothing', '""', /client-key is empty/],
    [
      'an expression',
      ['$', '{{ secrets.CLIENT_KEY }}'].join(''),
      /an expression of a workflow file.*Write the expression in the workflow/,
    ],
    ['a variable', '$CLIENT_KEY', /the name of a variable, which only a shell replaces/],
    ['a page', '<!DOCTYPE html><html></html>', /HTML or XML of 28 characters/],
    ['a fingerprint', 'A9:4A:8F:E5:CC:B1:9B:A6', /16 hexadecimal digits with colons, maybe a fingerprint/],
    ['digits of a file', pkcs12(300).toString('hex'), /hexadecimal digits of a PKCS#12 file.*Store base64 of the file/],
    ['digits in lines', pkcs12(300).toString('hex').replace(/.{60}/g, '$&\n'), /hexadecimal digits of a PKCS#12 file/],
    ['many digits', 'abcdef'.repeat(50), /client-key is 300 hexadecimal digits: expected/],
    ['a binary file', pkcs12(300).toString('utf8'), /a binary file that was stored as text.*base64 -w0/],
    [
      'a key store of Java',
      Buffer.from('feedfeed00000002', 'hex').toString('base64'),
      /Java key store.*keytool -importk/,
    ],
    ['one of another kind', Buffer.from('cececece00000002', 'hex').toString('base64'), /Java key store/],
    [
      'base64 and the prompt behind it',
      `${client.der.toString('base64')}%`,
      /would be base64 but for `%`.*nothing else/,
    ],
    ['base64 and a name', `client.p12: ${client.der.toString('base64')}`, /would be base64 but for `\.` and `:`/],
    ['a short word with one sign too many', 'correcthorsebattery!', /20 characters that is neither PEM nor base64/],
  ]
  for (const [name, value, words] of cases) {
    it(`is told by its kind and length, never shown: ${name}`, () => {
      assert.match(refusal(value, 'E_INPUT_FORMAT', 'client-key'), words)
    })
  }

  it('is told by its scheme where it could be downloaded: nothing is', () => {
    for (const value of [
      'https://pki.example/ca.pem?token=abcdef',
      'ldap:///CN=x?certificateRevocationList',
      'http://x/c',
    ]) {
      const words = refusal(value, 'E_INPUT_FORMAT', 'client-key')
      assert.match(
        words,
        /^client-key is a (https|ldap|http): URI, and nothing is downloaded.*Download it in an earlier step/,
      )
    }
  })

  for (const scheme of ['data', 'pkcs11', 'awskms', 'gcpkms', 'azurekms', 'hashivault']) {
    it(`is told by its scheme where it is a URI: ${scheme}`, () => {
      const value = `${scheme}:///token=release;pin-value=12345678`
      assert.match(
        refusal(value, 'E_INPUT_FORMAT', 'client-key'),
        new RegExp(`a ${scheme}: URI.*this version takes PEM or PKCS#12 only`),
      )
    })
  }
})

describe('lines to mask', () => {
  const keyLines = client.keyPem.trimEnd().split('\n').slice(1, -1)

  for (const { name, mangle } of MANGLINGS) {
    it(`are those of the key and its joined body: ${name}`, () => {
      const masked = new Set(linesToMask(read(mangle(combined))))
      for (const line of keyLines.filter(({ length }) => length >= 16)) {
        const bare = name === 'padding taken away' ? line.replaceAll('=', '') : line
        assert.ok(masked.has(bare), 'a line of the key is not masked')
      }
      const joined = keyLines.join('').replaceAll('=', '')
      assert.ok(
        [...masked].some((line) => line.replaceAll('=', '') === joined),
        'the joined body is not masked',
      )
    })

    it(`never hold headers, short lines, names or more than one line: ${name}`, () => {
      for (const line of linesToMask(read(mangle(combined)))) {
        assert.ok(line.length >= 16)
        assert.match(line, /^[A-Za-z0-9+/]+={0,2}$/)
      }
    })
  }

  it('are those of an encrypted key, without its headers', () => {
    const pem = client.keys.privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    const masked = linesToMask(read(pem.toString()))
    const body = pem.toString().split('\n\n')[1]?.split('\n') ?? []
    assert.ok(body.slice(0, -2).every((line) => masked.includes(line)))
    for (const line of masked) {
      assert.match(line, /^[A-Za-z0-9+/]+={0,2}$/)
      // Whole words: a random body has any three or four letters once in some hundred keys.
      assert.doesNotMatch(line, /ProcType|ENCRYPTED|DEKInfo|AES256CBC/)
    }
  })

  it('are those of DER, as base64 of one line and of 64 columns', () => {
    const der = client.keys.privateKey.export({ type: 'pkcs8', format: 'der' })
    const masked = linesToMask(read(der.toString('base64url')))
    assert.ok(masked.includes(der.toString('base64')))
    assert.ok(keyLines.filter(({ length }) => length >= 16).every((line) => masked.includes(line)))
  })

  it('are found in damaged PEM too: without BEGIN, without END, with a wrong character', () => {
    const [, line = ''] = keyLines
    for (const damage of [
      client.keyPem.replace(/^-----BEGIN PRIVATE KEY-{5}\n/, ''),
      client.keyPem.replace('-----END PRIVATE KEY-----\n', ''),
      client.keyPem.replace(/^(-----BEGIN PRIVATE KEY)-{5}/, '$1'),
      client.keyPem.replace('\n-----END', '\n*\n-----END'),
    ]) {
      assert.ok(linesToMask(read(damage)).includes(line))
    }
  })

  it('are none of a public bundle of many certificates; one key among them, and all is masked', () => {
    const bundle = Array.from({ length: 21 }, () => block('CERTIFICATE', client.der)).join('')
    assert.deepEqual(linesToMask(read(bundle, 'ca-bundle')), [])
    assert.ok(linesToMask(read(bundle + client.keyPem)).includes(keyLines[0] ?? ''))
    assert.ok(linesToMask(read(client.pem)).length > 0)
  })
})
