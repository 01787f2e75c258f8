import { type Agent, agentServer, callbackRoute, createAgent } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { askUsers } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { guardMcp, type McpParticipant } from '@countersign/mcp'
import { agentTransport, elicitUrl } from '@countersign/mcp/client'
import { guardMcp as guardMcpOfSdk1 } from '@countersign/mcp-sdk1'
import { type Bridge, bridge } from '@countersign/mcp-sdk1/bridge'
import { agentTransport as agentTransportOfSdk1 } from '@countersign/mcp-sdk1/client'
import { createResource } from '@countersign/resource'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { Client, InMemoryTransport } from '@modelcontextprotocol/client'
import { Client as ClientOfSdk1 } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport as InMemoryTransportOfSdk1 } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer as McpServerOfSdk1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ElicitRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { inputRequired, McpServer } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { browserOf, domains, origins } from './domains.fixture.js'

// Clients of both revisions that know nothing of AAuth, bridges that are agents, and servers of both revisions behind guards.

const place = domains()
let [app, auth, tools, old] = ['', '', '', '']
let server: Awaited<ReturnType<typeof createAgentServer>>
let guarded: McpParticipant
let asked: object[] = []
/** Users, one for each bridge: what one has allowed is not asked again. */
const names = Array.from({ length: 32 }, (_, at) => `User ${at + 1}.`)
let users = 0
const open: Array<{ close(): Promise<void> }> = []
const form = { type: 'object', properties: { name: { type: 'string' } } } as const

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
  const rules = { tools: { pay: { scope: 'pay' }, ask: { level: 'identified' } } } as const
  const all = { tools: { ...rules.tools, wire: { level: 'identified' } } } as const
  guarded = guardMcp(newTools, createResource(await settings(tools)), { ...all, streamSeconds: 1 })
  const guardedOld = guardMcpOfSdk1(oldTools, createResource(await settings(old)), rules)
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
  asked = []
})

afterAll(async () => {
  for (const one of open) await one.close()
  await place.close()
})

const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] })

function newTools(): McpServer {
  const made = new McpServer({ name: 'new', version: '1' }, { capabilities: { tools: { listChanged: true } } })
  made.registerTool('pay', {}, async () => text('paid'))
  made.registerTool('ask', {}, async ({ mcpReq: { inputResponses } }) => {
    if (inputResponses !== undefined) return text(`${Object(inputResponses['who']).content.name} said so`)
    return inputRequired({
      inputRequests: { who: inputRequired.elicit({ message: 'Who?', requestedSchema: form }) },
      requestState: 'asked',
    })
  })
  const inputSchema = z.object({ account: z.string().meta({ 'x-mcp-header': 'Account' }) })
  made.registerTool('wire', { inputSchema }, async ({ account }) => text(`wired to ${account}`))
  return made
}

function oldTools(): McpServerOfSdk1 {
  const made = new McpServerOfSdk1({ name: 'old', version: '1' })
  made.registerTool('pay', {}, async () => text('paid'))
  made.registerTool('ask', {}, async () => {
    const { content } = await made.server.elicitInput({ mode: 'form', message: 'Who?', requestedSchema: form })
    return text(`${content?.['name']} said so`)
  })
  return made
}

/** What a client's user answers: their name, or the consent page, where they press Allow. */
function answerOf(params: object, agent: Agent, user: string): { action: 'accept'; content?: { name: string } } {
  asked.push(params)
  if (!('url' in params)) return { action: 'accept', content: { name: 'Ada' } }
  void browserOf(agent, `${app}/callback`)
    .follow(String(params.url), [user, 'Allow'])
    .catch(() => undefined)
  return { action: 'accept' }
}

interface Connected {
  call(name: string, args?: Record<string, unknown>): Promise<unknown>
  list(): Promise<unknown>
  /** Counts changes of the list of tools. */
  readonly changes: () => number
}

