import { expect, test } from 'vitest'
import { agentIn } from './agents.test.fixture.js'
import { pseudonym } from './identity/identity.js'
import { calendar, type World, world } from './participants.test.fixture.js'

/** A resource at any origin that accepts every signed request. */
function openTo(own: World, origin: string): string {
  own.network.hosts.set(origin, exchange =>
    exchange.header('signature-key') === undefined
      ? new Response(null, { status: 401, headers: { 'agent-auth': 'httpsig' } })
      : new Response('ok'),
  )
  return origin
}

const keyAt = (own: World, origin: string): string | undefined =>
  own.network.sent.findLast(exchange => exchange.origin === origin)?.header('signature-key')

test('two resources cannot link the requests of a pseudonym', async () => {
  const own = await world()
  const agent = agentIn(own, { identity: pseudonym() })
  const other = openTo(own, 'https://other.example')
  const port = openTo(own, 'https://other.example:8443')
  for (const origin of [calendar, other, port]) expect((await agent.fetch(`${origin}/feed`)).status).toBe(200)
  const shown = [calendar, other, port].map(origin => keyAt(own, origin))
  for (const key of shown) expect(key).toMatch(/^sig=hwk;/)
  expect(new Set(shown).size).toBe(3)
  // No header or value that both got, but what every fetch sends.
  const [first, second] = [calendar, other].map(origin =>
    own.network.sent.filter(exchange => exchange.origin === origin).flatMap(({ headers }) => headers.map(String)),
  )
  expect(first?.filter(header => second?.includes(header))).toEqual([])
})

test('a resource gets the same key on every path; another agent has another key', async () => {
  const own = await world()
  const agent = agentIn(own, { identity: pseudonym() })
  const other = openTo(own, 'https://other.example')
  await agent.fetch(`${other}/a`)
  const key = keyAt(own, other)
  await Promise.all(['/b', '/c?d=1'].map(path => agent.fetch(other + path)))
  expect(keyAt(own, other)).toBe(key)
  await agentIn(own, { identity: pseudonym() }).fetch(`${other}/a`)
  expect(keyAt(own, other)).not.toBe(key)
})

test('keys are bounded: the least recently used is dropped, and its origin gets a new one', async () => {
  const own = await world()
  const agent = agentIn(own, { identity: pseudonym() })
  const [kept, forgotten] = [openTo(own, 'https://kept.example'), openTo(own, 'https://forgotten.example')]
  await agent.fetch(kept)
  await agent.fetch(forgotten)
  const before = [keyAt(own, kept), keyAt(own, forgotten)]
  const meet = (from: number, to: number) =>
    Promise.all(Array.from({ length: to - from }, (_, n) => agent.fetch(openTo(own, `https://n${from + n}.example`))))
  await meet(0, 500)
  await agent.fetch(kept)
  await meet(500, 999)
  await agent.fetch(kept)
  await agent.fetch(forgotten)
  expect(keyAt(own, kept)).toBe(before[0])
  expect(keyAt(own, forgotten)).toMatch(/^sig=hwk;/)
  expect(keyAt(own, forgotten)).not.toBe(before[1])
})
