import { agentServer, callbackRoute, createAgent } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { askUsers } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { guardMcp } from '@countersign/mcp-sdk1'
import { type Bridge, bridge } from '@countersign/mcp-sdk1/bridge'
import { agentTransport, elicitUrl } from '@countersign/mcp-sdk1/client'
import { verifies } from '@countersign/requirements'
import { createResource, display } from '@countersign/resource'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  type ClientCapabilities,
  ElicitationCompleteNotificationSchema,
  type ElicitRequestParams,
  ElicitRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { browserOf, domains, origins } from './domains.fixture.js'

// A client of the SDK without AAuth, a bridge that is an agent, and a server of tools that has each payment approved by its user.

const place = domains()
let [app, auth, tools] = ['', '', '']
let server: Awaited<ReturnType<typeof createAgentServer>>
/** The payments that were made. */
const paid: string[] = []
/** What the client's user was asked, and what they press on the pages. */
let asked: ElicitRequestParams[] = []
let approves = 'Approve once'
const open: Client[] = []

beforeAll(async () => {
  ;[app, auth, tools] = (await origins(3)) as [string, string, string]
  server = await createAgentServer({ id: app, redirectUris: [`${app}/callback`], development: true })
  const resource = createResource({
    id: tools,
    authServers: [auth],
    scopes: { pay: 'Pay in your name' },
    operations: { pay: 'Make a payment' },
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
    development: true,
  })
  await Promise.all([
    place.open('agent-server', app, server),
    place.authServer(auth, {
      desk: userDesk({ login: [demoUsers([{ name: 'Ada Lovelace' }])] }),
      policy: askUsers([{ agents: 'any', resources: [tools] }]),
    }),
    place.open(
      'tools',
      tools,
      guardMcp(payments, resource, {
        tools: {
          pay: {
            scope: 'pay',
            approve: true,
            describe: request => display`Pay ${(request.json() as { to: string }).to}`,
          },
        },
      }),
    ),
  ])
})

beforeEach(() => {
  asked = []
})

afterAll(async () => {
  for (const client of open) await client.close()
  await place.close()
})

function payments(): McpServer {
  const made = new McpServer({ name: 'payments', version: '1' })
  made.registerTool('pay', { inputSchema: { to: z.string() } }, async ({ to }) => {
    paid.push(to)
    return { content: [{ type: 'text', text: `paid ${to}` }] }
  })
  return made
}

/** A client whose bridge asks through it, and the elicitations that it was told are over. */
async function connected(capabilities: ClientCapabilities): Promise<{ client: Client; completed: string[] }> {
  const [near, local] = InMemoryTransport.createLinkedPair()
  const redirectUri = `${app}/callback`
  const agent = createAgent({
    identity: agentServer({ id: app, key: server.signingKey }),
    acceptAuthServer: [auth],
    identifyTo: [tools],
    development: true,
    interact: callbackRoute({ redirectUri, visit: (url, visit) => elicitUrl({ client: between })(url, visit) }),
  })
  const between: Bridge = bridge({ local, remote: onLost => agentTransport(`${tools}/mcp`, agent, { onLost }) })
  const client = new Client({ name: 'any', version: '1' }, { capabilities })
  const completed: string[] = []
  if (capabilities.elicitation !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      asked.push(params)
      const button = params.message.includes('approve') ? approves : 'Allow'
      const url = 'url' in params ? params.url : ''
      void browserOf(agent, redirectUri)
        .follow(url, ['Ada Lovelace', button])
        .catch(() => undefined)
      return { action: 'accept' }
    })
    client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) => {
      completed.push(params.elicitationId)
    })
  }
  await between.start()
  await client.connect(near)
  open.push(client)
  return { client, completed }
}

const pay = { name: 'pay', arguments: { to: 'bob' } }
const host = (id: string): string => new URL(id).host

test(
  verifies(
    'approval.challenge',
    'approval.once',
    'the client opens the approval page for each call, and each call is made once',
  ),
  async () => {
    const { client, completed } = await connected({ elicitation: { url: {} } })
    expect(await client.callTool(pay)).toMatchObject({ content: [{ text: 'paid bob' }] })
    expect(await client.callTool(pay)).toMatchObject({ content: [{ text: 'paid bob' }] })
    expect(paid).toEqual(['bob', 'bob'])
    const approval = `${host(auth)} asks you whether to approve one call to ${host(tools)}`
    expect(asked.map(({ message }) => message)).toEqual([
      `${host(auth)} asks you whether to allow access to ${host(tools)}`,
      approval,
      approval,
    ])
    expect(asked).toMatchObject(asked.map(() => ({ mode: 'url', url: expect.stringContaining(`${auth}/`) })))
    await expect.poll(() => completed).toHaveLength(3)
  },
)

test(
  verifies('approval.asked', 'a user who says no on the page: the call fails and says so, and was not made'),
  async () => {
    approves = 'No'
    const { client } = await connected({ elicitation: { url: {} } })
    const before = paid.length
    await expect(client.callTool(pay)).rejects.toThrow('the user said no')
    expect(paid).toHaveLength(before)
    approves = 'Approve once'
    expect(await client.callTool(pay)).toMatchObject({ content: [{ text: 'paid bob' }] })
  },
)

test('a client that cannot open pages: the call fails and says that a user must agree', async () => {
  const { client } = await connected({})
  const before = paid.length
  await expect(client.callTool(pay)).rejects.toThrow('no elicitation in URL mode')
  expect([paid.length - before, asked.length]).toEqual([0, 0])
})
