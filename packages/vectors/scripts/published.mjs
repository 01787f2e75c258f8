// What participants publish: metadata, key sets; and single public keys.
import { refusal, refuseAll } from './expected.mjs'
import { publicKey, thumbprintOf } from './keys.mjs'
import { add, openKind, remove, replace } from './kind.mjs'
import { agentId, authId, calendarId, evilId } from './world.mjs'

const base = id => ({ issuer: id, jwks_uri: `${id}/jwks` })
const agent = {
  ...{
    ...base(agentId),
    agent: agentId,
    redirect_uris: ['https://app.example/callback?a=b', 'https://agent.example/cb'],
  },
  ...{ localhost_callback_allowed: true, delegate_token_endpoint: `${agentId}/delegate/token`, name: 'My agent' },
  ...{ logo_uri: 'https://cdn.example/logo.png', policy_uri: 'https://agent.example/privacy' },
}
const resource = {
  ...{ ...base(calendarId), resource: calendarId, resource_token_endpoint: `${calendarId}/resource/token` },
  ...{
    revocation_endpoint: `${calendarId}/revocation`,
    auth_servers: [authId],
    supported_scopes: ['events.read', 'events.write'],
  },
  ...{ scope_descriptions: { 'events.read': 'See your events' }, grave_scopes: ['events.write'] },
  ...{ additional_signature_components: ['agent-interaction'], constraints_supported: ['until'] },
  ...{
    purposes: { planning: 'To plan your week' },
    operations: { invite: 'Invite people', pay: { description: 'Pay', grave: true } },
  },
  data_views: { titles: { description: 'Titles only', fields: ['/items/*/title'] } },
}
const auth = {
  ...{ ...base(authId), agent_token_endpoint: `${authId}/agent/token`, agent_auth_endpoint: `${authId}/agent/auth` },
  ...{
    revocation_endpoint: `${authId}/revoke`,
    agent_signing_algs_supported: ['Ed25519'],
    request_types_supported: ['auth', 'code'],
  },
}
const of = (role, id, document) => ({ role, id, document })
const documents = [
  [
    'agent',
    'an agent server publishes aauth-agent',
    ['metadata.agent', 'id.redirect-uris'],
    of('aauth-agent', agentId, agent),
  ],
  [
    'agent-least',
    'an agent needs its names and jwks_uri only',
    ['id.metadata.self', 'metadata.agent'],
    of('aauth-agent', agentId, { ...base(agentId), agent: agentId }),
  ],
  [
    'resource',
    'a resource publishes aauth-resource',
    ['metadata.resource', 'policy.words'],
    of('aauth-resource', calendarId, resource),
  ],
  ['auth-server', 'an auth server publishes aauth-issuer', ['metadata.auth-server'], of('aauth-issuer', authId, auth)],
  [
    'keys-elsewhere',
    'jwks_uri may be on another origin',
    ['id.jwks-elsewhere'],
    of('aauth-agent', agentId, { ...agent, jwks_uri: 'https://keys.example/agent?v=1' }),
  ],
  [
    'unknown-members',
    'members that the protocol does not name are ignored',
    ['id.metadata.self'],
    of('aauth-agent', agentId, { ...agent, color: { red: 1 } }),
  ],
]
const failed = reason => refusal('discovery_failed', reason, 'metadata')
const another = failed('document_of_another')
const wrong = failed('document_malformed')
const at = name => `/input/document/${name}`
const set = (name, value) => add(at(name), value)

