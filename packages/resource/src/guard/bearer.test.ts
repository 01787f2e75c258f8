import type { ReceivedMessage } from '@countersign/httpsig'
import { base64urlEncode } from '@countersign/httpsig/internal'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey } from '@countersign/testing/world/signer'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { type BearerRequest, bearer, type Requirement, type ResourceEvent } from '../index.js'
import { makeWorld, type World } from '../world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

type Need = Requirement<'events.read' | 'events.write'>

const ada = { iss: 'https://accounts.example', sub: 'ada' }
let judged: Array<BearerRequest & { token: string }> = []
let events: ResourceEvent[] = []
beforeEach(() => {
  judged = []
  events = []
})

/** Takes every token but `bad`; `ada` is a user's, `narrow` lacks the scope. */
const accept = bearer(
  async (token, request) => {
    judged.push({ token, ...request })
    if (token === 'away') throw new Error('connection refused')
    if (token === 'bad') return undefined
    return { scope: token === 'narrow' ? [] : ['events.read'], ...(token === 'ada' ? { user: ada } : {}) }
  },
  { realm: 'calendar' },
)

const bare = (...values: readonly string[]): ReceivedMessage => ({
  method: 'GET',
  target: '/events',
  headers: [['host', 'calendar.example'], ...values.map(value => ['Authorization', value] as const)],
  peer: '192.0.2.1',
})

function route(need: Need = {}) {
  const resource = world.calendar({ onEvent: event => events.push(event) })
  const declared = resource.declare({ scope: 'events.read', alsoAccept: accept, ...need })
  return async (message: ReceivedMessage) => {
    const answer = await resource.authorize(message, declared)
    if (answer.ok) return { ...answer.aauth }
    const { status, headers } = answer.response
    return [status, headers.get('agent-auth'), headers.get('www-authenticate')]
  }
}

const scoped = 'Bearer realm="calendar", scope="events.read"'

test(verifies('challenge.every-401', 'a request without credentials is told both ways, and either works'), async () => {
  const call = route()
  expect(await call(bare())).toEqual([401, 'httpsig; identity=?1', scoped])
  expect(await call(bare('Bearer ada'))).toEqual({
    level: 'anonymous',
    credential: 'bearer',
    user: { ...ada, claims: {} },
    scope: ['events.read'],
    chain: [],
  })
  expect(judged).toEqual([{ token: 'ada', method: 'GET', target: '/events', peer: '192.0.2.1' }])
  const signed = await world.request({ as: asHolder(world.delegateKey, await world.authToken()), target: '/events' })
  expect(await call(signed)).toMatchObject({ level: 'authorized', credential: 'aauth', agent: 'https://agent.example' })
  expect(await route({ alsoAccept: bearer(async () => undefined) })(bare())).toEqual([
    401,
    'httpsig; identity=?1',
    'Bearer scope="events.read"',
  ])
  expect(events.map(({ type }) => type)).toEqual(['refused', 'passed', 'passed', 'refused'])
})

test('refusals of bearer tokens have the errors of OAuth, and no token is in a response or event', async () => {
  const call = route()
  const told = () => events.at(-1)
  expect(await call(bare('Bearer bad'))).toEqual([401, 'httpsig; identity=?1', `${scoped}, error="invalid_token"`])
  expect(told()).toMatchObject({ error: { code: 'invalid_signature', reason: 'bearer_invalid' } })
  expect(await call(bare('bearer narrow'))).toEqual([
    403,
    'httpsig; identity=?1',
    `${scoped}, error="insufficient_scope"`,
  ])
  expect(told()).toMatchObject({ error: { code: 'insufficient_scope', reason: 'scope_missing' } })
  expect(await call(bare('Bearer away'))).toEqual([503, null, null])
  expect(told()).toMatchObject({ error: { code: 'temporarily_unavailable', reason: 'dependency_unavailable' } })
  const wrong = [400, null, `${scoped}, error="invalid_request"`]
  judged = []
  for (const value of [
    'Bearer',
    'Bearer a b',
    'Bearer a"b',
    'Bearer a, Bearer b',
    `Bearer ${'a'.repeat(8193)}`,
    'Bearer é',
  ])
    expect(await call(bare(value)), value.slice(0, 20)).toEqual(wrong)
  expect(await call(bare('Bearer ada', 'Bearer bad'))).toEqual(wrong)
  expect(told()).toMatchObject({ error: { code: 'invalid_request', reason: 'bearer_malformed' } })
  expect(await call(bare('Basic YTpi', 'Bearer ada'))).toEqual(wrong)
  expect(judged).toEqual([])
  expect(await call(bare('Basic YTpi'))).toEqual([401, 'httpsig; identity=?1', scoped])
  expect(await call(bare(`Bearer ${'a'.repeat(8192)}`))).toMatchObject({ credential: 'bearer' })
  expect(JSON.stringify(events)).not.toMatch(/narrow|aaaa/)
})

