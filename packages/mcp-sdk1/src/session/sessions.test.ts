import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import type { ResourceEvent } from '../../../resource/src/index.js'
import { makeWorld, type World } from '../../../resource/src/world.test.fixture.js'
import { initialize, makeTools, messagesOf, openSession, rpc, type Tools } from '../tools.test.fixture.js'

let world: World
let tools: Tools
beforeAll(async () => {
  world = await makeWorld()
  tools = await makeTools(undefined, {}, world)
})

const ping = rpc('ping', undefined, 7)
const holder = async (claims: Record<string, unknown> = {}) =>
  asHolder(world.delegateKey, await world.authToken(claims))
const delegate = async (sub: string) => asHolder(world.delegateKey, await world.agentToken({ sub }))

/** The status of a ping in a session, and of its stream, for one caller. */
async function answers(as: Signer | undefined, id: string): Promise<number[]> {
  const headers = { 'mcp-session-id': id }
  const pinged = await tools.send(as, { body: ping, headers })
  const stream = await tools.send(as, { method: 'GET', headers: { ...headers, accept: 'text/event-stream' } })
  await Promise.all([pinged.body?.cancel(), stream.body?.cancel()])
  return [pinged.status, stream.status]
}

test(
  verifies('mcp.session-owner', 'for every caller but its owner a session does not exist, even with its id'),
  async () => {
    const [one, two] = [asKey(await generateSigningKey()), asKey(await generateSigningKey())]
    const table: ReadonlyArray<readonly [string, Signer, Signer]> = [
      ['another key', one, two],
      ['a key, of an agent’s session', asAgent(world.agent), one],
      ['another agent', asAgent(world.agent), asAgent(world.otherAgent)],
      ['another delegate', await delegate('phone'), await delegate('tablet')],
      ['the agent itself, of its delegate’s session', await delegate('phone'), asAgent(world.agent)],
      ['another user of the same delegate', await holder({ sub: 'alice' }), await holder({ sub: 'bob' })],
    ]
    for (const [what, owner, other] of table) {
      const id = await openSession(tools, owner)
      const strange = await tools.send(other, { body: ping, headers: { 'mcp-session-id': id } })
      const missing = await tools.send(other, { body: ping, headers: { 'mcp-session-id': 'x'.repeat(43) } })
      const answer = await missing.text()
      expect([strange.status, await strange.text()], what).toEqual([404, answer])
      expect(JSON.parse(answer).error, what).toMatchObject({ code: -32_001, data: { reason: 'session_unknown' } })
      expect(await answers(other, id), what).toEqual([404, 404])
      const ended = await tools.send(other, { method: 'DELETE', headers: { 'mcp-session-id': id } })
      expect(ended.status, what).toBe(404)
      expect(await answers(owner, id), what).toEqual([200, 200])
    }
  },
)

test(
  verifies(
    'mcp.session-levels',
    'the owner continues with a renewed token, another key of the same delegate, and a higher level',
  ),
  async () => {
    const pseudonym = asKey(world.delegateKey)
    const id = await openSession(tools, pseudonym)
    expect(await answers(await delegate('phone'), id)).toEqual([200, 200])
    const other = await generateSigningKey()
    const renewed = asHolder(other, await world.agentToken({ sub: 'phone', cnf: { jwk: other.publicJwk } }))
    expect(await answers(renewed, id)).toEqual([200, 200])
    expect(await answers(await holder({ sub: 'alice' }), id)).toEqual([200, 200])
    expect(await answers(await delegate('phone'), id)).toEqual([200, 200])
    // The session belongs to alice now, and no longer to the pseudonym.
    expect(await answers(await holder({ sub: 'bob' }), id)).toEqual([404, 404])
    expect(await answers(pseudonym, id)).toEqual([404, 404])
  },
)

test('of two users with simultaneous first requests only one gets the session', async () => {
  const [alice, bob] = [await holder({ sub: 'alice' }), await holder({ sub: 'bob' })]
  for (let round = 0; round < 20; round++) {
    const id = await openSession(tools, await delegate('phone'))
    const both = await Promise.all(
      [alice, bob].map(as => tools.send(as, { body: ping, headers: { 'mcp-session-id': id } })),
    )
    await Promise.all(both.map(({ body }) => body?.cancel()))
    expect(both.map(({ status }) => status).toSorted(), `round ${round}`).toEqual([200, 404])
  }
})

test('the signature must cover the session id', async () => {
  const as = asAgent(world.agent)
  const id = await openSession(tools, as)
  const wire = await world.request({
    as,
    method: 'POST',
    target: '/mcp',
    body: ping,
    contentType: 'application/json',
    headers: [
      ['accept', 'application/json, text/event-stream'],
      ['mcp-session-id', id],
    ],
  })
  const refused = await tools.participant.handle(wire)
  const { error, required_components } = Object(await refused.json())
  expect([refused.status, error, required_components.includes('mcp-session-id')]).toEqual([
    401,
    'invalid_signature',
    true,
  ])
})

