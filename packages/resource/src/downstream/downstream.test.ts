import { fromRequest, generateSigningKey, signRequest } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { Hono } from 'hono'
import { describe, expect, test, vi } from 'vitest'
import { guard, wellKnown } from '../adapter/hono.js'
import { type Chain, chainOf, hopId, serverId } from '../hops.test.fixture.js'
import { createResource } from '../index.js'

interface Told {
  readonly status: number
  readonly error: string
  readonly reason: string
  readonly agentAuth: string | null
  readonly retryAfter: string | null
}

async function told(response: Response): Promise<Told> {
  const { error, reason } = (await response.json()) as { error: string; reason: string }
  const { headers, status } = response
  return { status, error, reason, agentAuth: headers.get('agent-auth'), retryAfter: headers.get('retry-after') }
}

const refuses = (status: number, error: string) => () => Response.json({ error }, { status })

/** A chain of two whose second auth server does as it is told; the twin of every refusal is answered. */
async function middle(
  options: Parameters<typeof chainOf>[1] = {},
): Promise<Chain & { answers(instead?: () => Promise<Response> | Response): void }> {
  const chain = await chainOf(2, options)
  const [, last] = chain.hops
  if (last === undefined) throw new Error('no hop')
  last.server.asks = false
  const answers = (instead?: () => Promise<Response> | Response): void => {
    last.server.instead = instead
  }
  return { ...chain, answers }
}

