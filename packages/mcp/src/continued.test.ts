import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { memoryCounter, type ResourceOptions } from '@countersign/resource'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { McpServer } from '@modelcontextprotocol/server'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { World } from '../../resource/src/world.test.fixture.js'
import { askOf, makeTools, messagesOf, type Said, type Tools } from './tools.test.fixture.js'

// What one caller begins, and another one tries to go on with.

const elicitation = { elicitation: {} }
const ask = { method: 'tools/call', params: { name: 'ask' }, capabilities: elicitation }
const answers = { who: { action: 'accept', content: { name: 'Ada' } } }

async function resultOf(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const [message] = (await messagesOf(response)).slice(-1)
  return Object(message).result ?? { ...Object(message).error, status: response.status }
}

describe('a request that needs input', () => {
  let tools: Tools
  let phone: Signer
  beforeAll(async () => {
    tools = await makeTools()
    phone = asHolder(tools.world.delegateKey, await tools.world.agentToken({ sub: 'phone' }))
  })
  const asked = async (as: Signer): Promise<string> => {
    const result = await resultOf(await tools.say(as, ask))
    expect(result).toMatchObject({ resultType: 'input_required', inputRequests: { who: expect.anything() } })
    return String(result['requestState'])
  }
  const retry = (requestState: unknown, more: object = {}): Said => ({
    ...ask,
    params: { name: 'ask', inputResponses: answers, ...(requestState === undefined ? {} : { requestState }), ...more },
  })
  const unknown = { code: -32_602, data: { error: 'invalid_request', reason: 'continuation_unknown' }, status: 400 }

  test('goes on with the server’s own state when its caller answers', async () => {
    const result = await resultOf(await tools.say(phone, retry(await asked(phone))))
    expect(Object(result['content'])).toEqual([{ type: 'text', text: `asked ${JSON.stringify(answers.who)}` }])
    tools.calls.length = 0
  })

  test(verifies('mcp.continued-once', 'goes on once with a state, also where two answers come at once'), async () => {
    const state = await asked(phone)
    const both = await Promise.all([1, 2].map(async () => resultOf(await tools.say(phone, retry(state)))))
    expect(both).toContainEqual(expect.objectContaining(unknown))
    expect(both).toContainEqual(expect.objectContaining({ resultType: 'complete' }))
    expect(await resultOf(await tools.say(phone, retry(state)))).toMatchObject(unknown)
    expect(tools.calls.splice(0)).toHaveLength(1)
    // Two states of one caller and second are two questions.
    const [one, other] = [await asked(phone), await asked(phone)]
    for (const each of [one, other])
      expect(await resultOf(await tools.say(phone, retry(each)))).toMatchObject({ resultType: 'complete' })
    expect(tools.calls.splice(0)).toHaveLength(2)
  })

  test(verifies('mcp.continued-once', 'keeps its state where it is refused before the server gets it'), async () => {
    const state = await asked(phone)
    const other = asHolder(tools.world.delegateKey, await tools.world.agentToken({ sub: 'tablet' }))
    expect(await resultOf(await tools.say(other, retry(state)))).toMatchObject(unknown)
    expect(await resultOf(await tools.say(phone, retry(state)))).toMatchObject({ resultType: 'complete' })
    tools.calls.length = 0
  })

  test(verifies('mcp.continued-once', 'is refused by every instance that shares the counter'), async () => {
    const counter = memoryCounter()
    const { world } = tools
    const [one, other] = await Promise.all([1, 2].map(() => makeTools({ world, resource: { counter } })))
    const begun = await resultOf((await one?.say(phone, ask)) ?? Response.error())
    const answer = retry(begun['requestState'])
    expect(await resultOf((await other?.say(phone, answer)) ?? Response.error())).toMatchObject({
      resultType: 'complete',
    })
    expect(await resultOf((await one?.say(phone, answer)) ?? Response.error())).toMatchObject(unknown)
  })

  test('goes on when its caller has climbed meanwhile', async () => {
    const { world } = tools
    const state = await asked(phone)
    const alice = asHolder(world.delegateKey, await world.authToken({ agent_delegate: 'phone', sub: 'alice' }))
    expect(await resultOf(await tools.say(alice, retry(state)))).toMatchObject({ resultType: 'complete' })
    tools.calls.length = 0
  })

  test(verifies('mcp.continued', 'is unknown to every caller but its own'), async () => {
    const { world, say, calls } = tools
    const holder = async (claims: object) => asHolder(world.delegateKey, await world.authToken({ ...claims }))
    const table: ReadonlyArray<readonly [string, Signer, Signer]> = [
      ['another agent', asAgent(world.agent), asAgent(world.otherAgent)],
      ['another delegate', phone, asHolder(world.delegateKey, await world.agentToken({ sub: 'tablet' }))],
      ['the agent itself', phone, asAgent(world.agent)],
      ['another user', await holder({ sub: 'alice' }), await holder({ sub: 'bob' })],
      ['nobody’s delegate', await holder({ sub: 'alice' }), phone],
    ]
    for (const [what, own, other] of table) {
      const state = await asked(own)
      expect(await resultOf(await say(other, retry(state))), what).toMatchObject(unknown)
      expect(calls, what).toEqual([])
    }
  })

  test(verifies('mcp.continued', 'is unknown with a state that is changed, old, or of another request'), async () => {
    const { world, say, calls } = tools
    const state = await asked(phone)
    const [kid = '', value = '', signature = ''] = state.split('.')
    const other = Buffer.from(value, 'base64url').toString().replace('phone', 'table')
    const table: ReadonlyArray<readonly [string, Said]> = [
      ['the server’s own', retry('asked')],
      ['no text', retry(5)],
      ['changed', retry([kid, Buffer.from(other).toString('base64url'), signature].join('.'))],
      ['cut', retry(state.slice(0, -1))],
      ['longer', retry(`${state}.x`)],
      ['of another tool', { ...retry(state), params: { name: 'echo', requestState: state } }],
    ]
    for (const [what, said] of table) expect(await resultOf(await say(phone, said)), what).toMatchObject(unknown)
    const late = await asked(phone)
    world.clock.now += 3600
    const again = asHolder(world.delegateKey, await world.agentToken({ sub: 'phone' }))
    expect(await resultOf(await say(again, retry(late)))).toMatchObject(unknown)
    phone = again
    expect(calls).toEqual([])
  })
})

