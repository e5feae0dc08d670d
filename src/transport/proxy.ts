import { BlockList, isIP, isIPv4 } from 'node:net'
import { PublishError } from '../errors.ts'
import { printable } from '../text.ts'

/** Values of `https_proxy` and `no_proxy`, as the environment has them. */
export interface ProxyVariables {
  readonly httpsProxy: string | undefined
  readonly noProxy: string | undefined
}

/**
 * The proxy for an https URL, or undefined where it is reached directly. `https_proxy` may lack its scheme, as curl
 * allows (`proxy:3128`). `no_proxy` is a list with commas or blanks of exact hosts, `.suffix`, `*.suffix`, `host:port`,
 * IP addresses, CIDR blocks, or `*`; no name is resolved for it. E_INPUT_INVALID for a proxy URL that cannot be read.
 */
export function proxyFor(url: URL, { httpsProxy, noProxy }: ProxyVariables): URL | undefined {
  const given = httpsProxy?.trim() ?? ''
  if (given === '' || isExcepted(url, noProxy ?? '')) return undefined
  return readProxy(given)
}

/** The value may hold a password: no sentence shows more of it than its scheme. */
function readProxy(given: string): URL {
  const text = given.includes('://') ? given : `http://${given}`
  const proxy = URL.canParse(text) ? new URL(text) : undefined
  const form = 'http://host:port or https://host:port, with user:password@ before the host where it asks for them'
  if (proxy === undefined || proxy.hostname === '') {
    throw invalid('https_proxy is no URL', `Write it as ${form}, and percent-encode what is special in a password.`)
  }
  if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') {
    const scheme = printable(proxy.protocol.slice(0, -1), 20)
    throw invalid(`https_proxy has the scheme ${scheme}: expected http or https`, `Write it as ${form}.`)
  }
  try {
    decodeURIComponent(proxy.username + proxy.password)
  } catch {
    throw invalid('user and password in https_proxy are not percent-encoded', 'Write a percent sign in them as %25.')
  }
  return proxy
}

function invalid(message: string, hint: string): PublishError {
  return new PublishError({ code: 'E_INPUT_INVALID', message: `the environment variable ${message}`, hint })
}

function isExcepted(url: URL, noProxy: string): boolean {
  const host = plainHost(url.hostname)
  const port = url.port === '' ? '443' : url.port
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry !== '' && matches(entry, host, port))
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  if (entry.includes('/')) return isIP(host) !== 0 && isInBlock(host, entry)
  const [name, ofPort] = splitPort(entry)
  if (ofPort !== undefined && ofPort !== port) return false
  if (isIP(name) !== 0) return isIP(host) !== 0 && isInBlock(host, `${name}/${isIPv4(name) ? 32 : 128}`)
  if (name.startsWith('.') || name.startsWith('*.')) return host.endsWith(name.replace(/^\*/, ''))
  return host === name
}

/** `host:port`, `[v6]:port`, `[v6]`, or an address or host alone. */
function splitPort(entry: string): [name: string, port: string | undefined] {
  const [, bracketed, ofBracketed] = /^\[([^\]]*)\](?::(\d+))?$/.exec(entry) ?? []
  if (bracketed !== undefined) return [bracketed, ofBracketed]
  const [, name, port] = /^([^:]*):(\d+)$/.exec(entry) ?? []
  return [plainHost(name ?? entry), port]
}

function isInBlock(host: string, block: string): boolean {
  const [, address = '', bits = ''] = /^\[?([^\]/]*)\]?\/(\d{1,3})$/.exec(block) ?? []
  const family = isIP(address)
  if (family === 0 || Number(bits) > (family === 4 ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  return list.check(host, isIPv4(host) ? 'ipv4' : 'ipv6')
}

/** Without the brackets of an IPv6 address and without the dot that ends an absolute name. */
export function plainHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/(.)\.$/, '$1')
}
