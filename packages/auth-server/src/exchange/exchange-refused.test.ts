import { generateSigningKey, thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import {
  downstreamId,
  exchange,
  middleId,
  publishIssuer,
  publishMiddle,
  roomsToken,
  rule,
  type TokenChange,
  upstreamIssuer,
  upstreamToken,
} from '@countersign/testing/auth/exchange'
import { refused, watched, withUpstream } from '@countersign/testing/auth/refused-exchange'
import { delegate, send, signerOf } from '@countersign/testing/auth/world'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

test(
  verifies(
    'trust.auth-server.upstream',
    'EXC-01',
    'only issuers of rules are accepted, and nothing is fetched from others',
  ),
  async () => {
    const made = await watched()
    const key = { kid: 'u1', key: await generateSigningKey() }
    for (const iss of ['https://evil.example', 'https://one.example.evil.example', 'http://one.example']) {
      publishIssuer(made, iss, [key])
      const refusal = await refused(made, withUpstream(made, { key, claims: { iss } }))
      expect(refusal, iss).toMatchObject(
        plain(400, iss.startsWith('http:') ? 'invalid_auth_token' : 'untrusted_issuer'),
      )
      expect(made.fetched.filter(url => url.startsWith(`${iss}/`))).toEqual([])
    }
    // Nor the own issuer, whose tokens need a rule, too.
    const refusal = await refused(made, withUpstream(made, { key, claims: { iss: 'https://auth.example' } }))
    expect(refusal).toEqual(plain(400, 'untrusted_issuer', 'issuer_untrusted'))
  },
)

test(
  verifies(
    'exchange.upstream',
    'EXC-07',
    'EXC-26',
    'an exchange without an upstream token is refused, whichever caller signs it',
  ),
  async () => {
    const made = await watched()
    const resource_token = await roomsToken(made)
    const form = {
      request_type: 'exchange',
      resource_token,
      redirect_uri: 'https://calendar.example/interact/callback',
    }
    expect(await refused(made, () => send(made, made.middle, form))).toEqual(
      plain(400, 'invalid_request', 'parameter_missing'),
    )
    const empty = { ...form, upstream_token: '' }
    expect(await refused(made, () => send(made, made.middle, empty))).toEqual(
      plain(400, 'invalid_request', 'parameter_missing'),
    )
    const { resource_token: _, ...without } = { ...form, upstream_token: await upstreamToken(made) }
    expect(await refused(made, () => send(made, made.middle, without))).toEqual(
      plain(400, 'invalid_request', 'parameter_missing'),
    )
    // An agent token says who calls, and nothing of what they may.
    const worker = await delegate({ agentKey: made.middleKey, clock: made.clock }, 'worker', {
      claims: { iss: middleId },
    })
    const by = { ...worker, agent: middleId }
    const own = { ...form, resource_token: await roomsToken(made, { to: by }) }
    expect(await refused(made, () => send(made, by, own))).toEqual(plain(400, 'invalid_request', 'parameter_missing'))
    expect((await send(made, by, { ...own, upstream_token: await upstreamToken(made) })).status).toBe(200)
    const pseudonym = { key: made.middle.key, signatureKey: { scheme: 'hwk', jwk: made.middle.key.publicJwk } } as const
    const anonymous = await refused(made, async () =>
      send(made, pseudonym, { ...form, upstream_token: await upstreamToken(made) }),
    )
    const level = { status: 401, error: 'insufficient_level', reason: 'credential_not_accepted' }
    expect(anonymous).toEqual({ ...level, agentAuth: 'httpsig; identity=?1' })
    // The upstream token proves nothing of who sends it: its own agent does not get further with it.
    const agent = { key: made.agentKey.key, signatureKey: { scheme: 'jwt', jwt: await upstreamToken(made) } } as const
    const stolen = await refused(made, async () =>
      send(made, agent, { ...form, upstream_token: await upstreamToken(made) }),
    )
    expect(stolen).toEqual({ ...level, agentAuth: 'httpsig; identity=?1' })
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
      ['signed with another key', { key: other }],
      ['expired', { claims: { exp: made.clock.now } }],
    ]
    for (const [name, change] of cases) {
      const resource = await roomsToken(made, change)
      expect(await refused(made, () => exchange(made, { resource })), name).toMatchObject(
        plain(400, 'invalid_resource_token'),
      )
    }
  },
)

test(
  verifies('exchange.rule', 'exchange.whole', 'EXC-10', 'an exchange is refused unless rules allow its whole scope'),
  async () => {
    const made = await watched({
      rules: [rule, { ...rule, upstreamScopes: ['events.admin'], scopes: ['rooms.admin'] }],
    })
    const other = { kid: 'o1', key: await generateSigningKey() }
    publishMiddle(made, 'https://other.example', other)
    const stranger = signerOf('https://other.example', other)
    const denied = plain(403, 'access_denied', 'exchange_not_allowed')
    expect(await refused(made, () => exchange(made, { scope: 'rooms.admin' })), 'not held upstream').toEqual(denied)
    expect(made.events.find(({ type }) => type === 'refused')).toMatchObject({
      code: 'access_denied',
      agent: 'https://calendar.example',
      exchange: {
        issuer: 'https://one.example',
        chain: [{ iss: 'https://one.example', agent: 'https://agent.example', delegate: 'phone' }],
      },
      txn: 'txn-1',
      resource: 'https://rooms.example',
      scope: ['rooms.admin'],
    })
    expect(await refused(made, () => exchange(made, { scope: 'rooms.read rooms.admin' })), 'in part').toEqual(denied)
    expect(await refused(made, () => exchange(made, { scope: 'rooms.none' })), 'in no rule').toEqual(denied)
    const read = withUpstream(made, { claims: { scope: 'events.read' } })
    expect(await refused(made, read), 'the wrong scope upstream').toEqual(denied)
    const foreign = async () =>
      exchange(made, { by: stranger, upstream: await upstreamToken(made, { claims: { aud: stranger.agent } }) })
    expect(await refused(made, foreign), 'a middle without a rule').toEqual(denied)
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

test(verifies('exchange.chain', 'EXC-15', 'no party stands twice in a chain'), async () => {
  const made = await watched()
  const denied = plain(403, 'access_denied', 'chain_repeats_party')
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

test(verifies('EXC-29', 'an upstream token without a user never leads to consent'), async () => {
  const made = await watched()
  const upstream = await upstreamToken(made, { claims: { sub: undefined } })
  const denied = await refused(made, () => exchange(made, { upstream, scope: 'rooms.book' }))
  expect(denied).toEqual(plain(403, 'access_denied', 'user_unavailable'))
  expect((await exchange(made, { upstream })).status).toBe(200)
})

test('unknown conditions in the upstream token are refused', async () => {
  const made = await watched()
  for (const claim of ['constraints', 'delegation']) {
    const attempt = withUpstream(made, { claims: { [claim]: [{ type: 'hours' }] } })
    expect(await refused(made, attempt)).toMatchObject(plain(403, 'policy_denied'))
  }
})