/** A server with a task of its own for each call, as the extension of MCP has it. */
function taskServer(tasks: string[]): McpServer {
  const server = new McpServer({ name: 'tasks', version: '1' })
  const task = (taskId: string) => ({ taskId, status: 'working', createdAt: '', lastUpdatedAt: '', ttlMs: null })
  server.registerTool('report', {}, async () => {
    tasks.push('report')
    return { content: [], resultType: 'task', ...task(`task ${tasks.length}`) }
  })
  const named = z.object({ taskId: z.string() })
  for (const method of ['tasks/get', 'tasks/cancel'])
    server.server.setRequestHandler(method, { params: named }, async ({ taskId }) => {
      tasks.push(`${method} ${taskId}`)
      return { resultType: 'complete', ...(method === 'tasks/get' ? task(taskId) : {}) }
    })
  return server
}

describe('a task', () => {
  let tools: Tools
  const seen: string[] = []
  beforeAll(async () => {
    tools = await makeTools({
      server: () => taskServer(seen),
      options: {
        session: { level: 'identified' },
        tools: { report: { scope: 'events.read' }, '*': { level: 'identified' } },
        optional: ['report'],
      },
    })
  })
  const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }

  test(
    verifies(
      'mcp.continued',
      'mcp.task-rule',
      'is known to its caller under a name of its own, and goes by the rule of its tool',
    ),
    async () => {
      const { world, say } = tools
      const alice = asHolder(world.delegateKey, await world.authToken({ sub: 'alice' }))
      const begun = await resultOf(await say(alice, { method: 'tools/call', params: { name: 'report' }, capabilities }))
      const taskId = String(begun['taskId'])
      expect([begun['resultType'], taskId.split('.').length, seen.splice(0)]).toEqual(['task', 3, ['report']])
      const about = (method: string, id: unknown = taskId): Said => ({ method, params: { taskId: id }, capabilities })
      expect(await resultOf(await say(alice, about('tasks/get')))).toMatchObject({ taskId, status: 'working' })
      expect(seen.splice(0)).toEqual(['tasks/get task 1'])
      const bob = asHolder(world.delegateKey, await world.authToken({ sub: 'bob' }))
      const unknown = { code: -32_602, data: { reason: 'continuation_unknown' }, status: 400 }
      for (const method of ['tasks/get', 'tasks/cancel'])
        expect(await resultOf(await say(bob, about(method)))).toMatchObject(unknown)
      expect(await resultOf(await say(alice, about('tasks/get', 'task 1')))).toMatchObject(unknown)
      // A caller below the level of the tool is challenged for it, and so can go on once it has climbed.
      const phone = asHolder(world.delegateKey, await world.agentToken({ sub: 'phone' }))
      const challenged = await say(phone, about('tasks/get'))
      expect([challenged.status, challenged.headers.get('agent-auth')]).toEqual([
        401,
        expect.stringContaining('auth-token'),
      ])
      expect(seen).toEqual([])
      const forged = { method: 'tasks/get', params: { taskId, requestState: 'forged' }, capabilities }
      expect(await resultOf(await say(alice, forged))).toMatchObject(unknown)
      const elsewhere = await makeTools({ world, server: () => taskServer(seen), options: { path: '/other' } })
      const other = askOf(about('tasks/get'))
      expect((await elsewhere.send(alice, { ...other, target: '/other' })).status).toBe(400)
      expect(await resultOf(await say(alice, about('tasks/cancel')))).toMatchObject({ resultType: 'complete' })
    },
  )
})

