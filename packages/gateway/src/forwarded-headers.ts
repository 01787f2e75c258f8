import type { ReceivedMessage } from '@countersign/httpsig'
import { isSigned } from '@countersign/httpsig/internal'
import { authorityOf } from '@countersign/protocol'
import { refusal, schemeOf } from '@countersign/protocol/internal'
import { hindersProjection } from '@countersign/resource/internal'
import { connectionNames, type HeaderRules, isHopByHop, isOurs, overrides, plainName } from './header-rules.js'
import type { Line } from './identity.js'

/** What a request is forwarded under. */
export interface Called {
  /** The identifier under which the gateway was called. */
  readonly id: string
  /** The caller's address, if known. */
  readonly from: string | undefined
  readonly rules: HeaderRules
}

/**
 * The header lines of a verified request for the upstream: without hop-by-hop headers, the signature, and any inbound copy of the
 * gateway's facts; with the verified facts and the origin of the request.
 * @param facts the facts that the gateway vouches for; none when it only observes
 */
export function requestHeaders(message: ReceivedMessage, facts: readonly Line[], called: Called): Line[] {
  const { rules } = called
  const named = namedIn(message, rules)
  const kept = message.headers.filter(([name]) => {
    const { toApi, plain } = rules(name)
    return toApi && !named.has(plain)
  })
  if (hasLength(message)) kept.push(['Content-Length', String(message.body?.length ?? 0)])
  kept.push(...originHeaders(called), ...facts)
  return kept
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
export function checkConnection(message: ReceivedMessage, rules: HeaderRules): void {
  if (!isSigned(message)) return
  const named = namedIn(message, rules)
  if (named.size === 0) return
  for (const [name] of message.headers) {
    const { plain } = rules(name)
    if (named.has(plain) && !isHopByHop(plain))
      throw refusal('header_ambiguous', { about: 'Connection names a field that is not of this hop' })
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

/** The names that `Connection` has. */
function namedIn({ headers }: ReceivedMessage, rules: HeaderRules): ReadonlySet<string> {
  const values: string[] = []
  for (const [name, value] of headers) if (rules(name).isConnection) values.push(value)
  return connectionNames(values)
}

function hasLength({ method, body }: ReceivedMessage): boolean {
  return (body !== undefined && body.length > 0) || method === 'POST' || method === 'PUT' || method === 'PATCH'
}

function originHeaders({ id, from }: { readonly id: string; readonly from: string | undefined }): Line[] {
  const line: Line[] = from === undefined ? [] : [['X-Forwarded-For', from]]
  return [...line, ['X-Forwarded-Host', authorityOf(id)], ['X-Forwarded-Proto', schemeOf(id)]]
}
