import type { Requirement } from '../requirement.js'
import { built } from './clause.js'

/** Participants, levels, trust, identifiers: sections 1 and 2. */
export const participantClauses: readonly Requirement[] = [
  built('level.order', '1', 'A higher level satisfies every lower one.'),
  built('level.anonymous', '1', 'An unsigned request passes only where the resource says so.'),
  built('level.pseudonymous', '1', 'An inline key (`hwk`) proves that the same key came back, and no identity.'),
  built('level.identified', '1', '`jwks_uri` yields the agent, an agent token the agent and its delegate.'),
  built(
    'level.authorized',
    '1',
    'An auth token yields what its auth server allowed, for which agent, delegate and user.',
  ),
  built('level.lowest', '1', 'A resource asks each request for the lowest level that would let it pass.'),
  built('level.identity-first', '1', 'Below identified, an authorized route asks for `identity=?1`.'),
  built('trust.resource.agents', '1', 'A resource meets any agent unless its policy lists agents.'),
  built(
    'trust.resource.auth-servers',
    '1',
    'A resource takes auth tokens only of the issuers it lists and fetches nothing for others.',
  ),
  built('trust.auth-server.agents', '1', 'An auth server meets any agent unless its policy lists agents.'),
  built('trust.auth-server.direct', '1', 'An auth server gives direct grants only for resources its policy lists.'),
  built(
    'trust.auth-server.upstream',
    '1',
    'An auth server takes upstream tokens only of the issuers it lists and fetches nothing for others.',
  ),
  built(
    'trust.agent.auth-server',
    '1',
    'An agent goes only to auth servers that its `acceptAuthServer` accepts; there is no default.',
  ),
  built('trust.local-first', '1', 'Labels, components, `created`, sizes and shapes are checked before any fetch.'),
  built('participant.also-agent', '1', 'A resource that calls others publishes `aauth-agent` with the same keys.'),

  built(
    'id.canonical',
    '2',
    'An identifier is https, a lowercase A-label host and at most a non-default port, and nothing else.',
  ),
  built('id.ip', '2', 'An IP address is no identifier outside development.'),
  built('id.equal', '2', 'Two identifiers are equal when the strings are; nothing is normalised.'),
  built('id.metadata.location', '2', 'Document D of an identifier is at `/.well-known/D` of its origin.'),
  built(
    'id.metadata.self',
    '2',
    'Metadata whose `issuer` and `agent` or `resource` are not the fetched identifier is refused.',
  ),
  built('id.endpoints.origin', '2', "Every `_endpoint` of metadata is on the identifier's origin, without a query."),
  built('id.jwks-elsewhere', '2', '`jwks_uri` may be on another origin.'),
  built('id.redirect-uris', '2', '`redirect_uris` are https on any origin; loopback http only in development.'),
  built('id.jwk-alg', '2', 'A published JWK or `cnf.jwk` without `alg` is refused.'),
  built(
    'id.development.explicit',
    '2',
    '`http` identifiers of loopback hosts need an explicit option and are never inferred from the environment.',
  ),
  built('id.development.loopback', '2', 'A server in development mode listens on loopback only.'),
  built('id.development.cookies', '2', 'In development, cookies carry the port in their name and no `__Host-` prefix.'),
]
