import { gunzipSync, gzipSync } from 'node:zlib'
import { generateSigningKey, type ReceivedMessage, signRequest } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { send } from '@countersign/testing/wire'
import { asAgent, asKey, type Signer } from '@countersign/testing/world/signer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Calendar, serveCalendar } from './calendar.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
let calendar: Calendar
/** 5 MB of spaces in 5 kB. */
const bomb = new Uint8Array(gzipSync(`${' '.repeat(5_000_000)}{}`))

beforeAll(async () => {
  world = await makeWorld()
  calendar = await serveCalendar(world.calendar())
})
afterAll(() => calendar.stop())

async function compressed(
  as: Signer,
  target: string,
  o: { type?: string; body?: Uint8Array<ArrayBuffer> } = {},
): Promise<ReceivedMessage> {
  const { body = bomb, type = 'application/json' } = o
  const headers = [
    ['host', 'calendar.example'],
    ['content-type', type],
    ['content-encoding', 'gzip'],
  ] as const
  const request = { method: 'POST', url: `https://calendar.example${target}`, headers, body }
  const signed = await signRequest({ ...request, ...as, now: () => world.clock.now })
  return { method: 'POST', target, headers: [...headers, ...signed], body }
}

test(
  verifies('DIG-11', 'DOS-11', 'sig.body.bytes', 'the digest is of the compressed bytes, which are not inflated'),
  async () => {
    const as = asKey(await generateSigningKey())
    expect(bomb.length).toBeLessThan(10_000)
    const answer = await send(calendar.port, await compressed(as, '/feed'))
    expect([answer.status, answer.body.length < 50_000], 'the handler has the bytes as they came').toEqual([200, true])
    const sent = await compressed(as, '/feed')
    const inflated = { ...sent, body: new Uint8Array(gunzipSync(bomb)) }
    const resource = world.calendar()
    const refused = await resource.authorize(inflated, { level: 'pseudonymous' })
    expect(refused.ok ? 200 : refused.response.status).toBe(401)
    expect((await resource.authorize(sent, { level: 'pseudonymous' })).ok).toBe(true)
  },
)

test(verifies('DIG-11', 'the resource token endpoint takes no compressed form'), async () => {
  const form = 'application/x-www-form-urlencoded'
  const body = new Uint8Array(gzipSync('scope=events.read'))
  const wire = await compressed(asAgent(world.agent), '/aauth/resource-token', { type: form, body })
  const refused = await send(calendar.port, wire)
  expect([refused.status, refused.error]).toEqual([415, 'invalid_request'])
  const plain = { method: 'POST', target: '/aauth/resource-token', body: 'scope=events.read', contentType: form }
  expect((await send(calendar.port, await world.request({ as: asAgent(world.agent), ...plain }))).status).toBe(200)
})
