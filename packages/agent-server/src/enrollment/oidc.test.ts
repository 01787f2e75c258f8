import { generateSigningKey, thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { part } from '@countersign/testing/json-web-token'
import { refusalOf } from '@countersign/testing/responses'
import { base64url, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { agentTokenOf, newYear, post, renewal } from '../delegate.test.fixture.js'
import {
  audienceFor,
  endpoint,
  enrolBy,
  issuer,
  issuerKey,
  oidcBody,
  oidcScene,
  show,
  token,
} from './oidc.test.fixture.js'

const enrolled = { status: 200, error: undefined, agentAuth: null }
const refused = (reason: string) => ({ status: 400, error: 'invalid_grant', reason, agentAuth: null })

test(
  verifies(
    'delegate.enrol.oidc',
    'delegate.answer',
    'a token that names the new key enrols it, under a sub of its issuer',
  ),
  async () => {
    const stage = await oidcScene()
    const key = await generateSigningKey()
    const jws = await token(stage.key, { aud: await audienceFor(key) })
    const response = await stage.server.handle(await post(stage, { key, body: oidcBody(jws) }))
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const agentToken = agentTokenOf(await response.json())
    expect(part(agentToken, 1)).toMatchObject({ sub: 'oidc:ci#repo:acme/app', cnf: { jwk: key.publicJwk } })
    const jkt = await thumbprint(key.publicJwk)
    const times = { created: newYear, last_seen: newYear }
    expect(await stage.server.list()).toEqual([{ sub: 'oidc:ci#repo:acme/app', jkt, enrollment: 'oidc:ci', ...times }])
    expect(stage.host.fetched).toEqual([`${issuer}/.well-known/openid-configuration`, `${issuer}/keys`])
    expect((await stage.server.handle(await renewal(stage, { key, agentToken }))).status).toBe(200)
  },
)

test.each(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'])(
  verifies('delegate.enrol.oidc', 'tokens of an issuer that signs with %s enrol'),
  async alg => {
    const stage = await oidcScene({}, { key: await issuerKey('one', alg) })
    expect(await enrolBy(stage)).toEqual(enrolled)
  },
)

test.each<[string, string, Parameters<typeof enrolBy>[1]]>([
  ['another issuer', 'oidc_issuer_untrusted', { claims: { iss: 'https://evil.example' } }],
  ['a longer issuer', 'oidc_issuer_untrusted', { claims: { iss: `${issuer}/` } }],
  ['no issuer', 'oidc_token_malformed', { claims: { iss: undefined } }],
  ['the endpoint alone as audience', 'oidc_token_mismatched', { claims: { aud: endpoint } }],
  ['the thumbprint of another key', 'oidc_token_mismatched', { claims: { aud: `${endpoint}#${'A'.repeat(43)}` } }],
  ['no audience', 'oidc_token_mismatched', { claims: { aud: undefined } }],
  ['an expired life', 'oidc_token_expired', { claims: { exp: newYear } }],
  ['no exp', 'oidc_token_malformed', { claims: { exp: undefined } }],
  ['an exp that is a string', 'oidc_token_malformed', { claims: { exp: `${newYear + 300}` } }],
  ['no iat', 'oidc_token_malformed', { claims: { iat: undefined } }],
  ['an iat ahead', 'oidc_token_expired', { claims: { iat: newYear + 61 } }],
  ['an nbf ahead', 'oidc_token_expired', { claims: { nbf: newYear + 61 } }],
  ['a life of more than a day', 'oidc_token_expired', { claims: { iat: newYear, exp: newYear + 86_401 } }],
  ['a subject of another owner', 'oidc_token_mismatched', { claims: { sub: 'repo:evil/app' } }],
  ['a subject that begins alike', 'oidc_token_mismatched', { claims: { sub: 'repo:acme/app:ref:refs/heads/main' } }],
  ['a subject that ends alike', 'oidc_token_mismatched', { claims: { sub: 'xrepo:acme/app' } }],
  ['no subject', 'oidc_token_mismatched', { claims: { sub: undefined } }],
  ['a subject that is a list', 'oidc_token_mismatched', { claims: { sub: ['repo:acme/app'] } }],
  ['a subject with a line break', 'oidc_token_mismatched', { claims: { sub: 'repo:acme/app\n' } }],
  ['the type of an access token', 'oidc_token_malformed', { header: { typ: 'at+jwt' } }],
  ['the type of an agent token', 'oidc_token_malformed', { header: { typ: 'agent+jwt' } }],
])(
  verifies('delegate.enrol.oidc', 'delegate.enrol.refused', 'a token with %s is refused before anything is fetched'),
  async (_, reason, change) => {
    const stage = await oidcScene()
    expect(await enrolBy(stage, change)).toEqual(refused(reason))
    expect([await stage.server.list(), stage.host.fetched]).toEqual([[], []])
    expect(await enrolBy(stage, { claims: { iat: newYear + 60, nbf: newYear + 60, exp: newYear + 86_460 } })).toEqual(
      enrolled,
    )
  },
)

test(
  verifies(
    'delegate.enrol.oidc',
    'a malformed token, or one with a member twice, is refused before anything is fetched',
  ),
  async () => {
    const stage = await oidcScene()
    const key = await generateSigningKey()
    const aud = await audienceFor(key)
    const good = await token(stage.key, { aud })
    const [header = '', payload = '', signature = ''] = good.split('.')
    const json = new TextDecoder().decode(base64url.decode(payload))
    const twice = base64url.encode(json.replace('{', '{"sub":"repo:acme/other",'))
    const none = base64url.encode('{"alg":"none"}')
    for (const jws of [undefined, 12, '', { token: good }])
      expect(await show(stage, { key, jws })).toMatchObject({
        status: 400,
        error: 'invalid_request',
        reason: 'enrolment_malformed',
      })
    for (const jws of [
      'x',
      `${header}.${payload}`,
      `${good}.x`,
      `${header}.${twice}.${signature}`,
      `${base64url.encode('{"alg":"ES256","kid":"one","crit":["x"],"x":1}')}.${payload}.${signature}`,
      `${base64url.encode('{"alg":"ES256","kid":"one","b64":true}')}.${payload}.${signature}`,
      `${base64url.encode('[]')}.${payload}.${signature}`,
      `${header}.${payload}=.${signature}`,
      `${header}.${payload}.${'A'.repeat(16_385)}`,
    ])
      expect(await show(stage, { key, jws }), jws.slice(0, 80)).toEqual(refused('oidc_token_malformed'))
    const hmac = `${base64url.encode('{"alg":"HS256","kid":"one"}')}.${payload}.${signature}`
    for (const jws of [`${none}.${payload}.`, hmac])
      expect(await show(stage, { key, jws })).toEqual(refused('oidc_token_mismatched'))
    expect(stage.host.fetched).toEqual([])
    expect(await show(stage, { key, jws: good })).toEqual(enrolled)
  },
)

test(
  verifies('delegate.enrol.oidc', 'only a signature by a key of the issuer is accepted, whatever the header names'),
  async () => {
    const stage = await oidcScene()
    const stranger = await issuerKey('one', 'ES256')
    expect(await enrolBy(stage, { by: stranger })).toEqual(refused('oidc_signature_wrong'))
    expect(await enrolBy(stage, { by: stranger, header: { jwk: stranger.jwk } })).toEqual(
      refused('oidc_signature_wrong'),
    )
    expect(await enrolBy(stage, { by: stranger, header: { jku: 'https://evil.example/keys' } })).toEqual(
      refused('oidc_signature_wrong'),
    )
    expect(await enrolBy(stage, { by: { ...(await issuerKey('one', 'RS256')), kid: 'one' } })).toEqual(
      refused('oidc_signature_wrong'),
    )
    const secret = new TextEncoder().encode(JSON.stringify(stage.key.jwk))
    const key = await generateSigningKey()
    const hmac = await new SignJWT({ iss: issuer, sub: 'repo:acme/app', aud: await audienceFor(key) })
      .setIssuedAt(newYear)
      .setExpirationTime(newYear + 300)
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(secret)
    expect(await show(stage, { key, jws: hmac })).toEqual(refused('oidc_token_mismatched'))
    const altered = (await token(stage.key, { aud: await audienceFor(key) })).replace(/\.[^.]{5}/, '.AAAAA')
    expect((await show(stage, { key, jws: altered })).status).toBe(400)
    expect(stage.host.fetched.every(url => url.startsWith(issuer))).toBe(true)
    expect(await enrolBy(stage)).toEqual(enrolled)
  },
)

test(
  verifies(
    'delegate.enrol.oidc',
    'an audience that names no key is accepted where the rule names it, and only as the one audience',
  ),
  async () => {
    const stage = await oidcScene({ audience: 'https://agent.example' })
    expect(await enrolBy(stage, { claims: { aud: 'https://agent.example' } })).toEqual(enrolled)
    expect(await enrolBy(stage, { claims: { aud: ['https://agent.example'] } })).toEqual(enrolled)
    expect(await enrolBy(stage)).toEqual(enrolled)
    expect(await enrolBy(stage, { claims: { aud: ['https://agent.example', 'https://other.example'] } })).toEqual(
      refused('oidc_token_mismatched'),
    )
    expect(await enrolBy(stage, { claims: { aud: 'https://agent.example/' } })).toEqual(
      refused('oidc_token_mismatched'),
    )
  },
)

test(verifies('delegate.enrol.oidc', 'a token enrols once: of twenty keys that use it, one is enrolled'), async () => {
  const stage = await oidcScene({ audience: 'https://agent.example' })
  const jws = await token(stage.key, { aud: 'https://agent.example' })
  const keys = await Promise.all(Array.from({ length: 20 }, () => generateSigningKey()))
  const answers = await Promise.all(keys.map(key => show(stage, { key, jws })))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 400)])
  expect(await stage.server.list()).toHaveLength(1)
  // ECDSA signatures have two forms, (r, s) and (r, n - s): another string is the same token.
  const [header = '', payload = '', signature = ''] = jws.split('.')
  const bytes = base64url.decode(signature)
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const s = order - BigInt(`0x${Buffer.from(bytes.slice(32)).toString('hex')}`)
  const other = Buffer.concat([bytes.slice(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')])
  const key = await generateSigningKey()
  expect(await show(stage, { key, jws: `${header}.${payload}.${base64url.encode(other)}` })).toEqual(
    refused('enrolment_used'),
  )
  expect(await enrolBy(stage)).toEqual(enrolled)
})

test(
  verifies('delegate.enrol.oidc', 'a refused enrolment leaves the token unused, and a copied request is a replay'),
  async () => {
    const stage = await oidcScene({ audience: 'https://agent.example' })
    const key = await generateSigningKey()
    const jws = await token(stage.key, { aud: 'https://agent.example' })
    const request = await post(stage, { key, body: oidcBody(jws) })
    const body = oidcBody(jws).replace('{', '{ ')
    const altered = { ...request, body: new TextEncoder().encode(body) }
    expect(await refusalOf(await stage.server.handle(altered))).toMatchObject({
      status: 401,
      error: 'invalid_signature',
    })
    expect((await stage.server.handle(request)).status).toBe(200)
    expect(await refusalOf(await stage.server.handle(request))).toMatchObject({ status: 401, error: 'replay_detected' })
  },
)

test(
  verifies(
    'AGT-12',
    'token.agent.sub',
    'delegate.enrol.oidc',
    'a delegate that enrols again keeps its sub, and its earlier key is refused',
  ),
  async () => {
    const stage = await oidcScene()
    const [old, next] = [await generateSigningKey(), await generateSigningKey()]
    const first = await token(stage.key, { aud: await audienceFor(old) })
    const response = await stage.server.handle(await post(stage, { key: old, body: oidcBody(first) }))
    const agentToken = agentTokenOf(await response.json())
    expect(await enrolBy(stage, { key: next })).toEqual(enrolled)
    expect((await stage.server.list()).map(({ sub, jkt }) => [sub, jkt])).toEqual([
      ['oidc:ci#repo:acme/app', await thumbprint(next.publicJwk)],
    ])
    expect((await stage.server.handle(await renewal(stage, { key: old, agentToken }))).status).toBe(401)
  },
)

test(
  verifies('delegate.enrol.refused', 'a revoked delegate cannot enrol by a new token until it is reinstated'),
  async () => {
    const stage = await oidcScene()
    expect(await enrolBy(stage)).toEqual(enrolled)
    expect(await stage.server.revokeEnrollment('oidc:ci')).toBe(1)
    expect(await enrolBy(stage)).toEqual(refused('delegate_revoked'))
    expect(await enrolBy(stage, { claims: { sub: 'repo:acme/other' } })).toEqual(enrolled)
    expect(await stage.server.reinstate('oidc:ci#repo:acme/app')).toBe(true)
    expect(await enrolBy(stage)).toEqual(enrolled)
  },
)

test(verifies('delegate.enrol.oidc', 'used tokens are remembered up to a limit, until they expire'), async () => {
  const stage = await oidcScene()
  for (let count = 0; count < 100; count++) expect(await enrolBy(stage)).toEqual(enrolled)
  expect(await enrolBy(stage)).toMatchObject({ status: 429, error: 'rate_limited', reason: 'rate_exceeded' })
  expect(await enrolBy(stage, { claims: { sub: 'repo:acme/other' } })).toEqual(enrolled)
  stage.clock.now += 599
  expect(await enrolBy(stage, { claims: { iat: newYear + 599, exp: newYear + 900 } })).toMatchObject({ status: 429 })
  stage.clock.now += 1
  expect(await enrolBy(stage, { claims: { iat: newYear + 600, exp: newYear + 900 } })).toEqual(enrolled)
})
