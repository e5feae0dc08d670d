/** Where `scripts/interop.mjs` put what these tests run. */
import path from 'node:path'

/** Python with twine, pip, uv, pypiserver, devpi-server and pypiron. */
export const python = named('INTEROP_PYTHON')
/** A second Python environment, with Pulp. */
export const pulpPython = named('INTEROP_PULP_PYTHON')
/** Folder of PostgreSQL's programs. */
export const postgres = named('INTEROP_POSTGRES')
export const nginx = named('INTEROP_NGINX')
export const act = named('INTEROP_ACT')
export const apache = named('INTEROP_APACHE')
/** Folder of Apache's modules. */
export const apacheModules = named('INTEROP_APACHE_MODULES')
export const haproxy = named('INTEROP_HAPROXY')
export const stunnel = named('INTEROP_STUNNEL')
export const openssl = named('INTEROP_OPENSSL')
/** Folder of real wheels and sdists. */
export const distributions = named('INTEROP_DISTRIBUTIONS')
/** The action as users get it: `action.yml` and `dist/`. */
export const actionDir = path.resolve(import.meta.dirname, '../../..')

/** A program that the Python environment brings, for example `devpi-server`. */
export function pythonProgram(name: string): string {
  return path.join(path.dirname(python), name)
}

function named(variable: string): string {
  const value = process.env[variable]
  if (value === undefined) throw new Error(`${variable} is not set: run these tests by "npm run test:interop"`)
  return value
}
