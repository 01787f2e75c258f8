import { verifies } from '@countersign/requirements'
import {
  allowedCode,
  browserOf,
  callback,
  consentWorld,
  linkOf,
  open,
  redeemCode,
} from '@countersign/testing/auth/consent'
import { delegate, resourceToken, send } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { bodyOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

test(
  verifies('LOG-02', 'LOG-03', 'every decision is one event, and no event holds a token, code, cookie or secret'),
  async () => {
    const made = await consentWorld({ deviceFlow: 'any' })
    const phone = await delegate(made, 'phone')
    const one = await browserOf(made, 'ada')
    const secrets: string[] = []
    const form = await allowedCode(made, phone, { one })
    const tokens = await bodyOf(await redeemCode(made, phone, form))
    await redeemCode(made, phone, form)
    const resource_token = await resourceToken(made, phone)
    const device = await bodyOf(await send(made, phone, { request_type: 'device_auth', resource_token }))
    const device_code = String(device['device_code'])
    await send(made, phone, { request_type: 'device_code', device_code })
    const page = await one.post('/device', { csrf: await one.csrf('/device'), user_code: String(device['user_code']) })
    const hidden = hiddenFields(await page.text())
    const { csrf = '' } = hidden
    await one.post('/device', { ...hidden, decision: 'deny' })
    await send(made, phone, { request_type: 'device_code', device_code })
    const refresh_token = String(tokens['refresh_token'])
    await send(made, phone, { request_type: 'refresh', refresh_token })
    await redeemCode(made, phone, { ...form, code: `${form.code}A` })
    await open(one, linkOf(form.request_token, { redirect_uri: `${callback}?x` }))
    await one.post('/agent/consent', { request_token: form.request_token, csrf: 'wrong', decision: 'allow' })
    made.clock.now += 60
    await redeemCode(made, phone, form)
    await send(made, phone, { token: refresh_token }, { target: '/agent/revoke' })

    secrets.push(
      form.code,
      form.request_token,
      device_code,
      String(device['user_code']).replace('-', ''),
      refresh_token,
    )
    secrets.push(String(tokens['auth_token']), resource_token, csrf, ...one.cookies.values())
    const text = JSON.stringify(made.events)
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(7)
      expect(text).not.toContain(secret)
    }
    expect(made.events.map(({ type }) => type)).toEqual([
      'signed_in',
      'requested',
      'consented',
      'granted',
      'repeated',
      'requested',
      'refused',
      'declined',
      'refused',
      'refreshed',
      'refused',
      'refused',
      'refused',
      'alarm',
      'refused',
      'revoked',
    ])
    const decided = made.events.filter(event => 'resource' in event)
    for (const event of decided) {
      expect(event).toMatchObject({
        agent: 'https://agent.example',
        delegate: 'phone',
        resource: 'https://calendar.example',
        scope: ['events.read'],
      })
    }
  },
)
