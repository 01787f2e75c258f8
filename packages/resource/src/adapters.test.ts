import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Change, header, method, plus, target, without } from './altered.test.fixture.js'
import { expressAdapter } from './express-site.test.fixture.js'
import { fastifyAdapter } from './fastify-site.test.fixture.js'
import { fetchAdapter, honoAdapter } from './fetch-site.test.fixture.js'
import type { ResourceOptions } from './index.js'
import { nodeAdapter } from './node-site.test.fixture.js'
import type { Plan, Site } from './site.test.fixture.js'
import type { Wire } from './wire.test.fixture.js'
import { asAgent, asHolder, asKey, makeWorld, type Signer, signByHand, type World } from './world.test.fixture.js'

// What must hold whatever framework a resource is behind. The core has tests of its own; here is what an adapter can break.

let world: World
let as: Signer
beforeAll(async () => {
  world = await makeWorld()
  as = asKey(await generateSigningKey())
})

const unsigned = (target: string, more: Partial<Wire> = {}): Wire => ({
  method: 'GET',
  target,
  headers: [['host', 'calendar.example']],
  ...more,
})

const chunked = (...chunks: string[]): Change => {
  const body = Buffer.from(`${chunks.map(c => `${Buffer.byteLength(c).toString(16)}\r\n${c}\r\n`).join('')}0\r\n\r\n`)
  return wire => ({ ...wire, headers: [...wire.headers, ['transfer-encoding', 'chunked']], body })
}

const adapters = [nodeAdapter, expressAdapter, fastifyAdapter, honoAdapter, fetchAdapter]

