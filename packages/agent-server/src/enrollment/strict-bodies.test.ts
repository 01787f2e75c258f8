import { generateSigningKey, type ReceivedMessage } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { enrolled, post, renewal, scene } from '../delegate.test.fixture.js'
import { codes, session } from '../index.js'
import { parseAudience } from '../token/audience.js'
import { parseEnrollment } from '../token/enrollment-body.js'
import { enrolBy, oidcScene } from './oidc.test.fixture.js'
import { checkOidcClaims, parseOidcToken } from './oidc-token.js'

const malformed = (text: RegExp) =>
  expect.objectContaining({ reason: 'enrolment_malformed', message: expect.stringMatching(text) })

/** A request with this body. */
const withBody = (body?: string): ReceivedMessage => ({
  method: 'POST',
  target: '/delegate/token',
  headers: [['content-type', 'application/json']],
  ...(body === undefined ? {} : { body: new TextEncoder().encode(body) }),
})

test(verifies('delegate.json', 'an enrolment without a body is told what is missing'), () => {
  expect(() => parseEnrollment(withBody())).toThrow(malformed(/must have a JSON body/))
  expect(() => parseEnrollment(withBody(''))).toThrow(malformed(/must have a JSON body/))
  expect(() => parseEnrollment(withBody('{"enrollment":{}}'))).toThrow(malformed(/it must be/))
  expect(parseEnrollment(withBody('{"enrollment":{"type":"code","code":"x"}}'))).toEqual({
    type: 'code',
    members: { type: 'code', code: 'x' },
  })
})

test(verifies('delegate.json', 'an empty code is no code'), async () => {
  const stage = await scene({ enrollment: [codes()] })
  const ask = async (code: string) => {
    const body = JSON.stringify({ enrollment: { type: 'code', code } })
    return refusalOf(await stage.server.handle(await post(stage, { key: await generateSigningKey(), body })))
  }
  expect(await ask('')).toMatchObject({ status: 400, error: 'invalid_request', reason: 'enrolment_malformed' })
  expect(await ask('x')).toMatchObject({ status: 400, error: 'invalid_grant', reason: 'enrolment_code_invalid' })
})

test(verifies('policy.delegates', 'of several receivers each is an identifier'), () => {
  const names = ['https://calendar.example', 'https://mail.example']
  expect(parseAudience(names, { development: false })).toEqual(names)
  for (const wrong of [[...names, 'mail'], ['https://mail.example/', ...names], [...names, 7], []])
    expect(() => parseAudience(wrong, { development: false })).toThrow(
      expect.objectContaining({ reason: 'audience_not_allowed' }),
    )
})

const part = (json: string): string => Buffer.from(json).toString('base64url')

test.each([
  ['header', part('["EdDSA"]'), part('{"iss":"x"}')],
  ['header', part('"EdDSA"'), part('{"iss":"x"}')],
  ['payload', part('{"alg":"EdDSA"}'), part('["x"]')],
  ['payload', part('{"alg":"EdDSA"}'), part('null')],
])(verifies('delegate.enrol.oidc', 'a token whose %s is no object is told so'), (name, header, payload) => {
  expect(() => parseOidcToken(`${header}.${payload}.AA`)).toThrow(
    expect.objectContaining({ message: expect.stringMatching(`its ${name} must be an object`) }),
  )
})

test.each([null, '0', true, -1, []])(verifies('delegate.enrol.oidc', 'nbf that is no time is refused: %j'), nbf => {
  const [claims, expected] = [
    { aud: 'a', exp: 1300, iat: 1000 },
    { audiences: ['a'], now: 1000 },
  ]
  expect(() => checkOidcClaims({ ...claims, nbf }, expected)).toThrow(
    expect.objectContaining({ reason: 'oidc_token_expired' }),
  )
  expect(checkOidcClaims({ ...claims, nbf: 1000 }, expected)).toBe(1300)
})

test.each(['repo:acme/app\n', 'repo:acme/\u202eapp', 'repo:acme/app\u0000'])(
  verifies('delegate.enrol.oidc', 'a claim with a character that names must not have names nobody: %j'),
  async sub => {
    expect(await enrolBy(await oidcScene(), { claims: { sub } })).toMatchObject({
      status: 400,
      error: 'invalid_grant',
      reason: 'oidc_token_mismatched',
    })
  },
)

test(verifies('mcp.origin', 'a browser that says it comes from another site enrols nobody by a session'), async () => {
  const authenticate = async () => ({ user: 'alice', device: 'laptop' })
  const stage = await scene({ enrollment: [codes(), session({ authenticate })] })
  const ask = async (...sites: readonly string[]) => {
    const key = await generateSigningKey()
    const message = await post(stage, { key, body: '{"enrollment":{"type":"session"}}' })
    const said = sites.map(site => ['sec-fetch-site', site] as const)
    const headers = [...message.headers, ['origin', 'https://agent.example'] as const, ...said]
    return refusalOf(await stage.server.handle({ ...message, headers }))
  }
  expect(await ask('same-origin')).toMatchObject({ status: 200 })
  for (const sites of [['cross-site'], ['same-site'], ['none'], ['same-origin', 'cross-site']])
    expect(await ask(...sites)).toMatchObject({ error: 'unauthorized_client', reason: 'origin_not_allowed' })
})

test(verifies('delegate.renew.current-key', 'a revoked delegate takes no room among remembered requests'), async () => {
  let remembered = 0
  const replay = {
    async check() {
      remembered++
      return 'fresh' as const
    },
  }
  const stage = await scene({ replay })
  const delegate = await enrolled(stage, 'phone')
  expect((await stage.server.handle(await renewal(stage, delegate))).status).toBe(200)
  const before = remembered
  await stage.server.revoke('phone')
  const refused = await stage.server.handle(await renewal(stage, delegate))
  expect(await refusalOf(refused)).toMatchObject({ status: 401, error: 'invalid_agent_token' })
  expect(remembered).toBe(before)
})

test(
  verifies('delegate.renew.current-key', 'a delegate that is revoked during its renewal gets no token'),
  async () => {
    let during = async (): Promise<unknown> => undefined
    const replay = { check: async () => during().then(() => 'fresh' as const) }
    const stage = await scene({ replay })
    const delegate = await enrolled(stage, 'phone')
    during = () => stage.server.revoke('phone')
    const refused = await stage.server.handle(await renewal(stage, delegate))
    expect(await refusalOf(refused)).toMatchObject({ status: 401, error: 'invalid_agent_token' })
  },
)
