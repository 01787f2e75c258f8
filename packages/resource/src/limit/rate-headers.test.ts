import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asAgent, asHolder, asKey, type Signer } from '@countersign/testing/world/signer'
import { Hono } from 'hono'
import { beforeAll, expect, test } from 'vitest'
import { guard } from '../adapter/hono.js'
import type { Limits } from '../index.js'
import { makeWorld, type World } from '../world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

/** An app that limits, and what an answer says of it: status, what is left, by which rule; names in the order they stand. */
function app(limits: Limits) {
  const resource = world.calendar({ limits, cors: '*' })
  const hono = new Hono()
  hono.get('/x', guard(resource, { level: 'anonymous' }), c => c.text('ok', 200, { ratelimit: 'made up' }))
  return async (as?: Signer) => {
    const headers: ReadonlyArray<readonly [string, string]> = as
      ? (await world.request({ as, target: '/x' })).headers
      : []
    const init = { headers: [...headers, ['origin', 'https://page.example']] as Array<[string, string]> }
    const response = await hono.request('https://calendar.example/x', init)
    const exposed = response.headers.get('access-control-expose-headers')
    if (response.headers.has('ratelimit-policy')) expect(exposed).toContain('RateLimit, RateLimit-Policy')
    return [response.status, response.headers.get('ratelimit'), response.headers.get('ratelimit-policy')]
  }
}

test(verifies('RAT-03', 'answers and refusals say how much is left, and by which rule'), async () => {
  const call = app({ anonymous: '2/hour' })
  const policy = '"anonymous";q=2;w=3600'
  expect(await call()).toEqual([200, '"anonymous";r=1;t=3600', policy])
  const [, left] = await call()
  expect(left).toMatch(/^"anonymous";r=0;t=(3600|359\d)$/)
  const [status, over, by] = await call()
  expect([status, by]).toEqual([429, policy])
  expect(over).toMatch(/^"anonymous";r=0;t=\d+$/)
})

test(verifies('RAT-08', 'every count of the level is named, and no name is a caller’s'), async () => {
  const call = app({ pseudonymous: '5/min', network: '9/min', identified: '3/day', agent: '7/day', authorized: '1/s' })
  const policies = async (as: Signer) => (await call(as))[2]
  expect(await policies(asKey(await generateSigningKey()))).toBe('"network";q=9;w=60, "pseudonymous";q=5;w=60')
  expect(await policies(asAgent(world.agent))).toBe('"identified";q=3;w=86400, "agent";q=7;w=86400')
  expect(await policies(asHolder(world.delegateKey, await world.authToken()))).toBe('"authorized";q=1;w=1')
  const twice = asHolder(world.delegateKey, await world.agentToken({ sub: 'a","b' }))
  expect((await call(twice))[1]).toMatch(/^"identified";r=2;t=86400, "agent";r=5;t=86[34]\d\d$/)
})

test('without a limit there are no rate headers, and those of the handler stay', async () => {
  expect(await app({ pseudonymous: '5/min' })()).toEqual([200, 'made up', null])
  expect((await app({ anonymous: '5/min' })())[1]).toBe('"anonymous";r=4;t=60')
})
