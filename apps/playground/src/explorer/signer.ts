import { parseSignatureKey } from '@countersign/httpsig'
import type { TracedExchange } from '@countersign/server'
import type { Addresses } from '../addresses.js'

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
