import type { IncomingMessage, ServerResponse } from 'node:http'
import { bodyOf, sendJson } from './bodies.js'
import { type OAuthApiConfig, tokenExchange } from './oauth-config.js'
import { type OAuthCaller, oauthVerifier } from './oauth-verifier.js'
import type { Answer } from './traced-server.js'

interface Route {
  /** Absent: any access token will do. */
  readonly scope?: string
  readonly answer: (called: Called) => Promise<void>
}

interface Called {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly caller: OAuthCaller
  readonly config: OAuthApiConfig
}

/** An API behind OAuth, with the routes of the calendar or of rooms. */
export function oauthApi(config: OAuthApiConfig, scopes: readonly string[]): Answer {
  const verify = oauthVerifier(config)
  const metadata = {
    resource: config.id,
    ...{ authorization_servers: [config.issuer], scopes_supported: scopes },
    bearer_methods_supported: ['header'],
  }
  return async (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (path === '/.well-known/oauth-protected-resource') return sendJson(response, 200, { body: metadata })
    if (path === '/public') return sendJson(response, 200, { body: { events: 3 } })
    const route = routes[`${request.method} ${path}`]
    if (route === undefined) return sendJson(response, 404, { body: { error: 'not_found' } })
    const caller = await verify(request).catch((error: Error) => error.message)
    if (typeof caller === 'string') return refuse(response, config, { status: 401, reason: caller, request })
    if (route.scope !== undefined && !caller.scopes.includes(route.scope))
      return refuse(response, config, { status: 403, reason: 'the token lacks a scope', request, scope: route.scope })
    return route.answer({ request, response, caller, config })
  }
}

const routes: Readonly<Record<string, Route>> = {
  'GET /agenda': {
    answer: async ({ response, caller }) => sendJson(response, 200, { body: { for: caller.client, events: [] } }),
  },
  'GET /appointments': {
    scope: 'appointments.read',
    answer: async ({ response, caller }) =>
      sendJson(response, 200, {
        body: {
          user: caller.sub,
          items: [{ title: 'Dentist', start: '2026-12-10T09:00', notes: 'the left one, at last' }],
        },
      }),
  },
  'POST /events': { scope: 'events.write', answer: addEvent },
  'POST /bookings': {
    scope: 'rooms.book',
    answer: async ({ request, response, caller: { sub, client, act } }) => {
      const { room } = JSON.parse(await bodyOf(request)) as { readonly room?: string }
      sendJson(response, 201, { body: { room, user: sub, client, ...(act === undefined ? {} : { act }) } })
    },
  },
}

async function addEvent({ request, response, caller, config }: Called): Promise<void> {
  const event = JSON.parse(await bodyOf(request)) as { readonly summary?: string }
  const { searchParams } = new URL(request.url ?? '', config.id)
  const room = searchParams.get('room')
  if (room === null) return sendJson(response, 201, { body: { ...event, user: caller.sub } })
  const passesOn = searchParams.get('token') === 'pass-on'
  const token = passesOn ? caller.token : await exchanged(caller.token, config)
  const booking = await fetch(`${config.rooms}/bookings`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ room }),
  })
  const body = { ...event, user: caller.sub, booking: await booking.json() }
  return sendJson(response, booking.ok ? 201 : 409, { body })
}

/** Exchanges the token of a caller for one of rooms. */
async function exchanged(token: string, { issuer, client_id, client_secret, rooms }: OAuthApiConfig): Promise<string> {
  const basic = Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(client_secret)}`).toString('base64')
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({
      grant_type: tokenExchange,
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: rooms ?? '',
      scope: 'rooms.book',
    }),
  })
  const { access_token: next } = (await response.json()) as { readonly access_token?: string }
  if (next === undefined) throw new Error('the authorization server exchanges nothing')
  return next
}

interface Refusal {
  readonly status: 401 | 403
  readonly reason: string
  readonly request: IncomingMessage
  readonly scope?: string
}

function refuse(response: ServerResponse, { id }: OAuthApiConfig, { status, reason, request, scope }: Refusal): void {
  const hasToken = request.headers.authorization !== undefined
  const error = scope === undefined ? 'invalid_token' : 'insufficient_scope'
  // RFC 6750 §3.1: a request without a token gets no error code. RFC 9728 §5.1 adds where to find the metadata.
  const parts = [
    ...(hasToken ? [`error="${error}"`, `error_description="${reason.replaceAll('"', "'")}"`] : []),
    ...(scope === undefined ? [] : [`scope="${scope}"`]),
    `resource_metadata="${id}/.well-known/oauth-protected-resource"`,
  ]
  const scheme = /^dpop /i.test(request.headers.authorization ?? '') ? 'DPoP' : 'Bearer'
  // RFC 9449 §7.1: the algorithms that a proof may be made with.
  if (scheme === 'DPoP') parts.push('algs="ES256"')
  sendJson(response, status, {
    body: hasToken ? { error, error_description: reason } : { error: 'unauthorized' },
    headers: { 'www-authenticate': `${scheme} ${parts.join(', ')}` },
  })
}
