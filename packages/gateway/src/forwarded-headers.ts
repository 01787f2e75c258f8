import type { ReceivedMessage } from '@countersign/httpsig'
import { isSigned } from '@countersign/httpsig/internal'
import { AAuthError, authorityOf } from '@countersign/protocol'
import { schemeOf } from '@countersign/protocol/internal'
import { hindersProjection } from '@countersign/resource/internal'
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

/** Headers that make some servers serve another request than the one that was judged. */
const overrides: readonly string[] = [
  'x-original-url',
  'x-original-host',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
]

/** Headers that only the gateway may send to an upstream. */
const inboundOnly: ReadonlySet<string> = new Set([
  ...hopByHop,
  ...overrides,
  'host',
  'content-length',
  'expect',
  'signature',
  'signature-input',
  'signature-key',
  // The signer that Web Bot Auth names: without its signature, a claim that any caller can make.
  'signature-agent',
  'forwarded',
])

/**
 * The header lines of a verified request for the upstream: without hop-by-hop headers, the signature, and any inbound copy of the
 * gateway's facts; with the verified facts and the origin of the request.
 * @param facts the facts that the gateway vouches for; none when it only observes
 * @param called.id the identifier under which the gateway was called
 * @param called.from the caller's address, if known
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

/** Those of a request whose answer is judged here: the API must answer with the whole, in no content coding. */
export function askingWhole(lines: ReadonlyArray<Line>): Line[] {
  return [...lines.filter(([name]) => !hindersProjection(plainName(name))), ['Accept-Encoding', 'identity']]
}

/**
 * Refuses a signed request whose `Connection` names a field that is not hop-by-hop. The gateway would have to drop that field, and
 * no signature covers `Connection`: an attacker on the way could remove signed fields from the request with it.
 * @throws AAuthError `invalid_request`
 */
export function checkConnection(message: ReceivedMessage): void {
  if (!isSigned(message)) return
  const named = connectionNamed(message.headers)
  for (const [name] of message.headers) {
    const plain = plainName(name)
    if (named.has(plain) && !hopByHop.includes(plain))
      throw new AAuthError('invalid_request', 'Connection names a field that is not of this hop', {
        reason: 'header_ambiguous',
      })
  }
}

/**
 * The headers of a request, in lower case, that the API could take for facts (SIG-21).
 * @param names headers of the facts, whose inbound copies are replaced anyway
 */
export function claimsIn({ headers }: ReceivedMessage, names: readonly string[]): ReadonlySet<string> {
  const known = new Set(names.map(name => name.toLowerCase()))
  const brought = headers.map(([name]) => name.toLowerCase())
  return new Set(brought.filter(name => isOurs(plainName(name)) && !known.has(name)))
}

/**
 * Whether a header that a gateway drops, but another proxy may forward, could make the API serve another method or path than was
 * judged, or use another digest than the signed one.
 */
export function asksForAnother({ headers }: ReceivedMessage): boolean {
  return headers.some(([name]) => {
    const plain = plainName(name)
    return overrides.includes(plain) || (plain === 'content-digest' && name.toLowerCase() !== plain)
  })
}

/** The headers of an upstream's response for the caller. */
export function responseHeaders(raw: readonly string[]): Headers {
  const lines: Line[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) lines.push([raw[at] ?? '', raw[at + 1] ?? ''])
  const named = connectionNamed(lines)
  const headers = new Headers()
  for (const [name, value] of lines) {
    const plain = plainName(name)
    // The upstream does not speak AAuth: a challenge or fact in its response may be text of an attacker.
    if (hopByHop.includes(plain) || named.has(plain) || isOurs(plain) || plain === 'agent-auth') continue
    headers.append(name, value)
  }
  return headers
}

/** The name in the form that CGI and WSGI servers make equal: `AAuth_Level`, for some also `AAuth.Level`, is `AAuth-Level` (SIG-21). */
export function plainName(name: string): string {
  const lower = name.toLowerCase()
  // All names that are looked for are shorter.
  return lower.slice(0, 64).replace(/[^a-z0-9]/g, '-') + lower.slice(64)
}

/**
 * The headers that an operator wants dropped, in the form of {@link plainName}.
 * @throws TypeError for an invalid header name, and for a header that describes the body
 */
export function droppedHeaders(names: readonly string[]): ReadonlySet<string> {
  for (const name of names)
    if (!/^[\w!#$%&'*+.^`|~-]{1,64}$/.test(name) || needed.has(plainName(name)))
      throw new TypeError('dropHeaders has an invalid header name, or a header that describes the body')
  return new Set(names.map(plainName))
}

const needed: ReadonlySet<string> = new Set(['content-type', 'content-encoding', 'content-length', 'content-digest'])

function isOurs(plain: string): boolean {
  return plain.startsWith('aauth-')
}

function connectionNamed(lines: ReadonlyArray<Line>): ReadonlySet<string> {
  const values = lines.filter(([name]) => plainName(name) === 'connection').map(([, value]) => value)
  // Each name is read once: reading a name costs more than sending it.
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
