import type { ErrorCode } from '../errors.ts'

/**
 * What a repair changes, and so what brings it in: `setting` (secrets, variables and everything outside of the
 * repository: the same run again reads it anew), `workflow` (the workflow file or a secret: a re-run keeps the old file),
 * `files` (the distributions: they have to be built again).
 */
export interface Repair {
  readonly what: string
  readonly changes: 'setting' | 'workflow' | 'files'
}

const PAIR =
  'the secrets behind `client-cert` and `client-key`, whole and both together; the next run reads the new values'

/** By code, or by the beginning of several: the first that fits counts. */
const REPAIRS: readonly (readonly [string, Repair['changes'], string])[] = [
  ['E_INPUT_FILE', 'workflow', 'the path in the input that is named, or the step that should have written the file'],
  ['E_INPUT_FORMAT', 'setting', 'the secret or file behind the input that is named, stored again as a whole'],
  ['E_INPUT_TRUNCATED', 'setting', 'the secret or file behind the input that is named, stored again as a whole'],
  ['E_INPUT_', 'workflow', 'the line of the input that is named, or the secret or variable behind it'],
  ['E_RUN_UNTRUSTED_EVENT', 'workflow', 'the trigger (`on:`) of the workflow'],
  ['E_RUN_CANCELLED', 'setting', 'nothing, the run was stopped from outside'],
  ['E_RUN_', 'setting', 'nothing of yours; report this fault of the action with the debug log'],
  ['E_MATERIAL_', 'setting', 'the temporary directory of the runner, or its file system in memory'],
  ['E_KEY_PASSPHRASE_', 'setting', 'the secret behind `client-key-passphrase`; the next run reads the new value'],
  ['E_CERT_UNKNOWN_ISSUER', 'setting', `\`client-ca-bundle\`, or ${PAIR}`],
  ['E_CERT_', 'setting', PAIR],
  ['E_CRL_', 'setting', 'the text or file behind `client-crl`, stored again as a whole'],
  ['E_KEY_', 'setting', PAIR],
  ['E_CA_', 'setting', 'the text or file behind the CA bundle that is named, stored again as a whole'],
  ['E_DIST_NONE', 'workflow', '`packages-dir` or `files`, or the job that should have built the distributions'],
  ['E_DIST_PATTERN', 'workflow', 'the lines of `files`'],
  ['E_DIST_FILE', 'workflow', '`packages-dir` or `files`, or the file that is named'],
  ['E_DIST_LINK', 'workflow', 'what lies in `packages-dir`, or the lines of `files`'],
  ['E_DIST_STRAY', 'workflow', 'what lies in `packages-dir`, or the lines of `files`'],
  ['E_DIST_DUPLICATE', 'workflow', 'what lies in `packages-dir`, or the lines of `files`'],
  ['E_DIST_CHANGED', 'setting', 'whatever writes to the files while they are published'],
  ['E_DIST_', 'files', 'the build of the files that are named'],
  ['E_EXPECTED_', 'files', 'the build, or the `expected-` input that it does not agree with'],
  ['E_NETWORK_', 'workflow', 'the way from this runner to the index (DNS, firewall), or `repository-url`'],
  ['E_PROXY_', 'setting', 'the proxy (`https_proxy` and `no_proxy` of this runner), or its rules'],
  ['E_TLS_NOT_TLS', 'workflow', 'host and port in `repository-url`'],
  ['E_TLS_VERSION', 'workflow', '`tls-min-version` and `tls-max-version`, or the TLS versions of the server'],
  ['E_TLS_SERVER_NAME', 'workflow', 'the host in `repository-url`, or the certificate of the server'],
  ['E_TLS_SERVER_', 'workflow', '`ca-bundle`, or the certificate of the server'],
  ['E_TLS_INSPECTED', 'setting', 'the proxy that breaks TLS open: it has to let this host pass unopened'],
  ['E_TLS_CLIENT_NOT_ASKED', 'workflow', 'the server, which has to ask for client certificates, or `repository-url`'],
  ['E_TLS_CLIENT_', 'setting', `what the server trusts and revokes, or ${PAIR}`],
  ['E_TLS_', 'workflow', '`repository-url`, or the TLS settings of the server'],
  ['E_INDEX_UNPROVEN', 'workflow', '`check-url`, which needs the address of the simple index'],
  ['E_INDEX_LOOKUP', 'workflow', '`check-url`, or what this user or certificate may read on the index'],
  ['E_INDEX_CONFLICT', 'files', 'the version, since the index keeps what it has under a name'],
  [
    'E_INDEX_',
    'setting',
    'nothing, if the files are on the index; else `check-url`, which may be `off` or the address of another index',
  ],
  ['E_HTTP_CLIENT_CERT_', 'setting', `what the server trusts and revokes, or ${PAIR}`],
  [
    'E_HTTP_UNAUTHORIZED',
    'setting',
    'the secrets behind `user` and `password`, or the account that the index gives this certificate',
  ],
  ['E_HTTP_FORBIDDEN', 'setting', 'the permissions of this user or certificate on the index'],
  ['E_HTTP_EXISTS', 'files', 'nothing, if the index has these very bytes; else the version'],
  ['E_HTTP_TOO_LARGE', 'setting', 'the size limit of the index or of what stands in front of it'],
  ['E_HTTP_TOO_MANY_REQUESTS', 'setting', 'nothing, but wait as long as the index says'],
  ['E_HTTP_NOT_FOUND', 'workflow', '`repository-url`'],
  ['E_HTTP_REDIRECT', 'workflow', '`repository-url` or `check-url`, whichever the message names'],
  ['E_HTTP_LOGIN_PAGE', 'workflow', '`repository-url`, which must be an address without a login for people'],
  ['E_HTTP_BLOCKED', 'setting', 'the rule of the firewall in front of the index'],
  ['E_HTTP_MISDIRECTED', 'workflow', 'the host in `repository-url`'],
  ['E_HTTP_NOT_HTTP', 'workflow', 'host and port in `repository-url`'],
  ['E_HTTP_REJECTED', 'files', 'the files or the settings of the index, as its words say'],
  [
    'E_HTTP_',
    'setting',
    'nothing of yours at first; the log of the index, or of what stands in front of it, has the reason',
  ],
]

/** What has to be mended for one code. */
export function repairOf(code: ErrorCode): Repair {
  const [, changes = 'setting', what = 'what the message names'] =
    REPAIRS.find(([start]) => code.startsWith(start)) ?? []
  return { what, changes }
}
