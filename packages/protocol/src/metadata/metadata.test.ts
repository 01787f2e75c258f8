import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AAuthError, parseAgentMetadata, parseAuthServerMetadata, parseResourceMetadata } from '../index.js'
import { parseEndpoints } from '../internal.js'

const agent = {
  issuer: 'https://agent.example',
  agent: 'https://agent.example',
  jwks_uri: 'https://agent.example/jwks.json',
  redirect_uris: ['https://app.example/callback', 'https://agent.example/cb?app=1'],
  localhost_callback_allowed: true,
  delegate_token_endpoint: 'https://agent.example/delegate',
  name: 'Zoë’s agent',
  logo_uri: 'https://cdn.example/logo.png',
  policy_uri: 'https://agent.example/policy',
  tos_uri: 'https://agent.example/tos',
  homepage: 'https://agent.example',
}
const resource = {
  issuer: 'https://resource.example',
  resource: 'https://resource.example',
  jwks_uri: 'https://keys.example/resource?v=2',
  resource_token_endpoint: 'https://resource.example/token',
  auth_servers: ['https://auth.example'],
  supported_scopes: ['events.read'],
  scope_descriptions: { 'events.read': 'See your events' },
  grave_scopes: ['events.read'],
  additional_signature_components: ['@scheme'],
  constraints_supported: ['hours'],
  purposes: { support: 'Help customers' },
  operations: { send: 'Send a mail', purge: { description: 'Delete for ever', grave: true } },
  data_views: { titles: { description: 'Titles', fields: ['/items/*/title'] } },
}
const authServer = {
  issuer: 'https://auth.example',
  jwks_uri: 'https://auth.example/jwks.json',
  agent_token_endpoint: 'https://auth.example/token',
  agent_auth_endpoint: 'https://auth.example/authorize',
  revocation_endpoint: 'https://auth.example/revoke',
  agent_signing_algs_supported: ['Ed25519', 'ES256'],
  request_types_supported: ['auth', 'refresh'],
  scopes_supported: ['openid'],
  constraints_supported: ['until', 'hours'],
}

const kinds = [
  { kind: 'agent', good: agent, parse: parseAgentMetadata },
  { kind: 'resource', good: resource, parse: parseResourceMetadata },
  { kind: 'auth server', good: authServer, parse: parseAuthServerMetadata },
] as const
/** Members that are objects by name, of which an empty one is right. */
const mapped = ['scope_descriptions', 'purposes', 'operations', 'data_views']
const refusal = { code: 'discovery_failed', status: 401 }

