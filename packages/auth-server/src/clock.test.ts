import { verifies } from '@countersign/requirements'
import {
  allowedCode,
  askUser,
  browserOf,
  consentWorld,
  linkOf,
  open,
  redeemCode,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import { agentServer, delegate, granted, newYear, type Signer, send, type World } from '@countersign/testing/auth/world'
import { part } from '@countersign/testing/json-web-token'
import { plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

/** A world in which everybody's clock is right, but the auth server's can be wrong. */
async function wrongClock(): Promise<{ made: World; step: (seconds: number) => void }> {
  const clock = { now: newYear }
  let wrong = 0
  const made = await consentWorld({ now: () => clock.now + wrong, deviceFlow: 'any' })
  return {
    made: { ...made, clock },
    step(seconds) {
      wrong = seconds
    },
  }
}

const refresh = (made: World, signer: Signer, refresh_token: string): Promise<Response> =>
  send(made, signer, { request_type: 'refresh', refresh_token })

for (const seconds of [600, -600]) {
  test(
    verifies(
      'F-30',
      'error.date',
      `a server whose clock is ${seconds} s off refuses with its time, and loses nothing when it is right again`,
    ),
    async () => {
      const { made, step } = await wrongClock()
      const phone = await delegate(made, 'phone')
      const one = await browserOf(made, 'ada')
      const { refresh_token } = await granted(await redeemCode(made, phone, await allowedCode(made, phone, { one })))
      expect((await refresh(made, phone, refresh_token)).status).toBe(200)

      step(seconds)
      made.clock.now += 5
      const refused = await refresh(made, phone, refresh_token)
      // Who is refused can see why: the answer is dated by the clock that refused it.
      expect(Date.parse(refused.headers.get('date') ?? '') / 1000).toBe(newYear + 5 + seconds)
      expect(await refusalOf(refused)).toMatchObject({ status: 401, error: 'invalid_signature' })
      expect((await open(one, '/logout')).status).toBe(200)

      step(0)
      made.clock.now += 5
      expect((await refresh(made, phone, refresh_token)).status).toBe(200)
      // Remembered, and still signed in: the user is not asked again.
      const again = await requestTokenOf(await askUser(made, phone))
      expect((await open(one, linkOf(again))).status).toBe(303)
    },
  )
}

test(
  verifies('F-30', 'grants, requests and wrong codes from a clock that ran ahead do no harm once it is set back'),
  async () => {
    const made = await consentWorld({ deviceFlow: 'any' })
    made.clock.now = newYear + 600
    const phone = await delegate(made, 'phone')
    const one = await browserOf(made, 'ada')
    const ahead = await granted(await redeemCode(made, phone, await allowedCode(made, phone, { one })))
    const asked = await requestTokenOf(await askUser(made, phone, { scope: 'events.write' }))
    const csrf = await one.csrf('/device')
    for (let guess = 0; guess < 5; guess++) await one.post('/device', { csrf, user_code: 'BBBB-BBBB' })
    expect((await one.post('/device', { csrf, user_code: 'BBBB-BBBB' })).status).toBe(429)

    made.clock.now = newYear
    const now = await delegate(made, 'phone')
    const renewed = await refresh(made, now, ahead.refresh_token)
    expect(renewed.status).toBe(200)
    expect(part(Object(await renewed.json()).auth_token, 1)).toMatchObject({ iat: newYear, exp: newYear + 600 })
    expect((await open(one, linkOf(asked))).status).toBe(200)
    await granted(await redeemCode(made, now, await allowedCode(made, now, { scope: 'events.write', one })))
    expect((await one.post('/device', { csrf: await one.csrf('/device'), user_code: 'BBBB-BBBB' })).status).toBe(400)
    // And the sweeps go on: ninety days later the grants have ended.
    made.clock.now = newYear + 91 * 86_400
    expect(await refusalOf(await refresh(made, await delegate(made, 'phone'), ahead.refresh_token))).toEqual(
      plain(400, 'invalid_grant', 'grant_invalid'),
    )
  },
)

test(verifies('F-33', 'a repeated or skipped second ends no code, token or grant early'), async () => {
  for (const leap of [1, -1]) {
    const { made, step } = await wrongClock()
    const phone = await delegate(made, 'phone')
    const code = await allowedCode(made, phone)
    step(leap)
    made.clock.now += 58
    const { refresh_token } = await granted(await redeemCode(made, phone, code))
    const late = await allowedCode(made, phone, { scope: 'events.write' })
    made.clock.now += 61 + Math.abs(leap)
    expect(await refusalOf(await redeemCode(made, phone, late))).toEqual(plain(400, 'invalid_grant', 'grant_invalid'))
    expect((await refresh(made, phone, refresh_token)).status).toBe(200)
    expect((await refresh(made, agentServer(made), refresh_token)).status).toBe(400)
  }
})
