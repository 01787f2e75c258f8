import { verifies } from '@countersign/requirements'
import type { Requirement } from '@countersign/resource'
import { beforeAll, expect, test } from 'vitest'
import { stage } from './stage.test.fixture.js'
import { type AnswerAs, makeWorld, type Signer, type World } from './world.test.fixture.js'

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
    const none: AnswerAs = (_, response, body) => {
      const { id } = JSON.parse(body)
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }))
    }
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
    const alice = await world.holder({ sub: 'alice' })
    const users = (sub: string): Requirement<'read'> => ({
      scope: 'read',
      users: [{ iss: 'https://auth.example', sub }],
    })
    expect([await statusOf(users('bob'), 'read', alice), await statusOf(users('alice'), 'read', alice)]).toEqual([
      403, 200,
    ])
    expect(await statusOf({ level: 'identified', deny: () => false, policy: () => true }, 'choosy', world.agent)).toBe(
      200,
    )
  },
)