describe.each(kinds)('$kind', ({ good, parse }) => {
  const id = good.issuer
  const read = (changed: object): unknown => parse({ ...good, ...changed }, id)

  test(verifies('metadata.agent', 'metadata.resource', 'metadata.auth-server', 'is read'), () => {
    expect(parse(good, id)).toEqual(good)
  })

  test('unknown members are dropped', () => {
    expect(read({ later: { a: 1 }, constructor: 'x', toString: 1 })).toEqual(good)
  })

  test.each([
    `${id}/`,
    `${id}:443`,
    id.toUpperCase(),
    id.replace('https', 'http'),
    `${id}.`,
    'https://victim.example',
    [id],
    null,
    7,
    undefined,
  ])(verifies('DSC-17', 'id.metadata.self', 'issuer %j is that of another'), issuer => {
    expect(() => read({ issuer })).toThrow(expect.objectContaining(refusal))
    expect(() => parse(good, 'https://other.example')).toThrow(expect.objectContaining(refusal))
    expect(parse(good, id)).toEqual(good)
  })

  test.each([
    'http://keys.example/jwks',
    'https://u:p@keys.example/jwks',
    'https://keys.example/jwks#a',
    'https://keys.example/#',
    'https://KEYS.example/jwks',
    'https://keys.example:443/jwks',
    'https://127.0.0.1/jwks',
    'https://[::1]/jwks',
    'https://keys.example\\jwks',
    'https://keys.example/a/../jwks',
    ' https://keys.example/',
    'https://keys.example/ü',
    'https://2130706433/',
    'https://keys.example./',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'data:,x',
    '/jwks',
    '',
    'http://localhost/jwks',
    `https://keys.example/${'a'.repeat(2048)}`,
    null,
    7,
    ['https://keys.example/jwks'],
    undefined,
  ])(verifies('DSC-09', 'DSC-19', 'discovery.https', 'refuses the jwks_uri %j'), jwks_uri => {
    expect(() => read({ jwks_uri })).toThrow(expect.objectContaining(refusal))
    expect(parse(good, id)).toEqual(good)
  })

  test(verifies('DSC-19', 'id.jwks-elsewhere', 'jwks_uri may be elsewhere'), () => {
    const changed = { jwks_uri: 'https://cdn.example:8443/keys?agent=1' }
    expect(read(changed)).toEqual({ ...good, ...changed })
  })

  test.each([
    'delegate_token_endpoint',
    'resource_token_endpoint',
    'agent_token_endpoint',
    'revocation_endpoint',
    'future_endpoint',
  ])(verifies('id.endpoints.origin', 'DSC-09', 'REV-20', '%s is on the origin, without query'), name => {
    for (const value of [
      'https://evil.example/token',
      `${id}.evil.example/token`,
      `${id}@evil.example/token`,
      `${id}:8443/token`,
      `${id}/token?a=b`,
      `${id}/token?`,
      `${id}/token#a`,
      id,
      `${id}\\token`,
      `${id}/../token`,
      `${id}/a/./b`,
      `${id}/%2e%2e/x`,
      id.replace('https', 'http'),
      '/token',
      'token',
      '',
      null,
      7,
      [`${id}/token`],
      `${id}/a b`,
    ])
      expect(() => read({ [name]: value }), JSON.stringify(value)).toThrow(expect.objectContaining(refusal))
    expect(() => read({ [name]: `${id}/a/token` })).not.toThrow()
  })

  test.each([null, undefined, [], 'x', 7, true])('%j is no metadata', value => {
    expect(() => parse(value, id)).toThrow(expect.objectContaining(refusal))
  })

  test('members of the wrong kind refuse', () => {
    for (const name of Object.keys(good))
      for (const value of [null, 7, {}, [7], [null], [''], ''])
        if (!(mapped.includes(name) && typeof value === 'object'))
          expect(() => read({ [name]: value }), `${name} ${JSON.stringify(value)}`).toThrow(AAuthError)
  })

  test('arbitrary members throw only AAuthError', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(good)),
        fc.oneof(fc.jsonValue(), fc.webUrl(), fc.string()),
        (name, value) => {
          try {
            read({ [name]: value })
          } catch (error) {
            expect(error).toBeInstanceOf(AAuthError)
          }
        },
      ),
    )
  })
})

test(verifies('policy.words', 'purposes, operations and data views are words with descriptions'), () => {
  const read = (changed: object): unknown => parseResourceMetadata({ ...resource, ...changed }, resource.issuer)
  const words = { purposes: {}, operations: { ['x'.repeat(128)]: 'Long', __proto__x: 'a' }, data_views: {} }
  expect(read(words)).toEqual({ ...resource, ...words })
  const gentle = { operations: { send: { description: 'Send', grave: false } } }
  expect(read(gentle)).toEqual({ ...resource, operations: { send: { description: 'Send' } } })
  const view = { description: 'Titles', fields: ['/items/*/title'] }
  for (const wrong of [
    ...['a b', '', 'é', 'x'.repeat(129), 'a"'].flatMap(name => [
      { purposes: { [name]: 'Help' } },
      { operations: { [name]: 'Send' } },
      { data_views: { [name]: view } },
    ]),
    ...[null, 7, [], {}, ''].map(words => ({ purposes: { support: words } })),
    ...[null, 7, [], {}, { grave: true }, { description: 7 }, { description: 'Send', grave: 'yes' }].map(words => ({
      operations: { send: words },
    })),
    ...[null, 'Titles', {}, { ...view, fields: [] }, { ...view, fields: [7] }, { ...view, fields: '/a' }].map(
      words => ({
        data_views: { titles: words },
      }),
    ),
    { data_views: { titles: { fields: view.fields } } },
  ])
    expect(() => read(wrong), JSON.stringify(wrong)).toThrow(expect.objectContaining(refusal))
  expect(read({})).toEqual(resource)
})

