import { verifies } from '@countersign/requirements'
import type { AAuth } from '@countersign/resource'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { tellerOf } from './identity.js'
import { call, everything, ok, stage, valuesOf } from './stage.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const start = stage(() => world)

async function withJwt() {
  const [published] = world.settings.keys
  if (published === undefined) throw new Error('no key')
  const running = await start(ok, everything, { identity: published })
  const verified = async () => {
    const [jwt = '', ...more] = valuesOf(running.upstream.seen.at(-1), 'aauth-identity') ?? []
    expect(more).toEqual([])
    const keys = JSON.parse((await call(running.port, { target: '/.well-known/jwks.json' })).body)
    const expected = { issuer: 'https://api.example', audience: 'https://api.example', typ: 'aauth-identity+jwt' }
    return (await jwtVerify(jwt, createLocalJWKSet(keys), expected)).payload
  }
  return { ...running, verified }
}

test('one JWT says all that is known, for this request, and jose reads it by the published keys', async () => {
  const { signed, upstream, verified } = await withJwt()
  const holder = await world.holder({ sub: 'alice', delegate: 'phone' })
  expect((await signed({ as: holder, target: '/scoped?q=1' })).status).toBe(200)
  const claims = await verified()
  expect(claims).toMatchObject({
    level: 'authorized',
    agent: 'https://agent.example',
    agent_delegate: 'phone',
    user: { iss: 'https://auth.example', sub: 'alice' },
    scope: 'read',
    issuer: 'https://auth.example',
    jkt: expect.stringMatching(/^[\w-]{43}$/),
    htm: 'GET',
    htu: 'https://api.example/scoped',
  })
  expect(claims).not.toHaveProperty('sub')
  expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(60)
  expect((upstream.seen.at(-1)?.headers ?? []).filter(([name]) => /^aauth-(?!identity)/.test(name))).toEqual([])
})

test(verifies('SIG-21', 'a forged identity never arrives, even for anonymous callers'), async () => {
  const { port, verified } = await withJwt()
  const forged: Array<[string, string]> = [
    ['host', 'api.example'],
    ['AAuth-Identity', 'forged'],
    ['aauth_identity', 'forged'],
    ['AAuth-Level', 'authorized'],
  ]
  expect((await call(port, { target: '/open', headers: forged })).status).toBe(200)
  const { iss, aud, iat, exp, ...rest } = await verified()
  expect(rest).toEqual({ level: 'anonymous', htm: 'GET', htu: 'https://api.example/open' })
})

test('facts that are too long are refused, and not cut', async () => {
  const { signed, upstream } = await withJwt()
  const answer = await signed({ as: world.agent, target: `/${'x'.repeat(6000)}` })
  expect([answer.status, JSON.parse(answer.body), upstream.seen.length]).toMatchObject([
    431,
    { error: 'invalid_request', reason: 'facts_too_long' },
    0,
  ])
  expect((await signed({ as: world.agent, target: `/${'x'.repeat(3000)}` })).status).toBe(200)
})

test('ids that differ by a space at their ends do not arrive as one', async () => {
  const { signed, upstream } = await start(ok)
  for (const [sub, told] of [
    ['alice', 'alice'],
    [' alice', '%20alice'],
    ['alice  ', 'alice%20%20'],
    ['alice b', 'alice b'],
  ] as const) {
    expect((await signed({ as: await world.holder({ sub }), target: '/scoped' })).status).toBe(200)
    expect(valuesOf(upstream.seen.at(-1), 'aauth-user')).toEqual([told])
  }
})

test('the user of a bearer token is not sent as an AAuth user, in headers or JWT', async () => {
  const aauth: AAuth = {
    level: 'anonymous',
    credential: 'bearer',
    scope: ['read'],
    chain: [],
    issuer: 'https://other.example',
    user: { iss: 'https://other.example', sub: 'alice', claims: {} },
  }
  const about = { method: 'GET', target: '/' }
  const o = { id: 'https://api.example', now: () => 1 }
  expect(await tellerOf({ ...o, identity: 'headers' }).tell(aauth, about)).toEqual([['AAuth-Level', 'anonymous']])
  const [published] = world.settings.keys
  if (published === undefined) throw new Error('no key')
  const [line] = await tellerOf({ ...o, identity: published }).tell(aauth, about)
  const claims = JSON.parse(Buffer.from(line?.[1].split('.')[1] ?? '', 'base64url').toString())
  expect(claims).toMatchObject({ level: 'anonymous', credential: 'bearer' })
  expect(JSON.stringify(claims)).not.toMatch(/alice|read|other/)
})

test(
  verifies('F-80', 'while the signer of identities is away a request is 503 and does not reach the API'),
  async () => {
    const [published] = world.settings.keys
    if (published === undefined) throw new Error('no key')
    const signer: { fault?: Error } = {}
    const sign = async (data: Uint8Array): Promise<Uint8Array> => {
      if (signer.fault !== undefined) throw signer.fault
      return published.key.sign(data)
    }
    const { signed, upstream } = await start(ok, everything, {
      identity: { ...published, key: { ...published.key, sign } },
    })
    const holder = await world.holder({ sub: 'alice', delegate: 'phone' })
    expect((await signed({ as: holder, target: '/scoped' })).status).toBe(200)
    const before = upstream.seen.length
    signer.fault = new Error('ECONNREFUSED')
    expect((await signed({ as: holder, target: '/scoped' })).status).toBe(503)
    expect(upstream.seen.length).toBe(before)
    delete signer.fault
    expect((await signed({ as: holder, target: '/scoped' })).status).toBe(200)
  },
)
