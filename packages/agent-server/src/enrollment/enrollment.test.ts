import { generateSigningKey, type SigningKey, thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { part } from '@countersign/testing/json-web-token'
import { refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import {
  agentTokenOf,
  enrolled,
  enrollmentBody,
  newYear,
  post,
  renewal,
  rotation,
  scene,
} from '../delegate.test.fixture.js'

test(
  verifies(
    'delegate.enrol.code',
    'delegate.answer',
    'delegate.json',
    'token.agent.claims',
    'token.agent.life',
    'a code enrols one delegate for the key that signed',
  ),
  async () => {
    const stage = await scene()
    const { code, sub, expires } = await stage.server.invite({ sub: 'kitchen-tablet' })
    expect([sub, expires]).toEqual(['kitchen-tablet', newYear + 3600])
    const key = await generateSigningKey()
    const response = await stage.server.handle(await post(stage, { key, body: enrollmentBody(code) }))
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const answer: unknown = await response.json()
    expect(answer).toEqual({ agent_token: expect.any(String), expires_in: 3600 })
    expect(part(agentTokenOf(answer), 0)).toEqual({ typ: 'agent+jwt', alg: 'Ed25519', kid: 'k1' })
    expect(part(agentTokenOf(answer), 1)).toEqual({
      iss: 'https://agent.example',
      sub: 'kitchen-tablet',
      cnf: { jwk: key.publicJwk },
      iat: newYear,
      exp: newYear + 3600,
      jti: expect.stringMatching(/^.{16,}$/),
    })
    expect(await stage.server.list()).toEqual([
      {
        sub: 'kitchen-tablet',
        jkt: await thumbprint(key.publicJwk),
        enrollment: expect.stringMatching(/^code:[0-9a-f-]{36}$/),
        created: newYear,
        last_seen: newYear,
      },
    ])
  },
)

test('an invitation without a name gets a random one, never the same twice', async () => {
  const { server } = await scene()
  const [one, two] = [await server.invite(), await server.invite()]
  expect(one.sub).toMatch(/^[0-9a-f-]{36}$/)
  expect(one.sub).not.toBe(two.sub)
  expect(one.code).toMatch(/^[\w-]{32}$/)
  expect(one.code).not.toBe(two.code)
})

test.each([
  ['application/json; charset=utf-8', 200, undefined, undefined],
  ['APPLICATION/JSON', 200, undefined, undefined],
  ['application/x-www-form-urlencoded', 415, 'invalid_request', 'content_type_unsupported'],
  ['text/plain', 415, 'invalid_request', 'content_type_unsupported'],
  ['application/jsonp', 415, 'invalid_request', 'content_type_unsupported'],
])(
  verifies('delegate.json', 'error.media-type', 'a body of %s answers %i'),
  async (contentType, status, error, reason) => {
    const stage = await scene()
    const { code } = await stage.server.invite()
    const key = await generateSigningKey()
    const response = await stage.server.handle(await post(stage, { key, body: enrollmentBody(code), contentType }))
    expect(await refusalOf(response)).toEqual({ status, error, reason, agentAuth: null })
  },
)

test.each([
  ['an unknown type', 'enrolment_unsupported', '{"enrollment":{"type":"oidc","token":"x"}}'],
  ['a type named twice', 'json_malformed', '{"enrollment":{"type":"code","type":"code","code":"CODE"}}'],
  ['an inherited type', 'enrolment_malformed', '{"enrollment":{"__proto__":{"type":"code"},"code":"CODE"}}'],
  ['no enrollment', 'enrolment_malformed', '{"type":"code","code":"CODE"}'],
  ['an array', 'json_malformed', '[{"enrollment":{"type":"code","code":"CODE"}}]'],
  ['a code that is a number', 'enrolment_malformed', '{"enrollment":{"type":"code","code":12}}'],
  ['a code that is an object', 'enrolment_malformed', '{"enrollment":{"type":"code","code":{"$ne":""}}}'],
  ['a code of 300 characters', 'enrolment_malformed', `{"enrollment":{"type":"code","code":"${'a'.repeat(300)}"}}`],
  ['no JSON', 'json_malformed', 'enrollment'],
  ['trailing text', 'json_malformed', '{"enrollment":{"type":"code","code":"CODE"}} '.concat('x')],
])(
  verifies('delegate.enrol.unknown', 'error.invalid-request', 'an enrolment with %s is refused'),
  async (_, reason, body) => {
    const stage = await scene()
    const { code } = await stage.server.invite()
    const key = await generateSigningKey()
    const refused = await stage.server.handle(await post(stage, { key, body: body.replace('CODE', code) }))
    expect(await refusalOf(refused)).toEqual({ status: 400, error: 'invalid_request', reason, agentAuth: null })
    expect(await stage.server.list()).toEqual([])
    expect((await stage.server.handle(await post(stage, { key, body: enrollmentBody(code) }))).status).toBe(200)
  },
)

test(
  verifies(
    'delegate.enrol.refused',
    'error.reason',
    'error.reason.no-oracle',
    'a code that is unknown, used or expired gets one answer, byte for byte',
  ),
  async () => {
    const stage = await scene()
    const key = await generateSigningKey()
    const used = await stage.server.invite({ expiresIn: 7200 })
    const late = await stage.server.invite()
    expect((await stage.server.handle(await post(stage, { key, body: enrollmentBody(used.code) }))).status).toBe(200)
    stage.clock.now += 3600
    const bodies = await Promise.all(
      ['A'.repeat(32), used.code, late.code].map(async code => {
        const response = await stage.server.handle(await post(stage, { key, body: enrollmentBody(code) }))
        return [response.status, await response.text()]
      }),
    )
    const refused =
      '{"error":"invalid_grant","reason":"enrolment_code_invalid","error_description":"The enrolment code is unknown, used or expired."}'
    expect(bodies).toEqual([
      [400, refused],
      [400, refused],
      [400, refused],
    ])
    const intime = await stage.server.invite()
    stage.clock.now += 3599
    const fresh = await generateSigningKey()
    const body = enrollmentBody(intime.code)
    expect((await stage.server.handle(await post(stage, { key: fresh, body }))).status).toBe(200)
  },
)

test(verifies('delegate.enrol.code', 'of fifty enrolments at once with one code, exactly one succeeds'), async () => {
  const stage = await scene()
  const { code } = await stage.server.invite({ sub: 'one' })
  const requests = await Promise.all(
    Array.from({ length: 50 }, async () =>
      post(stage, { key: await generateSigningKey(), body: enrollmentBody(code) }),
    ),
  )
  const responses = await Promise.all(requests.map(request => stage.server.handle(request)))
  const statuses = responses.map(response => response.status).sort()
  expect(statuses).toEqual([200, ...Array.from({ length: 49 }, () => 400)])
  expect(await stage.server.list()).toHaveLength(1)
})

test(
  verifies(
    'NON-01',
    'NON-09',
    'error.replay-detected',
    'fifty copies of one enrolment are one enrolment and 49 replays',
  ),
  async () => {
    const stage = await scene()
    const { code } = await stage.server.invite()
    const request = await post(stage, { key: await generateSigningKey(), body: enrollmentBody(code) })
    const responses = await Promise.all(Array.from({ length: 50 }, () => stage.server.handle(request)))
    expect(responses.map(response => response.status).sort()).toEqual([200, ...Array.from({ length: 49 }, () => 401)])
    expect(await refusalOf(await stage.server.handle(request))).toMatchObject({
      status: 401,
      error: 'replay_detected',
      agentAuth: null,
    })
  },
)

test(
  verifies('AGT-12', 'token.agent.sub', 'a fresh code for a known sub keeps the sub and replaces the key'),
  async () => {
    const stage = await scene()
    const before = await enrolled(stage, 'phone')
    stage.clock.now += 60
    const after = await enrolled(stage, 'phone')
    expect(part(after.agentToken, 1)).toMatchObject({ sub: 'phone', cnf: { jwk: after.key.publicJwk } })
    expect(after.key.publicJwk).not.toEqual(before.key.publicJwk)
    expect(await stage.server.list()).toEqual([
      {
        sub: 'phone',
        jkt: await thumbprint(after.key.publicJwk),
        enrollment: expect.stringMatching(/^code:[0-9a-f-]{36}$/),
        created: newYear,
        last_seen: newYear + 60,
      },
    ])
  },
)

test('an unsigned request, or one with another credential, is told to sign', async () => {
  const stage = await scene()
  const { code } = await stage.server.invite()
  const key = await generateSigningKey()
  const signed = await post(stage, { key, body: enrollmentBody(code) })
  const unsigned = { ...signed, headers: signed.headers.filter(([name]) => !name.startsWith('signature')) }
  expect(await refusalOf(await stage.server.handle(unsigned))).toEqual({
    status: 401,
    error: 'invalid_signature',
    reason: 'signature_missing',
    agentAuth: 'httpsig',
  })
  const published = await post(stage, {
    key,
    body: enrollmentBody(code),
    signatureKey: { scheme: 'jwks_uri', id: 'https://agent.example', kid: 'k1', dwk: 'aauth-agent' },
  })
  expect(await refusalOf(await stage.server.handle(published))).toMatchObject({
    status: 401,
    error: 'insufficient_level',
    agentAuth: 'httpsig',
  })
  expect((await stage.server.handle(signed)).status).toBe(200)
})

test(verifies('error.invalid-signature', 'a body that was changed on the way is refused'), async () => {
  const stage = await scene()
  const { code } = await stage.server.invite()
  const request = await post(stage, { key: await generateSigningKey(), body: enrollmentBody('A'.repeat(32)) })
  const forged = { ...request, body: new TextEncoder().encode(enrollmentBody(code)) }
  expect(await refusalOf(await stage.server.handle(forged))).toMatchObject({
    status: 401,
    error: 'invalid_signature',
    agentAuth: 'httpsig',
  })
})

test(verifies('error.body-too-large', 'a body over 64 KiB, and parameters in the URL, are refused'), async () => {
  const stage = await scene()
  const { code } = await stage.server.invite()
  const key = await generateSigningKey()
  const body = enrollmentBody(code)
  const padded = await post(stage, { key, body: body + ' '.repeat(65_537 - body.length) })
  expect(await refusalOf(await stage.server.handle(padded))).toMatchObject({ status: 413, reason: 'body_too_large' })
  const inUrl = await post(stage, { key, body, target: `/delegate/token?code=${code}` })
  expect(await refusalOf(await stage.server.handle(inUrl))).toMatchObject({ status: 400, reason: 'parameters_in_url' })
  const fits = await post(stage, { key, body: body + ' '.repeat(65_536 - body.length) })
  expect((await stage.server.handle(fits)).status).toBe(200)
})

test(verifies('LOG-02', 'events name what happened, and no code'), async () => {
  const stage = await scene()
  const { code } = await stage.server.invite({ sub: 'phone', series: 'family' })
  const key = await generateSigningKey()
  await stage.server.handle(await post(stage, { key, body: enrollmentBody(code) }))
  await stage.server.handle(await post(stage, { key, body: enrollmentBody(code) }))
  const jkt = await thumbprint(key.publicJwk)
  expect(stage.events).toEqual([
    { type: 'invited', sub: 'phone', enrollment: 'code:family' },
    { type: 'enrolled', sub: 'phone', enrollment: 'code:family', jkt, peer: '192.0.2.7' },
    {
      type: 'refused',
      code: 'invalid_grant',
      reason: 'enrolment_code_invalid',
      status: 400,
      description: 'The enrolment code is unknown, used or expired.',
      peer: '192.0.2.7',
    },
  ])
})

test(verifies('DIG-11', 'error.media-type', 'a compressed enrolment is refused, not inflated'), async () => {
  const stage = await scene()
  const { code } = await stage.server.invite()
  const key = await generateSigningKey()
  const body = enrollmentBody(code)
  const wire = await post(stage, { key, body })
  const coded = { ...wire, headers: [...wire.headers, ['content-encoding', 'gzip'] as const] }
  expect(await refusalOf(await stage.server.handle(coded))).toMatchObject({ status: 415, error: 'invalid_request' })
  expect((await stage.server.handle(await post(stage, { key, body }))).status).toBe(200)
})

test(
  verifies('delegate.enrol.code', 'delegate.rotate.alarm', 'a key enrols one delegate, and none once it was replaced'),
  async () => {
    const stage = await scene()
    const enrols = async (key: SigningKey, sub: string) => {
      const { code } = await stage.server.invite({ sub })
      const ask = async (by: SigningKey) =>
        refusalOf(await stage.server.handle(await post(stage, { key: by, body: enrollmentBody(code) })))
      return { ask, first: await ask(key) }
    }
    const used = { status: 400, error: 'invalid_request', reason: 'delegate_key_used', agentAuth: null }
    const done = { status: 200, error: undefined, agentAuth: null }
    const phone = await enrolled(stage, 'phone')
    const refused = await enrols(phone.key, 'laptop')
    expect(refused.first).toEqual(used)
    expect((await stage.server.list()).map(({ sub }) => sub)).toEqual(['phone'])
    // The refusal left the code unused.
    expect(await refused.ask(await generateSigningKey())).toEqual(done)
    // The delegate of the key may enrol again with it, in case the answer was lost.
    expect((await enrols(phone.key, 'phone')).first).toEqual(done)
    expect((await stage.server.handle(await renewal(stage, phone))).status).toBe(200)

    const next = await generateSigningKey()
    expect((await stage.server.handle(await rotation(stage, phone, next))).status).toBe(200)
    expect((await enrols(phone.key, 'phone')).first).toEqual(used)
    expect((await enrols(phone.key, 'tablet')).first).toEqual(used)
    expect((await enrols(await generateSigningKey(), 'phone')).first).toEqual(done)
    expect((await enrols(next, 'phone')).first).toEqual(used)
    const alarms = stage.events.filter(({ type }) => type === 'alarm')
    const given = [phone.key, phone.key, next].map(async key => ({
      type: 'alarm',
      reason: 'replaced-key',
      sub: 'phone',
      jkt: await thumbprint(key.publicJwk),
      peer: '192.0.2.7',
    }))
    expect(alarms).toEqual(await Promise.all(given))

    const lost = await enrolled(stage, 'lost')
    await stage.server.revoke('lost')
    expect((await enrols(lost.key, 'lost')).first).toEqual(used)
    expect((await enrols(lost.key, 'tablet')).first).toEqual(used)
    await stage.server.reinstate('lost')
    await stage.server.revoke('lost')
    await stage.server.reinstate('lost')
    expect((await enrols(lost.key, 'lost')).first).toEqual(used)
    expect((await enrols(await generateSigningKey(), 'lost')).first).toEqual(done)
  },
)

test(
  verifies(
    'delegate.enrol.code',
    'token.issuer-limits',
    'an enrolment for which no token can be made leaves its code unused',
  ),
  async () => {
    // A token for an Ed25519 key just fits, one for a P-384 key does not.
    const stage = await scene({ audience: `https://${'x'.repeat(4160)}` })
    const { code } = await stage.server.invite({ sub: 'phone' })
    const tooLong = await post(stage, { key: await generateSigningKey('ES384'), body: enrollmentBody(code) })
    expect(await refusalOf(await stage.server.handle(tooLong))).toMatchObject({ status: 500, error: 'server_error' })
    expect(await stage.server.list()).toEqual([])
    const fits = await post(stage, { key: await generateSigningKey(), body: enrollmentBody(code) })
    expect((await stage.server.handle(fits)).status).toBe(200)
  },
)
