import { UsageError } from '@countersign/fetch/internal'
import { generateSigningKey } from '@countersign/httpsig'
import { createResource, type Requirement } from '@countersign/resource'
import { expect, test } from 'vitest'
import type { OAuthIssuer } from './access-tokens.js'
import { limitsOf, routesOf, scopesOf } from './routes.js'

test('without routes all paths have one requirement, by default identified', () => {
  expect(routesOf({})).toEqual([{ path: '/*', requirement: { level: 'identified' } }])
  expect(routesOf({ level: 'pseudonymous' })).toEqual([{ path: '/*', requirement: { level: 'pseudonymous' } }])
  const scoped = { scope: ['read'], authServer: ['https://auth.example'] }
  expect(routesOf(scoped)).toEqual([{ path: '/*', requirement: { scope: ['read'] } }])
  expect(() => routesOf({ scope: ['read'] })).toThrow(UsageError)
  expect(scopesOf({ ...scoped, routes: [{ path: '/x', scope: ['write'] }], scopes: { read: 'Read' } })).toEqual({
    read: 'Read',
    write: 'write',
  })
  const described = { write: { description: 'Write', grave: true } }
  expect(scopesOf({ ...scoped, scopes: described })).toEqual({ read: 'read', ...described })
})

test('a route has its own requirement, and inherits the rest from the gateway', () => {
  const gateway = { scope: ['read'], agents: ['https://agent.example'], authServer: ['https://auth.example'] }
  const requirement = (own: object) => routesOf({ ...gateway, routes: [{ path: '/x', ...own }] })[0]?.requirement
  const { agents } = gateway
  expect(requirement({})).toEqual({ scope: ['read'], agents })
  expect(requirement({ level: 'authorized' })).toEqual({ level: 'authorized', scope: ['read'], agents })
  expect(requirement({ level: 'identified' })).toEqual({ level: 'identified', agents })
  expect(requirement({ scope: ['write'] })).toEqual({ scope: ['write'], agents })
})

test('with a level and a scope, the level is required, and the scope is for callers over their limit', () => {
  const both = { level: 'identified' as const, scope: ['read'] }
  const authServer = ['https://auth.example']
  expect(routesOf({ ...both, authServer })).toEqual([{ path: '/*', requirement: both }])
  const routes = [{ path: '/a', ...both }, { path: '/b', scope: ['read'] }, { path: '/c' }]
  const requirements = routesOf({ level: 'pseudonymous', authServer, routes }).map(({ requirement }) => requirement)
  expect(requirements).toEqual([both, { scope: ['read'] }, { level: 'pseudonymous' }])
  const tools = { look: both, read: { scope: ['read'] } }
  const [route] = routesOf({ authServer, routes: [{ path: '/mcp', mcp: { tools } }] })
  expect(route?.mcp?.tools).toEqual(tools)
})

test('a route inherits the agents of the gateway where an agent is known; an impossible list of its own is an error', async () => {
  const agents = ['https://*.acme.example']
  const authServer = ['https://auth.example']
  const routes = [
    { path: '/public*', level: 'anonymous' as const },
    { path: '/signed', level: 'pseudonymous' as const },
    { path: '/known', level: 'identified' as const },
    { path: '/scoped', scope: ['read'] },
    { path: '/*' },
  ]
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  const resource = createResource<string>({
    id: 'https://api.example',
    keys,
    authServers: authServer,
    scopes: { read: 'Read' },
  })
  const requirements = routesOf({ agents, authServer, routes }).map(({ requirement }) => requirement)
  expect(requirements.map(one => [one.level, resource.declare(one).agents])).toEqual([
    ['anonymous', undefined],
    ['pseudonymous', undefined],
    ['identified', agents],
    [undefined, agents],
    ['identified', agents],
  ])
  const wrong = [
    routesOf({ routes: [{ path: '/public', level: 'anonymous', agents }] }),
    routesOf({ level: 'anonymous', agents }),
    routesOf({ level: 'anonymous', agents, routes: [{ path: '/*' }] }),
  ]
  for (const [route] of wrong)
    expect(() => resource.declare(route?.requirement ?? {})).toThrow('a list of agents needs level identified')
})

test('the limits of the gateway are counted over all routes, those of a route for the route', () => {
  const settings = {
    level: 'anonymous' as const,
    limits: { anonymous: '10/min', identified: undefined },
    routes: [{ path: '/a' }, { path: '/b', limits: { anonymous: '1/min' } }],
  }
  expect(limitsOf(settings)).toEqual({ anonymous: '10/min' })
  expect(routesOf(settings).map(({ requirement }) => requirement.limits)).toEqual([undefined, { anonymous: '1/min' }])
})

test("routes with a scope inherit the users of the gateway; a route's own deny list adds to that of the gateway", () => {
  const alice = { iss: 'https://auth.example', sub: 'alice' }
  const bob = { ...alice, sub: 'bob', agent: undefined }
  const deny = { agents: ['https://evil.example'], delegates: undefined, users: [bob] }
  const settings = {
    scope: ['read'],
    users: [alice],
    authServer: ['https://auth.example'],
    once: 'all' as const,
    deny,
    routes: [
      { path: '/a' },
      { path: '/b', scope: ['write'], users: [bob] },
      { path: '/c', level: 'identified' as const, deny },
    ],
  }
  expect(routesOf(settings).map(({ requirement }) => requirement)).toEqual([
    { scope: ['read'], users: [alice], replay: 'all' },
    { scope: ['write'], users: [{ iss: 'https://auth.example', sub: 'bob' }], replay: 'all' },
    {
      level: 'identified',
      replay: 'all',
      deny: { agents: ['https://evil.example'], users: [{ iss: 'https://auth.example', sub: 'bob' }] },
    },
  ])
})