describe('what a resource between tells its caller', () => {
  test.each([
    ['invalid_auth_token', 400],
    ['untrusted_issuer', 400],
  ])(verifies('exchange.answers', 'the upstream token is refused (%s): bring another'), async (error, status) => {
    const chain = await middle()
    chain.answers(refuses(status, error))
    expect(await told(await chain.call())).toEqual({
      status: 401,
      error: 'invalid_auth_token',
      reason: 'downstream_refused',
      agentAuth: 'httpsig; identity=?1',
      retryAfter: null,
    })
    chain.answers()
    expect((await chain.call()).status).toBe(200)
  })

  test(verifies('exchange.answers', 'a policy says no: 403, and no level would help'), async () => {
    const chain = await middle()
    chain.answers(refuses(403, 'access_denied'))
    expect(await told(await chain.call())).toEqual({
      status: 403,
      error: 'access_denied',
      reason: 'downstream_refused',
      agentAuth: null,
      retryAfter: null,
    })
    expect(chain.hops[0]?.events.at(-1)).toMatchObject({ type: 'refused', error: { code: 'access_denied' } })
    chain.answers()
    expect((await chain.call()).status).toBe(200)
  })

  test(verifies('exchange.answers', 'an auth server that is not accepted is 403, and gets no request'), async () => {
    const chain = await middle({ downstream: { acceptAuthServer: ['https://other.example'] } })
    expect(await told(await chain.call())).toMatchObject({ status: 403, error: 'access_denied', agentAuth: null })
    expect(chain.hops[1]?.server.forms).toEqual([])
  })

  test.each<readonly [string, string, () => Response]>([
    ['down', 'dependency_unavailable', () => new Response(null, { status: 500 })],
    ['overloaded', 'dependency_unavailable', refuses(503, 'temporarily_unavailable')],
    ['answering nonsense', 'dependency_invalid', () => Response.json({ auth_token: 'x' })],
    ['a page', 'dependency_invalid', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['without an answer', 'dependency_invalid', () => Response.json({})],
  ])(verifies('exchange.answers', 'the auth server is %s: 503, and later it works'), async (_, reason, instead) => {
    const chain = await middle()
    chain.answers(instead)
    const answer = await told(await chain.call())
    expect(answer).toEqual({ status: 503, error: 'temporarily_unavailable', reason, agentAuth: null, retryAfter: '5' })
    chain.answers()
    expect((await chain.call()).status).toBe(200)
  })

  test.each([
    [401, 'invalid_agent_token', '401 invalid_agent_token'],
    [401, 'invalid_signature', '401 invalid_signature'],
    [401, 'Ⅰ am "no" code', '401'],
    [429, 'rate_limited', '429 rate_limited'],
    [400, 'invalid_request', '400 invalid_request'],
  ])(
    verifies(
      'exchange.answers',
      'the auth server refuses the resource itself with %i %s: the caller is told what it answered',
    ),
    async (status, error, answer) => {
      const chain = await middle()
      chain.answers(refuses(status, error))
      const response = await chain.call()
      const { error_description } = (await response.clone().json()) as { error_description: string }
      expect(await told(response)).toEqual({
        status: 503,
        error: 'temporarily_unavailable',
        reason: 'dependency_invalid',
        agentAuth: null,
        retryAfter: '5',
      })
      expect(error_description).toBe(
        `A service that the participant needs gives an unusable answer: an auth server answered ${answer}`,
      )
      expect(chain.hops[0]?.events.at(-1)).toMatchObject({ type: 'refused', error: { description: error_description } })
      chain.answers()
      expect((await chain.call()).status).toBe(200)
    },
  )

  test.each(['GET', 'POST'])(verifies('exchange.answers', 'the next resource is away: 503 (%s)'), async method => {
    const chain = await middle()
    const host = chain.net.hosts.get(hopId(2))
    chain.net.hosts.delete(hopId(2))
    expect(await told(await chain.call({ method }))).toMatchObject({ status: 503, retryAfter: '5' })
    if (host !== undefined) chain.net.hosts.set(hopId(2), host)
    expect((await chain.call({ method })).status).toBe(200)
  })

  test(
    verifies('exchange.answers', 'the next resource asks for a user of a request without identity: 503'),
    async () => {
      const chain = await middle()
      const host = chain.net.hosts.get(hopId(2)) ?? expect.fail('no host')
      const challenge = `httpsig; user_interaction="${hopId(2)}/interact"`
      chain.net.hosts.set(hopId(2), () => new Response(null, { status: 401, headers: { 'agent-auth': challenge } }))
      expect(await told(await chain.call())).toMatchObject({ status: 503, agentAuth: null, retryAfter: '5' })
      chain.net.hosts.set(hopId(2), host)
      expect((await chain.call()).status).toBe(200)
    },
  )

  test(verifies('exchange.answers', 'a slow service delays a caller no longer than the deadline'), async () => {
    const chain = await middle({ downstream: { deadline: 0.2 } })
    chain.answers(() => new Promise(() => undefined))
    const began = Date.now()
    expect(await told(await chain.call())).toMatchObject({ status: 503, error: 'temporarily_unavailable' })
    expect(Date.now() - began).toBeLessThan(3_000)
    chain.answers()
    expect((await chain.call({ claims: { sub: 'bob' } })).status).toBe(200)
  })

  test('what the next resource answers is the handler’s to read', async () => {
    const chain = await middle()
    chain.net.hosts.set(hopId(2), () => Response.json({ sorry: true }, { status: 409 }))
    expect((await chain.call()).status).toBe(502)
  })

  test('an SSO token is no mandate: it does not even pass the guard', async () => {
    const chain = await middle()
    const refused = [
      // A user's sign-in at the app asks for a mandate in its stead.
      [{ scope: undefined }, { status: 403, error: 'insufficient_scope' }],
      [{ agent: undefined }, { status: 401, error: 'invalid_auth_token', agentAuth: 'httpsig; identity=?1' }],
      [
        { scope: undefined, agent: undefined },
        { status: 401, error: 'invalid_auth_token' },
      ],
    ] as const
    for (const [claims, answer] of refused) expect(await told(await chain.call({ claims }))).toMatchObject(answer)
    expect(chain.hops[1]?.server.forms).toEqual([])
    expect((await chain.call()).status).toBe(200)
  })
})

describe('a caller that brings no auth token', () => {
  test(
    verifies(
      'INT-15',
      'challenge.user-interaction',
      'is asked who it is, then for a token, and only then for its user',
    ),
    async () => {
      const chain = await chainOf(2)
      const unsigned = await told(await chain.net.fetch(`${hopId(1)}/open`))
      expect(unsigned).toMatchObject({ status: 401, error: 'insufficient_level', agentAuth: 'httpsig; identity=?1' })
      const pseudonym = { scheme: 'hwk', jwk: chain.agentKey.publicJwk } as const
      for (const path of ['/open', '/go'])
        expect(await told(await chain.call({ path, signatureKey: pseudonym })), path).toMatchObject({
          status: 401,
          error: 'insufficient_level',
          agentAuth: 'httpsig; identity=?1',
        })
      const known = await told(await chain.call({ path: '/open', claims: 'none' }))
      expect(known).toMatchObject({ status: 401, error: 'insufficient_level', reason: 'level_insufficient' })
      expect(known.agentAuth).toMatch(
        /^httpsig; auth-token; resource_token="eyJ[^"]+"; auth_server="https:\/\/as1.example"$/,
      )
      const authorized = await told(await chain.call({ path: '/open' }))
      expect(authorized).toMatchObject({ status: 401, error: 'interaction_required', reason: 'user_needed' })
      expect(authorized.agentAuth).toMatch(
        /^httpsig; user_interaction="https:\/\/r1.example\/aauth\/interact\?session=/,
      )
    },
  )

  test('on a route without a scope it is a mistake of the developer, for every caller', async () => {
    const chain = await middle()
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    expect((await chain.call({ path: '/unscoped', claims: 'none' })).status).toBe(500)
    expect((await chain.call({ path: '/unscoped' })).status).toBe(500)
    expect(String(error.mock.calls[0]?.[0])).toContain('the route must ask for a scope')
    error.mockRestore()
  })
})

