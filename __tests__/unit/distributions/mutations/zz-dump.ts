import { mkdirSync, writeFileSync } from 'node:fs'
import { caseOf } from './cases.ts'
import { OpenFile } from '../../../../src/distributions/open-file.ts'
import { parseWheelFilename } from '../../../../src/distributions/filename.ts'
import { readSdist } from '../../../../src/distributions/sdist.ts'
import { readWheel } from '../../../../src/distributions/wheel.ts'
import { parseCoreMetadata } from '../../../../src/distributions/metadata.ts'
import { checkCoreMetadata } from '../../../../src/distributions/metadata-rules.ts'
const out = '/tmp/roomb-dump'
mkdirSync(out, { recursive: true })
const lines: string[] = []
for (let n = Number(process.argv[2]); n < Number(process.argv[3]); n++) {
  const c = caseOf(n)
  const p = `${out}/${n}-${c.file}`
  writeFileSync(p, c.bytes)
  const open = OpenFile.open(p, c.file)
  let raw: Buffer | undefined, member = ''
  try {
    if (c.file.endsWith('.whl')) { raw = (await readWheel(open, parseWheelFilename(c.file), { verifyMetadata: true })).metadata; member = 'demo-1.0.dist-info/METADATA' }
    else { const s = await readSdist(open, { verifyMetadata: true }); raw = s.metadata; member = s.root + '/PKG-INFO' }
  } catch { }
  open.close()
  if (raw) {
    let fields: unknown = null, faults: unknown = null, malformed: unknown = null
    try { const m = parseCoreMetadata(raw, 'x'); fields = Object.fromEntries(m.fields); malformed = Object.fromEntries(m.malformed); faults = checkCoreMetadata(m).faults } catch (e) { faults = String(e) }
    lines.push(JSON.stringify({ file: p, raw: raw.toString('base64'), member, fields, faults, malformed }))
  } else { const { unlinkSync } = await import('node:fs'); unlinkSync(p) }
}
writeFileSync(`${out}/cases.jsonl`, lines.join('\n'))
console.log(lines.length)
