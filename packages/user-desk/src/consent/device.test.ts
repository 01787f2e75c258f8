import { newUserCode, shownUserCode, typedUserCode } from '@countersign/auth-server/internal'
import { verifies } from '@countersign/requirements'
import { type Browser, browser, signInAs } from '@countersign/testing/auth/browser'
import { browserOf, consentWorld } from '@countersign/testing/auth/consent'
import { answer, askDevice, codes, poll, type } from '@countersign/testing/auth/device'
import { agentServer, delegate, granted, otherAgent, send, type World } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

const deviceFlow = ['https://agent.example']

test(
  verifies(
    'device.auth',
    'device.code',
    'error.device',
    'consent.device',
    'a device shows a code, its user types it elsewhere and allows, and the device gets its tokens',
  ),
  async () => {
    const made = await consentWorld({ deviceFlow })
    const tv = await delegate(made, 'tv')
    const response = await askDevice(made, tv)
    expect(response.status).toBe(200)
    const asked = await bodyOf(response)
    expect(asked).toEqual({
      device_code: expect.stringMatching(/^[\w-]{43}$/),
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: 'https://auth.example/device',
      expires_in: 600,
      interval: 5,
    })
    const device_code = String(asked['device_code'])
    expect(await refusalOf(await poll(made, tv, device_code))).toEqual(
      plain(400, 'authorization_pending', 'decision_pending'),
    )

    made.clock.now += 30
    const one = await browserOf(made, 'ada')
    const page = await type(one, String(asked['user_code']).toLowerCase().replace('-', ' '))
    const text = await page.text()
    expect(page.status).toBe(200)
    expect(text).not.toContain(device_code)
    expect(await refusalOf(await poll(made, tv, device_code))).toEqual(
      plain(400, 'authorization_pending', 'decision_pending'),
    )
    const done = await one.post('/device', { ...hiddenFields(text), decision: 'allow', 'scope:events.read': 'on' })
    expect([done.status, done.headers.get('location')]).toEqual([200, null])

    made.clock.now += 5
    const first = await bodyOf(await poll(made, tv, device_code))
    expect(part(first['auth_token'], 1)).toMatchObject({
      agent_delegate: 'tv',
      scope: 'events.read',
      sub: expect.stringMatching(/^[\w-]{22}$/),
    })
    expect(await bodyOf(await poll(made, tv, device_code))).toEqual(first)
    const refresh = await send(made, tv, { request_type: 'refresh', refresh_token: String(first['refresh_token']) })
    expect(refresh.status).toBe(200)
    const types = made.events.flatMap(({ type }) => (type === 'refused' || type === 'signed_in' ? [] : [type]))
    expect(types).toEqual(['requested', 'consented', 'granted', 'repeated', 'refreshed'])
    made.clock.now += 60
    expect(await refusalOf(await poll(made, tv, device_code))).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
    const ended = await send(made, tv, { request_type: 'refresh', refresh_token: String(first['refresh_token']) })
    expect(ended.status).toBe(400)
  },
)

test(verifies('error.unauthorized-client', 'an agent that is not in deviceFlow is refused'), async () => {
  for (const [flow, status] of [
    [[], 403],
    [['https://other.example'], 403],
    [['https://agent.example'], 200],
    ['any', 200],
  ] as const) {
    const made = await consentWorld({ deviceFlow: flow })
    const response = await askDevice(made, agentServer(made))
    expect(response.status).toBe(status)
    if (status === 403)
      expect(await refusalOf(response)).toEqual(plain(403, 'unauthorized_client', 'caller_not_allowed'))
  }
  await expect(consentWorld({ deviceFlow: 'any' }).then(({ auth }) => auth.ready())).resolves.toBeUndefined()
})

test(verifies('device.auth', 'a direct grant needs no code'), async () => {
  const made = await consentWorld({ deviceFlow, policy: () => 'direct' })
  await granted(await askDevice(made, await delegate(made, 'tv')))
})

test(
  verifies('device.code', 'error.device', 'a denied, foreign, expired or unknown device code is refused'),
  async () => {
    const made = await consentWorld({ deviceFlow: 'any' })
    const tv = await delegate(made, 'tv')
    const [one, refused, late] = [await browserOf(made, 'ada'), await codes(made, tv), await codes(made, tv)]
    expect((await answer(one, refused.user_code, 'deny')).status).toBe(200)
    expect(await refusalOf(await poll(made, tv, refused.device_code))).toEqual(
      plain(403, 'access_denied', 'user_refused'),
    )
    for (const signer of [await delegate(made, 'radio'), agentServer(made), await otherAgent(made)]) {
      expect(await refusalOf(await poll(made, signer, late.device_code))).toEqual(
        plain(400, 'invalid_grant', 'grant_invalid'),
      )
    }
    expect(await refusalOf(await poll(made, tv, late.user_code))).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
    expect(await refusalOf(await poll(made, tv, late.device_code))).toEqual(
      plain(400, 'authorization_pending', 'decision_pending'),
    )
    made.clock.now += 600
    expect(await refusalOf(await poll(made, tv, late.device_code))).toEqual(
      plain(400, 'expired_token', 'device_code_expired'),
    )
    expect((await type(one, late.user_code)).status).toBe(400)
  },
)