const accounts: OAuthIssuer = {
  issuer: 'https://accounts.example',
  audience: 'https://api.example',
  type: 'at+jwt',
  scopeClaim: 'scope',
  jwksUri: 'https://accounts.example/jwks',
}
const oauth = { issuers: [accounts], realm: 'api' }
const bots = ['https://bot.example']

/** What a requirement takes beside AAuth, by kind. */
function kindsOf(requirement: Requirement<string> | undefined): string[] {
  return [requirement?.alsoAccept ?? []].flat().map(one => ('bots' in one ? `bots ${one.bots}` : `oauth ${one.realm}`))
}

test('routes take beside AAuth what the gateway does, as far as they can, or what they say themselves', () => {
  const settings = {
    authServer: ['https://auth.example'],
    alsoAccept: { oauth, bots },
    routes: [
      { path: '/plain' },
      { path: '/scoped', scope: ['read'] },
      { path: '/listed', agents: ['https://agent.example'] },
      { path: '/approved', scope: ['pay'], operation: 'pay', approve: true as const },
      { path: '/purposes', scope: ['read'], purposes: ['care'] },
      { path: '/none', alsoAccept: 'none' as const },
      { path: '/own', alsoAccept: { bots: ['any'] } },
    ],
  }
  const made = routesOf(settings)
  expect(made.map(({ path, requirement }) => [path, ...kindsOf(requirement)])).toEqual([
    ['/plain', 'oauth api', 'bots https://bot.example'],
    ['/scoped', 'oauth api'],
    ['/listed'],
    ['/approved'],
    ['/purposes'],
    ['/none'],
    ['/own', 'bots any'],
  ])
  // One verifier, so that the routes share the keys of the issuers.
  const [plain, scoped] = made.map(({ requirement }) => [requirement.alsoAccept ?? []].flat()[0])
  expect(plain).toBe(scoped)
  expect(routesOf({ authServer: ['https://auth.example'] }).map(({ requirement }) => kindsOf(requirement))).toEqual([
    [],
  ])
})

test('tools of an MCP server take the tokens that their route takes, and no bots', () => {
  const tools = {
    look: {},
    send: { scope: ['mail.send'] },
    listed: { agents: ['https://agent.example'] },
    none: { alsoAccept: 'none' as const },
  }
  const routes = [{ path: '/mcp', mcp: { tools } }, { path: '/*' }]
  const [route] = routesOf({ authServer: ['https://auth.example'], alsoAccept: { oauth, bots }, routes })
  expect(kindsOf(route?.requirement)).toEqual(['oauth api'])
  expect(Object.entries(route?.mcp?.tools ?? {}).map(([name, rule]) => [name, ...kindsOf(rule)])).toEqual([
    ['look', 'oauth api'],
    ['send', 'oauth api'],
    ['listed'],
    ['none'],
  ])
})

test('what no route can take beside AAuth, and issuers that are said wrongly, are errors', () => {
  const agents = ['https://agent.example']
  expect(() => routesOf({ agents, alsoAccept: { oauth } })).toThrow('no route takes oauth of the gateway')
  const mcp = { path: '/mcp', mcp: {} }
  expect(() => routesOf({ alsoAccept: { oauth, bots }, routes: [mcp] })).toThrow('no route takes bots of the gateway')
  const of = (...issuers: OAuthIssuer[]) => routesOf({ alsoAccept: { oauth: { issuers } } })
  const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AAAA' }] }
  expect(() => of({ ...accounts, jwksUri: undefined })).toThrow('needs either jwksUri or jwks')
  expect(() => of({ ...accounts, jwks })).toThrow('needs either jwksUri or jwks')
  expect(() => of({ ...accounts, jwksUri: 'http://accounts.example/jwks' })).toThrow('must be an https URL')
  expect(() => of(accounts, { ...accounts, audience: 'https://other.example' })).toThrow('are the same')
  expect([of(accounts), of({ ...accounts, jwksUri: undefined, jwks })].map(({ length }) => length)).toEqual([1, 1])
})

test('each tool, prompt and resource of an MCP server has its own requirement, and its scopes are scopes of the gateway', () => {
  const settings = {
    scopes: { 'mail.send': 'Send e-mail' },
    routes: [
      {
        path: '/mcp',
        mcp: {
          tools: { send: { scope: ['mail.send'], once: 'all' as const }, '*': { level: 'pseudonymous' as const } },
          prompts: { draft: {} },
          resources: { 'file:///*': { scope: ['files.read'], limits: { authorized: '1/min' } } },
        },
      },
      { path: '/open', mcp: {} },
    ],
  }
  expect(scopesOf(settings)).toEqual({ 'mail.send': 'Send e-mail', 'files.read': 'files.read' })
  expect(() => routesOf(settings)).toThrow(/route \/mcp needs a scope/)
  const [mcp, open] = routesOf({ ...settings, authServer: ['https://auth.example'] })
  expect(mcp?.mcp).toEqual({
    tools: { send: { scope: ['mail.send'], replay: 'all' }, '*': { level: 'pseudonymous' } },
    prompts: { draft: { level: 'identified' } },
    resources: { 'file:///*': { scope: ['files.read'], limits: { authorized: '1/min' } } },
  })
  expect(open).toEqual({ path: '/open', requirement: { level: 'identified' }, mcp: {} })
})
