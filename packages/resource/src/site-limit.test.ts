import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, type Signer } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import { memoryCounter, type Requirement, type ResourceOptions } from './index.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

type Scopes = 'events.read' | 'events.write'

/** As the Public Suffix List has it for the hosts here: tenants of pages.example are apart, as those of github.io. */
function siteOf(host: string): string | null {
  if (host === 'pages.example') return null
  return host
    .split('.')
    .slice(host.endsWith('.pages.example') ? -3 : -2)
    .join('.')
}

/** Status, `Agent-Auth`, and the names of the limits that were counted. */
function route(requirement: Requirement<Scopes>, options: Partial<ResourceOptions<Scopes>> = {}) {
  const resource = world.calendar({ siteOf, ...options })
  const declared = resource.declare(requirement)
  return async (as: Signer) => {
    const message = await world.request({ as, target: '/x' })
    const answer = await resource.authorize(message, declared)
    const { headers, status } = answer.ok ? new Response() : answer.response
    if (answer.ok) resource.responseHeaders({ status: 200, headers }, declared, message)
    const counted = [...(headers.get('ratelimit') ?? '').matchAll(/"(\w+)"/g)].map(([, name]) => name)
    return [status, headers.get('agent-auth'), counted.join(' ')]
  }
}

const at = async (id: string) => asAgent(await world.agentAt(id))
const passed = [200, null, 'site']
const over = [429, null, 'site']

test(
  verifies('RAT-07', 'fresh agents under one registrable domain share its limit, and no other agent does'),
  async () => {
    const call = route({ level: 'identified', limits: { site: '2/hour' } })
    expect(await call(await at('https://a1.acme.example'))).toEqual(passed)
    expect(await call(await at('https://a2.deep.acme.example:8443'))).toEqual(passed)
    expect(await call(await at('https://a3.acme.example'))).toEqual(over)
    expect(await call(await at('https://acme.example'))).toEqual(over)
    expect(await call(await at('https://acme2.example'))).toEqual(passed)
  },
)

test(verifies('RAT-07', 'two tenants of a hosting platform are two sites, and its own name a third'), async () => {
  const call = route({ level: 'identified', limits: { site: '1/hour' } })
  const tenants = await Promise.all(
    ['https://alice.pages.example', 'https://bob.pages.example', 'https://pages.example'].map(at),
  )
  for (const tenant of tenants) expect(await call(tenant)).toEqual(passed)
  for (const tenant of tenants) expect(await call(tenant)).toEqual(over)
  expect(await call(await at('https://x.alice.pages.example'))).toEqual(over)
})

test(verifies('RAT-07', 'the limit is off by default'), async () => {
  const call = route({ level: 'identified', limits: { identified: '1/hour' } })
  for (const id of ['https://b1.acme.example', 'https://b2.acme.example'])
    expect(await call(await at(id))).toEqual([200, null, 'identified agent'])
})

test(
  verifies('RAT-07', 'RAT-04', 'identified and authorized callers count together; no level would help'),
  async () => {
    const call = route({ scope: 'events.read', level: 'identified', limits: { site: '2/hour', identified: '9/hour' } })
    const agent = await world.agentAt('https://c1.acme.example')
    expect(await call(asAgent(agent))).toEqual([200, null, 'site identified agent'])
    const token = await world.authToken({ agent: 'https://c2.acme.example' })
    expect(await call(asHolder(world.delegateKey, token))).toEqual(passed)
    expect(await call(asAgent(agent))).toEqual(over)
    expect(await call(asHolder(world.delegateKey, token))).toEqual(over)
  },
)

test(verifies('RAT-07', 'no flood of fresh agents makes a full counter forget their site'), async () => {
  const limits = { site: '2/hour', identified: '9/hour' }
  const call = route({ level: 'identified', limits }, { counter: memoryCounter({ capacity: 5 }) })
  const statuses: unknown[] = []
  for (let n = 0; n < 9; n++) statuses.push((await call(await at(`https://d${n}.acme.example`)))[0])
  expect(statuses.filter(status => status === 200)).toHaveLength(2)
  expect((await call(await at('https://e.other.example')))[0]).toBe(200)
})

test(
  verifies('RAT-07', 'the routes of a resource count together, a route with a limit of its own for itself'),
  async () => {
    const resource = world.calendar({ siteOf, limits: { site: '1/hour' } })
    const own = resource.declare({ level: 'identified', limits: { site: '1/hour' } })
    const call = async (id: string, requirement: Requirement<Scopes>) =>
      (await resource.authorize(await world.request({ as: await at(id) }), requirement)).ok
    expect(await call('https://f1.acme.example', resource.declare({ level: 'identified' }))).toBe(true)
    expect(await call('https://f2.acme.example', resource.declare({ level: 'identified' }))).toBe(false)
    expect([await call('https://f3.acme.example', own), await call('https://f4.acme.example', own)]).toEqual([
      true,
      false,
    ])
  },
)

test('without siteOf it is a mistake, said where it is made', () => {
  const why = /siteOf of createResource.*tldts/
  expect(() => world.calendar({ limits: { site: '1/hour' } })).toThrow(why)
  expect(() => world.calendar().declare({ level: 'identified', limits: { site: '1/hour' } })).toThrow(TypeError)
  expect(() => world.calendar({ siteOf, limits: { site: '1/hour' } })).not.toThrow()
})
