import { signRequest } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import {
  asking,
  downstreamId,
  type ExchangeWorld,
  exchange,
  exchangeWorld,
  middleId,
  rowsIn,
  rule,
  upstreamToken,
} from '@countersign/testing/auth/exchange'
import { watched } from '@countersign/testing/auth/refused-exchange'
import { delegate, send, world } from '@countersign/testing/auth/world'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { createVerifier } from '@countersign/verify'
import { expect, test } from 'vitest'

test(
  verifies(
    'exchange.issued',
    'exchange.act',
    'exchange.no-refresh',
    'exchange.own-key',
    'EXC-09',
    'EXC-19',
    'EXC-14',
    'an exchanged token is bound to the middle’s key, ends with the upstream token, names the chain, and cannot be refreshed',
  ),
  async () => {
    const made = await watched()
    // Another issuer's name for its token says nothing of ours.
    const upstream = await upstreamToken(made, { claims: { jti: 'theirs.upstream' } })
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
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
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
        },
        txn: 'txn-1',
      },
    ])
    expect(await rowsIn(made.database)).toEqual({ grants: 0, requests: 0, consents: 0, links: 0 })
    const refresh = { request_type: 'refresh', refresh_token: String(answer['auth_token']) }
    expect(await refusalOf(await send(made, made.middle, refresh))).toEqual(
      plain(400, 'invalid_grant', 'grant_invalid'),
    )
    // A token that lives longer than ours do gives one that lives as long as ours do.
    const long = await upstreamToken(made, { claims: { exp: made.clock.now + 3600, txn: undefined } })
    const short = await bodyOf(await exchange(made, { upstream: long }))
    expect(short['expires_in']).toBe(600)
    expect(part(short['auth_token'], 1)).not.toHaveProperty('txn')
  },
)

test(
  verifies('exchange.act', 'EXC-17', 'over three hops the chain is complete: the newest outermost, the rest unchanged'),
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

test('a policy is asked as well, with the upstream token, and the stricter decision holds', async () => {
  const seen: unknown[] = []
  let decision: 'direct' | 'consent' | 'deny' = 'deny'
  const made = await exchangeWorld({
    policy: request => {
      seen.push(request)
      return decision
    },
  })
  expect(await refusalOf(await exchange(made))).toEqual(plain(403, 'access_denied', 'policy_refused'))
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

test('a delegate of the middle exchanges in its own name', async () => {
  const made = await exchangeWorld()
  const worker = await delegate({ agentKey: made.middleKey, clock: made.clock }, 'worker', {
    claims: { iss: middleId },
  })
  const by = { ...worker, agent: middleId }
  const claims = part((await bodyOf(await exchange(made, { by })))['auth_token'], 1)
  expect(claims).toMatchObject({ agent: middleId, agent_delegate: 'worker', cnf: { jwk: by.key.publicJwk } })
})

test(verifies('exchange.rule', 'by default nothing is exchanged, and it is not offered'), async () => {
  const offered = async ({ auth }: Pick<ExchangeWorld, 'auth'>): Promise<unknown> => {
    const metadata = await auth.handle({ method: 'GET', target: '/.well-known/aauth-issuer', headers: [] })
    return (await bodyOf(metadata))['request_types_supported']
  }
  for (const none of [await exchangeWorld({ rules: [] }), await exchangeWorld({ exchange: { rules: [] } })]) {
    expect(await offered(none)).toEqual(['auth', 'code', 'refresh', 'poll'])
    expect(await refusalOf(await exchange(none))).toEqual(
      plain(400, 'unsupported_request_type', 'request_type_unsupported'),
    )
  }
  const some = await exchangeWorld()
  expect(await offered(some)).toEqual(['auth', 'code', 'refresh', 'poll', 'exchange'])
  expect((await exchange(some)).status).toBe(200)
})

test('options that would allow more than they say are refused', async () => {
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
    'an exchanged token works only at its resource, with the key of the middle',
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

test(verifies('exchange.rule', 'without login, rules that ask users are refused, and others work'), async () => {
  await expect(world({ exchange: { rules: [asking] } })).rejects.toBeInstanceOf(TypeError)
  const made = await world({ exchange: { rules: [rule] } })
  const metadata = await made.auth.handle({ method: 'GET', target: '/.well-known/aauth-issuer', headers: [] })
  expect((await bodyOf(metadata))['request_types_supported']).toEqual(['auth', 'refresh', 'exchange'])
})
