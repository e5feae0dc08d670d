/**
 * A process that compares the cases of the numbers `from` to `to - 1` with a distribution of the same name that was not
 * changed: `node run-comparisons.ts from to`. What is `accepted` was compared; `refused` are the other sentences.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describeDifference } from '../../../../src/distributions/members.ts'
import { OpenFile } from '../../../../src/distributions/open-file.ts'
import { readByTarStream, readByYauzl } from '../../../support/independent-readers.ts'
import type { Tally } from '../../../support/mutation-process.ts'
import { type Case, caseOf, originalOf } from './cases.ts'

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  'demo-1.0-py3-none-any.whl': ['demo/__init__.py', 'demo-1.0.dist-info/METADATA', 'demo-1.0.dist-info/WHEEL'],
  'demo-1.0.zip': ['demo-1.0/PKG-INFO', 'demo-1.0/setup.py'],
  'demo-1.0.tar.gz': ['demo-1.0/PKG-INFO', 'demo-1.0/pyproject.toml'],
}

/** What the index's file made its readers read. */
const cost = { bytes: 0, reads: 0 }
const readSync = OpenFile.prototype.readSync
OpenFile.prototype.readSync = function counted(this: OpenFile, position: number, length: number): Buffer {
  const bytes = readSync.call(this, position, length)
  cost.reads += 1
  cost.bytes += bytes.length
  return bytes
}

async function compare(original: Buffer, { file, bytes }: Case, directory: string): Promise<string> {
  const opened = [original, bytes].map((content, index) => {
    const target = path.join(directory, String(index))
    writeFileSync(target, content)
    return OpenFile.open(target, file)
  })
  const [ours, theirs] = opened
  assert.ok(ours !== undefined && theirs !== undefined)
  try {
    const kind = file.endsWith('.whl') ? 'wheel' : 'sdist'
    return await describeDifference(ours, theirs, kind, file, new AbortController().signal)
  } finally {
    for (const each of opened) each.close()
  }
}

/** What is said of members agrees with what another reader finds in the two files. */
async function assertTrue(sentence: string, original: Buffer, { file, bytes }: Case): Promise<void> {
  const read = file.endsWith('.tar.gz') ? readByTarStream : readByYauzl
  const isSame = /^(the same|no byte)/.test(sentence)
  let others = 0
  for (const name of MEMBERS[file] ?? []) {
    const [before, after] = [await read(original, name), await read(bytes, name).catch(() => [])]
    const isEqual =
      before.length === after.length &&
      before.every((content, index) => content.equals(after[index] ?? Buffer.alloc(0)))
    if (!isEqual) others += 1
  }
  if (isSame) assert.equal(others, 0, sentence)
  const [, differing] = /^(\d+) of \d+ members? differs?: /.exec(sentence) ?? []
  if (others > 0) assert.ok(differing !== undefined || / only (in this file|on the index)/.test(sentence), sentence)
}

async function runCase(
  number: number,
  directory: string,
  tally: { accepted: number; refused: Record<string, number> },
) {
  const mutated = caseOf(number)
  const original = originalOf(mutated.file, number)
  cost.bytes = 0
  cost.reads = 0
  const sentence = await compare(original, mutated, directory)
  assert.ok(sentence.length > 0 && sentence.length < 300 && !/[\p{Cc}\p{Cf}]/u.test(sentence), sentence)
  const size = original.length + mutated.bytes.length
  assert.ok(cost.bytes <= 10 * size + 1024, `${cost.bytes} bytes were read of ${size}`)
  assert.ok(cost.reads <= size / 8 + 128, `${cost.reads} reads of ${size} bytes`)
  const [refusal] = /^the index's file is (no archive that can be read|not compared)/.exec(sentence) ?? []
  if (refusal !== undefined) {
    tally.refused[refusal] = (tally.refused[refusal] ?? 0) + 1
    return
  }
  await assertTrue(sentence, original, mutated)
  tally.accepted += 1
}

async function run(from: number, to: number): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'comparisons-'))
  const tally = { accepted: 0, refused: {} }
  try {
    for (let number = from; number < to; number += 1) {
      process.send?.({ number })
      await runCase(number, directory, tally).catch((error: unknown) => {
        throw new Error(`case ${number}: ${error}`)
      })
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  const peakMemory = process.resourceUsage().maxRSS * 1024
  process.send?.({ tally: { ...tally, peakMemory } satisfies Tally })
}

await run(Number(process.argv[2]), Number(process.argv[3]))
process.disconnect?.()
