import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { adapters, sitesOf, unsigned } from './adapters.test.fixture.js'
import { header } from './altered.test.fixture.js'
import type { Site } from './site.test.fixture.js'
import type { Wire } from './wire.test.fixture.js'
import { asAgent, asHolder, asKey, makeWorld } from './world.test.fixture.js'

// What must hold whatever framework a resource is behind. The core has tests of its own; here is what an adapter can break.

const world = await makeWorld()
const as = asKey(await generateSigningKey())

describe.each(adapters)('$name', adapter => {
  const site = sitesOf(world, adapter)
  const get = (target = '/feed') => world.request({ as, target })
  const post = (target = '/feed', body = '{"a":1}', contentType = 'application/json') =>
    world.request({ as, method: 'POST', target, body, contentType })
  const delegate = async (claims: Record<string, unknown> = { sub: 'alice' }) =>
    asHolder(world.delegateKey, await world.authToken(claims))

  describe('levels, limits and records', () => {
    test(
      verifies(
        'SIG-01',
        'level.order',
        'AUT-02',
        'AUT-04',
        'AUT-10',
        'challenge.identity',
        'each level, and what would reach the next',
      ),
      async () => {
        const { send } = await site()
        const answers = async (wire: Wire) => {
          const { status, error, headers } = await send(wire)
          return [status, error, headers.get('agent-auth')?.replace(/resource_token="[^"]+"/, 'resource_token')]
        }
        expect(await answers(unsigned('/public'))).toEqual([200, undefined, undefined])
        expect(await answers(unsigned('/feed'))).toEqual([401, 'invalid_signature', 'httpsig'])
        expect(await answers(await get('/feed'))).toEqual([200, undefined, undefined])
        expect(await answers(await get('/agenda'))).toEqual([401, 'insufficient_level', 'httpsig; identity=?1'])
        const agent = asAgent(world.agent)
        expect(await answers(await world.request({ as: agent, target: '/agenda' }))).toEqual([
          200,
          undefined,
          undefined,
        ])
        const ask = 'httpsig; auth-token; resource_token; auth_server="https://auth.example"'
        expect(await answers(await world.request({ as: agent, target: '/events' }))).toEqual([
          401,
          'insufficient_level',
          ask,
        ])
        const alice = await delegate()
        const passed = await send(await world.request({ as: alice, target: '/events' }))
        expect(JSON.parse(passed.body).aauth).toMatchObject({
          level: 'authorized',
          agent: 'https://agent.example',
          delegate: 'phone',
          user: { iss: 'https://auth.example', sub: 'alice' },
          scope: ['events.read'],
        })
        expect(await answers(await world.request({ as: alice, target: '/edit' }))).toEqual([
          403,
          'insufficient_scope',
          ask,
        ])
        const nothing = asHolder(world.delegateKey, await world.authToken({ sub: 'alice', scope: undefined }))
        expect((await send(await world.request({ as: nothing, target: '/events' }))).status).toBe(403)
        const strange = asHolder(world.delegateKey, await world.authToken({}, world.strangeServer))
        const claimed = await answers(await world.request({ as: strange, target: '/events' }))
        expect(claimed).toEqual([401, 'untrusted_issuer', 'httpsig; identity=?1'])
        const thief = asHolder(as.key, await world.authToken({ sub: 'alice' }))
        expect((await send(await world.request({ as: thief, target: '/events' }))).status).toBe(401)
      },
    )

    test(verifies('RAT-03', 'error.rate-limited', 'a limit of each level, and which has more room'), async () => {
      const { send } = await site()
      const key = asKey(await generateSigningKey())
      const mine = () => world.request({ as: key, target: '/limited' })
      expect((await send(unsigned('/limited'))).status).toBe(200)
      const refused = await send(unsigned('/limited'))
      expect([refused.status, refused.error, refused.headers.get('agent-auth')]).toEqual([
        429,
        'rate_limited',
        'httpsig',
      ])
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect([(await send(await mine())).status, (await send(await mine())).status]).toEqual([200, 200])
      const again = await send(await mine())
      expect([again.status, again.headers.get('agent-auth')]).toEqual([429, 'httpsig; identity=?1'])
      expect((await send(await world.request({ as: asAgent(world.agent), target: '/limited' }))).status).toBe(200)
    })

    test(verifies('RAT-12', 'spellings that a router takes for one path share its limit'), async () => {
      const { plan, status } = await site()
      expect(await status(unsigned('/limited'))).toBe(200)
      for (const spelling of [
        '/limited',
        '/%6Cimited',
        '/LIMITED',
        '/limited/',
        '/limited?a',
        '//limited',
        '/./limited',
      ])
        expect(await status(unsigned(spelling)), spelling).not.toBe(200)
      expect(plan.ran).toBe(1)
    })

    test(verifies('RAT-04', 'RAT-09', 'no token is minted where none would help'), async () => {
      const { send } = await site({ agents: ['https://other.example'] })
      const minted = () => world.events.filter(({ type }) => type === 'resource_token').length
      const before = minted()
      const blocked = await send(await world.request({ as: asAgent(world.agent), target: '/events' }))
      expect([blocked.status, blocked.headers.get('agent-auth')]).toEqual([403, undefined])
      expect((await send(unsigned('/events'))).status).toBe(401)
      expect((await send(await get('/events'))).status).toBe(401)
      expect(minted()).toBe(before)
      expect((await send(await world.request({ as: asAgent(world.otherAgent), target: '/events' }))).status).toBe(401)
      expect(minted()).toBe(before + 1)
    })

    test(verifies('LOG-02', 'LOG-04', 'no token is told, and nobody is named who was only claimed'), async () => {
      const { send } = await site()
      const before = world.events.length
      const token = await world.authToken({ sub: 'alice' })
      const wire = await world.request({ as: asHolder(world.delegateKey, token), target: '/events' })
      expect((await send(wire)).status).toBe(200)
      const forged = header('signature', value => value.replace(/:[^:]{4}/, ':AAAA'))(wire)
      expect((await send(forged)).status).toBe(401)
      const told = world.events.slice(before)
      expect(told.map(event => [event.type, 'aauth' in event])).toEqual([
        ['passed', true],
        ['refused', false],
      ])
      expect(JSON.stringify(told)).not.toContain(token.split('.')[2])
    })

    test(verifies('LOG-03', 'NON-01', 'every decision is told once, and a POST passes once'), async () => {
      const { send } = await site()
      const told = async (wire: Wire) => {
        const before = world.events.length
        const { status } = await send(wire)
        return [status, ...world.events.slice(before).map(({ type }) => type)]
      }
      const wire = await post()
      expect(await told(wire)).toEqual([200, 'passed'])
      expect(await told(wire)).toEqual([401, 'refused'])
      expect(await told(unsigned('/feed'))).toEqual([401, 'refused'])
      expect(await told(unsigned('/public'))).toEqual([200, 'passed'])
      expect((await send(wire)).error).toBe('replay_detected')
    })
  })

  describe('responses', () => {
    const cacheOf = async (send: Site['send'], target: string) => {
      const { status, headers } = await send(unsigned(target))
      return [status, headers.get('cache-control'), headers.get('vary'), headers.get('cdn-cache-control')]
    }

    test(verifies('cache.private', 'cache.vary', 'however they are made'), async () => {
      const { plan, send } = await site()
      for (const path of ['/public', '/stream'])
        expect(await cacheOf(send, path)).toEqual([200, 'private', 'Signature-Key', undefined])
      expect(await cacheOf(send, '/cached')).toEqual([200, 'private, max-age=60', 'Accept, Signature-Key', undefined])
      expect(await cacheOf(send, '/written')).toEqual([201, 'private', 'Signature-Key', undefined])
      expect((await send(unsigned('/written'))).headers.get('set-cookie')).toBe('a=1, b=2')
      expect((await send(unsigned('/stream'))).body).toBe('one two')
      const broken = await cacheOf(send, '/throws')
      expect(broken[0]).toBe(500)
      if (adapter.answersErrors) expect(broken[2]).toBe('Signature-Key')
      if (adapter.answersErrors) expect(broken[1]).toMatch(/^private/)
      expect(plan.failed.map(String)).toEqual(['Error: broken'])
      expect((await cacheOf(send, '/feed')).slice(0, 3)).toEqual([401, 'no-store', 'Signature-Key'])
      expect((await send(unsigned('/nothing'))).status).toBe(404)
    })

    test(
      verifies('exchange.answers', 'a setback of a call is told the caller, and is no failure of the app'),
      async () => {
        const away = async (): Promise<Response> => {
          throw new TypeError('fetch failed')
        }
        const { plan, send } = await site({ downstream: { acceptAuthServer: 'any', fetch: away } })
        const alice = await delegate()
        const setback = await send(await world.request({ as: alice, target: '/away' }))
        expect([setback.status, setback.error, setback.headers.get('retry-after')]).toEqual([
          503,
          'temporarily_unavailable',
          '5',
        ])
        expect(setback.headers.get('cache-control')).toBe('no-store')
        expect([plan.ran, plan.failed]).toEqual([1, []])
        const caught = await send(await world.request({ as: alice, target: '/caught' }))
        expect([caught.status, caught.body]).toEqual([200, 'without a room'])
      },
    )

    test('a mistake in a call is the app’s to know', async () => {
      const { plan, send } = await site()
      expect((await send(await world.request({ as: await delegate(), target: '/away' }))).status).toBe(500)
      expect(plan.failed.map(error => error instanceof TypeError)).toEqual([true])
    })

    test(verifies('cors.preflight', 'cors.exposed', 'pages may ask and read, also what was refused'), async () => {
      const page = 'https://app.example'
      const { plan, send } = await site({ cors: [page] })
      const asked = [
        ['origin', page],
        ['access-control-request-method', 'POST'],
      ] as const
      const host = ['host', 'calendar.example'] as const
      for (const path of ['/feed', '/events', '/written', '/nothing', '/.well-known/jwks.json']) {
        const { status, headers } = await send(unsigned(path, { method: 'OPTIONS', headers: [host, ...asked] }))
        expect([status, headers.get('access-control-allow-origin')], path).toEqual([204, page])
      }
      expect(plan.ran).toBe(0)
      for (const path of ['/feed', '/public', '/written', '/nothing']) {
        const { headers } = await send(unsigned(path, { headers: [host, ['origin', page]] }))
        expect(headers.get('access-control-allow-origin'), path).toBe(page)
        expect(headers.get('access-control-expose-headers'), path).toContain('Agent-Auth')
        const other = await send(unsigned(path, { headers: [host, ['origin', 'https://evil.example']] }))
        expect(other.headers.get('access-control-allow-origin'), path).toBeUndefined()
      }
      const large = { method: 'POST', headers: [host, ['origin', page]] as const, body: Buffer.alloc(11) }
      const refused = await send(unsigned('/small', large))
      expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([413, page])
    })

    test(verifies('metadata.resource', 'metadata, keys and resource tokens are the resource’s to answer'), async () => {
      const { send } = await site()
      const metadata = await send(unsigned('/.well-known/aauth-resource'))
      expect([metadata.status, JSON.parse(metadata.body).resource]).toEqual([200, 'https://calendar.example'])
      expect(JSON.parse((await send(unsigned('/.well-known/jwks.json'))).body).keys).toHaveLength(1)
      const contentType = 'application/x-www-form-urlencoded'
      const form = await world.request({
        ...{ as: asAgent(world.agent), method: 'POST', target: '/aauth/resource-token' },
        ...{ body: 'scope=events.read', contentType },
      })
      const answer = await send(form)
      expect([answer.status, Object.keys(JSON.parse(answer.body))], answer.body).toEqual([
        200,
        expect.arrayContaining(['resource_token']),
      ])
      expect((await send(unsigned('/.well-known/jwks.json', { method: 'POST' }))).status).toBe(405)
    })
  })
})
