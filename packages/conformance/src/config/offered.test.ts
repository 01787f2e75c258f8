import { expect, test } from 'vitest'
import { readAgentServerConfiguration } from './agent-server-configuration.js'
import { readClosedMcp, readMcpServer, readStatelessMcp } from './mcp-server.js'

const tools = ['identified list', 'authorized add scope events.write']

test('an MCP server has tools, and what else the configuration names', () => {
  expect(readMcpServer('mcp', { tools })).toMatchObject({ target: '/mcp', slow: undefined, open: undefined })
  const resources = ['identified note://open/one', 'authorized note://closed/two scope events.read']
  expect(readMcpServer('mcp', { tools, resources, slow: 'authorized wait scope events.read' })).toMatchObject({
    resources: { low: { name: 'note://open/one' }, high: { name: 'note://closed/two', scope: 'events.read' } },
    slow: { name: 'wait', level: 'authorized' },
  })
  expect(readClosedMcp('closedMcp', { target: '/x', tools })).toMatchObject({ target: '/x' })
  expect(readClosedMcp('closedMcp', { tools, denies: 'identified meet' })).toMatchObject({ denies: { name: 'meet' } })
  expect(readClosedMcp('closedMcp', undefined)).toBeUndefined()
  const prompts = ['identified greeting', 'authorized farewell scope events.read']
  expect(readMcpServer('mcp', { tools, prompts })).toMatchObject({ prompts: { high: { name: 'farewell' } } })
})

test.each([
  ['has no tool that needs a scope', { tools: ['identified list'] }, 'one for identified and one for authorized'],
  [
    'has a slow tool below authorized',
    { tools, slow: 'identified wait' },
    'mcp.slow must be a tool that is authorized',
  ],
  ['has one resource', { tools, resources: ['identified note://open/one'] }, 'mcp.resources must be two'],
  [
    'has a resource without a path',
    { tools, resources: ['identified note://open/one', 'authorized note://closed scope a'] },
    'mcp.resources[1] must be like',
  ],
  [
    'has prompts of one level',
    { tools, prompts: ['identified greeting', 'identified farewell'] },
    'mcp.prompts must be two',
  ],
  ['has an unknown member', { tools, slows: 'x' }, 'mcp has no option slows'],
])('an MCP server that %s is refused', (_, value, message) => {
  expect(() => readMcpServer('mcp', value)).toThrow(message)
})

test('an MCP server without sessions has tools, and what else the configuration names', () => {
  expect(readStatelessMcp('statelessMcp', undefined)).toBeUndefined()
  expect(readStatelessMcp('statelessMcp', { tools })).toMatchObject({ target: '/mcp', asks: undefined })
  expect(readStatelessMcp('statelessMcp', { tools, asks: 'identified ask', subscriptions: 16 })).toMatchObject({
    asks: { name: 'ask', level: 'identified' },
    subscriptions: 16,
  })
})

test.each([
  ['a tool with a scope that asks', { tools, asks: 'authorized ask scope a' }, 'must be a tool that is identified'],
  ['no subscriptions', { tools, subscriptions: 0 }, 'statelessMcp.subscriptions must be'],
  ['a member of the other kind', { tools, slow: 'authorized wait scope a' }, 'statelessMcp has no option slow'],
])('an MCP server without sessions with %s is refused', (_, value, message) => {
  expect(() => readStatelessMcp('statelessMcp', value)).toThrow(message)
})

const invite = ['invite']

test('an agent server may enrol by tokens and by sessions', () => {
  const read = readAgentServerConfiguration({
    invite,
    oidc: { claims: { sub: 'workload' } },
    session: { headers: { cookie: 'sid=1' } },
  })
  expect(read.oidc).toEqual({ claims: { sub: 'workload' } })
  expect(read.session).toEqual({ headers: { cookie: 'sid=1' }, members: {} })
  expect(readAgentServerConfiguration({ invite })).toMatchObject({ oidc: undefined, session: undefined })
})

test('the participants around an agent server are named as those around the other roles', () => {
  expect(readAgentServerConfiguration({ invite }).participants).toMatchObject({
    oidcIssuer: { port: 4712, id: undefined },
    otherAgentServer: { port: 0 },
  })
  const keySecret = 'a secret of sixteen characters'
  const oidcIssuer = { port: 5000, id: 'https://issuer.example' }
  const { participants } = readAgentServerConfiguration({ invite, keySecret, participants: { oidcIssuer } })
  expect(participants.oidcIssuer).toMatchObject({ ...oidcIssuer, secret: keySecret })
})

test.each([
  [
    'a public issuer without a secret',
    { participants: { oidcIssuer: { id: 'https://issuer.example' } } },
    'participants.oidcIssuer has an id, and so needs keySecret',
  ],
  [
    'a participant that is not played around it',
    { participants: { authServer: { port: 4720 } } },
    'participants has no option authServer; its options are otherAgentServer, oidcIssuer',
  ],
  ['a session that nothing shows', { session: { headers: {} } }, 'session.headers must have the header'],
  ['a header that is no text', { session: { headers: { cookie: 1 } } }, 'session.headers.cookie must be text'],
  ['claims that are a list', { oidc: { claims: [] } }, 'oidc.claims must be an object'],
])('an agent server with %s is refused', (_, value, message) => {
  expect(() => readAgentServerConfiguration({ invite, ...value })).toThrow(message)
})