test(
  verifies('device.code', 'error.device', 'a device that polls too often must slow down, more each time'),
  async () => {
    const made = await consentWorld({ deviceFlow })
    const tv = await delegate(made, 'tv')
    const { device_code } = await codes(made, tv)
    const reason = async () => (await refusalOf(await poll(made, tv, device_code))).reason
    expect(await reason()).toBe('decision_pending')
    made.clock.now += 4
    expect(await reason()).toBe('poll_too_fast')
    made.clock.now += 9
    expect(await reason()).toBe('poll_too_fast')
    made.clock.now += 15
    expect(await reason()).toBe('decision_pending')
  },
)

test(verifies('consent.device-guesses', 'five wrong codes of one session or user, then a wait'), async () => {
  const made = await consentWorld({ deviceFlow })
  const tv = await delegate(made, 'tv')
  const { user_code } = await codes(made, tv)
  const one = await browserOf(made, 'ada')
  for (let turn = 0; turn < 5; turn++) expect((await type(one, 'BBBB-BBBB')).status).toBe(400)
  expect((await type(one, user_code)).status).toBe(429)
  made.clock.now += 599
  expect((await type(one, user_code)).status).toBe(429)
  made.clock.now += 1
  const fresh = await codes(made, await delegate(made, 'tv'))
  expect((await type(one, fresh.user_code)).status).toBe(200)
})

test.each(['session', 'user'])(
  verifies('consent.device-guesses', 'five wrong codes of one %s from as many addresses are too many'),
  async who => {
    const made = await consentWorld({ deviceFlow })
    const { user_code } = await codes(made, await delegate(made, 'tv'))
    let address = 0
    /** A code from an address of its own each time, so that the network alone counts one. */
    const typed = async (one: Browser, code: string): Promise<number> => {
      const csrf = await one.csrf('/device')
      address += 1
      const peer = `198.51.100.${address}`
      const at = { handle: (message: Parameters<World['auth']['handle']>[0]) => made.auth.handle({ ...message, peer }) }
      const there = browser(at, 'https://auth.example')
      for (const [name, value] of one.cookies) there.cookies.set(name, value)
      return (await there.post('/device', { csrf, user_code: code })).status
    }
    const first = await browserOf(made, 'ada')
    for (let turn = 0; turn < 5; turn++) {
      // One browser with a user each time, or one user in a browser each time.
      const one = who === 'session' ? first : await browserOf(made, 'ada')
      if (who === 'session') await signInAs(one, turn % 2 === 0 ? 'ada' : 'grace')
      expect(await typed(one, 'BBBB-BBBB')).toBe(400)
    }
    // Of the browser: by a user who has missed no more than twice. Of the user: in a browser that has missed nothing.
    if (who === 'session') await signInAs(first, 'grace')
    expect(await typed(who === 'session' ? first : await browserOf(made, 'ada'), user_code)).toBe(429)
    // The twin: another user in another browser.
    expect(await typed(await browserOf(made, 'grace'), user_code)).toBe(200)
  },
)

test(verifies('consent.device', 'a code in a link, or a form from another site, is ignored'), async () => {
  const made = await consentWorld({ deviceFlow })
  const tv = await delegate(made, 'tv')
  const { user_code, device_code } = await codes(made, tv)
  const one = await browserOf(made, 'ada')
  const page = await one.get(`/device?user_code=${user_code}`)
  expect(await page.text()).not.toContain(user_code)
  const link = await one.get(
    `/agent/authorize?${new URLSearchParams({ request_token: device_code, redirect_uri: '' })}`,
  )
  expect(link.status).toBe(400)
  const forged = await one.post('/device', { user_code, decision: 'allow', 'scope:events.read': 'on' })
  expect(forged.status).toBe(403)
  const anonymous = browser(made.auth, 'https://auth.example')
  expect(await (await anonymous.get('/device')).text()).not.toContain('name="user_code"')
  expect(made.events.filter(event => event.type === 'consented')).toEqual([])
  expect((await answer(one, user_code, 'allow')).status).toBe(200)
  expect((await type(one, user_code)).status).toBe(400)
})

test(
  verifies('consent.remembered', 'device consents are not remembered, and only the first browser decides'),
  async () => {
    const made = await consentWorld({ deviceFlow })
    const tv = await delegate(made, 'tv')
    const one = await browserOf(made, 'ada')
    await answer(one, (await codes(made, tv)).user_code, 'allow')
    const { user_code, device_code } = await codes(made, tv)
    const page = await type(one, user_code)
    expect(await page.text()).toContain('value="allow"')
    expect(await refusalOf(await poll(made, tv, device_code))).toEqual(
      plain(400, 'authorization_pending', 'decision_pending'),
    )
    expect((await type(await browserOf(made, 'grace'), user_code)).status).toBe(400)
  },
)

test('user codes are 8 of 20 letters, read in any case and grouping', () => {
  const seen = new Set<string>()
  for (let turn = 0; turn < 200; turn++) {
    const code = newUserCode()
    expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{8}$/)
    for (const letter of code) seen.add(letter)
  }
  expect(seen.size).toBe(20)
  expect(shownUserCode('BCDFGHJK')).toBe('BCDF-GHJK')
  for (const typed of ['BCDF-GHJK', 'bcdfghjk', ' bc df-gh jk ']) expect(typedUserCode(typed)).toBe('BCDFGHJK')
  for (const typed of ['', 'BCDFGHJ', 'BCDFGHJKL', 'ACDFGHJK', 'BCDF_GHJK', 'B'.repeat(1000)]) {
    expect(typedUserCode(typed)).toBeUndefined()
  }
})
