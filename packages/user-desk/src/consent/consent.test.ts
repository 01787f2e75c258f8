import { verifies } from '@countersign/requirements'
import {
  allowedCode,
  allowRedirects,
  answerOf,
  askIdentity,
  askUser,
  browserOf,
  callback,
  consentWorld,
  decide,
  linkOf,
  open,
  redeemCode,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import {
  agentServer,
  delegate,
  granted,
  newYear,
  otherAgent,
  resourceToken,
  send,
} from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

test(
  verifies(
    'consent.redirect',
    'consent.request-token',
    'consent.code',
    'UIX-30',
    'LOG-03',
    'a user is asked, allows it, and the agent fetches a token of that user',
  ),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const asked = await askUser(made, phone, { form: { purpose: 'Show today’s events' } })
    expect(asked.headers.get('cache-control')).toBe('no-store')
    const answer = await bodyOf(asked)
    expect(answer).toEqual({ request_token: expect.stringMatching(/^[\w-]{43}$/), expires_in: 600 })

    const request_token = String(answer['request_token'])
    const response = await decide(await browserOf(made, 'ada'), linkOf(request_token), { decision: 'allow' })
    const away = answerOf(response)
    expect(`${away.origin}${away.pathname}`).toBe(callback)
    const { code = '', ...rest } = Object.fromEntries(away.searchParams)
    expect(code).toMatch(/^[\w-]{43}$/)
    expect(rest).toEqual({ state: 's1', iss: 'https://auth.example' })

    const redeemed = await redeemCode(made, phone, { code, request_token, redirect_uri: callback })
    const tokens = await bodyOf(redeemed)
    expect(tokens).toEqual({
      auth_token: expect.any(String),
      expires_in: 600,
      refresh_token: expect.stringMatching(/^[\w-]{43}$/),
    })
    const claims = part(tokens['auth_token'], 1)
    expect(claims).toEqual({
      iss: 'https://auth.example',
      aud: 'https://calendar.example',
      agent: 'https://agent.example',
      agent_delegate: 'phone',
      cnf: { jwk: phone.key.publicJwk },
      sub: expect.stringMatching(/^[\w-]{22}$/),
      scope: 'events.read',
      iat: newYear,
      exp: newYear + 600,
      jti: expect.stringMatching(/^.{16,}$/),
      grant: expect.stringMatching(/^[\w-]{36}$/),
    })
    const about = {
      request: expect.any(String),
      agent: 'https://agent.example',
      delegate: 'phone',
      resource: 'https://calendar.example',
      scope: ['events.read'],
    }
    const user = claims['sub']
    expect(made.events).toEqual([
      { type: 'requested', flow: 'browser', ...about },
      { type: 'signed_in', sub: user, provider: 'demo', peer: '192.0.2.9' },
      { type: 'consented', by: 'user', flow: 'browser', user, ...about },
      { type: 'granted', by: 'code', user, grant: expect.any(String), jti: claims['jti'], ...about },
    ])
  },
)

test(
  verifies('UIX-17', 'consent.redirect', 'a refusal goes back as access_denied, and cannot be changed'),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const request_token = await requestTokenOf(await askUser(made, phone))
    const one = await browserOf(made, 'ada')
    const page = await (await open(one, linkOf(request_token))).text()
    const { csrf = '' } = hiddenFields(page)
    const answer = (decision: string) =>
      one.post('/agent/consent', { csrf, request_token, decision, 'scope:events.read': 'on' })
    for (const response of [await answer('deny'), await answer('deny')]) {
      expect(response.status).toBe(303)
      expect(Object.fromEntries(answerOf(response).searchParams)).toEqual({
        error: 'access_denied',
        state: 's1',
        iss: 'https://auth.example',
      })
    }
    const late = await answer('allow')
    expect([late.status, late.headers.get('location')]).toEqual([400, null])
    expect(made.events.filter(event => event.type === 'declined')).toHaveLength(1)
    expect(made.events.filter(event => event.type === 'consented')).toEqual([])
  },
)

test('the user may allow less than was asked, and the token says what', async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const form = await allowedCode(made, phone, { scope: 'events.read events.write', scopes: ['events.read'] })
  const { auth_token, refresh_token } = await granted(await redeemCode(made, phone, form))
  expect(part(auth_token, 1)['scope']).toBe('events.read')
  const wider = await send(made, phone, { request_type: 'refresh', refresh_token, scope: 'events.write' })
  expect(await refusalOf(wider)).toEqual(plain(400, 'invalid_scope', 'scope_not_allowed'))
})

test(verifies('UIX-34', 'a consent is remembered for this user, agent, delegate, resource and scope'), async () => {
  const made = await consentWorld()
  const other = await otherAgent(made)
  const [phone, laptop] = [await delegate(made, 'phone'), await delegate(made, 'laptop')]
  const [ada, grace] = [await browserOf(made, 'ada'), await browserOf(made, 'grace')]
  await allowedCode(made, phone, { one: ada })
  const opened = async (one: typeof ada, signer: typeof phone, scope = 'events.read') =>
    (await open(one, linkOf(await requestTokenOf(await askUser(made, signer, { scope }))))).status
  expect(await opened(ada, phone)).toBe(303)
  expect(await opened(ada, laptop)).toBe(200)
  expect(await opened(grace, phone)).toBe(200)
  expect(await opened(ada, phone, 'events.write')).toBe(200)
  expect(await opened(ada, other)).toBe(200)
  expect(made.events.filter(event => event.type === 'consented').map(event => event.by)).toEqual(['user', 'remembered'])
})

