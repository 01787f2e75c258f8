import type { ResourceEvent } from '@countersign/resource'
import { asAgent, type Signer } from '@countersign/testing/world/signer'
import { inputRequired, McpServer } from '@modelcontextprotocol/server'
import { beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { type Making, makeTools, messagesOf, rules, type Said, type Tools } from './tools.test.fixture.js'

// While the resource only observes, everything passes unchanged, and events say what enforcing would have refused.

const told: ResourceEvent[] = []
beforeEach(() => {
  told.length = 0
})

const observing = (making: Making = {}): Promise<Tools> =>
  makeTools({ ...making, resource: { observe: true, onEvent: event => told.push(event), ...making.resource } })

/** The events since the last look: what would be refused by its reason. */
function events(): unknown[] {
  return told.splice(0).map(event => [event.type === 'refused' ? event.error.reason : event.type, event.observed])
}
const passed = ['passed', true]
const unknown = ['continuation_unknown', true]

async function resultOf(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const [message] = (await messagesOf(response)).slice(-1)
  return Object(message).result ?? { ...Object(message).error, status: response.status }
}

let made = 0

/** A server whose states and tasks have names of their own, unless a call says which. */
function numbered(): McpServer {
  const server = new McpServer({ name: 'numbered', version: '1' })
  const elicit = () => inputRequired.elicit({ message: 'Who?', requestedSchema: { type: 'object', properties: {} } })
  for (const tool of ['ask', 'other'])
    server.registerTool(tool, { inputSchema: z.object({ state: z.string().optional() }) }, async ({ state }, ctx) => {
      const sent = ctx.mcpReq.requestState()
      if (sent === undefined)
        return inputRequired({ requestState: state ?? `state ${++made}`, inputRequests: { who: elicit() } })
      return { content: [{ type: 'text', text: `went on with ${sent}` }] }
    })
  server.registerTool('report', {}, async () => ({
    content: [],
    resultType: 'task',
    taskId: `task ${++made}`,
    status: 'working',
    createdAt: '',
    lastUpdatedAt: '',
    ttlMs: null,
  }))
  server.server.setRequestHandler('tasks/get', { params: z.object({ taskId: z.string() }) }, async ({ taskId }) => ({
    resultType: 'complete',
    taskId,
    status: 'working',
    createdAt: '',
    lastUpdatedAt: '',
    ttlMs: null,
  }))
  return server
}
const options: NonNullable<Making['options']> = {
  session: { level: 'pseudonymous' },
  tools: { report: { level: 'identified' }, '*': { level: 'identified' } },
  optional: ['report'],
}
const capabilities = { elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } }

function playing(tools: Tools) {
  const { world, say } = tools
  const call = (name: string, params: object = {}): Said => ({
    method: 'tools/call',
    params: { name, ...params },
    capabilities,
  })
  return {
    one: asAgent(world.agent),
    two: asAgent(world.otherAgent),
    begin: async (as: Signer | undefined, name = 'ask', params: object = {}) =>
      String((await resultOf(await say(as, call(name, params))))['requestState']),
    goOn: async (as: Signer | undefined, requestState: string, name = 'ask') => {
      const result = await resultOf(await say(as, call(name, { requestState, inputResponses: {} })))
      return Object(result['content'])[0]?.text
    },
    task: async (as: Signer | undefined) => String((await resultOf(await say(as, call('report'))))['taskId']),
    get: async (as: Signer | undefined, taskId: string) =>
      resultOf(await say(as, { method: 'tasks/get', params: { taskId }, capabilities })),
  }
}

test('a state goes out as the server gave it; another caller’s passes, and is told', async () => {
  const { one, two, begin, goOn } = playing(await observing({ server: numbered, options }))
  const state = await begin(one)
  expect(state).toMatch(/^state \d+$/)
  expect(events()).toEqual([passed])
  expect(await goOn(one, state)).toBe(`went on with ${state}`)
  expect(events()).toEqual([passed])
  expect(await goOn(two, state)).toBe(`went on with ${state}`)
  expect(events()).toEqual([passed, unknown])
  // Of another tool, for its own caller.
  expect(await goOn(one, state, 'other')).toBe(`went on with ${state}`)
  expect(events()).toEqual([passed, unknown])
})