describe('without a framework', () => {
  test(
    verifies('exchange.answers', 'respond answers what fetch has thrown for this request, and nothing else'),
    async () => {
      const chain = await middle()
      const [hop] = chain.hops
      if (hop === undefined) throw new Error('no hop')
      const requests: Request[] = []
      const served = chain.net.hosts.get(hop.id)
      chain.net.hosts.set(hop.id, request => {
        if (!request.url.endsWith('/go')) return served?.(request) ?? new Response()
        requests.push(request)
        return new Response()
      })
      await chain.call()
      await chain.call({ claims: { sub: 'bob' } })
      const [one, other] = await Promise.all(
        requests.map(async (request, n) =>
          hop.resource.authorize(
            { ...(await fromRequest(request, { bodyLimit: 1024 })), requestId: `request-${n}` },
            { scope: 'go' },
          ),
        ),
      )
      if (one?.ok !== true || other?.ok !== true) throw new Error('refused')
      expect(Object.keys(one.aauth)).not.toContain('fetch')
      chain.answers(refuses(403, 'access_denied'))
      const error = await one.aauth.fetch(`${hopId(2)}/go`).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'access_denied', status: 403 })
      expect((await one.respond(error))?.status).toBe(403)
      expect(hop.events.at(-1)).toMatchObject({
        type: 'refused',
        error: { code: 'access_denied' },
        request_id: 'request-0',
        aauth: { agent: 'https://agent.example', user: { sub: 'ada' } },
      })
      expect(await other.respond(error)).toBeUndefined()
      for (const none of [new Error('x'), undefined, null, 'x', {}]) expect(await one.respond(none)).toBeUndefined()
    },
  )

  test('a resource without downstream says so', async () => {
    const chain = await middle()
    const [, last] = chain.hops
    const url = `${hopId(2)}/open`
    const key = chain.agentKey
    const signatureKey = { scheme: 'hwk', jwk: key.publicJwk } as const
    const headers = await signRequest({
      method: 'GET',
      url,
      headers: [],
      key,
      signatureKey,
      now: () => chain.net.clock.now,
    })
    const request = new Request(url, { headers: headers.map(([name, value]): [string, string] => [name, value]) })
    const authorization = await last?.resource.authorize(await fromRequest(request, { bodyLimit: 1024 }), {
      level: 'pseudonymous',
    })
    if (authorization?.ok !== true) throw new Error('refused')
    await expect(authorization.aauth.fetch(url)).rejects.toThrow(
      'aauth.fetch and aauth.oauth need the option downstream',
    )
  })
})

