import type { Answer } from './answer.ts'

/** Where a redirect leads (RFC 9110, 10.2.2: also relative to the request's URL); undefined where it cannot be read. */
export function redirectTarget({ headers }: Answer, url: URL): URL | undefined {
  const location = headers.get('location')
  if (location === undefined || !URL.canParse(location, url.href)) return undefined
  const target = new URL(location, url)
  return /^https?:$/.test(target.protocol) ? target : undefined
}

/**
 * The one redirect that an upload follows: 307 or 308, which keep method and body, on the same origin, since nothing may
 * be sent to another one. 301 to 303 would become a GET, whose 200 looks like success.
 */
export function repeatableTarget(answer: Answer, url: URL): URL | undefined {
  if (answer.status !== 307 && answer.status !== 308) return undefined
  const target = redirectTarget(answer, url)
  return target !== undefined && target.origin === url.origin && !leadsToLogin(target, url) ? target : undefined
}

/** Parts of paths and host names at which people log in (`/my.policy`: F5 APM). */
const LOGIN = /(?:^|[/.])(?:log-?in|sign-?in|sso|saml2?|oauth2?|oidc|authorize|adfs|auth|idp|my\.policy)(?:$|[/.])/i

/**
 * Whether a redirect of a request to `url` asks a person to log in. Parts of the path and a host name count only where
 * the request had them not: an index may lie below `/auth/`, and a project be called `login`.
 */
export function leadsToLogin(target: URL, url: URL): boolean {
  const asked = new Set(url.pathname.toLowerCase().split('/'))
  const others = target.pathname.split('/').filter((part) => !asked.has(part.toLowerCase()))
  return LOGIN.test(others.join('/')) || (target.origin !== url.origin && LOGIN.test(target.hostname))
}
