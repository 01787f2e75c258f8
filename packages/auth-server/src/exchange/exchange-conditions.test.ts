import type { Conditions } from '@countersign/conditions'
import { verifies } from '@countersign/requirements'
import { browserOf } from '@countersign/testing/auth/consent'
import {
  downstreamId,
  type ExchangeWorld,
  exchange,
  exchangeWorld,
  middleId,
  upstreamToken,
} from '@countersign/testing/auth/exchange'
import { agreed, callAs, ownWorld } from '@countersign/testing/auth/own-world'
import { newYear } from '@countersign/testing/auth/world'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'
import { askUsers } from '../policy/policies.js'

const all = ['resources', 'scopes', 'purposes', 'until', 'hours', 'calls', 'chain', 'data', 'arguments', 'approval']

async function strict(): Promise<ExchangeWorld> {
  const made = await exchangeWorld()
  publishResource(made, downstreamId, [made.roomsKey], {
    supported_scopes: ['rooms.read', 'rooms.book'],
    constraints_supported: all,
    purposes: { support: 'Answer guests', marketing: 'Advertise' },
    operations: { book: 'Book a room' },
  })
  return made
}

const under = async (made: ExchangeWorld, constraints: unknown, claims: Record<string, unknown> = {}) =>
  upstreamToken(made, { claims: { ...claims, constraints } })

async function passed(made: ExchangeWorld, constraints: unknown): Promise<Record<string, unknown>> {
  const response = await exchange(made, { upstream: await under(made, constraints) })
  return part((await bodyOf(response))['auth_token'], 1)
}

const denied = (reason: string) => plain(403, 'access_denied', reason)

test(
  verifies('DEL-41', 'DEL-75', 'a chain through the listed service passes, and its conditions travel on'),
  async () => {
    const made = await strict()
    const chain = { type: 'chain', max: 1, through: [middleId] }
    expect(await passed(made, [chain])).toMatchObject({ constraints: [chain], act: { agent: 'https://agent.example' } })
    const other = { type: 'chain', max: 1, through: ['https://other.example'] }
    expect(await refusalOf(await exchange(made, { upstream: await under(made, [other]) }))).toEqual(
      denied('condition_chain'),
    )
  },
)

test(verifies('DEL-43', 'a hop too many gets no token and asks no user'), async () => {
  const made = await strict()
  const none = await under(made, [{ type: 'chain', max: 0 }])
  expect(await refusalOf(await exchange(made, { upstream: none }))).toEqual(denied('condition_chain'))
  // Where the user would be asked.
  expect(await refusalOf(await exchange(made, { upstream: none, scope: 'rooms.book' }))).toEqual(
    denied('condition_chain'),
  )
  const act = { iss: 'https://one.example', agent: 'https://first.example' }
  const second = await under(made, [{ type: 'chain', max: 1 }], { act })
  expect(await refusalOf(await exchange(made, { upstream: second }))).toEqual(denied('condition_chain'))
  expect(made.events.filter(({ type }) => type !== 'refused')).toEqual([])
  const two = await under(made, [{ type: 'chain', max: 2 }], { act })
  expect((await exchange(made, { upstream: two })).status).toBe(200)
})

test(
  verifies(
    'DEL-44',
    'policy.own-words',
    'an exchange leaves out the words of the service that exchanges, and no others',
  ),
  async () => {
    const made = await strict()
    const words = (resource: string): Conditions => [
      { type: 'data', resource, fields: ['/secret/field'] },
      { type: 'arguments', resource, of: 'book', where: [{ at: '/secret' }] },
      { type: 'approval', resource, of: ['book'] },
    ]
    const claims = await passed(made, [...words(middleId), ...words(downstreamId)])
    expect(claims['constraints']).toEqual(words(downstreamId))
    expect(JSON.stringify(await passed(made, words(middleId)))).not.toContain('secret')
    expect(await passed(made, words(middleId))).not.toHaveProperty('constraints')
    const without = await under(made, [{ type: 'data', fields: ['/a'] }])
    expect(await refusalOf(await exchange(made, { upstream: without }))).toMatchObject({
      status: 403,
      reason: 'condition_malformed',
    })
  },
)

test(
  verifies(
    'DEL-03',
    'policy.unknown',
    'policy.all-hold',
    'an exchange passes nothing on under a condition that is not known',
  ),
  async () => {
    const made = await strict()
    for (const constraints of [null, {}, [null], [{ type: 'chain', max: 1 }, { type: 'moon' }]])
      expect(await refusalOf(await exchange(made, { upstream: await under(made, constraints) }))).toEqual(
        plain(403, 'policy_denied', 'condition_malformed'),
      )
    expect(await passed(made, [{ type: 'chain', max: 1 }])).toMatchObject({ constraints: [{ type: 'chain', max: 1 }] })
  },
)

test(verifies('DEL-20', 'an exchange gets no purpose that the upstream token lacks'), async () => {
  const made = await strict()
  const condition = { type: 'purposes', any: ['support'] }
  const free = await under(made, [], { purposes: 'support' })
  const held = await under(made, [condition], { purposes: 'support' })
  const ask = (upstream: string, purposes?: string) =>
    exchange(made, { upstream, form: purposes === undefined ? {} : { purposes } })
  expect(await refusalOf(await ask(free, 'marketing'))).toEqual(denied('condition_purpose'))
  expect(await refusalOf(await ask(held))).toEqual(denied('condition_purpose'))
  expect((await ask(free)).status).toBe(200)
  expect(part((await bodyOf(await ask(held, 'support')))['auth_token'], 1)).toMatchObject({
    purposes: 'support',
    constraints: [condition],
  })
})

test(verifies('policy.until', 'an exchanged token ends with the until of its upstream token'), async () => {
  const made = await strict()
  const until = { type: 'until', time: made.clock.now + 50 }
  expect(await passed(made, [until])).toMatchObject({ exp: made.clock.now + 50, constraints: [until] })
})

test(verifies('DEL-39', 'policy.calls', 'calls per grant never come from memory in an exchange, either'), async () => {
  const counted: Conditions = [
    { type: 'calls', max: 1, per: 'grant' },
    { type: 'until', time: newYear + 86_400 },
  ]
  const demanded: { conditions: Conditions } = { conditions: counted }
  const direct = askUsers([{ agents: 'any', resources: 'any' }])
  const made = await ownWorld({
    policy: request => (request.upstream === undefined ? direct(request) : { decision: 'consent', ...demanded }),
  })
  publishResource(made, downstreamId, [made.roomsKey], {
    supported_scopes: ['rooms.read', 'rooms.book'],
    constraints_supported: all,
  })
  const ada = await browserOf(made, 'ada')
  const { token } = await callAs(made, ada)
  expect((await agreed(made, ada, token)).code).toMatch(/^[\w-]{43}$/)
  const again = (): Promise<Response> => exchange(made, { upstream: token, scope: 'rooms.book' })
  expect(await bodyOf(await again())).not.toHaveProperty('auth_token')
  demanded.conditions = counted.slice(1)
  expect(await bodyOf(await again())).toHaveProperty('auth_token')
})
