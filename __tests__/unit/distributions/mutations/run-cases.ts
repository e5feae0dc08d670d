/**
 * A process that reads the cases of the numbers `from` to `to - 1`: `node run-cases.ts from to`. Before each case it
 * sends the number to its parent; at the end the count of what was accepted and refused, or what went wrong.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  checkFileName,
  mismatches,
  parseSdistFilename,
  parseWheelFilename,
} from '../../../../src/distributions/filename.ts'
import { type CoreMetadata, parseCoreMetadata } from '../../../../src/distributions/metadata.ts'
import { checkCoreMetadata } from '../../../../src/distributions/metadata-rules.ts'
import { OpenFile } from '../../../../src/distributions/open-file.ts'
import { readSdist } from '../../../../src/distributions/sdist.ts'
import { readWheel } from '../../../../src/distributions/wheel.ts'
import { PublishError, problemsOf } from '../../../../src/errors.ts'
import { readByTarStream, readByYauzl } from '../../../support/independent-readers.ts'
import type { Tally } from '../../../support/mutation-process.ts'
import { type Case, caseOf } from './cases.ts'

const LONGEST_METADATA = 8 * 1024 ** 2

/** What the cases came to so far. */
interface Results {
  accepted: number
  /** By error code. */
  readonly refused: Record<string, number>
}

/** What reading one file took of it. */
interface Cost {
  bytes: number
  reads: number
}

const cost: Cost = { bytes: 0, reads: 0 }
const readSync = OpenFile.prototype.readSync
OpenFile.prototype.readSync = function counted(this: OpenFile, position: number, length: number): Buffer {
  const bytes = readSync.call(this, position, length)
  cost.reads += 1
  cost.bytes += bytes.length
  return bytes
}

interface Reading {
  /** Core metadata, byte for byte. */
  readonly raw: Buffer
  readonly metadata: CoreMetadata
  /** The name of the member that holds it. */
  readonly member: string
}

/** Reads a case as a run does. */
async function read({ file, bytes }: Case, target: string): Promise<Reading> {
  writeFileSync(target, bytes)
  checkFileName(file)
  const open = OpenFile.open(target, file)
  try {
    const { raw, member } = file.endsWith('.whl') ? await wheel(open, file) : await sdist(open)
    const metadata = parseCoreMetadata(raw, file)
    checkCoreMetadata(metadata)
    const filename = file.endsWith('.whl') ? parseWheelFilename(file) : parseSdistFilename(file, metadata.name)
    for (const problem of mismatches(filename, metadata)) throw new PublishError(problem)
    return { raw, metadata, member }
  } finally {
    open.close()
  }
}

async function wheel(open: OpenFile, file: string): Promise<Pick<Reading, 'raw' | 'member'>> {
  const { metadata } = await readWheel(open, parseWheelFilename(file), { verifyMetadata: true })
  return { raw: metadata, member: 'demo-1.0.dist-info/METADATA' }
}

async function sdist(open: OpenFile): Promise<Pick<Reading, 'raw' | 'member'>> {
  const { metadata, root } = await readSdist(open, { verifyMetadata: true })
  return { raw: metadata, member: `${root}/PKG-INFO` }
}

/** Reading costs no more than the file has, a few times over. */
function assertCost({ bytes }: Case): void {
  assert.ok(cost.bytes <= 6 * bytes.length + 1024, `${cost.bytes} bytes were read of ${bytes.length}`)
  assert.ok(cost.reads <= bytes.length / 10 + 64, `${cost.reads} reads of ${bytes.length} bytes`)
}

/** The code of a refusal. Anything else that is thrown, or that a refusal hides, is a fault of the reader. */
function codeOf(error: unknown): string {
  const problems = problemsOf(error)
  for (const { code, cause, message } of problems) {
    assert.match(code, /^E_DIST_/, `${message}: ${cause}`)
    const isDefect = cause instanceof TypeError || cause instanceof RangeError || cause instanceof ReferenceError
    assert.ok(!isDefect, `${message}: ${cause}`)
    assert.ok(message.length < 2000 && !/[\0-\x1f\x7f]/.test(message), message)
  }
  return problems[0]?.code ?? ''
}

/** Another reader finds the same bytes, once; and what they say is the same when it is written again. */
async function assertRight({ file, bytes }: Case, { raw, metadata, member }: Reading): Promise<void> {
  assert.ok(raw.length <= LONGEST_METADATA)
  const found = await (file.endsWith('.tar.gz') ? readByTarStream(bytes, member) : readByYauzl(bytes, member))
  assert.equal(found.length, 1, `another reader finds ${found.length} times ${member}`)
  assert.ok(found[0]?.equals(raw), 'another reader finds other bytes')
  assert.deepEqual(parseCoreMetadata(Buffer.from(rewritten(metadata)), file).fields, metadata.fields)
}

/** Core metadata as the simplest writer would write it: each value on its header, the description below them. */
function rewritten({ fields }: CoreMetadata): string {
  const description = fields.get('description')?.[0] ?? ''
  const headers = [...fields].flatMap(([name, values]) => {
    if (name === 'description' && description !== '') return []
    return values.length === 0 ? [`${name}:`] : values.map((value) => `${name}: ${value}`)
  })
  return `${headers.join('\n')}\n\n${description}`
}

async function runCase(number: number, target: string, tally: Results): Promise<void> {
  const mutated = caseOf(number)
  cost.bytes = 0
  cost.reads = 0
  const reading = await read(mutated, target).catch((error: unknown) => codeOf(error))
  assertCost(mutated)
  if (typeof reading === 'string') {
    tally.refused[reading] = (tally.refused[reading] ?? 0) + 1
    return
  }
  await assertRight(mutated, reading)
  tally.accepted += 1
}

async function run(from: number, to: number): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'mutations-'))
  const tally: Results = { accepted: 0, refused: {} }
  try {
    for (let number = from; number < to; number += 1) {
      process.send?.({ number })
      await runCase(number, path.join(directory, 'mutated'), tally).catch((error: unknown) => {
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
