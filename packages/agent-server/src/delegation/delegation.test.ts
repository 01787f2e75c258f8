import { generateSigningKey, type SigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { databasesForTests } from '@countersign/testing/databases'
import { part } from '@countersign/testing/json-web-token'
import { refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import {
  agentTokenOf,
  type Enrolled,
  enrollmentBody,
  newYear,
  post,
  renewal,
  rotationBody,
  type Scene,
  scene,
} from '../delegate.test.fixture.js'
import { audienceFor, issuer, issuerKey, token } from '../enrollment/oidc.test.fixture.js'
import { codes, custom, type Delegation, oidc, session } from '../index.js'

const agent = 'https://agent.example'
const mail = 'https://mail.example'
const auth = 'https://auth.example'

const readOnly: Delegation = {
  conditions: [{ type: 'scopes', any: ['mail.read'] }],
  receivers: [mail, auth],
}
const mornings: Delegation = {
  conditions: [{ type: 'hours', zone: 'Europe/Paris', days: [1, 2, 3, 4, 5], from: '09:00', to: '12:00' }],
  receivers: [mail],
}

interface Answer {
  readonly sub: string
  readonly aud?: unknown
  readonly delegation?: unknown
}

async function enrolBy(stage: Scene, code: string, key?: SigningKey): Promise<Enrolled & { readonly claims: Answer }> {
  const own = key ?? (await generateSigningKey())
  const response = await stage.server.handle(await post(stage, { key: own, body: enrollmentBody(code) }))
  const agentToken = agentTokenOf(await response.json())
  const claims = part(agentToken, 1) as unknown as Answer
  return { sub: claims.sub, key: own, agentToken, claims }
}

const enrolled = async (stage: Scene, delegation: Delegation, sub = 'phone') =>
  enrolBy(stage, (await stage.server.invite({ sub, delegation })).code)

async function renewed(stage: Scene, delegate: Enrolled, body?: object): Promise<Answer> {
  const sent = { ...delegate, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  return part(
    agentTokenOf(await (await stage.server.handle(await renewal(stage, sent))).json()),
    1,
  ) as unknown as Answer
}

for (const { name, away, url } of await databasesForTests(1))
  test.skipIf(away !== '')(
    verifies(
      'policy.delegates',
      `on ${name}: a delegate that was invited with a delegation has it, and its audience, in every token${away}`,
    ),
    async () => {
      const stage = await scene({ database: url() })
      const delegate = await enrolled(stage, readOnly)
      const expected = { sub: 'phone', delegation: [{ type: 'scopes', any: ['mail.read'] }], aud: [mail, auth, agent] }
      expect(delegate.claims).toMatchObject(expected)
      expect(await renewed(stage, delegate)).toMatchObject(expected)
      expect(await stage.server.list()).toMatchObject([{ sub: 'phone', delegation: readOnly }])
      const free = await enrolBy(stage, (await stage.server.invite({ sub: 'tablet' })).code)
      expect([free.claims.delegation, free.claims.aud]).toEqual([undefined, undefined])
      expect(await stage.server.setDelegation('phone', mornings)).toBe(true)
      expect(await renewed(stage, delegate)).toMatchObject({ delegation: mornings.conditions, aud: [mail, agent] })
      await stage.server.close()
    },
  )

test(verifies('policy.delegates', 'a renewal may name the receivers of its token, and no others'), async () => {
  const stage = await scene()
  const delegate = await enrolled(stage, readOnly)
  expect(await renewed(stage, delegate, { aud: mail })).toMatchObject({ aud: [mail, agent] })
  expect(await renewed(stage, delegate, { aud: [auth, mail] })).toMatchObject({ aud: [auth, mail, agent] })
  const next = await generateSigningKey()
  for (const aud of ['https://other.example', [mail, 'https://other.example'], [], 7, null, `${mail}/`, {}]) {
    const body = JSON.stringify({ aud })
    const refused = await stage.server.handle(await renewal(stage, { ...delegate, body }))
    expect(await refusalOf(refused)).toMatchObject({
      status: 400,
      error: 'invalid_request',
      reason: 'audience_not_allowed',
    })
  }
  const body = JSON.stringify({ ...JSON.parse(await rotationBody(stage, delegate, next)), aud: mail })
  const rotated = await stage.server.handle(await renewal(stage, { ...delegate, body }))
  const answer = agentTokenOf(await rotated.json())
  expect(part(answer, 1)).toMatchObject({ aud: [mail, agent], cnf: { jwk: next.publicJwk } })
  // The replaced key has one honest request left, and a renewal is none.
  const late = await stage.server.handle(await renewal(stage, { ...delegate, body: JSON.stringify({ aud: mail }) }))
  expect(late.status).toBe(401)
  expect(stage.events.at(-2)).toMatchObject({ type: 'alarm', reason: 'replaced-key', sub: 'phone' })
})

test('a delegate without conditions may name receivers within the audience of its agent server', async () => {
  const stage = await scene({ audience: [mail, auth] })
  const delegate = await enrolBy(stage, (await stage.server.invite()).code)
  expect(await renewed(stage, delegate, { aud: mail })).toMatchObject({ aud: [mail, agent] })
  const body = JSON.stringify({ aud: 'https://other.example' })
  expect((await stage.server.handle(await renewal(stage, { ...delegate, body }))).status).toBe(400)
})

test('what the operator sets holds from the next renewal, and no later enrolment widens it', async () => {
  const stage = await scene()
  const delegate = await enrolled(stage, readOnly)
  expect(await stage.server.setDelegation('phone', mornings)).toBe(true)
  expect(await stage.server.setDelegation('nobody', mornings)).toBe(false)
  expect(stage.events.at(-1)).toEqual({ type: 'delegation_set', sub: 'phone' })
  expect(await renewed(stage, delegate)).toMatchObject({ delegation: mornings.conditions, aud: [mail, agent] })
  const again = await enrolBy(stage, (await stage.server.invite({ sub: 'phone' })).code)
  expect(again.claims).toMatchObject({ delegation: mornings.conditions, aud: [mail, agent] })
  const named = await enrolled(stage, readOnly)
  expect(named.claims).toMatchObject({ delegation: readOnly.conditions, aud: [mail, auth, agent] })
  await stage.server.setDelegation('phone', null)
  const freed = await renewed(stage, named)
  expect([freed.delegation, freed.aud]).toEqual([undefined, undefined])
})

test('rules, sessions and enrolments of your own give delegations, too', async () => {
  const key = await issuerKey('one')
  const stage = await scene({
    enrollment: [
      codes(),
      oidc({ issuers: [{ issuer, subjects: ['repo:acme/*'], jwks: { keys: [key.jwk] }, delegation: readOnly }] }),
      custom('tpm', () => ({ sub: 'x', enrollment: 'rack', delegation: mornings })),
      session({ authenticate: () => ({ user: 'alice', device: 'd1', delegation: mornings }) }),
    ],
  })
  const by = async (enrollment: object, own: SigningKey): Promise<Answer> => {
    const message = await post(stage, { key: own, body: JSON.stringify({ enrollment }) })
    const sameOrigin = [...message.headers, ['origin', agent] as const]
    return part(agentTokenOf(await (await stage.server.handle({ ...message, headers: sameOrigin })).json()), 1) as never
  }
  expect(await by({ type: 'tpm' }, await generateSigningKey())).toMatchObject({ delegation: mornings.conditions })
  expect(await by({ type: 'session' }, await generateSigningKey())).toMatchObject({ delegation: mornings.conditions })
  const byToken = async (): Promise<Answer> => {
    const own = await generateSigningKey()
    return by({ type: 'oidc', token: await token(key, { aud: await audienceFor(own) }) }, own)
  }
  const claims = await byToken()
  expect(claims).toMatchObject({ delegation: readOnly.conditions, aud: [mail, auth, agent] })
  // The rule still says the other, but the operator has spoken of this very delegate.
  await stage.server.setDelegation(claims.sub, mornings)
  expect(await byToken()).toMatchObject({ sub: claims.sub, delegation: mornings.conditions })
})

test('a session whose delegation is null enrols nothing: it is no delegation, and not an absent one', async () => {
  const found: { user: string; device: string; delegation?: unknown } = {
    user: 'alice',
    device: 'd1',
    delegation: null,
  }
  const stage = await scene({
    enrollment: [session({ authenticate: () => found as { user: string; device: string } })],
  })
  const enrol = async (): Promise<number> => {
    const message = await post(stage, {
      key: await generateSigningKey(),
      body: JSON.stringify({ enrollment: { type: 'session' } }),
    })
    return (await stage.server.handle({ ...message, headers: [...message.headers, ['origin', agent] as const] })).status
  }
  expect(await enrol()).toBe(500)
  delete found.delegation
  expect(await enrol()).toBe(200)
})

const soon = { type: 'until', time: newYear + 60 } as const

test.each<readonly [string, object, RegExp]>([
  ['an unknown type', { conditions: [{ type: 'moon' }] }, /type that is not known/],
  ['a misspelt member', { conditions: [{ ...soon, zone: 'UTC' }] }, /type until/],
  ['no list', { conditions: soon }, /must be an array/],
  ['more than a list holds', { conditions: Array.from({ length: 33 }, () => soon) }, /at most 32/],
  ['no receivers', { receivers: [] }, /1 to 32/],
  ['a receiver that is no identifier', { receivers: ['https://*.example'] }, /identifiers/],
  ['a receiver outside the audience', { receivers: ['https://other.example'] }, /option audience/],
  ['a member nobody knows', { audience: [mail] }, /audience/],
])(verifies('policy.shape', 'a delegation with %s is refused when it is set'), async (_, wrong, message) => {
  const stage = await scene({ audience: [mail, auth] })
  const delegation = { ...readOnly, ...wrong } as Delegation
  await expect(stage.server.invite({ delegation })).rejects.toThrow(TypeError)
  await expect(stage.server.invite({ delegation })).rejects.toThrow(message)
  await expect(stage.server.setDelegation('phone', delegation)).rejects.toThrow(message)
  await expect(stage.server.invite({ delegation: readOnly })).resolves.toMatchObject({ delegation: readOnly })
})

test(verifies('policy.calls', 'calls per grant are refused in a delegation, calls per day are not'), async () => {
  const stage = await scene()
  const calls = (per: 'day' | 'grant'): Delegation => ({
    conditions: [{ type: 'calls', max: 1, per }, soon],
    receivers: [mail],
  })
  await expect(stage.server.invite({ delegation: calls('grant') })).rejects.toThrow(/calls per grant/)
  expect((await enrolled(stage, calls('day'))).claims).toMatchObject({ delegation: calls('day').conditions })
})

test('a delegation that no token could carry is refused when it is set', async () => {
  const stage = await scene()
  const receivers = Array.from(
    { length: 32 },
    (_, index) => `https://${'a'.repeat(63)}.${'b'.repeat(63)}.r${index}.example`,
  )
  await expect(stage.server.invite({ delegation: { conditions: [], receivers } })).rejects.toThrow(/6 KiB/)
  await expect(
    stage.server.invite({ delegation: { conditions: [], receivers: receivers.slice(0, 8) } }),
  ).resolves.toBeDefined()
})

test(
  verifies(
    'policy.delegates.aud',
    'a renewal may name an auth server, which no `resources` lists, and no receiver beside those allowed',
  ),
  async () => {
    const stage = await scene()
    const delegate = await enrolled(stage, {
      conditions: [{ type: 'resources', any: ['https://*.elsewhere.example'] }],
      receivers: [mail, auth],
    })
    expect(await renewed(stage, delegate, { aud: auth })).toMatchObject({ aud: [auth, agent] })
    expect(await renewed(stage, delegate, { aud: mail })).toMatchObject({ aud: [mail, agent] })
    const body = JSON.stringify({ aud: 'https://one.elsewhere.example' })
    const refused = await stage.server.handle(await renewal(stage, { ...delegate, body }))
    expect(await refusalOf(refused)).toMatchObject({ status: 400, reason: 'audience_not_allowed' })
  },
)

test(verifies('policy.outlive', 'an agent token may outlive its own `until`: each receiver judges it'), async () => {
  const stage = await scene()
  const ended = { conditions: [{ type: 'until' as const, time: 1_000 }], receivers: [mail, auth] }
  const free = await enrolBy(stage, (await stage.server.invite()).code)
  const delegate = await enrolled(stage, ended)
  const lifeOf = (claims: object): number => {
    const { exp, iat } = claims as { readonly exp: number; readonly iat: number }
    return exp - iat
  }
  expect(lifeOf(delegate.claims)).toBe(lifeOf(free.claims))
  expect(await renewed(stage, delegate)).toMatchObject({ delegation: ended.conditions })
})
