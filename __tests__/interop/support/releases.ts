/** Real releases, each built by another build back end, whose wheel and sdist the tests publish. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { distributions } from './programs.ts'

export interface ReleaseFile {
  readonly name: string
  readonly path: string
  /** Lower-case hex. */
  readonly sha256: string
}

/** Of all that was fetched: what each back end calls its project in file names. */
const STEMS = [
  'six-', // setuptools, before metadata 2.4
  'zope_event-', // setuptools, and a name with a dot
  'pbr-', // setuptools with pbr
  'typing_extensions-', // flit
  'hatchling-', // hatchling
  'tomlkit-', // poetry-core
  'typer-', // pdm-backend
  'narwhals-', // uv_build
  'rpds_py-', // maturin
  'siphash24-', // meson-python
  'levenshtein-', // scikit-build-core
]

/** Two files each, in the order of their names. */
export const RELEASES: readonly ReleaseFile[] = readdirSync(distributions)
  .filter((name) => STEMS.some((stem) => name.startsWith(stem)))
  .sort()
  .map((name) => {
    const file = path.join(distributions, name)
    return { name, path: file, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') }
  })