test(verifies('mcp.once', 'a message passes once, and so does the GET that opens a stream'), async () => {
  const as = asAgent(world.agent)
  const id = await openSession(tools, as)
  const headers: Array<[string, string]> = [
    ['accept', 'application/json, text/event-stream'],
    ['mcp-session-id', id],
  ]
  const signed = { as, target: '/mcp', headers, additionalComponents: ['mcp-session-id'] }
  const call = await world.request({
    ...signed,
    method: 'POST',
    body: rpc('tools/call', { name: 'echo' }, 9),
    contentType: 'application/json',
  })
  const stream = await world.request({ ...signed, method: 'GET' })
  for (const wire of [call, stream]) {
    const [first, again] = [await tools.participant.handle(wire), await tools.participant.handle({ ...wire })]
    expect([first.status, again.status, Object(await again.json()).error]).toEqual([200, 401, 'replay_detected'])
    await first.body?.cancel()
  }
  expect(tools.calls.splice(0)).toHaveLength(1)
})

test('a session ends when its owner deletes it, and after an idle hour', async () => {
  const as = asAgent(world.agent)
  const id = await openSession(tools, as)
  expect((await tools.send(as, { method: 'DELETE', headers: { 'mcp-session-id': id } })).status).toBe(200)
  expect(await answers(as, id)).toEqual([404, 404])
  const idle = await openSession(tools, as)
  world.clock.now += 3599
  expect(await answers(as, idle)).toEqual([200, 200])
  world.clock.now += 3600
  expect(await answers(as, idle)).toEqual([404, 404])
})

test('one session too many of a caller ends its own longest unused one, and none of other callers', async () => {
  const few = await makeTools({ session: { level: 'pseudonymous' }, limits: { perCaller: 2, sessions: 4 } }, {}, world)
  const [one, two] = [asKey(await generateSigningKey()), asKey(await generateSigningKey())]
  const status = async (as: Signer, id: string) => {
    const response = await few.send(as, { body: ping, headers: { 'mcp-session-id': id } })
    await response.text()
    return response.status
  }
  const theirs = await openSession(few, two)
  const [a, b, c] = [await openSession(few, one), await openSession(few, one), await openSession(few, one)]
  expect([await status(one, a), await status(one, b), await status(one, c), await status(two, theirs)]).toEqual([
    404, 200, 200, 200,
  ])
  // Over all callers the longest unused session ends; one with a stream is in use.
  const open = await few.send(one, { method: 'GET', headers: { 'mcp-session-id': b, accept: 'text/event-stream' } })
  for (let more = 0; more < 2; more++) await openSession(few, asKey(await generateSigningKey()))
  expect([await status(one, b), await status(one, c)]).toEqual([200, 404])
  await open.body?.cancel()
  const full = await makeTools({ session: { level: 'pseudonymous' }, limits: { sessions: 1 } }, {}, world)
  const used = await openSession(full, one)
  const stream = await full.send(one, {
    method: 'GET',
    headers: { 'mcp-session-id': used, accept: 'text/event-stream' },
  })
  const refused = await full.send(two, { body: initialize })
  expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toMatchObject([
    503,
    '60',
    { reason: 'capacity_exceeded' },
  ])
  await stream.body?.cancel()
  expect((await full.send(two, { body: initialize })).status).toBe(200)
})

test('an agent with many delegates and a stranger with many keys end only their own sessions', async () => {
  const few = await makeTools({ session: { level: 'pseudonymous' }, limits: { sessions: 4 } }, {}, world)
  const theirs = await openSession(few, asAgent(world.otherAgent))
  const status = async () => {
    const response = await few.send(asAgent(world.otherAgent), { body: ping, headers: { 'mcp-session-id': theirs } })
    await response.text()
    return response.status
  }
  // This session is unused for longest.
  for (let more = 0; more < 5; more++) await openSession(few, await delegate(`d${more}`))
  for (let more = 0; more < 5; more++) await openSession(few, asKey(await generateSigningKey()))
  expect(await status()).toBe(200)
})

test('closing the server ends all sessions', async () => {
  const own = await makeTools(undefined, {}, world)
  const as = asAgent(world.agent)
  const id = await openSession(own, as)
  const stream = await own.send(as, { method: 'GET', headers: { 'mcp-session-id': id, accept: 'text/event-stream' } })
  await own.participant.close?.()
  expect(await messagesOf(stream)).toEqual([])
  expect((await own.send(as, { body: ping, headers: { 'mcp-session-id': id } })).status).toBe(404)
})

test(
  verifies('LOG-03', 'the refusal of a verified caller is an event, and so is that of an unreadable message'),
  async () => {
    const events: ResourceEvent[] = []
    const told = await makeTools(undefined, { onEvent: event => void events.push(event) }, world)
    const owner = asAgent(world.agent)
    const id = await openSession(told, owner)
    const refusals = async (as: Signer | undefined, ask: Parameters<Tools['send']>[1]) => {
      events.length = 0
      await (await told.send(as, ask)).body?.cancel()
      return events.flatMap(event => (event.type === 'refused' ? [[event.error.status, event.error.reason]] : []))
    }
    const inSession = { headers: { 'mcp-session-id': id } }
    expect(await refusals(owner, { body: ping, ...inSession })).toEqual([])
    expect(await refusals(asAgent(world.otherAgent), { body: ping, ...inSession })).toEqual([[404, 'session_unknown']])
    expect(await refusals(owner, { body: initialize, ...inSession })).toEqual([[400, 'session_id_invalid']])
    expect(await refusals(owner, { body: '[]', ...inSession })).toEqual([[400, 'rpc_malformed']])
    expect(await refusals(owner, { method: 'PUT', body: ping, ...inSession })).toEqual([[405, 'method_not_allowed']])
    expect((await refusals(undefined, { body: ping, ...inSession })).map(([status]) => status)).toEqual([401])
  },
)
