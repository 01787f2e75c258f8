import { isTrueALabel } from '#a-label'

/** The well-known documents of participants. */
export type WellKnownDocument = 'aauth-agent' | 'aauth-resource' | 'aauth-issuer'

/** How strictly identifiers are read. */
export interface IdentifierOptions {
  /** Admits `http` for loopback hosts, and IP addresses. Default: false. */
  readonly development?: boolean
}

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const origin = new RegExp(`^(https?)://(${label}(?:\\.${label})*|\\[[0-9a-f:.]+\\])(?::([1-9][0-9]{0,4}))?$`)
// Browsers and resolvers read any host that ends in a number as an IPv4 address: 127.1, 2130706433, 0x7f.1.
const numericHost = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/
const loopbackHost = /^(?:localhost|127(?:\.(?:0|[1-9][0-9]{0,2})){3}|\[::1\])$/

/**
 * Tells whether a value is an identifier: `https://host` or `https://host:port` in canonical spelling. Identifiers are never
 * normalised: two are equal when their strings are equal. In browsers the URL parser of the browser decides on `xn--` labels.
 * @see protocol §2
 */
// unchecked options options: its one member allows more, so a slip of it allows less; called for each name
export function isIdentifier(value: unknown, options: IdentifierOptions = {}): value is string {
  // 275: the longest DNS name (253), scheme and port
  if (typeof value !== 'string' || value.length > 275) return false
  const [, scheme, host, port] = origin.exec(value) ?? []
  if (scheme === undefined || host === undefined || host.length > 253) return false // id.canonical
  // id.canonical
  if (port !== undefined && (Number(port) > 65535 || port === (scheme === 'https' ? '443' : '80'))) return false
  const isAddress = host.startsWith('[') || numericHost.test(host)
  if (scheme === 'http' && !(options.development && loopbackHost.test(host))) return false // id.development.explicit
  if (isAddress && !options.development) return false // id.ip
  // Only the URL parser knows whether an xn-- label is a true A-label and an address is in its canonical form.
  if (isAddress) return isCanonical(value)
  return host.includes('xn--') ? isCanonical(value) && isTrueALabel(host) : true
}

function isCanonical(value: string): boolean {
  try {
    return new URL(value).origin === value
  } catch {
    return false
  }
}

/** The URL of a participant's document. */
export function wellKnownUrl(id: string, document: WellKnownDocument): string {
  return `${id}/.well-known/${document}`
}

/** The scheme of an identifier; `http` only in development. */
export function schemeOf(id: string): 'https' | 'http' {
  return id.startsWith('http://') ? 'http' : 'https'
}

/** Host and port of an identifier, as in `@authority`. */
export function authorityOf(id: string): string {
  return id.slice(schemeOf(id).length + '://'.length)
}
