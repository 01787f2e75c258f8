// The application's API: it takes access tokens of OAuth clients, and AAuth beside them.
import { join } from 'node:path'
import { bearer, createResource } from '@countersign/resource'
import { guard, wellKnown } from '@countersign/resource/node'
import { keysFile } from '@countersign/server'

/**
 * The API's request listener.
 * @param introspector the client with which it asks the OAuth server about access tokens (RFC 7662)
 * @param folder keeps the keys
 */
export async function apiOf({ origin, api, introspector, folder }) {
  const resource = createResource({
    id: api,
    development: true,
    keys: await keysFile(join(folder, 'api-keys.json')),
    authServers: [origin],
    scopes: { 'events.read': 'See your events' },
  })
  const basic = Buffer.from(`${introspector.client_id}:${introspector.client_secret}`).toString('base64')
  const alsoAccept = bearer(async token => {
    const answer = await fetch(`${origin}/api/auth/oauth2/introspect`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    })
    const { active, aud, sub, scope } = answer.ok ? await answer.json() : {}
    // A token for another API is not taken.
    if (!active || ![aud].flat().includes(api) || !sub) return undefined
    return { user: { iss: origin, sub }, scope: scope.split(' ') }
  })
  const own = wellKnown(resource)
  const events = guard(resource, { scope: 'events.read', alsoAccept }, (_, response, { user, agent, credential }) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ credential, user: user?.sub, agent, events: ['Chess at eight'] }))
  })
  return async (request, response) => {
    if (await own(request, response)) return
    if (new URL(request.url, api).pathname === '/events') return events(request, response)
    response.writeHead(404).end()
  }
}
