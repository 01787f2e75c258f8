import { type Agent, agentServer, callbackRoute, createAgent, deviceCode, type VisitUrl } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { askUsers } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { callerOf, guardMcp, type McpParticipant } from '@countersign/mcp'
import { agentTransport, elicitCode, elicitUrl } from '@countersign/mcp/client'
import { guardMcp as guardMcpOfSdk1 } from '@countersign/mcp-sdk1'
import { createResource } from '@countersign/resource'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { Client, InMemoryTransport, SdkHttpError } from '@modelcontextprotocol/client'
import { McpServer as McpServerOfSdk1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { browserOf, domains, origins } from './domains.fixture.js'

// Clients of SDK 2 whose requests an agent signs, and servers of both revisions behind guards.

const place = domains()
let [app, auth, tools, old] = ['', '', '', '']
let server: Awaited<ReturnType<typeof createAgentServer>>
let guarded: McpParticipant
/** The tools that ran, with the level of their caller. */
const ran: string[] = []
/** Where users were sent. */
let visited: string[] = []
const open: Client[] = []
/** Users, one for each agent: what one has allowed is not asked again. */
const names = Array.from({ length: 16 }, (_, at) => `User ${at + 1}.`)
let users = 0

beforeAll(async () => {
  ;[app, auth, tools, old] = (await origins(4)) as [string, string, string, string]
  server = await createAgentServer({ id: app, redirectUris: [`${app}/callback`], development: true })
  const settings = async (id: string) => ({
    id,
    authServers: [auth],
    scopes: { pay: 'Pay in your name' },
    development: true,
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
  })
  const rules = {
    session: { level: 'identified' },
    tools: { hello: { level: 'identified' }, pay: { scope: 'pay' }, report: { scope: 'pay' } },
  } as const
  guarded = guardMcp(payments, createResource(await settings(tools)), {
    ...rules,
    streamSeconds: 1,
    session: { level: 'pseudonymous' },
  })
  const { report: _, ...older } = rules.tools
  const guardedOld = guardMcpOfSdk1(oldPayments, createResource(await settings(old)), { ...rules, tools: older })
  await Promise.all([
    place.open('agent-server', app, server),
    place.authServer(auth, {
      desk: userDesk({ login: [demoUsers(names.map(name => ({ name })))] }),
      policy: askUsers([{ agents: 'any', resources: [tools, old] }]),
    }),
    place.open('tools', tools, guarded),
    place.open('old', old, guardedOld),
  ])
})

beforeEach(() => {
  ran.length = 0
  visited = []
})

afterAll(async () => {
  for (const client of open) await client.close()
  await place.close()
})

function payments(): McpServer {
  const made = new McpServer({ name: 'new', version: '1' }, { capabilities: { tools: { listChanged: true } } })
  for (const tool of ['hello', 'pay'])
    made.registerTool(tool, { inputSchema: z.object({}) }, async (_, ctx) => {
      ran.push(`${tool} ${callerOf(ctx).level}`)
      return { content: [{ type: 'text', text: `${tool}: done` }] }
    })
  const task = { taskId: 'report 1', status: 'working', createdAt: '', lastUpdatedAt: '', ttlMs: null }
  made.registerTool('report', {}, async () => ({ content: [], resultType: 'task', ...task }))
  made.server.setRequestHandler('tasks/get', { params: z.object({ taskId: z.string() }) }, async ({ taskId }) => {
    ran.push(`get ${taskId}`)
    return { resultType: 'complete', ...task }
  })
  return made
}

function oldPayments(): McpServerOfSdk1 {
  const made = new McpServerOfSdk1({ name: 'old', version: '1' })
  for (const tool of ['hello', 'pay'])
    made.registerTool(tool, {}, async () => {
      ran.push(tool)
      return { content: [{ type: 'text', text: `${tool}: done` }] }
    })
  return made
}

/** An agent whose user signs in, and presses a button. */
function agentWith(press: string, wait: (stop: AbortSignal) => Promise<void> = async () => undefined): Agent {
  const redirectUri = `${app}/callback`
  const user = names[users++] ?? ''
  const visit: VisitUrl = (url, { ended }) => {
    visited.push(url)
    void wait(ended)
      .then(() => browserOf(agent, redirectUri).follow(url, [user, press]))
      .catch(() => undefined)
  }
  const agent = createAgent({
    identity: agentServer({ id: app, key: server.signingKey }),
    acceptAuthServer: [auth],
    identifyTo: [tools, old],
    development: true,
    interact: callbackRoute({ redirectUri, visit }),
  })
  return agent
}

const modern = { versionNegotiation: { mode: 'auto' } } as const

async function connected(id: string, agent: Pick<Agent, 'fetch'>, options: object = modern): Promise<Client> {
  const client = new Client({ name: 'any', version: '1' }, options)
  open.push(client)
  await client.connect(agentTransport(`${id}/mcp`, agent))
  return client
}

const say = async (client: Client, name: string): Promise<unknown> =>
  (await client.callTool({ name })).content.map(block => ('text' in block ? block.text : '')).join()

describe.each([
  ['of revision 2026-07-28', () => tools, modern, '2026-07-28'],
  ['of revision 2025-11-25', () => old, modern, '2025-11-25'],
  ['of both revisions, to a client of the old one', () => tools, {}, '2025-11-25'],
])('a server %s', (_, id, options, revision) => {
  test('challenges are answered from one level to the next', async () => {
    const client = await connected(id(), agentWith('Allow'), options)
    expect(client.getNegotiatedProtocolVersion()).toBe(revision)
    expect(await say(client, 'hello')).toBe('hello: done')
    expect(visited).toEqual([])
    expect(await say(client, 'pay')).toBe('pay: done')
    expect([visited.length, ran.map(line => line.split(' ')[0])]).toEqual([1, ['hello', 'pay']])
  })

  test('a user who says no ends the call, with the reason', async () => {
    const client = await connected(id(), agentWith('Refuse'), options)
    await expect(say(client, 'pay')).rejects.toThrow('the user said no')
    expect([visited.length, ran]).toEqual([1, []])
  })

  test('a call that is cancelled while its user is asked is not sent', async () => {
    let agree: () => void = () => undefined
    const agrees = new Promise<void>(resolve => {
      agree = resolve
    })
    let ended = false
    const agent = agentWith('Allow', async stop => {
      stop.addEventListener('abort', () => {
        ended = true
      })
      await agrees
    })
    const client = await connected(id(), agent, options)
    const stop = new AbortController()
    const call = client.callTool({ name: 'pay' }, { signal: stop.signal })
    call.catch(() => undefined)
    await expect.poll(() => visited).toHaveLength(1)
    stop.abort('enough')
    await expect(call).rejects.toThrow('enough')
    await expect.poll(() => ended).toBe(true)
    agree()
    expect(await say(client, 'hello')).toBe('hello: done')
    expect(ran.map(line => line.split(' ')[0])).toEqual(['hello'])
  })
})

test('a refusal has the reason of the agent', async () => {
  const agent = createAgent({ identity: agentServer({ id: app, key: server.signingKey }), development: true })
  const client = await connected(tools, agent)
  const error = await say(client, 'hello').catch(thrown => thrown)
  expect(error).toBeInstanceOf(SdkHttpError)
  expect([Object(error).status, Object(error).message]).toEqual([
    401,
    expect.stringContaining('identifyTo does not list it'),
  ])
})

test('a server that refuses the first request: the error of connecting has the reason of the agent', async () => {
  const [id = ''] = await origins(1)
  const resource = createResource({ id, keys: [{ kid: 'r1', key: await generateSigningKey() }], development: true })
  await place.open('closed', id, guardMcp(payments, resource, { tools: { '*': { level: 'identified' } } }))
  const agent = createAgent({ identity: agentServer({ id: app, key: server.signingKey }), development: true })
  await expect(connected(id, agent)).rejects.toThrow('identifyTo does not list it')
})

/** The result of a request that the SDK's client does not know, such as those of tasks. */
async function resultOf(agent: Agent, method: string, params: object): Promise<Readonly<Record<string, unknown>>> {
  const transport = agentTransport(`${tools}/mcp`, agent)
  const got = new Promise<unknown>(resolve => {
    transport.onmessage = resolve
  })
  await transport.start()
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'any', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
  }
  await transport.send({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } })
  const { result } = Object(await got)
  await transport.close()
  return result
}