test(verifies('consent.remembered', 'with a loopback redirect the user is asked every time'), async () => {
  const made = await consentWorld()
  allowRedirects(made, { localhost_callback_allowed: true })
  const phone = await delegate(made, 'phone')
  const one = await browserOf(made, 'ada')
  const redirect_uri = 'http://127.0.0.1:49152/cb'
  for (let turn = 0; turn < 2; turn++) {
    const request_token = await requestTokenOf(await askUser(made, phone, { form: { redirect_uri } }))
    const response = await open(one, linkOf(request_token, { redirect_uri }))
    expect(response.status).toBe(200)
    const answer = await decide(one, linkOf(request_token, { redirect_uri }), { decision: 'allow' })
    expect(answerOf(answer).origin).toBe('http://127.0.0.1:49152')
  }
})

test('a wider scope asks only for what is new', async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const one = await browserOf(made, 'ada')
  await allowedCode(made, phone, { one })
  const form = await allowedCode(made, phone, { one, scope: 'events.read events.write', scopes: ['events.write'] })
  const { auth_token } = await granted(await redeemCode(made, phone, form))
  expect(part(auth_token, 1)['scope']).toBe('events.read events.write')
})

test('a scope that the user left out is not granted because another tab allowed it meanwhile', async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const one = await browserOf(made, 'ada')
  const request_token = await requestTokenOf(await askUser(made, phone, { scope: 'events.read events.write' }))
  const hidden = hiddenFields(await (await open(one, linkOf(request_token))).text())
  await allowedCode(made, phone, { one, scope: 'events.write' })
  const answer = await one.post('/agent/consent', { ...hidden, decision: 'allow', 'scope:events.read': 'on' })
  const code = answerOf(answer).searchParams.get('code') ?? ''
  const { auth_token } = await granted(await redeemCode(made, phone, { code, request_token, redirect_uri: callback }))
  expect(part(auth_token, 1)['scope']).toBe('events.read')
})

test(
  verifies('token.auth.identity-scopes', 'identity scopes become claims, never scope: an agent signs its users in'),
  async () => {
    const made = await consentWorld()
    const request_token = await requestTokenOf(await askIdentity(made))
    const scopes = ['openid', 'profile', 'email']
    const answer = await decide(await browserOf(made, 'ada'), linkOf(request_token), { decision: 'allow', scopes })
    const code = answerOf(answer).searchParams.get('code') ?? ''
    const self = agentServer(made)
    const tokens = await granted(await redeemCode(made, self, { code, request_token, redirect_uri: callback }))
    const refreshed = await bodyOf(
      await send(made, self, { request_type: 'refresh', refresh_token: tokens.refresh_token }),
    )
    for (const token of [tokens.auth_token, refreshed['auth_token']]) {
      const claims = part(token, 1)
      expect(claims).toMatchObject({
        aud: 'https://agent.example',
        sub: expect.stringMatching(/^[\w-]{22}$/),
        name: 'Ada',
        email: 'ada@demo.example',
        email_verified: true,
      })
      expect(claims).not.toHaveProperty('agent')
      expect(claims).not.toHaveProperty('scope')
    }
  },
)

test('openid is granted without a checkbox, and nothing beyond what the page shows', async () => {
  const made = await consentWorld()
  const phone = await delegate(made, 'phone')
  const scope = 'events.read openid email'
  const form = await allowedCode(made, phone, { scope, scopes: ['events.read'] })
  const claims = part((await granted(await redeemCode(made, phone, form))).auth_token, 1)
  expect(claims).toMatchObject({ sub: expect.stringMatching(/^[\w-]{22}$/), scope: 'events.read' })
  expect(claims).not.toHaveProperty('email')
  expect(made.events.find(event => event.type === 'consented')).toMatchObject({ scope: ['events.read', 'openid'] })
  const whole = await allowedCode(made, await delegate(made, 'laptop'), { scope, scopes: ['events.read', 'email'] })
  expect(whole.code).not.toBe('')
})

test(
  verifies('RST-11', 'auth.resource-token.date', 'one resource token twice is two requests, each with its own answer'),
  async () => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const resource_token = await resourceToken(made, phone)
    const form = { request_type: 'auth', resource_token, redirect_uri: callback, state: 's1' }
    const [first, second] = [await send(made, phone, form), await send(made, phone, form)]
    const tokens = [await requestTokenOf(first), await requestTokenOf(second)]
    expect(new Set(tokens).size).toBe(2)
    const [refused, allowed] = [await browserOf(made, 'grace'), await browserOf(made, 'ada')]
    const denied = answerOf(await decide(refused, linkOf(tokens[0] ?? ''), { decision: 'deny' }))
    expect(denied.searchParams.get('error')).toBe('access_denied')
    const code =
      answerOf(await decide(allowed, linkOf(tokens[1] ?? ''), { decision: 'allow' })).searchParams.get('code') ?? ''
    const redemption = { code, redirect_uri: callback }
    expect((await redeemCode(made, phone, { ...redemption, request_token: tokens[0] ?? '' })).status).toBe(400)
    await granted(await redeemCode(made, phone, { ...redemption, request_token: tokens[1] ?? '' }))
  },
)