describe.each(adapters)('$name', adapter => {
  const sites: Site[] = []
  afterEach(async () => {
    for (const site of sites.splice(0)) await site.stop()
  })

  async function site(options: Partial<ResourceOptions<'events.read' | 'events.write'>> = {}) {
    const plan: Plan = { resource: world.calendar(options), ran: 0, failed: [] }
    const made = await adapter.make(plan)
    sites.push(made)
    const status = async (wire: Wire) => (await made.send(wire)).status
    /** The request as it was signed passes, the changed one does not, and no handler sees it. */
    const refuses = async (
      wire: Wire,
      change: Change,
      expected: { status: number | readonly number[]; error?: string },
    ) => {
      const before = plan.ran
      const answer = await made.send(change(wire))
      expect([expected.status].flat(), answer.body).toContain(answer.status)
      if (expected.error !== undefined) expect(answer.error).toBe(expected.error)
      if (answer.status === 401) expect(answer.headers.get('agent-auth')).toMatch(/^httpsig/)
      expect(plan.ran, 'no handler ran').toBe(before)
      const accepted = await made.send(wire)
      expect([accepted.status, plan.ran], `the twin: ${accepted.body}`).toEqual([200, before + 1])
    }
    return { plan, send: made.send, status, refuses }
  }

  const get = (target = '/feed') => world.request({ as, target })
  const post = (target = '/feed', body = '{"a":1}', contentType = 'application/json') =>
    world.request({ as, method: 'POST', target, body, contentType })
  const delegate = async (claims: Record<string, unknown> = { sub: 'alice' }) =>
    asHolder(world.delegateKey, await world.authToken(claims))

  describe('bodies', () => {
    test(
      verifies('DIG-02', 'DIG-12', 'DIG-01', 'sig.body.uncovered', 'another one, and one nobody signed'),
      async () => {
        const { refuses } = await site()
        const expected = { status: 401, error: 'invalid_signature' }
        await refuses(await post(), wire => ({ ...wire, body: Buffer.from('{"a":2}') }), expected)
        await refuses(await post(), without('content-digest'), expected)
        await refuses(
          await post(),
          header('content-digest', () => 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'),
          expected,
        )
        const swapped = { ...(await world.request({ as, method: 'POST', target: '/feed' })) }
        await refuses(
          swapped,
          wire => plus('content-type', 'text/plain')({ ...wire, body: Buffer.from('x') }),
          expected,
        )
        for (const verb of ['DELETE', 'PUT']) {
          const wire = await world.request({ as, method: verb, target: '/feed' })
          await refuses(wire, bare => ({ ...bare, body: Buffer.from('x') }), expected)
        }
      },
    )

    test(verifies('DIG-03', 'DIG-05', 'DIG-08', 'DIG-09', 'which digests count'), async () => {
      const { refuses, status } = await site()
      const digested = (digest: string, name = 'content-digest') =>
        signByHand({
          ...{ as, method: 'POST', target: '/feed', body: '{"a":1}' },
          input: `("@method" "@authority" "@path" "signature-key" "content-type" "${name}");created=${Math.floor(world.clock.now)};nonce="${crypto.randomUUID()}"`,
          headers: [
            ['content-type', 'application/json'],
            [name, digest],
          ],
        })
      const sha256 = 'sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:'
      const hash = Buffer.from(await crypto.subtle.digest('SHA-512', Buffer.from('{"a":1}'))).toString('base64')
      for (const good of [sha256, `sha-512=:${hash}:`, `${sha256}, foo=:AAAA:`])
        expect(await status(await digested(good)), good).toBe(200)
      for (const bad of ['sha-256=::', 'md5=:XrY7u+Ae7tCTyyK7j1rNww==:', sha256.replaceAll(':', '"')])
        expect(await status(await digested(bad)), bad).toBe(401)
      for (const other of ['digest', 'repr-digest']) expect(await status(await digested(sha256, other))).toBe(401)
      await refuses(await digested(sha256), without('content-digest'), { status: 401, error: 'invalid_signature' })
    })

    test(verifies('DIG-17', 'sig.body.bytes', 'the handler and its parser get the very bytes'), async () => {
      const { send } = await site()
      const odd = '\ufeff{ "a" :\r\n "ü" }'
      const echoed = await send(await post('/feed', odd, 'text/plain'))
      expect(JSON.parse(Buffer.from(echoed.body, 'latin1').toString()).body.replace('\ufeff', '')).toBe(odd.slice(1))
      const parsed = await send(await post('/json', '{ "a" : [1, "x"] }'))
      expect([parsed.status, parsed.body], parsed.body).toEqual([200, '{"a":[1,"x"]}'])
      const large = JSON.stringify({ a: 'x'.repeat(90_000) })
      expect((await send(await post('/json', large))).body).toBe(large)
      expect(
        (
          await send(
            unsigned('/json', {
              method: 'POST',
              body: Buffer.from('{"b":2}'),
              headers: [
                ['host', 'calendar.example'],
                ['content-type', 'application/json'],
              ],
            }),
          )
        ).body,
      ).toBe('{"b":2}')
      const empty = await send(await world.request({ as, method: 'POST', target: '/feed' }))
      expect([empty.status, JSON.parse(empty.body).body]).toEqual([200, ''])
    })

    test(verifies('DIG-13', 'what something has read before is a mistake to be told, and never let in'), async () => {
      const { plan, status } = await site()
      expect(await status(await post('/late'))).toBe(500)
      expect([plan.ran, plan.failed.map(error => error instanceof TypeError)]).toEqual([0, [true]])
      const { headers, ...bare } = await world.request({ as, method: 'POST', target: '/late' })
      const evil = { ...bare, headers: [...headers, ['content-type', 'text/plain'] as const], body: Buffer.from('x') }
      expect(await status(evil)).toBe(500)
      expect(plan.ran).toBe(0)
      expect(await status(await post('/feed'))).toBe(200)
    })

    test(verifies('error.body-too-large', 'DIG-11', 'over the limit: 413, and the answer arrives'), async () => {
      const { refuses } = await site()
      const small = () => post('/small', '0123456789', 'text/plain')
      await refuses(await small(), wire => ({ ...wire, body: Buffer.from('0123456789a') }), {
        status: 413,
        error: 'invalid_request',
      })
      const large = Buffer.alloc(3_000_000, 'x')
      await refuses(await small(), wire => ({ ...wire, body: large }), { status: 413, error: 'invalid_request' })
      if (adapter.wire)
        await refuses(await small(), chunked('01234', '56789a'), { status: 413, error: 'invalid_request' })
    })

    if (adapter.wire)
      test(verifies('DIG-12', 'DIG-13', 'DIG-14', 'DIG-15', 'however it is framed, under any method'), async () => {
        const { send, status, refuses, plan } = await site()
        expect(await status(chunked('{"a', '":1}')(await post()))).toBe(200)
        expect((await send(chunked('{"a', '":1}')(await post('/json')))).body).toBe('{"a":1}')
        const none = await world.request({ as, method: 'POST', target: '/feed' })
        expect(await status(plus('content-length', '0')(none))).toBe(200)
        expect(await status(chunked()(await world.request({ as, method: 'POST', target: '/feed' })))).toBe(200)
        const expected = { status: 401, error: 'invalid_signature' }
        await refuses(await world.request({ as, method: 'POST', target: '/feed' }), chunked('x'), expected)
        await refuses(await get(), wire => ({ ...wire, body: Buffer.from('x') }), expected)
        const before = plan.ran
        for (const framing of ['7', '8'])
          expect(await status(plus('content-length', framing)(plus('content-length', '7')(await post())))).toBe(400)
        const both = plus('transfer-encoding', 'chunked')(plus('content-length', '7')(await post()))
        expect(await status({ ...both, body: Buffer.from('7\r\n{"a":1}\r\n0\r\n\r\n') })).toBe(400)
        expect(plan.ran).toBe(before)
      })
  })

  describe('targets and headers', () => {
    if (adapter.wire)
      test(verifies('COV-24', 'COV-34', 'COV-35', 'COV-37', 'sig.target.form', 'as they came'), async () => {
        const { refuses } = await site()
        await refuses(await get(), plus('host', 'evil.example'), { status: 400 })
        await refuses(
          await get(),
          header('host', value => `${value}\r\n folded`),
          { status: 400 },
        )
        // Where the router does not know the spelling at all, no guard is asked.
        await refuses(await get(), target('http://evil.example/feed'), { status: [400, 404] })
        await refuses(await get(), target('/feed#b'), { status: [400, 404] })
      })

    if (adapter.wire)
      test(verifies('COV-30', 'RAT-12', 'a variant of a path lets nobody in'), async () => {
        const { plan, status, refuses } = await site()
        for (const variant of ['//feed', '/x/../feed', '/x/%2e%2E/feed', '/feed\\x', '/a/%zz']) {
          expect(await status(target(variant)(await get())), variant).toBeGreaterThanOrEqual(400)
          expect(plan.ran, variant).toBe(0)
        }
        await refuses(await get('/feed?a=b'), target('/feed?a=c'), { status: 401, error: 'invalid_signature' })
        await refuses(await get(), target('/feed?'), { status: 401, error: 'invalid_signature' })
      })

    test(verifies('COV-19', 'HEAD, OPTIONS and others are guarded as what they are'), async () => {
      const { status, refuses } = await site()
      for (const verb of ['HEAD', 'OPTIONS', 'PATCH']) {
        const wire = await world.request({ as, method: verb, target: '/feed' })
        await refuses(wire, method('GET'), { status: 401, error: 'invalid_signature' })
        expect(await status(unsigned('/feed', { method: verb })), verb).toBe(401)
      }
    })

    test(
      verifies('SIG-02', 'sig.target.raw', 'behind a prefix the whole target is verified, and no header decides it'),
      async () => {
        const { plan, send, status } = await site()
        const passed = await send(await get('/mounted/feed?a=b'))
        expect([passed.status, passed.body.includes('pseudonymous')], passed.body).toEqual([200, true])
        const ran = plan.ran
        expect(await status(target('/mounted/feed')(await get('/feed')))).toBe(401)
        const forwarded = plus('x-forwarded-host', 'calendar.example')
        const other = await world.request({ as, target: '/feed', origin: 'https://other.example' })
        expect(await status(forwarded(other))).toBe(401)
        const proxied = plus('x-forwarded-host', 'evil.example')(plus('x-original-url', '/edit')(await get('/feed')))
        expect(await status(proxied)).toBe(200)
        expect(plan.ran).toBe(ran + 1)
      },
    )
  })

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
