import { verifies } from '@countersign/requirements'
import { asHolder } from '@countersign/testing/world/signer'
import { inputRequired, McpServer } from '@modelcontextprotocol/server'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { calendarId, makeWorld, type World } from '../../resource/src/world.test.fixture.js'
import { makeTools, messagesOf, type Said, type Tools } from './tools.test.fixture.js'

// What the conditions of a caller let through, at a server of revision 2026-07-28.

const sent: unknown[] = []

function mail(): McpServer {
  const server = new McpServer({ name: 'mail', version: '1' }, { capabilities: { tools: { listChanged: true } } })
  const inputSchema = z.looseObject({ to: z.string().optional() })
  server.registerTool('send', { inputSchema }, async (given, ctx) => {
    const { inputResponses } = ctx.mcpReq
    if (given.to === undefined && inputResponses === undefined)
      return inputRequired({
        requestState: 's',
        inputRequests: {
          to: inputRequired.elicit({ message: 'Whom?', requestedSchema: { type: 'object', properties: {} } }),
        },
      })
    sent.push(given.to ?? inputResponses)
    return { content: [{ type: 'text', text: 'sent' }] }
  })
  const outputSchema = z.object({ items: z.array(z.object({ title: z.string(), body: z.string() })) })
  server.registerTool('read', { outputSchema }, async () => {
    const structuredContent = { items: [{ title: 'a', body: 'hidden' }] }
    return { structuredContent, content: [{ type: 'text', text: JSON.stringify(structuredContent) }] }
  })
  return server
}

let world: World
let tools: Tools
beforeAll(async () => {
  world = await makeWorld()
  const scope = { scope: 'events.read' } as const
  tools = await makeTools({
    world,
    server: mail,
    resource: { operations: { send: 'Send mail', read: 'Read mail' } },
    options: { session: scope, tools: { '*': scope } },
  })
})

async function under(...constraints: object[]) {
  const as = asHolder(world.delegateKey, await world.authToken({ sub: 'alice', constraints }))
  return (said: Said) => tools.say(as, { capabilities: { elicitation: {} }, ...said })
}

const toBob = { type: 'arguments', resource: calendarId, of: 'send', where: [{ at: '/to', in: ['bob'] }] }
const call = (given: object, more: object = {}): Said => ({
  method: 'tools/call',
  params: { name: 'send', arguments: given, ...more },
})

describe('under a condition about arguments', () => {
  test(verifies('mcp.input-judged', 'an answer that has content is refused, and no tool runs'), async () => {
    const say = await under({ ...toBob, where: [{ at: '/to' }, { at: '/subject' }] })
    const [asked] = await messagesOf(await say(call({ subject: 'hi' })))
    const { requestState } = Object(asked).result
    for (const inputResponses of [
      { to: { action: 'accept', content: { to: 'eve' } } },
      { to: { content: { to: 'eve' } } },
      { to: 'eve' },
      { to: { action: 'send to eve' } },
      { to: { action: { iban: 'eve' } } },
      { to: ['eve'] },
    ]) {
      const refused = await say(call({ subject: 'hi' }, { inputResponses, requestState }))
      expect([refused.status, Object(await refused.json()).reason], JSON.stringify(inputResponses)).toEqual([
        403,
        'condition_arguments',
      ])
    }
    expect(sent).toEqual([])
    const said = await say(call({ subject: 'hi' }, { inputResponses: { to: { action: 'decline' } }, requestState }))
    expect([said.status, sent.splice(0)]).toEqual([200, [{ to: { action: 'decline' } }]])
  })

  test(
    verifies('mcp.params-judged', 'what a call holds beside its arguments is refused, but for what MCP defines'),
    async () => {
      const say = await under(toBob)
      const more = [
        { to: 'eve' },
        { argument: { to: 'eve' } },
        { _meta: { 'acme/to': 'eve' } },
        { _meta: { to: 'eve' } },
      ]
      for (const one of more) {
        const refused = await say(call({ to: 'bob' }, one))
        expect([refused.status, Object(await refused.json()).reason], JSON.stringify(one)).toEqual([
          403,
          'condition_arguments',
        ])
      }
      expect(sent).toEqual([])
      const _meta = { progressToken: 1, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
      expect((await say(call({ to: 'bob' }, { _meta }))).status).toBe(200)
      expect(sent.splice(0)).toEqual(['bob'])
    },
  )

  test(
    verifies('mcp.params-judged', 'approval.shown', 'no user is asked about a call that holds more than its arguments'),
    async () => {
      const say = await under({ type: 'approval', resource: calendarId, of: ['send'] })
      const answered = async (more: object): Promise<unknown[]> => {
        const response = await say(call({}, more))
        return [response.status, Object(await response.json()).reason]
      }
      for (const more of [{ to: 'eve' }, { _meta: { to: 'eve' } }])
        expect(await answered(more), JSON.stringify(more)).toEqual([403, 'approval_unshowable'])
      expect(await answered({ _meta: { progressToken: 1 } })).toEqual([401, 'approval_needed'])
    },
  )

  test(verifies('policy.arguments', 'others than it allows are refused, and those that it allows pass'), async () => {
    const say = await under(toBob)
    const refused = await say(call({ to: 'eve' }))
    expect([refused.status, Object(await refused.json()).reason]).toEqual([403, 'condition_arguments'])
    expect((await say(call({ to: 'bob' }))).status).toBe(200)
    expect(sent.splice(0)).toEqual(['bob'])
  })

  test(
    verifies('policy.operation-spelling', 'a tool that the server may take for its operation is refused'),
    async () => {
      const approval = { type: 'approval', resource: calendarId, of: ['send'] }
      for (const condition of [toBob, approval]) {
        const say = await under(condition)
        for (const name of ['SEND', 'send\u00a0', '\uff53end']) {
          const refused = await say({ method: 'tools/call', params: { name, arguments: { to: 'bob' } } })
          expect([refused.status, Object(await refused.json()).reason], name).toEqual([403, 'operation_misspelt'])
        }
      }
      expect(sent).toEqual([])
      const say = await under(toBob, { ...approval, of: ['pay'] })
      expect((await say(call({ to: 'bob' }))).status).toBe(200)
      expect((await say({ method: 'tools/call', params: { name: 'read' } })).status).toBe(200)
      expect(sent.splice(0)).toEqual(['bob'])
    },
  )

  test('a task is changed only by a caller without it', async () => {
    const say = await under(toBob)
    const refused = await say({ method: 'tasks/update', params: { taskId: 't', inputResponses: {} } })
    expect([refused.status, Object(await refused.json()).reason]).toEqual([403, 'operation_unnamed'])
  })
})

describe('under a condition about data', () => {
  test(verifies('DEL-65', 'structured content goes out in part, and what the server is as a whole'), async () => {
    const say = await under({ type: 'data', resource: calendarId, fields: ['/items/*/title'] })
    const [read] = await messagesOf(await say({ method: 'tools/call', params: { name: 'read' } }))
    expect(Object(read).result).toEqual({
      content: [{ type: 'text', text: '{"items":[{"title":"a"}]}' }],
      structuredContent: { items: [{ title: 'a' }] },
    })
    const [discovered] = await messagesOf(await say({ method: 'server/discover' }))
    expect(Object(discovered).result.supportedVersions).toContain('2026-07-28')
    const subscription = await say({
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true } },
    })
    expect([subscription.status, Object(await subscription.json()).reason]).toEqual([403, 'condition_data'])
    const asked = await say(call({}))
    expect([asked.status, Object(await asked.json()).reason]).toEqual([403, 'answer_withheld'])
  })
})