test('a task goes out as the server gave it, goes by the rule of its tool, and another caller’s passes and is told', async () => {
  const { one, two, task, get } = playing(await observing({ server: numbered, options }))
  const taskId = await task(one)
  expect(taskId).toMatch(/^task \d+$/)
  expect(events()).toEqual([passed])
  expect(await get(one, taskId)).toMatchObject({ taskId, status: 'working' })
  expect(told).toMatchObject([{ route: 'tool report' }])
  expect(events()).toEqual([passed])
  expect(await get(two, taskId)).toMatchObject({ taskId })
  expect(events()).toEqual([passed, unknown])
  // What the rule refuses is told once.
  expect(await get(undefined, taskId)).toMatchObject({ taskId })
  expect(events()).toEqual([['signature_missing', true]])
})

test('of what is not remembered, of what several have, and of what began below the rule, nothing is told', async () => {
  const { one, two, begin, goOn } = playing(await observing({ server: numbered, options }))
  await begin(one, 'ask', { arguments: { state: 'same' } })
  await begin(two, 'ask', { arguments: { state: 'same' } })
  await begin(undefined, 'ask', { arguments: { state: 'of nobody' } })
  events()
  for (const state of ['same', 'of nobody', 'never given']) {
    expect(await goOn(two, state)).toBe(`went on with ${state}`)
    expect(events(), state).toEqual([passed])
  }
})

test('what was sealed while the resource enforced is read, and told where it is another caller’s', async () => {
  const enforcing = await makeTools({ server: numbered, options })
  const { one, two, begin, task } = playing(enforcing)
  const [sealed, taskId] = [await begin(one), await task(one)]
  expect(sealed.split('.')).toHaveLength(3)
  const { goOn, get } = playing(await observing({ server: numbered, options, world: enforcing.world }))
  expect(await goOn(one, sealed)).toMatch(/^went on with state \d+$/)
  expect(events()).toEqual([passed])
  expect(await goOn(two, sealed)).toMatch(/^went on with state \d+$/)
  expect(events()).toEqual([passed, unknown])
  expect(await get(two, taskId)).toMatchObject({ status: 'working' })
  expect(events()).toEqual([passed, unknown])
})

test('what is remembered is bounded: of the oldest of more than a thousand nothing is told', async () => {
  const { one, two, begin, goOn } = playing(await observing({ server: numbered, options }))
  const [first, second] = [await begin(one), await begin(one)]
  for (let at = 0; at < 998; at++) await begin(one)
  await goOn(two, second)
  expect(events().slice(-1)).toEqual([unknown])
  await begin(one)
  await goOn(two, first)
  expect(events().slice(-1)).toEqual([passed])
  // Of a state of any length a hash is kept.
  const long = await begin(one, 'ask', { arguments: { state: 's'.repeat(60_000) } })
  await goOn(two, long)
  expect(events().slice(-1)).toEqual([unknown])
})

test('rules that name nothing, pages of other origins and too many subscriptions pass, and are told', async () => {
  const making = {
    options: {
      ...rules,
      tools: { ekho: { level: 'identified' }, '*': { level: 'identified' } },
      limits: { perCaller: 1 },
    },
  } as const
  const tools = await observing(making)
  const { one } = playing(tools)
  const echo = { method: 'tools/call', params: { name: 'echo', arguments: { text: 'hi' } } }
  expect(await resultOf(await tools.say(one, echo))).toMatchObject({ content: [{ text: 'echo hi' }] })
  expect(events()).toEqual([passed, ['internal_error', true]])
  const page = { ...echo, headers: { origin: 'https://evil.example' } }
  expect((await tools.say(one, page)).status).toBe(200)
  expect(events()[0]).toEqual(['origin_not_allowed', true])
  const listen = { method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true } } }
  const streams = [await tools.say(one, listen), await tools.say(one, listen)]
  expect(streams.map(({ status }) => status)).toEqual([200, 200])
  expect(events()).toEqual([passed, passed, ['capacity_exceeded', true]])
  await Promise.all(streams.map(({ body }) => body?.cancel()))

  const enforcing = await makeTools({ ...making, world: tools.world })
  expect((await enforcing.say(one, echo)).status).toBe(500)
  expect((await enforcing.say(one, page)).status).toBe(403)
})
