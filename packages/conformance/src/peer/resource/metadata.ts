import { publishedKey } from '../../participants/participant.js'
import type { PeerAnswer } from '../shared/refusal.js'
import { publishedJson } from '../shared/server.js'
import { enforced } from './conditions.js'
import { agentDocument } from './errands.js'
import { routes } from './routes.js'
import type { Site } from './site.js'

/** The scopes of the resource, and what each means. */
export const scopes: Readonly<Record<string, string>> = {
  'events.read': 'See your events',
  'events.write': 'Change your events',
}

/** The documents of the resource, by path. @see protocol §6 */
export function documentAt(path: string, site: Site): PeerAnswer | undefined {
  const { id, key, kid, authServers } = site
  if (path === '/jwks.json') return publishedJson({ keys: [publishedKey(kid, key)] })
  if (path === '/.well-known/aauth-agent') return agentDocument(id)
  if (path !== '/.well-known/aauth-resource') return undefined
  return publishedJson({
    issuer: id,
    resource: id,
    jwks_uri: `${id}/jwks.json`,
    resource_token_endpoint: `${id}/resource-token`,
    revocation_endpoint: `${id}/revocation`,
    auth_servers: authServers,
    supported_scopes: Object.keys(scopes),
    scope_descriptions: scopes,
    additional_signature_components: [...new Set(routes.flatMap(({ components = [] }) => components))],
    purposes: { support: 'Help users', billing: 'Send bills' },
    operations: { invite: 'Invite guests', pay: 'Pay', cancel: 'Cancel all events' },
    constraints_supported: enforced,
  })
}
