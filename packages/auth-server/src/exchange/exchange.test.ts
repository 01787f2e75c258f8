import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSigningKey, signRequest, thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { createVerifier } from '@countersign/verify'
import { afterAll, expect, test } from 'vitest'
import { bodyOf, delegate, part, plain, publishAgent, refusalOf, send } from '../world.test.fixture.js'
import {
  asking,
  downstreamId,
  type ExchangeWorld,
  exchange,
  exchangeWorld,
  middleId,
  publishIssuer,
  publishMiddle,
  roomsToken,
  rowsIn,
  rule,
  signerOf,
  type TokenChange,
  upstreamIssuer,
  upstreamToken,
} from './exchange.test.fixture.js'

const folder = mkdtempSync(join(tmpdir(), 'countersign-exchange-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A world whose database others can look into. */
async function watched(o: Parameters<typeof exchangeWorld>[0] = {}): Promise<ExchangeWorld & { database: string }> {
  const database = `sqlite:${join(mkdtempSync(join(folder, 'one-')), 'auth.db')}`
  return { ...(await exchangeWorld({ ...o, database })), database }
}

/** Sends an exchange that must be refused, proves that it left nothing behind, and that its twin is accepted. */
async function refused(
  made: ExchangeWorld & { database: string },
  attempt: () => Promise<Response>,
): Promise<{ status: number; error: unknown; agentAuth: string | null }> {
  const events = made.events.length
  const refusal = await refusalOf(await attempt())
  expect(made.events.slice(events).map(({ type }) => type)).toEqual(['refused'])
  expect(await rowsIn(made.database)).toEqual({ grants: 0, requests: 0, consents: 0, links: 0 })
  expect((await exchange(made)).status).toBe(200)
  return refusal
}

const withUpstream = (made: ExchangeWorld, o: TokenChange) => async () =>
  exchange(made, { upstream: await upstreamToken(made, o) })

test(
  verifies(
    'exchange.issued',
    'exchange.act',
    'exchange.no-refresh',
    'exchange.own-key',
    'EXC-09',
    'EXC-19',
    'EXC-14',
    'a mandate is passed on: for the key of the middle, no longer than it lives, with who asked, and nothing to refresh',
  ),
  async () => {
    const made = await watched()
    const upstream = await upstreamToken(made)
    const forged = { sub: 'mallory', act: '{}', agent: 'https://evil.example', exp: '9999999999', scope: 'rooms.admin' }
    const response = await exchange(made, { upstream, form: { ...forged, aud: 'https://evil.example' } })
    const answer = await bodyOf(response)
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(Object.keys(answer)).toEqual(['auth_token', 'expires_in'])
    expect(answer['expires_in']).toBe(300)
    expect(part(answer['auth_token'], 0)).toMatchObject({ typ: 'auth+jwt', kid: 'a1' })
    expect(part(answer['auth_token'], 1)).toEqual({
      iss: 'https://auth.example',
      aud: 'https://rooms.example',
      agent: 'https://calendar.example',
      cnf: { jwk: made.middleKey.key.publicJwk },
      scope: 'rooms.read',
      iat: 1_767_225_600,
      exp: 1_767_225_900,
      jti: expect.any(String),
      txn: 'txn-1',
      act: { iss: 'https://one.example', agent: 'https://agent.example', agent_delegate: 'phone' },
    })
    expect(made.middleKey.key.publicJwk).not.toEqual(made.agentKey.key.publicJwk)
    expect(made.events).toEqual([
      {
        type: 'granted',
        by: 'exchange',
        decision: 'rule',
        agent: 'https://calendar.example',
        resource: 'https://rooms.example',
        scope: ['rooms.read'],
        jti: part(answer['auth_token'], 1)['jti'],
        exchange: {
          issuer: 'https://one.example',
          sub: 'ada-at-one',
          chain: [{ iss: 'https://one.example', agent: 'https://agent.example', delegate: 'phone' }],
          txn: 'txn-1',
        },
      },
    ])
    expect(await rowsIn(made.database)).toEqual({ grants: 0, requests: 0, consents: 0, links: 0 })
    const refresh = { request_type: 'refresh', refresh_token: String(answer['auth_token']) }
    expect(await refusalOf(await send(made, made.middle, refresh))).toEqual(plain(400, 'invalid_grant'))
    // A token that lives longer than ours do gives one that lives as long as ours do.
    const long = await upstreamToken(made, { claims: { exp: made.clock.now + 3600, txn: undefined } })
    const short = await bodyOf(await exchange(made, { upstream: long }))
    expect(short['expires_in']).toBe(600)
    expect(part(short['auth_token'], 1)).not.toHaveProperty('txn')
  },
)

test(
  verifies('trust.auth-server.upstream', 'EXC-01', 'only listed issuers are listened to, and no other is fetched from'),
  async () => {
    const made = await watched()
    const key = { kid: 'u1', key: await generateSigningKey() }
    for (const iss of ['https://evil.example', 'https://one.example.evil.example', 'http://one.example']) {
      publishIssuer(made, iss, [key])
      const refusal = await refused(made, withUpstream(made, { key, claims: { iss } }))
      expect(refusal, iss).toEqual(plain(400, iss.startsWith('http:') ? 'invalid_auth_token' : 'untrusted_issuer'))
      expect(made.fetched.filter(url => url.startsWith(`${iss}/`))).toEqual([])
    }
    // Nor the own issuer, whose tokens need a rule, too.
    const refusal = await refused(made, withUpstream(made, { key, claims: { iss: 'https://auth.example' } }))
    expect(refusal).toEqual(plain(400, 'untrusted_issuer'))
  },
)

test(
  verifies(
    'exchange.upstream',
    'EXC-02',
    'EXC-03',
    'EXC-04',
    'EXC-12',
    'EXC-15',
    'EXC-21',
    'an upstream token that is wrong in one way is refused',
  ),
  async () => {
    const made = await watched({
      rules: [rule, { ...rule, upstream: 'https://two.example' }],
    })
    // Two issuers with one kid: each is known by its own key only.
    const two = { kid: 'u1', key: await generateSigningKey() }
    publishIssuer(made, 'https://two.example', [two])
    const flipped = (await upstreamToken(made)).split('.')
    const payload = Buffer.from(flipped[1] ?? '', 'base64url')
      .toString()
      .replace('ada-at-one', 'eve-at-one')
    const forged = [flipped[0], Buffer.from(payload).toString('base64url'), flipped[2]].join('.')
    const { now } = made.clock
    const act = { iss: upstreamIssuer, agent: 'https://a.example' }
    const deep = (depth: number): object => ({
      iss: upstreamIssuer,
      agent: `https://a${depth}.example`,
      ...(depth > 1 ? { act: deep(depth - 1) } : {}),
    })
    const cases: ReadonlyArray<readonly [string, TokenChange | string]> = [
      ['another signature', forged],
      ['an unknown kid', { key: { ...made.upstreamKey, kid: 'u2' } }],
      ['the key of another issuer with the same kid', { key: two }],
      ['expired', { claims: { exp: now } }],
      ['not yet', { claims: { nbf: now + 61 } }],
      ['issued later than now', { claims: { iat: now + 61 } }],
      ['too long a life', { claims: { exp: now + 3601 } }],
      ['an agent token', { typ: 'agent+jwt' }],
      ['a resource token', { typ: 'resource+jwt' }],
      ['a plain JWT', { typ: 'JWT' }],
      ['for another', { claims: { aud: 'https://other.example' } }],
      ['for the caller among others', { claims: { aud: [middleId, 'https://other.example'] } }],
      ['no agent: a sign-in', { claims: { agent: undefined } }],
      ['no scope', { claims: { scope: undefined } }],
      ['an empty scope', { claims: { scope: '' } }],
      ['a sign-in, which has neither', { claims: { agent: undefined, agent_delegate: undefined, scope: undefined } }],
      ['act is no object', { claims: { act: 'https://a.example' } }],
      ['act without agent', { claims: { act: { iss: upstreamIssuer } } }],
      ['act without iss', { claims: { act: { agent: 'https://a.example' } } }],
      ['act deeper than five', { claims: { act: deep(6) } }],
      ['act as deep as may be, which one more would make too deep', { claims: { act: deep(5) } }],
      ['act of 64 KB', { claims: { act: { ...act, more: 'x'.repeat(40_000) } } }],
      ['encrypted', 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA'],
      ['no token at all', 'token'],
    ]
    for (const [name, change] of cases) {
      const upstream = typeof change === 'string' ? change : await upstreamToken(made, change)
      expect(await refused(made, () => exchange(made, { upstream })), name).toEqual(plain(400, 'invalid_auth_token'))
    }
    const deepest = await upstreamToken(made, { claims: { act: deep(4) } })
    expect((await exchange(made, { upstream: deepest })).status).toBe(200)
  },
)

test(
  verifies('exchange.upstream', 'EXC-07', 'without an upstream token there is no exchange, whoever signs'),
  async () => {
    const made = await watched()
    const resource_token = await roomsToken(made)
    const form = {
      request_type: 'exchange',
      resource_token,
      redirect_uri: 'https://calendar.example/interact/callback',
    }
    expect(await refused(made, () => send(made, made.middle, form))).toEqual(plain(400, 'invalid_request'))
    const empty = { ...form, upstream_token: '' }
    expect(await refused(made, () => send(made, made.middle, empty))).toEqual(plain(400, 'invalid_request'))
    const { resource_token: _, ...without } = { ...form, upstream_token: await upstreamToken(made) }
    expect(await refused(made, () => send(made, made.middle, without))).toEqual(plain(400, 'invalid_request'))
    const pseudonym = { key: made.middle.key, signatureKey: { scheme: 'hwk', jwk: made.middle.key.publicJwk } } as const
    const anonymous = await refused(made, async () =>
      send(made, pseudonym, { ...form, upstream_token: await upstreamToken(made) }),
    )
    expect(anonymous).toEqual({ status: 401, error: 'insufficient_level', agentAuth: 'httpsig; identity=?1' })
    // The upstream token proves nothing of who sends it: its own agent does not get further with it.
    const agent = { key: made.agentKey.key, signatureKey: { scheme: 'jwt', jwt: await upstreamToken(made) } } as const
    const stolen = await refused(made, async () =>
      send(made, agent, { ...form, upstream_token: await upstreamToken(made) }),
    )
    expect(stolen).toEqual({ status: 401, error: 'insufficient_level', agentAuth: 'httpsig; identity=?1' })
  },
)

test(
  verifies('auth.resource-token.caller', 'EXC-08', "a resource token that is not the caller's is refused"),
  async () => {
    const made = await watched()
    const other = { kid: 'o1', key: await generateSigningKey() }
    publishMiddle(made, 'https://other.example', other)
    const cases: ReadonlyArray<readonly [string, TokenChange]> = [
      ['for another agent', { claims: { agent: 'https://other.example' } }],
      ['for another key', { claims: { agent_jkt: await thumbprint(made.agentKey.key.publicJwk) } }],
      ['for a delegate', { claims: { agent_delegate: 'phone' } }],
      ['for another auth server', { claims: { aud: upstreamIssuer } }],
      ['of the caller itself', { claims: { iss: middleId }, key: made.middleKey }],
      ['signed by somebody else', { key: other }],
      ['expired', { claims: { exp: made.clock.now } }],
    ]
    for (const [name, change] of cases) {
      const resource = await roomsToken(made, change)
      expect(await refused(made, () => exchange(made, { resource })), name).toEqual(
        plain(400, 'invalid_resource_token'),
      )
    }
  },
)

test(
  verifies('exchange.rule', 'exchange.whole', 'EXC-10', 'only what a rule allows is passed on, whole or not at all'),
  async () => {
    const made = await watched({
      rules: [rule, { ...rule, upstreamScopes: ['events.admin'], scopes: ['rooms.admin'] }],
    })
    const other = { kid: 'o1', key: await generateSigningKey() }
    publishMiddle(made, 'https://other.example', other)
    const stranger = signerOf('https://other.example', other)
    const denied = plain(403, 'access_denied')
    expect(await refused(made, () => exchange(made, { scope: 'rooms.admin' })), 'not held upstream').toEqual(denied)
    expect(await refused(made, () => exchange(made, { scope: 'rooms.read rooms.admin' })), 'in part').toEqual(denied)
    expect(await refused(made, () => exchange(made, { scope: 'rooms.none' })), 'in no rule').toEqual(denied)
    const read = withUpstream(made, { claims: { scope: 'events.read' } })
    expect(await refused(made, read), 'the wrong scope upstream').toEqual(denied)
    const foreign = async () =>
      exchange(made, { by: stranger, upstream: await upstreamToken(made, { claims: { aud: stranger.agent } }) })
    expect(await refused(made, foreign), 'a middle without a rule').toEqual(denied)
    publishAgent(made, 'https://unused.example', [other])
    made.web.set('https://else.example/.well-known/aauth-resource', {
      issuer: 'https://else.example',
      resource: 'https://else.example',
      jwks_uri: 'https://rooms.example/resource-keys',
    })
    const resource = await roomsToken(made, { claims: { iss: 'https://else.example' } })
    expect(await refused(made, () => exchange(made, { resource })), 'another resource').toEqual(denied)
    const held = await upstreamToken(made, { claims: { scope: 'events.write events.admin' } })
    const both = await exchange(made, { upstream: held, scope: 'rooms.read rooms.admin' })
    expect(part((await bodyOf(both))['auth_token'], 1)['scope']).toBe('rooms.read rooms.admin')
  },
)

test(verifies('exchange.rule', 'by default nothing is exchanged, and it is not offered'), async () => {
  for (const made of [await exchangeWorld({ rules: [] }), await exchangeWorld()]) {
    const metadata = await made.auth.handle({ method: 'GET', target: '/.well-known/aauth-issuer', headers: [] })
    const offered = (await bodyOf(metadata))['request_types_supported']
    const response = await exchange(made)
    if (response.status === 200) {
      expect(offered).toEqual(['auth', 'code', 'refresh', 'exchange'])
    } else {
      expect(offered).toEqual(['auth', 'code', 'refresh'])
      expect(await refusalOf(response)).toEqual(plain(400, 'unsupported_request_type'))
    }
  }
})

test(verifies('exchange.chain', 'EXC-15', 'nobody stands twice in a chain'), async () => {
  const made = await watched()
  const denied = plain(403, 'access_denied')
  const hop = (agent: string, act?: object): object => ({
    iss: upstreamIssuer,
    agent,
    ...(act === undefined ? {} : { act }),
  })
  const circles: ReadonlyArray<readonly [string, Record<string, unknown>]> = [
    ['rooms asked the calendar', { agent: downstreamId, agent_delegate: undefined }],
    ['rooms began it', { act: hop('https://x.example', hop(downstreamId)) }],
    ['the calendar began it', { act: hop(middleId) }],
    ['one agent twice', { act: hop('https://agent.example') }],
    ['one agent twice above', { act: hop('https://x.example', hop('https://x.example')) }],
  ]
  for (const [name, claims] of circles) {
    expect(await refused(made, withUpstream(made, { claims })), name).toEqual(denied)
  }
})

test(
  verifies(
    'exchange.act',
    'EXC-17',
    'over three hops the chain is whole: the newest outermost, what was before as it came',
  ),
  async () => {
    const made = await exchangeWorld()
    const act = {
      iss: 'https://two.example',
      agent: 'https://travel.example',
      act: { iss: 'https://three.example', agent: 'https://phone.example', agent_delegate: 'alice’s phone' },
    }
    const upstream = await upstreamToken(made, { claims: { act } })
    const claims = part((await bodyOf(await exchange(made, { upstream })))['auth_token'], 1)
    expect(claims['act']).toEqual({
      iss: 'https://one.example',
      agent: 'https://agent.example',
      agent_delegate: 'phone',
      act: {
        iss: 'https://two.example',
        agent: 'https://travel.example',
        act: { iss: 'https://three.example', agent: 'https://phone.example', agent_delegate: 'alice’s phone' },
      },
    })
    expect(made.events.at(-1)).toMatchObject({
      exchange: {
        chain: [
          { iss: 'https://one.example', agent: 'https://agent.example', delegate: 'phone' },
          { iss: 'https://two.example', agent: 'https://travel.example' },
          { iss: 'https://three.example', agent: 'https://phone.example', delegate: 'alice’s phone' },
        ],
      },
    })
  },
)

test(
  verifies(
    'exchange.sub',
    'another domain’s user with the same sub is nobody here; the issuer that shares its subjects is believed',
  ),
  async () => {
    const made = await exchangeWorld()
    const upstream = await upstreamToken(made)
    expect(part((await bodyOf(await exchange(made, { upstream })))['auth_token'], 1)).not.toHaveProperty('sub')
    const sharing = await exchangeWorld({
      exchange: { rules: [rule], dangerouslySharedSubjects: [upstreamIssuer] },
    })
    const claims = part((await bodyOf(await exchange(sharing)))['auth_token'], 1)
    expect(claims['sub']).toBe('ada-at-one')
  },
)

test(verifies('exchange.no-user', 'a mandate of nobody never leads to consent'), async () => {
  const made = await watched()
  const upstream = await upstreamToken(made, { claims: { sub: undefined } })
  const denied = await refused(made, () => exchange(made, { upstream, scope: 'rooms.book' }))
  expect(denied).toEqual(plain(403, 'access_denied'))
  expect((await exchange(made, { upstream })).status).toBe(200)
})

test('conditions that nobody here understands refuse', async () => {
  const made = await watched()
  for (const claim of ['constraints', 'delegation']) {
    const attempt = withUpstream(made, { claims: { [claim]: [{ type: 'hours' }] } })
    expect(await refused(made, attempt)).toEqual(plain(403, 'policy_denied'))
  }
})

test('a policy is asked as well, with the mandate, and the stricter holds', async () => {
  const seen: unknown[] = []
  let decision: 'direct' | 'consent' | 'deny' = 'deny'
  const made = await exchangeWorld({
    policy: request => {
      seen.push(request)
      return decision
    },
  })
  expect(await refusalOf(await exchange(made))).toEqual(plain(403, 'access_denied'))
  expect(seen).toEqual([
    {
      agent: 'https://calendar.example',
      resource: 'https://rooms.example',
      scope: ['rooms.read'],
      upstream: {
        issuer: 'https://one.example',
        sub: 'ada-at-one',
        scope: ['events.write', 'events.read'],
        chain: [{ iss: 'https://one.example', agent: 'https://agent.example', delegate: 'phone' }],
      },
    },
  ])
  decision = 'direct'
  expect(await bodyOf(await exchange(made))).toHaveProperty('auth_token')
  expect(await bodyOf(await exchange(made, { scope: 'rooms.book' }))).toHaveProperty('request_token')
  decision = 'consent'
  expect(await bodyOf(await exchange(made))).toHaveProperty('request_token')
})

test(
  verifies('EXC-24', 'exchange.rule', 'one upstream token is exchanged so often and no more, by this caller'),
  async () => {
    const made = await exchangeWorld()
    const upstream = await upstreamToken(made)
    const statuses: number[] = []
    for (let count = 0; count < 62; count++) statuses.push((await exchange(made, { upstream })).status)
    expect(statuses.indexOf(429)).toBe(60)
    const limited = await exchange(made, { upstream })
    expect(limited.headers.get('retry-after')).toBe('60')
    expect(await refusalOf(limited)).toEqual(plain(429, 'rate_limited'))
    const another = await upstreamToken(made, { claims: { jti: 'another' } })
    expect((await exchange(made, { upstream: another })).status).toBe(200)
    made.clock.now += 60
    expect((await exchange(made, { upstream })).status).toBe(200)
  },
)

test(
  verifies('EXC-20', 'exchange.upstream', 'a withdrawn rule, and a removed key within the cache’s cap, end exchanges'),
  async () => {
    const made = await exchangeWorld()
    const upstream = await upstreamToken(made)
    expect((await exchange(made, { upstream })).status).toBe(200)
    publishIssuer(made, upstreamIssuer, [{ kid: 'u2', key: await generateSigningKey() }])
    made.clock.now += 299
    expect((await exchange(made, { upstream })).status).toBe(200)
    made.clock.now += 302
    const fresh = await upstreamToken(made)
    expect(await refusalOf(await exchange(made, { upstream: fresh }))).toEqual(plain(400, 'invalid_auth_token'))
    const without = await exchangeWorld({ rules: [{ ...rule, upstream: 'https://two.example' }] })
    expect(await refusalOf(await exchange(without))).toEqual(plain(400, 'untrusted_issuer'))
  },
)

test(
  verifies(
    'F-53',
    'F-52',
    'discovery.stale',
    'an upstream issuer that is away: what is held serves an hour, then 503, and it heals',
  ),
  async () => {
    const made = await exchangeWorld()
    expect((await exchange(made)).status).toBe(200)
    made.down.add(upstreamIssuer)
    made.clock.now += 3500
    expect((await exchange(made)).status).toBe(200)
    made.clock.now += 200
    const away = await exchange(made)
    expect(away.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await refusalOf(away)).toEqual(plain(503, 'discovery_failed'))
    made.down.clear()
    made.clock.now += 60
    expect((await exchange(made)).status).toBe(200)
  },
)

test(
  verifies(
    'F-52',
    'exchange.upstream',
    'an upstream issuer that never answers is 503 at the deadline, for its own exchanges only',
  ),
  async () => {
    const made = await exchangeWorld({ rules: [rule, { ...rule, upstream: 'https://two.example' }], timeout: 0.3 })
    const two = { kid: 'u1', key: await generateSigningKey() }
    publishIssuer(made, 'https://two.example', [two])
    made.hanging.add(upstreamIssuer)
    const begun = performance.now()
    const stuck = Array.from({ length: 20 }, (_, index) =>
      upstreamToken(made, { claims: { jti: `stuck-${index}` } }).then(upstream => exchange(made, { upstream })),
    )
    const upstream = await upstreamToken(made, { key: two, claims: { iss: 'https://two.example' } })
    expect((await exchange(made, { upstream })).status).toBe(200)
    const answers = await Promise.all(stuck)
    expect(performance.now() - begun).toBeLessThan(3000)
    for (const answer of answers) expect(await refusalOf(answer)).toEqual(plain(503, 'discovery_failed'))
    expect(answers[0]?.headers.get('retry-after')).toMatch(/^\d+$/)
  },
)

test('a delegate of the middle exchanges in its own name', async () => {
  const made = await exchangeWorld()
  const worker = await delegate({ agentKey: made.middleKey, clock: made.clock }, 'worker', {
    claims: { iss: middleId },
  })
  const by = { ...worker, agent: middleId }
  const claims = part((await bodyOf(await exchange(made, { by })))['auth_token'], 1)
  expect(claims).toMatchObject({ agent: middleId, agent_delegate: 'worker', cnf: { jwk: by.key.publicJwk } })
})

test('options that would open more than they say are mistakes', async () => {
  const wrong = async (o: Parameters<typeof exchangeWorld>[0]): Promise<void> => {
    await expect(exchangeWorld(o)).rejects.toBeInstanceOf(TypeError)
  }
  for (const change of [
    { upstream: 'one.example' },
    { middle: 'https://calendar.example/' },
    { downstream: '*' },
    { downstream: middleId },
    { upstreamScopes: [] },
    { scopes: [] },
    { scopes: ['rooms.read rooms.book'] },
    { decision: 'any' as 'direct' },
  ]) {
    await wrong({ rules: [{ ...rule, ...change }] })
  }
  await wrong({ exchange: { rules: [rule], dangerouslySharedSubjects: ['https://two.example'] } })
  const own = { ...rule, upstream: 'https://auth.example' }
  await wrong({ exchange: { rules: [own], dangerouslySharedSubjects: ['https://auth.example'] } })
  await exchangeWorld({ rules: [rule, asking, own] })
})

test(
  verifies(
    'EXC-25',
    'EXC-09',
    'token.auth.aud',
    'the token works at the resource it is for, with the middle’s own key, and nowhere else',
  ),
  async () => {
    const made = await exchangeWorld()
    const jwt = String((await bodyOf(await exchange(made)))['auth_token'])
    made.web.set('https://auth.example/.well-known/aauth-issuer', {
      issuer: 'https://auth.example',
      jwks_uri: 'https://auth.example/.well-known/jwks.json',
      agent_token_endpoint: 'https://auth.example/agent/token',
    })
    const keys = await made.auth.handle({ method: 'GET', target: '/.well-known/jwks.json', headers: [] })
    made.web.set('https://auth.example/.well-known/jwks.json', await keys.json())
    const at = async (receiver: string, key: typeof made.middleKey.key) => {
      const url = `${receiver}/rooms`
      const signed = await signRequest({
        method: 'GET',
        url,
        key,
        signatureKey: { scheme: 'jwt', jwt },
        now: () => made.clock.now,
      })
      const verifier = createVerifier({
        receiver,
        discovery: made.discovery,
        accept: ['auth+jwt'],
        authServers: ['https://auth.example'],
        now: () => made.clock.now,
      })
      return verifier.verify({
        method: 'GET',
        target: '/rooms',
        headers: [['host', new URL(receiver).host], ...signed],
      })
    }
    const { caller } = await at(downstreamId, made.middleKey.key)
    expect(caller).toMatchObject({ level: 'authorized', agent: middleId, scope: ['rooms.read'] })
    await expect(at('https://third.example', made.middleKey.key)).rejects.toMatchObject({
      code: 'invalid_auth_token',
      status: 401,
    })
    // Nor in the hands of the agent that called the middle.
    await expect(at(downstreamId, made.agentKey.key)).rejects.toMatchObject({ code: 'invalid_signature', status: 401 })
  },
)
