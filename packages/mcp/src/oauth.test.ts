import { verifies } from '@countersign/requirements'
import { asAgent } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import { makeWorld, type World } from '../../resource/src/world.test.fixture.js'
import { askOf, makeTools, messagesOf, rules, type Said, type Tools } from './tools.test.fixture.js'

// Clients of the MCP authorization specification beside agents, at one endpoint.

let world: World
let tools: Tools
beforeAll(async () => {
  world = await makeWorld()
  tools = await makeTools({
    world,
    options: {
      ...rules,
      tools: { ...rules.tools, echo: { agents: ['https://agent.example'] }, ask: { level: 'identified' } },
      oauth: {
        authorizationServers: ['https://accounts.example/'],
        async verify(token) {
          const [sub, ...scope] = token.split('.')
          if (sub === undefined || sub === 'bad') return undefined
          const iss = sub === 'foreign' ? 'https://other.example/' : 'https://accounts.example/'
          return {
            scope: scope.map(name => name.replace('-', '.')),
            ...(sub === 'brief' ? { expires: world.clock.now + 0.2 } : {}),
            ...(sub === 'nobody' ? {} : { user: { iss, sub } }),
          }
        },
      },
    },
  })
})

const metadata = 'https://calendar.example/.well-known/oauth-protected-resource/mcp'
const say = (token: string, said: Said) => {
  const { headers, ...ask } = askOf(said)
  return tools.send(undefined, { ...ask, headers: { ...headers, authorization: `Bearer ${token}` } })
}
const add = { method: 'tools/call', params: { name: 'add' } }

test('one refusal offers both: a signature, and the auth server of OAuth', async () => {
  const refused = await tools.say(undefined, { method: 'server/discover' })
  expect([refused.status, refused.headers.get('agent-auth'), refused.headers.get('www-authenticate')]).toEqual([
    401,
    'httpsig',
    `Bearer resource_metadata="${metadata}"`,
  ])
  for (const target of [new URL(metadata).pathname, '/.well-known/oauth-protected-resource'])
    expect(await (await tools.send(undefined, { method: 'GET', target })).json()).toMatchObject({
      resource: 'https://calendar.example/mcp',
      authorization_servers: ['https://accounts.example/'],
      scopes_supported: expect.arrayContaining(['events.write', 'events.read']),
    })
})

test('a client passes with its token, and is told which scope it lacks', async () => {
  expect(await messagesOf(await say('ada.events-write', add))).toMatchObject([
    { result: { content: [{ text: 'add ' }] } },
  ])
  expect(tools.calls.splice(0)).toEqual([{ tool: 'add', by: 'anonymous ada' }])
  const narrow = await say('ada.events-read', add)
  expect([narrow.status, narrow.headers.get('www-authenticate')]).toEqual([
    403,
    `Bearer resource_metadata="${metadata}", scope="events.write", error="insufficient_scope"`,
  ])
})

test.each(['bad', 'foreign.events-write'])(
  'a token that does not hold, or of an issuer that is not listed, is refused: %s',
  async token => {
    const refused = await say(token, add)
    expect([refused.status, refused.headers.get('www-authenticate'), Object(await refused.json()).error]).toEqual([
      401,
      `Bearer resource_metadata="${metadata}", scope="events.write", error="invalid_token"`,
      'invalid_signature',
    ])
    expect(tools.calls).toEqual([])
  },
)

test('an auth token is no bearer token, and a tool for named agents takes none', async () => {
  const auth = await say(await world.authToken({ sub: 'ada', scope: 'events.write' }), add)
  expect([auth.status, Object(await auth.json()).error]).toEqual([401, 'invalid_signature'])
  const named = await say('ada.events-write', { method: 'tools/call', params: { name: 'echo' } })
  expect([named.status, named.headers.get('www-authenticate')]).toEqual([401, null])
  expect(tools.calls).toEqual([])
})

test(
  verifies(
    'mcp.continued',
    'what a client begins belongs to its user, or without a user to its token, and to no agent',
  ),
  async () => {
    const asked = async (token: string): Promise<unknown> => {
      const said = { method: 'tools/call', params: { name: 'ask' }, capabilities: { elicitation: {} } }
      const [message] = await messagesOf(await say(token, said))
      return Object(Object(message).result).requestState
    }
    const retried = (requestState: unknown): Said => ({
      method: 'tools/call',
      params: { name: 'ask', requestState, inputResponses: { who: { action: 'accept', content: {} } } },
      capabilities: { elicitation: {} },
    })
    const statuses = async (own: string, others: readonly string[]) => {
      // Each has a state of its own, since one is answered once.
      const answers = [own, ...others].map(async token => say(token, retried(await asked(own))))
      const state = await asked(own)
      const agent = await tools.say(asAgent(world.agent), retried(state))
      // Who may not answer has not used it up.
      expect((await say(own, retried(state))).status).toBe(200)
      return [...(await Promise.all(answers)), agent].map(({ status }) => status)
    }
    expect(await statuses('ada', ['ada.events-read', 'eve', 'nobody'])).toEqual([200, 200, 400, 400, 400])
    expect(await statuses('nobody.a', ['nobody.b', 'ada'])).toEqual([200, 400, 400, 400])
    tools.calls.length = 0
  },
)

test(verifies('mcp.stream-end', 'a subscription ends with the bearer token that opened it'), async () => {
  const began = performance.now()
  const stream = await say('brief', {
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true } },
  })
  expect([stream.status, (await messagesOf(stream)).length]).toEqual([200, 1])
  expect(performance.now() - began).toBeLessThan(3000)
})