test('of keys and endpoints alone, documents are read as strictly', () => {
  const { issuer, jwks_uri, agent_token_endpoint, agent_auth_endpoint, revocation_endpoint } = authServer
  expect(parseEndpoints.authServer(authServer, issuer)).toEqual({
    issuer,
    jwks_uri,
    agent_token_endpoint,
    agent_auth_endpoint,
    revocation_endpoint,
  })
  const { resource_token_endpoint } = resource
  expect(parseEndpoints.resource(resource, resource.issuer)).toEqual({
    issuer: resource.issuer,
    resource: resource.resource,
    jwks_uri: resource.jwks_uri,
    resource_token_endpoint,
  })
  const { delegate_token_endpoint } = agent
  expect(parseEndpoints.agent(agent, agent.issuer)).toEqual({
    issuer: agent.issuer,
    agent: agent.agent,
    jwks_uri: agent.jwks_uri,
    delegate_token_endpoint,
  })
  for (const wrong of [
    { issuer: 'https://other.example' },
    { jwks_uri: undefined },
    { agent_token_endpoint: undefined },
    { agent_token_endpoint: 'https://other.example/token' },
    { other_endpoint: 'https://other.example/token' },
  ])
    expect(() => parseEndpoints.authServer({ ...authServer, ...wrong }, issuer)).toThrow(
      expect.objectContaining(refusal),
    )
  expect(() => parseEndpoints.agent({ ...agent, agent: 'https://other.example' }, agent.issuer)).toThrow(AAuthError)
  expect(() => parseEndpoints.resource(agent, agent.issuer)).toThrow(AAuthError)
})

test('what must be there', () => {
  const { issuer, jwks_uri, agent_token_endpoint } = authServer
  const least = { issuer, jwks_uri, agent_token_endpoint }
  expect(parseAuthServerMetadata(least, issuer)).toEqual(least)
  expect(() => parseAuthServerMetadata({ issuer, jwks_uri }, issuer)).toThrow(AAuthError)
  const leastAgent = { issuer: agent.issuer, agent: agent.agent, jwks_uri: agent.jwks_uri }
  expect(parseAgentMetadata(leastAgent, agent.issuer)).toEqual(leastAgent)
  expect(() => parseAgentMetadata({ ...leastAgent, jwks_uri: undefined }, agent.issuer)).toThrow(AAuthError)
  const leastResource = { issuer: resource.issuer, resource: resource.resource, jwks_uri: resource.jwks_uri }
  expect(parseResourceMetadata(leastResource, resource.issuer)).toEqual(leastResource)
})

test(verifies('DSC-17', 'id.metadata.self', 'the role member must be the identifier, too'), () => {
  for (const other of ['https://victim.example', `${agent.issuer}/`, undefined, null]) {
    expect(() => parseAgentMetadata({ ...agent, agent: other }, agent.issuer)).toThrow(AAuthError)
    expect(() => parseResourceMetadata({ ...resource, resource: other }, resource.issuer)).toThrow(AAuthError)
  }
  expect(() => parseAgentMetadata(resource, resource.issuer)).toThrow(AAuthError)
  expect(() => parseResourceMetadata(agent, agent.issuer)).toThrow(AAuthError)
})

test(verifies('id.redirect-uris', 'redirect_uris are https, loopback http in development'), () => {
  const read = (redirect_uris: unknown, development = false): unknown =>
    parseAgentMetadata({ ...agent, redirect_uris }, agent.issuer, { development })
  for (const bad of ['http://app.example/cb', 'app:/cb', 'javascript:alert(1)', 'https://app.example/cb#a', '--flag'])
    expect(() => read([bad], true), bad).toThrow(AAuthError)
  expect(() => read(['http://localhost:4110/cb'])).toThrow(AAuthError)
  expect(read(['http://127.0.0.1:4110/cb'], true)).toMatchObject({ redirect_uris: ['http://127.0.0.1:4110/cb'] })
  expect(read([])).toMatchObject({ redirect_uris: [] })
})

test(verifies('id.development.explicit', 'a participant on loopback is read in development only'), () => {
  const id = 'http://localhost:4120'
  const document = { issuer: id, jwks_uri: `${id}/jwks.json`, agent_token_endpoint: `${id}/token` }
  expect(parseAuthServerMetadata(document, id, { development: true })).toEqual(document)
  expect(() => parseAuthServerMetadata(document, id)).toThrow(AAuthError)
})
