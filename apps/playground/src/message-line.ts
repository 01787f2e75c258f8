import { parseSignatureKey } from '@countersign/httpsig'
import { pathOf } from '@countersign/httpsig/internal'
import type { TracedExchange } from '@countersign/server'
import type { Addresses } from './addresses.js'

/** Describes a message in one line: signer, receiver, request and answer. */
export function describeMessage(exchange: TracedExchange, addresses: Addresses): string {
  const { response } = exchange
  const challenge = headerOf(response.headers, 'agent-auth')
  const line = `${signerOf(exchange, addresses)} → ${nameOf(exchange.to, addresses)}`.padEnd(46)
  return `${line} ${askedIn(exchange).padEnd(34)} ${response.status}${challenge === undefined ? '' : `  Agent-Auth: ${shorten(challenge)}`}`
}

/** The request of a message: method, target, and the method and name of a JSON-RPC message. */
export function askedIn({ request: { method, target, body } }: TracedExchange): string {
  return [method, shortTarget(target), ...rpcIn(body)].join(' ')
}

/** The method of a JSON-RPC message and its `name`; a response has neither. */
function rpcIn(body: string): string[] {
  if (!body.startsWith('{"')) return []
  try {
    const { jsonrpc, method, params } = JSON.parse(body) as Readonly<Record<string, unknown>>
    const { name } = Object(params)
    return jsonrpc === '2.0' ? [method, name].filter(value => typeof value === 'string') : []
  } catch {
    return []
  }
}

/** The signer that Signature-Key names: only a claim until the receiver has verified it. */
export function signerOf(exchange: TracedExchange, addresses: Addresses): string {
  const value = headerOf(exchange.request.headers, 'signature-key')
  if (value === undefined) return isPage(exchange, addresses) ? 'a user’s browser' : 'unsigned'
  try {
    const { key } = parseSignatureKey(value)
    if (key.scheme === 'hwk') return 'inline key'
    if (key.scheme === 'jwks_uri') return `${nameOf(key.id, addresses)} (own key)`
    const typ = tokenType(key.jwt)
    return typ === 'auth+jwt' ? 'auth token' : 'agent token'
  } catch {
    return 'unreadable signature'
  }
}

/** Tells whether a request is a browser's, for a page of the web app, of an auth server or of a resource in between. */
function isPage({ to, request }: TracedExchange, { authServer, roomsAuthServer, webApp }: Addresses): boolean {
  if (to === webApp) return /^\/(?:sign-in|signed-in)?(?:\?|$)/.test(request.target)
  if (to === authServer || to === roomsAuthServer)
    return /^\/(?:agent\/(?:authorize|consent|link)|link\/callback|device|login|logout|account)(?:[/?]|$)/.test(
      request.target,
    )
  return /^\/aauth\//.test(request.target)
}

function tokenType(jwt: string): unknown {
  const [header = ''] = jwt.split('.')
  return (JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { typ?: unknown }).typ
}

/** The participant behind an identifier. */
export function nameOf(id: string, addresses: Addresses): string {
  const names: Readonly<Record<string, string>> = {
    [addresses.agentServer]: 'agent server',
    [addresses.authServer]: 'auth server',
    [addresses.roomsAuthServer]: 'auth server of rooms',
    [addresses.calendar]: 'calendar',
    [addresses.rooms]: 'rooms',
    [addresses.desks]: 'desks',
    [addresses.webApp]: 'web app',
    [addresses.addressBook]: 'address book',
    [addresses.tools]: 'tools',
  }
  return names[id] ?? id
}

function headerOf(headers: ReadonlyArray<readonly [string, string]>, name: string): string | undefined {
  return headers.find(([known]) => known.toLowerCase() === name)?.[1]
}

/** Shortens a target: the queries of links are long, and tell a reader nothing. */
function shortTarget(target: string): string {
  const path = pathOf(target)
  return path === target ? target : `${path}?…`
}

function shorten(text: string): string {
  return text.replace(/"(eyJ[^"]{10})[^"]*"/g, '"$1…"')
}