test(
  verifies('AUT-05', 'an auth token is no bearer credential, also to a verifier that takes everything'),
  async () => {
    const call = route()
    const refused = [401, 'httpsig; identity=?1', `${scoped}, error="invalid_token"`]
    expect(await call(bare(`Bearer ${await world.authToken()}`))).toEqual(refused)
    expect(await call(bare(`Bearer ${await world.agentToken()}`))).toEqual(refused)
    const jwt = (typ: string) =>
      `${base64urlEncode(new TextEncoder().encode(JSON.stringify({ alg: 'ES256', typ })))}.e30.c2ln`
    for (const typ of ['auth+jwt', 'AUTH+JWT', 'application/auth+jwt', 'resource+jwt'])
      expect(await call(bare(`Bearer ${jwt(typ)}`)), typ).toEqual(refused)
    expect(judged).toEqual([])
    expect(await call(bare(`Bearer ${jwt('at+jwt')}`))).toMatchObject({ credential: 'bearer' })
  },
)

test(
  verifies('SIG-01', 'challenge.no-downgrade', 'a request with any signature header is judged by its signature alone'),
  async () => {
    const call = route()
    const headers = [['authorization', 'Bearer ada']] as const
    const pseudonym = await world.request({ as: asKey(world.delegateKey), target: '/events', headers })
    expect(await call(pseudonym)).toEqual([401, 'httpsig; identity=?1', scoped])
    for (const kept of ['signature', 'signature-input', 'signature-key']) {
      const lines = pseudonym.headers.filter(([name]) => name === kept || !/^signature/i.test(name))
      expect(((await call({ ...pseudonym, headers: lines })) as unknown[])[2], kept).not.toMatch(/error=/)
    }
    expect(judged).toEqual([])
    const none = pseudonym.headers.filter(([name]) => !/^signature/i.test(name))
    expect(await call({ ...pseudonym, headers: none })).toMatchObject({ credential: 'bearer' })
  },
)

test(
  verifies('RAT-08', 'bearer callers count as authorized ones, each user for itself, and obey the policy'),
  async () => {
    const call = route({ limits: { authorized: '1/hour' } })
    expect(await call(bare('Bearer ada'))).toMatchObject({ credential: 'bearer' })
    expect(await call(bare('Bearer ada'))).toEqual([429, null, null])
    expect(await call(bare('Bearer client'))).toMatchObject({ credential: 'bearer' })
    expect(await call(bare('Bearer other'))).toEqual([429, null, null])
    const strict = route({ policy: ({ user }) => user?.sub === 'ada' })
    expect(await strict(bare('Bearer ada'))).toMatchObject({ credential: 'bearer' })
    expect(await strict(bare('Bearer client'))).toEqual([403, null, null])
  },
)

test('a route without alsoAccept ignores bearer tokens; alsoAccept beside agents or via is a TypeError', async () => {
  const resource = world.calendar()
  const answer = await resource.authorize(bare('Bearer ada'), { scope: 'events.read' })
  expect(answer.ok ? undefined : [answer.response.status, answer.response.headers.get('www-authenticate')]).toEqual([
    401,
    null,
  ])
  expect(judged).toEqual([])
  const agents = [world.agent.id]
  expect(() => resource.declare({ agents, alsoAccept: accept })).toThrow(TypeError)
  expect(() => resource.declare({ scope: 'events.read', via: agents, alsoAccept: accept })).toThrow(TypeError)
  resource.declare({ level: 'identified', alsoAccept: accept })
  for (const realm of ['a"b', 'a\\b', 'a\r\nb', 'é'])
    expect(() => bearer(async () => undefined, { realm }), realm).toThrow(TypeError)
  const signed = await resource.authorize(await world.request({ as: asAgent(world.agent) }), {
    level: 'identified',
    alsoAccept: accept,
  })
  expect(signed.ok).toBe(true)
})

test(
  verifies('cors.preflight', 'a page may send a bearer token where one is accepted, and read the challenge'),
  async () => {
    const asking = {
      method: 'OPTIONS',
      target: '/events',
      peer: '192.0.2.1',
      headers: [
        ['host', 'calendar.example'],
        ['origin', 'https://app.example'],
        ['access-control-request-method', 'GET'],
        ['access-control-request-headers', 'authorization'],
      ] as const,
    }
    const headersFor = async (need: Need) => {
      const resource = world.calendar({ cors: ['https://app.example'] })
      const declared = resource.declare({ scope: 'events.read', ...need })
      const read = async (message: ReceivedMessage) => {
        const answer = await resource.authorize(message, declared)
        return answer.ok ? new Headers() : answer.response.headers
      }
      const origin = ['origin', 'https://app.example'] as const
      const [allowed, refused] = await Promise.all([
        read(asking),
        read({ ...bare(), headers: [...bare().headers, origin] }),
      ])
      return [allowed.get('access-control-allow-headers'), refused.get('access-control-expose-headers')].map(names =>
        (names ?? '').split(', '),
      )
    }
    const [allowed, exposed] = await headersFor({ alsoAccept: accept })
    expect([allowed, exposed]).toEqual([
      expect.arrayContaining(['Authorization', 'Signature']),
      expect.arrayContaining(['WWW-Authenticate', 'Agent-Auth']),
    ])
    const [without, kept] = await headersFor({})
    expect([without?.includes('Authorization'), kept?.includes('WWW-Authenticate')]).toEqual([false, false])
  },
)