const faults = {
  agent: [
    [
      'issuer-other',
      'issuer is the identifier asked for',
      'id.metadata.self',
      'issuer is another',
      set('issuer', evilId),
      another,
    ],
    [
      'agent-other',
      'agent is the identifier asked for',
      'id.metadata.self',
      'agent is another',
      set('agent', evilId),
      another,
    ],
    ['agent-missing', 'both names are there', 'id.metadata.self', 'agent is missing', remove(at('agent')), another],
    [
      'issuer-slash',
      'names are compared exactly',
      ['id.metadata.self', 'id.equal'],
      'issuer ends with a slash',
      set('issuer', `${agentId}/`),
      another,
    ],
    [
      'array',
      'metadata are an object',
      'id.metadata.self',
      'the document is an array',
      replace('/input/document', []),
      wrong,
    ],
    ['keys-missing', 'jwks_uri is required', 'id.metadata.self', 'jwks_uri is missing', remove(at('jwks_uri')), wrong],
    [
      'keys-http',
      'jwks_uri is https',
      'discovery.https',
      'jwks_uri is http',
      set('jwks_uri', 'http://agent.example/jwks'),
      wrong,
    ],
    [
      'keys-userinfo',
      'a URL has no userinfo',
      'id.metadata.self',
      'jwks_uri has userinfo',
      set('jwks_uri', 'https://a@agent.example/jwks'),
      wrong,
    ],
    [
      'keys-fragment',
      'a URL has no fragment',
      'id.metadata.self',
      'jwks_uri has a fragment',
      set('jwks_uri', `${agentId}/jwks#a`),
      wrong,
    ],
    [
      'keys-address',
      'a URL has no address',
      ['id.ip', 'id.metadata.self'],
      'jwks_uri is at an address',
      set('jwks_uri', 'https://127.0.0.1/jwks'),
      wrong,
    ],
    ['keys-relative', 'a URL is absolute', 'id.metadata.self', 'jwks_uri is a path', set('jwks_uri', '/jwks'), wrong],
    [
      'endpoint-elsewhere',
      'an endpoint is on the own origin',
      'id.endpoints.origin',
      'an endpoint is on another',
      set('delegate_token_endpoint', `${evilId}/delegate/token`),
      wrong,
    ],
    [
      'endpoint-longer-host',
      'an origin is more than the same beginning',
      'id.endpoints.origin',
      'the host is longer',
      set('delegate_token_endpoint', `${agentId}.evil.example/delegate`),
      wrong,
    ],
    [
      'endpoint-query',
      'an endpoint has no query',
      'id.endpoints.origin',
      'an endpoint has a query',
      set('delegate_token_endpoint', `${agentId}/delegate?a=b`),
      wrong,
    ],
    [
      'endpoint-unknown',
      'every member that ends in _endpoint is on the own origin',
      'id.endpoints.origin',
      'an unknown endpoint is on another',
      set('color_endpoint', `${evilId}/color`),
      wrong,
    ],
    [
      'redirect-http',
      'redirect_uris are https',
      'id.redirect-uris',
      'a redirect URI is http',
      set('redirect_uris', ['http://agent.example/cb']),
      wrong,
    ],
    [
      'redirect-string',
      'redirect_uris is a list',
      'id.redirect-uris',
      'redirect_uris is a String',
      set('redirect_uris', `${agentId}/cb`),
      wrong,
    ],
    [
      'redirect-javascript',
      'a redirect URI is https',
      'id.redirect-uris',
      'a redirect URI is a script',
      set('redirect_uris', ['javascript:alert(1)']),
      wrong,
    ],
    [
      'localhost-string',
      'localhost_callback_allowed is a boolean',
      'id.metadata.self',
      'it is a String',
      set('localhost_callback_allowed', 'false'),
      wrong,
    ],
    ['name-number', 'name is a String', 'id.metadata.self', 'name is a number', set('name', 7), wrong],
  ],
  resource: [
    [
      'resource-other',
      'resource is the identifier asked for',
      'id.metadata.self',
      'resource is another',
      set('resource', evilId),
      another,
    ],
    [
      'auth-server-path',
      'an auth server is an identifier',
      ['id.metadata.self', 'id.canonical'],
      'an auth server has a path',
      set('auth_servers', [`${authId}/x`]),
      wrong,
    ],
    [
      'scopes-string',
      'supported_scopes is a list',
      'id.metadata.self',
      'supported_scopes is a String',
      set('supported_scopes', 'events.read'),
      wrong,
    ],
    [
      'scope-space',
      'a scope has no space',
      'id.metadata.self',
      'a scope has a space',
      set('supported_scopes', ['events read']),
      wrong,
    ],
    [
      'descriptions-number',
      'a description is a String',
      'id.metadata.self',
      'a description is a number',
      set('scope_descriptions', { 'events.read': 7 }),
      wrong,
    ],
    [
      'purposes-list',
      'purposes are described by word',
      'id.metadata.self',
      'purposes is a list',
      set('purposes', ['planning']),
      wrong,
    ],
    [
      'purpose-space',
      'a word has no space',
      'policy.words',
      'a purpose has a space',
      set('purposes', { 'to plan': 'x' }),
      wrong,
    ],
    [
      'word-long',
      'a word has at most 128 characters',
      'policy.words',
      'an operation has 129 characters',
      set('operations', { ['a'.repeat(129)]: 'x' }),
      wrong,
    ],
    [
      'operation-no-description',
      'an operation has a description',
      'id.metadata.self',
      'the description is missing',
      set('operations', { pay: { grave: true } }),
      wrong,
    ],
    [
      'operation-grave-string',
      'grave is a boolean',
      'id.metadata.self',
      'grave is a String',
      set('operations', { pay: { description: 'Pay', grave: 'yes' } }),
      wrong,
    ],
    [
      'view-no-fields',
      'a data view has fields',
      'id.metadata.self',
      'fields is missing',
      set('data_views', { titles: { description: 'Titles' } }),
      wrong,
    ],
    [
      'view-empty',
      'a data view has at least one field',
      'id.metadata.self',
      'fields is empty',
      set('data_views', { titles: { description: 'Titles', fields: [] } }),
      wrong,
    ],
    [
      'revocation-elsewhere',
      'the revocation endpoint is on the own origin',
      ['revocation.metadata', 'id.endpoints.origin'],
      'it is on another',
      set('revocation_endpoint', `${evilId}/revocation`),
      wrong,
    ],
  ],
  'auth-server': [
    [
      'token-endpoint-missing',
      'agent_token_endpoint is required',
      'id.metadata.self',
      'it is missing',
      remove(at('agent_token_endpoint')),
      wrong,
    ],
    [
      'token-endpoint-elsewhere',
      'agent_token_endpoint is on the own origin',
      'id.endpoints.origin',
      'it is on another',
      set('agent_token_endpoint', `${evilId}/agent/token`),
      wrong,
    ],
    [
      'issuer-other',
      'issuer is the identifier asked for',
      'id.metadata.self',
      'issuer is another',
      set('issuer', evilId),
      another,
    ],
    [
      'algs-string',
      'agent_signing_algs_supported is a list',
      'id.metadata.self',
      'it is a String',
      set('agent_signing_algs_supported', 'Ed25519'),
      wrong,
    ],
  ],
}