describe('in an app', () => {
  test('the guard answers alone: no error handler of the app logs the error or leaves a header', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const chain = await chainOf(2)
    const silent = await chain.call()
    expect([silent.status, silent.headers.get('vary'), silent.headers.get('cache-control')]).toEqual([
      401,
      'Signature-Key',
      'no-store',
    ])
    expect(error).not.toHaveBeenCalled()
    error.mockRestore()
    const [hop] = chain.hops
    if (hop === undefined) throw new Error('no hop')
    const app = new Hono()
    app.onError((_, c) => c.text('broken', 500, { 'cache-control': 'public', 'x-broken': '1' }))
    app.get('/go', guard(hop.resource, { scope: 'go' }), async c => {
      await c.var.aauth.fetch(`${hopId(2)}/go`)
      return c.text('never')
    })
    chain.net.hosts.set(hop.id, request => app.fetch(request))
    const response = await chain.call()
    expect([response.status, response.headers.get('cache-control'), response.headers.get('x-broken')]).toEqual([
      401,
      'no-store',
      null,
    ])
    expect(response.headers.get('agent-auth')).toMatch(/^httpsig; user_interaction=/)
    expect(await told(response)).toMatchObject({ error: 'interaction_required' })
  })

  test('a handler that meets the error in its own way keeps its answer', async () => {
    const chain = await middle()
    const [hop] = chain.hops
    if (hop === undefined) throw new Error('no hop')
    const app = new Hono()
    app.use(wellKnown(hop.resource))
    app.get('/go', guard(hop.resource, { scope: 'go' }), async c => {
      const rooms = await c.var.aauth.fetch(`${hopId(2)}/go`).catch(() => undefined)
      return c.json({ rooms: rooms?.status ?? 'unknown' })
    })
    chain.net.hosts.set(hop.id, request => app.fetch(request))
    chain.answers(refuses(403, 'access_denied'))
    expect(await (await chain.call()).json()).toEqual({ rooms: 'unknown' })
    chain.answers()
    expect(await (await chain.call()).json()).toEqual({ rooms: 200 })
  })
})

describe('who a request came through', () => {
  test('a route may ask for it; purpose and txn are facts', async () => {
    const chain = await chainOf(2)
    const [hop] = chain.hops
    if (hop === undefined) throw new Error('no hop')
    const app = new Hono()
    const [direct, wild] = [['https://other.example'], ['https://*.trusted.example', 'https://other.example']]
    for (const [path, via] of [
      ['/one', direct],
      ['/any', wild],
    ] as const)
      app.get(path, guard(hop.resource, { scope: 'go', via: via ?? [] }), c => c.json({ ...c.var.aauth }))
    chain.net.hosts.set(hop.id, request => app.fetch(request))
    const act = (agent: string, more: object = {}) => ({ iss: serverId(1), agent, ...more })
    const refused: ReadonlyArray<Readonly<Record<string, unknown>>> = [
      {},
      // The first agent is not in between, and who is in between is another.
      { act: act('https://other.example') },
      { act: act('https://mallory.example', { act: act('https://other.example') }) },
    ]
    for (const claims of refused) {
      const response = await chain.call({ path: '/one', claims })
      expect(await told(response)).toMatchObject({
        status: 403,
        error: 'policy_denied',
        reason: 'via_missing',
        agentAuth: null,
      })
    }
    const through = {
      act: act('https://other.example', { act: act('https://app.example') }),
      purpose: 'A trip',
      txn: 't1',
    }
    expect(await (await chain.call({ path: '/one', claims: through })).json()).toMatchObject({
      purpose: 'A trip',
      txn: 't1',
      chain: [
        { iss: serverId(1), agent: 'https://other.example' },
        { iss: serverId(1), agent: 'https://app.example' },
      ],
    })
    const wide = { act: act('https://a.trusted.example', { act: act('https://app.example') }) }
    expect((await chain.call({ path: '/one', claims: wide })).status).toBe(403)
    expect((await chain.call({ path: '/any', claims: wide })).status).toBe(200)
  })

  test('a requirement with an unusable via is a TypeError at once', async () => {
    const chain = await chainOf(2)
    const resource = chain.hops[0]?.resource
    expect(() => resource?.declare({ level: 'identified', via: ['https://other.example'] })).toThrow(TypeError)
    expect(() => resource?.declare({ scope: 'go', via: [] })).toThrow(TypeError)
    expect(() => resource?.declare({ scope: 'go', via: ['other'] })).toThrow(TypeError)
    expect(resource?.declare({ scope: 'go', via: ['https://other.example'] })).toBeDefined()
  })
})

test('options that are wrong are told when the resource is made', async () => {
  const keys = [{ kid: 'r1', key: await generateSigningKey() }]
  const make = (downstream: object) => () =>
    createResource({ id: hopId(1), keys, downstream: downstream as { acceptAuthServer: 'any' } })
  expect(make({ acceptAuthServer: ['as2'] })).toThrow(TypeError)
  expect(make({})).toThrow(TypeError)
  expect(make({ acceptAuthServer: 'any', deadline: 0 })).toThrow(TypeError)
  expect(make({ acceptAuthServer: 'any' })().paths).toEqual([
    '/.well-known/aauth-resource',
    '/.well-known/jwks.json',
    '/.well-known/aauth-agent',
    '/aauth/interact',
    '/aauth/callback',
  ])
})