test('what an anonymous caller begins, any caller with its name may continue, and none with the name that the server gave', async () => {
  const { say } = await makeTools({
    options: { session: { level: 'anonymous' }, tools: { '*': { level: 'anonymous' } } },
  })
  const result = await resultOf(await say(undefined, ask))
  const retry = (requestState: unknown): Said => ({
    ...ask,
    params: { name: 'ask', inputResponses: answers, requestState },
  })
  expect(await resultOf(await say(undefined, retry('asked')))).toMatchObject({ code: -32_602 })
  expect(await resultOf(await say(undefined, retry(result['requestState'])))).toMatchObject({ resultType: 'complete' })
  const key = asKey(await generateSigningKey())
  const again = await resultOf(await say(undefined, ask))
  expect(await resultOf(await say(key, retry(again['requestState'])))).toMatchObject({ resultType: 'complete' })
})

test('what one instance begins any other with the same keys goes on with, and one with other keys does not know', async () => {
  const seen: string[] = []
  const level = { level: 'identified' } as const
  const instance = (keys: ResourceOptions<string>['keys'], world?: World): Promise<Tools> =>
    makeTools({
      server: () => taskServer(seen),
      options: { session: level, tools: { '*': level } },
      resource: { keys },
      ...(world && { world }),
    })
  const keys = [{ kid: 'r1', key: await generateSigningKey() }]
  const first = await instance(keys)
  const { world } = first
  const second = await instance(keys, world)
  const stranger = await instance([{ kid: 'r1', key: await generateSigningKey() }], world)
  const phone = asHolder(world.delegateKey, await world.agentToken({ sub: 'phone' }))
  const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
  const begun = { method: 'tools/call', params: { name: 'report' }, capabilities }
  const { taskId } = await resultOf(await first.say(phone, begun))
  const about: Said = { method: 'tasks/get', params: { taskId }, capabilities }
  expect(await resultOf(await second.say(phone, about))).toMatchObject({ taskId, status: 'working' })
  expect(await resultOf(await stranger.say(phone, about))).toMatchObject({ data: { reason: 'continuation_unknown' } })
})
