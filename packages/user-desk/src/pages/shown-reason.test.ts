import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import type { Browser } from '@countersign/testing/auth/browser'
import {
  allowRedirects,
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
import { codes, type } from '@countersign/testing/auth/device'
import { english } from '@countersign/testing/auth/look'
import { delegate, type World } from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { describe, expect, test } from 'vitest'
import { errorPageResponse } from './page-response.js'

/** The reason in `data-reason`, of a page whose text does not show it. */
async function shownReason(response: Response | Promise<Response>): Promise<string | undefined> {
  const page = await (await response).text()
  const reason = /<main data-reason="([a-z_]+)">/.exec(page)?.[1]
  if (reason !== undefined) expect(page.replace(`data-reason="${reason}"`, '')).not.toContain(reason)
  return reason
}

interface Opened {
  readonly made: World
  readonly request_token: string
  readonly one: Browser
  readonly hidden: Record<string, string>
}

/** A request that Ada has open. */
async function opened(): Promise<Opened> {
  const made = await consentWorld({ deviceFlow: 'any', pagesPerMinute: 1000 })
  const request_token = await requestTokenOf(await askUser(made, await delegate(made, 'phone')))
  const one = await browserOf(made, 'ada')
  const hidden = hiddenFields(await (await open(one, linkOf(request_token))).text())
  return { made, request_token, one, hidden }
}

describe('the main element of a page names the reason of a refusal', () => {
  test('of a link', async () => {
    const { made, request_token, one } = await opened()
    const at = (link: string, by = one): Promise<string | undefined> => shownReason(by.get(link))
    expect(await at(linkOf('A'.repeat(43)))).toBe('link_invalid')
    expect(await at(linkOf(request_token, { state: 's2' }))).toBe('link_changed')
    expect(await shownReason(open(await browserOf(made, 'grace'), linkOf(request_token)))).toBe(
      'link_of_another_browser',
    )
    expect(await at('/login?return_to=//evil.example')).toBe('parameter_malformed')
  })

  test('of a form', async () => {
    const { one, hidden } = await opened()
    const sent = (fields: Record<string, string>): Promise<string | undefined> =>
      shownReason(one.post('/agent/consent', fields))
    expect(await sent({ ...hidden, csrf: 'x', decision: 'allow' })).toBe('page_not_from_here')
    expect(await sent({ ...hidden, decision: 'perhaps' })).toBe('form_incomplete')
    expect(await shownReason(one.post('/logout', { ...hidden, return_to: 'https://evil.example/' }))).toBe(
      'form_incomplete',
    )
    const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(await (await one.get('/device')).text()) ?? []
    await one.post('/logout', { csrf, return_to: '/device' })
    const signedOut = { csrf: await one.csrf('/login'), user_code: 'BBBB-BBBB' }
    expect(await shownReason(one.post('/device', signedOut))).toBe('signed_out')
  })

  test('of a request that was decided and redeemed', async () => {
    const { made, request_token, one } = await opened()
    const answer = await decide(one, linkOf(request_token), { decision: 'allow' })
    const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? ''
    const redeemed = await redeemCode(made, await delegate(made, 'phone'), {
      code,
      request_token,
      redirect_uri: callback,
    })
    expect(redeemed.status).toBe(200)
    expect(await shownReason(one.get(`/agent/consent?request_token=${request_token}`))).toBe('request_ended')
  })

  test('of an address that the agent lists no more', async () => {
    const { made, one, hidden } = await opened()
    allowRedirects(made, { redirect_uris: ['https://app.example/other?app=1'] })
    made.clock.now += 599
    const fields = { ...hidden, decision: 'allow', 'scope:events.read': 'on' }
    expect(await shownReason(one.post('/agent/consent', fields))).toBe('redirect_uri_unregistered')
  })

  test('of codes typed by guess, and of asking too often', async () => {
    const { made, one } = await opened()
    const phone = await delegate(made, 'phone')
    for (let turn = 0; turn < 5; turn++) expect(await shownReason(type(one, 'BBBB-BBBB'))).toBe('user_code_unknown')
    const { user_code } = await codes(made, phone)
    expect(await shownReason(type(one, user_code))).toBe('guesses_exceeded')
    for (let turn = 0; turn < 20; turn++) await open(one, linkOf(await requestTokenOf(await askUser(made, phone))))
    expect(made.events.at(-1)).toMatchObject({ type: 'refused', reason: 'asked_too_often' })
  })
})

test(
  verifies('consent.error-pages', 'an error page has the status of its error, but for the one that asks to sign'),
  () => {
    const statusOf = (
      code: 'invalid_signature' | 'access_denied' | 'rate_limited' | 'temporarily_unavailable',
    ): number => errorPageResponse(new AAuthError(code, 'No.', { reason: 'request_ended' }), { look: english }).status
    expect(statusOf('invalid_signature')).toBe(400)
    expect([statusOf('access_denied'), statusOf('rate_limited'), statusOf('temporarily_unavailable')]).toEqual([
      403, 429, 503,
    ])
  },
)

test(verifies('consent.no-oracle', 'a page tells nothing of a request without its whole link'), async () => {
  const { made, request_token } = await opened()
  const waiting = await requestTokenOf(await askUser(made, await delegate(made, 'laptop')))
  const textAt = async (path: string) => (await open(await browserOf(made, 'grace'), path)).text()
  const secrets = ['agent.example', 'calendar.example', 'events.read', 'laptop', 'phone']
  for (const token of [request_token, waiting])
    for (const path of [linkOf(token, { state: 's2' }), `/agent/consent?request_token=${token}`]) {
      const text = await textAt(path)
      expect(secrets.filter(word => text.includes(word))).toEqual([])
    }
  // The twin: the whole link shows all of it.
  const text = await textAt(linkOf(waiting))
  expect(['agent.example', 'calendar.example', 'events.read', 'laptop'].filter(word => !text.includes(word))).toEqual(
    [],
  )
})
