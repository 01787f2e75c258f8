import { createDiscovery } from '@countersign/discovery'
import { verifies } from '@countersign/requirements'
import { asHolder } from '@countersign/testing/world/signer'
import { makeWeb } from '@countersign/testing/world/web'
import { readVectors, readWorld, requestOf } from '@countersign/vectors'
import { beforeAll, expect, test } from 'vitest'
import type { Requirement, Resource } from './index.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

type Api = Resource<'events.read' | 'events.write'>

/** What the auth server issues to a delegate of the calendar, which is an agent here, for itself: it names no agent. */
const ownToken = (claims: Record<string, unknown> = {}) =>
  world.authToken({
    agent: undefined,
    scope: undefined,
    sub: 'ada',
    name: 'Ada',
    email: 'ada@demo.example',
    ...claims,
  })

async function call(api: Api, token: string, requirement: Requirement<'events.read' | 'events.write'>) {
  const wire = await world.request({ as: asHolder(world.delegateKey, token) })
  const answer = await api.authorize(wire, requirement)
  if (answer.ok) return answer.aauth
  const { error, reason } = Object(await answer.response.json())
  return [answer.response.status, error, reason]
}

test(
  verifies(
    'AUT-07',
    'token.auth.agent-absent',
    'token.auth.own-agent',
    "a resource that is its callers' agent takes the token by which it signs users in, and any other refuses it",
  ),
  async () => {
    const own = world.calendar({ acceptOwnAgent: true })
    const other = world.calendar()
    const token = await ownToken()
    expect(await call(own, token, { scope: 'openid' })).toMatchObject({
      level: 'authorized',
      agent: 'https://calendar.example',
      delegate: 'phone',
      issuer: 'https://auth.example',
      user: { iss: 'https://auth.example', sub: 'ada', claims: { name: 'Ada', email: 'ada@demo.example' } },
      scope: [],
    })
    expect(await call(other, token, { scope: 'openid' })).toEqual([401, 'invalid_auth_token', 'token_claim_missing'])
    expect(await call(other, token, { level: 'identified' })).toEqual([
      401,
      'invalid_auth_token',
      'token_claim_missing',
    ])
    expect(await call(world.calendar({ acceptOwnAgent: false }), token, { scope: 'openid' })).toEqual([
      401,
      'invalid_auth_token',
      'token_claim_missing',
    ])
    // What another agent was allowed passes at both, as before.
    for (const api of [own, other])
      expect(await call(api, await world.authToken({ sub: 'ada' }), { scope: 'events.read' })).toMatchObject({
        agent: 'https://agent.example',
        delegate: 'phone',
      })
  },
)

test(
  verifies('token.auth.agent-absent', 'its own token gives no scope that was not granted, and only what its lists say'),
  async () => {
    const own = world.calendar({ acceptOwnAgent: true })
    const signIn = await ownToken()
    expect(await call(own, signIn, { scope: 'events.read' })).toEqual([403, 'insufficient_scope', 'scope_missing'])
    expect(await call(own, signIn, { scope: ['openid', 'email'] })).toMatchObject({ user: { sub: 'ada' } })
    expect(await call(own, await ownToken({ email: undefined }), { scope: 'email' })).toEqual([
      403,
      'insufficient_scope',
      'scope_missing',
    ])
    expect(await call(own, await ownToken({ scope: 'events.read' }), { scope: 'events.read' })).toMatchObject({
      scope: ['events.read'],
    })
    const ownOnly = { scope: 'openid', agents: ['https://calendar.example'] } as const
    expect(await call(own, signIn, ownOnly)).toMatchObject({ agent: 'https://calendar.example' })
    const stranger = await world.authToken({ sub: 'ada', name: 'Ada' })
    expect(await call(own, stranger, { scope: 'openid' })).toMatchObject({ agent: 'https://agent.example' })
    expect(await call(own, stranger, ownOnly)).toEqual([403, 'policy_denied', 'caller_denied'])
    // For another audience, or of an issuer that is not listed, it is worth nothing here either.
    expect(await call(own, await ownToken({ aud: 'https://other.example' }), { scope: 'openid' })).toEqual([
      401,
      'invalid_auth_token',
      'token_audience_wrong',
    ])
    const strange = await world.authToken({ agent: undefined, sub: 'ada' }, world.strangeServer)
    expect(await call(own, strange, { scope: 'openid' })).toEqual(expect.arrayContaining([401, 'untrusted_issuer']))
  },
)

const { documents, receivers } = readWorld()

test.each(readVectors('signed-requests').filter(({ id }) => id.startsWith('resource-is-agent')))(
  verifies('token.auth.own-agent', 'judges as the vector $id says'),
  async ({ input, receiver = '', expect: expected }) => {
    const fetcher = makeWeb(new Map(Object.entries(documents))).fetcher
    const discovery = createDiscovery({ now: () => world.clock.now, fetcher })
    const api = world.calendar({ discovery, acceptOwnAgent: receivers[receiver]?.own_agent ?? false })
    const answer = await api.authorize(requestOf(input), { level: 'identified' })
    if (answer.ok) return expect(answer.aauth).toMatchObject({ agent: (expected as { agent?: string }).agent })
    const { error, reason } = Object(await answer.response.json())
    expect(expected).toMatchObject({ code: error, reason, status: answer.response.status })
  },
)
