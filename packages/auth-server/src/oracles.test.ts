import { verifies } from '@countersign/requirements'
import {
  allowedCode,
  askUser,
  browserOf,
  callback,
  consentWorld,
  linkOf,
  open,
  redeemCode,
  requestTokenOf,
} from '@countersign/testing/auth/consent'
import { answer, codes, poll, type } from '@countersign/testing/auth/device'
import {
  agentServer,
  ask,
  delegate,
  granted,
  otherAgent,
  type Signer,
  send,
  type World,
  world,
} from '@countersign/testing/auth/world'
import { describe, expect, test } from 'vitest'

/** Status and body of each response, every pair once. */
async function seen(responses: ReadonlyArray<Promise<Response>>): Promise<unknown[]> {
  const pairs = new Map<string, unknown>()
  for (const pending of responses) {
    const response = await pending
    // The link to the page in another language repeats the address of the request, and nothing else.
    const text = (await response.text()).replace(/(?<=&amp;return_to=)[^"]*(?=" lang=)/, '…')
    const pair = [response.status, text]
    pairs.set(JSON.stringify(pair), pair)
  }
  return [...pairs.values()]
}

const unknown = 'A'.repeat(43)
const anyDevice = { deviceFlow: 'any' } as const

/** Callers that a code or token of `phone` was not given to. */
async function strangersTo(made: World): Promise<readonly Signer[]> {
  return [await delegate(made, 'laptop'), agentServer(made), await otherAgent(made)]
}

describe('bodies are equal, byte for byte, for', () => {
  test(
    verifies(
      'TOK-35',
      'error.invalid-grant',
      'error.reason.no-oracle',
      'a code that is unknown, another’s, used or expired',
    ),
    async () => {
      const made = await consentWorld()
      const phone = await delegate(made, 'phone')
      const [used, late, live] = [
        await allowedCode(made, phone),
        await allowedCode(made, phone),
        await allowedCode(made, phone),
      ]
      await granted(await redeemCode(made, phone, used))
      const strangers = await strangersTo(made)
      const tried = [
        redeemCode(made, phone, { ...live, code: unknown }),
        redeemCode(made, phone, { ...live, request_token: unknown }),
        redeemCode(made, phone, { ...live, redirect_uri: `${callback}/` }),
        ...strangers.flatMap(stranger => [used, live].map(form => redeemCode(made, stranger, form))),
      ]
      const before = await seen(tried)
      await granted(await redeemCode(made, phone, live))
      made.clock.now += 60
      const after = [used, late, live].flatMap(form => [phone, ...strangers].map(by => redeemCode(made, by, form)))
      const description = 'The code or refresh token is unknown, used, expired, ended, or of another caller or request.'
      const body = `{"error":"invalid_grant","reason":"grant_invalid","error_description":"${description}"}`
      expect([before, await seen(after)]).toEqual([[[400, body]], [[400, body]]])
    },
  )

  test(
    verifies(
      'device.code',
      'error.device',
      'error.reason.no-oracle',
      'a device code that is unknown, another’s, used or ended',
    ),
    async () => {
      const made = await consentWorld(anyDevice)
      const tv = await delegate(made, 'tv')
      const [waiting, denied, used] = [await codes(made, tv), await codes(made, tv), await codes(made, tv)]
      const one = await browserOf(made, 'ada')
      await answer(one, denied.user_code, 'deny')
      await answer(one, used.user_code, 'allow')
      await granted(await poll(made, tv, used.device_code))
      const request_token = await requestTokenOf(await askUser(made, tv))
      const strangers = await strangersTo(made)
      const polls = (): Array<Promise<Response>> => [
        ...[unknown, request_token, waiting.user_code].map(code => poll(made, tv, code)),
        ...strangers.flatMap(stranger => [waiting, denied, used].map(each => poll(made, stranger, each.device_code))),
      ]
      const before = await seen(polls())
      made.clock.now += 600
      const after = await seen([...polls(), poll(made, tv, used.device_code)])
      const description = 'The code or refresh token is unknown, used, expired, ended, or of another caller or request.'
      const body = `{"error":"invalid_grant","reason":"grant_invalid","error_description":"${description}"}`
      expect([before, after]).toEqual([[[400, body]], [[400, body]]])
    },
  )

  test(
    verifies('error.invalid-grant', 'error.reason.no-oracle', 'a refresh token that is unknown, another’s or ended'),
    async () => {
      const made = await world()
      const phone = await delegate(made, 'phone')
      const [live, ended] = [await granted(await ask(made, phone)), await granted(await ask(made, phone))]
      await send(made, phone, { token: ended.refresh_token }, { target: '/agent/revoke' })
      const refresh = (by: Signer, refresh_token: string) => send(made, by, { request_type: 'refresh', refresh_token })
      const tokens = [unknown, live.refresh_token, ended.refresh_token]
      const strangers = await strangersTo(made)
      const description = 'The code or refresh token is unknown, used, expired, ended, or of another caller or request.'
      expect(
        await seen([
          refresh(phone, unknown),
          refresh(phone, ended.refresh_token),
          ...strangers.flatMap(stranger => tokens.map(token => refresh(stranger, token))),
        ]),
      ).toEqual([[400, `{"error":"invalid_grant","reason":"grant_invalid","error_description":"${description}"}`]])
      // A revocation tells a stranger no more.
      const revoke = (by: Signer, token: string) => send(made, by, { token }, { target: '/agent/revoke' })
      const revoked = strangers.flatMap(stranger => tokens.map(token => revoke(stranger, token)))
      expect(await seen([revoke(phone, unknown), revoke(phone, ended.refresh_token), ...revoked])).toEqual([
        [200, '{}'],
      ])
      expect((await refresh(phone, live.refresh_token)).status).toBe(200)
    },
  )

  test(verifies('consent.request-token', 'a link whose request is unknown, expired or a device’s'), async () => {
    const made = await consentWorld(anyDevice)
    const phone = await delegate(made, 'phone')
    const [late, decided] = [
      await requestTokenOf(await askUser(made, phone)),
      await requestTokenOf(await askUser(made, phone)),
    ]
    const one = await browserOf(made, 'ada')
    await open(one, linkOf(decided))
    made.clock.now += 600
    const { device_code } = await codes(made, phone)
    const links = [unknown, late, decided, device_code].flatMap(token => [
      linkOf(token),
      linkOf(token, { redirect_uri: 'https://evil.example/' }),
    ])
    const linked = await seen(links.map(link => one.get(link)))
    expect(linked).toEqual([[400, expect.stringContaining('data-reason="link_invalid"')]])
    const pages = [unknown, late, decided, device_code].map(token => `/agent/consent?request_token=${token}`)
    const shown = await seen(pages.map(page => one.get(page)))
    expect(shown).toEqual([[400, expect.stringContaining('data-reason="request_ended"')]])
  })

  test(verifies('consent.device', 'a user code that is unknown, another’s, used or expired'), async () => {
    const made = await consentWorld(anyDevice)
    const tv = await delegate(made, 'tv')
    const late = await codes(made, tv)
    made.clock.now += 600
    const [held, used] = [await codes(made, tv), await codes(made, tv)]
    const [one, other] = [await browserOf(made, 'ada'), await browserOf(made, 'grace')]
    await type(other, held.user_code)
    await answer(other, used.user_code, 'allow')
    const typed = ['BBBB-BBBB', held.user_code, used.user_code, late.user_code]
    expect(await seen(typed.map(code => type(one, code)))).toEqual([
      [400, expect.stringContaining('data-reason="user_code_unknown"')],
    ])
  })
})
