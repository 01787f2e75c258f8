import { verifies } from '@countersign/requirements'
import { signInAs } from '@countersign/testing/auth/browser'
import {
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
  ask,
  delegate,
  granted,
  newYear,
  resourceToken,
  type Signer,
  send,
  type World,
} from '@countersign/testing/auth/world'
import { hiddenFields } from '@countersign/testing/browser'
import { part } from '@countersign/testing/json-web-token'
import { bodyOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'
import { directGrants } from '../policy/policies.js'
import type { Policy } from '../policy/policy.js'

/** A world whose server names each request, and what each step of a test was told. */
async function watched(made: World) {
  let count = 0
  const auth: World['auth'] = {
    ...made.auth,
    handle: message => {
      count += 1
      return made.auth.handle({ ...message, requestId: `request-${count}` })
    },
  }
  return {
    made: { ...made, auth },
    /** Runs one step and answers its events, each of which names the request that it was the last of. */
    async step<T>(act: () => Promise<T>): Promise<{ answer: T; events: unknown[] }> {
      made.events.length = 0
      const answer = await act()
      const request_id = `request-${count}`
      // Notices are the server's own: they are of no request.
      const events = made.events.filter(({ type }) => type !== 'notice').map(event => ({ ...event }))
      for (const event of events) expect(event).toMatchObject({ request_id })
      return { answer, events: events.map(({ request_id: _, ...event }) => event) }
    },
  }
}

const phoneAtCalendar = {
  agent: 'https://agent.example',
  delegate: 'phone',
  resource: 'https://calendar.example',
  scope: ['events.read'],
}
const id = expect.stringMatching(/^[0-9a-f-]{36}$/)
const txn = 'journey-1'

async function askWithTxn(made: World, signer: Signer, form: Record<string, string>): Promise<Response> {
  const resource_token = await resourceToken(made, signer, { claims: { txn } })
  return send(made, signer, { resource_token, ...form })
}

test(
  verifies('LOG-03', 'token.txn', 'a grant by policy, its refresh, its revocation and each refusal are one event each'),
  async () => {
    const direct = directGrants([
      {
        agent: 'https://agent.example',
        delegates: ['phone'],
        resource: 'https://calendar.example',
        scopes: ['events.read'],
      },
    ])
    const door: { policy: Policy } = { policy: direct }
    const { made, step } = await watched(await consentWorld({ policy: request => door.policy(request) }))
    const phone = await delegate(made, 'phone')

    const first = await step(() => askWithTxn(made, phone, { request_type: 'auth' }))
    const tokens = await granted(first.answer)
    const { jti, txn: carried } = part(tokens.auth_token, 1)
    expect(carried).toBe(txn)
    expect(first.events).toEqual([{ type: 'granted', by: 'policy', ...phoneAtCalendar, grant: id, jti, txn }])
    const { grant } = Object(first.events[0])

    const refresh = { request_type: 'refresh', refresh_token: tokens.refresh_token }
    const second = await step(() => send(made, phone, refresh))
    const renewed = part((await bodyOf(second.answer))['auth_token'], 1)
    expect(second.events).toEqual([{ type: 'refreshed', ...phoneAtCalendar, grant, jti: renewed['jti'], txn }])
    expect(renewed['txn']).toBe(txn)

    const refused = { type: 'refused', peer: '192.0.2.7' }
    const ofPhone = { agent: 'https://agent.example', delegate: 'phone' }
    const laptop = await delegate(made, 'laptop')
    const denial = {
      code: 'access_denied',
      reason: 'policy_refused',
      status: 403,
      description: expect.any(String),
      cause: expect.anything(),
    }
    expect((await step(() => ask(made, laptop))).events).toEqual([
      { ...refused, ...denial, ...phoneAtCalendar, delegate: 'laptop' },
    ])
    door.policy = () => 'deny'
    expect((await step(() => send(made, phone, refresh))).events).toEqual([
      { ...refused, ...denial, ...phoneAtCalendar },
    ])
    door.policy = direct
    const unknown = { ...refresh, refresh_token: 'x'.repeat(43) }
    expect((await step(() => send(made, phone, unknown))).events).toEqual([
      {
        ...refused,
        code: 'invalid_grant',
        reason: 'grant_invalid',
        status: 400,
        description: expect.any(String),
        ...ofPhone,
      },
    ])
    // The event does not name a caller that was not verified.
    const forged = { ...phone, key: laptop.key }
    const [event, ...more] = (await step(() => send(made, forged, refresh))).events
    expect(more).toEqual([])
    expect(event).toMatchObject({ ...refused, status: 401 })
    expect(event).not.toHaveProperty('agent')

    const end = { token: tokens.refresh_token }
    const target = { target: '/agent/revoke' }
    expect((await step(() => send(made, laptop, end, target))).events).toEqual([
      { type: 'revoked', found: false, ...ofPhone, delegate: 'laptop' },
    ])
    expect((await step(() => send(made, phone, end, target))).events).toEqual([
      { type: 'revoked', found: true, ...phoneAtCalendar, grant, txn },
    ])
  },
)

test(
  verifies('LOG-03', 'token.txn', 'each step of a user’s request, from the question to the alarm, is one event'),
  async () => {
    const { made, step } = await watched(await consentWorld())
    const phone = await delegate(made, 'phone')
    const one = await browserOf(made, 'grace')

    const login = await step(() => signInAs(one, 'ada'))
    expect(login.events).toEqual([{ type: 'signed_in', sub: expect.any(String), provider: 'demo', peer: '192.0.2.9' }])
    const user = Object(login.events[0]).sub
    expect((await step(() => one.post('/login/demo', { csrf: 'wrong', subject: 'ada' }))).events).toEqual([
      expect.objectContaining({
        type: 'sign_in_failed',
        code: 'access_denied',
        reason: 'page_not_from_here',
        provider: 'demo',
        peer: '192.0.2.9',
      }),
    ])

    const form = { request_type: 'auth', redirect_uri: callback, state: 's1' }
    const asked = await step(() => askWithTxn(made, phone, form))
    const [{ request }] = [Object(asked.events[0])]
    const pending = { request, flow: 'browser', ...phoneAtCalendar, txn }
    expect(asked.events).toEqual([{ type: 'requested', ...pending, request: id }])
    const request_token = await requestTokenOf(asked.answer)

    const page = await step(() => open(one, linkOf(request_token)))
    expect(page.events).toEqual([])
    const yes = { ...hiddenFields(await page.answer.text()), decision: 'allow', 'scope:events.read': 'on' }
    const said = await step(() => one.post('/agent/consent', yes))
    expect(said.events).toEqual([{ type: 'consented', by: 'user', user, ...pending }])
    // Sent twice it is decided once.
    expect((await step(() => one.post('/agent/consent', yes))).events).toEqual([])
    const code = new URL(said.answer.headers.get('location') ?? '').searchParams.get('code') ?? ''

    const redemption = { code, request_token, redirect_uri: callback }
    const redeemed = await step(() => redeemCode(made, phone, redemption))
    const token = part((await bodyOf(redeemed.answer))['auth_token'], 1)
    expect(token['txn']).toBe(txn)
    const what = { ...phoneAtCalendar, user, grant: id }
    expect(redeemed.events).toEqual([{ type: 'granted', by: 'code', request, ...what, jti: token['jti'], txn }])
    const { grant } = Object(redeemed.events[0])
    expect((await step(() => redeemCode(made, phone, redemption))).events).toEqual([
      { type: 'repeated', agent: 'https://agent.example', delegate: 'phone', grant, txn },
    ])
    made.clock.now = newYear + 61
    // Two decisions: the grant has ended, and this request is refused.
    expect((await step(() => redeemCode(made, phone, redemption))).events).toEqual([
      { type: 'alarm', reason: 'code-reused', ...what, grant, txn },
      expect.objectContaining({ type: 'refused', code: 'invalid_grant', agent: 'https://agent.example' }),
    ])

    const again = await requestTokenOf(await askUser(made, phone))
    expect((await step(() => open(one, linkOf(again)))).events).toEqual([
      expect.objectContaining({ type: 'consented', by: 'remembered', user, ...phoneAtCalendar }),
    ])
    const wider = await requestTokenOf(await askUser(made, phone, { scope: 'events.write' }))
    expect((await step(() => decide(one, linkOf(wider), { decision: 'deny' }))).events).toEqual([
      expect.objectContaining({ type: 'declined', user, ...phoneAtCalendar, scope: ['events.write'] }),
    ])
    expect((await step(() => open(one, linkOf(again, { state: 'other' })))).events).toEqual([
      expect.objectContaining({ type: 'refused', code: 'invalid_request', peer: '192.0.2.9' }),
    ])
    const csrf = await one.csrf('/logout')
    expect((await step(() => one.post('/logout', { csrf }))).events).toEqual([
      { type: 'signed_out', sub: user, peer: '192.0.2.9' },
    ])
  },
)

test(
  verifies('LOG-03', 'token.txn', "a device's request, its user's answer and each poll are one record each"),
  async () => {
    const { made, step } = await watched(await consentWorld({ deviceFlow: ['https://agent.example'] }))
    const phone = await delegate(made, 'phone')
    const one = await browserOf(made, 'ada')
    for (const decision of ['allow', 'deny']) {
      const asked = await step(() => askWithTxn(made, phone, { request_type: 'device_auth' }))
      const [{ request }] = [Object(asked.events[0])]
      const pending = { request, flow: 'device', ...phoneAtCalendar, txn }
      expect(asked.events).toEqual([{ type: 'requested', ...pending, request: id }])
      const { device_code, user_code } = await bodyOf(asked.answer)
      const poll = () => send(made, phone, { request_type: 'device_code', device_code: String(device_code) })
      expect((await step(poll)).events).toEqual([
        expect.objectContaining({
          type: 'refused',
          code: 'authorization_pending',
          reason: 'decision_pending',
          delegate: 'phone',
        }),
      ])
      const csrf = await one.csrf('/device')
      expect((await step(() => one.post('/device', { csrf, user_code: 'BBBB-BBBB' }))).events).toEqual([
        {
          type: 'refused',
          code: 'invalid_request',
          reason: 'user_code_unknown',
          status: 400,
          description: 'no request waits for this user code',
          user: expect.stringMatching(/^[\w-]{22}$/),
          peer: '192.0.2.9',
        },
      ])
      const typed = await step(() => one.post('/device', { csrf, user_code: String(user_code) }))
      expect(typed.events).toEqual([])
      const answer = { ...hiddenFields(await typed.answer.text()), decision, 'scope:events.read': 'on' }
      const user = expect.stringMatching(/^[\w-]{22}$/)
      expect((await step(() => one.post('/device', answer))).events).toEqual([
        decision === 'allow'
          ? { type: 'consented', by: 'user', user, ...pending }
          : { type: 'declined', user, ...pending },
      ])
      made.clock.now += 5
      expect((await step(poll)).events).toEqual([
        decision === 'allow'
          ? {
              type: 'granted',
              by: 'device_code',
              request,
              user,
              ...phoneAtCalendar,
              grant: id,
              jti: expect.any(String),
              txn,
            }
          : expect.objectContaining({ type: 'refused', code: 'access_denied', delegate: 'phone' }),
      ])
    }
  },
)
