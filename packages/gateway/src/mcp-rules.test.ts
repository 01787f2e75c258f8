import { verifies } from '@countersign/requirements'
import type { Requirement } from '@countersign/resource'
import type { Signer } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import { stage } from './stage.test.fixture.js'
import { type AnswerAs, makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const start = stage(() => world)

test(
  verifies(
    'mcp.route-holds',
    'what the route asks of who calls, every rule asks, too: a server without sessions gets calls without one',
  ),
  async () => {
    const statusOf = async (requirement: Requirement<'read'>, name: string, as: Signer): Promise<number> => {
      const tools = {
        look: { level: 'identified' },
        ours: { agents: ['https://agent.example'] },
        read: { scope: 'read' },
        choosy: { level: 'identified', policy: () => true, deny: { agents: ['https://other.example'] } },
      } as const
      const { signed } = await start(none, [{ path: '/mcp', requirement, mcp: { tools } }])
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } })
      return (
        await signed({ as, method: 'POST', target: '/mcp', headers: [['content-type', 'application/json']], body })
      ).status
    }
    const others: Requirement<'read'> = { agents: ['https://acme.example'] }
    expect(await statusOf(others, 'look', world.agent)).toBe(403)
    expect(await statusOf({ agents: ['https://agent.example'] }, 'look', world.agent)).toBe(200)
    // A rule's own list counts in place of the route's.
    expect(await statusOf(others, 'ours', world.agent)).toBe(200)
    for (const refusing of [
      { deny: { agents: ['https://agent.example'] } },
      { deny: () => true },
      { policy: () => false },
    ] satisfies Array<Requirement<'read'>>)
      for (const name of ['look', 'ours', 'choosy'])
        expect(await statusOf({ level: 'identified', ...refusing }, name, world.agent), name).toBe(403)
    expect(await statusOf({ level: 'identified', deny: () => false, policy: () => true }, 'choosy', world.agent)).toBe(
      200,
    )
  },
)

const none: AnswerAs = (_, response, body) => {
  const { id } = JSON.parse(body)
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }))
}

/** What a call of `send` is answered. */
async function answered(route: Requirement<'read'>, send: Requirement<'read'>, as: Signer) {
  const { signed } = await start(none, [{ path: '/mcp', requirement: route, mcp: { tools: { send } } }])
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'send' } })
  const headers: Array<[string, string]> = [['content-type', 'application/json']]
  const { status, headers: told } = await signed({ as, method: 'POST', target: '/mcp', headers, body })
  return [status, told['agent-auth'] === undefined ? 'no challenge' : 'a challenge']
}

const users = (sub: string) => ({ users: [{ iss: 'https://auth.example', sub }] })

test(
  verifies(
    'mcp.route-holds',
    'the users and services of a route hold for its rules, and for none that could not know them',
  ),
  async () => {
    const alice = await world.holder({ sub: 'alice' })
    const read: Requirement<'read'> = { scope: 'read' }
    const via = { via: ['https://hub.example'] }
    expect(await answered({ ...read, ...users('bob') }, read, alice)).toEqual([403, 'no challenge'])
    expect(await answered({ ...read, ...users('alice') }, read, alice)).toEqual([200, 'no challenge'])
    expect(await answered({ ...read, ...users('bob') }, { ...read, ...users('alice') }, alice)).toEqual([
      200,
      'no challenge',
    ])
    expect((await answered({ ...read, ...via }, read, alice))[0]).toBe(403)
    for (const rule of [{}, { level: 'identified' }, { level: 'identified', ...read }, { scope: [] }] as const)
      for (const asked of [users('alice'), via])
        await expect(
          start(none, [{ path: '/mcp', requirement: { ...read, ...asked }, mcp: { tools: { rule } } }]),
        ).rejects.toThrow(/each rule of a route with users, via or purposes needs a scope/)
    await start(none, [{ path: '/mcp', requirement: read, mcp: { tools: { look: { level: 'identified' } } } }])
  },
)

test(
  verifies('mcp.route-holds', 'a caller that the route denies is refused and not challenged by any rule'),
  async () => {
    const read: Requirement<'read'> = { scope: 'read' }
    const lists = { agents: ['https://agent.example'] }
    const others = { agents: ['https://other.example'], ...users('bob') }
    const route = (deny: NonNullable<Requirement['deny']>): Requirement<'read'> => ({ level: 'identified', deny })
    for (const [one, other] of [
      [() => true, undefined],
      [() => true, others],
      [() => false, lists],
      [lists, () => false],
      [lists, others],
      [async () => 'yes' as never, others],
      [() => false, { delegates: [{ agent: 'https://agent.example', delegate: 'phone' }] }],
    ] as const) {
      const delegated = await world.holder({ sub: 'alice', delegate: 'phone' })
      const as = typeof other === 'object' && 'delegates' in other ? delegated : world.agent
      const rule = other === undefined ? read : { ...read, deny: other }
      expect(await answered(route(one), rule, as)).toEqual([403, 'no challenge'])
    }
    const bob = await world.holder({ sub: 'bob' })
    expect(
      await answered(
        route(() => false),
        { ...read, deny: others },
        bob,
      ),
    ).toEqual([403, 'no challenge'])
    const let_ = { ...read, deny: others }
    expect(
      await answered(
        route(() => false),
        let_,
        world.agent,
      ),
    ).toEqual([401, 'a challenge'])
    expect(
      await answered(
        route(() => false),
        let_,
        await world.holder({ sub: 'alice' }),
      ),
    ).toEqual([200, 'no challenge'])
    const wrong = { deny: { agents: ['agent.example'] } }
    await expect(
      answered(
        route(() => false),
        { ...read, ...wrong },
        bob,
      ),
    ).rejects.toThrow(TypeError)
  },
)

test(
  verifies('mcp.name-spellings', 'mcp.method-spellings', 'other spellings of a tool or method are not forwarded'),
  async () => {
    const tools = { send: { scope: 'read' }, '*': { level: 'anonymous' } } as const
    const { signed, upstream } = await start(listing, [
      { path: '/mcp', requirement: { level: 'anonymous' }, mcp: { tools } },
    ])
    const statusOf = async (method: string, name: string): Promise<number> => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { name } })
      const headers: Array<[string, string]> = [['content-type', 'application/json']]
      return (await signed({ as: world.agent, method: 'POST', target: '/mcp', headers, body })).status
    }
    for (const name of ['SEND', 'send ', 's\u200bend', '\uff53end'])
      expect(await statusOf('tools/call', name), name).toBe(403)
    for (const method of ['Tools/Call', 'tools//call', 'tools/call '])
      expect(await statusOf(method, 'read'), method).toBe(400)
    expect(upstream.seen).toEqual([])
    expect([await statusOf('tools/call', 'send'), await statusOf('tools/call', 'read')]).toEqual([401, 200])
    expect(upstream.seen.map(({ body }) => JSON.parse(body).params.name)).toEqual([undefined, 'read'])
  },
)

const listing: AnswerAs = (_, response, body) => {
  const { id } = JSON.parse(body)
  const result = { tools: [{ name: 'send' }, { name: 'read' }] }
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result }))
}
