import { asAgent } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import { makeWorld, type World } from '../../resource/src/world.test.fixture.js'
import { initialize, makeTools, messagesOf, rpc, rules, type Tools } from './tools.test.fixture.js'

let world: World
let tools: Tools
beforeAll(async () => {
  world = await makeWorld()
  tools = await makeTools(
    {
      ...rules,
      tools: { ...rules.tools, echo: { agents: ['https://agent.example'] } },
      oauth: {
        authorizationServers: ['https://accounts.example/'],
        async verify(token) {
          const [sub, ...scope] = token.split('.')
          if (sub === undefined || sub === 'bad') return undefined
          return {
            scope: scope.map(name => name.replace('-', '.')),
            ...(sub === 'brief' ? { expires: world.clock.now + 0.2 } : {}),
            ...(sub === 'nobody' ? {} : { user: { iss: 'https://accounts.example/', sub } }),
          }
        },
      },
    },
    {},
    world,
  )
})

const by = (token: string, headers: Readonly<Record<string, string>> = {}) => ({
  headers: { authorization: `Bearer ${token}`, ...headers },
})

async function opened(token: string): Promise<string> {
  const response = await tools.send(undefined, { body: initialize, ...by(token) })
  expect(response.status).toBe(200)
  return response.headers.get('mcp-session-id') ?? ''
}

test('an OAuth client finds the auth server in the challenge, and passes with its token', async () => {
  const refused = await tools.send(undefined, { body: initialize })
  expect([refused.status, refused.headers.get('agent-auth')]).toEqual([401, 'httpsig'])
  const metadata = 'https://calendar.example/.well-known/oauth-protected-resource/mcp'
  expect(refused.headers.get('www-authenticate')).toBe(`Bearer resource_metadata="${metadata}"`)
  for (const target of [new URL(metadata).pathname, '/.well-known/oauth-protected-resource'])
    expect(await (await tools.send(undefined, { method: 'GET', target })).json()).toEqual({
      resource: 'https://calendar.example/mcp',
      authorization_servers: ['https://accounts.example/'],
      scopes_supported: ['events.write', 'events.read'],
      bearer_methods_supported: ['header'],
    })
  const id = await opened('ada.events-write')
  const call = async (token: string, name: string) =>
    tools.send(undefined, { body: rpc('tools/call', { name }, 1), ...by(token, { 'mcp-session-id': id }) })
  expect(await messagesOf(await call('ada.events-write', 'add'))).toMatchObject([
    { result: { content: [{ text: 'add ' }] } },
  ])
  expect(tools.calls.splice(0)).toEqual([{ tool: 'add', by: 'anonymous ada' }])
  const narrow = await call('ada.events-read', 'add')
  expect([narrow.status, narrow.headers.get('www-authenticate')]).toEqual([
    403,
    `Bearer resource_metadata="${metadata}", scope="events.write", error="insufficient_scope"`,
  ])
  const bad = await call('bad', 'add')
  expect([bad.status, bad.headers.get('www-authenticate'), Object(await bad.json()).error]).toEqual([
    401,
    `Bearer resource_metadata="${metadata}", scope="events.write", error="invalid_token"`,
    'invalid_signature',
  ])
  // A tool for named agents is for no bearer of a token: it names none.
  const named = await call('ada.events-write', 'echo')
  expect([named.status, named.headers.get('www-authenticate'), named.headers.get('agent-auth')]).toEqual([
    401,
    null,
    'httpsig; identity=?1',
  ])
  expect(tools.calls).toEqual([])
})

test('a list tells an OAuth client which tools its token allows; a tool for named agents is never allowed', async () => {
  const id = await opened('ada.events-write')
  const listed = async (token: string) => {
    const list = await tools.send(undefined, { body: rpc('tools/list', {}, 1), ...by(token, { 'mcp-session-id': id }) })
    const [answer] = await messagesOf(list)
    const all: Array<{ name: string; _meta: object }> = Object(answer?.['result']).tools
    return Object.fromEntries(all.map(({ name, _meta }) => [name, Object(_meta)['aauth/allowed']]))
  }
  expect(await listed('ada.events-write')).toMatchObject({ echo: false, add: true, book: false, secret: false })
  expect(await listed('ada.events-read')).toMatchObject({ echo: false, add: false, book: true })
})

test('a session of an OAuth client belongs to its user, or without a user to its token, and never to an agent', async () => {
  const ping = (token: string, id: string) =>
    tools.send(undefined, { body: rpc('ping', undefined, 1), ...by(token, { 'mcp-session-id': id }) })
  const id = await opened('ada')
  expect([
    (await ping('ada.events-read', id)).status,
    (await ping('eve', id)).status,
    (await ping('nobody', id)).status,
  ]).toEqual([200, 404, 404])
  const bare = await opened('nobody.a')
  expect([
    (await ping('nobody.a', bare)).status,
    (await ping('nobody.b', bare)).status,
    (await ping('ada', bare)).status,
  ]).toEqual([200, 404, 404])
  const agent = asAgent(world.agent)
  for (const other of [id, bare])
    expect(
      (await tools.send(agent, { body: rpc('ping', undefined, 1), headers: { 'mcp-session-id': other } })).status,
    ).toBe(404)
  const own = await tools.send(agent, { body: initialize })
  await own.text()
  expect((await ping('ada', own.headers.get('mcp-session-id') ?? '')).status).toBe(404)
})

test('an auth token is not accepted as a bearer token', async () => {
  const token = await world.authToken({ sub: 'ada', scope: 'events.write' })
  const refused = await tools.send(undefined, { body: initialize, ...by(token) })
  expect([refused.status, Object(await refused.json()).error]).toEqual([401, 'invalid_signature'])
  expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"$/)
  expect((await tools.send(undefined, { body: initialize, ...by('ada') })).status).toBe(200)
})

test('a stream ends with the bearer token that opened it when the verifier returns its expiry', async () => {
  const id = await opened('brief')
  const headers = { 'mcp-session-id': id, accept: 'text/event-stream' }
  const began = performance.now()
  const stream = await tools.send(undefined, { method: 'GET', ...by('brief', headers) })
  expect([stream.status, await messagesOf(stream)]).toEqual([200, []])
  expect(performance.now() - began).toBeLessThan(3000)
})