async function connected(client: 'old' | 'new', to: 'old' | 'new'): Promise<Connected> {
  const user = names[users++] ?? ''
  const redirectUri = `${app}/callback`
  const agent = createAgent({
    identity: agentServer({ id: app, key: server.signingKey }),
    acceptAuthServer: [auth],
    identifyTo: [tools, old],
    development: true,
    interact: callbackRoute({ redirectUri, visit: (url, visit) => elicitUrl({ client: between })(url, visit) }),
  })
  const url = `${to === 'old' ? old : tools}/mcp`
  const pipes = client === 'old' ? InMemoryTransportOfSdk1 : InMemoryTransport
  const [near, local] = pipes.createLinkedPair()
  const between: Bridge = bridge({ local, remote: onLost => agentTransport(url, agent, { onLost }) })
  await between.start()
  let changes = 0
  const changed = (): void => {
    changes += 1
  }
  const textIn = (content: unknown): unknown => Object((content as object[])[0]).text
  if (client === 'old') {
    const made = new ClientOfSdk1(
      { name: 'any', version: '1' },
      { capabilities: { elicitation: { form: {}, url: {} } } },
    )
    made.setRequestHandler(ElicitRequestSchema, ({ params }) => answerOf(params, agent, user))
    made.setNotificationHandler(ToolListChangedNotificationSchema, changed)
    await made.connect(near as InMemoryTransportOfSdk1)
    open.push(made)
    return {
      call: async (name, args = {}) => textIn((await made.callTool({ name, arguments: args })).content),
      list: () => made.listTools(),
      changes: () => changes,
    }
  }
  const made = new Client(
    { name: 'any', version: '1' },
    { capabilities: { elicitation: { form: {}, url: {} } }, versionNegotiation: { mode: 'auto' } },
  )
  made.setRequestHandler('elicitation/create', ({ params }) => answerOf(params, agent, user))
  made.setNotificationHandler('notifications/tools/list_changed', changed)
  await made.connect(near as InMemoryTransport)
  open.push(made)
  expect(made.getNegotiatedProtocolVersion()).toBe('2026-07-28')
  return {
    call: async (name, args = {}) => textIn((await made.callTool({ name, arguments: args })).content),
    list: () => made.listTools(),
    changes: () => changes,
  }
}

describe.each([
  ['old', 'old'],
  ['new', 'new'],
  ['old', 'new'],
  ['new', 'old'],
] as const)('an %s client of an %s server', (client, to) => {
  test('opens the page on which its user agrees, and the call goes on', async () => {
    const { call } = await connected(client, to)
    expect(await call('pay')).toBe('paid')
    expect(asked).toMatchObject([{ mode: 'url', url: expect.stringContaining(`${auth}/`) }])
    expect(await call('pay')).toBe('paid')
    expect(asked).toHaveLength(1)
  })

  test('answers what the server asks', async () => {
    const { call } = await connected(client, to)
    expect(await call('ask')).toBe('Ada said so')
    expect(asked).toMatchObject([{ message: 'Who?' }])
  })
})

describe.each(['old', 'new'] as const)('an %s client of a new server', client => {
  test('calls a tool one of whose arguments stands in a header, too', async () => {
    const { call, list } = await connected(client, 'new')
    await list()
    for (const account of ['DE 12', 'Zürich', ' ', '=?base64?x?='])
      expect(await call('wire', { account })).toBe(`wired to ${account}`)
  })
})

test('an old client hears of changes on, when the subscription of the bridge has ended with its token', async () => {
  const { changes } = await connected('old', 'new')
  const hear = async (): Promise<number> => {
    guarded.notify.toolsChanged()
    return changes()
  }
  await expect.poll(hear).toBeGreaterThan(0)
  await new Promise(resolve => setTimeout(resolve, 1_500))
  const before = changes()
  await expect.poll(hear, { timeout: 5_000 }).toBeGreaterThan(before + 1)
})

test('a client that begins anew in the other revision, since the server refused it, is told why', async () => {
  const agent = createAgent({
    identity: agentServer({ id: app, key: server.signingKey }),
    identifyTo: [tools],
    development: true,
  })
  const [near, local] = InMemoryTransport.createLinkedPair()
  const between = bridge({ local, remote: onLost => agentTransportOfSdk1(`${old}/mcp`, agent, { onLost }) })
  await between.start()
  const client = new Client({ name: 'any', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await expect(client.connect(near)).rejects.toThrow('identifyTo does not list it')
  await between.close()
})
