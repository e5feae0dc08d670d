/** What users of twine, uv and gh-action-pypi-publish write, and what it is called here. */

const TOKEN = 'a token is the `password` here, with the user name that your index documents as `user`'

/** By their newer spelling, with hyphens. */
const INPUTS: ReadonlyMap<string, string> = new Map([
  ['username', 'this action calls it `user`'],
  ['repository', 'this action takes the whole URL as `repository-url`'],
  ['index-url', 'this action takes the upload URL as `repository-url`'],
  ['publish-url', 'this action calls it `repository-url`'],
  ['url', 'this action calls it `repository-url`'],
  ['packages', 'this action calls it `packages-dir` (a directory) or `files` (patterns)'],
  ['dist', 'this action calls it `packages-dir`'],
  ['token', TOKEN],
  ['api-token', TOKEN],
  ['bearer-token', 'this version sends HTTP Basic only: `user` and `password`'],
  ['cert', 'the CAs of the server are `ca-bundle` here, the client certificate is `client-cert`'],
  ['certificate', 'the client certificate is `client-cert` here'],
  ['client-certificate', 'this action calls it `client-cert`'],
  ['key', 'the private key is `client-key` here'],
  ['private-key', 'this action calls it `client-key`'],
  ['passphrase', 'this action calls it `client-key-passphrase`'],
  ['ca-cert', 'this action calls it `ca-bundle`'],
  ['index', 'the simple index is `check-url` here, the upload URL `repository-url`'],
  ['attestations', 'this version attaches no attestations; remove the input'],
  ['verbose', 'the log is always complete; remove the input'],
  ['print-hash', 'the digests stand in the summary and in the output `files`; remove the input'],
])

/**
 * Advice for an input that is none of `ours`, as the end of a sentence; undefined for a name that nobody else has either.
 * Underscores are the older spelling: `packages_dir` is `packages-dir`.
 */
export function adviceFor(name: string, ours: readonly string[]): string | undefined {
  const spelled = name.replaceAll('_', '-')
  return ours.includes(spelled) ? `this action calls it \`${spelled}\`` : INPUTS.get(spelled)
}

/** twine's variables that name a target or an identity: silently ignored they would surprise. By our input. */
const VARIABLES: ReadonlyMap<string, readonly string[]> = new Map([
  ['repository-url', ['TWINE_REPOSITORY_URL', 'TWINE_REPOSITORY']],
  ['client-cert', ['TWINE_CLIENT_CERT']],
  ['user', ['TWINE_USERNAME']],
  ['password', ['TWINE_PASSWORD']],
])

/** Names of the variables that are set and mean what `input` means here. */
export function variablesLike(input: string, env: NodeJS.ProcessEnv): readonly string[] {
  return (VARIABLES.get(input) ?? []).filter((name) => (env[name] ?? '') !== '')
}
