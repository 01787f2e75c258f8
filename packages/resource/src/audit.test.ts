import type { ReceivedMessage } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import type { ResourceEvent } from './index.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/)
const named = { request_id: 'proxy-id-12345' }

/** A calendar that names its requests, and what it told of the last one. */
function watched() {
  const events: ResourceEvent[] = []
  const resource = world.calendar({ onEvent: event => events.push(event) })
  const at = async (message: ReceivedMessage): Promise<ResourceEvent[]> => {
    events.length = 0
    await resource.authorize({ ...message, requestId: 'proxy-id-12345' }, { scope: 'events.read' })
    return [...events]
  }
  const endpoint = async (as: Signer, body: string): Promise<ResourceEvent[]> => {
    events.length = 0
    const contentType = 'application/x-www-form-urlencoded'
    const wire = await world.request({ as, method: 'POST', target: '/aauth/resource-token', body, contentType })
    await resource.handle({ ...wire, requestId: 'proxy-id-12345' })
    return [...events]
  }
  return { resource, at, endpoint }
}

test(
  verifies(
    'LOG-03',
    'token.txn',
    'each decision is one record, with who, for whom, what, and the request it was about',
  ),
  async () => {
    const { at } = watched()
    const token = await world.authToken({ sub: 'alice', txn: 'journey-1' })
    const alice = asHolder(world.delegateKey, token)
    const ofAlice = {
      level: 'authorized',
      agent: 'https://agent.example',
      delegate: 'phone',
      user: { iss: 'https://auth.example', sub: 'alice' },
      issuer: 'https://auth.example',
      txn: 'journey-1',
    }
    const passed = await at(await world.request({ as: alice }))
    expect(passed).toMatchObject([{ type: 'passed', aauth: { ...ofAlice, scope: ['events.read'] }, ...named }])
    expect(passed).toHaveLength(1)

    // Two decisions: a token for what is missing, under the same audit id, and the refusal of this request.
    const narrow = await world.authToken({ sub: 'alice', txn: 'journey-1', scope: 'events.write' })
    const again = await at(await world.request({ as: asHolder(world.delegateKey, narrow) }))
    expect(again).toMatchObject([
      { type: 'resource_token', agent: 'https://agent.example', delegate: 'phone', txn: 'journey-1', ...named },
      { type: 'refused', error: { code: 'insufficient_scope' }, aauth: ofAlice, ...named },
    ])
    expect(again).toHaveLength(2)

    const [issued, refused, ...more] = await at(await world.request({ as: asAgent(world.agent) }))
    expect(more).toEqual([])
    expect(issued).toEqual({
      type: 'resource_token',
      resource: 'https://calendar.example',
      agent: 'https://agent.example',
      authServer: 'https://auth.example',
      scope: 'events.read',
      txn: uuid,
      ...named,
    })
    expect(refused).toMatchObject({ type: 'refused', error: { code: 'insufficient_level' }, ...named })
    expect(Object(refused).aauth).not.toHaveProperty('txn')

    for (const [message, code] of [
      [await world.request({ as: asKey(world.delegateKey) }), 'insufficient_level'],
      [{ method: 'GET', target: '/', headers: [['host', 'calendar.example']] } as const, 'invalid_signature'],
      [{ ...(await world.request({ as: alice })), target: '/other' }, 'invalid_signature'],
    ] as const) {
      const events = await at(message)
      expect(events).toMatchObject([{ type: 'refused', error: { code }, ...named }])
      expect(events).toHaveLength(1)
    }
  },
)

test(
  verifies('LOG-03', 'LOG-04', 'token.txn', 'a refusal of the resource token endpoint names the verified caller, too'),
  async () => {
    const { resource, endpoint } = watched()
    const phone = asHolder(world.delegateKey, await world.agentToken())
    expect(resource.paths).toContain('/aauth/resource-token')
    const about = { agent: 'https://agent.example', delegate: 'phone' }
    const [first] = await endpoint(phone, 'scope=events.read')
    const [second, ...more] = await endpoint(phone, 'scope=events.read')
    expect(more).toEqual([])
    expect(second).toMatchObject({ type: 'resource_token', ...about, txn: uuid, ...named })
    // Nothing joins two askings that no token joins.
    expect(Object(first).txn).not.toBe(Object(second).txn)
    const refused = await endpoint(phone, 'scope=nothing.such')
    expect(refused).toMatchObject([{ type: 'refused', error: { code: 'invalid_scope' }, aauth: about, ...named }])
    expect(refused).toHaveLength(1)
    expect(refused[0]).not.toHaveProperty('claimed')
    const thief = { ...world.agent, key: world.otherAgent.key }
    const forged = asHolder(world.delegateKey, await world.agentToken({}, thief))
    const [claimed] = await endpoint(forged, 'scope=events.read')
    expect(claimed).toMatchObject({
      error: { code: 'invalid_agent_token' },
      claimed: 'https://agent.example',
      ...named,
    })
    expect(claimed).not.toHaveProperty('aauth')
  },
)
