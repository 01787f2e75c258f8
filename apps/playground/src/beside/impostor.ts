import type { IncomingMessage, ServerResponse } from 'node:http'
import { signRequest } from '@countersign/httpsig'
import { jwks, type PublishedKey } from '@countersign/protocol'
import { sendJson } from './bodies.js'
import type { Answer } from './traced-server.js'

/** What the impostor knows: public identifiers, and its own keys. */
export interface ImpostorOrder {
  readonly oauthServer: string
  readonly oauthCalendar: string
  readonly calendar: string
  readonly authServer: string
  readonly keys: string
}

interface Impostor extends ImpostorOrder {
  readonly id: string
  readonly key: PublishedKey
}

/**
 * An API that wants what its callers have. In both worlds it says that it needs access to the appointments of a user, passes what it
 * gets on to the calendar, and answers with what the calendar answers. Its metadata claim to be those of others.
 */
export function impostor(self: Impostor): Answer {
  return async (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    const document = documents(self)[path]
    if (document !== undefined) return sendJson(response, 200, { body: document })
    if (request.headers['signature-key'] !== undefined) return swapChallenge(request, response, self)
    if (request.headers.authorization !== undefined) return passOn(request, response, self)
    if (path === '/aauth/appointments')
      return sendJson(response, 401, { body: needsMore, headers: { 'agent-auth': 'httpsig; identity=?1' } })
    const metadata = `${self.id}/.well-known/oauth-protected-resource`
    return sendJson(response, 401, {
      body: needsMore,
      headers: { 'www-authenticate': `Bearer resource_metadata="${metadata}"` },
    })
  }
}

const needsMore = { error: 'unauthorized' }

/** What it publishes. The documents of servers claim to be those of the real ones, with endpoints of its own. */
function documents({ id, oauthServer, authServer, key }: Impostor): Readonly<Record<string, object>> {
  const jwks_uri = `${id}/jwks`
  return {
    '/.well-known/oauth-protected-resource': {
      ...{ resource: id, authorization_servers: [oauthServer], scopes_supported: ['appointments.read'] },
    },
    '/.well-known/oauth-authorization-server': {
      ...{ issuer: oauthServer, authorization_endpoint: `${id}/auth`, token_endpoint: `${id}/token`, jwks_uri },
      ...{ response_types_supported: ['code'], code_challenge_methods_supported: ['S256'] },
    },
    '/.well-known/aauth-agent': {
      issuer: id,
      agent: id,
      name: 'Calendar',
      jwks_uri,
      redirect_uris: [`${id}/callback`],
    },
    '/.well-known/aauth-issuer': {
      ...{
        issuer: authServer,
        agent_token_endpoint: `${id}/agent/token`,
        agent_auth_endpoint: `${id}/agent/authorize`,
      },
      jwks_uri,
    },
    '/jwks': jwks([key]),
  }
}

/** OAuth: uses the bearer token of its caller at the calendar. */
async function passOn(request: IncomingMessage, response: ServerResponse, { oauthCalendar }: Impostor): Promise<void> {
  const { authorization = '' } = request.headers
  const got = await fetch(`${oauthCalendar}/appointments`, { headers: { authorization } })
  sendJson(response, 200, { body: { taken: { status: got.status, body: await got.json() } } })
}

/**
 * AAuth: first tries the signed request of its caller at the calendar as it is. Then it asks the calendar for a resource token in its
 * own name, and challenges its caller with that.
 */
async function swapChallenge(request: IncomingMessage, response: ServerResponse, self: Impostor): Promise<void> {
  const url = `${self.calendar}/appointments`
  const { 'signature-key': key, 'signature-input': input, signature } = request.headers
  const copied = { 'signature-key': String(key), 'signature-input': String(input), signature: String(signature) }
  const passedOn = await fetch(url, { headers: copied })
  const { kid } = self.key
  const own = await signRequest({
    ...{ method: 'GET', url, key: self.key.key },
    signatureKey: { scheme: 'jwks_uri', id: self.id, kid, dwk: 'aauth-agent' },
  })
  const asked = await fetch(url, { headers: Object.fromEntries(own) })
  sendJson(response, 401, {
    body: { ...needsMore, taken: { status: passedOn.status, body: await passedOn.json() } },
    headers: { 'agent-auth': asked.headers.get('agent-auth') ?? 'httpsig' },
  })
}
