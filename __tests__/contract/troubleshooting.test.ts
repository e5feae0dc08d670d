import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { ERROR_CODES } from '../../src/errors.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const page = readFileSync(path.join(ROOT, 'docs/troubleshooting.md'), 'utf8')

describe('docs/troubleshooting.md', () => {
  it('has one section for each error code, and none for another', () => {
    const sections = [...page.matchAll(/^## (\S+)$/gm)].map(([, code]) => code)
    assert.deepEqual(sections.toSorted(), [...ERROR_CODES].toSorted())
  })

  it('says in each section what to do', () => {
    const silent = page
      .split(/^## /m)
      .slice(1)
      .filter((section) => !/^\*\*Do\*\*: \S.{10,}$/m.test(section))
    assert.deepEqual(silent, [])
  })

  it('links each code in its table of contents', () => {
    const links = [...page.matchAll(/\[(E_\w+)\]\(#(\w+)\)/g)]
    assert.deepEqual(links.map(([, code]) => code).toSorted(), [...ERROR_CODES].toSorted())
    assert.ok(links.every(([, code, anchor]) => code?.toLowerCase() === anchor))
  })
})
