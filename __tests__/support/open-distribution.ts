/** A distribution that is open for its upload, without an archive in it: what an index does with it is another matter. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Distribution } from '../../src/distributions/distribution.ts'
import { FileDigests, Hasher } from '../../src/distributions/hashing.ts'
import { OpenFile } from '../../src/distributions/open-file.ts'

export interface OpenDistributionOptions {
  /** Base name; `.tar.gz` makes it an sdist. */
  readonly file?: string
  readonly project?: string
  readonly version?: string
  readonly bytes?: Buffer
  readonly description?: string
}

export interface OpenDistribution {
  readonly distribution: Distribution
  /** Lower-case hex. */
  readonly sha256: string
  /** Where the file lies. */
  readonly path: string
  /** Closes and removes the file. */
  remove(): void
}

export function openDistribution(options: OpenDistributionOptions = {}): OpenDistribution {
  const { project = 'demo', version = '1.0', bytes = Buffer.from('some bytes'), description = 'A text.\n' } = options
  const { file = `${project}-${version}-py3-none-any.whl` } = options
  const directory = mkdtempSync(join(tmpdir(), 'open-distribution-'))
  const path = join(directory, file)
  writeFileSync(path, bytes)
  const content = OpenFile.open(path, file)
  const sdist = file.endsWith('.tar.gz')
  const fields = new Map([
    ['metadata-version', ['2.1']],
    ['name', [project]],
    ['version', [version]],
    ['description', [description]],
  ])
  const hasher = new Hasher(false, new AbortController().signal)
  const distribution: Distribution = {
    file,
    shown: `dist/${file}`,
    kind: sdist ? 'sdist' : 'wheel',
    project,
    version,
    pythonVersion: sdist ? 'source' : 'py3',
    size: bytes.length,
    digests: new FileDigests(() => hasher.hash(content)),
    metadata: { name: project, version, metadataVersion: '2.1', fields, malformed: new Map() },
    warnings: [],
    content,
  }
  return {
    distribution,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    path,
    remove() {
      content.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