test('a task that needs its user: the agent asks them before it goes on', async () => {
  const user = users
  const { taskId } = await resultOf(agentWith('Allow'), 'tools/call', { name: 'report' })
  expect([taskId, visited.length]).toEqual([expect.any(String), 1])
  // The same agent and user, started again without the grant.
  users = user
  expect(await resultOf(agentWith('Allow'), 'tasks/get', { taskId })).toMatchObject({ status: 'working' })
  expect([visited.length, ran]).toEqual([2, ['get report 1']])
})

test('a subscription ends with its stream, and can be opened again', async () => {
  const client = await connected(tools, agentWith('Allow'))
  let changes = 0
  client.setNotificationHandler('notifications/tools/list_changed', () => {
    changes += 1
  })
  for (const round of [1, 2]) {
    const subscription = await client.listen({ toolsListChanged: true })
    guarded.notify.toolsChanged()
    await expect.poll(() => changes).toBe(round)
    expect(await subscription.closed).toBe('remote')
  }
})

describe('an MCP server that is an agent asks the user of its own client', () => {
  const grant = { issuer: 'https://auth.example', resource: 'https://calendar.example', scope: 'events.read' }

  async function asked(answer: 'accept' | 'decline') {
    const [near, far] = InMemoryTransport.createLinkedPair()
    const client = new Client({ name: 'any', version: '1' }, { capabilities: { elicitation: { url: {} } } })
    const seen: object[] = []
    client.setRequestHandler('elicitation/create', ({ params }) => {
      seen.push(params)
      return { action: answer }
    })
    const planner = new McpServer({ name: 'planner', version: '1' })
    await Promise.all([planner.connect(far), client.connect(near)])
    open.push(client)
    return { client: planner.server, seen }
  }

  test('by a URL', async () => {
    const { client, seen } = await asked('accept')
    await elicitUrl({ client })('https://auth.example/consent', { ...grant, ended: new AbortController().signal })
    expect(seen).toMatchObject([{ mode: 'url', url: 'https://auth.example/consent' }])
  })

  test('by a code', async () => {
    const { client, seen } = await asked('decline')
    const show = elicitCode({ client, otherwise: () => expect.unreachable() })
    const code = { verification_uri: 'https://auth.example/device', user_code: 'BCDF-GHJK', expires_in: 600 }
    await expect(show({ ...code, ...grant })).rejects.toMatchObject({ code: 'denied' })
    expect(seen).toMatchObject([{ url: 'https://auth.example/device', message: expect.stringContaining('BCDF-GHJK') }])
    expect(deviceCode({ show }).kind).toBeDefined()
  })
})