/** Metadata, and the identifier for which they were fetched. */
export function metadataKind() {
  const kind = openKind('metadata')
  for (const [id, title, clauses, input] of documents) kind.accept(id, title, { clauses, input })
  for (const [twin, rows] of Object.entries(faults)) refuseAll(kind, twin, rows)
  return kind
}

const named = (name, kid) => ({ ...publicKey(name), kid })
const sets = [
  [
    'one',
    'a key set has the key',
    ['id.jwk-alg', 'sig.key.jwks-uri.lookup'],
    { keys: [named('agent', 'a')] },
    { thumbprint: thumbprintOf('agent') },
  ],
  [
    'several',
    'kid chooses among several',
    ['sig.key.jwks-uri.lookup'],
    { keys: [named('evil', 'b'), named('agent', 'a')] },
    { thumbprint: thumbprintOf('agent') },
  ],
  [
    'with-use',
    'a key may say that it is for signatures',
    ['sig.alg.agrees'],
    { keys: [{ ...named('agent', 'a'), use: 'sig', key_ops: ['verify'] }] },
    { thumbprint: thumbprintOf('agent') },
  ],
  [
    'broken-beside',
    'broken and unknown entries are skipped, and do not count as keys of their kid',
    ['discovery.broken-keys', 'discovery.broken-beside'],
    {
      keys: [
        null,
        'x',
        { kty: 'oct', k: 'AA', kid: 'a' },
        { kid: 'a', kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA' },
        { ...named('evil', 'a'), use: 'enc' },
        { ...named('evil', 'a'), alg: undefined },
        named('agent', 'a'),
      ],
    },
    { thumbprint: thumbprintOf('agent') },
  ],
]
const noKey = refusal('invalid_agent_token', 'key_unknown', 'jwks')
const badSet = refusal('discovery_failed', 'jwks_malformed', 'jwks')
const key = (path, value) => add(`/input/document/keys/0/${path}`, value)

/** Key sets, and the `kid` that is asked for. */
export function jwksKind() {
  const kind = openKind('jwks')
  for (const [id, title, clauses, document, expect] of sets)
    kind.accept(id, title, { clauses, input: { document, kid: 'a' }, expect })
  refuseAll(kind, 'one', [
    [
      'unknown',
      'the key set has the key',
      'sig.key.jwks-uri.lookup',
      'another key is asked for',
      replace('/input/kid', 'b'),
      noKey,
    ],
    [
      'case',
      'kid is compared exactly',
      'sig.key.jwks-uri.lookup',
      'kid is in upper case',
      replace('/input/kid', 'A'),
      noKey,
    ],
    [
      'no-alg',
      'a published key carries alg',
      'id.jwk-alg',
      'alg is missing',
      remove('/input/document/keys/0/alg'),
      noKey,
    ],
    ['alg-disagrees', 'alg agrees with kty and crv', 'sig.alg.agrees', 'alg is ES256', key('alg', 'ES256'), noKey],
    ['private', 'a published key is public', 'discovery.broken-keys', 'd is added', key('d', 'AA'), noKey],
    ['use-enc', 'a key for encryption does not verify', 'sig.alg.agrees', 'use is enc', key('use', 'enc'), noKey],
    ['ops-sign', 'a key must be for verifying', 'sig.alg.agrees', 'key_ops is sign', key('key_ops', ['sign']), noKey],
    [
      'small-order',
      'a point of small order is no key',
      'sig.alg.points',
      'x is the neutral point',
      key('x', 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'),
      noKey,
    ],
    [
      'twice',
      'two keys with the asked kid are refused',
      'discovery.duplicate-kid',
      'a second key has the kid',
      add('/input/document/keys/-', named('evil', 'a')),
      badSet,
    ],
    [
      'empty',
      'a key set is not empty',
      'discovery.garbage',
      'keys is empty',
      replace('/input/document/keys', []),
      badSet,
    ],
    ['no-keys', 'a key set has keys', 'discovery.garbage', 'keys is missing', remove('/input/document/keys'), badSet],
    [
      'array',
      'a key set is an object',
      'discovery.garbage',
      'the document is an array',
      vector => replace('/input/document', vector.input.document.keys),
      badSet,
    ],
  ])
  return kind
}

const singles = [
  [
    'ed25519',
    'a key of Ed25519 is read',
    ['sig.alg.supported'],
    publicKey('pseudonym'),
    { algorithm: 'Ed25519', thumbprint: thumbprintOf('pseudonym') },
  ],
  [
    'p256',
    'a key of P-256 is read',
    ['sig.alg.supported'],
    publicKey('p256'),
    { algorithm: 'ES256', thumbprint: thumbprintOf('p256') },
  ],
  [
    'p384',
    'a key of P-384 is read',
    ['sig.alg.optional'],
    publicKey('p384'),
    { algorithm: 'ES384', thumbprint: thumbprintOf('p384') },
  ],
  [
    'rsa',
    'a key of RSA is read',
    ['sig.alg.optional', 'sig.alg.rsa-size'],
    publicKey('rsa'),
    { algorithm: 'PS512', thumbprint: thumbprintOf('rsa') },
  ],
  [
    'eddsa',
    'alg of an Ed25519 key may be EdDSA',
    ['sig.alg.names'],
    { ...publicKey('pseudonym'), alg: 'EdDSA' },
    { algorithm: 'Ed25519', thumbprint: thumbprintOf('pseudonym') },
  ],
  [
    'unknown-members',
    'members that are no part of the key are ignored',
    ['sig.alg.agrees'],
    { ...publicKey('pseudonym'), x5t: 'AA', color: 'red' },
    { algorithm: 'Ed25519', thumbprint: thumbprintOf('pseudonym') },
  ],
]
const refusedKey = refusal('unsupported_algorithm', 'key_unacceptable', 'key')
const jwk = (name, value) => add(`/input/jwk/${name}`, value)

const keyFaults = {
  ed25519: [
    ['no-alg', 'a key carries alg', 'id.jwk-alg', 'alg is missing', remove('/input/jwk/alg')],
    ['alg', 'alg agrees with crv', 'sig.alg.agrees', 'alg is ES256', jwk('alg', 'ES256')],
    ['kty', 'kty agrees with crv', 'sig.alg.agrees', 'kty is EC', jwk('kty', 'EC')],
    ['crv', 'crv is one that the protocol names', 'sig.alg.refused', 'crv is X25519', jwk('crv', 'X25519')],
    ['private', 'a public key has no private members', 'sig.key.no-private', 'd is added', jwk('d', 'AA')],
    ['use', 'a key is for signatures', 'sig.alg.agrees', 'use is enc', jwk('use', 'enc')],
    ['ops', 'a key is for verifying', 'sig.alg.agrees', 'key_ops is sign', jwk('key_ops', ['sign'])],
    [
      'ops-twice',
      'an operation comes once',
      'sig.alg.agrees',
      'verify comes twice',
      jwk('key_ops', ['verify', 'verify']),
    ],
    ['short', 'a point has 32 bytes', 'sig.alg.points', 'x has 31 bytes', jwk('x', 'A'.repeat(42))],
    ['unused-bits', 'base64url is canonical', 'sig.alg.points', 'unused bits are set', jwk('x', `${'A'.repeat(42)}B`)],
    [
      'identity',
      'the neutral point is refused',
      'sig.alg.points',
      'x is the neutral point',
      jwk('x', 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'),
    ],
    ['zero', 'a point of order 4 is refused', 'sig.alg.points', 'y is 0', jwk('x', 'A'.repeat(43))],
    [
      'minus-one',
      'the point of order 2 is refused',
      'sig.alg.points',
      'y is -1',
      jwk('x', '7P_______________________________________38'),
    ],
    ['off-curve', 'a point is on its curve', 'sig.alg.points', 'y is 2', jwk('x', `Ag${'A'.repeat(41)}`)],
    [
      'not-canonical',
      'a point is written canonically',
      'sig.alg.points',
      'y is p + 3',
      jwk('x', '8P_______________________________________38'),
    ],
  ],
  p256: [
    ['off-curve', 'a point is on its curve', 'sig.alg.points', 'y is x', vector => jwk('y', vector.input.jwk.x)],
    ['no-y', 'a key is complete', 'sig.key.hwk', 'y is missing', remove('/input/jwk/y')],
    ['alg', 'alg agrees with crv', 'sig.alg.agrees', 'alg is ES384', jwk('alg', 'ES384')],
    ['crv', 'a coordinate has the length of its curve', 'sig.alg.points', 'crv is P-384', jwk('crv', 'P-384')],
    ['crv-521', 'crv is one that the protocol names', 'sig.alg.refused', 'crv is P-521', jwk('crv', 'P-521')],
    ['infinity', 'the point at infinity is no key', 'sig.alg.points', 'x is 0', jwk('x', 'A'.repeat(43))],
  ],
  rsa: [
    ['rs256', 'RSA keys are for PS512 only', 'sig.alg.refused', 'alg is RS256', jwk('alg', 'RS256')],
    ['no-alg', 'an RSA key carries alg', 'sig.alg.optional', 'alg is missing', remove('/input/jwk/alg')],
    [
      'small',
      'a modulus has at least 2048 bits',
      'sig.alg.rsa-size',
      'the modulus has 1024 bits',
      vector => jwk('n', `${vector.input.jwk.n.slice(0, 170)}A`),
    ],
    [
      'large',
      'a modulus has at most 4096 bits',
      'sig.alg.rsa-size',
      'the modulus has 8192 bits',
      vector => jwk('n', vector.input.jwk.n.slice(0, 340).repeat(4)),
    ],
    ['exponent-one', 'an exponent of 1 is refused', 'sig.alg.rsa-size', 'e is 1', jwk('e', 'AQ')],
    ['exponent-even', 'an exponent is odd', 'sig.alg.rsa-size', 'e is even', jwk('e', 'AQAA')],
    [
      'leading-zero',
      'a modulus has no leading zero',
      'sig.alg.agrees',
      'a zero byte stands first',
      vector =>
        jwk('n', Buffer.concat([Buffer.alloc(1), Buffer.from(vector.input.jwk.n, 'base64url')]).toString('base64url')),
    ],
  ],
}

/** Public JWKs. */
export function publicKeys() {
  const kind = openKind('public-keys')
  for (const [id, title, clauses, input, expect] of singles)
    kind.accept(id, title, { clauses, input: { jwk: input }, expect })
  for (const [of, rows] of Object.entries(keyFaults))
    refuseAll(
      kind,
      of,
      rows.map(row => [...row, refusedKey]),
    )
  return kind
}
