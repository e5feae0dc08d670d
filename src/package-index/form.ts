import type { Digests } from '../distributions/digest.ts'
import type { Distribution } from '../distributions/distribution.ts'

/** The form names that are not the field's own name with underscores; other repeated fields keep their singular. */
const FORM_NAMES: ReadonlyMap<string, string> = new Map([
  ['classifier', 'classifiers'],
  ['project-url', 'project_urls'],
])

/**
 * The text fields of an upload form (the "legacy" API of PyPI, which private indexes copy), without the file itself.
 * Equal to what twine 7 sends, as a multimap, with these exceptions: a folded Description is unfolded and `UNKNOWN` is
 * left out (both by the metadata's reader), `import_name` and `import_namespace` are sent, `requires_python` is always
 * there, and blake2 is not. The values are text as it goes on the wire: no line end may be changed.
 */
export function formFields(
  { metadata, kind, pythonVersion }: Distribution,
  { sha256, md5 }: Digests,
): readonly (readonly [name: string, value: string])[] {
  const fields: [string, string][] = [
    [':action', 'file_upload'],
    ['protocol_version', '1'],
    ['filetype', kind === 'wheel' ? 'bdist_wheel' : 'sdist'],
    ['pyversion', pythonVersion],
  ]
  for (const [name, values] of metadata.fields) {
    if (name === 'license-file' && !hasLicenseFiles(metadata.metadataVersion)) continue
    for (const value of values) fields.push([formName(name), name === 'name' ? displayName(value) : value])
  }
  // GitLab refuses a form without it; PyPI takes the empty text for absent.
  if (!metadata.fields.has('requires-python')) fields.push(['requires_python', ''])
  fields.push(['sha256_digest', sha256])
  if (md5 !== undefined) fields.push(['md5_digest', md5])
  return fields
}

function formName(field: string): string {
  return FORM_NAMES.get(field) ?? field.replaceAll('-', '_')
}

/** Neither raw nor normalised: indexes show the project under this name, and twine's users are used to it. */
function displayName(name: string): string {
  return name.replace(/[^A-Za-z0-9.]+/g, '-')
}

/** setuptools wrote License-File years before metadata 2.4 defined it (PEP 639): until then it is not sent. */
function hasLicenseFiles(metadataVersion: string | undefined): boolean {
  const [major = 0, minor = 0] = (metadataVersion ?? '').split('.').map(Number)
  return major > 2 || (major === 2 && minor >= 4)
}
