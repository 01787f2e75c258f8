import { listNames, nameProof } from '@countersign/mcp/internal'
import { verifies } from '@countersign/requirements'
import { type ResourceEvent, recordOf, webBot } from '@countersign/resource'
import { asAgent } from '@countersign/testing/world/signer'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { McpSessionOptions } from './index.js'
import { makeTools, messagesOf, openSession, rpc, type Tools } from './tools.test.fixture.js'

type Scopes = 'events.read' | 'events.write'

const all = { level: 'identified' } as const
const told: string[] = []
const logged: unknown[] = []

async function made(
  tools: NonNullable<McpSessionOptions<Scopes>['tools']>,
  optional?: readonly string[],
): Promise<Tools> {
  const options = { session: all, tools, ...(optional === undefined ? {} : { optional }) }
  const onEvent = (event: { type: string; error?: { cause?: unknown } }): void => {
    if (event.type !== 'refused' || !(event.error?.cause instanceof Error)) return
    told.push(event.error.cause.message)
    logged.push(recordOf(event as ResourceEvent))
  }
  return makeTools(options, { onEvent })
}

async function call(tools: Tools, id: string, name: string): Promise<number> {
  const as = asAgent(tools.world.agent)
  const body = rpc('tools/call', { name, arguments: {} }, name)
  const response = await tools.send(as, { body, headers: { 'mcp-session-id': id } })
  await response.text()
  return response.status
}

test('while a rule names a tool that does not exist, the tool that was meant does not pass under the rule for all others', async () => {
  // The slip: `secre` for `secret`.
  const slipped = await made({ secre: { scope: 'events.write' }, '*': all })
  const id = await openSession(slipped, asAgent(slipped.world.agent))
  expect(await call(slipped, id, 'secret')).toBe(500)
  expect(await call(slipped, id, 'echo')).toBe(500)
  expect(slipped.calls).toEqual([])
  expect(told.at(-1)).toMatch(
    /^a rule is for the tool 'secre', which the server does not have; did you mean 'secret'\?/,
  )
  // The message is quoted in part only; the log names the rule all the same.
  expect(logged.at(-1)).toMatchObject({
    status: 500,
    why: "a rule is for the tool 'secre', which the server does not have; did you mean 'secret'?",
  })

  const right = await made({ secret: { scope: 'events.write' }, '*': all })
  const other = await openSession(right, asAgent(right.world.agent))
  expect(await call(right, other, 'secret')).toBe(401)
  expect(await call(right, other, 'echo')).toBe(200)
  expect(right.calls.map(({ tool }) => tool)).toEqual(['echo'])
})

test('tools with a rule of their own are not affected', async () => {
  const slipped = await made({ echo: all, secre: { scope: 'events.write' }, '*': all })
  const id = await openSession(slipped, asAgent(slipped.world.agent))
  expect(await call(slipped, id, 'echo')).toBe(200)
  expect(await call(slipped, id, 'secret')).toBe(500)
})

test('without a rule for all others the server is not asked, and names without a rule are refused', async () => {
  const slipped = await made({ echo: all, secre: { scope: 'events.write' } })
  const id = await openSession(slipped, asAgent(slipped.world.agent))
  expect([await call(slipped, id, 'echo'), await call(slipped, id, 'secret')]).toEqual([200, 403])
})

test('a tool that is added later is listed in `optional`, or proves its rule once it exists', async () => {
  const later = await made({ later: { scope: 'events.write' }, '*': all }, ['later'])
  const id = await openSession(later, asAgent(later.world.agent))
  expect(await call(later, id, 'echo')).toBe(200)

  const strict = await made({ later: { scope: 'events.write' }, '*': all })
  const other = await openSession(strict, asAgent(strict.world.agent))
  expect(await call(strict, other, 'echo')).toBe(500)
  strict.servers
    .at(-1)
    ?.registerTool('later', { inputSchema: { text: z.string().optional() } }, () => ({ content: [] }))
  expect(await call(strict, other, 'echo')).toBe(200)
  expect(await call(strict, other, 'later')).toBe(401)
})

test(
  verifies('bot.beside', 'an MCP server takes no bots: what a call opens would be theirs who know its id'),
  async () => {
    const alsoAccept = webBot({ bots: ['https://bot.example'] })
    await expect(made({ '*': { ...all, alsoAccept } })).rejects.toThrow(/webBot does not go with MCP/)
  },
)

test('an entry of `optional` that no rule has is refused', async () => {
  await expect(made({ later: all, '*': all }, ['latre'])).rejects.toThrow(
    new TypeError("optional: there is no rule for 'latre'; did you mean 'later'?"),
  )
  await expect(made({ later: all, '*': all }, ['later'])).resolves.toBeDefined()
})

test("the answers to the guard's own requests reach no caller", async () => {
  const tools = await made({ echo: all, '*': all })
  const as = asAgent(tools.world.agent)
  const id = await openSession(tools, as)
  const body = rpc('tools/call', { name: 'secret', arguments: {} }, 7)
  const response = await tools.send(as, { body, headers: { 'mcp-session-id': id } })
  expect((await messagesOf(response)).map(message => message['id'])).toEqual([7])
})

test('lists are read page by page, up to a limit', async () => {
  const pages = [{ tools: [{ name: 'a' }], nextCursor: '1' }, { tools: [{ name: 'b' }, {}] }]
  expect(await listNames('tool', async (_, { cursor }: { cursor?: string }) => pages[Number(cursor ?? 0)])).toEqual([
    'a',
    'b',
    'undefined',
  ])
  await expect(listNames('prompt', async () => ({ prompts: [], nextCursor: 'x' }))).rejects.toThrow(TypeError)
  expect(await listNames('prompt', async () => undefined)).toEqual([])
})

test('a proven rule is not looked up again', async () => {
  const proof = nameProof()
  let asked = 0
  const list = async () => {
    asked += 1
    return ['a', 'b']
  }
  await proof.prove({ kind: 'tool', rules: ['a', 'b'] }, list)
  await proof.prove({ kind: 'tool', rules: ['b'] }, list)
  await proof.prove(undefined, list)
  expect(asked).toBe(1)
  await expect(proof.prove({ kind: 'prompt', rules: ['c'] }, list)).rejects.toThrow("for the prompt 'c'")
})
