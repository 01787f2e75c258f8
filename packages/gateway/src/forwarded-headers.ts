import { isSigned, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError, authorityOf, schemeOf } from '@countersign/protocol'
import { isProxyClaim } from './claimed-headers.js'
import type { Line } from './identity.js'

const hopByHop: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]

/** What makes some servers take a request for another than the one that was judged. */
const overrides: readonly string[] = [
  'x-original-url',
  'x-original-host',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
]

/** What an upstream must learn from the gateway or not at all. */
const inboundOnly: ReadonlySet<string> = new Set([
  ...hopByHop,
  ...overrides,
  'host',
  'content-length',
  'expect',
  'signature',
  'signature-input',
  'signature-key',
  // Whom a signature of Web Bot Auth is said to be of: without that signature, anybody's claim.
  'signature-agent',
  'forwarded',
])

/**
 * The header lines of a verified request as they go upstream: what concerned this hop, the signature, and every inbound
 * copy of what the gateway vouches for are gone; the verified facts, and where the request came from, are added.
 * @param facts what the gateway vouches for; nothing where it only observes
 * @param called.id the identifier under which the gateway was called
 * @param called.from the address it was called from, as far as known
 * @param called.drop further headers that do not go upstream, as `plainName` has them
 */
export function requestHeaders(
  message: ReceivedMessage,
  facts: readonly Line[],
  called: { readonly id: string; readonly from: string | undefined; readonly drop: ReadonlySet<string> },
): Line[] {
  const named = connectionNamed(message.headers)
  const kept = message.headers.filter(([name]) => {
    const plain = plainName(name)
    return (
      !name.startsWith(':') &&
      !inboundOnly.has(plain) &&
      !named.has(plain) &&
      !isOurs(plain) &&
      !isProxyClaim(plain) &&
      !called.drop.has(plain)
    )
  })
  const length: Line[] = hasLength(message) ? [['Content-Length', String(message.body?.length ?? 0)]] : []
  return [...kept, ...length, ...originHeaders(called), ...facts]
}

/**
 * Refuses a signed request whose `Connection`, which no signature covers, names a field that is not of this hop: it would
 * have to be left out, and whoever is on the way could so take from the request what its signature says is there.
 * @throws AAuthError `invalid_request`
 */
export function checkConnection(message: ReceivedMessage): void {
  if (!isSigned(message)) return
  const named = connectionNamed(message.headers)
  for (const [name] of message.headers) {
    const plain = plainName(name)
    if (named.has(plain) && !hopByHop.includes(plain))
      throw new AAuthError('invalid_request', 'Connection names a field that is not of this hop')
  }
}

/**
 * The names, in lower case, under which a request brings what the API could take for a fact (SIG-21).
 * @param names of the facts, whose inbound copies are replaced
 */
export function claimsIn({ headers }: ReceivedMessage, names: readonly string[]): ReadonlySet<string> {
  const known = new Set(names.map(name => name.toLowerCase()))
  const brought = headers.map(([name]) => name.toLowerCase())
  return new Set(brought.filter(name => isOurs(plainName(name)) && !known.has(name)))
}

/**
 * Whether something that a gateway leaves out, and that another who passes the request on leaves in, could make the API serve
 * another method or path than was judged, or take something else for the signed digest of a body.
 */
export function asksForAnother({ headers }: ReceivedMessage): boolean {
  return headers.some(([name]) => {
    const plain = plainName(name)
    return overrides.includes(plain) || (plain === 'content-digest' && name.toLowerCase() !== plain)
  })
}

/** The header lines of an upstream's answer as they go to the caller. */
export function responseHeaders(raw: readonly string[]): Headers {
  const lines: Line[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) lines.push([raw[at] ?? '', raw[at + 1] ?? ''])
  const named = connectionNamed(lines)
  const headers = new Headers()
  for (const [name, value] of lines) {
    const plain = plainName(name)
    // The upstream knows nothing of AAuth: a challenge or a fact in its answer is somebody else's text.
    if (hopByHop.includes(plain) || named.has(plain) || isOurs(plain) || plain === 'agent-auth') continue
    headers.append(name, value)
  }
  return headers
}

/** `AAuth_Level` is `AAuth-Level` behind a CGI or WSGI server, to some of them `AAuth.Level` too (SIG-21). */
export function plainName(name: string): string {
  const lower = name.toLowerCase()
  // No name that is known here is longer; what follows need not be read.
  return lower.slice(0, 64).replace(/[^a-z0-9]/g, '-') + lower.slice(64)
}

/**
 * Names of headers that an operator wants dropped, as {@link plainName} has them.
 * @throws TypeError for what is no name of a header, and for one without which a request would be another
 */
export function droppedHeaders(names: readonly string[]): ReadonlySet<string> {
  for (const name of names)
    if (!/^[\w!#$%&'*+.^`|~-]{1,64}$/.test(name) || needed.has(plainName(name)))
      throw new TypeError('dropHeaders has a name that is no header, or one that belongs to the body')
  return new Set(names.map(plainName))
}

const needed: ReadonlySet<string> = new Set(['content-type', 'content-encoding', 'content-length', 'content-digest'])

function isOurs(plain: string): boolean {
  return plain.startsWith('aauth-')
}

function connectionNamed(lines: ReadonlyArray<Line>): ReadonlySet<string> {
  const values = lines.filter(([name]) => plainName(name) === 'connection').map(([, value]) => value)
  // Each once: a name costs more to read than a comma to send.
  const names = new Set(values.flatMap(value => value.split(',')))
  return new Set([...names].map(name => plainName(name.trim())))
}

function hasLength({ method, body }: ReceivedMessage): boolean {
  return (body !== undefined && body.length > 0) || method === 'POST' || method === 'PUT' || method === 'PATCH'
}

function originHeaders({ id, from }: { readonly id: string; readonly from: string | undefined }): Line[] {
  const line: Line[] = from === undefined ? [] : [['X-Forwarded-For', from]]
  return [...line, ['X-Forwarded-Host', authorityOf(id)], ['X-Forwarded-Proto', schemeOf(id)]]
}
