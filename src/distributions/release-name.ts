import { isProjectName, normalizeName } from './filename.ts'
import { parseVersion } from './version.ts'

/** What a version that people write or a release tag says. */
export interface ReleaseName {
  /** Normalised; undefined where only a version stands. */
  readonly project: string | undefined
  /** Any spelling of PEP 440. */
  readonly version: string
}

/**
 * Reads `1.2.3`, `v1.2.3`, `refs/tags/v1.2.3`, and with a project before it `demo-1.2.3`, `demo/v1.2.3`, `demo@1.2.3`.
 * A dash may stand in the project and in the version: all readings come back, the longest version first. None: the text
 * is no version.
 */
export function readReleaseName(text: string): ReleaseName[] {
  const name = text.trim().replace(/^refs\/tags\//, '')
  const whole = { project: undefined, version: name }
  const splits = [...name.matchAll(/[-/@]/g)].map(({ index }) => ({
    project: name.slice(0, index),
    version: name.slice(index + 1),
  }))
  const withProject = splits
    .filter(({ project }) => isProjectName(project))
    .map(({ project, version }) => ({ project: normalizeName(project), version }))
  return [whole, ...withProject].filter(({ version }) => parseVersion(version) !== undefined)
}
